"""Two conversations against each other, by one criterion after the other.

Marks from 1 to 5 are weak at the top, where all are good; "which of the two" is easier. Models
favour what stands first, so both orders are asked, and a verdict that changes with the order is a
tie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, NamedTuple, cast

from pipeline.conversation import Conversation
from pipeline.criteria import Criterion, criteria
from pipeline.judge import shown
from pipeline.judge.jury import Jury, every
from pipeline.judge.ranges import SILENT, Range, ranges
from pipeline.judge.verdict import (
    PAIR_VERDICT,
    PairQuote,
    PairVerdict,
    Quote,
    evidence,
    unfounded,
)
from pipeline.llm import CallFailed

PairOutcome = Literal["win", "tie", "loss"]
OUTCOMES: dict[int, PairOutcome] = {1: "win", 0: "tie", -1: "loss"}
SIGNS = {"first": 1, "equal": 0, "second": -1}


@dataclass(frozen=True, slots=True)
class PairScore:
    """How a conversation stands against another one.

    outcome: None where nobody could say; `error`: why. messages, other_messages: those of either
    conversation that it rests on, by index.
    """

    criterion: str
    outcome: PairOutcome | None
    by: str
    evidence: str | None = None
    messages: tuple[int, ...] = ()
    other_messages: tuple[int, ...] = ()
    error: str | None = None


class Contender(NamedTuple):
    """A range of one conversation."""

    row: Conversation
    part: Range


@dataclass(frozen=True, slots=True)
class Preference:
    """What is said of two ranges: 1 where the first is better, -1 where the second is, 0 for
    neither.

    sign: None where there is no occasion for the question, or where `problem` says what failed.
    """

    sign: int | None
    quotes: Sequence[Quote] = ()
    other_quotes: Sequence[Quote] = ()
    why: str = ""
    problem: str | None = None

    def swapped(self) -> Preference:
        sign = None if self.sign is None else -self.sign
        return replace(self, sign=sign, quotes=self.other_quotes, other_quotes=self.quotes)


async def compare(
    row: Conversation, other: Conversation, names: Sequence[str], jury: Jury
) -> list[PairScore]:
    """Does `row` win, tie or lose against `other`, for each of these criteria?

    Long conversations are cut into equally many ranges, so that beginning is compared with
    beginning and end with end; the more frequent outcome counts. Raises StopRun.
    """
    known = criteria()
    return await every([_compare(row, other, known[name], jury) for name in names])


async def _compare(
    row: Conversation, other: Conversation, criterion: Criterion, jury: Jury
) -> PairScore:
    judges = jury.settings.models
    found = await every([_by(row, other, criterion, model, jury) for model in judges])
    if len(found) == 1:
        return found[0]
    outcomes = {one.outcome for one in found if one.outcome}
    agreed: PairOutcome | None = "tie" if outcomes else None
    if len(outcomes) == 1:
        (agreed,) = outcomes
    return PairScore(
        criterion.name,
        agreed,
        by=" + ".join(one.by for one in found),
        evidence="\n".join(f"{one.by}:\n{one.evidence}" for one in found if one.evidence) or None,
        messages=_union(one.messages for one in found),
        other_messages=_union(one.other_messages for one in found),
        error="; ".join(f"{one.by}: {one.error}" for one in found if one.error) or None,
    )


async def _by(
    row: Conversation, other: Conversation, criterion: Criterion, model: str, jury: Jury
) -> PairScore:
    """What one judge says, over all ranges."""
    pairs = _pairs(row, other, jury.settings.messages)
    found = await every([_both_orders(*pair, criterion, model, jury) for pair in pairs])
    good = [one for one in found if not one.problem]
    problems = dict.fromkeys(one.problem for one in found if one.problem)
    error = "; ".join(problems) or None
    if not found:
        error = SILENT
    return PairScore(
        criterion.name,
        _outcome([one.sign for one in good if one.sign is not None]),
        jury.name(model),
        evidence="\n".join(map(_told, good)) or None,
        messages=_union(map(_indices, (one.quotes for one in good))),
        other_messages=_union(map(_indices, (one.other_quotes for one in good))),
        error=error,
    )


def _outcome(signs: Sequence[int]) -> PairOutcome | None:
    """The more frequent one; a tie where wins and losses are equally many."""
    total = sum(signs)
    return OUTCOMES[(total > 0) - (total < 0)] if signs else None


def _indices(quotes: Sequence[Quote]) -> list[int]:
    return [quote["message"] for quote in quotes]


def _pairs(row: Conversation, other: Conversation, size: int) -> list[tuple[Contender, Contender]]:
    """Ranges of both that belong together."""
    number = max(len(ranges(one.messages, size)) for one in (row, other))
    sides = [
        [Contender(one, part) for part in ranges(one.messages, size, number)]
        for one in (row, other)
    ]
    return list(zip(*sides, strict=False))


async def _both_orders(
    one: Contender, two: Contender, criterion: Criterion, model: str, jury: Jury
) -> Preference:
    """What holds whichever stands first."""
    forth, back = await every(
        [
            _preference(one, two, criterion, model, jury),
            _preference(two, one, criterion, model, jury),
        ]
    )
    again = back.swapped()
    if forth.problem or again.problem:
        return Preference(None, problem=forth.problem or again.problem)
    if forth.sign == again.sign:
        return forth
    return replace(forth, sign=0, why=f"{forth.why} In the other order: {again.why}")


async def _preference(
    first: Contender, second: Contender, criterion: Criterion, model: str, jury: Jury
) -> Preference:
    try:
        answer = await jury.ask(model, _chat(first, second, criterion), PAIR_VERDICT)
    except CallFailed as failed:
        return Preference(None, problem=str(failed))
    verdict = cast(PairVerdict, answer.data)
    if verdict["better"] is None:
        return Preference(None, why=verdict["why"])
    quotes, others = (_of(verdict["quotes"], which) for which in ("first", "second"))
    problem = unfounded(quotes, first.row.messages) or unfounded(others, second.row.messages)
    if problem:
        return Preference(None, problem=problem)
    return Preference(SIGNS[verdict["better"]], quotes, others, verdict["why"])


def _of(quotes: Sequence[PairQuote], which: str) -> list[Quote]:
    """The quotes of one of two conversations."""
    return [quote for quote in quotes if quote["conversation"] == which]


def _chat(first: Contender, second: Contender, criterion: Criterion) -> list[dict[str, str]]:
    return shown.prompt(
        "judge-pair",
        first_card=shown.card(first.row),
        first_messages=shown.lines(first.row, first.part.messages),
        second_card=shown.card(second.row),
        second_messages=shown.lines(second.row, second.part.messages),
        **shown.question(criterion),
    )


def _told(one: Preference) -> str:
    return "\n".join(filter(None, (evidence(one.quotes, ""), evidence(one.other_quotes, one.why))))


def _union(indices: Iterable[Iterable[int]]) -> tuple[int, ...]:
    return tuple(sorted(set(chain.from_iterable(indices))))
