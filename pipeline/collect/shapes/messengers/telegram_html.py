"""Telegram's exported chats as web pages (`messages.html`, `messages2.html`, ..).

<div class="message default clearfix" id="message2"><div class="body">
  <div class="pull_right date details" title="31.12.2020 21:15:03 UTC+01:00">21:15</div>
  <div class="from_name">Ada</div><div class="text">Hello</div></div></div>
<div class="message default clearfix joined" id="message3"><div class="body">
  <div class="pull_right date details" title="31.12.2020 21:16:00 UTC+01:00">21:16</div>
  <div class="text">Anybody?</div></div></div>

A `joined` message is of the speaker before it. Notices and media are counted and left out. A
silence of six hours begins a new conversation; the chat's folder is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lxml import etree

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, in_time, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("Telegram, exported as web pages", ("names", "times", "groups"), private=True)

DATE = re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d")


def recognise(document: bytes) -> bool:
    head = document[:20_000]
    return b"tgme" not in head and b'class="message ' in document and b"pull_right date" in document


def read(document: bytes, place: Place) -> Iterator[Transcript | Unread]:
    page = etree.fromstring(document, etree.HTMLParser(encoding="utf-8", no_network=True))
    folder = PurePosixPath(place.path).parent
    group = place.path if str(folder) == "." else str(folder)
    yield from split(in_time(_entries(page)), group)


def _entries(page: etree._Element) -> Iterator[Entry]:
    name: str | None = None
    for message in _of_class(page, "message"):
        if "default" not in _classes(message):
            yield LeftOut("notice")
            continue
        body = next(_of_class(message, "body"), message)
        name = _own(body, "from_name") or name
        media = list(_of_class(body, "media_wrap"))
        yield from [LeftOut("attachment")] * len(media)
        text = _own(body, "text") or _forwarded(body)
        if text:
            key = (message.get("id") or "").removeprefix("message") or None
            yield TimedTurn(_time(body), name, text, key, _answered(body))
        elif not media:
            yield LeftOut("message without text")


def _own(body: etree._Element, kind: str) -> str:
    """The text of the message's part of this class, not of a forwarded message in it."""
    return _visible(next(_children(body, kind), None))


def _forwarded(body: etree._Element) -> str:
    return next((_own(part, "text") for part in _children(body, "forwarded")), "")


def _classes(element: etree._Element) -> list[str]:
    return (element.get("class") or "").split()


def _of_class(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (part for part in element.iter("div") if name in _classes(part))


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (part for part in element.iterchildren("div") if name in _classes(part))


def _answered(body: etree._Element) -> str | None:
    """The id of the message that this one answers, from the link to it."""
    links = (
        link.get("href") or "" for part in _of_class(body, "reply_to") for link in part.iter("a")
    )
    found = (match[1] for link in links if (match := re.search(r"message(\d+)$", link)))
    return next(found, None)


def _time(body: etree._Element) -> dt.datetime | None:
    title = next((part.get("title") or "" for part in _of_class(body, "date")), "")
    match = DATE.search(title)
    stamp = clock.parse(match[0]) if match else None
    return clock.moment(stamp, day_first=True) if stamp else None


def _visible(element: etree._Element | None) -> str:
    if element is None:
        return ""
    for line_break in element.iter("br"):
        line_break.tail = f"\n{line_break.tail or ''}"
    return "".join(map(str, element.itertext())).strip()
