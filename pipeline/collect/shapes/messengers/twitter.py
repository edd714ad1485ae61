"""Twitter, X: direct messages of a downloaded archive (`direct-messages.js`).

window.YTD.direct_messages.part0 = [{"dmConversation": {"conversationId": "11-22", "messages": [
    {"messageCreate": {"id": "2", "senderId": "22", "recipientId": "11", "text": "Gladly.",
     "createdAt": "2024-04-25T18:01:00.000Z", "reactions": [], "mediaUrls": []}},
    {"messageCreate": {"id": "1", "senderId": "11", "recipientId": "22", "text": "Tea?",
     "createdAt": "2024-04-25T18:00:00.000Z", "reactions": [], "mediaUrls": []}}]}}]

The newest message stands first. The archive knows people by number; the name of its owner stands in
`account.js` beside the file. Who joins or leaves, names and media are counted and left out. A
silence of six hours begins a new conversation; a chat is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

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
    fields_in,
    items_in,
    list_of,
    record_id,
    rest,
    text_of,
    unreadable,
)

ABOUT = About("Twitter, X: direct messages", ("names", "times", "groups"), private=True)

CHAT = "dmConversation"
WRITTEN = ("messageCreate", "welcomeMessageCreate")


def recognise(head: list[object]) -> bool:
    return bool(head) and sum(map(_is_chat, head)) * 2 > len(head)


def _is_chat(record: object) -> bool:
    return isinstance(fields_in(fields_in(record).get(CHAT)).get("messages"), list)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    owner = _owner(place)
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
            continue
        try:
            found = list(_chat(record, owner))
        except ValueError as error:
            found = [unreadable(error, record)]
        yield from ((number, one) for one in found)


def _owner(place: Place) -> dict[str, str]:
    """{the account's id: its name}, where the archive's `account.js` is beside the file."""
    data = place.beside("account.js") or b""
    try:
        accounts = orjson.loads(data.partition(b"=")[2] or b"[]")
    except orjson.JSONDecodeError:
        accounts = []
    inner = (fields_in(fields_in(one).get("account")) for one in items_in(accounts))
    pairs = ((one.get("accountId"), _name(one)) for one in inner)
    return {str(key): name for key, name in pairs if key and name}


def _name(account: Fields) -> str:
    return str(account.get("accountDisplayName") or account.get("username") or "")


def _chat(record: object, owner: dict[str, str]) -> Iterator[Transcript | Unread]:
    chat = dict_of(dict_of(record, "the record").get(CHAT), CHAT)

    def turn(fields: Fields, where: str) -> Iterator[Entry]:
        return _event(fields, where, owner)

    items = list_of(chat.get("messages"), "messages")
    return split(in_time(entries(items, turn), True), record_id(chat, "conversationId"))


def _event(event: Fields, where: str, owner: dict[str, str]) -> Iterator[Entry]:
    written = next((event[name] for name in WRITTEN if name in event), None)
    if written is None:
        yield LeftOut("notice")
        return
    fields = dict_of(written, where)
    media = list_of(fields.get("mediaUrls") or [], f"the media of {where}")
    yield from [LeftOut("attachment")] * len(media)
    text = text_of(fields.get("text"), f"the text of {where}")
    if text.strip():
        sender = str(fields.get("senderId") or "")
        more = rest({"reactions": fields.get("reactions")})
        time = clock.iso(fields.get("createdAt"))
        yield TimedTurn(time, owner.get(sender, sender) or None, text, more=more)
    elif not media:
        yield LeftOut("message without text")
