"""`relationships`: the sittings of one pair of character and user, in their order."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish.configs.made import ORIGIN, TURNS, UNKNOWN, MadeRows, PublishedRow, origin
from pipeline.recipe.publish import PublishSettings

SITTING = pa.struct(
    [
        ("id", pa.string()),
        ("number", pa.int64()),
        ("gap", pa.float64()),  # hours since the one before; null of the first
        ("situation", pa.string()),
        ("messages", TURNS),
    ]
)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("character", pa.string()),
        ("user", pa.string()),
        ("sittings", pa.list_(SITTING)),
        *ORIGIN,
    ]
)
NONE = "no sitting of a relationship"


def relationship_of(row: Conversation) -> str | None:
    """Names the relationship of a row; None where it is of none."""
    return row.relationship.id if row.relationship else None


def relationship(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """The whole chain of sittings."""
    key = relationship_of(rows[0])
    if key is None:
        return MadeRows(left_out=NONE)
    sittings = sorted(map(_sitting, rows), key=lambda one: one["number"])
    character, user = rows[0].persona, rows[0].user_persona
    names = {
        "character": (character and character.name) or UNKNOWN,
        "user": (user and user.name) or UNKNOWN,
    }
    return MadeRows([{"id": key, **names, "sittings": sittings, **origin(rows[0], group)}])


def _sitting(row: Conversation) -> PublishedRow:
    known = row.relationship
    assert known
    return {
        "id": row.id,
        "number": known.number,
        "gap": known.gap,
        "situation": json.loads(row.extra or "{}").get("situation") or "",
        "messages": [{"role": one.role, "content": one.content} for one in row.messages],
    }
