"""What stands among messages and is not shown as one: deleted, failed, replaced by another answer.

{"role": "assistant", "content": "429: try later", "status": "error"}
{"role": "assistant", "content": "No ferry today.", "active": false}
{"role": "user", "content": "oops", "deleted": true}

Answers that another one replaced are alternatives of it. The other texts of a message may also
stand inside it: {"content": "At seven.", "variants": ["At six.", "At seven."]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.transcript import ROLE_WORDS, Fields, Turn, items_in
from pipeline.conversation import Alternative

Item = TypeVar("Item")

# fields that say it by being true → what the message is then
MARKS = {
    "deleted": "deleted message",
    "is_deleted": "deleted message",
    "removed": "deleted message",
    "is_removed": "deleted message",
    "unsent": "deleted message",
    "is_unsent": "deleted message",
    "hidden": "hidden message",
    "is_hidden": "hidden message",
    "is_error": "error",
    "error": "error",
    "superseded": "other answer",
    "is_superseded": "other answer",
    "replaced": "other answer",
    "discarded": "other answer",
    "is_discarded": "other answer",
}
STATES = ("status", "state")
# values of `status` → what the message is then
OF_STATE = {
    "deleted": "deleted message",
    "removed": "deleted message",
    "unsent": "deleted message",
    "recalled": "deleted message",
    "retracted": "deleted message",
    "hidden": "hidden message",
    "draft": "draft",
    "error": "error",
    "failed": "error",
    "superseded": "other answer",
    "discarded": "other answer",
}
# fields that are true for the answer that is shown, and false for the others
ACTIVE = ("active", "is_active", "selected", "is_selected", "is_current", "is_latest", "is_main")
OTHER = "other answer"
# lists of all texts that may stand in a message's place
VARIANTS = ("variants", "alternatives", "swipes", "regenerations", "versions", "drafts")
# kinds of entries: those that are messages, and those that surely are not
SAID = frozenset(["message", "msg", "text", "chat", "chat_message", "user_message", "comment"])
SIDES = frozenset(word for word, role in ROLE_WORDS.items() if role != "system")
NOTICES = frozenset([
    "join", "joined", "leave", "left", "part", "quit", "kick", "ban", "topic", "system", "notice",
    "notification", "info", "presence", "typing", "connect", "disconnect", "connected",
    "disconnected", "member_joined", "member_left", "user_joined", "user_left", "action", "slot",
    "session_started", "note", "internal_note", "private_note",
])  # fmt: skip
MEDIA = frozenset([
    "image", "photo", "picture", "video", "audio", "voice", "voice_message", "sticker", "gif",
    "file", "document", "location", "contact", "media", "attachment", "call", "voice_call",
    "video_call",
])  # fmt: skip
TRUE = (True, 1, "true", "True", "TRUE", "1", "yes", "Yes")
FALSE = (False, 0, "false", "False", "FALSE", "0", "no", "No")


class Split(NamedTuple):
    """Which of several messages are shown.

    kept: their numbers. others: (place in `kept`, the number of an answer that was replaced by it).
    left_out: what the rest is → how many.
    """

    kept: list[int]
    others: list[tuple[int, int]]
    left_out: dict[str, int]

    def of(self, every: Sequence[Item]) -> list[Item]:
        """The shown ones of what there is one of a message."""
        return [every[number] for number in self.kept]


def why_not(item: Mapping[str, object]) -> str | None:
    """What a message is that its own fields say is not shown; None where it is shown."""
    for name in known.all_of(MARKS, item):
        value = item[name]
        if value in TRUE or (isinstance(value, dict) and value):
            return MARKS[known.plain(name)]
    states = (str(item[name]).lower() for name in known.all_of(STATES, item))
    return next((OF_STATE[state] for state in states if state in OF_STATE), None)


def kind_field(items: Sequence[Fields]) -> str | None:
    """The field that tells messages from notices and media; None where there is no such field."""
    first: Fields = next(iter(items), {})
    for name in known.all_of(known.KINDS, first):
        kinds = {_kind(item, name) for item in items}
        others = kinds - SAID - SIDES
        if others and kinds & (SAID | SIDES) and others <= NOTICES | MEDIA:
            return name
    return None


def why_no_text(item: Fields, kind: str | None) -> str | None:
    """What an entry of this field's kind is that is no message; None for a message."""
    value = _kind(item, kind or "")
    if kind is None or value in SAID or value in SIDES:
        return None
    if value in MEDIA:
        return "attachment"
    return "notice"


def _kind(item: Fields, name: str) -> str:
    return known.plain(str(item.get(name)))


def split(items: Sequence[Fields], writers: Sequence[object]) -> Split:
    """Which of the messages are shown. writers: who writes each of them."""
    reasons = [why_not(item) for item in items]
    for number in _inactive(items, writers):
        reasons[number] = reasons[number] or OTHER
    kept = [number for number, reason in enumerate(reasons) if reason is None]
    replaced = [number for number, reason in enumerate(reasons) if reason == OTHER]
    places = [(_beside(number, kept, writers), number) for number in replaced]
    others = [(place, number) for place, number in places if place is not None]
    counts = Counter(filter(None, reasons))
    counts[OTHER] -= len(others)
    return Split(kept, others, dict(+counts))


def _inactive(items: Sequence[Fields], writers: Sequence[object]) -> Iterator[int]:
    """The messages with a flag that is false where it is true for one beside them."""
    names = {name for item in items for name in known.all_of(ACTIVE, item)}
    if len(names) != 1:
        return
    [name] = names
    for _, run in groupby(range(len(items)), key=lambda number: str(writers[number])):
        flags = {number: items[number].get(name) for number in run}
        if any(flag in TRUE for flag in flags.values()):
            yield from (number for number, flag in flags.items() if flag in FALSE)


def _beside(number: int, kept: Sequence[int], writers: Sequence[object]) -> int | None:
    """The place among the shown messages of the one that replaced a message."""
    after = [place for place, one in enumerate(kept) if one > number]
    before = [place for place, one in enumerate(kept) if one < number]
    for place in (*after[:1], *before[-1:]):
        low, high = sorted((number, kept[place]))
        if len(set(map(str, writers[low : high + 1]))) == 1:
            return place
    return None


def alternatives(found: Split, texts: Sequence[str]) -> tuple[Alternative, ...]:
    """The answers that were replaced, each with the one that is shown. texts: of all messages."""
    made: list[Alternative] = []
    for place in dict.fromkeys(place for place, _ in found.others):
        shown = found.kept[place]
        replaced = [number for at, number in found.others if at == place]
        every = sorted([*replaced, shown])
        made += [Alternative(place, texts[n], "branch", n == shown) for n in every]
    return tuple(made)


def moved(found: Iterable[Alternative], by: int) -> tuple[Alternative, ...]:
    """Alternatives of turns that prompts were put before. by: the number of prompts."""
    return tuple(one._replace(message=one.message + by) for one in found)


def variants(items: Iterable[Fields], turns: Sequence[Turn]) -> tuple[Alternative, ...]:
    """The other texts that stand inside messages, with the one that is shown."""
    made: list[Alternative] = []
    for place, (item, turn) in enumerate(zip(items, turns, strict=True)):
        texts = _variants(item, turn[1])
        made += [Alternative(place, text, "swipe", text == turn[1]) for text in texts]
    return tuple(made)


def _variants(item: Fields, content: str) -> list[str]:
    """All texts of a message, in their order; [] where there is only one."""
    name = known.one_of(VARIANTS, item)
    found = items_in(item.get(name or ""))
    texts = [text for text in found if isinstance(text, str)]
    if not found or len(texts) < len(found) or set(texts) == {content}:
        return []
    if content in texts:
        return list(dict.fromkeys(texts))
    if any(len(text.split()) < 2 for text in texts):
        return []  # numbers of versions
    return list(dict.fromkeys([content, *texts]))
