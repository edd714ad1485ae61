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
        ("gap", pa.float64()),
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
    """Which talk of which relationship a row is. number: from 1. gap: hours since the sitting
    before, None for the first."""

    relationship: str
    number: int
    gap: float | None = None


def sitting_of(row: Conversation) -> Sitting | None:
    """From the record's own `relationship`, or else from that in its `extra`: id, number, gap."""
    own = getattr(row, "relationship", None)
    if own is not None:
        return Sitting(own.id, own.number, own.gap)
    found = _extra(row).get("relationship")
    if not isinstance(found, dict) or "id" not in found or "number" not in found:
        return None
    return Sitting(str(found["id"]), int(found["number"]), found.get("gap"))


def _extra(row: Conversation) -> dict[str, object]:
    known = json.loads(row.extra) if row.extra else None
    return known if isinstance(known, dict) else {}


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
        "gap": found.gap,
        "situation": _extra(row).get("situation") or "",
        "messages": [{"role": one.role, "content": one.content} for one in row.messages],
    }
