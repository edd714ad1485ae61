"""ParlAI's two text formats: an exchange a line, with the personas of PersonaChat and ConvAI2.

1 your persona: i keep the inn .            a number; it begins anew with every conversation
2 partner's persona: i am a courier .
3 Did it run?<TAB>Only once.<TAB><TAB>no .|maybe .|Only once.

text:Did it run?<TAB>labels:Only once.<TAB>episode_done:True

A line has a text, after a tab its answer (or several: `|`), the reward, and the candidates for the
answer. Who answers is the assistant, and `your persona` is theirs. A line without an answer belongs
to the next text. `__SILENCE__` is not a turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Transcript,
    Turn,
    Unread,
    if_any,
    rest,
)
from pipeline.conversation import Alternative, Persona

ABOUT = About("ParlAI's text formats: PersonaChat, ConvAI2", ("roles", "personas", "alternatives"))

NUMBERED = re.compile(r"(\d+) (.*)", re.S)
NAMED = re.compile(r"text:.*\t(?:labels|eval_labels|episode_done):")
PERSONA = re.compile(r"(your|partner's) persona: ?(.*)")
COLUMNS = ("text", "labels", "reward", "label_candidates")  # of a numbered line
USED = ("text", "labels", "eval_labels", "label_candidates", "episode_done")
SILENCE = ("", "__SILENCE__", "<SILENCE>", "__silence__")
REASON = "candidate"  # of the alternatives


@dataclass(slots=True)
class Episode:
    """A conversation while its lines are read. waiting: the lines before a text with an answer."""

    turns: list[Turn] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    personas: dict[str, list[str]] = field(default_factory=dict)
    further: list[Fields] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, exchange: dict[str, str]) -> None:
        for line in exchange["text"].split("\n"):
            persona = PERSONA.fullmatch(line.strip())
            if persona:
                self.personas.setdefault(persona[1], []).append(persona[2].strip())
            else:
                self.waiting.append(line)
        answers = _parts(exchange.get("labels") or exchange.get("eval_labels") or "")
        if answers:
            self._end_text()
            self._answer(answers, _parts(exchange.get("label_candidates", "")))
        self.further.append(rest(exchange, *USED))

    def _end_text(self) -> None:
        text = "\n".join(self.waiting)
        self.waiting.clear()
        if text.strip() not in SILENCE:
            self.turns.append((None, text, "user"))

    def _answer(self, answers: list[str], candidates: list[str]) -> None:
        chosen = answers[0]
        others = [text for text in (*answers, *candidates) if text not in candidates]
        options = [*dict.fromkeys(others), *candidates]
        if len(options) > 1:
            number, place = len(self.turns), options.index(chosen)
            for at, text in enumerate(options):
                self.alternatives.append(Alternative(number, text, REASON, at == place))
        self.turns.append((None, chosen, "assistant"))

    def transcript(self, group: str) -> Transcript:
        self._end_text()
        sides: dict[str, str | None] = {"your": None, "partner's": "user"}
        personas = {sides[who]: _persona(lines) for who, lines in self.personas.items()}
        extra = if_any("lines", self.further)
        alternatives = tuple(self.alternatives)
        return Transcript(self.turns, personas, group=group, alternatives=alternatives, extra=extra)


def recognise(head: list[str]) -> bool:
    lines = [line.strip("\r\n") for line in head if line.strip()]
    if lines and all(map(NAMED.match, lines)):
        return True
    matches = [match for match in map(NUMBERED.fullmatch, lines) if match]
    if not matches or len(matches) < len(lines) or not any("\t" in line for line in lines):
        return False
    numbers = [int(match[1]) for match in matches]
    follow = zip([0, *numbers], numbers, strict=False)
    return all(after in (1, before + 1) for before, after in follow)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    episode, last, begins = Episode(), 0, 1
    for at, line in enumerate(lines, 1):
        line = line.strip("\r\n")
        if not line.strip():
            continue
        number, exchange = _exchange(line, last)
        if exchange is None:
            yield Unread("record.unreadable", "no exchange in ParlAI's text format", line)
            continue
        if number <= last and _holds_anything(episode):
            yield episode.transcript(f"{place.path}/{begins}")
            episode, begins = Episode(), at
        episode.add(exchange)
        last = number
        if exchange.get("episode_done", "").lower() == "true":
            yield episode.transcript(f"{place.path}/{begins}")
            episode, last, begins = Episode(), 0, at + 1
    if _holds_anything(episode):
        yield episode.transcript(f"{place.path}/{begins}")


def _holds_anything(episode: Episode) -> bool:
    return bool(episode.turns or episode.waiting or episode.personas)


def _exchange(line: str, last: int) -> tuple[int, dict[str, str] | None]:
    """The number of a line in its conversation, and its fields; no fields where it has no form."""
    if line.startswith("text:"):
        pairs = [part.partition(":") for part in line.split("\t")]
        return last + 1, {name: _unescaped(value) for name, _, value in pairs}
    match = NUMBERED.fullmatch(line)
    if match is None:
        return last, None
    texts = match[2].split("\t")
    if len(texts) > len(COLUMNS):
        return last, None
    return int(match[1]), dict(zip(COLUMNS, map(_unescaped, texts), strict=False))


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")


def _parts(text: str) -> list[str]:
    return [part.replace("__PIPE__", "|") for part in text.split("|") if part.strip()]


def _persona(lines: list[str]) -> Persona:
    return Persona(description="\n".join(lines))
