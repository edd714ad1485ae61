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

from benchmarks.annotations import texts
from pipeline.annotate import EMOTIONS, MODELS, heads, training
from pipeline.annotate.encoder import Encoder
from pipeline.annotate.folding import Array
from pipeline.annotate.training import Example, LinearHead

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "build" / "annotations" / "vectors.npz"
MOST = 500  # lines without a label of one set
# Weight of a line that the teacher has labelled; others weigh 1. Chosen on validation data.
TAUGHT = {"closeness": 0.1, "question": 0.6, "forward": 0.1, "uptake": 0.1}
ALPHA = {"closeness": 0.5, "question": 0.3, "forward": 1.0, "uptake": 1.0, "emotion": 2.0}
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


def taught(
    examples: Sequence[Example], weight: float, lines: Sequence[str], vectors: Vectors
) -> list[Example]:
    """Lines with what a teacher says of them, who learned from examples."""
    targets = np.array([[float(example.label)] for example in examples])
    known = vectors.of([example.text for example in examples])
    one = training.teacher(known, targets, np.ones(len(examples)))
    values = one.values(vectors.of(lines))[:, 0].tolist()
    return [Example(line, value, weight) for line, value in zip(lines, values, strict=True)]


def trained(examples: dict[str, list[Example]]) -> dict[str, Array]:
    """The arrays of the heads' file."""
    counts = {name: training.counts([each.text for each in own]) for name, own in examples.items()}
    from scipy.sparse import vstack

    frequencies = training.frequencies(vstack(list(counts.values())))
    made: list[LinearHead] = []
    columns: list[str] = []
    for name, own in examples.items():
        rows = training.weighed(counts[name], frequencies)
        if name == "emotion":
            made.append(training.emotion_head(rows, own, ALPHA[name]))
            columns += [f"emotion.{emotion}" for emotion in EMOTIONS]
        else:
            made.append(training.value_head(rows, own, ALPHA[name]))
            columns.append(name)
    coefficients = np.vstack([head.coefficients for head in made])
    bias = np.concatenate([head.bias for head in made])
    return heads.folded(columns, coefficients, bias, frequencies, texts.MEASURED)


def main() -> None:
    examples, vectors = labelled(), Vectors()
    lines = texts.unlabelled(MOST)
    for name, weight in TAUGHT.items():
        examples[name] += taught(examples[name], weight, lines, vectors)
    np.savez_compressed(MODELS / "heads.npz", **trained(examples))


if __name__ == "__main__":
    main()
