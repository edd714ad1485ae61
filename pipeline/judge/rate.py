"""The scores of a row: every criterion, by every judge, over every range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from statistics import mean
from typing import cast

from pipeline.conversation import Conversation, Finding, Score
from pipeline.criteria import Criterion
from pipeline.judge import shown
from pipeline.judge.jury import Jury, chosen, every
from pipeline.judge.ranges import SILENT, Range, ranges
from pipeline.judge.verdict import VERDICT, Quote, Verdict, evidence, unfounded
from pipeline.llm import CallFailed

STAGE = "score"  # Finding.stage


@dataclass(frozen=True, slots=True)
class RangeRating:
    """What one judge says of one range.

    level: None where there is no occasion for the question. problem: why the answer is of no use.
    rule: of a call that failed and that the next run asks again.
    """

    weight: float
    level: int | None = None
    quotes: Sequence[Quote] = ()
    why: str = ""
    problem: str | None = None
    rule: str | None = None


async def rate(row: Conversation, jury: Jury) -> Conversation:
    """The row with a score for each criterion. Raises StopRun when the run cannot continue.

    A call that failed and may succeed another time is a finding as well.
    """
    parts = ranges(row.messages, jury.settings.messages)
    wanted = list(product(chosen(jury.settings), jury.settings.models))
    asked = [_ratings(row, parts, criterion, name, jury) for criterion, name in wanted]
    scores: dict[str, list[Score]] = {}
    findings: list[Finding] = []
    for (criterion, name), ratings in zip(wanted, await every(asked), strict=True):
        score = score_of_ranges(criterion.name, jury.name(name), ratings)
        scores.setdefault(criterion.name, []).append(score)
        findings += _failures(score, ratings)
    new = list(map(averaged, scores.values()))
    return replace(
        row,
        scores=(*_other_scores(row, new), *new),
        findings=(*_other_findings(row), *findings),
    )


def _other_scores(row: Conversation, new: Sequence[Score]) -> list[Score]:
    """The scores that a row has from others: not what the same judge said in an earlier run."""
    again = {(score.criterion, score.by) for score in new}
    return [score for score in row.scores if (score.criterion, score.by) not in again]


def _other_findings(row: Conversation) -> list[Finding]:
    """The findings of a row, without failures of a judge in an earlier run."""
    return [
        finding
        for finding in row.findings
        if finding.stage != STAGE or not finding.rule.startswith("call.")
    ]


async def _ratings(
    row: Conversation, parts: Sequence[Range], criterion: Criterion, model: str, jury: Jury
) -> list[RangeRating]:
    return await every([_rating(row, part, criterion, model, jury) for part in parts])


async def _rating(
    row: Conversation, part: Range, criterion: Criterion, model: str, jury: Jury
) -> RangeRating:
    try:
        answer = await jury.ask(model, chat(row, part, criterion), VERDICT)
    except CallFailed as failed:
        rule = failed.rule if failed.transient else None
        return RangeRating(part.weight, problem=str(failed), rule=rule)
    verdict = cast(Verdict, answer.data)
    if verdict["level"] is None:
        return RangeRating(part.weight, why=verdict["why"])
    problem = unfounded(verdict["quotes"], row.messages)
    return RangeRating(part.weight, verdict["level"], verdict["quotes"], verdict["why"], problem)


def chat(row: Conversation, part: Range, criterion: Criterion) -> list[dict[str, str]]:
    """What a judge is asked of one range."""
    return shown.prompt(
        "judge",
        card=shown.card(row),
        earlier=shown.lines(row, part.earlier),
        messages=shown.lines(row, part.messages),
        first=part.messages[0],
        last=part.messages[-1],
        **shown.question(criterion),
    )


def _failures(score: Score, ratings: Sequence[RangeRating]) -> Iterator[Finding]:
    """One for each reason why the next run asks again."""
    for rule in dict.fromkeys(rating.rule for rating in ratings if rating.rule):
        yield Finding(STAGE, rule, evidence=f"{score.criterion} by {score.by}")


# --- from ranges and judges to one value


def score_of_ranges(criterion: str, by: str, ratings: Sequence[RangeRating]) -> Score:
    """What one judge says of a whole conversation: the mean level, weighted by the assistant's
    messages.

    None where it failed on more than it rated.
    """
    rated = [rating for rating in ratings if rating.level is not None and not rating.problem]
    failed = [rating for rating in ratings if rating.problem]
    error = _united(rating.problem for rating in failed)
    if not ratings:
        error = SILENT
    if not rated or _weight(rated) < _weight(failed):
        reasons = _united(rating.why for rating in ratings if rating.level is None)
        return Score(criterion, None, by, reasons, error=error)
    levels = sum(rating.weight * (rating.level or 0) for rating in rated)
    quotes = chain.from_iterable(rating.quotes for rating in rated)
    return Score(
        criterion,
        round(levels / _weight(rated), 3),
        by,
        evidence="\n".join(evidence(rating.quotes, rating.why) for rating in rated),
        messages=tuple(sorted({quote["message"] for quote in quotes})),
        error=error,
    )


def _weight(ratings: Sequence[RangeRating]) -> float:
    return sum(rating.weight for rating in ratings)


def _united(texts: Iterable[str | None]) -> str | None:
    """Different texts in one, None where there are none."""
    return "; ".join(dict.fromkeys(filter(None, texts))) or None


def averaged(scores: Sequence[Score]) -> Score:
    """What several judges say together: the mean of those who gave a value, and how far they lie
    apart."""
    if len(scores) == 1:
        return scores[0]
    errors = [f"{score.by}: {score.error}" for score in scores if score.error]
    values = [score.value for score in scores if score.value is not None]
    given = [score for score in scores if score.value is not None] or scores
    reasons = [f"{score.by}:\n{score.evidence}" for score in given if score.evidence]
    together = Score(
        criterion=scores[0].criterion,
        value=None,
        by=" + ".join(score.by for score in given),
        evidence="\n".join(reasons) or None,
        messages=tuple(sorted({index for score in given for index in score.messages})),
        error="; ".join(errors) or None,
    )
    if not values:
        return together
    together = replace(together, value=round(mean(values), 3))
    if len(values) == 1:
        return together
    return replace(together, spread=round(max(values) - min(values), 3))
