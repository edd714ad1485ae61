"""Speakers' labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pipeline.conversation import Conversation, Message
from pipeline.filter.repair.draft import Draft
from pipeline.rules.style import labels as known

COLONS = (":", "：")
_LABEL = re.compile(
    r"\s*+[*_]{0,2}(?P<label>[^\s:：*_][^\n:：*_]{0,29}?)[*_]{0,2}\s*+[:：][*_]{0,2}\s*"
)


def remove_labels(draft: Draft, row: Conversation) -> None:
    """Without speakers' labels at the start of messages, and without a label at the end that
    nothing follows."""
    personas = (row.persona, row.user_persona)
    names = [persona.name.lower() for persona in personas if persona and persona.name]
    names += [message.name.lower() for message in draft.messages if message.name]
    opening = known.opening_labels(draft.messages)
    labels = {*names, *known.known_labels(), *opening, *_headings(draft.messages)}
    draft.change_texts(
        "removed speakers' labels", lambda text: _without_labels(text, labels), signs=COLONS
    )


def _without_labels(text: str, labels: set[str]) -> str:
    match = _LABEL.match(text)
    if match and _label_of(match) in labels:
        text = text[match.end() :]
    before, line_break, last = text.rstrip().rpartition("\n")
    match = _LABEL.fullmatch(last) if line_break else None
    return before.rstrip() if match and _label_of(match) in labels else text


def _label_of(match: re.Match[str]) -> str:
    return match["label"].strip().lower()


def _headings(messages: Sequence[Message]) -> set[str]:
    """Capitalised words before a colon that open two messages and at least half of all: labels of
    this talk."""
    matches = [_LABEL.match(message.content) for message in messages]
    found = [match["label"].strip() for match in matches if match and _is_heading(match["label"])]
    if 2 * len(found) < len(messages):
        return set()
    return {label.lower() for label, count in Counter(found).items() if count >= 2}


def _is_heading(label: str) -> bool:
    return label[:1].isupper() and label.count(" ") < 3
