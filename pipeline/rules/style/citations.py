"""Marks of citations that a model or its application left.

    The pass opens in May【12†source】.            The pass opens in May.
    The pass opens in May[1][2], and the inn in June[3].
    The pass opens in May.[^1]\\n\\n[^1]: Alpine Club, hours
    The pass opens in May.\\n\\nSources:\\n1. alpine-club.example

`citations` says where they stand. One number in square brackets may be a list's: "number [1] here".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.style.stretch import Stretch, stretches

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

_TURN = r"turn\d{1,3}[a-z]{3,12}\d{1,3}"
_SOURCE = (
    r"citations?|cite|refs?|reference|source|src|web|docs?|document|file|attached_file|memory|post"
    r"|search|page|url|context|chunk|snippet|article|result"
    r"|来源|引用|出典|출처|источник|quelle|fuente|fonte"
)
_NUMBERS = r"\d{1,3}(?::\d{1,3})?(?:\s?[,–-]\s?\d{1,3}(?::\d{1,3})?){0,9}"
# Marks by a sign of theirs: most texts have none of the signs.
_MARKS: dict[str, re.Pattern[str]] = {
    "†": re.compile(r"[【〔〖\[(]\s?\d{1,3}(?::\d{1,3})?[†‡][^】〕〗\])\n]{0,80}[】〕〗\])]"),
    "‡": re.compile(r"\[[^\[\]\n]{0,30}‡[^\[\]\n]{0,80}\](?:\([^()\n]{0,300}\))?"),
    "【": re.compile(
        rf"(?<=[^\s\0])【(?:(?:{_SOURCE})[:：\s]?\s?)?{_NUMBERS}】|【(?:{_SOURCE})s?】", re.I
    ),
    "〔": re.compile(rf"〔(?:(?:{_SOURCE})[:：\s]?\s?)?{_NUMBERS}〕", re.I),
    "\ue200": re.compile("\ue200[^\ue201\n]{0,400}\ue201?"),
    "turn": re.compile(
        rf"[\[(【]?(?:\b(?:file|nav)?(?:cite|citation|list)[:\s]{{0,2}})?{_TURN}"
        rf"(?:[\s,:]{{0,2}}{_TURN}){{0,20}}[\])】]?"
    ),
    "oai": re.compile(
        r":?(?:contentReference)?\[?oai(?:cite|_citation)[:_]\d{1,3}[^\[\]\n]{0,80}\]?"
        r"(?:\{index=\d{1,3}\}|\([^()\n]{0,300}\))?"
    ),
    "attribut": re.compile(r'\(?\{"attribution":\{"attributableIndex":"[^"\n]{0,40}"\}\}\)?'),
    "attached_file": re.compile(r"\[?\battached_file:\d{1,3}\]?"),
    "grok": re.compile(
        r"<grok[:-][^<>\n]{1,300}>(?:.{0,300}?</grok[:-]\w{1,30}>)?|\bgrok_(?:render_)?(?:citation_)?card\w*"
        r"(?:[_ ]?json=\{[^{}\n]{0,300}\})?"
    ),
    "[cite": re.compile(rf"\[cite_(?:start|end)\]|\[cite:\s?{_NUMBERS}\]"),
    "[span_": re.compile(r"\[span_\d{1,4}\](?:\((?:start|end)_span\))?"),
    "[^": re.compile(r"\[\^[\w-]{1,20}\^?\](?!:)(?:\([^()\n]{0,300}\))?"),
    "^": re.compile(r"(?<=[^\W\d_][^\W\d_.,!?])\^\d{1,2}\^"),
    "[[": re.compile(r"\[\[\d{1,3}\]\](?:\([^()\n]{0,300}\))?"),
    ": [": re.compile(
        rf"\((?:(?:{_SOURCE})s?|see) ?: ?(?:\[{_NUMBERS}\][,; ]{{0,2}}){{1,9}}\)", re.I
    ),
    "](http": re.compile(r"\[\d{1,3}\]\(https?://[^()\s]{1,300}\)"),
    "[": re.compile(
        rf"\[(?:{_SOURCE})s?[:： _#-]?\s?{_NUMBERS}"
        rf"(?:[,;] ?(?:{_SOURCE})s?[: _#-]?{_NUMBERS}){{0,9}}\]"
        rf"|\[(?:{_SOURCE})s?\s?[:：] ?[^\[\]\n]{{0,80}}(?:https?://|www\.|\w\.[a-z]{{2,7}}\b)"
        r"[^\[\]\n]{0,80}\]|\bentity\[[^\[\]\n]{1,80}\]",
        re.I,
    ),
    "^[": re.compile(r"\^\[\d{1,3}\]\^?"),
    "(c": re.compile(rf"\((?:cite|citation)s?: ?{_NUMBERS}\)"),
    "<": re.compile(
        r"</?co(?:[:\s]\s?[\d,:-]{1,20})?>|</?citations?(?:\s[^<>\n]{0,200})?/?>"
        r"|<ref(?:erence)?(?:\s[^<>\n]{0,200})?/?>(?:[^<>\n]{0,300}</ref(?:erence)?>)?|</?source_?\w{0,20}>"
    ),
}  # fmt: skip
# Numbers alone: two of them, or one after a full stop.
_BESIDE = r"(?:(?<=[^\W\d_]{2})|(?<=[.!?,;:。！？，、)\"”»'’%\]]))"
_NUMBER = re.compile(
    rf"{_BESIDE}\[{_NUMBERS}\](?![\w(=:])|(?<=[\w:]) \[{_NUMBERS}\](?=[.,;!?。，)\[])"
)
_AFTER_A_STOP = re.compile(r"(?<=[.!?。！？])\[\d{1,3}\](?!\w)")
_CODE = re.compile(r"```|[;=]\s*(?:\n|$)|\w\(\w*\)|[\w\]] = ")
_DEFINITION = re.compile(r"^[ \t]*\[\^[\w-]{1,20}\^?\]:[^\n]*(?:\n|\Z)", re.M)
# A list of sources at the end.
_HEADING = re.compile(
    r"^[ \t#*_>(\[]*+(?:(?:web |cited |further |key )?(?:sources?|references|citations|bibliography"
    r"|works cited|footnotes|learn more)|источники|ссылки|литература|сноски|quellen(?:angaben)?"
    r"|einzelnachweise|références|fuentes|referencias|fonti|riferimenti|fontes|referências"
    r"|参考(?:资料|文献|来源|链接)?|(?:资料|信息)?来源|引用|出典|참고(?: ?문헌| ?자료)?|출처)"
    r"[ \t*_)\]]*+[:：]?[ \t*_]*$",
    re.M | re.I,
)
_ITEM = re.compile(r"[ \t>]*(?:[-*•–]|\[?\^?\d{1,3}\^?[\].):]{1,2}|【\d+】|https?://)[^\n]*")
_LAST_LINE = re.compile(
    r"\n[ \t*_]*(?:sources?|quelle|source|fuente|fonte|источник|来源)[*_]* ?[:：][*_ ]*https?://\S+\s*\Z",
    re.I,
)
_ADDRESS = re.compile(
    r"https?://|www\.|\b[\w-]{2,}\.(?:com|org|net|example|io|gov|edu|info|de|fr|ru|cn|es|it|jp|kr|uk|eu)\b"
    r"|\bdoi\b|(?:accessed|retrieved|abgerufen|consulté|дата обращения|consultado)|†",
    re.I,
)
SIGNS = ("[", "†", "【", "〔", "{", "^", "<", "_", "\n", "\ue200", "turn", "(")


def citations(reading: Reading) -> Iterator[Finding]:
    """Marks of citations, footnotes and lists of sources."""
    yield from reading.first_places("style.citation", stretches(reading, marks, SIGNS))


def marks(text: str) -> list[Stretch]:
    """The marks of citations in a text, its footnotes and its list of sources."""
    found: list[Stretch] = []
    if not any(sign in text for sign in SIGNS):
        return found
    for sign, form in _MARKS.items():
        if sign in text:
            found += (Stretch(*mark.span()) for mark in form.finditer(text))
    if "[" in text:
        found += _numbers(text)
        found += (Stretch(*note.span()) for note in _DEFINITION.finditer(text))
    if "\n" in text:
        found += _sources(text)
    return sorted(found)


def _numbers(text: str) -> Iterator[Stretch]:
    numbers = [Stretch(*number.span()) for number in _NUMBER.finditer(text)]
    several = len(numbers) >= 2 or any(
        re.search(r"\d\D", text[start : end - 1]) for start, end, _ in numbers
    )
    if (several or _AFTER_A_STOP.search(text)) and not _CODE.search(text):
        yield from numbers


def _sources(text: str) -> Iterator[Stretch]:
    """From the last heading on, where nothing but a list with addresses follows."""
    if line := _LAST_LINE.search(text):
        yield Stretch(*line.span())
    headings = list(_HEADING.finditer(text))
    if not headings:
        return
    lines = [line for line in text[headings[-1].end() :].split("\n") if line.strip()]
    items = [line for line in lines if _ITEM.match(line) or _ADDRESS.search(line)]
    if lines and len(items) == len(lines) and any(map(_ADDRESS.search, items)):
        yield Stretch(headings[-1].start(), len(text))
