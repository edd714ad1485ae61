"""Linear heads on the features of a message: a file of int8 weights, and what it says of a message.

    value of a column  =  scale · sum of the weights of the features / norm of the features + bias

The inverse document frequencies are folded into the weights: the norm is all that is left of
tf-idf. A file (`.npz`) holds

    columns    (columns,) names: closeness, emotion.joy, emotion.love …
    weights    (buckets, columns) int8
    scale      (columns,) float32, and bias likewise
    squares    (buckets,) float16, squared inverse document frequencies
    languages  (n,) names as "closeness en": what it has been measured in
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline import UserError
from pipeline.annotate.features import BUCKETS, SQUARE, sums, table_of
from pipeline.annotate.folding import Array, Words

FIELDS = ("columns", "weights", "scale", "bias", "squares", "languages")


class Read(NamedTuple):
    """What heads say of messages; NaN where a message has no word that could say anything.

    tops: the first head on the sentence where it is highest. asks: whether the message is a single
    question. marks: the classes of listed phrases that it has, in bits.
    """

    values: Array  # (columns, messages) float32
    tops: Array  # (messages,) float32
    asks: Array  # (messages,) bool
    marks: Array  # (messages,) uint32


@dataclass(frozen=True, eq=False)
class Heads:
    """The heads of a file. Shapes: see above; table: of weights and rarities (`table_of`).
    languages: by what is annotated, ISO 639-1."""

    columns: tuple[str, ...]
    table: Array
    scale: Array
    bias: Array
    squares: Array
    languages: Mapping[str, Sequence[str]]

    def read(self, words: Words) -> Read:
        """What is said of messages, by their words. Shapes: see `Read`."""
        found = sums(words, self.table)
        norms = np.where(found.norms > 0, found.norms, np.nan)
        totals = np.ascontiguousarray(found.totals.T[: len(self.columns)], np.float32)
        values = totals / norms * self.scale[:, None] + self.bias[:, None]
        tops = np.where(found.norms > 0, found.tops, np.nan) * self.scale[0] + self.bias[0]
        return Read(values, tops, found.asks, found.marks)

    def measured(self, languages: Sequence[str | None], what: str) -> Array:
        """(messages,) whether it has been measured in their language."""
        known = frozenset(self.languages[what]).__contains__
        return np.fromiter(map(known, languages), np.bool_, len(languages))

    def column(self, read: Read, name: str) -> Array:
        """(messages,) what one head says."""
        found: Array = read.values[self.columns.index(name)]
        return found

    def emotions(self, read: Read, names: Sequence[str]) -> Array:
        """(names, messages) what the heads of some emotions say."""
        found: Array = read.values[[self.columns.index(f"emotion.{name}") for name in names]]
        return found


def load(path: Path) -> Heads:
    """The heads in a file. Raises UserError when it is missing or is no such file."""
    try:
        with np.load(path) as file:
            columns, *arrays = (file[name] for name in FIELDS)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} holds no classifiers of messages ({error}). Name a file that "
            "`rapport train annotations` has written."
        ) from None
    weights, scale, bias, squares, names = arrays
    if weights.shape != (BUCKETS, len(columns)) or len(columns) > SQUARE:
        raise UserError(
            f"{path} was made by another version of Rapport: it has {weights.shape} weights, "
            f"and {BUCKETS} features of at most {SQUARE} heads are read here. Train it again."
        )
    squares = squares.astype(np.float32)
    table = table_of(weights, squares)
    return Heads(tuple(map(str, columns)), table, scale, bias, squares, _languages(names))


def _languages(names: Array) -> dict[str, list[str]]:
    """ "closeness en", "closeness ru", "emotion en"  →  closeness: en, ru; emotion: en"""
    found: dict[str, list[str]] = {}
    for name in map(str, names):
        what, _, language = name.partition(" ")
        found.setdefault(what, []).append(language)
    return found


def folded(
    columns: Sequence[str],
    coefficients: Array,
    bias: Array,
    frequencies: Array,
    languages: Sequence[str],
) -> dict[str, Array]:
    """The arrays of a file, from weights on tf-idf rows of length 1.

    coefficients: (columns, buckets). frequencies: (buckets,) the inverse document frequencies.
    """
    weights = (coefficients * frequencies).T
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    return {
        "columns": np.array(columns),
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "bias": np.asarray(bias, np.float32),
        "squares": (frequencies**2).astype(np.float16),
        "languages": np.array(languages),
    }
