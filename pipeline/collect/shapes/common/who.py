"""Who writes a turn, by the fields beside its text.

{"speaker": "Ada", "text": "Tea?"}                         by a name or a number
{"role": "assistant", "name": "Ada", "text": "Tea?"}       by a role, and a name beside it
{"is_user": false, "name": "Ada", "text": "Tea?"}          by a flag
{"from_me": true, "text": "Tea?"}                          by the person whose file it is

Where no field is known, but one could say it (`{"by": 2, "text": "Tea?"}`), nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    Fields,
    Turn,
    Unclear,
    system_as_assistant,
)
from pipeline.conversation import Role

# the name in an object that stands for a person
OWN_NAMES = ("nickname", "display_name", "name", "username", "login", "real_name", "role", "id")
# fields that say whether the person whose file it is writes a turn
OWN = (
    "is_me",
    "from_me",
    "is_from_me",
    "by_me",
    "sent_by_me",
    "is_mine",
    "is_own",
    "is_self",
    "is_sender",
    "is_outgoing",
    "outgoing",
    "direction",
)
TRUTHS = {
    **dict.fromkeys(("true", "1", "yes", "y", "out", "outgoing", "outbound", "sent"), True),
    **dict.fromkeys(("false", "0", "no", "n", "in", "incoming", "inbound", "received"), False),
}
OWN_SPEAKERS = {True: "me", False: "the other side"}
OTHER_SIDE: dict[Role, Role] = {"user": "assistant", "assistant": "user"}


class WhoFields(NamedTuple):
    """The fields that say who writes a turn; None where there is none of a kind."""

    role: str | None
    name: str | None
    flag: str | None
    own: str | None


def who_fields(item: Mapping[str, object]) -> WhoFields:
    return _who_fields(tuple(item))


@lru_cache(maxsize=1024)
def _who_fields(names: tuple[str, ...]) -> WhoFields:
    present: dict[str, object] = dict.fromkeys(names)
    groups = (known.ROLES, known.NAMES, known.FLAGS, OWN)
    return WhoFields(*(known.one_of(group, present) for group in groups))


def fields_of(items: Sequence[Fields]) -> WhoFields | None:
    """The fields of a chat with one person, where its name stands beside both sides.

    {"name": "Ada", "direction": "in"}, {"name": "Ada", "direction": "out"}
    """
    first: Fields = next(iter(items), {})
    fields = who_fields(first)
    if fields.own is None or fields.name is None:
        return None
    sides = {truth(item.get(fields.own)) for item in items}
    names = {word(item.get(fields.name)) for item in items}
    if sides >= {True, False} and len(names) == 1:
        return fields._replace(name=None)
    return None


def who_of(item: Mapping[str, object]) -> str:
    """Who writes an item, by all fields that say it: the same for the same speaker."""
    return "/".join(str(item.get(name or "")) for name in who_fields(item))


def turn_of(item: Fields, text: str, fields: WhoFields | None = None) -> tuple[Turn, list[str]]:
    """The turn of an item, and the fields that were used for it.

    Unclear where a role is a number: what 0 and 1 stand for is not in the record.
    """
    fields = fields or who_fields(item)
    name = word(item.get(fields.name)) if fields.name else None
    role, role_word = _role(item, fields)
    own = truth(item.get(fields.own or ""))
    if own is not None and not (name or role_word or role):
        return (OWN_SPEAKERS[own], text, None), [fields.own or ""]
    if role is None and role_word and not name:
        return (role_word, text, None), [fields.role or ""]
    used = [fields.role, fields.flag] if role else []
    speaker, own_role = _speaker(name)
    if own_role and role in (None, own_role):
        role, used = own_role, [*used, fields.name]
        return (None, text, role), [field for field in used if field]
    return (speaker, text, role), [field for field in (*used, fields.name) if field]


def with_sides(turns: list[Turn]) -> list[Turn]:
    """The turns; a `system` who answers one user is the assistant.

    Unclear where it speaks between several people: it may be a narrator, or no message.
    """
    people = {speaker for speaker, _, role in turns if role is None}
    roles = [role for _, _, role in turns]
    first = next((at for at, role in enumerate(roles) if role != "system"), 0)
    if len(people) > 1 and "system" in roles[first:]:
        raise Unclear("`system` speaks between several people: is it a narrator, or no message?")
    return system_as_assistant(turns)


def role_field(items: Sequence[Fields]) -> str | None:
    """A field of any name with words for both sides and nothing else, as {"sender_class": "Bot"}.

    None where a known field says who writes.
    """
    if not items or _is_known(items[0]):
        return None
    for name in items[0]:
        words = {str(item.get(name)).lower() for item in items}
        sides = {ROLE_WORDS.get(word) for word in words}
        if sides >= {"user", "assistant"} and None not in sides:
            return name
    return None


def _is_known(item: Fields) -> bool:
    fields = who_fields(item)
    name = word(item.get(fields.name)) if fields.name else None
    return bool(fields.role or fields.flag or (name and name.lower() in ROLE_WORDS))


def _speaker(name: str | None) -> tuple[str | None, Role | None]:
    """(name, role) of what stands in a field for names: `Ada`, or a word for a role."""
    role = ROLE_WORDS.get((name or "").lower())
    return name, role


def _role(item: Fields, fields: WhoFields) -> tuple[Role | None, str | None]:
    """The role that the item gives, and the word for it where it is not known."""
    flag = _flag(item, fields.flag) if fields.flag else None
    if flag is not None:
        side = known.FLAGS[known.plain(fields.flag or "")]
        return (side if flag else OTHER_SIDE[side]), None
    value = item.get(fields.role) if fields.role else None
    role_word = word(value)
    if role_word is None:
        return None, None
    if role_word.isdigit() or isinstance(value, bool):
        raise Unclear(f"`{fields.role}` is {role_word}, and nothing says which role that is")
    return ROLE_WORDS.get(role_word.lower()), role_word


def truth(value: object) -> bool | None:
    """Whether a value says yes, also as a number or a word; None where it says neither."""
    return TRUTHS.get(str(value).strip().lower())


def _flag(item: Fields, name: str) -> bool | None:
    """What a flag says. Unclear where it says neither yes nor no, and is no name either."""
    value = item.get(name)
    flag = truth(value)
    if flag is None and value is not None and known.plain(name) not in known.NAMES:
        raise Unclear(f"`{name}` is {value!r}, and nothing says which side that is")
    return flag


def word(value: object) -> str | None:
    """A speaker as text, also a number, a list of names, or an object with a name; None of none."""
    if isinstance(value, dict):
        value = next((value[name] for name in known.all_of(OWN_NAMES, value)), None)
    if isinstance(value, list):
        value = " and ".join(str(name) for name in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a table with an empty cell makes numbers of 1.0
    if isinstance(value, str | int):
        return str(value).strip() or None
    return None


def may_name_speakers(items: Iterable[Fields], used: Iterable[str | None]) -> str | None:
    """The first field beside the used ones that may say who writes; None where none does.

    Lists, objects and fractions say nothing; nor do fields of `known.HARMLESS`, nor an id that is
    different in every item.
    """
    items = list(items)
    names = dict.fromkeys(name for item in items for name in item)
    for name in names:
        if name not in used and _may_name(name, [item.get(name) for item in items]):
            return name
    return None


def _may_name(name: str, values: list[object]) -> bool:
    given = [value for value in values if value not in (None, "", [], {})]
    short = known.plain(name)
    if not given or short in known.HARMLESS:
        return False
    if short in known.NAMES or short in known.ROLES:
        return True
    if short.endswith("id") and len(set(map(str, given))) == len(values):
        return False
    return all(isinstance(value, str | int) for value in given)
