"""How far the labels of `score` agree with people: python benchmarks/score.py (needs ../shared/data)."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np

from pipeline.score import label

DATA = Path(__file__).parents[1].parent / "shared" / "data"
# GoEmotions' 27 labels and neutral → ours; what has no counterpart is left out
OURS = {
    "joy": "joy amusement excitement optimism pride relief gratitude admiration approval",
    "love": "love caring desire",
    "sadness": "sadness grief disappointment remorse",
    "anger": "anger annoyance disapproval",
    "fear": "fear nervousness",
    "surprise": "surprise realization confusion curiosity",
    "disgust": "disgust embarrassment",
    "neutral": "neutral",
}


def lines(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [line.split("\t") for line in text.splitlines()]


def closeness() -> None:
    rows = [row for name in ("final_train.txt.gz", "final_val.txt") for row in lines(DATA / "question_intimacy" / name)]
    pairs = [(label(row[0], "en").closeness, float(row[1])) for row in rows if len(row) > 1]
    shown = [(ours, gold) for ours, gold in pairs if ours is not None]
    print(
        f"closeness: {len(shown)} of {len(pairs)} questions show any; Pearson on these {_pearson(shown):.3f}", end=", "
    )
    print(f"on all with nothing as 0: {_pearson([(ours or 0.0, gold) for ours, gold in pairs]):.3f}")
    lengths = [(len(row[0].split()), float(row[1])) for row in rows if len(row) > 1]
    print(f"           number of words alone: {_pearson(lengths):.3f}")


def _pearson(pairs: list[tuple[float, float]]) -> float:
    return float(np.corrcoef(*zip(*pairs, strict=True))[0, 1])


def emotion() -> None:
    names = (DATA / "goemotions" / "labels.txt").read_text().split()
    place = {foreign: ours for ours, theirs in OURS.items() for foreign in theirs.split()}
    rows = [
        (row[0], place[names[int(row[1])]]) for row in lines(DATA / "goemotions" / "dev.tsv.gz") if "," not in row[1]
    ]
    found = Counter((gold, label(text, "en").emotion) for text, gold in rows)
    scores = []
    for name in OURS:
        right = found[name, name]
        said = sum(n for (_, ours), n in found.items() if ours == name)
        there = sum(n for (gold, _), n in found.items() if gold == name)
        scores.append(2 * right / (said + there))
        measured = f"precision {right / max(1, said):.2f} recall {right / there:.2f} F1 {scores[-1]:.2f}"
        print(f"  {name:9} {measured} ({there} texts)")
    print(
        f"emotion: {len(rows)} texts with one label, macro F1 over {len(OURS)} classes {np.mean(scores):.3f}", end=", "
    )
    print(f"always `neutral`: {2 * (n := sum(g == 'neutral' for _, g in rows)) / (len(rows) + n) / len(OURS):.3f}")


if __name__ == "__main__":
    closeness()
    emotion()
