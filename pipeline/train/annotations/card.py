"""The card of classifiers: what they learned from, what they are worth, what not to expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline import __version__
from pipeline.train.annotations.crossed import FOLDS, Trained

WHAT = (
    "Linear heads on hashed n-grams and listed phrases, int8; `pipeline/annotate/heads.py` "
    "describes the files."
)
HOW = (
    f"By cross-validation: {FOLDS} folds, no group in two of them; each fold is calibrated on the "
    "others. A class is named where it is likelier than all others together."
)
PLANNED = (
    "Labels of a plan say what `generate` wanted the writer to do, not what a reader sees in the "
    "message. How far they carry to talks of people has not been measured: no labelled set of "
    "stages or decisions is known."
)
LIMITS = (
    "They read words, one message at a time: no irony, no context, no dialect. Other people, "
    "places and times write otherwise than the rows that they learned from. Nothing here says "
    "anything about a person, and no decision about one should rest on it."
)


def card(addresses: Sequence[str], digest: str, found: Sequence[Trained]) -> str:
    """README.md of the folder."""
    origin = f"Trained with Rapport {__version__} on {', '.join(addresses)}."
    parts = [
        "# Classifiers of messages",
        f"{origin} SHA-256 of the labelled rows: `{digest}`. {WHAT}",
        "Used by `score: {classifiers: THIS FOLDER}` in a recipe.",
        "## What they are worth",
        HOW,
        *(part for one in found for part in _of_kind(one)),
        "## What not to expect",
        LIMITS,
        PLANNED if any(one.kind in ("stage", "decision") for one in found) else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _of_kind(one: Trained) -> Iterator[str]:
    languages = ", ".join(one.languages)
    yield f"### {one.kind}"
    yield f"{one.messages} messages in {one.groups} groups; languages: {languages}."
    if one.classes:
        yield _table(("class", "messages"), list(one.classes.items()))
    if one.left_out:
        yield _table(("left out", "messages"), list(one.left_out.items()))
    measures = [(name, f"{value:.3f}") for name, value in one.measures.items()]
    yield _table(("measure", "value"), measures)


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
