"""One turn a numbered column, as in the crowd-work results of the self-dialogue corpus.

"AssignmentId","Answer.sentence1","Answer.sentence10","Answer.sentence2"
"33PPUN","Have you seen it?","So was I.","I have, it was lovely."

user_1,bot_1,user_2,bot_2          speaker1,text1,speaker2,text2

The numbers give the order, not the place of the columns; an empty column is not a turn. Columns
called after the two sides take turns in that order, and a numbered speaker belongs to the text of
that number. Else two speakers take turns, which is an assumption. Two sentences alone (`sentence1`,
`sentence2`) are not a conversation: sets of paraphrases have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from pipeline.collect.shapes.common import known, who
from pipeline.collect.shapes.general import listed
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
    alternating,
    dict_of,
    id_field,
    record_id,
    rest,
    text_of,
    turn_by,
)

ABOUT = About("a turn a numbered column", ("roles", "names"))

NUMBERED = re.compile(r"(.*?)(\d+)")
TURN_WORDS = frozenset([
    "sentence", "turn", "utterance", "message", "line", "text", "msg", "utt", "reply",
])  # fmt: skip
LOOSE = ("sentence", "line", "text")  # also of paraphrases and addresses
WRITERS = (*known.NAMES, *known.ROLES)
IDS = ("id", "AssignmentId", "conversation_id", "dialogue_id")
QUESTIONS = {"q": "user", "question": "user", "a": "assistant", "answer": "assistant"}


class Family(NamedTuple):
    """Columns with the same name but for a number. words: of that name, as ("user", "message")."""

    words: tuple[str, ...]
    columns: Mapping[int, str]


def recognise(record: object) -> bool:
    return isinstance(record, dict) and bool(_texts(tuple(record)))


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    families = _texts(tuple(fields))
    speakers = _speakers(tuple(fields), families)
    turns = [turn for turn in _turns(fields, families, speakers) if turn[1]]
    used = [column for family in (*families, *speakers) for column in family.columns.values()]
    transcript = Transcript(turns, record=record_id(fields, *IDS))
    transcript.extra = rest(fields, *used, id_field(fields, *IDS))
    if len(families) == 1 and not speakers:
        transcript.assumed = (listed.ALTERNATE,)
    yield transcript


def _turns(record: Fields, families: list[Family], speakers: list[Family]) -> list[Turn]:
    if not families:
        raise ValueError("no numbered columns hold turns")
    if len(families) > 1 and all(map(_side, families)):
        return _by_side(record, families)
    columns = sorted(families[0].columns.items())
    if len(families) > 1:
        raise Unclear(f"`{columns[0][1]}` and other numbered columns could be the turns as well")
    if speakers:
        return _by_speaker(record, families[0], speakers[0])
    return alternating(_text(record, column) for _, column in columns)


def _text(record: Fields, column: str) -> str:
    return text_of(record[column] or "", column).strip()


def _by_side(record: Fields, families: list[Family]) -> list[Turn]:
    """The turns of columns called after the sides: number by number, the user first."""
    families = sorted(families, key=lambda family: _side(family) != "user")
    numbers = sorted({number for family in families for number in family.columns})
    pairs = [(number, family) for number in numbers for family in families]
    return [
        turn_by(_side(family), _text(record, family.columns[number]))
        for number, family in pairs
        if number in family.columns
    ]


def _by_speaker(record: Fields, texts: Family, speakers: Family) -> list[Turn]:
    turns = []
    for number, column in sorted(texts.columns.items()):
        text = _text(record, column)
        name = who.word(record[speakers.columns[number]])
        if text and not name:
            raise Unclear(f"`{column}` has no speaker in `{speakers.columns[number]}`")
        turns.append(turn_by(name, text))
    return turns


# --- the columns


@lru_cache(maxsize=64)
def _families(names: tuple[object, ...]) -> list[Family]:
    found: dict[str, dict[int, str]] = {}
    for name in map(str, names):
        match = NUMBERED.fullmatch(name)
        if match and match[1].strip(" _.-"):
            found.setdefault(match[1].lower(), {}).setdefault(int(match[2]), name)
    return [
        Family(tuple(known.plain(stem).split("_")), columns)
        for stem, columns in found.items()
        if len(columns) > 1
    ]


@lru_cache(maxsize=64)
def _texts(names: tuple[object, ...]) -> list[Family]:
    """The families of the texts: the two of the sides, else the largest, which may be several."""
    families = _families(names)
    by_side = [family for family in families if _side(family)]
    if len({_side(family) for family in by_side}) == len(by_side) == 2:
        return by_side
    texts = [family for family in families if _may_be_turns(family)]
    largest = max((len(family.columns) for family in texts), default=0)
    return [family for family in texts if len(family.columns) == largest]


def _may_be_turns(family: Family) -> bool:
    word = family.words[-1]
    return word in TURN_WORDS and (word not in LOOSE or len(family.columns) > 2)


def _side(family: Family) -> str | None:
    """The side after which columns are called: `bot_reply_1`, `q1`."""
    if len(family.words) == 1 and family.words[0] in QUESTIONS:
        return QUESTIONS[family.words[0]]
    sides = (ROLE_WORDS.get(word) for word in family.words)
    return next((side for side in sides if side in ("user", "assistant")), None)


def _speakers(names: tuple[object, ...], texts: list[Family]) -> list[Family]:
    """The family of the speakers, where every text has one of its number."""
    if len(texts) != 1:
        return []
    columns = texts[0].columns.keys()
    return [
        family
        for family in _families(names)
        if "_".join(family.words) in WRITERS and columns <= family.columns.keys()
    ]
