"""The inner loops of dedup: compiled and plain ones compute the same, and what they should."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from itertools import combinations, groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.registry import CPUDispatcher

from pipeline.conversation import Conversation, Message, Source
from pipeline.dedup import dedup, fast, kernels, link, plain, sign
from pipeline.dedup.arrays import Lists, PartRows, counted_up, distinct, high_half, low_half, pack
from pipeline.dedup.boilerplate import EVERY, LONG_RUN, OWN_RUN, QUARTER, SAMPLED_RUN, Limits
from pipeline.dedup.columns import arrow, arrow_lists, lists
from pipeline.dedup.view import ASSISTANT, USER, compared_texts
from pipeline.dedup.words import words
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import to_table

BOTH = pytest.mark.parametrize("kernel", [plain, fast], ids=["plain", "fast"])
LETTERS = "abcXYZ éßﬁ日本のテ한ば\u3099\u0301\u1e9e١'-_.😀\U0001d400\U00020000\U0002f800\ufe0f"
TEXT = st.text(st.one_of(st.sampled_from(LETTERS), st.characters(codec="utf-8")), max_size=60)
LONG_TEXT = st.text("abcdefg hij é", max_size=400)
# Few values, so that rows share many: of the sample (low bits zero) and outside it.
SHINGLE = st.one_of(st.integers(0, 40), st.integers(0, 12).map(lambda n: 4 * n))
ROWS = st.lists(st.lists(SHINGLE, max_size=60), min_size=1, max_size=8)
FAMILIES = st.lists(
    st.lists(st.sampled_from([4 * n for n in range(12)]), max_size=60), min_size=2, max_size=8
)


def as_lists(rows: list[list[int]]) -> Lists:
    """As they come from Arrow: they cannot be written to."""
    flat = np.array([shingle for row in rows for shingle in row], np.uint32)
    return lists(arrow_lists(flat, np.cumsum([0, *map(len, rows)])))


def part_of(rows: list[list[int]], left_out: int = -1) -> PartRows:
    chosen = np.arange(len(rows)) != left_out
    return PartRows(*as_lists(rows), chosen, np.arange(len(rows))[::-1].copy())


def messages(*rows: list[str]) -> pa.Table:
    return to_table(
        Conversation(
            str(number),
            tuple(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)),
            Source("file", "s", str(number)),
        )
        for number, texts in enumerate(rows)
    )


def test_both_have_the_same_kernels() -> None:
    named = {name for name in vars(kernels.Kernels) if not name.startswith("_")}
    assert set(fast.__all__) == named
    assert all(callable(getattr(plain, name)) for name in named)


@given(st.lists(st.lists(st.one_of(TEXT, LONG_TEXT), max_size=4), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_texts_become_the_same_shingles(rows: list[list[str]]) -> None:
    texts = compared_texts(messages(*rows), "dialogue")
    assert fast.shingle(texts).equals(plain.shingle(texts))


# Where a row of the table ends, where UTF-8 takes a byte more, and where planes have no letters.
EDGES = [0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10400, 0x1FFFF, 0x20000, 0x2003F, 0x20040]
EDGES += [0x2F7FF, 0x2F800, 0x2FA1F, 0x2FA20, 0x3FFFF, 0x40000, 0x40001, 0xE0100, 0x10FFFF]


@pytest.mark.parametrize("point", EDGES, ids=hex)
def test_characters_at_the_edges_become_the_same_shingles(point: int) -> None:
    letter = chr(point)
    rows = [[f"one {letter} two", f"{letter}three{letter}", f"a b c d {letter} {letter}e"], ["x"]]
    texts = compared_texts(messages(*rows), "dialogue")
    assert fast.shingle(texts).equals(plain.shingle(texts))


@pytest.mark.parametrize("letters", range(20))
def test_words_of_every_length_become_the_same_shingles(letters: int) -> None:
    """A number of 64 bits holds eight letters, a group of bits 64 bytes."""
    word = "abcdefghijklmnopqrstuvwxyz"[:letters]
    rows = [[f"{'x' * 50} {word} {word}é {word}{word}", word], [word.upper(), f"{word} {word}-"]]
    texts = compared_texts(messages(*rows), "dialogue")
    assert fast.shingle(texts).equals(plain.shingle(texts))


@pytest.mark.parametrize("view", ["dialogue", "assistant", "opening"])
def test_a_slice_of_a_table_becomes_the_same_shingles(view: str) -> None:
    rows = [["one two three", "four ﬁve six"], ["한국 ば\u3099", "a " * 300], [], ["Straße", "x"]]
    texts = compared_texts(messages(*rows).slice(1, 3), view)
    assert fast.shingle(texts).equals(plain.shingle(texts))


def test_more_rows_than_a_block_become_the_same_shingles() -> None:
    rows = [[f"row {number} é", "and an answer to it"] for number in range(1100)]
    texts = compared_texts(messages(*rows), "dialogue")
    assert fast.shingle(texts).equals(plain.shingle(texts))


@BOTH
def test_a_row_of_fewer_than_five_words_has_one_shingle_of_them_all(kernel) -> None:
    texts = [["a b c d"], ["a b c"], ["a b c d e"], ["a b c d e f g"], ["..."]]
    table = kernel.shingle(compared_texts(messages(*texts), "dialogue"))
    found = table["shingles"].to_pylist()
    assert list(map(len, found)) == [1, 1, 1, 3, 0]
    assert len({row[0] for row in found[:4]}) == 3  # the last begins with the words of the third
    assert table["words"].to_pylist() == [4, 3, 5, 7, 0]


@BOTH
def test_words_are_counted_for_each_message_and_below_zero_for_the_assistant(kernel) -> None:
    rows = [["one two", "three", "word " * 300], ["日本", "…", "x"]]
    table = kernel.shingle(compared_texts(messages(*rows), "dialogue"))
    assert table["message_words"].to_pylist() == [[2, -1, 300], [2, 0, 1]]


def test_a_word_is_hashed_in_pieces_of_eight_and_by_its_last_letter_too() -> None:
    some = ["a", "ab", "abcdefgh", "abcdefghi", "abcdefghj", "abcdefghijklmnopq", "é", "eé", "ée"]
    assert len(set(map(plain.word_hash, some))) == len(some)


@given(ROWS, st.sampled_from([(32, 4), (25, 5), (59, 2)]))
@settings(deadline=None)
def test_rows_get_the_same_band_keys(rows: list[list[int]], bands: tuple[int, int]) -> None:
    given_rows = as_lists(rows)
    ours, theirs = fast.band_keys(given_rows, *bands), plain.band_keys(given_rows, *bands)
    assert ours.shape == (bands[0], len(rows))
    assert ours.tolist() == theirs.tolist()


KEYS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1)), max_size=60)


@given(KEYS, st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_buckets_pair_every_row_with_the_first_ones(keys: list[int], cap: int) -> None:
    """Keys lose their highest bits; below 2^58 none of ours are equal by that."""
    given_keys, ranks = np.array(keys, np.uint64) & np.uint64(2**57 - 1), np.arange(len(keys))
    buckets = [
        [rank for rank in ranks.tolist() if given_keys[rank] == key] for key in set(given_keys)
    ]
    expected = {
        (bucket[before], row)
        for bucket in buckets
        for place, row in enumerate(bucket)
        for before in range(min(place, cap))
    }
    for kernel in (plain, fast):
        packed = kernel.shared_keys(given_keys, ranks, np.uint64(6))
        found = kernel.bucket_pairs(packed, np.uint64(6), cap)
        pairs = list(zip(high_half(found.pairs), low_half(found.pairs), strict=True))
        assert (len(pairs), set(pairs)) == (len(expected), expected)
        assert found.capped == sum(len(bucket) > cap + 1 for bucket in buckets)
        assert found.largest == max((len(b) for b in buckets if len(b) > 1), default=0)


@BOTH
@given(ROWS, st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_overlaps_are_those_of_python_sets(kernel, rows: list[list[int]], least: int) -> None:
    """Where a pair cannot reach `least`, any number below it will do."""
    pairs = np.array(list(combinations(range(len(rows)), 2)), np.int64).reshape(-1, 2)
    given_rows, asked = as_lists(rows), np.full(len(pairs), least, np.int32)
    writeable = Lists(given_rows.values.copy(), given_rows.starts.copy())
    assert kernel.count_distinct(writeable).tolist() == [len(set(row)) for row in rows]
    shared = kernel.count_shared(writeable, pairs, asked)
    for (first, second), found in zip(pairs.tolist(), shared.tolist(), strict=True):
        truth = len(set(rows[first]) & set(rows[second]))
        assert found == truth if truth >= least else found < least


@given(ROWS, st.sampled_from([QUARTER, EVERY]), st.integers(-1, 3))
@settings(max_examples=200, deadline=None)
def test_counters_are_the_same_and_count_a_row_once(rows, sample: int, left_out: int) -> None:
    part = part_of(rows, left_out)
    both = np.zeros((2, 1024), np.uint8)
    for counters, kernel in zip(both, (plain, fast), strict=True):
        kernel.count_rows(part, sample, 3, counters)
        kernel.count_rows(part, sample, 3, counters)
    assert both[0].tolist() == both[1].tolist()
    asked = [
        {shingle for shingle in row if shingle & sample == 0}
        for number, row in enumerate(rows)
        if number != left_out
    ]
    counts = Counter(shingle for row in asked for shingle in row)
    if sample == QUARTER:  # no two of them share a counter, none is forgotten
        assert {4 * slot: int(both[0][slot]) for slot in np.flatnonzero(both[0])} == {
            shingle: min(3, 2 * times) for shingle, times in counts.items()
        }


@given(FAMILIES, st.sampled_from([(0.0, 1), (0.5, 3), (3.0, 2)]), st.integers(-1, 3))
@settings(max_examples=300, deadline=None)
def test_a_survey_finds_the_same(rows, asked: tuple[float, int], left_out: int) -> None:
    part, able = part_of(rows, left_out), np.arange(len(rows)) % 3 != 1
    counters = np.zeros(1024, np.uint8)
    plain.count_rows(part, QUARTER, 2, counters)
    limits = Limits(2, *asked)
    ours, theirs = (k.survey(part, able, counters, limits) for k in (fast, plain))
    assert ours.suspects.tolist() == theirs.suspects.tolist()
    assert ours.rare.tolist() == theirs.rare.tolist()


def longest_run(flags: list[bool]) -> int:
    return max((len(list(run)) for flag, run in groupby(flags) if flag), default=0)


@BOTH
@pytest.mark.parametrize(("size", "suspect"), [(SAMPLED_RUN - 1, False), (SAMPLED_RUN, True)])
def test_a_run_of_common_shingles_makes_a_suspect(kernel, size: int, suspect: bool) -> None:
    common = [4 * n for n in range(size)]
    rows = [[8000, *common, 8004], common, common]
    counters = np.zeros(4096, np.uint8)
    kernel.count_rows(part_of(rows), QUARTER, 3, counters)
    able = np.zeros(3, bool)
    found = kernel.survey(part_of(rows), able, counters, Limits(3, 0.0, 1))
    assert found.suspects.tolist() == [suspect] * 3
    assert not kernel.survey(part_of(rows), able, counters, Limits(4, 0.0, 1)).suspects.any()


@BOTH
def test_rows_are_looked_for_by_their_rarest_shingles(kernel) -> None:
    rows = [[4, 8, 12, 16, 16], [4, 8, 12], [4, 8], [4]]
    counters = np.zeros(1024, np.uint8)
    kernel.count_rows(part_of(rows), QUARTER, 9, counters)
    able = np.array([True, True, False, False])
    found = kernel.survey(part_of(rows), able, counters, Limits(9, 0.4, 2))
    # Ranks count down from 3. Two of the five shingles of the first are its own, 16 twice: .4 of
    # them. By what no other row has, none is looked for.
    assert found.rare.tolist() == pack(np.array([12, 8, 12, 8]), np.array([3, 3, 2, 2])).tolist()
    found = kernel.survey(part_of(rows), able, counters, Limits(9, 0.3, 2))
    assert found.rare.tolist() == pack(np.array([12, 8]), np.array([2, 2])).tolist()


@BOTH
@pytest.mark.parametrize(
    ("common", "own", "was_cut"),
    [
        (LONG_RUN, OWN_RUN, True),
        (LONG_RUN - 1, OWN_RUN, False),
        (LONG_RUN, OWN_RUN - 1, False),
    ],
)
def test_boilerplate_is_cut_from_rows_with_enough_of_their_own(
    kernel, common: int, own: int, was_cut: bool
) -> None:
    shared = [4 * n for n in range(common)]
    short, mine = shared[: LONG_RUN - 1], [4000 + 4 * n for n in range(own)]
    rows = [[*shared, *mine, *short, 3996, *shared], shared, mine]
    counters = np.zeros(4096, np.uint8)
    counters[:common] = 2
    found = kernel.cut(part_of(rows, left_out=2), counters, 2)
    left = lists(arrow_lists(*found.shingles))
    assert found.rows.tolist() == [was_cut, False, False]
    expected = [*mine, *short, 3996] if was_cut else []
    assert left.values[: left.starts[1]].tolist() == expected
    assert left.starts.tolist() == [0, *[len(expected)] * 3]


@given(FAMILIES, st.integers(-1, 3), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_boilerplate_is_cut_the_same(rows, left_out: int, many: int) -> None:
    counters = np.zeros(1024, np.uint8)
    counters[:9] = 2
    ours, theirs = (k.cut(part_of(rows, left_out), counters, many) for k in (fast, plain))
    assert ours.rows.tolist() == theirs.rows.tolist()
    assert ours.shingles.starts.tolist() == theirs.shingles.starts.tolist()
    size = ours.shingles.starts[-1]
    assert ours.shingles.values[:size].tolist() == theirs.shingles.values[:size].tolist()


@BOTH
def test_holders_are_the_chosen_rows_with_a_wanted_shingle(kernel) -> None:
    wanted = np.zeros(1024, bool)
    wanted[[1, 3]] = True
    found = kernel.holders(part_of([[4, 5, 8], [12, 4], [4]], left_out=2), wanted)
    assert found.tolist() == pack(np.array([4, 12, 4]), np.array([2, 1, 1])).tolist()


@given(st.lists(st.lists(st.text("ab é", max_size=30), max_size=5), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_shingles_of_a_side_lie_inside_one_of_its_messages(rows: list[list[str]]) -> None:
    table = plain.shingle(compared_texts(messages(*rows), "dialogue"))
    everything = np.ones(1, bool)
    for side in (USER, ASSISTANT):
        ours, theirs = (k.side_shingles(table, side, everything) for k in (fast, plain))
        assert ours.rows.tolist() == theirs.rows.tolist()
        assert ours.shingles.tolist() == theirs.shingles.tolist()
        first = {USER: 0, ASSISTANT: 1}[side]
        of_side = [texts[first::2] for texts in rows]
        grams = [
            {tuple(found[i : i + 5]) for text in texts for found in [words(text)]
             for i in range(len(found) - 4)}
            for texts in of_side
        ]  # fmt: skip
        assert np.bincount(ours.rows, minlength=len(rows)).tolist() == list(map(len, grams))


@BOTH
def test_only_wanted_shingles_of_a_side_are_found(kernel) -> None:
    table = plain.shingle(compared_texts(messages(["one two three four five six"]), "dialogue"))
    first, second = table["shingles"][0].as_py()
    wanted = np.zeros(1 << 22, bool)
    wanted[second & (len(wanted) - 1)] = True
    found = kernel.side_shingles(table, USER, wanted)
    assert found.shingles.tolist() == [second] != [first]


def test_little_is_computed_in_python_until_it_has_become_much(monkeypatch) -> None:
    monkeypatch.setattr(kernels, "PLAIN_WORDS", 100)
    choose = kernels._Choice()
    assert choose(60) is plain
    assert choose(40) is plain
    assert choose(1) is fast
    assert choose(0) is fast


def compiled() -> list[CPUDispatcher]:
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.iter_modules(fast.__path__, "pipeline.dedup.fast.")
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, CPUDispatcher)
    ]


def test_every_function_is_compiled_once_for_tables_in_memory_and_mapped_ones(
    monkeypatch, tmp_path
) -> None:
    """Arrays of another kind (that can be written to) would have it compiled anew: seconds."""
    monkeypatch.setattr(kernels, "PLAIN_WORDS", 0)
    front = " ".join(f"front{n}" for n in range(50))
    rows = [
        [f"{front} {' '.join(f'w{number // 2}x{n}' for n in range(30))}", f"ばé {number}"]
        for number in range(60)
    ]
    table, asked = messages(*rows), DedupSettings()
    before = {function: len(function.signatures) for function in compiled()}
    dedup([table], asked, [messages(rows[0])])
    signed = sign.sign(table, asked)
    path = str(tmp_path / "part.arrow")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, signed.schema) as writer:
        writer.write_table(signed)
    mapped = pa.ipc.open_file(pa.memory_map(path)).read_all()
    _, report = link.link([mapped], asked)
    assert report["boilerplate_rows"] == 60
    twice = [f.__name__ for f in compiled() if len(f.signatures) > max(1, before[f])]
    assert twice == []


@given(st.lists(st.integers(0, 5), max_size=9))
def test_counting_up(counts: list[int]) -> None:
    expected = [number for count in counts for number in range(count)]
    assert counted_up(np.array(counts, np.int64)).tolist() == expected


@given(st.lists(st.integers(0, 9), max_size=20))
def test_distinct_keys_are_sorted(keys: list[int]) -> None:
    assert distinct(np.array(keys, np.uint64)).tolist() == sorted(set(keys))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_two_numbers_in_one(high: int, low: int) -> None:
    packed = pack(np.array([high]), np.array([low]))
    assert (high_half(packed).tolist(), low_half(packed).tolist()) == ([high], [low])


def test_columns_of_arrow_are_not_copied_and_not_written_to() -> None:
    column = arrow(np.arange(9))
    numbers = plain.lists(arrow_lists(np.arange(9, dtype=np.uint32), np.array([0, 4, 9]))).values
    assert not numbers.flags.writeable
    assert column.slice(3, 2).to_pylist() == [3, 4]
