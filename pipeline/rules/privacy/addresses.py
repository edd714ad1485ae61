"""Street addresses in the shapes in which people write them: where they start and end.

14 Maple Street, Apt 3B, Springfield 00501     street_after_name.txt
Calle de Toledo 14 · 14 rue de la Paix         street_before_name.txt
Hauptstraße 14, 10115 Berlin                   street_endings.txt
北京路14号 · 港区芝公園4-2-8 · 서울시 중구 세종대로 110 · P.O. Box 14
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import ahocorasick_rs

from pipeline.rules.reading.lists import listed

_NUMBER = r"\d{1,5}(?:[ ]?(?:[A-Za-z]|bis|ter)\b|(?:[-/]\d{1,4}))?"
_NAME = r"[^\W_][\w'’.-]*"
_PROPER = rf"(?-i:(?=[A-ZÀ-ÞĀ-ŽΆ-ΩА-Я])){_NAME}"  # in a capital
_POSTCODE = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}|[A-Z]\d[A-Z][ ]?\d[A-Z]\d"
    r"|\d{4}[ ]?[A-Z]{2}|\d{3}[ ]\d{2}"
    r"|\d{2}-\d{3}|\d{4,6}(?:-\d{3,4})?)\b"
)
_UNIT = (
    r"(?:,?\s+(?:(?:apt|apartment|suite|ste|unit|flat|floor|room|rm|bldg|door|кв|квартира|int|piso)"
    r"\b\.?[ ]*\#?[ ]*|\#[ ]?)[A-Za-z]?-?\d{1,5}[A-Za-z]?\b)"
)
_TOWN = rf"{_NAME}(?:[ ]{_NAME}){{0,3}}?"

# After the street: the flat, then town and postcode in either order. A town alone says little and
# is left.
_REST = re.compile(
    rf"{_UNIT}*(?:\s*,?\s+(?P<after>{_TOWN})"
    rf"(?:\s*,\s*(?P<state>{_NAME}(?:[ ]{_NAME})?))?\s*,?\s+{_POSTCODE}"
    rf"|\s*,\s*{_POSTCODE}(?:\s+(?P<before>{_TOWN})(?=[\s.,;!?)]|$))?)?",
    re.IGNORECASE,
)
_FLAT = re.compile(f"{_UNIT}*", re.IGNORECASE)
_MAYBE_TOWN = re.compile(r"\d[a-z]?,? \d{4,5} ?[A-ZÀ-Þ]")
# Via Roma 131 Apt. 425; Damrak 1, 1012 LG Amsterdam: whatever a street is called there.
_WITH_FLAT = re.compile(
    rf"(?<![\w.,])(?:\d{{1,5}}[ ])?{_PROPER}"
    rf"(?:[ ](?:{_PROPER}|de|der|den|van|la|le|del|des|du|di|da|dos)){{0,4}}"
    rf"[ ]{_NUMBER}\.?(?={_UNIT}|,?[ ](?:\d{{5}}|\d{{4}}[ ]?(?-i:[A-Z]){{2}})[ ]{_PROPER})",
    re.IGNORECASE,
)
_BOX = re.compile(
    r"\b(?:p\.?[ ]?o\.?[ ]?box|postfach|postbus|apartado|boîte postale|casella postale|а/я)"
    r"[ ]+\d{1,6}\b"
    r"|\b(?:(?:PSC|Unit)\s\d{1,5},?\sBox\s\d{1,5}|US[A-Z]{1,3}\s\w+)"
    r",?\s(?:APO|FPO|DPO)\s[A-Z]{2}\s\d{5}\b",
    re.IGNORECASE,
)
_EAST_ASIA = re.compile(
    r"(?:(?![在是住到于去位了的叫])[\u4e00-\u9fff]){2,20}?(?:路|街|道|巷|弄|胡同)\d{1,5}[号號弄]"
    r"(?:[\da-zA-Z\u4e00-\u9fff-]{0,8}[栋棟室楼樓层層号號])?"
    r"|(?:〒?\d{3}-\d{4}\s*)?(?:[\u4e00-\u9fff]{2,3}[都道府県])?"
    r"(?:(?![はがをにへで])[\u4e00-\u9fff\u3040-\u30ff]){1,8}[市区町村]"
    r"[\u4e00-\u9fff\u3040-\u30ff]{1,12}\d{1,3}(?:丁目|番地?|-)\d{1,3}(?:(?:番地?|-)\d{1,4})?号?"
    r"|[가-힣]{1,6}(?:동|리|읍|면)\s\d{1,4}(?:-\d{1,3})?번지"
    r"|(?:[가-힣]{1,6}(?:시|도)\s+)?[가-힣]{1,5}[구군시]\s+[가-힣\d]{1,10}(?:로|길)\s?\d{1,4}"
    r"(?:-\d{1,3})?(?:\s\d{1,4}호)?"
)
# Before a street in small letters, which would else be any "2 hours long way".
_LIVING = re.compile(
    r"\b(?:live[sd]?|living|address|addresses|located|come|meet|moved?|ship|send|deliver|mail"
    r"|stay(?:ing)?|home|house|office|place|ride|cab|taxi|at|to|is|it['’]s)\b"
    r"(?:[ ,:]+(?!an?\b)[^\W\d]+)?[ ,:]*$",
    re.IGNORECASE,
)
# Words for streets that follow a name and stand before a number.
_AFTER_ADJECTIVE = (
    "straße",
    "strasse",
    "platz",
    "allee",
    "улица",
    "проспект",
    "caddesi",
    "sokak",
    "sokağı",
    "utca",
    "út",
    "tér",
)
# Endings of English words too: The Conjuring 2, Brigade 5, Blockade 3, Katie 4, Van Dijk 4.
_ENGLISH_ENDINGS = frozenset(("ring", "gade", "kade", "tie", "dijk"))
_BOX_WORDS = ("box", "postfach", "postbus", "apartado", "postale", "а/я", "apo", "fpo", "dpo")
_FLAT_WORDS = ("apt", "apartment", "suite", "flat", "кв")
_YEAR = re.compile("19..|20..")
_MEASURE = re.compile(
    r"\s*(?:Uhr|Minuten|Stunden|Tage|Jahre|km|m|%|€|min|timmar|år|minuten|uur|godzin|lat|минут|лет"
    r"|час)"
)


def addresses(text: str, language: str | None = None) -> Iterator[tuple[int, int]]:
    """Where street addresses start and end; with flat, town and postcode where they are given.

    language: ISO 639-1, of the conversation: in English, foreign words for streets ("via", "place")
    must be capital.
    """
    shapes = _shapes(text)
    if not shapes.isdisjoint(("street_after_name", "street_before_name")):
        for match in _numbered().finditer(text):
            if _is_numbered(match, text):
                yield _whole(text, match)
    if "street_before_name" in shapes:
        for match in _named().finditer(text):
            if _is_named(match, language):
                yield _whole(text, match)
    if "street_endings" in shapes:
        for match in _compound().finditer(text):
            if _is_compound(match, text, language):
                yield _whole(text, match)
    if "flat" in shapes or _MAYBE_TOWN.search(text):
        for match in _WITH_FLAT.finditer(text):
            yield _whole(text, match)
    if "box" in shapes:
        yield from (match.span() for match in _BOX.finditer(text))
    if not text.isascii():
        yield from (match.span() for match in _EAST_ASIA.finditer(text))


def street(address: str) -> str:
    """Of a whole address street and number: without flat, town and postcode."""
    shapes = (_numbered(), _named(), _compound(), _WITH_FLAT)
    found = next((match for shape in shapes if (match := shape.match(address))), None)
    return found.group().rstrip(" .") if found else address


def _shapes(text: str) -> set[str]:
    """Which lists have a word that stands in the text: without one, no pattern need be tried."""
    automaton, names = _automaton()
    folded = f" {text.lower()} "
    return {
        names[key]
        for key, _, end in automaton.find_matches_as_indexes(folded, overlapping=True)
        if not folded[end].isalnum()
    }


@cache
def _automaton() -> tuple[ahocorasick_rs.AhoCorasick, list[str]]:
    """What finds the words of all shapes, and for each word its shape."""
    after = listed("street_after_name")
    before = listed("street_before_name")
    shapes = {
        "street_after_name": [f" {word}" for word in after],
        "street_before_name": [*(f" {word}" for word in before), *_AFTER_ADJECTIVE],
        "street_endings": listed("street_endings"),
        "box": _BOX_WORDS,
        "flat": _FLAT_WORDS,
    }
    keys = [(word, shape) for shape, words in shapes.items() for word in words]
    return ahocorasick_rs.AhoCorasick([word for word, _ in keys]), [shape for _, shape in keys]


@cache
def _numbered() -> re.Pattern[str]:
    """14 Maple Street; 14 rue de la Paix."""
    after, before = _any("street_after_name"), _any("street_before_name")
    quarter = r"N|S|E|W|NE|NW|SE|SW|North|South|East|West|(?:North|South)(?:east|west)"
    article = r"(?:de|du|des|d['’]|la|le|les|l['’]|del|della|dos|das|do|da)\s*"
    return re.compile(
        rf"(?<![\w.,:/$€£#-])(?P<number>{_NUMBER})(?:\s+"
        rf"(?P<name>(?:(?!\d+\s){_NAME}\s+){{1,4}}?)(?P<word>{after})\b\.?(?:\s(?:{quarter})\b\.?)?"
        rf"|,?\s+(?P<before>{before})\b\.?\s+(?P<tail>(?:{article})*{_NAME}(?:[ -]{_PROPER})*))",
        re.IGNORECASE,
    )


@cache
def _named() -> re.Pattern[str]:
    """Calle de Toledo 14; ул. Ленина, д. 14; Jalan Merdeka No. 14; Berliner Straße 14."""
    number = rf"{_NUMBER}(?![\w:%]|[.,]\d)"
    no = r"(?:(?:n[º°o]?|nr|no|num|№|д|дом|block|km)[.:]?\s*)?"
    return re.compile(
        rf"(?<![\w/])(?P<word>{_any('street_before_name')})(?:\.\s?|\s+)"
        rf"(?P<name>(?:{_NAME}\s+){{0,4}}?{_NAME})(?:\s+|,\s*){no}{number}"
        rf"|(?P<adjective>{_PROPER}\s)(?:{'|'.join(_AFTER_ADJECTIVE)})\.?,?\s+"
        rf"(?:(?:no|д|дом)[.:]?\s*)?{number}",
        re.IGNORECASE,
    )


@cache
def _compound() -> re.Pattern[str]:
    """Hauptstraße 14; Keizersgracht 14; Storgatan 14."""
    return re.compile(
        rf"(?<![\w-])(?P<name>[^\W\d_][\w-]{{2,}}?(?P<ending>{_any('street_endings')}))"
        rf"\.?\s+{_NUMBER}(?![\w:%]|[.,]\d)",
        re.IGNORECASE,
    )


def _any(name: str) -> str:
    return "|".join(map(re.escape, sorted(listed(name), key=len, reverse=True)))


def _is_numbered(match: re.Match[str], text: str) -> bool:
    whole = " ".join(match.group().lower().rstrip(". ").split())
    if whole in listed("not_an_address"):
        return False
    if match["before"]:
        return _capital(match["tail"].split()[-1])
    if _LIVING.search(text, max(0, match.start() - 30), match.start()):
        return _may_be_small(match["name"]) or _is_proper(match)
    if not _is_proper(match):
        return False
    is_year = _YEAR.fullmatch(match["number"])
    return not is_year or _whole(text, match)[1] > match.end()


def _may_be_small(name: str) -> bool:
    """After "I live at" a street may be in small letters, unless it is long or "miles down"."""
    words = name.lower().split()
    return len(words) <= 2 and set(listed("not_a_street_name")).isdisjoint(words)


def _is_proper(match: re.Match[str]) -> bool:
    """In capitals, as a name is."""
    return all(map(_capital, [*match["name"].split(), match["word"]]))


def _is_named(match: re.Match[str], language: str | None) -> bool:
    if match["adjective"]:
        return True
    name = match["name"].split()
    if language in (None, "en") and not match["word"][0].isupper():
        return False
    small = [word for word in name if not _capital(word)]
    return len(small) < len(name) and all(len(word) <= 5 for word in small)


def _is_compound(match: re.Match[str], text: str, language: str | None) -> bool:
    """In English without the endings of its own words."""
    foreign = language not in (None, "en") or match["ending"].lower() not in _ENGLISH_ENDINGS
    return foreign and match["name"][0].isupper() and not _MEASURE.match(text, match.end())


def _capital(word: str) -> bool:
    """Ann's, 42nd, D'Arcy."""
    return word[0].isupper() or word[0].isdigit()


def _whole(text: str, street: re.Match[str]) -> tuple[int, int]:
    """The street with flat, town and postcode, without the full stop of the sentence."""
    start, end = street.span()
    rest, flat = _REST.match(text, end), _FLAT.match(text, end)
    if rest and _is_town(rest):
        end = rest.end()
    elif flat:
        end = flat.end()
    return start, start + len(text[start:end].rstrip(" ."))


def _is_town(rest: re.Match[str]) -> bool:
    """In capitals, on whichever side of the postcode."""
    town = f"{rest['after'] or ''} {rest['before'] or ''}"
    return all(map(_capital, town.split()))
