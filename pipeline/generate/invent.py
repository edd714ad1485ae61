"""Self-instruct: new characters, users and situations from seeds, each new enough and fit to be used.

Method: Self-Instruct (Wang et al. 2022) as gpt_roleplay_realm uses it: examples in, candidates out, the too similar
rejected. Here every rejection is kept with its reason, and the next prompt is steered away from what is over-used.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Generic, TypeVar

from pipeline.conversation import Message, Persona, Quarantine, normalised
from pipeline.formats.cards import Character, Json, filled
from pipeline.generate.check import ADULT, is_whole, text_fault
from pipeline.generate.novelty import Novelty
from pipeline.generate.prompts import Prompts
from pipeline.llm import Answer, CallFailed, Client
from pipeline.recipe.settings import GenerateSettings

AT_ONCE = 8  # calls of one round; their candidates are judged in the order of the calls
AT_ONCE_BATCHED = 2_000  # the same where a round may take a day; our choice
PATIENCE = (
    8  # times as many calls as would do if every candidate were accepted, then it is given up
)
# The share of all accepted that may have one first name, the first words of a greeting, one archetype. Our choice;
# for openings: ten of them together at most .10 (human sets; Synthetic-Persona-Chat has .20).
SHARES = {"name": 0.01, "opening": 0.01, "archetype": 0.1}
SHOWN = {"name": 60, "opening": 25, "archetype": 25}  # of the used ones, how many a prompt lists

NEW = ("description", "greeting", "situation")  # the texts that must not resemble what there is

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class User:
    """Who writes to a character."""

    name: str
    age: int
    description: str
    style: str
    archetype: str | None = None


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of thing to invent. `read` raises ValueError; `texts` are checked; `marks` must not be over-used."""

    key: str  # the prompt, and the key of the answer's list
    per_call: int
    shown: int  # examples in a prompt
    properties: dict[str, Any]
    read: Callable[[Any], T]
    show: Callable[[T], Any]
    texts: Callable[[T], dict[str, str]]
    marks: Callable[[T], dict[str, str]]


@dataclass(slots=True)
class Ledger(Generic[T]):
    """Everything accepted so far, seeds first, and what it has used up.

    used: how often each mark was accepted. proposed: how often it was put forward, rejected or not; the latest last.
    """

    kind: Kind[T]
    settings: GenerateSettings
    accepted: list[T] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    pools: dict[str, Novelty] = field(default_factory=dict)
    used: dict[str, Counter[str]] = field(
        default_factory=lambda: {mark: Counter() for mark in SHARES}
    )
    proposed: dict[str, dict[str, int]] = field(
        default_factory=lambda: {mark: {} for mark in SHARES}
    )

    def objection(self, thing: T) -> str | None:
        """Why this candidate is not accepted: over-used or too similar, with the neighbour; None if it may be."""
        name = normalised(self.kind.texts(thing).get("name", ""))
        if name and name in self.names:
            return f"novelty.name: there is a {name!r} already"
        for mark, value in self.kind.marks(thing).items():
            if value and self.used[mark][value] > SHARES[mark] * len(self.accepted):
                return f"novelty.{mark}: {value!r} is used up ({self.used[mark][value]} of {len(self.accepted)})"
        for part, text in self.kind.texts(thing).items():
            near = self.pools[part].neighbour(text) if part in self.pools else None
            if near:
                other = self.kind.texts(self.accepted[near.index])
                return (
                    f"novelty.{part}: {near.similarity:.3f} alike (limit {near.limit:.3f}) to "
                    f"{other.get('name', '')!r}: {other[part][:200]}"
                )
        return None

    def accept(self, thing: T) -> None:
        self.accepted.append(thing)
        self.names.add(normalised(self.kind.texts(thing).get("name", "")))
        for mark, value in self.kind.marks(thing).items():
            self.used[mark].update([value] if value else [])
        for part, text in self.kind.texts(thing).items():
            if part in self.pools:
                self.pools[part].add(text)

    def note(self, thing: T) -> None:
        """Remember what a candidate is like, whatever becomes of it."""
        for mark, value in self.kind.marks(thing).items():
            if value:
                self.proposed[mark][value] = self.proposed[mark].pop(value, 0) + 1

    def over_used(self, mark: str) -> str:
        """What the model comes up with most, for the prompt; the latest first where it is equally often."""
        latest = reversed(self.proposed[mark].items())
        most = sorted(latest, key=lambda item: -item[1])[: SHOWN[mark]]
        return ", ".join(value for value, _ in most) or "-"


async def invent(
    kind: Kind[T],
    wanted: int,
    seeds: Sequence[T],
    line: Client,
    settings: GenerateSettings,
    prompts: Prompts,
    seed: int,
) -> tuple[list[T], list[Quarantine]]:
    """`wanted` new things beside the seeds, and everything rejected; what could not be filled is told at the end.

    Calls are made in rounds and judged in the order of their numbers: the same answers give the same things.
    """
    ledger = open_ledger(kind, seeds, settings)
    rejected: list[Quarantine] = []
    at_once = AT_ONCE_BATCHED if line.batched(settings.inventor) else AT_ONCE
    calls, most = 0, PATIENCE * ceil(wanted / kind.per_call)
    while (missing := wanted + len(seeds) - len(ledger.accepted)) > 0 and calls < most:
        numbers = range(calls, calls + min(at_once, ceil(missing / kind.per_call)))
        asked = [
            _ask(kind, prompt_of(ledger, seeds, prompts, seed, n), n, line, settings)
            for n in numbers
        ]
        answers = await asyncio.gather(
            *asked, return_exceptions=True
        )  # when the run stops, all have ended
        for number, answer in zip(numbers, answers, strict=True):
            rejected += _judge(answer, number, ledger, wanted + len(seeds), prompts)
        calls = numbers.stop
    if missing > 0:
        detail = f"{missing} of {wanted} after {calls} calls"
        rejected.append(Quarantine(f"{kind.key}/given up", "given up", detail, missing=missing))
    return ledger.accepted[len(seeds) :], rejected


def open_ledger(kind: Kind[T], seeds: Sequence[T], settings: GenerateSettings) -> Ledger[T]:
    """A ledger with the seeds in it; they are also the unrelated texts that novelty is calibrated on."""
    ledger = Ledger(kind, settings)
    for part in NEW:
        reference = [text for s in seeds if (text := kind.texts(s).get(part))]
        if reference:
            ledger.pools[part] = Novelty(reference, settings.unrelated_accepted, settings.novelty)
    for thing in seeds:
        ledger.note(thing)
        ledger.accept(thing)
    return ledger


def prompt_of(
    ledger: Ledger[T], seeds: Sequence[T], prompts: Prompts, seed: int, number: int
) -> str:
    """The prompt of call `number`: one seed in rotation as anchor, the other examples by chance from all accepted."""
    kind = ledger.kind
    rng = random.Random(f"{seed}/{kind.key}/{number}")
    anchor = seeds[number % len(seeds)]
    others = [thing for thing in ledger.accepted if thing is not anchor]
    examples = [anchor, *rng.sample(others, min(kind.shown - 1, len(others)))]
    return prompts.prompt(
        kind.key,
        count=kind.per_call,
        examples="\n\n".join(json.dumps(kind.show(e), ensure_ascii=False) for e in examples),
        names=ledger.over_used("name"),
        openings=ledger.over_used("opening"),
        archetypes=ledger.over_used("archetype"),
    )


async def _ask(
    kind: Kind[T], prompt: str, number: int, line: Client, settings: GenerateSettings
) -> Answer:
    return await line.ask(
        settings.inventor, [{"role": "user", "content": prompt}], sample=number, schema=schema_of(kind),
        temperature=settings.temperature, top_p=settings.top_p,
    )  # fmt: skip


def _judge(
    answer: Answer | BaseException, number: int, ledger: Ledger[T], full: int, prompts: Prompts
) -> list[Quarantine]:
    """Accept what is good in an answer; the rest comes back with its reason."""
    where = f"{ledger.kind.key}/{number}"
    if isinstance(answer, CallFailed):
        return [Quarantine(where, f"call.{answer.reason}", answer.detail)]
    if isinstance(answer, BaseException):
        raise answer
    candidates = answer.data.get(ledger.kind.key) if isinstance(answer.data, dict) else answer.data
    if not isinstance(candidates, list) or not candidates:
        return [Quarantine(where, "shape", f"no list of {ledger.kind.key}", answer.text[:100_000])]
    rejected: list[Quarantine] = []
    for place, raw in enumerate(candidates):
        why = _take(raw, ledger, full, prompts)
        if why:
            text = json.dumps(raw, ensure_ascii=not is_whole(json.dumps(raw, ensure_ascii=False)))
            rule, _, detail = why.partition(": ")
            rejected.append(Quarantine(f"{where}.{place}", rule, detail, text[:100_000]))
    return rejected


def _take(raw: Any, ledger: Ledger[T], full: int, prompts: Prompts) -> str | None:
    """Accept a candidate, or say why not."""
    if not is_whole(json.dumps(raw, ensure_ascii=False)):
        return "shape: it holds half a character (a lone surrogate)"
    try:
        thing = ledger.kind.read(raw)
    except ValueError as error:
        return f"shape: {error}"
    ledger.note(thing)
    why = unfit(ledger.kind.texts(thing), prompts) or ledger.objection(thing)
    if why is None and len(ledger.accepted) >= full:
        why = "surplus: the quota was reached"
    if why is None:
        ledger.accept(thing)
    return why


def unfit(texts: dict[str, str], prompts: Prompts) -> str | None:
    """What is wrong with the texts of a candidate or a card: a minor, another language, a refusal, a blank."""
    about = Persona(texts.get("name"), texts.get("description"))
    for part, text in texts.items():
        wrong = text_fault(text, prompts, about) if text and part != "name" else None
        if wrong:
            return f"{wrong.rule}: {part}: {wrong.evidence}"
    return None


def schema_of(kind: Kind[T]) -> dict[str, Any]:
    """The JSON schema of an answer."""
    item: dict[str, Any] = {"type": "string"}
    if kind.properties:
        item = _object(kind.properties)
    return _object({kind.key: {"type": "array", "items": item}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def text_of(raw: Any, key: str, least: int = 1) -> str:
    """A text of a candidate, at least so many words long. Raises ValueError."""
    value = raw.get(key) if isinstance(raw, dict) else None
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text")
    if len(normalised(value).split()) < least:
        raise ValueError(f"{key} has fewer than {least} words")
    return value.strip()


def texts_of(raw: Json, key: str) -> tuple[str, ...]:
    """The texts of a list of a candidate, none where there is no list."""
    values = raw.get(key)
    return (
        tuple(v.strip() for v in values if isinstance(v, str) and v.strip())
        if isinstance(values, list)
        else ()
    )


def age_of(raw: Any) -> int:
    """The age of a candidate, a whole number of years. Raises ValueError below 18 or when it is missing."""
    age = raw.get("age") if isinstance(raw, dict) else None
    if isinstance(age, str) and age.strip().isdigit():
        age = int(age)
    if not isinstance(age, int) or isinstance(age, bool):
        raise ValueError("age is no whole number")
    if age < ADULT:
        raise ValueError(f"age {age}: adults only")
    return age


def read_character(raw: Any) -> Character:
    """A character as the prompt asks for it, as the seed files hold it. Raises ValueError."""
    examples = raw.get("example_dialogue") if isinstance(raw, dict) else None
    return Character(
        name=text_of(raw, "name"),
        age=age_of(raw),
        description=text_of(raw, "description", 15),
        greeting=text_of(raw, "greeting", 2),
        scenario=raw["scenario"].strip() if isinstance(raw.get("scenario"), str) else None,
        archetype=raw["archetype"].strip() if isinstance(raw.get("archetype"), str) else None,
        example_dialogue=tuple(_example(m) for m in examples) if isinstance(examples, list) else (),
        topics=texts_of(raw, "topics"),
        other_greetings=texts_of(raw, "other_greetings"),
        origin="invented",
    )


def read_user(raw: Any) -> User:
    """A user persona. Raises ValueError."""
    archetype = raw.get("archetype") if isinstance(raw, dict) else None
    return User(
        name=text_of(raw, "name"),
        age=age_of(raw),
        description=text_of(raw, "description", 6),
        style=text_of(raw, "style", 3),
        archetype=archetype if isinstance(archetype, str) else None,
    )


def read_situation(raw: Any) -> str:
    """A situation, one sentence. Raises ValueError."""
    return text_of({"situation": raw}, "situation", 5)


def _example(raw: Any) -> Message:
    if not isinstance(raw, dict) or not isinstance(raw.get("content"), str):
        raise ValueError(f"example_dialogue: {str(raw)[:80]} is no {{role, content}}")
    return Message("user" if raw.get("role") == "user" else "assistant", raw["content"].strip())


def first_words(text: str, count: int) -> str:
    """How a text begins, to compare openings."""
    return " ".join(normalised(text).split()[:count])


def _show_character(c: Character) -> dict[str, Any]:
    dialogue = [
        {"role": "user" if m.role == "user" else "character", "content": m.content}
        for m in c.example_dialogue
    ]
    return {
        "name": c.name, "age": c.age, "archetype": c.archetype or "", "description": c.description,
        "greeting": c.greeting, "other_greetings": list(c.other_greetings),
        "scenario": c.scenario, "example_dialogue": dialogue, "topics": list(c.topics),
    }  # fmt: skip


def texts_of_character(c: Character) -> dict[str, str]:
    """Every text of a character that a talk is made from, macros filled in: they are legal."""
    texts = {
        "description": c.description,
        "greeting": c.greeting or "",
        "other_greetings": "\n".join(c.other_greetings),
        "scenario": c.scenario or "",
        "archetype": c.archetype or "",
        "example_dialogue": "\n".join(m.content for m in c.example_dialogue),
        "topics": "\n".join(c.topics),
    }
    return {"name": c.name} | {
        part: filled(text, c.name, "Sam") for part, text in texts.items() if text
    }


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
SIDE = {"type": "string", "enum": ["user", "character"]}
LINES = {"type": "array", "items": _object({"role": SIDE, "content": TEXT})}

CHARACTERS: Kind[Character] = Kind(
    key="characters",
    per_call=2,
    shown=2,
    properties={
        "name": TEXT, "age": NUMBER, "archetype": TEXT, "description": TEXT, "greeting": TEXT,
        "other_greetings": {"type": "array", "items": TEXT}, "scenario": TEXT,
        "example_dialogue": LINES, "topics": {"type": "array", "items": TEXT},
    },
    read=read_character,
    show=_show_character,
    texts=texts_of_character,
    marks=lambda c: {
        "name": first_words(c.name, 1), "opening": first_words(c.greeting or "", 3),
        "archetype": normalised(c.archetype or ""),
    },
)  # fmt: skip
USERS: Kind[User] = Kind(
    key="users",
    per_call=4,
    shown=4,
    properties={"name": TEXT, "age": NUMBER, "archetype": TEXT, "description": TEXT, "style": TEXT},
    read=read_user,
    show=lambda u: {"name": u.name, "age": u.age, "description": u.description, "style": u.style},
    texts=lambda u: {
        "name": u.name,
        "description": u.description,
        "style": u.style,
        "archetype": u.archetype or "",
    },
    marks=lambda u: {"name": first_words(u.name, 1), "archetype": normalised(u.archetype or "")},
)
SITUATIONS: Kind[str] = Kind(
    key="situations",
    per_call=8,
    shown=6,
    properties={},
    read=read_situation,
    show=lambda s: s,
    texts=lambda s: {"situation": s},
    marks=lambda s: {"opening": first_words(s, 4)},
)
