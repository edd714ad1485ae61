"""Facebook Messenger and Instagram: `message_1.json` of a downloaded account.

{"participants": [{"name": "Ada"}, {"name": "Ben"}], "title": "Ada", "thread_path": "inbox/ada_1",
 "messages": [
    {"sender_name": "Ben", "timestamp_ms": 1714000060000, "content": "Tr\\u00c3\\u00a8s bien"},
    {"sender_name": "Ada", "timestamp_ms": 1714000000000, "content": "Et toi ?"}]}

The newest message stands first. The download writes the bytes of UTF-8 as characters of Latin-1,
in names as well; they are put back together. End-to-end encrypted chats have a layout of their own:

{"participants": ["Ada", "Ben"], "threadName": "Ada_7", "messages": [
    {"senderName": "Ada", "text": "Et toi ?", "timestamp": 1714000000000, "type": "text",
     "isUnsent": false, "media": [], "reactions": []}]}

Photographs, stickers, calls and unsent messages are counted and left out, reactions are kept. A
silence of six hours begins a new conversation; a thread is one group.
"""

from __future__ import annotations

import re
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
    Place,
    Records,
    Transcript,
    Unread,
    dict_of,
    first_of,
    list_of,
    rest,
    text_of,
    unreadable,
)

ABOUT = About(
    "Facebook Messenger and Instagram, downloaded", ("names", "times", "groups"), private=True
)

PART = re.compile(r"(?:^|/)message_(\d+)\.json")
TIMES = ("timestamp_ms", "timestamp")
SENDERS = ("sender_name", "senderName")
TEXTS = ("content", "text")
CARRIED = {
    "photos": "attachment",
    "videos": "attachment",
    "audio_files": "attachment",
    "files": "attachment",
    "gifs": "attachment",
    "media": "attachment",
    "sticker": "sticker",
    "share": "shared link",
    "call_duration": "call",
}
NOTICES = {"Call", "Subscribe", "Unsubscribe", "call", "admin", "placeholder"}  # values of `type`
# What the app writes as if the person had; the download does not mark it.
OF_APP = re.compile(
    r"Reacted \S{1,12} to your message ?|Liked a message|The video chat ended\.|"
    r"(?:You are|You're) now connected on Messenger\.?"
)
# The same, behind the sender's name or "You".
DONE = re.compile(
    r"sent an attachment\.|sent a (?:photo|video|voice message|sticker|link|location)\.|"
    r"(?:called|missed (?:a|your) (?:video )?call)\b[^\n]{0,40}|"
    r"(?:started|joined) (?:a|the) (?:video )?(?:call|chat)\.?|named the group [^\n]+|"
    r"set the nickname for [^\n]+|set (?:your|his|her|their|the) (?:nickname|emoji) [^\n]+|"
    r"changed the (?:theme|chat theme|group photo|group name)\b[^\n]*|"
    r"(?:created|voted for|changed) [^\n]{0,80} poll[^\n]*|pinned a message\.?|"
    r"(?:added|removed) [^\n]{1,60} (?:to|from) the group\.|left the group\.|"
    r"unsent a message\.?"
)


def recognise(head: list[object]) -> bool:
    return bool(head) and all(map(_is_thread, head))


def _is_thread(record: object) -> bool:
    if not isinstance(record, dict) or "participants" not in record:
        return False
    items = record.get("messages")
    return isinstance(items, list) and any(map(_is_message, items))


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and bool(first_of(SENDERS, item) and first_of(TIMES, item))


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    assumed = _assumed(place)
    for number, record in records:
        try:
            found = [record] if isinstance(record, Unread) else [*_chat(record, assumed)]
        except ValueError as error:
            found = [unreadable(error, record)]
        yield from ((number, one) for one in found)


def _assumed(place: Place) -> tuple[str, ...]:
    """A long thread is cut into `message_1.json`, `message_2.json`, .., the newest first."""
    number = PART.search(place.path)
    if number is None or (number[1] == "1" and not place.beside("message_2.json")):
        return ()
    return ("a conversation ends with its file, though the thread has several",)


def _chat(record: object, assumed: tuple[str, ...]) -> Iterator[Transcript | Unread]:
    fields = dict_of(record, "the record")
    repaired = dict_of(_decoded(fields), "the record")
    items = list_of(repaired.get("messages"), "messages")
    group = repaired.get("thread_path") or repaired.get("threadName") or repaired.get("title")
    log = in_time(entries(items, _message), True)
    for found in split(log, str(group) if group else None, assumed):
        if isinstance(found, Transcript) and repaired != fields:
            found.notes = ("collect: repaired the Latin-1 characters of the download",)
        yield found


def _decoded(value: object) -> object:
    """The value with every text in it put back together from its bytes."""
    if isinstance(value, str):
        return _repaired(value)
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        return {name: _decoded(item) for name, item in value.items()}
    return value


def _repaired(text: str) -> str:
    """The text that the characters spell as bytes; the same text where they spell none."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _message(fields: Fields, where: str) -> Iterator[Entry]:
    carried = [what for name, what in CARRIED.items() if fields.get(name)]
    text = _text(fields, where)
    if fields.get("is_unsent") or fields.get("isUnsent"):
        yield LeftOut("unsent message")
        return
    if str(fields.get("type")) in NOTICES or "call_duration" in fields:
        yield LeftOut("notice")
        return
    yield from map(LeftOut, carried)
    sender = text_of(fields.get(first_of(SENDERS, fields) or ""), f"the sender of {where}")
    time = clock.since_1970(fields.get(first_of(TIMES, fields) or ""), per_second=1000)
    if is_of_app(text, sender):
        yield from [LeftOut("notice")] * (not carried)
    elif text.strip():
        yield TimedTurn(time, sender, text, more=rest({"reactions": fields.get("reactions")}))
    elif not carried:
        yield LeftOut("message without text")


def _text(fields: Fields, where: str) -> str:
    value = fields.get(first_of(TEXTS, fields) or "")
    return "" if value is None else text_of(value, f"the text of {where}")


def is_of_app(text: str, sender: str) -> bool:
    if OF_APP.fullmatch(text):
        return True
    subjects = ("You", sender, sender.partition(" ")[0])
    rests = (text[len(one) + 1 :] for one in subjects if one and text.startswith(f"{one} "))
    return any(map(DONE.fullmatch, rests))
