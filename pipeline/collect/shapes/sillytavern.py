"""SillyTavern's chats, TavernAI's before it, and those of programs that write the same lines.

{"user_name": "Ben", "character_name": "Ada", "create_date": "2024-3-2 @14h 05m 11s 220ms"}
{"name": "Ada", "is_user": false, "send_date": "March 2, 2024 2:05pm", "mes": "Good evening.",
 "swipe_id": 1, "swipes": ["You again.", "Good evening."]}
{"name": "Ben", "is_user": true, "mes": "Is it late?"}
{"name": "Note", "is_user": false, "is_system": true, "mes": "Ask her again tomorrow."}

A file is one chat; a header in its middle begins another. A group chat has several characters, and
may have no header. Hidden messages and comments (`is_system`) are no messages. The other swipes are
alternatives. Chats of one character are one group; so are those of the same several characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.collect.shapes import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Turn,
    Unread,
    dict_of,
    if_any,
    list_of,
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Alternative, Persona, Role

ABOUT = About(
    "SillyTavern, TavernAI, Chub: chats as JSON lines",
    ("roles", "names", "personas", "times", "groups", "alternatives"),
)

USED = ("name", "is_user", "is_system", "is_name", "mes", "swipes", "swipe_id", "swipe_info")
NAMES = ("user_name", "character_name")


@dataclass(slots=True)
class _Chat:
    """The header and the messages of one chat. first: the number of its first record."""

    first: int
    header: Fields
    messages: list[Fields] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def recognise(head: list[object]) -> bool:
    messages, headers = sum(map(_is_message, head)), sum(map(_is_header, head))
    if not messages:
        return headers == len(head) == 1
    return (messages + headers) * 2 > len(head)


def _is_header(record: object) -> bool:
    if not isinstance(record, dict) or "mes" in record:
        return False
    named = all(name in record for name in NAMES)
    return named or isinstance(record.get("chat_metadata"), dict)


def _is_message(record: object) -> bool:
    return (
        isinstance(record, dict) and "mes" in record and ("is_user" in record or "name" in record)
    )


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    chat: _Chat | None = None
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
        elif _is_header(record):
            if chat:
                yield chat.first, _transcript(chat, place)
            chat = _Chat(number, dict_of(record, "the header"))
        else:
            longer = chat or _Chat(number, {})
            try:
                _add(longer, dict_of(record, f"record {number}"))
            except ValueError as error:
                yield number, unreadable(error, record)
            else:
                chat = longer
    if chat:
        yield chat.first, _transcript(chat, place)


def _add(chat: _Chat, message: Fields) -> None:
    """One more message of the chat; ValueError when it cannot be read."""
    text, role = _text(message.get("mes"), "`mes`"), _role(message, chat.header)
    reason = _left_out(message, text)
    if reason:
        chat.left_out[reason] += 1
        return
    found = message.get("swipes") or []
    texts = [_text(one, "a swipe") for one in list_of(found, "`swipes`") if one is not None]
    place = message.get("swipe_id")
    shown = place if isinstance(place, int) else None
    chat.alternatives += fronts.swipes(len(chat.turns), texts, text, shown)
    chat.turns.append((_name(message), text, role))
    chat.messages.append(message)


def _text(value: object, where: str) -> str:
    """A text, which Chub keeps in an object: {"message": ".."}."""
    return text_of(value.get("message") if isinstance(value, dict) else value, where)


def _name(message: Fields) -> str | None:
    name = message.get("name")
    return name if isinstance(name, str) and name.strip() else None


def _role(message: Fields, header: Fields) -> Role:
    is_user = message.get("is_user")
    if _kind(message) == "narrator":
        return "system"  # as SillyTavern itself sends it to the model
    if isinstance(is_user, bool):
        return "user" if is_user else "assistant"
    if is_user is None and _name(message) in (header.get(name) for name in NAMES):
        return "user" if message.get("name") == header.get("user_name") else "assistant"
    raise ValueError("`is_user` does not give the side")


def _kind(message: Fields) -> object:
    extra = message.get("extra")
    return extra.get("type") if isinstance(extra, dict) else None


def _left_out(message: Fields, text: str) -> str | None:
    """What it is, if it is no message."""
    if message.get("is_system"):
        return "comment" if _kind(message) else "hidden message"
    return None if text.strip() else "message without text"


# --- the whole chat


def _transcript(chat: _Chat, place: Place) -> Transcript:
    speakers = [name for name, _, role in chat.turns if role == "assistant"]
    characters = list(dict.fromkeys(filter(None, speakers)))
    user = fronts.only(name for name, _, role in chat.turns if role == "user")
    user = user or fronts.own_name(chat.header.get("user_name"))
    transcript = Transcript(
        chat.turns,
        alternatives=tuple(chat.alternatives),
        extra=_extra(chat),
        left_out=chat.left_out,
    )
    if _is_group(chat, characters, place):
        people = [fronts.persona(name, place) for name in characters]
        transcript.personas = {None: _together(filter(None, people))}
        transcript.group = ", ".join(sorted(characters))
        return fronts.filled(transcript, None, user)
    name = fronts.own_name(chat.header.get("character_name")) or fronts.only(characters)
    character = fronts.persona(name, place)
    if character:
        transcript.personas = {None: _in_scenario(character, chat.header)}
    transcript.group = name or fronts.folder(place)
    return fronts.filled(transcript, name, user)


def _is_group(chat: _Chat, characters: list[str], place: Place) -> bool:
    """Whether several characters are in it: not one that was renamed, or spoken for once."""
    if len(characters) < 2:
        return False
    named = fronts.own_name(chat.header.get("character_name"))
    marked = any("original_avatar" in message for message in chat.messages)
    return marked or named is None or fronts.folder(place) == "group chats"


def _together(people: Iterator[Persona]) -> Persona:
    """The characters of a group as one persona, so that the rules see all of them."""
    several = list(people)
    names = ", ".join(str(one.name) for one in several)
    about = [f"{one.name}: {one.description}" for one in several if one.description]
    return Persona(names, "\n\n".join(about) or None)


def _in_scenario(character: Persona, header: Fields) -> Persona:
    """The character; a scenario of this chat stands in the place of the card's."""
    metadata = header.get("chat_metadata")
    scenario = metadata.get("scenario") if isinstance(metadata, dict) else None
    if not isinstance(scenario, str) or not scenario.strip():
        return character
    return Persona(
        character.name, character.description, character.greeting, scenario, character.card
    )


def _extra(chat: _Chat) -> Fields:
    times = [message.get("send_date") for message in chat.messages]
    first = fronts.began(*times[:1], chat.header.get("create_date"))
    kept = [rest(message, *USED) for message in chat.messages]
    return {**rest(chat.header, *NAMES), **first, **if_any("messages", kept)}
