"""Prompts that chat programs send for themselves: titles, tags, follow-ups, summaries.

They come in the talk's own form and to the same model. None is a message of the user: none is
tracked, and none is answered in role.

    ### Task: … JSON format: { "title": "…" }       answered here: the first words of the talk
    ### Task: … { "tags": ["…"] }, { "text": "…" }  answered here: none
    [Pause your roleplay …]                         passed on to the model as it is
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import orjson

from pipeline import texts
from pipeline.conversation import Message

TITLE_WORDS = 6  # our choice
_KEY = re.compile(r"\{\s*[\"“](\w+)[\"”]\s*:\s*(\[|[\"“])")
_FIRST = re.compile(r"(?im)^\s*(?:user|human)\s*:\s*(.+)$")


def is_background(messages: Sequence[Message]) -> bool:
    """Is the last message one of a chat program? messages: those of the system too."""
    last = [message.content.lstrip().lower() for message in messages[-1:]]
    return any(text.startswith(_beginnings()) for text in last)


def answer(messages: Sequence[Message]) -> str | None:
    """What is answered without a model; None where one has to be asked."""
    prompt = messages[-1].content
    wanted = _KEY.search(prompt)
    if wanted:
        return orjson.dumps({wanted[1]: _value(wanted[1], wanted[2], messages)}).decode()
    if "title" in prompt.lower():
        return title(messages)
    return None


def _value(key: str, opening: str, messages: Sequence[Message]) -> str | list[str]:
    """The value of a key that a prompt asks for. opening: of the value in its example."""
    if opening == "[":
        return []
    return title(messages) if key == "title" else ""


def title(messages: Sequence[Message]) -> str:
    """The first words of the user: of the talk that the prompt quotes, or of the messages before
    it."""
    quoted = _FIRST.findall(messages[-1].content)
    said = [message.content for message in messages[:-1] if message.role == "user"]
    first = next(iter([*quoted, *said]), "")
    return " ".join(first.split()[:TITLE_WORDS]) or "…"


@cache
def _beginnings() -> tuple[str, ...]:
    return tuple(texts.entries("companion", "background.txt"))
