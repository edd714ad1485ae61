"""Slack: one day of a channel, `general/2024-04-25.json` of an export.

[{"type": "message", "user": "U1", "text": "Is <@U2> in?", "ts": "1714000001.000100",
  "user_profile": {"display_name": "Ada", "real_name": "Ada Ek"}},
 {"type": "message", "user": "U2", "text": "I am", "ts": "1714000002.000100"},
 {"type": "message", "subtype": "channel_join", "user": "U3", "ts": "1714000003.000100",
  "text": "<@U3> has joined the channel"}]

Names are those of `user_profile`, else of `users.json` beside the channel's folder. Slack's own
escapes (`<@U2>`, `<https://..|label>`, `&amp;`) become what the reader sees. A thread that
other messages interrupt is one conversation; a silence of six hours begins a new one in the others.
A channel is one group.
Notices, files and deleted messages are counted and left out.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import orjson

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
    entries,
    in_time,
    numbered,
    objects,
    split_with_threads,
)
from pipeline.collect.shapes.messengers.discord import with_bots
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    record_id,
    rest,
    text_of,
)

ABOUT = About("Slack, exported", ("names", "times", "groups"), private=True)

# Subtypes that somebody wrote; all the others are notices.
WRITTEN = {
    "",
    "bot_message",
    "me_message",
    "thread_broadcast",
    "reply_broadcast",
    "file_share",
    "file_comment",
}
REFERENCE = re.compile(r"<(?P<kind>[@#!]?)(?P<what>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
TIMESTAMP = re.compile(r"\d{9,11}\.\d{4,8}")


def recognise(head: list[object]) -> bool:
    return bool(head) and sum(map(_is_message, head)) * 2 > len(head)


def _is_message(record: object) -> bool:
    if not isinstance(record, dict) or record.get("type") != "message":
        return False
    return TIMESTAMP.fullmatch(str(record.get("ts"))) is not None


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    items = [record for _, record in records]
    people = _people(objects(items), place)
    bots = {people[_person(item)] for item in objects(items) if _is_bot(item)}

    def turn(fields: Fields, where: str) -> Iterator[Entry]:
        return _message(fields, where, people)

    log = in_time(entries(items, turn))
    found = split_with_threads(log, _threads(objects(items)), group=_channel(place))
    return numbered(with_bots(found, bots))


def _channel(place: Place) -> str:
    """The folder of the day files; a day file alone is a group."""
    folder = PurePosixPath(place.path).parent
    return place.path if str(folder) == "." else str(folder)


# --- who


def _people(items: list[Fields], place: Place) -> dict[str, str]:
    """The names of all: as some message gives them, else as listed beside, else their ids."""
    written = [(_person(item), _written_name(item)) for item in items]
    named = [(person, name) for person, name in written if name]
    ids = [(person, person) for person, _ in written]
    return distinct([*named, *_listed_users(place), *ids])


def _listed_users(place: Place) -> Iterator[tuple[str, str]]:
    for name in ("../users.json", "users.json"):
        data = place.beside(name)
        try:
            users = orjson.loads(data) if data else []
        except orjson.JSONDecodeError:
            users = []
        for user in users if isinstance(users, list) else []:
            if isinstance(user, dict) and user.get("id"):
                profile = user.get("profile")
                found = _profile_name(profile) if isinstance(profile, dict) else ""
                yield str(user["id"]), found or _profile_name(user) or str(user["id"])


def _person(record: Fields) -> str:
    return str(record.get("user") or record.get("bot_id") or record.get("username") or "")


def _written_name(record: Fields) -> str:
    for field in ("user_profile", "bot_profile"):
        profile = record.get(field)
        if isinstance(profile, dict) and _profile_name(profile):
            return _profile_name(profile)
    return str(record.get("username") or "")


def _profile_name(profile: Mapping[str, object]) -> str:
    names = (profile.get(name) for name in ("display_name", "real_name", "name"))
    return next((str(name) for name in names if name), "")


def _is_bot(record: Fields) -> bool:
    return bool(record.get("bot_id")) or record.get("subtype") == "bot_message"


# --- what


def _threads(items: list[Fields]) -> dict[str, str]:
    """Message → its thread, for the threads that have answers here."""
    belongs: dict[str, str] = {}
    for item in items:
        if item.get("thread_ts"):
            belongs[str(item.get("ts"))] = str(item["thread_ts"])
    sizes = Counter(belongs.values())
    return {message: thread for message, thread in belongs.items() if sizes[thread] > 1}


def _message(fields: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    subtype = str(fields.get("subtype") or "")
    if fields.get("type") != "message" or fields.get("hidden") or subtype not in WRITTEN:
        yield LeftOut("deleted message" if subtype == "tombstone" else "notice")
        return
    files = fields.get("files")
    carried = ["attachment"] * len(files) if isinstance(files, list) else []
    yield from map(LeftOut, carried)
    text = _visible(text_of(fields.get("text", ""), f"the text of {where}"), people)
    if text.strip():
        more = rest({"reactions": fields.get("reactions"), "bot": _is_bot(fields) or None})
        time = clock.since_1970(fields.get("ts"))
        name = people[_person(fields)] or None
        yield TimedTurn(time, name, text, record_id(fields, "ts"), more=more)
    elif not carried:
        yield LeftOut("message without text")


def _visible(text: str, people: dict[str, str]) -> str:
    """The text as Slack shows it."""

    def shown(match: re.Match[str]) -> str:
        kind, what, label = match["kind"], match["what"], match["label"]
        if kind == "@":
            return f"@{people.get(what) or (label or what).lstrip('@')}"
        if kind == "!":
            return f"@{(label or what.partition('^')[0]).lstrip('@')}"
        return f"{kind}{label or what}"

    return html.unescape(REFERENCE.sub(shown, text))
