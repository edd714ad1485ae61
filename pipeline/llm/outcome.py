"""What a call comes to: an answer, or a failure with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.llm.calls import CallAttempt
from pipeline.llm.protocol import TRANSIENT, Reply
from pipeline.llm.reply import Schema, misfit, read_json

USELESS = ("empty", "length", "bad_json")  # reasons of replies that are asked again


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered.

    data: the value read from the text when a schema was given, else None.
    finish: why the text ended ("stop").
    Tokens and cost (US dollars, None where no price is known): of all requests of the call, the
    useless answers before this one included.
    cached: it was answered in an earlier run, or twice in this one.
    model: as the server names it.
    """

    text: str
    data: object
    finish: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    cached: bool
    model: str


class CallFailed(Exception):
    """A call without a usable answer; it is stored, and no row may be made from it.

    reason: why. Either the call has this outcome for good and is never sent again:
        "empty", "length", "bad_json"   useless, also after `reasks` further requests
        "refused", "policy"             refused by the model, or by the server's moderation
        "too_long", "rejected"          the server cannot take it (400)
    or it is transient, and the next run asks again (after `attempts` requests in this one):
        "timeout", "server", "overloaded", "connection", "garbled"
    rule: the reason as the rule of a quarantined row or a finding: "call.timeout".
    Tokens and cost: of all its requests, as in Answer.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        cost: float | None = 0.0,
    ):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
        self.prompt_tokens, self.completion_tokens = prompt_tokens, completion_tokens
        self.cost = cost

    @property
    def rule(self) -> str:
        return f"call.{self.reason}"

    @property
    def transient(self) -> bool:
        return self.reason in TRANSIENT


def is_settled(attempts: Sequence[CallAttempt]) -> bool:
    """Has a call its outcome?"""
    return bool(attempts) and attempts[-1].final


def problem_of(reply: Reply, schema: Schema | None) -> tuple[str | None, str]:
    """Why a reply is useless: the reason (None if it is good) and the detail."""
    if reply.refusal:
        return "refused", reply.refusal
    if not reply.text.strip():
        if reply.finish == "length" and reply.thought:
            return "length", f"all of its {reply.completion_tokens} tokens went into its thoughts"
        return "empty", "the answer is empty"
    if reply.finish == "length":
        return "length", f"cut off after {reply.completion_tokens} tokens: …{reply.text[-60:]}"
    if schema is None:
        return None, ""
    try:
        problem = misfit(read_json(reply.text), schema)
    except ValueError as error:
        problem = str(error)
    if problem:
        return "bad_json", problem
    return None, ""


def outcome_of(attempts: Sequence[CallAttempt], schema: Schema | None, cached: bool) -> Answer:
    """What a call has come to: the same now and in every later run. Raises CallFailed."""
    last = attempts[-1]
    prompt = sum(attempt.prompt_tokens for attempt in attempts)
    completion = sum(attempt.completion_tokens for attempt in attempts)
    cost = _sum([attempt.cost for attempt in attempts])
    if last.reason:
        raise CallFailed(last.reason, last.detail, prompt, completion, cost)
    data = read_json(last.text) if schema is not None else None
    return Answer(last.text, data, last.finish, prompt, completion, cost, cached, last.model)


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    return sum(known)
