"""Is a text new? The fixed cut-off decides as ROUGE-L does, the calibrated one alike for every pool and length."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.generate.novelty import Neighbour, Novelty

WORDS = [
    a + b + c
    for a in "bdfgklmnprst"
    for b in ("a", "e", "i", "o", "u")
    for c in ("n", "r", "st", "lo", "mi", "ta")
]
SMALL = ["the", "a", "of", "and", "to", "in", "is", "with", "for", "it"]


def lcs(a: list[str], b: list[str]) -> int:
    """The longest common subsequence as every textbook has it."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b):
            row[j + 1] = before[j] + 1 if x == y else max(row[j], before[j + 1])
    return row[-1]


def rouge_l(a: str, b: str) -> float:
    one, other = a.split(), b.split()
    common = lcs(one, other)
    precision, recall = common / len(other), common / len(one)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def unrelated(count: int, length: int, seed: int, small: float = 0.4) -> list[str]:
    """Texts that share nothing but small words and a common stock, used unevenly as languages do."""
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
    alike = [rouge_l(text.lower(), candidate.lower()) for text in pool]
    assert (found is None) == (max(alike) <= cutoff)
    if found:
        assert found.similarity == alike[found.index] == max(alike)


@pytest.mark.parametrize("small", [0.2, 0.6], ids=["few small words", "many small words"])
@pytest.mark.parametrize("length", [12, 60])
def test_unrelated_texts_pass_alike_at_small_and_large_pools(length: int, small: float) -> None:
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


def test_a_pool_of_one_mould_lets_no_other_casting_pass() -> None:
    """When everything accepted is alike, one more of the same is not new."""
    mould, rng = unrelated(1, 60, 5)[0].split(), random.Random(6)

    def casting() -> str:
        return " ".join(rng.choice(WORDS) if rng.random() < 0.3 else word for word in mould)

    novelty = filled([casting() for _ in range(200)])
    assert sum(novelty.neighbour(casting()) is None for _ in range(50)) == 0


def test_without_enough_references_a_plain_limit_holds() -> None:
    novelty = Novelty(["only one"])
    novelty.add("a b c d")
    assert novelty.neighbour("a b c e")
    assert novelty.neighbour("e f g h") is None
    assert novelty.neighbour("") is None
