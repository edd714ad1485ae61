"""How far annotations and pacing are right, by sets that nobody trained on.

.venv/bin/python -m benchmarks.annotations.measure           the shipped heads; needs ../shared
.venv/bin/python -m benchmarks.annotations.measure --cross   and heads trained anew, without the
                                                             part that they are measured on
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from benchmarks.annotations import texts
from benchmarks.annotations.train import ALPHA
from pipeline.annotate import EMOTIONS, annotate, shipped, training
from pipeline.annotate.folding import Array, words_of
from pipeline.annotate.training import Example
from pipeline.conversation import Conversation, Language, Message, Persona, Source
from pipeline.recipe.score import ScoreSettings
from pipeline.score.apply import work
from pipeline.score.certainty import spearman

FOLDS = 5


def pearson(one: Sequence[float] | Array, other: Sequence[float] | Array) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def f1(gold: Sequence[str], found: Sequence[str | None]) -> dict[str, float]:
    """Of each class that there is."""
    scores = {}
    for one in sorted(set(gold)):
        right = sum(a == b == one for a, b in zip(gold, found, strict=True))
        named, there = list(found).count(one), list(gold).count(one)
        scores[one] = 2 * right / (named + there)
    return scores


def macro(gold: Sequence[str], found: Sequence[str | None]) -> float:
    return float(np.mean(list(f1(gold, found).values())))


def weighted(gold: Sequence[str], found: Sequence[str | None]) -> float:
    return sum(score * list(gold).count(one) for one, score in f1(gold, found).items()) / len(gold)


# --- messages


def lines() -> None:
    """The test lines of each language."""
    for language in texts.LANGUAGES:
        own = texts.ours("test", language)
        found = annotate([line.text for line in own], [language] * len(own))
        print(f"  {language}:", end="")
        if not np.isnan(found.closeness).all():
            gold = [line.closeness for line in own]
            print(f" closeness Pearson {pearson(np.nan_to_num(found.closeness), gold):.3f}", end="")
        if any(found.emotions):
            labels = [line.emotion for line in own]
            print(f", emotion macro F1 {macro(labels, found.emotions):.3f}", end="")
        answers = texts.marked("uptake_test", language)
        if answers:
            taken = annotate([text for text, _ in answers], [language] * len(answers)).uptake > 0
            right = np.mean(taken == np.array([label for _, label in answers]))
            print(f", uptake right in {right:.3f} of {len(answers)}", end="")
        print()


def questions() -> None:
    rows = texts.question_intimacy("val")
    found = annotate([text for text, _ in rows], ["en"] * len(rows)).closeness
    print(f"question_intimacy validation: Pearson {pearson(found, [v for _, v in rows]):.3f}")


def television() -> None:
    """Lines of TV talk, whose labels none of the shipped heads has seen."""
    lines = [
        (text, texts.EMORY[label])
        for scene in texts.emory()
        for text, label in zip(scene.texts, scene.labels, strict=True)
        if label in texts.EMORY
    ]
    found = annotate([text for text, _ in lines], ["en"] * len(lines)).emotions
    gold = [label for _, label in lines]
    unsure = found.count(None) / len(found)
    print(
        f"emory_emotion, shipped heads, five classes: weighted F1 {weighted(gold, found):.3f}, "
        f"macro {macro(gold, found):.3f}; unsure of {unsure:.3f}"
    )


# --- heads trained anew


def crossed(
    examples: Sequence[Example],
    folds: Sequence[int],
    classes: Sequence[str],
    more: Array | None = None,
) -> list[str]:
    """The emotion of each message by a head that has not seen its fold. more: (messages, features)
    further features."""
    counts = training.counts([example.text for example in examples])
    found = np.empty(len(examples), object)
    for fold in sorted(set(folds)):
        held = np.array(folds) == fold
        inverse = training.frequencies(counts[~held])
        rows = training.weighed(counts, inverse)
        if more is not None:
            rows = hstack([rows, csr_matrix(more)]).tocsr()
        learned = [example for example, out in zip(examples, held, strict=True) if not out]
        labels = training.emotion_labels(learned, classes)
        head = training.ridge(rows[~held], labels, ALPHA["emotion"])
        found[held] = np.array(classes)[(rows[held] @ head.coefficients.T + head.bias).argmax(1)]
    return found.tolist()


def comments() -> None:
    rows = texts.goemotions()
    examples = [Example(text, emotion) for text, emotion in rows]
    order = np.random.RandomState(0).permutation(len(rows))
    folds = (np.argsort(order) % FOLDS).tolist()
    found = crossed(examples, folds, EMOTIONS)
    gold = [emotion for _, emotion in rows]
    print(f"GoEmotions, our eight, {FOLDS}-fold: macro F1 {macro(gold, found):.3f}")


def scenes() -> None:
    """EmoryNLP's seven labels, no scene in two folds; with what the shipped heads say of each
    message, who know none of these labels, as eight further features."""
    found = texts.emory()
    examples = [
        Example(text, label)
        for scene in found
        for text, label in zip(scene.texts, scene.labels, strict=True)
    ]
    folds = list(chain.from_iterable([i % FOLDS] * len(s.texts) for i, s in enumerate(found)))
    gold = [str(example.label) for example in examples]
    words = words_of([example.text for example in examples])
    said = shipped().read(words).values[-len(EMOTIONS) :].T
    more = np.nan_to_num(said - np.nanmean(said, axis=0)) / 2
    guessed = crossed(examples, folds, sorted(set(gold)), more)
    print(f"EmoryNLP, seven labels, by scene: weighted F1 {weighted(gold, guessed):.3f}")


# --- conversations


def rows_of(pairs: Sequence[dict[str, Any]], side: str) -> list[Conversation]:
    return [
        Conversation(
            f"{number:016x}",
            tuple(
                Message("user" if index % 2 else "assistant", text)
                for index, text in enumerate(pair[side])
            ),
            Source("file", "pairs", pair["id"]),
            language=Language(pair["language"], 1.0),
        )
        for number, pair in enumerate(pairs)
    ]


def ordered(name: str, pairs: Sequence[dict[str, Any]]) -> None:
    """In how many pairs the rushed side is measured as the more rushed one."""
    settings = ScoreSettings()
    rush: dict[str, list[float]] = {}
    for side in ("paced", "rushed"):
        scored = work(rows_of(pairs, side), settings)
        rush[side] = [row.measures.get("rush", 0.0) for row in scored]
    right = np.mean(np.array(rush["rushed"]) > np.array(rush["paced"]))
    print(f"  {name}: {right:.3f} of {len(pairs)}")


def rated() -> None:
    """Rank correlation with what a person says of conversations, by criterion and language."""
    path = texts.HERE / "rated.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    scored = list(work(map(_rated_row, records), ScoreSettings()))
    for criterion in records[0]["ratings"]:
        parts = [
            f"{language} {_agreement(criterion, records, scored, language)}"
            for language in ("en", "ru", "de", "")
        ]
        print(f"  {criterion:10}  {'  '.join(parts)}")


def _rated_row(record: dict[str, Any]) -> Conversation:
    persona = record["persona"] and Persona(**record["persona"])
    messages = tuple(Message(each["role"], each["content"]) for each in record["messages"])
    source = Source("file", "rated", record["id"])
    language = Language(record["language"], 1.0)
    return Conversation(record["id"], messages, source, persona, language=language)


def _agreement(
    criterion: str, records: Sequence[dict[str, Any]], rows: Sequence[Conversation], language: str
) -> str:
    both = [
        (score.value, record["ratings"][criterion])
        for record, row in zip(records, rows, strict=True)
        for score in row.scores
        if score.criterion == criterion and language in ("", record["language"])
    ]
    known = [(found, gold) for found, gold in both if found is not None and gold is not None]
    if len(known) < 5:
        return f"null in {len(both) - len(known)}"
    value = spearman(np.array(known))
    return f"{value:.2f} of {len(known)}" if value is not None else "constant"


PRESSING = ("pressing-en", "pressing-ru", "pressing-de")
PAIRS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "plain": texts.plain_pairs,
    **{name: lambda name=name: texts.pairs(name) for name in ("en", "ru", "de", "order")},
    **{name: lambda name=name: texts.pairs(name) for name in PRESSING},
    **{name: lambda name=name: texts.pairs(name) for name in texts.LANGUAGES[3:]},
}


def parts(cross: bool) -> Iterator[Callable[[], None]]:
    yield questions
    yield television
    if cross:
        yield comments
        yield scenes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cross", action="store_true")
    for part in parts(parser.parse_args().cross):
        part()
    print("test lines of ours:")
    lines()
    print("pairs of which the rushed side is found:")
    for name, pairs in PAIRS.items():
        ordered(name, pairs())
    print("rated.jsonl, Spearman:")
    rated()


if __name__ == "__main__":
    main()
