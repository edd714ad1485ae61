"""LM Studio, saved chats (`*.conversation.json`): messages in several versions.

{"name": "Tea", "systemPrompt": "You are Ada.", "messages": [
    {"currentlySelected": 0, "versions": [
        {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": "Tea?"}]}]},
    {"currentlySelected": 0, "versions": [
        {"type": "multiStep", "role": "assistant", "steps": [
            {"type": "contentBlock", "content": [{"type": "text", "text": "Darjeeling."}]}]}]}]}

The selected version is the message, all of them are its alternatives. Thoughts go to `extra`; calls
of tools and files are left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.parts import Content, content_of
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    candidates,
    dict_of,
    dicts_of,
    if_any,
    rest,
)

ABOUT = About("LM Studio, saved chats", ("roles", "alternatives"), private=True)


def recognise(record: object) -> bool:
    messages = record.get("messages") if isinstance(record, dict) else None
    return isinstance(messages, list) and any(map(_is_message, messages))


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or "currentlySelected" not in message:
        return False
    versions = message.get("versions")
    return isinstance(versions, list) and any(map(_is_version, versions))


def _is_version(one: object) -> bool:
    return isinstance(one, dict) and "role" in one and not {"content", "steps"}.isdisjoint(one)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    messages = dicts_of(fields.get("messages"), "messages", "message")
    found = Transcript([])
    left_out: Counter[str] = Counter()
    thoughts: list[Fields] = []
    for number, message in enumerate(messages, 1):
        content = _add(found, message, f"message {number}")
        left_out.update(content.left_out)
        if any(text.strip() for text in content.texts):
            thoughts.append(if_any("thoughts", content.thoughts))
        else:
            left_out["empty message"] += 1
    found.left_out, found.extra = left_out, if_any("turns", thoughts)
    branches.with_prompt({"system": fields.get("systemPrompt")}, found)
    found.extra = {**rest(fields, "messages", "systemPrompt"), **found.extra}
    yield found


def _add(found: Transcript, message: Fields, where: str) -> Content:
    """Add a message and its versions, unless it is empty. Returns the content that is shown."""
    versions, shown = _versions(message, where)
    turn, content = versions[shown]
    if turn[1].strip():
        texts = [other[1] for other, _ in versions]
        found.alternatives += candidates(texts, shown, len(found.turns), "branch")
        found.turns.append(turn)
    return content


def _versions(message: Fields, where: str) -> tuple[list[tuple[Turn, Content]], int]:
    """(all versions of a message, the number of the one that is shown)"""
    versions = dicts_of(message.get("versions"), f"the versions of {where}", "version")
    shown = message.get("currentlySelected", 0)
    if not isinstance(shown, int) or not 0 <= shown < len(versions):
        raise ValueError(f"{where} has no version {shown!r}")
    return [_version(one, where) for one in versions], shown


def _version(version: Fields, where: str) -> tuple[Turn, Content]:
    role = ROLE_WORDS.get(str(version.get("role")).lower())
    if role is None:
        raise ValueError(f"{where} has the role {version.get('role')!r}")
    if "steps" in version:
        content = _of_steps(dicts_of(version["steps"], f"the steps of {where}", "step"), where)
    else:
        content = content_of(version.get("content"), where)
    return (None, "\n".join(content.texts), role), content


def _of_steps(steps: list[Fields], where: str) -> Content:
    """The content of all blocks; a block in the style of thinking holds thoughts."""
    whole = Content([], [], [])
    for step in steps:
        block = content_of(step.get("content") or [], where)
        style = step.get("style")
        is_thought = isinstance(style, dict) and style.get("type") == "thinking"
        (whole.thoughts if is_thought else whole.texts).extend(block.texts)
        whole.thoughts.extend(block.thoughts)
        whole.left_out.extend(block.left_out)
    return whole
