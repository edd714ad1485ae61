"""The judge as a user meets it: in a recipe, on the command line, killed and run again."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.conversation import CRITERIA
from pipeline.recipe.models import ModelSettings
from pipeline.run.context import StageContext
from pipeline.run.steps import score
from pipeline.store.columns import to_table
from tests.conftest import Rapport
from tests.rows import conversation, record, talk, write_jsonl
from tests.servers.model import Serving, serving
from tests.test_run import ENVIRONMENT, RAPPORT, digests, funnel, recipe

Ran = Callable[..., str]

CRITIC = {"model": "critic-1", "attempts": 1, "reasks": 0}


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving(answers="tests.servers.judging:honest") as server:
        yield server


@pytest.fixture
def server(running: Serving) -> Serving:
    running.configure()
    return running


@pytest.fixture
def ran(rapport: Rapport) -> Ran:
    """A command that must end with a code: what it printed, both streams."""

    def call(*words: object, code: int = 0) -> str:
        found, out, err = rapport(*words)
        assert found == code, out + err
        assert "Traceback" not in err
        return out + err

    return call


def judged(folder: Path, server: Serving, **sections: Any) -> Path:
    """A recipe with a judge over 30 talks in three files."""
    for number in range(3):
        talks = [
            record(n, [*talk(n)[:3], f"{talk(n)[3]} (4 of 5)"])
            for n in range(10 * number, 10 * number + 10)
        ]
        path = folder / "talks" / f"{number}.jsonl"
        if not path.exists():
            write_jsonl(path, talks)
    values: dict[str, Any] = {
        "score": {"judge": {"models": ["critic"], "criteria": ["engaging", "safe"]}},
        "models": {"critic": CRITIC | {"base_url": server.url}},
    }
    return recipe(folder, files=0, **(values | sections))


def scores(run: Path, by: str = "critic-1") -> list[dict[str, Any]]:
    rows = pq.read_table(run / "5-score" / "kept", columns=["scores"]).to_pylist()
    return [score for row in rows for score in row["scores"] if score["by"] == by]


def test_every_row_is_rated_and_the_report_says_what_it_took(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    path, run = judged(tmp_path, server), tmp_path / "out"
    told = ran("run", path, "--out", run)
    assert "score: 30 of 30 rows" in told
    assert [score["criterion"] for score in scores(run)] == ["engaging", "safe"] * 30
    assert {(score["value"], tuple(score["messages"])) for score in scores(run)} == {(4.0, (3,))}
    assert "score, models: 60 calls, 0 of them answered from the store" in ran("stats", run)
    assert server.stats()["requests"] == 60
    ran("run", path, "--out", run)
    assert server.stats()["requests"] == 60


def test_garbage_is_null_with_reason_and_the_run_is_done(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    server.configure(faults={"garbage": 0.3})
    path, run = judged(tmp_path, server), tmp_path / "out"
    way = funnel(ran("run", path, "--out", run, "--json", code=0))
    assert (way["score"]["in"], way["score"]["kept"], way["score"]["transient"]) == (30, 30, 0)
    failed = [score for score in scores(run) if score["value"] is None]
    assert 5 < len(failed) < 35
    assert all(score["error"].startswith("bad_json: ") for score in failed)


def test_what_a_server_failed_is_asked_again_and_nothing_else(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    path, run = judged(tmp_path, server), tmp_path / "out"
    server.configure(faults={"503": 0.2})
    told = ran("run", path, "--out", run, "--json", code=3)
    assert "the same command asks again for what failed" in told
    failed = [score for score in scores(run) if score["value"] is None]
    assert 0 < funnel(told)["score"]["transient"] <= len(failed)
    server.configure()
    ran("run", path, "--out", run)
    assert server.stats()["requests"] == len(failed)
    assert {score["value"] for score in scores(run)} == {4.0}


def test_killed_and_run_again_it_asks_nothing_twice(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    path, run = judged(tmp_path, server), tmp_path / "out"
    ran("run", path, "--out", run, "--until", "dedup")
    server.configure(latency_ms=150)
    command = [*RAPPORT, "run", str(path), "--out", str(run)]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        while server.stats()["keys_answered"] < 30:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    ran("run", path, "--out", run)
    stats = server.stats()
    assert stats["keys"] == stats["keys_answered"] == 60
    assert stats["asked_again_after_answer"] <= 64  # only what was under way
    assert stats["requests"] < 120
    ran("run", path, "--out", tmp_path / "calm")
    assert digests(run / "5-score") == digests(tmp_path / "calm" / "5-score")


def test_a_further_criterion_asks_for_that_one_alone(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    run = tmp_path / "out"
    ran("run", judged(tmp_path, server), "--out", run)
    judge = {"models": ["critic"], "criteria": ["engaging", "safe", "pacing"]}
    path = judged(tmp_path, server, score={"judge": judge})
    ran("run", path, "--out", run)
    assert server.stats()["requests"] == 90


def test_a_judge_of_the_writers_family_is_refused_before_anything_is_sent(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    written = {"model": "critic-7b", "base_url": "rehearsal"}
    models = {"critic": CRITIC | {"base_url": server.url}, "writer": written}
    generate = {"seeds": 1, "talks": 1, "turns": [4, 6]}
    path = judged(tmp_path, server, models=models, generate=generate)
    told = ran("run", path, "--out", tmp_path / "out", code=1)
    assert "recipe.yaml:1: score.judge.models[1]: the judge `critic` (critic-1) is of the" in told
    assert "family `critic`, as critic-7b is, which wrote what it would rate" in told
    # rows of an earlier run, which only say who wrote them
    made = ("generate", "--out", tmp_path / "made", "--set", "seeds=1", "--set", "talks=2")
    ran(*made)
    rows = tmp_path / "made" / "2-generate" / "kept"
    near = {"critic": {"model": "rehearsal-2", "base_url": server.url}}
    sources = {"sources": [{"name": "made", "files": [str(rows)], "license": "CC0-1.0"}]}
    path = judged(tmp_path, server, models=near, collect=sources)
    told = ran("run", path, "--out", tmp_path / "other", code=1)
    assert "the judge `critic` (rehearsal-2) is of the family `rehearsal`, as rehearsal is" in told
    assert server.stats()["requests"] == 0
    judge = {"models": ["critic"], "criteria": ["safe"], "force": True}
    path = judged(tmp_path, server, models=near, collect=sources, score={"judge": judge})
    ran("run", path, "--out", tmp_path / "other")
    assert server.stats()["requests"] >= 2


def test_mistakes_of_the_judge_are_told_with_their_keys(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    judge = {"models": ["critc"], "criteria": ["engaging", "sage"]}
    path = judged(tmp_path, server, score={"judge": judge})
    told = ran("check", path, code=1)
    assert "score.judge.models[1]: there is no model `critc` under `models` (there: critic)" in told
    assert "score.judge.criteria[2]: there is no criterion `sage`; did you mean `safe`?" in told
    path = judged(tmp_path, server, score={"judge": {"models": ["critic", "critic"]}})
    assert "judge.models: must be one model, or two" in ran("check", path, code=1)


def test_plan_shows_calls_and_families(server: Serving, tmp_path: Path, ran: Ran) -> None:
    path, run = judged(tmp_path, server), tmp_path / "out"
    told = ran("plan", path, "--out", run)
    assert "score asks these models (of this family): critic (critic)" in told
    assert "is known once there are rows: rapport run … --until dedup" in told
    ran("run", path, "--out", run, "--until", "dedup")
    planned = json.loads(ran("plan", path, "--out", run, "--json"))
    row = next(row for row in planned if row["stage"] == "score")
    assert (row["calls"], row["families"]) == (60, {"critic": "critic"})
    ran("run", path, "--out", run)
    report = json.loads((run / "5-score" / "report.json").read_text())
    assert row["prompt_tokens"] == pytest.approx(report["usage"]["prompt_tokens"], rel=0.1)


def test_plan_counts_the_talks_that_will_be_made(server: Serving, tmp_path: Path, ran: Ran) -> None:
    models = {
        "critic": CRITIC | {"base_url": server.url},
        "writer": {"model": "writer-1", "base_url": "rehearsal"},
    }
    generate = {"seeds": 2, "talks": 3, "turns": [6, 10]}
    path = judged(tmp_path, server, models=models, generate=generate, collect={"sources": []})
    planned = json.loads(ran("plan", path, "--out", tmp_path / "out", "--json"))
    by_stage = {row["stage"]: row for row in planned}
    assert by_stage["score"]["calls"] == 6 * 2
    assert by_stage["generate"]["families"] == {"writer": "writer"}
    budget = {"max_tokens": by_stage["generate"]["prompt_tokens"] + 5_000}
    path = judged(
        tmp_path, server, models=models, generate=generate, collect={"sources": []}, budget=budget
    )
    assert "exceeds `budget.max_tokens`" in ran("plan", path, "--out", tmp_path / "out")


def test_a_run_with_a_judge_rehearses(server: Serving, tmp_path: Path, ran: Ran) -> None:
    models = {
        "critic": CRITIC | {"base_url": server.url},
        "writer": {"model": "writer-1", "base_url": server.url},
    }
    path = judged(
        tmp_path,
        server,
        models=models,
        generate={"seeds": 1, "talks": 2, "turns": [4, 6]},
        score={"judge": {"models": ["critic"]}},
    )
    way = funnel(ran("run", path, "--out", tmp_path / "out", "--rehearse", "--json"))
    assert way["score"]["kept"] == way["score"]["in"] > 30
    found = scores(tmp_path / "out", "rehearsal")  # never under the name of the real one
    assert len(found) == way["score"]["in"] * len(CRITERIA)
    assert sum(score["value"] is not None for score in found) > 0.7 * len(found)
    assert server.stats()["requests"] == 0


def test_the_command_score_takes_a_judge(server: Serving, tmp_path: Path, ran: Ran) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", [record(n) for n in range(3)])
    asked = ("--judge", "critic-1", "--base-url", server.url, "--set", "judge.criteria=[safe]")
    told = ran("score", path, "--out", tmp_path / "out", *asked, "--require", "safe=3")
    assert [score["value"] for score in scores(tmp_path / "out")] == [3.0] * 3
    assert "It says so itself." in " ".join(told.split())
    assert "safe" in ran("score", path, *asked, "--require", "safe=4", code=1)
    ran("score", path, "--judge", "rehearsal")


def test_paid_answers_outlive_a_score_that_is_not_kept(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", [record(n) for n in range(3)])
    asked = ("--judge", "critic-1", "--base-url", server.url, "--set", "judge.criteria=[safe]")
    first = ran("score", path, *asked)
    assert server.stats()["requests"] == 3
    assert ran("score", path, *asked) == first
    assert server.stats()["requests"] == 3  # all from the store
    write_jsonl(path, [record(n) for n in range(4)])
    ran("score", path, *asked)
    assert server.stats()["requests"] == 4


def test_a_wrong_key_stops_the_run_with_one_message(
    server: Serving, tmp_path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.configure(key="sk-another")
    monkeypatch.setenv("JUDGE_KEY", "sk-marked-0123456789")
    critic = CRITIC | {"base_url": server.url, "key": "JUDGE_KEY"}
    path = judged(tmp_path, server, models={"critic": critic})
    told = ran("run", path, "--out", tmp_path / "out", code=1)
    assert "does not accept the key in JUDGE_KEY for critic-1 (401)" in told
    assert "sk-marked" not in told


def test_answers_of_a_judge_need_a_disk(server: Serving, tmp_path: Path, ran: Ran) -> None:
    path = judged(tmp_path, server)
    told = ran("run", path, "--out", "memory://judged", code=1)
    assert "Judging keeps every answer in a file that needs a disk" in told


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (["rehearsal"], []),
        (["http://127.0.0.1:9/v1"], []),
        (["http://localhost:9/v1"], []),
        (["http://127.0.0.1:9/v1", "rehearsal"], []),
        (["http://a.example/v1"], ["http://a.example/v1"]),
        (["http://a.example/v1", "rehearsal"], ["http://a.example/v1"]),
        (["http://a.example/v1", "http://a.example/v1"], ["http://a.example/v1"]),
        (["http://a.example/v1", None], ["http://a.example/v1 and https://api.openai.com/v1"]),
    ],
)
def test_only_a_server_elsewhere_is_warned_of(
    places: list[str | None], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {
        str(n): ModelSettings(model=f"m{n}", base_url=place) for n, place in enumerate(places)
    }
    notices: list[str] = []
    judge = SimpleNamespace(models=list(models))
    job = SimpleNamespace(recipe=SimpleNamespace(models=models), notice=notices.append)
    context = SimpleNamespace(job=job, settings=SimpleNamespace(judge=judge))
    parts = [pa.array([True, False]), pa.array([None, None], pa.bool_()), pa.array([True])]
    monkeypatch.setattr(score, "_of_sources", lambda *_: parts)
    score._warn_of_private(cast(StageContext, context))
    warning = "score: 2 private conversations will be sent to {}."
    assert notices == [warning.format(place) for place in told]
    monkeypatch.setattr(score, "_of_sources", lambda *_: parts[1:2])
    score._warn_of_private(cast(StageContext, context))
    assert len(notices) == len(told)  # there are no private ones


def test_private_chats_are_sent_elsewhere_only_with_a_word_of_warning(
    server: Serving, tmp_path: Path, ran: Ran
) -> None:
    rows = [conversation(number) for number in range(3)]
    rows = [replace(row, source=row.source._replace(private=True)) for row in rows[:2]] + rows[2:]
    path = tmp_path / "chats.parquet"
    pq.write_table(to_table(rows), path)
    away = "http://127.0.0.2:9/v1"
    told = ran("score", path, "--judge", "critic-1", "--base-url", away, code=1)
    assert f"score: 2 private conversations will be sent to {away}." in told
    assert "models elsewhere are switched off" in told  # by the tests
    near = ("--judge", "critic-1", "--base-url", server.url, "--set", "judge.criteria=[safe]")
    assert "private" not in ran("score", path, *near)
