"""Repetition, farewells and clichés."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


ENOUGH = 50  # words of a row, from which on shares of words and rates say anything


def measures(reading: Reading) -> dict[str, float]:
    """Clichés per 1,000 words, of rows with enough words."""
    words = sum(reading.numbers.words)
    if words < ENOUGH:
        return {}
    return {"cliches": 1000 * len(reading.hits["cliches"]) / words}


def repetition(reading: Reading) -> Iterator[Finding]:
    """How similar two messages of one side are at most; of a new message: it and an earlier one."""
    pair = reading.most_similar
    if pair.message >= 0:
        note = f"message {pair.earlier}"
        yield reading.with_note("style.repetition", pair.value, pair.message, note)


def distinct_2(reading: Reading) -> Iterator[Finding]:
    """How few word pairs are new, in rows with enough words."""
    measured = reading.measures
    if "distinct_2" in measured and measured["words"] >= ENOUGH:
        yield reading.of_row("style.distinct_2", measured["distinct_2"])


def repeated(reading: Reading) -> Iterator[Finding]:
    """Messages that repeat an earlier one word for word, of whichever side, and their share."""
    again = [(i, earlier) for i, earlier in enumerate(reading.numbers.repeats) if earlier >= 0]
    for i, earlier in again:
        yield reading.with_note("style.repeated", len(again), i, f"message {earlier}")
    if again:
        share = len(again) / len(reading.messages)
        yield reading.of_message("style.loop", share, again[0][0])


def goodbyes(reading: Reading) -> Iterator[Finding]:
    """Messages with a farewell in a row at the end."""
    farewells = {hit.message for hit in reading.hits["goodbye"]}
    first = len(reading.messages)
    while first - 1 in farewells:
        first -= 1
    count = len(reading.messages) - first
    if count:
        yield reading.of_message("style.goodbyes", count, first)


def cliches(reading: Reading) -> Iterator[Finding]:
    """Clichés per 1,000 words."""
    hits = reading.hits["cliches"]
    if hits and "cliches" in reading.measures:
        yield reading.of_place("style.cliches", reading.measures["cliches"], hits[0])
