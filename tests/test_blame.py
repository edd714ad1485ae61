"""Which steps closer are to blame, as findings of a row."""

from __future__ import annotations

from dataclasses import replace

from pipeline.conversation import Finding
from pipeline.pacing.course import Said, course
from pipeline.score.blame import FURTHEST, JUMP, PRESSED, UNTAKEN, blamed, messages_of, without
from tests.rows import conversation

PRESSING = [Said("assistant", 0.6), Said("user", -0.3, 0.0, -0.5)] * 2


def test_each_step_that_is_to_blame_is_a_finding_that_decides_nothing() -> None:
    followed = course(PRESSING)
    findings = tuple(blamed(followed))
    row = replace(conversation(), findings=findings)
    assert {finding.decision for finding in findings} == {"measured"}
    assert messages_of(row, UNTAKEN) == followed.untaken == [0, 2]
    assert messages_of(row, PRESSED) == followed.pressed == [2]
    assert messages_of(row, JUMP) == followed.jumps == [0, 2]
    assert messages_of(row, FURTHEST) == [0]


def test_who_goes_no_further_than_is_open_is_not_to_blame() -> None:
    calm = [Said("assistant", -0.3), Said("user", -0.3, 0.0, 0.5)] * 3
    assert list(blamed(course(calm))) == []
    assert list(blamed(course([]))) == []


def test_what_an_earlier_run_found_is_put_aside() -> None:
    other = Finding("filter", "style.label", 1.0)
    row = replace(conversation(), findings=(other, *blamed(course(PRESSING))))
    assert without(row) == [other]
