"""Reddit's submissions in a file beside that of the comments: the first posts of the threads.

ferries_comments.jsonl  ↔  ferries_submissions.jsonl        RC_2024-04.zst  ↔  RS_2024-04.zst
"""

from __future__ import annotations

import io
import re

import orjson

from pipeline.collect.shapes.transcript import Fields, Place
from pipeline.collect.unpack import BROKEN, unpacked

NAMES = (
    (re.compile(r"comments(?=[^/]*$)"), "submissions"),
    (re.compile(r"comments(?=[^/]*$)"), "posts"),
    (re.compile(r"^RC_(?=[^/]*$)"), "RS_"),
)


def submissions_beside(place: Place) -> dict[str, Fields]:
    """Thread → its first post; empty where no such file is."""
    name = place.path.rpartition("/")[2]
    for pattern, other in NAMES:
        data = place.beside(pattern.sub(other, name)) if pattern.search(name) else None
        if data:
            return _submissions(data)
    return {}


def _submissions(data: bytes) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    try:
        for line in unpacked(io.BytesIO(data)):
            row = _object(line)
            if row and row.get("id"):
                found[f"t3_{row['id']}"] = row | {" thread": f"t3_{row['id']}"}
    except (*BROKEN, OSError):  # that file is reported when it is read itself
        pass
    return found


def _object(line: bytes) -> Fields | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None
