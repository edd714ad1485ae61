"""Swapped roles: the user's side speaks as the assistant.

user: "As a language model, I cannot taste food."        found
user: "Hello! How can I assist you today?"               found, when it opens the conversation
user: "As a language model, do you taste food?"          a question to the assistant
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.style.assistant import of_themselves
from pipeline.rules.style.machine import is_machine
from pipeline.rules.style.replies import replies

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

_REST = re.compile(r"[^.!?。！？\n]*[?？]?")
# "As an AI, you …", "As a chatbot, please …": the other side is spoken to.
_TO_YOU = re.compile(
    r"[\s,，、]*(?:(?:do|can|could|would|will|are|what|how|why)\s)?"
    r"(?:you|your|please|du|sie|bitte|tu|vous|tú|usted|por favor|você|ты|вы|тебе|вам|[你您请]"
    r"|あなた|당신)"
)
_FIRST_PERSON = re.compile(r"\b(?:i|my|me)\b")


def roles(reading: Reading) -> Iterator[Finding]:
    """Where the user's side speaks of itself as an AI, or opens as a help desk does."""
    if reading.hits.keys().isdisjoint(("assistant", "service")):
        return
    swapped = [*_as_machine(reading), *_as_help_desk(reading)]
    yield from reading.first_places("style.roles", swapped)


def _as_machine(reading: Reading) -> Iterator[Hit]:
    of_itself = of_themselves(reading, "user")
    if of_itself and not is_machine(reading.user_persona):
        yield from (hit for hit in of_itself if not _is_to_the_other(reading, hit))


def _is_to_the_other(reading: Reading, hit: Hit) -> bool:
    """Does its sentence ask the other side, or tell it what to do ("As an AI, explain …")?"""
    line = reading.line(hit.message)
    rest = _REST.findall(line, hit.end)[0]
    tells = line.startswith("as ", hit.start) and not _FIRST_PERSON.search(rest)
    return tells or rest.endswith(("?", "？")) or bool(_TO_YOU.match(rest))


def _as_help_desk(reading: Reading) -> Iterator[Hit]:
    """In the first message that is spoken, the user's, where the assistant does not say it too."""
    greetings = replies(reading, "service", "user")
    if greetings and not replies(reading, "service"):
        opening = reading.spoken[0]
        yield from (hit for hit in greetings if hit.message == opening)
