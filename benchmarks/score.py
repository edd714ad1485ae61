"""How far the annotations of `score` agree with people.

    python benchmarks/score.py

Needs ../shared/data.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np

from pipeline.score import annotation

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


def closeness(name: str) -> None:
    rows = lines(DATA / "question_intimacy" / name)
    pairs = [(annotation(row[0], "en").closeness, float(row[1])) for row in rows if len(row) > 1]
    shown = [(ours, gold) for ours, gold in pairs if ours is not None]
    filled = [(ours or 0.0, gold) for ours, gold in pairs]
    lengths = [(float(len(row[0].split())), float(row[1])) for row in rows if len(row) > 1]
    print(f"closeness: {len(shown)} of {len(pairs)} questions show any; Pearson on these", end=" ")
    print(f"{_pearson(shown):.3f}, on all with nothing as 0: {_pearson(filled):.3f}")
    print(f"           number of words alone: {_pearson(lengths):.3f}")


def _pearson(pairs: list[tuple[float, float]]) -> float:
    return float(np.corrcoef(*zip(*pairs, strict=True))[0, 1])


def goemotions() -> list[tuple[str, str]]:
    names = (DATA / "goemotions" / "labels.txt").read_text().split()
    place = {foreign: ours for ours, theirs in OURS.items() for foreign in theirs.split()}
    rows = lines(DATA / "goemotions" / "dev.tsv.gz")
    return [(row[0], place[names[int(row[1])]]) for row in rows if "," not in row[1]]


def emory() -> list[tuple[str, str]]:
    place = {
        "Joyful": "joy",
        "Sad": "sadness",
        "Mad": "anger",
        "Scared": "fear",
        "Neutral": "neutral",
    }
    data = json.loads(
        gzip.decompress((DATA / "emory_emotion" / "emotion-detection-dev.json.gz").read_bytes())
    )
    lines = [u for e in data["episodes"] for scene in e["scenes"] for u in scene["utterances"]]
    return [(u["transcript"], place[u["emotion"]]) for u in lines if u["emotion"] in place]


def emotion(name: str, rows: list[tuple[str, str]]) -> None:
    found = Counter((gold, annotation(text, "en").emotion) for text, gold in rows)
    classes = sorted({gold for _, gold in rows})
    scores = []
    for one in classes:
        right = found[one, one]
        named = sum(n for (_, ours), n in found.items() if ours == one)
        there = sum(n for (gold, _), n in found.items() if gold == one)
        scores.append(2 * right / (named + there))
        measured = (
            f"precision {right / max(1, named):.2f} recall {right / there:.2f} F1 {scores[-1]:.2f}"
        )
        print(f"  {one:9} {measured} ({there} texts)")
    neutral = sum(gold == "neutral" for _, gold in rows)
    always = 2 * neutral / (len(rows) + neutral) / len(classes)
    macro = f"macro F1 over {len(classes)} classes {np.mean(scores):.3f}"
    print(f"emotion, {name}: {len(rows)} texts, {macro}, always `neutral`: {always:.3f}")


if __name__ == "__main__":
    closeness("final_train.txt.gz")  # the list's weights were chosen while looking at these
    closeness("final_val.txt")
    emotion("GoEmotions", goemotions())  # the list was pruned while looking at these
    emotion("EmoryNLP", emory())
