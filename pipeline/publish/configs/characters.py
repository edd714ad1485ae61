"""`characters`: every character once, as a V2 card, and `realm`: every character of generated talks
with all of them, in the schema of gpt_roleplay_realm."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipeline.conversation import Conversation, identity
from pipeline.formats import cards, realm
from pipeline.formats.cards import Character
from pipeline.publish.configs.made import ORIGIN, TURNS, MadeRows, origin
from pipeline.publish.listing import character
from pipeline.recipe.publish import PublishSettings

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("description", pa.string()),
        ("card", pa.string()),  # JSON, V2
        *ORIGIN,
    ]
)
DIALOGUE = pa.struct([("chat", TURNS), ("model_name", pa.string()), ("topic", pa.string())])
REALM = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("context", pa.string()),
        ("greeting", pa.string()),
        ("example_dialogue", TURNS),
        ("topics", pa.list_(pa.string())),
        ("dialogues", pa.list_(DIALOGUE)),
        *ORIGIN,
    ]
)
NO_CHARACTER = "no character with a name and a description"
UNREADABLE = "a card that cannot be read"
NOT_GENERATED = "no generated talk with a card"


def character_of(row: Conversation) -> str | None:
    """Names the character that a card can be made of; None where there is none."""
    who = row.persona
    described = who and who.name and (who.description or who.card)
    found = character(row) if described else None
    return found.hex() if found else None


def characters(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """The card of a character. rows: the first that has it."""
    row, key = rows[0], character_of(rows[0])
    who = row.persona
    if key is None or who is None or who.name is None:
        return MadeRows(left_out=NO_CHARACTER)
    try:
        card = cards.to_json(_character(row))
    except ValueError:
        return MadeRows(left_out=UNREADABLE)
    published = {"name": who.name, "description": who.description or "", "card": card}
    return MadeRows([{"id": identity("character", key), **published, **origin(row, group)}])


def _character(row: Conversation) -> Character:
    """From its own card, or from what the row says of it."""
    who = row.persona
    assert who
    if who.card:
        return cards.from_json(who.card)
    about = who.description or ""
    return Character(who.name or "", about, greeting=who.greeting, scenario=who.scenario)


def talks_of(row: Conversation) -> str | None:
    """Names the character of a generated talk; None of any other row."""
    generated = row.source.kind == "generated" and row.persona and row.persona.card
    return character_of(row) if generated else None


def realm_record(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """A character with all its talks."""
    key = talks_of(rows[0])
    if key is None:
        return MadeRows(left_out=NOT_GENERATED)
    record = realm.record(rows)
    return MadeRows([{"id": identity("realm", key), **record, **origin(rows[0], group)}])
