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

from pipeline.rules.privacy.hints import Bounds, Hint, any_word, whole_word
from pipeline.rules.privacy.keys import is_placeholder, keys
from pipeline.rules.privacy.wallets import wallets
from pipeline.rules.reading.lists import UNSPACED, listed

ANNOUNCE_SECRETS: frozenset[Hint] = frozenset(("secret", "block", "seed"))

BITS = 2.8  # per character of a key that no service is known by, at least; words have less

_EDGE = rf"[^\W_{UNSPACED}]"
_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[A-Za-z0-9+/=\s:,.\\-]{0,8000}?-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:\s{0,4}[A-Za-z0-9+/=]{16,})*)"
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
_VALUE = (
    rf"{_QUOTE}(?P<value>(?:(?![\s\0\"“”„«»`「」『』，。、；！？]|[{UNSPACED}])[^\0]){{3,100}})"
)
_LONG = r"(?P<value>[A-Za-z0-9][A-Za-z0-9._~+/=-]{14,}[A-Za-z0-9=])"
_HEADER = re.compile(rf"\b(?:Bearer|Basic|Token)\s+{_LONG}", re.IGNORECASE)
_AFTER_VALUE = re.compile(
    r"\s*(?:characters?|letters?|digits?|signs|symbols?|words?|zeichen|buchstaben|stellen|caract|lettres"
    r"|chiffres|letras|dígitos|lettere|caratteri|симв|букв|знак|цифр)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[\"'“”„«»‘’`*」』).,!]*\s*(?:\n|$)")
_ACCOUNT = re.compile(
    r"(?:user(?:name|[ _]?id)?|log[ -]?in|account|e-?mail|benutzer(?:name)?|konto|identifiant"
    r"|usuario|utente|usuário|логин|имя пользователя|用户名|账号|ユーザー名|아이디)\s*[:=：]\s*\S",
    re.IGNORECASE,
)
_MARK = re.compile(r"[!@#$%^&*+=~<>|\\?_]")
_TRAILING = ".,;:)]}\"'“”„«»‘’*`>»"
_CLAUSE_ENDS = re.compile(
    r"\s*(?:[,.;!?)\"'»”。，！、」]|$|\n|\0|(?:and|or|but|if|und|oder|et|ou|y|e|o|и|или|en|och)\b|[^\W\d_A-Za-z])"
)
_PIN = re.compile(r"\d{3,12}")
_WORDS_OF_SEED = re.compile(
    r"(?:\d{1,2}[.):]?\s*)?[a-z]{3,8}(?:[ \t,;\n]+(?:\d{1,2}[.):]?\s*)?[a-z]{3,8}){11,23}(?![\w'])"
)
# Frequent words, none of which is in the lists of seed words (BIP 39).
_NEVER_IN_SEED = frozenset([
    "the", "and", "was", "for", "are", "his", "her", "but", "not", "had", "has", "from", "were",
    "been", "them", "their", "which", "would", "could", "she", "its", "than", "how", "our", "did",
])  # fmt: skip
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
        if _is_password(text, start, end):
            yield start, end
    for match in _bare_password().finditer(text):
        start, end = _trimmed(text, *match.span("value"))
        if _is_password(text, start, end) and not _PIN.fullmatch(text[start:end]):
            yield start, end


@cache
def _password() -> re.Pattern[str]:
    """ "password for the wifi is …": with a word or sign before the value."""
    word = whole_word(listed("secret_words"))
    return re.compile(rf"{word}{_ABOUT}{_IS}{_VALUE}", re.IGNORECASE)


@cache
def _bare_password() -> re.Pattern[str]:
    """ "pw hunter22", "пароль от почты qwErty_2291": without one."""
    words = listed("secret_words")
    long = any_word(word for word in words if len(word) >= 6)
    marked = r"(?=\S*[_!#$%&*+=~])(?=\S*\d)(?![^\s@]*@)(?=[^\W_])"
    return re.compile(
        rf"(?<!{_EDGE})(?:{any_word(words)}\s+|{long}\s[^\n.!?:=\d]{{1,30}}\s{marked})"
        rf"(?=\S{{6}}){_VALUE}",
        re.IGNORECASE,
    )


def _trimmed(text: str, start: int, end: int) -> Bounds:
    """Without the punctuation of the sentence after it."""
    return start, start + len(text[start:end].rstrip(_TRAILING))


def _is_password(text: str, start: int, end: int) -> bool:
    """Digits, or letters with digits or signs; of letters only beside the name of the account."""
    value = text[start:end]
    if len(value) < 3 or is_placeholder(value) or _AFTER_VALUE.match(text, end):
        return False
    if _PIN.fullmatch(value):
        return _CLAUSE_ENDS.match(text, end) is not None
    letters = any(map(str.isalpha, value))
    if letters and any(map(str.isdigit, value)):
        return len(value) >= 5
    if letters and _MARK.search(value.rstrip("!?")):
        return len(value) >= 6
    account = _ACCOUNT.search(text, max(0, start - 80), start)
    return (
        letters and len(value) >= 5 and account is not None and _ENDS.match(text, end) is not None
    )


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
