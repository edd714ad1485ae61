"""A talk as a file that `rapport collect` reads: messages, their other texts, thumbs.

It is the form of SillyTavern's chats, one JSON object a line, which other programs read too. The
other texts are swipes, and become alternatives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from pipeline.companion.agent import Companion
from pipeline.companion.asked import Declined, RequestBody, messages_of
from pipeline.conversation import Message
from pipeline.formats.cards import to_json
from pipeline.store.files import RunFolder

THUMBS = (-1, 0, 1)
MOST_SWIPES = 50  # texts of one message; our choice


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """A message with all its texts, in their order, and a thumb: 1 up, -1 down, 0 none."""

    message: Message
    swipes: tuple[str, ...] = ()
    thumb: int = 0


def saved_messages(body: RequestBody) -> list[SavedMessage]:
    """The messages of a talk that a page sends. Raises Declined."""
    messages = [one for one in messages_of(body) if one.role != "system"]
    given = body.get("messages")
    assert isinstance(given, list)
    if len(messages) != len(given):
        raise Declined(400, "messages: of user and assistant, none empty.", "invalid_value")
    return [_saved(message, raw) for message, raw in zip(messages, given, strict=True)]


def _saved(message: Message, raw: Mapping[str, object]) -> SavedMessage:
    swipes, thumb = raw.get("swipes") or [], raw.get("thumb") or 0
    if not isinstance(swipes, list) or not all(isinstance(one, str) for one in swipes):
        raise Declined(400, "swipes must be a list of texts.", "invalid_value", "swipes")
    if thumb not in THUMBS:
        raise Declined(400, "thumb must be 1, 0 or -1.", "invalid_value", "thumb")
    return SavedMessage(message, tuple(swipes[:MOST_SWIPES]), int(str(thumb)))


def lines(who: Companion, messages: Sequence[SavedMessage], now: dt.datetime) -> str:
    """The talk, a JSON object a line."""
    date = f"{now:%Y-%m-%d}@{now:%Hh%Mm%Ss}"
    header = {"user_name": "User", "character_name": who.name, "create_date": date}
    records = [header, *_records(who, messages)]
    return "".join(orjson.dumps(record).decode() + "\n" for record in records)


def _records(who: Companion, messages: Sequence[SavedMessage]) -> Iterator[dict[str, object]]:
    names = {"user": "User", "assistant": who.name}
    for one in messages:
        role, text = one.message.role, one.message.content
        record: dict[str, object] = {"name": names[role], "is_user": role == "user", "mes": text}
        if text in one.swipes and len(one.swipes) > 1:
            record["swipes"] = list(one.swipes)
            record["swipe_id"] = one.swipes.index(text)
        if one.thumb:
            record["extra"] = {"thumb": one.thumb}
        yield record


def save(folder: Path, name: str, who: Companion, text: str) -> Path:
    """Write a talk into a folder, and the card beside it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = RunFolder(folder)
    card = f"{who.name.replace('/', '-')}.json"
    if not (folder / card).exists():
        files.write_text(card, who.character.card or to_json(who.character))
    files.write_text(f"{name}.jsonl", text)
    return folder / f"{name}.jsonl"
