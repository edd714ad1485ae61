"""The next message of a companion: asked, checked, asked again with the reason.

    answer = await reply(who, messages, client)
    answer.text, answer.state, answer.move, answer.by

A plain function: it stores nothing, and the same messages have the same state. Two answers to the
same messages have different texts where their `sample` differs. When no try is good, a short line
in role takes its place; where the user is under 18 or speaks of self-harm, a plain sentence does,
and no model is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pipeline.companion import feelings
from pipeline.companion.agent import Companion
from pipeline.companion.decision import decide
from pipeline.companion.directive import chat
from pipeline.companion.signs import shown
from pipeline.companion.state import NextStep, TalkState
from pipeline.companion.tracker import TOO_CLOSE, follow, is_beyond, push_of
from pipeline.conversation import Alternative, Message, normalised
from pipeline.generate.check import Fault, first_fault
from pipeline.llm import Answer, CallFailed, Client

MODEL = "companion"  # the name of the model among those of the client
TOKENS = 400  # that a reply may take, and some for each word wanted; as in `generate`
TOKENS_OF_A_WORD = 6
RECENT = 60  # messages that a reply is compared with closely; with older ones word for word
FINAL = ("rejected", "too_long")  # failures of a call that another try does not change


class Remembered(NamedTuple):
    """What two people bring from earlier talks.

    begun: the stage at which they meet, index into `pacing.STAGES`. facts: quotes. minor: the user
    has said once to be under 18.
    """

    begun: int = 0
    facts: tuple[str, ...] = ()
    minor: bool = False


class Sampling(NamedTuple):
    """How a model is asked. sample: numbers answers to the same messages. None: its own default."""

    sample: int = 0
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] | None = None


@dataclass(slots=True)
class CompanionReply:
    """A message of a companion, and why it is so.

    by: model, line (the last resort) or safety. tries: the texts that were asked for, each with the
    rule that it breaks. answers: of the model, for tokens and cost.
    """

    text: str
    state: TalkState
    move: NextStep
    by: Literal["model", "line", "safety"] = "model"
    tries: list[Alternative] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


STRANGERS = Remembered()
USUAL = Sampling()


async def reply(
    who: Companion,
    messages: Sequence[Message],
    client: Client,
    known: Remembered = STRANGERS,
    sampling: Sampling = USUAL,
) -> CompanionReply:
    """The next message. messages: of user and assistant.

    Raises CallFailed where no answer came from the model, StopRun where none can.
    """
    state = (await follow_talk(who, messages, client, known))[-1]
    found = CompanionReply("", state, decide(state, who.settings.earliest))
    if plain := _plain(who, state):
        found.text, found.by = plain, "safety"
        return found
    fault: Fault | None = None
    while not found.text and len(found.tries) < who.settings.asks:
        text = await _ask(who, messages, client, known, sampling, found, fault)
        fault = fault_of(who, messages, text, found.state, found.move)
        if fault:
            found.tries.append(Alternative(len(messages), text, fault.rule))
        else:
            found.tries.append(Alternative(len(messages), text, "chosen", True))
            found.text = text
    if not found.text:
        return _last_resort(who, messages, found)
    return found


async def follow_talk(
    who: Companion, messages: Sequence[Message], client: Client, known: Remembered = STRANGERS
) -> list[TalkState]:
    """The state before the first message and behind each."""
    found = await feelings.signs(who, messages, client)
    states = follow(found, who.settings.earliest, known.begun)
    if known.minor:
        return [state._replace(minor=True) for state in states]
    return states


def _plain(who: Companion, state: TalkState) -> str:
    """What is said out of the role, where that is due; else nothing."""
    if state.minor:
        return who.words.adults
    if state.harm:
        return " ".join(filter(None, (who.words.harm, who.settings.help_text)))
    return ""


async def _ask(
    who: Companion,
    messages: Sequence[Message],
    client: Client,
    known: Remembered,
    sampling: Sampling,
    found: CompanionReply,
    fault: Fault | None,
) -> str:
    """A try; empty where the model refused or said nothing."""
    sent = chat(who, messages, found.state, found.move, known.facts, fault)
    try:
        answer = await client.ask(
            MODEL,
            sent,
            sample=sampling.sample * who.settings.asks + len(found.tries),
            max_tokens=TOKENS + TOKENS_OF_A_WORD * who.settings.words,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            stop=sampling.stop,
        )
    except CallFailed as failure:
        if failure.transient or failure.reason in FINAL:
            raise
        return ""
    found.answers.append(answer)
    return answer.text.strip()


def fault_of(
    who: Companion, messages: Sequence[Message], text: str, state: TalkState, move: NextStep
) -> Fault | None:
    """The first thing wrong with a reply: by the rules, or too close for where the talk stands."""
    index, recent = len(messages), messages[-RECENT:]
    fault = first_fault(recent, Message("assistant", text), who.persona, who.prompts)
    if fault:
        return fault
    if any(message.content == text for message in messages[:-RECENT]):
        return Fault(index, "style.repetition", text[:80])
    if state.leaves and who.words.clings(text):
        return Fault(index, "companion.clinging", text[:80])
    sign = shown([text], who.language)[0]
    stage = state.stage + (move.step == "closer")
    if is_beyond(TOO_CLOSE[stage:], sign):
        return Fault(index, "companion.close", f"closeness {sign.closeness:.2f}")
    return None


def _last_resort(
    who: Companion, messages: Sequence[Message], found: CompanionReply
) -> CompanionReply:
    """The least close of the tries that are only too close; else a line that was not said yet."""
    close = [one.content for one in found.tries if one.reason == "companion.close"]
    if close:
        found.text = min(close, key=lambda text: push_of(shown([text], who.language)[0]))
        return found
    lines = who.words.farewells if found.state.leaves else who.words.safe
    said = {normalised(message.content) for message in messages if message.role == "assistant"}
    fresh = [line for line in lines if normalised(line) not in said]
    found.text = (fresh or lines)[len(messages) % len(fresh or lines)]
    found.by = "line"
    return found
