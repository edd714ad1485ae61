"""Chat templates: the model's own, or one of `configs/templates` that its tokenizer knows.

A base model has none. Its tokenizer says which one fits: the token that ends a message there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import UserError, texts

# Name → the token that ends a message; it must be one of the tokenizer's own. `plain` ends with
# the tokenizer's end of text, which every one has.
ENDS = {"chatml": "<|im_end|>", "gemma": "<end_of_turn>", "llama-3": "<|eot_id|>", "plain": ""}
NAMES = tuple(ENDS)
OWN = "the model's own"
MARKS = re.compile(r"\{%- (?:end)?generation -%\}")


class ChatTemplate(NamedTuple):
    """name: of `NAMES`, or `OWN`. text: Jinja. why: how it was chosen."""

    name: str
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def chosen(own: str | None, tokens: Container[str], wanted: str | None) -> ChatTemplate:
    """The template of a model. own: that it has. tokens: its tokenizer's. wanted: a name.

    Raises UserError where the tokenizer does not know the one that is wanted.
    """
    if wanted is not None:
        if ENDS[wanted] and ENDS[wanted] not in tokens:
            fitting = ", ".join(_fitting(tokens))
            raise UserError(
                f"--template {wanted}: the tokenizer of this model has no token {ENDS[wanted]}, "
                f"so no reply could end. These fit it: {fitting}."
            )
        return ChatTemplate(wanted, text_of(wanted), "as you chose")
    if own:
        return ChatTemplate(OWN, own, "its tokenizer has one")
    name = _fitting(tokens)[0]
    end = ENDS[name] or "no token that ends a message"
    return ChatTemplate(name, text_of(name), f"it has none of its own; its tokenizer has {end}")


def text_of(name: str, marked: bool = False) -> str:
    """A template of `configs/templates`. marked: with the tags that say which part is a reply,
    which TRL reads and other programs do not know."""
    text = texts.text("templates", f"{name}.jinja")
    return text if marked else MARKS.sub("", text)


def of_model(folder: Path, wanted: str | None) -> ChatTemplate:
    """The template of the model in a folder, by its files alone. Raises UserError as `chosen`, and
    where there is no tokenizer.json."""
    try:
        tokenizer = _record(folder / "tokenizer.json")
        config = _record(folder / "tokenizer_config.json", needed=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} has no tokenizer.json that can be read: {error}.") from None
    own = folder / "chat_template.jinja"
    text = own.read_text("utf-8") if own.is_file() else config.get("chat_template")
    if isinstance(text, list):  # several, by name
        text = {one["name"]: one["template"] for one in text}.get("default")
    tokens = {one["content"] for one in tokenizer.get("added_tokens", ())}
    return chosen(text, tokens, wanted)


def _record(path: Path, needed: bool = True) -> dict[str, Any]:
    if not needed and not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _fitting(tokens: Container[str]) -> list[str]:
    return [name for name, end in ENDS.items() if not end or end in tokens]
