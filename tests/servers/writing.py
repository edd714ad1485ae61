"""What the model server writes: good answers, and good answers made bad."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

TEXT = (
    "well I guess you could call it one of those quiet evenings when the rain keeps tapping on "
    "the glass and nobody wants to be the first to leave so we talk about music and old films and "
    "the odd way people grin when they are nervous tell me about your day I would like to hear it "
    "you sound a bit tired but warm maybe we should walk along the river next week if it stays "
    "dry what would you choose coffee or tea"
)
WORDS = TEXT.split()
FOREIGN = (
    "Das weiß ich leider auch nicht genau, aber wir könnten morgen zusammen an den Fluss gehen."
)
REFUSAL = "I'm sorry, but I can't help with that."
BAD_ANSWERS = {
    "empty",
    "length",
    "refusal",
    "garbage",
    "label",
    "placeholder",
    "echo",
    "foreign",
    "fenced",
    "braces",
    "one_turn",
    "wrong_role",
    "non_string",
}


def share(*parts: object) -> float:
    """A number from 0 to 1 that depends on the parts alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def prose(key: str, words: int) -> str:
    """So many words, in an order that depends on the key."""
    start = int(share(key) * len(WORDS))
    step = 1 + int(share(key, "step") * (len(WORDS) - 1))
    places = ((start + number * step) % len(WORDS) for number in range(words))
    return " ".join(WORDS[place] for place in places) + "."


def instance(schema: dict[str, Any], key: str) -> Any:
    """A small value that fits a JSON schema."""
    if "enum" in schema:
        return schema["enum"][int(share(key) * len(schema["enum"]))]
    if "anyOf" in schema:
        return instance(schema["anyOf"][0], key)
    kind = schema.get("type", "string")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: instance(part, key + name) for name, part in properties.items()}
    if kind == "array":
        count = max(2, schema.get("minItems", 2))
        return [instance(schema.get("items", {}), f"{key}{number}") for number in range(count)]
    plain = {
        "integer": int(schema.get("minimum", 1)),
        "number": 0.5,
        "boolean": share(key) < 0.5,
        "null": None,
    }
    return plain[kind] if kind in plain else f"[{key[:12]}] {prose(key, 12)}"


def bad_answer(kind: str, text: str, request: dict[str, Any]) -> str | None:
    """A good answer made bad; None when this kind does not apply to the request."""
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict | list):
            return _bad_json(kind, text, value)
    answers = {
        "empty": "",
        "length": text[: len(text) // 2],
        "refusal": REFUSAL,
        "label": f"Anna: {text}",
        "placeholder": f"{text} [name]",
        "echo": request["messages"][-1]["content"],
        "foreign": FOREIGN,
    }
    return answers.get(kind)


def _bad_json(kind: str, text: str, value: object) -> str | None:
    answers = {
        "empty": "",
        "length": text[: len(text) // 2],
        "refusal": REFUSAL,
        "garbage": f"Sure! Here it comes: {text[:40]}",
        "fenced": f"Of course:\n```json\n{text}\n```\nDone.",
        "braces": "{}",
    }
    if kind not in CHANGES:
        return answers.get(kind)
    bad = json.dumps(_changed(value, CHANGES[kind]))
    return bad if bad != json.dumps(value) else None


def _changed(value: object, change: Callable[[object], object]) -> object:
    """The value with every part of it changed, from the inside out."""
    if isinstance(value, dict):
        value = {key: _changed(part, change) for key, part in value.items()}
    elif isinstance(value, list):
        value = [_changed(part, change) for part in value]
    return change(value)


def _one_item(value: object) -> object:
    return value[:1] if isinstance(value, list) else value


def _wrong_role(value: object) -> object:
    has_role = isinstance(value, dict) and "role" in value
    return {**value, "role": "narrator"} if has_role else value


def _number(value: object) -> object:
    return 7 if isinstance(value, str) else value


CHANGES = {"one_turn": _one_item, "wrong_role": _wrong_role, "non_string": _number}


def completion(request: dict[str, Any], key: str, text: str, finish: str) -> dict[str, Any]:
    """A chat completion; four characters are taken for a token."""
    prompt, answer = len(json.dumps(request["messages"])) // 4, 1 + len(text) // 4
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": f"chatcmpl-{key}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
        },
    }
