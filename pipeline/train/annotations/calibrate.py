"""From what heads say to numbers that mean something: fitted on messages that they had not seen.

closeness       a line: value = scale · head + shift, by least squares
classes         softmax(scale · heads + shifts) is how likely each is, by maximum likelihood: one
                scale for all (temperature, Guo et al. 2017), a shift for each

Both are folded into the heads' own weights, so that nothing is added to the file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.annotate.folding import Array
from pipeline.annotate.training import LinearHead

BINS = 10  # of probabilities, for the calibration error
STRENGTH = 1e-3  # of shifts: keeps them small where a class is rare; our choice


class HeadCalibration(NamedTuple):
    """scale: of all columns. shifts: (columns,)."""

    scale: float
    shifts: Array

    def of(self, values: Array) -> Array:
        """(messages, columns) calibrated."""
        found: Array = self.scale * values + self.shifts
        return found

    def folded(self, head: LinearHead) -> LinearHead:
        """The head that says calibrated values."""
        return LinearHead(head.coefficients * self.scale, head.bias * self.scale + self.shifts)


def line(values: Array, targets: Array) -> HeadCalibration:
    """Of one column: values and targets (messages,)."""
    scale, shift = np.polyfit(values, targets, 1)
    return HeadCalibration(float(scale), np.array([shift]))


def likelihood(values: Array, classes: Array) -> HeadCalibration:
    """values: (messages, columns). classes: (messages,) the right column of each."""
    from scipy.optimize import minimize

    columns = values.shape[1]

    def loss(parameters: Array) -> float:
        logits = parameters[0] * values + parameters[1:]
        right = logits[np.arange(len(classes)), classes]
        peaks = logits.max(axis=1)
        norms = peaks + np.log(np.exp(logits - peaks[:, None]).sum(axis=1))
        return float((norms - right).mean() + STRENGTH * (parameters[1:] ** 2).sum())

    start = np.concatenate([[1.0], np.zeros(columns)])
    found = minimize(loss, start, method="L-BFGS-B").x
    return HeadCalibration(float(found[0]), found[1:])


def softmax(logits: Array) -> Array:
    """(messages, columns) probabilities."""
    powers = np.exp(logits - logits.max(axis=1)[:, None])
    found: Array = powers / powers.sum(axis=1)[:, None]
    return found


def calibration_error(likely: Array, classes: Array) -> float:
    """How far the likeliest class's probability lies from how often it is right (mean over bins, by
    their messages). likely: (messages, columns)."""
    best = likely.max(axis=1)
    right = likely.argmax(axis=1) == classes
    bins = np.minimum((best * BINS).astype(int), BINS - 1)
    error = 0.0
    for one in np.unique(bins):
        own = bins == one
        error += own.mean() * abs(best[own].mean() - right[own].mean())
    return float(error)
