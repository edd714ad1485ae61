"""What the model server writes: good answers, and good answers made bad."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable
from typing import Any

WORDS = re.findall(
    r"\w+",
    "well I guess you could call it one of those quiet evenings when the rain keeps tapping on the glass and nobody "
    "wants to be the first to leave so we talk about music and old films and the odd way people grin when they are "
    "nervous tell me about your day I would like to hear it you sound a bit tired but warm maybe we should walk along "
    "the river next week if it stays dry what would you choose coffee or tea",
)
FOREIGN = (
    "Das weiß ich leider auch nicht genau, aber wir könnten morgen zusammen an den Fluss gehen."
)
SPOILT = {
    "empty", "length", "refusal", "garbage", "label", "placeholder", "echo", "foreign", "fenced", "braces", "one_turn",
    "wrong_role", "non_string",
}  # fmt: skip


def share(*parts: object) -> float:
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def prose(key: str, words: int) -> str:
    start = int(share(key) * len(WORDS))
    step = 1 + int(share(key, "step") * (len(WORDS) - 1))
    return " ".join(WORDS[(start + i * step) % len(WORDS)] for i in range(words)) + "."


def instance(schema: dict[str, Any], key: str) -> Any:
    """A small value that fits a JSON schema."""
    if "enum" in schema:
        return schema["enum"][int(share(key) * len(schema["enum"]))]
    if "anyOf" in schema:
        return instance(schema["anyOf"][0], key)
    kind = schema.get("type", "string")
    if kind == "object":
        return {
            name: instance(part, key + name) for name, part in schema.get("properties", {}).items()
        }
    if kind == "array":
        return [
            instance(schema.get("items", {}), f"{key}{i}")
            for i in range(max(2, schema.get("minItems", 2)))
        ]
    plain = {
        "integer": int(schema.get("minimum", 1)),
        "number": 0.5,
        "boolean": share(key) < 0.5,
        "null": None,
    }
    return plain[kind] if kind in plain else f"[{key[:12]}] {prose(key, 12)}"


def spoil(kind: str, text: str, request: dict[str, Any]) -> str | None:
    """A good answer made bad; None when this kind does not apply to the request."""
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict | list):
            return _spoil_json(kind, text, value)
    bad = {
        "empty": "", "length": text[: len(text) // 2], "refusal": "I'm sorry, but I can't help with that.",
        "label": f"Anna: {text}", "placeholder": f"{text} [name]", "echo": request["messages"][-1]["content"],
        "foreign": FOREIGN,
    }  # fmt: skip
    return bad.get(kind)


def _spoil_json(kind: str, text: str, value: Any) -> str | None:
    bad = {
        "empty": "", "length": text[: len(text) // 2], "refusal": "I'm sorry, but I can't help with that.",
        "garbage": f"Sure! Here it comes: {text[:40]}", "fenced": f"Of course:\n```json\n{text}\n```\nDone.",
        "braces": "{}",
    }  # fmt: skip
    changes: dict[str, Callable[[Any], Any]] = {
        "one_turn": lambda v: v[:1] if isinstance(v, list) else v,
        "wrong_role": lambda v: (
            v | {"role": "narrator"} if isinstance(v, dict) and "role" in v else v
        ),
        "non_string": lambda v: 7 if isinstance(v, str) else v,
    }
    if kind not in changes:
        return bad.get(kind)
    spoilt = json.dumps(_changed(value, changes[kind]))
    return spoilt if spoilt != json.dumps(value) else None


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        value = {k: _changed(v, change) for k, v in value.items()}
    elif isinstance(value, list):
        value = [_changed(v, change) for v in value]
    return change(value)


def completion(request: dict[str, Any], key: str, text: str, finish: str) -> dict[str, Any]:
    asked, said = len(json.dumps(request["messages"])) // 4, 1 + len(text) // 4
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": f"chatcmpl-{key}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }
