"""Numbers of a whole conversation in one compiled pass over its characters: words, word pairs, likeness of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pipeline.compiled import njit
from pipeline.conversation import Message

ENOUGH = 6  # words: shorter messages are not compared character by character
PHRASE = 4  # words: shorter messages ("Yes, please.") may be said again
_SIDES = {"system": -1, "user": 0, "assistant": 1}
_LAST = 0x10000  # characters beyond the first plane count as letters


@dataclass(frozen=True, slots=True)
class Numbers:
    """words: per message. repeats: earliest message that said the same, or -1. alike: Jaccard, message, earlier one.

    distinct_2: distinct word pairs / word pairs, nan without pairs.
    """

    words: list[int]
    repeats: list[int]
    alike: tuple[float, int, int]
    distinct_2: float


def numbers(text: str, starts: Sequence[int], messages: Sequence[Message]) -> Numbers:
    """Read a conversation's characters once. text, starts: as in `View`."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    bounds = np.array([*starts, len(text) + 1], np.int64)
    sides = np.array([_SIDES[m.role] for m in messages], np.int8)
    words, repeats, value, i, j, distinct = _numbers(codes, bounds, sides, _table())
    return Numbers(words.tolist(), repeats.tolist(), (value, i, j), distinct)


@cache
def _table() -> np.ndarray[Any, Any]:
    """Character → 0: between words, 1: a word by itself (ideographs, kana), else its lower case + 2. uint32 (65536,)"""
    table = np.zeros(_LAST, np.uint32)
    for code in range(_LAST):
        if chr(code).isalnum():
            alone = 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF
            table[code] = 1 if alone else ord(chr(code).lower()[0]) + 2
    return table


@njit(cache=True)  # type: ignore[untyped-decorator]
def _mix(h: np.uint64, x: np.uint64) -> np.uint64:
    return (h ^ x) * np.uint64(0x9E3779B97F4A7C15) ^ (h >> np.uint64(29))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _read(codes: Any, start: int, stop: int, table: Any, flat: Any, hashes: Any) -> tuple[int, int]:
    """Folds one message into `flat` (one blank between words) and its word hashes; (characters, words)."""
    n, w, inside = 0, 0, False
    word = np.uint64(0)
    for k in range(start, stop):
        code = codes[k]
        kind = table[code] if code < 65536 else np.uint32(code + 2)
        if inside and kind <= 1:
            hashes[w] = word
            w += 1
            flat[n] = 32
            n += 1
            inside = False
        if kind == 1:
            hashes[w] = _mix(np.uint64(1), np.uint64(code))
            w += 1
            flat[n] = code
            n += 1
        elif kind > 1:
            word = _mix(word if inside else np.uint64(7), np.uint64(kind))
            flat[n] = kind - 2
            n += 1
            inside = True
    if inside:
        hashes[w] = word
        w += 1
    return n - (n > 0 and flat[n - 1] == 32), w


@njit(cache=True)  # type: ignore[untyped-decorator]
def _slot(keys: Any, key: np.uint64) -> int:
    """Where a key stands in an open hash table (a power of two, 0 = free), or where it would."""
    mask = np.uint64(len(keys) - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return int(at)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _share(
    message: int,
    flat: Any,
    n: int,
    keys: Any,
    heads: Any,
    who: Any,
    below: Any,
    used: int,
    same: Any,
) -> Any:
    """Enters the 3-character grams of `flat[:n]`; same[e]: how many the earlier message e has too. (grams, used)

    heads: gram → its latest entry. who, below: entry → message, and the gram's entry before it, or -1.
    """
    grams = 0
    for k in range(n - 2):
        a, b, c = np.uint64(flat[k]), np.uint64(flat[k + 1]), np.uint64(flat[k + 2])
        gram = (a << np.uint64(42)) | (b << np.uint64(21)) | c
        at = _slot(keys, gram)
        latest = heads[at] if keys[at] else -1
        if latest >= 0 and who[latest] == message:
            continue
        grams += 1
        keys[at], heads[at], who[used], below[used] = gram, used, message, latest
        used += 1
        while latest >= 0:
            same[who[latest]] += 1
            latest = below[latest]
    return grams, used


@njit(cache=True)  # type: ignore[untyped-decorator]
def _distinct(values: Any) -> int:
    """How many different values there are (0 counts as another one's)."""
    keys = np.zeros(_table_size(len(values)), np.uint64)
    n = 0
    for value in values:
        at = _slot(keys, value)
        n += keys[at] == 0
        keys[at] = value
    return n


@njit(cache=True)  # type: ignore[untyped-decorator]
def _table_size(n: int) -> int:
    size = 16
    while size < 2 * n:
        size *= 2
    return size


@njit(cache=True)  # type: ignore[untyped-decorator]
def _numbers(codes: Any, bounds: Any, sides: Any, table: Any) -> Any:
    n = len(sides)
    total = 2 * len(codes) + 2
    flat, hashes = np.empty(total, np.uint32), np.empty(total, np.uint64)
    pairs, n_pairs = np.empty(total, np.uint64), 0
    words, repeats, said = np.zeros(n, np.int64), np.full(n, -1, np.int64), np.zeros(n, np.uint64)
    grams, same = np.zeros(n, np.int64), np.zeros(n, np.int64)
    keys, heads = np.zeros(_table_size(total), np.uint64), np.empty(_table_size(total), np.int32)
    who, below, used = np.empty(total, np.int32), np.empty(total, np.int32), 0
    best, later, earlier = 0.0, -1, -1
    for m in range(n):
        if sides[m] < 0:
            continue
        length, words[m] = _read(codes, bounds[m], bounds[m + 1] - 1, table, flat, hashes)
        for k in range(words[m]):
            said[m] = _mix(said[m], hashes[k])
            if k:
                pairs[n_pairs] = _mix(hashes[k - 1], hashes[k])
                n_pairs += 1
        if words[m] >= ENOUGH:
            same[:m] = 0
            grams[m], used = _share(m, flat, length, keys, heads, who, below, used, same)
            for e in range(m):
                alike = same[e] / (grams[m] + grams[e] - same[e]) if sides[e] == sides[m] else 0.0
                if alike > best:
                    best, later, earlier = alike, m, e
        for e in range(m if words[m] >= PHRASE else 0):
            if said[e] == said[m] and words[e] == words[m] and sides[e] >= 0:
                repeats[m] = e
                break
    return (
        words,
        repeats,
        best,
        later,
        earlier,
        _distinct(pairs[:n_pairs]) / n_pairs if n_pairs else np.nan,
    )
