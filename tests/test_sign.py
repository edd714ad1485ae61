"""Signatures anyone can check: shingles of the plain definition, signatures of datasketch."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.conversation import Conversation, Message, Source
from pipeline.dedup import kernels, plain
from pipeline.dedup import sign as signing
from pipeline.dedup.columns import arrow_lists, lists
from pipeline.dedup.words import words
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import to_table

SETTINGS = DedupSettings()


@pytest.fixture(scope="module", params=["plain", "fast"], autouse=True)
def computed_by(request) -> Iterator[None]:
    """Each test with the kernels for little data, and with those for much."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "PLAIN_WORDS", {"plain": 1 << 60, "fast": 0}[request.param])
        yield


TEXT = st.text(
    st.one_of(
        st.sampled_from(
            "abcXYZ éßﬁ日本のテ한ば\u3099\u0301\u1e9e١'-_.😀\U0001d400\U00020000\U0002f800\ufe0f"
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)


def table(*texts: str) -> pa.Table:
    """One conversation per text, a message of the user."""
    return to_table(
        Conversation(str(i), (Message("user", t),), Source("file", "t", str(i)))
        for i, t in enumerate(texts)
    )


def shingles(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + 5]) for i in range(max(1, len(found) - 4))} if found else set()


@given(TEXT)
@settings(max_examples=500, deadline=None)
def test_as_many_words_and_shingles_as_the_plain_definition(text):
    row = signing.sign(table(text), SETTINGS).to_pylist()[0]
    assert row["words"] == len(words(text))
    assert len(set(row["shingles"])) == len(shingles(text))


@given(st.lists(TEXT, min_size=2, max_size=6))
@settings(max_examples=300, deadline=None)
def test_equal_digests_mean_equal_words(texts):
    digests = signing.sign(table(*texts), SETTINGS)["digest"].to_pylist()
    for i, one in enumerate(texts):
        for j, two in enumerate(texts):
            assert (digests[i] == digests[j]) == (words(one) == words(two))


@given(st.text("abcXYZ 019.", max_size=90), st.data())
def test_a_text_read_by_character_has_the_words_of_one_read_in_eights(text, data):
    letters = [at for at, c in enumerate(text) if c.isalnum()]
    wide = data.draw(st.lists(st.sampled_from(letters), unique=True)) if letters else []
    other = "".join(chr(ord(c) + 0xFEE0) if at in wide else c for at, c in enumerate(text))
    one, two = signing.sign(table(text, other), SETTINGS).to_pylist()
    for name in ("digest", "shingles", "message_words"):
        assert one[name] == two[name]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=300))
@settings(deadline=None)
def test_signatures_are_those_of_datasketch_bit_for_bit(values):
    theirs = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)
    theirs.update_batch(values)
    assert (signing.signature(np.array(values, np.uint32)) == theirs.hashvalues).all()


@given(st.lists(st.integers(0, 2**32 - 1), max_size=300))
@settings(deadline=None)
def test_band_keys_are_hashes_of_that_signature(shingles):
    """A band of one value changes its key exactly when the value changes."""
    flat = lists(arrow_lists(np.array([*shingles, 7], np.uint32), np.array([0, len(shingles) + 1])))
    other = lists(
        arrow_lists(np.array([*shingles, 8], np.uint32), np.array([0, len(shingles) + 1]))
    )
    chosen = kernels.kernels(0)
    one, two = (chosen.band_keys(rows, 128, 1)[:, 0] for rows in (flat, other))
    same_value = plain.signature(flat.values) == plain.signature(other.values)
    assert ((one == two) == same_value).all()
    assert len(set(one.tolist())) == 128


def test_a_signature_can_be_used_in_datasketch():
    row = signing.sign(table("one two three four five six seven eight"), SETTINGS)
    values = row["shingles"].combine_chunks().flatten().to_numpy()
    theirs = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)
    theirs.update_batch(values.tolist())
    assert signing.minhash(values).jaccard(theirs) == 1.0


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8, 0.9])
def test_bands_are_what_datasketch_chooses_for_a_threshold_lower_by_three_tenths(threshold):
    theirs = MinHashLSH(threshold=threshold - 0.3, num_perm=128)
    assert signing.bands(threshold) == (theirs.b, theirs.r)


def test_bands_for_low_thresholds_are_datasketchs_when_a_miss_weighs_most():
    theirs = MinHashLSH(threshold=0.3, num_perm=128, weights=(0.01, 0.99))
    assert signing.bands(0.3) == signing.bands(0.55) == (theirs.b, theirs.r)


@pytest.mark.parametrize("threshold", [0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0])
def test_a_pair_at_the_threshold_is_rarely_missed(threshold):
    count, width = signing.bands(threshold)
    assert (1 - threshold**width) ** count <= 2e-4


def test_the_scheme_is_recorded_with_the_signatures():
    recorded = signing.sign(table("hello"), SETTINGS).schema.metadata
    assert recorded[b"scheme"] == b"affine32"
    assert (recorded[b"permutations"], recorded[b"seed"]) == (b"128", b"1")
    assert (recorded[b"bands"], recorded[b"rows"]) == (b"32", b"4")


def test_a_slice_of_a_table_is_signed_like_the_table():
    whole = table(
        "a b c d e f", "ß und ﬁ", "", "日本 の テキスト", "hello there my old friend of mine"
    )
    expected = signing.sign(whole, SETTINGS).slice(1, 3)
    assert signing.sign(whole.slice(1, 3), SETTINGS).to_pylist() == expected.to_pylist()
