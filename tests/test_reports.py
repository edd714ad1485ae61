"""What is read from the reports of a run: which stages stand, histograms, an example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import UserError
from pipeline.conversation import Conversation, Drop, Finding
from pipeline.run import reports
from pipeline.store.counts import Counts
from pipeline.store.report import FUNNEL, by_count, counted
from pipeline.store.store import Store
from tests.rows import conversation


def report(stage: str, before: str, store: str) -> dict[str, Any]:
    return {**counted(stage, 3, Counts(kept=2, dropped=1)), "before": before, "store": store}


def run_of(folder: Path, *stages: tuple[str, str, str]) -> str:
    """A run with the reports of some stages: folder, the store it read, its own name."""
    (folder / "recipe.yaml").write_text("name: ours\n", "utf-8")
    for name, before, store in stages:
        Store(folder, name).write_record("report.json", report(name[2:], before, store))
    (folder / "notes").mkdir()
    return str(folder)


def test_a_stage_stands_on_the_store_before_it(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        ("1-collect", "", "a"),
        ("2-generate", "a", "b"),
        ("3-filter", "older", "c"),  # of rows that are there no more
        ("4-dedup", "c", "d"),
        ("5-score", "b", "e"),
    )
    assert list(reports.standing(run)) == ["1-collect", "2-generate", "5-score"]
    assert [one["stage"] for one in reports.reports(run)] == ["collect", "generate", "score"]
    funnel = reports.funnel(run)
    assert [tuple(row) for row in funnel] == [FUNNEL] * 3
    assert (funnel[0]["in"], funnel[0]["kept"], funnel[0]["added"]) == (3, 2, 0)
    with pytest.raises(UserError, match=r"There is no run in .*/nowhere\. A run folder has"):
        reports.standing(str(tmp_path / "nowhere"))


def test_a_recipe_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert reports.recipe_of(str(tmp_path)) is None
    for text in ("", "name: [", "title: x\n"):
        (tmp_path / "recipe.yaml").write_text(text, "utf-8")
        assert reports.recipe_of(str(tmp_path)) is None


def measured(number: int, words: float | None) -> Conversation:
    return conversation(number, measures={} if words is None else {"words": words})


def test_a_histogram_is_over_all_rows_the_dropped_ones_included(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    assert reports.measures_of(store, {}) == {}
    reason = (Finding("filter", "a", decision="drop"),)
    gone = conversation(101, measures={"words": 200.0}, findings=reason)
    store.write("00000", "key", [*(measured(n, float(n)) for n in range(100)), Drop(gone)])
    store.write("00001", "key", [measured(102, None)])
    found = reports.measures_of(store, store.marks())
    assert list(found) == ["words"]
    words = found["words"]
    assert (words["rows"], words["min"], words["max"]) == (101, 0.0, 200.0)
    assert [words[f"p{rank}"] for rank in (5, 50, 95, 99)] == [5.0, 50.0, 95.0, 99.0]
    assert words["histogram"] == [10] * 10 + [0] * 9 + [1]


def test_equal_values_have_a_histogram_too(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    store.write("00000", "key", [measured(n, 5.0) for n in range(3)])
    words = reports.measures_of(store, store.marks())["words"]
    assert (words["rows"], words["min"], words["p50"]) == (3, 5.0, 5.0)
    assert 5.0 < words["max"] < 5.001
    assert (len(words["histogram"]), sum(words["histogram"])) == (20, 3)


def test_an_example_of_a_dropped_row(tmp_path: Path) -> None:
    run = run_of(tmp_path, ("1-collect", "", "a"), ("3-filter", "a", "b"))
    assert reports.a_dropped_row(run) is None
    dropped = conversation(7, findings=(Finding("filter", "a", decision="drop"),))
    Store(tmp_path, "3-filter").write("00000", "key", [conversation(1), Drop(dropped)])
    assert reports.a_dropped_row(run) == dropped.id


def test_reasons_stand_in_the_order_of_their_numbers() -> None:
    assert list(by_count({"b": 1, "c": 3, "a": 1}).items()) == [("c", 3), ("a", 1), ("b", 1)]
    found = counted("filter", 4, Counts(kept=3, dropped=2, reasons={"x": 1, "y": 2}))
    assert (found["in"], found["added"], list(found["reasons"])) == (4, 1, ["y", "x"])
    assert (found["empty"], found["quarantined"]) == ([], 0)
