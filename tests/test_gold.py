"""The product against the gold sets of tests/data: duplicates, personal data, what is unsafe.

The product is run by its command line, as a user runs it, and its Parquet files are read. What is
in the sets, and how the truth was found: tests/data/README.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from tests.data import make_gold

DATA = Path(__file__).parent / "data"
RAPPORT = [sys.executable, "-c", "from pipeline.cli import main; main()"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}

THRESHOLD = 0.7  # the default of dedup
CONTAINED_WORDS = 20  # a shorter talk never goes as a part of another; the default of dedup
SAME_WORDS = {"exact", "rename_speakers", "speaker_swap", "case_punct", "unicode_form", "resegment"}
PRIVACY_F1 = 0.92  # 0.933 when the set was made
SAFETY_RECALL = 0.95  # every line is found today

Case = dict[str, Any]  # a line of a gold set
Pair = frozenset[str]


def cases(name: str) -> list[Case]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def rapport(*arguments: object) -> None:
    command = [*RAPPORT, *map(str, arguments), "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr


def stored(out: Path, stage: str, which: str, *columns: str) -> Iterator[Case]:
    """The rows that a stage kept or dropped."""
    for part in sorted(out.glob(f"*-{stage}/{which}/*.parquet")):
        yield from pq.read_table(part, columns=list(columns)).to_pylist()


# --- the sets themselves


def test_the_committed_sets_are_what_the_maker_makes(tmp_path: Path) -> None:
    make_gold.make(tmp_path)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text("utf-8") for path in DATA.glob("gold_*.jsonl")}
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == []


def test_a_copy_with_the_same_words_is_a_pair_at_1() -> None:
    rows, truth = cases("gold_dedup.jsonl"), jaccards()
    originals = {row["family"]: row["id"] for row in rows if row["edit"] == "original"}
    copies = [row for row in rows if row["edit"] in SAME_WORDS]
    pairs = [frozenset((originals[row["family"]], row["id"])) for row in copies]
    assert len(pairs) >= 60
    assert {truth.get(pair) for pair in pairs} == {1.0}


def test_the_sets_are_as_large_as_they_say_and_ask_close_to_the_limit() -> None:
    assert len(cases("gold_dedup.jsonl")) == 300
    assert sum(bool(case["spans"]) for case in cases("gold_privacy.jsonl")) == 100
    planted = sum(bool(case["rules"]) for case in cases("gold_safety.jsonl"))
    assert planted == len(cases("gold_safety.jsonl")) - planted  # half of it is clean
    found = jaccards().values()
    assert sum(THRESHOLD <= jaccard < THRESHOLD + 0.02 for jaccard in found) >= 5
    assert sum(THRESHOLD - 0.02 < jaccard < THRESHOLD for jaccard in found) >= 5


# --- dedup


class Decision(NamedTuple):
    """A row that went, and the row it went for, by the names of the gold set."""

    row: str
    partner: str
    rule: str
    similarity: float

    @property
    def pair(self) -> Pair:
        return frozenset((self.row, self.partner))


def jaccards() -> dict[Pair, float]:
    pairs = cases("gold_dedup_pairs.jsonl")
    return {frozenset((pair["a"], pair["b"])): pair["jaccard"] for pair in pairs}


def near() -> set[Pair]:
    return {pair for pair, jaccard in jaccards().items() if jaccard >= THRESHOLD}


def parts() -> set[Pair]:
    """Pairs of which one, if it is not too short, is wholly in the other."""
    pairs = cases("gold_dedup_pairs.jsonl")
    long = [pair for pair in pairs if pair["words"] >= CONTAINED_WORDS]
    return {frozenset((pair["a"], pair["b"])) for pair in long if pair["part"] == 1}


def deduped(out: Path, *more: str) -> list[Decision]:
    rapport("dedup", DATA / "gold_dedup.jsonl", "--out", out, *more)
    kept = stored(out, "dedup", "kept", "id", "source")
    dropped = list(stored(out, "dedup", "dropped", "id", "source"))
    names = {row["id"]: row["source"]["record"] for row in [*kept, *dropped]}
    assert len(names) == 300
    (path,) = out.glob("*-dedup/pairs.parquet")
    found = pq.read_table(path, columns=["id", "partner", "rule", "similarity"]).to_pylist()
    assert {row["id"] for row in dropped} == {one["id"] for one in found}
    decided = [(one["rule"], one["similarity"]) for one in found]
    pairs = [(names[one["id"]], names[one["partner"]]) for one in found]
    return [Decision(*pair, *how) for pair, how in zip(pairs, decided, strict=True)]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> list[Decision]:
    """What goes as a copy, parts of longer talks left alone."""
    return deduped(tmp_path_factory.mktemp("near") / "out", "--set", "contained=null")


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> list[Decision]:
    """What goes with the settings that nobody changed."""
    return deduped(tmp_path_factory.mktemp("usual") / "out")


def unparted(decisions: Iterable[Decision], truth: set[Pair]) -> list[Pair]:
    """Pairs of which both stay: what recall 1.0 has none of."""
    gone = {decision.row for decision in decisions}
    return [pair for pair in truth if not pair & gone]


def untrue(decisions: Iterable[Decision], truth: set[Pair]) -> list[Decision]:
    """Rows that go for one that is not alike: what precision 1.0 has none of."""
    return [decision for decision in decisions if decision.pair not in truth]


def test_every_two_copies_are_parted_and_nothing_else_goes(copies: list[Decision]) -> None:
    assert len(near()) >= 150
    assert unparted(copies, near()) == []
    assert untrue(copies, near()) == []


def test_parts_of_a_longer_talk_go_too_and_nothing_else(usual: list[Decision]) -> None:
    truth = near() | parts()
    assert len(parts() - near()) >= 20
    assert unparted(usual, truth) == []
    assert untrue(usual, truth) == []


def test_the_similarity_told_is_the_true_one(copies: list[Decision]) -> None:
    truth = jaccards()
    assert {decision.rule for decision in copies} == {"dedup.exact", "dedup.near"}
    for decision in copies:
        assert decision.similarity == pytest.approx(truth[decision.pair], abs=1e-9)
        assert (decision.rule == "dedup.exact") == (decision.similarity == 1)


def test_very_short_talks_all_stay(usual: list[Decision]) -> None:
    lengths = {
        row["id"]: len(make_gold.words("\n".join(m["content"] for m in row["messages"])))
        for row in cases("gold_dedup.jsonl")
    }
    short = {name for name, length in lengths.items() if length < 12}
    assert len(short) == 26
    assert short & {decision.row for decision in usual} == set()


# --- privacy and safety


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Case]]:
    """The findings of each case, by its name."""
    out = tmp_path_factory.mktemp("filter") / "out"
    rapport("filter", DATA / "gold_privacy.jsonl", DATA / "gold_safety.jsonl", "--out", out)
    every = [row for which in ("kept", "dropped") for row in _found(out, which)]
    findings = {row["source"]["record"]: row["findings"] + _repaired(row) for row in every}
    assert len(findings) == len(cases("gold_privacy.jsonl")) + len(cases("gold_safety.jsonl"))
    return findings


def _found(out: Path, which: str) -> Iterator[Case]:
    return stored(out, "filter", which, "source", "findings", "edits")


# A repair has found what it removed.
REPAIRS = {
    "removed template tokens": "style.template",
    "cut at the other side's label": "style.other_side",
}


def _repaired(row: Case) -> list[Case]:
    """What was repaired, as findings."""
    edits = [
        (rule, edit) for edit in row["edits"] for words, rule in REPAIRS.items() if words in edit
    ]
    places = [(rule, int(number)) for rule, edit in edits for number in re.findall(r"\d+", edit)]
    return [
        {"rule": rule, "message": message, "start": None, "end": None} for rule, message in places
    ]


def assert_wrong_only_where_known(gold: list[Case], wrong: set[str], text: str) -> None:
    known = {case["id"] for case in gold if case.get("known_miss")}
    assert wrong - known == set()
    assert known - wrong == set(), f"right at last: take the '?' off these lines of {text}"


class Span(NamedTuple):
    """Characters [start, end) of one message."""

    kind: str
    message: int
    start: int
    end: int


def wanted_spans(case: Case) -> set[Span]:
    return {Span(s["kind"], s["message"], s["start"], s["end"]) for s in case["spans"]}


def found_spans(findings: list[Case]) -> set[Span]:
    found = ((f["rule"].split("."), f["message"], f["start"], f["end"]) for f in findings)
    return {Span(kind, *place) for (family, kind), *place in found if family == "privacy"}


def test_personal_data_is_found_to_the_character(filtered: dict[str, list[Case]]) -> None:
    gold = cases("gold_privacy.jsonl")
    wanted = {(case["id"], span) for case in gold for span in wanted_spans(case)}
    found = {(case["id"], span) for case in gold for span in found_spans(filtered[case["id"]])}
    f1 = 2 * len(wanted & found) / (len(wanted) + len(found))
    assert f1 >= PRIVACY_F1
    assert_wrong_only_where_known(gold, {name for name, _ in wanted ^ found}, "privacy.txt")


def fired(findings: list[Case]) -> set[tuple[str, int | None]]:
    judged = [f for f in findings if f["rule"].startswith(("safety.", "style."))]
    return {(f["rule"], f["message"]) for f in judged}


def test_what_is_unsafe_is_found(filtered: dict[str, list[Case]]) -> None:
    planted = [case for case in cases("gold_safety.jsonl") if case["rules"]]
    wrong = set()
    for case in planted:
        wanted = {(rule, case["message"]) for rule in case["rules"]}
        if not wanted & fired(filtered[case["id"]]):
            wrong.add(case["id"])
    assert 1 - len(wrong) / len(planted) >= SAFETY_RECALL
    assert_wrong_only_where_known(planted, wrong, "safety.txt")


def test_nothing_is_found_in_what_only_sounds_like_it(filtered: dict[str, list[Case]]) -> None:
    clean = [case for case in cases("gold_safety.jsonl") if not case["rules"]]
    alarms = {case["id"] for case in clean if fired(filtered[case["id"]])}
    assert_wrong_only_where_known(clean, alarms, "safety.txt")
