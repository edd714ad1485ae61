"""Talk pages of a wiki: sections are threads, indentation says who answers whom, a signature ends a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from lxml.html import HtmlElement

from spiders.dialogue import HEADINGS, LINES, LISTS, NOISE

# "12:34, 5 May 2020 (UTC)", "12:34, 5. Mai 2020 (CEST)", "2020年5月5日 (火) 12:34 (UTC)"
TIMESTAMP = re.compile(
    r"[^()]{0,40}\d{1,2}[:.]\d{2}\b[^()]{0,40}\((?:[A-Z]{2,5}|UTC[+−-]\d+)\)\s*$"
)
BETWEEN_LINKS = 12  # characters between the links of one signature: " (", " · ", ") "


def posts(content: HtmlElement, address: str, about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The comments of a talk page, in order, each with the thread it belongs to and the comment it answers."""
    for junk in NOISE(content):
        junk.drop_tree()
    section, place = "", 0
    above: dict[int, str] = {}  # depth → the comment that an answer one step further in belongs to
    words: list[str] = []
    for element in content.iter():
        if element.tag in HEADINGS:
            section, above, words = _anchor(element), {}, []
        elif element.tag in LINES:
            text, author = _signed(element)
            words += [text] if text else []
            if author is None:
                continue
            depth, place = _depth(element, content), place + 1
            parent = next((above[d] for d in range(depth - 1, -1, -1) if d in above), None)
            above = {d: post for d, post in above.items() if d < depth} | {
                depth: f"{section}/{place}"
            }
            yield {
                "address": address, "thread": f"{address}#{section}", "id": above[depth], "place": place,
                "parent": parent, "author": author, "text": "\n".join(words), "extra": about | {"section": section},
            }  # fmt: skip
            words = []


def _depth(element: HtmlElement, content: HtmlElement) -> int:
    """How far a line is indented: the number of list items around it."""
    around = 1 if element.tag in ("dd", "li") else 0
    for ancestor in element.iterancestors():
        if ancestor is content:
            break
        around += ancestor.tag in ("dd", "li")
    return around


def _anchor(heading: HtmlElement) -> str:
    """A heading's id: on the heading itself (MediaWiki 1.43) or on the span inside it (1.39)."""
    found = heading.xpath("descendant-or-self::*[@id]/@id")
    return str(found[0] if found else heading.text_content().strip())


def _signed(line: HtmlElement) -> tuple[str, str | None]:
    """A line's own text without its signature, and who signed it; None: the comment goes on in the next line."""
    parts = list(_parts(line))
    whole = "".join(text for text, _ in parts)
    stamp = TIMESTAMP.search(whole)
    author, start, position = None, 0, len(whole)
    for text, link in reversed(parts if stamp else []):
        position -= len(text)
        if link is None and (author is None or len(text) <= BETWEEN_LINKS):
            continue
        named = _user(link) if link else None
        if named is None or (author and named != author):
            break  # the beginning of the signature
        author, start = named, position
    if author is None:
        return " ".join(whole.split()), None
    return " ".join(whole[:start].split()).rstrip("-–—~ "), author


def _parts(line: HtmlElement) -> Iterator[tuple[str, str | None]]:
    """(text, address of the link around it) in order, without nested lists."""
    yield line.text or "", None
    for child in line:
        if isinstance(child.tag, str) and child.tag not in LISTS and child.tag != "br":
            if child.tag == "a" and not TIMESTAMP.search(
                child.text_content()
            ):  # a timestamp may be a link to itself
                yield child.text_content(), child.get("href")
            else:
                yield from _parts(child)
        yield ("\n" if child.tag == "br" else "") + (child.tail or ""), None


def _user(link: str) -> str | None:
    """The user whom a link in a signature names: User:X, User talk:X, Special:Contributions/X, in any language."""
    found = re.search(r"(?:^|[/=])[^/:?&=]+:(?!/)([^?&#/]+)(?:/([^?&#]+))?", unquote(link))
    if found is None:
        return None
    return (found[2] if found[2] and "ontributions" in found[1] else found[1]).replace("_", " ")
