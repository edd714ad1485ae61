"""Which lines of the lists have which beginnings: what `phrases` searches with, laid out once and
kept for the next process.

    lists        refusal: i can't ~2 help · offer: i can help with
    beginnings   "i can't he" → line 0    "i can help" → line 1
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline import texts
from pipeline.rules.language.prepared import Arrays, prepared
from pipeline.rules.reading import lists

BeginningsOf = Callable[[str], Iterable[str]]  # of a line


class LaidOut(NamedTuple):
    """lines: each with its list. beginnings: all different ones. owners: the numbers of the lines
    of each, one list for all. starts: where those of each beginning start, and the end of the last.
    """

    lines: list[list[str]]
    beginnings: list[str]
    owners: list[int]
    starts: list[int]


def layout(names: Sequence[str], beginnings_of: BeginningsOf, code: Path) -> LaidOut:
    """Of all lines of some lists. code: the file that says what a line's beginnings are."""
    digest = blake2b(" ".join(names).encode(), digest_size=4).hexdigest()
    make = partial(_lay_out, names, beginnings_of)
    tables = prepared(f"phrases_{digest}", make, [code, *_made_from(names)])
    lines = [entry.split("\0") for entry in _texts(tables["lines"])]
    owners, starts = tables["owners"].tolist(), tables["starts"].tolist()
    return LaidOut(lines, _texts(tables["beginnings"]), owners, starts)


def _lay_out(names: Sequence[str], beginnings_of: BeginningsOf) -> Arrays:
    """A second's work. Texts as bytes, a line each; numbers as uint32."""
    lines = [(name, line) for name in names for line in lists.listed(name)]
    owners: dict[str, list[int]] = defaultdict(list)
    for number, (_, line) in enumerate(lines):
        for beginning in beginnings_of(line):
            owners[beginning].append(number)
    return {
        "lines": _as_bytes(map("\0".join, lines)),
        "beginnings": _as_bytes(owners),
        "owners": np.array(list(chain(*owners.values())), np.uint32),
        "starts": np.array([0, *accumulate(map(len, owners.values()))], np.uint32),
    }


def _made_from(names: Sequence[str]) -> Iterator[Path]:
    """The lists, and the code that reads them."""
    yield from map(Path, (lists.__file__, texts.__file__, __file__))
    for name in names:
        yield from (texts.place("words", f"{file}.txt") for file in texts.word_lists(name))


def _as_bytes(entries: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer("\n".join(entries).encode(), np.uint8)


def _texts(entries: np.ndarray[Any, Any]) -> list[str]:
    return entries.tobytes().decode().split("\n") if entries.size else []
