"""Which language is spoken: by the conversation, then by each message with the conversation as what is expected.

    detect(conversations, admitted=(), limit=FOREIGN) -> [Detection]     all texts of many conversations at once
    detect_message(text, expected) -> (code, evidence)               one new message of a known conversation
    langdetect_baseline(texts) -> [code]                             what the package langdetect says with seed 0

A single short turn cannot be told apart ("Ja!", "No problem"): its letters carry little evidence, and a detector that
must answer guesses. So evidence is weighed. All messages together decide the language of the conversation; a message
is foreign only where another language fits it better by `limit` nats (natural logarithms of a likelihood ratio), which
no short turn, name or borrowed word can gather and a sentence in another language does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from langdetect.detector import Detector
from langdetect.utils.ngram import NGram

from pipeline.conversation import Language
from pipeline.rules.language import profiles
from pipeline.rules.language.profiles import UNIT, Array

# Nats by which another language must fit a message better than the conversation's. Our measurement on persona chats and
# plays in 11 languages: finds and names .98 of single foreign messages of 50 characters and more, .90 of 30 to 50, .80
# of 20 to 30, and alarms in .1 to .4 % of clean conversations; see benchmarks/language.py.
FOREIGN = 30.0

# Nats in favour of the admitted languages; decides only where the letters hardly do.
EXPECTED = 10.0

# Neighbouring grams share letters, so their evidence is not independent. Divided by this, confidence keeps its word: of
# short conversations heard with .8 to .95, .89 are right, of those with .95 to .99, .97 (benchmarks/language.py).
SHARED = 4.0

_NOT_WORDS = r"https?://|@|[\x{0300}\x{0301}\x{0303}\x{0309}\x{0323}]"  # what the three replacements below can match


class Detection(NamedTuple):
    """What a conversation sounds like.

    language: None where there is nothing to read (no letters at all). codes: one per message, the conversation's own
    unless another fits better by the limit. evidence: one per message, nats by which the best other language fits
    better than the conversation's (for a run of foreign messages: that of the run); 0 where its own is the best.
    """

    language: Language | None
    codes: tuple[str | None, ...]
    evidence: tuple[float, ...]


def detect(
    conversations: Sequence[Sequence[str]], admitted: Sequence[str] = (), limit: float = FOREIGN
) -> list[Detection]:
    """The language of each conversation (a list of message texts) and of its messages: ISO 639-1, zh for all Chinese.

    admitted: languages that are expected; others are found all the same. limit: nats, see FOREIGN.
    """
    starts = list(accumulate(map(len, conversations), initial=0))
    heard = _heard(list(chain.from_iterable(conversations)))
    together = _together(heard, np.array(starts))
    leaning = together + _lean(admitted)
    own = leaning.argmax(1)
    lanes, evidence = _messages(heard, np.repeat(own, np.diff(starts)), limit)
    for i in set(np.searchsorted(starts, np.flatnonzero(evidence >= limit), "right").tolist()):
        part = slice(starts[i - 1], starts[i])
        lanes[part], evidence[part] = _runs(heard[part], own[i - 1], lanes[part], limit)
    codes, weights = _codes(lanes), tuple(evidence.tolist())
    return [
        Detection(language, codes[a:b] if language else (None,) * (b - a), weights[a:b])
        for language, (a, b) in zip(
            _languages(leaning, own, together.min(1) < 0), pairwise(starts), strict=True
        )
    ]


def detect_message(text: str, expected: str, limit: float = FOREIGN) -> tuple[str, float]:
    """The language of one message of a conversation in `expected`, and the nats by which another one fits better.

    Raises ValueError when `expected` is no language that can be told.
    """
    if expected not in _names():
        raise ValueError(f"language {expected!r} cannot be told; known are {' '.join(_names())}")
    lanes, evidence = _messages(_heard([text]), np.array([_names().index(expected)]), limit)
    return _names()[lanes[0]], float(evidence[0])


def langdetect_baseline(texts: Sequence[str]) -> list[str]:
    """What `langdetect.detect` answers with `DetectorFactory.seed = 0`, at many times its speed: the yardstick.

    "unknown" where no language is likely, "" where the package raises LangDetectException (no known letters).
    """
    names, chance, dice = profiles.chances()
    answers = profiles.replay(*_buffers(list(texts)), profiles.letters(), chance, dice, len(names))
    return [(*names, "unknown", "")[i] for i in answers]


def _names() -> tuple[str, ...]:
    return profiles.weights().names


def _lean(admitted: Sequence[str]) -> Array:
    favour: Array = np.array([name in admitted for name in _names()]) * round(EXPECTED * UNIT)
    return favour


def _heard(texts: list[str]) -> Array:
    """(texts, languages) int32, in 1/24 nat."""
    names, weight, once = profiles.weights()
    heard: Array = profiles.hear(*_buffers(texts), profiles.letters(), weight, once)
    return heard[:, : len(names)]


def _together(heard: Array, starts: Array) -> Array:
    """(conversations, languages): what all messages say. One long message must not outvote ten short ones, so what it
    says against a language counts in full up to FOREIGN and hardly beyond."""
    against = heard - heard.max(1, keepdims=True)
    cap = round(FOREIGN * UNIT)
    votes = np.maximum(against, (against + cap) // 256 - cap)
    together = np.zeros((starts.size - 1, heard.shape[1]), np.int64)
    filled = np.flatnonzero(np.diff(starts))
    if filled.size:
        together[filled] = np.add.reduceat(votes, starts[filled], axis=0, dtype=np.int64)
    return together


def _messages(heard: Array, own: Array, limit: float) -> tuple[Array, Array]:
    """Each message by itself: its lane, and the nats by which the best language fits better than its own."""
    best = heard.argmax(1)
    rows = np.arange(len(heard))
    evidence = (heard[rows, best] - heard[rows, own]) / UNIT
    return np.where(evidence >= limit, best, own), evidence


def _runs(heard: Array, own: int, lanes: Array, limit: float) -> tuple[Array, Array]:
    """A conversation with foreign messages, read as a whole: short ones between them belong to the same run.

    The likeliest path through the languages heard, where every change costs half the limit and the path comes from
    and returns to the conversation's own (Viterbi 1967); a message by itself pays the limit, a run pays it once. Every
    message of a foreign run gets the run's evidence.
    """
    states = np.array([own, *sorted(set(lanes.tolist()) - {own})])
    fit = heard[:, states] / UNIT
    change = limit / 2 * (1 - np.eye(states.size))  # (from, to)
    score, origin = fit[0] - change[0], np.zeros(fit.shape, np.int64)
    for i in range(1, len(fit)):
        steps = score[:, None] - change
        origin[i] = steps.argmax(0)
        score = steps.max(0) + fit[i]
    path = np.zeros(len(fit), np.int64)
    path[-1] = (score - change[0]).argmax()
    for i in range(len(fit) - 1, 0, -1):
        path[i - 1] = origin[i, path[i]]
    gain = fit[np.arange(len(fit)), path] - fit[:, 0]
    run = np.cumsum(np.diff(path, prepend=path[0]) != 0)
    return states[path], np.where(path > 0, np.bincount(run, gain)[run], (fit.max(1) - fit[:, 0]))


def _codes(lanes: Array) -> tuple[str, ...]:
    return tuple(np.array(_names(), object)[lanes].tolist())


def _languages(leaning: Array, own: Array, read: Array) -> list[Language | None]:
    """The chosen language and its probability (softmax); None where nothing was read."""
    behind = leaning - leaning[np.arange(own.size), own][:, None]
    chance = 1 / np.exp(behind / (UNIT * SHARED)).sum(1)
    names = _names()
    return [
        Language(names[lane], probability) if any_letters else None
        for lane, probability, any_letters in zip(
            own.tolist(), chance.tolist(), read.tolist(), strict=True
        )
    ]


def _buffers(texts: list[str]) -> tuple[Array, Array]:
    """All texts as (UTF-8 bytes, offsets), without addresses of pages and mailboxes, Vietnamese accents composed.

    The same replacements, by the same expressions, as langdetect's; only texts that they can change are looked at.
    """
    array = pa.array(texts, pa.large_string())
    for i in np.flatnonzero(
        pc.match_substring_regex(array, _NOT_WORDS).to_numpy(zero_copy_only=False)
    ):
        text = Detector.MAIL_RE.sub(" ", Detector.URL_RE.sub(" ", texts[i]))
        texts[i] = NGram.normalize_vi(text)
        array = None
    if array is None:
        array = pa.array(texts, pa.large_string())
    _, offsets, letters = array.buffers()
    read = np.frombuffer(letters, np.uint8) if letters else np.zeros(0, np.uint8)
    return read, np.frombuffer(offsets, np.int64)[: len(texts) + 1]
