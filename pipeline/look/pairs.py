"""Near-duplicates side by side: which rows `dedup` dropped for another one, and how the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal, NamedTuple, TypedDict

import numpy as np

from pipeline.conversation import Conversation, Message
from pipeline.look import query
from pipeline.look.differences import Piece, pieces
from pipeline.look.index.fields import SIMILARITY
from pipeline.look.index.frame import Frame
from pipeline.look.partners import Partner, partner_of
from pipeline.look.selection import Selection
from pipeline.look.state import Look
from pipeline.look.stored import conversation, stored

FOLDED = 3  # equal messages in a row that are folded; fewer are shown
CONTAINED = "dedup.contained"


class PairRecord(TypedDict):
    """id: of the row that was dropped. stays, why: which of the two the run keeps."""

    id: str
    partner: str
    rule: str
    similarity: float | None
    stays: str
    why: str
    source: str | None
    partner_source: str | None
    start: str
    partner_start: str
    partner_missing: bool


class PairsPage(TypedDict):
    version: int
    count: int
    pairs: list[PairRecord]


class Side(TypedDict):
    index: int
    role: str
    name: str | None


class Line(TypedDict, total=False):
    """`same`: so many equal messages. Else a message of one side or both, and how they differ."""

    same: int
    left: Side | None
    right: Side | None
    pieces: list[Piece]


class PairPage(TypedDict):
    left: str
    right: str
    rule: str | None
    similarity: float | None
    stays: str
    why: str
    lines: list[Line]


def pairs_page(
    look: Look, selection: Selection, offset: int, limit: int
) -> PairsPage:
    """Pairs whose dropped row is in a selection, the most similar first unless it has an order."""
    frame = look.frame
    rows = query.chosen_rows(look, frame, selection)
    similarity = frame.columns.arrays.get(SIMILARITY)
    if similarity is None:
        return PairsPage(version=frame.number, count=0, pairs=[])
    rows = rows[~np.isnan(similarity[rows])]
    if not selection.sort:
        rows = rows[np.argsort(-similarity[rows], kind="stable")]
        shown = rows[offset : offset + limit]
    else:
        shown = query.ordered(look, frame, rows, selection, offset, offset + limit)
    found = [pair for row in shown if (pair := _pair(frame, int(row)))]
    return PairsPage(version=frame.number, count=len(rows), pairs=found)


def _pair(frame: Frame, row: int) -> PairRecord | None:
    own = stored(frame, row).conversation
    partner = partner_of(own.findings) if own else None
    if own is None or partner is None:
        return None
    others = frame.rows_with_id(partner.id)
    other = stored(frame, others[0]).conversation if others else None
    columns = frame.columns
    return PairRecord(
        id=own.id,
        partner=partner.id,
        rule=partner.rule,
        similarity=partner.similarity,
        stays=partner.id,
        why=_why(own, other, partner),
        source=columns.value("source", row),
        partner_source=columns.value("source", others[0]) if others else None,
        start=columns.start(row),
        partner_start=columns.start(others[0]) if others else "",
        partner_missing=not others,
    )


def _why(dropped: Conversation, kept: Conversation | None, partner: Partner) -> str:
    """Which copy is kept, in the order of `dedup/README.md`."""
    if partner.rule == CONTAINED:
        return "it contains the other one"
    if partner.knows:
        return f"it knows more: {partner.knows}"
    if kept is None:
        return "it is not in this run: a set that the result must share nothing with"
    findings = len(kept.findings), len(dropped.findings)
    words = _words(kept), _words(dropped)
    if findings[0] < findings[1]:
        return f"it has fewer findings: {findings[0]} against {findings[1]}"
    if words[0] > words[1]:
        return f"it has more words: {words[0]} against {words[1]}"
    return "its source is preferred, or its id comes first"


def _words(row: Conversation) -> int:
    return sum(len(one.content.split()) for one in row.messages if one.role != "system")


def pair_page(look: Look, left: str, right: str) -> PairPage:
    """Two rows, message by message. Raises UserError where one is not there."""
    first, second = conversation(look.frame, left), conversation(look.frame, right)
    dropped, kept = first, second
    partner = partner_of(first.findings)
    if partner is None or partner.id != right:
        partner = partner_of(second.findings)
        if partner is not None and partner.id == left:
            dropped, kept = second, first
        else:
            partner = None
    why = _why(dropped, kept, partner) if partner else "neither was dropped for the other"
    return PairPage(
        left=left,
        right=right,
        rule=partner.rule if partner else None,
        similarity=partner.similarity if partner else None,
        stays=kept.id,
        why=why,
        lines=list(lines(first.messages, second.messages)),
    )


# --- two lists of messages


class Block(NamedTuple):
    """Messages that are equal, or stand in the place of each other."""

    kind: Literal["equal", "replace", "delete", "insert"]
    left: range
    right: range


def lines(left: Sequence[Message], right: Sequence[Message]) -> Iterator[Line]:
    """Equal messages folded, others beside each other."""
    for block in _blocks(left, right):
        if block.kind == "equal" and len(block.left) >= FOLDED:
            yield Line(same=len(block.left))
            continue
        for first, second in zip_longest(block.left, block.right):
            yield _line(left, right, first, second)


def _blocks(left: Sequence[Message], right: Sequence[Message]) -> Iterator[Block]:
    texts = [[one.content for one in side] for side in (left, right)]
    matcher = SequenceMatcher(None, *texts, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        yield Block(kind, range(start, end), range(other_start, other_end))


def _line(
    left: Sequence[Message], right: Sequence[Message], first: int | None, second: int | None
) -> Line:
    before = left[first].content if first is not None else ""
    after = right[second].content if second is not None else ""
    own = None if first is None else _side(left, first)
    other = None if second is None else _side(right, second)
    return Line(left=own, right=other, pieces=pieces(before, after))


def _side(messages: Sequence[Message], index: int) -> Side:
    return Side(index=index, role=messages[index].role, name=messages[index].name)
