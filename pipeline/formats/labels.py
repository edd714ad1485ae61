"""Conversations in one text whose turns begin with a label: Guanaco, Alpaca, Vicuna, Human: and
Assistant:.

    ### Human: Tea?### Assistant: Gladly.            ("user", "Tea?"), ("assistant", "Gladly.")

A writer may type a label by chance, so the two sides have to take turns: where they do not, the
text is refused. The tokens of templates are in `templates.py`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from pipeline.conversation import Role
from pipeline.formats.templates import MarkedText, add_preamble, bare, whole

WORDS: dict[str, Role] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "instruction": "user",
    "question": "user",
    "prompt": "user",
    "input": "user",
    "context": "user",
    "问": "user",
    "用户": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "response": "assistant",
    "output": "assistant",
    "answer": "assistant",
    "completion": "assistant",
    "答": "assistant",
    "助手": "assistant",
}
BESIDE = ("input", "context")  # belongs to the instruction before it
SIDES = r"Human|User|Assistant|AI|Bot|GPT|ChatGPT|System"
HASHED = rf"{SIDES}|Instruction|Input|Context|Response|Output|Question|Answer|Prompt|Completion"

# style → its labels, the most certain first. Of `###` and of capitals also in the middle of lines.
STYLES: dict[str, re.Pattern[str]] = {
    "hashes": re.compile(
        rf"(?<!#)###[ \t]?({HASHED})(?:[ \t]*\([^)\n]*\))?[ \t]*(?::|(?=\r?\n|\Z))", re.I
    ),
    "angles": re.compile(r"^[ \t]*<(human|user|bot|assistant|system)>:?", re.M),
    "paragraphs": re.compile(rf"(?:\A\s*|\n[ \t]*\r?\n[ \t]*)({SIDES}):", re.I),
    "capitals": re.compile(r"(?:\A|(?<=[\s>]))(USER|HUMAN|ASSISTANT|GPT|BOT|SYSTEM)[ \t]?:"),
    "lines": re.compile(rf"^[ \t]*({SIDES}|问|答|用户|助手)[ \t]?[:：]", re.M | re.I),
    "OpenChat": re.compile(
        r"(?:\A\s*(?:<s>)?|<\|end_of_turn\|>\s*)"
        r"(?:[\w ]*Correct |GPT4 )?(User|Human|Assistant|System):"
    ),
}
# these may have a system prompt before their first label
WITH_PREAMBLE = ("hashes", "capitals")
TOOL = re.compile(r"^[ \t]*(?:FUNCTION(?: RESPONSE)?|TOOL|OBSERVATION)[ \t]?:", re.M | re.I)
BORDER = re.compile(r"\[Round \d+\]|<\|endoftext\|>|<\|end_of_turn\|>|</?s>|\s+")


class Label(NamedTuple):
    """One label: its word in small letters, its place in the text."""

    word: str
    start: int
    end: int


def style_of(text: str) -> str | None:
    """The style of the labels of a text; None where it is not a conversation with labels.

    A text with labels has both sides; those of most styles begin it.
    """
    text = _unrounded(text)
    for style in STYLES:
        found = labels(text, style)
        roles = {WORDS[label.word] for label in found}
        if {"user", "assistant"} <= roles and (style in WITH_PREAMBLE or _begins(text, found[0])):
            return style
    return None


def labels(text: str, style: str) -> list[Label]:
    matches = STYLES[style].finditer(text)
    return [Label(found[1].lower(), found.start(), found.end()) for found in matches]


def conversation_of(text: str, style: str) -> MarkedText:
    """The turns of a text with labels. ValueError: why they make no whole conversation."""
    text = _unrounded(text)
    if TOOL.search(text):
        raise ValueError("holds the label of a tool: without it the conversation is not whole")
    found = labels(text, style)
    result = MarkedText()
    add_preamble(result, bare(text[: found[0].start]))
    before: str | None = None
    for label, end in zip(found, [*(one.start for one in found[1:]), len(text)], strict=True):
        piece = bare(text[label.end : end])
        if label.word in BESIDE:
            _join(result, piece, before)
        else:
            result.turns.append((WORDS[label.word], piece))
        before = label.word
    _check_order(result)
    return whole(result)


def _join(result: MarkedText, piece: str, before: str | None) -> None:
    """Add the input or the context to its instruction, after an empty line."""
    if before is None or WORDS[before] != "user":
        raise ValueError("an input or a context stands without an instruction")
    role, text = result.turns[-1]
    result.turns[-1] = (role, "\n\n".join(filter(None, [text, piece])))


def _check_order(result: MarkedText) -> None:
    roles = [role for role, _ in result.turns]
    if roles and roles[0] == "system":
        roles.pop(0)
    if "system" in roles:
        raise ValueError("a system prompt stands between the turns")
    for one, other in pairwise(roles):
        if one == other:
            raise ValueError(f"two turns of the {one} in a row: a label may stand in a text")


def _begins(text: str, label: Label) -> bool:
    return not BORDER.sub("", text[: label.start])


def _unrounded(text: str) -> str:
    """Without the lines that count the rounds: `[Round 1]`."""
    return re.sub(r"^[ \t]*\[Round \d+\][ \t]*\r?\n?", "", text, flags=re.M)
