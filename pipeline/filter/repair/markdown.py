"""Markdown of articles into plain text.

    ## What helped                              What helped
    1. **Make a list**: pros and cons.          1. Make a list: pros and cons.
    See [this](http://a.example/x).             See this.

Stars and lines around words are how people and characters write ("*waves*", "**never**", "__no__"):
they stay, but in an article, which has headings, a table, or items that open with bold words.
"""

from __future__ import annotations

import re

from pipeline.rules.style import markup as grammar

_ROLES = "instruction|input|response|output|human|assistant|user|system|context|prompt|example"
_HEADING = re.compile(
    rf"^[ \t]{{0,3}}(?:#{{2,6}}[ \t]+(?!(?i:{_ROLES})\b)|#[ \t]+(?=[^\W\d_a-z])(?=[^\n]{{2,80}}$))"
    r"(?P<text>[^\n]*?)[ \t]*#*[ \t]*$",
    re.MULTILINE,
)
# A line of a program without fences, where "# " begins a comment.
_PROGRAM = re.compile(
    r"^[ \t]*(?:import \w|from [\w.]+ import |def \w+\(|#include|return |[\w.]+ ?= ?[\w\"'\[({]"
    r"|[\w.]+\([^()\n]*\);?$|[{}];?$|pip install |\$ \w)",
    re.MULTILINE,
)
_SMALL = re.compile(r"^-# (?=\S)", re.MULTILINE)  # Discord's small print
_RULE = re.compile(
    r"^[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,}|(?:- ){2,}-|(?:\* ){2,}\*|(?:_ ){2,}_)[ \t]*$",
    re.MULTILINE,
)
_ITEM = re.compile(
    r"^[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+(?:\*\*|__)[^*_\n]{1,100}(?:\*\*|__)", re.MULTILINE
)
_TITLED = re.compile(
    r"^\*\*[^*\n]{1,60}(?::\*\*|\*\*:)[ \t]*\S[^\n]*\n+(?=\*\*[^*\n]{1,60}(?::\*\*|\*\*:))"
    r"|^\*\*[^*\n]{1,60}\*\*:?[ \t]*\n+(?=[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+\S)",
    re.MULTILINE,
)
_BOLD = re.compile(r"(\*\*\*?|__)(?=\S)([^*_\n]{1,300}?)(?<=\S)\1(?!\*)")
_TICK = re.compile(r"^([ \t]*[-*+][ \t]+)\[[ xX]\][ \t]+", re.MULTILINE)
_TABLE_RULE = re.compile(
    r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)+\|?[ \t]*$", re.MULTILINE
)
_TABLE_ROW = re.compile(r"^[ \t]*\|?(?P<cells>[^|\n]+(?:\|[^|\n]*)+?)\|?[ \t]*$", re.MULTILINE)
_DEFINED = re.compile(
    r"^[ \t]{0,3}\[[^\[\]\n^]{1,80}\]:[ \t]*<?(?:https?://|www\.)\S+[^\n]*$", re.MULTILINE
)
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,200})\] ?\[[^\[\]\n]{0,80}\]")
_ADDRESS = re.compile(r"<((?:https?://|mailto:)[^\s<>|]{1,500})(?:\|([^<>\n]{1,200}))?>")
_MARK = re.compile(r"\[\^([^\[\]\s]{1,20})\]")
_ESCAPE = re.compile(r"(?<![¯\\:])\\([*_#~\[\]])")
_STRUCK = re.compile(
    r"(?<![\w~=])(~~|\|\||==)(?=[^\s~|=])([^~|=\n]{1,200}?)(?<=[^\s~|=])\1(?![\w~=])"
)
_FENCE = re.compile(r"```[ \t]*(\w*)[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_PROSE = re.compile(r"(?:[^\W\d_][\w'’-]*[,;:]?[ \n]+){4}")
_CODE_SIGN = re.compile(r"[{}<>=\\$|]|\w\(|;$", re.MULTILINE)
_ENDED = re.compile(r"[.!?…。！？][\"'”’*)]*\s*(?:\n|$)")


def unfenced(text: str) -> str:
    """Without the fences around prose; those around code stay."""
    return _FENCE.sub(_out_of_fence, text) if "```" in text else text


def _out_of_fence(fence: re.Match[str]) -> str:
    language, content = fence[1].lower(), fence[2]
    if language in ("markdown", "md"):
        return content
    is_plain = language in ("", "text", "txt", "plaintext")
    return content if is_plain and _is_prose(content) else fence[0]


def _is_prose(content: str) -> bool:
    is_code = _CODE_SIGN.search(content)
    return bool(not is_code and _PROSE.search(content) and _ENDED.search(content))


def strip_markdown(text: str) -> str:
    """Without links, pictures, headings, rules, tables, and the bold words of an article."""
    if "[" in text:
        text = _strip_links(text)
    if "<" in text:
        text = _ADDRESS.sub(lambda address: address[2] or address[1], text)
    if "\\" in text and ":\\" not in text:
        text = _ESCAPE.sub(r"\1", text)
    if "~~" in text or "||" in text or "==" in text:
        text = _STRUCK.sub(r"\2", text)
    return _strip_article(text)


def _strip_links(text: str) -> str:
    text = grammar.MD_LINK.sub(_text_of_link, text)
    text = grammar.MD_REST.sub(_text_of_link, text) if "](" in text or "![" in text else text
    if "[^" in text:
        text = _without_notes(text)
    without = _DEFINED.sub("", text)
    if without != text:
        text = _REFERENCE.sub(r"\1", without)
    return text


def _text_of_link(link: re.Match[str]) -> str:
    """Its words. A number is a mark of citation: style.citation decides."""
    if link[0].startswith("!"):
        return ""
    is_mark = link["text"].strip("[]^ ").isdigit()
    return link[0] if is_mark else link["text"]


def _without_notes(text: str) -> str:
    """Without footnotes, and the marks that lead to them."""
    names = {note["name"] for note in grammar.MD_NOTE.finditer(text)}
    if not names:
        return text
    text = grammar.MD_NOTE.sub("", text)
    return _MARK.sub(lambda mark: "" if mark[1] in names else mark[0], text).rstrip()


def _strip_article(text: str) -> str:
    plain = text
    if "#" in text and not _PROGRAM.search(text):
        plain = _SMALL.sub("", _HEADING.sub(r"\g<text>", plain))
    if "|" in plain and _TABLE_RULE.search(plain):
        plain = _TABLE_ROW.sub(_row_of_cells, _TABLE_RULE.sub("", plain))
    is_article = plain != text or any(sign.search(text) for sign in (_ITEM, _TITLED, _TICK))
    if is_article:
        plain = _TICK.sub(r"\1", _BOLD.sub(r"\2", plain))
    return _RULE.sub("", plain) if "\n" in plain else plain


def _row_of_cells(row: re.Match[str]) -> str:
    cells = [cell.strip() for cell in row["cells"].split("|")]
    return ", ".join(filter(None, cells))
