"""What was asked for and is not there, told from the rows of a unit."""

from __future__ import annotations

import dataclasses

from pipeline.conversation import Conversation, Drop, Finding, Quarantine, Row
from pipeline.store.counts import Losses
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
