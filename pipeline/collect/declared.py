"""The language that a record itself names, as ISO 639-1: zh for all Chinese, no for all Norwegian.

{"lang": "en-US"}          en
{"language": "Deutsch"}    de
{"locale": "zh_Hant_TW"}   zh
{"language": "Python"}     none: it stays in `extra` as it is
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pipeline.collect.shapes.common import known

FIELDS = (
    "lang",
    "language",
    "locale",
    "language_code",
    "lang_code",
    "iso_language",
    "sprache",
    "langue",
    "idioma",
    "lingua",
    "язык",
    "语言",
    "言語",
    "언어",
)
# ISO 639-1, then the codes of ISO 639-2 and 639-3, the English name and the language's own.
_LANGUAGES = """
af afr afrikaans
ar ara arb arz arabic العربية
be bel belarusian беларуская
bg bul bulgarian български
bn ben bengali bangla বাংলা
bs bos bosnian bosanski
ca cat catalan català
cs ces cze czech čeština
cy cym wel welsh cymraeg
da dan danish dansk
de deu ger german deutsch
el ell gre greek ελληνικά
en eng english
es spa spanish castilian español castellano
et est ekk estonian eesti
eu eus baq basque euskara
fa fas per pes persian farsi فارسی
fi fin finnish suomi
fr fra fre french français
gl glg galician galego
gu guj gujarati ગુજરાતી
he heb iw hebrew עברית
hi hin hindi हिन्दी
hr hrv croatian hrvatski
hu hun hungarian magyar
hy hye arm armenian հայերեն
id ind in indonesian
it ita italian italiano
ja jpn jp japanese 日本語
ka kat geo georgian ქართული
kk kaz kazakh
kn kan kannada ಕನ್ನಡ
ko kor kr korean 한국어
lt lit lithuanian lietuvių
lv lav lvs latvian latviešu
mk mkd mac macedonian македонски
ml mal malayalam മലയാളം
mr mar marathi मराठी
ms msa may zsm malay melayu
ne nep npi nepali नेपाली
nl nld dut dutch flemish nederlands
no nor nob nno nb nn norwegian norsk bokmål nynorsk
pa pan punjabi panjabi ਪੰਜਾਬੀ
pl pol polish polski
pt por portuguese português
ro ron rum romanian română
ru rus russian русский
sk slk slo slovak slovenčina
sl slv slovenian slovene slovenščina
so som somali soomaali
sq sqi alb albanian shqip
sr srp serbian српски srpski
sv swe swedish svenska
sw swa swh swahili kiswahili
ta tam tamil தமிழ்
te tel telugu తెలుగు
th tha thai ไทย
tl tgl fil tagalog filipino
tr tur turkish türkçe
uk ukr ukrainian українська
ur urd urdu اردو
vi vie vietnamese tiếng việt
zh zho chi cmn yue wuu cn chinese mandarin cantonese 中文 汉语 普通话
"""
_NAMES = {
    name: line.split()[0] for line in _LANGUAGES.strip().splitlines() for name in line.split()
}
_PARTS = re.compile(r"[_\-\s(,;/]+")


def declared_language(extra: Mapping[str, object]) -> str | None:
    """The language that a record names beside its texts; none where it names none that is known.

    extra: what a shape has not used of the record.
    """
    if not extra:
        return None
    for field in known.all_of(FIELDS, extra):
        if found := code_of(extra[field]):
            return found
    return None


def code_of(value: object) -> str | None:
    """The code of a value: a code, a name, or a list that holds one alone."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return _code(value) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _code(value: str) -> str | None:
    """`en`, `ENG`, `en-US`, `English`, `Chinese (Simplified)`; of two languages neither."""
    parts = list(filter(None, _PARTS.split(value.strip().lower().rstrip(")"))))
    if not parts:
        return None
    found = {_NAMES[part] for part in parts if part in _NAMES and len(part) > 3}
    if len(found) > 1:
        return None
    return _NAMES.get(parts[0]) or next(iter(found), None)
