"""The whole life of one conversation, from the stores of a run that was written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline import UserError
from pipeline.conversation import Conversation, Drop, Finding, Quarantine
from pipeline.run.trace import life
from pipeline.store.store import Store
from tests.rows import conversation
from tests.test_reports import run_of


def named(number: int, record: str | None = None) -> Conversation:
    row = conversation(number)
    return replace(row, id=f"ab{number:02}cd", source=row.source._replace(record=record))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three rows are collected; the first is kept, the second is dropped by `filter`."""
    folder = tmp_path_factory.mktemp("run")
    run = run_of(folder, ("1-collect", "", "a"), ("3-filter", "a", "b"), ("4-dedup", "old", "c"))
    first, second, third = named(1, "talk-1"), named(2, "talk-2"), named(3, "talk-2")
    quarantined = Quarantine("talks.jsonl#9", "record.unreadable", "not JSON", "{" * 2_000)
    Store(folder, "1-collect").write("00000", "key", [first, second, third, quarantined])
    findings = (
        Finding("collect", "source.odd"),
        Finding("filter", "style.label", 1, 0, 1),
        Finding("filter", "structure.turns", 2, 4, decision="drop"),
    )
    edits = ("collect: joined two records", "filter: removed notes", "filtered: no")
    gone = replace(second, findings=findings, edits=edits)
    Store(folder, "3-filter").write("00000-000", "key", [first, Drop(gone), third])
    Store(folder, "4-dedup").write("00000-000", "key", [first])
    return run


def test_every_stage_says_what_it_did_with_a_row(run: str) -> None:
    collected, dropped = life(run, "ab02cd")
    assert (collected.stage, collected.outcome, collected.part) == ("collect", "kept", "00000-000")
    assert (collected.edits, collected.findings) == ((), ())
    assert (dropped.stage, dropped.outcome, dropped.part) == ("filter", "dropped", "00000-000")
    assert dropped.edits == ("filter: removed notes",)
    assert [finding.rule for finding in dropped.findings] == ["style.label", "structure.turns"]
    assert dropped.conversation is not None
    assert dropped.conversation.edits[0] == "collect: joined two records"


def test_a_store_that_is_older_than_the_one_before_is_left_out(run: str) -> None:
    assert [(one.stage, one.outcome) for one in life(run, "ab01cd")] == [
        ("collect", "kept"),
        ("filter", "kept"),
    ]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("ab01cd", ["ab01cd", "ab01cd"]),
        ("ab01", ["ab01cd", "ab01cd"]),  # four characters of the id
        ("talk-1", ["ab01cd", "ab01cd"]),  # the record's own id
    ],
)
def test_a_row_is_named_by_its_id_its_beginning_or_its_record(
    run: str, wanted: str, ids: list[str]
) -> None:
    found = life(run, wanted)
    assert [one.conversation and one.conversation.id for one in found] == ids


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("ab0", "No conversation ab0 in .*: neither kept, dropped nor quarantined in any stage"),
        ("b01c", "No conversation b01c in "),
        ("talk-2", "talk-2 names 2 rows: ab02cd, ab03cd. Give one of these ids"),
        ("talk", "No conversation talk in "),
    ],
)
def test_a_name_of_none_or_of_several_is_refused(run: str, wanted: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        life(run, wanted)


def test_what_could_not_be_read_is_shown_with_its_reason(run: str) -> None:
    quarantined = Quarantine("talks.jsonl#9", "", "")
    (found,) = life(run, quarantined.id)
    assert (found.stage, found.outcome, found.conversation) == ("collect", "quarantine", None)
    assert found.problem == "talks.jsonl#9: record.unreadable: not JSON\n" + "{" * 1_000
