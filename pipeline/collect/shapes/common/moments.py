"""The time of a row where its table has it in two columns, or as a country writes it.

Date,Time,Sender,Message                 Datum;Von;Nachricht
2024-04-25,18:00,Ada,Tea?                25.04.2024 18:00;Ada;Tee?
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.collect.shapes.common import clock, known
from pipeline.collect.shapes.common.times import place_of
from pipeline.collect.shapes.transcript import Fields, Records, Unclear

MOMENT = "time of the row"  # a column that is made
DAYS = (
    "date",
    "day",
    "sent_date",
    "datum",
    "tag",
    "fecha",
    "data",
    "tarih",
    "дата",
    "日期",
    "날짜",
)


class TimeColumns(NamedTuple):
    """The columns of a time: one, or the day and the clock. assumed: as in `Transcript`."""

    names: tuple[str, ...]
    day_first: bool
    assumed: tuple[str, ...]


def columns_of(rows: list[Fields], order: str | None) -> TimeColumns | None:
    """How the rows have their time; None where `order` is a number or a time as it is."""
    if order is None or not rows:
        return None
    names = _names(rows, order)
    if len(names) == 1 and any(place_of(row.get(order)) is not None for row in rows):
        return None
    stamps = [clock.parse(_text(row, names)) for row in rows]
    known_stamps = [stamp for stamp in stamps if stamp]
    if len(known_stamps) < len(rows):
        return None
    return TimeColumns(names, *clock.days_first(known_stamps))


def _names(rows: list[Fields], order: str) -> tuple[str, ...]:
    """The column of the order; before it that of the day, where it holds nothing but clocks."""
    day = known.one_of(DAYS, rows[0])
    are_clocks = all(clock.of_day(str(row.get(order))) for row in rows)
    if day and day != order and are_clocks:
        return day, order
    return (order,)


def _text(row: Fields, names: tuple[str, ...]) -> str:
    return " ".join(str(row.get(name) or "") for name in names)


def with_moment(records: Records, columns: TimeColumns) -> Iterator[tuple[int, object]]:
    """The records with their time in one column. Unclear where a row has none that is known."""
    for number, row in records:
        if isinstance(row, dict):
            yield number, row | {MOMENT: _moment(row, columns)}
        else:
            yield number, row


def _moment(row: Fields, columns: TimeColumns) -> str:
    text = _text(row, columns.names)
    stamp = clock.parse(text)
    found = stamp and clock.moment(stamp, columns.day_first)
    if found is None:
        raise Unclear(f"`{' '.join(columns.names)}` is {text!r} in a row, which is no known time")
    return found.isoformat(sep=" ")
