"""Talk pages of a wiki: sections are threads, and a signature ends a comment.

The indentation shows which comment is answered:

    == Lamps ==                          section: the thread
    Are lamps good? Ann 10:01 (UTC)      depth 0  Lamps/1
    : Yes. Bo 10:02 (UTC)                depth 1  Lamps/2, answers Lamps/1
    :: Why?                              depth 2  no signature: the comment goes on
    :: I ask. Ann 10:03 (UTC)            depth 2  Lamps/3, answers Lamps/2
    : No. Cy 10:04 (UTC)                 depth 1  Lamps/4, answers Lamps/1
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from lxml.html import HtmlElement

from spiders.contract import PostFind
from spiders.dialogue import HEADINGS, LINES, LISTS, NOISE

# "12:34, 5 May 2020 (UTC)", "12:34, 5. Mai 2020 (CEST)", "2020年5月5日 (火) 12:34 (UTC)"
TIMESTAMP = re.compile(
    r"[^()]{0,40}\d{1,2}[:.]\d{2}\b[^()]{0,40}\((?:[A-Z]{2,5}|UTC[+−-]\d+)\)\s*$"
)
BETWEEN_LINKS = 12  # characters between the links of one signature: " (", " · ", ") "
# User:X, User talk:X, Special:Contributions/X, in any language
USER_LINK = re.compile(r"(?:^|[/=])[^/:?&=]+:(?!/)([^?&#/]+)(?:/([^?&#]+))?")


class TalkPart(NamedTuple):
    """A piece of a line's text. link: the address that it links to."""

    text: str
    link: str | None = None


def posts(content: HtmlElement, address: str, about: dict[str, object]) -> Iterator[PostFind]:
    """The comments of a talk page, in order, each with its thread and the comment it answers."""
    for junk in NOISE(content):
        junk.drop_tree()
    page = _TalkPage(address, about)
    for element in content.iter():
        if element.tag in HEADINGS:
            page.begin_section(element)
        elif element.tag in LINES:
            text, author = _signed(element)
            if text:
                page.lines.append(text)
            if author is not None:
                yield page.comment(author, _depth(element, content))


class _TalkPage:
    """A talk page as it is read, line by line.

    open: depth → the comment that an answer one step further in belongs to. lines: of the comment
    that is not signed yet.
    """

    def __init__(self, address: str, about: dict[str, object]) -> None:
        self.address = address
        self.about = about
        self.section = ""
        self.place = 0
        self.open: dict[int, str] = {}
        self.lines: list[str] = []

    def begin_section(self, heading: HtmlElement) -> None:
        self.section, self.open, self.lines = _anchor(heading), {}, []

    def comment(self, author: str, depth: int) -> PostFind:
        """The comment that a signature ends."""
        self.place += 1
        self.open = {level: post for level, post in self.open.items() if level < depth}
        parent = self.open[max(self.open)] if self.open else None
        self.open[depth] = f"{self.section}/{self.place}"
        lines, self.lines = self.lines, []
        return PostFind(
            address=self.address,
            thread=f"{self.address}#{self.section}",
            id=self.open[depth],
            place=self.place,
            parent=parent,
            author=author,
            text="\n".join(lines),
            extra=self.about | {"section": self.section},
        )


def _depth(element: HtmlElement, content: HtmlElement) -> int:
    """How far a line is indented: the number of list items around it."""
    depth = int(element.tag in ("dd", "li"))
    for ancestor in element.iterancestors():
        if ancestor is content:
            break
        depth += ancestor.tag in ("dd", "li")
    return depth


def _anchor(heading: HtmlElement) -> str:
    """A heading's id: on the heading itself (MediaWiki 1.43) or on the span inside it (1.39)."""
    found = heading.xpath("descendant-or-self::*[@id]/@id")
    return str(found[0] if found else heading.text_content().strip())


def _signed(line: HtmlElement) -> tuple[str, str | None]:
    """A line's own text without its signature, and who signed it.

    None: nobody signed it, and the comment goes on in the next line.
    """
    parts = list(_parts(line))
    whole = "".join(part.text for part in parts)
    if not TIMESTAMP.search(whole):
        return " ".join(whole.split()), None
    author, start, position = None, 0, len(whole)
    for part in reversed(parts):  # from the timestamp back to where the signature begins
        position -= len(part.text)
        if part.link is None and (author is None or len(part.text) <= BETWEEN_LINKS):
            continue
        name = _user(part.link)
        if name is None or (author and name != author):
            break
        author, start = name, position
    if author is None:
        return " ".join(whole.split()), None
    return " ".join(whole[:start].split()).rstrip("-–—~ "), author


def _parts(line: HtmlElement) -> Iterator[TalkPart]:
    """The text of a line in order, without nested lists."""
    yield TalkPart(line.text or "")
    for child in line:
        if isinstance(child.tag, str) and child.tag not in LISTS and child.tag != "br":
            text = child.text_content()
            # a timestamp may be a link to itself
            if child.tag == "a" and not TIMESTAMP.search(text):
                yield TalkPart(text, child.get("href"))
            else:
                yield from _parts(child)
        line_break = "\n" if child.tag == "br" else ""
        yield TalkPart(line_break + (child.tail or ""))


def _user(link: str | None) -> str | None:
    """The user whom a link in a signature names."""
    found = USER_LINK.search(unquote(link or ""))
    if found is None:
        return None
    is_list = found[2] and "ontributions" in found[1]
    return str(found[2] if is_list else found[1]).replace("_", " ")
