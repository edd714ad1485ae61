"""One turn a row, in csv, tsv, Parquet or JSON lines: rows of a talk share an id, a column may give their order.

dialogue_id,turn,speaker,text
d1,2,Ben,Good evening.
d1,1,Ada,Hello!

The columns are known by their names (see below); without an id column the file is one talk. A recipe names others:

    shape: turns
    options: {text: Utterance_Text, speaker: Who, id: Conv, order: Nr}    # any of these

A speaker `system` is the assistant unless somebody else is. An `emotion` becomes a label, columns that stay the same
through a talk go to its `extra`, the others to `turns` there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pipeline.collect.shapes.gather import Rows, gathered
from pipeline.collect.shapes.talk import ROLE_WORDS, Talk, Turn, Unread, rest, text_of, with_machine
from pipeline.conversation import Annotation

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
KEYS = ("dialogue_id", "dialog_id", "conversation_id", "conv_id", "convo_id", "chat_id", "thread_id", "scene_id",
        "group_id", "session_id", "talk", "dialogue", "conversation", "thread", "id")  # fmt: skip
ORDERS = ("turn", "turn_id", "turn_index", "utterance_idx", "utterance_id", "message_index", "index", "position",
          "order", "line_id", "timestamp", "time", "date", "created_at")  # fmt: skip
EMOTIONS = ("emotion", "emotions")


class Columns(NamedTuple):
    """Which column is what."""

    text: str
    speaker: str | None
    id: str | None
    order: str | None


def recognise(rows: list[dict[str, Any]]) -> bool:
    found = _columns(rows)
    return found is not None and (found.speaker is not None or found.id is not None)


def read(
    records: Iterable[tuple[int, Any]], sample: list[dict[str, Any]], options: Mapping[str, Any]
) -> Iterator[tuple[int, Talk | Unread]]:
    there = ", ".join(str(name) for name in (sample[0] if sample else ()))
    for option, name in options.items():
        if option not in Columns._fields:
            raise ValueError(f"unknown option {option}; `turns` knows {', '.join(Columns._fields)}")
        if not sample or name not in sample[0]:
            raise ValueError(f"options: {option}: there is no column {name!r}; there are {there}")
    columns = _columns(sample, options)
    if columns is None:
        raise ValueError(
            f"which column holds the text? Say `options: {{text: ..}}`; there are {there or 'none'}"
        )
    return _talks(records, columns)


def _talks(
    records: Iterable[tuple[int, Any]], columns: Columns
) -> Iterator[tuple[int, Talk | Unread]]:
    for group in gathered(records, columns.id, columns.order):
        if isinstance(group, tuple):
            yield group
            continue
        good: Rows = []
        for number, row in group:
            said = row.get(columns.text)
            if isinstance(said, str):
                good.append((number, row))
            else:
                yield number, Unread(f"{columns.text} is {said!r}, not text", row)
        if good:
            yield good[0][0], _talk([row for _, row in good], columns)


def _talk(rows: list[dict[str, Any]], columns: Columns) -> Talk:
    turns = with_machine([_turn(row, columns, n) for n, row in enumerate(rows)])
    emotion = _named(rows[0], EMOTIONS)
    annotations = (
        tuple(Annotation(emotion=str(row.get(emotion) or "").lower() or None) for row in rows)
        if emotion
        else ()
    )
    known = [rest(row, *filter(None, columns), emotion or "") for row in rows]
    extra = {
        name: value
        for name, value in known[0].items()
        if all(row.get(name) == value for row in known)
    }
    others = [rest(row, *extra) for row in known]
    record = str(rows[0][columns.id]) if columns.id else None
    extra |= {"turns": others} if any(others) else {}
    return Talk(
        turns,
        record=record,
        group=record,
        annotations=annotations,
        extra=extra,
        merged=len(rows) - 1,
    )


def _turn(row: dict[str, Any], columns: Columns, number: int) -> Turn:
    name = (
        str(row.get(columns.speaker) or "").strip()
        if columns.speaker
        else f"speaker {number % 2 + 1}"
    )
    role = ROLE_WORDS.get(name.lower())
    own = str(row.get("name") or "").strip() if columns.speaker == "role" else ""
    return (
        own or (None if role or not name else name),
        text_of(row[columns.text], columns.text),
        role,
    )


def _columns(
    rows: list[dict[str, Any]], named: Mapping[str, Any] = MappingProxyType({})
) -> Columns | None:
    """Those that the recipe names, else those known by their names; None when no column holds texts.

    A column called `id` counts only where its values come back.
    """
    first = rows[0] if rows else {}
    key = _named(first, KEYS)
    if key and key.lower() == "id":
        values = [str(row.get(key)) for row in rows]
        key = key if len(set(values)) < len(values) else None
    text = _named(first, TEXTS)
    found = Columns(text or "", _named(first, SPEAKERS), key, _named(first, ORDERS))._replace(
        **named
    )
    return found if isinstance(first.get(found.text), str) else None


def _named(row: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these names that the row has, small and capital letters, blanks and dashes being the same."""
    plain = {str(name).lower().replace(" ", "_").replace("-", "_"): str(name) for name in row}
    return next((plain[name] for name in names if name in plain), None)
