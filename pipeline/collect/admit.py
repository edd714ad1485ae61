"""The door itself: a talk as its source tells it becomes a conversation with an id, a source and roles.

Who is the assistant when neither speaker is a model (recipe: `assistant: second | first | most | <speaker's name>`):
1. a speaker named in the recipe, where that speaker is in the talk;
2. else whoever the source itself calls the model or the user (`ROLE_WORDS`); with one side known, a single other
   speaker is the other side;
3. else, by the recipe, the second to speak (the default: who begins usually asks, who answers is what a model has to
   learn), the first, or the one with the most words.
Everybody else is `user`. Nobody is renamed: more than two speakers keep their names, and `filter` decides about them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from itertools import repeat
from typing import cast

from pipeline.collect.shapes.talk import Talk, Turn, Unread, as_json
from pipeline.conversation import Conversation, Message, Persona, Quarantine, Role, Source, identity

# Labels that stand for a side and name nobody: "User 1", "speaker_2", "mturk_agent_1", "A".
SIDE = re.compile(
    r"(user|human|speaker|person|participant|agent|mturk_agent|worker|customer|bot|system|[a-d])?[ _#-]?\d*",
    re.I,
)
RAW = 100_000  # characters of an unreadable record that are kept


@dataclass(frozen=True, slots=True)
class Door:
    """What all conversations of one file have in common. max_bytes: of one conversation's texts, in UTF-8."""

    kind: str
    name: str
    license: str | None = None
    attribution: str | None = None
    retrieved: dt.date | None = None
    assistant: str = "second"
    max_bytes: int = 1_000_000


def admit(
    talk: Talk | Unread, door: Door, ref: str, notes: tuple[str, ...] = ()
) -> Conversation | Quarantine:
    """A conversation for a talk, a quarantine for what could not be read. `ref` is its place in the source."""
    if isinstance(talk, Unread):
        return refuse("record.unreadable", talk.error, talk.raw, door, ref)
    if not talk.turns:
        return refuse("record.empty", "the record holds no messages", talk.extra, door, ref)
    names, texts, said = zip(*talk.turns)  # noqa: B905 - all of three, and made a million times
    try:
        size = len("".join(texts).encode())
    except UnicodeEncodeError:
        return refuse(
            "record.damaged", "holds half characters, which no file can hold", talk.turns, door, ref
        )
    if size > door.max_bytes:
        detail = f"{size:,} bytes of text, more than max_bytes {door.max_bytes:,}"
        return refuse("record.long", detail, talk.turns, door, ref)
    if None in said or door.assistant != "second":
        messages, assistant = _messages(talk.turns, door.assistant)
    else:  # the source says who is who
        made = map(tuple.__new__, repeat(Message), zip(said, texts, names))  # noqa: B905  # no call of Python's each
        messages, assistant = cast("tuple[Message, ...]", tuple(made)), set()
    joined = (f"collect: joined {talk.merged + 1} records",) if talk.merged else ()
    return Conversation(
        identity(door.name, ref),
        messages,
        Source(
            door.kind, door.name, ref, talk.record, door.license, door.attribution, door.retrieved
        ),
        *(_personas(talk, assistant) if talk.personas else (None, None)),
        f"{door.name}/{talk.group}" if talk.group else None,
        edits=notes + talk.notes + joined,
        annotations=talk.annotations,
        extra=as_json(talk.extra) if talk.extra else None,
    )


def refuse(rule: str, detail: str, raw: object, door: Door, ref: str) -> Quarantine:
    return Quarantine(f"{door.name}: {ref}", rule, detail, _raw_text(raw))


def roles(turns: list[Turn], rule: str = "second") -> dict[str | None, Role]:
    """The role of every speaker whose turns do not say it themselves; see the rule at the top of this file."""
    words: Counter[str | None] = Counter()
    known: dict[str | None, Role] = {}
    for speaker, text, role in turns:
        if role is None:
            words[speaker] += len(text.split())
        elif role != "system":
            known[speaker] = role
    everybody = list(dict.fromkeys([*words, *(name for name in known if name)]))
    chosen = [name for name in everybody if name and name.lower() == rule.lower()]
    if not chosen and known:
        said = set(known.values())
        return {
            name: "assistant" if said == {"user"} and len(words) == 1 else "user" for name in words
        }
    if not chosen and words:
        order = list(words)
        picked = {"first": order[0], "most": words.most_common(1)[0][0]}.get(
            rule, order[1] if len(order) > 1 else None
        )
        chosen = [picked] if picked is not None else []
    return {name: "assistant" if name in chosen else "user" for name in everybody}


def _messages(turns: list[Turn], rule: str) -> tuple[tuple[Message, ...], set[str | None]]:
    """The messages, and the speakers that are the assistant."""
    cast = roles(turns, rule)
    speakers = dict.fromkeys(name for name, _, role in turns if role != "system")
    named = len(speakers) > 2
    messages = [
        Message(
            cast.get(name) or role or "user",
            text,
            name if name and (named or not SIDE.fullmatch(name)) else None,
        )
        if role != "system"
        else Message("system", text)
        for name, text, role in turns
    ]
    return tuple(messages), {name for name in speakers if cast.get(name) == "assistant"}


def _personas(talk: Talk, assistants: set[str | None]) -> tuple[Persona | None, Persona | None]:
    """The assistant's persona and the other side's; of several users the first who has one."""
    mine = (
        persona for name, persona in talk.personas.items() if name is None or name in assistants
    )
    others = (persona for name, persona in talk.personas.items() if name and name not in assistants)
    return next(mine, None), next(others, None)


def _raw_text(raw: object) -> str:
    if isinstance(raw, bytes):
        return raw[: 4 * RAW].decode("utf-8", "replace")[:RAW]
    if isinstance(raw, str):
        return raw[:RAW].encode("utf-8", "replace").decode()
    return as_json(raw)[:RAW]
