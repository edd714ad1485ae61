"""What was asked for and is not there, told from the rows of a unit."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.conversation import Conversation, Drop, FileRead, Finding, Merged, Quarantine, Row
from pipeline.run.reports import losses
from pipeline.store.counts import CALLS, Counts, Losses, counted, deciding_rule, total
from pipeline.store.report import FunnelRow
from tests.rows import conversation


def lost(*rows: Row, stage: str = "generate") -> tuple[int, int]:
    losses = Losses(stage)
    for row in rows:
        losses.add(row)
    return losses.missing, losses.transient


def told(*rules: str, evidence: str = "") -> Conversation:
    findings = tuple(
        Finding("generate", rule, evidence=evidence, decision="drop") for rule in rules
    )
    return dataclasses.replace(conversation(1), findings=findings)


FAILED = Quarantine("generated/Ada/0.0/1", "call.timeout", "3 s", "{}")
LAST = Quarantine("generated/Ada/0.1/1", "call.timeout", "3 s", "{}", missing=1)
NO_IDEA = Quarantine("characters/4", "call.server", "500")


def test_a_failure_that_was_made_up_for_is_no_loss() -> None:
    assert lost(FAILED, conversation(1)) == (0, 0)
    assert lost(Drop(told("call.server")), conversation(1)) == (0, 0)
    assert lost(NO_IDEA, conversation(1), conversation(2)) == (0, 0)


def test_a_slot_that_was_given_up_is_missing_and_may_be_had_where_a_call_failed_for_now() -> None:
    assert lost(FAILED, LAST) == (1, 2)
    assert lost(FAILED, Drop(told("style.refusal", "slot.given_up")), conversation(2)) == (1, 1)
    assert lost(
        Drop(told("style.refusal", "slot.given_up")), Drop(told("call.rejected", "slot.given_up"))
    ) == (2, 0)


def test_a_kept_talk_that_a_failure_cut_short_may_be_had_whole() -> None:
    assert lost(told("talk.cut", "call.server")) == (0, 1)
    assert lost(told("talk.cut", "style.refusal")) == (0, 0)


def test_what_could_not_be_invented_is_missing() -> None:
    given_up = Quarantine("characters/given up", "given up", "76 of 80", missing=76)
    assert lost(NO_IDEA, given_up) == (76, 1)
    users = Quarantine("users/given up", "given up", "2 of 4", missing=2)
    assert lost(NO_IDEA, users) == (2, 0)


def test_only_failures_for_now_of_a_crawl_may_pass() -> None:
    down = Quarantine("site: https://a.example/", "page.failed", "503", transient=True)
    gone = Quarantine("site: https://a.example/b", "page.failed", "404")
    assert lost(down, gone, conversation(1), stage="collect") == (0, 1)


def test_findings_of_an_earlier_stage_are_not_counted_again() -> None:
    assert lost(told("talk.cut", "call.server"), stage="filter") == (0, 0)


def test_one_failed_call_among_other_findings_is_enough() -> None:
    assert lost(told("style.refusal", "call.server")) == (0, 1)
    assert lost(told()) == (0, 0)
    for rule in CALLS:
        assert lost(Quarantine("generated/Ada/0", rule, "", missing=1)) == (1, 1)
    assert lost(Quarantine("generated/Ada/0", "call.rejected", "", missing=1)) == (1, 0)
    transient = Quarantine("generated/Ada/0", "call.rejected", "", missing=1, transient=True)
    assert lost(transient) == (1, 1)


def test_failures_of_several_slots_are_added_up() -> None:
    assert lost(FAILED, LAST, FAILED, FAILED, LAST) == (2, 5)
    assert lost(FAILED, LAST, conversation(1), FAILED, LAST) == (2, 4)
    assert lost(Merged("a", 3), FileRead("a.json")) == (0, 0)


@pytest.mark.parametrize(
    ("stage", "rule", "transient"),
    [("score", "call.server", 1), ("score", "call.rejected", 0), ("generate", "call.server", 0)],
)
def test_a_criterion_without_a_value_may_be_had_where_its_call_failed_for_now(
    stage: str, rule: str, transient: int
) -> None:
    findings = (Finding("filter", "style.label"), Finding(stage, rule))
    row = dataclasses.replace(conversation(1), findings=findings)
    assert lost(row, conversation(2), stage="score") == (0, transient)
    assert lost(row, stage="filter") == (0, 0)


def test_counts_are_added_field_by_field() -> None:
    assert Counts() == Counts(0, 0, 0, 0, {}, {}, 0, 0, 0, 0.0, [])
    read = [FileRead(name) for name in ("a.json", "b.json")]
    first, second = (dataclasses.asdict(one) for one in read)
    one = Counts(1, 2, 3, 4, {"a": 1}, {"b": 2}, 5, 6, 7, 0.5, [first])  # type: ignore[list-item]
    other = Counts(10, 20, 30, 40, {"a": 1, "c": 2}, {}, 50, 60, 70, 2.0, [second])  # type: ignore[list-item]
    added = Counts(11, 22, 33, 44, {"a": 2, "c": 2}, {"b": 2}, 55, 66, 77, 2.5, [first, second])  # type: ignore[list-item]
    assert one + other == total([one, other]) == added
    assert (one.rows_in, added.rows_in, total([])) == (10, 110, Counts())


def test_a_dropped_row_counts_under_its_first_rule_that_drops() -> None:
    found = [Finding("filter", "a"), *told("b", "c").findings]
    assert deciding_rule(found) == "b"
    with pytest.raises(ValueError, match="a dropped row without a reason"):
        deciding_rule(found[:1])
    assert counted({"notice": 2, "picture": 1}) == "2 × notice, 1 × picture"


def test_losses_are_told_in_sentences() -> None:
    def row(**more: object) -> FunnelRow:
        return {"missing": 0, "transient": 0, "empty": []} | more  # type: ignore[return-value]

    assert losses([row(), row()]) == []
    missing, transient = losses([row(missing=2), row(missing=1, transient=4)])
    assert missing == "3 of the rows asked for could not be made: see `rapport stats`."
    assert transient.startswith("4 failures may pass, as where a server was down: the same command")
    (empty, other) = losses([row(empty=["forum", "wiki"])])
    assert empty.startswith("Source forum gave no row: ")
    assert other.startswith("Source wiki gave no row: ")
