"""Names of accounts in a message: where they stand.

"I'm @lena_k"  "Lena#1234"  "u/lena"       written as handles are
"my insta is lena_k99"                     after the name of a network
"телеграм: anya"  "t.me/anya"              after the name and a colon; in a link
"QQ号 123456789"                           a number, where the network has numbers
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pipeline.rules.privacy.hints import Bounds, any_word, words_in
from pipeline.rules.privacy.phones import HINT
from pipeline.rules.reading.lists import UNSPACED, listed

_HANDLE = re.compile(
    rf"(?<![^\W{UNSPACED}])(?<![@./=:-])[@＠](?=[\w.]*[A-Za-z])(?!\d+h\b)"
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![\w(\n]|\.\w)"
    r"|(?<![\w@#])[A-Za-z][\w.]{1,31}#\d{4}(?!\w)"
    r"|(?<=\s)(?<!\w)u/[A-Za-z0-9_-]{3,20}(?![\w/])"
)
_NICKNAME = re.compile(
    r"(?<![A-Za-z0-9_@.])[A-Za-z][A-Za-z.]*[0-9_][A-Za-z0-9_.]{0,28}(?<!\.)"
)  # lena_k99
# After a colon a name may look like any word; whatever follows must end the sentence.
_PLAIN = re.compile(
    r"(?<=[\s:：=])[A-Za-z][A-Za-z.-]{3,28}[A-Za-z](?=[\s]*(?:[,;)。，！]|[.!](?:\s|$)|$|\n))"
)
_PROFILE = re.compile(
    r"(?<![\w.])(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|instagram\.com|vk\.com|facebook\.com"
    r"|fb\.com|twitter\.com|x\.com|tiktok\.com/@|snapchat\.com/add|linkedin\.com/in|twitch\.tv"
    r"|wa\.me|steamcommunity\.com/id|ok\.ru|weibo\.com)/?(?<=[/@])\+?[A-Za-z0-9_.-]{3,40}"
    r"(?<![.-])(?![\w./-]*[\w/])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?<![A-Za-z])QQ(?:[ ]?号码?|[ ]?號碼?|群)?[ ]?(?:[:：是为]|is|number)*[ ]?"
    r"(?P<number>\d{5,11})(?!\d)",
    re.IGNORECASE,
)
_SOMEBODYS = re.compile(
    r"(?:^|[\n.,;!?(|/]|我的?|加|私の|俺の|내|제"
    r"|(?<![^\W\d_])(?:my|her|his|me|me on|add|mein|meine|mich auf|mon|ma|mi|mis|meu|minha|mio|mia"
    r"|мой|моя|мне в|меня в|mijn|mój|min|mitt))\s*$",
    re.IGNORECASE,
)
_NOBODY = frozenset(
    {"@user", "@everyone", "@here", "@channel", "@all", "@username", "@home", "@gmail", "@work"}
)


def handles(text: str) -> Iterator[Bounds]:
    """Names that are written as handles are."""
    for match in _HANDLE.finditer(text):
        if match.group().lower() not in _NOBODY:
            yield match.span()


def profiles(text: str) -> Iterator[Bounds]:
    """Links to somebody's page in a network."""
    yield from (match.span() for match in _PROFILE.finditer(text))


def nicknames(text: str) -> Iterator[Bounds]:
    """Names with a digit or "_" after the name of a network, and numbers in QQ."""
    for match in _NICKNAME.finditer(text):
        if _is_after_network(text[max(0, match.start() - HINT) : match.start()]):
            yield match.span()
    if "QQ" in text or "qq" in text:
        yield from (match.span("number") for match in _NUMBERED.finditer(text))


def plain_nicknames(text: str) -> Iterator[Bounds]:
    """Names of letters only, after a network and a colon: "my insta: lena"."""
    for match in _PLAIN.finditer(text):
        before = text[max(0, match.start() - HINT) : match.start()].rstrip()
        if before.endswith((":", "：", "=")) and _is_somebodys_network(before):
            yield match.span()


def _is_somebodys_network(before: str) -> bool:
    """ "my insta:", "add me on telegram:", but not "I saw it on twitter:"."""
    return any(
        _links().fullmatch(before, end) and _SOMEBODYS.search(before, 0, start)
        for start, end in words_in("handle_words", before)
    )


def _is_after_network(before: str) -> bool:
    """ "my insta is": the name of a network, then words that may stand before the name."""
    return any(_links().fullmatch(before, end) for _, end in words_in("handle_words", before))


@cache
def _links() -> re.Pattern[str]:
    word = any_word(listed("handle_links"))
    return re.compile(
        rf"[\s:：=-]*(?:{word}(?![^\W{UNSPACED}])[\s:：=-]*){{0,4}}[(\"'«“]?", re.IGNORECASE
    )
