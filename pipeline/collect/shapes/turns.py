"""One turn a row, in csv, tsv, Parquet or JSON lines: rows of a talk share an id, a column may give their order.

dialogue_id,turn,speaker,text
d1,2,Ben,Good evening.
d1,1,Ada,Hello!

The columns are known by their names (see below); without an id column the file is one talk. An `emotion` becomes a
label, columns that stay the same through a talk go to its `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.collect.shapes.gather import Rows, gathered
from pipeline.collect.shapes.talk import ROLE_WORDS, Talk, Turn, Unread, rest, text_of
from pipeline.conversation import Label

TEXTS = ("text", "utterance", "message", "content", "line", "transcript", "body", "sentence")
SPEAKERS = ("speaker", "author", "sender", "role", "from", "name", "user", "speaker_id", "speaker_idx", "character")
KEYS = ("dialogue_id", "dialog_id", "conversation_id", "conv_id", "convo_id", "chat_id", "thread_id", "scene_id",
        "group_id", "session_id", "talk", "dialogue", "conversation", "thread", "id")  # fmt: skip
ORDERS = ("turn", "turn_id", "turn_index", "utterance_idx", "utterance_id", "message_index", "index", "position",
          "order", "line_id", "timestamp", "time", "date", "created_at")  # fmt: skip
EMOTIONS = ("emotion", "emotions")


def recognise(rows: list[dict[str, Any]]) -> bool:
    text, speaker, key, _ = _columns(rows)
    return text is not None and (speaker is not None or key is not None)


def read(records: Iterable[tuple[int, Any]], sample: list[dict[str, Any]]) -> Iterator[tuple[int, Talk | Unread]]:
    text, speaker, key, order = _columns(sample)
    for group in gathered(records, key, order):
        if isinstance(group, tuple):
            yield group
            continue
        good: Rows = []
        for number, row in group:
            if isinstance(row.get(text or ""), str):
                good.append((number, row))
            else:
                yield number, Unread(f"{text} is {row.get(text or '')!r}, not text", row)
        if good:
            yield good[0][0], _talk([row for _, row in good], str(text), speaker, key, order)


def _talk(rows: list[dict[str, Any]], text: str, speaker: str | None, key: str | None, order: str | None) -> Talk:
    turns = [_turn(row, text, speaker, n) for n, row in enumerate(rows)]
    emotion = _named(rows[0], EMOTIONS)
    labels = tuple(Label(emotion=str(row[emotion]).lower() or None) for row in rows) if emotion else ()
    same = {name: value for name, value in rows[0].items() if all(row.get(name) == value for row in rows)}
    record = str(rows[0][key]) if key else None
    extra = rest(same, text, *filter(None, (speaker, key, order, emotion)))
    return Talk(turns, record=record, group=record, labels=labels, extra=extra, merged=len(rows) - 1)


def _turn(row: dict[str, Any], text: str, speaker: str | None, number: int) -> Turn:
    name = str(row.get(speaker) or "").strip() if speaker else f"speaker {number % 2 + 1}"
    role = "assistant" if name.lower() == "system" else ROLE_WORDS.get(name.lower())
    return None if role or not name else name, text_of(row[text], text), role


def _columns(rows: list[dict[str, Any]]) -> tuple[str | None, str | None, str | None, str | None]:
    """The columns (text, speaker, id, order). A column called `id` counts only where its values come back."""
    first = rows[0]
    key = _named(first, KEYS)
    if key and key.lower() == "id":
        values = [str(row.get(key)) for row in rows]
        key = key if len(set(values)) < len(values) else None
    order = _named(first, ORDERS)
    text = _named(first, TEXTS)
    return text if text and isinstance(first[text], str) else None, _named(first, SPEAKERS), key, order


def _named(row: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these names that the row has, small and capital letters, blanks and dashes being the same."""
    plain = {str(name).lower().replace(" ", "_").replace("-", "_"): str(name) for name in row}
    return next((plain[name] for name in names if name in plain), None)
