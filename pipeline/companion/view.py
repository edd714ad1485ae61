"""What a server answers with: OpenAI's objects, and what the page shows beside them."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence

import orjson
from aiohttp import web

from pipeline.companion.agent import Companion
from pipeline.companion.asked import ChatAsked, Declined
from pipeline.companion.decision import decide
from pipeline.companion.memory import UserMemory, stage_of
from pipeline.companion.reply import CompanionReply
from pipeline.companion.service import Answered
from pipeline.companion.state import NextStep, Sign, TalkState
from pipeline.conversation import Message
from pipeline.pacing import STAGES

STILL = b": still writing\n\n"  # a comment, which keeps the line of a stream open
DONE = b"data: [DONE]\n\n"
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")  # a word with the blanks before it

JsonRecord = dict[str, object]


def json_response(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, content_type="application/json", charset="utf-8"
    )


def refused(refusal: Declined) -> web.Response:
    response = json_response(refusal.as_record(), refusal.status)
    if refusal.status == 429:
        response.headers["Retry-After"] = "1"
    if refusal.status in (408, 413):
        response.force_close()  # the rest of a body is not waited for
    return response


def model(name: str, who: Companion) -> JsonRecord:
    """A companion as a model of OpenAI's list."""
    about = {"name": who.name, "greeting": who.greeting, "about": who.persona.description}
    own = about | {"language": who.language, "earliest": who.settings.earliest}
    return {"id": name, "object": "model", "created": 0, "owned_by": "rapport", "rapport": own}


def completion(asked: ChatAsked, found: Answered, who: Companion) -> JsonRecord:
    """A chat completion, whole."""
    message = {"role": "assistant", "content": found.text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    head = _head(asked, "chat.completion") | {"choices": [choice], "usage": usage(found)}
    return head | _own(found, who)


def chunks(asked: ChatAsked, found: Answered, who: Companion, head: JsonRecord) -> Iterator[bytes]:
    """A chat completion as the events of a stream, behind its first one."""
    for piece in _PIECE.findall(found.text):
        yield event(head | _delta({"content": piece}))
    yield event(head | _delta({}, "stop") | _own(found, who))
    if asked.counts_tokens:
        yield event(head | {"choices": [], "usage": usage(found)})
    yield DONE


def first_chunk(asked: ChatAsked) -> tuple[JsonRecord, bytes]:
    """The head of all events of a stream, and its first one."""
    head = _head(asked, "chat.completion.chunk")
    return head, event(head | _delta({"role": "assistant", "content": ""}))


def event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def usage(found: Answered) -> JsonRecord:
    prompt, completion = found.prompt_tokens, found.completion_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _head(asked: ChatAsked, kind: str) -> JsonRecord:
    name = f"chatcmpl-{secrets.token_hex(12)}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": asked.model}


def _delta(delta: JsonRecord, finish: str | None = None) -> JsonRecord:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}


def _own(found: Answered, who: Companion) -> JsonRecord:
    """What the page shows of a reply; nothing for a prompt of the client's own."""
    if found.reply is None:
        return {}
    return {"rapport": reply(found.reply, who)}


def reply(found: CompanionReply, who: Companion) -> JsonRecord:
    tries = [one.reason for one in found.tries]
    return place(found.state, found.move, who) | {"by": found.by, "tries": tries}


def place(state: TalkState, move: NextStep, who: Companion) -> JsonRecord:
    """Where a talk stands before a message of the companion, and what that is to do."""
    return {
        "stage": STAGES[state.stage],
        "step": move.step,
        "reason": move.reason,
        "why": who.words.reasons[move.reason],
        "emotion": state.emotion,
        "level": _rounded(state.level),
        "uptake": _rounded(state.uptake),
        "steps": state.steps,
        "messages": state.messages,
    }


def course(
    who: Companion,
    messages: Sequence[Message],
    signs: Sequence[Sign],
    states: Sequence[TalkState],
) -> list[JsonRecord]:
    """Each message with what it shows, and of the companion's why it is so; last, the next one."""
    rows: list[JsonRecord] = []
    for index, state in enumerate(states):
        row = place(state, decide(state, who.settings.earliest), who)
        if index < len(messages):
            row |= {"role": messages[index].role, "closeness": _rounded(signs[index].closeness)}
            row |= {"feels": signs[index].emotion, "level": _rounded(states[index + 1].level)}
        rows.append(row)
    return rows


def remembered(memory: UserMemory | None) -> JsonRecord:
    if memory is None:
        return {"kept": False}
    facts = [{"kind": fact.kind, "quote": fact.quote} for fact in memory.facts]
    last = next((talk.last for talk in reversed(memory.talks)), None)
    return {"kept": True, "stage": stage_of(memory), "last": last, "facts": facts}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
