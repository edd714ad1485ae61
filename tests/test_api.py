"""Rapport from Python: what goes in, what comes out, and the example in five lines."""

from __future__ import annotations

import asyncio
import gc
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import UserError, api
from pipeline.store.columns import SCHEMA
from tests.rows import record, write_jsonl

ROOT = Path(__file__).parents[1]


def records(count: int = 6) -> list[dict[str, object]]:
    return [record(number) for number in range(count)]


def ids(rows: api.RowList) -> list[object]:
    return [row["id"] for row in rows]


@pytest.fixture(scope="module")
def filtered() -> api.StageResult:
    """Six good rows and one that is too short."""
    return api.filter([*records(), record(9, ["Hi.", "Hello."])], languages=["en"])


def test_a_stage_keeps_both_sides_and_its_report(filtered: api.StageResult) -> None:
    assert repr(filtered) == "<filter: kept 6, dropped 1, quarantined 0>"
    assert [len(filtered.kept), len(filtered.dropped), len(filtered.quarantined)] == [6, 1, 0]
    (dropped,) = filtered.dropped
    findings = dropped["findings"]
    assert isinstance(findings, list)
    rules = {finding["rule"] for finding in findings if finding["decision"] == "drop"}
    assert "structure.turns" in rules
    assert filtered.report["reasons"] == {"structure.turns": 1}
    assert filtered.report["measures"]["turns"]["rows"] == 7


def test_rows_are_a_sequence_of_dicts(filtered: api.StageResult) -> None:
    rows = filtered.kept
    first = rows[0]
    assert set(first) == set(SCHEMA.names)
    assert [message["role"] for message in first["messages"]][:2] == ["user", "assistant"]
    assert rows[-1] == list(rows)[5]
    assert rows[1:3] == [rows[1], rows[2]]
    assert first in rows
    for number in (6, -7):
        with pytest.raises(IndexError, match="there are 6 rows"):
            rows[number]


def test_rows_become_a_dataset_and_go_on_from_it(filtered: api.StageResult) -> None:
    dataset = filtered.kept.to_dataset()
    assert dataset.num_rows == 6
    assert dataset["id"][:] == ids(filtered.kept)
    assert filtered.dropped.to_dataset().num_rows == 1
    assert filtered.quarantined.to_dataset().column_names[-1] == "raw"
    scored = api.score(dataset)
    assert ids(scored.kept) == ids(filtered.kept)
    assert scored.kept[0]["source"] == filtered.kept[0]["source"]


def test_stages_are_chained_and_ids_stay(filtered: api.StageResult) -> None:
    again = api.dedup(filtered, threshold=0.8)
    assert ids(again.kept) == ids(filtered.kept)
    chosen = [row for row in filtered.kept if row["id"] != filtered.kept[0]["id"]]
    twice = api.dedup([*chosen, chosen[0]])
    assert ids(twice.kept) == ids(filtered.kept)[1:]
    assert twice.report["reasons"] == {"dedup.exact": 1}
    assert ids(api.score(filtered.dropped).kept) == ids(filtered.dropped)


def test_read_takes_paths_lists_and_datasets(tmp_path: Path) -> None:
    from datasets import Dataset

    path = write_jsonl(tmp_path / "a.jsonl", records(3))
    other = write_jsonl(tmp_path / "b.jsonl", [{"conversations": []}, *records(2)])
    assert len(api.read(path).kept) == 3
    assert len(api.read(str(path)).kept) == 3
    both = api.read([path, str(other)])
    assert len(both.kept) == 5
    assert len(both.quarantined) == 1
    assert both.quarantined[0]["rule"] == "record.unreadable"
    assert {row["source"]["name"] for row in both.kept} == {"a", "b"}
    assert len(api.read(iter(records(4))).kept) == 4
    assert len(api.read(Dataset.from_list(records(2))).kept) == 2
    assert len(api.read([]).kept) == 0


def test_read_takes_the_settings_of_a_source(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", records(2))
    found = api.read(path, name="mine", license="CC0-1.0", attribution="me", max_bytes=10**6)
    source = found.kept[0]["source"]
    assert isinstance(source, dict)
    assert (source["name"], source["license"], source["attribution"]) == ("mine", "CC0-1.0", "me")


@pytest.mark.parametrize(
    ("stage", "settings", "problem"),
    [
        ("filter", {"langages": ["en"]}, "filter.langages: unknown key; did you mean `languages`?"),
        ("filter", {"languages": "en"}, "filter.languages: must be a list"),
        ("dedup", {"threshold": 2}, "dedup.threshold: must be 1 or less (found 2)"),
        ("read", {"shap": "tree"}, "collect.sources[1].shap: unknown key; did you mean `shape`?"),
        ("read", {"shape": "three"}, "there is no shape `three`; did you mean `tree`"),
    ],
)
def test_a_wrong_setting_is_a_user_error(
    stage: str, settings: dict[str, object], problem: str
) -> None:
    with pytest.raises(UserError) as raised:
        getattr(api, stage)(records(1), **settings)
    assert problem in str(raised.value)


def test_wrong_rows_are_a_user_error() -> None:
    with pytest.raises(UserError, match="row 1 is of type str; a row is a dict, as"):
        api.read([record(0), "talk"])
    with pytest.raises(UserError, match="no known shape fits"):
        api.read([{"colour": "green"}])
    with pytest.raises(UserError, match="no file matches"):
        api.read("nothing.jsonl")
    with pytest.raises(UserError, match="dict: give a list of rows, or one split"):
        api.read(record(0))
    (row,) = api.read([record(0)]).kept
    with pytest.raises(UserError, match="a value that does not fit its column"):
        api.read([row | {"messages": 7}])


def test_generate_adds_to_the_rows_it_is_given() -> None:
    made = api.generate(records(2), seeds=1, talks=2, turns=[6, 8])
    assert len(made.kept) == 4
    assert made.report["added"] == 2
    assert [row["source"]["rehearsal"] for row in made.kept] == [False, False, True, True]


def test_generate_works_where_an_event_loop_runs_as_in_a_notebook() -> None:
    async def cell() -> api.StageResult:
        return api.generate(seeds=1, talks=1, turns=[6, 8])

    assert len(asyncio.run(cell()).kept) == 1


def test_publish_writes_a_dataset_where_out_says(tmp_path: Path, filtered: api.StageResult) -> None:
    from datasets import load_dataset

    done = api.publish(filtered, out=tmp_path / "mine", test=0.0, validation=0.0)
    assert done.path == tmp_path / "mine" / "6-publish" / "dataset"
    assert (done.path / "README.md").is_file()
    loaded = load_dataset(str(done.path), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == 6


def test_run_takes_values_and_gives_each_stage(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [*records(3), record(1)])
    sources = [{"name": "a", "files": [str(path)]}]
    recipe = {"name": "mine", "collect": {"sources": sources}}
    done = api.run(recipe, out=tmp_path / "out")
    assert list(done) == ["collect", "generate", "filter", "dedup", "score", "publish"]
    assert len(done["collect"].kept) == 4
    assert len(done["dedup"].dropped) == 1
    with pytest.raises(UserError, match="collect: must be a section"):
        api.run({"name": "mine", "collect": 7})


def test_two_stages_may_share_a_folder(tmp_path: Path) -> None:
    rows = [*records(2), record(1)]
    assert len(api.score(rows, out=tmp_path / "out").kept) == 3
    write_jsonl(tmp_path / "a.jsonl", rows)
    api.score(tmp_path / "a.jsonl", out=tmp_path / "out")
    assert len(api.dedup(tmp_path / "a.jsonl", out=tmp_path / "out").dropped) == 1


def test_a_temporary_folder_ends_with_its_last_rows() -> None:
    result = api.read(records(1))
    folder = result.path.parent
    kept = result.kept
    del result
    gc.collect()
    assert len(list(kept)) == 1
    del kept
    gc.collect()
    assert not folder.exists()


def test_importing_it_loads_no_heavy_library() -> None:
    code = "import sys, pipeline.api; print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pyarrow", "numpy", "pydantic", "datasets"} & set(json.loads(_quoted(done.stdout)))


def _quoted(modules: str) -> str:
    return modules.replace("'", '"')


def test_the_example_of_five_lines_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [*records(3), record(1)])
    example = ROOT / "examples" / "five_lines.py"
    monkeypatch.setattr(sys, "argv", [str(example), str(path)])
    runpy.run_path(str(example))
    shown = capsys.readouterr().out
    assert "<dedup: kept 3, dropped 1, quarantined 0> {'dedup.exact': 1}" in shown
    assert "num_rows: 3" in shown


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "pipeline" / "py.typed").is_file()
