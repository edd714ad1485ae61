"""What choosing must know of a row: who it is by, how it was rated, and what it has in common with
others. Little enough to hold for all rows at once."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA, Conversation, normalised
from pipeline.pacing import STAGES
from pipeline.publish.cut import value_of
from pipeline.rules.opening import opening
from pipeline.store.columns import SCHEMA, from_table

# of a part, what is read for it; of its messages no more than the first two
COLUMNS = ["id", "messages", "source", "persona", "language", "measures", "annotations", "scores"]
DIGEST = 16  # bytes
LISTED = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("stage", pa.string()),
        ("scores", pa.struct([(name, pa.float64()) for name in CRITERIA])),
        ("measures", SCHEMA.field("measures").type),
        ("character", pa.binary(DIGEST)),
        ("opening", pa.binary(DIGEST)),
        ("cluster", pa.string()),  # unknown until `clusters.with_clusters`
    ]
)


def listed(table: pa.Table) -> pa.Table:
    """`LISTED` of every row of a part, given its `COLUMNS`."""
    heads = pc.list_slice(table["messages"].combine_chunks(), 0, 2)
    place = table.schema.get_field_index("messages")
    rows = list(from_table(table.set_column(place, "messages", heads).drop_columns("measures")))
    columns = {
        "id": table["id"],
        "source": [row.source.name for row in rows],
        "stage": list(map(stage, rows)),
        "scores": [{name: value_of(row, name) for name in CRITERIA} for row in rows],
        "measures": table["measures"],
        "character": list(map(character, rows)),
        "opening": list(map(first_words, rows)),
        "cluster": pa.nulls(len(rows), pa.string()),
    }
    return pa.table(columns, schema=LISTED)


def stage(row: Conversation) -> str | None:
    """The highest stage of closeness that it reaches; None where none is known."""
    reached = {annotation.stage for annotation in row.annotations}
    return max(reached.intersection(STAGES), key=STAGES.index, default=None)


def character(row: Conversation) -> bytes | None:
    """Names the character: by its description, else by its card, else by its name in its source;
    None where there is nothing of it."""
    who = row.persona
    if who is None:
        return None
    name = normalised(who.name or "")
    about = normalised(who.description or "")
    if about:
        return _digest("description", name, about)
    if who.card:
        return _digest("card", who.card)
    return _digest("name", row.source.name, name) if name else None


def first_words(row: Conversation) -> bytes | None:
    """Names how it opens; None where its first message has no words."""
    code = row.language.code if row.language else None
    for message in row.messages:
        if message.role != "system":
            words = opening(message.content, code)
            return _digest(words) if words else None
    return None


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=DIGEST).digest()
