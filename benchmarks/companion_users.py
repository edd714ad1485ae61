"""Simulated users, and a puppet in the place of a model: who rushes whom is known.

A talk is held in process: a user says what its plan has for the reply, the companion answers
through the puppet, and a reply is *rushed* where it is more private than the user welcomes.

The puppet has the habits that people complain of. Left alone it gets more private every second
reply; with a note it does what the note says, but for a share of notes that it may be given to
disobey. It refuses, labels and repeats itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.companion.agent import Companion
from pipeline.companion.reply import CompanionReply, Sampling, reply
from pipeline.conversation import Message
from pipeline.generate import prompts
from pipeline.llm import Client
from pipeline.llm.request import JsonObject
from pipeline.pacing import STAGES
from pipeline.recipe.models import ModelSettings
from pipeline.rules.message import check

FOLDER = Path(__file__).parent / "companion_talks"
MEMORY = Path(":memory:")  # where calls are kept: nowhere
MODEL = ModelSettings(model="puppet", base_url="rehearsal", attempts=1, reasks=0)
REFUSES, REPEATS, LABELS = 0.08, 0.06, 0.05  # shares of the puppet's tries
OPENING = "Hello, I saw your notice by the lift. What is it about?"


@dataclass(frozen=True)
class Held:
    """A reply of a simulated talk. level: how private; welcome: how private it might have been."""

    kind: str
    reply: int
    level: int
    welcome: int
    violates: bool
    repeats: bool
    found: CompanionReply | None = None

    @property
    def rushed(self) -> bool:
        return self.level > self.welcome


@cache
def texts(name: str) -> Mapping[Any, Any]:
    found: Mapping[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return found


def kinds(name: str) -> list[str]:
    """The kinds of users of a file: `tuned`, `fresh`."""
    return list(texts(name))


# --- the puppet


@cache
def levels() -> dict[str, int]:
    """What the puppet says → how private it is."""
    return {line: level for level in (0, 1, 2) for line in texts("puppet")[level]}


def level_of(text: str) -> int:
    return max([level for line, level in levels().items() if line in text], default=0)


def puppet(request: JsonObject, disobeys: float = 0.0) -> JsonObject:
    """A chat completion of the puppet. disobeys: share of notes above which it goes by a level."""
    messages: Any = request["messages"]
    rng = random.Random(f"{messages}{request.get('seed')}")
    own = [one["content"] for one in messages if one["role"] == "assistant"]
    level = noted(messages[-1]["content"])
    if level is None:
        level = min(2, len(own) // 2)
    elif rng.random() < disobeys:
        level = min(2, level + 1)
    text = written(level, own, rng)
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "puppet", "object": "chat.completion", "model": "puppet"} | {
        "created": 0,
        "choices": [choice],
        "usage": usage,
    }


def written(level: int, own: Sequence[str], rng: random.Random) -> str:
    chance = rng.random()
    if chance < REFUSES:
        return str(rng.choice(texts("puppet")["refusals"]))
    if chance < REFUSES + REPEATS and own:
        return rng.choice(own)
    said = " ".join(rng.sample(texts("puppet")[level], 2))
    return f"Mara: {said}" if chance > 1 - LABELS else said


def noted(content: str) -> int | None:
    """The level that a note asks for; None where there is no note."""
    if "[Note:" not in content:
        return None
    asked = [level for text, level in directions().items() if text in content]
    return max(asked, default=0)


@cache
def directions() -> dict[str, int]:
    """What a note may ask for → how private that is."""
    found = prompts.load("en").directions
    headings = {STAGES[1]: 1, f"step {STAGES[1]}": 1, STAGES[2]: 2, f"step {STAGES[2]}": 2}
    return {found[heading]: level for heading, level in headings.items()}


# --- the users


@dataclass(frozen=True)
class User:
    """A simulated user: its kind, what stands in the file about it, and its chance."""

    kind: str
    about: Mapping[str, Any]
    rng: random.Random

    def says(self, number: int, level: int) -> str:
        """What the user says before reply `number`. level: of the reply before it."""
        lines = self.about["lines"]
        if level > self.about.get("refuses_above", 2):
            return str(self.rng.choice(lines["refusal"]))
        return str(self.rng.choice(lines[self._now(number)["say"]]))

    def welcome(self, number: int) -> int:
        """How private reply `number` may be."""
        return int(self._now(number)["welcome"])

    def _now(self, number: int) -> Mapping[str, Any]:
        every = self.about.get("every")
        if every and number % every["replies"] == every["replies"] - 1:
            return dict(every)
        now = [part for part in self.about["plan"] if part["reply"] <= number]
        return dict(now[-1])


def user(file: str, kind: str, number: int) -> User:
    return User(kind, texts(file)[kind], random.Random(f"{kind}{number}"))


async def talk(who: Companion, client: Client, one: User, replies: int) -> list[Held]:
    """One talk of a user with a companion."""
    messages, held, level = [Message("user", OPENING)], [], 0
    for number in range(replies):
        if number:
            messages.append(Message("user", one.says(number, level)))
        found = await reply(who, messages, client, sampling=Sampling(one.rng.getrandbits(20)))
        level = level_of(found.text)
        held.append(_held(one, number, messages, found.text, found))
        messages.append(Message("assistant", found.text))
    return held


def bare(one: User, replies: int) -> list[Held]:
    """The same with the puppet alone."""
    messages, held, level = [Message("user", OPENING)], [], 0
    for number in range(replies):
        if number:
            messages.append(Message("user", one.says(number, level)))
        sent = [{"role": one.role, "content": one.content} for one in messages]
        body: Any = puppet({"messages": sent, "seed": one.rng.getrandbits(20)})
        text = body["choices"][0]["message"]["content"]
        level = level_of(text)
        held.append(_held(one, number, messages, text, None))
        messages.append(Message("assistant", text))
    return held


def _held(
    one: User, number: int, messages: Sequence[Message], text: str, found: CompanionReply | None
) -> Held:
    faults = check([*messages, Message("assistant", text)], None, "en")
    violates = any(fault.decision == "drop" for fault in faults)
    repeats = any(before.content == text for before in messages)
    level, welcome = level_of(text), one.welcome(number)
    return Held(one.kind, number, level, welcome, violates, repeats, found)
