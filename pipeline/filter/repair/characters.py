"""Blanks and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from pipeline.rules.reading.signs import holds

_CODE = "```"
_ODD = re.compile(
    "[\x00-\x08\t\v\f\r\x0e-\x1f\x7f-\xa0\xad\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]"
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]"
)
_BLANKS = re.compile("[ \t\v\f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_EDGES = ("\0\n", "\n\0")  # with blanks in place of "\n" they are odd blanks
_ODD_BLANKS = ("  ", " \n", "\n ")
_BREAKS = re.compile(" *(?:\r\n?|[\n\x85\u2028\u2029]) *")


def tidy(text: str) -> str:
    """Composed characters (NFC), none that are invisible, single blanks, no blanks around line
    breaks; code stays."""
    if _CODE in text or not _has_odd(text):
        return text.strip()
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def is_untidy(text: str) -> bool:
    """Would `tidy` change any of some texts? text: all of them, joined by NUL."""
    if text != text.strip() or holds(text, _EDGES):
        return True
    return _has_odd(text.replace("\0", "\n"))


def _has_odd(text: str) -> bool:
    """Is there a character or a blank that `tidy` changes? Odd ones are not printable."""
    if not text.replace("\n", "").isprintable() and _ODD.search(text):
        return True
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        return True
    return holds(text, _ODD_BLANKS)


def outside_code(change: Callable[[str], str]) -> Callable[[str], str]:
    """The change of texts, but not of those that hold code."""
    return lambda text: text if _CODE in text else change(text)
