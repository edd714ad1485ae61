"""Where a chat log of many months is split into conversations: at long silences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.collect.shapes.transcript import Transcript, Turn, Unread

SILENCE = dt.timedelta(hours=6)  # our choice: sleep ends a conversation, a meal does not
LONGEST = 5_000  # turns; a channel that never pauses is cut here rather than held in memory


class TimedTurn(NamedTuple):
    """One message of a log; time is None where the log gives none that is valid."""

    time: dt.datetime | None
    speaker: str | None
    text: str


def split(
    messages: Iterable[TimedTurn | Unread], group: str | None = None
) -> Iterator[Transcript | Unread]:
    """The conversations between silences, in order. A message without a time causes no split."""
    turns: list[Turn] = []
    began: dt.datetime | None = None
    last: dt.datetime | None = None
    for message in messages:
        if isinstance(message, Unread):
            yield message
            continue
        is_late = message.time and last and message.time - last > SILENCE
        if turns and (is_late or len(turns) >= LONGEST):
            yield _transcript(turns, began, group)
            turns, began = [], None
        last = message.time or last
        began = began or message.time
        turns.append((message.speaker, message.text, None))
    if turns:
        yield _transcript(turns, began, group)


def _transcript(turns: list[Turn], began: dt.datetime | None, group: str | None) -> Transcript:
    transcript = Transcript(turns, group=group)
    if began:
        transcript.extra = {"began": began.isoformat(sep=" ")}
    return transcript
