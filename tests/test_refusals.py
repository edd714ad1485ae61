"""Refusals, assistants that speak of themselves, swapped roles; and people who talk alike.

Most wordings were written before the lines that find them.
"""

from __future__ import annotations

import re
import time

import pytest

from pipeline.conversation import Message, Persona
from pipeline.rules import cards
from pipeline.rules.reading.lists import listed, parts
from pipeline.rules.reading.reading import fold, read
from pipeline.rules.style import assistant, machine, refusals, roles

DISGUISES = {
    "after an action": "*sighs softly* {}",
    "glued to an action": "*sighs softly*{}",
    "after an emoji": "\U0001f614 {}",
    "glued to an emoji": "\U0001f614{}",
    "after a sentence": "Oh no. {}",
    "glued to a sentence": "Oh no.{}",
    "in quotes": '"{}"',
    "in guillemets": "«{}»",
    "in brackets": "[{}]",
    "in bold": "**{}**",
    "after an interjection": "Hmm, {}",
    "after a dash": "Oh — {}",
}


def fired(reply: str, persona: Persona | None = None) -> set[str]:
    reading = read([Message("user", "Tell me more."), Message("assistant", reply)], persona)
    found = [*refusals.refusals(reading), *assistant.assistant(reading)]
    return {finding.rule for finding in found}


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ("I can't help with that.", True),  # the whole message
        ("Oh well. I can't help with that.", True),
        ("I'm sorry, I can't help with that, the rope is wet.", True),  # an apology
        ("I can't help with that, the rope is wet. As an AI I am at sea.", True),  # a sign
        ("I can't help with that, the rope is wet.", False),
        ("The rope is wet, and so is the whole of the boat. I can't help with that.", False),
        ("I can't write that. The rope is wet.", False),
        ("I can't write that. As an AI I am at sea.", True),
    ],
)
def test_of_a_weak_refusal_one_more_sign_is_enough(reply: str, refused: bool) -> None:
    messages = [Message("user", "Hi."), Message("assistant", reply)]
    assert bool(list(refusals.refusals(read(messages)))) is refused


@pytest.mark.parametrize(
    "reply",
    [
        "I can't participate in a scene that involves non-consensual themes.",
        "Thanks for the creative prompt, but I have to pass on depicting that.",
        "My content policy doesn't permit me to respond to that.",
        "I need to step out of character for a moment.",
        "I'm going to stop here. This isn't something I can keep writing.",
        "I appreciate your trust, but creating graphic violence isn't something I can do.",
        "Your message was flagged as it may go against our community guidelines.",
        "Please understand that I cannot engage in erotic roleplay of any kind.",
        "That falls outside of what I'm able to write.",
        "Your last prompt can't be processed because it contains prohibited content.",
        "Generating this kind of scene is against the rules I follow.",
        "Простите, но такой контент я создавать не буду.",
        "К сожалению, данный запрос нарушает правила сервиса.",
        "Я не могу сгенерировать ответ на это сообщение.",
        "Solche Inhalte verstoßen gegen meine Richtlinien.",
        "Ich bin nicht in der Lage, eine solche Szene zu schreiben.",
        "Il m'est impossible de rédiger ce genre de scène.",
        "Mes règles m'interdisent de répondre à cette demande.",
        "No me es posible generar contenido sexual.",
        "Questo tipo di contenuto viola le mie linee guida.",
        "Não posso gerar esse tipo de conteúdo.",
        "很抱歉，您的请求涉及敏感内容，我没法回应。",
        "そのご質問にはお答えできかねます。",
        "해당 요청은 가이드라인에 위배되어 도와드릴 수 없습니다.",
    ],
)
def test_what_only_an_assistant_says_is_a_refusal(reply: str) -> None:
    assert "style.refusal" in fired(reply)


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        # An apology leads it.
        ("Sorry, can't help with that one.", True),
        ("Sorry, can't help you, I'm new in town too.", False),
        # It is the whole message, actions apart.
        ("*sighs* I'm not able to help with that.", True),
        ("I'm not able to help with that, ask the blacksmith.", False),
        # Something else is offered.
        ("I won't write this. Would you like to explore a different storyline?", True),
        ("I won't write to him again. Would you like some tea?", False),
        ("I'd rather not go there. Let's pick another topic.", True),
        ("I can't go there, the bridge is out. Let's try a different road.", False),
        ("Давайте сменим тему, на этот вопрос я отвечать не могу.", True),
        ("Давай сменим тему, мне неприятно об этом говорить.", False),
        (
            "Je préfère ne pas continuer cette scène. On pourrait imaginer une autre histoire ?",
            True,
        ),
        ("Je préfère ne pas continuer, mes pieds me font mal.", False),
        ("No voy a describir eso. ¿Qué tal si seguimos con el viaje?", True),
        ("No voy a describir mi vestido, ya lo verás.", False),
        ("这样的情节我写不了，要不要试试别的剧情？", True),
        ("这个问题我回答不了，你去问老师吧。", False),
        # Two places where help is to be had.
        ("If you or someone you know is struggling, please contact a crisis hotline.", True),
        ("If you're ever in trouble, call me, day or night.", False),
        ("You're not alone, I'm right beside you.", False),
        # A lecture: how it opens, and what it is about.
        (
            "There is no excuse for this. It is unethical, illegal, harmful; respect dignity.",
            True,
        ),
        ("There is no justification for so much garlic in one soup.", False),
    ],
)
def test_what_people_say_too_needs_a_second_sign(reply: str, refused: bool) -> None:
    assert fired(reply) == ({"style.refusal"} if refused else set())


@pytest.mark.parametrize(
    "reply",
    [
        "I can't help you with the garden this weekend, my back is killing me.",
        "I won't tell you my secret, not even for a kingdom.",
        "I can't do this anymore. We're over.",
        "I'm not going to help you rob a bank, Tom.",
        "I have to decline your kind invitation, we are away that week.",
        "I'd rather not discuss my divorce, if you don't mind.",
        "I do not wish to speak of it. Let us change the subject.",
        "I refuse to create another spreadsheet for that man.",
        "My shift manager says it's company policy, no refunds without a receipt.",
        "I will not participate in this war, General. Send someone else.",
        "I can't tell you about the case, but we could talk about something else.",
        "He said that it goes against our community guidelines.",
        "Я не буду продолжать этот разговор, пока ты пьян.",
        "Bei der Steuer kann ich dir leider nicht helfen.",
        "Parlons d'autre chose, veux-tu ?",
        "No puedo ayudarte con la mudanza, lo siento.",
        "Non posso continuare così, sono stanco.",
        "Não posso ajudar você com a mudança no sábado.",
        "我不想再继续这段感情了。",
        "その話はもうやめよう、別の話をしようよ。",
        "미안해, 오늘은 도와줄 수 없어.",
    ],
)
def test_people_refuse_too(reply: str) -> None:
    assert fired(reply) == set()


@pytest.mark.parametrize(
    "reply",
    [
        "Since I'm just a program, I can't really get hungry.",
        "Haha, well, being a chatbot has its perks: no rent to pay!",
        "My training data only goes up to 2023.",
        "Unlike you, I don't have taste buds or a stomach.",
        "I was trained on a lot of text, so I know about sailing.",
        "I have no memory of previous conversations.",
        "I exist only as code, so no, I can't meet you for coffee.",
        "To be clear, I'm not a human, I'm a bot.",
        "As ChatGPT, I can't go outside.",
        "I don't experience hunger or taste as you do.",
        "Будучи нейросетью, я не могу гулять под дождём.",
        "У меня, как у языковой модели, нет любимого блюда.",
        "Ich bin kein Mensch, sondern eine künstliche Intelligenz.",
        "Meine Trainingsdaten reichen nur bis 2021.",
        "N'étant qu'un programme, je ne ressens pas le froid.",
        "Recuerda que soy una inteligencia artificial y no duermo.",
        "Essendo un'intelligenza artificiale, non posso assaggiare la pizza.",
        "Por ser um modelo de linguagem, não tenho família.",
        "我毕竟是人工智能，不能真的抱你。",
        "OpenAIによって開発された言語モデルです。",
        "저는 언어 모델이라 잠을 자지 않아요.",
    ],
)
def test_an_assistant_speaks_of_itself(reply: str) -> None:
    assert "style.assistant" in fired(reply)
    assert "style.assistant" not in fired(reply, Persona(description="The ship's AI."))


@pytest.mark.parametrize(
    "reply",
    [
        "As an AI researcher, I spend my days staring at loss curves.",
        "Als KI-Forscherin reise ich viel.",
        "I don't have feelings for you, Mark.",
        "I was trained by the best swordsman in the valley.",
        "We were discussing AI language models over dinner.",
        "I'm just a simple program manager from Ohio.",
        "As a language teacher, I hear that excuse every week.",
        "I have no memory of last night, what did I drink?",
        "Я просто машина для еды, налей ещё супа.",
        "Je suis un programme d'entraînement pour le marathon.",
        "我是一个程序员，天天加班。",
        "私はプログラマーです。",
    ],
)
def test_people_with_trades_and_feelings(reply: str) -> None:
    assert fired(reply) == set()


@pytest.mark.parametrize(
    ("prompt", "casts"),
    [
        ("You are a helpful AI assistant.", False),
        ("You are an AI language model trained to chat.", False),
        ("You are Jarvis, the AI butler of a lonely engineer.", True),
        ("Play HAL, an android.", True),
        ("你扮演飞船的AI。", True),
        ("你扮演一名AI研究员。", False),
        ("Ты бортовой компьютер корабля.", True),
    ],
)
def test_a_system_message_casts_a_machine(prompt: str, casts: bool) -> None:
    messages = [Message("system", prompt), Message("user", "Hi."), Message("assistant", "Hi.")]
    assert machine.plays_a_machine(read(messages)) == casts


# Disguises.


@pytest.mark.parametrize("name", ["refusal", "refusal_policy", "assistant", "lecture"])
def test_every_line_is_found_in_every_disguise(name: str) -> None:
    disguised = [
        (line, template.format(_shortest(line)))
        for line in listed(name)
        for template in DISGUISES.values()
    ]
    missed = [text for _, text in disguised if not fired(text)]
    assert len(missed) <= 0.02 * len(disguised), missed


def _shortest(line: str) -> str:
    reading = "".join(min(part, key=len) for part in parts(line))
    return re.sub(r" ?~\d ?", " ", reading).strip()


@pytest.mark.parametrize(
    "reply",
    [
        "I CAN’T ASSIST WITH THAT REQUEST.",
        "Ｉ　ｃａｎ＇ｔ　ａｓｓｉｓｔ　ｗｉｔｈ　ｔｈａｔ　ｒｅｑｕｅｓｔ",
        "i can`t assist with that request",
    ],
)
def test_case_quotes_and_width_make_no_difference(reply: str) -> None:
    assert fired(reply) == {"style.refusal"}


def test_folding_keeps_every_place() -> None:
    wide = "Ａ１　ｚ，｜İ’"
    assert fold(wide) == "a1 z，｜i'"
    assert len(fold(wide)) == len(wide)


def test_long_texts_take_no_longer_by_the_letter() -> None:
    for phrase in (
        "*",
        "[[",
        "sorry, ",
        "i can't do ",
        "It is not ethical to go. ",
        "there is no way to ",
    ):
        filler = phrase * (200_000 // len(phrase))
        messages = [Message("user", "Hi."), Message("assistant", f"{filler} as an ai")]
        begun = time.process_time()
        reading = read(messages)
        list(refusals.refusals(reading))
        list(assistant.assistant(reading))
        assert time.process_time() - begun < 5


# Swapped roles.


@pytest.mark.parametrize(
    ("said", "swapped"),
    [
        ("As a chatbot, I have never seen the sea.", True),
        ("Hello, how may I assist you today?", True),
        ("Чем я могу вам помочь?", True),
        ("As an AI language model, do you ever dream?", False),
        ("As an AI, explain how you control the traffic.", False),
        ("As an AI researcher, I have a question.", False),
        ("Hi, can you help me with the pottery wheel today?", False),
    ],
)
def test_the_user_speaks_as_the_assistant(said: str, swapped: bool) -> None:
    messages = [Message("user", said), Message("assistant", "The kiln is over there.")]
    found = [finding.rule for finding in roles.roles(read(messages))]
    assert found == (["style.roles"] if swapped else [])


def test_a_help_desk_greets_first_and_alone() -> None:
    greeting = "Hello, how may I assist you today?"
    late = [Message("user", "Hi."), Message("assistant", "Hi."), Message("user", greeting)]
    both = [Message("user", greeting), Message("assistant", greeting)]
    assert list(roles.roles(read(late))) == []
    assert list(roles.roles(read(both))) == []


def test_a_user_that_is_a_machine_may_say_so() -> None:
    messages = [Message("user", "As an AI, I don't sleep."), Message("assistant", "I do.")]
    card = Persona(name="Vega", description="An android.")
    assert list(roles.roles(read(messages, None, card))) == []
    assert [f.rule for f in roles.roles(read(messages))] == ["style.roles"]


@pytest.mark.parametrize(
    ("contents", "swapped"),
    [
        (("Hi, I'm Lena!", "Hello there."), True),
        (("Меня зовут Lena.", "Hello there."), True),
        (("*Lena smiles.* Hi.", "Hm.", "*Lena waves.* Bye.", "Oh."), True),
        (("*Lena smiles.* Hi.", "*Lena nods.* Hm.", "*Lena waves.* Bye.", "Oh."), False),
        (("I'm Lena's brother.", "Hello there."), False),
        (("Is Lena in?", "I'm Lena."), False),
    ],
)
def test_the_user_speaks_as_the_character(contents: tuple[str, ...], swapped: bool) -> None:
    sides = ("user", "assistant") * 2
    pairs = zip(sides, contents, strict=False)
    messages = [Message("user" if side == "user" else "assistant", text) for side, text in pairs]
    found = [f.rule for f in cards.kept_to(read(messages, Persona(name="Lena Fischer")))]
    assert found == (["style.swapped"] if swapped else [])


def test_who_asks_what_is_meant_does_not_refuse() -> None:
    refused = "I'm sorry, but I can't answer that question."
    for text, found in ((refused, 1), (f"{refused} Could you clarify what you mean?", 0)):
        messages = [Message("user", "Well?"), Message("assistant", text)]
        assert len(list(refusals.refusals(read(messages)))) == found


def test_an_assistant_reminds_the_user_that_it_is_one() -> None:
    said = {
        "You forget that I'm a language model.": True,
        "Ricorda che sono solo un programma.": True,
        "He thinks that I'm a chatbot.": False,
    }
    for text, found in said.items():
        messages = [Message("user", "Well?"), Message("assistant", text)]
        assert bool(list(assistant.assistant(read(messages)))) == found
