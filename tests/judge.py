"""Kinds of chat files, each with what a right reading gives, and the verdict on a reading.

A kind is a folder: its files beside `expected.json`, which holds

input          what a user would name: the file or folder
expected       the conversations: messages (role, content and, where known, name), persona,
               user_persona, group; a role that is null is not judged
refuse         why a refusal is right as well, where it is; with no conversations, the only right
layout_from    where the layout is documented
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypedDict, cast

from pipeline import UserError, collect
from pipeline.conversation import Conversation, FileRead, Message, Persona, Quarantine
from pipeline.recipe.one_stage import of_sources

Verdict = Literal["right", "refused", "wrong"]
Side = Literal["persona", "user_persona"]


class ExpectedMessage(TypedDict, total=False):
    role: str | None
    content: str
    name: str


class ExpectedTalk(TypedDict, total=False):
    messages: list[ExpectedMessage]
    persona: str
    user_persona: str
    group: str


class Expected(TypedDict, total=False):
    input: str
    expected: list[ExpectedTalk]
    refuse: str


@dataclass
class Reading:
    """All that came of reading an input. refusal: the error that stopped it."""

    kept: list[Conversation] = field(default_factory=list)
    quarantine: list[Quarantine] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    refusal: str | None = None

    @property
    def has_reason(self) -> bool:
        """Whether a user who gets no conversation learns why."""
        noticed = [file for file in self.files if file.passed_over or file.left_out]
        return bool(self.refusal or self.quarantine or noticed)


def kinds(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/expected.json"))


def expected_of(kind: Path) -> Expected:
    return cast(Expected, json.loads((kind / "expected.json").read_text("utf-8")))


def read(path: Path) -> Reading:
    """What `rapport collect PATH` reads, without a run around it."""
    found = Reading()
    try:
        for row in _rows(path.resolve()):
            if isinstance(row, Conversation):
                found.kept.append(row)
            elif isinstance(row, Quarantine):
                found.quarantine.append(row)
            elif isinstance(row, FileRead):
                found.files.append(row)
    except UserError as error:
        return Reading(refusal=str(error))
    return found


def _rows(path: Path) -> Iterator[object]:
    sources: list[dict[str, object]] = [{"name": "kind", "files": [str(path)]}]
    settings = of_sources("kind", "collect", sources, {}).collect
    for unit in collect.units(settings, path.parent):
        yield from collect.read(unit, settings, path.parent)


def verdict(wanted: Expected, found: Reading) -> tuple[Verdict, str]:
    """The verdict, and what is wrong or why it was refused."""
    if not found.kept:
        return _of_none(found)
    wrongs = _wrongs(wanted["expected"], found.kept)
    if wrongs:
        return "wrong", "; ".join(wrongs)
    return "right", ""


def _of_none(found: Reading) -> tuple[Verdict, str]:
    if not found.has_reason:
        return "wrong", "nothing was read, and no reason is given"
    details = [quarantined.detail for quarantined in found.quarantine]
    passed = [file.passed_over or str(file.left_out) for file in found.files]
    reasons = [found.refusal or "", *details, *passed]
    return "refused", next((reason for reason in reasons if reason), "")


def _wrongs(wanted: Sequence[ExpectedTalk], kept: Sequence[Conversation]) -> list[str]:
    wrongs: list[str] = []
    left = list(kept)
    for number, talk in enumerate(wanted):
        texts = [message["content"].strip() for message in talk["messages"]]
        same = [row for row in left if [m.content.strip() for m in row.messages] == texts]
        if not same:
            wrongs.append(f"talk {number} is not there as a whole")
            continue
        left = [row for row in left if row is not same[0]]
        wrongs += [f"talk {number}: {what}" for what in _differences(talk, same[0])]
    wrongs += [f"nobody expects {_beginning(row)}" for row in left]
    return wrongs


def _differences(talk: ExpectedTalk, row: Conversation) -> Iterator[str]:
    for number, (wanted, message) in enumerate(zip(talk["messages"], row.messages, strict=True)):
        yield from (f"message {number} {what}" for what in _of_message(wanted, message))
    sides: tuple[tuple[Side, Persona | None], ...] = (
        ("persona", row.persona),
        ("user_persona", row.user_persona),
    )
    for side, persona in sides:
        known = list(asdict(persona).values()) if persona else []
        if talk.get(side, "") not in " ".join(map(str, known)):
            yield f"{side} lacks {talk[side]!r}"
    if talk.get("group", "") not in (row.split_group or ""):
        yield f"group is {row.split_group}, not {talk['group']}"


def _of_message(wanted: ExpectedMessage, message: Message) -> Iterator[str]:
    role, name = wanted.get("role"), wanted.get("name")
    if role and message.role != role:
        yield f"is by {message.role}, not {role}"
    if name and message.role != "system" and message.name != name:
        yield f"is by {message.name}, not {name}"


def _beginning(row: Conversation) -> str:
    return repr([message.content[:40] for message in row.messages[:3]])
