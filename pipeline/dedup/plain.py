"""The kernels in Python and numpy: the definition of what dedup computes, and how little data is.

`fast` has the same functions compiled. tests/test_kernels.py holds each pair to
the same results.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa

from pipeline.dedup.arrays import (
    BucketPairs,
    CountArray,
    Counters,
    Flags,
    Integers,
    Keys,
    Lists,
    NumberArray,
    PartRows,
    Shingles,
    SideShingles,
    counted_up,
    pack,
)
from pipeline.dedup.boilerplate import (
    LONG_RUN,
    OWN_RUN,
    QUARTER,
    RECENT,
    SAMPLED_RUN,
    SLOT_SHIFT,
    BoilerplateCut,
    Limits,
    ShingleSurvey,
)
from pipeline.dedup.columns import lists
from pipeline.dedup.shingles import BASE, BEYOND, MIX, ODD, PIECE, SHINGLE, Shingled
from pipeline.dedup.signature import EMPTY, MIX32, PERMUTATIONS, permutations
from pipeline.dedup.view import IGNORED, ComparedTexts
from pipeline.dedup.words import words

_WRAP = (1 << 64) - 1
_u32, _u64 = np.uint32, np.uint64


# --- from texts to shingles: see shingles.py


def shingle(texts: ComparedTexts) -> pa.Table:
    """The table of `Shingled`, a row for each row of the texts."""
    shingles, digests, message_words, counts = [], [], [], []
    message_starts = [0]
    for row in range(len(texts.rows) - 1):
        hashes: list[int] = []
        for message in texts.messages(row):
            if texts.speakers[message] != IGNORED:
                found = [word_hash(word) for word in words(texts.text(message))]
                message_words.append(len(found) * int(texts.speakers[message]))
                hashes += found
        mixed = mix(np.array(hashes, np.uint64))
        shingles.append(row_shingles(mixed))
        digests.append(digest(mixed.tolist()))
        message_starts.append(len(message_words))
        counts.append(len(hashes))
    return Shingled(
        np.array(digests, np.uint64).reshape(-1, 2),
        _laid_out(shingles),
        np.array(message_words, np.int32),
        np.array(message_starts, np.int64),
        np.array(counts, np.int32),
    ).table()


@lru_cache(1 << 15)
def word_hash(word: str) -> int:
    """The hash of a folded word, a piece at a time."""
    hashed = 0
    for piece in _pieces(word):
        hashed = (hashed ^ piece) * ODD & _WRAP
        hashed ^= hashed >> 32
    return hashed


def _pieces(word: str) -> Iterator[int]:
    """Up to eight ASCII letters as one number, the first the lowest; any other letter alone."""
    ascii_letters = b""
    for letter in word:
        if letter.isascii():
            ascii_letters += letter.encode()
        if ascii_letters and (len(ascii_letters) == PIECE or not letter.isascii()):
            yield int.from_bytes(ascii_letters, "little")
            ascii_letters = b""
        if not letter.isascii():
            yield ord(letter) | BEYOND
    if ascii_letters:
        yield int.from_bytes(ascii_letters, "little")


def mix(hashes: Keys) -> Keys:
    """MurmurHash3's finaliser: each bit of the result depends on each bit of the hash."""
    for factor in MIX:
        hashes = (hashes ^ hashes >> _u64(33)) * _u64(factor)
    return hashes ^ hashes >> _u64(33)


def row_shingles(mixed: Keys) -> Shingles:
    """The shingles of the mixed word hashes of a row."""
    if len(mixed) == 0:
        return np.zeros(0, np.uint32)
    if len(mixed) < SHINGLE:
        total = np.array([len(mixed)], np.uint64)
        for hashed in mixed:
            total = total * _u64(BASE) + hashed
    else:
        windows = np.lib.stride_tricks.sliding_window_view(mixed, SHINGLE)
        powers = [pow(BASE, SHINGLE - 1 - place, 1 << 64) for place in range(SHINGLE)]
        total = (windows * np.array(powers, np.uint64)).sum(axis=1, dtype=np.uint64)
    return (mix(total) & _u64(0xFFFFFFFF)).astype(np.uint32)


def digest(mixed: list[int]) -> tuple[int, int]:
    """128 bits for the words of a row in their order.

    The second half is no polynomial: a text made to collide in the first does not
    in the second.
    """
    first, second = len(mixed), ~len(mixed) & _WRAP
    for hashed in mixed:
        first = first * BASE + hashed & _WRAP
        second += (first ^ first >> 29) * ODD
    halves = mix(np.array([first, second & _WRAP], np.uint64)).tolist()
    return halves[0], halves[1]


def _laid_out(arrays: list[Shingles]) -> Lists:
    starts = np.cumsum([0, *map(len, arrays)])
    return Lists(np.concatenate([np.zeros(0, np.uint32), *arrays]), starts)


# --- signatures: see signature.py


def signature(shingles: Shingles) -> Shingles:
    """(128,) the MinHash signature of shingles."""
    factors, summands = permutations()
    values = _mix32(shingles)[:, np.newaxis] * factors + summands
    lowest: Shingles = values.min(axis=0, initial=EMPTY)
    return lowest


def band_keys(shingles: Lists, bands: int, width: int) -> Keys:
    """(bands, rows) one hash of `width` consecutive values of each row's signature."""
    rows = [signature(_item(shingles, row)) for row in range(len(shingles.starts) - 1)]
    values = np.array(rows, np.uint64).reshape(-1, PERMUTATIONS)
    in_bands = values[:, : bands * width].reshape(len(values), bands, width)
    keys = np.arange(1, bands + 1, dtype=np.uint64) * _u64(ODD)
    for place in range(width):
        keys = (keys ^ in_bands[:, :, place]) * _u64(ODD)
        keys = keys ^ keys >> _u64(29)
    return np.ascontiguousarray(np.broadcast_to(keys, (len(values), bands)).T)


def _mix32(shingles: Shingles) -> Shingles:
    """What datasketch does to a hash before it permutes: MurmurHash3's finaliser in 32 bits."""
    hashed = shingles
    for shift, factor in zip((16, 13), MIX32, strict=True):
        hashed = (hashed ^ hashed >> _u32(shift)) * _u32(factor)
    return hashed ^ hashed >> _u32(16)


def _item(shingles: Lists, row: int) -> NumberArray:
    return shingles.values[shingles.starts[row] : shingles.starts[row + 1]]


# --- candidate pairs


def shared_keys(keys: Keys, ranks: Integers, bits: np.uint64) -> Keys:
    """Sorted key << bits | rank, of at least those keys that several ranks have."""
    packed = keys << bits | ranks.astype(np.uint64)
    packed.sort()
    return packed


def bucket_pairs(packed: Keys, bits: np.uint64, cap: int) -> BucketPairs:
    """The pairs of ranks that have an equal key, given those of `shared_keys`.

    In a bucket of more than cap + 1 rows, each row meets the first `cap` only:
    time stays linear. With cap 1:

        key    A A A B     rank   3 7 9 5
        pairs  3-7, 3-9 (9 does not meet 7); one bucket over the cap, the largest holds 3
    """
    keys, ranks = packed >> bits, packed & ((_u64(1) << bits) - _u64(1))
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    sizes = np.diff(np.append(starts, len(keys)))
    meets = np.minimum(counted_up(sizes), cap)  # how many rows of its bucket stand before each
    later = np.repeat(np.arange(len(keys)), meets)
    earlier = np.repeat(np.repeat(starts, sizes), meets) + counted_up(meets)
    shared = sizes[sizes > 1]
    pairs = pack(ranks[earlier], ranks[later])
    return BucketPairs(pairs, int((sizes > cap + 1).sum()), int(shared.max(initial=0)))


# --- exact similarity


def count_distinct(shingles: Lists) -> CountArray:
    """(rows,) how many distinct shingles each row has."""
    rows = range(len(shingles.starts) - 1)
    return np.array([len(_as_set(shingles, row)) for row in rows], np.int32)


def count_shared(shingles: Lists, pairs: Integers, _least: CountArray) -> CountArray:
    """(pairs,) how many distinct shingles two rows share. pairs: (pairs, 2) rows.

    Where it is less than `least`, any number less than that will do.
    """
    sets = {row: _as_set(shingles, row) for row in np.unique(pairs).tolist()}
    shared = [len(sets[first] & sets[second]) for first, second in pairs.tolist()]
    return np.array(shared, np.int32)


def _as_set(shingles: Lists, row: int) -> set[int]:
    return set(_item(shingles, row).tolist())


# --- what rows share: see boilerplate.py


def count_rows(part: PartRows, sample: int, most: int, counters: Counters) -> None:
    """Add to the counters how many of the chosen rows have a shingle, up to `most`.

    A row counts a shingle once, as long as each of RECENT cells remembers what it
    had last.
    """
    rows, shingles = _sampled(part, sample)
    slots = _slots(shingles, counters)
    cells = rows * RECENT + (slots & (RECENT - 1))
    order = np.argsort(cells, kind="stable")
    cells, shingles = cells[order], shingles[order]
    counts = np.ones(len(order), bool)
    counts[1:] = (cells[1:] != cells[:-1]) | (shingles[1:] != shingles[:-1])
    found = np.bincount(slots[order][counts], minlength=len(counters))
    counters[:] = np.minimum(counters + found, most)


def survey(part: PartRows, able: Flags, counters: Counters, limits: Limits) -> ShingleSurvey:
    """Suspects of boilerplate; and what to look for able rows by, if they share enough."""
    suspects = np.zeros(len(part.chosen), bool)
    rare = [np.zeros(0, np.uint64)]
    for row in np.flatnonzero(part.chosen).tolist():
        shingles = _row_shingles(part, row)
        shingles = shingles[shingles & _u32(QUARTER) == 0]
        counts = counters[_slots(shingles, counters)]
        suspects[row] = _longest(_runs(counts >= limits.many)) >= SAMPLED_RUN
        alone = np.count_nonzero(counts == 1)
        if able[row] and alone <= limits.alone * len(shingles):
            rarest = _rarest(shingles[counts > 1], counts[counts > 1], limits.rarest)
            rare.append(pack(rarest, np.array(part.ranks[row])))
    return ShingleSurvey(suspects, np.concatenate(rare))


def _rarest(shingles: Shingles, counts: Counters, most: int) -> Shingles:
    """The distinct shingles with the lowest counts."""
    by_count = shingles[np.argsort(counts, kind="stable")].tolist()
    return np.array(list(dict.fromkeys(by_count))[:most], np.uint32)


def cut(part: PartRows, counters: Counters, many: int) -> BoilerplateCut:
    """Take boilerplate out of the chosen rows that have both boilerplate and text of their own."""
    was_cut = np.zeros(len(part.chosen), bool)
    left = [np.zeros(0, np.uint32)] * len(part.chosen)
    for row in np.flatnonzero(part.chosen).tolist():
        shingles = _row_shingles(part, row)
        common = counters[_slots(shingles, counters)] >= many
        runs, own = _runs(common), _runs(~common)
        if _longest(runs) >= LONG_RUN and _longest(own) >= OWN_RUN:
            was_cut[row], left[row] = True, _without_long(shingles, runs)
    return BoilerplateCut(was_cut, _laid_out(left))


def _without_long(shingles: Shingles, runs: Integers) -> Shingles:
    keep = np.ones(len(shingles), bool)
    for start, stop in runs.tolist():
        keep[start:stop] = stop - start < LONG_RUN
    return shingles[keep]


def holders(part: PartRows, wanted: Flags) -> Keys:
    """shingle << 32 | rank, wherever a chosen row has a shingle whose slot is wanted."""
    rows, shingles = _sampled(part, QUARTER)
    found = wanted[_slots(shingles, wanted)]
    return pack(shingles[found], part.ranks[rows[found]])


def _sampled(part: PartRows, sample: int) -> tuple[Integers, Shingles]:
    """(row, shingle) of the chosen rows, those whose `sample` bits are zero."""
    rows = np.repeat(np.arange(len(part.chosen)), np.diff(part.starts))
    shingles = part.values[part.starts[0] : part.starts[-1]]
    sampled = part.chosen[rows] & (shingles & _u32(sample) == 0)
    return rows[sampled], shingles[sampled]


def _row_shingles(part: PartRows, row: int) -> Shingles:
    return part.values[part.starts[row] : part.starts[row + 1]]


def _slots(shingles: Shingles, table: Counters | Flags) -> Integers:
    """Where in a table each shingle stands."""
    return (shingles >> _u32(SLOT_SHIFT)).astype(np.int64) & (len(table) - 1)


def _runs(flags: Flags) -> Integers:
    """(runs, 2) where each run of set flags starts and stops."""
    changes = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.flatnonzero(changes).reshape(-1, 2)


def _longest(runs: Integers) -> int:
    return int((runs[:, 1] - runs[:, 0]).max(initial=0))


# --- one side of a conversation: see against.py


def side_shingles(part: pa.Table, side: int, wanted: Flags) -> SideShingles:
    """The shingles inside one message of a side, those whose low bits are wanted."""
    shingles = lists(part["shingles"])
    messages = lists(part["message_words"])
    rows, found = [np.zeros(0, np.int64)], [np.zeros(0, np.uint32)]
    for row in range(len(part)):
        inside = _inside_messages(_item(shingles, row), _item(messages, row), side)
        inside = np.unique(inside)
        inside = inside[wanted[inside & _u32(len(wanted) - 1)]]
        rows.append(np.full(len(inside), row))
        found.append(inside)
    return SideShingles(np.concatenate(rows), np.concatenate(found))


def _inside_messages(shingles: Shingles, message_words: NumberArray, side: int) -> Shingles:
    """Those shingles of a row that lie inside one message of a side."""
    inside = np.zeros(len(shingles), bool)
    start = 0
    for count in message_words.tolist():
        stop = start + abs(count)
        if count * side > 0:
            inside[start : max(start, stop - (SHINGLE - 1))] = True
        start = stop
    return shingles[inside]
