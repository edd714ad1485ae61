"""Posts of a forum as flat rows with the post that each answers: Reddit, Hacker News, ConvoKit.

{"id": "c1", "link_id": "t3_s1", "parent_id": "t3_s1", "author": "ada", "body": "Is it open?"}
{"id": "c2", "link_id": "t3_s1", "parent_id": "t1_c1", "author": "ben", "body": "Until six."}

{"id": "a2", "conversation_id": "a1", "reply_to": "a1", "speaker": "Ada", "text": "Is it open?"}

{"post_id": 11, "topic_id": 5, "post_username": "Ada", "post_time": 1714060800, "post_text": "Hi"}

A thread becomes conversations along its chains of replies (see `threads.py`), and is one group.
Without a column of parents a post answers the one before it.
Posts that nobody answered, and those that are `[deleted]`, are counted and left out. The first post
of a thread may stand in Reddit's file of submissions beside that of the comments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice, repeat
from typing import NamedTuple

from pipeline.collect import threads
from pipeline.collect.shapes.common import clock, markup
from pipeline.collect.shapes.common.gather import gathered
from pipeline.collect.shapes.common.silence import objects
from pipeline.collect.shapes.forums.forum_beside import submissions_beside
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    first_of,
    if_any,
    rest,
)
from pipeline.store.counts import counted

ABOUT = About("Reddit, Hacker News, ConvoKit and other forums", ("names", "times", "groups"))

IDS = ("post_id", "id", "comment_id", "message_id", "msg_id", "utterance_id")
PARENTS = (
    "parent_id",
    "parent",
    "reply_to",
    "reply-to",
    "reply_to_id",
    "in_reply_to",
    "in_reply_to_id",
    "parent_comment_id",
    "parent_post_id",
    "replyto",
)
THREADS = (
    "link_id",
    "thread_id",
    "topic_id",
    "conversation_id",
    "submission_id",
    "root",
    "root_id",
    "story_id",
    "discussion_id",
    "issue_url",
)
AUTHORS = (
    "author",
    "post_username",
    "by",
    "speaker",
    "username",
    "user",
    "user_id",
    "author_name",
    "author_id",
)
TEXTS = ("body", "text", "content", "message", "selftext", "comment", "post_text")
TIMES = ("created_utc", "created_at", "timestamp", "created", "post_time", "time", "date")
KIND = re.compile(r"^t[13]_")  # of a comment or a submission of Reddit
GONE = {"", "[deleted]", "[removed]", "[deleted by user]", "[ removed by reddit ]"}
SUBMISSION = {"id", "author", "title", "selftext"}  # fields of Reddit's first posts
ALONE = (
    "posts without fields that name a thread or a parent: the answers to them are not in this file"
)
HEAD = 50  # rows that show the columns
LONELY = "post without an answer"
THREAD = " thread"  # a column of our own: no file has one with a blank before it


class PostColumns(NamedTuple):
    """The names of the fields, by what they hold. parent: None where a post answers the last."""

    id: str
    parent: str | None
    thread: str | None
    author: str
    text: str
    time: str | None


def recognise(head: list[object]) -> bool:
    rows = objects(head)
    columns = _columns(rows)
    if len(rows) < len(head):
        return False
    if columns is None:
        return bool(rows) and all(row.keys() >= SUBMISSION for row in rows)
    ids = {str(row.get(columns.id)) for row in rows}
    if len(ids) < len(rows):
        return False
    if columns.parent is None:
        return True
    answered = [str(row.get(columns.parent)) for row in rows if row.get(columns.parent)]
    is_reddit = columns.parent == "parent_id" and all(map(KIND.match, answered))
    known = sum(parent in ids for parent in answered)
    # In a chat only a few messages name the one that they answer.
    is_tree = len(answered) * 2 >= len(rows) and known * 2 >= len(answered)
    return (is_reddit and bool(answered)) or (is_tree and known > 0)


def _columns(rows: list[Fields]) -> PostColumns | None:
    present = dict.fromkeys(name for row in rows for name in row)
    post, parent = first_of(IDS, present), first_of(PARENTS, present)
    author, text = first_of(AUTHORS, present), first_of(TEXTS, present)
    # Rows with roles are of an assistant, not of a forum.
    if not (post and author and text) or "role" in present:
        return None
    thread, time = first_of(THREADS, present), first_of(TIMES, present)
    is_flat = thread and time and (post == "post_id" or thread == "issue_url")
    if not parent and not is_flat:
        return None
    return PostColumns(post, parent, thread, author, text, time)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    """The conversations of all threads; what was left out is counted in the next one."""
    waiting: tuple[int, Transcript] | None = None
    left_out: Counter[str] = Counter()
    for number, found in _found(records, place):
        if isinstance(found, Unread):
            yield number, found
        elif isinstance(found, Counter):
            left_out += found
        else:
            if waiting:
                yield waiting
            found.left_out, left_out = left_out, Counter()
            waiting = number, found
    if waiting:
        waiting[1].left_out = Counter(waiting[1].left_out) + left_out
        yield waiting
    elif left_out:
        detail = f"no post with an answer: {counted(left_out)}"
        yield 1, Unread("record.empty", detail, dict(left_out))


def _found(
    records: Records, place: Place
) -> Iterator[tuple[int, Transcript | Unread | Counter[str]]]:
    rows = iter(records)
    head = list(islice(rows, HEAD))
    columns = _columns(objects(row for _, row in head))
    if columns is None:
        yield 1, Unread("record.unreadable", ALONE, [row for _, row in head])
        return
    with_thread = map(partial(_with_thread, columns=columns), chain(head, rows))
    beside = submissions_beside(place)
    for group in gathered(with_thread, THREAD if columns.thread else None, None):
        if isinstance(group, tuple):
            yield group
            continue
        first = beside.get(str(group[0][1].get(THREAD)))
        posts = [*filter(None, [first]), *(row for _, row in group)]
        yield from zip(repeat(group[0][0]), _thread(posts, columns), strict=False)


def _with_thread(numbered: tuple[int, object], columns: PostColumns) -> tuple[int, object]:
    """The row with the thread it belongs to; a submission of Reddit is the thread itself."""
    number, row = numbered
    if not isinstance(row, dict) or columns.thread is None:
        return numbered
    thread = row.get(columns.thread)
    if not thread:
        thread = f"t3_{row.get(columns.id)}" if columns.thread == "link_id" else row.get(columns.id)
    return number, {**row, THREAD: thread}


# --- one thread


def _thread(
    rows: list[Fields], columns: PostColumns
) -> Iterator[Transcript | Unread | Counter[str]]:
    """The chains of a thread, and what was left out of them."""
    left_out: Counter[str] = Counter()
    known: dict[str, Fields] = {}
    for row in rows:
        known.setdefault(_key(row, columns), row)
    left_out["post given twice"] = len(rows) - len(known)
    posts = _in_order(known, columns)
    left_out["deleted post"] = sum(post.gone for post in posts)
    for path in threads.paths(posts):
        if len(path) > 1:
            yield _transcript(path, known, columns)
        else:
            left_out[LONELY] += 1
    yield +left_out  # only what there is


def _key(row: Fields, columns: PostColumns) -> str:
    """The post's id as others name it: Reddit has `t1_` before that of a comment."""
    key = str(row.get(columns.id))
    if columns.thread != "link_id" or KIND.match(key):
        return key
    return f"t1_{key}" if row.get("link_id") else f"t3_{key}"


def _in_order(known: dict[str, Fields], columns: PostColumns) -> list[threads.ThreadPost]:
    """Posts by time, else as in the file, and none before the one that it answers."""
    parents = {key: _parent(row, columns) for key, row in known.items()}
    depths = _depths(parents)
    order = {key: number for number, key in enumerate(known)}
    times = {key: _seconds(row, columns) for key, row in known.items()}
    if None in times.values():
        times = dict.fromkeys(known, 0.0)
    keys = sorted(known, key=lambda key: (depths[key], times[key], order[key]))
    return [_post(key, parents[key], known[key], columns, at) for at, key in enumerate(keys)]


def _parent(row: Fields, columns: PostColumns) -> str | None:
    if columns.parent is None:
        return ""
    parent = row.get(columns.parent)
    return str(parent) if parent else None


def _depths(parents: dict[str, str | None]) -> dict[str, int]:
    """How many posts are above each. A circle of replies is cut where it closes."""
    depths: dict[str, int] = {}
    for key in parents:
        above: list[str] = []
        post: str | None = key
        while post in parents and post not in depths and post not in above:
            above.append(post)
            post = parents[post]
        start = depths.get(post or "", -1)
        for count, one in enumerate(reversed(above), 1):
            depths[one] = start + count
    return depths


def _post(
    key: str, parent: str | None, row: Fields, columns: PostColumns, place: int
) -> threads.ThreadPost:
    author, text = _author(row.get(columns.author)), _text(row, columns)
    # The texts of deleted accounts have nobody who could be known from another.
    is_gone = text.strip().lower() in GONE or author.lower() in GONE
    return threads.ThreadPost(key, parent, author, text, place, is_gone)


def _author(value: object) -> str:
    """A name, or that of an account."""
    if isinstance(value, dict):
        value = value.get(first_of(("login", "username", "name"), value) or "")
    return str(value or "")


def _text(row: Fields, columns: PostColumns) -> str:
    """The text; that of a submission has its title above it."""
    texts = [row.get(columns.text), row.get("selftext")]
    text = next((one for one in texts if isinstance(one, str)), "")
    if columns.author == "by":  # Hacker News keeps texts as HTML
        text = markup.visible(text)
    title = row.get("title")
    if not isinstance(title, str) or "parent_id" in row:
        return text
    return title if text.strip().lower() in GONE else f"{title}\n\n{text}"


def _seconds(row: Fields, columns: PostColumns) -> float | None:
    value = row.get(columns.time or "")
    found = clock.since_1970(value) or clock.iso(value)
    return found.timestamp() if found else None


def _transcript(
    path: list[threads.ThreadPost], known: dict[str, Fields], columns: PostColumns
) -> Transcript:
    rows = [known[post.id] for post in path]
    first = rows[0]
    used = (columns.id, columns.parent, columns.author, columns.text, THREAD, "title", "selftext")
    further = [rest(row, *used) for row in rows]
    same = {
        name: value
        for name, value in further[0].items()
        if all(row.get(name) == value for row in further)
    }
    return Transcript(
        [(post.author, post.text, None) for post in path],
        record=path[0].id,
        group=str(first[THREAD]) if THREAD in first else _root(path[0].id, known, columns),
        extra=same | if_any("turns", [rest(row, *same) for row in further]),
        merged=len(path) - 1,
    )


def _root(key: str, known: dict[str, Fields], columns: PostColumns) -> str:
    """The first post of the thread that a post belongs to."""
    seen: set[str] = set()
    while key in known and key not in seen:
        seen.add(key)
        key = _parent(known[key], columns) or key
    return key
