"""What `score` has measured is stored: what measures it anew, and what does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.conversation import Conversation
from pipeline.criteria import criteria
from pipeline.recipe.loading import load
from pipeline.recipe.score import ScoreSettings
from pipeline.run import inputs
from pipeline.run.context import Job
from pipeline.run.engine import Engine
from pipeline.run.runner import run
from pipeline.run.steps import measured, score
from pipeline.score.apply import work
from pipeline.score.measure import measure
from pipeline.score.rate import rate
from pipeline.store.columns import from_table, to_table
from pipeline.texts import configs
from tests.rows import conversation, record, write_jsonl
from tests.test_run import digests, rapport, recipe

MODELS = {"critic": {"model": "m", "base_url": "rehearsal"}}
RUSHED = [
    "Hi.",
    "I knew at once that you are the one. I love you.",
    "Um, hello.",
    "My darling, I dream of your hands on my skin every night.",
    "Please slow down.",
    "I can't sleep without you, kiss me, my love.",
    "No.",
]
PARTS = [19, 20, 19]  # rows
Scored = Callable[..., Path]


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of `configs/` that a test may edit."""
    folder = tmp_path / "configs"
    shutil.copytree(configs(), folder)
    for module in ("pipeline.texts", "pipeline.run.keys"):
        monkeypatch.setattr(f"{module}.configs", lambda: folder)
    criteria.cache_clear()
    yield folder
    criteria.cache_clear()


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    """Run a recipe over three parts up to `score`, in this process."""
    sources = []
    for number in range(3):
        talks = [record(n) for n in range(20 * number, 20 * number + 19)]
        if number == 1:
            talks.append(record(900, RUSHED))
        write_jsonl(tmp_path / f"{number}.jsonl", talks)
        files = [f"{number}.jsonl"]
        sources.append({"name": f"talks {number}", "files": files, "license": "CC0-1.0"})

    def scored_run(name: str = "out", **sections: Any) -> Path:
        collect = {"sources": sources}
        path = recipe(tmp_path, files=0, collect=collect, filter={}, **sections)
        with Engine(1) as engine:
            run(Job(load(path), str(tmp_path / name), engine), last="score")
        return tmp_path / name

    return scored_run


def stored(out: Path) -> dict[str, tuple[int, int]]:
    """The files of what was measured: which they are, and when they were written."""
    found = (out / "5-score" / "measured").rglob("*.*")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def scorers(out: Path) -> set[str]:
    rows = pq.read_table(out / "5-score" / "kept", columns=["scores"]).to_pylist()
    return {score["by"] for row in rows for score in row["scores"]}


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows are measured from now on, part by part."""
    counts: list[int] = []

    def counting(part: Any, settings: ScoreSettings) -> Iterator[Conversation]:
        rows = list(measure(part, settings))
        counts.append(len(rows))
        return iter(rows)

    monkeypatch.setattr(measured, "measure", counting)
    return counts


def test_another_criterion_measures_nothing_anew(
    texts: Path, scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = scored()
    before = stored(out)
    assert {"course", "emotions"} <= scorers(out)
    counts = counted(monkeypatch)
    file = texts / "criteria.yaml"
    file.write_text(file.read_text("utf-8").replace("scorers: [emotions]", "scorers: []"), "utf-8")
    criteria.cache_clear()
    scored()
    assert "emotions" not in scorers(out)
    assert "course" in scorers(out)
    assert (counts, stored(out)) == ([], before)
    fresh = scored("fresh")
    assert counts == PARTS
    assert digests(fresh / "5-score") == digests(out / "5-score")


def test_another_judge_measures_nothing_anew(
    scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = scored()
    before, alone = stored(out), scorers(out)
    counts = counted(monkeypatch)
    for rated in (["safe"], ["safe", "pacing"]):  # a model more makes no other stage stale
        scored(models=MODELS, score={"judge": {"models": ["critic"], "criteria": rated}})
        assert scorers(out) == alone | {"rehearsal"}
    assert (counts, stored(out)) == ([], before)


@pytest.mark.parametrize("name", ["praise-en", "emotion-en", "rebuffs-de", "refusal-en"])
def test_another_word_list_measures_anew(
    name: str, texts: Path, scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = scored()
    before, counts = stored(out), counted(monkeypatch)
    file = texts / "words" / f"{name}.txt"
    file.write_text(file.read_text("utf-8") + "# edited\n", "utf-8")
    scored()
    assert counts == PARTS
    assert stored(out).items().isdisjoint(before.items())


def test_another_model_measures_anew(
    tmp_path: Path, scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(inputs.MODELS, folder)
    monkeypatch.setattr(inputs, "MODELS", folder)
    scored()
    counts = counted(monkeypatch)
    scored()
    assert counts == []
    with (folder / "heads.npz").open("ab") as file:
        file.write(b"\0")
    scored()
    assert counts == PARTS


def test_what_was_measured_before_a_run_was_stopped_is_not_measured_again(
    scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = scored("calm")
    counts = counted(monkeypatch)

    def stopped(rows: object) -> Iterator[Conversation]:
        if len(counts) == 2:
            raise KeyboardInterrupt
        return rate(rows)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(score, "rate", stopped)
        with pytest.raises(KeyboardInterrupt):
            scored()
    out = scored()
    assert counts == PARTS
    assert digests(out / "5-score") == digests(calm / "5-score")


def test_the_stored_columns_are_those_that_measuring_changes(scored: Scored) -> None:
    out = scored()
    names = pq.read_table(out / "5-score" / "measured" / "kept").column_names
    assert names == ["id", "language", "edits", "measures", "annotations", "findings"]
    before = pq.read_table(out / "4-dedup" / "kept")
    after = pq.read_table(out / "5-score" / "kept")
    for name in set(before.column_names) - {*names, "scores"} | {"id"}:
        assert after[name].equals(before[name])
    report = measured.Store(out, "5-score").read_record("report.json")
    assert report is not None
    assert report["edited"] == report["kept"] == sum(PARTS)


def test_a_damaged_file_is_named_with_what_to_do(scored: Scored) -> None:
    out = scored()
    file = next((out / "5-score" / "measured" / "kept").iterdir())
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"5-score/measured.*delete the folder .*5-score/measured"):
        scored(models=MODELS, score={"judge": {"models": ["critic"], "criteria": ["safe"]}})


def test_why_shows_which_steps_are_to_blame(scored: Scored) -> None:
    out = scored()
    found = rapport("why", out, "talk-900")
    assert "measured pacing.untaken" in found
    assert "measured pacing.furthest" in found


def test_scores_follow_from_what_is_stored() -> None:
    rows = [conversation(number) for number in range(5)] + [conversation(9, RUSHED)]
    found = list(work(rows, ScoreSettings()))
    again = list(rate(from_table(to_table(measure(rows, ScoreSettings())))))
    assert again == found
    assert any(blamed(row) for row in found)


def test_rows_that_were_scored_before_are_scored_once() -> None:
    once = list(work([conversation(9, RUSHED)], ScoreSettings()))
    twice = list(work(once, ScoreSettings()))
    assert (twice[0].scores, twice[0].findings) == (once[0].scores, once[0].findings)


def blamed(row: Conversation) -> Sequence[int]:
    """The messages that are to blame for the pace of a row."""
    return next(score.messages for score in row.scores if score.criterion == "pacing")
