"""Repetition, farewells and clichés."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Measures
    from pipeline.rules.reading.reading import Reading


ALIKE = 0.4  # Jaccard index of threes, from which on two messages are compared letter by letter
LONG = 40  # characters; "good night, sleep well" may be said again
HEAD = 5  # letters, by which most messages differ; three words have as many
BEGINNING = 60  # characters in which the first three words are looked for
ENOUGH_MESSAGES = 4  # of one side, that begin alike
ENOUGH = 50  # words of a row, from which on shares of words and rates say anything

SENTENCES = 8  # of a message, from which on it says anything that some are said again
SENTENCE_WORDS = 3  # on average
SAID_AGAIN = 0.5  # share of sentences; people in plays reach a third
_STOP = re.compile(r"[.!?。！？\n]+\s*")


def measures(reading: Reading) -> Measures:
    """Clichés per 1,000 words, of rows with enough words."""
    words = sum(reading.numbers.words)
    if words < ENOUGH:
        return {}
    return {"cliches": 1000 * len(reading.hits["cliches"]) / words}


def repetition(reading: Reading) -> Iterator[Finding]:
    """How similar two messages of one side are at most; of a new message: it and an earlier one.

    And messages that say the same again and again: what share of them does.
    """
    pair = reading.most_similar
    if pair.message >= 0:
        note = f"message {pair.earlier}"
        yield reading.with_note("style.repetition", pair.value, pair.message, note)
    if pair.value > ALIKE and len(reading.messages[pair.message].content) >= LONG:
        texts = (reading.line(pair.earlier), reading.line(pair.message))
        yield reading.with_note("style.similar", _edits(*texts), pair.message, note)
    for message in reading.judged:
        if share := reading.numbers.loops[message] or _said_again(reading, message):
            yield reading.with_note("style.loop", share, message, "the same again and again")


def _said_again(reading: Reading, message: int) -> float:
    """What share of the sentences of a message were said in it before."""
    words = reading.numbers.words[message]
    if words < SENTENCES * SENTENCE_WORDS:
        return 0.0
    sentences = [sentence for sentence in _STOP.split(reading.line(message)) if sentence]
    if len(sentences) < SENTENCES or words < SENTENCE_WORDS * len(sentences):
        return 0.0
    share = 1 - len(set(sentences)) / len(sentences)
    return share if share >= SAID_AGAIN else 0.0


def _edits(one: str, other: str) -> float:
    """How much of two texts stays where one is edited into the other, 0 to 1."""
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(one, other)


def openings(reading: Reading) -> Iterator[Finding]:
    """What share of one side's messages begin with the same three words."""
    if len(reading.spoken) < ENOUGH_MESSAGES:
        return
    for side in ("user", "assistant"):
        own = [i for i in reading.spoken if reading.messages[i].role == side]
        if len(own) - len(_heads(reading, own)) + 1 < ENOUGH_MESSAGES:
            continue
        begun = [_beginning(reading, message) for message in own]
        most = max(begun, key=begun.count, default="")
        count = begun.count(most)
        if count >= ENOUGH_MESSAGES and most.count(" ") == 2:
            first = own[begun.index(most)]
            yield reading.with_note("style.similar", count / len(own), first, most)


def _heads(reading: Reading, messages: Sequence[int]) -> set[str]:
    """The first letters of messages: most differ already in these."""
    folded, starts = reading.folded, reading.starts
    begun = [folded[starts[i] : starts[i] + BEGINNING] for i in messages]
    return {text.lstrip()[:HEAD] for text in begun}


def _beginning(reading: Reading, message: int) -> str:
    """The first three words of a message, folded."""
    start = reading.starts[message]
    begun = reading.folded[start : start + BEGINNING].partition("\0")[0]
    return " ".join(begun.split(None, 3)[:3])


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
