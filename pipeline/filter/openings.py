"""One opening everywhere: how alike the conversations of a source begin. No row can tell that of itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import normalised
from pipeline.rules.privacy.find import find

WORDS = 5  # by which two conversations open alike
COMMON = 10  # openings whose joint share is told
HELD = 50_000  # different openings of one source in memory; beyond, the rarer half is forgotten
ENOUGH = 100  # rows of a source whose share says anything
# Share above which a source opens alike. Human talk: self_dialogue .08, sgd .20, casino .25, where people greet;
# Synthetic-Persona-Chat, a known fault ("Hi, I'm User 1"): .49.
ALIKE = 0.30


@dataclass(frozen=True)
class Openings:
    """How many of a source's rows open with one of the ten commonest openings, and the commonest of these."""

    source: str
    rows: int
    share: float
    commonest: str
    times: int

    @property
    def alike(self) -> bool:
        return self.rows >= ENOUGH and self.share > ALIKE


class Tally:
    """Openings counted per source, in memory that does not grow with the rows."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.found: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, source: str, said: str, language: str | None) -> None:
        """said: the first message of a conversation."""
        self.rows[source] += 1
        found = self.found[source]
        found[opening(said, language)] += 1
        if len(found) > HELD:
            self.found[source] = Counter(dict(_commonest(found, HELD // 2)))

    def add_table(self, table: pa.Table) -> None:
        """Rows with the columns `messages`, `source` and `language`."""
        firsts = pc.list_slice(table["messages"].combine_chunks(), 0, 2).to_pylist()
        for first, source, language in zip(
            firsts, table["source"].to_pylist(), table["language"].to_pylist(), strict=True
        ):
            said = next((m["content"] for m in first if m["role"] != "system"), "")
            self.add(source["name"], said, language and language["code"])

    def openings(self) -> list[Openings]:
        return [_openings(source, self.rows[source], found) for source, found in self.found.items()]


def opening(said: str, language: str | None) -> str:
    """The first words said, normalised; personal data by their kind."""
    head = said[:400]
    for kind, start, end in reversed(find(head, language)):
        head = f"{head[:start]} {kind} {head[end:]}"
    return " ".join(normalised(head).split()[:WORDS])


def _openings(source: str, rows: int, found: Mapping[str, int]) -> Openings:
    commonest = _commonest(found, COMMON)
    return Openings(source, rows, round(sum(n for _, n in commonest) / rows, 4), *commonest[0])


def _commonest(found: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:most]
