"""Repair before reject: what can be repaired without guessing is, and every repair is an entry in
`edits`."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import ftfy
from ftfy.badness import is_bad

from pipeline.conversation import Alternative, Annotation, Conversation, Message, Role
from pipeline.recipe.filter import RepairSettings
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
_KEPT_TAG = re.compile(r"</?s>")  # the end of text of some models: style.template decides
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


@dataclass
class Draft:
    """A conversation under repair. annotations: one for each message, or none at all; repairs keep
    it so. alternatives: with the indexes that the messages have now."""

    messages: list[Message]
    annotations: list[Annotation]
    alternatives: list[Alternative]
    edits: list[str]

    @classmethod
    def of(cls, row: Conversation) -> Draft:
        return cls(list(row.messages), list(row.annotations), list(row.alternatives), [])

    def text(self) -> str:
        """All messages and alternatives, for tests that most conversations fail."""
        texts = [message.content for message in self.messages]
        texts += [other.content for other in self.alternatives]
        return "\0".join(texts)

    def change_texts(self, what: str, change: Callable[[str], str]) -> None:
        """Change every message and every alternative by itself; those that come out otherwise are
        noted."""
        changed: list[int] = []
        for index, message in enumerate(self.messages):
            text = change(message.content)
            if text != message.content:
                self.messages[index] = message._replace(content=text)
                changed.append(index)
        if changed:
            self.edits.append(f"filter: {what} in {listed(changed)}")
        if self.alternatives:
            self._change_alternatives(what, change)

    def _change_alternatives(self, what: str, change: Callable[[str], str]) -> None:
        before = self.alternatives
        self.alternatives = [other._replace(content=change(other.content)) for other in before]
        pairs = zip(before, self.alternatives, strict=True)
        changed = sorted({old.message for old, new in pairs if old != new})
        if changed:
            self.edits.append(f"filter: {what} in alternatives of {listed(changed)}")

    def remove_empty_alternatives(self) -> None:
        """Leave alternatives out that hold nothing."""
        empty = [other.message for other in self.alternatives if not other.content.strip()]
        if empty:
            places = listed(sorted(set(empty)))
            self.edits.append(f"filter: removed empty alternatives of {places}")
            self.alternatives = [other for other in self.alternatives if other.content.strip()]

    def remove(self, what: str, gone: Sequence[int]) -> None:
        """Leave messages out, with their annotations and alternatives."""
        if not gone:
            return
        self.edits.append(f"filter: {what} {listed(gone)}")
        without = set(gone)
        self.keep([index for index in range(len(self.messages)) if index not in without])

    def keep(self, kept: Sequence[int]) -> None:
        """Only these messages, with their annotations and alternatives."""
        self.messages = [self.messages[index] for index in kept]
        if self.annotations:
            self.annotations = [self.annotations[index] for index in kept]
        if self.alternatives:
            places = {index: place for place, index in enumerate(kept)}
            others = [other for other in self.alternatives if other.message in places]
            self.alternatives = [other._replace(message=places[other.message]) for other in others]

    def repaired(self, row: Conversation) -> Conversation:
        """The row as it now is."""
        if not self.edits:
            return row
        return replace(
            row,
            messages=tuple(self.messages),
            annotations=tuple(self.annotations),
            alternatives=tuple(self.alternatives),
            edits=(*row.edits, *self.edits),
        )


def repair_texts(row: Conversation, settings: RepairSettings) -> Conversation:
    """Repair the messages one by one: decoding, HTML, blanks, labels; then leave out the empty
    ones."""
    draft = Draft.of(row)
    text = draft.text()
    if settings.mojibake and not text.isascii() and is_bad(text):
        draft.change_texts("repaired wrongly decoded text", ftfy.fix_encoding)
    if settings.html and ("<" in text or "&" in text):
        draft.change_texts("removed HTML", strip_html)
    text = draft.text() if draft.edits else text
    if settings.characters and _is_untidy(text, [*draft.messages, *draft.alternatives]):
        draft.change_texts("tidied blanks and characters", tidy)
    if settings.labels and (":" in text or "：" in text):
        remove_labels(draft, row)
    if settings.empty:
        empty = [n for n, message in enumerate(draft.messages) if not message.content.strip()]
        draft.remove("removed empty", empty)
        draft.remove_empty_alternatives()
    return draft.repaired(row)


def repair_shape(row: Conversation, settings: RepairSettings) -> Conversation:
    """Make it a dialogue: two speakers in turn, cut at the last good reply."""
    draft = Draft.of(row)
    if settings.pair:
        keep_longest_pair(draft, settings.least)
    if settings.merge:
        merge(draft)
    if settings.tail and structure.breaks_off(draft.messages) >= 1:
        draft.remove("cut the tail that breaks off:", [len(draft.messages) - 1])
    if settings.trim and len(draft.messages) >= 2 and draft.messages[-1].role == "user":
        draft.remove("trimmed unanswered", [len(draft.messages) - 1])
    return draft.repaired(row)


# --- one text


def strip_html(text: str) -> str:
    """Without tags and comments, entities as characters; what only looks like HTML ("I <3 you") and
    code stay."""
    if _CODE in text:
        return text
    if "<" in text:
        text = _BREAK.sub("\n", _without_unseen(text))
        text = _TAG.sub(_kept_of_tag, text)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def _kept_of_tag(tag: re.Match[str]) -> str:
    return tag[0] if _KEPT_TAG.fullmatch(tag[0]) else ""


def _without_unseen(text: str) -> str:
    """Without comments, scripts and styles."""
    for opening, closing in _UNSEEN:
        text = _without_blocks(text, opening, closing)
    return text


def _without_blocks(text: str, opening: str, closing: str) -> str:
    """Without all from an opening to its closing. Searched for by hand: a pattern would be
    quadratic in what never closes."""
    kept: list[str] = []
    done, lower = 0, text.lower()
    while True:
        start = lower.find(opening, done)
        end = lower.find(closing, start) if start >= 0 else -1
        if end < 0:
            return "".join([*kept, text[done:]])
        kept.append(text[done:start])
        done = end + len(closing)


def tidy(text: str) -> str:
    """Composed characters (NFC), none that are invisible, single blanks, no blanks around line
    breaks; code stays."""
    if _CODE in text:
        return text.strip()
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def _is_untidy(text: str, messages: Sequence[Message | Alternative]) -> bool:
    """Would `tidy` change any message or alternative? text: all of them."""
    if _ODD.search(text.replace("\0", "\n")) or not unicodedata.is_normalized("NFC", text):
        return True
    if any(blanks in text for blanks in ("  ", " \n", "\n ")):
        return True
    return any(message.content != message.content.strip() for message in messages)


# --- labels


def remove_labels(draft: Draft, row: Conversation) -> None:
    """Without speakers' labels at the start of messages, and without a label at the end that
    nothing follows."""
    personas = (row.persona, row.user_persona)
    names = [persona.name.lower() for persona in personas if persona and persona.name]
    names += [message.name.lower() for message in draft.messages if message.name]
    opening = style.opening_labels(draft.messages)
    labels = {*names, *style.known_labels(), *opening, *_headings(draft.messages)}
    draft.change_texts("removed speakers' labels", lambda text: _without_labels(text, labels))


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


# --- the shape of the talk


def keep_longest_pair(draft: Draft, least: int) -> None:
    """A talk of three and more speakers: its longest stretch between two, who become user and
    assistant.

        Ada Ben Ada Ben Ada Cid Ada      Ada and Ben, messages 0 to 4; then Ada is the user, Ben the
        assistant

    least: messages that the stretch must have; otherwise the talk stays as it is and
    `structure.speakers` decides.
    """
    talk = [index for index, message in enumerate(draft.messages) if message.role != "system"]
    speakers = [structure.speaker(draft.messages[index]) for index in talk]
    if len(set(speakers)) <= 2:
        return
    first, last = _longest_stretch(speakers)
    if last - first < least:
        return
    stretch = f"messages {talk[first]} to {talk[last - 1]} of {len(draft.messages)}"
    draft.edits.append(f"filter: kept {stretch}, the longest stretch between two speakers")
    system = [index for index, message in enumerate(draft.messages) if message.role == "system"]
    draft.keep([*system, *talk[first:last]])
    _give_roles(draft.messages, len(system))


def _give_roles(messages: list[Message], start: int) -> None:
    """From `start` on, who speaks first is the user, the other the assistant."""
    roles: dict[str, Role] = {}
    for index in range(start, len(messages)):
        speaker = structure.speaker(messages[index])
        role = roles.setdefault(speaker, "assistant" if roles else "user")
        messages[index] = messages[index]._replace(role=role)


def _longest_stretch(speakers: Sequence[str]) -> tuple[int, int]:
    """Start and end of the longest run with two different values."""
    best, start = (0, 0), 0
    for end in range(1, len(speakers) + 1):
        while len(set(speakers[start:end])) > 2:
            start += 1
        if end - start > best[1] - best[0]:
            best = (start, end)
    return best


def merge(draft: Draft) -> None:
    """Messages of one speaker in a row become one, joined by a line break, with the annotation of
    the first."""
    firsts: list[int] = []
    for index, message in enumerate(draft.messages):
        if not firsts or not _continues(draft.messages[firsts[-1]], message):
            firsts.append(index)
    for first, following in pairwise([*firsts, len(draft.messages)]):
        if following > first + 1:
            _join(draft, range(first, following))
            draft.edits.append(f"filter: merged messages {first} to {following - 1} of one speaker")
    draft.keep(firsts)


def _join(draft: Draft, run: range) -> None:
    """Write a run of messages into its first. What could stand in the place of one of them can now
    stand there with the others around it:

        "Hello." "Tea?", alternative to the second "Soup?"     "Hello.\nTea?", "Hello.\nSoup?"
    """
    parts = [draft.messages[index].content for index in run]
    whole = "\n".join(parts)
    draft.messages[run.start] = draft.messages[run.start]._replace(content=whole)
    before, draft.alternatives = draft.alternatives, []
    is_chosen = False  # each part may have one that was chosen: the whole is chosen once
    for other in before:
        if other.message in run:
            place = other.message - run.start
            content = "\n".join([*parts[:place], other.content, *parts[place + 1 :]])
            other = other._replace(message=run.start, content=content)
            if other.chosen and content == whole:
                if is_chosen:
                    continue
                is_chosen = True
        draft.alternatives.append(other)


def _continues(before: Message, message: Message) -> bool:
    """Is a message by the speaker of the one before?"""
    same = (before.role, before.name) == (message.role, message.name)
    return same and message.role != "system"


def listed(indices: Sequence[int]) -> str:
    """message 3; messages 3, 5"""
    plural = "s" if len(indices) > 1 else ""
    return f"message{plural} {', '.join(map(str, indices))}"
