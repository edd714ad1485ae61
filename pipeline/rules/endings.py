"""Does the last message break off? Only where something in it says so.

    "and she never liked the"          after a word that no message ends with
        "She whispers, \"Never tell"        inside a quotation or a bracket
    "where do you work t"              at a stray letter, "what's you", or "didn", "wasn"

More is said where at least five messages are there and nearly all others end in a full stop:

    "The food was beautifu"            at no word, but at the beginning of one
    "to see a flat at Bel"             the same, where others have written "Belmont"
    "I would like to go with"          after a word that few messages end with
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, listed

if TYPE_CHECKING:
    from pipeline.conversation import Message

ENOUGH = 5  # messages, from which on the full stops of the others say anything about the last
MOST = 0.6  # of the others
_ENDS = ".!?…。！？~)]}\"'”’»*」』）~♪"
_STRAY = re.compile(
    r"[a-z]\s[b-hj-tv-w]\Z|(?i:\b(?:do|did|are|were|can|could|will|would|have) y\Z)"
    r"|(?i:\b(?:what|where|when|how)['’]s you\Z)"
)
# Here a preposition may be the last word: "what is it for", "not that I know of".
_STRANDED = re.compile(
    r"\b(?:what|where|who|which|that|how|one|something|nothing)\b[^.!?]*\b(?:of|for|with|by|from)\Z",
    re.IGNORECASE,
)
SHORT = 6  # characters: "好的"
_LONE = re.compile(r"(?<![:;=8])\s[b-tv-wyzB-HJ-Z]\Z")
_SHORTENED = re.compile(
    r"(?<!\w)(?:did|does|is|was|could|would|should|have|has|had|are|were)n\Z|(?<!\w)I don\Z"
)
_ANSWERED = re.compile(  # "Yes they're", "I got an A", French "vingt en un an"
    r"un an\Z|\ban [af]\Z|(?:\A|[.!?\n,] ?)(?:yes|yeah|yep|no|nope|sure|oh)\W{1,3}\w+'\w+\Z"
)
# Opened and not closed: "She said (and", not ":(" and "5\"".
# German prints »so« as well, where the mark at the end closes.
_OPEN = re.compile(r"(?:(?:\A|(?<=\s))[(\[](?=\w)[^()\[\]]*|“[^“”]+|«[^«»]+|„[^„“”]+|「[^「」]+)\Z")
_WORD = re.compile(r"(?<![^\W_])(?<!['’])[^\W\d_]+\Z")
# Parts of a longer word, date or verb: "на балкон б", "新しいハ", "5月1", and です in a sentence:
# "家族と毎年行く場所は海で". But "いいネ" ends so, and "駅で" answers a question.
_PART = re.compile(
    r"(?<=\w )[бвгджзйлмнпртфхцчшщъь]\Z"
    r"|(?<![ァ-ヺー])[ァ-ヺ](?<![ネヨナワゾゼサノヤモ])\Z"
    r"|月\d{1,2}\Z"
    r"|[^。！？]{9}[ァ-ヺー一-龯]で\Z"
)
_LETTER = re.compile(r"(?<=\s)[b-hj-np-xzB-HJ-NP-XZ]\Z")  # no word is written so
_WORDS = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"://|www\.|@|\w\.\w")
_TAIL = 80  # characters at the end of a message in which its last words are looked for
_EAST_ASIAN = re.compile(f"[{UNSPACED}]")
_QUOTED = 20  # characters of the evidence
_SENTENCE = re.compile(r"(?:\A|[.!?]\s+)\Z")
# Endings of words that make no other word of them.
_FORMS = ("s", "es", "d", "ed", "ing", "er", "ly", "n", "en")


def breaks_off(messages: Sequence[Message]) -> str:
    """The words at which the last message breaks off; "" where it does not, or nothing says so."""
    text = messages[-1].content.rstrip() if messages else ""
    if not text or _ADDRESS.search(text[-_TAIL:].rsplit(None, 1)[-1]):
        return ""
    others = [message.content for message in messages[:-1]]
    if _is_open(text):
        return text[-_QUOTED:]
    tail = text[-_TAIL:]
    if _is_whole(tail) or _is_a_known_letter(tail, others):
        return ""
    is_cut = _is_cut(tail) or _is_probably_cut(tail, others)
    return text[-_QUOTED:] if is_cut else ""


def _is_a_known_letter(text: str, others: Sequence[str]) -> bool:
    """Is the last word a letter that others have written alone? "Lots of c", after "vitamin c"."""
    last = _LETTER.search(text)
    return last is not None and any(_has_word(other, last[0]) for other in others)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w'’]){word}(?![\w'’])", text, re.IGNORECASE) is not None


def _is_whole(text: str) -> bool:
    """Does it end as a message may end?"""
    return not text or text[-1] in _ENDS or not text[-1].isalnum()


def _is_open(text: str) -> bool:
    """Does it end inside a quotation or a bracket?"""
    if text[-1] in ".!?…。！？'’":
        return False
    opened = text.count('"') % 2 == 1 and re.search(r'(?:\A|\s)"\w[^"]*\Z', text)
    return bool(opened or _OPEN.search(text))


def _is_cut(text: str) -> bool:
    """After "the", at a stray letter; not after "plan b", "an A", "yes they're"."""
    lower = text.lower()
    if _ends_in_a_letter(lower) or _ANSWERED.search(lower):
        return False
    stray = _STRAY.search(text) or _SHORTENED.search(text)
    return bool(stray or _ends_with("unfinished").search(lower))


def _end_in_stops(others: Sequence[str]) -> bool:
    return len(others) >= ENOUGH - 1 and fmean(map(_is_whole, others)) > MOST


def _is_probably_cut(text: str, others: Sequence[str]) -> bool:
    """The same with weaker signs, in a conversation whose messages end in full stops."""
    if not _end_in_stops(others):
        return False
    lower = text.lower()
    if _ends_in_a_letter(lower) or _ANSWERED.search(lower):
        return False
    if _LONE.search(text) or _PART.search(text):
        return True
    if _ends_with("unfinished_weak").search(lower):
        return not (_STRANDED.search(text) or len(text) < SHORT)
    word = _WORD.search(text)
    if word is None:
        return False
    before = text[: word.start()]
    is_first = bool(_SENTENCE.search(before))
    return _is_beginning(word[0], is_first) or _is_beginning_of_one_of(word[0], [*others, before])


def _is_beginning_of_one_of(word: str, texts: Sequence[str]) -> bool:
    """Is it no word, but the beginning of one that these texts hold? In every language and of
    names; "skateboard" before "skateboarding" is known, and "Kentucky" before "Kentuckys" a form.
    """
    lower = word.lower()
    if len(word) == 1 or _EAST_ASIAN.search(word) or _is_known(lower):
        return False
    written = {each for text in texts for each in _WORDS.findall(text.lower())}
    longer = {each.removeprefix(lower) for each in written if each.startswith(lower)}
    return bool(longer) and longer.isdisjoint({"", *_FORMS})


def _is_beginning(word: str, is_first: bool) -> bool:
    """Is it no word, but the beginning of one? Names are not known."""
    if word[0].isupper() and not is_first:
        return False
    words, lower = _vocabulary(), word.lower()
    if len(lower) == 1 or _is_known(lower):
        return False
    place = bisect_left(words, lower)
    return place < len(words) and words[place].startswith(lower)


def _is_known(word: str) -> bool:
    """A word of the vocabulary, or a form of one: "dogs", "baked", "baking"."""
    if _holds(word):
        return True
    stems = [word.removesuffix(form) for form in _FORMS if word.endswith(form)]
    return any(len(stem) > 2 and (_holds(stem) or _holds(f"{stem}e")) for stem in stems)


def _holds(word: str) -> bool:
    words = _vocabulary()
    place = bisect_left(words, word)
    return place < len(words) and words[place] == word


def _ends_in_a_letter(lower: str) -> bool:
    """ "plan b", "vitamin c"."""
    last = lower[-2:-1] == " " and _ends_with("before_a_letter", " [a-z]").search(lower)
    return bool(last)


@cache
def _vocabulary() -> list[str]:
    lines = listed("vocabulary")
    return sorted({word for line in lines for word in line.split()})


@cache
def _ends_with(name: str, more: str = "") -> re.Pattern[str]:
    """A text that ends with an entry of a list, and `more`."""
    entries = "|".join(map(re.escape, listed(name)))
    return re.compile(rf"(?:(?<![^\W_])|(?<=[{UNSPACED}]))(?:{entries}){more}\Z")
