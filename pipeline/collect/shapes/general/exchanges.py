"""A message and its answer a row, where several rows make one conversation, as in ProsocialDialog.

{"dialogue_id": 0, "response_id": 0, "context": "Did it run?", "response": "Only the morning one."}
{"dialogue_id": 0, "response_id": 1, "context": "So you stay?", "response": "Happily."}

Rows with the same id are one conversation, in the order of their number or time, else as in the
file. Rows that repeat a question (several answers to it), or begin with the answer before them
(each row shows what came before), are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.collect.shapes.common import known, sides
from pipeline.collect.shapes.common.gather import Group, gathered
from pipeline.collect.shapes.common.row_order import in_file_order, order_problem, refused
from pipeline.collect.shapes.general import prompt
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Records,
    Transcript,
    Turn,
    Unread,
    if_any,
    rest,
)
from pipeline.conversation import Role

ABOUT = About("rows of a message and its answer: ProsocialDialog", ("roles", "groups"))


def recognise(rows: list[Fields]) -> bool:
    """Whether most rows are a pair with an id that comes back, or that has a number beside it."""
    if sum(sides.pair_of(row) is not None for row in rows) * 2 <= len(rows):
        return False
    key = known.one_of(known.KEYS, rows[0])
    if key is None:
        return False
    values = {str(row.get(key)) for row in rows}
    return len(values) < len(rows) or known.one_of(known.ORDERS, rows[0]) is not None


def read(
    records: Records, sample: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    if options:
        raise ValueError("options are for `shape: turns`, and these records are read as exchanges")
    first = sample[0] if sample else {}
    return of_rows(records, known.one_of(known.KEYS, first), known.one_of(known.ORDERS, first))


def of_rows(
    records: Records, key: str | None, order: str | None
) -> Iterator[tuple[int, Transcript | Unread]]:
    for group in gathered(records, key, order):
        if isinstance(group, tuple):
            yield group
        else:
            yield from _conversation(group, key, order)


def _conversation(
    group: Group, key: str | None, order: str | None
) -> Iterator[tuple[int, Transcript | Unread]]:
    try:
        parts = [next(iter(prompt.read(row))) for _, row in group]
        problem = order_problem(group, order) or repeated([part.turns for part in parts])
    except ValueError as error:
        problem = str(error)
    if problem:
        yield from refused(group, problem)
        return
    transcript = _joined(parts)
    transcript.record = transcript.group = str(group[0][1][key]) if key else None
    transcript.extra = if_any("turns", [rest(part.extra, key, order) for part in parts])
    transcript.assumed = in_file_order(parts, order)
    yield group[0][0], transcript


def _joined(parts: list[Transcript]) -> Transcript:
    """The turns of all parts, with the prompt and the personas of the first."""
    first = parts[0]
    system = [turn for turn in first.turns if turn[2] == "system"]
    turns = [turn for part in parts for turn in part.turns if turn[2] != "system"]
    return Transcript([*system, *turns], first.personas, merged=len(parts) - 1)


def repeated(parts: Sequence[Sequence[Turn]]) -> str | None:
    """Why pairs are no conversation, one after the other; None where they may be one."""
    asked = [_texts(part, "user") for part in parts]
    answers = {text for part in parts for text in _texts(part, "assistant")}
    with_question = [texts for texts in asked if texts]
    if len(set(with_question)) < len(with_question):
        return "rows of one conversation repeat a question: they hold several answers to it"
    if any(text in answers for texts in asked for text in texts):
        return "rows of one conversation begin with the answer before them: texts would come twice"
    return None


def _texts(part: Sequence[Turn], side: Role) -> tuple[str, ...]:
    return tuple(text for _, text, role in part if role == side)
