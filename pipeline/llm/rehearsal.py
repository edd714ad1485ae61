"""The offline stand-in for all models: the same request gets the same answer.

Some answers are faulty on purpose, so that a rehearsed run shows rejected rows as a real one does.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from pipeline import texts
from pipeline.llm.request import ChatMessage, JsonObject
from pipeline.pacing.uptake import length

MODEL = "rehearsal"
REFUSED = 0.02  # share of answers that refuse
EMPTY = 0.01  # share of answers without text
LABELLED = 0.02  # share of messages with a name before them
QUOTED = 8  # words of a quote
LEVELS = (1, 2, 3, 3, 4, 4, 5, None)  # of a verdict
FENCED = 0.2  # share of JSON answers inside a code fence; not a fault, but frequent

Voice = Literal["user", "character"]


@dataclass(frozen=True)
class Bank:
    """What answers are made of, in one language: `configs/rehearsal/<language>.yaml`.

    lists: sentences and words; a {slot} in a sentence is filled from the list of that name.
    texts: the refusal, and patterns that recognise a prompt.
    """

    lists: dict[str, list[str]]
    texts: dict[str, str]


@dataclass(frozen=True)
class Writer:
    """A bank, and the chance that belongs to one request."""

    bank: Bank
    rng: random.Random

    def choose(self, name: str) -> str:
        return self.rng.choice(self.bank.lists[name])

    def sentence(self, name: str, **known: object) -> str:
        """A sentence of a list, its slots filled."""
        return self.fill(self.choose(name), **known)

    def fill(self, sentence: str, **known: object) -> str:
        """The sentence with every {slot} filled by chance, slots within slots too.

        {slot_up} begins with a capital. known: slots whose value is given.
        """

        def value_of(found: re.Match[str]) -> str:
            slot = found[1]
            if slot in known:
                return str(known[slot])
            value = self.sentence(slot.removesuffix("_up"))
            return value[0].upper() + value[1:] if slot.endswith("_up") else value

        return re.sub(r"\{(\w+)\}", value_of, sentence)


Maker = Callable[[Writer], object]


def answer(request: JsonObject, beside: Path | None = None) -> JsonObject:
    """A chat completion for any prompt of `configs/prompts`, as an OpenAI server would send it.

    Now and then it is faulty. beside: a folder with the texts of further languages.
    """
    writer = _writer(request, "fault", beside)
    chance = writer.rng.random()
    if chance < REFUSED:
        return _completion(request, writer.bank.texts["refusal"])
    if chance < REFUSED + EMPTY:
        return _completion(request, "")
    text = _text(request, beside)
    changed = text
    if text.startswith("{"):
        if chance > 1 - FENCED:
            changed = f"```json\n{text}\n```"
    elif chance > 1 - LABELLED:
        changed = f"{writer.choose('first')}: {text}"
    return _completion(request, changed, _words_in(text))


def flawless(request: JsonObject) -> JsonObject:
    """The same without the faults."""
    return _completion(request, _text(request))


def _text(request: JsonObject, beside: Path | None = None) -> str:
    """What a good answer says.

    A prompt for inventions, a script or a verdict is recognised by the key of the list that it asks
    for; any other prompt wants the next message.
    """
    writer = _writer(request, "text", beside)
    messages = _messages_of(request)
    prompt = messages[0]["content"]
    asked = re.search(r'\{"(characters|users|situations|messages|quotes)":', prompt)
    if asked is None:
        return _next_message(messages, writer)
    kind = asked[1]
    if kind == "messages":
        return _dump({kind: _script(prompt, writer)})
    if kind == "quotes":
        return _dump(_verdict(prompt, writer))
    makers: dict[str, Maker] = {"characters": _character, "users": _user, "situations": _situation}
    count = _number_in(prompt, writer.bank.texts["count"], 2)
    return _dump({kind: [makers[kind](writer) for _ in range(count)]})


def _messages_of(request: JsonObject) -> list[ChatMessage]:
    return cast(list[ChatMessage], request["messages"])


def _writer(request: JsonObject, purpose: str, beside: Path | None = None) -> Writer:
    prompt = _messages_of(request)[0]["content"]
    banks = _banks(beside)
    spoken = (bank for bank in banks.values() if re.search(bank.texts["mark"], prompt))
    return Writer(next(spoken, banks["en"]), _chance(request, purpose))


def _chance(request: JsonObject, purpose: str) -> random.Random:
    named = json.dumps([purpose, request["messages"], request.get("seed")])
    return random.Random(hashlib.blake2b(named.encode()).digest())


def _completion(request: JsonObject, text: str, words: int | None = None) -> JsonObject:
    """words: counted as completion tokens; without it those of the text."""
    prompt = sum(_words_in(message["content"]) for message in _messages_of(request))
    completion = _words_in(text) if words is None else words
    message = {"role": "assistant", "content": text}
    return {
        "id": f"rehearsal-{_chance(request, 'id').getrandbits(32):08x}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    }


def _words_in(text: str) -> int:
    return length(text)


def _number_in(prompt: str, pattern: str, otherwise: int) -> int:
    found = re.search(pattern, prompt)
    return int(found[1]) if found else otherwise


def _next_message(messages: list[ChatMessage], writer: Writer) -> str:
    """A message of the wanted length."""
    patterns = writer.bank.texts
    note, system = messages[-1]["content"], messages[0]["content"]
    promise = re.search(patterns["promise"], note)
    if promise:
        return writer.sentence("promised", quote=promise[1])
    if patterns["few"] in note:
        return writer.choose("short")
    voice: Voice = "user" if patterns["user_side"] in system else "character"
    words = _number_in(note, patterns["words"], 12)
    return _sentences(voice, len(messages), words, system, writer)


def _sentences(voice: Voice, turn: int, words: int, conversation: str, writer: Writer) -> str:
    """Sentences of one voice, about `words` words of them.

    conversation: a text that is its own; each one takes the sentences in another order.
    """
    sentences = writer.bank.lists[voice]
    order = random.Random(conversation).sample(sentences, len(sentences))
    chosen: list[str] = []
    while not chosen or (_words_in(" ".join(chosen)) < 0.7 * words and len(chosen) < 5):
        place = (2 * turn + len(chosen)) % len(order)
        chosen.append(writer.fill(order[place]))
    separator = "\n" if voice == "user" else " "
    return separator.join(chosen)


def _script(prompt: str, writer: Writer) -> list[ChatMessage]:
    voices: list[Voice] = ["character", "user"]
    if writer.bank.texts["user_opens"] in prompt:
        voices.reverse()
    promise = re.search(writer.bank.texts["script_promise"], prompt)
    script: list[ChatMessage] = []
    for turn in range(_number_in(prompt, writer.bank.texts["turns"], 8)):
        voice, words = voices[turn % 2], writer.rng.choice((3, 8, 16, 30))
        content = _sentences(voice, turn, words, prompt, writer)
        if promise and turn == int(promise[1]) - 1:
            content = writer.sentence("promised", quote=promise[2])
        script.append({"role": voice, "content": content})
    return script


def _verdict(prompt: str, writer: Writer) -> JsonObject:
    """A judge's verdict by chance: a level on one conversation, or which of two is better. What it
    quotes stands there."""
    rng, quotes = writer.rng, []
    sides = re.findall(r"<(first|second) conversation>\n(.*?)\n</", prompt, re.DOTALL)
    for side, lines in sides or [("", prompt)]:
        said = [json.loads(line) for line in lines.splitlines() if line.startswith('{"message": ')]
        line = rng.choice([line for line in said if line["role"] == "assistant"])
        words = line["content"].split()[:QUOTED]
        quote = {"message": line["message"], "quote": " ".join(words)}
        if side:
            quote["conversation"] = side
        quotes.append(quote)
    last: JsonObject = {"level": rng.choice(LEVELS)}
    if sides:
        last = {"better": rng.choice(("first", "second", "equal"))}
    return {"quotes": quotes, "why": writer.sentence("character"), **last}


def _character(writer: Writer) -> JsonObject:
    rng, lists = writer.rng, writer.bank.lists
    name = writer.fill(writer.bank.texts["full_name"])
    age = rng.randint(19, 83)
    sentences = [writer.choose("description"), *rng.sample(lists["description_more"], 5)]
    voices = ("user", "character") * 2
    dialogue = [{"role": voice, "content": writer.sentence(voice)} for voice in voices]
    # the order of these lines is the order in which chance is used: another one, another character
    return {
        "name": name,
        "age": age,
        "archetype": writer.fill("{archetype}"),
        "description": _description(sentences, name, age, writer),
        "greeting": writer.sentence("greeting"),
        "other_greetings": [writer.fill(text) for text in rng.sample(lists["greeting"], 2)],
        "scenario": writer.sentence("scenario"),
        "example_dialogue": dialogue,
        "topics": rng.sample(lists["topic"], 10),
    }


def _description(sentences: list[str], name: str, age: int, writer: Writer) -> str:
    first_name = name.split()[0]
    return " ".join(writer.fill(text, name=first_name, age=age) for text in sentences)


def _user(writer: Writer) -> JsonObject:
    return {
        "name": writer.fill("{name}"),
        "age": writer.rng.randint(18, 70),
        "archetype": writer.fill("{user_archetype}"),
        "description": writer.sentence("user_description"),
        "style": writer.choose("style"),
    }


def _situation(writer: Writer) -> str:
    return writer.sentence("situation")


@cache
def _banks(beside: Path | None) -> dict[str, Bank]:
    """By language, those beside the recipe first: its prompts are recognised by their `mark`."""
    folders = [folder / "rehearsal" for folder in (beside, texts.configs()) if folder]
    names = [file.name for folder in folders for file in sorted(folder.glob("??.yaml"))]
    return {name[:2]: _bank(name, beside) for name in dict.fromkeys(names)}


def _bank(file: str, beside: Path | None) -> Bank:
    lists, patterns = {}, {}
    for name, value in texts.values("rehearsal", file, beside).items():
        if isinstance(value, list):
            lists[name] = [str(entry) for entry in value]
        else:
            patterns[name] = str(value)
    return Bank(lists, patterns)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
