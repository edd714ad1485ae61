"""What is said of conversations, criterion by criterion, and where it is less than required."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from pipeline.annotate.listed import CLASSES, EMOTIONS, WEIGHTS, listed, named
from pipeline.conversation import CRITERIA, Conversation, Score
from pipeline.criteria import criteria, score_of

# classes of listed phrases that show why a value is as it is
FEELINGS = range(len(EMOTIONS) - 1)
CLOSE = range(len(FEELINGS) + 1 + WEIGHTS.index(0.2), CLASSES)
SHOWING = {"empathetic": FEELINGS, "emotional": FEELINGS, "pacing": CLOSE}


def name_of(row: Conversation) -> str:
    """What its owner knows a conversation by: the record's own id, else where it stood."""
    return row.source.record or row.source.ref


def verdicts(row: Conversation) -> list[Score]:
    """A score for each criterion, in their order: a value, or in `evidence` why nobody gave one."""
    return [_said(row, criterion) for criterion in CRITERIA]


def _said(row: Conversation, criterion: str) -> Score:
    score = score_of(row, criterion)
    if score is None:
        return Score(criterion, None, "", _missing(row, criterion))
    if score.value is None and score.error:
        return replace(score, evidence=f"{score.by} gave no value: {score.error}")
    if score.value is None and not score.evidence:
        return replace(score, evidence=_missing(row, criterion))
    return score


def _missing(row: Conversation, criterion: str) -> str:
    """Why nobody can rate a criterion of this row."""
    known = criteria()[criterion]
    if not known.scorers:
        return "needs a judge"
    if row.language is None:
        return "its language was not found"
    if not any(one.emotion or one.closeness is not None for one in row.annotations):
        return f"messages in its language ({row.language.code}) are not measured"
    return f"needs {known.needs}"


def phrases_behind(text: str, criterion: str) -> list[str]:
    """The listed phrases of a message that a criterion may rest on, without those inside others."""
    classes = set(SHOWING.get(criterion, ()))
    found = dict.fromkeys(one for one in named(text) if not classes.isdisjoint(listed()[one]))
    return [one for one in found if not any(one in other for other in found if other != one)]


def as_record(row: Conversation, said: Sequence[Score]) -> dict[str, Any]:
    """A conversation and what is said of it, as JSON has it."""
    return {
        "id": name_of(row),
        "row": row.id,
        "ref": row.source.ref,
        "language": row.language and asdict(row.language),
        "messages": len(row.messages),
        "verdicts": [asdict(score) for score in said],
        "scores": [asdict(score) for score in row.scores],
        "measures": row.measures,
        "annotations": [one._asdict() for one in row.annotations],
    }


# --- over several conversations


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Where a conversation has less than is required of it, or nobody can say."""

    row: Conversation
    score: Score
    least: float

    def as_record(self) -> dict[str, Any]:
        """As JSON has it."""
        where = {"id": name_of(self.row), "ref": self.row.source.ref, "least": self.least}
        return asdict(self.score) | where


class CriterionMean(NamedTuple):
    """Over conversations: how many have a value, their mean, the share that have none."""

    criterion: str
    n: int
    mean: float | None
    nulls: float


class VerdictTally:
    """Adds up what is said of conversations, and which fall short.

    required: criterion → the least value.
    """

    def __init__(self, required: Mapping[str, float]) -> None:
        self.required = required
        self.rows = 0
        self.short: list[Shortfall] = []
        self._values: Counter[str] = Counter()
        self._sums: dict[str, float] = dict.fromkeys(CRITERIA, 0.0)

    def add(self, row: Conversation) -> list[Score]:
        """The verdicts on a row, which are counted."""
        said = verdicts(row)
        self.rows += 1
        for score in said:
            if score.value is not None:
                self._values[score.criterion] += 1
                self._sums[score.criterion] += score.value
            least = self.required.get(score.criterion)
            if least is not None and (score.value is None or score.value < least):
                self.short.append(Shortfall(row, score, least))
        return said

    def means(self) -> list[CriterionMean]:
        return [self._mean(criterion) for criterion in CRITERIA if self.rows]

    def _mean(self, criterion: str) -> CriterionMean:
        count = self._values[criterion]
        mean = self._sums[criterion] / count if count else None
        return CriterionMean(criterion, count, mean, 1 - count / self.rows)
