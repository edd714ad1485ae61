"""A thread of posts becomes conversations along its reply paths, each post in exactly one of them.

The longest chain of replies is the first conversation; every branch off it starts another one at the branching reply,
again along its longest chain, and so on. A deleted post breaks the chain: what answered it starts a conversation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Post:
    """One post. parent: id of the post it answers, "" for the one before it in order (flat forums), None for none.

    place: its order in the thread. gone: deleted or hidden by the site.
    """

    id: str
    parent: str | None
    author: str
    text: str
    place: int = 0
    gone: bool = False


def in_order(posts: Iterable[Post]) -> list[Post]:
    """Posts by place, each id once: a thread whose pages overlap gives a post twice."""
    once: dict[str, Post] = {}
    for post in sorted(posts, key=lambda p: (p.place, p.id)):
        once.setdefault(post.id, post)
    return list(once.values())


def paths(posts: list[Post]) -> Iterator[list[Post]]:
    """Cuts a thread, given in order, into chains of replies. Every post that is not gone is in exactly one chain."""
    children = _children(posts)
    height = _heights(children)
    waiting = list(reversed(children[None]))
    while waiting:
        chain = [waiting.pop()]
        while replies := children[chain[-1].id]:
            longest = max(replies, key=lambda p: height[p.id])  # of equals the first
            waiting += [p for p in reversed(replies) if p is not longest]
            chain.append(longest)
        yield chain


def _children(posts: list[Post]) -> defaultdict[str | None, list[Post]]:
    """The replies to each post. A post whose parent is gone, unknown or comes later stands under None."""
    children: defaultdict[str | None, list[Post]] = defaultdict(list)
    known: set[str] = set()
    before: str | None = None
    for post in posts:
        parent = before if post.parent == "" else post.parent
        if not post.gone:
            children[parent if parent in known else None].append(post)
            known.add(post.id)
            before = post.id
    return children


def _heights(children: dict[str | None, list[Post]]) -> dict[str, int]:
    """The length of the longest chain below each post."""
    height: dict[str, int] = {}
    stack = [(post, False) for post in children.get(None, [])]
    while stack:
        post, done = stack.pop()
        below = children.get(post.id, [])
        if done:
            height[post.id] = 1 + max((height[p.id] for p in below), default=0)
        else:
            stack += [(post, True), *((p, False) for p in below)]
    return height


def pseudonyms(posts: Iterable[Post]) -> dict[str, str]:
    """Author → "Speaker 1", "Speaker 2", … in order of appearance: the same person throughout one thread."""
    names: dict[str, str] = {}
    for post in posts:
        names.setdefault(post.author, f"Speaker {len(names) + 1}")
    return names


def without_names(text: str, names: dict[str, str]) -> str:
    """A text whose `@name`, and `name:` or `name,` in front, is the pseudonym of that person of the thread."""
    for author, pseudonym in names.items():
        if author.strip():
            name = re.escape(author)
            text = re.sub(rf"(@){name}(?!\w)|^{name}(?=[:,])", rf"\1{pseudonym}", text)
    return text
