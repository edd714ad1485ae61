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


PARTICLES = "的了是我不在人们有来他这上着个"
# text, then of each shape its number in shapes.py, start and end; most in pairs, at both sides of a
# limit
SHAPES = [
    ("#$%^&*@|", [(1, 0, 8)]),
    ("#$%^&*@", []),
    ("####$$%^", [(1, 0, 8)]),
    ("####$$$%", []),
    ("ab ####$$%^ cd", [(1, 3, 11)]),
    ("#$ ####$$%^", [(1, 3, 11)]),
    ("x\0####$$%^", [(1, 2, 10)]),
    ("a" * 30, [(2, 0, 30)]),
    ("a" * 29, []),
    ("b" + "a" * 30 + "c", [(2, 1, 31)]),
    ("A" * 30, [(2, 0, 30)]),
    ("Z" * 30, [(2, 0, 30)]),
    ("À" * 30, [(2, 0, 30)]),
    ("я" * 30, [(2, 0, 30)]),
    ("あ" * 30, [(2, 0, 30)]),
    ("한" * 30, [(2, 0, 30)]),
    *((sign * 30, []) for sign in "…-7¿々`{@[ 😀"),
    ("1 2 3 4 5 6 7 8 9 10", [(3, 0, 20)]),
    ("1 2 3 4 5 6 7 8 9", []),
    ("1,2;3.4!5?6(7)8-9/0", [(3, 0, 19)]),
    ("12345678901234", []),
    ("1 2 3 4 5 6 7 8 9 10 a", []),
    ("1 2 3 4 5 6 7 8 9 10 的", []),
    ("hello привет 你好 שלום αβγ", [(4, 0, 24)]),
    ("hello привет 你好 שלום", []),  # three changes
    ("hello, привет 你好 שלום αβγ", []),
    ("a б c д 你", []),  # three scripts
    ("a б 你 ש a", [(4, 0, 9)]),
    ("a б 的 ש a", [(4, 0, 9)]),
    ("हिन् α ไท 한 א", [(4, 0, 13)]),
    (PARTICLES, [(5, 0, 15)]),
    (PARTICLES[:14], []),
    (PARTICLES + "的了山水火", [(5, 0, 20)]),  # 17 of 20
    (PARTICLES + "的山水火", []),  # 16 of 19
    (PARTICLES + "，" + PARTICLES, []),
    ("a1" * 16, [(6, 0, 32)]),
    ("a1" * 15 + "a", []),
    ("111111" + "ab" * 13, [(6, 0, 32)]),
    ("11111" + "ab" * 13 + "a", []),
    ("aaaaaa" + "12" * 13, [(6, 0, 32)]),
    ("aaaaa" + "12" * 13 + "1", []),
    ("a1b2" * 7 + "+=+=", [(6, 0, 32)]),
    ("a1b2" * 7 + "-=+=", []),
    ("zz a1 " + "a1" * 16 + " zz", [(6, 6, 38)]),
    ("####$$%^ " + "a" * 30, [(1, 0, 8), (2, 9, 39)]),
    ("", []),
]


@pytest.mark.parametrize(("text", "found"), SHAPES)
def test_the_limits_of_each_shape(text: str, found: list[tuple[int, int, int]]) -> None:
    assert shapes(text) == found
    assert shapes(f"{text}\0ok") == found
    moved = [(kind, start + 4, end + 4) for kind, start, end in found]
    assert shapes(f"ok.\0{text}") == moved


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("", (0, 0, 0)),
        ("xvbnq", (1, 0, 5)),
        ("The xvbnq wrtpl kzgfd it", (3, 4, 21)),
        ("xvbn wrtp kzgf", (3, 0, 14)),
        ("xvb wrt kzg", (0, 0, 0)),  # too short to say anything
        ("xvbnq there kzgfd wrtpl", (2, 12, 23)),  # a word between
        ("xvbnq de kzgfd wrtpl", (3, 0, 20)),  # too short to be one
        ("xvbnq 1 wrtpl 2 kzgfd", (3, 0, 21)),
        ("xvbnq xvbwr kzgfd", (2, 0, 17)),  # the same three letters: said again
        ("asdfghjk", (3, 0, 8)),  # alone, of eight letters
        ("asdfghj", (1, 0, 7)),
        ("asdfghjk it", (1, 0, 8)),
        ("asdfghjk 你", (1, 0, 8)),
        ("asdfghjk, it is\0asdfghjk", (3, 16, 24)),
        ("ffffff jjjjjj kkkkkk", (3, 0, 20)),  # keys held down
        ("fffff jjjjj kkkkk", (0, 0, 0)),
        ("xvvvbn wrrrtp kzzzgf", (0, 0, 0)),  # drawn out
        ("xvvbn wrrtp kzzgf", (3, 0, 17)),
        ("XVBNQW WRTPLK KZGFDM", (3, 0, 20)),
        ("XVBNQ WRTPL KZGFD", (0, 0, 0)),  # short ones in capitals
        ("XVBNq WRTPl KZGFd", (3, 0, 17)),
        ("ЩШПГК КНГЗЖ ЖЛДРП", (0, 0, 0)),
        ("щшпгуц кнгзхж", (3, 0, 13)),
        ("жлдорпав", (3, 0, 8)),
    ],
)
def test_the_longest_run_of_words_of_noise(text: str, run: tuple[int, int, int]) -> None:
    assert longest_run(text) == run


def test_filler_is_counted_message_by_message() -> None:
    few = "lorem ipsum dolor sit amet x"  # three words of it
    many = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod"
    found = list(noise.noise(read([Message("user", few), Message("assistant", many)])))
    assert [(one.value, one.message, one.start, one.evidence) for one in found] == [
        (6, 1, 6, "ipsum")
    ]
    four = "lorem ipsum dolor sit amet consectetur x"
    (found_in,) = noise.noise(read([Message("user", "Hi."), Message("assistant", four)]))
    assert (found_in.value, found_in.message) == (4, 1)


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
