"""Addresses of mailboxes in a message, also where they are written so that no program finds them.

anna@example.org    jörg@büro-köln.de    anna @ example . org
anna (at) example (dot) org    anna [собака] example.ru
anna dot b at example dot org    anna arroba example punto com
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Letters of names: Latin, Greek and Cyrillic. Chinese and Japanese sentences touch an address.
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿ"
_TOP = (
    r"(?:com|org|net|edu|gov|info|io|me|co|uk|de|fr|es|it|nl|pl|ru|ua|pt|br|jp|kr|cn|se|no|dk|fi|eu"
    r"|us|ca|au|in|id|example|test|app|dev|at|ch|be|cz|tr|mx|ar|cl|рф|ру|ком)"
)
_AT_SIGN = "(?:arroba|arobase|chiocciola|собака|собачка|sobaka|małpa|klammeraffe|apenstaartje)"
_AT_WORD = f"(?:at|ät|{_AT_SIGN})"
_DOT_WORD = r"(?:dot|punkt|punto|point|ponto|точка|tochka|kropka|点|점)"
_AT = (  # "as @mira.example" is a handle
    rf"(?:[@＠][ ]?|[ ][@＠][ ]|[ ]?[\[({{<][ ]?(?:@|a|{_AT_WORD})[ ]?[\])}}>][ ]?"
    r"|[ ]?(?:アットマーク|골뱅이)[ ]?)"
)
_DOT = rf"(?:\.|[ ]\.[ ]|[ ]?[\[({{<][ ]?(?:\.|{_DOT_WORD})[ ]?[\])}}>][ ]?|[ ]{_DOT_WORD}[ ]|点)"
_NAME = rf"[{_LETTER}0-9][{_LETTER}0-9._%+-]{{0,63}}"
_HOST = rf"[{_LETTER}0-9-]{{1,62}}"
_SPELT_NAME = rf"[{_LETTER}0-9._+-]{{1,32}}(?:[ ]{_DOT_WORD}[ ][{_LETTER}0-9-]{{1,32}}){{0,2}}"
_SPELT_HOST = rf"{_HOST}(?:[ ]{_DOT_WORD}[ ]{_HOST})??"
_BEFORE = rf"(?<![{_LETTER}0-9._%+@-])"
_AFTER = rf"(?![{_LETTER}0-9@-]|\.[{_LETTER}])"
_PLAIN = re.compile(
    rf"{_BEFORE}{_NAME}@(?:[{_LETTER}0-9](?:[{_LETTER}0-9-]{{0,61}}[{_LETTER}0-9])?\.)+"
    rf"[{_LETTER}]{{2,24}}{_AFTER}"
)
_DISGUISED = re.compile(
    rf"{_BEFORE}(?:{_NAME}{_AT}{_HOST}(?:{_DOT}{_HOST})??{_DOT}{_TOP}"
    rf"|{_SPELT_NAME}[ ]{_AT_WORD}[ ]{_SPELT_HOST}[ ]{_DOT_WORD}[ ]{_TOP}"
    rf"|{_SPELT_NAME}[ ]{_AT_SIGN}[ ]{_HOST}(?:\.{_HOST})?\.{_TOP}){_AFTER}",
    re.IGNORECASE,
)
_SHORT_DOT = re.compile(
    rf"\s*(?:\.|[\[({{<]\s?(?:\.|{_DOT_WORD})\s?[\])}}>]|\s{_DOT_WORD}\s|点)\s*"
)
_SHORT_AT = re.compile(
    rf"\s*(?:[@＠]|[\[({{<]\s?(?:@|a|{_AT_WORD})\s?[\])}}>]|\s{_AT_WORD}\s|アットマーク|골뱅이)\s*"
)


def emails(text: str, disguised: bool) -> Iterator[tuple[int, int]]:
    """Where addresses of mailboxes start and end. disguised: whether a word for "@" or a point is
    in the text."""
    if "@" in text:
        yield from (match.span() for match in _PLAIN.finditer(text))
    if disguised or " @" in text or "@ " in text:
        yield from (match.span() for match in _DISGUISED.finditer(text))


def plain(address: str) -> str:
    """An address in small letters as programs write it: `anna at example dot org` is
    `anna@example.org`."""
    return _SHORT_DOT.sub(".", _SHORT_AT.sub("@", address))
