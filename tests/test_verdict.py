"""What is said of a conversation, criterion by criterion, and of several: means, shortfalls."""

from __future__ import annotations

import pytest

from pipeline.conversation import CRITERIA, Annotation, Conversation, Language, Score
from pipeline.score.verdict import VerdictTally, as_record, verdicts
from tests.rows import conversation


def rated(number: int, **values: float | None) -> Conversation:
    scores = tuple(Score(name, value, "critic-1", "because") for name, value in values.items())
    return conversation(number, scores=scores)


def test_every_criterion_has_a_verdict_or_the_reason_why_there_is_none() -> None:
    row = rated(1, safe=4.0)
    said = {score.criterion: score for score in verdicts(row)}
    assert list(said) == list(CRITERIA)
    assert (said["safe"].value, said["safe"].evidence) == (4.0, "because")
    assert (said["pacing"].value, said["pacing"].evidence) == (None, "its language was not found")
    assert said["engaging"].evidence == "needs a judge"


@pytest.mark.parametrize(
    ("annotations", "evidence"),
    [
        ((), "messages in its language (sv) are not measured"),
        ((Annotation(stage="casual"),), "messages in its language (sv) are not measured"),
        ((Annotation(emotion="joy"),), "needs "),
        ((Annotation(closeness=0.0),), "needs "),
    ],
)
def test_why_a_criterion_has_no_value(annotations: tuple[Annotation, ...], evidence: str) -> None:
    row = conversation(1, language=Language("sv", 1.0), annotations=annotations)
    (pacing,) = (score for score in verdicts(row) if score.criterion == "pacing")
    assert str(pacing.evidence).startswith(evidence)


def test_a_judge_that_failed_and_one_that_cannot_say() -> None:
    failed = Score("safe", None, "critic-1", error="no answer")
    silent = Score("engaging", None, "critic-1")
    said = {one.criterion: one for one in verdicts(conversation(1, scores=(failed, silent)))}
    assert said["safe"].evidence == "critic-1 gave no value: no answer"
    assert said["engaging"].evidence == "needs a judge"


def test_means_and_shares_without_a_value() -> None:
    tally = VerdictTally({"safe": 3.0})
    assert tally.means() == []
    rows = [rated(1, safe=2.0), rated(2, safe=3.0), rated(3, safe=5.0), rated(4)]
    for row in rows:
        assert [one.criterion for one in tally.add(row)] == list(CRITERIA)
    means = {one.criterion: tuple(one)[1:] for one in tally.means()}
    assert list(means) == list(CRITERIA)
    assert means["safe"] == (3, pytest.approx(10 / 3), 0.25)
    assert means["engaging"] == (0, None, 1.0)
    # below what is required, or nobody can say; at it is enough
    assert [(one.row.id, one.score.value) for one in tally.short] == [
        (rows[0].id, 2.0),
        (rows[3].id, None),
    ]
    record = tally.short[0].as_record()
    assert (record["criterion"], record["value"], record["least"]) == ("safe", 2.0, 3.0)
    assert record["ref"] == rows[0].source.ref
    assert record["id"] == rows[0].source.ref  # it has no id of its own


def test_a_record_has_all_that_is_known() -> None:
    row = rated(1, safe=4.0)
    record = as_record(row, verdicts(row))
    assert record["row"] == row.id
    assert record["ref"] == row.source.ref
    assert (record["messages"], record["language"], record["measures"]) == (6, None, {})
    assert [one["criterion"] for one in record["verdicts"]] == list(CRITERIA)
    assert [one["criterion"] for one in record["scores"]] == ["safe"]
    spoken = conversation(1, language=Language("en", 0.9), annotations=(Annotation("casual"),))
    record = as_record(spoken, [])
    assert record["language"] == {"code": "en", "confidence": 0.9}
    assert [one["stage"] for one in record["annotations"]] == ["casual"]
