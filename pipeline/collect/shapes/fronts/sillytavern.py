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

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pipeline.collect.shapes.common import who
from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    dict_of,
    list_of,
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Persona, Role

ABOUT = About(
    "SillyTavern, TavernAI, Chub: chats as JSON lines",
    ("roles", "names", "personas", "times", "groups", "alternatives"),
)

USED = ("name", "is_user", "is_system", "is_name", "mes", "swipes", "swipe_id", "swipe_info")
NAMES = ("user_name", "character_name")


@dataclass(slots=True)
class _Chat(fronts.ChatDraft):
    """The header and the messages of one chat. first: the number of its first record."""

    first: int = 0
    header: Fields = field(default_factory=dict)


def recognise(head: list[object]) -> bool:
    messages = sum(map(_is_message, head))
    headers = sum(map(_is_header, head))
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
            chat = _Chat(first=number, header=dict_of(record, "the header"))
        else:
            longer = chat or _Chat(first=number)
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
    text = _text(message.get("mes"), "`mes`")
    role = _role(message, chat.header)
    if message.get("is_system"):
        chat.left_out["comment" if _kind(message) else "hidden message"] += 1
        return
    found = list_of(message.get("swipes") or [], "`swipes`")
    texts = [_text(one, "a swipe") for one in found if one is not None]
    place = message.get("swipe_id")
    if chat.add(_name(message), text, role, texts, place if isinstance(place, int) else None):
        chat.kept.append(rest(message, *USED))


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
    by_user = who.truth(is_user)
    if by_user is not None:
        return "user" if by_user else "assistant"
    if is_user is None and _name(message) in (header.get(name) for name in NAMES):
        return "user" if message.get("name") == header.get("user_name") else "assistant"
    raise ValueError("`is_user` does not give the side")


def _kind(message: Fields) -> object:
    extra = message.get("extra")
    return extra.get("type") if isinstance(extra, dict) else None


# --- the whole chat


def _transcript(chat: _Chat, place: Place) -> Transcript:
    transcript = chat.transcript(_extra(chat))
    characters = chat.names("assistant")
    named = fronts.own_name(chat.header.get("character_name"))
    user = fronts.only(chat.names("user")) or fronts.own_name(chat.header.get("user_name"))
    if _is_group(chat, characters, place):
        transcript.personas = {None: _together([fronts.persona(one, place) for one in characters])}
        transcript.group = ", ".join(sorted(characters))
        return fronts.filled(transcript, None, user)
    name = named or fronts.only(characters)
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
    marked = any("original_avatar" in message for message in chat.kept)
    return marked or named is None or fronts.folder(place) == "group chats"


def _together(people: list[Persona | None]) -> Persona:
    """The characters of a group as one persona, so that the rules see all of them."""
    several = [one for one in people if one]
    names = ", ".join(str(one.name) for one in several)
    about = [f"{one.name}: {one.description}" for one in several if one.description]
    return Persona(names, "\n\n".join(about) or None)


def _in_scenario(character: Persona, header: Fields) -> Persona:
    """The character; a scenario of this chat stands in the place of the card's."""
    metadata = header.get("chat_metadata")
    scenario = metadata.get("scenario") if isinstance(metadata, dict) else None
    if isinstance(scenario, str) and scenario.strip():
        return replace(character, scenario=scenario)
    return character


def _extra(chat: _Chat) -> Fields:
    times = [message.get("send_date") for message in chat.kept[:1]]
    first = fronts.began(*times, chat.header.get("create_date"))
    return rest(chat.header, *NAMES) | first
