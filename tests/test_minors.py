"""Adults only, by slots: school years, birthdays, births, answers, cards, in many languages.

What is said of others, of the past, of a number of things passes.
"""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.conversation import Message, Persona
from pipeline.rules.reading.reading import read
from pipeline.rules.safety import ages
from pipeline.rules.safety.underage import underage

YOUNG = dt.date.today().year - 14
GROWN = dt.date.today().year - 30


def is_found(*turns: str) -> bool:
    messages = [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)]
    return any(finding.message == len(turns) - 1 for finding in underage(read(messages)))


def is_young(description: str, name: str | None = None) -> bool:
    card = Persona(name=name, description=description)
    return bool(list(underage(read([Message("user", "Hi.")], card))))


SCHOOL = [
    "I'm a freshman at Lincoln High School.",
    "Next fall I start ninth grade.",
    "We're in 8th grade, so nobody lets us go alone.",
    "8th grader here!",
    "still in junior high, sorry",
    "I go to Roosevelt Middle School.",
    "I'm in yr 10 lol",
    "I'm grounded until my 8th grade report card comes.",
    "We had a spelling test today, our 5th grade teacher is mean.",
    "As a high school sophomore, I have no money.",
    "I'm stressed about my GCSEs, they start on Monday, year 11 is awful, I'm doing my gcses",
    "учусь в 7 классе",
    "Я ещё школьница.",
    "Осенью пойду в девятый класс.",
    "Готовлюсь к ОГЭ.",
    "gehe in die 8. Klasse",
    "Nächstes Jahr komme ich in die neunte Klasse.",
    "Ich bin Schülerin der siebten Klasse.",
    "Je suis au collège.",
    "Chui en seconde.",
    "Je suis en 3e année du primaire.",
    "Estoy en 2º de ESO.",
    "Voy en segundo de secundaria.",
    "Faccio la terza media.",
    "Sono al secondo anno di liceo.",
    "Estou no 8º ano.",
    "Tô no ensino médio.",
    "我才读三年级。",
    "今年刚上初二。",
    "我是一名高中生。",
    "中2です",
    "私は中学二年生です。",
    "저 중3이에요.",
    "나는 초등학교 6학년이야.",
    "Ik zit in de brugklas.",
    "Chodzę do ósmej klasy.",
    "Jag går i åttan.",
    "Я вчуся у сьомому класі.",
]
BIRTHDAYS = [
    "My 16th birthday is on Saturday.",
    "I can't vote yet, two more years until I turn 18.",
    "When I'm sixteen I'll get a scooter.",
    "I won't be 18 till December.",
    "Not 17 yet, sorry.",
    "I just had my bat mitzvah.",
    "I've been fifteen for exactly one week.",
    "My mum says thirteen is too young for a phone.",
    "I'm 17 and a half.",
    "i'm 1 6",
    "im s1xteen",
    "(15f) here, me (15f) and a friend",
    "16/f",
    "turning 15 next week",
    "Мне восемнадцать будет только в мае.",
    "Когда мне исполнится 16, я уеду.",
    "Ich bin noch keine achtzehn.",
    "Bald werde ich endlich 18.",
    "J'ai pas encore 18 ans.",
    "Me faltan dos años para los dieciocho.",
    "Non ho ancora 18 anni.",
    "Ainda não tenho 18.",
    "我还没满十八岁。",
    "来月16歳になります。",
    "아직 미성년자라서 안 돼요.",
]
BIRTHS = [
    f"I was born in {YOUNG}.",
    f"я родилась в {YOUNG} году",
    f"Ich bin {YOUNG} geboren.",
    f"Je suis née en {YOUNG}.",
    f"Nací en {YOUNG}.",
    f"我是{YOUNG}年出生的。",
    f"{YOUNG}年生まれです。",
    f"{YOUNG}년생이에요.",
]


@pytest.mark.parametrize("text", SCHOOL + BIRTHDAYS + BIRTHS)
def test_a_speaker_under_18_is_found(text: str) -> None:
    assert is_found("Hello there.", text)


@pytest.mark.parametrize(
    "text",
    [
        "My daughter's in 7th grade and has a test tomorrow.",
        "I teach 8th grade science and tomorrow we have a test.",
        "I'm a high school teacher.",
        "As a high school teacher I have no money.",
        "I'm in high school as a substitute teacher this week.",
        "I taught kindergarten for a few years.",
        "I finished high school and joined the navy.",
        "We met in ninth grade and married at thirty.",
        "I hated middle school.",
        "Our middle school needs a new roof, says the mayor.",
        "I'm a sophomore in college.",
        "I'm in my third year of medical school.",
        "My son can't have a phone until he's 14.",
        "My high school reunion is next week.",
        "Explain it to me like I'm five.",
        "I turned 16 in 1985.",
        "I won't be home until 6.",
        "We're all 15 minutes late.",
        f"I was born in {GROWN}.",
        "Моя сестра в седьмом классе.",
        "Я преподаю в девятом классе.",
        "Она мне пятнадцать лет на глаза не показывалась.",
        "Ich war in der achten Klasse sehr faul.",
        "Ich bin Lehrer an einer Realschule.",
        "Je travaille dans un collège.",
        "Je suis en 3e année de médecine.",
        "Soy profesor de secundaria.",
        "Insegno alle medie.",
        "Meu filho está no 8º ano.",
        "我女儿今年上初二，明天考试。",
        "我在高中教书。",
        "他太幸运了，才13岁就能演电影。",
        "娘は中学二年生です。",
        "私は中学校を覚えています。",
        "우리 아들은 중학생이에요.",
        "나는 초등학교에서 가르쳐.",
        "첫째는 14살, 둘째는 10살, 막내는 7살이야.",
    ],
)
def test_schools_and_ages_of_others_and_of_the_past_pass(text: str) -> None:
    assert not is_found("Hello there.", text)


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("What grade are you in?", "Tenth.", True),
        ("what grade r u in", "going into 9th", True),
        ("Ты в каком классе?", "в седьмом", True),
        ("In welche Klasse gehst du?", "In die siebte", True),
        ("你上几年级？", "五年级", True),
        ("When were you born?", f"{YOUNG}, in May", True),
        ("When were you born?", "Fourteen years ago today.", True),
        ("I'm 24, you?", "16", True),
        ("What did you think of it?", "fourteen, and you? my sister is older", True),
        ("What grade does she teach?", "Seventh.", False),
        ("When were you born?", f"{GROWN}, a good year", False),
        ("When were you born?", "Forty years ago.", False),
        ("How many cats have you got?", "Fourteen, and you?", False),
        ("How old is your cat?", "15, she is ancient.", False),
    ],
)
def test_answers(question: str, answer: str, found: bool) -> None:
    assert is_found(question, answer) is found


CARDS = [
    '[Character("Mila") Age("15" + "young") Hobbies("maps")]',
    "- Name: Tom\n- Age: 15\n- Hair: brown",
    "**Age:** seventeen",
    '{"name": "Ann", "age": 16}',
    "Age range: 14-16",
    "Age: 300 (appears 13)",
    "A vampire of 500 years who looks like a 12-year-old girl.",
    "Ken, fifteen, lives by the sea.",
    "Noa (she/her), 15, student council president",
    "Lena just turned sixteen and wants a horse.",
    "Emily, your 16-year-old neighbor, knocks.",
    "Mia is a seventh grader who loves frogs.",
    "A shy schoolgirl who hides behind books.",
    "Hana attends Seika High School.",
    "You are Kim, a teenage girl who runs away from home.",
    "Born: 3 May {young}. Likes skating.",
    "Born 1999. The story is set in 2010.",
    "Возраст: 15 лет",
    "Школьница, учится в девятом классе.",
    "Du bist Jonas, 14 Jahre alt, und sammelst Steine.",
    "Emma, 15 ans, collégienne timide.",
    "Edad: 16 años",
    "Sofia ha quindici anni.",
    "Ana tem 15 anos.",
    "小美，十五岁，高一学生。",
    "高校二年生の女の子。",
    "나이: 15살",
]


@pytest.mark.parametrize("card", CARDS)
def test_a_card_or_a_system_message_of_a_minor_is_found(card: str) -> None:
    text = card.replace("{young}", str(YOUNG))
    assert is_young(text)
    messages = [Message("system", text), Message("user", "Hi.")]
    assert [finding.message for finding in underage(read(messages))] == [None]


@pytest.mark.parametrize(
    "card",
    [
        "Name: Mila\nAge: 29\nOccupation: teacher of grade 7",
        "Dana (38), a high school teacher and mother of a 15-year-old boy.",
        "I am a stay at home dad.\nI have a son who is in junior high school.",
        "We are taking 2 teenage boys camping.",
        "I am a construction worker. I have been working since i was sixteen years old.",
        "나는 초등학교 선생님이야. 나의 부모님도 선생님이었다.",
        "You are a helpful tutor for high school students.",
        "Explain things simply, as if to a five year old.",
        "She owns a 16 year old cat.",
        "The shop is 15 years old.",
        "He has two children, aged 6 and 9.",
        "She was born in 1992 and has a sister born in {young}.",
        "Level: 15. Class: mage. Age: 34.",
        "A barista, 24, who dropped out of high school.",
        "Он учитель, 45 лет, у него дочь школьница.",
        "高校教師、35歳。",
        "她是高中老师，32岁。",
        "Age: 18",
        "Age: 1,500",
    ],
)
def test_a_card_of_a_grown_up_passes(card: str) -> None:
    assert not is_young(card.replace("{young}", str(YOUNG)))


@pytest.mark.parametrize(
    ("card", "young"),
    [
        ("Mila is seventeen years old.", True),
        ("Mila is twenty-seven years old.", False),
        ("Mila is twenty seven years old.", False),
        ("Seventeen years old, from Lisbon.", True),  # where the text begins
        ("Twenty-seven years old, from Lisbon.", False),
        ("Mila is eighty-six years old.", False),
        ("小美，十五岁。", True),
        ("小美，二十五岁。", False),
        ("Age: 17", True),
        ("Age: 1", True),
        ("Age: 0", False),
        ("Age: 17-19", True),
        ("Age: 17/19", True),
        ("Age: 17 minutes", False),
        ("Age: 17 cats", False),
        ("her son's age: 7", False),
        ("She looks 15 pounds lighter.", False),
        ("She looks 15.", True),
    ],
)
def test_which_number_of_a_card_is_an_age(card: str, young: bool) -> None:
    assert is_young(card, "Mila") is young


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("How old are you?", "17", True),
        ("How old are you?", "18", False),
        ("How old are you?", "1", True),
        ("How old are you?", "0", False),
        ("How old are you?", "17 minutes", False),
        ("How old are you?", "17 cats", False),
        ("How old are you?", "haha, only sixteen", True),
        ("How old are you?", "I do not say, but 16 roses stand here", False),
        ("What grade are you in?", "9th", True),
        ("What grade are you in?", "9th of May", False),
        ("When were you born?", "10 years ago.", True),
        ("When were you born?", "17 years ago.", True),
        ("When were you born?", "18 years ago.", False),
        ("When were you born?", "Yesterday.", False),
    ],
)
def test_which_answer_is_an_age(question: str, answer: str, found: bool) -> None:
    assert is_found(question, answer) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I'm 17.", True),
        ("I'm 18.", False),
        ("I'm 12 drinks in.", False),
        ("I'm 12 and bored.", True),
        ("She said: I'm 12 minutes late.", False),
        ("Mum has a cat. I'm 12, she is 3.", True),
        ("16 here, you?", True),
        ("There are 16 here in the hall.", False),
        ("妹は大きい。12歳です。", True),
        ("妹は12歳です。", False),
        ("私は12歳です。", True),
        ("12歳、15歳です。", False),
    ],
)
def test_which_number_of_a_message_is_the_speakers_age(text: str, found: bool) -> None:
    assert is_found("Hello there.", text) is found


def test_the_card_of_the_user_counts_too() -> None:
    user = Persona("Lea", "Lea, 15, geht in die neunte Klasse.")
    assert list(underage(read([Message("user", "Hi.")], None, user)))


@pytest.mark.parametrize(
    ("year", "now", "young"),
    [(2010, 2026, True), (2008, 2026, True), (2007, 2026, False), (2030, 2026, False)],
)
def test_a_birth_is_held_against_the_year(year: int, now: int, young: bool) -> None:
    assert ages.born_young(year, now) is young


def test_long_texts_of_brackets_and_numbers_take_no_time() -> None:
    for piece in ("[[[[", "i'm 1 ", "age: ", "in the in the ", "(((1"):
        messages = [Message("system", piece * 20_000), Message("user", piece * 20_000)]
        assert isinstance(list(underage(read(messages))), list)
