"""The closeness of a conversation's messages as lines of blocks, for a terminal without colours.

    message    0   1   2   3   4   5   6   7
    user       ▄▄▄     ▄▄▄     ▃▃▃     ▁▁▁
    assistant      ▅▅▅     ▇▇▇     ███     ···
    stage      |ice-breaker    |casual

A column a message; of a long conversation a column takes several, and shows the mean of each side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Annotation, Conversation

BLOCKS = "▁▂▃▄▅▆▇█"
SILENT = "·"  # a message whose closeness is not known
LOWEST, HIGHEST = -0.6, 0.8  # closeness of the lowest and the highest block; what lies beyond too
WIDTH = 60  # of all columns together; the name of a stage may begin in the last
WIDEST = 4  # of one column
LABEL = 13  # of what stands before the columns
LINE = 80
LEGEND = f"closeness of messages, {BLOCKS[0]} distant to {BLOCKS[-1]} intimate, {SILENT} not known"


def curve(row: Conversation) -> Iterator[str]:
    """The lines of a row; nothing where no message was measured."""
    if not any(one.closeness is not None for one in row.annotations):
        return
    count = len(row.messages)
    several = -(-count // WIDTH)  # messages of a column
    starts = range(0, count, several)
    width = min(WIDEST, WIDTH // len(starts))
    yield f"  {LEGEND}"
    yield _line("message", _placed(_numbers(starts, width), width))
    for side in ("user", "assistant"):
        columns = (_column(row, side, start, several) for start in starts)
        yield _line(side, "".join(_cell(sign, width) for sign in columns))
    stages = _stages(row.annotations, several)
    if stages:
        yield _line("stage", _placed(stages, width))


def _line(label: str, columns: str) -> str:
    return f"  {label:{LABEL - 2}}{columns}"[:LINE].rstrip()


def _cell(sign: str, width: int) -> str:
    """A column: the sign as wide as it is, but for a blank that sets wide ones apart."""
    return (sign * max(1, width - 1)).ljust(width)


def _column(row: Conversation, side: str, start: int, several: int) -> str:
    """The sign for one side in some messages: blank where it writes none."""
    places = range(start, min(start + several, len(row.messages)))
    own = [place for place in places if row.messages[place].role == side]
    found = [row.annotations[place].closeness for place in own]
    known = [value for value in found if value is not None]
    if known:
        return _block(fmean(known))
    return SILENT if own else " "


def _block(closeness: float) -> str:
    share = (closeness - LOWEST) / (HIGHEST - LOWEST)
    return BLOCKS[min(len(BLOCKS) - 1, max(0, int(share * len(BLOCKS))))]


def _numbers(starts: Sequence[int], width: int) -> dict[int, str]:
    """Column → the number of its first message, as far as they fit."""
    apart = -(-len(f"{starts[-1]} ") // width)  # columns that a number takes
    return {place: str(starts[place]) for place in range(0, len(starts), apart)}


def _stages(annotations: Sequence[Annotation], several: int) -> dict[int, str]:
    """Column → the stage that begins there."""
    found: dict[int, str] = {}
    last = None
    for place, one in enumerate(annotations):
        if one.stage is not None and one.stage != last:
            last = one.stage
            found[place // several] = f"|{last}"
    return found


def _placed(texts: dict[int, str], width: int) -> str:
    """Texts, each at its column; one that reaches into the next is cut."""
    line = ""
    for column, text in texts.items():
        line = line[: column * width].ljust(column * width) + text
    return line
