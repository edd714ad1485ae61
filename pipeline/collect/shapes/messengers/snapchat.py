"""Snapchat: `chat_history.json` of downloaded data; the chats by friend or group.

{"ben_b": [
    {"From": "ben_b", "Media Type": "TEXT", "Created": "2024-04-25 18:01:00 UTC",
     "Content": "Gladly.", "Conversation Title": null, "IsSender": false},
    {"From": "ada_e", "Media Type": "TEXT", "Created": "2024-04-25 18:00:00 UTC",
     "Content": "Tea?", "Conversation Title": null, "IsSender": true}]}

Older data has what was received and what was sent apart, without the owner's own name:

{"Received Saved Chat History": [{"From": "ben_b", "Media Type": "TEXT", "Text": "Gladly.", ..}],
 "Sent Saved Chat History": [{"To": "ben_b", "Media Type": "TEXT", "Text": "Tea?", ..}]}

The newest message stands first. Pictures, calls and notices are counted and left out. A silence of
six hours begins a new conversation; the chat with a friend is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    entries,
    in_time,
    split,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Unread,
    dict_of,
    list_of,
    rest,
    text_of,
)

ABOUT = About("Snapchat, downloaded", ("names", "times", "groups"), private=True)

HISTORY = "Chat History"  # in the names of the lists of older data
TEXTS = ("Content", "Text")
OWNER = "me"


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not record:
        return False
    chats = [value for value in record.values() if value != []]
    return bool(chats) and all(isinstance(chat, list) and all(map(_is_one, chat)) for chat in chats)


def _is_one(item: object) -> bool:
    return isinstance(item, dict) and {"Media Type", "Created"} <= item.keys()


def read(record: object) -> Iterator[Transcript | Unread]:
    for friend, items in _chats(dict_of(record, "the record")).items():
        yield from split(in_time(entries(items, _message), True), _title(items) or friend)


def _chats(record: Fields) -> dict[str, list[object]]:
    """The messages by friend or group."""
    lists = {name: list_of(value, name) for name, value in record.items()}
    if not any(HISTORY in name for name in lists):
        return {name: items for name, items in lists.items() if items}
    chats: dict[str, list[object]] = {}
    for items in lists.values():
        for item in items:
            fields = dict_of(item, "a message")
            friend = str(fields.get("From") or fields.get("To") or "")
            chats.setdefault(friend, []).append(fields)
    return chats


def _title(items: list[object]) -> str | None:
    """The name of a group."""
    titles = (item.get("Conversation Title") for item in items if isinstance(item, dict))
    return next((str(title) for title in titles if title), None)


def _message(fields: Fields, where: str) -> Iterator[Entry]:
    kind = str(fields.get("Media Type"))
    if kind.startswith("STATUS"):
        yield LeftOut("notice")
        return
    if kind != "TEXT":
        yield LeftOut("attachment")
        return
    value = next((fields[name] for name in TEXTS if fields.get(name)), "")
    text = text_of(value, f"the text of {where}")
    if text.strip():
        time = clock.iso(str(fields.get("Created")).removesuffix(" UTC"))
        name = str(fields.get("From") or OWNER)
        yield TimedTurn(time, name, text, more=rest({"saved": fields.get("IsSaved") or None}))
    else:
        yield LeftOut("message without text")
