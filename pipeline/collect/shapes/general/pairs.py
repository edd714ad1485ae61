"""Pairs of a message and its answer, with the persona of the one who answers, as in XPersona.

{"persona": ["i am a nurse.", "i surf often."],
 "dialogue": [["__SILENCE__", "hey there !"], ["hi , how are you ?", "great !"]]}
{"conversation": [{"input": "Tea?", "output": "With pleasure."}]}

The one who answers is the assistant, and the persona is theirs. `__SILENCE__` (as in ConvAI2),
null and empty texts are not turns: the assistant speaks first, or the last message has no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.collect.shapes.common import known, sides
from pipeline.collect.shapes.general import speakers
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
    dict_of,
    from_columns,
    if_any,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("pairs of a message and its answer: XPersona, Capybara", ("roles", "personas"))

SILENCE = "__SILENCE__"
SIDES: tuple[Role, Role] = ("user", "assistant")
PLACES = tuple(place for place in known.PLACES if place != "conversations")
OBJECT_PLACES = tuple(place for place in known.PLACES if place != "data")  # of any records
FEW = 4  # pairs; among so many a speaker comes back, and a message hardly ever does
NAME_WORDS = 3
LONG_NAME = 40  # characters


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or "dialogue"
    items = list_of(fields.get(place), place)
    _check_not_speakers(items, place)
    _check_alone(fields, place, len(items))
    turns = [*_system(items), *exchanges(items, place, "pair")]
    transcript = speakers.with_beside(turns, fields, place, known.id_of(fields))
    further = if_any("turns", [_further(item) for item in items])
    transcript.extra = {**transcript.extra, **further}
    yield transcript


def exchanges(value: object, where: str, each: str) -> list[Turn]:
    """The turns of a list of pairs. ValueError names the first that is not a pair of texts."""
    pairs = enumerate(list_of(value, where), 1)
    return [turn for number, pair in pairs for turn in _exchange(pair, f"{each} {number}")]


def _exchange(pair: object, where: str) -> Iterator[Turn]:
    halves = _halves(pair, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} texts, expected 2")
    for role, half in zip(SIDES, halves, strict=True):
        text = SILENCE if half is None else text_of(half, where)
        if text.strip() not in ("", SILENCE):
            yield None, text, role


def _halves(pair: object, where: str) -> list[object]:
    if not isinstance(pair, dict):
        return list_of(pair, where)
    ask, answer = sides.pair_of(pair) or (None, None)
    if ask is None or answer is None:
        raise ValueError(f"{where} is not a message and its answer")
    return [pair[ask], pair[answer]]


def _further(pair: object) -> Fields:
    if not isinstance(pair, dict):
        return {}
    system = known.one_of(known.SYSTEMS, pair)
    return rest(pair, *(sides.pair_of(pair) or ()), system)


def _check_not_speakers(items: list[object], place: str) -> None:
    """Unclear where one half of the pairs may be the speaker of the other."""
    pairs = [item for item in items if _is_pair(item)]
    for side in (0, 1):
        halves = [str(pair[side]) for pair in pairs if isinstance(pair, list)]
        known_words = sum(half.lower() in ROLE_WORDS for half in halves)
        come_back = len(halves) >= FEW and len(set(halves)) * 2 <= len(halves)
        come_back = come_back and max(map(len, halves)) <= LONG_NAME
        are_names = 1 < len(halves) < FEW and all(map(_may_be_name, halves))
        if known_words * 2 > len(halves) or come_back or are_names:
            raise Unclear(f"the pairs of `{place}` may be speakers and their texts")


def _check_alone(record: Fields, place: str, size: int) -> None:
    """Unclear where other pairs stand beside these: a translation, or as the user sees them."""
    for name, value in record.items():
        if name != place and _holds(value, _is_pair) and len(list_of(value, name)) == size:
            raise Unclear(f"`{place}` and `{name}` hold pairs: which of them is the conversation?")


def _system(items: list[object]) -> list[Turn]:
    """The system prompt that stands in the first pair, as XTuner writes it."""
    first = items[0] if items and isinstance(items[0], dict) else {}
    name = known.one_of(known.SYSTEMS, first)
    if name is None or not known.is_text(first[name]):
        return []
    return [(None, text_of(first[name], name), "system")]


def _may_be_name(text: str) -> bool:
    """Whether a text looks like `Ada` or `User 1`, and not like a message."""
    words = text.split()
    return 0 < len(words) <= NAME_WORDS and text[0].isupper() and text[-1].isalnum()


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    places = known.all_of(PLACES, record)
    objects = known.all_of(OBJECT_PLACES, record)
    if "columns" in record:  # a table
        return None
    listed = (place for place in places if _holds(record[place], _is_pair))
    named = (place for place in objects if _holds(from_columns(record[place]), _is_named_pair))
    return next(listed, None) or next(named, None)


def _holds(value: object, is_one: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and any(map(is_one, value))


def _is_pair(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 2:
        return False
    return all(half is None or isinstance(half, str) for half in item) and any(item)


def _is_named_pair(item: object) -> bool:
    return isinstance(item, dict) and sides.pair_of(item) is not None
