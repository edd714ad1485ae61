"""Self-instruct: new characters, users and situations from seeds, each new enough and usable.

Method: Self-Instruct (Wang et al. 2022) as gpt_roleplay_realm uses it: examples in, candidates
out, the too similar ones rejected. Here every rejection is kept with its reason, and the next
prompt is steered away from what is used too often.

            ┌────────────── prompt: examples, and what to avoid ◄──┐
            ▼                                                      │
          model ──► candidates ──► usable? ──► new? ──► accept ──► ledger
                                      └───────────┴──► Quarantine(rule, detail)
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Generic

from pipeline.conversation import Quarantine, normalised
from pipeline.generate.candidates import Invention, T, schema_of
from pipeline.generate.check import Objection, is_whole, objection_to
from pipeline.generate.context import Chat, GenerateContext
from pipeline.generate.novelty import Novelty
from pipeline.generate.prompts import Prompts
from pipeline.llm import Answer, CallFailed
from pipeline.recipe.generate import GenerateSettings

CALLS_OF_A_ROUND = 8  # at once; their candidates are judged in the order of the calls
CALLS_OF_A_BATCH = 2_000  # the same where a round may take a day; our choice
# Times as many calls as would do if every candidate were accepted; then we give up.
PATIENCE = 8
# The share of all accepted that may have one first name, the first words of a greeting, one
# archetype. Our choice; for openings: ten of them together at most .10 (human sets;
# Synthetic-Persona-Chat has .20).
SHARES = {"name": 0.01, "opening": 0.01, "archetype": 0.1}
SHOWN = {"name": 60, "opening": 25, "archetype": 25}  # of the used ones, listed in a prompt
RAW = 100_000  # characters of a rejected text that are kept
NEIGHBOUR = 200  # characters of a similar text that are quoted

NEW = ("description", "greeting", "situation")  # the texts that must not resemble others


def _counters() -> dict[str, Counter[str]]:
    return {mark: Counter() for mark in SHARES}


@dataclass(slots=True)
class Ledger(Generic[T]):
    """The record of one invention: what is accepted, seeds first, and what it has used up.

    used: how often each mark was accepted. proposed: how often it was proposed, rejected or
    not; the latest last. pools: the texts of each part that must be new.
    """

    invention: Invention[T]
    seeds: Sequence[T]
    wanted: int
    accepted: list[T] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    pools: dict[str, Novelty] = field(default_factory=dict)
    used: dict[str, Counter[str]] = field(default_factory=_counters)
    proposed: dict[str, Counter[str]] = field(default_factory=_counters)

    @property
    def invented(self) -> list[T]:
        return self.accepted[len(self.seeds) :]

    @property
    def missing(self) -> int:
        return self.wanted + len(self.seeds) - len(self.accepted)

    def objection(self, thing: T) -> Objection | None:
        """Why this candidate is not new: a used name, a used-up mark or a similar text."""
        return self._same_name(thing) or self._used_up(thing) or self._similar(thing)

    def _same_name(self, thing: T) -> Objection | None:
        name = self._name(thing)
        if name and name in self.names:
            return Objection("novelty.name", f"there is a {name!r} already")
        return None

    def _used_up(self, thing: T) -> Objection | None:
        for mark, value in self._marks(thing):
            count, total = self.used[mark][value], len(self.accepted)
            if count > SHARES[mark] * total:
                detail = f"{value!r} is used up ({count} of {total})"
                return Objection(f"novelty.{mark}", detail)
        return None

    def _similar(self, thing: T) -> Objection | None:
        for part, text in self._new_texts(thing):
            neighbour = self.pools[part].neighbour(text)
            if neighbour:
                other = self.invention.texts(self.accepted[neighbour.index])
                return Objection(
                    f"novelty.{part}",
                    f"{neighbour.similarity:.3f} similar (limit {neighbour.limit:.3f}) to "
                    f"{other.get('name', '')!r}: {other[part][:NEIGHBOUR]}",
                )
        return None

    def accept(self, thing: T) -> None:
        self.accepted.append(thing)
        self.names.add(self._name(thing))
        for mark, value in self._marks(thing):
            self.used[mark][value] += 1
        for part, text in self._new_texts(thing):
            self.pools[part].add(text)

    def note(self, thing: T) -> None:
        """Remember what a candidate is like, accepted or not."""
        for mark, value in self._marks(thing):
            proposed = self.proposed[mark]
            proposed[value] = proposed.pop(value, 0) + 1  # now the latest

    def used_most(self, mark: str) -> str:
        """What the model proposes most, for the prompt; the latest first among equals."""
        latest_first = reversed(self.proposed[mark].items())
        most_first = sorted(latest_first, key=lambda item: -item[1])
        return ", ".join(value for value, _ in most_first[: SHOWN[mark]]) or "-"

    def _name(self, thing: T) -> str:
        return normalised(self.invention.texts(thing).get("name", ""))

    def _marks(self, thing: T) -> Iterator[tuple[str, str]]:
        return ((mark, value) for mark, value in self.invention.marks(thing).items() if value)

    def _new_texts(self, thing: T) -> Iterator[tuple[str, str]]:
        texts = self.invention.texts(thing)
        return ((part, text) for part, text in texts.items() if part in self.pools)


def open_ledger(
    invention: Invention[T], seeds: Sequence[T], wanted: int, settings: GenerateSettings
) -> Ledger[T]:
    """A ledger with the seeds in it; they are also the texts that novelty is calibrated on."""
    ledger = Ledger(invention, seeds, wanted)
    for part in NEW:
        texts = [invention.texts(seed).get(part) for seed in seeds]
        reference = [text for text in texts if text]
        if reference:
            ledger.pools[part] = Novelty(reference, settings.unrelated_accepted, settings.novelty)
    for seed in seeds:
        ledger.note(seed)
        ledger.accept(seed)
    return ledger


async def invent(
    invention: Invention[T], wanted: int, seeds: Sequence[T], context: GenerateContext
) -> tuple[list[T], list[Quarantine]]:
    """`wanted` new things beside the seeds, and everything rejected.

    Calls are made in rounds and judged in the order of their numbers: the same answers give the
    same things. The last rejection says how many are missing, if any are.
    """
    ledger = open_ledger(invention, seeds, wanted, context.settings)
    rejected: list[Quarantine] = []
    calls, most = 0, PATIENCE * ceil(wanted / invention.per_call)
    while ledger.missing > 0 and calls < most:
        needed = ceil(ledger.missing / invention.per_call)
        numbers = range(calls, calls + min(needed, _calls_at_once(context)))
        for number, answer in await _ask_round(ledger, numbers, context):
            rejected += _judge(answer, number, ledger, context.prompts)
        calls = numbers.stop
    if ledger.missing > 0:
        rejected.append(_given_up(ledger, calls))
    return ledger.invented, rejected


def _calls_at_once(context: GenerateContext) -> int:
    if context.client.batched(context.settings.inventor):
        return CALLS_OF_A_BATCH
    return CALLS_OF_A_ROUND


def _given_up(ledger: Ledger[T], calls: int) -> Quarantine:
    return Quarantine(
        f"{ledger.invention.key}/given up",
        "given up",
        f"{ledger.missing} of {ledger.wanted} after {calls} calls",
        missing=ledger.missing,
    )


# --- asking


async def _ask_round(
    ledger: Ledger[T], numbers: range, context: GenerateContext
) -> list[tuple[int, Answer | BaseException]]:
    """The answers of one round by the number of the call. Every call has ended when it returns."""
    schema = schema_of(ledger.invention)
    prompts = [prompt_of(ledger, context.prompts, context.seed, number) for number in numbers]
    calls = [
        context.ask(context.settings.inventor, _chat(prompt), number, schema=schema)
        for number, prompt in zip(numbers, prompts, strict=True)
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return list(zip(numbers, answers, strict=True))


def _chat(prompt: str) -> Chat:
    return [{"role": "user", "content": prompt}]


def prompt_of(ledger: Ledger[T], prompts: Prompts, seed: int, number: int) -> str:
    """The prompt of call `number`: one seed in turn, other examples by chance from all accepted."""
    invention, seeds = ledger.invention, ledger.seeds
    rng = random.Random(f"{seed}/{invention.key}/{number}")
    anchor = seeds[number % len(seeds)]
    others = [thing for thing in ledger.accepted if thing is not anchor]
    examples = [anchor, *rng.sample(others, min(invention.shown - 1, len(others)))]
    return prompts.prompt(
        invention.key,
        count=invention.per_call,
        examples="\n\n".join(_dump(invention.show(example)) for example in examples),
        names=ledger.used_most("name"),
        openings=ledger.used_most("opening"),
        archetypes=ledger.used_most("archetype"),
    )


# --- judging


def _judge(
    answer: Answer | BaseException, number: int, ledger: Ledger[T], prompts: Prompts
) -> list[Quarantine]:
    """Accept what is good in an answer; the rest comes back with its reason."""
    key = ledger.invention.key
    where = f"{key}/{number}"
    if isinstance(answer, CallFailed):
        return [Quarantine(where, f"call.{answer.reason}", answer.detail)]
    if isinstance(answer, BaseException):
        raise answer
    candidates = _candidates_in(answer, key)
    if not candidates:
        return [Quarantine(where, "shape", f"no list of {key}", answer.text[:RAW])]
    rejected: list[Quarantine] = []
    for place, raw in enumerate(candidates):
        objection = _take(raw, ledger, prompts)
        if objection:
            rejected.append(Quarantine(f"{where}.{place}", *objection, raw=_stored(raw)))
    return rejected


def _candidates_in(answer: Answer, key: str) -> list[object]:
    """The list under the key of an answer, or the answer itself where it is a list."""
    data = answer.data
    if isinstance(data, dict):
        data = data.get(key)
    return data if isinstance(data, list) else []


def _take(raw: object, ledger: Ledger[T], prompts: Prompts) -> Objection | None:
    """Accept a candidate, or the reason why not."""
    if not is_whole(_dump(raw)):
        return Objection("shape", "it holds half a character (a lone surrogate)")
    try:
        thing = ledger.invention.read(raw)
    except ValueError as error:
        return Objection("shape", str(error))
    ledger.note(thing)
    objection = objection_to(ledger.invention.texts(thing), prompts) or ledger.objection(thing)
    if objection:
        return objection
    if ledger.missing <= 0:
        return Objection("surplus", "the quota was reached")
    ledger.accept(thing)
    return None


def _stored(raw: object) -> str:
    """The JSON of a candidate as far as it is kept; half a character is written as an escape."""
    text = _dump(raw)
    if not is_whole(text):
        text = json.dumps(raw)
    return text[:RAW]


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
