"""Texts of others inside Markdown: shown as they are, never taken for markup.

a | b [x](y) <script>     \\[x\\]\\(y\\) …     what a reader sees is what the data holds
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

MARKUP = re.compile(r"([\\`*_\[\]#~$!])")
INSIDE_WORD = re.compile(r"(?<=\w)\\_(?=\w)")  # an underline inside a word marks nothing
CODE = re.compile(r"((?<!`)`[^`]+`(?!`))")


def text(value: object) -> str:
    """A text inside a paragraph, on one line."""
    line = " ".join(str(value).split())
    marked = MARKUP.sub(r"\\\1", escape(line, quote=False))
    return INSIDE_WORD.sub("_", marked)


def sentence(value: object) -> str:
    """The same; what stands in `…` stays code, in which nothing is markup either."""
    parts = CODE.split(str(value))
    parts[::2] = [_padded(part) for part in parts[::2]]
    return "".join(parts)


def _padded(part: str) -> str:
    """`text` of a part, with the blanks around it."""
    before, after = " " * part[:1].isspace(), " " * part[-1:].isspace()
    return before + text(part) + after if part.strip() else part


def cell(value: object) -> str:
    """A text inside a table."""
    return sentence(value).replace("|", "\\|")


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A table of texts of others; empty where it has no row."""
    if not rows:
        return ""
    lines = [_line(map(cell, head)), _line(["---"] * len(head))]
    lines += [_line(map(cell, row)) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str] | map[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def code(language: str, content: str) -> str:
    """A block of code, whatever it holds."""
    longest = max(map(len, re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content.rstrip()}\n{fence}"
