"""A talk as plain text that a base model goes on with, where there is no chat template.

    You are Anna, a lighthouse keeper.

    User: which paint
    Assistant:

The answer ends before the next name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pipeline.llm.request import ChatMessage, JsonObject

NAMES = {"user": "User", "assistant": "Assistant"}
STOPS = [f"\n{name}:" for name in NAMES.values()]


def completion_body(body: JsonObject) -> JsonObject:
    """The request of a chat as one for `/completions`."""
    rest = {name: value for name, value in body.items() if name != "messages"}
    form = cast("JsonObject", body.get("response_format") or {})
    if form.get("type") == "json_schema":  # llama.cpp's own name for it; vLLM takes OpenAI's
        rest["json_schema"] = cast("JsonObject", form["json_schema"])["schema"]
    stops = [*cast("list[str]", body.get("stop") or []), *STOPS]
    return rest | {"prompt": prompt_of(cast("list[ChatMessage]", body["messages"])), "stop": stops}


def prompt_of(messages: Sequence[ChatMessage]) -> str:
    """The talk, with the name of who speaks next at its end."""
    turns = [_turn(message) for message in messages]
    return "".join([*turns, f"{NAMES['assistant']}:"])


def _turn(message: ChatMessage) -> str:
    name = NAMES.get(message["role"])
    return f"{name}: {message['content']}\n" if name else f"{message['content']}\n\n"
