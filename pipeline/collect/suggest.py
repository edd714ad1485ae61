"""What fields of records may hold, for the refusal of a file: a guess that a person looks at.

Columns are known by their values, in any language: an id stays for some rows and comes back, a
speaker is short and changes from row to row, a text is long and hardly ever the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.common.times import place_of
from pipeline.collect.shapes.transcript import Fields, as_json, from_columns

SHOWN = 12  # fields of a record that are shown
VALUE = 60  # characters of a value that are shown
DEPTH = 3  # objects inside each other in which a list is looked for
SHORT = 40  # characters; the name of a speaker is not longer

ColumnScore = Callable[[Sequence[object]], float]  # of the values of a column


class Suggestion(NamedTuple):
    """shape: the nearest one, None where nothing looks like messages. fields: as a recipe has
    them.
    """

    shape: str | None
    fields: dict[str, str]


def sample_of(record: object) -> Iterator[str]:
    """A line for each field of a record: its name and the beginning of its value."""
    if not isinstance(record, dict):
        yield f"  {_short(record)}"
        return
    for number, (name, value) in enumerate(record.items()):
        if number == SHOWN:
            yield f"  … and {len(record) - SHOWN} more"
            return
        yield f"  {name}: {_short(value)}"


def _short(value: object) -> str:
    text = as_json(value)
    return text if len(text) <= VALUE else f"{text[:VALUE]}…"


def suggestion(sample: Sequence[object]) -> Suggestion:
    """What the records may be, and the fields that a recipe would name to read them so."""
    rows = [record for record in sample if isinstance(record, dict)]
    place = next((place for row in rows for place in _lists(row, DEPTH)), None)
    if place is None:
        return _of_columns(rows, {})
    items = [item for row in rows for item in _list_at(row, place)]
    objects = [item for item in items if isinstance(item, dict)]
    if not objects:
        pair = {"role": "0", "content": "1"}
        are_lists = all(isinstance(item, list) for item in items)
        return Suggestion("listed", {"list": place, **(pair if are_lists else {})})
    return _of_columns(objects, {"list": place})


def open_roles(sample: Sequence[object], fields: dict[str, str]) -> dict[str, str]:
    """A guess at the two roles, where the field of the role holds numbers."""
    name, place = fields.get("role", ""), fields.get("list")
    if known.plain(name) not in known.ROLES:
        return {}
    rows = [record for record in sample if isinstance(record, dict)]
    items = [item for row in rows for item in _list_at(row, place)] if place else rows
    values = {str(item.get(name)) for item in items if isinstance(item, dict)}
    numbers = sorted(value for value in values if value.isdigit())
    return dict(zip(numbers, ("user", "assistant"), strict=False))


def _of_columns(rows: Sequence[Fields], found: dict[str, str]) -> Suggestion:
    """The fields of turns, or of a message and its answer."""
    columns = _columns(rows)
    texts = sorted((name for name in columns if _is_texts(columns[name])), key=_length(columns))
    usual = next(iter(known.holds_text(known.TEXTS, rows[0])), None) if rows else None
    if not texts and usual is None:
        return Suggestion(None, {})
    content = usual or texts[-1]
    others = {name: values for name, values in columns.items() if name != content}
    role = _best(others, known.ROLES + known.NAMES, _changes)
    pair = _pair([name for name in columns if name in texts], columns)
    if role is None and pair:
        return Suggestion("prompt", found | pair)
    found = found | {"content": content}
    if role:
        found["role"] = role
        del others[role]
    if "list" not in found:
        found |= _of_rows(others)
    order = next((name for name in others if _is_order(name, others[name])), None)
    if order and order not in found.values():
        found["time"] = order
    return Suggestion("speakers" if "list" in found else "turns", found)


def _of_rows(columns: dict[str, list[object]]) -> dict[str, str]:
    usual = [name for name in known.all_of(known.KEYS, columns) if _stays(columns[name])]
    key = next(iter(usual), None) or _best(columns, (), _stays)
    return {"id": key} if key else {}


def _columns(rows: Sequence[Fields]) -> dict[str, list[object]]:
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _best(columns: dict[str, list[object]], usual: Sequence[str], score: ColumnScore) -> str | None:
    """The column with a usual name, else the one of short values with the best score above 0."""
    named = known.one_of(usual, columns)
    if named:
        return named
    scores = {name: score(values) for name, values in columns.items() if _is_short(values)}
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best is not None and scores[best] > 0 else None


def _changes(values: Sequence[object]) -> float:
    """How like a speaker: the share of rows in which the value changes, where it comes back."""
    texts = [str(value) for value in values]
    if not 1 < len(set(texts)) < len(texts):
        return 0
    share = sum(a != b for a, b in pairwise(texts)) / (len(texts) - 1)
    return share if share > 0.5 else 0


def _stays(values: Sequence[object]) -> float:
    """How like an id: the share of rows in which the value stays, where it changes at all."""
    texts = [str(value) for value in values]
    if not 1 < len(set(texts)) < len(texts):
        return 0
    return sum(a == b for a, b in pairwise(texts)) / (len(texts) - 1)


def _is_short(values: Sequence[object]) -> bool:
    given = [value for value in values if value not in (None, "")]
    scalars = (isinstance(value, str | int) and len(str(value)) <= SHORT for value in given)
    return bool(given) and all(scalars)


def _is_texts(values: Sequence[object]) -> bool:
    """Whether most values are texts of more than a word, and hardly one comes back."""
    texts = [value for value in values if known.is_text(value)]
    longer = [text for text in texts if " " in str(text).strip() or not str(text).isascii()]
    is_most = len(texts) * 2 > len(values) and len(longer) * 2 > len(texts)
    return is_most and len(set(map(str, texts))) * 4 > len(texts) * 3


def _length(columns: dict[str, list[object]]) -> Callable[[str], float]:
    return lambda name: sum(len(str(value)) for value in columns[name])


def _pair(texts: Sequence[str], columns: dict[str, list[object]]) -> dict[str, str]:
    """The two longest texts as a message and its answer, in their order in the record."""
    if len(texts) < 2:
        return {}
    longest = sorted(texts, key=_length(columns))[-2:]
    ask, answer = (name for name in texts if name in longest)
    return {"ask": ask, "answer": answer}


def _is_order(name: str, values: Sequence[object]) -> bool:
    places = [place_of(value) for value in values]
    return known.plain(name) in known.ORDERS and None not in places


# --- lists


def _lists(record: object, depth: int, path: str = "") -> Iterator[str]:
    """Where lists of objects, texts or lists stand in a record; those of a usual name first."""
    if not isinstance(record, dict) or not depth:
        return
    usual = list(known.all_of(known.PLACES, record))
    for name in dict.fromkeys([*usual, *record]):
        value = from_columns(record[name])
        here = f"{path}{name}"
        if isinstance(value, list) and _may_be_turns(value):
            yield here
        yield from _lists(record[name], depth - 1, f"{here}.")


def _may_be_turns(items: list[object]) -> bool:
    if len(items) < 2:
        return False
    objects = [item for item in items if isinstance(item, dict)]
    texts = (value for item in objects for value in item.values())
    if len(objects) == len(items):
        return any(known.is_text(value) for value in texts)
    return all(isinstance(item, str | list) for item in items)


def _list_at(record: Fields, path: str) -> list[object]:
    value: object = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    value = from_columns(value)
    return value if isinstance(value, list) else []
