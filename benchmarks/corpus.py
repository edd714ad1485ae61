"""Conversations with planted near-duplicates, and the exact truth about them.

    python benchmarks/corpus.py 200000 build/bench/200k

writes `kept/part-*.parquet` (our schema, 10,000 rows each), `text.parquet` (id, text: for tools
that want one string) and `truth.npz` (every pair with Jaccard >= .5 of 5-word shingles, found by
an exact join of the words themselves). Needs no data but this file.

Words follow Zipf's law over 30,000 made-up ones; 40 % of the turns come from a stock that all
rows use. One row in eight has copies, with 0 to 12 words replaced, deleted or inserted, a turn
dropped or added, or nothing but case and punctuation changed.
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

from pipeline.conversation import Conversation, Message, Source, identity, to_table
from pipeline.store.parts import parquet

PART = 10_000
MEAN_WORDS = 170  # aimed at; the last turn overshoots
WORDS = 30_000
MARKS = (". ", "? ", "! ", "… ", ", it’s ")
WORD = re.compile(r"[^\W_]+")


def made_up_words() -> list[str]:
    """30,000 words of one or two syllables."""
    syllables = [
        first + vowel + last
        for first in "bcdfghklmnprstvwz"
        for vowel in "aeiou"
        for last in ("", "n", "s")
    ]
    pairs = itertools.product(syllables, repeat=2)
    made = itertools.chain(syllables, map("".join, pairs))
    return list(itertools.islice(made, WORDS))


class Writer:
    """Draws words, turns and conversations from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.words = np.array(made_up_words(), object)
        weights = 1 / (np.arange(len(self.words)) + 2.7)
        self.sums = np.cumsum(weights / weights.sum())
        self.drawn = np.empty(0, np.int64)
        self.stock = [self.turn(int(words)) for words in self.chance.integers(3, 12, 20_000)]

    def below(self, limit: int) -> int:
        return int(self.chance.integers(limit))

    def draw(self, count: int) -> np.ndarray:
        if len(self.drawn) < count:
            found = np.searchsorted(self.sums, self.chance.random(1_000_000))
            self.drawn = np.minimum(found, len(self.words) - 1)
        taken, self.drawn = self.drawn[:count], self.drawn[count:]
        return self.words[taken]

    def turn(self, words: int) -> str:
        text = " ".join(self.draw(words))
        mark = MARKS[self.below(len(MARKS))]
        return text[0].upper() + text[1 : words * 3] + mark + text[words * 3 :] + "."

    def conversation(self) -> list[str]:
        target = max(30, int(self.chance.normal(MEAN_WORDS, 70)))
        turns: list[str] = []
        words = 0
        while words < target:
            turns.append(self.next_turn())
            words += turns[-1].count(" ") + 1
        return turns

    def next_turn(self) -> str:
        if self.chance.random() < 0.4:
            return self.stock[self.below(len(self.stock))]
        return self.turn(int(self.chance.integers(4, 40)))

    def copy(self, turns: list[str]) -> list[str]:
        """A near copy: some words edited, perhaps a turn less or more; or only case and
        punctuation changed."""
        kind, turns = self.chance.random(), list(turns)
        if kind < 0.1:
            return turns
        if kind < 0.2:
            return [self.retouched(turn) for turn in turns]
        if kind < 0.3 and len(turns) > 4:
            del turns[self.below(len(turns))]
        elif kind < 0.4:
            turns.append(self.turn(12))
        split = [turn.split() for turn in turns]
        for new in self.draw(self.below(13)):
            self.edit(split[self.below(len(split))], new)
        return [" ".join(words) for words in split]

    def retouched(self, turn: str) -> str:
        if self.chance.random() < 0.2:
            return turn.upper()
        return turn.replace(",", "").replace("!", ".")

    def edit(self, words: list[str], new: str) -> None:
        """Replace a word, insert one behind it, or delete it."""
        place, kind = self.below(len(words)), self.chance.random()
        if kind < 0.6:
            words[place] = new
        elif kind < 0.8 or len(words) == 1:
            words.insert(place + 1, new)
        else:
            del words[place]


def conversations(rows: int, seed: int) -> list[list[str]]:
    """Turns of each row; copies stand anywhere."""
    writer = Writer(seed)
    found: list[list[str]] = []
    while len(found) < rows:
        first = writer.conversation()
        found.append(first)
        if writer.chance.random() < 0.13:
            copies = min(20, int(writer.chance.geometric(0.4)))
            found += [writer.copy(first) for _ in range(copies)]
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
    rows = [hashed_grams(text) for text in texts]
    starts = np.cumsum([0, *map(len, rows)])
    _, shingles = np.unique(np.concatenate(rows), return_inverse=True)
    by_shingle = np.argsort(shingles, kind="stable")
    holders = np.repeat(np.arange(len(texts)), np.diff(starts))[by_shingle]
    first_holder = np.concatenate([[0], np.cumsum(np.bincount(shingles))])
    first, second, jaccard = join(shingles, starts, first_holder, holders)
    return {"a": np.array(first), "b": np.array(second), "j": np.array(jaccard)}


def hashed_grams(text: str) -> np.ndarray:
    words = WORD.findall(text.casefold())
    grams = {" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))}
    hashes = (xxhash.xxh3_64_intdigest(gram.encode()) for gram in grams)
    return np.fromiter(hashes, np.uint64, len(grams))


@njit(cache=True)
def join(shingles, starts, first_holder, holders):
    """Each row against the earlier rows that have one of its shingles; counted, then reset."""
    shared = np.zeros(starts.size - 1, np.int32)
    met = np.empty(starts.size - 1, np.int64)
    first = [np.int64(0) for _ in range(0)]
    second = [np.int64(0) for _ in range(0)]
    similarity = [0.0 for _ in range(0)]
    for row in range(starts.size - 1):
        count = 0
        for place in range(starts[row], starts[row + 1]):
            shingle = shingles[place]
            for holder in range(first_holder[shingle], first_holder[shingle + 1]):
                other = holders[holder]
                if other >= row:
                    break
                if shared[other] == 0:
                    met[count] = other
                    count += 1
                shared[other] += 1
        size = starts[row + 1] - starts[row]
        for other in met[:count]:
            union = size + starts[other + 1] - starts[other] - shared[other]
            jaccard = shared[other] / union
            shared[other] = 0
            if jaccard >= 0.5:
                first.append(other)
                second.append(row)
                similarity.append(jaccard)
    return first, second, similarity


def main() -> None:
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    start = time.perf_counter()
    rows = conversations(count, seed=7)
    write(rows, folder)
    texts = ["\n".join(turns) for turns in rows]
    ids = [str(number) for number in range(count)]
    table = pa.table({"id": ids, "text": texts})
    pq.write_table(table, folder / "text.parquet", compression="zstd")
    if "--no-truth" not in sys.argv:
        found = truth(texts)
        np.savez(folder / "truth.npz", **found)
        near = found["j"] >= 0.7
        share = len(np.unique(found["b"][near])) / count
        print(f"pairs at .7: {near.sum()}, rows with an earlier near-duplicate: {share:.1%}")
    words = sum(len(text.split()) for text in texts) / count
    seconds = time.perf_counter() - start
    print(f"{count} conversations, {words:.0f} words each, in {seconds:.0f} s → {folder}")


def write(rows: list[list[str]], folder: Path) -> None:
    (folder / "kept").mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(tables(rows)):
        with parquet(folder / "kept" / f"part-{number:05d}.parquet", table.schema) as file:
            file.write_table(table)


if __name__ == "__main__":
    main()
