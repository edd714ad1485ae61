"""Discourse: topics, by its JSON.

Start from a forum, a category (/c/…), a tag (/tag/…) or a topic (/t/…).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import NotRequired, TypedDict
from urllib.parse import urlencode, urljoin, urlsplit

from scrapy import Request, Spider
from scrapy.http import Response

from spiders.contract import PostFind
from spiders.page import fragment, json_of, prose

WRITTEN = (1, 2)  # post_type of members and moderators; 3: small actions, 4: whispers
AT_ONCE = 20  # posts that Discourse gives in one answer


class DiscoursePost(TypedDict):
    """A post as Discourse answers it. cooked: HTML."""

    id: int
    post_number: int
    username: str
    cooked: str
    post_type: NotRequired[int]
    reply_to_post_number: NotRequired[int | None]
    hidden: NotRequired[bool]
    deleted_at: NotRequired[str | None]
    user_deleted: NotRequired[bool]


class Stream(TypedDict):
    """Posts of a topic: the first ones, and the ids of all."""

    posts: list[DiscoursePost]
    stream: NotRequired[list[int]]


class Topic(TypedDict):
    """A topic as Discourse answers it."""

    id: int
    slug: str
    title: NotRequired[str]
    category_id: NotRequired[int]
    tags: NotRequired[list[str]]
    post_stream: Stream


class Discourse(Spider):
    """Topics become threads; a post answers the one it names, or the one before it."""

    name = "discourse"

    async def start(self) -> AsyncIterator[Request]:
        for address in self.start_urls:
            if number := re.search(r"/t/(?:[^/]+/)?(\d+)", address):
                yield self._topic(address, number[1])
            else:
                yield self._list(address)

    def _list(self, address: str) -> Request:
        path = urlsplit(address).path.rstrip("/")
        if not path.endswith(".json"):
            is_part = path.startswith(("/c/", "/tag/"))
            address = urljoin(address, f"{path}/l/latest.json" if is_part else "/latest.json")
        return Request(address, self.parse_list)

    def _topic(self, base: str, number: str) -> Request:
        return Request(urljoin(base, f"/t/{number}.json"), self.parse_topic)

    def parse_list(self, response: Response) -> Iterator[Request]:
        """One page of the list of topics."""
        topics = json_of(response)["topic_list"]
        for topic in topics["topics"]:
            yield self._topic(response.url, str(topic["id"]))
        if more := topics.get("more_topics_url"):
            path, _, query = more.partition("?")
            onward = f"{path.removesuffix('.json')}.json?{query}"
            yield Request(urljoin(response.url, onward), self.parse_list)

    def parse_topic(self, response: Response) -> Iterator[PostFind | Request]:
        """The first posts of a topic, and requests for the others."""
        topic: Topic = json_of(response)
        stream = topic["post_stream"]
        thread = urljoin(response.url, f"/t/{topic['slug']}/{topic['id']}")
        about: dict[str, object] = {
            "title": topic.get("title"),
            "category": topic.get("category_id"),
            "tags": topic.get("tags"),
        }
        yield from _posts(stream["posts"], thread, about)
        known = {"thread": thread, "about": about}
        for query in _further_posts(stream):
            address = urljoin(response.url, f"/t/{topic['id']}/posts.json?{query}")
            yield Request(address, self.parse_more, cb_kwargs=known)

    def parse_more(
        self, response: Response, thread: str, about: dict[str, object]
    ) -> Iterator[PostFind]:
        """Further posts of a topic."""
        yield from _posts(json_of(response)["post_stream"]["posts"], thread, about)


def _further_posts(stream: Stream) -> Iterator[str]:
    """Queries for the posts of a topic that its first answer does not hold."""
    given = {post["id"] for post in stream["posts"]}
    rest = [number for number in stream.get("stream", []) if number not in given]
    for start in range(0, len(rest), AT_ONCE):
        wanted = rest[start : start + AT_ONCE]
        yield urlencode([("post_ids[]", number) for number in wanted])


def _posts(posts: list[DiscoursePost], thread: str, about: dict[str, object]) -> Iterator[PostFind]:
    for post in posts:
        if post.get("post_type", 1) in WRITTEN:
            yield _post(post, thread, about)


def _post(post: DiscoursePost, thread: str, about: dict[str, object]) -> PostFind:
    is_gone = post.get("hidden") or post.get("deleted_at") or post.get("user_deleted")
    find = PostFind(
        thread=thread,
        address=f"{thread}/{post['post_number']}",
        id=str(post["post_number"]),
        place=post["post_number"],
        author=post["username"],
        text=prose(fragment(post["cooked"])),
        gone=bool(is_gone),
        extra={key: value for key, value in about.items() if value},
    )
    if answered := post.get("reply_to_post_number"):
        find["parent"] = str(answered)
    return find
