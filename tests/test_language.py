"""Languages: conversations first, then messages.

A switch is found, a name or a borrowed word is none.
"""

from __future__ import annotations

from pathlib import Path

import langdetect
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recipe.filter import FilterSettings
from pipeline.rules import LANGUAGES
from pipeline.rules.language import detect, prepared, profiles

GERMAN = [
    "Hast du gut geschlafen?",
    "Ja.",
    "Ich habe von dem alten Haus am See geträumt.",
    "Na dann.",
    "Wollen wir am Wochenende hinfahren und die Fenster streichen?",
]
ENGLISH = [
    "How was the concert last night?",
    "Loud.",
    "I could not hear a thing for hours, but the singer waved at me.",
    "No way!",
    "She did, and then she threw her hat into the crowd.",
]
TEXTS = {
    "de": GERMAN,
    "en": ENGLISH,
    "fr": [
        "Tu as passé une bonne journée ?",
        "Bof.",
        "Le train était encore en retard et j'ai raté le début du film.",
    ],
    "ru": [
        "Ты уже ужинала?",
        "Нет.",
        "Тогда я сварю суп, а ты расскажи мне про свою поездку на море.",
    ],
    "zh": ["你今天过得怎么样？", "还好。", "我刚刚看完了那本你借给我的小说，结局太悲伤了。"],
    "ja": [
        "今日はどうでしたか？",
        "まあまあ。",
        "雨が降っていたので、ずっと家で本を読んでいました。",
    ],
    "ko": ["오늘 하루 어땠어?", "그냥.", "비가 와서 집에서 하루 종일 책만 읽었어."],
}


def test_every_message_has_the_language_of_its_conversation() -> None:
    for (code, texts), found in zip(
        TEXTS.items(), detect.detect(list(TEXTS.values())), strict=True
    ):
        assert found.language is not None
        assert found.language.code == code
        assert found.language.confidence > 0.99
        assert found.codes == (code,) * len(texts)


def test_a_sentence_in_another_language_is_found_and_named() -> None:
    texts = [*GERMAN[:3], "Honestly, I would rather stay at home and watch the rain.", *GERMAN[3:]]
    (found,) = detect.detect([texts])
    assert found.codes == ("de", "de", "de", "en", "de", "de")
    assert found.evidence[3] >= detect.FOREIGN


def test_a_short_message_between_foreign_ones_belongs_to_them() -> None:
    texts = [*GERMAN, *GERMAN, ENGLISH[0], "Loud.", ENGLISH[2]]
    assert detect.detect([texts])[0].codes == ("de",) * 10 + ("en",) * 3


def test_one_long_foreign_message_does_not_outvote_the_others() -> None:
    speech = " ".join(ENGLISH) * 20
    (found,) = detect.detect([[*GERMAN, speech]])
    assert found.language is not None
    assert found.language.code == "de"
    assert found.codes[-1] == "en"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("de", "Ich liebe Game of Thrones, das ist echt die beste Show!"),
        ("en", "Jean-Baptiste Grenouille? He is in that novel by Süskind."),
        ("zh", "你听过《american idiot》这个专辑吗？"),
        ("zh", "他的外文名字叫Ryan Potter。"),
        ("ru", "Я весь вечер смотрел Stranger Things на ноутбуке."),
        ("en", "No."),
        ("en", "Haha ok"),
        ("en", "see https://de.wikipedia.org/wiki/Das_Boot_ist_voll_und_das_Wasser_ist_kalt"),
        ("fr", "..."),
        ("fr", ""),
    ],
)
def test_names_titles_and_short_messages_are_not_foreign(code: str, text: str) -> None:
    assert detect.detect_message(text, code)[0] == code
    assert detect.detect([[*TEXTS[code], text]])[0].codes[-1] == code


def test_a_new_message_in_the_wrong_language_is_found() -> None:
    code, evidence = detect.detect_message("Je ne comprends pas ce que tu veux dire par là.", "en")
    assert code == "fr"
    assert evidence > detect.FOREIGN


def test_an_expected_language_must_be_known() -> None:
    with pytest.raises(ValueError, match="known are af ar"):
        detect.detect_message("Hello", "tlh")


def test_a_recipe_admits_only_languages_that_are_recognised() -> None:
    assert tuple(LANGUAGES.split()) == profiles.weights().names
    assert FilterSettings(languages=["en", "zh"]).languages == ["en", "zh"]
    with pytest.raises(ValueError, match="there is no language `zh-cn`"):
        FilterSettings(languages=["en", "zh-cn"])


def test_where_letters_hardly_decide_the_admitted_language_is_found() -> None:
    turns = [["Hvor bor du?", "Her."]]
    assert detect.detect(turns, ["da"])[0].codes == ("da", "da")
    assert detect.detect(turns, ["no"])[0].codes == ("no", "no")
    assert detect.detect([ENGLISH], ["da"])[0].codes == ("en",) * 5


def test_without_letters_there_is_no_language() -> None:
    silent, empty, spoken = detect.detect([["...", "😀 42"], [], ENGLISH])
    assert silent == detect.Detection(None, (None, None), (0.0, 0.0))
    assert empty == detect.Detection(None, (), ())
    assert spoken.codes == ("en",) * 5
    assert detect.detect([]) == []


def test_a_stricter_limit_finds_less() -> None:
    talk = [[*GERMAN, "No way, you must be joking!"]]
    assert detect.detect(talk, limit=10)[0].codes[-1] == "en"
    assert detect.detect(talk, limit=500)[0].codes[-1] == "de"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=4),
        max_size=4,
    )
)
def test_a_batch_finds_what_each_conversation_alone_would(conversations: list[list[str]]) -> None:
    alone = [detect.detect([texts])[0] for texts in conversations]
    assert detect.detect(conversations) == alone


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [word for texts in TEXTS.values() for text in texts for word in text.split()]
        ),
        max_size=9,
    )
)
def test_the_baseline_answers_as_the_package_does(words: list[str]) -> None:
    text = " ".join(words)
    assert detect.langdetect_baseline([text]) == [_package(text)]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_the_baseline_reads_any_characters_as_the_package_does(text: str) -> None:
    assert detect.langdetect_baseline([text]) == [_package(text)]


@pytest.mark.parametrize(
    "text", ["", "12345", "anna@example.org", "HELLO THERE", "Xin chào bạn, hôm nay thế nào?"]
)
def test_the_baseline_in_the_corners(text: str) -> None:
    assert detect.langdetect_baseline([text]) == [_package(text)]


def _package(text: str) -> str:
    langdetect.DetectorFactory.seed = 0
    try:
        return str(langdetect.detect(text))
    except langdetect.LangDetectException:
        return ""


def test_tables_are_kept_for_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "FOLDER", tmp_path / "cache")
    made: list[int] = []

    def make() -> prepared.Arrays:
        made.append(1)
        return {"table": np.arange(1000)}

    def total(*made_from: object) -> int:
        return int(prepared.prepared("numbers", make, made_from)["table"].sum())

    source = tmp_path / "source.txt"
    source.write_text("a")
    assert [total(source, "1.0"), total(source, "1.0")] == [499_500] * 2
    assert len(made) == 1
    source.write_text("b")
    assert (total(source, "1.0"), len(made)) == (499_500, 2)
    assert (total(source, "1.1"), len(made)) == (499_500, 3)
    (file,) = (tmp_path / "cache").iterdir()  # older ones are gone
    damaged = bytearray(file.read_bytes())
    damaged[4000] ^= 1
    file.write_bytes(damaged)
    assert (total(source, "1.1"), len(made)) == (499_500, 4)
    file.write_bytes(b"")
    assert (total(source, "1.1"), len(made)) == (499_500, 5)


def test_tables_are_made_anew_where_they_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(prepared, "FOLDER", tmp_path / "file" / "cache")
    tables = prepared.prepared("numbers", lambda: {"table": np.arange(3)}, ())
    assert tables["table"].tolist() == [0, 1, 2]
