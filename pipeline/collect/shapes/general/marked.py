"""A conversation in one text with the marks of a chat template.

{"text": "<|im_start|>user\\nTea?<|im_end|>\\n<|im_start|>assistant\\nGladly.<|im_end|>"}
{"text": "### Human: Tea?### Assistant: Gladly."}
{"prompt": "<|system|>Be Ada.<|user|>Tea?<|model|>", "generation": "Gladly."}
{"instruction": "Human:Tea?\\nAssistant:Gladly.\\nHuman:Sugar?\\nAssistant:", "output": "No."}

The last answer may stand in a field of its own. `rejected` is an alternative to the last answer. A
text that breaks the order of its marks, holds the marks of a tool or of an unknown role is refused:
see `pipeline/formats/templates.py` for the marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.collect.shapes.common import beside
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    id_field,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Alternative
from pipeline.formats import labels, templates
from pipeline.formats.templates import MarkedText

ABOUT = About("texts with the marks of a chat template", ("roles", "personas", "alternatives"))

# Labels are looked for in these only, tokens in every field.
PLACES = ("text", "prompt", "conversation", "dialogue", "dialog", "chat", "input", "instruction")
ASKS = ("prompt", "instruction", "query", "question", "input", "context", "history")
ANSWERS = ("chosen", "completion", "generation", "output", "response", "answer", "reply")
SEVERAL = ("completions", "candidates", "responses", "generations", "answers")  # see `several`
IDS = ("id", "uuid", "prompt_id", "conversation_id")
LABEL = re.compile(r"\A\s*(?:### ?)?system[ \t]?:\s*", re.I)


def recognise(record: object) -> bool:
    return isinstance(record, dict) and (_in_segments(record) or _place(record) is not None)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    if _in_segments(fields):
        raise ValueError("`segments` of a text without a template: join them in a field `text`")
    place = _place(fields)
    if place is None:
        raise ValueError("no field holds a text with the marks of a chat template")
    text = text_of(fields[place], place)
    marked = conversation_of(text)
    answer = _answer(fields, place, marked)
    _check_others(fields, place, text)
    around = beside.found(fields, turns_of(marked), place, *ASKS, *ANSWERS)
    around.turns[:1] = map(_unlabelled, around.turns[:1])
    _check_one_prompt(around.turns)
    alternatives = _alternatives(fields, place, around.turns)
    used = [place, answer, *around.used, "rejected" if alternatives else None]
    yield Transcript(
        around.turns,
        around.personas,
        record_id(fields, *IDS),
        around.group,
        alternatives=alternatives,
        extra=rest(fields, *used, id_field(fields, *IDS)),
        left_out=dict(marked.left_out),
        assumed=around.assumed,
    )


def turns_of(marked: MarkedText) -> list[Turn]:
    return [(None, text, role) for role, text in marked.turns]


def conversation_of(text: str) -> MarkedText:
    """The turns of a text with marks. ValueError: why they make no whole conversation."""
    if templates.is_marked(text):
        return templates.conversation_of(text)
    style = labels.style_of(text)
    if style is None:
        raise ValueError("the text has no marks of a chat template")
    return labels.conversation_of(text, style)


def _answer(record: Fields, place: str, marked: MarkedText) -> str | None:
    """The field with the last answer, which is added to the turns."""
    found = [name for name in ANSWERS if name != place and isinstance(record.get(name), str)]
    if place == "chosen" or not found:
        return None
    answer = templates.bare(text_of(record[found[0]], found[0]))
    role, last = marked.turns[-1]
    if role == "user":
        marked.turns.append(("assistant", answer))
        if marked.awaits:
            del marked.left_out[templates.EMPTY]
    elif last != answer:
        raise ValueError(f"the text ends with an answer, and `{found[0]}` holds another")
    return found[0]


def _check_others(record: Fields, place: str, text: str) -> None:
    """ValueError where a further field holds what belongs to the conversation."""
    for name in ASKS:
        value = record.get(name)
        if name == place or not value or (isinstance(value, str) and value.strip() in text):
            continue
        raise ValueError(f"beside the conversation in `{place}` there is `{name}`")


def _unlabelled(turn: Turn) -> Turn:
    """A prompt without the label that it may have in a field of its own, `SYSTEM:`."""
    speaker, text, role = turn
    return speaker, LABEL.sub("", text) if role == "system" else text, role


def _check_one_prompt(turns: list[Turn]) -> None:
    if [role for _, _, role in turns[:2]] == ["system", "system"]:
        raise ValueError("two system prompts: one in the text and one in a field of its own")


def _alternatives(record: Fields, place: str, turns: list[Turn]) -> tuple[Alternative, ...]:
    """The last answer and the rejected one; () where the rejected text differs before that."""
    rejected = record.get("rejected")
    if not isinstance(rejected, str) or "chosen" not in record:
        return ()
    number, last = len(turns) - 1, turns[-1][1]
    if place == "chosen":
        earlier = [(role, text) for _, text, role in turns]
        other = conversation_of(rejected).turns
        if other[:-1] != earlier[-len(other) : -1]:
            return ()
        rejected = other[-1][1]
    rejected = templates.bare(rejected)
    return (Alternative(number, last, "chosen", True), Alternative(number, rejected, "rejected"))


def _in_segments(record: Fields) -> bool:
    """Whether a text stands in pieces, those to be trained on marked: Axolotl, `template-free`."""
    pieces = record.get("segments")
    if not isinstance(pieces, list):
        return False
    return any(isinstance(piece, dict) and {"label", "text"} <= piece.keys() for piece in pieces)


def _place(record: Fields) -> str | None:
    """The field with the conversation; None where there are several answers to it."""
    if any(isinstance(record.get(name), list) for name in SEVERAL):
        return None
    texts = {name: value for name, value in record.items() if isinstance(value, str)}
    if _holds_both_sides(texts.get("chosen", "")):
        return "chosen"
    places = [name for name in PLACES if name in texts]
    others = [name for name in texts if name not in (*PLACES, *ANSWERS, "rejected")]
    names = [name for name in (*places, *others) if templates.is_marked(texts[name])]
    names += [name for name in places if labels.style_of(texts[name])]
    if not names or _is_question(texts, names):
        return None
    return names[0]


def _is_question(texts: dict[str, str], marked: list[str]) -> bool:
    """Whether a question and its answer stand in fields of their own, as in Alpaca with `text`."""
    asks = [name for name in ASKS if texts.get(name) and name not in marked]
    return bool(asks) and any(texts.get(name) for name in ANSWERS)


def _holds_both_sides(text: str) -> bool:
    roles = {mark.role for mark in templates.marks(text)}
    return {"user", "assistant"} <= roles or labels.style_of(text) is not None
