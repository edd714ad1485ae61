"""Text messages of a telephone: the XML of SMS Backup & Restore.

<smses count="2">
  <sms address="+15550100" date="1714000000000" type="2" body="Hello!" contact_name="Ben" />
  <sms address="+15550100" date="1714000060000" type="1" body="Good evening." contact_name="Ben" />
  <mms address="+15550100" date="1714000120000" msg_box="1" contact_name="Ben">
    <parts><part ct="text/plain" text="Look!" /><part ct="image/jpeg" /></parts></mms>
</smses>

Type 2 was sent by the telephone's owner, whom the file does not name: "Me". Messages with the same
people are one group; a silence of six hours begins a new conversation. Pictures and drafts are
counted and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, in_time, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("SMS Backup & Restore", ("names", "times", "groups"), private=True)

OWNER = "Me"
RECEIVED, SENT = "1", "2"
FROM = "137"  # the type of an MMS address that the message came from
NOTHING = (None, "", "null", "(Unknown)")


def recognise(document: bytes) -> bool:
    return re.search(rb"<smses[\s>]", document[:2000]) is not None


def read(document: bytes, place: Place) -> Iterator[Transcript | Unread]:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        yield Unread("record.malformed", f"not XML: {error}", document)
        return
    chats: dict[str, list[Entry]] = {}
    for element in root.iterchildren("sms", "mms"):
        found = _message(element) if element.tag == "sms" else _multimedia(element)
        chats.setdefault(_people(element), []).extend(found)
    for group, log in chats.items():
        yield from split(in_time(log), group=group)


def _people(element: etree._Element) -> str:
    """The same for all messages with the same people, however their numbers are written."""
    numbers = (element.get("address") or "").split("~")
    plain = (re.sub(r"[\s().-]", "", number) for number in numbers)
    return "~".join(sorted(filter(None, plain))) or "unknown"


def _message(element: etree._Element) -> Iterator[Entry]:
    kind = element.get("type")
    if kind not in (RECEIVED, SENT):
        yield LeftOut("draft")
        return
    text = element.get("body") or ""
    if text in NOTHING:
        yield LeftOut("message without text")
        return
    name = OWNER if kind == SENT else _contact(element)
    yield TimedTurn(clock.since_1970(element.get("date"), per_second=1000), name, text)


def _multimedia(element: etree._Element) -> Iterator[Entry]:
    kind = element.get("msg_box")
    if kind not in (RECEIVED, SENT):
        yield LeftOut("draft")
        return
    texts: list[str] = []
    for part in element.iter("part"):
        written = part.get("text")
        if part.get("ct") == "text/plain" and written not in NOTHING:
            texts.append(str(written))
        elif part.get("ct") not in ("text/plain", "application/smil"):
            yield LeftOut("attachment")
    if texts:
        name = OWNER if kind == SENT else _sender(element)
        time = clock.since_1970(element.get("date"), per_second=1000)
        yield TimedTurn(time, name, "\n".join(texts))
    elif not element.findall(".//part"):
        yield LeftOut("message without text")


def _contact(element: etree._Element) -> str:
    name = element.get("contact_name")
    return str(name if name not in NOTHING else element.get("address"))


def _sender(element: etree._Element) -> str:
    """Who sent an MMS: with several people the message gives the number only."""
    if "~" not in (element.get("address") or ""):
        return _contact(element)
    found = (one.get("address") for one in element.iter("addr") if one.get("type") == FROM)
    return str(next(found, None) or _contact(element))
