"""Repair before reject: what can be mended without guessing is mended, and every repair is an entry in `edits`."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import ftfy
from ftfy.badness import is_bad

from pipeline.conversation import Annotation, Conversation, Message, Role
from pipeline.recipe.settings import RepairSettings
from pipeline.rules import structure, style

_CODE = "```"
_TAGS = (
    "a|abbr|article|aside|b|big|blockquote|body|br|caption|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|"
    "figure|font|footer|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|li|link|main|mark|meta|nav|ol|option|p|pre|"
    "q|s|samp|script|section|select|small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|"
    "title|tr|tt|u|ul|var|video|wbr"
)
_UNSEEN = (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>"))
_BREAK = re.compile(r"<(?:br|hr)\s*/?>|</(?:p|div|li|tr|h[1-6]|blockquote)\s*>", re.I)
_TAG = re.compile(
    rf"</?(?:{_TAGS})(?:\s+[a-z][\w:-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*\s*/?>", re.I
)
_KEPT_TAG = re.compile(
    r"</?s>"
)  # the end of text of some models, no strike-through: style.template decides
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_LABEL = re.compile(
    r"\s*+[*_]{0,2}(?P<label>[^\s:：*_][^\n:：*_]{0,29}?)[*_]{0,2}\s*+[:：][*_]{0,2}\s*"
)
_ODD = re.compile(
    "[\x00-\x08\t\v\f\r\x0e-\x1f\x7f-\xa0\xad\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]"
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]"
)
_BLANKS = re.compile("[ \t\v\f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BREAKS = re.compile(" *(?:\r\n?|[\n\x85\u2028\u2029]) *")

Messages = list[Message]
Edits = list[str]
Labels = list[Annotation]  # one for each message, or none at all; repairs keep it so


def mend(row: Conversation, settings: RepairSettings) -> Conversation:
    """Mend the messages one by one: decoding, HTML, blanks, labels; then leave out the empty ones."""
    messages, labels, edits = list(row.messages), list(row.annotations), list[str]()
    text = "\0".join(m.content for m in messages)
    if settings.mojibake and not text.isascii() and is_bad(text):
        messages = _each(messages, edits, "mended wrongly decoded text", ftfy.fix_encoding)
    if settings.html and ("<" in text or "&" in text):
        messages = _each(messages, edits, "removed HTML", strip_html)
    text = "\0".join(m.content for m in messages) if edits else text
    if settings.characters and _untidy(text, messages):
        messages = _each(messages, edits, "tidied blanks and characters", tidy)
    if settings.labels and (":" in text or "：" in text):
        messages = unlabel(messages, edits, row)
    if settings.empty and not all(m.content and not m.content.isspace() for m in messages):
        messages = drop_empty(messages, labels, edits)
    return _changed(row, messages, labels, edits)


def shape(row: Conversation, settings: RepairSettings) -> Conversation:
    """Make it a dialogue: two speakers in turn, cut at the last good reply."""
    messages, labels, edits = list(row.messages), list(row.annotations), list[str]()
    if settings.pair:
        messages = longest_pair(messages, labels, edits, settings.least)
    if settings.merge:
        messages = merge(messages, labels, edits)
    if settings.tail:
        messages = cut_tail(messages, edits)
    if settings.trim:
        messages = trim(messages, edits)
    return _changed(row, messages, labels[: len(messages)], edits)


def strip_html(text: str) -> str:
    """Without tags and comments, entities as characters; what only looks like HTML ("I <3 you") and code stay."""
    if _CODE in text:
        return text
    if "<" in text:
        text = _BREAK.sub("\n", _without_unseen(text))
        text = _TAG.sub(lambda tag: tag[0] if _KEPT_TAG.fullmatch(tag[0]) else "", text)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


def _without_unseen(text: str) -> str:
    """Without comments, scripts and styles. Searched for by hand: a pattern would be quadratic in what never closes."""
    for opening, closing in _UNSEEN:
        kept, done, lower = [], 0, text.lower()
        while (start := lower.find(opening, done)) >= 0 and (
            end := lower.find(closing, start)
        ) >= 0:
            kept.append(text[done:start])
            done = end + len(closing)
        text = "".join([*kept, text[done:]])
    return text


def tidy(text: str) -> str:
    """Composed characters (NFC), none that are invisible, single blanks, no blanks around line breaks; code stays."""
    if _CODE in text:
        return text.strip()
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def unlabel(messages: Messages, edits: Edits, row: Conversation) -> Messages:
    """Without speakers' labels at the start of messages, and without a label at the end that nothing follows."""
    cards = [p.name.lower() for p in (row.persona, row.user_persona) if p and p.name]
    known = {*cards, *(m.name.lower() for m in messages if m.name), *style.known_labels()}
    named = {*known, *style.opening_labels(messages), *_headings(messages)}

    def strip(text: str) -> str:
        match = _LABEL.match(text)
        if match and match["label"].strip().lower() in named:
            text = text[match.end() :]
        before, line_break, last = text.rstrip().rpartition("\n")
        match = _LABEL.fullmatch(last) if line_break else None
        return before.rstrip() if match and match["label"].strip().lower() in named else text

    return _each(messages, edits, "removed speakers' labels", strip)


def _headings(messages: Messages) -> set[str]:
    """Capitalised words before a colon that open two messages and at least half of all: labels of this talk."""
    starts = [_LABEL.match(m.content) for m in messages]
    found = [
        s["label"].strip()
        for s in starts
        if s and s["label"][:1].isupper() and s["label"].count(" ") < 3
    ]
    labels = {label.lower() for label, n in Counter(found).items() if n >= 2}
    return labels if 2 * len(found) >= len(messages) else set()


def drop_empty(messages: Messages, labels: Labels, edits: Edits) -> Messages:
    """Without messages that say nothing."""
    _keep(labels, [i for i, m in enumerate(messages) if m.content.strip()])
    return _without(
        messages,
        edits,
        "removed empty",
        [i for i, m in enumerate(messages) if not m.content.strip()],
    )


def longest_pair(messages: Messages, labels: Labels, edits: Edits, least: int) -> Messages:
    """A talk of three and more speakers: its longest stretch between two, who become user and assistant.

    least: messages that the stretch must have; otherwise the talk stays as it is and `structure.speakers` decides.
    """
    talk = [i for i, m in enumerate(messages) if m.role != "system"]
    who = [structure.speaker(messages[i]) for i in talk]
    if len(set(who)) <= 2:
        return messages
    first, last = _longest_stretch(who)
    if last - first < least:
        return messages
    roles: dict[str, Role] = {who[first]: "user"}
    kept = [
        messages[i]._replace(role=roles.setdefault(structure.speaker(messages[i]), "assistant"))
        for i in talk[first:last]
    ]
    edits.append(
        f"filter: kept messages {talk[first]} to {talk[last - 1]} of {len(messages)}, "
        "the longest stretch between two speakers"
    )
    system = [i for i, m in enumerate(messages) if m.role == "system"]
    _keep(labels, [*system, *talk[first:last]])
    return [messages[i] for i in system] + kept


def _longest_stretch(who: list[str]) -> tuple[int, int]:
    """Start and end of the longest run with two different values."""
    best, start = (0, 0), 0
    for end in range(1, len(who) + 1):
        while len(set(who[start:end])) > 2:
            start += 1
        if end - start > best[1] - best[0]:
            best = (start, end)
    return best


def merge(messages: Messages, labels: Labels, edits: Edits) -> Messages:
    """Messages that one speaker says in a row become one, joined by a line break, with the label of the first."""
    merged: Messages = []
    firsts: list[int] = []
    first = 0
    for i, message in enumerate(messages):
        if merged and message.role != "system" and _speaks_on(merged[-1], message):
            if first == i - 1:
                edits.append("")
            merged[-1] = merged[-1]._replace(content=f"{merged[-1].content}\n{message.content}")
            edits[-1] = f"filter: merged messages {first} to {i} of one speaker"
        else:
            merged.append(message)
            first = i
            firsts.append(i)
    _keep(labels, firsts)
    return merged


def _speaks_on(before: Message, message: Message) -> bool:
    return (before.role, before.name) == (message.role, message.name)


def cut_tail(messages: Messages, edits: Edits) -> Messages:
    """Without a last message that must have been cut off."""
    if structure.breaks_off(messages) < 1:
        return messages
    return _without(messages, edits, "cut the tail that breaks off:", [len(messages) - 1])


def trim(messages: Messages, edits: Edits) -> Messages:
    """Without a last message of the user that nobody answers."""
    if len(messages) < 2 or messages[-1].role != "user":
        return messages
    return _without(messages, edits, "trimmed unanswered", [len(messages) - 1])


def _keep(labels: Labels, kept: list[int]) -> None:
    """Only the labels of these messages, where there are labels at all."""
    labels[:] = [labels[i] for i in kept] if labels else []


def _each(messages: Messages, edits: Edits, what: str, change: Callable[[str], str]) -> Messages:
    texts = [change(m.content) for m in messages]
    changed = [i for i, m in enumerate(messages) if m.content != texts[i]]
    if changed:
        edits.append(f"filter: {what} in {_listed(changed)}")
    return [
        m._replace(content=text) if m.content != text else m
        for m, text in zip(messages, texts, strict=True)
    ]


def _without(messages: Messages, edits: Edits, what: str, gone: list[int]) -> Messages:
    if gone:
        edits.append(f"filter: {what} {_listed(gone)}")
    without = set(gone)
    return [m for i, m in enumerate(messages) if i not in without]


def _listed(indices: list[int]) -> str:
    return f"message{'s' if len(indices) > 1 else ''} {', '.join(map(str, indices))}"


def _untidy(text: str, messages: Messages) -> bool:
    odd = (
        bool(_ODD.search(text.replace("\0", "\n")))
        or "  " in text
        or " \n" in text
        or "\n " in text
    )
    return (
        odd
        or any(m.content != m.content.strip() for m in messages)
        or not unicodedata.is_normalized("NFC", text)
    )


def _changed(row: Conversation, messages: Messages, labels: Labels, edits: Edits) -> Conversation:
    if not edits:
        return row
    return replace(
        row, messages=tuple(messages), annotations=tuple(labels), edits=(*row.edits, *edits)
    )
