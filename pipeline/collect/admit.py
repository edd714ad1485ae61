"""Admission: the transcript of a source becomes a conversation with an id, a source and roles.

Who is the assistant when neither speaker is a model
(recipe: `assistant: second | first | most | <speaker's name>`):

1. a speaker named in the recipe, where that speaker is in the conversation (by `assistant`, or by
   `roles`, which also turns the words of the source around);
2. else whoever the source itself calls the model or the user (`ROLE_WORDS`); with one side known,
   a single other speaker is the other side;
3. else who is called after a model, where one of two is (`Claude 3.5 Sonnet`), or who helps whom,
   where both sides are called so: a therapist and a client (`HELPERS`);
4. else, by the recipe, the second to speak (the default: who begins usually asks, who answers is
   what a model has to learn), the first, or the one with the most words.

Everybody else is `user`. Nobody is renamed: more than two speakers keep their names, and `filter`
decides about them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import attrgetter
from typing import Any, cast

from pipeline.collect.declared import code_of, declared_language
from pipeline.collect.shapes.transcript import (
    RAW,
    ROLE_WORDS,
    Transcript,
    Turn,
    Unread,
    as_json,
)
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
SECOND = "the second speaker is the assistant"
# Labels that stand for a side and are not names: "User 1", "speaker_2", "mturk_agent_1", "A", "Q".
SIDE = re.compile(
    r"(user|human|speaker|person|participant|agent|mturk_agent|worker|customer|bot|system|[a-dq])?"
    r"[ _#-]?\d*",
    re.I,
)
# Who helps, and who is helped. One such word alone decides nothing: the other side has to fit.
HELPERS = frozenset([
    "therapist", "counselor", "counsellor", "psychologist", "doctor", "physician", "nurse",
    "supporter", "helper", "listener", "wizard", "teacher", "tutor", "coach", "mentor",
    "expert", "advisor", "adviser", "operator", "consultant", "agent", "support", "recommender",
    "answerer", "npc", "gm", "clerk", "waiter", "salesperson", "seller", "librarian", "guide",
    "a",
])  # fmt: skip
HELPED = frozenset([
    "client", "patient", "seeker", "helpseeker", "help_seeker", "speaker", "apprentice",
    "student", "pupil", "learner", "mentee", "customer", "caller", "buyer", "player", "visitor",
    "guest", "asker", "questioner", "requester", "q",
])  # fmt: skip
# how the names of models begin
MODEL = re.compile(
    r"(chat ?gpt|gpt|claude|gemini|gemma|llama|mistral|mixtral|qwen|deepseek|grok|copilot|phi|"
    r"command-r)[- ]?(?:v?\d|pro\b|sonnet|opus|haiku|large|turbo|instruct|chat)",
    re.I,
)
NUMBERS = re.compile(r"^\d+[ _-]*|[ _-]*\d+$")  # of `0_Apprentice`, `Wizard 1`


@dataclass(frozen=True, slots=True)
class Origin:
    """What all conversations of one file have in common.

    max_bytes: of one conversation's texts, in UTF-8. roles: by a speaker or a word of the source.
    """

    kind: str
    name: str
    license: str | None = None
    attribution: str | None = None
    retrieved: dt.date | None = None
    assistant: str = "second"
    max_bytes: int = 1_000_000
    roles: Mapping[str, Role] = field(default_factory=dict)


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
    turns = transcript.turns
    if origin.roles:
        turns = with_named_roles(turns, origin.roles)
    columns = tuple(zip(*turns, strict=True))  # speakers, texts, roles
    problem = _problem(columns[1], origin.max_bytes)
    if transcript.alternatives and not problem:
        problem = _problem(map(attrgetter("content"), transcript.alternatives), origin.max_bytes)
    if problem:
        return refuse(*problem, turns, origin, ref)
    messages, assistants = _messages(turns, columns, origin.assistant)
    if assistants and origin.assistant == "second" and not _is_known(turns):
        transcript.assumed = (*dict.fromkeys((*transcript.assumed, SECOND)),)
    persona, user_persona = _personas(transcript, messages)
    return Conversation(
        identity(origin.name, ref),
        messages,
        _source(transcript, origin, ref, private),
        persona,
        user_persona,
        f"{origin.name}/{transcript.group}" if transcript.group else None,
        declared_language=_language(transcript),
        edits=notes + _edits(transcript),
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
    if transcript.assumed:
        edits += tuple(f"collect: assumed that {what}" for what in transcript.assumed)
    if transcript.left_out:
        edits += (f"collect: left out {counted(transcript.left_out)}",)
    return edits


def _language(transcript: Transcript) -> str | None:
    """The language that the source names, if it names one."""
    if not transcript.language and not transcript.extra:
        return None
    return code_of(transcript.language) or declared_language(transcript.extra)


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


def with_named_roles(turns: Sequence[Turn], named: Mapping[str, Role]) -> list[Turn]:
    """Turns with the roles that the recipe names, by a speaker or by a word for a role.

    {"Therapist": "assistant"}    ("Therapist", "Hello", None) → ("Therapist", "Hello", "assistant")
    {"user": "assistant"}         (None, "Hello", "user") → (None, "Hello", "assistant")
    """
    by_speaker = {name.strip().lower(): role for name, role in named.items()}
    words = [name for name in by_speaker if name in ROLE_WORDS]
    by_role: dict[Role | None, Role | None] = {ROLE_WORDS[name]: by_speaker[name] for name in words}
    return [
        (speaker, text, by_speaker.get((speaker or "").lower()) or by_role.get(role, role))
        for speaker, text, role in turns
    ]


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
        own = {name: known[name] for name in words if name and name in known}
        others = [name for name in words if name not in own]
        if len(others) > 1 or "assistant" in known.values():
            return _sides(others, []) | own
        return _sides(others, others) | own  # a user and one more speaker
    return _sides(words, _helpers(words) or _by_rule(words, rule))


def _helpers(speakers: Iterable[str | None]) -> list[str]:
    """The one speaker who is called after a model, or who helps, where another is called one who is
    helped; else nobody.
    """
    speakers = list(speakers)
    models = [name for name in speakers if name and MODEL.match(name)]
    if len(models) == 1 and len(speakers) == 2:
        return models
    plain = {name: NUMBERS.sub("", name).lower().replace(" ", "_") for name in speakers if name}
    helpers = [name for name, word in plain.items() if word in HELPERS]
    helped = [name for name, word in plain.items() if word in HELPED]
    return helpers if len(helpers) == 1 and helped else []


def _is_known(turns: Sequence[Turn]) -> bool:
    """Whether the source calls anybody a model or a user, after a model, or one who helps."""
    if any(role in ("assistant", "user") for _, _, role in turns):
        return True
    return bool(_helpers(dict.fromkeys(speaker for speaker, _, _ in turns)))


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


def _messages(
    turns: Sequence[Turn], columns: tuple[Any, ...], rule: str
) -> tuple[tuple[Message, ...], Collection[str | None]]:
    """The messages of turns, and the speakers who are the assistant where a rule decides."""
    speakers, texts, roles = columns
    if None in roles or rule != "second":
        return _with_roles(turns, rule)
    return _as_given(speakers, texts, roles), ()


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
    transcript: Transcript, messages: Sequence[Message]
) -> tuple[Persona | None, Persona | None]:
    """The assistant's persona and the other side's; of several users the first who has one."""
    if not transcript.personas:
        return None, None
    pairs = zip(transcript.turns, messages, strict=True)
    assistants = {speaker for (speaker, _, _), message in pairs if message.role == "assistant"}
    persona, user_persona = None, None
    for name, found in transcript.personas.items():
        if name is None or name in assistants:
            persona = persona or found
        elif name:
            user_persona = user_persona or found
    return persona, user_persona
