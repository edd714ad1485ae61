"""Which answer fits: Douban, E-commerce and Ubuntu V1 as text, parted by tabs.

1<TAB>Sound is gone<TAB>Which card ?<TAB>An old one .
0<TAB>Sound is gone<TAB>Which card ?<TAB>It rains .

A line has a label, the texts of two speakers who take turns, and last an answer. With label 0 the
answer does not fit, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.papers.cdial import joined
from pipeline.collect.shapes.papers.eou import ALTERNATE
from pipeline.collect.shapes.transcript import About, Place, Transcript, Unread, alternating

ABOUT = About("Douban, E-commerce and Ubuntu V1: which answer fits")

FEWEST = 3  # cells: a label, a text and its answer


def recognise(head: list[str]) -> bool:
    rows = [line.strip("\r\n").split("\t") for line in head if line.strip()]
    return bool(rows) and all(len(row) >= FEWEST and row[0] in ("0", "1") for row in rows)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    for number, line in enumerate(lines, 1):
        label, *texts = line.strip("\r\n").split("\t")
        if label not in ("0", "1") or len(texts) < FEWEST - 1:
            if line.strip():
                yield Unread("record.unreadable", "no label 0 or 1, texts and an answer", line)
            continue
        left_out: dict[str, int] = {}
        if label == "0":
            texts.pop()
            left_out = {"answer that does not fit": 1}
        turns = alternating(joined(text.strip()) for text in texts)
        group = f"{place.path}/{number}"
        yield Transcript(turns, group=group, assumed=(ALTERNATE,), left_out=left_out)
