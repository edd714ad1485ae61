"""Long conversations in ranges of whole messages that overlap.

A conversation of 40 messages, 24 at a time:

    messages   0 ────────────── 17 ────── 22 ─────────────── 39
    ranges     └──────── first ───────────┘
                                └──────────── second ────────┘

All ranges are equally long, so that the end is not judged by a rest of two messages. Of a message
that stands in two ranges each counts half: neither the beginning nor the middle counts more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from math import ceil
from typing import NamedTuple

from pipeline.conversation import Message

OVERLAP = 0.25  # of a range, with the next one; our choice
SILENT = "the assistant writes nothing"  # why there are no ranges
EARLIER = 6  # messages shown before a range, to understand it; our choice


class Range(NamedTuple):
    """Messages that are judged together, as indices of the conversation.

    earlier: the messages before them. weight: messages of the assistant, those of two ranges half.
    """

    messages: Sequence[int]
    earlier: Sequence[int]
    weight: float


def ranges(messages: Sequence[Message], size: int, least: int = 1) -> list[Range]:
    """The ranges of a conversation in which the assistant writes; system messages are in none.

    size: messages of one range, at most. least: ranges, where there are messages enough.
    """
    spoken = [index for index, message in enumerate(messages) if message.role != "system"]
    spans = _spans(len(spoken), size, least)
    times = Counter(chain.from_iterable(spans))
    parts = [_range(messages, spoken, span, times) for span in spans]
    return [part for part in parts if part.weight]


def _range(
    messages: Sequence[Message], spoken: Sequence[int], span: range, times: Mapping[int, int]
) -> Range:
    """span: places in `spoken`. times: how many spans a place is in."""
    mine = [place for place in span if messages[spoken[place]].role == "assistant"]
    earlier = spoken[max(0, span.start - EARLIER) : span.start]
    weight = sum(1 / times[place] for place in mine)
    return Range(spoken[span.start : span.stop], earlier, weight)


def _count(length: int, size: int) -> int:
    """Ranges that so many messages need."""
    overlap = int(size * OVERLAP)
    if length <= size:
        return 1
    return ceil((length - overlap) / (size - overlap))


def _spans(length: int, size: int, least: int) -> list[range]:
    """Equally long spans over `length` messages, evenly spread."""
    number = min(max(_count(length, size), least), max(1, length // 2))
    if number == 1:
        return [range(length)]
    overlap = max(1, int(min(size, length / number) * OVERLAP))
    each = min(ceil((length - overlap) / number) + overlap, length)
    starts = [round(place * (length - each) / (number - 1)) for place in range(number)]
    return [range(start, start + each) for start in starts]
