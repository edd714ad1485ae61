"""Plays as plain text, as Project Gutenberg and its mirrors keep them.

Start from .txt files or a page that links them. How a text marks its speakers is found by counting:
of the usual layouts the one is taken whose names come back most often. The header, the licence and
the transcriber's notes are left out; each scene is one dialogue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from scrapy import Request, Spider
from scrapy.http import Response

from spiders.contract import DialogueFind
from spiders.page import addresses, selector, tree

CAPITALS = r"(?P<name>[^\W\d_a-zß-ÿ](?:[^\W\d_a-zß-ÿ]|[ .'’-]){0,40}?)"
DIRECTED = r"(?: ?[\[(][^\])]{0,80}[\])])?"  # "HAMLET [aside]"
# One line of each layout: `name`, and the `speech` on the same line.
# See LAYOUT_EXAMPLES in tests/test_spiders.py.
LAYOUTS = (
    # HAMLET. To be
    re.compile(rf"^ {{0,4}}{CAPITALS}{DIRECTED}[.:](?:—| |$)(?P<speech>.*)$"),
    # _Hamlet._ To be
    re.compile(r"^ {0,4}_(?P<name>[^\W\d_][^_\d.:]{0,40})[.:]?_[.:—]?(?: |$)(?P<speech>.*)$"),
    # Hamlet: To be
    re.compile(r"^ {0,4}(?P<name>[^\W\d_][\w'’-]*(?: [^\W\d_][\w.'’-]*){0,2}): (?P<speech>.*)$"),
    # Ham. To be
    re.compile(r"^ {0,4}(?P<name>[^\W\d_][\w'’]{1,12}(?: [A-Z][\w'’]{1,12})?)\. (?P<speech>.*)$"),
    # HAMLET, on a line of its own
    re.compile(rf"^ *{CAPITALS}(?P<speech> *)$"),
)
SEEN = 3  # a name is a speaker when it begins this many speeches
START = re.compile(
    r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*?\*\*\*|\*END\*? ?THE SMALL PRINT!.*", re.S
)
END = re.compile(r"^(?:\*\*\* ?END OF|End of (?:the )?Project Gutenberg)", re.M)
HEAD = 5000  # characters in which the title, the author and the book's number stand
ABOUT = re.compile(r"^(Title|Author|Translator|Language): *(.+)$", re.M)
NUMBER = re.compile(r"\[?e(?:Book|text) #(\d+)", re.I)
SCENE = re.compile(
    r"^\W{0,4}(?:(?:FIRST|SECOND|THIRD|FOURTH|FIFTH|THE) )?"
    r"(?:ACT|SCENE|PROLOGUE|EPILOGUE|INDUCTION|AKT|AUFZUG|SZENE|AUFTRITT|"
    r"ACTE|SCÈNE|ATTO|SCENA|ACTO|ESCENA)\b.{0,80}$",
    re.I,
)
DIRECTION = re.compile(
    r"[\[(].*[\])]\.?|_[^_]*_\.?|(?:Re-)?(?:Enter|Exit|Exeunt|Curtain)\b.*|THE END\.?|FINIS\.?",
    re.S | re.I,
)
ASIDE = re.compile(r"\[[^\]]*\]")
TEXT_LINKS = selector("a[href$='.txt'], a[href$='.txt.utf-8']")


class PlayScene(NamedTuple):
    """A scene of a play. turns: [speaker, text] pairs."""

    heading: str
    turns: list[list[str]]


class Speech(NamedTuple):
    """A speech as it stands in the text, line by line."""

    speaker: str
    lines: list[str]


class Gutenberg(Spider):
    """Texts become dialogues, one for each scene."""

    name = "gutenberg"

    def parse(self, response: Response) -> Iterator[DialogueFind | Request]:
        """A text, or a page that lists texts."""
        if b"<html" in response.body[:2000].lower():
            for address in _one_each(addresses(response, TEXT_LINKS(tree(response)))):
                yield Request(address, self.parse)
        else:
            yield from _dialogues(response)


def _dialogues(response: Response) -> Iterator[DialogueFind]:
    """The scenes of a text; one without a dialogue is counted, too."""
    text = decoded(response.body).replace("\r\n", "\n")
    about: dict[str, object] = {}
    about |= {key.lower(): value.strip() for key, value in ABOUT.findall(text[:HEAD])}
    number = NUMBER.search(text[:HEAD])
    found = list(scenes(body(text)))
    for place, scene in enumerate(found):
        yield DialogueFind(
            address=response.url,
            place=place,
            turns=scene.turns,
            extra=about | {"scene": scene.heading},
            record=f"{number[1]}/{place + 1}" if number else None,
        )
    if not found:
        yield DialogueFind(address=response.url, turns=[], extra=about, reason="no_dialogue")


def _one_each(files: Iterator[str]) -> list[str]:
    """One file of each text: 12-0.txt is UTF-8, 12-8.txt the same in Latin-1, 12.txt in ASCII."""
    best: dict[str, str] = {}
    for address in files:
        text = re.sub(r"(?:-[08])?\.txt(?:\.utf-8)?$", "", address)
        best[text] = max(best.get(text, address), address, key=_preference)
    return list(best.values())


def _preference(address: str) -> tuple[bool, bool]:
    return address.endswith("-0.txt"), "-8." not in address


def decoded(raw: bytes) -> str:
    """Gutenberg's texts are UTF-8, older ones Latin-1."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def body(text: str) -> str:
    """The work itself, without what the library put before and after it."""
    start, end = START.search(text), END.search(text)
    if end:
        text = text[: end.start()]
    if start:
        text = text[start.end() :]
    return text


def scenes(text: str) -> Iterator[PlayScene]:
    """The scenes of a play, in order."""
    lines = text.split("\n")
    layout, names = _layout(lines)
    heading, is_after_blank = "", True
    speeches: list[Speech] = []
    for line in lines:
        label = layout.match(line)
        if SCENE.match(line) and is_after_blank:
            yield from _scene(heading, speeches)
            heading, speeches = " ".join(line.replace("_", " ").split()), []
        elif label and label["name"].strip() in names:
            speeches.append(Speech(label["name"].strip().rstrip("."), [label["speech"]]))
        elif speeches:
            speeches[-1].lines.append(line)
        is_after_blank = not line.strip()
    yield from _scene(heading, speeches)


def _layout(lines: list[str]) -> tuple[re.Pattern[str], set[str]]:
    """The layout whose speakers come back most often, and these speakers."""
    best, names, most = LAYOUTS[0], set[str](), 0
    for layout in LAYOUTS:
        counts = Counter(_names(layout, lines))
        often = {name: count for name, count in counts.items() if count >= SEEN}
        total = sum(often.values())
        if total > most and len(often) > 1:
            best, names, most = layout, set(often), total
    return best, names


def _names(layout: re.Pattern[str], lines: list[str]) -> Iterator[str]:
    for line in lines:
        match = layout.match(line)
        if match and not SCENE.match(line):
            yield match["name"].strip()


def _scene(heading: str, speeches: list[Speech]) -> Iterator[PlayScene]:
    """A scene without stage directions and typing marks, if anybody speaks in it."""
    turns: list[list[str]] = []
    for speech in speeches:
        if text := _spoken(speech.lines):
            turns.append([" ".join(speech.speaker.replace("_", "").split()), text])
    if turns:
        yield PlayScene(heading, turns)


def _spoken(lines: list[str]) -> str:
    """The text of a speech, a line for each paragraph, without stage directions."""
    paragraphs = map(str.strip, re.split(r"\n\s*\n", "\n".join(lines).strip("\n")))
    spoken = [text for text in paragraphs if text and not DIRECTION.fullmatch(text)]
    cleaned = (" ".join(ASIDE.sub(" ", text).replace("_", "").split()) for text in spoken)
    return "\n".join(cleaned).strip()
