"""Nested comments as JSON: isso, and Hacker News by Algolia's search. The answer shows which.

isso: start from `https://comments.example/?uri=/page/`, one address for each page of the site that
has comments. Hacker News: start from `https://hn.algolia.com/api/v1/items/<id>`, or from a search:
`https://hn.algolia.com/api/v1/search_by_date?tags=story&numericFilters=num_comments>20`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired, TypedDict
from urllib.parse import urljoin

from scrapy import Request, Spider
from scrapy.http import Response

from spiders.contract import PostFind
from spiders.page import fragment, json_of, prose, split_query, with_query

HACKER_NEWS = "https://news.ycombinator.com/item?id="
DELETED = frozenset(["[deleted]", "[flagged]", "[dead]", "[removed]"])
ISSO_DELETED = 4  # `mode` of a deleted comment that others have answered


class SearchPage(TypedDict):
    """A page of Algolia's search for stories."""

    hits: list[dict[str, str]]
    page: int
    nbPages: int


class NewsItem(TypedDict):
    """A story or comment of Hacker News, as Algolia answers it. text: HTML."""

    id: int
    author: str | None
    text: str | None
    title: NotRequired[str | None]
    children: NotRequired[list[NewsItem]]


class IssoComment(TypedDict):
    """A comment as isso answers it. text: HTML; created: seconds since 1970."""

    id: int
    parent: int | None
    created: float
    text: str | None
    author: str | None
    hash: NotRequired[str]
    mode: NotRequired[int]
    replies: NotRequired[list[IssoComment]]
    hidden_replies: NotRequired[int]


class IssoPage(TypedDict):
    """The comments of a page, or the replies to one comment."""

    replies: list[IssoComment]
    hidden_replies: NotRequired[int]


class Threads(Spider):
    """Each comment answers the one it is nested in."""

    name = "threads"

    def parse(self, response: Response) -> Iterator[PostFind | Request]:
        """Whatever a start address answers with."""
        answer = json_of(response)
        if "hits" in answer:
            yield from self._hits(response.url, answer)
        elif "replies" in answer:
            yield from self._isso(response.url, answer)
        else:
            yield from _story(answer)

    def _hits(self, address: str, answer: SearchPage) -> Iterator[Request]:
        """One page of a search: its stories, and the next page."""
        for hit in answer["hits"]:
            yield Request(urljoin(address, f"/api/v1/items/{hit['objectID']}"), self.parse)
        following = answer["page"] + 1
        if following < answer["nbPages"]:
            base, query = split_query(address)
            yield Request(with_query(base, query | {"page": str(following)}), self.parse)

    def _isso(self, address: str, answer: IssoPage) -> Iterator[PostFind | Request]:
        """The comments of a page, or the replies to one; requests for those left out by a limit."""
        base, query = split_query(address)
        thread = urljoin(address, query["uri"])
        for comment in answer["replies"]:
            yield _comment(thread, comment)
            for reply in comment.get("replies") or []:
                yield _comment(thread, reply)
            if comment.get("hidden_replies"):
                below = {"uri": query["uri"], "parent": str(comment["id"])}
                yield Request(with_query(base, below), self.parse)
        count = len(answer["replies"])
        if answer.get("hidden_replies", 0) > 0 and count and "limit" in query:
            onward = {"offset": str(int(query.get("offset", 0)) + count)}
            yield Request(with_query(base, query | onward), self.parse)


def _story(story: NewsItem) -> Iterator[PostFind]:
    """An item of Hacker News with all that is below it. A story without text is its title."""
    place = 0
    waiting: list[tuple[NewsItem, str | None]] = [(story, None)]
    while waiting:
        item, parent = waiting.pop()
        text = prose(fragment(item.get("text") or ""))
        title = story.get("title") if item is story else None
        yield PostFind(
            thread=HACKER_NEWS + str(story["id"]),
            address=HACKER_NEWS + str(item["id"]),
            id=str(item["id"]),
            place=place,
            parent=parent,
            author=item.get("author"),
            text="\n".join(part for part in (title, text) if part),
            gone=not item.get("author") or text in DELETED,
            extra={"title": story.get("title")},
        )
        place += 1
        children = reversed(item.get("children") or [])
        waiting += [(child, str(item["id"])) for child in children]


def _comment(thread: str, comment: IssoComment) -> PostFind:
    text = prose(fragment(comment.get("text") or ""))
    parent = comment.get("parent")
    return PostFind(
        thread=thread,
        address=f"{thread}#isso-{comment['id']}",
        id=str(comment["id"]),
        place=int(comment["created"] * 1_000_000),
        author=comment.get("author") or comment.get("hash"),
        parent=str(parent) if parent else None,
        text=text,
        gone=comment.get("mode") == ISSO_DELETED or not text,
    )
