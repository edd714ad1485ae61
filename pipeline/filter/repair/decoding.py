"""Text that was decoded wrongly, or never: decoded by trial.

    "donâ€™t"                                   "don’t"              UTF-8 read as Windows-1252
    "Ïðèâåò, áàáóøêà"                           "Привет, бабушка"    Windows-1251 read as that
    "w=C3=A4re", "w%C3%A4re", "w\\u00e4re"      "wäre"               escapes never decoded
    "crème brûlée", "Łódź", "(╯°□°)╯"           the same

Wrongly decoded text is put back into bytes by the encoding that it was read in, and read in
another. `PAIRS` are tried on messages that hold what no language writes (`_SUSPECT`), and one is
taken where its letters fit a language much better than those that stood there:

    "Ïðèâåò, áàáóøêà"    as it is                      1.5 nats a letter
    "Привет, бабушка"    Windows-1252 → Windows-1251   8.6                  taken
    "╧≡ΦΓσ≥, ßαß≤°Ωα"    Windows-1252 → CP437          1.5
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import ftfy
from ftfy.badness import is_bad

from pipeline.rules.reading.signs import beyond_ascii, holds

_CODE = "```"
_TIMES = 3  # that a text may have been decoded wrongly, one after another
_FIT = 2.0  # nats a letter that a trial must have: table frames read as letters have less
_BETTER, _NATS = 1.05, 12.0  # times as well, and nats in all, that it must fit better
_STRANGE = 0.1  # share of signs that are no letters, from which on a trial is none

# The encoding that it was read in, and its own.
_WINDOWS, _TURKISH = "sloppy-windows-1252", "sloppy-windows-1254"
PAIRS = (
    *((read, "cp1251") for read in (_WINDOWS, _TURKISH, "cp1250", "koi8-r", "cp866")),
    *((read, "koi8-r") for read in (_WINDOWS, "cp1251")),
    *((read, "cp866") for read in ("cp1251", "koi8-r")),
    *((read, "utf-8") for read in ("koi8-r", "cp866", "cp437", "cp850", "cp1251", "mac-roman")),
    *((read, "utf-8") for read in ("gb18030", "big5", "cp932", "cp949", _WINDOWS, "latin-1")),
    *((_WINDOWS, own) for own in ("gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "cp437")),
    *(("latin-1", own) for own in ("gb18030", "big5", "shift_jis", "euc-jp")),
    ("cp1251", "gb18030"),
    ("mac-roman", "cp1252"),
)
_SUSPECT = re.compile(
    "[À-ÖØ-öø-ž]{4}|ÔÇ"  # accents only
    "|[¡-¿][¡-ÿ][¡-¿][¡-ÿ]|[\x80-\x84\x86-\x9f]|[a-z][¡¨][¡-¿]"
    "|(?<![Ѐ-ӿ])[а-я][А-Я]{2}"  # capitals for small letters
    "|[─-▟][A-Za-zЀ-ӿα-ω]|[A-Za-zЀ-ӿα-ω][─-▟]"
    "|[a-z][„‚ˆ‰¤¢§¨¸][a-z]|[а-яЎўҐ][¤¦§]|[¤¦§][а-я]"
    "|[a-z][А-Я][^\\sa-zА-я]|г[Ѓ‚ѓ]|пј|дё"
    "|(?:[–—][^\\s\\w]?[^\\sa-z]){3}"
    "|[A-Za-z][ｦ-ﾟ]|[ﾂﾃ][｡-ﾟ]"
    "|[a-z][㐀-鿿가-힣](?![㐀-鿿가-힣])|(?<![㐀-鿿가-힣])[㐀-鿿가-힣][a-z]"
    "|[㐀-鿿豈-﫿][가-힣]|[가-힣][㐀-鿿豈-﫿]"
    "|[锛銆鈥鐨鎴褌褋邪嚗銝縺繝繧]"  # what UTF-8 looks like in encodings of East Asia
)
# Typography and emoji: beside plain ASCII these are no sign of anything.
_HARMLESS = re.compile("[’…\ufe0f\u2600-\u27bf\U0001f300-\U0001faff]+")
_PUNCTUATION = "’‘“”„«»–—…¿¡、。，！？：；（）「」『』《》·～\u3000\xa0"

_PRIVATE = re.compile("[\ue000-\uf8ff]")

_ESCAPES = ("\\u", "\\x", "<U+", "%", "=")
_ESCAPE = re.compile(
    r"(?P<address>(?:https?|ftp)://\S+|www\.\S+|(?<!\w)\w{1,60}\.\w{2,10}/\S+)"
    r"|(?P<unicode>(?:\\u[0-9a-fA-F]{4})+)|<U\+(?P<point>[0-9A-Fa-f]{4,5})>"
    r"|(?P<bytes>(?:\\x[0-9a-fA-F]{2}){2,}|(?:=[0-9A-F]{2}){2,}|(?:%[0-9A-F]{2}){2,})"
    r"|(?<=[a-zA-Z])=(?P<lone>[C-F][0-9A-F])(?=[a-z])"
)


def decode(text: str) -> str:
    """A text as it was meant; the same where it was decoded well, and where it holds code."""
    if _CODE in text:
        return text
    if holds(text, _ESCAPES):
        text = _unescaped(text)
    if text.isascii():
        return text
    for _ in range(_TIMES):
        better = _decoded_once(text)
        if better == text:
            break
        text = better
    return text


def is_suspect(text: str) -> bool:
    """Might `decode` change it? text: of many messages, one after another."""
    if holds(text, _ESCAPES):
        return True
    beyond = beyond_ascii(text)
    if _HARMLESS.sub("", beyond).isascii():
        return False
    return bool(is_bad(beyond) or _SUSPECT.search(beyond))


# --- trials


def _decoded_once(text: str) -> str:
    """ftfy's answer, or the trial that fits a language best where it fits much better."""
    bad = is_bad(text)
    if not (bad or _SUSPECT.search(text)):
        return text
    from pipeline.rules.language.detect import fits

    fixed = ftfy.fix_encoding(text) if bad else text
    trials = list(dict.fromkeys([text if _PRIVATE.search(fixed) else fixed, *_trials(text)]))
    rates = fits(trials)
    best = max(range(len(trials)), key=rates.__getitem__)
    nats = (rates[best] - rates[0]) * sum(map(str.isalpha, trials[best]))
    much = rates[best] > max(_FIT, rates[0] * _BETTER) and nats > _NATS
    if much:
        return trials[best]
    return trials[0]


def _trials(text: str) -> Iterator[str]:
    for read, own in PAIRS:
        try:
            trial = text.encode(read).decode(own)
        except UnicodeError:
            continue
        if not _is_strange(trial):
            yield trial


def _is_strange(text: str) -> bool:
    """Has it control signs, or many signs beyond ASCII that are neither letters nor punctuation?"""
    beyond = [sign for sign in text if sign > "\x7f"]
    odd = sum(not (sign.isalpha() or sign in _PUNCTUATION) for sign in beyond)
    has_controls = any(sign < " " and sign not in "\n\t" for sign in text)
    return has_controls or odd > _STRANGE * len(beyond)


# --- escapes


def _unescaped(text: str) -> str:
    """Without the escapes of JSON, Python, R, mails and addresses; an address itself stays."""
    found = _ESCAPE.sub(_character, text)
    if found != text and "=" in text:
        found = found.replace("=\n", "").replace("=20", " ").replace("=3D", "=")
    return found


def _character(match: re.Match[str]) -> str:
    """What an escape stands for; ASCII, and what is no text, stays.

    `\\u043f\\u0440` → пр · `<U+00E9>` → é · `=C3=A4`, `%C3%A4`, `\\xc3\\xa4` → ä
    """
    decoded = ""
    if match["unicode"]:
        decoded = _text(match[0].replace("\\u", ""), "utf-16-be")
    elif match["point"]:
        decoded = chr(int(match["point"], 16))
    elif match["bytes"]:
        decoded = _text(re.sub(r"\\x|[=%]", "", match[0]), "utf-8")
    elif match["lone"]:
        decoded = _text(match["lone"], "cp1252")
    return match[0] if decoded.isascii() else decoded


def _text(digits: str, encoding: str) -> str:
    try:
        return bytes.fromhex(digits).decode(encoding)
    except UnicodeError:
        return ""
