"""A page of the list: of each row what a reader needs to decide whether to open it."""

from __future__ import annotations

from typing import TypedDict

from pipeline.look import query, search
from pipeline.look.index.columns import UNKNOWN
from pipeline.look.index.frame import Frame
from pipeline.look.search import FirstHit, Needle
from pipeline.look.selection import Selection
from pipeline.look.state import Look, review_value

POINTS = 32  # of closeness, for a spark line


class HitRecord(TypedDict):
    """Where a searched text stands first, with what is around it."""

    message: int
    before: str
    match: str
    after: str


class ListedRow(TypedDict):
    """A row of the list. value: of what the list is sorted by. hits: places of a searched text."""

    id: str
    outcome: str | None
    stage: str | None
    reason: str | None
    rules: list[str]
    source: str | None
    license: str | None
    language: str | None
    split: str | None
    character: str | None
    turns: float | None
    messages: int
    start: str
    hit: HitRecord | None
    hits: int
    closeness: list[float | None]
    value: float | str | None
    review: str
    note: bool


class RowsPage(TypedDict):
    version: int
    count: int
    offset: int
    rows: list[ListedRow]


def page(look: Look, selection: Selection, offset: int, limit: int) -> RowsPage:
    """Some rows of a selection in its order. Raises UserError."""
    frame = look.frame
    rows = query.chosen_rows(look, frame, selection)
    shown = query.ordered(look, frame, rows, selection, offset, offset + limit)
    what = search.needle(selection.find, selection.regex) if selection.find else None
    listed = [_listed(look, frame, int(row), selection.sort, what) for row in shown]
    return RowsPage(version=frame.number, count=len(rows), offset=offset, rows=listed)


def _listed(look: Look, frame: Frame, row: int, sort: str, what: Needle | None) -> ListedRow:
    columns = frame.columns
    own = columns.id(row)
    decided = look.decided().get(own)
    found = ListedRow(
        id=own,
        outcome=columns.value("outcome", row),
        stage=columns.value("stage", row),
        reason=columns.value("reason", row),
        rules=columns.several("rule", row),
        source=columns.value("source", row),
        license=columns.value("license", row),
        language=columns.value("language", row),
        split=columns.value("split", row),
        character=columns.value("character", row),
        turns=columns.number("turns", row),
        messages=int(columns.number("messages", row) or 0),
        start=columns.start(row),
        hit=None,
        hits=0,
        closeness=_closeness(frame, row),
        value=_value(frame, row, sort),
        review=review_value(decided),
        note=bool(decided and decided.note),
    )
    hit = what and look.searches.hit(frame, row, what)
    if hit:
        found["hit"], found["hits"] = _hit_record(hit), hit.hits
    return found


def _hit_record(hit: FirstHit) -> HitRecord:
    return HitRecord(message=hit.message, before=hit.before, match=hit.match, after=hit.after)


def _closeness(frame: Frame, row: int) -> list[float | None]:
    """Of at most `POINTS` messages, evenly chosen."""
    start, end = frame.columns.bounds("closeness.each", row)
    each = frame.columns.arrays["closeness.each"][start:end]
    step = -(-len(each) // POINTS) or 1
    points: list[float | None] = []
    for value in each[::step].tolist():
        points.append(None if value == UNKNOWN else value / 100)
    return [] if set(points) <= {None} else points


def _value(frame: Frame, row: int, sort: str) -> float | str | None:
    if sort in frame.numbers:
        return frame.columns.number(sort, row)
    if sort == "source":
        return frame.columns.value(sort, row)
    return None
