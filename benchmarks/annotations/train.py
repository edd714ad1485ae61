"""Make the heads that are part of the package, from labelled lines and a teacher.

    .venv/bin/python -m benchmarks.annotations.train           needs the group `models` and
    ../shared

    labelled lines ──> teacher on sentence vectors ──labels──> lines without a label
          │                     │                                        │
          └────────────> heads on hashed features <──────────────────────┘
                                │
                     pipeline/annotate/models/heads.npz, encoder.npz

What each head learns from is said in pipeline/annotate/models/README.md. Sentence vectors are kept
in build/annotations: they take half an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import vstack

from benchmarks.annotations import texts
from pipeline.annotate import EMOTIONS, MODELS, heads, training
from pipeline.annotate.encoder import Encoder
from pipeline.annotate.features import Array
from pipeline.annotate.training import Example, Head, Labels

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "build" / "annotations" / "vectors.npz"
MOST = 500  # lines without a label of one set
# Weight of a line that the teacher has labelled (others weigh 1), and the ridge of each head:
# chosen on validation data.
TAUGHT = {"closeness": 0.3, "question": 1.0, "forward": 0.3, "uptake": 0.3, "emotion": 0.3}
ALPHA = {"closeness": 0.5, "question": 0.3, "forward": 1.0, "uptake": 1.0, "emotion": 1.0}
SHARPLY = 0.5  # closeness from which on a message is too close for people who have just met


def labelled() -> dict[str, list[Example]]:
    """What each head learns from, without the teacher."""
    lines = [line for language in texts.LANGUAGES for line in texts.to_learn_from(language)]
    met = [line for language in texts.LANGUAGES for line in texts.of_first_meetings(language)]
    answers = [each for language in texts.LANGUAGES for each in texts.uptake("uptake", language)]
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


def labels_of(name: str, examples: Sequence[Example]) -> Labels:
    """What the examples of a head are to come to."""
    if name == "emotion":
        return training.emotion_labels(examples)
    return training.value_labels(examples)


def with_taught(
    labels: Labels, texts: Sequence[str], lines: Array, name: str, kept: Vectors
) -> Labels:
    """The labels, and behind them what a teacher that learned from them says of further lines."""
    one = training.teacher(kept.of(texts), Labels(labels.targets, np.ones(len(texts))))
    values = one.values(lines).clip(-1, 1)
    weights = np.full(len(values), TAUGHT[name])
    return Labels(np.vstack([labels.targets, values]), np.concatenate([labels.weights, weights]))


def trained(examples: dict[str, list[Example]]) -> dict[str, Array]:
    """The arrays of the heads' file."""
    kept, further = Vectors(), texts.unlabelled(MOST)
    vectors, more = kept.of(further), training.counts(further)
    own = {
        name: training.counts([each.text for each in each_of]) for name, each_of in examples.items()
    }
    counts = {name: vstack([rows, more]) for name, rows in own.items()}
    frequencies = training.frequencies(vstack([*own.values(), more]))
    made: list[Head] = []
    for name, found in examples.items():
        said = [example.text for example in found]
        labels = with_taught(labels_of(name, found), said, vectors, name, kept)
        made.append(
            training.ridge(training.weighed(counts[name], frequencies), labels, ALPHA[name])
        )
    columns = [*list(examples)[:-1], *(f"emotion.{emotion}" for emotion in EMOTIONS)]
    coefficients = np.vstack([head.coefficients for head in made])
    bias = np.concatenate([head.bias for head in made])
    return heads.folded(columns, coefficients, bias, frequencies, texts.MEASURED)


def main() -> None:
    np.savez_compressed(MODELS / "heads.npz", **trained(labelled()))


if __name__ == "__main__":
    main()
