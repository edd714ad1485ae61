"""`preference` and `unpaired`: replies beside what could have stood in their place.

    why     the other text is …                                        in `unpaired`
    rule    a try of `generate` that broke a rule, which `reason` names      yes
    swipe   another answer that somebody has swiped or branched away         no
    judge   what a model or a person has judged to be worse                  yes

An alternative of a user's message, of a merged turn or of a moved greeting makes no pair; each is
counted by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import pyarrow as pa

from pipeline.conversation import Alternative, Conversation
from pipeline.publish.configs.made import ORIGIN, TURNS, MadeRows, PublishedRow, origin
from pipeline.publish.configs.turns import TrainerTurns, turns_of
from pipeline.recipe.publish import PublishSettings

Why = Literal["rule", "swipe", "judge"]

PREFERENCE = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", TURNS),
        ("chosen", TURNS),
        ("rejected", TURNS),
        ("why", pa.string()),
        ("reason", pa.string()),
        *ORIGIN,
    ]
)
UNPAIRED = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", TURNS),
        ("completion", TURNS),
        ("label", pa.bool_()),
        *ORIGIN,
    ]
)
SWIPES = ("swipe", "branch")
JUDGED = ("rejected", "judge")
CANDIDATE = "candidate"  # of a writer that was asked for several; of a benchmark: a wrong answer
# Why there is no pair.
NONE = "no alternative that makes a pair"
PASSED_OVER = "alternative passed over: "
NOT_A_REPLY = f"{PASSED_OVER}of a user's or system message"
MERGED = f"{PASSED_OVER}of a turn that was merged, moved or cut"
UNANSWERED = f"{PASSED_OVER}no text was accepted in its place"
SAME = f"{PASSED_OVER}the same text"
NO_VERDICT = f"{PASSED_OVER}nothing says that it is worse"
SWIPED = f"{PASSED_OVER}a swipe"


class Pair(NamedTuple):
    """A reply and another text in its place. turn: the number of the reply's turn."""

    turn: int
    rejected: str
    why: Why
    reason: str


def preference(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """A row for each alternative that is worse than what stands there."""
    (row,) = rows
    found = turns_of(row, settings)
    if found.left_out:
        return MadeRows(left_out=found.left_out)
    about, passed_over = origin(row, group), Counter[str]()
    published = []
    for number, pair in enumerate(_pairs(row, found, passed_over)):
        sides = {
            "prompt": found.messages(before=pair.turn),
            "chosen": _reply(found.turns[pair.turn].content),
            "rejected": _reply(pair.rejected),
        }
        named = {"id": f"{row.id}-{number}", "why": pair.why, "reason": pair.reason}
        published.append({**named, **sides, **about})
    return _made(published, passed_over)


def unpaired(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """Every reply that has a worse alternative, labelled true, and these, labelled false."""
    (row,) = rows
    found = turns_of(row, settings)
    if found.left_out:
        return MadeRows(left_out=found.left_out)
    passed_over = Counter[str]()
    about, published = origin(row, group), []
    for number, labelled in enumerate(_labelled(row, found, passed_over)):
        published.append({"id": f"{row.id}-{number}", **labelled, **about})
    return _made(published, passed_over)


def _labelled(
    row: Conversation, found: TrainerTurns, passed_over: Counter[str]
) -> Iterator[PublishedRow]:
    """Good replies, each once, and bad ones."""
    good: set[int] = set()
    for pair in _pairs(row, found, passed_over):
        if pair.why == "swipe":
            passed_over[SWIPED] += 1
            continue
        prompt = found.messages(before=pair.turn)
        if pair.turn not in good:
            chosen = _reply(found.turns[pair.turn].content)
            yield {"prompt": prompt, "completion": chosen, "label": True}
            good.add(pair.turn)
        yield {"prompt": prompt, "completion": _reply(pair.rejected), "label": False}


def _made(published: Sequence[PublishedRow], passed_over: Counter[str]) -> MadeRows:
    if not published:
        return MadeRows(left_out=NONE, changed=passed_over)
    return MadeRows(published, changed=passed_over)


def _reply(content: str) -> list[PublishedRow]:
    return [{"role": "assistant", "content": content}]


def _pairs(row: Conversation, found: TrainerTurns, passed_over: Counter[str]) -> Iterator[Pair]:
    """The alternatives that are worse than the reply that stands there."""
    alone = _alone(found)
    for other in row.alternatives:
        if other.chosen:
            continue
        problem = _problem(row, other, alone)
        why = why_of(other, row)
        if problem or why is None:
            passed_over[problem or NO_VERDICT] += 1
            continue
        yield Pair(alone[other.message], other.content, why, other.reason or why)


def _alone(found: TrainerTurns) -> dict[int, int]:
    """The turns of the assistant that are one message, by its number in the conversation."""
    turns: dict[int, int] = {}
    for number, turn in enumerate(found.turns):
        if turn.role == "assistant" and len(turn.messages) == 1:
            turns[turn.messages[0]] = number
    return turns


def _problem(row: Conversation, other: Alternative, alone: dict[int, int]) -> str:
    """Why an alternative cannot be compared; empty where it can."""
    if not 0 <= other.message < len(row.messages):
        return UNANSWERED
    message = row.messages[other.message]
    if message.role != "assistant":
        return NOT_A_REPLY
    if other.message not in alone:
        return MERGED
    return SAME if other.content.strip() in ("", message.content.strip()) else ""


def why_of(other: Alternative, row: Conversation) -> Why | None:
    """Why the text is worse than what stands there; None where nothing says so."""
    reason = other.reason or ""
    if reason in SWIPES:
        return "swipe"
    if reason in JUDGED or (reason == CANDIDATE and row.source.kind == "generated"):
        return "judge"
    return "rule" if other.is_failed_try else None
