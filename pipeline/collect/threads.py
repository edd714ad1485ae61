"""A thread of posts becomes conversations along its reply paths, each post in exactly one of them.

The longest chain of replies is the first conversation; every branch off it starts another one at
the branching reply, again along its longest chain, and so on:

    a ── b ── f           a c d e     the longest chain
     └── c ── d ── e      b f         the branch

A deleted post breaks the chain: the replies to it start conversations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThreadPost:
    """One post.

    parent: id of the post that it answers, "" for the one before it in order (flat forums), None
    for none. place: its order in the thread. gone: deleted or hidden by the site.
    """

    id: str
    parent: str | None
    author: str
    text: str
    place: int = 0
    gone: bool = False


Replies = defaultdict[
    str | None, list[ThreadPost]
]  # parent's id → its replies; None: posts without one


def in_order(posts: Iterable[ThreadPost]) -> list[ThreadPost]:
    """Posts by place, each id once: a thread whose pages overlap gives a post twice."""
    once: dict[str, ThreadPost] = {}
    for post in sorted(posts, key=lambda post: (post.place, post.id)):
        once.setdefault(post.id, post)
    return list(once.values())


def paths(posts: list[ThreadPost]) -> Iterator[list[ThreadPost]]:
    """Cuts a thread, given in order, into chains of replies.

    Every post that is not gone is in exactly one chain.
    """
    replies = _replies(posts)
    heights = _heights(replies)
    waiting = replies[None][::-1]
    while waiting:
        chain = [waiting.pop()]
        while answers := replies[chain[-1].id]:
            longest = max(answers, key=lambda post: heights[post.id])  # of equals the first
            waiting += [post for post in reversed(answers) if post is not longest]
            chain.append(longest)
        yield chain


def _replies(posts: list[ThreadPost]) -> Replies:
    """The replies to each post. A post whose parent is gone, unknown or comes later has none."""
    replies: Replies = defaultdict(list)
    known: set[str] = set()
    before: str | None = None
    for post in posts:
        if post.gone:
            continue
        parent = before if post.parent == "" else post.parent
        if parent not in known:
            parent = None
        replies[parent].append(post)
        known.add(post.id)
        before = post.id
    return replies


def _heights(replies: Replies) -> dict[str, int]:
    """The length of the longest chain below each post.

    Without recursion: a chain may be longer than Python's stack. A post is visited twice, before
    and after the posts below it.
    """
    heights: dict[str, int] = {}
    stack = [(post, False) for post in replies[None]]
    while stack:
        post, is_below_done = stack.pop()
        below = replies.get(post.id, [])
        if is_below_done:
            heights[post.id] = 1 + max((heights[reply.id] for reply in below), default=0)
        else:
            stack.append((post, True))
            stack += [(reply, False) for reply in below]
    return heights


def pseudonyms(posts: Iterable[ThreadPost]) -> dict[str, str]:
    """Author → "Speaker 1", "Speaker 2", … in order of appearance, the same in one thread."""
    names: dict[str, str] = {}
    for post in posts:
        names.setdefault(post.author, f"Speaker {len(names) + 1}")
    return names


def without_names(text: str, names: dict[str, str]) -> str:
    """A text in which people of the thread have their pseudonyms.

    Replaced are `@name` anywhere, and `name:` or `name,` at the beginning.
    """
    for author, pseudonym in names.items():
        if author.strip():
            name = re.escape(author)
            text = re.sub(rf"(@){name}(?!\w)|^{name}(?=[:,])", rf"\1{pseudonym}", text)
    return text
