"""One turn a row, in csv, tsv, Parquet or JSON lines: rows of a conversation share an id.

dialogue_id,turn,speaker,text
d1,2,Ben,Good evening.
d1,1,Ada,Hello!

A column may give the order of the turns. The columns are known by their names (see below); without
an id column the file is one conversation. A recipe names other columns:

    shape: turns
    options: {text: Utterance_Text, speaker: Who, id: Conv, order: Nr}    # any of these

A speaker `system` is the assistant unless somebody else is. An `emotion` becomes an annotation.
Columns that stay the same through a conversation go to its `extra`, the others to `turns` there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pipeline.collect.shapes.gather import Group, gathered
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Records,
    Transcript,
    Turn,
    Unread,
    if_any,
    rest,
    system_as_assistant,
    text_of,
    turn_by,
)
from pipeline.conversation import Annotation

ABOUT = About("tables with a turn a row", ("names", "groups", "annotations"))

TEXTS = ("text", "utterance", "message", "content", "line", "transcript", "body", "sentence")
SPEAKERS = (
    "speaker",
    "author",
    "sender",
    "role",
    "from",
    "name",
    "user",
    "speaker_id",
    "speaker_idx",
    "character",
)
KEYS = (
    "dialogue_id",
    "dialog_id",
    "conversation_id",
    "conv_id",
    "convo_id",
    "chat_id",
    "thread_id",
    "scene_id",
    "group_id",
    "session_id",
    "talk",
    "dialogue",
    "conversation",
    "thread",
    "id",
)
ORDERS = (
    "turn",
    "turn_id",
    "turn_index",
    "utterance_idx",
    "utterance_id",
    "message_index",
    "index",
    "position",
    "order",
    "line_id",
    "timestamp",
    "time",
    "date",
    "created_at",
)
EMOTIONS = ("emotion", "emotions")


class Columns(NamedTuple):
    """The names of the columns, by what they hold; a recipe's options have the same names."""

    text: str
    speaker: str | None
    id: str | None
    order: str | None


def recognise(rows: list[Fields]) -> bool:
    columns = _columns(rows)
    return columns is not None and (columns.speaker is not None or columns.id is not None)


def read(
    records: Records, sample: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    first = sample[0] if sample else {}
    present = ", ".join(str(name) for name in first)
    named = {option: str(name) for option, name in options.items()}
    for option, name in named.items():
        if option not in Columns._fields:
            raise ValueError(f"unknown option {option}; `turns` knows {', '.join(Columns._fields)}")
        if name not in first:
            raise ValueError(f"options: {option}: there is no column {name!r}; there are {present}")
    columns = _columns(sample, named)
    if columns is None:
        question = "which column holds the text? Write `options: {text: ..}`"
        raise ValueError(f"{question}; there are {present or 'none'}")
    return _transcripts(records, columns)


def _transcripts(records: Records, columns: Columns) -> Iterator[tuple[int, Transcript | Unread]]:
    for group in gathered(records, columns.id, columns.order):
        if isinstance(group, tuple):
            yield group
            continue
        # A row without a text is refused by itself; the others still make a conversation.
        good: Group = []
        for number, row in group:
            text = row.get(columns.text)
            if isinstance(text, str):
                good.append((number, row))
            else:
                detail = f"{columns.text} is {text!r}, not text"
                yield number, Unread("record.unreadable", detail, row)
        if good:
            yield good[0][0], _transcript([row for _, row in good], columns)


def _transcript(rows: list[Fields], columns: Columns) -> Transcript:
    turns = [_turn(row, columns, number) for number, row in enumerate(rows)]
    record = str(rows[0][columns.id]) if columns.id else None
    emotion = _named(rows[0], EMOTIONS)
    # Without an emotion, "" leaves out a column that has no name: the row numbers of a data frame.
    further = [rest(row, *columns, emotion or "") for row in rows]
    return Transcript(
        system_as_assistant(turns),
        record=record,
        group=record,
        annotations=_annotations(rows, emotion),
        extra=_extra(further),
        merged=len(rows) - 1,
    )


def _turn(row: Fields, columns: Columns, number: int) -> Turn:
    text = text_of(row[columns.text], columns.text)
    if columns.speaker is None:
        return f"speaker {number % 2 + 1}", text, None
    name = _word(row, columns.speaker)
    if columns.speaker == "role":
        return turn_by(name, text, _word(row, "name"))
    return turn_by(name, text)


def _word(row: Fields, column: str) -> str | None:
    return str(row.get(column) or "").strip() or None


def _annotations(rows: list[Fields], column: str | None) -> tuple[Annotation, ...]:
    if column is None:
        return ()
    emotions = [str(row.get(column) or "").lower() for row in rows]
    return tuple(Annotation(emotion=emotion or None) for emotion in emotions)


def _extra(further: list[Fields]) -> Fields:
    """What the rows hold besides: fields that are the same in all rows, and the others by turn.

    {"lang": "en", "mood": "calm"}    →    {"lang": "en",
    {"lang": "en"}                          "turns": [{"mood": "calm"}, {}]}
    """
    first = further[0]
    same = {
        name: value
        for name, value in first.items()
        if all(row.get(name) == value for row in further)
    }
    return same | if_any("turns", [rest(row, *same) for row in further])


def _columns(rows: list[Fields], named: Mapping[str, str] = MappingProxyType({})) -> Columns | None:
    """The columns that the recipe names, else those known by their names.

    None when no column holds texts. A column called `id` is the id of a conversation only where
    its values come back: else every row has its own.
    """
    first = rows[0] if rows else {}
    key = _named(first, KEYS)
    if key and key.lower() == "id" and not _comes_back(rows, key):
        key = None
    text, speaker, order = (_named(first, names) for names in (TEXTS, SPEAKERS, ORDERS))
    columns = Columns(text or "", speaker, key, order)._replace(**named)
    if not isinstance(first.get(columns.text), str):
        return None
    return columns


def _comes_back(rows: list[Fields], column: str) -> bool:
    return len({str(row.get(column)) for row in rows}) < len(rows)


def _named(row: Fields, names: tuple[str, ...]) -> str | None:
    """The first of these names that the row has; `Turn-ID` and `turn id` are `turn_id`."""
    plain = {str(name).lower().replace(" ", "_").replace("-", "_"): str(name) for name in row}
    return next((plain[name] for name in names if name in plain), None)
