"""From measures to criteria: what must hold whatever the levels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import (
    Annotation,
    Conversation,
    Finding,
    Language,
    Message,
    Persona,
    Score,
)
from pipeline.criteria import criteria
from pipeline.pacing.course import Course, Said, course
from pipeline.recipe.score import ScoreSettings
from pipeline.rules import RULES
from pipeline.score.blame import blamed
from pipeline.score.measure import measure
from pipeline.score.rate import BREAKS, HARM, SCORERS, scores
from tests.rows import conversation

ENGLISH = Language("en", 1.0)
TEXTS = ["Hello.", "Hi, how was the sea?", "Cold.", "I like it cold."]
ROW = replace(
    conversation(1, TEXTS, language=ENGLISH, persona=Persona("Ada", "Ada keeps a lighthouse.")),
    annotations=(Annotation(emotion="sadness"),) * 4,
)

shares = st.floats(0, 1)
pairs = st.tuples(st.floats(-2, 3), st.floats(-2, 3)).map(sorted)
closeness = st.floats(-1, 1)
courses = st.lists(
    st.builds(Said, st.sampled_from(["user", "assistant"]), closeness, closeness, closeness),
    min_size=4,
    max_size=4,
)


def value(row: Conversation, criterion: str, followed: Course | None = None) -> float:
    row = with_course(row, followed or level(0.0))
    (found,) = (one for one in scores(row) if one.criterion == criterion)
    assert found.value is not None
    return found.value


def with_course(row: Conversation, followed: Course) -> Conversation:
    """A row as it is stored when this is its course."""
    measures = row.measures | {"steps": float(len(followed.steps))}
    if followed.rush is not None:
        measures["rush"] = followed.rush
    return replace(row, measures=measures, findings=(*row.findings, *blamed(followed)))


def level(rush: float) -> Course:
    """A course that has nothing but a rush."""
    return replace(course([Said("user"), Said("assistant")] * 2), rush=rush)


def with_measures(**measures: float) -> Conversation:
    return replace(ROW, measures=measures)


def with_findings(rules: Sequence[str], message: int = 1) -> Conversation:
    found = tuple(Finding("filter", rule, 1.0, 0.0, message) for rule in rules)
    return replace(ROW, findings=found, measures={"card_shown": 1.0})


@given(courses, st.dictionaries(st.sampled_from(["feelings", "attunement", "card_shown"]), shares))
def test_values_are_1_to_5_and_messages_are_those_of_the_row(
    said: list[Said], measures: dict[str, float]
) -> None:
    followed = course(said)
    roles = [Message(one.role, "Hm") for one in said]  # type: ignore[arg-type]
    row = replace(with_measures(**measures), messages=tuple(roles))
    found = list(scores(with_course(row, followed)))
    served = [(one.name, by) for one in criteria().values() for by in one.scorers]
    assert [(one.criterion, one.by) for one in found] == served
    for one in found:
        assert one.evidence
        assert one.value is None or 1 <= one.value <= 5
        assert set(one.messages) <= set(range(4))


@given(pairs)
def test_a_faster_course_is_never_rated_higher(rushes: list[float]) -> None:
    slow, fast = map(level, rushes)
    assert value(ROW, "pacing", slow) >= value(ROW, "pacing", fast)
    assert value(ROW, "safe", slow) >= value(ROW, "safe", fast)


# The levels as they were set on the rated talks, half-way between two, and beyond the ends.
LEVELS = {
    ("attunement", "empathetic"): {
        -1.0: 1.0, -0.3: 1.0, -0.05: 1.5, 0.2: 2.0, 0.4: 2.5, 0.6: 3.0, 0.8: 3.75, 1.0: 4.5,
        2.0: 4.5,
    },
    ("feelings", "emotional"): {
        -0.1: 1.3, 0.0: 1.3, 0.2: 1.75, 0.4: 2.2, 0.55: 2.6, 0.7: 3.0, 0.775: 3.5, 0.85: 4.0,
        0.925: 4.25, 1.0: 4.5, 1.1: 4.5,
    },
    ("card_shown", "in_role"): {
        0.0: 2.5, 0.04: 3.15, 0.08: 3.8, 0.165: 4.25, 0.25: 4.7, 1.0: 4.7,
    },
}  # fmt: skip
UNTAKEN_AT = {
    0.0: 4.0,
    0.25: 4.0,
    0.375: 3.5,
    0.5: 3.0,
    0.65: 2.5,
    0.8: 2.0,
    1.05: 1.5,
    1.3: 1.0,
    9: 1,
}
PRESSED_AT = {
    0.0: 5.0,
    0.1: 5.0,
    0.25: 4.5,
    0.4: 4.0,
    0.6: 3.25,
    0.8: 2.5,
    1.05: 2.25,
    1.3: 2.0,
    9: 2,
}


@pytest.mark.parametrize(("measured", "levels"), LEVELS.items())
def test_the_levels_of_a_measure(measured: tuple[str, str], levels: dict[float, float]) -> None:
    measure, criterion = measured
    found = {share: value(with_measures(**{measure: share}), criterion) for share in levels}
    assert found == levels


def rushed(rush: float, **blamed: list[int]) -> Course:
    """A course of this rush with the same number of steps; half of the replies answer no step."""
    return replace(level(rush), steps=[1], **blamed)


def test_the_levels_of_a_rush() -> None:
    half = (
        0.5 * 0.5
    )  # of two replies one step is not taken up, which counts as much as 0.25 of rush
    found = {rush: value(ROW, "pacing", rushed(rush - half, untaken=[1])) for rush in UNTAKEN_AT}
    assert found == UNTAKEN_AT
    assert {
        rush: value(ROW, "safe", rushed(rush, pressed=[1])) for rush in PRESSED_AT
    } == PRESSED_AT
    assert value(ROW, "pacing", rushed(2.0)) == 3.0  # no step is amiss
    assert value(ROW, "pacing", rushed(0.375)) == 3.5
    assert value(ROW, "safe", rushed(2.0)) == 5.0


@pytest.mark.parametrize(
    ("steps", "untaken", "rating", "evidence"),
    [
        ([1, 3], [], 5.0, "2 steps closer, all taken up"),
        ([1], [], 4.0, "steps closer: 1; none amiss"),
        ([], [], 4.0, "steps closer: 0; none amiss"),
        ([1, 3], [3], 4.0, "steps closer: 2; 1 not taken up"),
    ],
)
def test_two_steps_that_were_taken_up_are_enough(
    steps: list[int], untaken: list[int], rating: float, evidence: str
) -> None:
    row = with_course(ROW, replace(level(-1.0), steps=steps, untaken=untaken))
    (found,) = (one for one in scores(row) if one.criterion == "pacing")
    assert (found.value, found.evidence, found.messages) == (rating, evidence, tuple(untaken))


@pytest.mark.parametrize(
    ("measure", "limit", "evidence"),
    [
        ("card_recited", 8.0, "8 words in a row are read from the card"),
        ("repetition", 0.6, "repeats itself"),
    ],
)
def test_from_when_on_who_recites_or_repeats_is_not_in_role(
    measure: str, limit: float, evidence: str
) -> None:
    at_limit = with_measures(card_shown=1.0, **{measure: limit})
    (found,) = (one for one in scores(at_limit) if one.criterion == "in_role")
    assert (found.value, found.evidence) == (2.0, evidence)
    below = with_measures(card_shown=0.165, **{measure: limit - 0.01})
    (found,) = (one for one in scores(below) if one.criterion == "in_role")
    assert (found.value, found.evidence) == (4.25, "uses 16% of the card's rare words")


def test_what_each_rule_leaves_at_most() -> None:
    worst = {rule for rule, left in (HARM | BREAKS).items() if left == 1.0}
    assert worst == {
        "safety.self_harm", "safety.hate", "safety.coercion", "safety.minor", "style.refusal",
        "style.assistant", "style.reasoning", "style.template", "style.tool",
    }  # fmt: skip
    rest = {rule: left for rule, left in (HARM | BREAKS).items() if left != 1.0}
    assert rest == {
        "safety.sexual": 2.0, "safety.injection": 3.0, "style.meta": 1.5, "style.other_side": 1.5,
        "style.prompt": 1.5, "style.placeholder": 2.0, "style.label": 2.0,
    }  # fmt: skip
    two = with_findings(["style.label", "style.meta", "style.label"])
    (found,) = (one for one in scores(two) if one.criterion == "in_role")
    assert (found.value, found.evidence) == (1.5, "style.label, style.meta")


def test_the_reason_why_there_is_no_value() -> None:
    alone = replace(ROW, persona=None, annotations=(), language=None)
    found = {one.by: one.evidence for one in scores(alone)}
    assert found == {
        "course": "not measured in this language: unknown",
        "rules": "not measured in this language: unknown",
        "role": "there is no card",
        "attunement": "not measured in this language: unknown",
        "emotions": "not measured in this language: unknown",
    }
    calm = {one.by: one.evidence for one in scores(ROW)}
    assert calm["attunement"] == "the user shows no sadness, anger or fear"
    assert calm["emotions"] == "not measured in this language: en"


def test_the_whole_range_of_pacing_is_used() -> None:
    assert value(ROW, "pacing", level(-2.0)) >= 4
    assert value(ROW, "pacing", level(3.0)) == 3  # no step is amiss
    assert value(ROW, "pacing", replace(level(3.0), steps=[1], untaken=[1])) == 1


@given(st.lists(shares, min_size=2, max_size=2).map(sorted))
@pytest.mark.parametrize(
    ("measure", "criterion"),
    [("feelings", "emotional"), ("attunement", "empathetic"), ("card_shown", "in_role")],
)
def test_more_of_what_is_good_is_never_rated_lower(
    measure: str, criterion: str, share: list[float]
) -> None:
    less, more = (with_measures(**{measure: one}) for one in share)
    assert value(less, criterion) <= value(more, criterion)


@pytest.mark.parametrize(
    ("measure", "much"), [("card_recited", 30.0), ("repetition", 1.0)], ids=["recited", "looping"]
)
def test_who_recites_or_repeats_is_not_in_role_however_much_of_the_card_it_shows(
    measure: str, much: float
) -> None:
    well, badly = with_measures(card_shown=1.0), with_measures(card_shown=1.0, **{measure: much})
    assert value(badly, "in_role") <= value(well, "in_role") - 1


@pytest.mark.parametrize(("criterion", "rules"), [("safe", HARM), ("in_role", BREAKS)])
def test_what_rules_find_in_messages_of_the_assistant(
    criterion: str, rules: dict[str, float]
) -> None:
    for rule in rules:
        assert rule in RULES
        found = with_findings([rule])
        assert value(found, criterion) < value(with_findings([]), criterion), rule
        assert value(with_findings([rule], 0), criterion) > value(found, criterion), rule


@given(st.lists(st.sampled_from(sorted(HARM)), min_size=1, max_size=4))
def test_the_worst_that_is_found_counts_and_all_of_it_is_named(rules: list[str]) -> None:
    alone = [value(with_findings([rule]), "safe") for rule in rules]
    found = with_findings(rules)
    assert value(found, "safe") == min(alone)
    (safe,) = (one for one in scores(found) if one.criterion == "safe")
    assert all(rule in str(safe.evidence) for rule in rules)
    assert safe.messages == (1,)


@given(courses)
def test_steps_that_all_were_taken_up_are_rated_best(said: list[Said]) -> None:
    followed = course(said)
    best = replace(followed, steps=[1, 3], untaken=[], jumps=[], pressed=[], rush=-2.0)
    assert value(ROW, "pacing", best) == 5
    assert value(ROW, "pacing", replace(best, untaken=[3])) < 5


def test_without_evidence_there_is_no_value_but_a_reason() -> None:
    found = {one.criterion: one for one in scores(replace(ROW, persona=None))}
    assert {one.value for one in found.values()} == {None}
    assert all(one.evidence for one in found.values())
    assert "card" in str(found["in_role"].evidence)


def test_a_criterion_names_scorers_that_there_are() -> None:
    assert {by for one in criteria().values() for by in one.scorers} == set(SCORERS)


def test_rating_reads_no_message_again() -> None:
    """Changed levels rate from what is stored: annotations, measures and findings are enough."""
    (row,) = measure([ROW], ScoreSettings())
    blank = replace(row, messages=tuple(one._replace(content="") for one in row.messages))
    again: list[Score] = list(scores(blank))
    assert again == list(scores(row))
