"""Messenger and Instagram, downloaded as web pages (`message_1.html`).

<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder">
  <div class="_3-95 _2pim _a6-h _a6-i">Ada</div>
  <div class="_3-95 _a6-p"><div><div></div><div>Tea?</div><div></div><div></div></div></div>
  <div class="_3-94 _a6-o">Apr 25, 2024 6:00 pm</div></div>

A message is a white box with three parts: who, what, when. The newest stands first. Photographs,
links without a text and notices are counted and left out. A silence of six hours begins a new
conversation; a thread's folder is one group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath

from lxml import etree

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, in_time, split
from pipeline.collect.shapes.messengers import messenger
from pipeline.collect.shapes.transcript import About, Place, Transcript, Unclear, Unread

ABOUT = About(
    "Messenger and Instagram, downloaded as web pages", ("names", "times", "groups"), private=True
)

BOX = {"pam", "uiBoxWhite"}  # classes of the box around a message
PARTS = 3
MEDIA = ("img", "video", "audio")


def recognise(document: bytes) -> bool:
    return b"uiBoxWhite" in document and b'class="pam ' in document


def read(document: bytes, place: Place) -> Iterator[Transcript | Unread]:
    """Unclear where the times are in no known form: whether the newest stands first is not sure."""
    messages = _messages(document)
    stamps = [_stamp(when) for _, _, when in messages]
    day_first, assumed = clock.days_first(stamps[::-1])
    times = (clock.moment(stamp, day_first) for stamp in stamps)
    log = in_time(chain.from_iterable(map(_entries, messages, times)), True)
    return split(log, _group(place), assumed)


def _messages(document: bytes) -> list[list[etree._Element]]:
    """The parts of each message: who, what, when."""
    page = etree.fromstring(document, etree.HTMLParser(encoding="utf-8", no_network=True))
    parts = (list(box.iterchildren("div")) for box in page.iter("div") if _is_box(box))
    return [part for part in parts if len(part) == PARTS]


def _stamp(when: etree._Element) -> clock.Stamp:
    stamp = clock.parse(_text(when))
    if stamp is None:
        raise Unclear("the times of the messages are in no known form: download them as JSON")
    return stamp


def _group(place: Place) -> str:
    folder = str(PurePosixPath(place.path).parent)
    return place.path if folder == "." else folder


def _is_box(element: etree._Element) -> bool:
    return set((element.get("class") or "").split()) >= BOX


def _entries(part: list[etree._Element], time: dt.datetime | None) -> Iterator[Entry]:
    who, what, _ = part
    name = _text(who)
    media = sum(1 for kind in MEDIA for _ in what.iter(kind))
    yield from [LeftOut("attachment")] * media
    for reactions in list(what.iter("ul")):
        reactions.clear()
    text = _text(what)
    if text and messenger.is_of_app(text, name):
        yield from [LeftOut("notice")] * (not media)
    elif text:
        yield TimedTurn(time, name or None, text)
    elif not media:
        yield LeftOut("message without text")


def _text(element: etree._Element) -> str:
    """The visible text, a line for each part that has one."""
    for line_break in element.iter("br"):
        line_break.tail = f"\n{line_break.tail or ''}"
    blocks = ["".join(map(str, part.itertext())) for part in _leaves(element)]
    return "\n".join(block.strip() for block in blocks if block.strip())


def _leaves(element: etree._Element) -> Iterator[etree._Element]:
    """The boxes without a box inside."""
    if next(element.iterchildren("div"), None) is None:
        yield element
    else:
        for child in element.iterchildren("div"):
            yield from _leaves(child)
