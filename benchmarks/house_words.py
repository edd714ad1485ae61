"""The words that `house.py` counts: those of the first version, and what the field says instead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

# What the first version called a thing → what the field calls it. Forms of a word count together.
METAPHORS = {
    "door doors": "source",
    "shelf shelves": "store",
    "room rooms": "stage",
    "corridor corridors": "runner",
    "walk walks walked walking": "run",
    "passage passages": "stage, context",
}
# Plain English may keep some of these: "what the page says", "goes on with the next line".
FAMILIAR = {
    "tell tells told telling": "report, render",
    "say says said saying": "message, reports",
    "hear hears heard": "message, similar",
    "talk talks talking": "conversation, but for `generate`",
    "alike": "similar",
    "goes": "is dropped",
    "mend mends mended": "repair",
    "spoilt unfit": "rejected",
    "purse": "budget",
}
FIELD = "stage store source conversation message keep drop duplicate similar repair render"

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Names of a library and of a format (Matrix), which are not ours to choose.
LIBRARY_WALK = re.compile(r"\b(ast|os)\.walk\b|\bm\.room\.|\broom_(id|name)\b")
SENT_AWAY = re.compile(r"\b(send|sends|sent|sending)\s+away\b", re.IGNORECASE)


def words(texts: Iterable[str]) -> Counter[str]:
    """How often each word stands in the texts, in small letters."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word.lower() for word in WORD.findall(LIBRARY_WALK.sub("", text)))
        counts["sent away"] += len(SENT_AWAY.findall(text))
    return counts


def together(counts: Mapping[str, int], forms: str) -> int:
    return sum(counts.get(form, 0) for form in forms.split())
