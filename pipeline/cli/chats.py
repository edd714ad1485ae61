"""Conversations as lines for a terminal: who speaks, what was found, what became of the row."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.look.stored import StoredRow
from pipeline.look.wording import finding_text

if TYPE_CHECKING:
    from pipeline.conversation import Conversation, Finding
    from pipeline.look.compare import Comparison
    from pipeline.store.reviews import Decided

WIDTH = 100  # columns of a message
INDENT = "    "
LONGEST = 4_000  # characters of a message in a sample; `rapport look RUN --text ID` shows all


def chat(found: StoredRow, decided: Decided | None = None, whole: bool = False) -> Iterator[str]:
    """A row: its head, its messages with the findings below them, what was decided."""
    yield f"── {found.id}  {found.outcome} by {found.stage}"
    if found.unreadable is not None:
        yield f"{found.unreadable.where}: {found.unreadable.rule}: {found.unreadable.detail}"
        yield from _wrapped(found.unreadable.raw, whole)
    elif found.conversation is not None:
        yield from _conversation(found.conversation, whole)
    if decided and decided.decision:
        yield f"   {decided.who} decided on {decided.at[:10]}: {decided.decision}"
    if decided and decided.note:
        yield f"   note: {decided.note}"
    yield ""


def _conversation(row: Conversation, whole: bool) -> Iterator[str]:
    language = row.language.code if row.language else "language not known"
    licence = row.source.license or "licence not stated"
    yield f"   {row.source.name}: {row.source.ref}, {licence}, {language}"
    by_message: defaultdict[int | None, list[Finding]] = defaultdict(list)
    for finding in row.findings:
        if finding.decision != "measured":
            by_message[finding.message].append(finding)
    yield from _findings(by_message[None])
    for index, message in enumerate(row.messages):
        yield f"{index:3} {message.name or message.role}:"
        yield from _wrapped(message.content, whole)
        yield from _findings(by_message[index])


def _wrapped(text: str, whole: bool) -> Iterator[str]:
    shown = text if whole else text[:LONGEST]
    for line in shown.splitlines() or [""]:
        yield from textwrap.wrap(line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT) or [
            INDENT
        ]
    if len(shown) < len(text):
        yield f"{INDENT}… {len(text) - len(shown):,} more characters"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        sign = {"drop": "✕", "warn": "▲"}.get(one.decision, " ")
        yield f"{INDENT}{sign} {finding_text(one)}"


def comparison(found: Comparison) -> Iterator[str]:
    """Which rows only one run has, and which fared otherwise."""
    first, second = found["a"], found["b"]
    for letter, one in (("A", first), ("B", second)):
        outcomes = ", ".join(f"{count:,} {name}" for name, count in one["outcomes"].items())
        yield f"{letter}: {one['name']}, {one['rows']:,} rows: {outcomes or 'none'}"
    alone = f"in A alone: {found['only_a']:,}; in B alone: {found['only_b']:,}"
    yield f"in both: {found['both']:,}; {alone}"
    for move in found["moves"]:
        reason = f", most by {move['reason']}" * bool(move["reason"])
        yield f"  {move['from']} in A, {move['to']} in B: {move['count']:,}{reason}"
    yield from (f"  recipe: {line}" for line in found["recipe"])
