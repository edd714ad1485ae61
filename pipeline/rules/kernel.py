"""Numbers of a whole conversation in one compiled pass over its characters: words, word pairs, likeness of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit

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
def _grams(flat: Any, n: int, out: Any) -> int:
    """Sorted distinct 3-character grams of `flat[:n]` into `out`; how many."""
    if n < 3:
        return 0
    for k in range(n - 2):
        out[k] = (
            (np.uint64(flat[k]) << np.uint64(42)) | (np.uint64(flat[k + 1]) << np.uint64(21)) | np.uint64(flat[k + 2])
        )
    grams = np.sort(out[: n - 2])
    m = 0
    for k in range(len(grams)):
        if k == 0 or grams[k] != grams[k - 1]:
            out[m] = grams[k]
            m += 1
    return m


@njit(cache=True)  # type: ignore[untyped-decorator]
def _jaccard(a: Any, b: Any, least: float) -> float:
    """Jaccard of two sorted sets; 0 as soon as it cannot exceed `least`."""
    la, lb = len(a), len(b)
    if min(la, lb) <= least * max(la, lb):
        return 0.0
    i, j, same = 0, 0, 0
    while i < la and j < lb:
        if a[i] == b[j]:
            same += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return same / (la + lb - same)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _numbers(codes: Any, bounds: Any, sides: Any, table: Any) -> Any:
    n = len(sides)
    total = len(codes) + n + 1
    flat, hashes = np.empty(2 * total, np.uint32), np.empty(total, np.uint64)
    grams, pairs = np.empty(2 * total, np.uint64), np.empty(total, np.uint64)
    words, repeats, said = np.zeros(n, np.int64), np.full(n, -1, np.int64), np.zeros(n, np.uint64)
    first, last = np.zeros(n, np.int64), np.zeros(n, np.int64)
    filled, n_pairs = 0, 0
    for m in range(n):
        if sides[m] < 0:
            continue
        length, words[m] = _read(codes, bounds[m], bounds[m + 1] - 1, table, flat, hashes)
        for k in range(words[m]):
            said[m] = _mix(said[m], hashes[k])
            if k:
                pairs[n_pairs] = _mix(hashes[k - 1], hashes[k])
                n_pairs += 1
        first[m] = filled
        if words[m] >= 6:
            filled += _grams(flat, length, grams[filled:])
        last[m] = filled
        if words[m] >= 4:
            for e in range(m):
                if said[e] == said[m] and words[e] == words[m] and sides[e] >= 0:
                    repeats[m] = e
                    break
    best, bi, bj = 0.0, -1, -1
    for m in range(n):
        for e in range(m):
            if sides[e] == sides[m] and last[e] > first[e] and last[m] > first[m]:
                alike = _jaccard(grams[first[e] : last[e]], grams[first[m] : last[m]], best)
                if alike > best:
                    best, bi, bj = alike, m, e
    return words, repeats, best, bi, bj, len(np.unique(pairs[:n_pairs])) / n_pairs if n_pairs else np.nan
