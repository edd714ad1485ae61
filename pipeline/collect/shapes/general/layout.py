"""Where the parts of a conversation stand, by the fields that a recipe names.

What it does not name is known by its usual name. A name that no record has is a mistake; what
stays open after that (who writes?) is not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.collect.shapes.common import known, who
from pipeline.collect.shapes.transcript import Fields, Unclear, from_columns
from pipeline.conversation import Role
from pipeline.recipe.collect import FieldNames

# what makes the turns; the other fields stand beside them
OF_ITEMS = ("role", "content", "name", "ask", "answer", "time")
OF_TURNS = ("list", *OF_ITEMS)
OF_RECORDS = ("system", "persona", "id", "group", "language")


@dataclass(frozen=True, slots=True)
class Layout:
    """fields: all that is known of them. roles: as the recipe names them. flag: the field of the
    role, where it is a flag such as `is_user`. is_alternating: nothing says who writes.
    """

    fields: FieldNames
    roles: Mapping[str, Role]
    flag: str | None = None
    is_alternating: bool = False


# --- values


def value_at(record: object, path: str) -> object:
    """The value under a name, or under names with dots between; None where there is none."""
    if isinstance(record, dict) and path in record:
        return record[path]
    value = record
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _present(records: Sequence[object]) -> str:
    """The names of the fields that records have, for a mistake."""
    names = dict.fromkeys(
        str(name) for record in records if isinstance(record, dict) for name in record
    )
    return ", ".join(names) or "none: they are not objects"


# --- the layout


def layout_of(fields: FieldNames, roles: Mapping[str, Role], sample: Sequence[object]) -> Layout:
    """The fields that the recipe names, and those known by their usual names.

    ValueError names a field that no record of the sample has, and those that there are.
    """
    fields = _with_list(fields, sample)
    items = _items(fields, sample)
    for name in OF_RECORDS:
        _check(name, getattr(fields, name), sample, "the records")
    where = f"the items of `{fields.list}`" if fields.list else "the records"
    for name in OF_ITEMS:
        if not _is_beside(getattr(fields, name), fields, sample):
            _check(name, getattr(fields, name), items, where)
    if fields.ask or fields.answer:
        return Layout(_with_pair(fields, items, where), roles)
    layout = _with_writer(Layout(_with_text(fields, items, where), roles), items)
    _check_numbers(layout, items)
    return layout


def _check(what: str, name: str | None, records: Sequence[object], where: str) -> None:
    if name and all(value_at(record, name) is None for record in records):
        present = _present(records)
        raise ValueError(f"fields: {what}: {where} have no field {name!r}; there are {present}")


def _with_list(fields: FieldNames, sample: Sequence[object]) -> FieldNames:
    """The list that is named, or a usual one where the items hold the fields that are named."""
    if fields.list:
        values = [from_columns(value_at(record, fields.list)) for record in sample]
        if not any(isinstance(value, list) for value in values):
            present = _present(sample)
            problem = f"no record has a list in {fields.list!r}; there are {present}"
            raise ValueError(f"fields: list: {problem}")
        return fields
    if _has_all(fields, sample):
        return fields
    first = next(iter(objects_of(sample)), {})
    places = (fields.model_copy(update={"list": place}) for place in _places(first))
    return next((one for one in places if _has_all(one, _items(one, sample))), fields)


def _places(record: Fields) -> tuple[str, ...]:
    return known.all_of(known.WIDE_PLACES, record)


def _has_all(fields: FieldNames, items: Sequence[object]) -> bool:
    """Whether each field of turns that is named stands in some of the items."""
    named = [getattr(fields, name) for name in OF_ITEMS if getattr(fields, name)]
    return all(any(value_at(item, name) is not None for item in items) for name in named)


def _items(fields: FieldNames, sample: Sequence[object]) -> list[object]:
    """The items of the lists of the sample, or its records where each is a turn."""
    if not fields.list:
        return list(sample)
    lists = (from_columns(value_at(record, fields.list)) for record in sample)
    return [item for value in lists if isinstance(value, list) for item in value]


def _is_beside(name: str | None, fields: FieldNames, sample: Sequence[object]) -> bool:
    """Whether a field is a list beside the list of texts."""
    if not name or not fields.list:
        return False
    return any(isinstance(value_at(record, name), list) for record in sample)


def objects_of(items: Sequence[object]) -> list[Fields]:
    return [item for item in items if isinstance(item, dict)]


def _with_pair(fields: FieldNames, items: Sequence[object], where: str) -> FieldNames:
    first = next(iter(objects_of(items)), {})
    ask = fields.ask or known.one_of((*known.ALL_ASKS, *known.USERS), first)
    answer = fields.answer or known.one_of((*known.ALL_ANSWERS, *known.ASSISTANTS), first)
    if not ask or not answer:
        missing = "answer" if ask else "ask"
        present = _present(items)
        raise ValueError(f"fields: {missing}: which field of {where} is it? There are {present}")
    return fields.model_copy(update={"ask": ask, "answer": answer})


def _with_text(fields: FieldNames, items: Sequence[object], where: str) -> FieldNames:
    if fields.content or (fields.list and any(isinstance(item, str) for item in items)):
        return fields
    first = next(iter(objects_of(items)), {})
    content = next(iter(known.holds_text(known.TEXTS, first)), None)
    if content is None:
        present = _present(items)
        raise ValueError(f"fields: content: which field of {where} is it? There are {present}")
    return fields.model_copy(update={"content": content})


def _with_writer(layout: Layout, items: Sequence[object]) -> Layout:
    """Who writes, by what the recipe names, else by usual names; else two speakers alternate."""
    fields = layout.fields
    if fields.role or fields.name:
        plain = known.plain(fields.role or "")
        return replace(layout, flag=fields.role if plain in known.FLAGS else None)
    objects = objects_of(items)
    usual = who.who_fields(objects[0]) if objects else who.WhoFields(None, None, None, None)
    if any(usual):
        update = {"role": usual.flag or usual.role or usual.name}
        if usual.role and not usual.flag:
            update["name"] = usual.name
        return replace(layout, fields=fields.model_copy(update=update), flag=usual.flag)
    used = [fields.content, fields.time, fields.id, fields.group, fields.system, fields.persona]
    doubt = who.may_name_speakers(objects, used)
    if doubt:
        raise Unclear(f"fields: role: {doubt!r} may say who writes; name it, or another")
    return replace(layout, is_alternating=True)


def _check_numbers(layout: Layout, items: Sequence[object]) -> None:
    """Unclear where roles are numbers of which the recipe does not give the meaning."""
    role = layout.fields.role
    if not role or layout.flag:
        return
    words = {who.word(value_at(item, role)) or "" for item in items}
    known_words = {word.lower() for word in layout.roles}
    numbers = [word for word in sorted(words) if word.isdigit() or word in ("True", "False")]
    if numbers and not all(word.lower() in known_words for word in numbers):
        example = f"roles: {{'{numbers[0]}': user, ..}}"
        problem = f"{role!r} holds {', '.join(numbers)}: which is which? Write `{example}`"
        raise Unclear(f"fields: role: {problem}, or name them as `name`")
