"""The Ubuntu dialogue corpus as rows: a dialogue is a file of a folder.

folder,dialogueID,date,from,to,text
3,1.tsv,2008-04-23T14:50:00.000Z,ada,,Sound is gone
3,1.tsv,2008-04-23T14:51:00.000Z,ben,ada,Which card ?
4,1.tsv,2008-04-23T14:50:00.000Z,cy,,Any editor ?

`1.tsv` of another folder is another dialogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.collect.shapes.common.gather import Group, gathered
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Records,
    Transcript,
    Unread,
    if_any,
    rest,
    text_of,
    unreadable,
)

ABOUT = About("the Ubuntu dialogue corpus as rows", ("names", "groups"))

COLUMNS = {"folder", "dialogueID", "date", "from", "text"}
KEY = "folder and dialogueID"


def recognise(rows: list[Fields]) -> bool:
    return rows[0].keys() >= COLUMNS


def read(
    records: Records, rows: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    for group in gathered(_with_key(records), KEY, "date"):
        if isinstance(group, tuple):
            yield group
        else:
            yield group[0][0], _transcript(group)


def _with_key(records: Records) -> Records:
    for number, row in records:
        if isinstance(row, dict) and row.get("dialogueID"):
            row = row | {KEY: f"{row.get('folder')}/{row['dialogueID']}"}
        yield number, row


def _transcript(group: Group) -> Transcript | Unread:
    rows = [row for _, row in group]
    record = str(rows[0][KEY])
    try:
        turns = [
            (text_of(row.get("from"), "from"), text_of(row.get("text"), "text"), None)
            for row in rows
        ]
    except ValueError as error:
        return unreadable(error, rows)
    further = if_any("turns", [rest(row, KEY, *(COLUMNS - {"date"})) for row in rows])
    return Transcript([*turns], record=record, group=record, extra=further, merged=len(rows) - 1)
