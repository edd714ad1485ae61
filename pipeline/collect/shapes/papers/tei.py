"""Plays in TEI XML (as in DraCor): one conversation a scene, every speech (`sp`) a turn.

<TEI><teiHeader>..<title>The Visit</title>
  <listPerson><person xml:id="ada"><persName>Ada</persName></person>..
<text><body><div type="act"><head>Act I</head><div type="scene"><stage>A garden.</stage>
  <sp who="#ada"><speaker>Ada.</speaker><stage>(smiling)</stage>
    <p>Good evening. <stage>(Sits.)</stage> Do sit.</p></sp>

Stage directions, notes, page and line breaks are not part of a text; verse keeps its lines; a
misprint is read as corrected. A scene is the innermost division that holds speeches. All scenes of
a play are one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from pipeline.collect.shapes.common.xml import Element, root_of
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Turn,
    Unread,
)

ABOUT = About("TEI documents: plays", ("names", "groups"))

NOT_SPOKEN = {
    "stage",
    "note",
    "speaker",
    "fw",
    "sic",
    "surplus",
    "del",
    "figDesc",
    "head",
    "orig",
}
NEW_LINE = {"l", "p", "ab"}  # a line of verse, a paragraph, a block
BREAK = "\x1e"  # stands where one of them begins, until the white space of the XML is gone
DIVISION = re.compile(r"div\d?|body|text")
ID = "{http://www.w3.org/XML/1998/namespace}id"


def recognise(document: bytes) -> bool:
    return b"<sp" in document and re.search(rb"<(?:\w+:)?TEI(?:\.2)?[\s>]", document) is not None


def read(document: bytes, place: Place) -> Iterator[Transcript | Unread]:
    try:
        root = root_of(document)
    except ValueError as error:
        yield Unread("record.malformed", str(error), document)
    else:
        yield from _transcripts(root)


def _transcripts(root: Element) -> Iterator[Transcript]:
    for element in root.iter():
        element.tag = etree.QName(element).localname
    names, play = _names(root), _play(root)
    for scene, speeches in _scenes(root):
        turns = [_turn(speech, names) for speech in speeches]
        spoken = [turn for turn in turns if turn[1]]
        if spoken:
            title = play["play"]
            yield Transcript(spoken, record=title, group=title, extra=play | _setting(scene))


def _names(root: Element) -> dict[str, str]:
    """The names of the persons, by their ids."""
    people = ((person.get(ID), person) for person in root.iter("person", "personGrp"))
    return {name: _name(person) for name, person in people if name}


def _name(person: Element) -> str:
    named = person.find("persName")
    return _plain(person.find("name") if named is None else named)


def _play(root: Element) -> dict[str, str]:
    title, author = "", ""
    statement = root.find(".//titleStmt")
    if statement is not None:
        title = _plain(statement.find("title"))
        author = _author(statement.find("author"))
    return {"play": root.get(ID) or title or "play", "title": title, "author": author}


def _author(author: Element | None) -> str:
    named = None if author is None else author.find(".//persName")
    return _plain(author if named is None else named)


def _scenes(root: Element) -> Iterator[tuple[Element, list[Element]]]:
    """The divisions that have speeches of their own, outside any division in them.

    act I                  a speech in the act itself belongs to the act,
    ├── speech             those in scene 1 to the scene
    └── scene 1
        ├── speech
        └── speech
    """
    found: dict[Element, list[Element]] = {}
    for speech in root.iter("sp"):
        above = (one for one in speech.iterancestors() if DIVISION.fullmatch(str(one.tag)))
        found.setdefault(next(above, root), []).append(speech)
    yield from found.items()


def _turn(speech: Element, names: dict[str, str]) -> Turn:
    """The turn of a speech; its text is empty where there are only stage directions."""
    people = (speech.get("who") or "").split()
    known = [names.get(person.lstrip("#"), "") for person in people]
    printed = _plain(speech.find("speaker")).strip(" .:,;()")
    speaker = " and ".join(filter(None, known)) or printed or None
    return speaker, _spoken(speech), None


def _spoken(speech: Element) -> str:
    text = re.sub(r"[ \t\r\n]+", " ", "".join(_pieces(speech)))
    lines = filter(None, (line.strip() for line in text.split(BREAK)))
    return re.sub(r" +([,.;:!?…])", r"\1", "\n".join(lines))


def _pieces(element: Element) -> Iterator[str]:
    """The spoken text below an element, with BREAK where a line begins."""
    if element.tag in NEW_LINE:
        yield BREAK
    yield element.text or ""
    for child in element:
        if child.tag == "lb":
            yield " "
        elif child.tag not in NOT_SPOKEN:
            yield from _pieces(child)
        yield child.tail or ""


def _setting(scene: Element) -> dict[str, str]:
    """The headings above a scene, outermost first, and its first stage direction."""
    divisions = [*reversed(list(scene.iterancestors("div"))), scene]
    heads = [_plain(division.find("head")) for division in divisions]
    found = {"scene": " / ".join(filter(None, heads)), "setting": _plain(scene.find("stage"))}
    return {key: value for key, value in found.items() if value}


def _plain(element: Element | None) -> str:
    """All text below an element, on one line."""
    if element is None:
        return ""
    return " ".join("".join(map(str, element.itertext())).split())
