"""OpenAI messages, as a field of a record or as the record itself.

{"id": "a1", "messages": [{"role": "system", "content": "You are Ada."},
                          {"role": "user", "content": "Hello"},
                          {"role": "assistant", "content": "Good evening."}]}
[{"role": "user", "content": "Hello"}, {"role": "assistant", "name": "Ada", "content": "Evening."}]

`content` (or `value`) may be a list of parts; their texts are joined. A system prompt and personas
may stand beside the list (see `beside`). The further fields of a message go to `extra`. The list is
looked for under `messages`, `conversation`, `conversations`, `dialogue`, `dialog`, `chat` and
`chosen`. A role that is not a known word (`ROLE_WORDS`) is a speaker's name. Messages of tools and
pictures make a record unreadable: without them the conversation would not make sense.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple, cast

from pipeline.collect.shapes.common import answers, beside, placeholders, shown
from pipeline.collect.shapes.common.parts import content_of
from pipeline.collect.shapes.common.row_order import newest_first, out_of_order
from pipeline.collect.shapes.common.times import seconds_of
from pipeline.collect.shapes.general import asides
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
    dict_of,
    fields_in,
    from_columns,
    id_field,
    if_any,
    list_of,
    record_id,
    rest,
    text_of,
    turn_by,
)
from pipeline.conversation import Persona

ABOUT = About("OpenAI messages", ("roles", "names", "personas"))

PLACES = ("messages", "conversation", "conversations", "dialogue", "dialog", "chat", "chosen")
# roles of no speaker, as they are without case, hyphens and underscores
TOOLS = (
    "tool",
    "tools",
    "toolcall",
    "toolcalls",
    "toolresult",
    "toolresponse",
    "tooloutput",
    "function",
    "functioncall",
    "functionresponse",
    "functionresult",
    "ipython",
    "observation",
    "environment",
)
CALLS = ("tool_calls", "function_call", "tool_call_id")  # fields of a message
MEDIA = {"image", "images", "video", "videos", "audio", "audios"}  # fields beside the list
MARKS = ("<image>", "<video>", "<audio>")  # where in a text they belong
IDS = ("id", "conversation_id", "conversation_hash", "uuid", "prompt_id")
# fields of a message that name its conversation
CONVERSATIONS = ("conversation_id", "conversationId", "chat_id", "thread_id", "dialogue_id")


def recognise(record: object) -> bool:
    return place_of(record, PLACES, "role") is not None


def read(record: object) -> Iterator[Transcript]:
    if isinstance(record, list):
        record = {"messages": record}
    fields = dict_of(record, "the record")
    yield transcript(fields, place_of(fields, PLACES, "role") or "messages", "role")


class _Spoken(NamedTuple):
    """The turns of messages, and what these hold beyond them. is_plain: all roles are known."""

    turns: list[Turn]
    further: list[Fields]
    is_plain: bool


def transcript(fields: Fields, place: str, who: str) -> Transcript:
    """The conversation of a record whose list of messages is at `place`; who: field of the role."""
    spoken = _spoken(list_of(fields.get(place), place), who)
    found = _of_others(fields, place, who, spoken)
    if found is None:
        found = _as_it_stands(fields, place, spoken)
    return found


def _spoken(messages: list[object], who: str) -> _Spoken:
    what = text_field(messages)
    is_short = _hold_two_fields(messages)
    plain = _if_plain(messages, who, what, is_short)
    turns = plain if plain is not None else _each_turn(messages, who)
    further: list[Fields] = []
    if not is_short:
        further = _rest_of_turns(messages, who, what, "name")
    if plain is None:
        further = _with_thoughts(messages, further, what)
    return _Spoken(turns, further, plain is not None)


def _of_others(fields: Fields, place: str, who: str, spoken: _Spoken) -> Transcript | None:
    """The conversation of messages that stand in another order, or of which some are no messages;
    None where they are read as they stand.
    """
    if not spoken.is_plain:
        said, count = asides.without_thoughts(list_of(fields.get(place), place), who)
        if count and said:
            found = transcript(fields | {place: said}, place, who)
            found.left_out = {**found.left_out, "thought": count}
            return found
    if not spoken.further:
        return None
    order = _order(spoken.turns, spoken.further)
    if order:
        return _in_order(fields, place, who, order)
    _check_calls(spoken.further)
    _check_one_conversation(spoken.further)
    split = shown.split(spoken.further, [turn[::2] for turn in spoken.turns])
    if len(split.kept) < len(spoken.turns):
        return _of_shown(fields, place, who, split)
    return None


def _as_it_stands(fields: Fields, place: str, spoken: _Spoken) -> Transcript:
    id_name = id_field(fields, *IDS)
    found = Transcript(spoken.turns, record=record_id(fields, *IDS))
    _add_beside(found, rest(fields, place, id_name))
    if spoken.further:
        prompts = len(found.turns) - len(spoken.turns)  # beside the list
        found.alternatives = shown.moved(shown.variants(spoken.further, spoken.turns), prompts)
        no_fields: list[Fields] = [{}] * prompts
        found.extra = {**found.extra, **if_any("turns", no_fields + spoken.further)}
    if found.extra:
        found = answers.with_last(found)
    if found.personas:
        found = _filled(found)
    return found


def _add_beside(found: Transcript, others: Fields) -> None:
    """Give a transcript what stands beside its messages: prompt, personas, the rest as `extra`."""
    if not others:
        return
    _check_media(others, found.turns)
    _check_lists(others, found.turns)
    around = beside.found(others, found.turns)
    found.turns, found.personas, found.group = around.turns, around.personas, around.group
    found.assumed = around.assumed
    found.extra = rest(others, *around.used)


def _filled(found: Transcript) -> Transcript:
    """The transcript with the names of its personas in the place of `{{char}}` and `{{user}}`."""
    character = found.personas.get(None, Persona())
    others = (persona.name for side, persona in found.personas.items() if side is not None)
    return placeholders.fill(
        found, {"assistant": character.name, "user": next(filter(None, others), None)}
    )


def _order(turns: Sequence[Turn], further: Sequence[Fields]) -> str | None:
    """The field that shows that the messages do not stand in their order.

    Prompts need none. The times of a question and its answer alone may be those at which they were
    stored.
    """
    first = next((at for at, turn in enumerate(turns) if turn[2] != "system"), 0)
    spoken = further[first:]
    if len(spoken) == 2 and turns[first][2] == "user":
        return None
    return newest_first(spoken) or out_of_order(spoken, [turn[::2] for turn in turns[first:]])


def _in_order(fields: Fields, place: str, who: str, order: str) -> Transcript:
    """The conversation of a list whose messages stand in another order."""
    messages = cast("list[Fields]", list_of(fields.get(place), place))
    numbers = [seconds_of(message.get(order)) for message in messages]
    prompts = [message for message, at in zip(messages, numbers, strict=True) if at is None]
    timed = [(at, message) for message, at in zip(messages, numbers, strict=True) if at is not None]
    timed.sort(key=itemgetter(0))
    others = [message for _, message in timed]
    found = transcript(fields | {place: [*prompts, *others]}, place, who)
    found.notes = (f"collect: put in the order of `{order}`",)
    return found


def _of_shown(fields: Fields, place: str, who: str, split: shown.Split) -> Transcript:
    """The conversation without the messages that are not shown."""
    messages = list_of(fields.get(place), place)
    texts = [text for _, text, _ in turns(messages, who)]
    found = transcript(fields | {place: split.of(messages)}, place, who)
    prompts = len(found.turns) - len(split.kept)
    found.alternatives += shown.moved(shown.alternatives(split, texts), prompts)
    found.left_out = split.left_out
    return found


def turns(messages: Sequence[object], who: str = "role") -> list[Turn]:
    """A list of messages as turns; ValueError names the first that is not a message."""
    plain = _if_plain(messages, who, text_field(messages), _hold_two_fields(messages))
    return plain or _each_turn(messages, who)


def _hold_two_fields(messages: Sequence[object]) -> bool:
    """Whether all messages hold two fields: who and what, the common case."""
    objects = cast("Sequence[Fields]", messages)  # what it raises shows that they are none
    try:
        return set(map(len, objects)) == {2}
    except TypeError:
        return False


def _if_plain(messages: Sequence[object], who: str, what: str, is_short: bool) -> list[Turn] | None:
    """The turns of messages without names that need not be looked at one by one; else None.

    is_short: they hold who and what, and so no name.
    """
    fields = cast("list[Fields]", messages)
    try:
        if is_short or not any(message.get("name") for message in fields):
            return _plain_turns(messages, who, what)
    except (AttributeError, KeyError, TypeError):
        pass
    return None


def _each_turn(messages: Sequence[object], who: str) -> list[Turn]:
    turns = [_turn(number, message, who) for number, message in enumerate(messages, 1)]
    if {"user", "assistant"} <= {role for _, _, role in turns}:
        asides.check(messages, who)
    return turns


def _plain_turns(messages: Sequence[object], who: str, what: str) -> list[Turn]:
    """The turns of messages of which each holds a role word under `who` and a text under `what`.

    KeyError or TypeError where one does not. Most messages are such, so they are not looked at one
    by one: `join` finds what is not text.
    """
    plain = cast("Sequence[dict[str, str]]", messages)
    turns: list[Turn] = [(None, message[what], ROLE_WORDS[message[who]]) for message in plain]
    "".join([text for _, text, _ in turns])
    return turns


def text_field(messages: Sequence[object]) -> str:
    """The field in which the messages have their texts, by the first of them."""
    first = messages[0] if messages else None
    if isinstance(first, dict) and "content" not in first and "value" in first:
        return "value"
    return "content"


def _turn(number: int, message: object, who: str) -> Turn:
    where = f"message {number}"
    fields = dict_of(message, where)
    role, name = fields.get(who), fields.get("name")
    if isinstance(role, int) or (isinstance(role, str) and role.isdigit()):
        raise Unclear(f"`{who}` of {where} is {role}, and nothing says which role that is")
    if not isinstance(role, str) or is_tool(role):
        expected = "system, user, assistant or a speaker's name"
        raise ValueError(f"{where} has the role {role!r}, expected {expected}")
    own_name = name if isinstance(name, str) and name else None
    if role.lower() in asides.PROMPTS:
        role = "system"
    return turn_by(role, _text(fields, where), own_name)


def is_tool(role: str) -> bool:
    """Whether a role is that of a tool, in any spelling: `FUNCTION RESPONSE`, `function-call`."""
    return "".join(filter(str.isalnum, role.lower())) in TOOLS


def _text(message: Fields, where: str) -> str:
    value = message.get(text_field([message]))
    if value is None and any(message.get(name) for name in CALLS):
        raise ValueError(f"{where} is a tool call and has no text")
    if value is None and message.get("refusal"):
        value = message["refusal"]
    if not isinstance(value, list | dict):
        return text_of(value, f"the content of {where}")
    if isinstance(value, list) and sum(isinstance(part, str) for part in value) > 1:
        raise ValueError(f"{where} holds several texts: are they parts, or answers to choose from?")
    content = content_of(value, where)
    if content.left_out:
        raise ValueError(f"{where} holds more than text: {', '.join(content.left_out)}")
    return "\n".join(content.texts)


# --- what messages hold besides


def _rest_of_turns(messages: Sequence[object], *used: str) -> list[Fields]:
    """The fields of messages beyond these, one object a message."""
    objects = cast("Sequence[Fields]", messages)  # they have been read as turns
    return [rest(message, *used) for message in objects]


def _check_one_conversation(further: Sequence[Fields]) -> None:
    """ValueError where the messages name several conversations: a table of all of them."""
    for name in CONVERSATIONS:
        if len({str(fields.get(name)) for fields in further}) > 1:
            raise ValueError(f"its messages are of several conversations: they differ in `{name}`")


def _check_calls(further: list[Fields]) -> None:
    """ValueError where a message calls a tool."""
    for number, fields in enumerate(further, 1):
        if any(fields.get(name) for name in CALLS):
            raise ValueError(f"message {number} is part of a tool call")


def _with_thoughts(messages: Sequence[object], further: list[Fields], what: str) -> list[Fields]:
    """The thoughts among the parts of a message join its further fields."""
    objects: list[Fields] = messages  # type: ignore[assignment] # they have been read as turns
    further = further or [{} for _ in objects]
    for number, message in enumerate(objects):
        if isinstance(message.get(what), list):
            thoughts = content_of(message[what], f"message {number + 1}").thoughts
            further[number] |= if_any("thoughts", thoughts)
    return further


def _check_media(others: Fields, turns: list[Turn]) -> None:
    """ValueError where texts hold the places of pictures and recordings that stand beside them."""
    beside_them = [name for name in others if name in MEDIA and others[name]]
    if beside_them and any(mark in text for _, text, _ in turns for mark in MARKS):
        raise ValueError(f"the texts are about what `{beside_them[0]}` holds")


def _check_lists(others: Fields, turns: list[Turn]) -> None:
    """Unclear where another list beside the messages holds other ones."""
    texts = {text for _, text, _ in turns}
    for name, value in others.items():
        if isinstance(value, list) and _holds_messages(value, "role"):
            further = {str(fields_in(item).get("content")) for item in value}
            if not further <= texts:
                raise Unclear(f"`{name}` beside the messages holds other ones")


# --- where they stand


def place_of(record: object, places: Sequence[str], who: str) -> str | None:
    """The field that holds the messages; "" where the record itself is the list."""
    if isinstance(record, list):
        return "" if _holds_messages(record, who) else None
    if not isinstance(record, dict):
        return None
    for place in places:
        if place in record and _holds_messages(from_columns(record[place]), who):
            return place
    return None


def _holds_messages(value: object, who: str) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return _is_message(value[0], who) or any(_is_message(item, who) for item in value)


def _is_message(item: object, who: str) -> bool:
    return isinstance(item, dict) and who in item and ("content" in item or "value" in item)
