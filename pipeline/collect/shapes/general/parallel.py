"""Two lists side by side: speakers[i] wrote dialogue[i], as in SODA; or the texts of both sides.

{"narrative": "Joakim misses the ferry and is glad of it.",
 "dialogue": ["Did it run?", "Only the morning one."], "speakers": ["Tilda", "Joakim"]}

{"id": 7, "user": ["Tea?", "Sugar?"], "assistant": ["Please.", "No."]}

The narrative (or `scenario`) is the scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType

from pipeline.collect.shapes.common import known, who
from pipeline.collect.shapes.general import pairs, speakers
from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    Turn,
    dict_of,
    list_of,
    system_as_assistant,
    text_of,
    turn_by,
)

ABOUT = About("texts and speakers in two lists: SODA", ("roles", "names", "personas"))

TEXTS = (*known.PLACES, *known.TEXTS, "texts", "sentences")
WRITERS = (*known.ROLES, *known.NAMES)
PLURALS = tuple(f"{name}s" for name in WRITERS)


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return _places(record) is not None or _sides(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    by_side = _sides(fields)
    places = by_side or _places(fields)
    if places is None:
        raise ValueError("no two lists of the same length hold texts and their speakers")
    first, second = places
    both = zip(list_of(fields[first], first), list_of(fields[second], second), strict=True)
    if by_side:
        turns = pairs.exchanges([list(pair) for pair in both], first, "pair")
    else:
        turns = [_turn(n, text, writer, second) for n, (text, writer) in enumerate(both, 1)]
    yield speakers.with_beside(system_as_assistant(turns), fields, *places, known.id_of(fields))


def _turn(number: int, text: object, writer: object, place: str) -> Turn:
    name = who.word(writer)
    if name is None:
        raise ValueError(f"text {number} has no speaker in `{place}`")
    if known.plain(place).startswith("role"):  # a number here is refused, as beside a text
        turn, _ = who.turn_of({"role": writer}, text_of(text, f"text {number}"))
        return turn
    return turn_by(name, text_of(text, f"text {number}"))


def _places(record: Mapping[str, object]) -> tuple[str, str] | None:
    """The fields of the texts and of the speakers.

    None where a third list has the ids of conversations: these are the columns of a table.
    """
    texts = _lists(TEXTS, record, str)
    writers = _lists((*PLURALS, *WRITERS), record, str | int)
    keys = _lists(known.KEYS, record, str | int)
    for text in texts:
        size = len(list_of(record[text], text))
        for writer in writers:
            if writer != text and len(list_of(record[writer], writer)) == size > 1:
                is_table = any(key not in (text, writer) for key in keys)
                return None if is_table else (text, writer)
    return None


def _sides(record: Mapping[str, object]) -> tuple[str, str] | None:
    """Lists called after the two sides, with a message and its answer at each place."""
    users = _lists((*known.USERS, *_plural(known.USERS)), record, str)
    assistants = _lists((*known.ASSISTANTS, *_plural(known.ASSISTANTS)), record, str)
    for user in users:
        size = len(list_of(record[user], user))
        for assistant in assistants:
            if len(list_of(record[assistant], assistant)) == size:
                return user, assistant
    return None


def _plural(sides: tuple[str, ...]) -> tuple[str, ...]:
    """What lists of texts by the sides are called: `user_messages`."""
    return tuple(f"{side}_{word}s" for side in sides for word in known.TURN_WORDS)


def _lists(
    names: tuple[str, ...], record: Mapping[str, object], kind: type | UnionType
) -> list[str]:
    """The record's own names for those of these that hold a list of this kind."""
    return [name for name in known.all_of(names, record) if _is_list_of(record[name], kind)]


def _is_list_of(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, kind) for one in value)
