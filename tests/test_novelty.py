"""Is a text new? A fixed limit decides as ROUGE-L does, a calibrated one fits every length."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.generate.novelty import Neighbour, Novelty

WORDS = [
    start + vowel + end
    for start in "bdfgklmnprst"
    for vowel in ("a", "e", "i", "o", "u")
    for end in ("n", "r", "st", "lo", "mi", "ta")
]
SMALL = ["the", "a", "of", "and", "to", "in", "is", "with", "for", "it"]


def lcs(left: list[str], right: list[str]) -> int:
    """The longest common subsequence as every textbook has it."""
    row = [0] * (len(right) + 1)
    for word in left:
        before = row[:]
        for place, other in enumerate(right):
            if word == other:
                row[place + 1] = before[place] + 1
            else:
                row[place + 1] = max(row[place], before[place + 1])
    return row[-1]


def rouge_l(left: str, right: str) -> float:
    one, other = left.split(), right.split()
    common = lcs(one, other)
    precision, recall = common / len(other), common / len(one)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def unrelated(count: int, length: int, seed: int, small: float = 0.4) -> list[str]:
    """Texts that share only small words and a common stock, used unevenly as in a language."""
    rng = random.Random(seed)
    weights = [1 / (n + 3) for n in range(len(WORDS))]

    def word() -> str:
        return rng.choice(SMALL) if rng.random() < small else rng.choices(WORDS, weights)[0]

    return [" ".join(word() for _ in range(length)) for _ in range(count)]


def filled(texts: list[str], **settings: float) -> Novelty:
    novelty = Novelty(unrelated(24, 60, 99), **settings)
    for text in texts:
        novelty.add(text)
    return novelty


TEXT = st.lists(st.sampled_from(["ah", "oh", "no", "Yes", "so"]), min_size=1, max_size=12).map(
    " ".join
)


@given(
    pool=st.lists(TEXT, min_size=1, max_size=8),
    candidate=TEXT,
    cutoff=st.sampled_from([0.0, 0.24, 0.5, 0.8]),
)
def test_a_fixed_cut_off_decides_as_rouge_l(pool: list[str], candidate: str, cutoff: float) -> None:
    found = filled(pool, cutoff=cutoff).neighbour(candidate)
    similarities = [rouge_l(text.lower(), candidate.lower()) for text in pool]
    assert (found is None) == (max(similarities) <= cutoff)
    if found:
        assert found.similarity == similarities[found.index] == max(similarities)
        assert found.limit == cutoff


@pytest.mark.parametrize("small", [0.2, 0.6], ids=["few small words", "many small words"])
@pytest.mark.parametrize("length", [12, 60])
def test_unrelated_texts_pass_equally_often_at_small_and_large_pools(
    length: int, small: float
) -> None:
    texts = unrelated(2150, length, 1, small)
    rates = []
    for pool in (100, 2000):
        novelty = filled(texts[:pool])
        rates.append(sum(novelty.neighbour(text) is None for text in texts[2000:]) / 150)
    assert min(rates) > 0.9
    assert abs(rates[0] - rates[1]) <= 0.05


@pytest.mark.parametrize("length", [12, 25, 60])
def test_what_is_taken_from_another_text_is_found_and_named(length: int) -> None:
    texts = unrelated(500, length, 2)
    novelty = filled(texts)
    rng = random.Random(3)
    for index in rng.sample(range(500), 25):
        words = texts[index].split()
        for place in rng.sample(range(length), length // 4):
            words[place] = rng.choice(WORDS)
        found = novelty.neighbour(" ".join(words))
        assert found
        assert found.index == index
        assert found.similarity > found.limit


@pytest.mark.parametrize("text", ["Sit down.", "one", "the of and to in is with for it a " * 30])
def test_a_copy_is_never_new(text: str) -> None:
    novelty = filled([*unrelated(40, 20, 4), text])
    found = novelty.neighbour(text.upper())
    assert isinstance(found, Neighbour)
    assert found.index == 40


def test_a_pool_of_variations_of_one_text_accepts_no_other_variation() -> None:
    """When all accepted texts are similar, one more of the same is not new."""
    original, rng = unrelated(1, 60, 5)[0].split(), random.Random(6)

    def variation() -> str:
        words = original[:]
        for place in rng.sample(range(60), 18):
            words[place] = rng.choice(WORDS)
        return " ".join(words)

    novelty = filled([variation() for _ in range(200)])
    assert sum(novelty.neighbour(variation()) is None for _ in range(50)) == 0


def test_without_enough_references_a_plain_limit_holds() -> None:
    novelty = Novelty(["only one"])
    novelty.add("a b c d")
    assert novelty.neighbour("a b c e")
    assert novelty.neighbour("e f g h") is None
    assert novelty.neighbour("") is None


@pytest.mark.parametrize("count", [3, 4])
def test_four_references_are_enough_to_calibrate(count: int) -> None:
    novelty = Novelty(unrelated(count, 60, 7))
    assert novelty.cutoff == (0.5 if count == 3 else None)


def test_the_share_that_is_to_pass_moves_the_limit() -> None:
    """The more unrelated texts may be lost, the lower the limit."""
    texts, candidates = unrelated(400, 25, 8), unrelated(200, 25, 9)
    passed = []
    for accepted in (0.2, 0.95):
        novelty = Novelty(unrelated(24, 60, 99), accepted)
        for text in texts:
            novelty.add(text)
        passed.append(sum(novelty.neighbour(text) is None for text in candidates) / 200)
    assert passed[0] < 0.6
    assert passed[1] > 0.9


def test_a_text_that_is_among_the_references_is_not_compared_with_itself() -> None:
    """Seeds are references and members of the pool: their own copy must not count as usual."""
    reference = unrelated(24, 60, 99)
    novelty = Novelty(reference)
    novelty.add(reference[0])
    assert len(novelty.z_scores(novelty.coded(reference[0]), np.array([1.0]))) == 1 + 23


def test_more_words_than_letters_below_the_surrogates_are_told_apart() -> None:
    """Each word is one code point; surrogates cannot be compared."""
    novelty = Novelty([], cutoff=0.5)
    coded = novelty.coded(" ".join(f"w{number}" for number in range(0xE100)))
    assert len(set(coded)) == 0xE100
    assert coded.encode()
