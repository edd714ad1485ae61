"""Records whose fields the recipe names: a list of turns, a turn a record, or a pair.

fields: {list: data.turns, role: who, content: body}
    {"data": {"turns": [{"who": "Ada", "body": "Tea?"}, {"who": "Ben", "body": "Please."}]}}
fields: {id: talk, role: who, content: body, time: at}
    {"talk": 7, "at": 2, "who": "Ben", "body": "Please."}
    {"talk": 7, "at": 1, "who": "Ada", "body": "Tea?"}
fields: {ask: frage, answer: antwort}
    {"frage": "Tea?", "antwort": "Please."}

A name may lead into objects and lists: `data.turns`, `0` (the first half of a pair). `role` and
`name` may also be a list beside the list of texts. What is not named is known by its usual name.
`system`, `persona`, `group` and `language` stand in the record, or in the first row of a
conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.collect.shapes.common import known, who
from pipeline.collect.shapes.common.gather import Group, gathered_by_id
from pipeline.collect.shapes.common.row_order import (
    ONE_FILE,
    are_sorted_by,
    in_file_order,
    order_problem,
    refused,
    rows_extra,
)
from pipeline.collect.shapes.common.times import place_of
from pipeline.collect.shapes.general import exchanges, listed
from pipeline.collect.shapes.general.layout import (
    OF_ITEMS,
    OF_TURNS,
    Layout,
    layout_of,
    objects_of,
    value_at,
)
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Records,
    Transcript,
    Turn,
    Unclear,
    Unread,
    description,
    if_any,
    list_of,
    rest,
    system_as_assistant,
    text_of,
    turn_by,
    unreadable,
)
from pipeline.conversation import Annotation, Persona, Role
from pipeline.recipe.collect import FieldNames

ABOUT = About(
    "any records, by the fields that the recipe names",
    ("roles", "names", "personas", "times", "groups"),
)


def names_turns(fields: FieldNames) -> bool:
    """Whether the recipe names fields of which turns are made."""
    return any(getattr(fields, name) for name in OF_TURNS)


def fits(fields: FieldNames, sample: Sequence[object]) -> bool:
    """Whether records hold the fields that the recipe names."""
    try:
        layout_of(fields, {}, sample)
    except Unclear:
        return True  # the fields are there
    except ValueError:
        return False
    return True


def read(
    records: Records, sample: Sequence[object], fields: FieldNames, roles: Mapping[str, Role]
) -> Iterator[tuple[int, Transcript | Unread]]:
    """The conversations of records. ValueError, at the call, names a field that is not there."""
    layout = layout_of(fields, roles, sample)
    names = layout.fields
    if names.list or (names.ask and not _is_gathered(names, sample)):
        return _of_records(records, layout)
    return _of_rows(records, layout)


def _is_gathered(fields: FieldNames, sample: Sequence[object]) -> bool:
    """Whether rows of a pair are to be put together: their id comes back, or they have a time."""
    if not fields.id:
        return False
    values = [str(value_at(record, fields.id)) for record in sample]
    return bool(fields.time) or len(set(values)) < len(values)


def with_beside(found: Transcript, record: object, fields: FieldNames) -> Transcript:
    """A transcript with what the recipe names beside the turns: persona, system, id, group and
    language, which stays in `extra` as well."""
    about = description(value_at(record, fields.persona)) if fields.persona else None
    if about:
        found.personas = {**found.personas, None: Persona(description=about)}
    system = value_at(record, fields.system) if fields.system else None
    if isinstance(system, str) and system.strip():
        _put_first(found, system)
    if fields.id:
        found.record = who.word(value_at(record, fields.id)) or found.record
    if fields.group:
        found.group = who.word(value_at(record, fields.group)) or found.group
    found.language = value_at(record, fields.language) if fields.language else None
    used = (fields.persona, fields.system, fields.id, fields.group)
    found.extra = rest(found.extra, *used)
    return found


def _put_first(found: Transcript, system: str) -> None:
    """Put a prompt before the turns; what belongs to a turn by its place moves with it."""
    found.turns = [(None, system, "system"), *found.turns]
    found.alternatives = tuple(one._replace(message=one.message + 1) for one in found.alternatives)
    if found.annotations:
        found.annotations = (Annotation(), *found.annotations)


# --- records with a list or a pair


def _of_records(records: Records, layout: Layout) -> Iterator[tuple[int, Transcript | Unread]]:
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
            continue
        try:
            yield number, _of_record(record, layout)
        except (ValueError, RecursionError) as error:
            yield number, unreadable(error, record)


def _of_record(record: object, layout: Layout) -> Transcript:
    fields = layout.fields
    parts = [getattr(fields, name) for name in OF_ITEMS]
    if not fields.list:
        transcript = Transcript(_pair(record, layout, "the record"))
        transcript.extra = _rest_of(record, parts)
        return with_beside(transcript, record, fields)
    items = list_of(value_at(record, fields.list), fields.list)
    notes: tuple[str, ...] = ()
    if fields.time:
        items, notes = _ordered(items, fields.time)
    transcript = Transcript(system_as_assistant(_turns(items, record, layout)), notes=notes)
    if layout.is_alternating:
        transcript.assumed = (listed.ALTERNATE,)
    further = if_any("turns", [rest(item, *parts) for item in objects_of(items)])
    transcript.extra = _rest_of(record, [*parts, fields.list]) | further
    return with_beside(transcript, record, fields)


def _rest_of(record: object, used: Sequence[str | None]) -> Fields:
    """What a record holds beyond the fields used, also where these stand deeper in it."""
    if not isinstance(record, dict):
        return {}
    found = rest(record, *used)
    for name in used:
        first, _, deeper = (name or "").partition(".")
        if deeper and first in found and name not in record:
            found[first] = _rest_of(found[first], [deeper])
    return {name: value for name, value in found.items() if value not in ({}, [])}


def _ordered(items: list[object], time: str) -> tuple[list[object], tuple[str, ...]]:
    """Items by their time. ValueError where one has none that is understood."""
    places = []
    for number, item in enumerate(items, 1):
        place = place_of(value_at(item, time))
        if place is None:
            raise ValueError(f"item {number} has no number or time in {time!r}")
        places.append(place)
    order = sorted(range(len(items)), key=places.__getitem__)
    if order == list(range(len(items))):
        return items, ()
    return [items[number] for number in order], (f"collect: put in the order of `{time}`",)


def _turns(items: list[object], record: object, layout: Layout) -> list[Turn]:
    if layout.fields.ask:
        pairs = enumerate(items, 1)
        return [turn for number, item in pairs for turn in _pair(item, layout, f"item {number}")]
    role = _beside(layout.fields.role, record, len(items))
    name = _beside(layout.fields.name, record, len(items))
    return [
        _turn(item, layout, number, (role and role[number], name and name[number]))
        for number, item in enumerate(items)
    ]


def _beside(name: str | None, record: object, size: int) -> list[object] | None:
    """A list beside the list of texts. ValueError where it has not an entry for each text."""
    value = value_at(record, name) if name else None
    if not isinstance(value, list):
        return None
    if len(value) != size:
        raise ValueError(f"{name} has {len(value)} entries for {size} texts")
    return value


def _turn(
    item: object, layout: Layout, number: int, beside: tuple[object, object] = (None, None)
) -> Turn:
    fields = layout.fields
    where = f"turn {number + 1}"
    text = item if isinstance(item, str) else value_at(item, fields.content or "")
    text = text_of(text, f"the text of {where}")
    if layout.is_alternating:
        return f"speaker {number % 2 + 1}", text, None
    role, name = beside
    if fields.role and role is None:
        role = value_at(item, fields.role)
    if fields.name and name is None:
        name = value_at(item, fields.name)
    return _written(role, name, text, layout, where)


def _written(role: object, name: object, text: str, layout: Layout, where: str) -> Turn:
    """The turn of a text by the values of its role and its name."""
    flag = who.truth(role)
    if layout.flag and flag is not None:
        side = known.FLAGS[known.plain(layout.flag)]
        return who.word(name), text, side if flag else who.OTHER_SIDE[side]
    word, own_name = who.word(role), who.word(name)
    if word is None and own_name is None:
        raise Unclear(f"{where} does not name its speaker")
    by_recipe = _by_recipe(word, layout)
    if by_recipe:
        return own_name or _name_of(word), text, by_recipe
    return turn_by(word, text, own_name)


def _by_recipe(word: str | None, layout: Layout) -> Role | None:
    """The role that the recipe gives to a word."""
    roles = {name.lower(): role for name, role in layout.roles.items()}
    return roles.get((word or "").lower())


def _name_of(word: str | None) -> str | None:
    """A speaker's name where it is one, and neither a number nor a word for a role."""
    if word is None or word.lower() in (*ROLE_WORDS, "true", "false") or word.isdigit():
        return None
    return word


def _pair(item: object, layout: Layout, where: str) -> list[Turn]:
    fields = layout.fields
    found: list[Turn] = []
    sides: tuple[tuple[str | None, Role], ...] = (
        (fields.ask, "user"),
        (fields.answer, "assistant"),
    )
    for name, role in sides:
        value = value_at(item, name or "")
        if value not in (None, ""):
            found.append((None, text_of(value, f"{name} of {where}"), role))
    if not found:
        raise ValueError(f"{where} has neither {fields.ask} nor {fields.answer}")
    return found


# --- rows of a table


def _of_rows(records: Records, layout: Layout) -> Iterator[tuple[int, Transcript | Unread]]:
    fields = layout.fields
    flat = ((number, _flat(record, layout)) for number, record in records)
    must_come_back = not fields.ask
    for group in gathered_by_id(flat, fields.id, fields.time, must_come_back):
        if isinstance(group, tuple):
            yield group
        else:
            yield from _of_group(group, layout)


def _flat(record: object, layout: Layout) -> object:
    """A row with what stands deeper in it under the name that the recipe has for it."""
    if not isinstance(record, dict):
        return record
    names = [getattr(layout.fields, name) for name in ("id", "time")]
    deeper = [name for name in names if name and name not in record]
    return record | {name: value_at(record, name) for name in deeper}


def _of_group(group: Group, layout: Layout) -> Iterator[tuple[int, Transcript | Unread]]:
    rows = [row for _, row in group]
    try:
        problem = order_problem(group, layout.fields.time)
        transcript = _of_rows_together(rows, layout)
    except ValueError as error:
        problem = str(error)
    if problem:
        yield from refused(group, problem)
    else:
        yield group[0][0], transcript


def _pairs_of_rows(rows: Sequence[Fields], layout: Layout) -> list[Turn]:
    parts = [_pair(row, layout, f"row {number}") for number, row in enumerate(rows, 1)]
    problem = exchanges.repeated(parts)
    if problem:
        raise ValueError(problem)
    return [turn for part in parts for turn in part]


def _turns_of_rows(rows: Sequence[Fields], layout: Layout) -> list[Turn]:
    turns = [_turn(row, layout, number) for number, row in enumerate(rows)]
    is_ordered = layout.fields.time is not None
    if not is_ordered and are_sorted_by([speaker or role for speaker, _, role in turns]):
        raise ValueError("the rows stand speaker by speaker: name their order as `time`")
    return turns


def _of_rows_together(rows: Sequence[Fields], layout: Layout) -> Transcript:
    fields = layout.fields
    turns = _pairs_of_rows(rows, layout) if fields.ask else _turns_of_rows(rows, layout)
    transcript = Transcript(system_as_assistant(turns), merged=len(rows) - 1)
    transcript.assumed = in_file_order(rows, fields.time)
    if fields.id is None and not fields.ask:
        transcript.assumed += (ONE_FILE,)
    if layout.is_alternating:
        transcript.assumed += (listed.ALTERNATE,)
    used = [getattr(fields, name) for name in OF_ITEMS]
    transcript.extra = rows_extra([rest(row, *used) for row in rows])
    transcript = with_beside(transcript, rows[0], fields)
    transcript.group = transcript.group or transcript.record
    return transcript
