"""Core data types: a conversation, its messages, and what stages say about it. Their Arrow schema
stands in `store/columns.py`."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Role = Literal["system", "user", "assistant"]
Decision = Literal["measured", "warn", "drop"]
Step = Literal["hold", "closer", "back"]

ROLES: tuple[Role, ...] = ("system", "user", "assistant")

# What a row can be measured by. A missing value means "could not be measured", never zero.
# name → what one unit of it is; thresholds on them live in the settings of the stages.
MEASURES: dict[str, str] = {
    "turns": "messages of user and assistant",
    "words": "words of user and assistant",
    "characters": "characters of user and assistant",
    "speakers": "distinct speakers",
    "balance": "the quieter role's share of words, 0 to .5",
    "words_per_turn": "mean words of a message",
    "length_variation": "standard deviation / mean of the words of messages",
    "repetition": "largest character-3-gram Jaccard of two messages of one speaker (6+ words)",
    "repeated_turns": "share of messages (4+ words) that repeat an earlier one word for word",
    "distinct_2": "distinct word pairs / word pairs of the whole conversation",
    "questions": "share of messages with a question mark",
    "cliches": "worn phrases per 1,000 words",
    "language_confidence": "probability of the conversation's language, 0 to 1",
    "foreign_turns": "messages in another language than the conversation's",
    "pii": "personal data found",
    "feelings": "share of the assistant's messages that show an emotion",
    "attunement": "replies to sad, angry or frightened messages, mean: 1 for feeling with, 1 for "
    "asking, -1 for joy or disgust",
    "closeness": "mean closeness of the assistant's messages, -1 to 1",
    "closeness_gap": "mean closeness of the assistant's messages less the user's",
    "closeness_rise": "largest rise of the assistant's closeness above all that came before",
    "rush": "how fast the assistant comes closer: closeness, excess and pressing (`pacing/`)",
    "steps": "steps closer of the assistant",
    "steps_untaken": "steps closer of the assistant that the user did not take up",
    "stutter": "largest share of an assistant's message that is word pairs said twice in it",
    "takes_up": "share of the assistant's messages with a word of the message before",
    "answers": "mean cosine of the assistant's messages with the message before; needs an encoder",
    "variety": "moving-average type-token ratio of the assistant's words, window of 50",
    "card_shown": "share of the card's words that the assistant's messages use",
    "card_recited": "longest run of words that an assistant's message takes from the card",
    "reactions": "praise less complaints, per message of the user; means something of people only",
}

Measures = dict[str, float]  # of a row, by name


class Message(NamedTuple):
    """One utterance. `name` is the speaker's own name where the source gives one. Made by the
    million: a tuple."""

    role: Role
    content: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """Who one side is. `card` is the JSON of the character card it came from, word for word."""

    name: str | None = None
    description: str | None = None
    greeting: str | None = None
    scenario: str | None = None
    card: str | None = None


class Source(NamedTuple):
    """Where a conversation is from and under which licence.

    kind: web, hub, file or generated. ref: address#n, dataset@revision#row, file#n,
    character/situation/seed. record: the foreign record's own id. license: an SPDX name. retrieved:
    day, UTC. models, prompt: who wrote it and the hash of the prompt, when generated. private: from
    a messenger, a mailbox or the export of a person's account.
    """

    kind: str
    name: str
    ref: str
    record: str | None = None
    license: str | None = None
    attribution: str | None = None
    retrieved: dt.date | None = None
    models: tuple[str, ...] = ()
    prompt: str | None = None
    rehearsal: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """ISO 639-1 code (zh for all Chinese) and the probability that it is right, 0 to 1."""

    code: str
    confidence: float


class Annotation(NamedTuple):
    """What is known of one message. Made by the million, as messages are: a tuple.

    stage: of closeness that the two have reached with it (`pipeline.pacing.STAGES`). decision: what
    it does about it. closeness: of its words, from -1 (distant) to 1 (intimate). by: who gives
    stage and decision, "plan" (`generate`), "course" or "classifier" (`score`); None: the source.
    """

    stage: str | None = None
    decision: Step | None = None
    closeness: float | None = None
    emotion: str | None = None
    language: str | None = None
    by: str | None = None


RULE_NAME = re.compile(r"[a-z_]+\.[a-z0-9_]+")


class Alternative(NamedTuple):
    """A text that could stand in the place of a message: a swipe, another branch, a candidate.

    message: index into messages. reason: why there are several; of a try of `generate` that failed,
    the rule it broke. chosen: whether it is the one that stands there; the texts of a message are
    in the order of the source.
    """

    message: int
    content: str
    reason: str | None = None
    chosen: bool = False

    @property
    def is_failed_try(self) -> bool:
        return RULE_NAME.fullmatch(self.reason or "") is not None


class Relationship(NamedTuple):
    """The chain of sittings of the same two people that a row is a part of.

    number: of the sitting, from 1. gap: hours since the sitting before; None for the first.
    """

    id: str
    number: int
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer says of one criterion (`configs/criteria.yaml`).

    value: 1 to 5; None where the scorer cannot say, never 0. by: the scorer, a model under its own
    name. evidence: why, for a reader. messages: those that the value rests on, by index. spread:
    how far several judges lie apart. error: why a judge gave no value, for all or a part of it.
    """

    criterion: str
    value: float | None
    by: str
    evidence: str | None = None
    messages: tuple[int, ...] = ()
    spread: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that was measured on a row: where, how much, against which limit, and what was
    decided.

    message: index into messages. start, end: character offsets of the evidence in that message.
    evidence: a short quotation or a partner's id; never a personal datum itself.
    """

    stage: str
    rule: str
    value: float | None = None
    limit: float | None = None
    message: int | None = None
    start: int | None = None
    end: int | None = None
    evidence: str | None = None
    decision: Decision = "warn"


@dataclass(slots=True)  # not frozen: that triples the time to make one
class Conversation:
    """One row. Never changed in its place: stages make changed copies with `dataclasses.replace`.

    annotations: one per message or none at all. extra: JSON of what the source knew beyond this
    record. split_group: what must never stand in both train and test (thread, character, document).
    declared_language: what the source says it is, ISO 639-1; language: what was found.
    """

    id: str
    messages: tuple[Message, ...]
    source: Source
    persona: Persona | None = None
    user_persona: Persona | None = None
    split_group: str | None = None
    relationship: Relationship | None = None
    language: Language | None = None
    declared_language: str | None = None
    edits: tuple[str, ...] = ()
    measures: Measures = field(default_factory=dict)
    annotations: tuple[Annotation, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that is dropped. Its findings hold at least one with decision `drop`: the reason."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Merged:
    """Further foreign records that became part of the conversation `into` (one turn a record,
    say)."""

    into: str
    count: int


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was found in one file of a source. No row of the dataset: it goes into the report.

    shape: by which it was read, none where nothing was. assumed: what the file does not say, and
    was assumed. left_out: what is no message → how many of it. passed_over: why nothing was read.
    """

    path: str
    shape: str | None = None
    conversations: int = 0
    assumed: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    passed_over: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What could not be read or made as a row: where it stood, the rule and detail of what was
    wrong, its raw text.

    transient: the same command may get it another time (a server was down). missing: rows that were
    asked for and are given up with it. raw: cut at 100,000 characters when it is stored.
    """

    where: str
    rule: str
    detail: str
    raw: str = ""
    transient: bool = False
    missing: int = 0

    @property
    def id(self) -> str:
        return identity("quarantine", self.where)


Row = Conversation | Drop | Merged | Quarantine | FileRead  # what a stage may give

# The criteria of `score`, each from 1 to 5, more is better: `configs/criteria.yaml` defines them.
CRITERIA: tuple[str, ...] = (
    "in_role",
    "human_like",
    "engaging",
    "empathetic",
    "emotional",
    "safe",
    "pacing",
)

_WORDS = re.compile(r"[^\W_]+")


def identity(source_name: str, ref: str) -> str:
    """The id of what stands at `ref` in a source: 16 hex digits, given once when it is collected;
    edits do not change it."""
    return hashlib.blake2b(f"{source_name}\x1f{ref}".encode(), digest_size=8).hexdigest()


def normalised(text: str) -> str:
    """The words of a text and nothing else: NFKC, casefold, runs of letters and digits, single
    blanks between."""
    return " ".join(words_of(text))


def words_of(text: str) -> list[str]:
    """The words of `normalised`."""
    return _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())


def fingerprint(conversation: Conversation) -> str:
    """Names the words of user and assistant, 32 hex digits; the same for two copies with other
    ids."""
    said = "\n".join(normalised(m.content) for m in conversation.messages if m.role != "system")
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection, which would visit all the new objects time and again: twice the
    speed."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
