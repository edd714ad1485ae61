"""Discourse: topics by its JSON. Start from a forum, a category (/c/…), a tag (/tag/…) or a topic (/t/…)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from scrapy import Request, Spider

from spiders.page import Page, fragment, prose

WRITTEN = (
    1,
    2,
)  # post_type: regular and moderator's; small actions (3) and whispers (4) are no posts to read
AT_ONCE = 20  # posts that Discourse gives in one answer


class Discourse(Spider):
    """Topics become threads; a post answers the one it names, or the one before it."""

    name = "discourse"
    options: dict[str, Any]

    async def start(self) -> AsyncIterator[Request]:
        for address in self.start_urls:
            yield (
                self._topic(address, topic[0])
                if (topic := _topic_ids(address))
                else self._list(address)
            )

    def _list(self, address: str) -> Request:
        path = urlsplit(address).path.rstrip("/")
        if not path.endswith(".json"):
            address = urljoin(
                address,
                f"{path}/l/latest.json" if path.startswith(("/c/", "/tag/")) else "/latest.json",
            )
        return Request(address, self.parse_list)

    def _topic(self, base: str, number: str) -> Request:
        return Request(urljoin(base, f"/t/{number}.json"), self.parse_topic)

    def parse_list(self, response: Page) -> Iterator[Request]:
        """One page of the list of topics."""
        topics = response.json()["topic_list"]
        for topic in topics["topics"]:
            yield self._topic(response.url, str(topic["id"]))
        if more := topics.get("more_topics_url"):
            path, _, query = more.partition("?")
            yield Request(
                urljoin(response.url, f"{path.removesuffix('.json')}.json?{query}"), self.parse_list
            )

    def parse_topic(self, response: Page) -> Iterator[dict[str, Any] | Request]:
        """The first posts of a topic, and the numbers of the others."""
        topic = response.json()
        thread = urljoin(response.url, f"/t/{topic['slug']}/{topic['id']}")
        about = {
            "title": topic.get("title"),
            "category": topic.get("category_id"),
            "tags": topic.get("tags"),
        }
        given = topic["post_stream"]["posts"]
        yield from _posts(given, thread, about)
        have = {post["id"] for post in given}
        rest = [number for number in topic["post_stream"].get("stream", []) if number not in have]
        for start in range(0, len(rest), AT_ONCE):
            wanted = urlencode([("post_ids[]", number) for number in rest[start : start + AT_ONCE]])
            address = urljoin(response.url, f"/t/{topic['id']}/posts.json?{wanted}")
            yield Request(address, self.parse_more, cb_kwargs={"thread": thread, "about": about})

    def parse_more(
        self, response: Page, thread: str, about: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Further posts of a topic."""
        yield from _posts(response.json()["post_stream"]["posts"], thread, about)


def _topic_ids(address: str) -> list[str]:
    return re.findall(r"/t/(?:[^/]+/)?(\d+)", address)


def _posts(
    posts: list[dict[str, Any]], thread: str, about: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for post in posts:
        if post.get("post_type", 1) not in WRITTEN:
            continue
        find = {
            "thread": thread, "address": f"{thread}/{post['post_number']}", "id": str(post["post_number"]),
            "place": post["post_number"], "author": post["username"], "text": prose(fragment(post["cooked"])),
            "gone": bool(post.get("hidden") or post.get("deleted_at") or post.get("user_deleted")),
            "extra": {key: value for key, value in about.items() if value},
        }  # fmt: skip
        answers = post.get("reply_to_post_number")
        yield find | {"parent": str(answers)} if answers else find
