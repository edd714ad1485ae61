"""Conversations that are longer than a model takes, cut between exchanges into windows.

    system · u1 a1 · u2 a2 · u3 a3        →   system · u1 a1 · u2 a2     and     system · u3 a3

Each window has the system message, begins with the user and ends with the assistant; no message is
cut in two and none stands in two windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.publish.configs.turns import TrainerTurn, TrainerTurns
from pipeline.publish.tokens import AROUND, TokenCount, counter
from pipeline.recipe.publish import PublishSettings

CUT = "cut: windows of a conversation longer than max_tokens"
TOO_LONG = "left out: exchange that alone is longer than max_tokens"
NOTHING_FITS = "no exchange is as short as max_tokens"


class TalkWindow(NamedTuple):
    """A part of a conversation, and its tokens with those of the system message."""

    turns: TrainerTurns
    tokens: int


def windows(found: TrainerTurns, settings: PublishSettings) -> list[TalkWindow]:
    """A conversation, or its windows where it is too long; what became of it is counted in
    `found.changed`."""
    count = counter(settings.tokenizer)
    system = _tokens(found.system, count) if found.system else 0
    whole = system + sum(_tokens(turn.content, count) for turn in found.turns)
    if settings.max_tokens is None or whole <= settings.max_tokens:
        return [TalkWindow(found, whole)]
    space = settings.max_tokens - system
    made = [
        TalkWindow(TrainerTurns(found.system, found.folded, turns), system + size)
        for turns, size in _packed(found, count, space)
    ]
    found.changed[CUT] += len(made)
    return made


def _packed(
    found: TrainerTurns, count: TokenCount, space: int
) -> Iterator[tuple[list[TrainerTurn], int]]:
    """As many exchanges together as fit."""
    turns: list[TrainerTurn] = []
    size = 0
    for exchange in _exchanges(found.turns):
        own = sum(_tokens(turn.content, count) for turn in exchange)
        if own > space:
            found.changed[TOO_LONG] += 1
        if turns and size + own > space:
            yield turns, size
            turns, size = [], 0
        if own <= space:
            turns, size = [*turns, *exchange], size + own
    if turns:
        yield turns, size


def _exchanges(turns: Sequence[TrainerTurn]) -> Iterator[Sequence[TrainerTurn]]:
    """A turn of the user and the reply to it, one after the other."""
    for start in range(0, len(turns), 2):
        yield turns[start : start + 2]


def _tokens(text: str, count: TokenCount) -> int:
    return count(text) + AROUND
