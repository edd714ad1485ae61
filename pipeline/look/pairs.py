"""Near-duplicates side by side: what `dedup` dropped for another row, and how both differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypedDict

import numpy as np

from pipeline.conversation import Conversation, Message
from pipeline.look import query
from pipeline.look.differences import TextPiece, blocks, pieces, text_at
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


class LineSide(TypedDict):
    index: int
    role: str
    name: str | None


class PairLine(TypedDict, total=False):
    """`same`: so many equal messages. Else a message of one side or both, and how they differ."""

    same: int
    left: LineSide | None
    right: LineSide | None
    pieces: list[TextPiece]


class PairPage(TypedDict):
    left: str
    right: str
    rule: str | None
    similarity: float | None
    stays: str
    why: str
    lines: list[PairLine]


def pairs_page(look: Look, selection: Selection, offset: int, limit: int) -> PairsPage:
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
    found = PairRecord(
        id=own.id,
        partner=partner.id,
        rule=partner.rule,
        similarity=partner.similarity,
        stays=partner.id,
        why=_why(own, None, partner),
        source=frame.columns.value("source", row),
        partner_source=None,
        start=frame.columns.start(row),
        partner_start="",
        partner_missing=True,
    )
    for other in frame.rows_with_id(partner.id)[:1]:
        found["partner_source"] = frame.columns.value("source", other)
        found["partner_start"] = frame.columns.start(other)
        found["partner_missing"] = False
        found["why"] = _why(own, stored(frame, other).conversation, partner)
    return found


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
    found = PairPage(
        left=left,
        right=right,
        rule=None,
        similarity=None,
        stays=right,
        why="neither was dropped for the other",
        lines=list(lines(first.messages, second.messages)),
    )
    for dropped, kept in ((first, second), (second, first)):
        partner = partner_of(dropped.findings)
        if partner and partner.id == kept.id:
            found["rule"], found["similarity"] = partner.rule, partner.similarity
            found["stays"], found["why"] = kept.id, _why(dropped, kept, partner)
    return found


# --- two lists of messages


def lines(left: Sequence[Message], right: Sequence[Message]) -> Iterator[PairLine]:
    """Equal messages folded, others beside each other."""
    for block in blocks(left, right):
        if block.kind == "equal" and len(block.left) >= FOLDED:
            yield PairLine(same=len(block.left))
            continue
        for first, second in zip_longest(block.left, block.right):
            yield _line(left, right, first, second)


def _line(
    left: Sequence[Message], right: Sequence[Message], first: int | None, second: int | None
) -> PairLine:
    differing = pieces(text_at(left, first), text_at(right, second))
    return PairLine(left=_side(left, first), right=_side(right, second), pieces=differing)


def _side(messages: Sequence[Message], index: int | None) -> LineSide | None:
    if index is None:
        return None
    return LineSide(index=index, role=messages[index].role, name=messages[index].name)
