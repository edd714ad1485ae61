"""A conversation as the rules read it: all messages in one string, every listed phrase found in one pass."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, product
from math import prod
from pathlib import Path

import ahocorasick_rs

from pipeline.conversation import Finding, Message, Persona
from pipeline.texts import configs

# The lists of configs/words that are searched for: `refusal` reads refusal.txt, refusal-en.txt, refusal-de.txt, …
LISTS = (
    "refusal", "refusal_weak", "lecture", "assistant", "template", "label_talk", "goodbye",
    "minor", "minor_bare", "minor_card", "age_question", "self_harm", "coercion", "slur", "cliches", "advert",
)  # fmt: skip
# Scripts that write no blank between words, and those that glue particles to them: no word boundary is asked for.
UNSPACED = (
    r"\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
KEYS = 5000  # texts at most that a line is looked for by
_STRAIGHT = {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "İ": "i", "\u00a0": " "}


@dataclass(frozen=True, slots=True)
class Hit:
    """A listed phrase: in which message, at which characters."""

    message: int
    start: int
    end: int


@dataclass(slots=True)
class View:
    """text: contents joined by NUL, those of system messages left out: they are stage directions, nobody says them.
    folded: the same, lower case and straight quotes, character for character.

    starts: where each message begins in `text`. hits: list name → where its phrases stand.
    """

    messages: Sequence[Message]
    text: str
    folded: str
    starts: list[int]
    hits: dict[str, list[Hit]] = field(default_factory=dict)
    persona: Persona | None = None
    user_persona: Persona | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """Offset in `text` → message, offset in that message."""
        i = bisect_right(self.starts, offset) - 1
        return i, offset - self.starts[i]

    def line(self, message: int) -> str:
        """One message, folded."""
        last = message + 1 == len(self.starts)
        return self.folded[self.starts[message] : None if last else self.starts[message + 1] - 1]

    def finding(self, rule: str, value: float, message: int, start: int, end: int) -> Finding:
        """A reading with its evidence, cut at 80 characters."""
        evidence = self.messages[message].content[start : min(end, start + 80)]
        return Finding("filter", rule, value, None, message, start, end, evidence, "measured")


def view(
    messages: Sequence[Message], persona: Persona | None = None, user_persona: Persona | None = None
) -> View:
    """Read a conversation once, for all rules."""
    said = ["" if m.role == "system" else m.content for m in messages]
    text = "\0".join(said)
    folded = _fold(text)
    starts = [0, *accumulate(len(content) + 1 for content in said)][: len(said)]
    seen = View(messages, text, folded, starts, {}, persona, user_persona)
    for name, hit in _phrases(folded, seen):
        seen.hits.setdefault(name, []).append(hit)
    return seen


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower().replace("`", "'")
    for curly, straight in _STRAIGHT.items():  # ten times the speed of str.translate
        text = text.replace(curly, straight)
    return text.lower()


def _phrases(folded: str, seen: View) -> Iterator[tuple[str, Hit]]:
    """Where listed phrases stand: the automaton finds their keys, the pattern of the line confirms."""
    automaton, lines = _automaton()
    asked = {
        (lines[key], seen.place(at)[0])
        for key, at, _ in automaton.find_matches_as_indexes(folded, overlapping=True)
    }
    for phrase, message in sorted(asked, key=lambda pair: (pair[1], pair[0].line)):
        for match in pattern(phrase.line).finditer(seen.line(message)):
            yield phrase.name, Hit(message, match.start(), match.end())


@dataclass(frozen=True, slots=True)
class Phrase:
    """A line of a word list and the list's name."""

    name: str
    line: str


@cache
def _automaton() -> tuple[ahocorasick_rs.AhoCorasick, list[Phrase]]:
    """All keys of all lines of all lists, and for each key its line."""
    keys: list[str] = []
    lines: list[Phrase] = []
    for name in LISTS:
        for line in words(name):
            phrase = Phrase(name, line)
            for key in _keys(_parts(line)):
                keys.append(key)
                lines.append(phrase)
    return ahocorasick_rs.AhoCorasick(keys), lines


@cache
def words(name: str) -> tuple[str, ...]:
    """The lines of a list in configs/words, lower case: `<name>.txt` and `<name>-<language>.txt`.

    One phrase a line; `(a|b|)` stands for either or nothing, `_` for a blank where one would be cut off;
    `@age = a|b` names a choice for the lines below it.
    """
    folder = configs() / "words"
    files = sorted([*folder.glob(f"{name}.txt"), *folder.glob(f"{name}-??.txt")])
    return tuple(dict.fromkeys(phrase for file in files for phrase in _read(file)))


def _read(file: Path) -> Iterator[str]:
    choices: dict[str, str] = {}
    for raw in file.read_text("utf-8").splitlines():
        line = raw.strip().lower()
        if re.match(r"@\S+ =", line):
            key, _, value = line.partition("=")
            choices[key.strip()] = f"({value.strip()})".replace("_", " ")
        elif line and line != "#" and not line.startswith("# "):
            yield _flat(
                re.sub(r"@[^\W\d_']+(?:'\w+)?", lambda key: choices.get(key[0], key[0]), line)
            )


def _flat(line: str) -> str:
    """`(a|b (c|d))` → `(a|b c|b d)`"""
    while inner := _nested(line):
        opened, closed = inner
        start, end = _edge(line, opened, -1) + 1, _edge(line, closed, 1)
        choices = line[opened + 1 : closed].split("|")
        spelt = "|".join(line[start:opened] + choice + line[closed + 1 : end] for choice in choices)
        line = line[:start] + spelt + line[end:]
    return line


def _nested(line: str) -> tuple[int, int] | None:
    """The first group that stands inside another one."""
    depth, opened = 0, 0
    for i, letter in enumerate(line):
        if letter == "(":
            depth, opened = depth + 1, i
        elif letter == ")" and depth > 1:
            return opened, i
        elif letter == ")":
            depth -= 1
    return None


def _edge(line: str, place: int, step: int) -> int:
    """Where the choice that holds the group at `place` ends, walking left (-1) or right (1)."""
    depth = 0
    while True:
        place += step
        if not depth and line[place] in ("|", "(" if step < 0 else ")"):
            return place
        depth += {"(": step, ")": -step}.get(line[place], 0)


@cache
def pattern(line: str) -> re.Pattern[str]:
    """What a line of a list means, with word boundaries where its script has them."""
    longest_first = [sorted(part, key=len, reverse=True) for part in _parts(line)]
    body = "".join(f"(?:{'|'.join(map(re.escape, part))})" for part in longest_first)
    return re.compile(f"(?<![^\\W_{UNSPACED}]){body}(?![^\\W_{UNSPACED}])")


def _parts(line: str) -> list[list[str]]:
    """`a (b|c)` → [["a "], ["b", "c"]]"""
    split = re.split(r"(\([^()]*\))", line)
    return [part[1:-1].split("|") if part.startswith("(") else [part] for part in split if part]


def _keys(parts: list[list[str]]) -> set[str]:
    """The longest texts of which one must be there when the line matches: some neighbouring parts, written out."""
    spans = [(i, j) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)]
    few = [s for s in spans if prod(map(len, parts[slice(*s)])) <= KEYS]
    best = max(few, key=lambda s: sum(min(map(len, part)) for part in parts[slice(*s)]))
    return {"".join(reading) for reading in product(*parts[slice(*best)])}
