"""What a running server holds: companions, the client of their model, memory and saved talks.

No session: a talk is what a request brings.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pipeline.companion import background, memory
from pipeline.companion.agent import Companion
from pipeline.companion.asked import ChatAsked, Declined
from pipeline.companion.decision import decide
from pipeline.companion.memory import UserMemory
from pipeline.companion.reply import (
    MODEL,
    STRANGERS,
    CompanionReply,
    Remembered,
    fault_of,
    follow_talk,
    reply,
)
from pipeline.companion.signs import signs
from pipeline.companion.state import TalkState
from pipeline.companion.tracker import follow
from pipeline.conversation import Message
from pipeline.llm import Answer, CallFailed, Client, RequestFailed, StopRun, rehearsal
from pipeline.llm.request import ChatMessage
from pipeline.llm.server import Rehearsal
from pipeline.recipe.models import ModelSettings

TRACKER = "tracker"  # the model under the name by which it is asked about feelings
KEPT = 2_000  # answers that are kept in mind, none on a disk; our choice
LONGEST = 180.0  # seconds until a reply is given up; our choice
WARM = Message("user", "Hello! What a day, I missed the tram and laughed all the way home.")


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept on a disk, which is nothing unless who serves says so. memory: the folder of
    memories. saved: of talks."""

    memory: Path | None = None
    saved: Path | None = None


NOTHING_KEPT = Keeping()


@dataclass(slots=True)
class Answered:
    """What is answered: a text, and the reply that it is, where a companion wrote it."""

    text: str
    answers: list[Answer] = field(default_factory=list)
    reply: CompanionReply | None = None

    @property
    def prompt_tokens(self) -> int:
        return sum(answer.prompt_tokens for answer in self.answers)

    @property
    def completion_tokens(self) -> int:
        return sum(answer.completion_tokens for answer in self.answers)


class Service:
    """Use it as `async with Service(...) as service`. companions: by the name that clients use.

    model: of all of them. keys: the values of the environment variables that it names.
    """

    def __init__(
        self,
        companions: Mapping[str, Companion],
        model: ModelSettings,
        keys: Mapping[str, str],
        keeping: Keeping = NOTHING_KEPT,
        stand_in: Rehearsal = rehearsal.answer,
    ) -> None:
        self.companions, self.model, self.keeping = companions, model, keeping
        models = {MODEL: model, TRACKER: model}
        self._client = Client(models, Path(":memory:"), None, keys, rehearsal=stand_in, kept=KEPT)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__()

    async def warm(self) -> str:
        """Load what the first reply needs, and ask what the model's server can do. Returns what is
        wrong with it, if anything is."""
        for who in self.companions.values():
            state = follow(signs([WARM], who.language))[-1]
            fault_of(who, [WARM], WARM.content[::-1], state, decide(state))
        if self.model.is_rehearsal:
            await reply(who, [WARM], self._client)
            return ""
        try:
            await self._client.findings(MODEL)
        except (StopRun, RequestFailed) as error:
            self._client.resume()
            return str(error)
        return ""

    def companion(self, name: str) -> Companion:
        """The companion of a name. Raises Declined."""
        known = {key.lower(): one for key, one in self.companions.items()}
        known |= {one.name.lower(): one for one in self.companions.values()}
        if name.lower() not in known:
            names = ", ".join(self.companions)
            message = f"The model `{name}` does not exist; there are {names}."
            raise Declined(404, message, "model_not_found", "model")
        return known[name.lower()]

    async def answer(self, asked: ChatAsked) -> Answered:
        """The answer to a request. Raises Declined."""
        who = self.companion(asked.model)
        try:
            async with asyncio.timeout(LONGEST):
                if background.is_background(asked.whole):
                    return await self._in_background(asked)
                return await self._reply(who, asked)
        except TimeoutError:
            raise Declined(504, f"No reply within {LONGEST:.0f} seconds.", "timeout") from None
        except StopRun as error:
            self._client.resume()
            raise Declined(502, str(error), "upstream") from None
        except CallFailed as failed:
            status = 400 if failed.reason == "too_long" else 502
            message = f"The model gave no answer ({failed.reason}): {failed.detail}"
            raise Declined(status, message, f"upstream_{failed.reason}") from None

    async def _in_background(self, asked: ChatAsked) -> Answered:
        cheap = background.answer(asked.whole)
        if cheap is not None:
            return Answered(cheap)
        sent: list[ChatMessage] = [
            {"role": one.role, "content": one.content} for one in asked.whole
        ]
        found = await self._client.ask(MODEL, sent, sample=asked.sampling.sample)
        return Answered(found.text, [found])

    async def _reply(self, who: Companion, asked: ChatAsked) -> Answered:
        stored = self.memory(who, asked.user)
        known = self._known(stored, asked.messages)
        found = await reply(who, asked.messages, self._client, known, asked.sampling)
        if stored and self.keeping.memory:
            speech = who.prompts.speech
            new = memory.renewed(stored, asked.messages, found.state, speech, _now())
            memory.write(self.keeping.memory, new)
        return Answered(found.text, found.answers, found)

    async def follow(
        self, who: Companion, messages: Sequence[Message], user: str | None
    ) -> list[TalkState]:
        """The state before the first message and behind each."""
        known = self._known(self.memory(who, user), messages)
        return await follow_talk(who, messages, self._client, known)

    def memory(self, who: Companion, user: str | None) -> UserMemory | None:
        """What is remembered of a user; None where nothing is to be."""
        if self.keeping.memory is None or not user:
            return None
        return memory.read(self.keeping.memory, user, who.name)

    def forget_fact(self, who: Companion, user: str | None, index: int) -> UserMemory | None:
        """Delete one of the facts that are remembered of a user."""
        stored = self.memory(who, user)
        if stored and self.keeping.memory and 0 <= index < len(stored.facts):
            stored = memory.without(stored, index)
            memory.write(self.keeping.memory, stored)
        return stored

    def _known(self, stored: UserMemory | None, messages: Sequence[Message]) -> Remembered:
        if stored is None:
            return STRANGERS
        return memory.begun(stored, messages, _now())


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
