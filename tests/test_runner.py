"""The runner step by step, without a process: which folder it takes, which report stands, which
rows it answers for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from pipeline import UserError, __version__
from pipeline.conversation import Quarantine
from pipeline.recipe.settings import Recipe
from pipeline.run import runner
from pipeline.run.context import StageContext
from pipeline.store.counts import Counts
from pipeline.store.store import Store
from tests.rows import conversation

WRITERS = ("inventor", "character", "user")


def recipe(name: str = "ours", **sections: Any) -> Recipe:
    sources = [{"name": "talks", "files": ["talks/*.jsonl"]}]
    return Recipe.model_validate({"name": name, "collect": {"sources": sources}} | sections)


def test_an_empty_folder_becomes_the_run_of_a_recipe(tmp_path: Path) -> None:
    top = Store(tmp_path)
    runner._claim(top, recipe())
    written = yaml.safe_load((tmp_path / "recipe.yaml").read_text("utf-8"))
    assert written["name"] == "ours"
    assert "dedup" not in written  # what is not said is what the version says
    made_by = top.read_record("run.json")
    assert made_by is not None
    assert made_by["rapport"] == __version__
    assert {"python", "machine", "processors", "started"} <= made_by.keys()
    runner._claim(top, recipe(dedup={"threshold": 0.8}))  # the same run with another setting
    assert "0.8" in (tmp_path / "recipe.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"recipe.yaml": "name: theirs\n"}, "holds the run of recipe `theirs`, not of `ours`"),
        ({"notes.txt": "mine"}, "is not empty and holds no run of Rapport. Choose another folder"),
        ({"recipe.yaml": "name: [\n"}, "recipe.yaml is damaged, so it does not say whose run"),
        ({"recipe.yaml": "title: x\n"}, "recipe.yaml is damaged"),
        ({"recipe.yaml": ""}, "recipe.yaml is damaged"),
    ],
)
def test_a_folder_of_something_else_is_left_alone(
    files: dict[str, str], problem: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(UserError, match=problem.replace("[", r"\[")):
        runner._claim(Store(tmp_path), recipe())
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize(
    ("sections", "what"),
    [
        ({}, None),
        (
            {"generate": {"talks": 3, "characters": 2} | dict.fromkeys(WRITERS, "m")},
            "Generating keeps every answer",
        ),
        ({"score": {"judge": {"models": ["m"]}}}, "Judging keeps every answer"),
    ],
)
def test_answers_are_kept_on_a_disk(sections: dict[str, Any], what: str | None) -> None:
    models = {"m": {"model": "m", "base_url": "http://127.0.0.1:9/v1"}}
    asked = recipe(models=models, **sections)
    runner._check_place(Store("/tmp"), asked)
    if what is None:
        runner._check_place(Store("memory://run"), asked)
        return
    with pytest.raises(UserError, match=f"^{what} in a file that needs a disk, and memory://run"):
        runner._check_place(Store("memory://run"), asked)


def test_pages_of_a_crawl_are_kept_on_a_disk() -> None:
    sources = [{"name": "f", "spider": "forum", "start": ["https://a.example/"]}]
    crawl = recipe(collect={"sources": sources})
    with pytest.raises(UserError, match=r"^A crawl keeps its pages in a file that needs a disk"):
        runner._check_place(Store("memory://run"), crawl)


def context(
    output: Store, results: Sequence[Counts], rows_in: int | None = None, adds: bool = False
) -> StageContext:
    """Of a stage after one that handed on `rows_in` rows, or of the first."""
    stage = SimpleNamespace(name="filter", adds=adds)
    source = None if rows_in is None else Store("/nowhere")
    return cast(
        StageContext,
        SimpleNamespace(
            output=output, results=list(results), source=source, rows_in=rows_in, stage=stage
        ),
    )


def test_every_row_is_answered_for(tmp_path: Path) -> None:
    output = Store(tmp_path, "3-filter")
    done = [output.write(f"0000{unit}", "key", [conversation(unit)] * 2) for unit in range(2)]
    marks = output.marks()
    report = runner._accounts(context(output, done, 4), marks)
    assert (report["stage"], report["in"], report["added"], report["kept"]) == ("filter", 4, 0, 4)
    first = runner._accounts(context(output, done), marks)
    assert (first["in"], first["added"]) == (4, 0)
    more = runner._accounts(context(output, done, 3, adds=True), marks)
    assert (more["in"], more["added"]) == (3, 1)
    for rows_in, adds in ((3, False), (5, False), (5, True)):
        with pytest.raises(AssertionError, match=f"filter: {rows_in} rows in, 4 accounted for"):
            runner._accounts(context(output, done, rows_in, adds), marks)
    with pytest.raises(UserError, match=r"2 rows were finished, 4 are there\. Delete that folder"):
        runner._accounts(context(output, done[:1], 4), marks)


def test_only_units_with_failures_that_may_pass_are_worked_again(tmp_path: Path) -> None:
    output = Store(tmp_path, "1-collect")
    output.write("00000", "key", [conversation(1)])
    output.write("00001", "key", [conversation(2), Quarantine("a", "b", "c", transient=True)])
    output.write("00002", "key", [Quarantine("a", "b", "c")])
    runner._forget_transient(output)
    assert output.units() == ["00000", "00002"]
    assert not list(tmp_path.rglob("part-00001*"))


def hub(name: str, revision: str | None = None, **more: str) -> dict[str, Any]:
    return {"name": name, "hub": f"them/{name}", "revision": revision, **more}


def test_what_a_run_has_noted_of_a_hub_dataset_counts_in_the_next(tmp_path: Path) -> None:
    noted = [
        hub("a", "c0ffee", license="MIT", attribution="Ann"),
        hub("b", "beef"),
        hub("c", "f00d"),
    ]
    before = recipe(
        collect={"sources": noted}, dedup={"against": [hub("d", "dead", attribution="Dan")]}
    )
    runner._claim(Store(tmp_path), before)
    asked = [
        hub("a", license="CC0-1.0"),  # ours counts before theirs
        hub("b", "main"),  # another revision than was noted
        {"name": "c", "hub": "others/c"},  # another dataset under the name
        {"name": "e", "files": ["e.jsonl"]},
    ]
    now = recipe(collect={"sources": asked}, dedup={"against": [hub("d")]})
    found = runner.with_noted_commits(now, str(tmp_path))
    facts = [(one.revision, one.license, one.attribution) for one in found.collect.sources]
    assert facts == [
        ("c0ffee", "CC0-1.0", "Ann"),
        ("main", None, None),
        (None, None, None),
        (None, None, None),
    ]
    (against,) = found.dedup.against
    assert (against.revision, against.attribution) == ("dead", "Dan")
    assert runner.with_noted_commits(now, str(tmp_path / "new")) == now


def test_a_report_stands_only_for_its_key_and_for_what_the_marks_hold(tmp_path: Path) -> None:
    output = Store(tmp_path, "3-filter")
    output.write("00000", "key", [conversation(1)])
    notices: list[str] = []
    given = SimpleNamespace(output=output, key="key", job=SimpleNamespace(notice=notices.append))
    asked = cast(StageContext, given)
    assert runner.standing_report(asked) is None
    content = runner._content(output.marks())
    pairs = output.write_table("pairs.parquet", output.table(output.parts()[0]))
    report = {"key": "key", "content": content, "files": {"pairs.parquet": asdict(pairs)}}
    output.write_record("report.json", report)
    assert runner.standing_report(asked) == report
    given.key = "another"
    assert runner.standing_report(asked) is None
    given.key = "key"
    output.write("00001", "key", [conversation(2)])
    assert runner.standing_report(asked) is None
    output.forget("00001")
    assert runner.standing_report(asked) == report
    (tmp_path / "3-filter" / "pairs.parquet").unlink()
    with pytest.raises(UserError, match=r"pairs\.parquet"):
        runner.standing_report(asked)
    assert notices == []
    text = (tmp_path / "3-filter" / "report.json").read_text("utf-8")
    (tmp_path / "3-filter" / "report.json").write_text(text.replace("key", "kex"), "utf-8")
    assert runner.standing_report(asked) is None
    assert [notice.endswith("The stage is finished again.") for notice in notices] == [True]


def test_the_stages_of_a_run_have_numbered_folders() -> None:
    every = [store.folder for _, store in runner.outputs("out")]
    assert every == [
        "1-collect", "2-generate", "3-filter", "4-dedup", "5-score", "6-publish",
    ]  # fmt: skip
    some = runner.outputs("out", ["filter", "collect"])
    assert [(stage.name, store.folder) for stage, store in some] == [
        ("collect", "1-collect"),
        ("filter", "3-filter"),
    ]


def test_a_stage_hands_on_its_store_by_name(tmp_path: Path) -> None:
    output = Store(tmp_path, "3-filter")
    output.write("00000", "key", [conversation(1)])
    handed_on = runner.finished(output, cast(Any, {"store": "name"}))
    assert (handed_on.store, handed_on.name) == (output, "name")
    assert [part.rows for part in handed_on.parts] == [1]
    assert replace(handed_on, store=None, name="", parts=()) == runner.Finished()
