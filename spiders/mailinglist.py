"""Mailing lists in public-inbox: threads as mbox.gz. Start from a list (its page of threads), or from a thread.

A letter answers the one that its In-Reply-To names. Quoted lines, the line that introduces them, signatures and patches
are left out.
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
from email.message import EmailMessage
from typing import Any
from urllib.parse import urljoin

from scrapy import Request, Spider

from spiders.page import Page, addresses, fragment, prose, selector, tree

LINKS = selector("a[href]")
THREAD = re.compile(
    r"^(.*/[^/]+@[^/]+)/(?:T/|t/|t\.mbox\.gz|)$"
)  # …/list/<message-id>/ and its thread views
OLDER = re.compile(r"[?&]t=\d+|[?&]o=\d+")  # further pages of the list
LETTER = re.compile(rb"^From (?:mboxrd|\S+)@?\S* .*\d{4}\r?$", re.M)
INTRODUCES = re.compile(
    r"^.{0,200}\b(?:wrote|writes|schrieb|écrit|escribió|пишет|написал)\b.{0,80}:\s*$"
)
UNPACKED = 50_000_000  # bytes of one thread, unpacked; more is no thread but an attack


class MailingList(Spider):
    """Threads of letters."""

    name = "mailinglist"
    options: dict[str, Any]

    def parse(self, response: Page) -> Iterator[dict[str, Any] | Request]:
        """A thread, or a page that lists threads."""
        if response.url.endswith(".mbox.gz"):
            yield from self._thread(response)
        elif found := THREAD.match(response.url.partition("#")[0]):
            yield Request(f"{found[1]}/t.mbox.gz", self.parse)
        else:
            yield from self._list(response)

    def _list(self, response: Page) -> Iterator[Request]:
        base = response.url.partition("?")[0].rpartition("/")[0] + "/"
        links = [
            address
            for address in addresses(response, LINKS(tree(response)))
            if address.startswith(base)
        ]
        views = [
            address for address in links if address.endswith("/T/")
        ]  # one a thread, where the page has them
        for address in views + [a for a in links if OLDER.search(a) or not views]:
            if found := THREAD.match(address.partition("?")[0]):
                yield Request(f"{found[1]}/t.mbox.gz", self.parse)
            elif OLDER.search(address):
                yield Request(address, self.parse)

    def _thread(self, response: Page) -> Iterator[dict[str, Any]]:
        """All letters of a thread. The thread is named by its oldest letter: any letter's mbox gives the whole."""
        letters = [_letter(raw) for raw in _split(_unpacked(response.body))]
        letters = [letter for letter in letters if letter["id"]]
        _place_the_undated(letters)
        letters.sort(key=lambda letter: (letter["place"], letter["id"]))
        known = {letter["id"] for letter in letters}
        list_address = urljoin(response.url, "../")
        for letter in letters:
            answers = next((name for name in letter.pop("answers") if name in known), None)
            thread, address = f"{list_address}{letters[0]['id']}/", f"{list_address}{letter['id']}/"
            yield letter | {"thread": thread, "address": address, "parent": answers}


def _unpacked(raw: bytes) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    with gzip.open(io.BytesIO(raw)) as file:
        text = file.read(UNPACKED + 1)
    if len(text) > UNPACKED:
        raise ValueError(f"more than {UNPACKED} bytes unpacked")
    return text


def _split(box: bytes) -> Iterator[bytes]:
    """The letters of a mailbox in mboxrd form: `>From ` stands for `From ` inside a letter."""
    starts = [match.start() for match in LETTER.finditer(box)]
    for start, end in zip(starts, [*starts[1:], len(box)], strict=True):
        yield re.sub(rb"^>(>*From )", rb"\1", box[start:end].partition(b"\n")[2], flags=re.M)


def _letter(raw: bytes) -> dict[str, Any]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    name, address = email.utils.parseaddr(_header(message, "From"))
    earlier = _ids(_header(message, "References")) + _ids(_header(message, "In-Reply-To"))
    return {
        "id": "".join(_ids(_header(message, "Message-ID"))[:1]),
        "answers": earlier[::-1],
        "author": address or name,
        "place": _seconds(_header(message, "Date")),
        "text": own_words(_text(message)),
        "extra": {"title": _header(message, "Subject")},
    }


def _header(message: EmailMessage, name: str) -> str:
    """A header as text, and as it stands where Python's own parser breaks on it: one bad letter is no lost thread."""
    try:
        return str(message.get(name, ""))
    except (AttributeError, LookupError, ValueError):
        return next(
            str(value) for known, value in message.raw_items() if known.lower() == name.lower()
        )


def _ids(header: str) -> list[str]:
    return re.findall(r"<([^<>\s]+)>", header)


def _seconds(date: str) -> int | None:
    """A `Date:` as seconds since 1970; one without a time zone is UTC (RFC 5322), one that is none is None."""
    try:
        when = email.utils.parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return int((when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp())


def _place_the_undated(letters: list[dict[str, Any]]) -> None:
    """A letter without a date stands right after the one that it answers, or else at the end of the thread."""
    dated = {letter["id"]: letter["place"] for letter in letters if letter["place"] is not None}
    last = max(dated.values(), default=0)
    for letter in letters:
        if letter["place"] is None:
            letter["place"] = (
                next((dated[name] for name in letter["answers"] if name in dated), last) + 1
            )
            dated[letter["id"]] = letter["place"]


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        text = part.get_payload(decode=True).decode("utf-8", "replace")  # type: ignore[union-attr]
    return prose(fragment(text)) if part.get_content_type() == "text/html" else text


def own_words(text: str) -> str:
    """A letter's text without quotations, the lines that introduce them, the signature, and patches."""
    text = re.split(
        r"^-- ?$|^_{20,}$|^---$|^diff --git |^-----Original Message-----",
        text,
        maxsplit=1,
        flags=re.M,
    )[0]
    lines: list[str] = []
    for line in text.splitlines():
        if not line.lstrip().startswith(">"):
            lines.append(line)
            continue
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and INTRODUCES.match(lines[-1]):
            began_above = len(lines) > 1 and lines[-2].startswith(("On ", "Am ", "Le ", "El "))
            del lines[-2 if began_above else -1 :]
        lines.append("")
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip())
