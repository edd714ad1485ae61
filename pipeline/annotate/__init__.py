"""Annotations of single messages by small models that are part of the package: how close, and which
emotion.

    annotate(["I miss you", "Your order is on its way."], ["en", "en"])
        closeness   .8   -.9        -1 distant, 1 intimate; NaN where nobody can say
        emotions    love neutral    one of EMOTIONS; None likewise

    folding.py    a message as its words
    vocabulary.py the distinct words, with the n-grams and listed phrases of each
    features.py   what a message has of them, and what that adds up to
    listed.py     the word lists, which are also what a reader is shown as a reason
    heads.py      linear heads on the features
    encoder.py    sentence vectors, an option
    own.py        classifiers of the user's own in the place of the shipped ones
    models/       the shipped heads, and their model card

What they are worth, by language: `models/README.md`. A language that has not been measured gets no
value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.annotate.encoder import Encoded
from pipeline.annotate.folding import Array, Words, words_of
from pipeline.annotate.heads import Heads, Read, load
from pipeline.annotate.listed import CLASSES, EMOTIONS, MARKS

MODELS = Path(__file__).parent / "models"
# An emotion is named only where it is so much likelier than the next one: below it, that one is
# right as often (each in .36 of 42 test lines, benchmarks/annotations).
MARGIN = 0.02
LOW = ("sadness", "anger", "fear")  # what somebody wants an answer to
MAYBE = -0.45  # from this value on one may be there: in .16 of neutral lines, half of the low ones
STATED = 0.2  # weight of the head for statements on a single question; chosen on validation data


class Annotated(NamedTuple):
    """What is found of messages, NaN or None where it cannot be said.

    closeness: from -1 to 1; with an encoder, see `_with_encoder`.
    forward: about -1 to 1, above 0 too close between people who have just met. uptake: likewise,
    above 0 it takes up what was said before it, else it turns away. pressing: likewise, above 0 it
    asks again, bargains, claims, blames; NaN in most languages. low: whether there may be
    sadness, anger or fear in it. marks: name of a list of phrases → whether a message has one.
    follows: cosine with the message before; NaN without an encoder, and in languages in which its
    closeness was not measured. stages, decisions: by classifiers of the user's own (`own.py`);
    empty without them.
    """

    closeness: Array  # (messages,) float32
    forward: Array
    uptake: Array
    pressing: Array
    emotions: list[str | None]
    low: Array  # (messages,) bool
    marks: dict[str, Array]  # (messages,) bool
    follows: Array
    stages: Sequence[str | None] = ()
    decisions: Sequence[str | None] = ()


@cache
def shipped() -> Heads:
    """The heads of the package."""
    return load(MODELS / "heads.npz")


def annotate(
    texts: Sequence[str],
    languages: Sequence[str | None],
    words: Words | None = None,
    encoded: Encoded | None = None,
) -> Annotated:
    """Messages with the language of each (ISO 639-1). words: those of the texts, where they are at
    hand. encoded: what the encoder says of them, where there is one."""
    heads = shipped()
    read = heads.read(words or words_of(texts))
    near, felt = heads.measured(languages, "closeness"), heads.measured(languages, "emotion")
    close = _with_encoder(closeness(heads, read), read.asks, encoded)
    return Annotated(
        np.where(near, close, np.nan),
        np.where(near, heads.column(read, "forward"), np.nan),
        _where_measured("uptake", heads, read, languages),
        _where_measured("pressing", heads, read, languages),
        _emotions(heads.emotions(read, EMOTIONS), felt),
        felt & (heads.emotions(read, LOW).max(axis=0) > MAYBE),
        _marks(read),
        np.where(near, encoded.follows, np.nan) if encoded else np.full(len(near), np.nan),
    )


def _where_measured(name: str, heads: Heads, read: Read, languages: Sequence[str | None]) -> Array:
    """(messages,) what one head says, in the languages in which it was measured."""
    found: Array = np.where(heads.measured(languages, name), heads.column(read, name), np.nan)
    return found


def _marks(read: Read) -> dict[str, Array]:
    return {mark: read.marks >> number & 1 > 0 for number, mark in enumerate(MARKS, CLASSES)}


def closeness(heads: Heads, read: Read) -> Array:
    """(messages,) from -1 to 1. One sentence makes a message intimate, however long the others are;
    a single question is judged by a head of its own most of all."""
    stated = (heads.column(read, "closeness") + read.tops) / 2
    asked = heads.column(read, "question")
    question = (asked + STATED * stated) / (1 + STATED)
    found: Array = np.where(read.asks, question, stated).clip(-1, 1)
    return found


def _with_encoder(own: Array, asks: Array, encoded: Encoded | None) -> Array:
    """Closeness by the heads and by the encoder: their mean; of a single question, which the
    encoder knows better, its own alone; where only one of them has a value, that."""
    if encoded is None:
        return own
    other = encoded.closeness
    both = np.where(asks, other, (own + other) / 2)
    return np.where(np.isnan(own), other, np.where(np.isnan(other), own, both))


def _emotions(values: Array, known: Array) -> list[str | None]:
    """The likeliest emotion of each message, where it is likely enough. values: (EMOTIONS,
    messages)."""
    best = values.argmax(axis=0)
    others = np.where(best == np.arange(len(values))[:, None], -np.inf, values)
    clear = known & (values.max(axis=0) - others.max(axis=0) >= MARGIN)  # NaN is never clear
    names = np.array([*EMOTIONS, None], object)
    found: list[str | None] = names[np.where(clear, best, -1)].tolist()
    return found
