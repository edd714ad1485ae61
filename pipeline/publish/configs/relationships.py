"""`relationships`: the sittings of one pair of character and user, in their order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish.configs.made import ORIGIN, TURNS, UNKNOWN, Made, PublishedRow, origin
from pipeline.recipe.publish import PublishSettings

SITTING = pa.struct(
    [
        ("id", pa.string()),
        ("number", pa.int64()),
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


class Sitting(NamedTuple):
    """Which talk of which relationship a row is. number: from 1."""

    relationship: str
    number: int


def sitting_of(row: Conversation) -> Sitting | None:
    """From `relationship` in the row's `extra`: {"id": …, "number": …}."""
    if not row.extra or '"relationship"' not in row.extra:
        return None
    known = json.loads(row.extra)
    found = known.get("relationship") if isinstance(known, dict) else None
    if not isinstance(found, dict) or "id" not in found or "number" not in found:
        return None
    return Sitting(str(found["id"]), int(found["number"]))


def relationship_of(row: Conversation) -> str | None:
    """Names the relationship of a row; None where it is of none."""
    found = sitting_of(row)
    return found.relationship if found else None


def relationship(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> Made:
    """The whole chain of sittings."""
    key = relationship_of(rows[0])
    if key is None:
        return Made(left_out=NONE)
    sittings = sorted(map(_sitting, rows), key=lambda one: one["number"])
    character, user = rows[0].persona, rows[0].user_persona
    names = {
        "character": (character and character.name) or UNKNOWN,
        "user": (user and user.name) or UNKNOWN,
    }
    return Made([{"id": key, **names, "sittings": sittings, **origin(rows[0], group)}])


def _sitting(row: Conversation) -> PublishedRow:
    found = sitting_of(row)
    assert found
    return {
        "id": row.id,
        "number": found.number,
        "situation": json.loads(row.extra or "{}").get("situation") or "",
        "messages": [{"role": one.role, "content": one.content} for one in row.messages],
    }
