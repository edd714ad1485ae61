"""A conversation as chat templates and trainers take it: one system message at most, user and
assistant strictly in turn, the user first, the assistant last.

    as it is                             for trainers
    assistant  Mind the paint.           system     You are Ada. Ada paints boats.
    user       oh                                   You have spoken first: Mind the paint.
    user       which paint               user       oh
    assistant  The green one.                       which paint
    user       thanks                    assistant  The green one.

What is merged, moved, added or cut is counted by its reason; a conversation that cannot be told
this way is left out with one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from string import Template
from typing import cast

from pipeline import texts
from pipeline.conversation import Conversation, Message, Role
from pipeline.publish.configs.made import PublishedRow
from pipeline.recipe.publish import PublishSettings

FALLBACK = "en"
# What is changed: reasons as card and report print them.
MERGED = "merged: messages of one side in a row"
EMPTY = "left out: message without text"
INSIDE = "left out: system message inside the talk"
GREETING = "moved: greeting, into the system message"
OPENING = "added: turn of the user before a greeting"
ENDING = "cut: last message of the user"
FOLDED = "moved: system message, before the user's first turn"
WHO = "added: who the assistant is, by the speaker's name"
# Why a conversation is in `full` only.
SEVERAL = "more than one speaker on a side"
UNNAMED = "between people, and nothing says who became the assistant"
NO_REPLY = "no reply of the assistant to a user"


@dataclass(slots=True)
class TrainerTurn:
    """Messages of one side in a row. messages: their numbers in the conversation; none of a turn
    that was added."""

    role: Role
    content: str
    messages: tuple[int, ...] = ()


@dataclass(slots=True)
class TrainerTurns:
    """A conversation for trainers. system: empty where it has none. folded: the system message
    stands before the user's first turn. left_out: why it is none."""

    system: str = ""
    folded: bool = False
    turns: list[TrainerTurn] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    left_out: str = ""

    def messages(self, before: int | None = None) -> list[PublishedRow]:
        """As {role, content}, the system message first. before: the turns up to this one."""
        found: list[PublishedRow] = []
        for turn in self.turns[:before]:
            found.append({"role": turn.role, "content": turn.content})
        if self.system and self.folded and found:
            found[0]["content"] = f"{self.system}\n\n{found[0]['content']}"
        elif self.system:
            found.insert(0, {"role": "system", "content": self.system})
        return found


def turns_of(row: Conversation, settings: PublishSettings) -> TrainerTurns:
    """A conversation for trainers, or why it is none."""
    found = TrainerTurns(left_out=_unfit(row, settings))
    if found.left_out:
        return found
    head, spoken = _parted(row.messages, found.changed)
    found.turns = _alternating(spoken, found.changed)
    parts = _system(row, head, settings, found.changed)
    if found.turns and found.turns[0].role == "assistant":
        parts += _greeted(row, found, settings)
    while found.turns and found.turns[-1].role == "user":
        found.turns.pop()
        found.changed[ENDING] += 1
    found.system = "\n\n".join(parts)
    if found.system and settings.system_in == "first_user":
        found.folded = True
        found.changed[FOLDED] += 1
    if not found.turns:
        return TrainerTurns(left_out=NO_REPLY)
    return found


def words_of(row: Conversation, which: str, /, **values: str) -> str:
    """A text of `configs/publish/words.yaml` in the row's language, its places filled."""
    every = _words()
    code = row.language.code if row.language else row.declared_language
    return Template(every.get(code or "", every[FALLBACK])[which]).substitute(values)


@cache
def _words() -> dict[str, dict[str, str]]:
    return cast("dict[str, dict[str, str]]", texts.values("publish", "words.yaml"))


def _unfit(row: Conversation, settings: PublishSettings) -> str:
    """Why the sides are not one user and one assistant; empty where they are."""
    names = {message.role: set[str]() for message in row.messages}
    for message in row.messages:
        if message.name:
            names[message.role].add(message.name)
    if any(len(names[role]) > 1 for role in names if role != "system"):
        return SEVERAL
    between_people = bool(names.get("assistant")) and row.persona is None
    return UNNAMED if between_people and not settings.persona_system else ""


def _parted(
    messages: Sequence[Message], changed: Counter[str]
) -> tuple[list[str], list[tuple[int, Message]]]:
    """The texts of the system messages at the beginning, and what is spoken, numbered."""
    head: list[str] = []
    spoken: list[tuple[int, Message]] = []
    for number, message in enumerate(messages):
        if not message.content.strip():
            changed[EMPTY] += 1
        elif message.role != "system":
            spoken.append((number, message))
        elif spoken:
            changed[INSIDE] += 1
        else:
            head.append(message.content.strip())
    return head, spoken


def _alternating(spoken: Sequence[tuple[int, Message]], changed: Counter[str]) -> list[TrainerTurn]:
    """One turn for each run of messages of one side."""
    found: list[TrainerTurn] = []
    for number, message in spoken:
        if found and found[-1].role == message.role:
            found[-1].content += f"\n\n{message.content}"
            found[-1].messages += (number,)
            changed[MERGED] += 1
        else:
            found.append(TrainerTurn(message.role, message.content, (number,)))
    return found


def _greeted(row: Conversation, found: TrainerTurns, settings: PublishSettings) -> list[str]:
    """Let the user be first: what the assistant has said before goes into the system message, or
    behind a turn of the user. Returns what the system message gets."""
    if settings.greeting == "opening":
        found.changed[OPENING] += 1
        found.turns.insert(0, TrainerTurn("user", words_of(row, "opening")))
        return []
    found.changed[GREETING] += 1
    greeting = found.turns.pop(0)
    return [words_of(row, "greeting", greeting=greeting.content)]


# --- the system message


def _system(
    row: Conversation, head: Sequence[str], settings: PublishSettings, changed: Counter[str]
) -> list[str]:
    """Its parts: who the assistant is and the scenario, then the conversation's own."""
    if not settings.persona_system:
        return list(head)
    parts = _about(row, "\n\n".join(head), changed)
    return [*filter(None, parts), *head]


def _about(row: Conversation, own: str, changed: Counter[str]) -> Iterator[str]:
    """What persona and scenario say of the assistant and the conversation's own system message does
    not; without a persona, whose messages the assistant has."""
    who = row.persona
    if who is None:
        names = [one.name for one in row.messages if one.role == "assistant" and one.name]
        if names and names[0] not in own:
            changed[WHO] += 1
            yield words_of(row, "who", name=names[0])
        return
    about = _not_in(own, who.description)
    if who.name and (about or who.name not in own):
        about = " ".join(filter(None, [words_of(row, "who", name=who.name), about]))
    yield about
    yield _not_in(own, who.scenario)


def _not_in(own: str, text: str | None) -> str:
    """A text that does not stand in another one."""
    stripped = (text or "").strip()
    return "" if stripped in own else stripped
