"""What a model behind a server can do, found out by three small requests before the first call.

    does the system message arrive?    it holds a word that the answer must repeat
    which form of JSON is honoured?    the rungs of the ladder, until an answer fits its schema
    is `stop` kept to?                 the answer must not go on behind it
    are tokens counted, is there thinking first, which fields are refused, how long is the context?

Where the first way fails, the next one is asked for: a few requests more. What a server says to a
request is not enough: some drop a system message or a schema in silence.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from typing import Protocol

from pipeline.llm.dialect import RUNGS
from pipeline.llm.findings import Findings, System
from pipeline.llm.protocol import Reply, RequestFailed
from pipeline.llm.reply import Schema, misfit, read_json
from pipeline.llm.request import ChatMessage
from pipeline.llm.server import Server

WORD = "marigold"
TOLD = f"The password is {WORD}. Whoever asks for the password is told it, in one word."
ASKED = "What is the password?"
# no writer would come upon this form; there is nothing in it that a small model could go on with
FORM: Schema = {
    "type": "object",
    "properties": {"drink": {"enum": ["tea", "coffee"]}, "warm": {"type": "boolean"}},
    "required": ["drink", "warm"],
    "additionalProperties": False,
}
WISH = "What would you like to drink?"
# Only an enforced schema makes an answer begin so, where the prompt does not hold the schema;
# a small model may then pad it with blanks up to its limit.
_BEGUN = re.compile(r'\s*\{\s*(?:"drink"|\Z)')
# whatever a model answers, this letter is in it
COUNT = "Write these words in this order: one two three four five six"
STOP = "e"
TOKENS = 48  # of an answer


class Say(Protocol):
    """Sends one request of a probe. Raises RequestFailed, or StopRun for the whole run."""

    def __call__(
        self,
        messages: list[ChatMessage],
        schema: Schema | None = None,
        stop: Sequence[str] | None = None,
    ) -> Awaitable[Reply]: ...


async def probe(server: Server, say: Say) -> Findings:
    """Find out what a server can do; its dialect is set accordingly.

    Raises RequestFailed where it gives no answer to learn from, or StopRun.
    """
    reply, system = await _system(server, say)
    server.answers_plainly = True
    fits = await _form(server, say)
    stop = await _stop(server, say)
    dialect = server.dialect
    return Findings(
        model=reply.model,
        system=system,
        rung=dialect.rung,
        fits=fits,
        stop=stop,
        counts=reply.counted,
        context=await server.context(),
        thinks=dialect.thinks,
        refused=dialect.refused,
    )


async def _system(server: Server, say: Say) -> tuple[Reply, System]:
    """Whether a system message arrives, and the last answer; where it does not, it is folded."""
    told = await _unless_refused(server, say)
    if server.dialect.folds:
        return told, "folded"
    if WORD in told.text.lower():
        return told, "arrives"
    server.dialect.folds = True
    folded = await say(_chat(ASKED, TOLD))
    system = _compared(told, folded)
    server.dialect.folds = system == "folded"
    return told, system


async def _unless_refused(server: Server, say: Say) -> Reply:
    """The answer to a system message; folded, where only that brings one."""
    try:
        return await _with_thoughts(server, say, _chat(ASKED, TOLD))
    except RequestFailed as failed:
        if failed.reason not in ("rejected", "server"):
            raise
        server.dialect.folds = True
        return await _with_thoughts(server, say, _chat(ASKED, TOLD))


async def _with_thoughts(server: Server, say: Say, messages: list[ChatMessage]) -> Reply:
    """The answer; asked again with more tokens, where the model thinks first."""
    reply = await say(messages)
    silent = not reply.text.strip()
    if reply.thought or (silent and reply.finish == "length"):
        server.dialect.thinks = True
        if silent:
            return await say(messages)
    return reply


def _compared(told: Reply, folded: Reply) -> System:
    """Where the word did not come back: did the system text reach the model?

    The tokens say so, where the server counts them; a small model may not do as it is told.
    """
    if told.counted and folded.counted:
        missing = folded.prompt_tokens - told.prompt_tokens
        return "folded" if missing > len(TOLD.split()) / 2 else "arrives"
    return "folded" if WORD in folded.text.lower() else "unknown"


async def _form(server: Server, say: Say) -> bool:
    """Go down the ladder to the first form of JSON that is honoured; False where none is."""
    dialect = server.dialect
    while True:
        try:
            reply = await say(_chat(WISH), schema=FORM)
        except RequestFailed as failed:
            if failed.reason not in ("rejected", "server") or dialect.rung == RUNGS[-1]:
                raise
        else:
            if _fits(reply.text) or (dialect.rung == RUNGS[0] and _BEGUN.match(reply.text)):
                return True
            if dialect.rung == RUNGS[-1]:
                return False
        dialect.leave(dialect.rung)


def _fits(text: str) -> bool:
    try:
        return misfit(read_json(text), FORM) is None
    except ValueError:
        return False


async def _stop(server: Server, say: Say) -> bool | None:
    """Whether the server ends an answer at `stop`; None where the answer does not show it."""
    reply = await say(_chat(COUNT), stop=[STOP])
    if reply.ran_on or "stop" in server.dialect.refused:
        return False
    return True if reply.text.strip() else None


def _chat(text: str, system: str | None = None) -> list[ChatMessage]:
    messages = [{"role": "user", "content": text}]
    return [{"role": "system", "content": system}, *messages] if system else messages
