"""HTML into plain text."""

from __future__ import annotations

import html
import re

_CODE = "```"
_TAGS = (
    "a|abbr|article|aside|b|big|blockquote|body|br|caption|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|"
    "figure|font|footer|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|li|link|main|mark|meta|nav|ol|option|p|pre|"
    "q|s|samp|script|section|select|small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|"
    "title|tr|tt|u|ul|var|video|wbr"
)
_UNSEEN = (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>"))
_BREAK = re.compile(r"<(?:br|hr)\s*/?>|</(?:p|div|li|tr|h[1-6]|blockquote)\s*>", re.I)
_TAG = re.compile(
    rf"</?(?:{_TAGS})(?:\s+[a-z][\w:-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*\s*/?>", re.I
)
_KEPT_TAG = re.compile(r"</?s>")  # the end of text of some models: style.template decides
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")


def strip_html(text: str) -> str:
    """Without tags and comments, entities as characters; what only looks like HTML ("I <3 you") and
    code stay."""
    if _CODE in text:
        return text
    if "<" in text:
        text = _BREAK.sub("\n", _without_unseen(text))
        text = _TAG.sub(_kept_of_tag, text)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def _kept_of_tag(tag: re.Match[str]) -> str:
    return tag[0] if _KEPT_TAG.fullmatch(tag[0]) else ""


def _without_unseen(text: str) -> str:
    """Without comments, scripts and styles."""
    for opening, closing in _UNSEEN:
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
