"""Heads of one kind, and what they are worth on groups that they have not seen.

groups ──> five folds ──> heads of four, read on the fifth ──> calibration, measures
   └──────────────────────────> heads of all, calibrated ──> the file
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline import UserError
from pipeline.annotate import training
from pipeline.annotate.features import BUCKETS
from pipeline.annotate.folding import Array
from pipeline.annotate.heads import folded
from pipeline.annotate.own import CLASSES, SURE
from pipeline.annotate.training import Example, Labels, LinearHead
from pipeline.train.annotations.calibrate import (
    HeadCalibration,
    calibration_error,
    likelihood,
    line,
    softmax,
)
from pipeline.train.annotations.labelled import LabelledMessage

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS = 5
FEWEST = 20  # labelled messages of a class or a language that is learned; our choice
RIDGE = {"closeness": 0.5, "emotion": 1.0, "stage": 1.0, "decision": 1.0}  # as of the shipped ones
BORDERS = (-1 / 3, 1 / 3)  # of closeness, between distant, neither and close; our choice


@dataclass(frozen=True)
class Trained:
    """The classifier of one kind. arrays: of its file. left_out: messages by reason. measures: by
    cross-validation, by name."""

    kind: str
    arrays: dict[str, Array]
    messages: int
    groups: int
    classes: dict[str, int]
    languages: list[str]
    left_out: dict[str, int]
    measures: dict[str, float]


def trained(kind: str, rows: Sequence[LabelledMessage]) -> Trained:
    """Learn one kind from the rows that have it.

    Raises UserError where they are too few to learn from and to measure on.
    """
    used, left_out = _enough(kind, [row for row in rows if kind in row.labels])
    counts = Counter(str(row.labels[kind]) for row in used if kind in CLASSES)
    groups = {row.group for row in used}
    _check(kind, used, counts, groups)
    lesson = _lesson(kind, used, sorted(counts))
    outside = lesson.outside()
    languages = sorted({row.language for row in used if row.language})
    return Trained(
        kind,
        lesson.arrays(outside, languages),
        len(used),
        len(groups),
        dict(counts.most_common()),
        languages,
        left_out,
        lesson.measures(outside),
    )


def _enough(
    kind: str, rows: Sequence[LabelledMessage]
) -> tuple[list[LabelledMessage], dict[str, int]]:
    """Rows whose class and language have enough of them, and how many others there are."""
    classes = Counter(row.labels[kind] for row in rows)
    languages = Counter(row.language for row in rows)
    kept, left_out = [], Counter[str]()
    for row in rows:
        if kind in CLASSES and classes[row.labels[kind]] < FEWEST:
            left_out[f"{row.labels[kind]}: fewer than {FEWEST} messages"] += 1
        elif row.language is None or languages[row.language] < FEWEST:
            left_out[f"language {row.language}: fewer than {FEWEST} messages"] += 1
        else:
            kept.append(row)
    return kept, dict(left_out)


def _check(
    kind: str, rows: Sequence[LabelledMessage], classes: Counter[str], groups: set[str]
) -> None:
    if kind in CLASSES and len(classes) < 2:
        raise UserError(
            f"{kind}: two classes or more must have {FEWEST} labelled messages each (in languages "
            f"with {FEWEST}); here {len(classes)} of {len(CLASSES[kind])} have."
        )
    if len(groups) < FOLDS or len(rows) < FEWEST:
        raise UserError(
            f"{kind}: {len(rows)} labelled messages in {len(groups)} groups are too few: it takes "
            f"{FEWEST} in {FOLDS} groups to learn from some and to measure on others."
        )


def _folds(rows: Sequence[LabelledMessage]) -> Array:
    """(messages,) the fold of each: groups by turns, in the order of a hash of their names."""
    names = {row.group for row in rows}
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    places = {name: place % FOLDS for place, name in enumerate(ordered)}
    return np.array([places[row.group] for row in rows])


def _lesson(kind: str, rows: Sequence[LabelledMessage], classes: Sequence[str]) -> _Lesson:
    examples = [Example(row.text, row.labels[kind]) for row in rows]
    whole, folds = training.counts([row.text for row in rows]), _folds(rows)
    buckets = np.unique(whole.indices)  # the others have no weight, and cost time
    features = whole[:, buckets]
    if classes:
        labels = training.emotion_labels(examples, classes)
        right = np.array([classes.index(str(example.label)) for example in examples])
        return _Lesson(kind, classes, labels, right, features, buckets, folds)
    labels = training.value_labels(examples)
    return _Lesson(kind, classes, labels, labels.targets[:, 0], features, buckets, folds)


@dataclass(frozen=True)
class _Lesson:
    """classes: empty of closeness. labels: of all messages. right: (messages,) the closeness, or
    the number of the class. features: (messages, buckets) of the buckets that there are. folds:
    (messages,) of cross-validation.
    """

    kind: str
    classes: Sequence[str]
    labels: Labels
    right: Array
    features: csr_matrix
    buckets: Array
    folds: Array

    def arrays(self, outside: Array, languages: Sequence[str]) -> dict[str, Array]:
        """The file of heads of all messages, calibrated. outside: see `outside`."""
        everything = np.ones(len(self.folds), bool)
        inverse = training.frequencies(self.features)
        head = self.calibration(outside, everything).folded(self.head(everything, inverse))
        columns = [f"{self.kind}.{name}" for name in self.classes] or [self.kind]
        known = [f"{self.kind} {language}" for language in languages]
        coefficients = np.zeros((len(columns), BUCKETS))
        coefficients[:, self.buckets] = head.coefficients
        rarities = np.full(BUCKETS, np.log(1 + len(self.folds)) + 1)  # of what was never there
        rarities[self.buckets] = inverse
        return folded(columns, coefficients, head.bias, rarities, known)

    def head(self, chosen: Array, inverse: Array) -> LinearHead:
        """A head of some of the messages. chosen: (messages,) which."""
        labels = Labels(self.labels.targets[chosen], self.labels.weights[chosen])
        rows = training.weighed(self.features[chosen], inverse)
        return training.ridge(rows, labels, RIDGE[self.kind])

    def outside(self) -> Array:
        """(messages, columns) what heads say of each that have not seen its group."""
        found = np.zeros(self.labels.targets.shape)
        for fold in range(FOLDS):
            held = self.folds == fold
            inverse = training.frequencies(self.features[~held])
            head = self.head(~held, inverse)
            rows = training.weighed(self.features[held], inverse)
            found[held] = rows @ head.coefficients.T + head.bias
        return found

    def calibration(self, values: Array, chosen: Array) -> HeadCalibration:
        """chosen: (messages,) those that it is fitted on."""
        if self.classes:
            return likelihood(values[chosen], self.right[chosen])
        return line(values[chosen][:, 0], self.right[chosen])

    def measures(self, outside: Array) -> dict[str, float]:
        """Each fold calibrated on the others."""
        values = np.zeros_like(outside)
        for fold in range(FOLDS):
            held = self.folds == fold
            values[held] = self.calibration(outside, ~held).of(outside[held])
        if self.classes:
            return self._of_classes(outside, values)
        return self._of_closeness(values[:, 0].clip(-1, 1))

    def _of_classes(self, raw: Array, values: Array) -> dict[str, float]:
        likely, count = softmax(values), len(self.classes)
        best = likely.argmax(axis=1)
        usual = np.full(len(best), np.bincount(self.right).argmax())
        sure = likely.max(axis=1) > SURE
        return {
            "macro F1": macro_f1(self.right, raw.argmax(axis=1), count),
            "macro F1, calibrated": macro_f1(self.right, best, count),
            "macro F1, always the commonest": macro_f1(self.right, usual, count),
            "accuracy": float((best == self.right).mean()),
            "share that is named": float(sure.mean()),
            "accuracy of what is named": float((best == self.right)[sure].mean()),
            "calibration error, before": calibration_error(softmax(raw), self.right),
            "calibration error": calibration_error(likely, self.right),
        }

    def _of_closeness(self, values: Array) -> dict[str, float]:
        right, found = np.digitize(self.right, BORDERS), np.digitize(values, BORDERS)
        count = len(BORDERS) + 1
        usual = np.full(len(right), np.bincount(right).argmax())
        return {
            "Pearson": float(np.corrcoef(self.right, values)[0, 1]),
            "mean absolute error": float(np.abs(self.right - values).mean()),
            "macro F1 of three bins": macro_f1(right, found, count),
            "macro F1, always the commonest": macro_f1(right, usual, count),
        }


def macro_f1(right: Array, found: Array, classes: int) -> float:
    """Mean over the classes that there are."""
    scores = []
    for one in range(classes):
        there = int((right == one).sum())
        if there:
            both = int(((right == one) & (found == one)).sum())
            scores.append(2 * both / (there + int((found == one).sum())))
    return float(np.mean(scores))
