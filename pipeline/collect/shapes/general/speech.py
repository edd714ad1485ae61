"""Recordings that a service has written down, with who speaks: Deepgram, AssemblyAI, Amazon, Rev.

{"results": {"utterances": [{"speaker": 0, "transcript": "Tea?", "start": 0.1},
                            {"speaker": 1, "transcript": "Gladly.", "start": 1.2}]}}
{"results": {"channels": [{"alternatives": [{"words": [
    {"word": "tea", "punctuated_word": "Tea?", "speaker": 0}, ..]}]}]}}
{"results": {"audio_segments": [{"speaker_label": "spk_0", "transcript": "Tea?"}, ..]}}
{"monologues": [{"speaker": 0, "elements": [{"type": "text", "value": "Tea"}, ..]}]}
{"recognizedPhrases": [{"speaker": 1, "offsetInTicks": 1.0, "nBest": [{"display": "Tea?"}]}, ..]}

Where only words have a speaker, those of one speaker that follow each other are one message. What
names no speaker is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from pipeline.collect.shapes.common import who
from pipeline.collect.shapes.common.times import place_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    fields_in,
    record_id,
    rest,
    text_of,
)

ABOUT = About("transcripts of recordings: Deepgram, Amazon, Rev", ("names",), private=True)

IDS = ("id", "request_id", "jobName")
SPEAKERS = ("speaker", "speaker_label", "speakerTag", "speaker_tag", "speakerLabel")
WORDS = ("punctuated_word", "word", "text", "content", "value")
USED = ("results", "utterances", "words", "text", "monologues", "recognizedPhrases")

Utterance = tuple[object, str]  # (speaker, text)


def recognise(record: object) -> bool:
    return isinstance(record, dict) and _reader(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    reader = _reader(fields)
    if reader is None:
        raise ValueError("nothing in it says who speaks")
    turns: list[Turn] = [_turn(speaker, text) for speaker, text in reader(fields) if text.strip()]
    extra = rest(fields, *USED)
    yield Transcript(turns, record=record_id(fields, *IDS), extra=extra)


def _turn(speaker: object, text: str) -> Turn:
    name = who.word(speaker)
    if name is None:
        raise ValueError("a text has no speaker")
    if name.isdigit():
        name = f"speaker {name}"
    return name, text.strip(), None


def _reader(record: Fields) -> Callable[[Fields], Iterator[Utterance]] | None:
    """How a record is read: by its texts with a speaker, else by its words."""
    return next((reader for reader in READERS if _has_speakers(reader, record)), None)


def _has_speakers(reader: Callable[[Fields], Iterator[Utterance]], record: Fields) -> bool:
    try:
        return any(speaker is not None for speaker, _ in reader(record))
    except ValueError:
        return False


def _results(record: Fields) -> Fields:
    return fields_in(record.get("results"))


def _objects(value: object, what: str) -> list[Fields]:
    return dicts_of(value, what, "entry")


def _speaker(item: Fields) -> object:
    return next((item[name] for name in SPEAKERS if item.get(name) is not None), None)


# --- texts with a speaker


def _utterances(record: Fields) -> Iterator[Utterance]:
    """Those of Deepgram; with a channel for each speaker, the channel is the speaker."""
    items = _objects(_results(record).get("utterances"), "utterances")
    channels = {str(item.get("channel")) for item in items}
    for item in items:
        speaker = _speaker(item)
        if len(channels) > 1:
            speaker = f"channel {item.get('channel')}"
        yield speaker, text_of(item.get("transcript"), "an utterance")


def _assembled(record: Fields) -> Iterator[Utterance]:
    for item in _objects(record.get("utterances"), "utterances"):
        if "words" not in item or "confidence" not in item:
            raise ValueError("an utterance without its words")
        yield _speaker(item), text_of(item.get("text"), "an utterance")


def _segments(record: Fields) -> Iterator[Utterance]:
    for item in _objects(_results(record).get("audio_segments"), "audio_segments"):
        yield _speaker(item), text_of(item.get("transcript"), "a segment")


def _paragraphs(record: Fields) -> Iterator[Utterance]:
    whole = dict_of(_best(record).get("paragraphs"), "paragraphs")
    for item in _objects(whole.get("paragraphs"), "paragraphs"):
        sentences = _objects(item.get("sentences"), "sentences")
        texts = [text_of(one.get("text"), "a sentence") for one in sentences]
        yield _speaker(item), " ".join(texts)


def _best(record: Fields) -> Fields:
    """The first alternative of the one channel."""
    [channel] = _objects(_results(record).get("channels"), "channels")
    first, *_ = _objects(channel.get("alternatives"), "alternatives")
    return first


def _monologues(record: Fields) -> Iterator[Utterance]:
    for item in _objects(record.get("monologues"), "monologues"):
        elements = _objects(item.get("elements"), "elements")
        texts = [text_of(one.get("value"), "an element") for one in elements]
        yield _speaker(item), "".join(texts)


def _phrases(record: Fields) -> Iterator[Utterance]:
    items = _objects(record.get("recognizedPhrases"), "recognizedPhrases")
    for item in sorted(items, key=_ticks):
        best, *_ = _objects(item.get("nBest"), "nBest")
        yield _speaker(item) or item.get("channel"), text_of(best.get("display"), "a phrase")


def _ticks(phrase: Fields) -> float:
    return place_of(phrase.get("offsetInTicks")) or 0.0


# --- words with a speaker


def _channel_words(record: Fields) -> Iterator[Utterance]:
    return _of_words(_objects(_best(record).get("words"), "words"))


def _own_words(record: Fields) -> Iterator[Utterance]:
    return _of_words(_objects(record.get("words"), "words"))


def _items(record: Fields) -> Iterator[Utterance]:
    """Those of Amazon and Speechmatics: a word, or a mark behind it that has no blank before it."""
    words = []
    for item in _objects(_results(record).get("items") or record.get("results"), "items"):
        first, *_ = _objects(item.get("alternatives"), "alternatives")
        words.append(first | item)
    return _of_words(words)


def _of_words(words: Iterable[Fields]) -> Iterator[Utterance]:
    """Words by speaker; a mark belongs to the word before it."""
    spoken: list[tuple[object, str]] = []
    for item in words:
        word = next((str(item[name]) for name in WORDS if item.get(name) is not None), "")
        is_mark = str(item.get("type")) == "punctuation"
        speaker = _speaker(item)
        if is_mark and spoken:
            spoken[-1] = spoken[-1][0], spoken[-1][1] + word
        else:
            spoken.append((speaker, word))
    for speaker, run in groupby(spoken, key=itemgetter(0)):
        yield speaker, " ".join(word for _, word in run)


READERS = (
    _utterances,
    _assembled,
    _segments,
    _paragraphs,
    _monologues,
    _phrases,
    _channel_words,
    _items,
    _own_words,
)
