"""Dialogue in a wiki's HTML: lines that begin with a marked speaker, `<b>Name</b>: text`.

Known forms: lists of lines (`:'''Name''': text`), paragraphs, lines parted by <br>, names in bold
or small capitals, with a colon or a full stop, with a direction behind the name, and names on a
line of their own above the speech. A heading or a rule ends a scene; so does a line of another kind
without a speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from spiders.page import BLOCKS, selector

Turns = list[list[str]]  # [speaker, text]
Piece = list[str | HtmlElement]  # what stands between two line breaks

SPEAKER = selector("b, strong, .smallcaps, .sc, .personnage, [style*='small-caps']")
LONGEST_NAME = 60  # characters; a longer marked beginning is emphasis, not a name
HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
LINES = frozenset(["p", "dd", "dt", "li"])
LISTS = frozenset(["dl", "ul", "ol", "table", "p", "div"])
NOISE = selector(
    ".mw-editsection, .toc, #toc, .navbox, .noprint, .reference, .references, .thumb, "
    ".metadata, .infobox, .pagenum, .ext-discussiontools-init-replylink-buttons, "
    ".ws-noexport, .hatnote, .ambox, style, script, figure"
)
AFTER_NAME = re.compile(r"\s*(?:[\[(][^\])]{0,120}[\])])?\s*[:：.]\s*")  # "Name [to the cat]: …"
DIRECTION = re.compile(r"(?:[\[(][^\])]*[\])][.\s]*)+")


def scenes(content: HtmlElement) -> Iterator[tuple[str, Turns]]:
    """(heading, turns) of each scene of a page, in order."""
    for junk in NOISE(content):
        junk.drop_tree()
    marks = set(SPEAKER(content))
    heading, scene = "", _Scene()
    for element in content.iter():
        if element.tag in HEADINGS or element.tag == "hr":
            yield from scene.end(heading)
            heading = _text(element) or heading
        elif _is_line(element):
            for piece in _pieces(element):
                if not scene.add(element, piece, marks):
                    yield from scene.end(heading)
    yield from scene.end(heading)


def _is_line(element: HtmlElement) -> bool:
    """A line of text: an element for lines, or a <div> that holds no block."""
    if element.tag != "div":
        return element.tag in LINES
    return next(element.iterdescendants(*BLOCKS), None) is None


class _Scene:
    """The turns of the scene that is being read, and the element of its last spoken line."""

    def __init__(self) -> None:
        self.turns: Turns = []
        self.line: HtmlElement | None = None

    def add(self, element: HtmlElement, piece: Piece, marks: set[HtmlElement]) -> bool:
        """Take a line in. False: it does not belong to this scene, which ends here."""
        text = _joined(piece)
        name, speech = _speaker([element] if element in marks else piece, marks)
        if name:
            self.turns.append([name, speech])
            self.line = element
        elif not text or DIRECTION.fullmatch(text) or _in_italics(piece):
            return True  # a stage direction: nobody speaks it
        elif self.turns and self._continues(element):
            self.turns[-1][1] = f"{self.turns[-1][1]}\n{text}".strip()
            self.line = element
        else:
            return False
        return True

    def _continues(self, element: HtmlElement) -> bool:
        """Does a line without a speaker continue the last speech?

        It does when it stands beside the last line or inside it, or when the name had no text yet.
        """
        assert self.line is not None
        is_beside = element.tag == self.line.tag and element.getparent() is self.line.getparent()
        return is_beside or not self.turns[-1][1] or self.line in element.iterancestors()

    def end(self, heading: str) -> Iterator[tuple[str, Turns]]:
        turns = [turn for turn in self.turns if turn[1]]
        if turns:
            yield heading, turns
        self.turns, self.line = [], None


def _pieces(element: HtmlElement) -> Iterator[Piece]:
    """The line's own content, parted at <br>, without the lines nested in it."""
    piece: Piece = [element.text or ""]
    for child in element:
        if child.tag == "br":
            yield piece
            piece = []
        elif isinstance(child.tag, str) and child.tag not in LISTS:
            piece.append(child)
        piece.append(child.tail or "")
    yield piece


def _speaker(piece: Piece, marks: set[HtmlElement]) -> tuple[str, str]:
    """(name, what follows) when a line begins with a marked name, else two empty texts."""
    parts = [part for part in piece if not isinstance(part, str) or part.strip()]
    if not parts or isinstance(parts[0], str) or not _is_marked(parts[0], marks):
        return "", ""
    label, rest = _text(parts[0]), _joined(parts[1:])
    name = label.rstrip(":： .")
    if not name or len(name) > LONGEST_NAME:
        return "", ""
    if label[-1] in ":：.":
        return name, rest.strip()
    if between := AFTER_NAME.match(rest):
        return name, rest[between.end() :].strip()
    if rest:
        return "", ""
    return name, ""


def _is_marked(element: HtmlElement, marks: set[HtmlElement]) -> bool:
    """Is an element a speaker's mark, or does it wrap nothing else: <a><b>Name</b></a>?"""
    if element in marks:
        return True
    within = (inner for inner in element.iterdescendants() if inner in marks)
    return any(_text(inner) == _text(element) for inner in within)


def _in_italics(piece: Piece) -> bool:
    parts = [part for part in piece if not isinstance(part, str) or part.strip(" .")]
    return bool(parts) and all(map(_is_italic, parts))


def _is_italic(part: str | HtmlElement) -> bool:
    return not isinstance(part, str) and part.tag in ("i", "em")


def _text(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _joined(piece: Piece) -> str:
    """The text of a piece, with single blanks."""
    return " ".join("".join(map(_text_of, piece)).split())


def _text_of(part: str | HtmlElement) -> str:
    if isinstance(part, str):
        return part
    return str(part.text_content())
