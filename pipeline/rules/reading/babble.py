"""Words of no language: a message of many words none of which is a common one.

    "blorf grenti wuzzle pim docka flanet skibber vonk"     nothing known in eight words
    "Dopey, Sneezy, Grumpy, Happy, Sleepy, Doc"             a list
    "the tall Mr Blorf drank his coffee"                    the, tall, his, coffee

Nobody writes six words without a small one. In conversations only whose language the lists know:
see `LANGUAGES`. A message in another language has small words too, but not such as are listed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import listed
from pipeline.rules.reading.phrases import OFTEN_USED
from pipeline.rules.reading.soup import is_soup

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = frozenset(("en", "de", "fr", "es", "it", "pt", "ru", "nl", "sv", "id"))
ENOUGH = 6  # words
SHORT = 5  # letters of a message
LOOKED_AT = 60  # letters at the beginning of a message
LEAST = 3.0  # mean letters of a word: "ha ha ha", "la la la" have fewer
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_FOREIGN = re.compile("[^\\W\\d_a-zà-žа-яё]")  # another script, or a capital
_LISTS = ("vocabulary", "unfinished", "unfinished_weak", "first_person", "these_days")


def babble(text: str, folded: str, is_known: bool) -> Iterator[tuple[int, int]]:
    """Where messages without a known word stand that are babble or soup.

    text, folded: as in `Reading`. is_known: whether the conversation is in one of `LANGUAGES`.
    """
    start, common = 0, _common()
    for line in folded.split("\0"):
        end = start + len(line)
        if len(line) >= SHORT and common.isdisjoint(line[:LOOKED_AT].split()):
            words = line.split()
            of_no_language = is_known and len(words) >= ENOUGH and _is_babble(text[start:end])
            if of_no_language or is_soup(text[start:end]):
                yield start, end
        start = end + 1


def _is_babble(message: str) -> bool:
    words = [match[0] for match in _WORD.finditer(message)]
    plain = {word for word in words if not _FOREIGN.search(word[1:])}
    named = [word for word in words[1:] if word[0].isupper()]
    is_prose = len(named) * 4 <= len(words) and message.count(",") * 3 <= len(words)
    if not is_prose or len(plain) < max(ENOUGH, 0.8 * len(words)):
        return False
    letters = sum(map(len, plain))
    lower = {word.lower() for word in plain}
    return letters >= LEAST * len(plain) and _common().isdisjoint(lower)


@cache
def _common() -> frozenset[str]:
    """Common words of `LANGUAGES`, and parts of shortened ones."""
    words = {word for name in _LISTS for line in listed(name) for word in line.split()}
    return frozenset(words | OFTEN_USED)
