from __future__ import annotations

import pytest

from pipeline import score
from pipeline.conversation import Annotation, Conversation, Language, Message, Source
from pipeline.recipe.score import ScoreSettings
from tests.rows import conversation

ENGLISH = Language("en", 1.0)


def scored(*texts: str, language: Language | None = ENGLISH, **more: object) -> Conversation:
    return next(
        score.work([conversation(1, texts, language=language, **more)], ScoreSettings(window=1))
    )


def test_no_row_is_dropped_and_every_message_has_its_annotation() -> None:
    rows = [conversation(n, language=ENGLISH) for n in range(5)]
    found = list(score.work(rows, ScoreSettings()))
    assert [row.id for row in found] == [row.id for row in rows]
    assert all(len(row.annotations) == len(row.messages) for row in found)


def test_affection_is_closer_than_errands() -> None:
    row = scored(
        "Dear sir, to whom it may concern, thank you for your order.",
        "I love you, darling. I missed you.",
    )
    distant, close = (label.closeness for label in row.annotations)
    assert distant is not None
    assert close is not None
    assert distant < 0 < close
    assert row.measures["closeness_step"] == pytest.approx(close - distant)


def test_what_no_list_knows_stays_null_and_is_not_zero() -> None:
    row = scored("Xyzzy qwerty.", "Foo bar.")
    assert [label.closeness for label in row.annotations] == [None, None]
    assert "closeness" not in row.measures
    estonian = scored("Ma armastan sind.", "Tere.", language=Language("et", 1.0))
    assert [label.emotion for label in estonian.annotations] == [None, None]
    assert "emotional" not in estonian.measures
    assert "empathy" not in estonian.measures


def test_the_longest_listed_phrase_counts_and_none_inside_it() -> None:
    assert score.annotation("I am so happy and glad.", "en").emotion == "joy"
    assert score.annotation("The tram is late.", "en") == Annotation(
        closeness=score.annotation("The tram is late.", "en").closeness, emotion="neutral"
    )


def test_rows_that_no_filter_measured_are_measured_here() -> None:
    row = scored("One two three four five?", "Six seven eight nine ten.")
    assert row.measures["turns"] == 2
    assert row.measures["questions"] == 0.5
    kept = scored("One?", "Two.", measures={"turns": 7.0})
    assert kept.measures["turns"] == 7.0
    assert "questions" not in kept.measures


def test_a_row_without_a_word_is_no_error() -> None:
    row = Conversation("0" * 16, (Message("system", "Be kind."),), Source("file", "tests", "a#1"))
    assert next(score.work([row], ScoreSettings())).measures["turns"] == 0


def test_what_the_source_says_of_a_message_stays() -> None:
    given = (Annotation(emotion="melancholy"), Annotation(closeness=0.9))
    row = scored("I am so happy.", "I am so happy.", annotations=given)
    assert [label.emotion for label in row.annotations] == ["melancholy", "joy"]
    assert row.annotations[1].closeness == 0.9
    estonian = scored("Ma armastan sind.", "Tere.", language=Language("et", 1.0), annotations=given)
    assert estonian.annotations == given
