"""Conversations with planted near-duplicates, and the exact truth about them. Needs no data but
this file.

    python benchmarks/corpus.py 200000 build/bench/200k

writes `kept/part-*.parquet` (our schema, 10,000 rows each), `text.parquet` (id, text: for tools
that want one string) and `truth.npz` (every pair with Jaccard >= .5 of 5-word shingles, found by an
exact join of the words themselves).

Words follow Zipf's law over 30,000 made-up ones; 40 % of the turns come from a stock that everybody
uses. One row in eight has copies, with 0 to 12 words replaced, deleted or inserted, a turn dropped
or added, or nothing but case and punctuation changed.
"""

from __future__ import annotations

import itertools
import re
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numba import njit

from pipeline.conversation import Conversation, Message, Source, identity
from pipeline.store.columns import to_table
from pipeline.store.files import HashedFile
from pipeline.store.parquet import open_parquet

PART = 10_000
MEAN_WORDS = 170  # aimed at; the last turn overshoots


class Writer:
    """Draws words, turns and conversations from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        syllables = [
            a + b + c for a in "bcdfghklmnprstvwz" for b in "aeiou" for c in ("", "n", "s")
        ]
        made = (
            "".join(p)
            for p in itertools.chain(
                itertools.product(syllables, repeat=1), itertools.product(syllables, repeat=2)
            )
        )
        self.words = np.array(list(itertools.islice(made, 30_000)), object)
        weights = 1 / (np.arange(len(self.words)) + 2.7)
        self.sums = np.cumsum(weights / weights.sum())
        self.drawn = np.empty(0, np.int64)
        self.stock = [self.turn(int(n)) for n in self.chance.integers(3, 12, 20_000)]

    def draw(self, count: int) -> np.ndarray:
        if len(self.drawn) < count:
            self.drawn = np.minimum(
                np.searchsorted(self.sums, self.chance.random(1_000_000)), len(self.words) - 1
            )
        taken, self.drawn = self.drawn[:count], self.drawn[count:]
        return self.words[taken]

    def turn(self, words: int) -> str:
        text = " ".join(self.draw(words))
        mark = (". ", "? ", "! ", "… ", ", it’s ")[int(self.chance.integers(5))]
        return text[0].upper() + text[1 : words * 3] + mark + text[words * 3 :] + "."

    def conversation(self) -> list[str]:
        target, turns, words = max(30, int(self.chance.normal(MEAN_WORDS, 70))), [], 0
        while words < target:
            turn = (
                self.stock[int(self.chance.integers(len(self.stock)))]
                if self.chance.random() < 0.4
                else self.turn(int(self.chance.integers(4, 40)))
            )
            turns.append(turn)
            words += turn.count(" ") + 1
        return turns

    def copy(self, turns: list[str]) -> list[str]:
        """A near copy: some words edited, sometimes a turn less or more, sometimes only other case
        and punctuation."""
        kind, turns = self.chance.random(), list(turns)
        if kind < 0.1:
            return turns
        if kind < 0.2:
            return [
                t.upper() if self.chance.random() < 0.2 else t.replace(",", "").replace("!", ".")
                for t in turns
            ]
        if kind < 0.3 and len(turns) > 4:
            del turns[int(self.chance.integers(len(turns)))]
        elif kind < 0.4:
            turns.append(self.turn(12))
        split = [t.split() for t in turns]
        for new in self.draw(int(self.chance.integers(0, 13))):
            words = split[int(self.chance.integers(len(split)))]
            at, edit = int(self.chance.integers(len(words))), self.chance.random()
            words[at : at + 1] = (
                [new] if edit < 0.6 else [words[at], new] if edit < 0.8 or len(words) == 1 else []
            )
        return [" ".join(words) for words in split]


def conversations(rows: int, seed: int) -> list[list[str]]:
    """Turns of each row; copies stand anywhere."""
    writer, found = Writer(seed), []
    while len(found) < rows:
        first = writer.conversation()
        found.append(first)
        if writer.chance.random() < 0.13:
            found += [writer.copy(first) for _ in range(min(20, int(writer.chance.geometric(0.4))))]
    order = writer.chance.permutation(rows)
    return [found[i] for i in order]


def tables(rows: list[list[str]]) -> list[pa.Table]:
    """Tables of our schema, 10,000 rows each."""
    made = (
        Conversation(
            identity("bench", str(number)),
            tuple(Message(("user", "assistant")[i % 2], turn) for i, turn in enumerate(turns)),
            Source("file", "bench", f"bench.jsonl#{number}", license="CC0-1.0"),
        )
        for number, turns in enumerate(rows)
    )
    return [to_table(itertools.islice(made, PART)) for _ in range(-(-len(rows) // PART))]


def truth(texts: list[str]) -> dict[str, np.ndarray]:
    """a, b, j: every pair of rows with Jaccard >= .5, by joining all rows on all shingles."""
    word, flat, ends = re.compile(r"[^\W_]+"), [], [0]
    for text in texts:
        words = word.findall(text.casefold())
        grams = {" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))}
        flat.append(
            np.fromiter(
                (xxhash.xxh3_64_intdigest(g.encode()) for g in grams), np.uint64, len(grams)
            )
        )
        ends.append(ends[-1] + len(grams))
    _, shingles = np.unique(np.concatenate(flat), return_inverse=True)
    starts = np.array(ends)
    holders = np.argsort(shingles, kind="stable")
    rows = np.repeat(np.arange(len(texts)), np.diff(starts))[holders]
    first = np.concatenate([[0], np.cumsum(np.bincount(shingles))])
    a, b, j = join(shingles, starts, first, rows)
    return {"a": np.array(a), "b": np.array(b), "j": np.array(j)}


@njit(cache=True)
def join(shingles, starts, first, rows):
    count, met = np.zeros(starts.size - 1, np.int32), np.empty(starts.size - 1, np.int64)
    a, b, j = (
        [np.int64(0) for _ in range(0)],
        [np.int64(0) for _ in range(0)],
        [0.0 for _ in range(0)],
    )
    for row in range(starts.size - 1):
        n = 0
        for i in range(starts[row], starts[row + 1]):
            for p in range(first[shingles[i]], first[shingles[i] + 1]):
                other = rows[p]
                if other >= row:
                    break
                if count[other] == 0:
                    met[n] = other
                    n += 1
                count[other] += 1
        size = starts[row + 1] - starts[row]
        for k in range(n):
            shared = count[met[k]]
            count[met[k]] = 0
            jaccard = shared / (size + starts[met[k] + 1] - starts[met[k]] - shared)
            if jaccard >= 0.5:
                a.append(met[k])
                b.append(row)
                j.append(jaccard)
    return a, b, j


def write_part(path: Path, table: pa.Table) -> None:
    with path.open("wb") as file, open_parquet(HashedFile(file), table.schema) as writer:
        writer.write_table(table)


def main() -> None:
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    (folder / "kept").mkdir(parents=True, exist_ok=True)
    start, rows = time.perf_counter(), conversations(count, seed=7)
    for number, table in enumerate(tables(rows)):
        write_part(folder / "kept" / f"part-{number:05d}.parquet", table)
    texts = ["\n".join(turns) for turns in rows]
    words = sum(len(t.split()) for t in texts) / count
    pq.write_table(
        pa.table({"id": [str(i) for i in range(count)], "text": texts}),
        folder / "text.parquet",
        compression="zstd",
    )
    if "--no-truth" not in sys.argv:
        found = truth(texts)
        np.savez(folder / "truth.npz", **found)
        near = found["j"] >= 0.7
        share = len(np.unique(found["b"][near])) / count
        print(f"pairs at .7: {near.sum()}, rows with an earlier near-duplicate: {share:.1%}")
    seconds = time.perf_counter() - start
    print(f"{count} conversations, {words:.0f} words each, in {seconds:.0f} s → {folder}")


if __name__ == "__main__":
    main()
