"""Characters that nobody puts side by side, in a message that holds no common word.

"df gh jk lm np qr"         words without a vowel
"a8f3 kd92 l1s0 w3rt"       letters and digits in turn
"!!??##@@ %% && ** (("      symbols, with blanks or without
"ㄱㅏㄴㅁㅇㄹㅎㄷ"             parts of Korean letters
"ぬへほむゑけさりゆ"            hiragana with no ending of any word
"뷁쉙퀢뫏궯뚫", "龘靐齾爩鱻麤"   letters that no common character set of their script holds
"""

from __future__ import annotations

import re

_VOWELLESS = re.compile(
    r"(?:(?<!\w)(?:[bcdfghj-np-tvwxz]{2,6}|[бвгджзклмнпрстфхцчшщъь]{2,6})(?!\w) {1,2}){4,}"
    r"[bcdfghj-np-tvwxzбвгджзклмнпрстфхцчшщъь]{2,6}\b"
)
_MIXED = re.compile(r"(?:(?<!\S)(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{3,12}(?!\S)\s?){4,}")
_TURN = re.compile(r"\d[a-z]")
_SYMBOLS = re.compile(r"[#$%^&*@|\\~+=<>{}\[\]()!?;'\"/\s]{10,}|[\u2300-\u23ff\u2500-\u259f\s]{8,}")
_PARTS = re.compile("[ㄱ-ㅣ]{8,}")
_HIRAGANA = re.compile("[ぁ-ん]{8,}")
_JAPANESE = re.compile(
    "です|ます|った|ない|から|して|てる|この|その|って|ので|けど|たい|よう|ある|いる|する|した|だよ|だね|"
    "なる|れる|こと|もの|とう|ました|んだ|ちゃ|よね|かな|でも|いい|さん|どう|まで|より|また|えっ|うん|はい|ても|ちょ"
)
_HAN, _HANGUL = re.compile("[一-鿿]"), re.compile("[가-힣]")
DIFFERENT = 5  # symbols, or parts of letters
ENOUGH = 5  # letters of a script of which most are rare
MOST = 0.5
# Character sets that begin with the common letters, and the byte at which these end.
COMMON_SETS = (("gb2312", 0xD8), ("big5", 0xC9), ("shift_jis", 0x98))
TURNS = 2  # of a digit before a letter: chess has none


def is_soup(line: str) -> bool:
    """line: a message. Capitals are none of it: "BBC CNN NBC"."""
    if line.isascii():
        return _is_plain_soup(line)
    return _is_plain_soup(line) or _is_eastern_soup(line)


def _is_plain_soup(line: str) -> bool:
    if _VOWELLESS.search(line) or _is_varied(_SYMBOLS, line):
        return True
    mixed = _MIXED.search(line)
    return mixed is not None and len(_TURN.findall(mixed[0])) >= TURNS


def _is_eastern_soup(line: str) -> bool:
    kana = _HIRAGANA.fullmatch(line)
    if kana and not _JAPANESE.search(line) and len(set(line)) > len(line) * 0.7:
        return True
    return _is_varied(_PARTS, line) or _is_rare(line)


def _is_varied(pattern: re.Pattern[str], line: str) -> bool:
    found = pattern.search(line)
    return found is not None and len(set(found[0].replace(" ", ""))) >= DIFFERENT


def _is_rare(line: str) -> bool:
    """Are most letters of Chinese or Korean in none of the sets of common ones?"""
    han = "".join(_HAN.findall(line))
    hangul = "".join(_HANGUL.findall(line))
    if len(han) >= ENOUGH:
        return max(_common(han, *first) for first in COMMON_SETS) < MOST * len(han)
    return len(hangul) >= ENOUGH and _common(hangul, "euc_kr", 0xC9) < MOST * len(hangul)


def _common(letters: str, encoding: str, end: int) -> int:
    """How many letters are written with two bytes, the first of them below `end`."""
    written = [letter.encode(encoding, "ignore") for letter in letters]
    return sum(len(two) == 2 and two[0] < end for two in written)
