"""Prompts that stand in a message: instructions to the model, its card, its system message.

    "You are Mira, an innkeeper. Never break character."    one sure instruction
    "Write in first person. Avoid repetition."              two that people may give each other
    "Scenario: a storm.\\nPersonality: proud.\\nFirst message: Hi."
    '[Character("Mira") Age("27")]'                         the notation W++
    twelve words in a row of the row's own system message or scenario

Where a user's message opens the conversation, it may well be the prompt, and nothing is said of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import listed, pattern
from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

RUN = 12  # words in a row in common with the system message
_ATTRIBUTE = re.compile(
    r"(?<![.\w])(?:character|name|age|personality|mind|body|appearance|likes|dislikes|loves|hates"
    r"|species|gender|sexuality|height|description|attributes|clothes|speech|occupation|backstory"
    r"|hobbies|habits|persona|skills|features|mental)\s?"
    r'\(\s?"[^"\n()]{1,200}"(?:\s?\+\s?"[^"\n()]{1,200}")*\s?\)'
)
_HEADING = re.compile(r"(?:^|[\n;\[])[^\w\n]{0,4}\w[\w' ]{0,24}\s?[:：]")
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
# "I always write in the first person" is no order.
_SUBJECT = re.compile(
    r"\b(?:i|we|he|she|they|to|would|will|could|ich|wir|je|on|yo|eu|io|я|мы|он|она)\s\Z"
)
# After these a system message holds what is spoken: a greeting, an example.
_SPOKEN = re.compile(r"first message|first_mes|greeting|example|mes_example|<start>|示例|开场白")


def echoes(reading: Reading) -> Iterator[Finding]:
    """Instructions and cards in messages that are not the first one of a user."""
    found = [*_instructions(reading), *_fields(reading), *_attributes(reading), *_runs(reading)]
    judged = [hit for hit in found if hit.message in reading.judged]
    echoed = [hit for hit in judged if not _is_opening(reading, hit.message)]
    yield from reading.first_places("style.prompt", echoed)


def _is_opening(reading: Reading, message: int) -> bool:
    """Is it the user's message that opens the conversation, without a system message?"""
    return message == 0 and reading.messages[0].role == "user"


def _instructions(reading: Reading) -> Iterator[Hit]:
    """One sure instruction, or two different ones that may be a person's, a role among them."""
    for hit in reading.hits["prompt"]:
        if not _SUBJECT.search(reading.line(hit.message), max(0, hit.start - 10), hit.start):
            yield hit
    by_message: dict[int, list[Hit]] = defaultdict(list)
    for hit in reading.hits["prompt_weak"]:
        by_message[hit.message].append(hit)
    for message, hits in by_message.items():
        line = reading.line(message)
        wordings = {line[hit.start : hit.end] for hit in hits}
        if len(wordings) + bool(_role(line)) > 1:
            yield hits[0]


def _role(line: str) -> bool:
    """Does it say who the model is?"""
    return any(pattern(role).search(line) for role in listed("prompt_role"))


def _fields(reading: Reading) -> Iterator[Hit]:
    """Two fields of a card, or one among three headings."""
    by_message: dict[int, list[Hit]] = defaultdict(list)
    for hit in reading.hits["prompt_field"]:
        if _opens_a_field(reading, hit):
            by_message[hit.message].append(hit)
    for message, hits in by_message.items():
        headings = len(_HEADING.findall(reading.line(message)))
        if len(hits) > 1 or headings > 2:
            yield hits[0]


def _opens_a_field(reading: Reading, hit: Hit) -> bool:
    """After a line break, a bracket or the end of a sentence, with a possessive at most."""
    before = reading.line(hit.message)[max(0, hit.start - 30) : hit.start]
    opened = re.split(r"[\n.!?;\[{(。]", before)[-1]
    is_owned = re.fullmatch(r"[\W_]*(?:[\w{}]+'s\s)?[\W_]*", opened)
    return bool(is_owned)


def _attributes(reading: Reading) -> Iterator[Hit]:
    """Two attributes of W++."""
    if '("' not in reading.folded:
        return
    for message in reading.judged:
        found = list(_ATTRIBUTE.finditer(reading.line(message)))
        if len(found) > 1:
            yield Hit(message, *found[0].span())


def _runs(reading: Reading) -> Iterator[Hit]:
    """Words in a row of a system message or of the scenario."""
    prompts = [message.content for message in reading.messages if message.role == "system"]
    if reading.persona and reading.persona.scenario:
        prompts.append(reading.persona.scenario)
    known = {run for prompt in prompts for run in _runs_of(_instructing(prompt.lower()))}
    if not known:
        return
    for message in reading.judged:
        words = list(_WORD.finditer(reading.line(message)))
        runs = _runs_of(reading.line(message))
        first = next((start for start, run in enumerate(runs) if run in known), None)
        if first is not None:
            yield Hit(message, words[first].start(), words[first + RUN - 1].end())


def _instructing(prompt: str) -> str:
    """A prompt up to what is spoken in it."""
    return _SPOKEN.split(prompt, maxsplit=1)[0]


def _runs_of(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text)
    return [tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)]
