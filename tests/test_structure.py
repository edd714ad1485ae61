"""Sizes and shares of a talk, counted as a reader would count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import Message
from pipeline.rules import structure
from pipeline.rules.reading.reading import read

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def talk(*turns: str) -> list[Message]:
    return [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)]


def measured(messages: list[Message]) -> dict[str, float]:
    return structure.measures(read(messages))


def test_sizes_leave_the_system_message_out() -> None:
    found = measured(
        [Message("system", "You are a baker."), *talk("Two loaves, please.", "Here you are, dear!")]
    )
    assert (found["turns"], found["words"], found["speakers"]) == (2, 7, 2)
    assert found["balance"] == pytest.approx(3 / 7)


def test_every_chinese_character_is_a_word() -> None:
    assert measured(talk("你好 Anna", "好"))["words"] == 4


def test_distinct_pairs_fall_with_repetition() -> None:
    fresh = measured(talk("the cat sat on a mat", "dogs like long walks"))["distinct_2"]
    stale = measured(talk("yes yes yes yes yes yes", "yes yes yes yes"))["distinct_2"]
    assert fresh == 1.0
    assert stale < 0.2


def test_likeness_is_found_only_between_messages_of_one_side() -> None:
    same = "I really love to walk along the river"
    alike = measured(talk(same, "Oh?", same + "!", "Oh!"))["repetition"]
    crossed = measured(talk(same, same))["repetition"]
    assert alike == 1.0
    assert crossed == 0.0


@given(st.lists(texts, max_size=6))
def test_words_are_those_of_the_texts(turns: list[str]) -> None:
    messages = talk(*turns)
    reading = read(messages)
    alone = [read(talk(text)).numbers.words[0] for text in turns]
    assert reading.numbers.words == alone
    assert len(reading.folded) == len(reading.text)


@given(st.lists(texts, min_size=2, max_size=5))
def test_a_talk_said_twice_repeats_every_longer_message(turns: list[str]) -> None:
    messages = talk(*turns, *turns)
    numbers = read(messages).numbers
    again, words = numbers.repeats[len(turns) :], numbers.words[len(turns) :]
    assert [earlier >= 0 for earlier in again] == [count >= 4 for count in words]


@pytest.mark.parametrize(
    ("message", "silent"),
    [
        ("*smiles*", True),
        ("*She pours another cup.*", True),
        ("[laughs]", True),
        ("(shrugs)", True),
        ("（点头）", True),
        ("*кивает* *улыбается*", True),
        ("_waves_ 🙂", True),
        ("*smiles* Yes.", False),
        ("Yes (no, wait)", False),
        ("*“Yes,” she says.*", False),
        ("Wait.", False),
        ("...", False),
        ("5 * 3 * 2", False),
    ],
)
def test_stage_directions(message: str, silent: bool) -> None:
    assert structure.is_stage(message) is silent


@pytest.mark.parametrize(
    ("replies", "share"),
    [
        (("*nods*", "*grins*", "*waves*"), 1.0),
        (("*nods*", "That is true.", "*grins*", "Come in."), 0.5),
        (("*nods*", "*grins*"), None),
        (("It is.", "Yes.", "No."), None),
    ],
)
def test_a_side_that_only_acts(replies: tuple[str, ...], share: float | None) -> None:
    turns = [turn for reply in replies for turn in ("Well?", reply)]
    found = [finding.value for finding in structure.stage(read(talk(*turns)))]
    assert found == ([] if share is None else [share])


def test_messages_that_say_nothing_are_counted() -> None:
    found = list(structure.empty(read(talk("Hi.", " ", "Anyone?", ""))))
    assert [(f.message, f.value) for f in found] == [(1, 2), (3, 2)]


def test_the_most_similar_pair_is_named_and_the_earliest_repetition() -> None:
    first, second = (
        "The rain fell all night on the old tin roof",
        "We had soup and bread and went to bed",
    )
    numbers = read(talk(first, second, f"{first} again", second, first)).numbers
    assert (numbers.similar.message, numbers.similar.earlier) == (3, 1)
    assert numbers.similar.value == 1.0
    assert numbers.repeats == [-1, -1, -1, 1, 0]


def test_similarity_is_the_jaccard_index_of_three_letters() -> None:
    one, other = "ab cd ef gh ij kl", "ab cd ef gh ij kx"
    first, second = ({text[i : i + 3] for i in range(len(text) - 2)} for text in (one, other))
    expected = len(first & second) / len(first | second)
    assert measured(talk(one, "Oh?", other))["repetition"] == pytest.approx(expected)
    short = "ab cd ef gh ij"
    assert measured(talk(short, "Oh?", short))["repetition"] == 0.0


@pytest.mark.parametrize(
    ("words", "again"), [("one two three four", 0), ("one two three", -1), ("你好你好", 0)]
)
def test_messages_of_four_words_count_as_repeated(words: str, again: int) -> None:
    assert read(talk(words, "Oh?", words)).numbers.repeats == [-1, -1, again]


def test_what_cannot_be_measured_is_missing() -> None:
    found = measured([Message("system", "You are a baker.")])
    assert found["turns"] == found["words"] == found["repeated_turns"] == 0
    assert not found.keys() & {"balance", "words_per_turn", "questions", "distinct_2"}
    assert "distinct_2" not in measured(talk("Yes", "No"))


@pytest.mark.parametrize(
    ("message", "share"),
    [
        ("I miss you so much. " * 8, 1.0),
        ("Well. " + "The soup is warm and the stove is on, come in now. " * 5, 60 / 61),
        ("yes " * 60, 1.0),
        ("ha" * 60, 1.0),
        ("我想你了，你在哪里？" * 5, 1.0),
        ("ha ha ha ha ha ha", 0.0),
        ("No no no no no, not the goat again, please no.", 0.0),
        ("I miss the sea. I miss the goat. I miss the soup. I miss you.", 0.0),
        ("哈哈哈哈哈哈哈哈哈哈哈哈", 0.0),
        ("Let it be, let it be, let it be, yeah, let it be. Whisper words, let it be.", 0.0),
    ],
)
def test_a_message_that_says_the_same_again_and_again(message: str, share: float) -> None:
    (found,) = read(talk(message)).numbers.loops
    assert found == pytest.approx(share)


def words(count: int, different: int, first: int = 0) -> str:
    """Long words, so that no loop of letters is in them."""
    return " ".join(f"unforgettable{first + n % different}" for n in range(count))


LONG = "unfortunately"
ALPHABET = "0123456789bcdefgijklmnopqrstuvwxyzäöüßéèêçñåøæîôûœ"  # 50 letters, without a and h
OTHERS = " ".join(f"unforgettable{n}" for n in range(900, 1000))


@pytest.mark.parametrize(
    ("message", "share"),
    [
        (f"{LONG} " * 40, 1.0),  # one word
        (f"{LONG} " * 39, 0.0),
        (words(30, 2), 1.0),
        (words(29, 2), 0.0),
        (words(20, 3), 1.0),
        (words(19, 3), 0.0),
        (words(20, 5), 1.0),  # four times
        (words(24, 6), 1.0),
        (words(23, 6), 0.0),
        (words(28, 7), 1.0),
        (words(27, 7), 0.0),
        (words(24, 8), 1.0),  # three times
        (words(23, 8), 0.0),
        (words(180, 60), 1.0),
        (words(183, 61), 0.0),
        (f"{words(25, 8)} {words(24, 99, 100)}", 25 / 49),
        (f"{words(24, 8)} {words(25, 99, 100)}", 0.0),
        (f"{words(24, 99, 100)} {words(24, 8)}", 0.5),
        (f"{OTHERS} {words(30, 8)}", 30 / 130),  # at the end
        (f"{OTHERS} {words(29, 8)}", 0.0),
        (f"{words(30, 8)} {OTHERS}", 0.0),
        ("a" * 60, 1.0),  # letters
        ("a" * 59, 0.0),
        ("ha" * 50, 1.0),
        ("ha" * 49 + "h", 0.0),
        ("abcdefghijkl" * 9, 1.0),
        ("abcdefghijklm" * 9, 0.0),
        (f"{ALPHABET}{'ha' * 50}{ALPHABET}", 0.5),
        (f"{ALPHABET}{'ha' * 50}{ALPHABET}z", 0.0),
        ("", 0.0),
    ],
)
def test_the_limits_of_a_loop(message: str, share: float) -> None:
    found = read(talk("Oh?", message)).numbers.loops
    assert found == [0.0, pytest.approx(share)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("😀b cd ef gh ij kl", "😁b cd ef gh ij kl"),
        ("日本語の本を読む", "日本語の木を読む"),
        ("one two three four five six", "six five four three two one"),
        ("aa aa aa aa aa aa", "aaa aaa aaa aaa aaa aaa"),
    ],
)
def test_messages_are_as_similar_as_their_threes_of_letters(one: str, other: str) -> None:
    first, second = ({text[i : i + 3] for i in range(len(text) - 2)} for text in (one, other))
    expected = len(first & second) / len(first | second)
    assert read(talk(one, "Oh?", other)).numbers.similar.value == pytest.approx(expected)


def test_only_messages_of_one_side_with_six_words_are_compared() -> None:
    long, short = "ab cd ef gh ij kl", "ab cd ef gh ij"
    assert read(talk(long, long, "Oh?")).numbers.similar == (0.0, -1, -1)
    assert read(talk(long, "Oh?", short, "Oh?", long)).numbers.similar == (1.0, 4, 0)
    assert read(talk(short, "Oh?", short)).numbers.similar == (0.0, -1, -1)
    assert read(talk(long, "Oh?", long, "Ah?", long)).numbers.similar == (1.0, 2, 0)


def test_each_message_has_its_words_pairs_and_the_earliest_it_repeats() -> None:
    numbers = read(
        talk("One, two - THREE four!", "日本 x", "one two three four", "", "日本 x y")
    ).numbers
    assert numbers.words == [4, 3, 4, 0, 4]
    assert numbers.repeats == [-1, -1, 0, -1, -1]
    assert numbers.distinct_2 == pytest.approx(6 / 11)  # pairs: 3 + 2 + 3 + 3


@pytest.mark.parametrize("part", ["*", "[", "(a ", "<!--", "_a", "*a", "ab ", "?? "])
def test_a_long_message_is_read_in_linear_time(part: str) -> None:
    reading = read(talk("Hi.", part * 100_000, "Well.", "Yes.", "No."))
    assert list(structure.stage(reading)) == []
