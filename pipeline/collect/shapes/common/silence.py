"""Chat logs: what stands in them, put in order by time and split at long silences.

A shape of a messenger reads its records into entries: messages with a time, and what is no message
(a notice, a sticker). `split` makes conversations of them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from pipeline.collect.shapes.transcript import (
    Fields,
    Transcript,
    Turn,
    Unread,
    dict_of,
    if_any,
    unreadable,
)
from pipeline.store.counts import counted

SILENCE = dt.timedelta(hours=6)  # our choice: sleep ends a conversation, a meal does not
LONGEST = 5_000  # turns; a channel that never pauses is cut here rather than held in memory
KNOWN_YEARS = range(1970, 2101)  # a time outside them has a day that the log does not give


class TimedTurn(NamedTuple):
    """One message of a log; time is None where the log gives none that is valid.

    key: its id in the log. answers: the key of the message that it replies to. more: what the log
    holds about it besides, as in {"reactions": ..}.
    """

    time: dt.datetime | None
    speaker: str | None
    text: str
    key: str | None = None
    answers: str | None = None
    more: Mapping[str, object] = MappingProxyType({})


class LeftOut(NamedTuple):
    """Something in a log that is no message, by the name under which it is counted."""

    what: str


Entry = TimedTurn | LeftOut | Unread


def entries(
    items: Iterable[object], read: Callable[[Fields, str], Iterable[Entry]]
) -> Iterator[Entry]:
    """What `read` makes of each item, with the item's place in words; one bad item costs itself."""
    for number, item in enumerate(items, 1):
        if isinstance(item, Unread):
            yield item
            continue
        where = f"message {number}"
        try:
            yield from read(dict_of(item, where), where)
        except ValueError as error:
            yield unreadable(error, item)


def objects(items: Iterable[object]) -> list[Fields]:
    """The items that are objects."""
    return [item for item in items if isinstance(item, dict)]


def numbered(
    found: Iterable[Transcript | Unread],
) -> Iterator[tuple[int, Transcript | Unread]]:
    """What is found in a file that is one chat: all with the number of its first record."""
    return ((1, one) for one in found)


def in_time(found: Iterable[Entry], is_newest_first: bool = False) -> list[Entry]:
    """Entries by their times; what has no time stays behind the message before it.

    is_newest_first: how the source always stands, for messages of which all have one time.

    Many exports hold the newest message first. Messages of the same second are then in reverse
    order too, so the whole log is turned around before it is sorted.
    """
    log = list(found)
    times = [entry.time for entry in log if isinstance(entry, TimedTurn) and entry.time]
    backward = sum(later < earlier for earlier, later in pairwise(times))
    forward = sum(later > earlier for earlier, later in pairwise(times))
    if backward > forward or (is_newest_first and not forward):
        log.reverse()
    if not backward:
        return log
    moments: list[dt.datetime] = []
    latest = dt.datetime.min
    for entry in log:
        if isinstance(entry, TimedTurn):
            latest = entry.time or latest
        moments.append(latest)
    ordered = sorted(zip(moments, log, strict=True), key=itemgetter(0))
    return [entry for _, entry in ordered]


def distinct(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Person's id → name, from (id, name). A second person of the same name is `Ada (2)`."""
    once: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for person, name in names:
        if person in once:
            continue
        numbers[name] += 1
        once[person] = name
        if numbers[name] > 1:
            once[person] = f"{name} ({numbers[name]})"
    return once


@dataclass(slots=True)
class _Stretch:
    """The part of a log since the last silence."""

    messages: list[TimedTurn] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    began: dt.datetime | None = None
    latest: dt.datetime | None = None

    def ends_before(self, message: TimedTurn) -> bool:
        if not self.messages:
            return False
        is_late = message.time and self.latest and message.time - self.latest > SILENCE
        return bool(is_late) or len(self.messages) >= LONGEST

    def add(self, message: TimedTurn) -> None:
        self.messages.append(message)
        self.latest = message.time or self.latest
        self.began = self.began or message.time

    def transcript(self, group: str | None, assumed: tuple[str, ...]) -> Transcript:
        turns: list[Turn] = [(one.speaker, one.text, None) for one in self.messages]
        if self.began is None:
            assumed += ("a log without times is one conversation",)
        return Transcript(
            turns, group=group, extra=self.extra(), assumed=assumed, left_out=self.left_out
        )

    def extra(self) -> Fields:
        """When it began, and what is known of single messages, one object a message.

        {"began": "2024-04-25 18:00:00", "turns": [{}, {"answers": 0, "reactions": ["👍"]}]}
        """
        places = {message.key: at for at, message in enumerate(self.messages) if message.key}
        known: list[Fields] = []
        for message in self.messages:
            known.append(dict(message.more))
            if message.answers in places:
                known[-1]["answers"] = places[message.answers]
        extra = if_any("turns", known)
        if self.began and self.began.year in KNOWN_YEARS:
            extra = {"began": self.began.isoformat(sep=" "), **extra}
        return extra


def split(
    found: Iterable[Entry], group: str | None = None, assumed: tuple[str, ...] = ()
) -> Iterator[Transcript | Unread]:
    """The conversations between silences, in order. A message without a time causes no split.

    What is no message is counted in the conversation before it; at the beginning in the first.
    """
    stretch = _Stretch()
    for entry in found:
        if isinstance(entry, Unread):
            yield entry
        elif isinstance(entry, LeftOut):
            stretch.left_out[entry.what] += 1
        else:
            if stretch.ends_before(entry):
                yield stretch.transcript(group, assumed)
                stretch = _Stretch()
            stretch.add(entry)
    if stretch.messages:
        yield stretch.transcript(group, assumed)
    elif stretch.left_out:
        detail = f"the chat holds no message: {counted(stretch.left_out)}"
        yield Unread("record.empty", detail, dict(stretch.left_out))


def split_with_threads(
    found: Iterable[Entry], threads: Mapping[str, str], group: str | None = None
) -> Iterator[Transcript | Unread]:
    """The conversations of a log in order of time whose messages may belong to threads.

    A thread that other messages or a silence interrupt is a conversation of its own, whole. All
    other messages are split at silences. threads: key of a message → its thread.
    """
    log = list(found)
    apart = {thread: _Stretch() for thread in _interrupted(log, threads)}
    main: list[Entry] = []
    for entry in log:
        stretch = apart.get(_thread_of(entry, threads))
        if stretch and isinstance(entry, TimedTurn):
            stretch.add(entry)
        else:
            main.append(entry)
    stretches = list(apart.values())
    if stretches and not any(isinstance(entry, TimedTurn) for entry in main):
        # What is no message is then counted in the first thread.
        stretches[0].left_out.update(entry.what for entry in main if isinstance(entry, LeftOut))
        yield from (entry for entry in main if isinstance(entry, Unread))
    else:
        yield from split(main, group)
    for stretch in stretches:
        yield stretch.transcript(group, ())


def _thread_of(entry: Entry, threads: Mapping[str, str]) -> str:
    key = entry.key if isinstance(entry, TimedTurn) else None
    return threads.get(key or "", "")


def _interrupted(log: list[Entry], threads: Mapping[str, str]) -> list[str]:
    """The threads that do not stand in the log in one piece."""
    messages = [entry for entry in log if isinstance(entry, TimedTurn)]
    seen: set[str] = set()
    found: dict[str, None] = {}
    for thread, piece in groupby(messages, key=lambda message: _thread_of(message, threads)):
        if thread and (thread in seen or _has_silence(list(piece))):
            found[thread] = None
        seen.add(thread)
    return list(found)


def _has_silence(messages: list[TimedTurn]) -> bool:
    times = [message.time for message in messages if message.time]
    return any(later - earlier > SILENCE for earlier, later in pairwise(times))
