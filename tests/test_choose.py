"""Choosing in `publish`: the best of every group, few that are alike, and a reason for every row
that is not chosen."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError, api
from pipeline.conversation import Annotation, Conversation, Drop, Finding, Message, Persona, Score
from pipeline.pacing import STAGES
from pipeline.publish.choose import applied, chosen
from pipeline.publish.clusters import joined, with_clusters
from pipeline.publish.listing import COLUMNS, LISTED, listed
from pipeline.recipe.loading import from_values
from pipeline.recipe.publish import Choose
from pipeline.run.leftovers import leftovers
from pipeline.store.columns import to_table
from tests.rows import conversation, record, write_jsonl

BY = ["pacing", {"questions": "down"}]


def rated(
    number: int,
    pacing: float | None = None,
    questions: float | None = None,
    source: str = "cafe",
    stage: str | None = None,
    character: str | None = None,
    opening: str | None = None,
) -> Conversation:
    """A row as it leaves `score`."""
    row = conversation(number)
    first = row.messages[0]
    if opening is not None:
        first = first._replace(content=opening)
    return dataclasses.replace(
        row,
        messages=(first, *row.messages[1:]),
        source=row.source._replace(name=source),
        persona=Persona(character, f"{character} keeps bees.") if character else None,
        annotations=tuple(Annotation(stage=stage) for _ in row.messages) if stage else (),
        scores=(Score("pacing", pacing, "course"),),
        measures={} if questions is None else {"questions": questions},
    )


def choose(rows: list[Conversation], parts: int = 1, **settings: object) -> dict[str, Conversation]:
    """The rows that are dropped, by id."""
    cut = [rows[start::parts] for start in range(parts)]
    tables = [listed(to_table(part).select(COLUMNS)) for part in cut]
    found = chosen(tables, Choose.model_validate(settings))
    dropped: dict[str, Conversation] = {}
    kept = 0
    for part, reasons in zip(cut, found.reasons, strict=True):
        for row in applied(part, reasons):
            if isinstance(row, Drop):
                dropped[row.conversation.id] = row.conversation
            else:
                kept += 1
    assert kept + len(dropped) == len(rows)
    return dropped


def name(number: int) -> str:
    """The id of a row."""
    return f"{number:016x}"


def ids(*numbers: int) -> set[str]:
    return set(map(name, numbers))


def reason(row: Conversation) -> Finding:
    """The one finding of a row that was not chosen."""
    (found,) = row.findings
    assert (found.stage, found.decision) == ("publish", "drop")
    return found


# --- what is better


def test_the_best_share_of_every_source_and_stage_is_kept_and_the_rest_says_who_was_preferred() -> (
    None
):
    rows = [rated(n, pacing=1 + n % 5, source="cafe", stage="close") for n in range(5)]
    rows += [rated(n, pacing=1, source="cafe", stage="casual") for n in range(5, 7)]
    rows += [rated(7, pacing=1, source="wiki")]
    dropped = choose(rows, by=["pacing"], top=0.5)
    assert set(dropped) == ids(0, 1, 6)
    found = reason(dropped[name(1)])
    assert (found.rule, found.value, found.limit) == ("publish.top", 4, 3)
    assert found.evidence == (
        "5 rows of source cafe, stage close; this has pacing 2; "
        "the last chosen is 0000000000000002, with pacing 3"
    )
    assert reason(dropped[name(6)]).evidence == (
        "2 rows of source cafe, stage casual; "
        "the last chosen is 0000000000000005, with pacing 1 too: the lower id"
    )


def test_equal_rows_are_ordered_by_the_next_value_and_a_measure_in_its_own_direction() -> None:
    rows = [rated(1, 4, 0.5), rated(2, 4, 0.1), rated(3, 4, None), rated(4, 3, 0.0)]
    assert set(choose(rows, by=BY, top=0.25)) == ids(1, 3, 4)
    assert set(choose(rows, by=BY, top=0.5)) == ids(3, 4)
    assert set(choose(rows, by=["pacing", "questions: up"], top=0.25)) == ids(2, 3, 4)
    assert set(choose(rows, by=["pacing: down"], top=0.25)) == ids(1, 2, 3)


def test_the_stage_of_a_conversation_is_the_highest_that_it_reaches() -> None:
    course = [Annotation(stage=stage) for stage in (STAGES[0], STAGES[2], None, STAGES[1])]
    reached = dataclasses.replace(rated(1, 2), annotations=tuple(course))
    dropped = choose([reached, rated(2, 3, stage=STAGES[2])], by=["pacing"], top=0.5)
    assert "stage close" in str(reason(dropped[name(1)]).evidence)


def test_groups_are_what_the_recipe_says() -> None:
    rows = [rated(n, n % 4 + 1, source="ab"[n % 2], stage=STAGES[n // 4]) for n in range(8)]
    assert set(choose(rows, by=["pacing"], top=0.25, per=["stage"])) == ids(0, 1, 2, 4, 5, 6)
    assert len(choose(rows, by=["pacing"], top=0.25, per=["source"])) == 6
    assert len(choose(rows, by=["pacing"], top=0.125, per=[])) == 7


def test_rows_without_a_value_are_neither_the_best_nor_the_worst() -> None:
    rows = [rated(n, n + 1.0) for n in range(4)] + [rated(n, None) for n in range(4, 8)]
    dropped = choose(rows, by=["pacing"], top=0.5)
    assert set(dropped) == ids(0, 1, 6, 7)
    assert str(reason(dropped[name(7)]).evidence).startswith(
        "4 rows of source cafe, stage unknown, without pacing; "
    )


def test_the_word_of_a_judge_counts_before_that_of_a_scorer() -> None:
    judged = dataclasses.replace(
        rated(1, 1), scores=(Score("pacing", 1, "course"), Score("pacing", 5, "some-judge"))
    )
    assert set(choose([judged, rated(2, 4)], by=["pacing"], top=0.5)) == ids(2)


@pytest.mark.parametrize(("rows", "share", "kept"), [(100, 0.07, 7), (3, 0.5, 2), (1, 0.01, 1)])
def test_a_share_is_rounded_up_and_never_by_a_rounding_error(
    rows: int, share: float, kept: int
) -> None:
    assert len(choose([rated(n, 3) for n in range(rows)], by=["pacing"], top=share)) == rows - kept


# --- what is alike


def test_of_rows_that_open_alike_the_best_are_kept() -> None:
    hello = [
        "Hello there, how are you?",
        "hello THERE – how are you… Anna?",
        "Hello there! How are",
    ]
    rows = [rated(n, n, opening=text) for n, text in enumerate(hello)]
    rows += [rated(3, 1, opening="Well?"), rated(4, 1, opening="…"), rated(5, 1, opening="!")]
    dropped = choose(rows, by=["pacing"], at_most={"opening": 1})
    assert set(dropped) == ids(0)
    found = reason(dropped[name(0)])
    assert (found.rule, found.value, found.limit) == ("publish.at_most.opening", 2, 1)
    assert found.evidence == (
        "2 rows with this opening; this has pacing 0; "
        "the last chosen is 0000000000000001, with pacing 1"
    )


def test_a_conversation_opens_with_its_greeting_and_not_with_its_system_message() -> None:
    def greeted(number: int, system: str, greeting: str) -> Conversation:
        row = rated(number)
        before = (Message("system", system), Message("assistant", greeting))
        return dataclasses.replace(row, messages=(*before, *row.messages))

    rows = [greeted(1, "You are Ada.", "Hello."), greeted(2, "You are Bo.", "hello")]
    rows += [greeted(3, "You are Ada.", "Come in!")]
    assert set(choose(rows, at_most={"opening": 1})) == ids(2)


def test_a_character_is_its_description_or_its_card_or_its_name_in_its_source() -> None:
    def of(number: int, source: str, *persona: str | None) -> Conversation:
        who = dict(zip(("name", "description", "card"), persona, strict=False))
        return dataclasses.replace(rated(number, source=source), persona=Persona(**who))

    rows = [
        of(1, "a", "Ada", "Keeps bees."),
        of(2, "b", "ADA", "keeps bees", '{"other": 1}'),
        of(3, "a", "Ada", "Flies planes."),
        of(4, "a", "Ada", None, '{"card": 1}'),
        of(5, "b", "Ada!", None, '{"card": 1}'),
        of(6, "a", "Ada"),
        of(7, "a", "ada"),
        of(8, "b", "Ada"),
        of(9, "b", None),
        of(10, "b", None),
    ]
    dropped = choose(rows, at_most={"character": 1})
    assert set(dropped) == ids(2, 5, 7)
    assert reason(dropped[name(7)]).evidence == (
        "2 rows with this character; the last chosen is 0000000000000006"
    )


def test_a_place_that_is_not_taken_goes_to_the_next() -> None:
    alike = [rated(n, 5, opening="Hello there") for n in range(3)]
    dropped = choose(
        [*alike, rated(3, 4), rated(4, 3)], by=["pacing"], top=0.4, at_most={"opening": 1}
    )
    assert set(dropped) == ids(1, 2, 4)
    assert [found.rule for found in dropped[name(1)].findings] == ["publish.at_most.opening"]


def test_every_full_group_is_a_reason() -> None:
    rows = [rated(n, 5 - n, opening="Hello there") for n in range(3)]
    dropped = choose(rows, by=["pacing"], top=0.3, at_most={"opening": 1})
    rules = {row.id: [found.rule for found in row.findings] for row in dropped.values()}
    assert set(map(tuple, rules.values())) == {("publish.top", "publish.at_most.opening")}


# --- for any rows

FEW_OF_BOTH = {"character": 1, "opening": 3}
SETTINGS = st.fixed_dictionaries(
    {
        "by": st.sampled_from([["pacing"], BY, [{"questions": "up"}, "pacing"]]),
        "top": st.sampled_from([0.1, 0.3, 0.5, 0.99]),
        "per": st.sampled_from([["source", "stage"], ["source"], []]),
        "at_most": st.sampled_from([{}, {"opening": 1}, {"character": 2}, FEW_OF_BOTH]),
    }
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, 1.0, 2.5, 5.0]),
        st.sampled_from([None, 0.0, 0.5]),
        st.sampled_from(["cafe", "wiki"]),
        st.sampled_from([None, *STAGES]),
        st.sampled_from([None, "Ada", "Bo"]),
        st.sampled_from(["Hello there", "Well", "So, again", "?"]),
    ),
    max_size=40,
).map(lambda values: [rated(number, *one) for number, one in enumerate(values)])


def rank(row: Conversation, by: list[object]) -> tuple[object, ...]:
    """The smaller, the better: written without the code that is tested."""
    values: list[object] = []
    for one in by:
        if one == "pacing":
            value, sign = row.scores[0].value, -1
        else:
            value, sign = row.measures.get("questions"), -1 if one == {"questions": "up"} else 1
        values += [value is None, sign * (value or 0)]
    return (*values, row.id)


def group_of(row: Conversation, rule: str, settings: dict[str, list[object]]) -> object:
    if rule == "publish.at_most.opening":
        return row.messages[0].content
    if rule == "publish.at_most.character":
        return row.persona and row.persona.name
    known = {"source": row.source.name, "stage": row.annotations and row.annotations[0].stage}
    return [*(known[str(name)] for name in settings["per"]), rank(row, settings["by"])[0]]


@given(ROWS, SETTINGS)
def test_who_is_dropped_is_worse_than_all_that_are_kept_of_a_group_without_a_place(
    rows: list[Conversation], settings: dict[str, list[object]]
) -> None:
    dropped = choose(rows, **settings)
    kept = [row for row in rows if row.id not in dropped]
    for row in dropped.values():
        assert row.findings
        for found in row.findings:
            own = group_of(row, found.rule, settings)
            same = [other for other in kept if group_of(other, found.rule, settings) == own]
            assert len(same) == found.limit
            assert all(rank(other, settings["by"]) < rank(row, settings["by"]) for other in same)
            worst = max(same, key=lambda other: rank(other, settings["by"]))
            assert worst.id in str(found.evidence)


@given(ROWS, SETTINGS)
def test_no_group_has_more_rows_than_places(
    rows: list[Conversation], settings: dict[str, list[object]]
) -> None:
    dropped = choose(rows, **settings)
    kept = [row for row in rows if row.id not in dropped]
    for what, most in dict(settings["at_most"]).items():
        counts = Counter(group_of(row, f"publish.at_most.{what}", settings) for row in kept)
        known = [count for value, count in counts.items() if value not in (None, "?")]
        assert max(known, default=0) <= most
    sizes: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        own = sizes[str(group_of(row, "publish.top", settings))]
        own[0] += 1
        own[1] += row.id not in dropped
    for size, count in sizes.values():
        assert count < size * float(str(settings["top"])) + 1


@given(ROWS, SETTINGS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_parts_changes_nothing(
    rows: list[Conversation],
    settings: dict[str, list[object]],
    parts: int,
    chance: random.Random,
) -> None:
    shuffled = chance.sample(rows, len(rows))
    assert choose(shuffled, parts, **settings) == choose(rows, **settings)
    tables = [listed(to_table(each).select(COLUMNS)) for each in (rows, shuffled)]
    one, other = (chosen([table], Choose.model_validate(settings)).choice for table in tables)
    assert one == other


# --- from a recipe to the card


def rapport(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def published(out: Path) -> list[str]:
    files = (out / "6-publish" / "dataset" / "full").glob("*.parquet")
    return sorted(str(one) for file in files for one in pq.read_table(file)["id"])


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's kept rows as `score` leaves them, in two parts; one is beyond the cut."""
    folder = tmp_path_factory.mktemp("scored") / "kept"
    folder.mkdir()
    rows = [
        rated(n, 1 + n % 4, 0.1 * n, "cafe", STAGES[n % 2], "Ada", f"Is it {n} already, then?")
        for n in range(12)
    ]
    judged = Score("engaging", 4.5, "some-judge", "“No celery.”", (2, 4), spread=0.5)
    failed = Score("empathetic", None, "some-judge", error="no answer")
    rows[0] = dataclasses.replace(rows[0], scores=(*rows[0].scores, judged, failed))
    rows += [rated(12), *(rated(n, 5, 0.9, opening="Hello, is anybody in?") for n in (13, 14))]
    for number, part in enumerate((rows[:5], rows[5:])):
        pq.write_table(to_table(part), folder / f"part-00000-{number:03d}.parquet")
    return folder


CHOICE = {
    "by": ["pacing", {"questions": "down"}],
    "top": 0.5,
    "at_most": {"character": 5, "opening": 1},
}


OTHERS = {"cut": {"questions": {"max": 1.0}}, "test": 0}


@pytest.fixture(scope="module")
def run(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`rapport publish` on these rows."""
    out = tmp_path_factory.mktemp("run") / "out"
    settings = {"choose": CHOICE, **OTHERS}
    given = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
    rapport("publish", scored, "--out", out, *given)
    return out


def report_of(out: Path) -> dict[str, Any]:
    reports: list[dict[str, Any]] = json.loads(rapport("stats", out, "--json").stdout)
    return reports[-1]


def test_a_choice_stands_in_the_report_and_on_the_card(run: Path) -> None:
    report = report_of(run)
    assert (report["in"], report["kept"], report["dropped"]) == (15, 7, 8)
    assert published(run) == sorted(ids(2, 3, 6, 7, 10, 12, 13))
    assert report["reasons"] == {
        "publish.top": 4,
        "publish.at_most.character": 3,
        "publish.questions": 1,
    }
    groups = report["choice"]["groups"]
    assert [(*one.pop("of").values(), *one.values()) for one in groups] == [
        ("cafe", "casual", None, 5, 2),
        ("cafe", "ice-breaker", None, 6, 3),
        ("cafe", None, "pacing", 1, 1),
        ("cafe", None, None, 2, 1),
    ]
    text = (run / "6-publish" / "dataset" / "README.md").read_text()
    sentences = [
        "Of every source and stage the best 50 % are chosen, by pacing, then questions: down.",
        "At most 5 rows with the same character are chosen, by pacing, then questions: down.",
        "1 row without pacing: they have a share of their own",
        "3 rows of which no character is known: not limited by it.",
    ]
    shown = " ".join(rapport("stats", run).stdout.split())
    for sentence in sentences:
        assert sentence in text
        assert sentence in shown
    assert "| cafe | unknown | pacing | 1 | 1 |" in text
    assert (
        "| publish | 15 | 0 | 7 | 8 | 0 | 0 | publish.top 4, publish.at_most.character 3, " in text
    )


def test_why_names_the_group_the_values_and_the_row_that_was_preferred(run: Path) -> None:
    shown = rapport("why", run, name(8)).stdout
    values = (
        "this has pacing 1, questions 0.8; the last chosen is 000000000000000a, with pacing 3, "
    )
    top = "drop publish.top 6 (limit 3): 6 rows of source cafe, stage ice-breaker; "
    assert f"  {top}{values}questions 1\n" in shown
    alike = "drop publish.at_most.character 11 (limit 5): 11 rows with this character; "
    assert f"  {alike}{values}questions 1\n" in shown
    shown = rapport("why", run, name(14)).stdout
    assert "with pacing 5, questions 0.9 too: the lower id" in shown
    assert "drop publish.questions 1.1 (limit 1)" in rapport("why", run, name(11)).stdout


# --- clusters of duplicates


LIKE = (
    "the ferry to the island leaves at nine from the old pier behind the market and a ticket costs "
    "four coins for grown people with a bicycle or a dog who wants to come along"
)


def told(number: int, *others: int) -> dict[str, Any]:
    """A record whose words are all alike but for some, by their places."""
    words = [
        f"{word}{number}" if place in others else word for place, word in enumerate(LIKE.split())
    ]
    said = ["When does the boat go?", " ".join(words), "Thanks a lot for that.", "You are welcome."]
    roles = ("user", "assistant") * 2
    turns = [{"role": who, "content": text} for who, text in zip(roles, said, strict=True)]
    return {"id": f"talk-{number}", "messages": turns}


def of_clusters(folder: Path, only_report: bool, at_most: dict[str, int]) -> Path:
    """A recipe over four talks of which three are much alike."""
    records = [told(0), told(1, 31), told(2, 0), record(3)]
    write_jsonl(folder / "talks.jsonl", records)
    values = {
        "name": "clusters",
        "collect": {"sources": [{"name": "own", "files": ["talks.jsonl"], "license": "CC0-1.0"}]},
        "dedup": {"only_report": only_report},
        "publish": {"choose": {"at_most": at_most}, "test": 0},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_few_rows_of_a_cluster_that_dedup_only_reported_are_chosen(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rapport("run", of_clusters(tmp_path, True, {"cluster": 2}), "--out", out)
    assert report_of(out)["reasons"] == {"publish.at_most.cluster": 1}
    text = (out / "6-publish" / "dataset" / "README.md").read_text()
    assert "At most 2 rows with the same cluster are chosen, by id." in text
    assert "not limited by it" not in text
    rapport("run", of_clusters(tmp_path, True, {"cluster": 1}), "--out", out)
    assert (report_of(out)["kept"], report_of(out)["dropped"]) == (2, 2)
    rapport("run", of_clusters(tmp_path, False, {"cluster": 1}), "--out", out)
    assert (report_of(out)["kept"], report_of(out)["dropped"]) == (2, 0)  # dedup has dropped them


def test_without_dedup_no_cluster_is_known(scored: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    choice = json.dumps({"at_most": {"cluster": 1}})
    rapport("publish", scored, "--out", out, f"--set=choose={choice}", "--set=test=0")
    assert report_of(out)["kept"] == 15
    text = (out / "6-publish" / "dataset" / "README.md").read_text()
    assert "15 rows of which no cluster is known: not limited by it." in text


def test_a_chain_of_duplicates_is_one_cluster() -> None:
    decided = pa.table({"id": ["b", "d"], "partner": ["c", "a"], "cluster": ["a", "a"]})
    columns = {field.name: pa.nulls(5, field.type) for field in LISTED}
    rows = pa.table(columns | {"id": list("abcde")}, schema=LISTED)
    assert with_clusters(rows, joined(decided))["cluster"].to_pylist() == list("aaaae")
    assert with_clusters(rows, None)["cluster"].null_count == 5
    assert with_clusters(rows, joined(decided.slice(0, 0)))["cluster"].to_pylist() == list("abcde")


def test_another_choice_cuts_nothing_again_and_none_chooses_all(
    run: Path, scored: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(run, tmp_path / "out")
    cut = {path: path.stat().st_mtime_ns for path in (out / "6-publish" / "cut").rglob("*.*")}
    api.publish(scored, out=out, choose={"at_most": {"character": 1}}, **OTHERS)
    assert published(out) == sorted(ids(0, 12, 13, 14))
    assert {path: path.stat().st_mtime_ns for path in cut} == cut
    assert "6-publish/cut" in [one.name for one in leftovers(str(out))]
    assert len(api.publish(scored, out=out, **OTHERS).kept) == 14
    assert "## How rows" not in (out / "6-publish" / "dataset" / "README.md").read_text()


def test_neither_workers_nor_parts_decide_anything(
    run: Path, scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.context.LITTLE_ROWS", 1)
    rows = pq.ParquetDataset(scored).read()
    for workers, order in ((1, range(15)), (2, [*range(7, 15), *range(6, -1, -1)])):
        for number, places in enumerate((list(order)[:9], list(order)[9:])):
            part = tmp_path / f"in-{workers}" / f"part-{number}.parquet"
            part.parent.mkdir(exist_ok=True)
            pq.write_table(rows.take(places), part)
        out = tmp_path / f"out-{workers}"
        files = sorted((tmp_path / f"in-{workers}").iterdir())
        done = api.publish(files, out=out, workers=workers, choose=CHOICE, **OTHERS)
        assert published(out) == published(run)
        assert done.report["choice"] == report_of(run)["choice"]
        assert len(list((out / "6-publish" / "kept").iterdir())) == 2


def contents(out: Path) -> dict[str, bytes]:
    stores = ("dataset", "kept", "dropped")
    files = [path for store in stores for path in (out / "6-publish" / store).rglob("*.*")]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@pytest.mark.parametrize("lost", ["cut/done", "done"])
def test_a_run_that_was_stopped_ends_in_the_same_bytes(
    lost: str, run: Path, scored: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(run, tmp_path / "out")
    (out / "6-publish" / "report.json").unlink()
    for mark in (out / "6-publish" / lost).iterdir():
        mark.unlink()
    api.publish(scored, out=out, choose=CHOICE, **OTHERS)
    assert contents(out) == contents(run)


def test_a_run_from_files_chooses_by_what_filter_has_measured(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(12)])
    write_jsonl(tmp_path / "more.jsonl", [record(number) for number in range(12, 16)])
    recipe = {
        "name": "best",
        "collect": {
            "sources": [
                {"name": "talks", "files": ["talks.jsonl"], "license": "MIT"},
                {"name": "more", "files": ["more.jsonl"], "license": "MIT"},
            ]
        },
        "publish": {"choose": {"by": [{"words": "up"}], "top": 0.25, "per": ["source"]}},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    rapport("run", tmp_path / "recipe.yaml", "--out", tmp_path / "out")
    report = report_of(tmp_path / "out")
    kept = pq.read_table(tmp_path / "out" / "6-publish" / "kept").to_pylist()
    dropped = pq.read_table(tmp_path / "out" / "6-publish" / "dropped").to_pylist()
    assert (report["in"], report["kept"]) == (16, 4)
    assert Counter(row["source"]["name"] for row in kept) == {"talks": 3, "more": 1}
    for source in ("talks", "more"):
        worst = min(row["measures"]["words"] for row in kept if row["source"]["name"] == source)
        others = [row for row in dropped if row["source"]["name"] == source]
        assert max(row["measures"]["words"] for row in others) <= worst


# --- scores in what is published


def test_scores_are_published_as_they_are_and_the_card_lists_each_scorer(
    scored: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    api.publish(scored, out=out, **OTHERS)
    found = datasets.load_dataset(
        str(out / "6-publish" / "dataset"), "full", cache_dir=str(tmp_path / "cache")
    )
    scores = {row["id"]: row["scores"] for split in found.values() for row in split}
    assert [(one["criterion"], one["value"], one["by"]) for one in scores[name(0)]] == [
        ("pacing", 1, "course"),
        ("engaging", 4.5, "some-judge"),
        ("empathetic", None, "some-judge"),
    ]
    assert scores[name(0)][1]["messages"] == [2, 4]
    assert scores[name(0)][2]["error"] == "no answer"
    text = (out / "6-publish" / "dataset" / "README.md").read_text()
    ratings = text.split("## Scores, from 1 to 5")[1]
    assert "| engaging | some-judge | 1 | 0 | 4.5 | 4.5 | 4.5 |" in ratings
    assert "| pacing | course | 13 | 1 | 1 | 3 | 5 |" in ratings
    assert "| empathetic | some-judge | 0 | 1 | - | - | - |" in ratings


# --- recipes


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"by": ["pacng"], "top": 0.5}, "by[1]: there is no measure or criterion `pacng`; did you"),
        ({"by": ["pacing", "questions"], "top": 0.5}, "by[2]: say what is better: `questions: up`"),
        ({"by": [{"words": "more"}], "top": 0.5}, "by[1]: after the colon stands what is better"),
        ({"by": [{"word": "up"}], "top": 0.5}, "by[1]: there is no measure or criterion `word`"),
        ({"by": "pacing", "top": 0.5}, "by: must be a list, as in [a, b] (found 'pacing')"),
        ({"by": ["pacing"], "top": 1.5}, "choose.top: must be 1 or less (found 1.5)"),
        ({"by": ["pacing"], "top": 0}, "choose.top: must be more than 0 (found 0)"),
        ({"by": ["pacing"], "top": "50%"}, "choose.top: must be a number (found '50%')"),
        ({"by": ["pacing"]}, "publish.choose: `by` alone leaves nothing out: give `top`"),
        ({"top": 0.5}, "publish.choose: `top` needs what is better"),
        ({"by": ["pacing"], "top": 0.5, "per": ["stages"]}, "per[1]: must be 'source' or 'stage'"),
        (
            {"at_most": {"speaker": 3}},
            "at_most.speaker: unknown key; known here: character, cluster",
        ),
        ({"at_most": {"opening": 0}}, "at_most.opening: must be 1 or more (found 0)"),
    ],
    ids=str,
)
def test_a_choice_that_means_nothing_is_reported(choice: object, problem: str) -> None:
    with pytest.raises(UserError) as raised:
        from_values({"name": "a", "publish": {"choose": choice}})
    assert problem in str(raised.value)


def test_what_is_better_is_written_as_yaml_has_it_and_read_again_as_it_was_noted() -> None:
    text = "{choose: {by: [pacing, questions: down, 'words: up'], top: 0.5}}"
    choice = from_values({"name": "a", "publish": yaml.safe_load(text)}).publish.choose
    assert choice.by == ["pacing", "questions: down", "words: up"]
    assert Choose.model_validate(yaml.safe_load(yaml.safe_dump(choice.model_dump()))) == choice
