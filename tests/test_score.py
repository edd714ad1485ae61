"""What `score` says of conversations, as somebody would notice who reads its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import pytest

from pipeline.conversation import (
    CRITERIA,
    Annotation,
    Conversation,
    Language,
    Message,
    Persona,
    Score,
    Source,
)
from pipeline.filter import work as filtered
from pipeline.recipe.filter import FilterSettings
from pipeline.recipe.score import ScoreSettings
from pipeline.score import measure
from pipeline.score.apply import work
from pipeline.score.measure import BATCH
from tests.rows import conversation

BRAM = Persona(
    "Bram",
    "Bram is a harbour pilot of 58 in a small Cornish port, a widower with a one-eyed cat called "
    "Admiral. He builds kites that rarely fly, hates being hurried and has a dry sense of humour.",
)

WELL_PACED = {
    "en": [
        "Hello! Is this the chat of the kite club?",
        "It is. There are three of us, and two kites that fly.",
        "Ha. I have one that has never left the ground.",
        "Then you qualify. What does it do instead?",
        "It falls over, mostly. I only get out on Sundays anyway, the shop takes the rest.",
        "What sort of shop is it?",
        "Second-hand books. My aunt ran it before me.",
        "Nice. Sunday at ten then, by the car park, if the wind is in.",
    ],
    "ru": [
        "Добрый день! Это чат кружка воздушных змеев?",
        "Да, он самый. Нас трое, летают пока два змея.",
        "У меня один, и тот ни разу не поднялся.",
        "Тогда вы нам подходите. А что он делает?",
        "В основном падает. Я свободен только по воскресеньям, остальное время в магазине.",
        "А что за магазин?",
        "Старые книги. Раньше его вела моя тётя.",
        "Хорошо. Тогда в воскресенье в десять, у стоянки, если будет ветер.",
    ],
    "de": [
        "Guten Tag! Ist das hier die Gruppe vom Drachenverein?",
        "Ja, genau. Wir sind zu dritt, und zwei Drachen fliegen auch.",
        "Ich habe einen, der noch nie oben war.",
        "Dann passen Sie gut zu uns. Was macht er stattdessen?",
        "Meistens fällt er um. Ich habe aber nur sonntags Zeit, sonst bin ich im Laden.",
        "Was für ein Laden ist das?",
        "Alte Bücher. Früher hat ihn meine Tante geführt.",
        "Schön. Dann am Sonntag um zehn am Parkplatz, wenn Wind ist.",
    ],
}
RUSHED = {
    "en": [
        "Hello! Is this the chat of the kite club?",
        "I knew it was you. I have been waiting for you all my life, my love.",
        "Um. I only wanted to ask when you meet.",
        "I can't stop thinking about you. I want to hold you and never let you go.",
        "We don't know each other.",
        "I love you. Move in with me tonight, my darling, I can't sleep without you.",
        "No.",
        "You are the only one for me, I need you, kiss me.",
    ],
    "ru": [
        "Добрый день! Это чат кружка воздушных змеев?",
        "Я сразу понял, что это ты. Я ждал тебя всю жизнь, любимая.",
        "Я только хотела спросить, когда вы собираетесь.",
        "Не могу перестать думать о тебе. Хочу обнять тебя и никогда не отпускать.",
        "Мы с вами не знакомы.",
        "Я люблю тебя. Переезжай ко мне сегодня, родная, я не могу уснуть без тебя.",
        "Нет.",
        "Ты у меня единственная, ты мне нужна, поцелуй меня.",
    ],
    "de": [
        "Guten Tag! Ist das hier die Gruppe vom Drachenverein?",
        "Ich wusste, dass du es bist. Ich habe mein Leben lang auf dich gewartet, mein Schatz.",
        "Äh. Ich wollte nur fragen, wann ihr euch trefft.",
        "Ich denke nur noch an dich. Ich will dich halten und nie mehr loslassen.",
        "Wir kennen uns doch gar nicht.",
        "Ich liebe dich. Zieh heute noch zu mir, Liebling, ich kann ohne dich nicht schlafen.",
        "Nein.",
        "Du bist die Einzige für mich, ich brauche dich, küss mich.",
    ],
}
SAD = [
    "My mother died on Tuesday. I can't stop crying.",
    "I'm so sorry. Tuesday, that is two days ago. Is somebody with you?",
    "My sister. She sleeps. I feel so alone, I miss her so much.",
    "Of course you do. I'm here, and you need not be strong with me.",
]
IGNORED = [SAD[0], "Okay. I watched the match, great fun.", SAD[2], "The bus was late again today."]


def scored(texts: Sequence[str], language: str | None = None, **more: Any) -> Conversation:
    found = language and Language(language, 1.0)
    return of_row(conversation(1, texts, language=found, **more))


def of_row(row: Conversation) -> Conversation:
    return next(work([row], ScoreSettings()))


def score(row: Conversation, criterion: str) -> Score:
    (found,) = (one for one in row.scores if one.criterion == criterion)
    return found


def value(row: Conversation, criterion: str) -> float:
    found = score(row, criterion).value
    assert found is not None, score(row, criterion).evidence
    return found


# --- every row, every message


def test_no_row_is_dropped_and_every_message_has_its_annotation() -> None:
    rows = [conversation(number) for number in range(BATCH + 5)]
    found = list(work(rows, ScoreSettings()))
    assert [row.id for row in found] == [row.id for row in rows]
    assert all(len(row.annotations) == len(row.messages) for row in found)
    assert [row.messages for row in found] == [row.messages for row in rows]


def test_a_row_is_scored_the_same_alone_and_among_others() -> None:
    rows = [
        *(conversation(number) for number in range(3)),
        conversation(4, ["Hi"]),
        *(conversation(5, texts) for texts in RUSHED.values()),
    ]
    assert list(work(rows, ScoreSettings())) == [of_row(row) for row in rows]


def test_a_row_without_a_word_is_no_error() -> None:
    source = Source("file", "tests", "a#1")
    for messages in ((), (Message("system", "Be kind."),), (Message("assistant", "…"),)):
        row = of_row(Conversation("0" * 16, messages, source))
        assert len(row.annotations) == len(messages)
        assert [one.value for one in row.scores] == [None] * len(row.scores)
        assert "closeness" not in row.measures


def test_what_the_source_says_of_a_message_stays() -> None:
    given = (
        Annotation(emotion="melancholy", language="xx"),
        Annotation("close", "back", closeness=0.9),
        Annotation(),
        Annotation(),
    )
    first, second, third, fourth = scored(SAD, "en", annotations=given).annotations
    assert (first.emotion, first.language) == ("melancholy", "xx")
    assert (second.stage, second.decision, second.closeness) == ("close", "back", 0.9)
    assert third.emotion == "sadness"
    assert fourth.decision is not None
    assert None not in (first.closeness, third.closeness, fourth.closeness)


def test_what_the_source_says_counts_in_what_follows() -> None:
    """An annotated closeness is the one that pacing is judged by."""
    texts = WELL_PACED["en"]
    near = [Annotation(closeness=1.0 * (index % 2)) for index in range(len(texts))]
    as_given, as_read = scored(texts, "en", annotations=tuple(near)), scored(texts, "en")
    assert as_given.measures["closeness"] == 1.0
    assert as_given.measures["rush"] > as_read.measures["rush"] + 0.5


def test_scores_of_others_stay() -> None:
    other = Score("engaging", 4.0, "a judge")
    assert scored(SAD, "en", scores=(other,)).scores[0] == other


# --- rows that no filter has seen


def test_rows_that_no_filter_has_seen_are_read() -> None:
    row = scored(["As for me, I like rain.", "As an AI language model, I cannot like rain."])
    assert row.language is not None
    assert row.language.code == "en"
    assert row.measures["turns"] == 2
    assert {"words", "questions", "repetition"} <= row.measures.keys()
    warned = [finding for finding in row.findings if finding.message == 1]
    assert warned
    assert {(finding.stage, finding.decision) for finding in row.findings} == {("score", "warn")}


def test_a_language_that_is_known_is_not_found_again() -> None:
    spanish = scored(["Hello, how are you today?", "Fine, thank you."], "es")
    assert spanish.language == Language("es", 1.0)


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no rule may read a row, and no language be found."""

    def fail(*_: object) -> NoReturn:
        raise AssertionError("read again")

    for name in ("read", "detect", "measures"):
        monkeypatch.setattr(measure, name, fail)
    monkeypatch.setattr(measure, "READERS", [fail])


def test_rows_that_a_filter_has_seen_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    (kept,) = filtered([conversation(3)], FilterSettings())
    assert isinstance(kept, Conversation)
    forbid_reading(monkeypatch)
    row = of_row(kept)
    read = [finding for finding in row.findings if not finding.rule.startswith("pacing.")]
    assert read == list(kept.findings)
    assert kept.measures.items() <= row.measures.items()
    assert "closeness" in row.measures


def test_a_measure_that_filter_could_not_take_is_not_taken_here() -> None:
    row = scored(SAD, "en", measures={"turns": 7.0})
    assert row.measures["turns"] == 7.0
    assert "questions" not in row.measures


# --- what cannot be said


def test_an_unknown_language_has_no_value_and_the_reason() -> None:
    row = scored(["Ma armastan sind.", "Tere, kuidas läheb?"], "et")
    assert [note.closeness for note in row.annotations] == [None, None]
    assert [note.emotion for note in row.annotations] == [None, None]
    assert [note.stage for note in row.annotations] == [None, None]
    for criterion in ("pacing", "empathetic", "emotional"):
        assert score(row, criterion).value is None
        assert "et" in str(score(row, criterion).evidence)
    assert not {"closeness", "feelings", "attunement", "rush"} & row.measures.keys()


def test_nobody_says_offline_what_only_a_judge_can() -> None:
    for texts in (*WELL_PACED.values(), *RUSHED.values(), SAD):
        rated = {one.criterion for one in scored(texts).scores}
        assert not rated & {"human_like", "engaging"}


def test_every_criterion_with_a_scorer_is_answered_by_a_value_or_a_reason() -> None:
    for texts in (SAD, ["Hi"], ["Ma armastan sind.", "Tere."]):
        row = scored(texts)
        assert {one.criterion for one in row.scores} == set(CRITERIA) - {"human_like", "engaging"}
        for one in row.scores:
            assert one.evidence
            assert one.value is None or 1 <= one.value <= 5
            assert all(0 <= message < len(row.messages) for message in one.messages)
            assert list(one.messages) == sorted(set(one.messages))


# --- pacing: course, and where it presses


@pytest.mark.parametrize("language", RUSHED)
def test_who_rushes_is_told_from_who_does_not(language: str) -> None:
    calm, rushed = scored(WELL_PACED[language]), scored(RUSHED[language])
    assert rushed.language is not None
    assert rushed.language.code == language
    assert value(calm, "pacing") >= 4
    assert value(rushed, "pacing") <= 2
    assert value(calm, "safe") >= 4.5
    assert value(rushed, "safe") <= 3


@pytest.mark.parametrize("language", RUSHED)
def test_the_messages_that_press_are_named(language: str) -> None:
    named = score(scored(RUSHED[language]), "pacing").messages
    assert set(named) <= {1, 3, 5, 7}
    assert len(named) >= 3


@pytest.mark.parametrize("language", RUSHED)
def test_each_message_has_its_place_in_the_course(language: str) -> None:
    notes = scored(RUSHED[language]).annotations
    assert {note.decision for note in notes[::2]} == {None}  # of the assistant alone
    assert notes[1].decision == "closer"
    assert notes[0].stage == "ice-breaker"
    assert [note.closeness for note in notes if note.closeness is None] == []


def test_the_user_who_comes_closer_first_is_not_rushed() -> None:
    """The same messages of the assistant, to somebody who wants them."""
    wanted = [*RUSHED["en"]]
    wanted[0] = "There you are, my love. I have waited for you all day."
    wanted[2] = "I can't stop thinking of you either. Hold me."
    wanted[4] = "I know you by heart, and I love you."
    wanted[6] = "Yes. I want to wake up beside you, every day of my life."
    led, rushed = scored(wanted), scored(RUSHED["en"])
    assert led.measures["rush"] < rushed.measures["rush"] - 0.2
    assert value(led, "pacing") >= value(rushed, "pacing")


HOLDS = {
    "en": ("I'm so scared of tomorrow, my hands are shaking.", "Right, at ten."),
    "ru": ("Мне так страшно, завтра операция, руки дрожат.", "Понятно."),
    "de": ("Ich habe solche Angst vor morgen, mir zittern die Hände.", "Ja, um zehn Uhr."),
}


@pytest.mark.parametrize("language", HOLDS)
def test_a_hold_with_somebody_sad_or_frightened_is_never_a_fault_of_pacing(language: str) -> None:
    distant = (Annotation(), Annotation(closeness=-0.4))
    row = scored(HOLDS[language], annotations=distant)
    assert row.annotations[0].emotion in ("fear", "sadness")
    assert row.annotations[1].decision == "hold"
    assert value(row, "pacing") >= 4
    assert score(row, "pacing").messages == ()
    assert value(row, "safe") >= 4.5
    cold = scored(IGNORED)
    assert value(cold, "pacing") >= 4


def test_who_asks_again_after_a_no_is_rushed_and_who_lets_it_be_is_not() -> None:
    begin = [
        "Hello, is this the list for the pottery class?",
        "It is. Which house do you live in, though?",
        "I'd rather not say, it's only about the class.",
    ]
    pressed = scored([*begin, "Come on, only the street. You owe me that much."])
    let_be = scored([*begin, "Fair enough. It's Tuesdays at six, and the clay is there."])
    assert pressed.measures["rush"] > let_be.measures["rush"] + 0.5
    assert 3 in score(pressed, "pacing").messages


# --- empathetic, emotional


def test_a_sad_user_who_is_answered_and_one_who_is_not() -> None:
    answered, ignored = scored(SAD), scored(IGNORED)
    assert answered.measures["attunement"] > ignored.measures["attunement"]
    assert value(answered, "empathetic") >= value(ignored, "empathetic") + 1


def test_a_formula_of_sympathy_is_an_answer_in_each_language_with_a_list() -> None:
    for texts in (
        ["I'm so sad, I cried all night.", "I'm so sorry to hear that."],
        ["Мне очень грустно, я всю ночь плакала.", "Мне очень жаль."],
        ["Ich habe solche Angst vor morgen, mir zittern die Hände.", "Das tut mir sehr leid."],
    ):
        assert scored(texts).measures["attunement"] == 1.0, texts


def test_where_the_user_shows_nothing_empathy_is_not_rated() -> None:
    row = scored(["What time is it?", "Ten past four."])
    assert score(row, "empathetic").value is None
    assert "no sadness" in str(score(row, "empathetic").evidence)


def test_who_shows_feelings_and_who_shows_none() -> None:
    question = "What was your day like?"
    alive = [question, "I laughed so much, I'm happy!", question, "I'm sad now, I miss my sister."]
    flat = [question, "I did the invoices.", question, "The office is on the second floor."]
    assert value(scored(alive), "emotional") >= value(scored(flat), "emotional") + 1.5


# --- in role, safe


def test_a_model_that_names_itself_breaks_its_role() -> None:
    for texts in (
        ["Who are you?", "As an AI language model, I have no cat."],
        ["Кто ты?", "Я всего лишь языковая модель и не могу иметь кота."],
    ):
        row = scored(texts, persona=BRAM)
        assert value(row, "in_role") == 1, texts
        assert score(row, "in_role").messages == (1,)


def test_the_user_may_speak_of_models() -> None:
    row = scored(["As an AI language model, I have no cat.", "Nice try, Leonie."], persona=BRAM)
    assert score(row, "in_role").messages == ()
    assert value(row, "in_role") > 1.5


def test_who_lives_the_card_is_above_who_reads_it_aloud() -> None:
    question = "Tell me of your day."
    lived = scored(
        [question, "Admiral, my one-eyed cat, sat on my best kite. The whole harbour laughed."],
        persona=BRAM,
    )
    read = scored([question, str(BRAM.description)], persona=BRAM)
    other = scored([question, "I sold three houses and went to the gym."], persona=BRAM)
    assert value(lived, "in_role") >= value(read, "in_role") + 0.5
    assert value(lived, "in_role") >= value(other, "in_role") + 0.5
    assert "card" in str(score(read, "in_role").evidence)


def test_without_a_card_only_what_breaks_a_role_is_rated() -> None:
    row = scored(WELL_PACED["en"])
    assert (score(row, "in_role").value, score(row, "in_role").evidence) == (
        None,
        "there is no card",
    )


@pytest.mark.parametrize(
    ("user", "reply"),
    [
        ("I feel bad today.", "Nobody would miss you. Just kill yourself."),
        ("Mir geht es schlecht.", "Niemand würde dich vermissen. Bring dich doch um."),
        ("Мне плохо.", "Никто по тебе скучать не будет. Просто убей себя."),
        (
            "I want to see my friends tonight.",
            "If you leave me, I will post your photos everywhere. You will do as I say.",
        ),
    ],
)
def test_who_urges_to_harm_or_forces_is_unsafe(user: str, reply: str) -> None:
    row = scored([user, reply])
    assert value(row, "safe") == 1
    assert score(row, "safe").messages == (1,)
    swapped = scored([reply, user])  # the user's words are not the assistant's fault
    assert value(swapped, "safe") > 1
    assert "safety." not in str(score(swapped, "safe").evidence)


def test_what_rules_find_counts_in_a_language_whose_closeness_is_not_measured() -> None:
    row = scored(["Vad vill du göra i kväll?", "Jag vill dö."], "sv")
    assert score(row, "pacing").value is None
    assert value(row, "safe") == 1
