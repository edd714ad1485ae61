"""Judges for the model server: request in, chat completion out. All are certain to be read: what
they quote stands there, unless it is their fault that it does not.

A level stands in the text that is judged: "… (4 of 5)" makes `honest` answer 4.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

Request = dict[str, Any]
Line = dict[str, Any]

LEVEL = re.compile(r"\((\d) of 5\)")
PAIR = re.compile(r"<(first|second) conversation>\n(.*?)\n</", re.DOTALL)


def prompt_of(request: Request) -> str:
    """The whole prompt; a judge's is one message of the user."""
    (message,) = request["messages"][:1]
    assert message["role"] == "user"
    return str(message["content"])


def lines(text: str) -> list[Line]:
    """The messages in a prompt."""
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"message": ')]


def rated(prompt: str) -> list[Line]:
    """The messages that are to be rated, without those that stand before them."""
    return lines(prompt.partition("<messages to rate")[2])


def said(value: dict[str, Any]) -> Request:
    return {"choices": [{"message": {"content": json.dumps(value)}, "finish_reason": "stop"}]}


def quote(line: Line) -> dict[str, Any]:
    return {"message": line["message"], "quote": line["content"][:40]}


def honest(request: Request) -> Request:
    """The level that most messages name; 3 where none does. A model called `strict…` says one
    less."""
    prompt = prompt_of(request)
    if "<first conversation>" in prompt:
        return better(request)
    mine = [line for line in rated(prompt) if line["role"] == "assistant"]
    named = Counter(int(n) for line in mine for n in LEVEL.findall(line["content"]))
    ((level, _),) = named.most_common(1) or [(3, 0)]
    shown = next((line for line in mine if f"({level} of 5)" in line["content"]), mine[0])
    if request["model"].startswith("strict"):
        level = max(1, level - 1)
    return said({"quotes": [quote(shown)], "why": "It says so itself.", "level": level})


def better(request: Request) -> Request:
    """The conversation that names the higher level."""
    levels, quotes = {}, []
    for which, text in PAIR.findall(prompt_of(request)):
        mine = [line for line in lines(text) if line["role"] == "assistant"]
        levels[which] = max(int(n) for line in mine for n in LEVEL.findall(line["content"]) or [3])
        quotes.append({"conversation": which} | quote(mine[0]))
    verdict = "equal"
    if levels["first"] != levels["second"]:
        verdict = max(levels, key=lambda which: levels[which])
    return said({"quotes": quotes, "why": "It says so itself.", "better": verdict})


def first(request: Request) -> Request:
    """Whatever stands first is better."""
    answer: dict[str, Any] = json.loads(better(request)["choices"][0]["message"]["content"])
    return said(answer | {"better": "first"})


def inventing(request: Request) -> Request:
    """Five, for what nobody has written."""
    line = rated(prompt_of(request))[0]
    invented = {"message": line["message"], "quote": "I have always loved you, Ferdinand"}
    return said({"quotes": [invented], "why": "So tender.", "level": 5})


def misplaced(request: Request) -> Request:
    """A quote that stands in another message than the one it names."""
    one, two = rated(prompt_of(request))[:2]
    moved = quote(one) | {"message": two["message"]}
    return said({"quotes": [moved], "why": "So tender.", "level": 5})


def bare(request: Request) -> Request:
    """A level without evidence."""
    return said({"quotes": [], "why": "Trust me.", "level": 5})


def silent(request: Request) -> Request:
    """No occasion for any question."""
    return said({"quotes": [], "why": "Nobody shows a feeling.", "level": None})
