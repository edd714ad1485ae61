"""Where the last message breaks off, and where it only ends without a full stop."""

from __future__ import annotations

import time

import pytest

from pipeline.conversation import Message
from pipeline.rules.endings import breaks_off

STOPS = ("Hi.", "Hello!", "How are you?", "Fine.", "Good.")
NO_STOPS = ("hi", "hello", "how are you", "fine", "good")


def broken(last: str, before: tuple[str, ...] = STOPS) -> bool:
    messages = [Message("user", text) for text in (*before, last)]
    return bool(breaks_off(messages))


@pytest.mark.parametrize(
    "last",
    [
        "I went to the",
        "where do you work t",
        "Which train did y",
        "When's you",
        "She said (and",
        "He said, “I will never",
        'She whispers, "Never tell the cat about',
        "I am glad that they're",
        "I saw a",
        "It wouldn",
        "Мы взяли хлеб, сыр и",
        "Ich habe Brot gekauft und",
        "Je voulais te dire que je cherche une",
    ],
)
def test_what_breaks_off_whatever_the_others_do(last: str) -> None:
    assert broken(last)
    assert broken(last, NO_STOPS)


@pytest.mark.parametrize(
    "last",
    [
        "That tastes beautifu",
        "Let me tell you about the time when my grandm",
        "There is something I wanted to tell you beca",
        "He turned around and slowly walked towards his",
        "I knew Molly R",
        "Мы собирались поехать на дачу, но",
        "Dann fahren wir zusammen mit",
        "Nous pourrions aller à la plage avec",
        "Podemos ir al cine o al teatro, pero",
        "我昨天去了那家新开的餐厅，那里的",
        "明日は駅前で待ち合わせをして、それから",
        "그래서 나는 어제 그 사람을",
        "А потом мы вышли на балкон б",
        "友達と新しいハ",
        "父が生まれたのは1961年5月1",
        "祖母が毎年楽しみにしているのは夏の花火大会で",
    ],
)
def test_what_breaks_off_where_the_others_end_in_full_stops(last: str) -> None:
    assert broken(last)
    assert not broken(last, NO_STOPS)


@pytest.mark.parametrize("before", [STOPS, NO_STOPS])
@pytest.mark.parametrize(
    "last",
    [
        "That is all.",
        "Bye ;)",
        "I miss you :(",
        "; p",
        "Жаль((",
        "Жаль (",
        "Мне так грустно(",
        "((",
        "I got an A",
        "let's go with plan b",
        "I'd take vitamin c",
        "Yes they're",
        "Sie rief: »Komm doch herein …«",
        "I knew that it's you",
        "See you at noon",
        "What is it for",
        "Not that I know of",
        "He sure doesn't",
        "Wait, is that the goat on the roof—",
        "I'll bring the bread ❤️",
        "The timetable is here: https://trains.example/canal",
        "ok,",
        "We took two weeks, the stove, some blankets, tea and bread,",  # a slip for a full stop
        "I don't think you have to",
        "我们什么时候能结束这个",
        "I live in Porto",
        'He said "hello"',
        "my dog is called Biscuit",
        "it was fun lol",
        "Bis später",
        "Bonne nuit",
        "Hasta mañana",
        "A domani",
        "Até amanhã",
        "Спокойной ночи",
        "好的",
        "明天见",
        "はい、わかりました",
        "잘 자",
        "",
    ],
)
def test_what_only_ends_without_a_full_stop(last: str, before: tuple[str, ...]) -> None:
    assert not broken(last, before)


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ("Is it far to Kirchbruck?", "I thought of a house near Kirch"),
        ("Ist das weit von Kirchbruck?", "Ich dachte an ein Haus bei Kirchb"),
        ("Это далеко от Заозёрска?", "Я думала о доме под Заоз"),
    ],
)
def test_the_beginning_of_a_word_that_another_message_holds_is_cut(before: str, last: str) -> None:
    assert broken(last, (*STOPS, before))
    assert not broken(last, (*NO_STOPS, before.rstrip("?")))


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ("Kirchbrucks are the best plums.", "we grow them in Kirchbruck"),
        ("She skateboards. I love skateboarding.", "then take your skateboard"),
        ("I met Kirch in Kirchbruck.", "I know a man called Kirch"),
        ("そうだね。いいねえ。", "今日は本当にいいネ"),
        ("どこで会う？", "駅で"),
        ("いつ？", "来年の7月"),
        ("Oranges are full of vitamin c.", "berries have tons of it c"),
        ("He is probably a pirate!", "yes, and you know it ! ; p"),
    ],
)
def test_a_whole_word_is_not_cut_because_another_begins_so(before: str, last: str) -> None:
    assert not broken(last, (*STOPS, before))


def test_what_stands_at_the_end_is_told() -> None:
    messages = [Message("user", "Well?"), Message("assistant", "We walked all the way to the")]
    assert breaks_off(messages) == "d all the way to the"
    assert breaks_off([]) == ""


def test_a_long_message_is_read_in_linear_time() -> None:
    began = time.process_time()
    for part in ("[", "(a ", '"a ', "«", "a,"):
        broken(part * 200_000)
    assert time.process_time() - began < 20


def others(whole: int, count: int) -> tuple[str, ...]:
    return ("Yes.",) * whole + ("yes",) * (count - whole)


@pytest.mark.parametrize("last", ["I went to the bri", "Ther", "I went with"])
@pytest.mark.parametrize(
    ("whole", "count", "is_broken"),
    [
        (4, 4, True),
        (3, 3, False),  # too few to say anything
        (0, 0, False),
        (3, 4, True),
        (3, 5, False),  # six in ten end in stops
        (4, 5, True),
        (2, 4, False),
    ],
)
def test_a_weak_sign_counts_where_enough_of_the_others_end_in_stops(
    last: str, whole: int, count: int, is_broken: bool
) -> None:
    assert broken(last, others(whole, count)) is is_broken


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("this is the end of a long sentence that goes on b", "tence that goes on b"),
        ('He said "come', 'He said "come'),
        ('He said "come" so', ""),
        ("so (and then", "so (and then"),
        ("so (and then) it", ""),
        ("I like dogs", ""),  # forms of words
        ("I baked it", ""),
        ("I saw Xqua", ""),  # a name
        ("see www.a.example/th", ""),
        ("", ""),
    ],
)
def test_the_words_at_which_a_message_breaks_off(last: str, words: str) -> None:
    said = [Message("user", text) for text in (*others(4, 4), last)]
    assert breaks_off(said) == words


def test_nothing_breaks_off_where_nothing_is_said() -> None:
    assert breaks_off([]) == ""
