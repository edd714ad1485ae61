"""A topic of a Discourse forum, as its own page gives it with `.json` behind the address.

{"id": 5, "title": "Scarf", "post_stream": {"posts": [
    {"id": 10, "post_number": 1, "post_type": 1, "username": "ada", "topic_id": 5,
     "created_at": "2024-04-25T18:00:00.000Z", "cooked": "<p>Have you seen my scarf?</p>",
     "reply_to_post_number": null}]}}

A post answers the one it names, else the one before it (see `threads.py`); a topic is one group.
Notices, deleted posts and posts that nobody answered are counted and left out. Quotations of
earlier posts are left out of the texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.collect import threads
from pipeline.collect.shapes.common import markup
from pipeline.collect.shapes.common.silence import objects
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Unread,
    dict_of,
    dicts_of,
    record_id,
    rest,
    text_of,
)
from pipeline.store.counts import counted

ABOUT = About("Discourse, a topic's own JSON", ("names", "groups"))

WRITTEN = 1  # the type of a post that somebody wrote


def recognise(record: object) -> bool:
    stream = record.get("post_stream") if isinstance(record, dict) else None
    posts = stream.get("posts") if isinstance(stream, dict) else None
    return isinstance(posts, list) and any("cooked" in post for post in objects(posts))


def read(record: object) -> Iterator[Transcript | Unread]:
    topic = dict_of(record, "the record")
    stream = dict_of(topic.get("post_stream"), "post_stream")
    posts = [
        _post(item, at) for at, item in enumerate(dicts_of(stream.get("posts"), "posts", "post"), 1)
    ]
    paths = list(threads.paths(threads.in_order(posts)))
    found = [_transcript(path, topic) for path in paths if len(path) > 1]
    left_out = Counter("notice or deleted post" for post in posts if post.gone)
    left_out.update("post without an answer" for path in paths if len(path) == 1)
    if found:
        found[0].left_out = left_out
        yield from found
    else:
        yield Unread("record.empty", f"no post with an answer: {counted(left_out)}", record)


def _transcript(path: list[threads.ThreadPost], topic: Fields) -> Transcript:
    return Transcript(
        [(post.author, post.text, None) for post in path],
        record=path[0].id,
        group=record_id(topic, "id"),
        extra=rest({"title": topic.get("title")}),
    )


def _post(fields: Fields, number: int) -> threads.ThreadPost:
    text = markup.visible(text_of(fields.get("cooked"), f"the text of post {number}"))
    key = record_id(fields, "post_number") or str(number)
    parent = record_id(fields, "reply_to_post_number") or ""
    author = str(fields.get("name") or fields.get("username") or "")
    is_written = fields.get("post_type", WRITTEN) == WRITTEN
    is_gone = not is_written or bool(fields.get("deleted_at") or fields.get("hidden")) or not text
    return threads.ThreadPost(key, parent, author, text, number, is_gone)
