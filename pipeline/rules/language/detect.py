"""The language of a conversation, then of each of its messages, which is expected to be the same.

    detect(conversations, admitted=(), limit=FOREIGN) -> [Detection]    of many conversations
    detect_message(text, expected) -> (code, evidence)                  of one new message
    fits(texts) -> [nats a letter]                                      are they of any language
    langdetect_baseline(texts) -> [code]                                what langdetect answers

A single short message cannot be told apart ("Ja!", "No problem"): its letters carry little
evidence, and a detector that must answer guesses. So evidence is weighed, as log ratios of
likelihoods (`weigh.py`):

    message of a German conversation   evidence for another language      limit 30 nats
    "Hast du gut geschlafen?"                     0
    "Ok."                                         0      stays German
    "I would rather stay at home."             41.9      foreign: English

1. All messages together decide the language of the conversation.
2. A message is foreign only where another language fits it better than that one by `limit` nats,
   which no short message, name or borrowed word can gather and a sentence in another language does.
3. Where there are foreign messages, short ones between them belong to the same run.
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
from pipeline.rules.language.weigh import Texts, new_scratch, replay, weigh

# Nats by which another language must fit a message better than the conversation's. Our measurement
# on persona chats and plays in 11 languages: finds and names .98 of single foreign messages of 50
# characters and more, .90 of 30 to 50, .80 of 20 to 30, and alarms in .1 to .4 % of clean
# conversations; see benchmarks/language.py.
FOREIGN = 30.0

# Nats in favour of the admitted languages; decides only where the letters hardly do.
EXPECTED = 10.0

# Neighbouring grams share letters, so their evidence is not independent. Divided by this,
# confidence keeps its word: of short conversations with a confidence of .8 to .95, .89 are right,
# of those with .95 to .99, .97 (benchmarks/language.py).
SHARED = 4.0

# What the replacements in `_readable` can change.
_NOT_WORDS = r"https?://|@|[\x{0300}\x{0301}\x{0303}\x{0309}\x{0323}]"


class Detection(NamedTuple):
    """The languages of a conversation.

    language: None where there is nothing to read (no letters at all). codes: one per message, the
    conversation's own unless another fits better by the limit. evidence: one per message, nats by
    which the best other language fits better than the conversation's (for a run of foreign
    messages: that of the run); 0 where its own is the best.
    """

    language: Language | None
    codes: tuple[str | None, ...]
    evidence: tuple[float, ...]


class _Messages(NamedTuple):
    """The language of each message as a lane of the tables, and the evidence for it."""

    lanes: Array  # (messages,) int64
    evidence: Array  # (messages,) float64, nats


def detect(
    conversations: Sequence[Sequence[str]], admitted: Sequence[str] = (), limit: float = FOREIGN
) -> list[Detection]:
    """The language of each conversation (a list of texts) and of its messages: ISO 639-1.

    admitted: languages that are expected; others are found all the same. limit: nats, see FOREIGN.
    """
    starts = np.array(list(accumulate(map(len, conversations), initial=0)))
    weights = _weighed(list(chain.from_iterable(conversations)))
    languages, own = _of_conversations(weights, starts, admitted)
    messages = _of_messages(weights, np.repeat(own, np.diff(starts)), limit)
    _find_runs(weights, starts, own, messages, limit)
    return _detections(languages, starts, messages)


def _detections(
    languages: Sequence[Language | None], starts: Array, messages: _Messages
) -> list[Detection]:
    """What was found of all conversations and messages, by conversation."""
    codes = _codes(messages.lanes)
    evidence = tuple(messages.evidence.tolist())
    detections = []
    for language, (start, end) in zip(languages, pairwise(starts.tolist()), strict=True):
        known = codes[start:end] if language else (None,) * (end - start)
        detections.append(Detection(language, known, evidence[start:end]))
    return detections


def detect_message(text: str, expected: str, limit: float = FOREIGN) -> tuple[str, float]:
    """The language of one message, and the nats by which it fits better than the expected one.

    Raises ValueError when `expected` is not one of the languages that are recognised.
    """
    names = _names()
    if expected not in names:
        raise ValueError(f"language {expected!r} is not recognised; known are {' '.join(names)}")
    own = np.array([names.index(expected)])
    found = _of_messages(_weighed([text]), own, limit)
    return names[found.lanes[0]], float(found.evidence[0])


def fits(texts: Sequence[str]) -> list[float]:
    """How well each text fits the language that it fits best: nats a letter, 3 to 17 where people
    write, below 2 where the letters are none of any language."""
    best = _weighed(texts).max(1) / UNIT
    letters = [sum(letter.isalpha() or letter > "\x7f" for letter in text) for text in texts]
    pairs = zip(best.tolist(), letters, strict=True)
    return [nats / max(1, count) for nats, count in pairs]


def langdetect_baseline(texts: Sequence[str]) -> list[str]:
    """What `langdetect.detect` answers with `DetectorFactory.seed = 0`, at many times its speed.

    "unknown" where no language is likely, "" where the package raises LangDetectException (no known
    letters).
    """
    names, chance, dice = profiles.chances()
    batch, letters = _buffers(_readable(texts)), profiles.letters()
    answers = replay(batch, letters, chance, dice, len(names), new_scratch())
    every = (*names, "unknown", "")
    return [every[answer] for answer in answers]


def _names() -> tuple[str, ...]:
    return profiles.weights().names


def _weighed(texts: Sequence[str]) -> Array:
    """The evidence of each text for each language: (texts, languages) int32, in 1/24 nat."""
    names, weight, once = profiles.weights()
    batch, letters = _buffers(_readable(texts)), profiles.letters()
    weights = weigh(batch, letters, weight, once, new_scratch())
    return weights[:, : len(names)]


def _of_conversations(
    weights: Array, starts: Array, admitted: Sequence[str]
) -> tuple[list[Language | None], Array]:
    """The language of each conversation (None where nothing could be read), and its lane."""
    together = _together(weights, starts)
    favoured = np.array([name in admitted for name in _names()])
    leaning = together + favoured * round(EXPECTED * UNIT)
    own = leaning.argmax(1)
    behind = leaning - leaning[np.arange(own.size), own][:, None]
    confidence = 1 / np.exp(behind / (UNIT * SHARED)).sum(1)  # softmax
    languages: list[Language | None] = list(map(Language, _codes(own), confidence.tolist()))
    for unreadable in np.flatnonzero(together.min(1) >= 0):
        languages[unreadable] = None
    return languages, own


def _together(weights: Array, starts: Array) -> Array:
    """What all messages of a conversation show together: (conversations, languages) int64.

    One long message must not outvote ten short ones, so what it shows against a language counts in
    full up to FOREIGN and hardly beyond.
    """
    against = weights - weights.max(1, keepdims=True)
    cap = round(FOREIGN * UNIT)
    votes = np.maximum(against, (against + cap) // 256 - cap)
    together = np.zeros((starts.size - 1, weights.shape[1]), np.int64)
    filled = np.flatnonzero(np.diff(starts))
    if filled.size:
        together[filled] = np.add.reduceat(votes, starts[filled], axis=0, dtype=np.int64)
    return together


def _of_messages(weights: Array, own: Array, limit: float) -> _Messages:
    """Each message by itself. own: the lane of its conversation."""
    best = weights.argmax(1)
    rows = np.arange(len(weights))
    evidence = (weights[rows, best] - weights[rows, own]) / UNIT
    return _Messages(np.where(evidence >= limit, best, own), evidence)


def _find_runs(
    weights: Array, starts: Array, own: Array, messages: _Messages, limit: float
) -> None:
    """Reads conversations with foreign messages once more, as wholes; changes `messages`."""
    foreign = np.flatnonzero(messages.evidence >= limit)
    for after in set(np.searchsorted(starts, foreign, "right").tolist()):
        part = slice(starts[after - 1], starts[after])
        others = set(messages.lanes[part].tolist()) - {own[after - 1]}
        lanes, evidence = _runs(weights[part], [own[after - 1], *sorted(others)], limit)
        messages.lanes[part], messages.evidence[part] = lanes, evidence


def _runs(weights: Array, languages: Sequence[int], limit: float) -> _Messages:
    """A conversation with foreign messages, read as a whole: short ones between them join them.

    languages: lanes of the conversation's own and of those found. Found is the likeliest path
    through them, where every change costs half the limit and the path comes from and returns to the
    conversation's own (Viterbi 1967): a message by itself pays the limit, a run pays it once.

        message      1    2    3    4    5         nats that English fits better than German
        English    -20   55    4   48  -31         2 and 4 are foreign by themselves, 3 is not
        path        de   en   en   en   de         one run with 55 + 4 + 48 nats of evidence
    """
    states = np.array(languages)
    fit = weights[:, states] / UNIT
    path = _likeliest_path(fit, limit)
    gain = fit[np.arange(len(fit)), path] - fit[:, 0]
    run = np.cumsum(np.diff(path, prepend=path[0]) != 0)
    of_run = np.bincount(run, gain)[run]
    return _Messages(states[path], np.where(path > 0, of_run, fit.max(1) - fit[:, 0]))


def _likeliest_path(fit: Array, limit: float) -> Array:
    """The column of `fit` for each of its rows; the path comes from column 0 and returns to it."""
    columns = fit.shape[1]
    change = limit / 2 * (1 - np.eye(columns))  # (from, to)
    score, origin = fit[0] - change[0], np.zeros(fit.shape, np.int64)
    for i in range(1, len(fit)):
        steps = score[:, None] - change
        origin[i] = steps.argmax(0)
        score = steps.max(0) + fit[i]
    path = np.zeros(len(fit), np.int64)
    path[-1] = (score - change[0]).argmax()
    for i in range(len(fit) - 1, 0, -1):
        path[i - 1] = origin[i, path[i]]
    return path


def _codes(lanes: Array) -> tuple[str, ...]:
    return tuple(np.array(_names(), object)[lanes].tolist())


def _readable(texts: Sequence[str]) -> pa.Array:
    """Texts without addresses of pages and mailboxes, Vietnamese accents composed.

    The same replacements, by the same expressions, as langdetect's; only texts that they can change
    are looked at.
    """
    array = pa.array(texts, pa.large_string())
    changed = pc.match_substring_regex(array, _NOT_WORDS).to_numpy(zero_copy_only=False)
    if not changed.any():
        return array
    replaced = list(texts)
    for i in np.flatnonzero(changed).tolist():
        text = Detector.MAIL_RE.sub(" ", Detector.URL_RE.sub(" ", texts[i]))
        replaced[i] = NGram.normalize_vi(text)
    return pa.array(replaced, pa.large_string())


def _buffers(array: pa.Array) -> Texts:
    """The texts of an Arrow array, where they are."""
    _, offsets, letters = array.buffers()
    read = np.frombuffer(letters, np.uint8) if letters else np.zeros(0, np.uint8)
    return Texts(read, np.frombuffer(offsets, np.int64)[: len(array) + 1])
