"""Decontamination: rows that share a run of words with a benchmark that the recipe names.

    benchmark   "… she came to the old mill by the river and stayed there until dark …"
    row         "Then she came to the old mill by the river and stayed there until dark."   dropped

A run is 13 words (Brown et al. 2020, arXiv 2005.14165), without regard to case and punctuation; a
text of a benchmark of fewer words is a run as a whole, from 8 on. In writing without blanks every
letter is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.conversation import Conversation, Finding, normalised
from pipeline.rules.privacy.row_texts import published_texts
from pipeline.rules.reading.lists import UNSPACED

RUN = 13  # words
SHORTEST = 8  # words of a whole text
OVERLAP = "publish.benchmark"
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")


@dataclass
class KnownRuns:
    """Runs of words of benchmarks, by how many words they have: run → the file it is from."""

    of: dict[int, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, texts: Mapping[str, Iterable[str]]) -> KnownRuns:
        """texts: of each file."""
        found = cls()
        for file, several in texts.items():
            for text in several:
                found._add(file, words_of_text(text))
        return found

    def _add(self, file: str, words: list[str]) -> None:
        length = min(RUN, len(words))
        if length >= SHORTEST:
            runs = self.of.setdefault(length, {})
            runs |= dict.fromkeys(_runs(words, length), file)

    def overlap(self, row: Conversation) -> Iterator[Finding]:
        """A reason to drop a row that has one of the runs; evidence: the file and the run."""
        shared = next(self._shared(row), None) if self.of else None
        if shared:
            yield Finding("publish", OVERLAP, 1, 0, evidence=shared, decision="drop")

    def _shared(self, row: Conversation) -> Iterator[str]:
        for text in published_texts(row):
            words = words_of_text(text)
            for length, known in self.of.items():
                for run in filter(known.__contains__, _runs(words, length)):
                    yield f"{known[run]}: {run}"


def words_of_text(text: str) -> list[str]:
    return _WORD.findall(normalised(text))


def _runs(words: list[str], length: int) -> Iterator[str]:
    """Every run of so many words."""
    for start in range(len(words) - length + 1):
        yield " ".join(words[start : start + length])
