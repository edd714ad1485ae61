"""One turn a row, in csv, tsv, Parquet or JSON lines: rows of a conversation share an id.

dialogue_id,turn,speaker,text
d1,2,Ben,Good evening.
d1,1,Ada,Hello!

A column may give the order of the turns. The columns are known by their names (see `known`); a
recipe names others under `fields`, or here:

    shape: turns
    options: {text: Utterance_Text, speaker: Who, id: Conv, order: Nr}    # any of these

Without an id the file is one conversation, or with days and clocks a log that is cut at silences of
six hours. A speaker `system` is the assistant unless somebody else is. An `emotion` becomes an
annotation. Columns that stay the same through a conversation go to its `extra`, the others to
`turns` there.

Not read are rows whose order or speakers would be a guess: an id that is different in every row, an
order that begins again, a time in no known form, rows that stand speaker by speaker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count, repeat
from types import MappingProxyType
from typing import NamedTuple

from pipeline.collect.shapes.common import known, moments, notices, shown, who
from pipeline.collect.shapes.common.gather import Group, gathered_by_id
from pipeline.collect.shapes.common.row_order import (
    AT_SILENCES,
    ONE_FILE,
    are_sorted_by,
    at_silences,
    in_file_order,
    is_log_of,
    may_part,
    order_problem,
    refused,
    rows_extra,
)
from pipeline.collect.shapes.common.times import place_of, seconds_of
from pipeline.collect.shapes.general.listed import ALTERNATE
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Records,
    Transcript,
    Turn,
    Unclear,
    Unread,
    rest,
    text_of,
)
from pipeline.conversation import Annotation, Role
from pipeline.store.counts import counted

ABOUT = About("tables with a turn a row", ("names", "times", "groups", "annotations"))

SPEAKERS = (*known.NAMES, *known.ROLES, *known.FLAGS, *who.OWN)
EMOTIONS = ("emotion", "emotions")
PARENTS = ("parent_id", "reply_to", "in_reply_to", "parent")
PROMPT_BEGINS = "a system prompt begins a conversation"
ONE_TALK = 1_000  # rows; that more of them without an id are one conversation would be a guess


class Columns(NamedTuple):
    """The names of the columns, by what they hold; a recipe's options have the same names."""

    text: str
    speaker: str | None
    id: str | None
    order: str | None


def recognise(rows: list[Fields]) -> bool:
    if not rows or not known.holds_text(known.TEXTS, rows[0]):
        return False
    key = _key(rows)
    return known.one_of(SPEAKERS, rows[0]) is not None or key is not None


def read(
    records: Records, sample: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    first = sample[0] if sample else {}
    present = ", ".join(str(name) for name in first)
    named = {option: str(name) for option, name in options.items()}
    for option, name in named.items():
        if option not in Columns._fields:
            raise ValueError(f"unknown option {option}; `turns` knows {', '.join(Columns._fields)}")
        if name not in first:
            raise ValueError(f"options: {option}: there is no column {name!r}; there are {present}")
    columns = _columns(sample, named)
    if columns is None:
        question = "which column holds the text? Write `options: {text: ..}`"
        raise ValueError(f"{question}; there are {present or 'none'}")
    made = moments.columns_of(sample, columns.order)
    if made:
        return _timed(records, sample, columns, made)
    check(sample, columns)
    return of_rows(records, columns, _is_log(sample, columns))


def _timed(
    records: Records, sample: list[Fields], columns: Columns, made: moments.TimeColumns
) -> Iterator[tuple[int, Transcript | Unread]]:
    """The conversations of rows whose time is made of one or two columns."""
    timed = columns._replace(order=moments.MOMENT)
    rows = moments.with_moment(records, made)
    sample = [
        row for _, row in moments.with_moment(enumerate(sample), made) if isinstance(row, dict)
    ]
    check(sample, timed)
    for number, found in of_rows(rows, timed, _is_log(sample, timed)):
        if isinstance(found, Transcript):
            found.assumed += made.assumed
        yield number, found


# --- which columns


def _columns(rows: list[Fields], named: Mapping[str, str] = MappingProxyType({})) -> Columns | None:
    """The columns that the recipe names, else those known by their names.

    None when no column holds texts.
    """
    first = rows[0] if rows else {}
    text = named.get("text") or _text_column(rows)
    speaker, order = (known.one_of(names, first) for names in (SPEAKERS, known.ORDERS))
    columns = Columns(text or "", speaker, _key(rows), order)._replace(**named)
    if not isinstance(first.get(columns.text), str):
        return None
    return columns


def _text_column(rows: list[Fields]) -> str | None:
    """The column of the texts. Unclear where two hold texts that differ."""
    names = known.holds_text(known.TEXTS, rows[0]) if rows else []
    with_text = [name for name in names if any(known.is_text(row.get(name)) for row in rows)]
    for other in with_text[1:]:
        if any(row.get(other) not in (row.get(with_text[0]), None, "") for row in rows):
            raise Unclear(f"`{with_text[0]}` and `{other}` could both be the texts")
    return next(iter(with_text or names), None)


def _key(rows: list[Fields]) -> str | None:
    """The column of the id. One called `id` counts only where its values come back."""
    first: Fields = next(iter(rows), {})
    key = known.key_of(first) or known.one_of(("id",), first)
    if key and known.plain(key) == "id" and len({str(row.get(key)) for row in rows}) == len(rows):
        return None
    return key


def check(rows: list[Fields], columns: Columns) -> None:
    """Unclear where the first rows of a table leave open who writes, or in which order."""
    order = columns.order
    if order and all(place_of(row.get(order)) is None for row in rows):
        raise Unclear(f"`{order}` is not a number, nor a time such as 2024-05-01 21:15:00")
    if columns.speaker is None:
        doubt = _may_speak(rows, columns)
        if doubt:
            raise Unclear(f"`{doubt}` may say who writes")
    elif columns.id is None and len(rows) == 1:
        raise Unclear("one row without an id is not a conversation")
    elif columns.id is None:
        speakers = {str(row.get(columns.speaker)).lower() for row in rows} - ROLE_WORDS.keys()
        if len({who.who_of(row) for row in rows}) == 1 and columns.speaker in who.who_fields(
            rows[0]
        ):
            raise Unclear(f"only one `{columns.speaker}` writes: is this a conversation?")
        if len(rows) > 2 and len(speakers) * 2 > len(rows) + 1:
            raise Unclear(f"hardly a `{columns.speaker}` comes back: is this a conversation?")


def _may_speak(rows: list[Fields], columns: Columns) -> str | None:
    """A column that may say who writes; one that is the same through a conversation does not."""
    used = {*columns, *(name for name in rows[0] if _is_constant(rows, name, columns.id))}
    return who.may_name_speakers(rows, used)


def _is_constant(rows: list[Fields], name: str, key: str | None) -> bool:
    """Whether a column has one value in each conversation, and there are longer ones."""
    values: dict[str, set[str]] = {}
    for row in rows:
        values.setdefault(str(row.get(key or "")), set()).add(str(row.get(name)))
    return len(values) < len(rows) and all(len(found) == 1 for found in values.values())


def _is_log(rows: list[Fields], columns: Columns) -> bool:
    """Whether rows without an id have a day and a clock, by which they are cut at silences."""
    if columns.id or not columns.order:
        return False
    return is_log_of([row.get(columns.order) for row in rows], columns.order)


# --- conversations


def of_rows(
    records: Records, columns: Columns, is_log: bool = False
) -> Iterator[tuple[int, Transcript | Unread]]:
    """The conversations of rows. Unclear where every row has an id of its own."""
    for group in gathered_by_id(records, columns.id, columns.order):
        if isinstance(group, tuple):
            yield group
        else:
            yield from _of_group(group, columns, is_log)


def _of_group(
    group: Group, columns: Columns, is_log: bool
) -> Iterator[tuple[int, Transcript | Unread]]:
    said, left_out = _said(group, columns)
    # A row without a text or a speaker is refused by itself; the others still make a conversation.
    good: Group = []
    for number, row in said:
        detail = _missing(row, columns)
        if detail is None:
            good.append((number, row))
        else:
            yield number, Unread("record.unreadable", detail, row)
    for part in _parts(good, columns, is_log):
        for number, found in _conversation(part, columns, is_log):
            if isinstance(found, Transcript):
                found.left_out, left_out = left_out, Counter()
                found.merged += found.left_out.total()
            yield number, found
    if left_out:  # and nothing else is in the group
        detail = f"the rows hold no message: {counted(left_out)}"
        yield group[0][0], Unread("record.empty", detail, group[0][1])


def _said(group: Group, columns: Columns) -> tuple[Group, Counter[str]]:
    """The rows without those that are shown to nobody, or that a program wrote; how many went."""
    kept: Group = []
    left_out: Counter[str] = Counter()
    kind = shown.kind_field([row for _, row in group])
    has_notices = notices.are_possible(_writer(row, columns) for _, row in group)
    for number, row in group:
        reason = shown.why_not(row) or shown.why_no_text(row, kind)
        if has_notices and notices.is_notice(_writer(row, columns), row.get(columns.text)):
            reason = reason or "notice"
        if reason:
            left_out[reason] += 1
        else:
            kept.append((number, row))
    return kept, left_out


def _writer(row: Fields, columns: Columns) -> str:
    return str(row.get(columns.speaker or "")).lower()


def _missing(row: Fields, columns: Columns) -> str | None:
    """What a row lacks to be a turn; None where it has all."""
    text = row.get(columns.text)
    if not isinstance(text, str):
        return f"{columns.text} is {text!r}, not text"
    if columns.speaker and row.get(columns.speaker) in (None, ""):
        return f"the row has no {columns.speaker}"
    return None


def _parts(group: Group, columns: Columns, is_log: bool) -> list[Group]:
    """The conversations in rows of one id: one, or in a log those between silences."""
    if columns.id is None and not is_log:
        return _at_prompts(group, columns)
    if not is_log:
        return [group] if group else []
    return at_silences(group, [seconds_of(row.get(columns.order or "")) for _, row in group])


def _at_prompts(group: Group, columns: Columns) -> list[Group]:
    """Rows without an id, of which each conversation begins with the same system prompt.

    Unclear where another prompt stands among the messages of two sides.
    """
    roles = [ROLE_WORDS.get(_writer(row, columns)) for _, row in group]
    steps = zip([None, *roles], roles, strict=False)
    starts = [at for at, (before, role) in enumerate(steps) if _begins(before, role)]
    if len(starts) < 2 or not {"user", "assistant"} <= set(roles):
        return [group] if group else []
    if starts[0] != 0 or len({str(group[at][1].get(columns.text)) for at in starts}) > 1:
        raise Unclear("several system prompts: does each begin a conversation?")
    ends = [*starts[1:], len(group)]
    return [group[at:end] for at, end in zip(starts, ends, strict=True)]


def _begins(before: Role | None, role: Role | None) -> bool:
    return role == "system" and before != "system"


def _conversation(
    group: Group, columns: Columns, is_log: bool
) -> Iterator[tuple[int, Transcript | Unread]]:
    try:
        problem = _problem(group, columns, is_log)
        transcript = _transcript([row for _, row in group], columns)
    except ValueError as error:
        problem = str(error)
    if problem:
        yield from refused(group, problem)
        return
    if columns.id is None:
        transcript.assumed += (_border(group, columns, is_log),)
    yield group[0][0], transcript


def _border(group: Group, columns: Columns, is_log: bool) -> str:
    """What is assumed to end a conversation of rows without an id."""
    if is_log:
        return AT_SILENCES
    if ROLE_WORDS.get(_writer(group[0][1], columns)) == "system":
        return PROMPT_BEGINS
    return ONE_FILE


def _different(names: tuple[str, ...], rows: list[Fields]) -> str | None:
    """The first of these columns that is not the same in all rows."""
    present = known.all_of(names, rows[0])
    return next((name for name in present if len({str(row.get(name)) for row in rows}) > 1), None)


def _problem(group: Group, columns: Columns, is_log: bool) -> str | None:
    """Why rows cannot be read as one conversation; None where they can."""
    rows = [row for _, row in group]
    if columns.id is None and len(rows) > ONE_TALK and not is_log:
        return f"{len(rows):,} rows without an id: where does a conversation end?"
    if columns.id is None:
        channel = _different(known.CHANNELS, rows)
        if channel:
            return f"the rows may belong together by `{channel}`: name it as the id"
        part = may_part(rows, columns, columns.speaker or "")
        if part:
            return f"the rows may belong together by `{part}`: name it as the id"
    kind = _different(known.KINDS, rows)
    if kind:
        return f"the rows have different `{kind}`: some may be no messages"
    speaker = columns.speaker
    if speaker and not columns.order and are_sorted_by([str(row.get(speaker)) for row in rows]):
        return f"the rows stand by `{speaker}`, and no column gives their order"
    parent = known.one_of(PARENTS, rows[0])
    parents = [str(row[parent]) for row in rows if row.get(parent)] if parent else []
    if parent and len(set(parents)) < len(parents):
        return f"several rows have the same `{parent}`: the conversation branches"
    return order_problem(group, columns.order) if columns.id else None


def _transcript(rows: list[Fields], columns: Columns) -> Transcript:
    found = list(map(_turn, rows, repeat(columns), count(), repeat(who.fields_of(rows))))
    record = str(rows[0][columns.id]) if columns.id else None
    emotion = known.one_of(EMOTIONS, rows[0])
    # Without an emotion, "" leaves out a column that has no name: the row numbers of a data frame.
    pairs = zip(rows, found, strict=True)
    further = [rest(row, *columns, *used, emotion or "") for row, (_, used) in pairs]
    assumed = in_file_order(rows, columns.order)
    if columns.speaker is None:
        assumed += (ALTERNATE,)
    return Transcript(
        who.with_sides([turn for turn, _ in found]),
        record=record,
        group=record,
        annotations=_annotations(rows, emotion),
        extra=rows_extra(further),
        merged=len(rows) - 1,
        assumed=assumed,
    )


def _turn(
    row: Fields, columns: Columns, number: int, together: who.WhoFields | None
) -> tuple[Turn, list[str]]:
    """The turn of a row, and the columns that say who writes it.

    together: these columns, where they are found by all rows.
    """
    text = text_of(row[columns.text], columns.text)
    if columns.speaker is None:
        return (f"speaker {number % 2 + 1}", text, None), []
    fields = together or who.who_fields(row)
    if columns.speaker not in fields and not together:
        fields = fields._replace(name=columns.speaker)
    return who.turn_of(row, text, fields)


def _annotations(rows: list[Fields], column: str | None) -> tuple[Annotation, ...]:
    if column is None:
        return ()
    emotions = [str(row.get(column) or "").lower() for row in rows]
    return tuple(Annotation(emotion=emotion or None) for emotion in emotions)
