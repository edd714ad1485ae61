"""Rows as one conversation: whether their order can be trusted, and what they hold besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TypeVar

from pipeline.collect.shapes.common import known, silence
from pipeline.collect.shapes.common.gather import Group
from pipeline.collect.shapes.common.times import is_epoch, is_time, place_of, seconds_of
from pipeline.collect.shapes.transcript import Fields, Unread, if_any, rest

Item = TypeVar("Item")

AT_SILENCES = "a silence of six hours ends a conversation"
ONE_FILE = "the file is one conversation"
SILENCE = silence.SILENCE.total_seconds()
NEAR = 2  # seconds; programs store a question and its answer at nearly one time, in any order
# orders that may be times; a log is cut by them
TIMES = (
    "timestamp",
    "timestamp_ms",
    "ts",
    "time",
    "datetime",
    "date",
    "created_at",
    "sent_at",
    "sent",
    "created",
    "created_utc",
)
IN_FILE_ORDER = "the rows of a conversation stand in its order"


def in_file_order(rows: Sequence[object], order: str | None) -> tuple[str, ...]:
    """What is assumed where no column orders the rows."""
    return (IN_FILE_ORDER,) if order is None and len(rows) > 1 else ()


def order_problem(group: Group, order: str | None) -> str | None:
    """Why rows under one id are not one conversation: their numbers begin again in the file.

    numbers 1 2 3 1 2 3: two conversations share the id. 1 1 2 2, side by side, is a number an
    exchange and no problem.
    """
    if order is None:
        return None
    places = [str(row.get(order)) for _, row in sorted(group, key=lambda pair: pair[0])]
    runs = [place for place, _ in groupby(places)]
    times = Counter(runs)
    if max(times.values()) > 1 and len(times) > 1:
        return f"`{order}` begins again under one id: two conversations may share it"
    return None


def are_sorted_by(speakers: Sequence[object]) -> bool:
    """Whether rows stand speaker by speaker: each has one run, and at least two have several rows.

    Ada Ada Ben Ben → True    Ada Ben Ada Ben → False
    """
    runs = [(speaker, len(list(run))) for speaker, run in groupby(speakers)]
    is_once = len({speaker for speaker, _ in runs}) == len(runs)
    return is_once and sum(length > 1 for _, length in runs) > 1


def newest_first(items: Sequence[Fields]) -> str | None:
    """A field whose numbers or times go back from item to item: a usual one, or any of times."""
    first = items[0] if len(items) > 1 else {}
    times = [name for name, value in first.items() if is_time(value)]
    names = (*known.all_of(known.ORDERS, first), *times)
    return next((name for name in names if _falls(items, name)), None)


def _falls(items: Sequence[Fields], name: str) -> bool:
    places = [place_of(item.get(name)) for item in items]
    known_places = [place for place in places if place is not None]
    return len(known_places) == len(items) and all(a > b for a, b in pairwise(known_places))


def out_of_order(items: Sequence[Fields], writers: Sequence[object]) -> str | None:
    """A usual field by whose numbers or times the items do not stand in order.

    Every item has another number: 0 to 3, or 1 to 4. Times that differ by two seconds show nothing,
    nor do those by which the two sides would take turns less often. writers: who writes each item.
    """
    first = items[0] if len(items) > 1 else {}
    names = known.all_of(known.ORDERS, first)
    return next((name for name in names if _mixed(items, name, writers)), None)


def _mixed(items: Sequence[Fields], name: str, writers: Sequence[object]) -> bool:
    values = [item.get(name) for item in items]
    places = [place for place in map(seconds_of, values) if place is not None]
    if len(places) < len(items):
        return False
    if all(map(is_epoch, values)) or all(map(is_time, values)):
        return _are_mixed(places, writers)
    numbers = sorted(places)
    is_count = numbers[0] in (0, 1) and numbers[-1] - numbers[0] == len(items) - 1
    return is_count and len(set(numbers)) == len(items) and numbers != places


def _are_mixed(times: Sequence[float], writers: Sequence[object]) -> bool:
    """Whether times show another order, by which the sides take turns as often."""
    order = sorted(range(len(times)), key=times.__getitem__)
    is_late = any(before - after > NEAR for before, after in pairwise(times))
    return is_late and _changes([writers[at] for at in order]) >= _changes(writers)


def _changes(writers: Sequence[object]) -> int:
    """How often somebody else writes."""
    return sum(before != after for before, after in pairwise(writers))


def may_part(rows: Sequence[Fields], used: Sequence[str | None], speaker: str) -> str | None:
    """A column that may part rows into conversations: blocks of one value, with two who speak.

    1 Ada, 1 Ben, 2 Ada, 2 Ben → the first column
    """
    for name in next(iter(rows), {}):
        is_other = name not in used and known.plain(name) not in known.HARMLESS
        if is_other and _are_blocks(rows, name, speaker):
            return name
    return None


def _are_blocks(rows: Sequence[Fields], name: str, speaker: str) -> bool:
    values = [row.get(name) for row in rows]
    if not all(isinstance(value, str | int) and value not in ("", True, False) for value in values):
        return False
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row.get(name))]
    speakers = [{str(row.get(speaker)) for row in run} for run in runs]
    return 1 < len(runs) == len(set(values)) and min(map(len, speakers)) > 1


def is_log_of(values: Sequence[object], name: str | None) -> bool:
    """Whether all values of a field are days with a clock, by which a log can be cut."""
    if all(map(is_time, values)):
        return True
    return known.plain(name or "") in TIMES and all(map(is_epoch, values))


def at_silences(items: Sequence[Item], times: Sequence[float | None]) -> list[list[Item]]:
    """Items of a log cut where six hours pass between two of them, and after 5,000 of them.

    times: in seconds; an item without one causes no cut.
    """
    parts: list[list[Item]] = []
    last: float | None = None
    for item, time in zip(items, times, strict=True):
        is_late = time is not None and last is not None and time - last > SILENCE
        if not parts or is_late or len(parts[-1]) >= silence.LONGEST:
            parts.append([])
        parts[-1].append(item)
        last = time if time is not None else last
    return parts


def refused(group: Group, problem: str) -> Iterator[tuple[int, Unread]]:
    """The rows of a conversation that cannot be one, each by itself."""
    for number, row in group:
        yield number, Unread("record.unreadable", problem, row)


def rows_extra(further: list[Fields]) -> Fields:
    """What the rows hold besides: fields that are the same in all rows, and the others by turn.

    {"lang": "en", "mood": "calm"}    →    {"lang": "en",
    {"lang": "en"}                          "turns": [{"mood": "calm"}, {}]}
    """
    first = further[0]
    same = {
        name: value
        for name, value in first.items()
        if all(row.get(name) == value for row in further)
    }
    return same | if_any("turns", [rest(row, *same) for row in further])
