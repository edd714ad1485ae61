"""Plays the models without a network: the same request gets the same answer, and some answers are faulty on purpose."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from pipeline.texts import configs

MODEL = "rehearsal"
REFUSED, EMPTY, LABELLED = (
    0.02,
    0.01,
    0.02,
)  # shares of answers that are of no use, so that rejections are seen
FENCED = 0.2  # share of JSON answers inside a code fence; not a fault, but seen often
Bank = dict[str, Any]
Maker = Callable[[Bank, random.Random], object]


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """A chat completion for any prompt of `configs/prompts`, as an OpenAI server would send it; now and then faulty."""
    rng, bank = _chance(request, "fault"), _bank_for(request)
    chance = rng.random()
    if chance < REFUSED:
        return _completion(request, bank["refusal"])
    if chance < REFUSED + EMPTY:
        return _completion(request, "")
    good = flawless(request)
    said = good["choices"][0]["message"]
    if said["content"].startswith("{"):
        said["content"] = (
            f"```json\n{said['content']}\n```" if chance > 1 - FENCED else said["content"]
        )
    elif chance > 1 - LABELLED:
        said["content"] = f"{rng.choice(bank['first'])}: {said['content']}"
    return good


def flawless(request: dict[str, Any]) -> dict[str, Any]:
    """The same without the faults.

    Inventions and scripts are recognised by the key of the list that the prompt asks for, talks by the rest.
    """
    rng, bank, messages = _chance(request, "text"), _bank_for(request), request["messages"]
    prompt = messages[0]["content"]
    asked = re.search(r'\{"(characters|users|situations|messages)":', prompt)
    if asked is None:
        return _completion(request, _line(messages, bank, rng))
    kind = asked[1]
    if kind == "messages":
        return _completion(request, _dump({kind: _script(prompt, bank, rng)}))
    found = re.search(bank["count"], prompt)
    makers: dict[str, Maker] = {"characters": _character, "users": _user, "situations": _situation}
    said = _dump({kind: [makers[kind](bank, rng) for _ in range(int(found[1]) if found else 2)]})
    return _completion(request, said)


def _chance(request: dict[str, Any], what: str) -> random.Random:
    named = json.dumps([what, request["messages"], request.get("seed")])
    return random.Random(hashlib.blake2b(named.encode()).digest())


def _bank_for(request: dict[str, Any]) -> Bank:
    return _bank("ru" if re.search(r"[а-яё]{3}", request["messages"][0]["content"]) else "en")


def _completion(request: dict[str, Any], text: str) -> dict[str, Any]:
    asked, said = sum(len(m["content"].split()) for m in request["messages"]), len(text.split())
    message = {"role": "assistant", "content": text}
    return {
        "id": f"rehearsal-{_chance(request, 'id').getrandbits(32):08x}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _line(messages: list[dict[str, str]], bank: Bank, rng: random.Random) -> str:
    """A message of the wanted length. Each talk goes through the sentences in an order of its own."""
    note, system = messages[-1]["content"], messages[0]["content"]
    if bank["few"] in note:
        return str(rng.choice(bank["short"]))
    side = "user" if bank["user_side"] in system else "character"
    found = re.search(bank["words"], note)
    return _sentences(side, len(messages), int(found[1]) if found else 12, system, bank, rng)


def _sentences(side: str, turn: int, words: int, talk: str, bank: Bank, rng: random.Random) -> str:
    order = random.Random(talk).sample(bank[side], len(bank[side]))
    said: list[str] = []
    while not said or (len(" ".join(said).split()) < 0.7 * words and len(said) < 5):
        said.append(_fill(order[(2 * turn + len(said)) % len(order)], bank, rng))
    return ("\n" if side == "user" else " ").join(said)


def _script(prompt: str, bank: Bank, rng: random.Random) -> list[dict[str, str]]:
    found = re.search(bank["turns"], prompt)
    turns = int(found[1]) if found else 8
    sides = ("user", "character") if bank["user_opens"] in prompt else ("character", "user")
    return [
        {
            "role": sides[k % 2],
            "content": _sentences(sides[k % 2], k, rng.choice((3, 8, 16, 30)), prompt, bank, rng),
        }
        for k in range(turns)
    ]


def _character(bank: Bank, rng: random.Random) -> dict[str, Any]:
    name = _fill("{name} {last}", bank, rng)
    age = rng.randint(19, 83)
    sentences = [rng.choice(bank["description"]), *rng.sample(bank["description_more"], 5)]
    dialogue = [
        {"role": side, "content": _fill(rng.choice(bank[side]), bank, rng)}
        for side in ("user", "character") * 2
    ]
    return {
        "name": name,
        "age": age,
        "archetype": _fill("{archetype}", bank, rng),
        "description": " ".join(
            _fill(s, bank, rng, name=name.split()[0], age=age) for s in sentences
        ),
        "greeting": _fill(rng.choice(bank["greeting"]), bank, rng),
        "other_greetings": [_fill(g, bank, rng) for g in rng.sample(bank["greeting"], 2)],
        "scenario": _fill(rng.choice(bank["scenario"]), bank, rng),
        "example_dialogue": dialogue,
        "topics": rng.sample(bank["topic"], 10),
    }


def _user(bank: Bank, rng: random.Random) -> dict[str, Any]:
    return {
        "name": _fill("{name}", bank, rng),
        "age": rng.randint(18, 70),
        "archetype": _fill("{user_archetype}", bank, rng),
        "description": _fill(rng.choice(bank["user_description"]), bank, rng),
        "style": rng.choice(bank["style"]),
    }


def _situation(bank: Bank, rng: random.Random) -> str:
    return _fill(rng.choice(bank["situation"]), bank, rng)


def _fill(sentence: str, bank: Bank, rng: random.Random, **known: object) -> str:
    """The sentence with every {slot} filled by chance, slots within slots too; {slot_up} begins with a capital."""

    def choose(found: re.Match[str]) -> str:
        slot = found[1]
        if slot in known:
            return str(known[slot])
        value = _fill(str(rng.choice(bank[slot.removesuffix("_up")])), bank, rng)
        return value[0].upper() + value[1:] if slot.endswith("_up") else value

    return re.sub(r"\{(\w+)\}", choose, sentence)


@cache
def _bank(language: str) -> Bank:
    bank: Bank = yaml.safe_load(
        (configs() / "rehearsal" / f"{language}.yaml").read_text(encoding="utf-8")
    )
    return bank


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
