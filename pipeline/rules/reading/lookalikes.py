"""Tricks with characters: what nobody sees, and letters that only look like others.

    visible("so\\u200bup \\u202ecod")     "soup cod"     zero-width and direction signs, tags,
    visible("C̷̛͔o̶̢͝m̸̨̈́e̵͇͝")                 "Come"         accents on accents, colours of terminals
    plain("𝐂𝐨𝐦𝐞 ｉｎ, thе sоuр")         "Come in, the soup"

What a script needs stays: joiners between letters of Persian and India and inside emoji, flags made
of tags, full width among East Asian signs. Soft hyphens, no-break blanks and the like are ordinary
typography, which `tidy` repairs.
"""

from __future__ import annotations

import re
import unicodedata

from pipeline.rules.reading.signs import beyond_ascii, is_printable

# --- what nobody sees

_LATIN = "[A-Za-zÀ-ӿ0-9 .,!?]"
_ACCENT = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20dc\ufe20-\ufe2f]"
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f"
_COLOUR = r"\x1b\[[0-9;?]*[A-Za-z]"
_NEVER_SEEN = (
    "[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b"
    "\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\uffa0\ufff9-\ufffb\ufeff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
# Joiners and signs of variation: among Latin letters they join and vary nothing.
_IDLE = (
    f"(?<={_LATIN})[\u200c\u200d\ufe00-\ufe0e]|[\u200c\u200d](?={_LATIN})"
    "|[\u200c\u200d]{2,}|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}"
)
_STRUCK = "[\u0332-\u0338\u20d2\u20d3\u20e5]"
_UNSEEN = re.compile(f"(?P<flag>{_FLAG})|{_COLOUR}|{_NEVER_SEEN}|{_IDLE}|{_STRUCK}")
_STACK = re.compile(f"{_ACCENT}{{3}}")
_SINGLE = re.compile(_ACCENT)
_SEVERAL = re.compile(f"{_ACCENT}{{2,}}")

# --- letters in disguise

_ROUND = (
    "\u249c-\u24e9\U0001f110-\U0001f129\U0001f130-\U0001f149\U0001f150-\U0001f169"
    "\U0001f170-\U0001f189"
)
_MATHEMATICAL = "\u2102-\u2149\U0001d400-\U0001d7ff"
_CAPITALS = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"
_LIKE_CAPITALS = "abcdefghijklmnoprstuvwyz"
_STYLED = re.compile(f"[Ａ-Ｚａ-ｚ{_ROUND}{_MATHEMATICAL}{_CAPITALS}]{{2,}}")
_ENOUGH = 5  # styled letters in words: "Ｙｅｓ" is emphasis, "𝑎𝑥" mathematics
_EAST_ASIAN = re.compile("[぀-ヿ㐀-鿿가-힣]")

_CYRILLIC_LETTER = re.compile("[Ѐ-ӿ]")
_CYRILLIC_WORD = re.compile("[Ѐ-ӿ]+")
_WORD = re.compile(r"[A-Za-zͰ-ӿ]+")
_MIXED = re.compile("[A-Za-z][Ͱ-ӿ]|[Ͱ-ӿ][A-Za-z]")
_CYRILLIC = "аеорсухкАВЕКМНОРСТХУ"
_LIKE_CYRILLIC = "aeopcyxkABEKMHOPCTXY"
_OTHER = "іјѕһԁԛԝѵЅІЈοαικνρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_LIKE_OTHER = "ijshdqwvSIJoaikvpuABEZHIKMNOPTYX"
_TO_LATIN = str.maketrans(_CYRILLIC + _OTHER, _LIKE_CYRILLIC + _LIKE_OTHER)
_TO_CYRILLIC = str.maketrans(_LIKE_CYRILLIC, _CYRILLIC)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TO_PLAIN = str.maketrans(_CAPITALS, _LIKE_CAPITALS) | {
    first + place: letter
    for first in (0x1F150, 0x1F170)  # white letters in black discs and squares
    for place, letter in enumerate(_ALPHABET)
}
_ENDING = 3  # letters that a language adds to a foreign name: "в Facebookе"

_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f]")
_SIGNS = f"[{_NEVER_SEEN[1:-1]}{_STRUCK[1:-1]}\u200c\u200d\ufe00-\ufe0e\U000e0100-\U000e01ef]"
_SUSPECT = re.compile(f"{_SIGNS}|{_STACK.pattern}|{_STYLED.pattern}|{_MIXED.pattern}")


def is_suspect(text: str) -> bool:
    """Might `visible` or `plain` change it? text: of many messages, one after another."""
    if not is_printable(text) and _CONTROL.search(text):
        return True
    return bool(_SUSPECT.search(beyond_ascii(text)))


def visible(text: str) -> str:
    """Without what nobody sees, and without accents on letters that carry several."""
    found = _UNSEEN.sub(lambda match: match["flag"] or "", text)
    if found == text and not _STACK.search(text):
        return text
    if _STACK.search(text) or re.search(_STRUCK, text):
        found = _SEVERAL.sub("", unicodedata.normalize("NFD", found))
        found = _SINGLE.sub("", unicodedata.normalize("NFC", found))
    return found


def plain(text: str) -> str:
    """With plain letters: no styled ones, and no word of letters of two scripts that look alike."""
    if not text.isascii() and not _EAST_ASIAN.search(text):
        styled = _STYLED.findall(text)
        if sum(map(len, styled)) >= _ENOUGH:
            text = unicodedata.normalize("NFKC", text.translate(_TO_PLAIN))
    if _MIXED.search(text):
        text = _in_one_script(text)
    return text


def _in_one_script(text: str) -> str:
    """A mixed word becomes one of the script that its other letters have; then words of letters
    that all look alike become of the script of the text."""
    is_latin = not _CYRILLIC_LETTER.search(text.translate(_TO_LATIN))
    found = _WORD.sub(lambda word: _word_in_one_script(word[0], is_latin), text)
    if found == text:
        return text
    table = _TO_LATIN if is_latin else _TO_CYRILLIC
    return _WORD.sub(lambda word: _translated(word[0], table), found)


def _word_in_one_script(word: str, is_latin: bool) -> str:
    latin = _latin_letters(word)
    if latin in (0, len(word)):
        return word
    as_latin = word.translate(_TO_LATIN)
    as_cyrillic = word.translate(_TO_CYRILLIC)
    can_be_latin = as_latin.isascii()
    can_be_cyrillic = bool(_CYRILLIC_WORD.fullmatch(as_cyrillic))
    if can_be_latin and can_be_cyrillic:
        return as_latin if is_latin else as_cyrillic
    if can_be_latin and (is_latin or not _has_ending(word)):
        return as_latin
    if can_be_cyrillic:
        return as_cyrillic
    return word


def _has_ending(word: str) -> bool:
    """Is it a Latin name with an ending in another script?"""
    name = word.rstrip(_CYRILLIC + _OTHER)
    return name.isascii() and len(name) >= len(word) - _ENDING


def _translated(word: str, table: dict[int, int]) -> str:
    """A word that the table changes altogether, or the word itself."""
    translated = word.translate(table)
    pairs = zip(word, translated, strict=True)
    return translated if all(old != new for old, new in pairs) else word


def _latin_letters(text: str) -> int:
    return sum(letter.isascii() and letter.isalpha() for letter in text)
