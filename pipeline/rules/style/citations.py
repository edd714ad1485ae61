"""Marks of citations that a model or its application left.

    The pass opens in May【12†source】.            The pass opens in May.
    The pass opens in May[1][2], and the inn in June[3].
    The pass opens in May.[^1]\\n\\n[^1]: Alpine Club, hours
    The pass opens in May.\\n\\nSources:\\n1. alpine-club.example
    The pass opens in May [citation needed] (Berg & Tal, 2017, p. 4). (Source: Wikipedia)

`citations` says where they stand. One number in square brackets may be a list's: "number [1] here".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.signs import holds
from pipeline.rules.style.stretch import Stretch, stretches

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

_TURN = r"turn\d{1,3}[a-z]{3,12}\d{1,3}"
_SOURCE = (
    r"citations?|cite|refs?|reference|source|src|web|docs?|document|file|attached_file|memory|post"
    r"|search|page|url|context|chunk|snippet|article|result"
    r"|来源|參考|参考(?:资料|文献)?|引用|出典|출처|источник|quelle|fuente|fonte"
)
_NUMBERS = r"\d{1,3}(?::\d{1,3})?(?:\s?[,–-]\s?\d{1,3}(?::\d{1,3})?){0,9}"
# Pages of a book, as papers name them, and what else proves that a bracket names a paper.
_PAGE = r"(?:pages?|pp?|ss?|стр|с|págs?|pgs?|seite)\.? ?\d|第? ?\d{1,4} ?[页頁]"
_PAPER = (
    rf" et al\b|&|\b(?:vgl|cf|siehe|см)\b|(?<=\d)[a-z]?[,:;] ?(?:{_PAGE}|ch\. ?\d)|"
    rf"(?<=\d\d): ?\d| и др\.|等"
)
_AUTHOR = r"[^\W\d_a-zа-яß-ÿ][^\W\d_]{1,24}(?:[-'’][^\W\d_]{1,24})?"
_AND = r"(?:,? (?:&|and|und|et|y|e|и) |, | ?/ ?| (?:[A-ZА-Я]\. ?){1,2}|、)"
_SAME = r"ibid|op\. ?cit|loc\. ?cit|ebd|ebenda|там же|a\. ?a\. ?o|同上"
# Works that are named as a source, and what else follows "Source:".
_WORK = (
    r"wikip|википед|维基|維基|ウィキ|위키|百科|encyc|enzykl|энциклоп|britannica|\bisbn\b|\bdoi\b|\barxiv\b"
    r"|journal|\barticles?\b|\bartikel\b|\bartículo|\bvoce\b|статья|«|„|《|“|\""
)
# A place where a source is wanted: its two words, in either order.
_WANTED = (
    r"need|require|missing|request|lack|dubious|unreliable|nécess|souhait|manqu|fehl|benötigt|erforderl"
    r"|requerid|necesari|faltan?\b|нужн|нет |требует|не указан|请求|請求|需要|要|필요|carece|"
    r"senza|mancan"
    r"|necessit|necessári|insuffis|уточни|引证|\?"
)
_WANTED_SOURCE = (
    r"citation|source|réf|beleg|quelle|nachweis|cita\b|fuente|referencia|источник|ссылк|来源|來源|出典|引证|출처"
    r"|fonte"
)
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
    "cite": re.compile(
        rf"\[cite_(?:start|end)\]|[\[({{]cit(?:e|ation)s?:\s?{_NUMBERS}[\])}}]|\\cite\w?\{{[^{{}}\n]{{1,80}}\}}"
        r"|</?cite\s?>|[<(\[{]/?cite\b(?:\s[a-z_]{1,20}=[\"'“][^\"'”\n]{0,60}[\"'”]){0,4}\s?/?[>)\]}]"
    ),
    "[@": re.compile(r"\[(?:[^\[\]\n@]{0,20}-?@[\w:-]{1,40}\d{2,4}\w?[^\[\]\n@]{0,20};?){1,5}\]"),
    "doi:": re.compile(r"\bdoi: ?10\.\d{4,}/\S+"),
    "arXiv": re.compile(r"\barXiv: ?\d{4}\.\d{4,5}"),
    "¹": re.compile(r"(?<=[.!?…。,;»”\"])[¹²³⁴-⁹](?: ?[¹²³⁴-⁹])*(?=\s|\Z)"),
    "[span_": re.compile(r"\[span_\d{1,4}\](?:\((?:start|end)_span\))?"),
    "^": re.compile(r"(?<=[^\W\d_][^\W\d_.,!?])\^\d{1,2}\^"),
    "{{": re.compile(
        r"\{\{(?:cite|citation|ref|source|fact|источник|нет аи|quelle|belege|fuente|cita|"
        r"référence|来源)"
        r"[^{}\n]{0,300}\}\}",
        re.I,
    ),
    "[[": re.compile(r"\[\[\d{1,3}\]\](?:\([^()\n]{0,300}\))?"),
    ": [": re.compile(
        rf"\((?:(?:{_SOURCE})s?|see) ?: ?(?:\[{_NUMBERS}\][,; ]{{0,2}}){{1,9}}\)", re.I
    ),
    "](": re.compile(r"\[\d{1,3}\]\((?:https?://|#)[^()\s]{1,300}\)"),
    "[": re.compile(
        rf"\[(?:{_SOURCE})s?[:： _#-]?\s?{_NUMBERS}(?:, ?{_PAGE}|: [^\[\]\n]{{1,80}})?"
        rf"(?:[,;] ?(?:{_SOURCE})s?[: _#-]?{_NUMBERS}){{0,9}}\]"
        rf"|\[(?=[^\[\]\n]{{0,30}}(?:{_WANTED}))[^\[\]\n]{{0,30}}(?:{_WANTED_SOURCE})[^\[\]\n]{{0,40}}\]"
        rf"|\bentity\[[^\[\]\n]{{1,80}}\]|\[{_NUMBERS}, ?{_PAGE}[^\[\]\n]{{0,10}}\]"
        r"|\[(?:ref|cite|citation|source|wikipedia|википедия|维基百科|britannica)\]",
        re.I,
    ),
    "^[": re.compile(r"\^\[\d{1,3}\]\^?"),
    "<": re.compile(
        r"</?co(?:[:\s]\s?[\d,:-]{1,20})?>|</?citations?(?:\s[^<>\n]{0,200})?/?>"
        r"|<ref(?:erence)?(?:\s[^<>\n]{0,200})?/?>(?:[^<>\n]{0,300}</ref(?:erence)?>)?|</?source_?\w{0,20}>"
        r"|(?<!\d)<sup>\s?\[?\d{1,3}\]?\s?</sup>"
    ),
}  # fmt: skip
# Brackets with a paper or a source: "(Berg & Tal, 2017)", "(ibid., p. 3)", "(Source: Wikipedia)".
_NAMED = re.compile(
    rf"[(（\[](?=[^()（）\[\]\n]{{0,100}}(?i:{_PAPER}))(?:(?i:see|cf\.?|vgl\.?|siehe|voir|"
    rf"см\.?) )?{_AUTHOR}"
    rf"(?:{_AND}{_AUTHOR}){{0,4}}(?i: et al\.?| и др\.| ?等)?[,，]? ?(?:1[5-9]|20)\d\d[a-z]?(?!\d)"
    rf"[^()（）\[\]\n]{{0,60}}[)）\]]|[(（](?i:{_SAME})\b[^()（）\n]{{0,40}}[)）]"
)
_SOURCED = re.compile(
    rf"[(（\[【](?:{_SOURCE})s?\s?[:：]\s?(?=[^()（）\[\]【】\n]{{0,120}}(?:{_WORK}|https?:|\w\.[a-z]{{2,7}}\b|\b(?:1[89]|20)\d\d\b))"
    r"[^()（）\[\]【】\n]{1,200}[)）\]】]",
    re.I,
)
# Numbers alone: two of them, or one after a full stop.
_BESIDE = r"(?:(?<=[^\W\d_]{2})|(?<=[.!?,;:。！？，、)\"”»'’%\]]))"
_NUMBER = re.compile(
    rf"{_BESIDE}\[{_NUMBERS}\](?![\w(=:])|(?<=[\w:]) \[{_NUMBERS}\](?=[.,;!?。，)\[])"
)
_AT_A_STOP = re.compile(
    r"(?<=[.!?。！？])\[\d{1,3}\](?!\w)|[^\W\d_]{3} ?\[\d{1,3}\](?=[.!?。！？])|"
    r"[^\W\d_]{3}\[\d{1,3}\](?=[,，;；])"
)
_CODE = re.compile(r"```|[;=]\s*(?:\n|$)|\w\(\w*\)|[\w\]] = ")
_FOOTNOTE = re.compile(r"\[\^[\w-]{1,20}\^?\](?!:)(?:\([^()\n]{0,300}\))?")
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
_ADDRESS = re.compile(
    r"https?://|www\.|\b[\w-]{2,}\.(?:com|org|net|example|io|gov|edu|info|de|fr|ru|cn|es|it|jp|kr|uk|eu)\b"
    r"|\bdoi\b|(?:accessed|retrieved|abgerufen|consulté|дата обращения|consultado)|†"
    r"|\b(?:1[89]|20)\d\d\b|\bvol\.|《|百科|wikip",
    re.I,
)
_LAST_LINE = re.compile(
    rf"\n[ \t*_]*(?:(?:{_SOURCE})s?[*_]* ?[:：]|(?:retrieved|cited|quoted|abgerufen|"
    rf"zitiert) (?:from|in|von|aus)\b)"
    rf"(?=[^\n]{{0,120}}(?:{_WORK}|https?:|www\.))[^\n]{{1,300}}\s*\Z",
    re.I,
)
_CITES = re.compile(rf"{_WORK}|{_PAGE}", re.I)
SIGNS = (
    "[",
    "†",
    "【",
    "〔",
    "{",
    "^",
    "<",
    "_",
    "\n",
    "\ue200",
    "turn",
    "(",
    "（",
    "¹",
    "doi:",
    "arXiv",
)


def citations(reading: Reading) -> Iterator[Finding]:
    """Marks of citations, footnotes and lists of sources."""
    yield from reading.first_places("style.citation", stretches(reading, marks, SIGNS))


def marks(text: str) -> list[Stretch]:
    """The marks of citations in a text, its footnotes and its list of sources."""
    found: list[Stretch] = []
    if not holds(text, SIGNS):
        return found
    for sign, form in _MARKS.items():
        if sign in text:
            found += (Stretch(*mark.span()) for mark in form.finditer(text))
    if "(" in text or "（" in text or "【" in text or "[" in text:
        for form in (_NAMED, _SOURCED):
            found += (Stretch(*mark.span()) for mark in form.finditer(text))
    if "[^" in text:
        found += _notes(text)
    if "[" in text:
        found += _numbers(text)
    if "\n" in text:
        found += _sources(text)
    return sorted(found)


def _notes(text: str) -> Iterator[Stretch]:
    """Footnotes; but not where each is a remark of the writer's own, which is markup."""
    notes = list(_DEFINITION.finditer(text))
    if not notes or any(_ADDRESS.search(note[0]) or _CITES.search(note[0]) for note in notes):
        yield from (Stretch(*note.span()) for note in notes)
        yield from (Stretch(*mark.span()) for mark in _FOOTNOTE.finditer(text))


def _numbers(text: str) -> Iterator[Stretch]:
    numbers = [Stretch(*number.span()) for number in _NUMBER.finditer(text)]
    several = len(numbers) >= 2 or any(
        re.search(r"\d\D", text[start : end - 1]) for start, end, _ in numbers
    )
    if (several or _AT_A_STOP.search(text)) and not _CODE.search(text):
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
