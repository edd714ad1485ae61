"""`default`: what a trainer wants, and `sharegpt`: the same for those who want that form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish.configs.made import ORIGIN, TURNS, MadeRows, PublishedRow, origin
from pipeline.publish.configs.turns import TrainerTurns, turns_of
from pipeline.publish.configs.windows import NOTHING_FITS, windows
from pipeline.recipe.publish import PublishSettings

SCHEMA = pa.schema([("id", pa.string()), ("messages", TURNS), *ORIGIN])
SAID = pa.struct([("from", pa.string()), ("value", pa.string())])
SHAREGPT = pa.schema(
    [("id", pa.string()), ("conversations", pa.list_(SAID)), ("system", pa.string()), *ORIGIN]
)
MessageColumns = Callable[[TrainerTurns], PublishedRow]
SIDES = {"user": "human", "assistant": "gpt"}


def default(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """Messages as {role, content}, persona and scenario in the system message."""
    (row,) = rows
    return published(row, group, settings, lambda turns: {"messages": turns.messages()})


def sharegpt(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """The rows of `default` as {from, value}, the system message in a column of its own."""
    (row,) = rows
    return published(row, group, settings, _as_sharegpt)


def _as_sharegpt(turns: TrainerTurns) -> PublishedRow:
    messages = turns.messages()
    system = messages.pop(0)["content"] if messages[0]["role"] == "system" else ""
    said = [{"from": SIDES[one["role"]], "value": one["content"]} for one in messages]
    return {"conversations": said, "system": system}


def published(
    row: Conversation, group: str, settings: PublishSettings, columns: MessageColumns
) -> MadeRows:
    """A row for each window of a conversation. columns: makes those of its messages."""
    found = turns_of(row, settings)
    if found.left_out:
        return MadeRows(left_out=found.left_out)
    made = windows(found, settings)
    if not made:
        return MadeRows(left_out=NOTHING_FITS)
    about, several = origin(row, group), []
    for number, window in enumerate(made):
        name = f"{row.id}-{number}" if len(made) > 1 else row.id
        several.append({"id": name, **columns(window.turns), **about})
    return MadeRows(several, changed=found.changed, tokens=[window.tokens for window in made])
