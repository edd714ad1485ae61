"""PolyAI's conversational datasets: a response, what it answers, and the contexts before that.

{"context/1": "Tea?", "context/0": "With pleasure.", "context": "Sugar?", "response": "Please.",
 "context_author": "ada", "response_author": "ben", "thread_id": "t1"}

`context` is the last, `context/0` the one before it. The author of the response is the assistant.
Where contexts have no author, two speakers take turns. A thread is one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.collect.shapes.papers.convai import ending_with_answer
from pipeline.collect.shapes.papers.eou import ALTERNATE
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    dict_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("PolyAI's conversational datasets", ("roles", "groups"))

EARLIER = re.compile(r"context/(\d+)")
USED = ("context", "response", "thread_id")


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not record.keys() >= {"context", "response", "context/0"}:
        return False
    return isinstance(record["context"], str) and isinstance(record["response"], str)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    earlier = _earlier(fields)
    texts = [text_of(fields.get(name), name) for name in (*earlier, *USED[:2])]
    yield Transcript(
        ending_with_answer(texts),
        group=record_id(fields, "thread_id"),
        extra=rest(fields, *earlier, *USED),
        assumed=(ALTERNATE,),
    )


def _earlier(record: Fields) -> list[str]:
    """The names of the contexts before the last, the first first."""
    matches = [match for match in map(EARLIER.fullmatch, map(str, record)) if match]
    matches.sort(key=lambda match: -int(match[1]))
    return [match[0] for match in matches if record[match[0]]]
