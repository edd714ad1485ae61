"""Secrets in a message: keys, passwords, seed phrases, wallets; where they stand.

    "my password is hunter2, ok?"           hunter2
    "api_key = '9fX…24 more'"               the value, without quotation marks
    "seed phrase: witch collapse … least"   the twelve words
    "-----BEGIN PRIVATE KEY----- …"         the whole block

A word says what follows (`configs/words/secret_words.txt`, `seed_words.txt`), and the form must be
one that words of a sentence do not have: "my password is wrong", "the key is under the pot".
Hashes and codes of products, which no such word announces, are no secrets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Set
from functools import cache
from math import log2

from pipeline.rules.privacy.hints import Hint, any_word
from pipeline.rules.privacy.keys import is_placeholder, keys
from pipeline.rules.privacy.wallets import wallets
from pipeline.rules.reading.phrases import UNSPACED, listed

Bounds = tuple[int, int]

ANNOUNCE_SECRETS: frozenset[Hint] = frozenset(("secret", "block", "seed"))

BITS = 2.8  # per character of a key that no service is known by, at least; words have less

_EDGE = rf"[^\W_{UNSPACED}]"
_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"[A-Za-z0-9+/=\s:,.\\-]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?=\0|$))"
    r"|PuTTY-User-Key-File-\d: .*"
)
# What may stand between the word and the value: "for the wifi", then "is", ":" or nothing.
_ABOUT = r"[\"'’»”*_`)\]]{0,3}[^\n.!?:=;\"']{0,40}?"
_IS = (
    r"(?:\s*[:：=]+>?\s*|\s*[-–—]+>?\s+|(?<![A-Za-z])(?:is|was|are|ist|lautet|war|est|c['’]est|es|era|é|è|jest|är|er"
    r"|to|yra|это|такой|такая|adalah|là)\s+(?:now\s+|jetzt\s+|maintenant\s+|ahora\s+)?(?:[:：]\s*)?"
    r"|\s*(?:是|为|為|就是|は|が|은|는|이|가)[:：]?\s*)"
)
_QUOTE = r"[\"'“”„«»‘’`*「『]{0,3}"
_VALUE = rf"{_QUOTE}(?P<value>(?:(?![\s\0\"“”„«»`「」『』，。、；！？]|[{UNSPACED}])[^\0]){{3,100}})"
_LONG = r"(?P<value>[A-Za-z0-9][A-Za-z0-9._~+/=-]{14,}[A-Za-z0-9=])"
_HEADER = re.compile(rf"\b(?:Bearer|Basic|Token)\s+{_LONG}", re.IGNORECASE)
_AFTER_VALUE = re.compile(
    r"\s*(?:characters?|letters?|digits?|signs|symbols?|words?|zeichen|buchstaben|stellen|caract|lettres"
    r"|chiffres|letras|dígitos|lettere|caratteri|симв|букв|знак|цифр)",
    re.IGNORECASE,
)
_END_OF_LINE = re.compile(r"[\"'“”„«»‘’`*」』).,!]*\s*(?:\n|$)")
_MARK = re.compile(r"[!@#$%^&*+=~<>|\\?_]")
_TRAILING = ".,;:)]}\"'“”„«»‘’*`>»"
_PIN = re.compile(r"\d{3,12}")
_WORDS_OF_SEED = re.compile(
    r"(?:\d{1,2}[.):]?\s*)?[a-z]{3,8}(?:[ \t,;\n]+(?:\d{1,2}[.):]?\s*)?[a-z]{3,8}){11,23}(?![\w'])"
)
# Frequent words, none of which is in the lists of seed words (BIP 39).
_NEVER_IN_SEED = frozenset(
    "the and was for are his her but not had has from were been them their which would could"
    " she its than how our out did".split()
)
_LETTERS = re.compile("[a-z]+")


def secrets(text: str, hinted: Set[Hint], has_long: bool) -> Iterator[Bounds]:
    """Where secrets start and end. hinted: what the words of the text announce (`hints`). has_long:
    whether a word is as long as keys are."""
    if "block" in hinted:
        yield from (match.span() for match in _BLOCK.finditer(text))
    if has_long:
        yield from keys(text)
        yield from wallets(text)
    if "secret" in hinted:
        yield from _announced(text)
    if "token" in hinted and has_long:
        yield from _tokens(text)
    if "seed" in hinted:
        yield from _seeds(text)


# --- passwords


def _announced(text: str) -> Iterator[Bounds]:
    """What follows a word for a password, where it has the form of one."""
    for match in _password().finditer(text):
        start, end = _trimmed(text, *match.span("value"))
        strict = not match["sign"].strip(" \t").startswith((":", "：", "="))
        if _is_password(text, start, end, strict):
            yield start, end


@cache
def _password() -> re.Pattern[str]:
    word = any_word(listed("secret_words"))
    return re.compile(
        rf"(?<!{_EDGE}){word}(?!{_EDGE}){_ABOUT}(?P<sign>{_IS}){_VALUE}", re.IGNORECASE
    )


def _trimmed(text: str, start: int, end: int) -> Bounds:
    """Without the punctuation of the sentence after it."""
    return start, start + len(text[start:end].rstrip(_TRAILING))


def _is_password(text: str, start: int, end: int, strict: bool) -> bool:
    """strict: no colon stands before it, so that words of the sentence may follow."""
    value = text[start:end]
    if len(value) < 3 or is_placeholder(value) or _AFTER_VALUE.match(text, end):
        return False
    if _PIN.fullmatch(value):
        return True
    letters = any(map(str.isalpha, value))
    if letters and any(map(str.isdigit, value)):
        return len(value) >= 5
    if letters and _MARK.search(value.rstrip("!?")):
        return len(value) >= 6
    alone = _END_OF_LINE.match(text, end) and "?" not in text[end : end + 2]
    return not strict and letters and len(value) >= 5 and bool(alone)


# --- keys without a service


def _tokens(text: str) -> Iterator[Bounds]:
    """Random letters after a word for a key: `Authorization: Bearer …`, `"api_key": "…"`."""
    for pattern in (_HEADER, _named_token()):
        for match in pattern.finditer(text):
            value = match["value"]
            if is_random(value) and not is_placeholder(value):
                yield match.span("value")


@cache
def _named_token() -> re.Pattern[str]:
    word = any_word(listed("token_words"))
    about = r"[\w\"'’»”*_`)\]-]{0,12}[^\n.!?:=;\d]{0,24}?"
    return re.compile(
        rf"{word}{about}(?:[:=：\s]|是|为|は|が|은|는)+{_QUOTE}{_LONG}", re.IGNORECASE
    )


def is_random(value: str) -> bool:
    """Letters and digits mixed without order, as words, numbers and days are not."""
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    counts = Counter(value).values()
    bits = -sum(n / len(value) * log2(n / len(value)) for n in counts)
    return digits >= 2 and letters >= 4 and bits >= BITS


# --- seed phrases


def _seeds(text: str) -> Iterator[Bounds]:
    """Twelve to 24 plain words after a word for a seed phrase."""
    for word in _seed_word().finditer(text):
        match = _WORDS_OF_SEED.search(text, word.end(), word.end() + 400)
        if match and _NEVER_IN_SEED.isdisjoint(_LETTERS.findall(match.group())):
            yield match.span()


@cache
def _seed_word() -> re.Pattern[str]:
    return re.compile(any_word(listed("seed_words")), re.IGNORECASE)
