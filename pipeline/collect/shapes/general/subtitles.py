"""Transcripts of calls and films as subtitles (.vtt, .srt) whose cues name the speaker.

WEBVTT

1
00:00:01.000 --> 00:00:03.500
Ada: Is the kettle on?

00:00:04.000 --> 00:00:06.000
<v Ben>It has been singing for a while.</v>

Consecutive cues of one speaker are one turn. A cue that names nobody goes on with the speaker
before it; where such cues are many, nothing is read: the file does not say who speaks. Sounds
(`[bell]`, `♪`) are left out.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Turn,
    Unclear,
    Unread,
    turn_by,
)

ABOUT = About("subtitles with speakers: Zoom, Teams, Meet", ("names", "groups"), private=True)

TIMES = re.compile(
    r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s+-->\s+(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
)
VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
MARKUP = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}|</>")
NAME = re.compile(r"^\s*(?:>>\s*|[-–]\s*)?([^\W\d_][^\n:：<>\[\]?!,;\"]{0,40}?)\s*[:：]\s+(?=\S)")
DASH = re.compile(r"^\s*[-–]\s*\S")
SOUND = re.compile(r"^\s*(?:[\[(][^\])]*[\])]|[♪#♫][^♪♫]*[♪♫]?)\s*$")
SHARE = 0.1  # of cues that may name nobody
WORDS = 4  # of a speaker's name


class Cue(NamedTuple):
    """A piece of text between two times. speaker: None where it names nobody."""

    speaker: str | None
    text: str


def recognise(head: list[str]) -> bool:
    lines = [line.strip("\ufeff \t\r\n") for line in head]
    filled = [line for line in lines if line]
    if not filled:
        return False
    is_vtt = re.fullmatch(r"WEBVTT(\s.*)?", filled[0]) is not None
    return is_vtt or any(map(TIMES.match, filled[:2]))


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    left_out: Counter[str] = Counter()
    cues = []
    for block in _blocks(lines):
        pieces = [piece for piece in _pieces(block) if piece.text]
        sounds = [piece for piece in pieces if SOUND.match(piece.text)]
        left_out["sound"] += len(sounds)
        cues += [piece for piece in pieces if piece not in sounds]
    problem = _problem(cues)
    if problem:
        raise Unclear(problem)
    nameless = sum(cue.speaker is None for cue in cues)
    assumed = ("a cue that names nobody is by the speaker before it",) if nameless else ()
    yield Transcript(list(_turns(cues)), assumed=assumed, left_out=+left_out)


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines of each cue below its times; headers, notes, styles and numbers are no cues."""
    block: list[str] | None = None
    for line in lines:
        if TIMES.match(line):
            if block:
                yield block
            block = []
        elif not line.strip():
            if block:
                yield block
            block = None
        elif block is not None:
            block.append(line.rstrip())
    if block:
        yield block


def _pieces(block: list[str]) -> Iterator[Cue]:
    """The parts of a cue: one, or one for each line that names its speaker or begins with a
    dash."""
    lines: list[str] = []
    for line in block:
        begins = bool(VOICE.search(line) or _name(_plain(line)) or DASH.match(_plain(line)))
        if lines and begins:
            yield _cue(lines)
            lines = []
        lines.append(line)
    if lines:
        yield _cue(lines)


def _cue(lines: list[str]) -> Cue:
    voice = VOICE.search(lines[0])
    text = "\n".join(_plain(line) for line in lines).strip()
    if voice:
        return Cue(html.unescape(voice[1]).strip(), text)
    name = _name(text)
    if name:
        return Cue(name[1].strip(), text[name.end() :].strip())
    return Cue(None, text)


def _plain(line: str) -> str:
    """The text of a line without markup and escapes."""
    return html.unescape(MARKUP.sub("", line))


def _name(text: str) -> re.Match[str] | None:
    found = NAME.match(text)
    return found if found and len(found[1].split()) <= WORDS else None


def _problem(cues: list[Cue]) -> str | None:
    """Why the cues are no conversation."""
    if not cues:
        return "the subtitles hold no text"
    nameless = sum(cue.speaker is None for cue in cues)
    if nameless == len(cues):
        return "the subtitles name no speakers, so nobody knows who says what"
    if nameless > SHARE * len(cues) or cues[0].speaker is None:
        return f"{nameless} of {len(cues)} cues of the subtitles name no speaker"
    names = Counter(cue.speaker for cue in cues if cue.speaker)
    if len(names) > len(cues) / 2 and len(cues) > 3:
        return "what stands before the colons of the subtitles does not come back as names do"
    return None


def _turns(cues: Iterable[Cue]) -> Iterator[Turn]:
    """The turns: the text of consecutive cues of one speaker, joined."""
    speaker: str | None = None
    texts: list[str] = []
    for cue in cues:
        if texts and cue.speaker not in (None, speaker):
            yield turn_by(speaker, " ".join(texts))
            texts = []
        speaker = cue.speaker or speaker
        texts.append(" ".join(cue.text.split()))
    if texts:
        yield turn_by(speaker, " ".join(texts))
