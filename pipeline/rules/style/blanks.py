"""Unfilled blanks: "[your name]", "{{user}}", "NAME_1", "My name is ____"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


_ROUND = re.compile(
    r"\((?=[a-z])(?:(?:insert|your|my|his|her|their|enter)\s)?"
    r"(?:(?:user|speaker|person)\s?[12ab](?:'s)?\s?)?(?:name|city|age|hometown)?\)"
)
SIGNS = (
    *"[{<(【［〔（＜｛«‹%@_〇○◯×某$",
    *("XX", "xx", "NAME", "PERSON", "USER", "TODO", "FIXME", "orem ipsum", "ndefined", "null"),
)
_BRACKETS = re.compile(
    r"(?<![a-z\d_`'\"/\\$=])(?:"
    r"\[[^\[\]\n]{2,60}\]|【[^【】\n]{1,60}】|［[^［］\n]{1,60}］|〔[^〔〕\n]{1,60}〕"
    r"|\([^()\n]{3,60}\)|（[^（）\n]{2,60}）|«[^«»\n]{2,40}»|‹[^‹›\n]{2,40}›"
    r"|<[^\W\d][\w' _-]{1,40}>|＜[^\W\d][\w _-]{0,40}＞"
    r"|\{[^\W\d][\w' _-]{1,40}\}|｛[^｛｝\n]{1,40}｝"
    r"|%[^\W\d]\w{1,30}%|@[^\W\d]\w{1,30}@|__[^\W\d_]\w{1,30}__)"
)
_STRICT = "(（«‹"  # people write their own asides and quotations in these
_MACRO = re.compile(
    r"\{\{(?!\s*hug)(?:[^{}\n]|\{\{[^{}\n]{1,40}\}\}){1,80}(?:\}\})?"
    r"|\[object [A-Z]\w+\]|(?<!\\)[$#]\{\w[\w. ]{0,40}\}|\{\d\}|(?<![\w%])%(?:s|\(\w+\)s)(?!\w)"
)
_UNDERSCORES = re.compile(r"(?<![\w/\\=-])_{3,}(?![\w/=-])")
# Names in capitals, as anonymised data has them: NAME_1, YOUR_CITY, PERSON2.
_CAPITALS = re.compile(r"(?<![\w$/.-])[A-Z]{2,}(?:_[A-Z]+)*(?:_?\d+|_[A-Z]+)(?![\w/(=.-]\w)")
_DIGIT = re.compile(r"\d")
_VARIABLE = re.compile(r"(?<![\w$])\$[A-Za-z_]{3,24}(?![\w$])")
_MASKED = re.compile(r"(?<![\w-])(?:[xX]{2,4}-){1,3}[xX]{2,5}(?![\w-])")
_NAMED = (
    "name is|names are|name's|called|i'm|i am|live in|from|meet you,|dear|heiße|ich bin|komme aus"
    "|m'appelle|je suis|habite à|llamo|soy|vivo en|chiamo|vivo a|meu nome é|sou|moro em"
    "|зовут|живу в|叫|我是|住在|来自|名前は|이름은"
)
_VALUE_SIGNS = ("undefined", "null", "nan")
_RIDDLE = re.compile(r"\bblank|\bgaps?\b|lücke|пропуск|hueco|trous?\b|lacuna|填空|空格|穴埋め|빈칸")
# A value that a program did not have: "Nice to meet you, undefined!"
_NO_VALUE = re.compile(
    r"(?:name is|meet you,|i'm|live in"
    r"|(?:^|[\n.!?])\W{0,3}(?:hello|hi|hey|dear|welcome|welcome back|thanks|bonjour|hola|ciao"
    r"|olá|hallo|привет),?|heiße|m'appelle|llamo|chiamo|зовут)\s"
    r"(?P<blank>undefined|null|nan)(?=\s?[,.!?]|\s+and\b|$)"
)
_CROSSES = re.compile(
    rf"(?:{_NAMED})\s?(?P<blank>x{{2,4}}|[×〇○◯]{{2,3}}|某某)(?!\w*[a-z])"
    r"|(?P<circles>[〇○◯]{2,3})(?=です|さん|くん|君|ちゃん|と申|から来|に住|と言|といい|씨|님)"
)
_ORDER = re.compile(r"(?:^|\n)[^\w\n]{0,3}(?:TODO|FIXME)\b\s?[:：\]-]|\b[Ll]orem ipsum\b")
# "[add a memory of the user]"; "[adds salt]" is a stage direction.
_ASKED = re.compile(
    r"[\[{<](?:add|describe|mention|include|provide|write|choose|enter|specify|state|name|list|use)\s"
    r"(?:an?|your|the|some|any|more|specific|something|details?|user|character)\b"
)
_BRACKET_SIGNS = (*"[【［〔(（«‹<＜{｛%@", "__")
_CROSS_SIGNS = ("xx", *"×〇○◯某")
_OTHERS = {
    ("{", "%", "[object "): _MACRO,
    ("x-", "X-"): _MASKED,
    ("TODO", "FIXME", "orem ipsum"): _ORDER,
}
NEAR = 80  # letters beside a gap
_HERE = frozenset(["here", "hier", "ici", "aquí", "qui", "aqui", "здесь"])
_WORD = re.compile(r"[^\W_]+(?:'s)?")
_ENDING = re.compile(r"\d*(?:'s|s)?$")  # a number, and the s of a genitive or plural


def blanks(reading: Reading) -> Iterator[Finding]:
    """Descriptions in place of a value: "[your name]", "{{user}}", "<city>", "NAME_1", "____"."""
    if not holds(reading.text, SIGNS):
        return
    for message in reading.judged:
        content = reading.messages[message].content
        if holds(content, SIGNS) and "```" not in content:
            for start, end in _unfilled(content, reading.line(message)):
                yield reading.of_place("style.placeholder", 1, Hit(message, start, end))


def mentions(reading: Reading) -> Iterator[Finding]:
    """A prompt's name for a speaker: "user 1", "(user 1's name)"."""
    hits = [hit for hit in reading.hits["label_talk"] if not _names_a_person(reading, hit)]
    yield from reading.first_places("style.mention", hits)
    if "(" not in reading.text:
        return
    for message in reading.judged:
        for match in _ROUND.finditer(reading.line(message)):
            yield reading.of_place("style.mention", 1, Hit(message, *match.span()))


def _names_a_person(reading: Reading, hit: Hit) -> bool:
    return reading.line(hit.message)[hit.start : hit.end] in reading.names


def _unfilled(content: str, folded: str) -> list[tuple[int, int]]:
    """Where the blanks of one message stand, from left to right, none inside another."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(_spans(content, folded)):
        in_code = content.count("`", 0, start) % 2 == 1
        if not in_code and (not apart or start >= apart[-1][1]):
            apart.append((start, end))
    return apart


def _spans(content: str, folded: str) -> Iterator[tuple[int, int]]:
    """All of them, each kind where a sign of it stands."""
    if holds(folded, _BRACKET_SIGNS):
        yield from (match.span() for match in _BRACKETS.finditer(folded) if _is_blank(match[0]))
    if "_" in content or _DIGIT.search(content):
        capitals = _CAPITALS.finditer(content)
        yield from (match.span() for match in capitals if _is_name(match[0]))
    if "$" in content:
        dollars = _VARIABLE.finditer(content)
        yield from (match.span() for match in dollars if _is_name(match[0][1:]))
    if holds(folded, _CROSS_SIGNS):
        yield from (match.span(match.lastgroup or 0) for match in _CROSSES.finditer(folded))
    if holds(folded, _VALUE_SIGNS):
        yield from (match.span("blank") for match in _NO_VALUE.finditer(folded))
    if "___" in content and not _RIDDLE.search(folded):
        lines = _UNDERSCORES.finditer(content)
        yield from (match.span() for match in lines if _in_a_line(match))
    for signs, pattern in _OTHERS.items():
        if holds(content, signs):
            yield from (match.span() for match in pattern.finditer(content))


def _in_a_line(match: re.Match[str]) -> bool:
    """Is there more on its line? A line of underscores is a rule."""
    text = match.string
    before = text[max(0, match.start() - NEAR) : match.start()].rpartition("\n")[2]
    after = text[match.end() : match.end() + NEAR].partition("\n")[0]
    return any(map(str.isalpha, before + after))


def _is_blank(bracket: str) -> bool:
    """A blank's name and what joins it ("[user 1's favorite band]"), nothing else.

    Not "[her phone buzzes]"; in round brackets only "(your name here)" and the like.
    """
    if bracket.startswith("[the "):  # an editor's
        return False
    words = [_stem(word) for word in _WORD.findall(bracket)]
    is_asked = _ASKED.match(bracket) or _lead_unspaced().search(bracket)
    if is_asked or leads().intersection(words):
        return True
    if bracket[0] in _STRICT and not (_HERE.intersection(words) or bracket[1:-1] == "your name"):
        return False
    return _is_named(words, "_" in bracket) or bool(_unspaced().fullmatch(bracket[1:-1]))


def _is_named(words: Sequence[str], joined: bool) -> bool:
    """Words of a blank only, a name among them. joined: by underscores; then a name is enough."""
    rest = [word for word in words if word not in glue()]
    named = [word for word in rest if word in blank_names()]
    return len(words) <= 5 and bool(named) and (joined or len(named) == len(rest))


def _is_name(capitals: str) -> bool:
    """NAME_1, YOUR_CITY; not A_B, USER_FRIENDLY."""
    return _is_named([_stem(word.lower()) for word in capitals.split("_")], joined=False)


def _stem(word: str) -> str:
    return _ENDING.sub("", word)


@cache
def blank_names() -> frozenset[str]:
    """Words that name an unfilled blank, lower case, without a last s."""
    return frozenset(map(_stem, listed("placeholder")))


@cache
def glue() -> frozenset[str]:
    """Words and numbers that join a blank and are not blanks by themselves."""
    return frozenset(["", *map(_stem, listed("placeholder_glue"))])


@cache
def leads() -> frozenset[str]:
    """Words that ask to fill in a blank."""
    return frozenset(map(_stem, listed("placeholder_lead")))


@cache
def _lead_unspaced() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, listed("placeholder_lead_unspaced"))))


@cache
def _unspaced() -> re.Pattern[str]:
    """A blank's name in a script without blanks: "你的名字", "ここに名前"."""
    names = _any_unspaced(listed("placeholder"))
    joining = rf"(?:{_any_unspaced(listed('placeholder_glue'))}|[\d\s_·/、xyz]|[a-c])*"
    return re.compile(f"{joining}(?:{names})(?:{names}|{joining})")


def _any_unspaced(words: Sequence[str]) -> str:
    own = [word for word in words if word[0] >= "\u0e00"]
    return "|".join(sorted(own, key=len, reverse=True))
