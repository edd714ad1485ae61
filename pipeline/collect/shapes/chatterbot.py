"""chatterbot corpus: one YAML document of a topic with many short exchanges.

categories: [greetings]
conversations:
- - Hello
  - Good evening
  - How are you?

Every list is a talk of two speakers who take turns. An entry that is no list is one unreadable row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.listed import alternating
from pipeline.collect.shapes.talk import Talk, Unread, dict_of, list_of, rest


def recognise(record: Any) -> bool:
    talks = record.get("conversations") if isinstance(record, dict) else None
    return isinstance(talks, list) and any(
        isinstance(t, list) and t and isinstance(t[0], str) for t in talks
    )


def read(record: Any) -> Iterator[Talk | Unread]:
    extra = rest(dict_of(record, "the record"), "conversations")
    for talk in list_of(record.get("conversations"), "conversations"):
        try:
            yield Talk(alternating(list_of(talk, "an entry of conversations")), extra=extra)
        except ValueError as error:
            yield Unread(str(error), talk)
