"""Tokens of templates around a message, and turns of the other side after it.

    <|im_start|>assistant\\nI'd love to.<|im_end|>         I'd love to.
    I'd love to.<|im_end|>\\n<|im_start|>user\\nWhen?       I'd love to.
    I'd love to.\\nUser: When?\\nAssistant: At six.         I'd love to.

A message is cut only where its own turn is known to be whole: an end was marked, or the other side
follows a sentence that has ended. Otherwise it stays, for the rules to find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from pipeline.conversation import Conversation, Message, Role
from pipeline.filter.repair.draft import Draft
from pipeline.formats import templates
from pipeline.formats.templates import TemplateMark
from pipeline.rules.style import labels, tokens
from pipeline.rules.style.labels import SpeakerLabel

# What ends a sentence or an action; not an opened bracket, nor a comma.
_ENDED = re.compile(r"[^\w\s,;:：，、(\[{<–—-]\s*\Z")
_LETTER = re.compile(r"[^\W\d_]")
_LABELLED = re.compile(r"\s*[*_]{0,2}\w[\w .'-]{0,24}[*_]{0,2}[:：]")
Speakers = dict[Role, set[str]]  # role → its names, lower case
_SIDES: tuple[Role, ...] = ("user", "assistant")
# These stand in the place of words that are lost.
_LOST = ("unk", "mask", "extra_id")


def remove_tokens(draft: Draft) -> None:
    """Without the tokens that lead or end a message, and without what follows its end."""
    for role in _SIDES:
        change = partial(without_tokens, own=role)
        draft.change_texts("removed template tokens", change, (role,), tokens.SIGNS)


def without_tokens(text: str, own: Role) -> str:
    """A message of one side without its tokens; as it is where others remain."""
    marks = templates.remains(text)
    if not marks or any(_is_lost(text, mark) for mark in marks):
        return text
    led = 0
    while marks and not text[led : marks[0].start].strip() and _may_lead(marks[0], own):
        led = marks.pop(0).end
    end = marks[0].start if marks else len(text)
    body = text[led:end]
    if not _LETTER.search(body) or (led and _LABELLED.match(body)):
        return text
    if marks and not _may_end(text, body, marks, own):
        return text
    return body.strip()


def _is_lost(text: str, mark: TemplateMark) -> bool:
    return any(word in text[mark.start : mark.end].lower() for word in _LOST)


def _may_lead(mark: TemplateMark, own: Role) -> bool:
    """A text or the own turn begins. After `<|im_start|>` an unknown word may be the reply's."""
    if mark.kind == "role":
        return mark.role == own
    return mark.kind in ("begin", "end") or (
        mark.kind == "unknown" and mark.family not in templates.HEADERS
    )


def _may_end(text: str, body: str, marks: Sequence[TemplateMark], own: Role) -> bool:
    """Is the own turn over before the first of these marks?"""
    first, rest = marks[0], text[marks[0].end :]
    if first.kind == "end":
        # <s>struck out</s> is HTML
        return first.family != "sentence" or len(marks) > 1 or not _LETTER.search(rest)
    if first.kind == "role":
        return first.role not in (own, "system") and bool(_ENDED.search(body))
    return not _LETTER.search(_without(text, marks))


def _without(text: str, marks: Sequence[TemplateMark]) -> str:
    """What stands between and after marks."""
    ends = [*(mark.start for mark in marks[1:]), len(text)]
    return "".join(text[mark.end : end] for mark, end in zip(marks, ends, strict=True))


def cut_other_side(draft: Draft, row: Conversation) -> None:
    """Without the turns that a message writes for the other side after its own."""
    for role in _SIDES:
        cut = partial(_own_turn, own=role, speakers=_speakers(row), messages=draft.messages)
        draft.change_texts("cut at the other side's label", cut, (role,))


def _speakers(row: Conversation) -> Speakers:
    """The names of both sides, whole and first names, lower case."""
    named = [(message.role, message.name) for message in row.messages]
    named += [("assistant", row.persona.name)] if row.persona else []
    named += [("user", row.user_persona.name)] if row.user_persona else []
    speakers: Speakers = {"system": set(), "user": set(), "assistant": set()}
    for role, name in named:
        if name and name.strip():
            speakers[role] |= {name.lower(), name.lower().split()[0]}
    return speakers


def _own_turn(text: str, own: Role, speakers: Speakers, messages: Sequence[Message]) -> str:
    """A message up to the first label of the other side."""
    if not labels.may_go_on(text):
        return text
    names = speakers["user"] | speakers["assistant"]
    found = labels.speakers_in(text, names, messages)
    if not found:
        return text
    label = found[0]
    before = _before(text, label)
    side = labels.side_of(label, speakers["user"], speakers["assistant"])
    follows = side not in (own, None) or (side == own and _is_glued(text, label))
    is_whole = _ENDED.search(before) and _LETTER.search(before)
    return before.rstrip() if follows and is_whole else text


def _before(text: str, label: SpeakerLabel) -> str:
    """What stands before a label, without the marks that lead its line."""
    before, line_break, line = text[: label.start].rpartition("\n")
    return before if line_break and not _LETTER.search(line) else text[: label.start]


def _is_glued(text: str, label: SpeakerLabel) -> bool:
    """ "See you!assistant": the tokens between two turns were removed."""
    return text[label.end - 1] not in ":：" and not text[: label.start].endswith("\n")
