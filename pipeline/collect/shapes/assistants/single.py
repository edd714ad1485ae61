"""One chat as a file of messages, without anything around them: logs of interfaces, Le Chat.

[{"role": "system", "content": "You are Ada."},
 {"role": "user", "content": "Hello"},
 {"role": "assistant", "content": "Good evening."}]

The messages may be lines of JSON as well, and have `from` and `value`, or be a thread of OpenAI's
Assistants (Jan). Where others have an id of a conversation, `turns` reads them. A system prompt
after other messages begins another conversation, whose borders nothing shows: such a file is not
read.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.assistants import ai_sdk, linked
from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.common.row_order import ONE_FILE, may_part
from pipeline.collect.shapes.general import messages, sharegpt
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unclear,
    Unread,
    first_of,
    unreadable,
)

ABOUT = About("one chat as a file of messages", ("roles", "names"))

LONGEST = 5_000  # messages; a file with more of them is no single chat
ROLES = ("role", "from")
FIELDS = (*ROLES, "content", "value", "parts")
THREAD = "thread.message"  # the `object` of a message of a thread


def recognise(head: list[object]) -> bool:
    return len(head) > 1 and all(map(_is_message, head)) and _is_one_chat([*map(_role, head)])


def _is_message(item: object) -> bool:
    """Whether this is a message by one of the two sides, and not a row with a conversation's id."""
    if not isinstance(item, dict) or _role(item) is None:
        return False
    if item.get("object") == THREAD:
        return True
    if ai_sdk.is_message(item):
        return known.key_of(item) is None
    return ("content" in item or "value" in item) and known.key_of(item) is None


def _role(item: object) -> str | None:
    word = item.get(first_of(ROLES, item)) if isinstance(item, dict) else None
    if not isinstance(word, str):
        return None
    return "tool" if messages.is_tool(word) else ROLE_WORDS.get(word.lower())


def _is_one_chat(roles: list[str | None]) -> bool:
    """Whether prompts stand only at the beginning, and both sides speak."""
    others = [role for role in roles if role != "system"]
    return "system" not in roles[len(roles) - len(others) :] and {"user", "assistant"} <= {*others}


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    found: list[object] = []
    first = None
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
        elif len(found) < LONGEST:
            first = first or number
            found.append(record)
        else:
            detail = f"a file of more than {LONGEST:,} messages is no single chat"
            yield number, Unread("record.too_long", detail, record)
    if first is not None:
        yield first, _chat(found)


def _chat(found: list[object]) -> Transcript | Unread:
    objects = [one for one in found if isinstance(one, dict)]
    threads = {str(one.get("thread_id")) for one in objects}
    if len(threads) > 1 or not _is_one_chat(list(map(_role, objects))):
        detail = "the file holds several chats, or only one side of one"
        return Unread("record.unreadable", detail, found)
    part = may_part(objects, FIELDS, first_of(ROLES, objects[0]) or "")
    if part:
        raise Unclear(f"the messages may belong together by `{part}`: name it as the id")
    record: Fields = {"messages": found}
    try:
        transcript = _transcript(record)
    except ValueError as error:
        return unreadable(error, found)
    transcript.merged = len(found) - 1
    transcript.assumed += (ONE_FILE,)
    return transcript


def _transcript(record: Fields) -> Transcript:
    """The chat of a record that has nothing but its messages."""
    if ai_sdk.recognise(record):
        return next(ai_sdk.read(record))
    if linked.recognise(record):
        return next(linked.read(record))
    if messages.recognise(record):
        return next(messages.read(record))
    return next(sharegpt.read(record))
