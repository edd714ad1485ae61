"""Where a chat log that runs for months falls into talks: at long silences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.talk import Talk, Turn, Unread

SILENCE = dt.timedelta(hours=6)  # our choice: a night's sleep ends a talk, a meal does not
LONGEST = 5_000  # turns; a channel that never sleeps is cut here rather than held in memory

Said = tuple[dt.datetime | None, str | None, str]  # when, who, what


def talks(said: Iterable[Said | Unread], group: str | None = None) -> Iterator[Talk | Unread]:
    """Talks between silences, in order. What has no time goes on with what was before."""
    turns: list[Turn] = []
    began: dt.datetime | None = None
    last: dt.datetime | None = None
    for item in said:
        if isinstance(item, Unread):
            yield item
            continue
        time, name, text = item
        if turns and ((time and last and time - last > SILENCE) or len(turns) >= LONGEST):
            yield _talk(turns, began, group)
            turns, began = [], None
        last, began = time or last, began or time
        turns.append((name, text, None))
    if turns:
        yield _talk(turns, began, group)


def _talk(turns: list[Turn], began: dt.datetime | None, group: str | None) -> Talk:
    return Talk(turns, group=group, extra={"began": began.isoformat(sep=" ")} if began else {})
