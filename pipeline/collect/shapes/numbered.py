"""One turn a numbered column, in whatever order the columns stand: crowd-work results as in the self-dialogue corpus.

"AssignmentId","Answer.sentence1","Answer.sentence10","Answer.sentence2"
"33PPUN","Have you seen it?","So was I.","I have, it was lovely."

Two speakers take turns; empty columns are nothing said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pipeline.collect.shapes.talk import Talk, dict_of, id_field, record_id, rest, text_of

NUMBERED = re.compile(r"(.*?(?:sentence|turn|utterance|message|line|text)[ _.-]?)(\d+)$", re.I)
IDS = ("id", "AssignmentId", "conversation_id", "dialogue_id")


def recognise(record: Any) -> bool:
    return isinstance(record, dict) and len(_columns(tuple(record))) > 1


def read(record: Any) -> Iterator[Talk]:
    columns = _columns(tuple(dict_of(record, "the record")))
    said = [text_of(record[name] or "", name).strip() for name in columns]
    turns = [(f"speaker {n % 2 + 1}", text, None) for n, text in enumerate(said) if text]
    yield Talk(
        list(turns),
        record=record_id(record, *IDS),
        extra=rest(record, *columns, id_field(record, *IDS)),
    )


@lru_cache(maxsize=64)
def _columns(names: tuple[Any, ...]) -> list[str]:
    """The columns of the largest numbered family, in the order of their numbers."""
    matches = [m for m in (NUMBERED.match(str(name)) for name in names) if m]
    family = Counter(m[1] for m in matches).most_common(1)
    chosen = [m for m in matches if family and m[1] == family[0][0]]
    return [m[0] for m in sorted(chosen, key=lambda m: int(m[2]))]
