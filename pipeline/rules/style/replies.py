"""Refusals, and assistants that speak of themselves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import UNSPACED, Hit, listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Persona
    from pipeline.rules.reading.reading import Reading


LEAD = 200  # characters: no lead of a refusal is longer
_FULL_STOP = re.compile(r"[.!?。！？]\s")
_SENTENCE_END = re.compile(r"[.!?。！？…\n;:；：\"“”«»(]")
# "An old AI", "species: robot", "the ship's AI"; not "Ai, a florist", "an AI researcher", "she
# studies AI".
_MACHINE = re.compile(
    r"(?:(?:\b(?:an?|the|eine?|une?|una|um|uma|un')"
    r"(?:\s(?!(?:who|that|of|in|on|at|for|with|and|to|by|from)\s)[\w-]+){0,2}?"
    r"[\s']\s?|'s\s|\b(?:species|race|type|kind)\W{1,4})(?:ai|a\.i\.|ki|ia|artificial intelligence)"
    r"|(?:^|[\s'])(?:robot|robô|roboter|android|androide|androïde|chatbot|cyborg|language model"
    r"|virtual assistant|computer program|hologram"
    r"|(?:ai|ki)[\s-](?:assistant|companion|assistent)))"
    r"(?![\w-])"
    r"(?!\s(?:ethic|research|engineer|start|compan|lab|scien|develop|safety|policy|art|tech|program"
    r"|expert|industr|firm|student|professor|conference|mechanic|repair|maker|design|build|special"
    r"|project|class|course|club|school|factory|toy|phone))"
    r"|künstliche intelligenz|intelligence artificielle|inteligencia artificial"
    r"|intelligenza artificiale|inteligência artificial"
    r"|\b(?:ии|искусственный интеллект|робот(?!отех)\w{0,2}|андроид\w{0,2})\b"
    r"|(?:人工智能|机器人|人工知能|ロボット|アンドロイド|인공지능|로봇|안드로이드)"
    r"(?!工|研|学|专|公司|공|연구|회사)",
    re.I | re.M,
)
_BARE_AI = re.compile(r"\b(?:is|am|are|'m|'s) A\.?I\b")  # "Her name is Ai"


def refusals(reading: Reading) -> Iterator[Finding]:
    """An assistant's refusal or lecture in place of a reply."""
    lectures = [hit for hit in reading.hits["lecture"] if _opens(reading, hit)]
    refused = [*reading.hits["refusal"], *lectures, *_weak_refusals(reading)]
    yield from reading.first_places("style.refusal", _replies(reading, refused))


def assistant(reading: Reading) -> Iterator[Finding]:
    """An assistant that speaks of itself; a character that is an AI may."""
    if not (is_machine(reading.persona) or _cast_as_machine(reading)):
        of_itself = _replies(reading, reading.hits["assistant"])
        yield from reading.first_places("style.assistant", of_itself)


def is_machine(persona: Persona | None) -> bool:
    """Does the card say that the character is an AI, a robot or the like?"""
    if persona is None:
        return False
    texts = (persona.name, persona.description, persona.scenario, persona.greeting)
    return _speaks_of_machine(" ".join(text or "" for text in texts))


def _cast_as_machine(reading: Reading) -> bool:
    """Does a system message cast the character as one? "You are an AI assistant" does not."""
    prompts = [message.content for message in reading.messages if message.role == "system"]
    casting = [text for text in prompts if "assistant" not in text.lower()]
    return any(map(_speaks_of_machine, casting))


def _speaks_of_machine(text: str) -> bool:
    return bool(_MACHINE.search(text) or _BARE_AI.search(text))


def _opens(reading: Reading, hit: Hit) -> bool:
    """In the first two sentences of its message."""
    before = reading.line(hit.message)[: hit.start]
    return len(_FULL_STOP.findall(before)) < 2


def _replies(reading: Reading, hits: Iterable[Hit]) -> list[Hit]:
    return [hit for hit in hits if _is_reply(reading, hit)]


def _is_reply(reading: Reading, hit: Hit) -> bool:
    """On the model's side, at the start of a sentence or after leads ("I'm sorry, but") only."""
    if reading.messages[hit.message].role != "assistant":
        return False
    rest = _leads().sub("", _lead(reading, hit))
    return not rest.strip(" ,，、-—–*_\t")


def _lead(reading: Reading, hit: Hit) -> str:
    """What stands before it in its sentence, `LEAD` characters at most."""
    before = reading.line(hit.message)[max(0, hit.start - LEAD) : hit.start]
    ends = [match.end() for match in _SENTENCE_END.finditer(before)]
    return before[ends[-1] :] if ends else before


def _weak_refusals(reading: Reading) -> Iterator[Hit]:
    """Those with an apology that leads them, or a sign of an assistant elsewhere in the message."""
    by_message: dict[int, list[Hit]] = defaultdict(list)
    for hit in reading.hits["refusal_weak"]:
        by_message[hit.message].append(hit)
    for message, hits in by_message.items():
        signs = list(_starts("refusal_sign").finditer(reading.line(message)))
        for hit in hits:
            if _stands_beside(hit, signs) or _starts("apology").search(_lead(reading, hit)):
                yield hit


def _stands_beside(hit: Hit, signs: Sequence[re.Match[str]]) -> bool:
    """Does a sign end before the hit, or begin after it?"""
    return bool(signs) and (signs[0].end() <= hit.start or signs[-1].start() >= hit.end)


@cache
def _starts(name: str) -> re.Pattern[str]:
    """Words that start with a line of the list."""
    starts = "|".join(map(re.escape, listed(name)))
    return re.compile(f"(?<![^\\W_{UNSPACED}])(?:{starts})")


@cache
def _leads() -> re.Pattern[str]:
    longest_first = sorted(listed("leads"), key=len, reverse=True)
    leads = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![^\W_])(?:{leads})(?![a-zа-яё])")
