"""BBCode and wiki markup into plain text.

    [quote=Tom]Tea?[/quote] Yes, [b]two[/b] cups.       Yes, two cups.
    [list][*]bread[*]cheese[/list]                      - bread, - cheese, a line each
    a [[ship|starship]] in that '''series'''            a starship in that series

A word in brackets ("[sighs]", "row[i]") is BBCode only in a text where some tag closes or has a
value.
"""

from __future__ import annotations

import re

from pipeline.rules.style import markup as grammar

NESTED = 4  # quotations inside quotations that are removed, innermost first
_NOT_TEXT = (
    "img|image|imgur|video|youtube|vimeo|media|audio|mp3|flash|gif|attach|attachment|gallery"
)
_NOT_READ = re.compile(
    rf"\[({_NOT_TEXT})\b[^\]\n]{{0,300}}\][^\[\]\s]{{0,500}}\[/\1\]", re.IGNORECASE
)
_CUT = re.compile(rf"\[/(?:{grammar.BB_TAGS})$", re.IGNORECASE)
_ADDRESS = re.compile(r"\[(?:img|image)\]\s?https?://[^\s\[\]]{1,500}", re.IGNORECASE)
_QUOTE = re.compile(r"\[quote\b[^\]\n]{0,300}\](?:(?!\[/?quote\b)[^\0])*?\[/quote\]", re.IGNORECASE)
_BREAKING = {"*": "\n- ", "li": "\n- ", "hr": "\n", "br": "\n", "tr": "\n", "td": " ", "th": " "}
_BREAKING_CLOSED = dict.fromkeys(["list", "ul", "ol", "table", "center", "quote", "heading"], "\n")
_QUOTES = re.compile(r"'{2,5}(?=\S)([^'\n]{1,200}(?:'[^'\n]{1,200})*?)'{2,5}")
_WIKI_FILE = re.compile(
    r"\[\[[^\W\d_]{4,10}:[^\[\]\n]{1,300}\.(?:jpe?g|png|gif|svg)[^\[\]\n]{0,200}\]\]"
)
_WIKI_NAME = re.compile(r"\[\[([^\[\]|:\n]{1,120})\]\]")


def strip_bbcode(text: str) -> str:
    """Without tags, quotations and pictures; items of lists on lines of their own."""
    if "[" in text:
        tags = list(grammar.BB_TAG.finditer(text))
        if any(map(grammar.proves_bbcode, tags)) or (tags and _CUT.search(text)):
            text = _without_tags(text)
        text = _ADDRESS.sub("", text)
    return _strip_wiki(text) if "[[" in text or "==" in text else text


def _without_tags(text: str) -> str:
    text = _NOT_READ.sub("", text)
    answer = text
    for _ in range(NESTED):
        answer = _QUOTE.sub("", answer)
    if any(letter.isalnum() for letter in grammar.BB_TAG.sub("", answer)):
        text = answer
    return _CUT.sub("", grammar.BB_TAG.sub(_break_of_tag, text))


def _break_of_tag(tag: re.Match[str]) -> str:
    breaking = _BREAKING_CLOSED if tag["closing"] else _BREAKING
    return breaking.get(tag["name"].lower(), "")


def _strip_wiki(text: str) -> str:
    plain = grammar.WIKI_LINK.sub(r"\g<text>", _WIKI_FILE.sub("", text))
    plain = grammar.WIKI_HEADING.sub(r"\2", plain)
    if plain == text:  # brackets and quotation marks of somebody's own
        return text
    return _QUOTES.sub(r"\1", _WIKI_NAME.sub(r"\1", plain))
