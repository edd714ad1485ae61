"""Chat templates: the model's own, or one of `configs/templates` that its tokenizer knows.

A base model has none. Its tokenizer says which one fits: the token that ends a message there.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from pipeline import UserError, texts

# Name → the token that ends a message; it must be one of the tokenizer's own. `plain` ends with
# the tokenizer's end of text, which every one has.
ENDS = {"chatml": "<|im_end|>", "gemma": "<end_of_turn>", "llama-3": "<|eot_id|>", "plain": ""}
NAMES = tuple(ENDS)
OWN = "the model's own"


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


def text_of(name: str) -> str:
    """A template of `configs/templates`."""
    return texts.text("templates", f"{name}.jinja")


def _fitting(tokens: Container[str]) -> list[str]:
    return [name for name, end in ENDS.items() if not end or end in tokens]
