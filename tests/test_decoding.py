"""Wrongly decoded text is put right; well decoded text is never touched."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filter.repair.decoding import decode, is_suspect

SENTENCES = {
    "ru": "Привет, бабушка будет рада, приезжай.",
    "uk": "Доброго ранку, як твої справи сьогодні?",
    "zh": "下次叫上你，我们可以带点水果。",
    "ja": "こんばんは、今晩何をしていますか？",
    "ko": "오늘 날씨가 좋네요, 산책 갈까요?",
    "fr": "C'était magnifique, nous avons marché là.",
    "de": "Das wäre schön, ich bringe Käse für dich.",
    "es": "¿Mañana? La canción que me enseñaste.",
    "en": "I don’t know — it’s been “a long” day…",
}


@pytest.mark.parametrize(
    ("language", "own", "read"),
    [
        *((language, "utf-8", "sloppy-windows-1252") for language in SENTENCES),
        *((language, "utf-8", "latin-1") for language in SENTENCES),
        *((language, "utf-8", "cp437") for language in SENTENCES),
        ("ru", "cp1251", "latin-1"),
        ("ru", "cp1251", "cp1250"),
        ("ru", "cp1251", "koi8-r"),
        ("ru", "koi8-r", "cp1251"),
        ("ru", "koi8-r", "latin-1"),
        ("ru", "cp866", "cp1251"),
        ("ru", "utf-8", "koi8-r"),
        ("ru", "utf-8", "gb18030"),
        ("uk", "utf-8", "cp1251"),
        ("zh", "gb18030", "latin-1"),
        ("zh", "utf-8", "koi8-r"),
        ("ja", "shift_jis", "latin-1"),
        ("ja", "euc-jp", "latin-1"),
        ("ko", "euc-kr", "latin-1"),
        ("fr", "utf-8", "mac-roman"),
        ("de", "cp437", "sloppy-windows-1252"),
        ("es", "utf-8", "cp850"),
    ],
)
def test_read_in_another_encoding(language: str, own: str, read: str) -> None:
    meant = SENTENCES[language]
    broken = meant.encode(own).decode(read)
    assert broken != meant
    assert is_suspect(broken)
    assert decode(broken) == meant


def test_read_wrongly_twice() -> None:
    once = SENTENCES["de"].encode().decode("cp1252")
    assert decode(once.encode().decode("cp1252")) == SENTENCES["de"]


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        (r"\u041f\u0440\u0438\u0432\u0435\u0442, бабушка.", "Привет, бабушка."),
        (r"nice \ud83d\ude00", "nice 😀"),
        (r"r\xc3\xa9sum\xc3\xa9", "résumé"),
        ("Das w=C3=A4re wundersch=C3=B6n,=20oder=\n?", "Das wäre wunderschön, oder?"),
        ("Das w=E4re gut", "Das wäre gut"),
        ("%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82!", "Привет!"),
        ("caf<U+00E9>", "café"),
    ],
)
def test_what_was_never_decoded(broken: str, meant: str) -> None:
    assert decode(broken) == meant


@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES.values(),
        "She ordered crème brûlée at Café Ångström and corrected my façade.",
        "Bánh Mì Phượng smells divine.",
        "My landlord Åsgeir Øvreås only eats smørrebrød.",
        "Il a dit « non » à 19 h 30.",
        "Łódź, Žižek, Đorđe, Þórður, İstanbul.",
        "РСТ и СССР это просто старые буквы. іPhone? аАА!",
        "Я купила iPhone, MacBook и AirPods.",
        "(╯°□°)╯︵ ┻━┻ ¯\\_(ツ)_/¯ ಠ_ಠ",
        "┌──┬──┐ │a│b│ └──┴──┘",
        "我用app点了KTV的票，ok吗？",
        "ﾜﾗﾀ、ﾃﾚﾋﾞ見た？",
        "10 % of 20, a=b and c=dd, x != y",
        "https://ru.wikipedia.org/wiki/%D0%9F%D1%80 and page.example/a?x=%C3%A4",
        r"In Python \u0041 is A, and C:\users\x1",
        "```\nprint('Ã¤ \\u00e4')\n```",
    ],
)
def test_what_was_decoded_well_stays(text: str) -> None:
    assert decode(text) == text


@given(st.text(st.sampled_from("abcÃ©Ð¿ÐâÏ€™žопЁж▒─鐨锛=%\\u04d Ñ"), max_size=40))
def test_a_second_time_changes_nothing_more(text: str) -> None:
    once = decode(text)
    assert decode(once) == once


def test_a_long_message_is_read_in_linear_time() -> None:
    began = time.process_time()
    for part in ("=C", "%D", "\\u", "www", "a.b", "ab"):
        decode(part * 100_000)
    assert time.process_time() - began < 20  # about 2; a quadratic search takes hours
