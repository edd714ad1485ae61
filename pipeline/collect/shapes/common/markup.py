"""The visible text of a piece of HTML, as forums and messengers keep single messages."""

from __future__ import annotations

import html
import re

# what a message repeats of an earlier one
QUOTATION = re.compile(
    r"<(quote|blockquote)\b.*?</\1>|<aside class=\"quote.*?</aside>", re.S | re.I
)
PARAGRAPH = re.compile(r"\s*(?:</p>\s*<p\b[^<>]*>|<p\b[^<>]*>|</p>|</div>)\s*", re.I)
NEW_LINE = re.compile(r"<br\s*/?>\n?|</li>\s*", re.I)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def visible(text: str) -> str:
    """The text without its tags and quotations: paragraphs with an empty line between them."""
    text = QUOTATION.sub("", text)
    text = NEW_LINE.sub("\n", PARAGRAPH.sub("\n\n", text))
    return html.unescape(TAG.sub("", text)).strip()
