"""Switchboard (SwDA) as rows: a part of an utterance a row, by caller A or B.

conversation_no,transcript_index,act_tag,caller,utterance_index,subutterance_index,text
4325,0,sd,A,1,1,Did it run?
4325,1,sd,B,2,1,Only once /
4325,2,sd,B,2,2,in the morning.

The parts of an utterance are joined by a blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from pipeline.collect.shapes.common.gather import Group, gathered
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Records,
    Transcript,
    Turn,
    Unread,
    if_any,
    rest,
    text_of,
    unreadable,
)

ABOUT = About("Switchboard (SwDA)", ("groups",))

KEY, ORDER = "conversation_no", "transcript_index"
COLUMNS = {KEY, ORDER, "caller", "utterance_index", "text"}


def recognise(rows: list[Fields]) -> bool:
    return rows[0].keys() >= COLUMNS


def read(
    records: Records, rows: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    for group in gathered(records, KEY, ORDER):
        if isinstance(group, tuple):
            yield group
        else:
            yield group[0][0], _transcript(group)


def _transcript(group: Group) -> Transcript | Unread:
    rows = [row for _, row in group]
    record = str(rows[0][KEY])
    try:
        turns = list(_turns(rows))
    except ValueError as error:
        return unreadable(error, rows)
    further = if_any("rows", [rest(row, KEY, ORDER, "caller", "text") for row in rows])
    return Transcript(turns, record=record, group=record, extra=further, merged=len(rows) - 1)


def _turns(rows: list[Fields]) -> Iterator[Turn]:
    for _, parts in groupby(rows, key=_utterance):
        utterance = list(parts)
        texts = [text_of(row.get("text"), "text").strip() for row in utterance]
        yield str(utterance[0].get("caller")), " ".join(texts), None


def _utterance(row: Fields) -> tuple[object, object]:
    return row.get("caller"), row.get("utterance_index")
