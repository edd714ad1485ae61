"""Admission: the transcript of a source becomes a conversation with an id, a source and roles.

Who is the assistant when neither speaker is a model
(recipe: `assistant: second | first | most | <speaker's name>`):

1. a speaker named in the recipe, where that speaker is in the conversation;
2. else whoever the source itself calls the model or the user (`ROLE_WORDS`); with one side known,
   a single other speaker is the other side;
3. else, by the recipe, the second to speak (the default: who begins usually asks, who answers is
   what a model has to learn), the first, or the one with the most words.

Everybody else is `user`. Nobody is renamed: more than two speakers keep their names, and `filter`
decides about them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import cast

from pipeline.collect.shapes.transcript import RAW, Transcript, Turn, Unread, as_json
from pipeline.conversation import (
    Conversation,
    Message,
    Persona,
    Quarantine,
    Role,
    Source,
    identity,
)
from pipeline.store.counts import counted

# Why a record or a file is in the quarantine. Stable names: reports count by them.
RULES: dict[str, str] = {
    "record.malformed": "The record is not valid JSON, YAML, XML, or not a row of its table.",
    "record.not_text": "The record holds bytes or half characters that are not text.",
    "record.unreadable": "The record is valid, but a part that its shape needs is wrong.",
    "record.empty": "The record holds no messages.",
    "record.too_long": "The record or its texts have more bytes than `max_bytes`.",
    "file.damaged": "The file ends too early, or its bytes are damaged; the rows before are kept.",
    "file.name": "The file's name is not UTF-8, so no row can say where it is from.",
    "file.unread": "The file cannot be opened, or the reading failed.",
    "file.too_long": "The file has to be held in memory as a whole and is too long for that.",
}
# Labels that stand for a side and are not names: "User 1", "speaker_2", "mturk_agent_1", "A".
SIDE = re.compile(
    r"(user|human|speaker|person|participant|agent|mturk_agent|worker|customer|bot|system|[a-d])?"
    r"[ _#-]?\d*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What all conversations of one file have in common.

    max_bytes: of one conversation's texts, in UTF-8.
    """

    kind: str
    name: str
    license: str | None = None
    attribution: str | None = None
    retrieved: dt.date | None = None
    assistant: str = "second"
    max_bytes: int = 1_000_000


def admit(
    transcript: Transcript | Unread,
    origin: Origin,
    ref: str,
    notes: tuple[str, ...] = (),
    private: bool = False,
) -> Conversation | Quarantine:
    """The conversation of a transcript, or a quarantine row for what cannot be one.

    ref: its place in the source. notes: what was changed in the whole file, for `edits`. private:
    whether its shape is that of a messenger, a mailbox or a person's account.
    """
    if isinstance(transcript, Unread):
        return refuse(transcript.rule, transcript.detail, transcript.raw, origin, ref)
    if not transcript.turns:
        return refuse("record.empty", RULES["record.empty"], transcript.extra, origin, ref)
    speakers, texts, roles = zip(*transcript.turns, strict=True)
    problem = _problem(texts, origin.max_bytes)
    if problem:
        return refuse(*problem, transcript.turns, origin, ref)
    assistants: Collection[str | None] = ()
    if None in roles or origin.assistant != "second":
        messages, assistants = _with_roles(transcript.turns, origin.assistant)
    else:
        messages = _as_given(speakers, texts, roles)
    edits = notes + _edits(transcript)
    return Conversation(
        identity(origin.name, ref),
        messages,
        _source(transcript, origin, ref, private),
        *(_personas(transcript, assistants) if transcript.personas else (None, None)),
        f"{origin.name}/{transcript.group}" if transcript.group else None,
        edits=edits,
        annotations=transcript.annotations,
        alternatives=transcript.alternatives,
        extra=as_json(transcript.extra) if transcript.extra else None,
    )


def refuse(rule: str, detail: str, raw: object, origin: Origin, ref: str) -> Quarantine:
    """The quarantine row of something that is not admitted. rule: one of `RULES`."""
    return Quarantine(f"{origin.name}: {ref}", rule, detail, raw_text(raw))


def raw_text(raw: object) -> str:
    """The beginning of a record, as text that a store can hold."""
    if isinstance(raw, bytes):
        # A character has 4 bytes at most: no more than these need decoding.
        return raw[: 4 * RAW].decode("utf-8", "replace")[:RAW]
    if isinstance(raw, str):
        return raw[:RAW].encode("utf-8", "replace").decode()
    return as_json(raw)[:RAW]


def _problem(texts: Iterable[str], max_bytes: int) -> tuple[str, str] | None:
    """(rule, detail) of texts that cannot be stored."""
    try:
        size = len("".join(texts).encode())
    except UnicodeEncodeError:
        return "record.not_text", "holds half characters, which no file can hold"
    if size > max_bytes:
        detail = f"{size:,} bytes of text, more than max_bytes {max_bytes:,}"
        return "record.too_long", detail
    return None


def _edits(transcript: Transcript) -> tuple[str, ...]:
    """What was changed, assumed and left out while reading."""
    edits = transcript.notes
    if transcript.merged:
        edits += (f"collect: joined {transcript.merged + 1} records",)
    edits += tuple(f"collect: assumed that {what}" for what in transcript.assumed)
    if transcript.left_out:
        edits += (f"collect: left out {counted(transcript.left_out)}",)
    return edits


def _source(transcript: Transcript, origin: Origin, ref: str, private: bool) -> Source:
    return Source(
        origin.kind,
        origin.name,
        ref,
        transcript.record,
        origin.license,
        origin.attribution,
        origin.retrieved,
        private=private,
    )


# --- who is the assistant


def roles(turns: Sequence[Turn], rule: str = "second") -> dict[str | None, Role]:
    """The role of every speaker whose turns do not give it; see the rule at the top of the file."""
    words: Counter[str | None] = Counter()
    known: dict[str | None, Role] = {}
    for speaker, text, role in turns:
        if role is None:
            words[speaker] += len(text.split())
        elif role != "system":
            known[speaker] = role
    speakers = dict.fromkeys([*words, *filter(None, known)])
    named = [name for name in speakers if name and name.lower() == rule.lower()]
    if named:
        # Also over what the source says: the recipe may turn the roles of a data set around.
        return _sides(speakers, named)
    if known:
        if len(words) > 1 or "assistant" in known.values():
            return _sides(words, [])
        return _sides(words, words)  # a user and one more speaker
    return _sides(words, _by_rule(words, rule))


def _sides(
    speakers: Iterable[str | None], assistants: Collection[str | None]
) -> dict[str | None, Role]:
    sides: dict[str | None, Role] = dict.fromkeys(speakers, "user")
    sides.update(dict.fromkeys(assistants, "assistant"))
    return sides


def _by_rule(words: Counter[str | None], rule: str) -> list[str]:
    """The assistant by the recipe's rule. words: of each speaker, in the order of speaking."""
    if rule == "most":
        chosen = [name for name, _ in words.most_common(1)]
    elif rule == "first":
        chosen = list(words)[:1]
    else:
        chosen = list(words)[1:2]
    return [name for name in chosen if name is not None]


def _as_given(
    speakers: Sequence[str | None], texts: Sequence[str], roles: Sequence[Role]
) -> tuple[Message, ...]:
    """The messages of turns whose source gives every role.

    The common case: `tuple.__new__` makes them without a call of Python's own for each message.
    """
    columns = zip(roles, texts, speakers, strict=True)
    made = map(tuple.__new__, repeat(Message), columns)
    return cast("tuple[Message, ...]", tuple(made))


def _with_roles(turns: Sequence[Turn], rule: str) -> tuple[tuple[Message, ...], set[str | None]]:
    """The messages of turns by the rule, and the speakers that are the assistant."""
    sides = roles(turns, rule)
    speakers = dict.fromkeys(speaker for speaker, _, role in turns if role != "system")
    several = len(speakers) > 2
    names = {speaker: _name(speaker, several) for speaker in speakers}  # once, not per message
    messages = []
    for speaker, text, role in turns:
        if role == "system":
            messages.append(Message("system", text))
        else:
            messages.append(Message(sides.get(speaker) or role or "user", text, names[speaker]))
    return tuple(messages), {name for name in speakers if sides.get(name) == "assistant"}


def _name(speaker: str | None, several: bool) -> str | None:
    """The name that a message keeps. Of two speakers called `User 1` and `User 2` it keeps none."""
    if speaker and (several or not SIDE.fullmatch(speaker)):
        return speaker
    return None


def _personas(
    transcript: Transcript, assistants: Collection[str | None]
) -> tuple[Persona | None, Persona | None]:
    """The assistant's persona and the other side's; of several users the first who has one."""
    persona, user_persona = None, None
    for name, found in transcript.personas.items():
        if name is None or name in assistants:
            persona = persona or found
        elif name:
            user_persona = user_persona or found
    return persona, user_persona
