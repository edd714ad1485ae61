"""A talk with one companion, message by message, for a terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.companion import saved
from pipeline.companion.agent import Companion
from pipeline.companion.asked import ChatAsked
from pipeline.companion.memory import stage_of
from pipeline.companion.reply import CompanionReply, Sampling
from pipeline.companion.saved import SavedMessage
from pipeline.companion.service import Answered, Service
from pipeline.conversation import Message, Role
from pipeline.pacing import STAGES


@dataclass(slots=True)
class OwnTalk:
    """The messages so far, with their other texts, and the last reply. user: whose memory is used,
    where one is kept."""

    who: Companion
    service: Service
    user: str | None = None
    said: list[SavedMessage] = field(default_factory=list)
    last: CompanionReply | None = None
    tries: int = 0

    def __post_init__(self) -> None:
        if self.who.greeting:
            self._add("assistant", self.who.greeting)

    async def say(self, text: str) -> str:
        """What the companion answers. Raises Declined, and the talk stays as it was."""
        before = list(self.said)
        self._add("user", text)
        try:
            found = await self._answer()
        except BaseException:
            self.said = before
            raise
        self._add("assistant", found.text)
        return found.text

    async def again(self) -> str | None:
        """Another answer to the same message; None where there is nothing to answer."""
        if not self.last or self.said[-1].message.role != "assistant":
            return None
        old = self.said.pop()
        try:
            found = await self._answer()
        except BaseException:
            self.said.append(old)
            raise
        texts = tuple(dict.fromkeys([*(old.swipes or (old.message.content,)), found.text]))
        self.said.append(SavedMessage(Message("assistant", found.text), texts))
        return found.text

    def thumb(self, value: int) -> None:
        """Rate the last answer: 1 or -1."""
        if self.said and self.said[-1].message.role == "assistant":
            self.said[-1] = replace(self.said[-1], thumb=value)

    def why(self) -> Iterator[str]:
        """Where the talk stood before the last reply, and why that is as it is."""
        if self.last is None:
            yield "Nothing was answered yet."
            return
        state, move = self.last.state, self.last.move
        yield f"{move.step}: {self.who.words.reasons[move.reason]}"
        level = "not known" if state.level is None else f"{state.level:.2f}"
        yield f"stage {STAGES[state.stage]}, closeness {level}, steps taken up {state.steps}"
        yield f"your last message: {state.emotion or 'no clear feeling'}"
        for one in self.last.tries:
            if not one.chosen:
                yield f"not shown ({one.reason}): {one.content[:80]}"
        if self.last.by == "line":
            yield "no try could be used: a line of the last resort"

    def facts(self) -> Iterator[str]:
        """What is remembered of the user, numbered from 1."""
        stored = self.service.memory(self.who, self.user)
        if stored is None:
            yield "Nothing is remembered without --memory."
            return
        yield f"stage {stage_of(stored)}"
        for number, fact in enumerate(stored.facts, 1):
            yield f'{number}. {fact.kind}: "{fact.quote}"'

    def forget(self, number: int) -> Iterator[str]:
        """Delete a fact. number: from 1."""
        self.service.forget_fact(self.who, self.user, number - 1)
        return self.facts()

    def save(self) -> Path | None:
        """Write the talk where talks are saved; None where none are, or nothing was said."""
        folder = self.service.keeping.saved
        if folder is None or self.last is None:
            return None
        now = dt.datetime.now(dt.UTC)
        name = f"{'-'.join(self.who.name.lower().split())}-{now:%Y%m%d-%H%M%S}"
        return saved.save(folder, name, self.who, saved.lines(self.who, self.said, now))

    def _add(self, role: Role, text: str) -> None:
        self.said.append(SavedMessage(Message(role, text)))

    async def _answer(self) -> Answered:
        messages = tuple(one.message for one in self.said)
        self.tries += 1
        sampling = Sampling(self.tries)
        asked = ChatAsked(self.who.name, messages, messages, sampling, user=self.user)
        found = await self.service.answer(asked)
        self.last = found.reply
        return found
