"""The gates of `publish` on a whole dataset: licences, leaks, losses, quarantine, tests of the
data; what each names, and who may open it."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from pipeline import UserError
from pipeline.conversation import Conversation, Finding, Language, Persona, Score
from pipeline.publish import related, split
from pipeline.publish.gates import leaks, licences, loads, losses
from pipeline.publish.gates.data_tests import RowsForTests
from pipeline.recipe.data_tests import parsed
from pipeline.recipe.publish import PublishSettings
from pipeline.store.columns import to_table
from pipeline.texts import entries
from tests.conftest import Rapport
from tests.publishing import placed_rows, published, refused
from tests.rows import conversation, record, talk, write_jsonl

HUB = frozenset([
    "apache-2.0", "mit", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl",
    "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gfdl", "gpl-2.0",
    "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "isc", "ms-pl", "mpl-2.0", "odc-by", "odbl", "osl-3.0",
    "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl",
])  # fmt: skip


def under(number: int, licence: str | None, source: str = "a", **more: Any) -> Conversation:
    row = conversation(number, **more)
    return dataclasses.replace(row, source=row.source._replace(name=source, license=licence))


# --- licences


def test_every_spdx_name_has_an_id_of_the_hub_or_a_name_a_link_and_a_file() -> None:
    for name in entries("", "licenses.txt"):
        front = licences.front([name])
        known = licences.licence(name)
        if known.kind == "unchanged":
            assert front["license_details"] == name
        elif known.hub:
            assert front == {"license": known.hub}
            assert known.hub in HUB
        else:
            other = {"license": "other", "license_name": name.lower(), "license_link": "LICENSE"}
            assert front == other
            text = licences.file_of({(name, "a"): licences.NamedRows(2, ["x", "y"])})
            assert text
            assert f"a: 2 rows under {name} (https://spdx.org/licenses/{name}.html)" in text
        assert set(known.into) | set(known.never) <= set(entries("", "licenses.txt"))


@pytest.mark.parametrize(
    ("names", "whole"),
    [
        ("CC0-1.0 MIT", "CC0-1.0"),
        ("CC0-1.0 MIT CC-BY-4.0", "CC-BY-4.0"),
        ("CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0", "CC-BY-SA-4.0"),
        ("CC-BY-SA-4.0 GPL-3.0-only", "GPL-3.0-only"),
        ("MIT CC-BY-NC-4.0", "CC-BY-NC-4.0"),
        ("CC-BY-NC-4.0 CC-BY-NC-SA-4.0 Apache-2.0", "CC-BY-NC-SA-4.0"),
        ("CC-BY-SA-4.0 CC-BY-NC-4.0", None),
        ("CC-BY-SA-4.0 CC-BY-NC-SA-4.0", None),
        ("CC-BY-SA-1.0 CC-BY-SA-4.0", None),
        ("Apache-2.0 GPL-2.0-only", None),
        ("Apache-2.0 GPL-3.0-only", "GPL-3.0-only"),
        ("GPL-2.0-or-later GPL-3.0-only", "GPL-3.0-only"),
        ("GPL-2.0-only GPL-3.0-only", None),
        ("CC-BY-ND-4.0", None),
        ("LicenseRef-mine", "LicenseRef-mine"),
        ("LicenseRef-mine MIT", "LicenseRef-mine"),
        ("LicenseRef-mine LicenseRef-yours", None),
        ("LicenseRef-mine CC-BY-SA-4.0", None),
    ],
)
def test_the_licence_of_a_set_follows_from_those_of_its_rows(names: str, whole: str | None) -> None:
    assert licences.derived(names.split()) == whole
    why = refused([[under(number, name) for number, name in enumerate(names.split())]])
    assert bool(why) == (whole is None)


def test_licences_that_do_not_go_together_are_named_with_their_rows_and_sources() -> None:
    rows = [
        under(1, "CC-BY-SA-4.0", "wiki"),
        under(2, "CC-BY-NC-4.0", "forum"),
        under(3, "MIT", "code"),
        under(4, "CC-BY-NC-4.0", "forum"),
    ]
    (why,) = refused([rows])
    assert why.startswith(
        f"CC-BY-NC-4.0 [2 rows ({rows[1].id}, {rows[3].id}) of forum] and "
        f"CC-BY-SA-4.0 [1 row ({rows[0].id}) of wiki] do not go together: publish them as two"
    )
    (nd,) = refused([[under(1, "CC-BY-ND-4.0")]])
    assert "CC-BY-ND-4.0, which lets nobody share changes" in nd
    (unknown,) = refused([[under(1, None), *rows[2:3]]])
    assert f"1 row ({rows[0].id}) of a state no licence: write `license:`" in unknown
    assert refused([rows], allow=["licences"]) == []
    made = dataclasses.replace(
        rows[0], source=rows[0].source._replace(rehearsal=True, license=None)
    )
    assert refused([[made, rows[2]]]) == []


def test_the_card_says_the_licence_of_the_set_and_of_each_config(tmp_path: Path) -> None:
    rows = [under(number, ("CC-BY-4.0", "OGL-UK-3.0")[number > 8]) for number in range(12)]
    text = (published(tmp_path / "set", [rows]) / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == "cc-by-4.0"
    assert "| default | cc-by-4.0 | CC-BY-4.0 9, OGL-UK-3.0 3 |" in text
    text = (published(tmp_path / "two", [rows[9:]]) / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert (front["license"], front["license_name"]) == ("other", "ogl-uk-3.0")
    assert front["license_link"] == "LICENSE"


# --- rating on the card


def test_the_card_says_not_for_all_audiences_only_where_rows_are(tmp_path: Path) -> None:
    graded = Finding("publish", "publish.rating", 1, 1, decision="measured")
    rows = [under(number, "CC0-1.0") for number in range(4)]
    mature = [dataclasses.replace(rows[0], findings=(graded,)), *rows[1:]]
    for name, some, due in (("a", rows, False), ("b", mature, True)):
        text = (published(tmp_path / name, [some]) / "README.md").read_text()
        tags = yaml.safe_load(text.split("---")[1])["tags"]
        assert ("not-for-all-audiences" in tags) is due


# --- leaks


def similarity(one: set[int], two: set[int]) -> float:
    return len(one & two) / len(one | two)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_across_splits_are_exactly_those_of_a_plain_count(seed: int) -> None:
    chance = random.Random(seed)
    bases = [[chance.randrange(500) for _ in range(chance.randrange(0, 30))] for _ in range(25)]
    lists = [
        [*base[: chance.randrange(len(base) + 1)], *base, *chance.sample(range(500), 3)]
        for base in bases
        for _ in range(4)
    ]
    places = np.array([chance.choice((0, 0, 0, 1, 2, 3, 4)) for _ in lists], np.uint8)
    sets = list(map(set, lists))
    expected = {
        (a, b): similarity(sets[a], sets[b])
        for a in range(len(lists))
        for b in range(len(lists))
        if places[a] < places[b] < 3 and similarity(sets[a], sets[b]) >= leaks.LIMIT
    }
    kind = pa.large_list(pa.uint32())
    parts = [leaks.distinct(pa.array(some, kind)) for some in (lists[:41], lists[41:])]
    held = np.flatnonzero(leaks.is_held_out(places))
    index = leaks.HeldOutRows(leaks.joined(parts).taken(held), held, places[held])
    found = [*index.leaks(parts[0], 0, places[:41]), *index.leaks(parts[1], 41, places[41:])]
    assert {(one.row, one.held_out): one.similarity for one in found} == pytest.approx(expected)
    assert len(found) == len(expected) > 5


def test_rows_of_two_splits_that_share_a_thread_are_found_and_those_of_one_are_not() -> None:
    rows = [conversation(number, split_group=f"t{number}") for number in range(8)]
    rows[3] = dataclasses.replace(rows[3], split_group="t2")
    rows[5] = dataclasses.replace(rows[5], persona=Persona("Ada", "Ada paints."))
    rows[6] = dataclasses.replace(rows[6], persona=Persona("Eve", "Ada paints."))
    keys = related.keys(rows)
    sides = np.zeros(8, np.uint8)
    assert len(leaks.sharing(keys, sides)) == 0
    sides[[3, 6, 7]] = (1, 2, 2)
    assert leaks.sharing(keys, sides).tolist() == [2, 3, 5, 6]
    sides[[3, 6]] = split.AT_REHEARSAL
    assert len(leaks.sharing(keys, sides)) == 0
    placed = placed_rows([rows], PublishSettings(test=0.3, validation=0.3))
    assert len(leaks.sharing(keys, placed.places)) == 0


# --- tests of the data


def outcome_of(tests: list[str], rows: list[Conversation]) -> list[str]:
    settings = PublishSettings(tests=tests)
    found = RowsForTests(settings)
    for part in (rows[:3], rows[3:]):
        found.add(to_table(part))
    places = np.zeros(len(rows), np.uint8)
    places[-1], places[-2] = split.AT_REHEARSAL, split.AT_TEST
    return [str(one) for one in found.refusals(places)]


def scored(number: int) -> Conversation:
    score = (Score("pacing", 1.0 + number, "rules"),) if number else ()
    code = Language("en" if number else "de", 0.9)
    return conversation(number, measures={"turns": 4.0 + number}, scores=score, language=code)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rows >= 5", None),
        ("rows > 5", "5"),
        ("share language=de <= 0.2", None),
        ("share language=de < 0.2", "0.2, by 1 row (0000000000000000)"),
        ("count language=en >= 5", "4"),
        ("count split=test >= 1", None),
        ("count split=rehearsal <= 0", None),
        ("share source=tests >= 1", None),
        ("share turns<6 <= 0.1", "0.4, by 2 rows (0000000000000000, 0000000000000001)"),
        ("share pacing<2.5 <= 0.25", None),
        ("median turns >= 6", None),
        ("min turns >= 6", "4, by 2 rows (0000000000000000, 0000000000000001)"),
        ("mean pacing >= 3.5", None),
        ("max pacing <= 4", "5, by 1 row (0000000000000004)"),
        ("p95 turns < 8", None),
        ("mean words > 3", "no row has a value of it"),
        ("share words<3 <= 1", "no row has a value of it"),
    ],
)
def test_tests_of_the_data_hold_or_name_what_they_found(text: str, found: str | None) -> None:
    refusals = outcome_of([text], [scored(number) for number in range(6)])
    if found is None:
        assert refusals == []
    else:
        (why,) = refusals
        assert why.startswith(f"`{text}` does not hold: ")
        assert f"{found}: change what is published" in why


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rows", "write a test as `rows >= 100`"),
        ("rows >= many", "write a test as"),
        ("medain pacing >= 3", "`medain` begins no test; did you mean `median`"),
        ("median pasing >= 3", "no measure or criterion `pasing`; did you mean `pacing`"),
        ("share lang=en >= 0.5", "there is no field `lang`; did you mean `language`"),
        ("share turns >= 0.5", "`turns` names no rows; write `language=en` or `turns<6`"),
        ("share trns<4 >= 0.5", "did you mean `turns`"),
        ("median >= 3", "`median` begins no test"),
    ],
)
def test_mistakes_in_tests_of_the_data_are_named_in_words(
    text: str, problem: str, tmp_path: Path, rapport: Rapport
) -> None:
    with pytest.raises(ValueError, match=r"write|mean|begins"):
        parsed(text)
    path = tmp_path / "recipe.yaml"
    path.write_text(f"name: a\npublish:\n  tests:\n    - rows > 1\n    - {text}\n")
    code, _, err = rapport("check", path)
    assert code == 1
    assert f"{path}:5: publish.tests[2]: " in err
    assert problem in err


# --- lost on the way


def test_a_source_that_lost_more_than_half_is_named_and_one_that_lost_half_is_not() -> None:
    def lost(rows: int, came: int) -> list[str]:
        found = losses.Lost(came, reasons={"structure.turns": rows})
        found.rows.add([f"id{number}" for number in range(rows)])
        return [one.problem for one in losses.of_sources({"forum": found})]

    assert lost(5, 10) == []
    assert lost(6, 10) == [
        "source forum has lost 6 rows (id0, id1, id2, …) of 10, by structure.turns 6"
    ]


def run_of(folder: Path, rapport: Rapport, publish: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The report of `publish` of a run over three sources, and what stands on stderr."""
    short = [record(number, talk(number)[:2]) for number in range(20, 26)]
    copy = record(90, [*talk(1)[:5], "I will bring it tomorrow."])
    good = [record(number) for number in range(12)]
    write_jsonl(folder / "good.jsonl", [*good, copy])
    write_jsonl(folder / "poor.jsonl", [*short, *(record(number) for number in range(30, 34))])
    write_jsonl(folder / "half.jsonl", [*map(record, range(40, 44)), *["{", "}", "[", "]"]])
    names = ("good", "poor", "half")
    sources = [{"name": n, "files": [f"{n}.jsonl"], "license": "CC0-1.0"} for n in names]
    values = {
        "name": "gated",
        "collect": {"sources": sources},
        "dedup": {"only_report": True},
        "publish": publish,
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(values))
    code, _, err = rapport("run", folder / "recipe.yaml", "--out", folder / "out", "--workers", 1)
    assert code == 0, err
    report = json.loads((folder / "out" / "6-publish" / "report.json").read_text())
    return report, err


def test_a_run_names_what_keeps_its_dataset_back_and_a_recipe_may_allow_it(
    tmp_path: Path, rapport: Rapport
) -> None:
    report, err = run_of(tmp_path, rapport, {"tests": ["rows >= 500"]})
    quarantine, lost, test = report["refused"]
    assert "4 of 31 records are in quarantine (half: half.jsonl#5, half: half" in quarantine
    assert "more than 10%" in quarantine
    assert lost.startswith("source poor has lost 6 rows (")
    assert "of 10, by structure.turns 6" in lost
    assert test.startswith("`rows >= 500` does not hold: it is 21")
    for sentence in report["refused"]:
        assert f"publish: {sentence}" in err
    card = tmp_path / "out" / "6-publish" / "dataset" / "README.md"
    assert "**Not for release.** 4 of 31" in card.read_text()
    allowed = {"allow": ["losses"], "quarantined": 0.2, "tests": ["rows < 500"]}
    report, _ = run_of(tmp_path, rapport, allowed)
    assert report["refused"] == []
    assert "> Released all the same: source poor has lost 6 rows" in card.read_text()


def test_copies_in_two_splits_are_named_when_they_were_released_apart(
    tmp_path: Path, rapport: Rapport
) -> None:
    """What `dedup` has not joined, as the run has none, and every row is a group of its own."""
    rows = [record(number) for number in range(60)]
    rows += [record(100 + n, [*talk(n)[:5], "I will bring it tomorrow then."]) for n in range(60)]
    talks = write_jsonl(tmp_path / "talks.jsonl", rows)
    words = ["--license", "CC0-1.0", "--set", "test=0.3", "--workers", 1]
    code, _, err = rapport("publish", talks, "--out", tmp_path / "out", *words)
    assert code == 0
    (line,) = [line for line in err.splitlines() if "nearly the same" in line]
    assert "pairs of rows in different splits are nearly the same, Jaccard 0.7 or more" in line
    assert "write `dedup: {threshold: 0.7}`" in line
    assert not (tmp_path / "out" / "6-publish" / "shingles").exists()


# --- personal data, allow, the loader, the outlook


def test_rows_with_personal_data_keep_a_dataset_back_until_they_are_masked(
    tmp_path: Path, rapport: Rapport
) -> None:
    rows = [record(number) for number in range(12)]
    said = [*talk(3)[:5], "Mail me: anna.keller@web.de."]
    rows[3] = {**record(3, said), "sent_by": "anna.keller@web.de"}
    write_jsonl(tmp_path / "talks.jsonl", rows)
    source = {"name": "talks", "files": ["talks.jsonl"], "license": "CC0-1.0"}
    recipe = tmp_path / "recipe.yaml"
    values: dict[str, Any] = {"name": "a", "collect": {"sources": [source]}}
    recipe.write_text(yaml.safe_dump(values))
    out = tmp_path / "out"
    code, _, err = rapport("run", recipe, "--out", out, "--workers", 1)
    assert code == 0
    (line,) = [line for line in err.splitlines() if "personal data" in line]
    name = line.partition("(")[2].partition(")")[0]
    assert "1 row (" in line
    assert "write `filter: {privacy: mask}`" in line
    _, story, _ = rapport("why", out, name)
    assert "warn publish.personal_data 2 (limit 0): email in message 5, email in extra" in story
    recipe.write_text(yaml.safe_dump({**values, "filter": {"privacy": "mask"}}))
    code, _, err = rapport("run", recipe, "--out", out, "--workers", 1)
    assert code == 0
    assert "personal data" not in err
    kept = (out / "6-publish" / "dataset" / "full").glob("*.parquet")
    assert not any(b"anna.keller" in path.read_bytes() for path in kept)


def test_what_datasets_cannot_load_is_never_sent(tmp_path: Path) -> None:
    folder = published(tmp_path / "set", [[conversation(number) for number in range(30)]])
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    rows = {
        info["config_name"]: {one["name"]: one["num_examples"] for one in info["splits"]}
        for info in front["dataset_info"]
    }
    loads.check(folder, rows)
    with pytest.raises(UserError, match=r"finds .* rows of default"):
        loads.check(folder, {"default": {"train": 3}})
    next((folder / "full").glob("train-*")).write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"cannot load full of .*Nothing was sent"):
        loads.check(folder, {"full": rows["full"]})


def test_a_benchmark_that_cannot_be_read_is_a_sentence_before_the_first_stage(
    tmp_path: Path, rapport: Rapport
) -> None:
    """And one that can is honoured by the run, as `rapport why` says."""
    write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(8)])
    bench = tmp_path / "bench.json"
    bench.write_text('{"broken": ')
    source = {"name": "talks", "files": ["talks.jsonl"], "license": "CC0-1.0"}
    values = {
        "name": "a",
        "collect": {"sources": [source]},
        "publish": {"benchmarks": [bench.name]},
    }
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text(yaml.safe_dump(values))
    code, _, err = rapport("run", recipe, "--out", out, "--workers", 1)
    assert code == 1
    assert f"publish.benchmarks: {bench} cannot be read: " in err
    assert not (out / "1-collect").exists()
    bench.write_text(json.dumps([{"prompt": {"text": talk(3)[1]}, "n": 4}]))
    code, _, err = rapport("run", recipe, "--out", out, "--workers", 1)
    assert code == 0, err
    report = json.loads((out / "6-publish" / "report.json").read_text())
    assert (report["kept"], report["reasons"]) == (7, {"publish.benchmark": 1})
    _, story, _ = rapport("why", out, "talk-3")
    assert "drop publish.benchmark 1 (limit 0): bench.json: you did and i was" in story


def test_check_and_plan_say_before_the_first_row_what_would_be_refused(
    tmp_path: Path, rapport: Rapport
) -> None:
    write_jsonl(tmp_path / "talks.jsonl", [record(1)])
    names = {"wiki": "CC-BY-SA-4.0", "forum": "CC-BY-NC-4.0", "mine": None, "kept": "CC-BY-ND-4.0"}
    sources = [{"name": n, "files": ["talks.jsonl"], "license": name} for n, name in names.items()]
    values = {"name": "a", "collect": {"sources": sources}, "publish": {"rating": "mature"}}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(values))
    code, shown, _ = rapport("check", recipe)
    assert code == 0
    assert "a release needs: rating mature; private rows without consent: refuse" in shown
    told = [line.strip() for line in shown.splitlines() if "would be refused" in line]
    assert [line.partition(": ")[2].split(":")[0] for line in told] == [
        "source mine states no licence",
        "source kept is under CC-BY-ND-4.0, which lets nobody share changes",
        "CC-BY-NC-4.0 and CC-BY-SA-4.0 do not go together",
    ]
    code, planned, _ = rapport("plan", recipe, "--out", tmp_path / "out")
    assert code == 0
    assert [line.strip() for line in planned.splitlines() if "would be refused" in line] == told
    values["publish"] = {"consent": ["phone"], "benchmarks": ["none.jsonl"]}
    recipe.write_text(yaml.safe_dump(values))
    code, _, err = rapport("check", recipe)
    assert code == 1
    assert "publish.consent[1]: there is no source `phone`" in err
    assert "publish.benchmarks[1]: there is no " in err
