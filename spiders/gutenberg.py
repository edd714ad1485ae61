"""Plays as plain text, as Project Gutenberg and its mirrors keep them. Start from .txt files or a page that links them.

How a text marks its speakers is found by counting: of the usual layouts the one wins whose names come back most often.
The header, the licence and the transcriber's notes are left out; each scene is one talk.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from scrapy import Request, Spider

from spiders.page import Page, addresses, selector, tree

CAPITALS = r"(?P<name>[^\W\d_a-zß-ÿ](?:[^\W\d_a-zß-ÿ]|[ .'’-]){0,40}?)"
# One line of each layout; `name` and what is said on the same line. See LAYOUT_EXAMPLES in tests/test_spiders.py.
LAYOUTS = (
    re.compile(
        r"^ {0,4}" + CAPITALS + r"(?: ?[\[(][^\])]{0,80}[\])])?[.:](?:—| |$)(?P<said>.*)$"
    ),  # HAMLET. To be
    re.compile(
        r"^ {0,4}_(?P<name>[^\W\d_][^_\d.:]{0,40})[.:]?_[.:—]?(?: |$)(?P<said>.*)$"
    ),  # _Hamlet._ To be
    re.compile(
        r"^ {0,4}(?P<name>[^\W\d_][\w'’-]*(?: [^\W\d_][\w.'’-]*){0,2}): (?P<said>.*)$"
    ),  # Hamlet: To be
    re.compile(
        r"^ {0,4}(?P<name>[^\W\d_][\w'’]{1,12}(?: [A-Z][\w'’]{1,12})?)\. (?P<said>.*)$"
    ),  # Ham. To be
    re.compile(r"^ *" + CAPITALS + r"(?P<said> *)$"),  # HAMLET, on a line of its own
)
SEEN = 3  # a name is a speaker when it begins this many speeches
START = re.compile(
    r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*?\*\*\*|\*END\*? ?THE SMALL PRINT!.*", re.S
)
END = re.compile(r"^(?:\*\*\* ?END OF|End of (?:the )?Project Gutenberg)", re.M)
ABOUT = re.compile(r"^(Title|Author|Translator|Language): *(.+)$", re.M)
NUMBER = re.compile(r"\[?e(?:Book|text) #(\d+)", re.I)
SCENE = re.compile(
    r"^\W{0,4}(?:(?:FIRST|SECOND|THIRD|FOURTH|FIFTH|THE) )?"
    r"(?:ACT|SCENE|PROLOGUE|EPILOGUE|INDUCTION|AKT|AUFZUG|SZENE|AUFTRITT|ACTE|SCÈNE|ATTO|SCENA|ACTO|ESCENA)\b.{0,80}$",
    re.I,
)
DIRECTION = re.compile(
    r"[\[(].*[\])]\.?|_[^_]*_\.?|(?:Re-)?(?:Enter|Exit|Exeunt|Curtain)\b.*|THE END\.?|FINIS\.?",
    re.S | re.I,
)
ASIDE = re.compile(r"\[[^\]]*\]")


class Gutenberg(Spider):
    """Texts become talks, one a scene."""

    name = "gutenberg"
    options: dict[str, Any]
    _texts = staticmethod(selector("a[href$='.txt'], a[href$='.txt.utf-8']"))

    def parse(self, response: Page) -> Iterator[dict[str, Any] | Request]:
        """A text, or a page that lists texts."""
        if b"<html" in response.body[:2000].lower():
            for address in _one_each(addresses(response, self._texts(tree(response)))):
                yield Request(address, self.parse)
            return
        text = decoded(response.body).replace("\r\n", "\n")
        about = {key.lower(): value.strip() for key, value in ABOUT.findall(text[:5000])}
        number = NUMBER.search(text[:5000])
        found = False
        for place, (scene, turns) in enumerate(scenes(body(text))):
            found = True
            yield {
                "address": response.url, "place": place, "turns": turns, "extra": about | {"scene": scene},
                "record": number and f"{number[1]}/{place + 1}",
            }  # fmt: skip
        if not found:
            yield {"address": response.url, "turns": [], "extra": about, "reason": "no_dialogue"}


def _one_each(files: Iterator[str]) -> list[str]:
    """One file of each text: 12-0.txt is UTF-8, 12-8.txt the same in Latin-1, 12.txt in ASCII."""
    best: dict[str, str] = {}
    for address in files:
        text = re.sub(r"(?:-[08])?\.txt(?:\.utf-8)?$", "", address)
        best[text] = max(
            best.get(text, address), address, key=lambda a: (a.endswith("-0.txt"), "-8." not in a)
        )
    return list(best.values())


def decoded(raw: bytes) -> str:
    """Gutenberg's texts are UTF-8, older ones Latin-1."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def body(text: str) -> str:
    """The work itself, without what the library put before and after it."""
    start, end = START.search(text), END.search(text)
    return text[start.end() if start else 0 : end.start() if end else len(text)]


def scenes(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """(heading, [[speaker, text], …]) of each scene."""
    lines = text.split("\n")
    layout, names = _layout(lines)
    heading, after_blank = "", True
    turns: list[tuple[str, list[str]]] = []
    for line in lines:
        label = layout.match(line)
        if SCENE.match(line) and after_blank:
            yield from _scene(heading, turns)
            heading, turns = " ".join(line.replace("_", " ").split()), []
        elif label and label["name"].strip() in names:
            turns.append((label["name"].strip().rstrip("."), [label["said"]]))
        elif turns:
            turns[-1][1].append(line)
        after_blank = not line.strip()
    yield from _scene(heading, turns)


def _layout(lines: list[str]) -> tuple[re.Pattern[str], set[str]]:
    """The layout whose speakers come back most often, and these speakers."""
    best: tuple[int, re.Pattern[str], set[str]] = (0, LAYOUTS[0], set())
    for layout in LAYOUTS:
        found = (
            match["name"].strip()
            for line in lines
            if (match := layout.match(line)) and not SCENE.match(line)
        )
        often = {name: count for name, count in Counter(found).items() if count >= SEEN}
        if (total := sum(often.values())) > best[0] and len(often) > 1:
            best = total, layout, set(often)
    return best[1], best[2]


def _scene(
    heading: str, turns: list[tuple[str, list[str]]]
) -> Iterator[tuple[str, list[list[str]]]]:
    """The speeches of a scene without stage directions and typing marks."""
    spoken = []
    for name, lines in turns:
        paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
        kept = [p for p in paragraphs if p.strip() and not DIRECTION.fullmatch(p.strip())]
        said = "\n".join(" ".join(ASIDE.sub(" ", p).replace("_", "").split()) for p in kept).strip()
        if said:
            spoken.append([" ".join(name.replace("_", "").split()), said])
    if spoken:
        yield heading, spoken
