"""The content of one message, as the interfaces of models write it: a text, or a list of parts.

"Good evening."
[{"type": "text", "text": "Good evening."}, {"type": "image_url", "image_url": {"url": ".."}}]
[{"type": "thinking", "thinking": "A guest."}, {"type": "text", "text": "Good evening."}]
{"parts": [{"text": "A guest.", "thought": true}, {"text": "Good evening."}]}

What is neither text nor thought is named, and the shape decides: a picture that a question is about
cannot be left out of a data set, but it can out of somebody's own export.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.collect.shapes.transcript import Fields, dict_of, text_of

TEXTS = ("text", "input_text", "output_text", "summary_text", "refusal", "markdown")
THOUGHTS = ("thinking", "think", "thought", "reasoning", "redacted_thinking")
# what no text stands for → the words in a part's type, or in the names of its fields
OTHERS = {
    "tool call": ("tool", "function", "executablecode", "codeexecution"),
    "picture": ("image", "img", "picture"),
    "audio recording": ("audio", "voice"),
    "video": ("video",),
    "file": ("file", "document", "inlinedata", "inline_data"),
}


class Content(NamedTuple):
    """What a message holds. left_out: the parts that are neither, as in ["picture"]."""

    texts: list[str]
    thoughts: list[str]
    left_out: list[str]


def content_of(value: object, where: str) -> Content:
    """The texts, thoughts and other parts of a content; ValueError where it holds anything else."""
    content = Content([], [], [])
    _add(content, value, where)
    return content


def _add(content: Content, value: object, where: str) -> None:
    if isinstance(value, str):
        content.texts.append(value)
    elif isinstance(value, list):
        for part in value:
            _add_part(content, part, f"a part of {where}")
    elif isinstance(value, dict) and isinstance(value.get("parts"), list):
        _add(content, value["parts"], where)
    else:
        _add_part(content, value, where)


def _add_part(content: Content, part: object, where: str) -> None:
    if isinstance(part, str):
        content.texts.append(part)
        return
    fields = dict_of(part, where)
    kind = str(fields.get("type") or fields.get("content_type") or "text").lower()
    other = _other(kind, fields)
    if kind in THOUGHTS or fields.get("thought") is True:
        content.thoughts.append(_thought(fields, kind))
    elif transcribed := fields.get("transcript"):
        content.texts.append(text_of(transcribed, where))
    elif other:
        content.left_out.append(other)
    elif kind in TEXTS:
        content.texts.append(_text(fields, where))
    else:
        raise ValueError(f"{where} is of the unknown type {kind!r}")


def _other(kind: str, part: Fields) -> str | None:
    """What a part is that is no text: by its type; where it has no text, by its fields as well."""
    names = [kind]
    if "text" not in part:
        names += [str(name).lower() for name in part]
    for other, words in OTHERS.items():
        if any(word in name for word in words for name in names):
            return other
    return None


def _text(part: Fields, where: str) -> str:
    """The text of a part; the threads of OpenAI's Assistants have it as {"value": ..}."""
    text = next(
        (part[name] for name in ("text", "content", "refusal", "value") if name in part), None
    )
    if isinstance(text, dict):
        text = text.get("value")
    return text_of(text, where)


def _thought(part: Fields, kind: str) -> str:
    names = (kind, "text", "content", "summary", "data")
    return next((str(part[name]) for name in names if part.get(name)), "")
