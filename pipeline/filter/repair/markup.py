"""Markup into plain text, again and again until nothing is left to do.

    I &amp;lt;b&amp;gt;really&amp;lt;/b&amp;gt; mean it     I really mean it
    Look at [url=http://a.example]him[/url].                Look at him.
    See [this](http://a.example/x)                          See this

What only looks like markup stays ("I <3 you", "a<b and b>c", "[laughs]", "*waves*"), and so does
code between backticks.
"""

from __future__ import annotations

import html
import re

from pipeline.filter.repair.bbcode import strip_bbcode
from pipeline.filter.repair.markdown import strip_markdown, unfenced
from pipeline.rules.reading.signs import holds
from pipeline.rules.style import markup as grammar

CUT = 400  # characters of a tag that was cut at the end of a text, at most
LAYERS = 8  # how often a text is taken as markup, at most; three layers have been seen
# A text without any of these holds no markup. Single letters are found at ten times the speed.
_LETTERS = ("<", "&", "[", "`", "\\", "*", "_", "~", "|", "=", "#", ";", "＜", "＆")
_SIGNS = ("<", "&", "[", "`", "\\", "**", "* *", "__", "_ _", "~~", "|", "=", "# ", ";", "＜", "＆")
_RULES = ("---", "- -")
_UNSEEN = (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>"), ("<head>", "</head>"))
_BREAK = re.compile(
    r"<(?:br|hr)\b[^<>]{0,200}>|(?<=[^\n>])(?=<(?:p|div|li|dt|dd|tr|h[1-6]|blockquote)[ >])"
    r"|</(?:p|div|li|ul|ol|dt|dd|tr|table|h[1-6]|blockquote|section|article|option)\s*>",
    re.IGNORECASE,
)
_DECLARED = re.compile(r"<!(?:doctype|\[)[^<>]{0,400}>|<\?xml[^<>]{0,400}>|\]\]>", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_CELL = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
# "< br >", "</ p >": what translation programs make of tags.
_LONG_NAMES = "|".join(name for name in grammar.SURE_TAGS.split("|") if len(name) > 1)
_SPACED = re.compile(rf"< ?(/?) ?({_LONG_NAMES}) ?(/?) ?>|<(/) ?(p|b|i|u|a) ?()>", re.IGNORECASE)
_WIDE_TAG = re.compile(rf"＜(/?(?:{grammar.TAGS})\b[^＜＞\n]{{0,80}})＞", re.IGNORECASE)
_WIDE_ENTITY = re.compile(r"＆(#?\w{2,8})[;；]")
# Tags that were cut in two: at the end of a text and at its start.
_CUT_END = re.compile(
    rf"<(?:/?(?:{_LONG_NAMES})|(?:{grammar.TAGS})\s+[a-z-]{{2,20}}=[^<>]{{0,300}}"
    rf"|/(?:{grammar.TAGS}))\s*/?$",
    re.IGNORECASE,
)
_CUT_START = re.compile(
    r"\A[^<>\n]{0,200}?(?:\b(?:class|style|href|src|target|rel|alt)\s?=\s?(?:\"[^\"<>]*\"|"
    r"'[^'<>]*')"
    rf"[^<>\n]{{0,200}}|/(?:{_LONG_NAMES}|[abiup])\s?)>",
    re.IGNORECASE,
)
_LAYERED = re.compile(r"&(?:amp;)+(?=#?\w)")
_PAIR = re.compile(r"&#(5[56]\d{3});&#(5[67]\d{3});")  # an emoji, written as two halves
_ESCAPED = re.compile(r"\\u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
_ESCAPED_BREAK = re.compile(r"(?<=[.!?…\"'*)])(?:\\r)?(?:\\n)+(?=[^\w\\]|[A-Z]|[^\x00-\x7f])")
_GAPS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_HIDDEN = re.compile("\0(\\d+)\0")


def may_hold_markup(text: str) -> bool:
    """A quick look, to which most conversations say no."""
    is_odd = holds(text, _LETTERS) and holds(text, _SIGNS)
    return is_odd or holds(text, _RULES)


def strip_markup(text: str) -> str:
    """Plain text for markup, to a fixed point."""
    if not may_hold_markup(text):
        return text
    before = text
    for _ in range(LAYERS):
        cleaned = _once(text)
        if cleaned == text:
            break
        text = cleaned
    return text if text == before else _GAPS.sub("\n\n", text).strip()


def _once(text: str) -> str:
    """One layer less. Code is hidden meanwhile."""
    text = unfenced(text)
    codes: list[str] = []

    def hide(code: re.Match[str]) -> str:
        codes.append(code[0])
        return f"\0{len(codes) - 1}\0"

    if "`" in text:
        text = grammar.CODE.sub(hide, text.replace("\0", ""))
    text = strip_markdown(strip_bbcode(_strip_entities(_strip_html(text))))
    return _HIDDEN.sub(lambda place: codes[int(place[1])], text) if codes else text


def _strip_html(text: str) -> str:
    if "＜" in text:
        text = _WIDE_TAG.sub(r"<\1>", text)
    if "<" not in text and ">" not in text:
        return text
    text = _SPACED.sub(_closed_up, _CDATA.sub(r"\1", _without_unseen(text)))
    text = _CELL.sub(" ", _BREAK.sub("\n", _DECLARED.sub("", text)))
    text = _without_foreign(grammar.CHAT_MARK.sub(_emoji_of, text))
    tags = list(grammar.TAG.finditer(text))
    if any(map(grammar.proves_html, tags)):
        text = grammar.TAG.sub(_kept_of_tag, text)
    text = grammar.LONELY_TAG.sub("", text)
    if _is_cut(text):
        text = _CUT_START.sub("", text, count=1)
    return text[:-CUT] + _CUT_END.sub("", text[-CUT:])


def _without_foreign(text: str) -> str:
    """Without tags of a page's own elements, and what closes them."""
    names = {tag["name"] for tag in grammar.FOREIGN_TAG.finditer(text)}
    text = grammar.FOREIGN_TAG.sub("", text)
    for name in names:
        text = text.replace(f"</{name}>", "")
    return text


def _is_cut(text: str) -> bool:
    """Does a ">" come before any "<"?"""
    return 0 <= text.find(">") < (text.find("<") % (len(text) + 1))


def _closed_up(tag: re.Match[str]) -> str:
    return "<" + "".join(filter(None, tag.groups())) + ">"


def _emoji_of(mark: re.Match[str]) -> str:
    return mark["emoji"] or ""


def _kept_of_tag(tag: re.Match[str]) -> str:
    return tag[0] if grammar.KEPT_TAG.fullmatch(tag[0]) else ""


def _strip_entities(text: str) -> str:
    if "＆" in text:
        text = _WIDE_ENTITY.sub(r"&\1;", text)
    if "&" in text:
        text = _PAIR.sub(_joined, _LAYERED.sub("&", text))
        text = grammar.ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if "&" in text or ";" in text:
        text = grammar.BROKEN_ENTITY.sub(_mended, text)
    if "\\" in text:
        text = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text)
        text = _ESCAPED_BREAK.sub("\n", text)
    return text


def _joined(pair: re.Match[str]) -> str:
    """Two halves of a character outside the first plane, UTF-16."""
    high, low = int(pair[1]), int(pair[2])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return pair[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _mended(entity: re.Match[str]) -> str:
    name = entity["torn"] or entity["open"] or entity["bare"] or entity["glued"]
    return html.unescape(f"&{name.replace(' ', '')};")


def _without_unseen(text: str) -> str:
    """Without comments, scripts and styles."""
    for opening, closing in _UNSEEN:
        if opening in text or opening.upper() in text:
            text = _without_blocks(text, opening, closing)
    return text


def _without_blocks(text: str, opening: str, closing: str) -> str:
    """Without all from an opening to its closing. Searched for by hand: a pattern would be
    quadratic in what never closes."""
    kept: list[str] = []
    done, lower = 0, text.lower()
    while True:
        start = lower.find(opening, done)
        end = lower.find(closing, start) if start >= 0 else -1
        if end < 0:
            return "".join([*kept, text[done:]])
        kept.append(text[done:start])
        done = end + len(closing)
