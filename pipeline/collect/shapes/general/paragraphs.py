"""Chat logs with an empty line behind each message, as SillyTavern exports them: `Name: text`.

Ada: Good evening.

You came late.

Ben: Is it late?

A message may have several paragraphs: it ends where a known speaker begins. A speaker comes back,
and stands only behind an empty line; any other log is read by `log`. SillyTavern calls the file by
the character (`Ada.txt`, `Ada - 2024-3-2 @14h 05m 11s 220ms.txt`): a speaker of that name is the
assistant. A file is one conversation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Turn,
    Unread,
    turn_by,
    unreadable,
)
from pipeline.conversation import Persona

ABOUT = About("logs with an empty line behind each message", ("names", "personas", "groups"))

Labelled = tuple[str | None, str]  # (speaker, where a line begins with one; the line)


def recognise(head: list[str]) -> bool:
    """Most labels are of speakers who come back, and no message begins without an empty line."""
    lines = _labelled(head)
    names = _speakers(lines)
    found = [name for name, _ in lines if name]
    if len(names) < 2 or not lines[0][0] or sum(name in names for name in found) * 2 <= len(found):
        return False
    before = ["", *(line for _, line in lines)]
    pairs = zip(lines, before, strict=False)
    return all(not line.strip() for (name, _), line in pairs if name in names)


def _labelled(lines: Iterable[str]) -> list[Labelled]:
    """The lines from the first that has text."""
    found = list(lines)
    first = next((number for number, line in enumerate(found) if line.strip()), len(found))
    return [(fronts.speaker(line), line) for line in found[first:]] or [(None, "")]


def _speakers(lines: Iterable[Labelled]) -> set[str]:
    """Those who come back."""
    times = Counter(name for name, _ in lines if name)
    return {name for name, count in times.items() if count > 1}


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    found = _labelled(lines)
    names = _speakers(found) | {found[0][0] or ""}
    turns: list[Turn] = []
    before: list[str] = []
    for name, line in found:
        if name in names:
            turns.append(turn_by(name, line[len(name or "") + 1 :]))
        elif turns:
            speaker, text, role = turns[-1]
            turns[-1] = (speaker, text + line, role)
        else:
            before.append(line)
    if before:
        yield unreadable(ValueError("text before the first speaker"), "".join(before))
    filled = [(name, text.strip(), role) for name, text, role in turns]
    if filled:
        yield _named(Transcript(filled), place)


def _named(transcript: Transcript, place: Place) -> Transcript:
    """The transcript; a speaker after whom the file is named is the assistant."""
    transcript.assumed = ("the file is one conversation",)
    speakers = {name for name, _, role in transcript.turns if name and role is None}
    name = next((name for name in speakers if _is_named(fronts.stem(place), name)), None)
    if name is None:
        return transcript
    transcript.turns = [_with_side(turn, name) for turn in transcript.turns]
    transcript.personas = {None: fronts.persona(name, place) or Persona(name)}
    transcript.group = name
    transcript.assumed += (f"{name}, after whom the file is named, is the assistant",)
    return transcript


def _with_side(turn: Turn, assistant: str) -> Turn:
    name, text, role = turn
    return name, text, "assistant" if name == assistant else role


def _is_named(stem: str, name: str) -> bool:
    return stem == name or re.match(rf"{re.escape(name)} - \d", stem) is not None
