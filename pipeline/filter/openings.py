"""How similar the first messages of a source are. No row can show that by itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rules.opening import opening

COMMON = 10  # openings whose joint share is reported
HELD = 50_000  # different openings of one source in memory; beyond, the rarer half is forgotten
ENOUGH = 100  # rows of a source whose share says anything
# Share above which openings are too similar. Human talk: self_dialogue .08, sgd .20, casino .25,
# where people greet; Synthetic-Persona-Chat, a known fault ("Hi, I'm User 1"): .49.
SIMILAR = 0.30


@dataclass(frozen=True)
class Openings:
    """How many of a source's rows open with one of the ten commonest openings, and the commonest of
    these."""

    source: str
    rows: int
    share: float
    commonest: str
    times: int

    @property
    def too_similar(self) -> bool:
        return self.rows >= ENOUGH and self.share > SIMILAR


class OpeningTally:
    """Openings counted per source, in memory that does not grow with the rows."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._found: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, source: str, message: str, language: str | None) -> None:
        """Count the first message of a conversation."""
        self._rows[source] += 1
        found = self._found[source]
        found[opening(message, language)] += 1
        if len(found) > HELD:
            self._found[source] = Counter(dict(_commonest(found, HELD // 2)))

    def add_table(self, table: pa.Table) -> None:
        """Rows with the columns `messages`, `source` and `language`."""
        heads = pc.list_slice(table["messages"].combine_chunks(), 0, 2).to_pylist()
        sources = table["source"].to_pylist()
        languages = table["language"].to_pylist()
        for head, source, language in zip(heads, sources, languages, strict=True):
            spoken = [message["content"] for message in head if message["role"] != "system"]
            first = spoken[0] if spoken else ""
            self.add(source["name"], first, language and language["code"])

    def openings(self) -> list[Openings]:
        return [
            _openings(source, self._rows[source], found) for source, found in self._found.items()
        ]


def _openings(source: str, rows: int, found: Mapping[str, int]) -> Openings:
    commonest = _commonest(found, COMMON)
    together = sum(times for _, times in commonest)
    return Openings(source, rows, round(together / rows, 4), *commonest[0])


def _commonest(found: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:most]
