"""Classifiers that a user has trained on rows of their own, in the place of the shipped ones.

A folder that `rapport train annotations` has written has a file for each kind that was labelled:

    closeness.npz   one head, calibrated: its value is the closeness
    emotion.npz     a head for each class, calibrated: the softmax of their values says how likely
                    each is; `stage.npz` and `decision.npz` likewise

A class is named where it is likelier than all others together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from pipeline import UserError
from pipeline.annotate.folding import Array, Words
from pipeline.annotate.heads import Heads, load
from pipeline.annotate.listed import EMOTIONS
from pipeline.conversation import Step
from pipeline.pacing import STAGES

if TYPE_CHECKING:
    from pipeline.annotate import Annotated

CLASSES: Mapping[str, Sequence[str]] = {
    "emotion": EMOTIONS,
    "stage": STAGES,
    "decision": get_args(Step),
}
KINDS = ("closeness", *CLASSES)
SURE = 0.5  # from this probability on a class is named
LOW = ("sadness", "anger", "fear")
MAYBE = 1 / 3  # from this probability of all of them on one of them may be there; our choice


@cache
def own(folder: str) -> dict[str, Heads]:
    """The classifiers in a folder, by kind. Raises UserError where there is none."""
    files = {kind: Path(folder, f"{kind}.npz") for kind in KINDS}
    found = {kind: load(file) for kind, file in files.items() if file.is_file()}
    if not found:
        wanted = ", ".join(file.name for file in files.values())
        raise UserError(
            f"score.classifiers: {folder} has none of {wanted}. "
            "`rapport train annotations ROWS --out FOLDER` writes them."
        )
    return found


def with_own(
    found: Annotated, folder: str, words: Words, languages: Sequence[str | None]
) -> Annotated:
    """What is found of messages, by the user's classifiers in the languages these were trained
    on."""
    heads = own(folder)
    if "closeness" in heads:
        known = heads["closeness"].measured(languages, "closeness")
        values = heads["closeness"].read(words).values[0].clip(-1, 1)
        found = found._replace(closeness=np.where(known, values, found.closeness))
    if "emotion" in heads:
        found = _with_emotions(found, heads["emotion"], words, languages)
    if "stage" in heads:
        found = found._replace(stages=_named("stage", heads["stage"], words, languages))
    if "decision" in heads:
        found = found._replace(decisions=_named("decision", heads["decision"], words, languages))
    return found


def _with_emotions(
    found: Annotated, heads: Heads, words: Words, languages: Sequence[str | None]
) -> Annotated:
    known = heads.measured(languages, "emotion")
    likely = probabilities(heads, words)
    low = [number for number, name in enumerate(names(heads)) if name in LOW]
    maybe = likely[low].sum(axis=0) >= MAYBE
    emotions = np.where(known, named(heads, likely), np.array(found.emotions, object))
    return found._replace(emotions=emotions.tolist(), low=np.where(known, maybe, found.low))


def _named(
    kind: str, heads: Heads, words: Words, languages: Sequence[str | None]
) -> list[str | None]:
    """The class of each message; None in other languages than those it was trained on."""
    known = heads.measured(languages, kind)
    said = named(heads, probabilities(heads, words))
    said[~known] = None
    found: list[str | None] = said.tolist()
    return found


def names(heads: Heads) -> list[str]:
    """The classes of a file: `emotion.joy` → joy."""
    return [column.partition(".")[2] for column in heads.columns]


def probabilities(heads: Heads, words: Words) -> Array:
    """(classes, messages) how likely each class is; NaN where a message has no word."""
    values = heads.read(words).values
    powers = np.exp(values - values.max(axis=0))
    found: Array = powers / powers.sum(axis=0)
    return found


def named(heads: Heads, likely: Array) -> Array:
    """(messages,) the class of each, where it is likelier than all others together; else None."""
    classes = np.array([*names(heads), None], object)
    sure = likely.max(axis=0) > SURE  # NaN is not
    found: Array = classes[np.where(sure, likely.argmax(axis=0), -1)]
    return found
