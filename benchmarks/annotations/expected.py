"""What the shipped heads say of 200 lines of ours: heads made elsewhere must say the same.

    .venv/bin/python -m benchmarks.annotations.expected           compares; run by `make models`
    .venv/bin/python -m benchmarks.annotations.expected --write   after a wanted change

One machine and one thread make the same bytes again. Another machine adds in another order, and
the last digits differ: so emotions are compared as they are named, closeness to two digits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.annotations import texts
from pipeline.annotate import annotate

FILE = Path(__file__).with_name("expected.tsv")
OF_EACH = 20  # lines of each of ten languages
NEAR = 0.015  # in closeness


class Expected(NamedTuple):
    """What is said of a line of `test-<language>.tsv`, by its number from 0."""

    language: str
    number: int
    closeness: float
    emotion: str


def found() -> list[Expected]:
    """By the shipped heads."""
    rows = []
    for language in texts.LANGUAGES:
        lines = [line.text for line in texts.ours("test", language)[:OF_EACH]]
        said = annotate(lines, [language] * len(lines))
        for number, emotion in enumerate(said.emotions):
            closeness = round(float(said.closeness[number]), 2)
            rows.append(Expected(language, number, closeness, emotion or "-"))
    return rows


def expected() -> list[Expected]:
    """As it was written."""
    rows = [line.split("\t") for line in FILE.read_text("utf-8").splitlines()]
    return [Expected(one, int(number), float(close), said) for one, number, close, said in rows]


def differences() -> Iterator[str]:
    """The lines of which something else is said."""
    for one, other in zip(expected(), found(), strict=True):
        near = abs(one.closeness - other.closeness) <= NEAR
        if one[:2] != other[:2] or one.emotion != other.emotion or not near:
            yield f"{one} is now {other}"


def main() -> None:
    if "--write" in sys.argv[1:]:
        lines = ["\t".join(map(str, one)) + "\n" for one in found()]
        FILE.write_text("".join(lines), "utf-8")
        return
    wrong = list(differences())
    print("\n".join([*wrong, f"{len(wrong)} of {len(expected())} lines differ"]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
