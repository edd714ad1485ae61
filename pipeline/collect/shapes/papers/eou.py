"""A conversation a line, its texts parted by `__eou__`: DailyDialog's dialogues_text.txt.

Did it run ? __eou__ Only the first one . __eou__ So you stay ? __eou__

`__eou__` ends an utterance. Where the lines have `__eot__` as well (Ubuntu), that ends a turn, and
the utterances of a turn become its lines. Two speakers take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.transcript import About, Place, Transcript, Unread, alternating

ABOUT = About("DailyDialog's text: `__eou__` after each utterance")

UTTERANCE, TURN = "__eou__", "__eot__"
ALTERNATE = "the two speakers alternate"


def recognise(head: list[str]) -> bool:
    lines = [line for line in head if line.strip()]
    return bool(lines) and sum(UTTERANCE in line for line in lines) * 2 > len(lines)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if UTTERANCE not in line:
            yield Unread("record.unreadable", f"the line has no {UTTERANCE}", line)
            continue
        group = f"{place.path}/{number}"  # the conversations have nothing to do with each other
        yield Transcript(alternating(texts_of(line)), group=group, assumed=(ALTERNATE,))


def texts_of(line: str) -> list[str]:
    """The texts of the turns in a line."""
    if TURN in line:
        turns = [_utterances(turn) for turn in line.split(TURN)]
        return ["\n".join(turn) for turn in turns if turn]
    return _utterances(line)


def _utterances(text: str) -> list[str]:
    return [part.strip() for part in text.split(UTTERANCE) if part.strip()]
