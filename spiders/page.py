"""A fetched page as a tree or as JSON, and the links on it: what every spider begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import lxml.html
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement
from scrapy.http import Response, TextResponse

# Elements that begin a line of their own.
BLOCKS = (
    *("p", "div", "li", "pre", "tr", "dd", "dt", "section", "ul", "ol", "table"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
)
Select = Callable[[HtmlElement], list[HtmlElement]]


def selector(css: str) -> Select:
    """What a CSS selector finds in an element.

    Compiled once, where `element.cssselect` compiles it for every page.
    """
    return cast(Select, CSSSelector(css))


QUOTES = selector("blockquote, aside, .quote, .signature, script, style, details > summary")
LINKS = selector("a[href]")


def tree(response: Response) -> HtmlElement:
    """The page's elements.

    A page whose bytes are not of the charset that it names is read as Windows-1252. Raises
    ValueError when the page is empty or not text.
    """
    if not response.body.strip():
        raise ValueError("the page is empty")
    encoding = _text_response(response).encoding
    try:
        text = response.body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        text = response.body.decode("cp1252", "replace")
    parser = lxml.html.HTMLParser(encoding="utf-8")
    return lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)


def json_of(response: Response) -> Any:
    """The JSON of an answer. Raises ValueError when it is not JSON."""
    return _text_response(response).json()


def _text_response(response: Response) -> TextResponse:
    if not isinstance(response, TextResponse):
        raise ValueError("the page is not text")
    return response


def fragment(html: str) -> HtmlElement:
    """A piece of HTML, as an API sends it, under one element of its own."""
    return lxml.html.fragment_fromstring(html.replace("\0", ""), create_parent="div")


def title(page: HtmlElement) -> str:
    """The text of a page's first main heading."""
    return " ".join(page.xpath("string(//h1)").split())


def addresses(page: Response | str, links: list[HtmlElement]) -> Iterator[str]:
    """Where links of a page (a response, or its address) lead, without the part behind #.

    Links that are not valid addresses are left out.
    """
    join = partial(urljoin, page) if isinstance(page, str) else page.urljoin
    for link in links:
        try:
            address = join(link.get("href", "").strip()).partition("#")[0]
        except ValueError:
            continue
        if address.startswith(("http://", "https://", "file://")):
            yield address


def split_query(address: str) -> tuple[str, dict[str, str]]:
    """(address without its query, the query by name)"""
    return address.partition("?")[0], dict(parse_qsl(urlsplit(address).query))


def with_query(address: str, query: dict[str, str]) -> str:
    return f"{address}?{urlencode(query)}"


def prose(element: HtmlElement, quotes: Select = QUOTES) -> str:
    """What somebody wrote, a line per paragraph, without quotations of others."""
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
