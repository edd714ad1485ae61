"""Rows as one conversation: whether their order can be trusted, and what they hold besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TypeVar

from pipeline.collect.shapes.common import known, silence
from pipeline.collect.shapes.common.gather import Group
from pipeline.collect.shapes.common.times import is_time, place_of
from pipeline.collect.shapes.transcript import Fields, Unread, if_any, rest

Item = TypeVar("Item")

AT_SILENCES = "a silence of six hours ends a conversation"
ONE_FILE = "the file is one conversation"
SILENCE = silence.SILENCE.total_seconds()
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
