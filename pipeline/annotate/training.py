"""How heads are made: ridge regression on the features of labelled messages.

    closeness   the value itself; `question`, `forward`, `uptake` and `pressing` likewise
    emotion     one column each: 1 where a message shows it, else -1; rare emotions weigh more

Least squares by LSQR (Paige and Saunders 1982), from zero and with few steps: the same data give
the same heads. Where labelled messages are few, a teacher with sentence vectors (kernel ridge
regression) labels others, from which the heads learn too (distillation, Hinton et al. 2015).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.annotate.features import BUCKETS, matrix
from pipeline.annotate.folding import Array
from pipeline.annotate.listed import EMOTIONS

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

STEPS = 40  # of LSQR; more change the third digit
RARE_WEIGH = 0.7  # 1: all emotions weigh the same, however rare; 0: all messages do


class Example(NamedTuple):
    """A message with a label. weight: how far it counts."""

    text: str
    label: float | str
    weight: float = 1.0


class Labels(NamedTuple):
    """What messages are to come to. targets: (messages, columns). weights: (messages,)."""

    targets: Array
    weights: Array


class LinearHead(NamedTuple):
    """Weights on tf-idf rows of length 1: coefficients (columns, buckets), bias (columns,)."""

    coefficients: Array
    bias: Array


def counts(texts: Sequence[str]) -> csr_matrix:
    """(messages, BUCKETS) 1 where a message has a feature."""
    from scipy.sparse import csr_matrix

    found = matrix(texts)
    ones = np.ones(len(found.indices), np.float32)
    return csr_matrix((ones, found.indices, found.starts), (len(texts), BUCKETS))


def frequencies(features: csr_matrix) -> Array:
    """(BUCKETS,) smoothed inverse document frequencies."""
    messages = features.shape[0]
    having = np.asarray((features > 0).sum(0)).ravel()
    return np.asarray(np.log((1 + messages) / (1 + having)) + 1)


def weighed(features: csr_matrix, inverse: Array) -> csr_matrix:
    """tf-idf rows of length 1."""
    from scipy.sparse import diags

    rows = features @ diags(inverse)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
    return (diags(1 / np.maximum(lengths, 1e-9)) @ rows).tocsr()


def ridge(rows: csr_matrix, labels: Labels, alpha: float) -> LinearHead:
    """alpha: of the squared coefficients; the bias is free."""
    from scipy.sparse import csr_matrix, diags, hstack
    from scipy.sparse.linalg import lsqr

    roots = np.sqrt(labels.weights)
    means = np.average(labels.targets, axis=0, weights=labels.weights)
    constant = csr_matrix(np.ones((rows.shape[0], 1)))
    design = diags(roots) @ hstack([rows, constant]).tocsr()
    solved = [
        lsqr(design, roots * (column - mean), damp=np.sqrt(alpha), iter_lim=STEPS)[0]
        for column, mean in zip(labels.targets.T, means, strict=True)
    ]
    found = np.array(solved)
    return LinearHead(found[:, :-1], found[:, -1] + means)


def value_labels(examples: Sequence[Example]) -> Labels:
    """One column, from messages with a number."""
    targets = np.array([[float(example.label)] for example in examples])
    return Labels(targets, np.array([example.weight for example in examples]))


def emotion_labels(examples: Sequence[Example], classes: Sequence[str] = EMOTIONS) -> Labels:
    """A column for each class, from messages with an emotion: 1 where they show it, else -1."""
    labels = [str(example.label) for example in examples]
    shown = [[label == one for one in classes] for label in labels]
    targets = np.array(shown) * 2.0 - 1
    total = Counter(labels)
    mean = len(labels) / len(total)
    rarity = np.array([(mean / total[label]) ** RARE_WEIGH for label in labels])
    weights = [example.weight for example in examples]
    return Labels(targets, rarity / rarity.mean() * weights)


# --- the teacher


class Teacher(NamedTuple):
    """Kernel ridge regression on sentence vectors: a value for each message like those it knows.

    mean: (384,) of the vectors it learned from. known: (messages, 384) unit vectors, the mean taken
    away. weights: (messages, columns). bias: (columns,).
    """

    mean: Array
    known: Array
    weights: Array
    bias: Array

    def values(self, vectors: Array) -> Array:
        """(messages, columns) of vectors (messages, 384)."""
        found: Array = similarity(centred(vectors, self.mean), self.known) @ self.weights
        return found + self.bias


WIDTH = 1.5  # of the kernel, and the ridge: chosen on validation data
RIDGE = 0.6


def centred(vectors: Array, mean: Array) -> Array:
    """Unit vectors with the mean taken away: those of one encoder are all much alike."""
    moved = vectors.astype(np.float32) - mean
    found: Array = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return found


def similarity(one: Array, other: Array) -> Array:
    """A Gaussian kernel on unit vectors: exp(-WIDTH · squared distance)."""
    found: Array = np.exp(-WIDTH * (2 - 2 * one @ other.T))
    return found


def teacher(vectors: Array, labels: Labels) -> Teacher:
    """vectors: (messages, 384), of labelled messages."""
    mean = vectors.astype(np.float32).mean(axis=0)
    known = centred(vectors, mean)
    bias = np.average(labels.targets, axis=0, weights=labels.weights)
    # a message that weighs little may be missed by more
    kernel = similarity(known, known) + np.diag(RIDGE / labels.weights)
    return Teacher(mean, known, np.linalg.solve(kernel, labels.targets - bias), bias)
