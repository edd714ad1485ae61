"""A Discord channel as DiscordChatExporter writes it in JSON.

{"guild": {"id": "0", "name": "Direct Messages"},
 "channel": {"id": "77", "type": "DirectTextChat", "name": "Ben"},
 "messages": [
    {"id": "900", "type": "Default", "timestamp": "2024-04-01T18:00:00+02:00", "content": "Hello",
     "author": {"id": "11", "name": "ada_x", "nickname": "Ada", "isBot": false}},
    {"id": "901", "type": "Reply", "timestamp": "2024-04-01T18:01:00+02:00", "content": "Hi!",
     "author": {"id": "12", "name": "ben_x", "nickname": "Ben", "isBot": false},
     "reference": {"messageId": "900"}}]}

Any other type is a notice; it is counted and left out, as is what a message carries beside its
text. A bot that speaks with one person is the assistant. A silence of six hours begins a new
conversation; a channel is one group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
    entries,
    in_time,
    objects,
    split,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    Unread,
    dict_of,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("Discord, by DiscordChatExporter", ("names", "times", "groups"), private=True)

TYPES = ("Default", "Reply", "0", "19", 0, 19)
CARRIED = {"attachments": "attachment", "embeds": "embed", "stickers": "sticker", "poll": "poll"}


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not {"channel", "messages"} <= record.keys():
        return False
    items = record["messages"]
    return isinstance(items, list) and any(map(_is_message, items))


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("author"), dict) and "content" in item


def read(record: object) -> Iterator[Transcript | Unread]:
    fields = dict_of(record, "the record")
    items = list_of(fields.get("messages"), "messages")
    authors = [_author(item) for item in objects(items)]
    people = distinct((str(author.get("id")), _name(author)) for author in authors)
    bots = {people[str(author.get("id"))] for author in authors if author.get("isBot") is True}

    def turn(item: Fields, where: str) -> Iterator[Entry]:
        return _message(item, where, people)

    channel = dict_of(fields.get("channel"), "channel")
    group = record_id(channel, "id", "name")
    return with_bots(split(in_time(entries(items, turn)), group=group), bots)


def with_bots(
    found: Iterable[Transcript | Unread], bots: set[str]
) -> Iterator[Transcript | Unread]:
    """Conversations with roles where a person and a bot speak, and nobody else."""
    for one in found:
        if isinstance(one, Transcript):
            one.turns = _with_roles(one.turns, bots)
        yield one


def _with_roles(turns: list[Turn], bots: set[str]) -> list[Turn]:
    speakers = {speaker for speaker, _, _ in turns}
    if len(speakers) != 2 or len(speakers & bots) != 1:
        return turns
    found: list[Turn] = []
    for speaker, text, _ in turns:
        found.append((speaker, text, "assistant" if speaker in bots else "user"))
    return found


def _author(item: Fields) -> Fields:
    author = item.get("author")
    return author if isinstance(author, dict) else {}


def _name(author: Fields) -> str:
    return str(author.get("nickname") or author.get("name") or author.get("id") or "")


def _message(fields: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    text = text_of(fields.get("content"), f"the content of {where}")
    if fields.get("type", "Default") not in TYPES:
        yield LeftOut("notice")
        return
    carried = [what for name, what in CARRIED.items() for _ in _listed(fields.get(name))]
    yield from map(LeftOut, carried)
    author = _author(fields)
    reference = fields.get("reference")
    answers = record_id(reference, "messageId") if isinstance(reference, dict) else None
    if text.strip():
        more = rest({"reactions": _reactions(fields), "bot": author.get("isBot") is True or None})
        time = clock.iso(fields.get("timestamp"))
        name = people[str(author.get("id"))] or None
        yield TimedTurn(time, name, text, record_id(fields, "id"), answers, more)
    elif not carried:
        yield LeftOut("message without text")


def _listed(value: object) -> list[object]:
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def _reactions(fields: Fields) -> dict[str, object]:
    """Emoji → how many people gave it."""
    found: dict[str, object] = {}
    for reaction in _listed(fields.get("reactions")):
        emoji = reaction.get("emoji") if isinstance(reaction, dict) else None
        if isinstance(emoji, dict) and isinstance(reaction, dict):
            found[str(emoji.get("name"))] = reaction.get("count")
    return found
