"""Blanks and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from pipeline.conversation import Alternative, Message

_CODE = "```"
_ODD = re.compile(
    "[\x00-\x08\t\v\f\r\x0e-\x1f\x7f-\xa0\xad\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]"
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]"
)
_BLANKS = re.compile("[ \t\v\f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BREAKS = re.compile(" *(?:\r\n?|[\n\x85\u2028\u2029]) *")


def tidy(text: str) -> str:
    """Composed characters (NFC), none that are invisible, single blanks, no blanks around line
    breaks; code stays."""
    if _CODE in text:
        return text.strip()
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def is_untidy(text: str, messages: Sequence[Message | Alternative]) -> bool:
    """Would `tidy` change any message or alternative? text: all of them."""
    if _ODD.search(text.replace("\0", "\n")) or not unicodedata.is_normalized("NFC", text):
        return True
    if any(blanks in text for blanks in ("  ", " \n", "\n ")):
        return True
    return any(message.content != message.content.strip() for message in messages)


def outside_code(change: Callable[[str], str]) -> Callable[[str], str]:
    """The change of texts, but not of those that hold code."""
    return lambda text: text if _CODE in text else change(text)
