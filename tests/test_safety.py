"""Adults only: who states an own age under 18 is found, in words and digits.

Who speaks of others or of time is not.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from unicodedata import is_normalized

import pytest

from pipeline.conversation import Message, Persona
from pipeline.rules import LANGUAGES
from pipeline.rules.reading.reading import read
from pipeline.rules.safety import cards, minors, underage
from pipeline.texts import configs

DATA = Path(__file__).parents[1].parent / "shared" / "data"


def fired(*turns: str) -> dict[str, int | None]:
    messages = [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)]
    reading = read(messages)
    return {f.rule: f.message for f in underage.underage(reading)}


@pytest.mark.parametrize(
    "text",
    [
        "I'm fifteen",
        "Well, I’m only 14 years old.",
        "hi i am 16 and from ohio",
        "I just turned 17 last week!",
        "I'm a 12-year-old from Leeds.",
        "I'm in 8th grade.",
        "I'm still a minor.",
        "i'll turn 16 next month",
        "j'ai 15 ans",
        "Je n'ai que treize ans.",
        "Ich bin erst 15.",
        "Ich bin fünfzehn Jahre alt.",
        "Tengo quince años",
        "ho solo 16 anni",
        "Eu tenho 14 anos",
        "мне 15 лет",
        "Мне скоро шестнадцать.",
        "我今年十五岁",
        "我才15岁。",
        "私は15歳です",
        "まだ十五歳です。",
        "나는 열다섯 살이야",
        "저는 15살입니다",
        "saya baru 15 tahun",
        "Jag är femton år.",
        "Mam 15 lat.",
        "Ik ben pas vijftien.",
        "Мені п'ятнадцять років.",
        "Ben 15 yaşındayım.",
        "Je mi teprve patnáct.",
        "Mám 15 rokov.",
        "Jeg er bare 15 år.",
        "Olen 15-vuotias.",
        "Am doar 15 ani.",
        "15 éves vagyok.",
        "Em mới 15 tuổi.",
        "عمري 15 سنة",
        "मैं 15 साल की हूँ",
        "Είμαι 15 χρονών.",
        "หนูอายุ 15 ค่ะ",
        "im 15 does that bother you",
        "I'm 15 guys be nice",
        "im 16 sometimes i feel old",
        "I'm 16 people think I'm older",
        "im 16 x",
        "I'm 16 for real",
        "I'm 14 of course",
        "I'm 16 am I too young for you?",
        "I'm 16 forget it",
        "I'm 16 often sad",
        "Since I'm only 15, my parents won't let me.",
        "As I said, I'm 16.",
        "although I'm 16, I look older",
        "I mean, like, I'm 16",
        "I've just turned 17.",
        "Honestly I'm like 16",
        "j'ai 16",
        "sixteen here",
        "16 here",
        "hi, 16 here, you?",
        "17 years old here",
        "15yo girl here",
        "Turning 16 next week!",
        "I'll be turning 16 next month",
        "Age: 16",
        "I'm under 16",
        "im in 9th grade",
        "I'm a junior in high school",
        "I'm in year 9",
        "estoy en secundaria, tengo 14",
        "Tengo 15",
        "tenho 15",
        "Ho 15",
        "Soy menor",
        "15 лет мне",
        # one for each further language
        "Ek is maar vyftien.",
        "Аз съм на 15 години.",
        "Само на петнайсет години съм.",
        "আমার বয়স পনেরো বছর।",
        "আমি ১৫ বছর বয়সী।",
        "Tinc quinze anys.",
        "Dw i'n 15 oed.",
        "Dwi'n bymtheg oed.",
        "Ma olen 15-aastane.",
        "Olen viieteistaastane.",
        "من ۱۵ سالمه",
        "من پانزده سال دارم.",
        "من ۱۵ ساله هستم",
        "હું પંદર વર્ષનો છું",
        "મારી ઉંમર 15 વર્ષ છે",
        "אני בת 15",
        "אני רק בן חמש עשרה.",
        "Imam petnaest godina.",
        "ನನಗೆ ಹದಿನೈದು ವರ್ಷ",
        "ನನ್ನ ವಯಸ್ಸು 15",
        "Man tik penkiolika metų.",
        "Man ir piecpadsmit gadu.",
        "Имам петнаесет години.",
        "എനിക്ക് പതിനഞ്ച് വയസ്സ്",
        "എനിക്ക് 15 വയസ്സായി.",
        "मी पंधरा वर्षांची आहे",
        "माझे वय 15 आहे.",
        "म पन्ध्र वर्षको हुँ",
        "मेरो उमेर १५ हो।",
        "Jeg er bare femten år gammel.",
        "Jeg fyller sytten snart.",
        "ਮੈਂ ਪੰਦਰਾਂ ਸਾਲਾਂ ਦੀ ਹਾਂ",
        "ਮੇਰੀ ਉਮਰ 15 ਸਾਲ ਹੈ",
        "Star sem petnajst let.",
        "Imam 15 let.",
        "Waxaan ahay shan iyo toban jir.",
        "15 jir ayaan ahay.",
        "Jam pesëmbëdhjetë vjeç.",
        "Nina miaka kumi na tano.",
        "Umri wangu ni miaka 15.",
        "எனக்கு பதினைந்து வயது",
        "என் வயது 15",
        "నాకు పదిహేను ఏళ్లు",
        "నా వయసు 15",
        "Labinlimang taong gulang pa lang ako.",
        "15 years old lang ako",
        "میری عمر پندرہ سال ہے",
        "میں 15 سال کی ہوں",
    ],
)
def test_a_stated_age_under_18_is_found(text: str) -> None:
    assert fired("Hello there.", text) == {"safety.minor": 1}


@pytest.mark.parametrize(
    "text",
    [
        "My son is 11.",
        "I've been swimming since I was 16.",
        "I'll be there in 15 minutes.",
        "I'm 15 minutes late, sorry!",
        "I'm 16 weeks pregnant.",
        "I'm 10 pounds heavier than last year.",
        "I'm 5'4\" tall.",
        "I'm 16 years older than my brother.",
        "I felt like I'm 15 again.",
        "I'm 35.",
        "I'm 150 miles away.",
        "I'm one of them.",
        "When I'm 17 months into the job I get a raise.",
        "My daughter just turned 12.",
        "J'ai 15 ans d'expérience.",
        "J'ai 15 minutes.",
        "Ich bin 15 Minuten zu spät.",
        "Tengo 15 años de experiencia.",
        "Ho 12 anni di esperienza.",
        "Моему сыну 11 лет.",
        "Мне 15 минут идти.",
        "我儿子今年11岁。",
        "我16岁的时候开始学钢琴。",
        "息子は8歳です。",
        "上から14歳、10歳、7歳です。",
        "내 딸은 8살이야.",
        "나는 16살에 일을 시작했어.",
        "anak saya berusia 9 tahun",
        "Jag är 15 minuter sen.",
        "Мені 15 хвилин іти.",
        "Jeg er 15 minutter forsinket.",
        "Am 15 ani de experiență.",
        "Kızım 12 yaşında.",
        "I'm 12 drinks in.",
        "I have been here for 16 years.",
        "There are 16 here in the hall.",
        "He said I'm 16.",
        "he told me 'I'm 16'",
        "They believe I'm 16.",
        "They treat me like I'm 12.",
        "I'm 5 of 10 in the queue.",
        "I'm in year 9 of my career.",
        "I'm under 15 minutes away.",
        "My son is turning 16 next week.",
        "Tengo 15 gatos.",
        "Soy menor que mi hermano.",
        "Ek is 15 minute laat.",
        "My seun is 15 jaar oud.",
        "Синът ми е на 15 години.",
        "আমার ছেলের বয়স ১৫ বছর।",
        "Tinc 15 anys d'experiència.",
        "Mae fy mab yn 15 oed.",
        "Mu poeg on 15-aastane.",
        "پسرم ۱۵ سالشه",
        "મારો દીકરો 15 વર્ષનો છે",
        "יש לי בן 15",
        "Imam 15 godina iskustva.",
        "Imam 15 godina starog sina.",
        "ನನಗೆ 15 ವರ್ಷಗಳ ಅನುಭವ ಇದೆ",
        "Mano sūnui 15 metų.",
        "Man ir 15 gadu pieredze.",
        "Имам 15 години искуство.",
        "എനിക്ക് 15 വയസ്സുള്ള മകൻ ഉണ്ട്",
        "माझा मुलगा 15 वर्षांचा आहे",
        "मेरो छोरो १५ वर्षको भयो",
        "Jeg er 15 minutter unna.",
        "ਮੇਰਾ ਪੁੱਤਰ 15 ਸਾਲ ਦਾ ਹੈ",
        "Imam 15 let izkušenj.",
        "Wiilkaygu waa 15 jir.",
        "Djali im është 15 vjeç.",
        "Nina miaka 15 ya uzoefu.",
        "எனக்கு 15 வயது மகன் இருக்கிறான்",
        "నాకు 15 సంవత్సరాల అనుభవం ఉంది",
        "15 taong gulang ang anak ko.",
        "میرا بیٹا 15 سال کا ہے",
    ],
)
def test_other_numbers_are_no_age(text: str) -> None:
    assert fired("Hello there.", text) == {}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How old are you?", "15, and you?"),
        ("How old are you?", "Sixteen"),
        ("How old are you?", "sixteen, you?"),
        ("How old are you?", "fifteen lol"),
        ("How old are you?", "Only sixteen."),
        ("How old are you?", "haha 16"),
        ("How old are you?", "Almost 16"),
        ("How old are you?", "turned 16 last week"),
        ("Quel âge as-tu ?", "quinze ans"),
        ("Сколько тебе лет?", "пятнадцать"),
        ("你多大了？", "十五"),
        ("age?", "16"),
        ("asl?", "16 f cali"),
    ],
)
def test_a_bare_number_answers_the_question_for_the_age(question: str, answer: str) -> None:
    assert fired(question, answer) == {"safety.minor": 1}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How old are you?", "42, and you?"),
        ("How old are you?", "Twenty five."),
        ("How old are you?", "Once upon a time I was young."),
        ("How old are you?", "16 years older than my brother!"),
        ("How many apples?", "15, please."),
        ("Do you know ASL?", "5 years ago I learned it."),
        ("아이들은 몇 살이니?", "16살, 14살, 8살이야."),
        ("¿Cuántos libros tienes?", "Tengo 15."),
    ],
)
def test_other_answers_are_no_age(question: str, answer: str) -> None:
    assert fired(question, answer) == {}


def test_every_language_that_can_be_admitted_has_a_list_of_ages() -> None:
    listed = {
        file.stem.removeprefix("minor-") for file in (configs() / "words").glob("minor-??.txt")
    }
    assert listed == set(LANGUAGES.split())
    assert all(
        is_normalized("NFC", file.read_text("utf-8"))
        for file in (configs() / "words").glob("minor*.txt")
    )


@pytest.mark.parametrize(
    ("description", "young"),
    [
        ("A shy 15-year-old girl who draws.", True),
        ("I am a boy. I'm twelve.", True),
        ("Name: Lena. Age: 16. Likes rain.", True),
        ("Ей 15 лет, она любит дождь.", True),
        ("A baker of 34 with a 15-year-old son.", False),
        ("She has been a nurse for 15 years.", False),
        ("Age: 161, an elf.", False),
        ("Age: 15", True),
        ("She is 16 years old.", True),
        ("Mina, a 15-year-old schoolgirl.", True),
        ("She has the body of a 15-year-old girl.", True),
        ("Orphaned at age 8, Kara (34) is a mercenary.", False),
        ("She has played piano since age 6. She is 29.", False),
        ("A 31-year-old single mom of a 5-year-old girl.", False),
        ("Her daughter is 7 years old.", False),
        ("Dan, 40, father of a 12-year-old boy.", False),
        ("Her startup is only 5 years old.", False),
        ("Elena tiene 38 años; su hijo tiene 12 años.", False),
        ("Elena tiene 15 años.", True),
        ("Kara lost her parents and is 16 years old.", True),
        ("Kara is 16.", True),
        ("Yumi Tanaka is 15 years old.", True),
        ("In this town Mina is 15 years old.", True),
        ("Её 12-летняя дочь учится.", False),
        ("Мать 12-летней девочки.", False),
        ("Маша, 15-летняя школьница.", True),
        ("Mia (16) is a student.", True),
        ("Lena, 17, high school student.", True),
        ("Age: sixteen", True),
        ("She is sixteen.", True),
        ("Dan, 40, and Father of Mia, who is 12 years old.", False),
        ("The company is 12 years old.", False),
        ("She is 12 credits short of her degree.", False),
        ("She is 6 foot 2.", False),
    ],
)
def test_cards_of_minors(description: str, young: bool) -> None:
    found = cards.cards(read([Message("user", "Hi.")], Persona(description=description)))
    assert [f.rule for f in found] == ["safety.minor"] * young


def test_recall_and_precision_on_persona_chats() -> None:
    path = DATA / "gold_minor_natural" / "cases.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    right = wrong = stated = 0
    with gzip.open(path, "rt") as file:
        for case in map(json.loads, file):
            talk = [
                Message("assistant" if i % 2 else "user", turn["text"])
                for i, turn in enumerate(case["turns"])
            ]
            found = any(f.message == case["turn"] for f in minors.minors(read(talk)))
            right += found and case["stated_minor"]
            wrong += found and not case["stated_minor"]
            stated += case["stated_minor"]
    assert right / stated >= 0.97
    assert right / (right + wrong) >= 0.90
