"""MediaWiki: plays and quoted dialogue (Wikiquote, Wikisource) and talk pages, by the API or from the pages' HTML.

Start from a page of dialogue, a category, Special:AllPages, or a page that links to others. The wiki's api.php is
asked first; where there is none, or robots.txt forbids it, the HTML of the pages is read.

    api: false     read HTML only, as Wikimedia's own policy asks
    talk: true     read pages as talk pages though their names do not say so (a help desk, a village pump)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from lxml.html import HtmlElement
from scrapy import Request, Spider

from spiders import dialogue, talkpage
from spiders.page import Page, addresses, fragment, selector, tree

Found = dict[str, Any]

# A list of pages: a category, a part of Special:AllPages, and their "next page" links.
LISTED = selector(
    "#mw-pages a[href], #mw-subcategories a[href], .mw-allpages-body a[href], .mw-allpages-nav a[href]"
)
LICENSE = selector("link[rel=license], link[rel=copyright]")
LINKS = selector("a[href]")
REDIRECTED = selector(".mw-redirectedfrom")
CANONICAL = selector("link[rel=canonical]")
CONTENT = selector(".mw-parser-output, #mw-content-text")
INFO = {"prop": "info", "inprop": "url", "action": "query"}
NOT_PAGES = re.compile(
    r"[?&](action|oldid|redlink|diff)=|/(File|Image|Help|Template|Special|MediaWiki):"
)


class MediaWiki(Spider):
    """Pages become talks, one a scene; sections of talk pages become threads."""

    name = "mediawiki"
    options: dict[str, Any]

    def parse(self, response: Page) -> Iterator[Found | Request]:
        """A start page."""
        link = response.css("link[rel=EditURI]::attr(href)").get()
        if link and self.options.get("api", True):
            api = urljoin(response.url, link).partition("?")[0]
            yield self._ask(api, _listing(response.text), self.parse_list, response.url)
        else:
            yield from self.parse_page(response, start=True)

    def _ask(
        self, api: str, query: dict[str, str], callback: Any, instead: str, **known: Any
    ) -> Request:
        """A question to the API; `instead` is the page to read when it gives no answer."""
        address = f"{api}?{urlencode(query | {'format': 'json', 'formatversion': '2'})}"
        known |= {"api": api, "instead": instead}
        return Request(address, callback, errback=self.read_instead, cb_kwargs=known, priority=0)

    def read_instead(self, failure: Any) -> Request:
        """The API forbids, fails, or is not there: the page itself."""
        address = failure.request.cb_kwargs["instead"]
        start = failure.request.callback == self.parse_list
        return Request(address, self.parse_page, cb_kwargs={"start": start}, dont_filter=start)

    def parse_list(self, response: Page, api: str, instead: str) -> Iterator[Request]:
        """A list of pages from the API, and the question for the rest of the list."""
        answer = _answer(response)
        if answer is None:
            yield Request(instead, self.parse_page, cb_kwargs={"start": True}, dont_filter=True)
            return
        for page in answer.get("query", {}).get("pages", []):
            if "missing" not in page:
                yield self._page(api, page)
        if more := answer.get("continue"):
            asked = dict(parse_qsl(urlsplit(response.url).query))
            yield self._ask(api, asked | more, self.parse_list, instead)

    def _page(self, api: str, page: Found) -> Request:
        address = page.get("canonicalurl") or page["fullurl"]
        if page["ns"] == 14:  # a category in a category
            return self._ask(api, _members(page["title"]), self.parse_list, address)
        query = {"action": "parse", "pageid": str(page["pageid"]), "prop": "text|revid"}
        return self._ask(
            api, query, self.parse_answer, address, title=page["title"], talk=page["ns"] % 2 == 1
        )

    def parse_answer(
        self, response: Page, api: str, instead: str, title: str, talk: bool
    ) -> Iterator[Found | Request]:
        """A page as the API renders it."""
        answer = _answer(response)
        if answer is None:
            yield Request(instead, self.parse_page)
            return
        content = fragment(answer["parse"]["text"])
        yield from self.read(
            content, instead, {"page": title, "revision": answer["parse"]["revid"]}, talk
        )

    def parse_page(self, response: Page, start: bool = False) -> Iterator[Found | Request]:
        """A page as a reader sees it: its dialogue, or the pages that it lists."""
        root = tree(response)
        contents, listed = CONTENT(root), LISTED(root)
        about: Found = {"page": " ".join(root.xpath("string(//h1)").split())}
        if terms := LICENSE(root):
            about["license"] = next(addresses(response, terms), None)
        named = next(addresses(response, CANONICAL(root)), response.url)
        address = named if urlsplit(named).netloc == urlsplit(response.url).netloc else response.url
        if REDIRECTED(root) and address != response.url:
            yield Request(
                address, self.parse_page, cb_kwargs={"start": start}
            )  # the same page under another name
            return
        found: list[Found | Request] = []
        if contents and not listed:
            talk = "ns-talk" in (root.find("body").get("class") or "").split()
            found = list(self.read(contents[0], address, about, talk))
        if contents and start and not any(_said(find) for find in found):
            listed = listed or LINKS(contents[0])
        yield from (
            list(self._follow(response, listed))
            or found
            or [_nothing(address, about, "no_wiki_page")]
        )

    def _follow(self, response: Page, links: list[HtmlElement]) -> Iterator[Request]:
        there = [
            link for link in links if "new" not in link.get("class", "").split()
        ]  # "new": no such page yet
        for address in addresses(response, there):
            if not NOT_PAGES.search(address):
                yield Request(address, self.parse_page)

    def read(
        self, content: HtmlElement, address: str, about: Found, talk: bool
    ) -> Iterator[Found | Request]:
        """What stands on a page, whoever rendered it, and its subpages (the acts of a play)."""
        for below in addresses(address, LINKS(content)):
            if below.startswith(f"{address}/"):
                yield Request(below, self.parse_page)
        if self.options.get("talk", talk):
            finds = list(talkpage.posts(content, address, about))
        else:
            finds = [
                {
                    "address": address,
                    "place": place,
                    "turns": turns,
                    "extra": about | {"scene": heading},
                }
                for place, (heading, turns) in enumerate(dialogue.scenes(content))
            ]
        yield from finds or [_nothing(address, about, "no_dialogue")]


def _nothing(address: str, about: Found, reason: str) -> Found:
    """A page on which nobody speaks: it is counted, too."""
    return {"address": address, "turns": [], "extra": about, "reason": reason}


def _answer(response: Page) -> Found | None:
    """What the API says; None when it says no, or is no API."""
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "error" not in answer else None


def _said(find: Found | Request) -> bool:
    return isinstance(find, dict) and bool(find["turns"] if "turns" in find else find["text"])


def _listing(page: str) -> dict[str, str]:
    """The question that lists what a start page stands for: itself, a category's members, or every page."""
    title = _config(page, "wgPageName")
    if _config(page, "wgNamespaceNumber") == "14":
        return _members(title)
    if (
        _config(page, "wgCanonicalSpecialPageName") == "Allpages"
        or _config(page, "wgIsMainPage") == "True"
    ):
        return INFO | {"generator": "allpages", "gaplimit": "50", "gapfilterredir": "nonredirects"}
    return INFO | {"titles": title, "redirects": "1"}


def _members(category: str) -> dict[str, str]:
    return INFO | {
        "generator": "categorymembers",
        "gcmtitle": category,
        "gcmlimit": "50",
        "gcmtype": "page|subcat",
    }


def _config(page: str, name: str) -> str:
    """A value of the configuration that MediaWiki writes into each page, as text."""
    match = re.search(rf'"{name}":\s*("(?:[^"\\]|\\.)*"|\w+)', page)
    return str(json.loads(match[1])) if match else ""
