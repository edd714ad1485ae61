"""Closeness, emotion and uptake of single messages, by the shipped heads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError
from pipeline.annotate import EMOTIONS, MODELS, annotate, shipped
from pipeline.annotate import features as f
from pipeline.annotate import vocabulary as v
from pipeline.annotate.folding import words_of
from pipeline.annotate.heads import load
from pipeline.annotate.listed import LONGEST_PHRASE, listed, named

letters = st.text("abcäß я好? !.'…\n1😀한ё", max_size=30)
words = st.sampled_from(["I", "miss", "you,", "my", "darling.", "kiss", "haha!", "Я", "好", "?"])
texts = st.lists(letters | st.lists(words, max_size=12).map(" ".join), min_size=1, max_size=5)


def close(text: str, language: str) -> float:
    return float(annotate([text], [language]).closeness[0])


@pytest.mark.parametrize(
    ("language", "distant", "near"),
    [
        ("en", "Your parcel will be delivered on Tuesday.", "I can't sleep without you beside me."),
        ("ru", "Ваше заявление принято к рассмотрению.", "Мне так тебя не хватает, родной."),
        ("de", "Ihre Bestellung wurde versandt.", "Ohne dich neben mir kann ich nicht schlafen."),
        ("fr", "Votre commande a été expédiée.", "Je n'arrive pas à dormir sans toi."),
    ],
)
def test_affection_is_closer_than_errands(language: str, distant: str, near: str) -> None:
    assert close(distant, language) < -0.1 < 0.4 < close(near, language)


def test_one_sentence_makes_a_message_intimate_however_long_the_others_are() -> None:
    talk = "The tram was late again. Then it rained. The office is being painted."
    intimate = "I can't stop thinking about your hands on my skin."
    assert close(f"{talk} {intimate}", "en") > close(talk, "en") + 0.2


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I'm so happy, this is wonderful news!", "joy"),
        ("I miss her so much, I cried all night.", "sadness"),
        ("How dare you, I am furious!", "anger"),
        ("I'm terrified, my hands are shaking.", "fear"),
        ("That smell is disgusting, I feel sick.", "disgust"),
        ("Ich habe solche Angst vor morgen.", "fear"),
        ("Я так рад, это чудесная новость!", "joy"),
    ],
)
def test_emotions_that_are_named(text: str, emotion: str) -> None:
    language = "ru" if "я" in text.lower() else "de" if "Ich" in text else "en"
    assert annotate([text], [language]).emotions == [emotion]


def test_who_takes_a_step_up_and_who_turns_away() -> None:
    texts = [
        "Ha, all right then: mine was a tuba, and yours?",
        "I'd rather not talk about that.",
        "We've only just met, please slow down.",
    ]
    taken, declined, slowed = annotate(texts, ["en"] * 3).uptake
    assert taken > 0 > declined
    assert slowed < 0


def test_who_presses_and_who_gives_room() -> None:
    texts = [
        "You owe me that much after all the driving. Say yes.",
        "Why not? Just one call, then I'll stop.",
        "Nobody waits for you but me, you know that.",
        "No hurry at all, I'll be at the desk if you need the form.",
    ]
    *presses, gives_room = annotate(texts, ["en"] * 4).pressing
    assert min(presses) > 0 > gives_room
    assert np.isnan(annotate(texts, ["de"] * 4).pressing).all()  # no better with it


def test_what_was_not_measured_gets_no_value() -> None:
    found = annotate(["Ma armastan sind.", "I love you.", "", "…"], ["et", None, "en", "en"])
    assert np.isnan(found.closeness[:3]).all()
    assert found.emotions[:3] == [None, None, None]


def test_the_phrases_that_are_shown_as_a_reason() -> None:
    assert named("I MISS you, my darling.") == ["miss you", "my darling"]
    assert named("The tram is late.") == []


def test_marks_are_those_of_the_lists() -> None:
    texts = ["I'm so sorry to hear that.", "what do you mean", "haha", "The tram is late."]
    marks = annotate(texts, ["en"] * 4).marks
    assert marks["empathy"].tolist() == [True, False, False, False]
    assert marks["complaint"].tolist() == [False, True, False, False]
    assert marks["praise"].tolist() == [False, False, True, False]


@given(texts)
def test_a_message_is_read_the_same_alone_and_among_others(found: list[str]) -> None:
    together = shipped().read(words_of(found))
    for index, text in enumerate(found):
        alone = shipped().read(words_of([text]))
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[..., 0], all_of_them[..., index])


@given(texts)
def test_features_of_a_message_are_counted_once(found: list[str]) -> None:
    matrix = f.matrix(found)
    for start, end in zip(matrix.starts, matrix.starts[1:], strict=False):
        own = matrix.indices[start:end]
        assert len(set(own.tolist())) == len(own)
        assert ((own >= 0) & (own < f.BUCKETS)).all()


@given(st.lists(st.sampled_from(["ab", "c", "déjà", "вы", "xyz"]), max_size=6))
def test_words_and_the_features_they_make(said: list[str]) -> None:
    """All n-grams of 2 to 5 letters with the blanks, the word, and the pair with the one before."""
    wanted = set()
    for before, word in zip(["", *said], said, strict=False):
        padded = f" {word} "
        wanted |= {
            ("gram", padded[i:j])
            for i in range(len(padded))
            for j in range(i + 2, min(i + v.LONGEST, len(padded)) + 1)
        }
        wanted |= {("word", word), ("pair", before, word)}
    found = f.matrix([" ".join(said)]).indices
    assert len(found[found < v.SIZE]) == len(wanted)  # no two of these few share a bucket
    assert len(words_of([" ".join(said)]).hashes) == len(said)


def test_case_stops_and_apostrophes_change_no_word() -> None:
    one, other = words_of(["I'm HERE. So are you"]), words_of(["i’m here, so  are you."])
    assert one.hashes.tolist() == other.hashes.tolist()


@given(texts)
def test_sums_are_those_of_the_features_added_one_by_one(found: list[str]) -> None:
    """The compiled pass adds up words and takes back what they share; here is the plain way."""
    table, features = shipped().table.astype(int), f.matrix(found)
    totals = f.sums(words_of(found), shipped().table).totals
    for total, start, end in zip(totals, features.starts, features.starts[1:], strict=False):
        own = table[features.indices[start:end]]
        assert total[: f.SQUARE].tolist() == own[:, : f.SQUARE].sum(axis=0).tolist()
        assert total[f.SQUARE] == (own[:, f.RARITY] ** 2).sum()


def test_every_listed_phrase_is_found() -> None:
    phrases = list(listed())
    marks = shipped().read(words_of(phrases)).marks
    for phrase, bits in zip(phrases, marks.tolist(), strict=True):
        assert all(bits >> number & 1 for number in listed()[phrase]), phrase
        assert len(phrase.split()) <= LONGEST_PHRASE


def test_the_package_holds_less_than_a_megabyte_of_models() -> None:
    assert sum(path.stat().st_size for path in MODELS.iterdir()) <= 1_000_000


def test_a_file_that_holds_no_heads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "heads.npz"
    with pytest.raises(UserError, match="holds no classifiers"):
        load(path)
    np.savez(path, a=np.zeros(1))
    with pytest.raises(UserError, match="holds no classifiers"):
        load(path)


def test_every_emotion_has_a_column() -> None:
    assert {f"emotion.{emotion}" for emotion in EMOTIONS} <= set(shipped().columns)
