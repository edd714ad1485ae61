"""Core data types and their Arrow schema: a conversation, its messages, and what stages say about
it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise, repeat, starmap
from operator import attrgetter
from typing import Any, Literal, NamedTuple, cast

import pyarrow as pa

from pipeline import UserError

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


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is known of one message.

    stage: of closeness that the two have reached with it (`pipeline.pacing.STAGES`). decision: what
    it does about it. closeness: of its words, from -1 (distant) to 1 (intimate).
    """

    stage: str | None = None
    decision: Step | None = None
    closeness: float | None = None
    emotion: str | None = None
    language: str | None = None


class Alternative(NamedTuple):
    """A text that could stand in the place of a message: a swipe, another branch, a candidate.

    message: index into messages. reason: why there are several. chosen: whether it is the one that
    stands there; the texts of a message are in the order of the source.
    """

    message: int
    content: str
    reason: str | None = None
    chosen: bool = False


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

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string())])
PERSONA = pa.struct([(f.name, pa.string()) for f in dataclasses.fields(Persona)])
SOURCE = pa.struct(
    [
        ("kind", pa.string()),
        ("name", pa.string()),
        ("ref", pa.string()),
        ("record", pa.string()),
        ("license", pa.string()),
        ("attribution", pa.string()),
        ("retrieved", pa.date32()),
        ("models", pa.list_(pa.string())),
        ("prompt", pa.string()),
        ("rehearsal", pa.bool_()),
        ("private", pa.bool_()),
    ]
)
LANGUAGE = pa.struct([("code", pa.string()), ("confidence", pa.float64())])
ANNOTATION = pa.struct(
    [
        ("stage", pa.string()),
        ("decision", pa.string()),
        ("closeness", pa.float64()),
        ("emotion", pa.string()),
        ("language", pa.string()),
    ]
)
ALTERNATIVE = pa.struct(
    [
        ("message", pa.int32()),
        ("content", pa.string()),
        ("reason", pa.string()),
        ("chosen", pa.bool_()),
    ]
)
SCORE = pa.struct(
    [
        ("criterion", pa.string()),
        ("value", pa.float64()),
        ("by", pa.string()),
        ("evidence", pa.string()),
        ("messages", pa.list_(pa.int32())),
        ("spread", pa.float64()),
        ("error", pa.string()),
    ]
)
FINDING = pa.struct(
    [
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
        ("message", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("evidence", pa.string()),
        ("decision", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(MESSAGE)),
        ("source", SOURCE),
        ("persona", PERSONA),
        ("user_persona", PERSONA),
        ("split_group", pa.string()),
        ("language", LANGUAGE),
        ("declared_language", pa.string()),
        ("edits", pa.list_(pa.string())),
        ("measures", pa.struct([(name, pa.float64()) for name in MEASURES])),
        ("annotations", pa.list_(ANNOTATION)),
        ("alternatives", pa.list_(ALTERNATIVE)),
        ("scores", pa.list_(SCORE)),
        ("findings", pa.list_(FINDING)),
        ("extra", pa.string()),
    ]
)
QUARANTINE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("where", pa.string()),
        ("rule", pa.string()),
        ("detail", pa.string()),
        ("transient", pa.bool_()),
        ("missing", pa.int64()),
        ("raw", pa.string()),
    ]
)
_CLASSES: dict[pa.DataType, type] = {
    MESSAGE: Message,
    PERSONA: Persona,
    SOURCE: Source,
    LANGUAGE: Language,
    ANNOTATION: Annotation,
    ALTERNATIVE: Alternative,
    SCORE: Score,
    FINDING: Finding,
}


def identity(source_name: str, ref: str) -> str:
    """The id of what stands at `ref` in a source: 16 hex digits, given once when it is collected;
    edits do not change it."""
    return hashlib.blake2b(f"{source_name}\x1f{ref}".encode(), digest_size=8).hexdigest()


def normalised(text: str) -> str:
    """The words of a text and nothing else: NFKC, casefold, runs of letters and digits, single
    blanks between."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))


def fingerprint(conversation: Conversation) -> str:
    """Names the words of user and assistant, 32 hex digits; the same for two copies with other
    ids."""
    said = "\n".join(normalised(m.content) for m in conversation.messages if m.role != "system")
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def to_table(conversations: Iterable[Conversation], schema: pa.Schema = SCHEMA) -> pa.Table:
    """Rows to an Arrow table of `SCHEMA` or some of its columns, column by column (ten times the
    speed of `Table.from_pylist`).

    Raises ValueError on a measure or criterion that the schema does not know.
    """
    rows = list(conversations)
    criteria = set(CRITERIA)
    for row in rows:
        scored = {score.criterion for score in row.scores}
        unknown = (row.measures.keys() - MEASURES.keys()) | (scored - criteria)
        if unknown:
            raise ValueError(
                f"conversation {row.id}: unknown measure or criterion {sorted(unknown)}"
            )
    columns = [to_column(column.name, _attribute(rows, column.name)) for column in schema]
    return pa.table(columns, schema=schema)


def to_column(name: str, values: Sequence[object]) -> pa.Array:
    """What rows have in a column of `SCHEMA`, as Arrow holds it."""
    return _encode(values, SCHEMA.field(name).type)


def from_table(table: pa.Table, where: str = "the table") -> Iterator[Conversation]:
    """Rows of an Arrow table, read by the names of its columns and fields. where: the file, for
    errors.

    Raises UserError when the table is of another version and cannot be read without a guess.
    """
    known = as_schema(table, SCHEMA, where)
    with uncollected():
        columns = [_decode(known[column.name].combine_chunks(), column.type) for column in SCHEMA]
    for values in zip(*columns, strict=True):
        yield Conversation(**dict(zip(SCHEMA.names, values, strict=True)))


def finding_of(record: Mapping[str, Any]) -> Finding:
    """A finding as Arrow gives it."""
    return Finding(**record)


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


# --- tables of other versions

# fields that have a value in every row: a table without them cannot be read
REQUIRED = ("id", "messages", "role", "content", "source", "kind", "ref", "stage", "rule", "where")


def as_schema(table: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """A table with the columns and fields of a schema, matched by name; what it does not have is
    null.

    A measure that a newer version added is a field that this one does not know. It is refused, not
    dropped:

        schema              measures<turns, words>
        table of a newer    measures<turns, pauses, words>     UserError: … has `measures.pauses` …
        table of an older   measures<words>                    turns is null

    Raises UserError that names the file and the field.
    """
    if table.schema.equals(schema):
        return table
    _check_names("", table.column_names, schema.names, where)
    columns = []
    for column in schema:
        if column.name in table.column_names:
            values = table[column.name].combine_chunks()
            columns.append(_as_type(values, column.type, column.name, where))
        else:
            columns.append(pa.nulls(table.num_rows, column.type))
    return pa.table(columns, schema=schema)


def _as_type(array: pa.Array, kind: pa.DataType, path: str, where: str) -> pa.Array:
    """An array as another type, its fields matched by name."""
    if array.type.equals(kind) or pa.types.is_null(array.type):
        return array.cast(kind)
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        return _as_struct(array, kind, path, where)
    if pa.types.is_list(kind) and pa.types.is_list(array.type):
        values = _as_type(array.values, kind.value_type, path, where)
        return pa.ListArray.from_arrays(array.offsets, values, type=kind, mask=array.is_null())
    numbers = (pa.types.is_integer, pa.types.is_floating)
    if any(is_number(kind) and is_number(array.type) for is_number in numbers):
        return array.cast(kind)
    raise _other_version(f"`{path}` holds {array.type} there and {kind} here", where)


def _as_struct(array: pa.Array, kind: pa.DataType, path: str, where: str) -> pa.Array:
    there = {array.type.field(index).name: index for index in range(array.type.num_fields)}
    _check_names(f"{path}.", list(there), [child.name for child in kind], where)
    children = []
    for child in kind:
        if child.name in there:
            values = array.field(there[child.name])
            children.append(_as_type(values, child.type, f"{path}.{child.name}", where))
        else:
            children.append(pa.nulls(len(array), child.type))
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())


def _check_names(path: str, there: Sequence[str], here: Sequence[str], where: str) -> None:
    unknown = [name for name in there if name not in here]
    missing = [name for name in here if name not in there and name in REQUIRED]
    if unknown:
        raise _other_version(f"it has `{path}{unknown[0]}`, which is not known here", where)
    if missing:
        raise _other_version(f"it has no `{path}{missing[0]}`", where)


def _other_version(difference: str, where: str) -> UserError:
    return UserError(
        f"{where} was written by another version of Rapport: {difference}. Run the recipe again "
        "into a new folder (--out), or use the version that its run.json names."
    )


# --- columns


def _encode(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Python values as an Arrow array."""
    if pa.types.is_struct(kind):
        return _encode_structs(values, kind)
    if pa.types.is_list(kind):
        lengths = accumulate(map(len, values), initial=0)
        offsets = pa.array(lengths, pa.int32(), size=len(values) + 1)
        flat = _encode(list(chain.from_iterable(values)), kind.value_type)
        return pa.ListArray.from_arrays(offsets, flat, type=kind)
    return pa.array(values, kind)


def _encode_structs(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Objects, or dicts of what has a value, as a struct array; None becomes null."""
    missing = [value is None for value in values]
    if values and isinstance(values[0], dict):
        columns = [[value.get(child.name) for value in values] for child in kind]
    elif any(missing):
        columns = [[getattr(value, child.name, None) for value in values] for child in kind]
    else:
        columns = [_attribute(values, child.name) for child in kind]
    children = [_encode(column, child.type) for column, child in zip(columns, kind, strict=True)]
    mask = pa.array(missing, pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=mask)


def _attribute(values: Sequence[Any], name: str) -> list[Any]:
    return list(map(attrgetter(name), values))


def _decode(array: pa.Array, kind: pa.DataType) -> list[Any]:
    """An Arrow array of exactly this type as Python values."""
    if pa.types.is_struct(kind):
        return _decode_structs(array, kind)
    if pa.types.is_list(kind):
        flat = _decode(array.values, kind.value_type)
        offsets = array.offsets.to_pylist()
        return [tuple(flat[start:end]) for start, end in pairwise(offsets)]
    return cast("list[Any]", array.to_pylist())


def _decode_structs(array: pa.Array, kind: pa.DataType) -> list[Any]:
    """A struct array as objects of its class; null becomes None, a struct without a class a dict of
    what has a value."""
    children = [_decode(array.field(index), child.type) for index, child in enumerate(kind)]
    rows = zip(*children, strict=True)
    made_of = _CLASSES.get(kind)
    if made_of is None:  # measures
        names = [child.name for child in kind]
        return [_present(names, row) for row in rows]
    # messages are most of a row: no call of Python's each
    if made_of is Message and not array.null_count:
        return list(map(tuple.__new__, repeat(made_of), rows))
    if not array.null_count:
        return list(starmap(made_of, rows))
    found = list(starmap(made_of, rows))
    for place in pa.compute.indices_nonzero(array.is_null()).to_pylist():
        found[place] = None
    return found


def _present(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """The values of a row by name, those that are null left out."""
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}
