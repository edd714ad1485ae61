"""A fetched page as a tree, and the links on it: what every spider of HTML begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast
from urllib.parse import urljoin

import lxml.html
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

BLOCKS = (
    "p",
    "div",
    "li",
    "pre",
    "tr",
    "dd",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "ul",
    "ol",
    "table",
)
Page = Any  # a scrapy TextResponse; Scrapy's type of a callback knows only its base class


def selector(css: str) -> Callable[[HtmlElement], list[HtmlElement]]:
    """What a css selector finds in an element. Compiled once: `element.cssselect` compiles it for every page."""
    return cast(Callable[[HtmlElement], list[HtmlElement]], CSSSelector(css))


def tree(response: Page) -> HtmlElement:
    """The page's elements. A page whose bytes are not of the charset that it names is read as Windows-1252."""
    if not response.body.strip():
        raise ValueError("the page is empty")
    if not hasattr(response, "encoding"):
        raise ValueError("the page is not text")
    try:
        text = response.body.decode(response.encoding)
    except (UnicodeDecodeError, LookupError):
        text = response.body.decode("cp1252", "replace")
    parser = lxml.html.HTMLParser(encoding="utf-8")
    return lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)


def fragment(html: str) -> HtmlElement:
    """A piece of HTML, as an API sends it, under one element of its own."""
    return lxml.html.fragment_fromstring(html.replace("\0", ""), create_parent="div")


def addresses(page: Page, links: list[HtmlElement]) -> Iterator[str]:
    """Where links of a page (a response, or its address) lead, without the part behind #.

    Links that are no address are left out.
    """
    join = partial(urljoin, page) if isinstance(page, str) else page.urljoin
    for link in links:
        try:
            address = join(link.get("href", "").strip()).partition("#")[0]
        except ValueError:
            continue
        if address.startswith(("http://", "https://", "file://")):
            yield address


QUOTES = selector("blockquote, aside, .quote, .signature, script, style, details > summary")


def prose(element: HtmlElement, quotes: Callable[[HtmlElement], list[HtmlElement]] = QUOTES) -> str:
    """What somebody wrote, a line per paragraph, without the quotations of others."""
    for quote in quotes(element):
        if quote is not element:
            quote.drop_tree()
    for line in element.iter("br"):
        line.tail = "\n" + (line.tail or "")
    for block in element.iter(*BLOCKS):
        block.tail = "\n" + (block.tail or "")
        block.text = "\n" + (block.text or "")
    lines = (" ".join(line.split()) for line in element.text_content().split("\n"))
    return "\n".join(line for line in lines if line)
