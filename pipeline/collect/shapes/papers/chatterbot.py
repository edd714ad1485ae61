"""chatterbot corpus: one YAML document of a topic with many short exchanges.

categories: [greetings]
conversations:
- - Hello
  - Good evening
  - How are you?

Every list is a conversation of two speakers who take turns. An entry that is not a list cannot be
read and is one row of the quarantine. A record with an id of its own is one conversation: pairs in
it may be a message and its answer, so it is not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.general import listed
from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    Unclear,
    Unread,
    dict_of,
    list_of,
    rest,
    unreadable,
)

ABOUT = About("the chatterbot corpus")


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    entries = record.get("conversations")
    return isinstance(entries, list) and any(map(_is_exchange, entries))


def _is_exchange(entry: object) -> bool:
    return isinstance(entry, list) and bool(entry) and isinstance(entry[0], str)


def read(record: object) -> Iterator[Transcript | Unread]:
    fields = dict_of(record, "the record")
    own_id = known.id_of(fields)
    if own_id and "categories" not in fields:
        raise Unclear(f"`conversations` of one `{own_id}` are lists: of one conversation or many?")
    extra = rest(fields, "conversations")
    for entry in list_of(fields.get("conversations"), "conversations"):
        try:
            texts = list_of(entry, "an entry of conversations")
            turns, assumed = listed.turns(texts)
            yield Transcript(turns, extra=extra, assumed=assumed)
        except ValueError as error:
            yield unreadable(error, entry)
