"""Refusals and lectures in place of a reply.

What only an assistant says is a refusal by itself. What people say too needs a second sign of an
assistant in the message. Each row: the list of `configs/words`, a phrase, what it needs.

    refusal         I can't comply with that request             nothing, but no "clarify what you"
    refusal_policy  (it would go) against my content policy      nothing
    lecture         It is not ethical to                         to open the message
    lecture_weak    There is no justification for                to open it, and moral words
    refusal_weak    I can't continue this conversation           the same; an apology, or as below
    refusal_plain   I'd rather not go there                      a word of an assistant (prompt), or
                                                                 an offer (let's pick another topic)
    resource        call the crisis line                         to open it, and another one
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.style.replies import lead, replies, said, starts

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

LISTS = (
    "refusal",
    "refusal_policy",
    "lecture",
    "lecture_weak",
    "refusal_weak",
    "refusal_plain",
    "resource",
)
INTERJECTION = 2  # words, at most
MORAL = 4  # different words of moral.txt that make a lecture; on xstest 3 cost precision, 5 recall
_FULL_STOP = re.compile(r"[.!?。！？]\s")
_WORDS = re.compile(r"\w+")
_ACTION = re.compile(r"\*[^*]*\*|\([^()]*\)|\[[^\[\]]*\]")
_NUMBERED = re.compile(r"(?:^|\n)\s*1[.)]")


def refusals(reading: Reading) -> Iterator[Finding]:
    """An assistant's refusal or lecture in place of a reply."""
    if reading.hits.keys().isdisjoint(LISTS):
        return
    cannot = [*replies(reading, "refusal"), *_weak(reading)]
    refused = [
        *(hit for hit in cannot if not starts("asks_back").search(reading.line(hit.message))),
        *_policies(reading),
        *_lectures(reading),
        *_plain(reading),
        *_resources(reading),
    ]
    yield from reading.first_places("style.refusal", refused)


def _policies(reading: Reading) -> Iterator[Hit]:
    """Wherever they stand in a sentence, unless it is reported."""
    for hit in said(reading, "refusal_policy"):
        if not starts("reported").search(lead(reading, hit)):
            yield hit


def _lectures(reading: Reading) -> Iterator[Hit]:
    """Those that open their message, which has no numbered list, as an answer has."""
    for message, hits in _by_message(replies(reading, "lecture")).items():
        if not _NUMBERED.search(reading.line(message)):
            yield from _opening(reading, hits)
    for message, hits in _by_message(said(reading, "lecture_weak")).items():
        line = reading.line(message)
        moral = set(starts("moral").findall(line))
        if len(moral) >= MORAL and not _NUMBERED.search(line):
            yield from _opening(reading, hits)


def _opening(reading: Reading, hits: Sequence[Hit]) -> Iterator[Hit]:
    """Of the hits in one message those in its first two sentences."""
    line = reading.line(hits[0].message)
    stops = [stop.end() for stop in islice(_FULL_STOP.finditer(line), 2)]
    end = stops[1] if len(stops) == 2 else len(line)
    return (hit for hit in hits if hit.start < end)


def _weak(reading: Reading) -> Iterator[Hit]:
    """Those with an apology that leads them or a second sign beside them, and those that are the
    whole message."""
    for message, hits in _by_message(replies(reading, "refusal_weak")).items():
        signs = _signs(reading, message)
        for hit in hits:
            apology = starts("apology").search(lead(reading, hit))
            if apology or _stands_beside(hit, signs) or _is_all(reading.line(message), hit):
                yield hit


def _is_all(line: str, hit: Hit) -> bool:
    """Is nothing said after it, and before it no more than an interjection ("Oh well. ")?"""
    if _WORDS.search(line, hit.end):
        return False
    before = _ACTION.sub("", line[: hit.start])
    return len(_WORDS.findall(before)) <= INTERJECTION


def _plain(reading: Reading) -> Iterator[Hit]:
    """Those with a second sign beside them."""
    for message, hits in _by_message(replies(reading, "refusal_plain")).items():
        signs = _signs(reading, message)
        yield from (hit for hit in hits if _stands_beside(hit, signs))


def _signs(reading: Reading, message: int) -> list[tuple[int, int]]:
    """(start, end) of the words of an assistant in a message, and of the offers."""
    words = starts("refusal_sign").finditer(reading.line(message))
    offers = [hit for hit in said(reading, "offer") if hit.message == message]
    return [*(word.span() for word in words), *((hit.start, hit.end) for hit in offers)]


def _stands_beside(hit: Hit, places: Sequence[tuple[int, int]]) -> bool:
    """Does one of the places, (start, end) each, lie outside the hit?"""
    return any(end <= hit.start or start >= hit.end for start, end in places)


def _resources(reading: Reading) -> Iterator[Hit]:
    """The first of two or more in one message, where it opens the message."""
    for hits in _by_message(said(reading, "resource")).values():
        first = min(hits)
        others = [(hit.start, hit.end) for hit in hits]
        if _stands_beside(first, others):
            yield from _opening(reading, [first])


def _by_message(hits: Sequence[Hit]) -> Mapping[int, list[Hit]]:
    found: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        found[hit.message].append(hit)
    return found
