"""Make the heads that are part of the package, from labelled lines and a teacher.

    .venv/bin/python -m benchmarks.annotations.train           needs the group `models` and
                                                               ../shared
    .venv/bin/python -m benchmarks.annotations.train pressing  that head alone: no teacher, no
                                                               sentence vectors; the others stay

    labelled lines ──> teacher on sentence vectors ──labels──> lines without a label
          │                     │                                        │
          └────────────> heads on hashed features <──────────────────────┘
                                │
                     pipeline/annotate/models/heads.npz, encoder.npz

What each head learns from is said in pipeline/annotate/models/README.md. Sentence vectors are kept
in build/annotations: they take half an hour.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import vstack

from benchmarks.annotations import texts
from pipeline.annotate import EMOTIONS, MODELS, heads, training
from pipeline.annotate.encoder import Encoder, near
from pipeline.annotate.folding import Array
from pipeline.annotate.training import Example, Labels, LinearHead

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "build" / "annotations" / "vectors.npz"
MOST = 500  # lines without a label of one set
# Weight of a line that the teacher has labelled (others weigh 1), and the ridge of each head:
# chosen on validation data.
TAUGHT = {"closeness": 0.3, "question": 1.0, "forward": 0.3, "uptake": 0.3, "emotion": 0.3}
ALPHA = {"closeness": 0.5, "question": 0.3, "forward": 1.0, "uptake": 1.0, "emotion": 1.0}
SHARPLY = 0.5  # closeness from which on a message is too close for people who have just met
# Pressing is learned without the teacher. What is too close weighs a little: it often presses too.
TOO_CLOSE, PRESSING_RIDGE = 0.3, 0.5
FAINT = 1 / 8  # of its largest weight; smaller ones would make the package exceed a megabyte


def labelled() -> dict[str, list[Example]]:
    """What each head learns from, without the teacher."""
    lines = [line for language in texts.LANGUAGES for line in texts.to_learn_from(language)]
    met = [line for language in texts.LANGUAGES for line in texts.of_first_meetings(language)]
    answers = [each for language in texts.LANGUAGES for each in texts.marked("uptake", language)]
    emotions = [(line.text, line.emotion) for line in lines]
    return {
        "closeness": [Example(line.text, line.closeness) for line in lines],
        "question": [Example(text, value) for text, value in texts.question_intimacy("train")],
        "forward": [Example(line.text, 2.0 * (line.closeness >= SHARPLY) - 1) for line in met],
        "uptake": [Example(text, 2.0 * taken - 1) for text, taken in answers],
        "emotion": [Example(text, emotion) for text, emotion in texts.goemotions() + emotions],
    }


class Vectors:
    """Sentence vectors of lines, kept in a file."""

    def __init__(self) -> None:
        self.known: dict[str, Array] = {}
        if VECTORS.exists():
            with np.load(VECTORS) as file:
                self.known = dict(zip(file["texts"].tolist(), file["vectors"], strict=True))

    def of(self, lines: Sequence[str]) -> Array:
        """(lines, 384) float16."""
        new = [line for line in dict.fromkeys(lines) if line not in self.known]
        if new:
            found = Encoder().vectors(new).astype(np.float16)
            self.known |= dict(zip(new, found, strict=True))
            VECTORS.parent.mkdir(parents=True, exist_ok=True)
            everything = np.array(list(self.known.values()))
            np.savez(VECTORS, texts=np.array(list(self.known)), vectors=everything)
        return np.array([self.known[line] for line in lines])


def of_pressing(forward: Sequence[Example]) -> list[Example]:
    """What the head of pressing learns from. forward: the examples of that head."""
    lines = [line for language in texts.LANGUAGES for line in texts.marked("pressing", language)]
    own = [Example(text, 2.0 * presses - 1) for text, presses in lines]
    return [*own, *(example._replace(weight=TOO_CLOSE) for example in forward)]


def pressing(examples: Sequence[Example], frequencies: Array) -> LinearHead:
    """The head of pressing, its faint weights left out."""
    rows = training.weighed(training.counts([example.text for example in examples]), frequencies)
    head = training.ridge(rows, training.value_labels(examples), PRESSING_RIDGE)
    weights = np.abs(head.coefficients * frequencies)
    kept = weights > FAINT * weights.max()
    return LinearHead(np.where(kept, head.coefficients, 0), head.bias)


def labels_of(name: str, examples: Sequence[Example]) -> Labels:
    """What the examples of a head are to come to."""
    if name == "emotion":
        return training.emotion_labels(examples)
    return training.value_labels(examples)


def with_taught(labels: Labels, known: Array, further: Array, weight: float) -> Labels:
    """The labels, and behind them what a teacher that learned from them says of further lines.

    known, further: sentence vectors of the labelled lines, and of the others.
    """
    one = training.teacher(known, Labels(labels.targets, np.ones(len(known))))
    values = one.values(further).clip(-1, 1)
    weights = np.concatenate([labels.weights, np.full(len(values), weight)])
    return Labels(np.vstack([labels.targets, values]), weights)


def trained(examples: dict[str, list[Example]]) -> dict[str, Array]:
    """The arrays of the heads' file."""
    kept, further = Vectors(), texts.unlabelled(MOST)
    more = training.counts(further)
    lines = {name: [example.text for example in found] for name, found in examples.items()}
    counts = {name: training.counts(own) for name, own in lines.items()}
    frequencies = training.frequencies(vstack([*counts.values(), more]))
    made: list[LinearHead] = []
    for name, found in examples.items():
        own = labels_of(name, found)
        labels = with_taught(own, kept.of(lines[name]), kept.of(further), TAUGHT[name])
        rows = training.weighed(vstack([counts[name], more]), frequencies)
        made.append(training.ridge(rows, labels, ALPHA[name]))
    made.insert(-1, pressing(of_pressing(examples["forward"]), frequencies))
    names = [*list(examples)[:-1], "pressing"]
    columns = [*names, *(f"emotion.{emotion}" for emotion in EMOTIONS)]
    coefficients = np.vstack([head.coefficients for head in made])
    bias = np.concatenate([head.bias for head in made])
    return heads.folded(columns, coefficients, bias, frequencies, texts.MEASURED)


# The encoder's own closeness: dimensions, the share of lines of ours among its landmarks, and their
# weight beside the questions: the smallest that reach .87 on question_intimacy's validation part.
DIMENSIONS, LANDMARKS, OURS, ENCODER_RIDGE = 128, 800, 0.08, 0.3


def encoded(examples: dict[str, list[Example]]) -> dict[str, Array]:
    """The arrays of the encoder's file: kernel regression with landmarks on fewer dimensions."""
    asked, said = examples["question"], examples["closeness"]
    kept = Vectors()
    mean = kept.of([one.text for one in asked]).astype(np.float32).mean(axis=0)
    centred = training.centred(kept.of([one.text for one in asked + said]), mean)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:DIMENSIONS].T
    vectors = centred @ axes
    chosen = np.random.RandomState(0).permutation(len(said))[:LANDMARKS] + len(asked)
    landmarks = vectors[np.concatenate([np.arange(len(asked)), chosen])]
    scale = np.abs(landmarks).max() / 127
    known = np.round(landmarks / scale).astype(np.int8)
    fitted = _fitted(vectors, known * scale, training.value_labels(asked + said), len(asked))
    return {
        "mean": mean,
        "usual": kept.of(texts.unlabelled(MOST)).astype(np.float32).mean(axis=0),
        "axes": axes.astype(np.float16),
        "known": known,
        "scale": np.float32(scale),
        "weights": fitted[:-1].astype(np.float32),
        "bias": np.float32(fitted[-1]),
    }


def _fitted(vectors: Array, landmarks: Array, labels: Labels, asked: int) -> Array:
    """(landmarks + 1,) weights of landmarks, and the bias. asked: how many of the labels are of
    questions."""
    weights = np.where(np.arange(len(vectors)) < asked, 1.0, OURS)
    kernel = near(vectors, landmarks)
    targets = labels.targets[:, 0]
    bias = np.average(targets, weights=weights)
    squares = kernel.T @ (kernel * weights[:, None]) + ENCODER_RIDGE * near(landmarks, landmarks)
    squares += 1e-5 * np.eye(len(landmarks))
    found = np.linalg.solve(squares, kernel.T @ (weights * (targets - bias)))
    return np.append(found, bias)


def with_pressing(known: dict[str, Array], examples: Sequence[Example]) -> dict[str, Array]:
    """The arrays of the heads' file, its head of pressing made anew."""
    frequencies = np.sqrt(known["squares"].astype(np.float32))
    head = pressing(examples, frequencies)
    made = heads.folded(["pressing"], head.coefficients, head.bias, frequencies, texts.MEASURED)
    others = known["columns"] != "pressing"
    place = len(EMOTIONS)  # of these columns stand behind it
    for name in ("columns", "weights", "scale", "bias"):
        rest = np.compress(others, known[name], axis=-1)
        behind = rest.shape[-1] - place
        parts = (rest[..., :behind], made[name], rest[..., behind:])
        known[name] = np.asfortranarray(np.concatenate(parts, axis=-1))  # smaller in the file
    return known | {"languages": made["languages"]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("head", nargs="?", choices=("pressing",))
    examples = labelled()
    if parser.parse_args().head:
        with np.load(MODELS / "heads.npz") as file:
            found = with_pressing(dict(file), of_pressing(examples["forward"]))
    else:
        np.savez_compressed(MODELS / "encoder.npz", **encoded(examples))
        found = trained(examples)
    np.savez_compressed(MODELS / "heads.npz", **found)


if __name__ == "__main__":
    main()
