"""Classic forums of pages: lists of threads, threads of posts, a "next page" link.

Start from a list or a thread. CSS selectors in `options` find the parts of a page; those for
django-spirit are the default:

    thread   links from a list to threads          post     one post; the digits of its id are its
    next     links to further pages of either               place in the thread
    text     in a post, what was written           author   in a post, its author's name
                                                   quote    in a text, quotations (left out)

A post without author or text was deleted. Forums show no tree: each post answers the one before it.
Where posts have no ids with digits, their order is that of the pages: by the number that a page's
address has and its thread's address has not, or else along the "next page" links.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from lxml.html import HtmlElement
from scrapy import Request, Spider
from scrapy.http import Response

from spiders.contract import PostFind
from spiders.page import addresses, prose, selector, title, tree

SPIRIT: dict[str, object] = {
    "thread": "a.topic__link",
    "next": ".paginator__button a, a[rel=next]",
    "post": ".comments_list__comment, .comments_list__item",
    "author": ".comment__info__username__link span",
    "text": ".comment__text",
    "quote": "blockquote",
}
POSTS = 10_000  # more than stand on one page


class Forum(Spider):
    """Threads of posts."""

    name = "forum"

    def __init__(self, options: dict[str, object], start_urls: Sequence[str] = ()) -> None:
        super().__init__(start_urls=list(start_urls))
        self._find = {name: selector(str(css)) for name, css in (SPIRIT | options).items()}

    def parse(
        self, response: Response, thread: str | None = None, links: int = 1
    ) -> Iterator[PostFind | Request]:
        """A page of a list or of a thread.

        thread: the first page of the thread that this page belongs to. links: pages on the way from
        there to here.
        """
        page = tree(response)
        posts = self._find["post"](page)
        if posts:
            thread = thread or response.url
            first = _page_number(response.url, thread, links) * POSTS
            extra: dict[str, object] = {"title": title(page)}
            for place, post in enumerate(posts, first):
                find = self._post(post, place, thread, response.url)
                find["extra"] = extra
                yield find
        for address in addresses(response, self._find["thread"](page)):
            yield Request(address, self.parse)
        known = {"thread": thread, "links": links + bool(thread)}
        for address in addresses(response, self._find["next"](page)):
            yield Request(address, self.parse, cb_kwargs=known)

    def _post(self, post: HtmlElement, place: int, thread: str, address: str) -> PostFind:
        """place: of a post whose id has no digits; it is then its id in the thread, too."""
        names, texts = self._find["author"](post), self._find["text"](post)
        find = PostFind(
            thread=thread,
            address=address,
            id=str(place),
            place=place,
            author=None,
            text="",
            gone=not names or not texts,
        )
        if names:
            find["author"] = " ".join(names[0].text_content().split())
        if texts:
            find["text"] = prose(texts[0], self._find["quote"])
        if mark := _numbered_id(post):
            find["address"] = f"{address}#{mark}"
            find["id"] = mark
            find["place"] = int(re.findall(r"\d{1,18}", mark)[-1])
        return find


def _numbered_id(post: HtmlElement) -> str | None:
    """The first id with a digit, of a post or of what is in it."""
    marks = [post.get("id"), *post.xpath(".//@id")]
    return next((str(mark) for mark in marks if mark and re.search(r"\d", mark)), None)


def _page_number(address: str, thread: str, links: int) -> int:
    """The number of a page in its thread; "page 0" and "page 1" are the thread itself."""
    if address == thread:
        return 1
    numbers = _more_numbers(address, thread) or [links]
    return max(numbers[-1], 1)


def _more_numbers(address: str, thread: str) -> list[int]:
    """The numbers in a page's address that its thread's address has not: `2` of `?t=7&page=2`."""
    known = Counter(re.findall(r"\d{1,9}", thread))
    more: list[int] = []
    for number in re.findall(r"\d{1,9}", address):
        known[number] -= 1
        if known[number] < 0:
            more.append(int(number))
    return more
