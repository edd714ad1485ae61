"""`default`: what a trainer wants, and `sharegpt`: the same for those who want that form."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish.configs.made import ORIGIN, TURNS, Made, origin
from pipeline.publish.configs.turns import turns_of
from pipeline.recipe.publish import PublishSettings

SCHEMA = pa.schema([("id", pa.string()), ("messages", TURNS), *ORIGIN])
SAID = pa.struct([("from", pa.string()), ("value", pa.string())])
SHAREGPT = pa.schema(
    [("id", pa.string()), ("conversations", pa.list_(SAID)), ("system", pa.string()), *ORIGIN]
)
SIDES = {"user": "human", "assistant": "gpt"}


def default(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> Made:
    """Messages as {role, content}, persona and scenario in the system message."""
    (row,) = rows
    found = turns_of(row, settings)
    if found.left_out:
        return Made(left_out=found.left_out)
    published = {"id": row.id, "messages": found.messages(), **origin(row, group)}
    return Made([published], changed=found.changed)


def sharegpt(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> Made:
    """The rows of `default` as {from, value}, the system message in a column of its own."""
    (row,) = rows
    found = turns_of(row, settings)
    if found.left_out:
        return Made(left_out=found.left_out)
    said = [{"from": SIDES[turn.role], "value": turn.content} for turn in found.turns]
    published = {"id": row.id, "conversations": said, "system": found.system}
    return Made([published | origin(row, group)], changed=found.changed)
