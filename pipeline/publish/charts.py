"""The charts of the card: turns, lengths, languages, closeness turn by turn, scores.

A chart that there is nothing to show in is not made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.criteria import LEVELS
from pipeline.publish.drawing import BLUE, INK, ORANGE, PALE, Box, Caption, Drawing, Stroke
from pipeline.publish.summary import Rating, Summary
from pipeline.publish.turn_means import SIDES, TurnLine, TurnMeans
from pipeline.publish.value_counts import shown

FOLDER = "charts"
WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 28  # around the field of a chart
ROW = 26  # height of a row with a name
NAMES = 200  # width of the names of rows
LABELS = 10  # below a chart, at most
MOST_BARS = 12  # languages that have a row of their own
COLUMNS = 20  # of a histogram
SHARE = 0.05  # of conversations that must have a turn, for its mean to be shown
LEAST = 10  # and so many messages
# color of a side, and where its name stands
SIDE_LOOKS = {"user": (ORANGE, WIDTH - 150), "assistant": (BLUE, WIDTH - 80)}


class Histogram(NamedTuple):
    """starts: the least value of each column; rows: how many there are."""

    starts: list[float]
    rows: list[int]


def charts(summary: Summary) -> dict[str, Drawing]:
    """By the name of its file."""
    found = {}
    if summary.turns:
        turns = histogram(summary.turns)
        found["turns"] = columns("Conversations by their turns", turns)
    if "words" in summary.values:
        words = histogram(dict(summary.values["words"].pairs()))
        found["lengths"] = columns("Conversations by their words", words)
    if len(summary.languages) > 1:
        found["languages"] = bars("Conversations by language", summary.languages)
    lines = closeness_lines(summary.closeness)
    if any(lines.values()):
        found["closeness"] = curves("Mean closeness of messages, turn by turn", lines)
    rated = [rating for rating in summary.ratings if rating.found]
    if rated:
        found["scores"] = spans("Scores: from p5 to p95, with the median", rated)
    return found


def histogram(counts: Mapping[int, int] | Mapping[float, int]) -> Histogram:
    """`COLUMNS` columns of equal width at most, of whole numbers."""
    least, most = int(min(counts)), int(max(counts))
    step = max(1, -(-(most - least + 1) // COLUMNS))
    rows = [0] * ((most - least) // step + 1)
    for value, times in counts.items():
        rows[(int(value) - least) // step] += times
    return Histogram([least + step * place for place in range(len(rows))], rows)


def closeness_lines(means: TurnMeans) -> dict[str, TurnLine]:
    """(turn, mean) by side, of the turns that enough conversations have."""
    least = max(LEAST, round(SHARE * float(means.rows.max(initial=0))))
    return {side: means.line(side, least) for side in SIDES}


class Scale(NamedTuple):
    """Places for the values from `low` to `high`, in units of a drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / max(self.high - self.low, 1e-9)
        return self.start + share * (self.end - self.start)


def columns(title: str, found: Histogram) -> Drawing:
    """A column for each range of values."""
    drawing = _field(title)
    across = Scale(0, len(found.rows), LEFT, WIDTH - RIGHT)
    upward = Scale(0, max(found.rows), HEIGHT - BOTTOM, TOP)
    drawing.shapes += _levels(upward, [0, max(found.rows)])
    every = -(-len(found.rows) // LABELS)
    for place, (start, rows) in enumerate(zip(*found, strict=True)):
        left = across.at(place) + 1
        if rows:
            top = upward.at(rows)
            drawing.shapes.append(
                Box(
                    left,
                    top,
                    across.at(place + 1) - 1 - left,
                    upward.at(0) - top,
                    BLUE,
                )
            )
        if place % every == 0:
            drawing.shapes.append(
                Caption(
                    left,
                    HEIGHT - 10,
                    f"{start:,}",
                )
            )
    return drawing


def _field(title: str) -> Drawing:
    return Drawing(title, WIDTH, HEIGHT, [Caption(LEFT, 22, title)])


def _levels(upward: Scale, values: Sequence[float]) -> Iterator[Stroke | Caption]:
    """A level line for each value, with the value before it."""
    for value in values:
        y = upward.at(value)
        yield Stroke(((LEFT, y), (WIDTH - RIGHT, y)), PALE)
        text = f"{value:,}" if isinstance(value, int) else shown(value)
        yield Caption(LEFT - 8, y + 4, text, "end")


def bars(title: str, rows: Mapping[str, int]) -> Drawing:
    """A bar for each name, the longest first; the rest is one."""
    named = list(rows.items())
    rest = sum(count for _, count in named[MOST_BARS:])
    named = [*named[:MOST_BARS], *([("others", rest)] if rest else [])]
    drawing = _rows(title, [name for name, _ in named])
    across = Scale(
        0,
        max(count for _, count in named),
        NAMES,
        WIDTH - 80,
    )
    for place, (_, count) in enumerate(named):
        y, end = TOP + ROW * place, across.at(count)
        drawing.shapes.append(
            Box(
                NAMES,
                y + 4,
                max(1, end - NAMES),
                ROW - 8,
                BLUE,
            )
        )
        drawing.shapes.append(Caption(end + 8, y + 17, f"{count:,}"))
    return drawing


def _rows(
    title: str,
    names: Sequence[str],
    below: int = 8,
) -> Drawing:
    """A row for each name. below: units under the last."""
    drawing = Drawing(
        title,
        WIDTH,
        TOP + ROW * len(names) + below,
        [Caption(8, 22, title)],
    )
    for place, name in enumerate(names):
        drawing.shapes.append(
            Caption(
                NAMES - 10,
                TOP + ROW * place + 17,
                name,
                "end",
            )
        )
    return drawing


def curves(title: str, lines: Mapping[str, TurnLine]) -> Drawing:
    """A line for each side, over turns."""
    turns, means = zip(*(point for line in lines.values() for point in line), strict=True)
    across = Scale(1, max(turns), LEFT, WIDTH - RIGHT)
    upward = Scale(
        min(0.0, *means),
        max(0.1, *means),
        HEIGHT - BOTTOM,
        TOP,
    )
    drawing = _field(title)
    drawing.shapes += _levels(upward, sorted({upward.low, 0.0, upward.high}))
    for side, line in lines.items():
        drawing.shapes += _curve(side, line, across, upward)
    for turn in range(1, max(turns) + 1, -(-max(turns) // LABELS)):
        drawing.shapes.append(
            Caption(
                across.at(turn),
                HEIGHT - 10,
                str(turn),
                "middle",
            )
        )
    return drawing


def _curve(
    side: str,
    line: TurnLine,
    across: Scale,
    upward: Scale,
) -> Iterator[Stroke | Caption]:
    """The line of a side, and its name."""
    color, x = SIDE_LOOKS[side]
    yield Stroke(
        tuple((across.at(turn), upward.at(mean)) for turn, mean in line),
        color,
        2,
    )
    yield Caption(x, 22, side, color=color)


def spans(title: str, ratings: Sequence[Rating]) -> Drawing:
    """A bar from p5 to p95 of each scorer, on the scale from 1 to 5."""
    names = [f"{rating.criterion}, {rating.by}" for rating in ratings]
    drawing = _rows(title, names, BOTTOM)
    across, base = (
        Scale(
            1,
            5,
            NAMES,
            WIDTH - RIGHT,
        ),
        TOP + ROW * len(ratings),
    )
    for level in LEVELS:
        x = across.at(level)
        drawing.shapes.append(Stroke(((x, TOP), (x, base)), PALE))
        drawing.shapes.append(
            Caption(
                x,
                base + 18,
                str(level),
                "middle",
            )
        )
    for place, rating in enumerate(ratings):
        drawing.shapes += _span(rating, across, TOP + ROW * place)
    return drawing


def _span(rating: Rating, across: Scale, y: float) -> list[Box]:
    """The bar of a scorer, and its median; y: where its row begins."""
    if rating.found is None:
        return []
    low, middle, high = map(across.at, rating.found)
    bar = Box(low, y + 8, max(2, high - low), ROW - 16, BLUE)
    return [bar, Box(middle - 2, y + 4, 4, ROW - 8, INK)]
