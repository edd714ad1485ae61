"""Defects of the assistant's messages, beside naive ways to count them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.annotate.features import BUCKETS
from pipeline.annotate.folding import words_of
from pipeline.conversation import Conversation, Message, Persona
from pipeline.score.defects import ENOUGH, NAMES, RARE, RUN, WINDOW, batch, defects, texts
from tests.rows import conversation

RARE_ALL = np.full(BUCKETS, RARE**2, np.float32)  # every word counts as rare
word = st.sampled_from(["tea", "rain", "dog", "moon", "oven", "ink"])
text = st.lists(word, max_size=16).map(" ".join)
rows = st.lists(
    st.builds(
        lambda found, card: conversation(1, found, persona=Persona("", card)),
        st.lists(text, min_size=1, max_size=6),
        text,
    ),
    min_size=1,
    max_size=3,
)


def measured(found: list[Conversation]) -> list[dict[str, float]]:
    numbers = defects(words_of(texts(found)), RARE_ALL, batch(found))
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in numbers]


def own_words(row: Conversation) -> list[list[str]]:
    return [m.content.split() for m in row.messages if m.role == "assistant"]


def card_words(row: Conversation) -> list[str]:
    return ((row.persona and row.persona.description) or "").split()


@given(rows)
def test_stutter(found: list[Conversation]) -> None:
    for row, numbers in zip(found, measured(found), strict=True):
        shares = []
        for said in own_words(row):
            pairs = list(pairwise(said))
            if len(said) >= ENOUGH:
                shares.append(1 - len(set(pairs)) / len(pairs))
        assert numbers["stutter"] == pytest.approx(max(shares, default=math.nan), nan_ok=True)


@given(rows)
def test_takes_up(found: list[Conversation]) -> None:
    for row, numbers in zip(found, measured(found), strict=True):
        taken = [
            bool(set(before.content.split()) & set(reply.content.split()))
            for before, reply in pairwise(row.messages)
            if before.role == "user" and reply.role == "assistant" and before.content
        ]
        share = sum(taken) / len(taken) if taken else math.nan
        assert numbers["takes_up"] == pytest.approx(share, nan_ok=True)


@given(st.lists(word, max_size=WINDOW + 20))
def test_variety(said: list[str]) -> None:
    row = conversation(1, ["Hm", " ".join(said)])
    stretches = [said[start : start + WINDOW] for start in range(len(said) - WINDOW + 1)]
    shares = [len(set(stretch)) / WINDOW for stretch in stretches]
    mean = sum(shares) / len(shares) if shares else math.nan
    assert measured([row])[0]["variety"] == pytest.approx(mean, nan_ok=True)


@given(rows)
def test_what_is_shown_of_the_card(found: list[Conversation]) -> None:
    for row, numbers in zip(found, measured(found), strict=True):
        card, said = set(card_words(row)), {w for text in own_words(row) for w in text}
        share = len(card & said) / len(card) if card else math.nan
        assert numbers["card_shown"] == pytest.approx(share, nan_ok=True)


@given(rows)
def test_what_is_recited_of_the_card(found: list[Conversation]) -> None:
    for row, numbers in zip(found, measured(found), strict=True):
        card = card_words(row)
        if not card:
            assert math.isnan(numbers["card_recited"])
            continue
        known = {tuple(card[i : i + RUN]) for i in range(len(card) - RUN + 1)}
        longest = 0
        for said in own_words(row):
            run = 0
            for i in range(len(said) - RUN + 1):
                run = run + 1 if tuple(said[i : i + RUN]) in known else 0
                longest = max(longest, run)
        assert numbers["card_recited"] == (longest + RUN - 1 if longest else 0)


@given(rows)
def test_a_row_is_measured_the_same_alone_and_among_others(found: list[Conversation]) -> None:
    together = measured(found)
    for row, numbers in zip(found, together, strict=True):
        assert measured([row])[0] == pytest.approx(numbers, nan_ok=True)


def test_a_system_message_is_the_card_where_there_is_none() -> None:
    messages = (
        Message("system", "You are Ada, a lighthouse keeper who mends clocks."),
        Message("user", "Hello."),
        Message("assistant", "I am a lighthouse keeper who mends clocks."),
    )
    found = measured([conversation(1, []).__class__("0" * 16, messages, conversation().source)])
    assert found[0]["card_recited"] == 6
