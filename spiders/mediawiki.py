"""MediaWiki: plays and quoted dialogue (Wikiquote, Wikisource), and talk pages.

Start from a page of dialogue, a category, Special:AllPages, or a page that links to others. The
wiki's api.php is asked first; where there is none, or robots.txt forbids it, the HTML of the pages
is read.

    api: false     read HTML only, as Wikimedia's own policy asks
    talk: true     read pages as talk pages that are not named so (a help desk)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NotRequired, TypedDict
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement
from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from spiders import dialogue, talkpage
from spiders.contract import DialogueFind, Find
from spiders.page import (
    LINKS,
    addresses,
    fragment,
    json_of,
    selector,
    split_query,
    title,
    tree,
    with_query,
)

# A list of pages: a category, a part of Special:AllPages, and their "next page" links.
LISTED = selector(
    "#mw-pages a[href], #mw-subcategories a[href], "
    ".mw-allpages-body a[href], .mw-allpages-nav a[href]"
)
LICENSE = selector("link[rel=license], link[rel=copyright]")
REDIRECTED = selector(".mw-redirectedfrom")
CANONICAL = selector("link[rel=canonical]")
CONTENT = selector(".mw-parser-output, #mw-content-text")
INFO = {"prop": "info", "inprop": "url", "action": "query"}
NOT_PAGES = re.compile(
    r"[?&](action|oldid|redlink|diff)=|/(File|Image|Help|Template|Special|MediaWiki):"
)
CATEGORY = 14  # the namespace; those with odd numbers hold talk pages


class WikiPage(TypedDict):
    """A page in a list of the API. ns: namespace."""

    ns: int
    title: str
    pageid: int
    fullurl: str
    canonicalurl: NotRequired[str]


class Rendered(TypedDict):
    """A page as the API renders it. text: HTML."""

    text: str
    revid: int


class Query(TypedDict):
    pages: NotRequired[list[WikiPage]]


# "continue" is a word of Python's, so this one cannot be written as a class.
WikiAnswer = TypedDict(
    "WikiAnswer",
    {
        "query": NotRequired[Query],
        "parse": NotRequired[Rendered],
        "continue": NotRequired[dict[str, str]],
    },
)


class MediaWiki(Spider):
    """Pages become dialogues, one for each scene; sections of talk pages become threads."""

    name = "mediawiki"
    options: dict[str, object]

    def parse(self, response: Response) -> Iterator[Find | Request]:
        """A start page."""
        link = response.css("link[rel=EditURI]::attr(href)").get()
        if link and self.options.get("api", True):
            api = urljoin(response.url, link).partition("?")[0]
            yield self._ask(api, _listing(response.text), self.parse_list, response.url)
        else:
            yield from self.parse_page(response, start=True)

    def _ask(
        self,
        api: str,
        query: dict[str, str],
        callback: Callable[..., object],
        instead: str,
        **known: object,
    ) -> Request:
        """A question to the API; `instead` is the page to read when it gives no answer."""
        address = with_query(api, query | {"format": "json", "formatversion": "2"})
        known |= {"api": api, "instead": instead}
        return Request(address, callback, errback=self.read_instead, cb_kwargs=known)

    def read_instead(self, failure: Failure) -> Request:
        """The API forbids, fails, or is not there: the page itself."""
        asked: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        return self._instead(asked.cb_kwargs["instead"], asked.callback == self.parse_list)

    def _instead(self, address: str, start: bool) -> Request:
        """A start page was read before: it is not to be skipped as one that is known."""
        known = {"start": start}
        return Request(address, self.parse_page, cb_kwargs=known, dont_filter=start)

    def parse_list(self, response: Response, api: str, instead: str) -> Iterator[Request]:
        """A list of pages from the API, and the question for the rest of the list."""
        answer = _answer(response)
        if answer is None:
            yield self._instead(instead, start=True)
            return
        for page in answer.get("query", {}).get("pages", []):
            if "missing" not in page:
                yield self._page(api, page)
        if more := answer.get("continue"):
            _, asked = split_query(response.url)
            yield self._ask(api, asked | more, self.parse_list, instead)

    def _page(self, api: str, page: WikiPage) -> Request:
        address = page.get("canonicalurl") or page["fullurl"]
        if page["ns"] == CATEGORY:  # a category in a category
            return self._ask(api, _members(page["title"]), self.parse_list, address)
        query = {"action": "parse", "pageid": str(page["pageid"]), "prop": "text|revid"}
        is_talk = page["ns"] % 2 == 1
        return self._ask(api, query, self.parse_answer, address, title=page["title"], talk=is_talk)

    def parse_answer(
        self, response: Response, api: str, instead: str, title: str, talk: bool
    ) -> Iterator[Find | Request]:
        """A page as the API renders it."""
        answer = _answer(response)
        if answer is None:
            yield Request(instead, self.parse_page)
            return
        page = answer["parse"]
        about: dict[str, object] = {"page": title, "revision": page["revid"]}
        yield from self.read(fragment(page["text"]), instead, about, talk)

    def parse_page(self, response: Response, start: bool = False) -> Iterator[Find | Request]:
        """A page as a reader sees it: its dialogue, or the pages that it lists."""
        root = tree(response)
        address = _canonical(response, root)
        if REDIRECTED(root) and address != response.url:  # the same page under another name
            yield Request(address, self.parse_page, cb_kwargs={"start": start})
            return
        about: dict[str, object] = {"page": title(root)}
        if terms := LICENSE(root):
            about["license"] = next(addresses(response, terms), None)
        contents, listed = CONTENT(root), LISTED(root)
        found: list[Find | Request] = []
        if contents and not listed:
            is_talk = "ns-talk" in (root.find("body").get("class") or "").split()
            found = list(self.read(contents[0], address, about, is_talk))
        if contents and start and not any(map(_has_text, found)):
            listed = listed or LINKS(contents[0])
        nothing = [_nothing(address, about, "no_wiki_page")]
        yield from list(self._follow(response, listed)) or found or nothing

    def _follow(self, response: Response, links: list[HtmlElement]) -> Iterator[Request]:
        """Requests for the pages of a list. The class "new" marks pages that do not exist yet."""
        there = [link for link in links if "new" not in link.get("class", "").split()]
        for address in addresses(response, there):
            if not NOT_PAGES.search(address):
                yield Request(address, self.parse_page)

    def read(
        self, content: HtmlElement, address: str, about: dict[str, object], talk: bool
    ) -> Iterator[Find | Request]:
        """What stands on a page, whoever rendered it, and its subpages (the acts of a play)."""
        for below in addresses(address, LINKS(content)):
            if below.startswith(f"{address}/"):
                yield Request(below, self.parse_page)
        finds: list[Find] = []
        if self.options.get("talk", talk):
            finds += talkpage.posts(content, address, about)
        else:
            finds += _dialogues(content, address, about)
        yield from finds or [_nothing(address, about, "no_dialogue")]


def _dialogues(
    content: HtmlElement, address: str, about: dict[str, object]
) -> Iterator[DialogueFind]:
    """The scenes of a page."""
    for place, (heading, turns) in enumerate(dialogue.scenes(content)):
        extra = about | {"scene": heading}
        yield DialogueFind(address=address, place=place, turns=turns, extra=extra)


def _nothing(address: str, about: dict[str, object], reason: str) -> DialogueFind:
    """A page on which nobody speaks: it is counted, too."""
    return DialogueFind(address=address, turns=[], extra=about, reason=reason)


def _canonical(response: Response, root: HtmlElement) -> str:
    """The address that the page names as its own, on the same host."""
    named = next(addresses(response, CANONICAL(root)), response.url)
    is_here = urlsplit(named).netloc == urlsplit(response.url).netloc
    return named if is_here else response.url


def _answer(response: Response) -> WikiAnswer | None:
    """The answer of the API; None when it refuses, or is missing."""
    try:
        answer = json_of(response)
    except ValueError:
        return None
    if not isinstance(answer, dict) or "error" in answer:
        return None
    known: WikiAnswer = answer  # type: ignore[assignment]  # as the API documents it
    return known


def _has_text(found: Find | Request) -> bool:
    if isinstance(found, Request):
        return False
    if "turns" in found:
        return bool(found["turns"])
    return bool(found["text"])


def _listing(page: str) -> dict[str, str]:
    """The question for what a start page stands for: itself, its members, or every page."""
    title = _config(page, "wgPageName")
    if _config(page, "wgNamespaceNumber") == str(CATEGORY):
        return _members(title)
    is_all = _config(page, "wgCanonicalSpecialPageName") == "Allpages"
    if is_all or _config(page, "wgIsMainPage") == "True":
        return INFO | {"generator": "allpages", "gaplimit": "50", "gapfilterredir": "nonredirects"}
    return INFO | {"titles": title, "redirects": "1"}


def _members(category: str) -> dict[str, str]:
    members = {"generator": "categorymembers", "gcmtitle": category}
    return INFO | members | {"gcmlimit": "50", "gcmtype": "page|subcat"}


def _config(page: str, name: str) -> str:
    """A value of the configuration that MediaWiki writes into each page, as text."""
    match = re.search(rf'"{name}":\s*("(?:[^"\\]|\\.)*"|\w+)', page)
    return str(json.loads(match[1])) if match else ""
