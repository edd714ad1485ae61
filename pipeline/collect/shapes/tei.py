"""Plays in TEI XML (as in DraCor): one talk a scene, every speech (`sp`) a turn.

<TEI><teiHeader>..<title>The Visit</title><listPerson><person xml:id="ada"><persName>Ada</persName></person>..
<text><body><div type="act"><head>Act I</head><div type="scene"><stage>A garden.</stage>
  <sp who="#ada"><speaker>Ada.</speaker><stage>(smiling)</stage><p>Good evening. <stage>(Sits.)</stage> Do sit.</p></sp>

Stage directions, notes, page and line breaks are left out of what is said; verse keeps its lines; a printer's slip is
read as corrected. A scene is the innermost division that holds speeches. All scenes of a play are one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from pipeline.collect.shapes.talk import Talk, Turn, Unread

SILENT = {"stage", "note", "speaker", "fw", "sic", "surplus", "del", "figDesc", "head", "orig"}
BREAKS = {"l", "p", "ab"}
ID = "{http://www.w3.org/XML/1998/namespace}id"


def recognise(document: bytes) -> bool:
    return b"<sp" in document and re.search(rb"<(?:\w+:)?TEI(?:\.2)?[\s>]", document) is not None


def read(document: bytes) -> Iterator[Talk | Unread]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        yield Unread(f"not XML: {error}", document)
        return
    for element in root.iter():
        element.tag = etree.QName(element).localname
    names, play = _names(root), _play(root)
    for scene, speeches in _scenes(root):
        turns = [turn for turn in (_turn(sp, names) for sp in speeches) if turn]
        if turns:
            yield Talk(
                turns, record=play["play"], group=play["play"], extra={**play, **_place(scene)}
            )


def _names(root: Any) -> dict[str, str]:
    people = [p for p in root.iter("person", "personGrp") if p.get(ID)]
    return {
        p.get(ID): _text(p.find("persName") if p.find("persName") is not None else p.find("name"))
        for p in people
    }


def _play(root: Any) -> dict[str, str]:
    statement = root.find(".//titleStmt")
    title = _text(statement.find("title")) if statement is not None else ""
    author = statement.find("author") if statement is not None else None
    named = author.find(".//persName") if author is not None else None
    return {
        "play": root.get(ID) or title or "play",
        "title": title,
        "author": _text(author if named is None else named),
    }


def _scenes(root: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Divisions with their own speeches: those whose nearest division they are."""
    found: dict[Any, list[Any]] = {}
    for sp in root.iter("sp"):
        division = next(
            (a for a in sp.iterancestors() if re.fullmatch(r"div\d?|body|text", str(a.tag))), root
        )
        found.setdefault(division, []).append(sp)
    yield from found.items()


def _turn(sp: Any, names: dict[str, str]) -> Turn | None:
    who = [names.get(part.lstrip("#"), "") for part in (sp.get("who") or "").split()]
    printed = _text(sp.find("speaker")).strip(" .:,;()")
    said = _said(sp)
    return (" and ".join(filter(None, who)) or printed or None, said, None) if said else None


def _said(sp: Any) -> str:
    lines = re.sub(r"[ \t\r\n]+", " ", "".join(_pieces(sp))).split("\x1e")
    return re.sub(
        r" +([,.;:!?…])", r"\1", "\n".join(filter(None, (line.strip() for line in lines)))
    )


def _pieces(element: Any) -> Iterator[str]:
    """The spoken text below an element, with \\x1e where a line of verse or a paragraph begins."""
    if element.tag in BREAKS:
        yield "\x1e"
    yield element.text or ""
    for child in element:
        if child.tag == "lb":
            yield " "
        elif child.tag not in SILENT:
            yield from _pieces(child)
        yield child.tail or ""


def _place(scene: Any) -> dict[str, str]:
    heads = [_text(a.find("head")) for a in [*reversed(list(scene.iterancestors("div"))), scene]]
    setting = _text(scene.find("stage"))
    found = {"scene": " / ".join(filter(None, heads)), "setting": setting}
    return {key: value for key, value in found.items() if value}


def _text(element: Any) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())
