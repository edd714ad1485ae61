"""One turn a numbered column, as in the crowd-work results of the self-dialogue corpus.

"AssignmentId","Answer.sentence1","Answer.sentence10","Answer.sentence2"
"33PPUN","Have you seen it?","So was I.","I have, it was lovely."

The numbers give the order, not the place of the columns. Two speakers take turns; an empty column
is not a turn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    alternating,
    dict_of,
    id_field,
    record_id,
    rest,
    text_of,
)

ABOUT = About("a turn a numbered column")

NUMBERED = re.compile(r"(.*?(?:sentence|turn|utterance|message|line|text)[ _.-]?)(\d+)$", re.I)
IDS = ("id", "AssignmentId", "conversation_id", "dialogue_id")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and len(_columns(tuple(record))) > 1


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    columns = _columns(tuple(fields))
    texts = [text_of(fields[name] or "", name).strip() for name in columns]
    turns = [turn for turn in alternating(texts) if turn[1]]
    extra = rest(fields, *columns, id_field(fields, *IDS))
    yield Transcript(turns, record=record_id(fields, *IDS), extra=extra)


@lru_cache(maxsize=64)
def _columns(names: tuple[object, ...]) -> list[str]:
    """The columns of the largest numbered family, in the order of their numbers."""
    matches = [match for match in (NUMBERED.match(str(name)) for name in names) if match]
    if not matches:
        return []
    [(family, _)] = Counter(match[1] for match in matches).most_common(1)
    chosen = [match for match in matches if match[1] == family]
    chosen.sort(key=lambda match: int(match[2]))
    return [match[0] for match in chosen]
