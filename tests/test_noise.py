"""Noise: words of no language, shapes, filler; and words that only look odd."""

from __future__ import annotations

import pytest

from pipeline.conversation import Message
from pipeline.rules import RULES, beyond
from pipeline.rules.reading.babble import babble
from pipeline.rules.reading.noise import longest_run
from pipeline.rules.reading.reading import read
from pipeline.rules.reading.shapes import shapes
from pipeline.rules.style import noise


def noisy(text: str) -> bool:
    found = noise.noise(read([Message("user", "Hi."), Message("assistant", text)]))
    return any(beyond(finding.value, RULES["style.noise"]) for finding in found)


@pytest.mark.parametrize(
    "text",
    [
        "kjsdhf ksjdhf wiuery",
        "qpwoeiruty alskdjfhg zmxncbv",
        "The soup is ready. xvbnq wrtpl kzgfd mmnbv",
        "fffffff jjjjjj kkkkkk dddddd",
        "asdfghjkl",
        "dkfjghdkfjgh",
        "фывфыв йцуйцу ячсячс",
        "щшпгуц кнгзхж вчмть",
        "ñlkasjdf qwñeoir zxcñmv",
        "#$%^&*@@#$ hello",
        "gh kl mn bc df tr wq",
        "b4k9 ss1d 0lm3 t7t7 ppq2",
        "?/# ;; ][ @@ &% ++ {}",
        "ㄴㅓㅏㅂㄱㅅㅌㅗㅁㅣ",
        "ゆほぬけわるめさゐぬへ",
        "뷁쉙퀢뫏궯뚫쀍",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "17 44 91 3 8 102 77 61 5 5 9",
        "Well, жду 你好 سلام नमस्ते you",
        "这是的不了在人有我他个大来上为和国地到以说时要就出会可也",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore.",
    ],
)
def test_what_no_language_has(text: str) -> None:
    assert noisy(text)


@pytest.mark.parametrize(
    "text",
    [
        "Nooooooooooooo! Not again!",
        "What the @#$%! is that?",
        "My password is not qwerty, I promise.",
        "1, 2, 3, 4, 5, ready or not, here I come!",
        "Brrr, pfff, tsk tsk, shh.",
        "Boys, boys, boys. Kchch, kchch, kchch.",
        "Hello is привет, 你好 and سلام, how many do you know?",
        "Schwarzschild, Nietzsche, Tchaikovsky, Rachmaninoff.",
        "Grzegorz Brzęczyszczykiewicz from Szczebrzeszyn sends his love.",
        "Вскрыть взгляд, всхлипнуть, взъерошить. Ррррр, бззззз, тссс.",
        "Źdźbło trawy, chrząszcz brzmi w trzcinie.",
        "Strč prst skrz krk.",
        "CCTV, NHL, MVP, PhD, LSTM, HTML",
        "BBC CNN NBC CBS MTV",
        "e4 e5 Nf3 Nc6 Bb5 a6 Ba4 Nf6",
        "ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ ㅠㅠㅠㅠㅠㅠㅠㅠ",
        "ありがとうございます",
        "LOL ROFL LMFAO OMFG",
        "我也是刚来这里。我正和我的家人出去玩。",
        "Etiam si omnes, ego non, as my teacher said.",
        "~~~~~~~~~~~~~~~~~~~~ ----------------------",
        "hahahahaha hahaha ahahah stop it",
    ],
)
def test_what_only_looks_odd(text: str) -> None:
    assert not noisy(text)


def test_the_place_of_noise_is_that_of_its_message() -> None:
    text = "Good morning.\0Well: asdkjh qweoiu zxmnb!"
    run = longest_run(text)
    assert (run.words, text[run.start : run.end]) == (3, "asdkjh qweoiu zxmnb")
    (shape,) = shapes("Hi.\0So #$%^&*@@#$ it is")
    assert (shape.start, shape.end) == (7, 17)


def test_noise_does_not_run_on_into_the_next_message() -> None:
    assert longest_run("Oh, asdkjh qweoiu\0zxmnb lkjasd, oh").words == 2


@pytest.mark.parametrize(
    ("text", "is_damaged"),
    [
        ("Caf\ufffd is open.", True),
        ("下次叫上你锟斤拷锟斤拷，我们带点水果。", True),
        ("The cafï¿½ is open.", True),
        ("??????, ??? ????? ????!", True),
        ("?? ?? ??", False),
        ("What??? Really?? No??", False),
        ("ЩОРОКУ В ПРОФЕСІЙНОМУ БЕЙСБОЛІ", False),
        ("Crème brûlée, Ångström, façade.", False),
        ("РСТ и СССР это просто старые буквы.", False),
    ],
)
def test_lost_characters(text: str, is_damaged: bool) -> None:
    found = list(noise.damaged(read([Message("user", text)])))
    assert bool(found) is is_damaged


def test_words_of_no_language_are_noise_where_the_language_is_known() -> None:
    text = "drelb umi pof tarn wuggle sivo\0one two"
    assert list(babble(text, text, is_known=True)) == [(0, 30)]
    assert list(babble(text, text, is_known=False)) == []
    known = "drelb umi pof the wuggle sivo"
    assert list(babble(known, known, is_known=True)) == []
    named = "Dopey, Sneezy, Grumpy, Happy, Sleepy, Doc"
    assert list(babble(named, named.lower(), is_known=True)) == []
