"""Classic forums of pages: lists of threads, threads of posts, a "next page" link. Start from a list or a thread.

What is what on a page is said by css selectors in `options`; those for django-spirit are the default:

    thread   links from a list to threads            post     one post; the digits of its id order the thread
    next     links to further pages of either        author   in a post, its author's name
    text     in a post, what was written             quote    in a text, quotations of others (left out)

A post without author or text was deleted. Forums show no tree: each post answers the one before it. Where posts have no
ids with digits, their order is that of the pages: by the number that a page's address has more than its thread's, or
else along the "next page" links.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement
from scrapy import Request, Spider

from spiders.page import Page, addresses, prose, selector, tree

SPIRIT = {
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
    options: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._find = {name: selector(css) for name, css in (SPIRIT | self.options).items()}

    def parse(
        self, response: Page, thread: str | None = None, links: int = 1
    ) -> Iterator[dict[str, Any] | Request]:
        """A page of a list or of a thread.

        thread: the first page of the thread that this page belongs to. links: pages on the way from there to here.
        """
        page = tree(response)
        posts = self._find["post"](page)
        if posts:
            thread = thread or response.url
            title = " ".join(page.xpath("string(//h1)").split())
            number = (
                1
                if response.url == thread
                else (_more_numbers(response.url, thread) or [links])[-1]
            )
            for place, post in enumerate(
                posts, max(number, 1) * POSTS
            ):  # "page 0" and "page 1" are the thread itself
                yield self._post(post, place, thread, response.url) | {"extra": {"title": title}}
        for address in addresses(response, self._find["thread"](page)):
            yield Request(address, self.parse)
        for address in addresses(response, self._find["next"](page)):
            yield Request(
                address, self.parse, cb_kwargs={"thread": thread, "links": links + bool(thread)}
            )

    def _post(self, post: HtmlElement, place: int, thread: str, address: str) -> dict[str, Any]:
        """place: of a post whose id has no digits; it is its id in the thread, too."""
        names, texts = self._find["author"](post), self._find["text"](post)
        marks = [post.get("id"), *post.xpath(".//@id")]
        mark = next((str(m) for m in marks if m and re.search(r"\d", m)), None)
        return {
            "thread": thread, "address": f"{address}#{mark}" if mark else address, "id": mark or str(place),
            "place": int(re.findall(r"\d{1,18}", mark)[-1]) if mark else place,
            "author": " ".join(names[0].text_content().split()) if names else None,
            "text": prose(texts[0], self._find["quote"]) if texts else "",
            "gone": not names or not texts,
        }  # fmt: skip


def _more_numbers(address: str, thread: str) -> list[int]:
    """The numbers in a page's address that its thread's address has not: `2` of `?t=7&page=2`."""
    known = Counter(re.findall(r"\d{1,9}", thread))
    more: list[int] = []
    for number in re.findall(r"\d{1,9}", address):
        known[number] -= 1
        if known[number] < 0:
            more.append(int(number))
    return more
