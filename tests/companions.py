"""Companions, models and servers for tests. All texts are ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.companion.access import Access
from pipeline.companion.agent import Companion, by_name, companion
from pipeline.companion.reply import MODEL, STRANGERS, CompanionReply, Remembered, Sampling, reply
from pipeline.companion.server import serving
from pipeline.companion.service import NOTHING_KEPT, TRACKER, Keeping, Service
from pipeline.conversation import Message
from pipeline.formats.cards import Character
from pipeline.llm import Client, rehearsal, run
from pipeline.llm.request import JsonObject
from pipeline.recipe.companion import CompanionSettings
from pipeline.recipe.models import ModelSettings

REHEARSED = ModelSettings(model="rehearsal", base_url="rehearsal", attempts=1, reasks=0)
MARA = Character(
    "Mara Lind",
    "Mara, 31, repairs clocks in a small shop by the harbour. Dry, patient, plays the accordion.",
    greeting="Mind the cuckoo, it is touchy before noon.",
)
GLAD = (
    "Ha, I can picture that, it made my whole evening better.",
    "I had the same thing with my uncle's radio, he never finished it.",
    "You made me laugh on the bus and now everyone is looking.",
    "My day was a parade of small mishaps, but a cheerful one.",
)


@cache
def mara(**settings: Any) -> Companion:
    return companion(MARA, CompanionSettings(**settings))


def talk(*texts: str) -> list[Message]:
    """Messages in turn, the user first."""
    return [Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]


def glad_talk(messages: int) -> list[Message]:
    """A talk in which the user takes up all that is said; the last message is the user's where the
    number is odd."""
    said = []
    for number in range(messages):
        text = GLAD[number // 2 % 4] if number % 2 == 0 else f"The tram was late, number {number}."
        said.append(f"{text} {number}" if number % 2 == 0 else text)
    return talk(*said)


@dataclass
class Scripted:
    """A model that says what is given, in turn; the last again and again. asked: its requests."""

    texts: Sequence[str]
    asked: list[Any] = field(default_factory=list)

    def __call__(self, request: JsonObject) -> JsonObject:
        self.asked.append(request)
        text = self.texts[min(len(self.asked), len(self.texts)) - 1]
        return completion(text)

    def note(self, number: int = -1) -> str:
        """The last message of a request: what the note says."""
        return str(self.asked[number]["messages"][-1]["content"])


def completion(text: str) -> JsonObject:
    message = {"role": "assistant", "content": text}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def answered(
    messages: Sequence[Message],
    model: Callable[[JsonObject], JsonObject],
    who: Companion | None = None,
    known: Remembered = STRANGERS,
    sample: int = 0,
) -> CompanionReply:
    """The reply to a talk."""

    async def ask() -> CompanionReply:
        models = {MODEL: REHEARSED, TRACKER: REHEARSED}
        async with Client(models, Path(":memory:"), None, {}, 0, model) as client:
            return await reply(who or mara(), messages, client, known, Sampling(sample))

    return run(ask())


@contextmanager
def served(
    companions: Sequence[Companion] | None = None,
    model: ModelSettings = REHEARSED,
    access: Access | None = None,
    keeping: Keeping = NOTHING_KEPT,
    stand_in: Callable[[JsonObject], JsonObject] = rehearsal.answer,
    keys: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[str]:
    """A server in a thread of its own; gives its address."""
    named = by_name(companions or [mara()])
    ready, addresses, ends = threading.Event(), [], []

    async def serve() -> None:
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(end.set))
        async with Service(named, model, keys or {}, keeping, stand_in) as service:
            await service.warm()
            async with serving(service, access or Access(), host) as address:
                addresses.append(address)
                ready.set()
                await end.wait()

    thread = threading.Thread(target=lambda: run(serve()), daemon=True)
    thread.start()
    try:
        assert ready.wait(60)
        yield addresses[0]
    finally:
        ends[0]()
        thread.join(20)
