"""Nested comments as JSON: isso, and Hacker News by Algolia's search. Which of the two is seen in the answer.

isso: start from `https://comments.example/?uri=/page/`, one address a page of the site that has comments.
Hacker News: start from `https://hn.algolia.com/api/v1/items/<id>` or a search
`https://hn.algolia.com/api/v1/search_by_date?tags=story&numericFilters=num_comments>20`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from scrapy import Request, Spider

from spiders.page import Page, fragment, prose

HACKER_NEWS = "https://news.ycombinator.com/item?id="
DELETED = frozenset(["[deleted]", "[flagged]", "[dead]", "[removed]"])


class Threads(Spider):
    """Each comment answers the one it is nested in."""

    name = "threads"
    options: dict[str, Any]

    def parse(self, response: Page) -> Iterator[dict[str, Any] | Request]:
        """Whatever a start address answers with."""
        answer = response.json()
        if "hits" in answer:
            yield from self._hits(response, answer)
        elif "replies" in answer:
            yield from self._isso(response, answer)
        else:
            yield from self._story(response, answer)

    def _hits(self, response: Page, answer: dict[str, Any]) -> Iterator[Request]:
        """One page of a search: its stories, and the next page."""
        for hit in answer["hits"]:
            yield Request(urljoin(response.url, f"/api/v1/items/{hit['objectID']}"), self.parse)
        if (page := answer["page"] + 1) < answer["nbPages"]:
            address, query = (
                response.url.partition("?")[0],
                dict(parse_qsl(urlsplit(response.url).query)),
            )
            yield Request(f"{address}?{urlencode(query | {'page': page})}", self.parse)

    def _story(self, response: Page, story: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """An item of Hacker News with all that is below it. A story without text is its title."""
        place = 0
        waiting: list[tuple[dict[str, Any], str | None]] = [(story, None)]
        while waiting:
            item, parent = waiting.pop()
            yield _item(story, item, parent) | {"place": place}
            place += 1
            waiting += [(child, str(item["id"])) for child in reversed(item.get("children") or [])]

    def _isso(self, response: Page, answer: dict[str, Any]) -> Iterator[dict[str, Any] | Request]:
        """The comments of a page, or the replies to one of them; those that a limit held back are asked for."""
        address, query = (
            response.url.partition("?")[0],
            dict(parse_qsl(urlsplit(response.url).query)),
        )
        thread = urljoin(response.url, query["uri"])
        for comment in answer["replies"]:
            yield _comment(thread, comment)
            yield from (_comment(thread, reply) for reply in comment.get("replies") or [])
            if comment.get("hidden_replies"):
                below = {"uri": query["uri"], "parent": comment["id"]}
                yield Request(f"{address}?{urlencode(below)}", self.parse)
        if answer.get("hidden_replies", 0) > 0 and answer["replies"] and "limit" in query:
            onward = {"offset": int(query.get("offset", 0)) + len(answer["replies"])}
            yield Request(f"{address}?{urlencode(query | onward)}", self.parse)


def _comment(thread: str, comment: dict[str, Any]) -> dict[str, Any]:
    text = prose(fragment(comment.get("text") or ""))
    return {
        "thread": thread, "address": f"{thread}#isso-{comment['id']}", "id": str(comment["id"]),
        "place": int(comment["created"] * 1_000_000), "author": comment.get("author") or comment.get("hash"),
        "parent": str(comment["parent"]) if comment.get("parent") else None,
        "text": text, "gone": comment.get("mode") == 4 or not text,
    }  # fmt: skip


def _item(story: dict[str, Any], item: dict[str, Any], parent: str | None) -> dict[str, Any]:
    text = prose(fragment(item.get("text") or ""))
    title = story.get("title") if item is story else None
    return {
        "thread": HACKER_NEWS + str(story["id"]), "address": HACKER_NEWS + str(item["id"]), "id": str(item["id"]),
        "parent": parent, "author": item.get("author"), "text": "\n".join(part for part in (title, text) if part),
        "gone": not item.get("author") or text in DELETED, "extra": {"title": story.get("title")},
    }  # fmt: skip
