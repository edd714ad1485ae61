"""Numbers that a state gives a person or a thing of theirs: where they stand.

    "078-05-1120"  "110105194912310" + "02X"    a form that other numbers do not have
    "мой ИНН 500100732259"                      plain digits after a word for such numbers
    "passport X1234567"  "number plate B-AB 1234"  after its word
    "00:1b:44:11:3a:b7"                         the address of a network card

A number counts where its own check digits hold (python-stdnum), where it has some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache
from importlib import import_module

from pipeline.rules.privacy.hints import Bounds, Hint, any_word, words_in
from pipeline.rules.privacy.phones import is_called_otherwise
from pipeline.rules.reading.lists import UNSPACED, listed

ANNOUNCE_IDS: frozenset[Hint] = frozenset(("id", "passport", "plate"))
BEFORE, AFTER = 40, 16  # characters around a number in which a word says what it is

# Forms that other numbers do not have: by the module of python-stdnum that checks them. It has none
# for the Russian pension fund (snils) and for British national insurance (nino).
_CLEAR = {
    "us.ssn": r"(?!000|666|9)\d{3}-\d{2}-\d{4}",
    "us.itin": r"9\d{2}-\d{2}-\d{4}",
    "br.cpf": r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    "br.cnpj": r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}",
    "it.codicefiscale": r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]",
    "es.dni": r"\d{8}[ -]?[A-Z]|\d{2}\.\d{3}\.\d{3}[ -]?[A-Z]",
    "es.nie": r"[XYZ][ -]?\d{7}[ -]?[A-Z]",
    "cn.ric": r"\d{17}[\dXx]",
    "kr.rrn": r"\d{6}-[1-8]\d{6}",
    "fr.nir": r"[12][ ]\d{2}[ ][0-9]{2}[ ]\d[\dAB][ ]\d{3}[ ]\d{3}[ ]\d{2}",
    "fi.hetu": r"\d{6}[-+A]\d{3}[\dA-Z]",
    "cz.rc": r"\d{6}/\d{3,4}",
    "mx.curp": r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d",
    "cl.rut": r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]",
    "ar.cuit": r"[23]\d-\d{8}-\d",
    "ch.ssn": r"756\.\d{4}\.\d{4}\.\d{2}",
    "be.nn": r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}",
    "snils": r"\d{3}-\d{3}-\d{3}[ -]\d{2}",
    "nino": r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[ ]\d\d){3}[ ][A-D]",
}
# Their plain digits count where a word for such numbers stands near.
_NAMED = (
    "us.ssn", "us.itin", "gb.nhs", "gb.utr", "de.idnr", "fr.nir", "fr.nif", "es.dni", "es.nie",
    "it.codicefiscale", "pt.nif", "pt.cc", "br.cpf", "br.cnpj", "ru.inn", "cn.ric", "jp.in_",
    "kr.rrn", "pl.pesel", "pl.nip", "nl.bsn", "se.personnummer", "dk.cpr", "no.fodselsnummer",
    "fi.hetu", "cz.rc", "ro.cnp", "bg.egn", "gr.amka", "hr.oib", "si.emso", "lt.asmens", "ee.ik",
    "ua.rntrc", "tr.tckimlik", "id.nik", "in_.aadhaar", "in_.pan", "ca.sin", "au.tfn", "mx.curp",
    "mx.rfc", "ar.cuit", "ar.dni", "cl.rut", "be.nn", "at.vnr", "ch.ssn", "ie.pps", "il.idnr",
    "za.idnr", "th.pin", "my.nric", "imei",
)  # fmt: skip

_EDGE = rf"[^\W{UNSPACED}]"
_CLEAR_FORM = re.compile(
    rf"(?=\d\d|[12][ ]|\d\.|[A-Z][A-Z\d -])(?<!{_EDGE})(?<![\d.,/=+-])(?:"
    + "|".join(f"(?P<{name.replace('.', '__')}>{form})" for name, form in _CLEAR.items())
    + rf")(?!{_EDGE}|[-/.,]\d)"
)
_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_CANDIDATE = re.compile(
    rf"(?<!{_EDGE})(?<![.,/=+-])[A-Za-z]{{0,5}}\d(?:[ ./-]?[A-Za-z]?\d){{5,16}}"
    rf"(?:[ -]?[A-Za-z]{{1,7}}\d?)?(?!{_EDGE})"
)
_DIGITS_ONLY = re.compile(r"[A-Za-z]{0,5}\d(?:[ ./-]?\d){5,16}")
_PASSPORT = (
    r"(?P<value>\d{2}[ ]?\d{2}(?:,?\s*(?:номер|№|no?)\.?\s*|[ ])\d{6}"
    r"|(?=[A-Z]*\d[A-Z0-9]*\d[A-Z0-9]*\d[A-Z0-9]*\d[A-Z0-9]*\d)[A-Z0-9]{7,14}"
    r"|[A-Z]{1,2}[ -]\d{6,8}|\d{3}[ ]?\d{3}[ ]?\d{3})"
)
_PLATE = r"(?P<value>[A-ZÄÖÜА-Я0-9]{1,4}(?:[ ·•-]?[A-ZÄÖÜА-Я0-9]{1,6}){1,3})"
_CHINA = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤川青藏琼宁"
_CLEAR_PLATE = re.compile(
    r"(?<![\w-])[АВЕКМНОРСТУХ]\s?\d{3}\s?[АВЕКМНОРСТУХ]{2}\s?\d{2,3}(?!\w)"
    rf"|(?<![A-Za-z0-9-])[{_CHINA}][A-HJ-NP-Z][·• ]?(?=[A-HJ-NP-Z]{{0,4}}\d)[A-HJ-NP-Z0-9]{{5,6}}"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}(?P<gap>[:-])(?:[0-9A-Fa-f]{2}(?P=gap)){4}[0-9A-Fa-f]{2}"
    r"|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![\w:.-]*\w)"
)
_NUMBER = re.compile(r"\d{3}")
_STOP = re.compile(r"[\n.,;!?\d]")
_NO_LETTER = re.compile(r"[^A-Za-z0-9]")


def ids(text: str, hinted: Set[Hint]) -> Iterator[Bounds]:
    """Where numbers of persons and of their things start and end. hinted: see `hints`."""
    yield from _clear(text)
    yield from cards_and_plates(text)
    if "id" in hinted:
        yield from _named(text)
    if "passport" in hinted:
        yield from _after_word(text, "passport_words", _PASSPORT)
    if "plate" in hinted:
        places = _after_word(text, "plate_words", _PLATE)
        yield from (place for place in places if _is_plate(text[slice(*place)]))


def cards_and_plates(text: str) -> Iterator[Bounds]:
    """Addresses of network cards, and number plates that need no word before them."""
    if text.count(":") >= 5 or text.count("-") >= 5 or text.count(".") >= 2:
        yield from (match.span() for match in _MAC.finditer(text) if _is_mac(match.group()))
    if not text.isascii():
        yield from (match.span() for match in _CLEAR_PLATE.finditer(text))


def is_id(value: str) -> bool:
    """Does any of the known check digits hold?"""
    return any(_is_valid(form, value) for form in (*_NAMED, "snils", "nino"))


def _clear(text: str) -> Iterator[Bounds]:
    for match in _CLEAR_FORM.finditer(text):
        form = str(match.lastgroup).replace("__", ".")
        if _is_valid(form, match.group()) and not is_called_otherwise(text, match.start()):
            yield match.span()


def _is_valid(form: str, value: str) -> bool:
    compact = _NO_LETTER.sub("", value).upper()
    if form == "snils":
        return len(compact) == 11 and _is_snils(compact)
    if form == "nino":
        return _NINO.fullmatch(compact) is not None
    return bool(import_module(f"stdnum.{form}").is_valid(compact))


def _is_snils(digits: str) -> bool:
    """The check of the Russian pension fund: digits by their place from the end, modulo 101."""
    if not digits.isdecimal() or len(set(digits)) == 1:
        return False
    total = sum(int(digit) * place for digit, place in zip(digits, range(9, 0, -1), strict=False))
    return total % 101 % 100 == int(digits[9:])


def _is_mac(value: str) -> bool:
    """Of a card, not for all of them (FF:FF:…, 00:00:…), and no time of day."""
    return len(set(_NO_LETTER.sub("", value))) > 2


def _is_plate(value: str) -> bool:
    """Two letters and two digits at least, unlike "300 W"."""
    letters = sum(map(str.isalpha, value))
    digits = sum(map(str.isdigit, value))
    return letters >= 2 and digits >= 2 and 5 <= letters + digits <= 9


def _named(text: str) -> Iterator[Bounds]:
    for match in _CANDIDATE.finditer(text):
        if _has_word_near(text, match.start(), match.end()):
            whole = match.group()
            part = _DIGITS_ONLY.match(whole)
            values = dict.fromkeys([whole, part.group() if part else whole])
            found = next((value for value in values if is_id(value)), None)
            if found:
                yield match.start(), match.start() + len(found)


def _has_word_near(text: str, start: int, end: int) -> bool:
    """A word for such numbers before it, without another number between, or just after it."""
    before = _NUMBER.split(text[max(0, start - BEFORE) : start])[-1]
    after = _STOP.split(text[end : end + AFTER])[0]
    return any(True for _ in words_in("id_words", f"{before}\n{after}"))


def _after_word(text: str, name: str, form: str) -> Iterator[Bounds]:
    """A value of a form after a word of a list."""
    yield from (match.span("value") for match in _worded(name, form).finditer(text))


@cache
def _worded(name: str, form: str) -> re.Pattern[str]:
    word = any_word(listed(name))
    return re.compile(
        rf"(?<!{_EDGE})(?i:{word})(?:[^\W\d_]{{0,3}})(?![A-Za-z])[^\d\n.!?A-ZА-Я]{{0,30}}?"
        rf"(?:(?i:no|nr|num|number|nummer|номер|серия)[.:]?\s*)?(?<![A-Za-zА-Яа-я0-9]){form}(?!{_EDGE})"
    )
