"""Unseen signs and disguised letters are undone; what a script needs stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import Conversation, Message, Source
from pipeline.filter.repair import repair_texts
from pipeline.recipe.filter import RepairSettings
from pipeline.rules.reading.lookalikes import is_suspect, plain, visible
from pipeline.rules.reading.reading import read
from pipeline.rules.style import unicode

TAGS = "\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def shown(text: str) -> str:
    return plain(visible(text))


@pytest.mark.parametrize(
    ("disguised", "meant"),
    [
        ("so\u200bup \u202ecod", "soup cod"),
        (f"Come in.{TAGS} The soup", "Come in. The soup"),
        ("pa\u2060y\u200dp\u200cal", "paypal"),
        ("a\ufe01b\ufe02c x\U000e0100\U000e0110\U000e0111y", "abc xy"),
        ("C̷̛͔o̶̢͝m̸̨̈́e̵͇͝ ̷̰̓i̸̬̔n̴̗̈́, the soup", "Come in, the soup"),
        ("s̶t̶r̶u̶c̶k̶ out", "struck out"),
        ("\x1b[31mred\x1b[0m\x07 soup", "red soup"),
        ("Ｃｏｍｅ ｉｎ, the ｓｏｕｐ", "Come in, the soup"),
        ("𝐂𝐨𝐦𝐞 𝒾𝓃, 𝔱𝔥𝔢 soup", "Come in, the soup"),
        ("ⓒⓞⓜⓔ ⓘⓝ 🅲🅾🅼🅴 ᴄᴏᴍᴇ", "come in COME come"),
        ("Cоmе in, thе sоuр is rеаdу", "Come in, the soup is ready"),
        ("Приезжай к нaм, бaбушкa будeт oчeнь рaдa.", "Приезжай к нам, бабушка будет очень рада."),
        ("Αpple Κing", "Apple King"),
        ("рaypal login", "paypal login"),
    ],
)
def test_tricks_are_undone(disguised: str, meant: str) -> None:
    assert is_suspect(disguised)
    assert shown(disguised) == meant
    assert shown(meant) == meant


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم بروم",
        "क्‍षमा",
        "👩‍🚀 waves, 👨‍👩‍👧‍👦 too, 1️⃣ ❤️",
        f"The flags {SCOTLAND} 🇵🇹 hang",
        "Ｙｅｓ, I type like this",
        "Ｔシャツを買った、ＴＯＹＯＴＡとＮＨＫ",
        "10μm and λx, 𝑎𝑥², ℝ and ℚ, Ω and π",
        "в Facebookе и на Windowsе, T-shirt и IT-отдел",
        "Мой ник CAT, а сестра OWL.",
        "ΚΑΛΗΜΕΡΑ, καλημέρα",
        "Việt Nam, naïve coöperate, Ма́ма",
        "(╯°□°)╯︵ ┻━┻ ಠ_ಠ",
        "soft\u00adhyphen",
        "Blood type 🅰️🅱️",
    ],
)
def test_what_a_script_needs_stays(text: str) -> None:
    assert shown(text) == text


def row(content: str) -> Conversation:
    messages = (Message("user", "Hi."), Message("assistant", content))
    return Conversation("x", messages, Source("file", "t", "t#1"))


@pytest.mark.parametrize(
    ("content", "edits"),
    [
        ("so\u200bup", ("filter: removed invisible characters in message 1",)),
        ("Cоmе in", ("filter: normalised disguised characters in message 1",)),
        ("```\nso\u200bup Cоmе\n```", ()),
    ],
)
def test_the_edit_names_what_was_undone(content: str, edits: tuple[str, ...]) -> None:
    assert repair_texts(row(content), RepairSettings()).edits == edits


def test_the_rule_finds_what_was_not_repaired() -> None:
    found = list(unicode.tricks(read(row("The so\u200bup").messages)))
    assert [(finding.message, finding.start) for finding in found] == [(1, 6)]
    assert list(unicode.tricks(read(row("The soup").messages))) == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_second_time_changes_nothing_more(text: str) -> None:
    once = shown(text)
    assert shown(once) == once


@given(
    st.text(st.sampled_from("abcxyz ,.éßñ жщд 漢字かな"), max_size=40).filter(
        lambda t: not is_suspect(t)
    )
)
def test_ordinary_text_is_never_touched(text: str) -> None:
    assert shown(text) == text
