"""EmpatheticDialogues: a turn a row, with the feeling and the situation of the one who begins.

conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags
hit:0_conv:1,1,joyful,Ada came_comma_ at last.,1,She is here_comma_ look!,5|5|5_2|2|5,
hit:0_conv:1,2,joyful,Ada came_comma_ at last.,0,Since when?,5|5|5_2|2|5,

`_comma_` is a comma. The listener is the assistant. A `hit` is one group: the same two people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from pipeline.conversation import Role

ABOUT = About("EmpatheticDialogues", ("roles", "groups"))

KEY, ORDER = "conv_id", "utterance_idx"
COLUMNS = {KEY, ORDER, "context", "prompt", "speaker_idx", "utterance"}
COMMA = "_comma_"


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
    first = rows[0]
    try:
        turns = [_turn(row, first) for row in rows]
    except ValueError as error:
        return unreadable(error, rows)
    record = str(first[KEY])
    further = [rest(row, *COLUMNS) for row in rows]
    about = {
        "emotion": first.get("context"),
        "situation": _with_commas(str(first.get("prompt") or "")),
    }
    return Transcript(
        turns,
        record=record,
        group=record.partition("_conv")[0],
        extra=about | if_any("turns", further),
        merged=len(rows) - 1,
    )


def _turn(row: Fields, first: Fields) -> Turn:
    role: Role = "assistant"
    if row.get("speaker_idx") == first.get("speaker_idx"):
        role = "user"
    return None, _with_commas(text_of(row.get("utterance"), "utterance")), role


def _with_commas(text: str) -> str:
    return text.replace(COMMA, ",")
