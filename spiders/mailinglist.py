"""Mailing lists in public-inbox: threads as mbox.gz.

Start from a list (its page of threads), or from a thread. A mail answers the one that its
In-Reply-To names. Quoted lines, the line that introduces them, signatures and patches are left out.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import email.utils
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import urljoin

from scrapy import Request, Spider
from scrapy.http import Response

from spiders.contract import PostFind
from spiders.page import LINKS, addresses, fragment, prose, tree

# …/list/<message-id>/ and its views of the whole thread
THREAD = re.compile(r"^(.*/[^/]+@[^/]+)/(?:T/|t/|t\.mbox\.gz|)$")
OLDER = re.compile(r"[?&]t=\d+|[?&]o=\d+")  # further pages of the list
FROM_LINE = re.compile(rb"^From (?:mboxrd|\S+)@?\S* .*\d{4}\r?$", re.M)
INTRODUCES = re.compile(
    r"^.{0,200}\b(?:wrote|writes|schrieb|écrit|escribió|пишет|написал)\b.{0,80}:\s*$"
)
ON_A_DAY = ("On ", "Am ", "Le ", "El ")  # how an introduction of two lines begins
AFTER_TEXT = re.compile(
    r"^-- ?$|^_{20,}$|^---$|^diff --git |^-----Original Message-----", flags=re.M
)
UNPACKED = 50_000_000  # bytes of one thread, unpacked; more is an attack


class MailingList(Spider):
    """Threads of mails."""

    name = "mailinglist"

    def parse(self, response: Response) -> Iterator[PostFind | Request]:
        """A thread, or a page that lists threads."""
        if response.url.endswith(".mbox.gz"):
            yield from _thread(response)
        elif found := THREAD.match(response.url.partition("#")[0]):
            yield self._mailbox(found)
        else:
            yield from self._list(response)

    def _mailbox(self, thread: re.Match[str]) -> Request:
        return Request(f"{thread[1]}/t.mbox.gz", self.parse)

    def _list(self, response: Response) -> Iterator[Request]:
        """The threads of a list, and its older pages."""
        base = response.url.partition("?")[0].rpartition("/")[0] + "/"
        found = addresses(response, LINKS(tree(response)))
        links = [address for address in found if address.startswith(base)]
        # one link for each thread, where the page has them
        views = [address for address in links if address.endswith("/T/")]
        others = [address for address in links if OLDER.search(address) or not views]
        for address in views + others:
            if thread := THREAD.match(address.partition("?")[0]):
                yield self._mailbox(thread)
            elif OLDER.search(address):
                yield Request(address, self.parse)


@dataclass
class Mail:
    """One mail.

    answers: ids of earlier mails, the one it answers first. place: seconds since 1970, None where
    the date is missing or not valid.
    """

    id: str
    answers: list[str]
    author: str
    place: int | None
    text: str
    subject: str


def _thread(response: Response) -> Iterator[PostFind]:
    """All mails of a thread, named by its oldest mail: any mail's mbox gives the whole thread."""
    everything = map(_mail, _split(_unpacked(response.body)))
    mails = [mail for mail in everything if mail.id]
    _place_the_undated(mails)
    mails.sort(key=lambda mail: (mail.place, mail.id))
    known = {mail.id for mail in mails}
    base = urljoin(response.url, "../")
    for mail in mails:
        yield PostFind(
            thread=f"{base}{mails[0].id}/",
            address=f"{base}{mail.id}/",
            id=mail.id,
            place=mail.place or 0,
            parent=next((answer for answer in mail.answers if answer in known), None),
            author=mail.author,
            text=mail.text,
            extra={"title": mail.subject},
        )


def _unpacked(raw: bytes) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    with gzip.open(io.BytesIO(raw)) as file:
        text = file.read(UNPACKED + 1)
    if len(text) > UNPACKED:
        raise ValueError(f"more than {UNPACKED} bytes unpacked")
    return text


def _split(box: bytes) -> Iterator[bytes]:
    """The mails of a mailbox in mboxrd form: `>From ` stands for `From ` inside a mail."""
    starts = [match.start() for match in FROM_LINE.finditer(box)]
    for start, end in zip(starts, [*starts[1:], len(box)], strict=True):
        mail = box[start:end].partition(b"\n")[2]
        yield re.sub(rb"^>(>*From )", rb"\1", mail, flags=re.M)


def _mail(raw: bytes) -> Mail:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    name, address = email.utils.parseaddr(_header(message, "From"))
    earlier = _ids(_header(message, "References")) + _ids(_header(message, "In-Reply-To"))
    return Mail(
        id="".join(_ids(_header(message, "Message-ID"))[:1]),
        answers=earlier[::-1],
        author=address or name,
        place=_seconds(_header(message, "Date")),
        text=own_words(_text(message)),
        subject=_header(message, "Subject"),
    )


def _header(message: EmailMessage, name: str) -> str:
    """A header as text, or as it stands where Python's own parser fails on it.

    One bad mail costs no thread.
    """
    try:
        return str(message.get(name, ""))
    except (AttributeError, LookupError, ValueError):
        headers = message.raw_items()
        return next(str(value) for known, value in headers if known.lower() == name.lower())


def _ids(header: str) -> list[str]:
    return re.findall(r"<([^<>\s]+)>", header)


def _seconds(date: str) -> int | None:
    """A `Date:` as seconds since 1970, None where it is not a valid date.

    A date without a time zone is UTC (RFC 5322).
    """
    try:
        when = email.utils.parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return int(when.timestamp())


def _place_the_undated(mails: list[Mail]) -> None:
    """A mail without a date is placed after the one that it answers, or else at the end."""
    dated = {mail.id: mail.place for mail in mails if mail.place is not None}
    last = max(dated.values(), default=0)
    for mail in mails:
        if mail.place is None:
            answered = (dated[answer] for answer in mail.answers if answer in dated)
            mail.place = next(answered, last) + 1
            dated[mail.id] = mail.place


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):  # an unknown charset
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        text = payload.decode("utf-8", "replace")
    if part.get_content_type() == "text/html":
        return prose(fragment(text))
    return text


def own_words(text: str) -> str:
    """A mail's text without quotations, their introductions, the signature and patches."""
    text = AFTER_TEXT.split(text, maxsplit=1)[0]
    lines: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith(">"):
            _drop_introduction(lines)
            lines.append("")
        else:
            lines.append(line)
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip())


def _drop_introduction(lines: list[str]) -> None:
    """Drop blank lines at the end, and the "On Monday Bo wrote:" before them."""
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and INTRODUCES.match(lines[-1]):
        lines.pop()
        if lines and lines[-1].startswith(ON_A_DAY):
            lines.pop()
