"""Which language is spoken: by the conversation, then by each message with the conversation as what is expected.

    detect(conversations, admitted=(), limit=FOREIGN) -> [Heard]     all texts of many conversations at once
    detect_message(text, expected) -> (code, evidence)               one new message of a known conversation
    langdetect_baseline(texts) -> [code]                             what the package langdetect says with seed 0

A single short turn cannot be told apart ("Ja!", "No problem"): its letters carry little evidence, and a detector that
must answer guesses. So evidence is weighed. All messages together decide the language of the conversation; a message
is foreign only where another language fits it better by `limit` nats (natural logarithms of a likelihood ratio), which
no short turn, name or borrowed word can gather and a sentence in another language does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from langdetect.detector import Detector
from langdetect.utils.ngram import NGram

from pipeline.conversation import Language
from pipeline.rules import profiles
from pipeline.rules.profiles import UNIT, Array

# Nats by which another language must fit a message better than the conversation's. Source: shared measurements on
# persona chats, plays and service talks in ten languages; see benchmarks/language.py.
FOREIGN = 38.0

# Nats in favour of the admitted languages; decides only where the letters hardly do.
EXPECTED = 10.0

# Neighbouring grams share letters, so their evidence is not independent; divided by this it is about calibrated.
SHARED = 3.0

_NOT_WORDS = r"https?://|@|[\x{0300}\x{0301}\x{0303}\x{0309}\x{0323}]"  # what the three replacements below can match


class Heard(NamedTuple):
    """What a conversation sounds like.

    language: None where there is nothing to read (no letters at all). codes: one per message, the conversation's own
    unless another fits better by the limit. evidence: one per message, nats by which the best other language fits
    better than the conversation's; 0 where the conversation's own is the best.
    """

    language: Language | None
    codes: tuple[str | None, ...]
    evidence: tuple[float, ...]


def detect(conversations: Sequence[Sequence[str]], admitted: Sequence[str] = (), limit: float = FOREIGN) -> list[Heard]:
    """The language of each conversation (a list of message texts) and of its messages. Codes: ISO 639-1, zh for Chinese.

    admitted: languages that are expected; others are found all the same. limit: nats, see FOREIGN.
    """
    starts = list(accumulate(map(len, conversations), initial=0))
    lengths = np.diff(starts)
    heard = _heard(list(chain.from_iterable(conversations)))
    together = _together(heard, np.array(starts))
    leaning = together + _lean(admitted)
    own = leaning.argmax(1)
    codes, evidence = _messages(heard, np.repeat(own, lengths), limit)
    confidence = _confidence(leaning, own)
    readable = together.any(1)
    return [
        Heard(Language(_names()[own[i]], float(confidence[i])), codes[a:b], evidence[a:b])
        if readable[i]
        else Heard(None, (None,) * (b - a), evidence[a:b])
        for i, (a, b) in enumerate(zip(starts, starts[1:], strict=False))
    ]


def detect_message(text: str, expected: str, limit: float = FOREIGN) -> tuple[str, float]:
    """The language of one message of a conversation in `expected`, and the nats by which another one fits better.

    Raises ValueError when `expected` is no language that can be told.
    """
    if expected not in _names():
        raise ValueError(f"language {expected!r} cannot be told; known are {' '.join(_names())}")
    codes, evidence = _messages(_heard([text]), np.array([_names().index(expected)]), limit)
    return codes[0], evidence[0]


def _names() -> tuple[str, ...]:
    return profiles.weights().names


def _lean(admitted: Sequence[str]) -> Array:
    favour: Array = np.array([name in admitted for name in _names()]) * round(EXPECTED * UNIT)
    return favour


def _heard(texts: list[str]) -> Array:
    """(texts, languages) int32, in 1/24 nat."""
    heard: Array = profiles.hear(*_buffers(texts), profiles.letters(), profiles.weights().weight)
    return heard[:, : len(_names())]


def _together(heard: Array, starts: Array) -> Array:
    """(conversations, languages): what all messages say. One long message must not outvote ten short ones, so what it
    says against a language counts in full up to FOREIGN and for a sixteenth beyond."""
    against = heard - heard.max(1, keepdims=True)
    cap = round(FOREIGN * UNIT)
    votes = np.maximum(against, (against + cap) // 16 - cap)
    together = np.zeros((starts.size - 1, heard.shape[1]), np.int64)
    filled = np.flatnonzero(np.diff(starts))
    if filled.size:
        together[filled] = np.add.reduceat(votes, starts[filled], axis=0, dtype=np.int64)
    return together


def _messages(heard: Array, own: Array, limit: float) -> tuple[tuple[str, ...], tuple[float, ...]]:
    best = heard.argmax(1)
    rows = np.arange(len(heard))
    evidence = (heard[rows, best] - heard[rows, own]) / UNIT
    names = np.array(_names(), object)
    return tuple(names[np.where(evidence >= limit, best, own)].tolist()), tuple(evidence.tolist())


def _confidence(leaning: Array, own: Array) -> Array:
    """Probability of the chosen language, all languages equally likely before (softmax)."""
    behind = leaning - leaning[np.arange(own.size), own][:, None]
    chance: Array = 1 / np.exp(behind / (UNIT * SHARED)).sum(1)
    return chance


def _buffers(texts: list[str]) -> tuple[Array, Array]:
    """All texts as (UTF-8 bytes, offsets), without addresses of pages and mailboxes, Vietnamese accents composed.

    The same replacements, by the same expressions, as langdetect's; only texts that they can change are looked at.
    """
    array = pa.array(texts, pa.large_string())
    for i in np.flatnonzero(pc.match_substring_regex(array, _NOT_WORDS).to_numpy(zero_copy_only=False)):
        text = Detector.MAIL_RE.sub(" ", Detector.URL_RE.sub(" ", texts[i]))
        texts[i] = NGram.normalize_vi(text)
        array = None
    if array is None:
        array = pa.array(texts, pa.large_string())
    _, offsets, letters = array.buffers()
    read = np.frombuffer(letters, np.uint8) if letters else np.zeros(0, np.uint8)
    return read, np.frombuffer(offsets, np.int64)[: len(texts) + 1]
