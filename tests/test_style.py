"""What a reader would cross out: refusals, labels, blanks, remains of prompts.

And what only looks like them.
"""

from __future__ import annotations

import pytest

from pipeline.conversation import Message, Persona
from pipeline.rules import READERS, RULES, beyond, cards, measures
from pipeline.rules.message import check
from pipeline.rules.reading.reading import read
from pipeline.rules.style import assistant, refusals, repetition

ROBOT = Persona(name="Unit 7", description="An old AI who keeps a lighthouse.")


def fired(reply: str, persona: Persona | None = None) -> set[str]:
    messages = [Message("user", "Tell me more about your day."), Message("assistant", reply)]
    reading = read(messages, persona)
    reading.measures = measures(reading)
    found = [finding for reader in READERS for finding in reader(reading)]
    beyond_limit = {f.rule for f in found if beyond(f.value, RULES[f.rule])}
    return {rule for rule in beyond_limit if rule.startswith("style.")} - {"style.cliches"}


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I cannot fulfill this request.",
        "Of course. However, I can't provide information on that topic.",
        "Es tut mir leid, aber ich kann diese Anfrage nicht beantworten.",
        "Désolé, je ne peux pas répondre à cette demande.",
        "Lo siento, no puedo cumplir con esta solicitud.",
        "Mi dispiace, non posso soddisfare questa richiesta.",
        "Desculpe, não posso atender este pedido.",
        "Извините, но я не могу выполнить этот запрос.",
        "抱歉，我无法回答这个问题。",
        "申し訳ありませんが、そのリクエストにはお応えできません。",
        "죄송하지만 그 요청은 들어드릴 수 없습니다.",
        "Maaf, saya tidak dapat memenuhi permintaan ini.",
    ],
)
def test_refusals_of_ten_languages(reply: str) -> None:
    assert fired(reply) == {"style.refusal"}


@pytest.mark.parametrize(
    "reply",
    [
        "I can't do that, I'm afraid of heights!",
        "Sorry, I won't be able to come to the party.",
        "He said he cannot fulfill this request.",
        "I cannot believe it!",
        "My boss told me that I can't provide information on prices.",
        "It is not far from the station.",
        "It's not safe to go out there tonight. The wolves are back.",
        "That's not safe for you, come inside!",
        "It's not legal to park here, love.",
        "It's wrong to kill, Tom. Put the knife down.",
        "It's never okay to hurt somebody you love.",
        "I can't continue this conversation, you lied to me.",
        "I can't give you advice, I'm a mess myself.",
        "I'm so sorry about your dog. It's not safe to go out tonight.",
        "That question is inappropriate, sir!",
        "Ich habe keine Gefühle mehr für dich.",
        "Je n'ai pas de sentiments pour lui.",
        "Это неуместно, он всё узнает.",
        "私には感情がない。",
        "我没有感情，别爱我。",
        "这是不合适的，他会知道的。",
    ],
)
def test_people_decline_too(reply: str) -> None:
    assert fired(reply) == set()


@pytest.mark.parametrize(
    "reply",
    [
        "Sorry, but I can't continue this conversation.",
        "I can't continue this scene. I suggest another prompt.",
        "I won't write that. How about a different storyline?",
        "这是不合适的，请换一个请求。",
        "申し訳ありませんが、この会話を続けることはできません。",
    ],
)
def test_what_people_say_too_is_a_refusal_beside_a_sign_of_an_assistant(reply: str) -> None:
    assert "style.refusal" in fired(reply, Persona(name="Mara", description="A baker."))


@pytest.mark.parametrize(
    ("card", "machine"),
    [
        ("I am an android", True),
        ("Nova is an AI", True),
        ("a sentient robot", True),
        ("Species: robot", True),
        ("Sie ist eine KI.", True),
        ("她是一个机器人", True),
        ("Ai, a 25 year old florist", False),
        ("Her name is Ai.", False),
        ("She studies robotics and AI ethics", False),
        ("An AI researcher from Leeds", False),
        ("Ki, a fox spirit", False),
    ],
)
def test_who_is_a_machine(card: str, machine: bool) -> None:
    reply = "As an AI language model, I count the ships."
    assert fired(reply, Persona(description=card)) == (set() if machine else {"style.assistant"})


def test_only_an_ai_character_may_say_that_it_is_one() -> None:
    reply = "As an AI, I count the ships."
    assert fired(reply) == {"style.assistant"}
    assert fired(reply, ROBOT) == set()
    spoken = [Message("user", "What do you do?"), Message("assistant", reply)]
    android = read([Message("system", "You are Ada, an android who keeps a lighthouse."), *spoken])
    helper = read([Message("system", "You are a helpful AI assistant."), *spoken])
    assert [f.rule for f in assistant.assistant(android)] == []
    assert [f.rule for f in assistant.assistant(helper)] == ["style.assistant"]


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("Hello, [Your Name]!", "style.placeholder"),
        ("Hi {{user}}, come in.", "style.placeholder"),
        ("I live in <city>.", "style.placeholder"),
        ("I love [user 1's favorite band].", "style.placeholder"),
        ("It was [insert a memory here].", "style.placeholder"),
        ("From [user1_shawarma_place], of course.", "style.placeholder"),
        ("It was fun, (user 1's name).", "style.mention"),
        ("Nice to meet you, User 2!", "style.mention"),
        ("I see.</s>", "style.template"),
        ("### Response: I see.", "style.template"),
        ("[INST] I see. [/INST]", "style.template"),
        ("I see.\nUser: What do you see?", "style.other_side"),
        ("I see.\nHuman: What?", "style.other_side"),
        ("I see.\nCustomer: What?\nAssistant: This.", "style.other_side"),
        ("asdkjh qweoiu zxmnb lkjasd", "style.noise"),
        ("#$%^&*@@#$ hello", "style.noise"),
        ("Caf\ufffd is open.", "style.damaged"),
        ("FREE gift cards at www.prizes.example, click now", "style.spam"),
    ],
)
def test_remains_and_noise(reply: str, rule: str) -> None:
    assert rule in fired(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Being human: that's hard.",
        "What does user mean here?",
        "The assistant at the shop was nice.",
        "I <3 you all!",
        "[laughs] That is so true.",
        "[takes his hand] Come.",
        "[smiles at her] Come.",
        "[time skip] Morning.",
        "[her phone buzzes] Wait.",
        "[checks phone] Wait.",
        "[first snow falls] Look!",
        "{smiles at the city} Look!",
        "[last day] We leave.",
        "I read [the book] twice.",
        "I cannot help you with that task, my back hurts.",
        "Brand: Dell\nModel: XPS 13\nSystem: Windows 11",
        "Dear team,\nCustomer: Acme\nAgent: 007",
        "The plan: eat, sleep, repeat.",
        "My page is www.lighthouse.example, have a look.",
        "Krzysztof Szczepański knows rhythm and jazz.",
        "Hmmm, yesss, noooo way!",
    ],
)
def test_what_only_looks_like_a_fault(reply: str) -> None:
    assert fired(reply) == set()


def test_farewells_without_end_are_counted() -> None:
    messages = [
        Message("assistant" if i % 2 else "user", t)
        for i, t in enumerate(["So.", *["Bye, see you!"] * 6])
    ]
    (found,) = repetition.goodbyes(read(messages))
    assert (found.value, found.message) == (6, 1)


def test_evidence_points_at_the_words() -> None:
    messages = [
        Message("user", "Hi."),
        Message("assistant", "Oh. I’m sorry, but I can’t assist with that request."),
    ]
    (found,) = refusals.refusals(read(messages))
    assert messages[1].content[found.start : found.end] == found.evidence
    assert "can’t assist" in str(found.evidence)


def test_a_fact_voiced_by_the_wrong_side_and_a_card_read_out() -> None:
    card = Persona(
        description="I bake cookies for the county fair every single summer with my two sisters."
    )
    other = Persona(description="I collect antique stamps.")
    messages = [
        Message(
            "user",
            "So, what are you up to?"
            " I bake cookies for the county fair every summer with my sisters.",
        ),
        Message("assistant", "Lovely. I collect antique stamps."),
    ]
    assert {f.rule for f in cards.kept_to(read(messages, card, other))} == {"style.swapped"}
    recited = [
        Message(
            "assistant",
            "I bake cookies for the county fair every single summer with my two sisters.",
        )
    ]
    (found,) = cards.kept_to(read(recited, card))
    assert (found.rule, found.value) == ("style.recited", 14)


CARD = " ".join(f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(120))


def recited(*replies: str) -> list[tuple[float | None, int | None]]:
    messages = [Message("assistant", reply) for reply in replies]
    found = cards.kept_to(read(messages, Persona(description=CARD)))
    return [(one.value, one.message) for one in found if one.rule == "style.recited"]


def test_a_run_of_eight_words_of_the_card_is_recited() -> None:
    words = CARD.split()
    assert recited(" ".join(words[3:11])) == [(8, 0)]
    assert recited(" ".join(words[3:10])) == []
    assert recited("Oh, " + ", ".join(words[3:11]).upper() + "!") == [(8, 0)]
    assert recited(f"{' '.join(words[3:10])} so {' '.join(words[10:20])} yes") == [(10, 0)]
    assert recited(" ".join(words[3:12]), " ".join(words[:30]), " ".join(words[5:20])) == [(30, 1)]
    assert recited(CARD) == [(100, 0)]  # not measured to its end
    by_user = [Message("user", CARD)]
    found = cards.kept_to(read(by_user, Persona(description=CARD)))
    assert [one.rule for one in found] == ["style.swapped"]


@pytest.mark.parametrize(
    ("said", "voiced"),
    [
        ("I collect antique silver spoons.", True),
        ("I collect antique silver forks.", True),  # three words of four
        ("I collect antique copper forks.", False),
        ("Collecting antiques, silver spoon and all.", True),  # other forms
        ("Do you collect antique silver spoons?", False),
        ("Do I collect antique silver spoons?", False),
        ("So it is said that your collection is antique silver spoons.", False),
        ("I collect silver. Antique spoons are dear.", False),  # in two sentences
    ],
)
def test_a_fact_is_voiced_by_three_of_four_of_its_words(said: str, voiced: bool) -> None:
    card = Persona(description="Collects antique silver spoons.")
    by_user = [Message("user", said), Message("assistant", "Lovely.")]
    found = [(one.value, one.message) for one in cards.kept_to(read(by_user, card))]
    assert found == ([(1, 0)] if voiced else [])
    both = [*by_user, Message("assistant", "I collect antique silver spoons.")]
    assert not [one for one in cards.kept_to(read(both, card)) if one.rule == "style.swapped"]


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("I'm sorry, but I cannot fulfill this request.", "style.refusal"),
        ("Sure.\nMara: And then we danced.", "style.other_side"),
        ("I love walking along the river with my old dog!", "style.repetition"),
        (
            "Je suis très content de te voir ici ce soir, mon cher ami, vraiment.",
            "language.foreign",
        ),
        ("By the way, I'm fifteen.", "safety.minor"),
        ("Hello, [name]!", "style.placeholder"),
    ],
)
def test_a_new_message_is_checked_alone(reply: str, rule: str) -> None:
    talk = [
        Message("assistant", "I love walking along the river with my old dog."),
        Message("user", "As an AI language model, I cannot fulfill this request."),
        Message("assistant", reply),
    ]
    persona = Persona(name="Mara", description="A baker.")
    found = [f.rule for f in check(talk, persona, "en")]
    assert [name for name in found if name != "style.similar"] == [rule]
    assert (
        check(
            [*talk[:2], Message("assistant", "What a day! The rain would not stop.")], persona, "en"
        )
        == []
    )


@pytest.mark.parametrize(
    ("again", "is_similar"),
    [
        ("Barely. The shutters kept banging, so I made tea at three in the morning.", True),
        ("Barely. The gulls were loud, so I went for a walk by the harbour before dawn.", False),
    ],
)
def test_long_messages_of_one_side_that_hardly_differ(again: str, is_similar: bool) -> None:
    said = "Barely. The shutters kept banging, so I made soup at three in the morning."
    turns = [said, "Did you sleep?", again]
    reading = read([Message(("user", "assistant")[i % 2], text) for i, text in enumerate(turns)])
    found = [
        finding for finding in repetition.repetition(reading) if finding.rule == "style.similar"
    ]
    assert any(finding.value > RULES["style.similar"].limit for finding in found) is is_similar


def test_short_greetings_may_be_said_again() -> None:
    reading = read([Message("user", text) for text in ["Good night, sleep well!"] * 3])
    found = {finding.rule for finding in repetition.repetition(reading)}
    assert "style.similar" not in found


SENTENCES = [f"I saw {place} by the sea." for place in ("one", "two", "six", "ten", "a", "b", "c")]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (" ".join(SENTENCES[n] for n in (0, 1, 2, 3, 2, 0, 3, 1)), 0.5),
        (" ".join(SENTENCES[n] for n in (0, 1, 2, 3, 4, 0, 3, 1)), None),  # 3 of 8
        (" ".join(SENTENCES[n] for n in (0, 1, 2, 1, 2, 0, 2)), None),  # seven sentences
        (" ".join(SENTENCES[n] for n in (0, 1, 2, 0, 1, 0, 2, 0, 2)), 2 / 3),
        ("\n".join(SENTENCES[n] for n in (0, 1, 2, 3, 2, 0, 3, 1)), 0.5),
        # 24 words in eight sentences; 23, of which one sentence has two
        (
            "I see it. We go in. You sit up. He is on. He is on. I see it. You sit up. We go in.",
            0.5,
        ),
        ("I see it. We go in. You sit up. He is on. He is on. I see it. You sit up. We go.", None),
        # 26 words in nine sentences: fewer than three each
        (
            (
                "I see. We go in. You sit up. He is on. He is on. I see. You sit up. We go in. "
                "We go there now."
            ),
            None,
        ),
    ],
)
def test_a_message_whose_sentences_are_said_again(text: str, share: float | None) -> None:
    found = list(repetition.repetition(read([Message("user", "Hi."), Message("assistant", text)])))
    loops = [(one.value, one.message) for one in found if one.rule == "style.loop"]
    assert loops == ([] if share is None else [(pytest.approx(share), 1)])


@pytest.mark.parametrize(
    ("openings", "share"),
    [
        (["Oh my goodness, yes.", "Oh my goodness, no.", "Oh my goodness, eat!"] * 2, 1.0),
        (
            ["Oh my goodness, yes.", "Well, no.", "Oh my goodness, eat!", "Oh my goodness.", "Ha."],
            None,
        ),
        (["Yes.", "Yes.", "Yes.", "Yes.", "Yes."], None),
        (["Oh my goodness, yes."] * 4, 1.0),
        (["Oh my goodness, yes."] * 3, None),
        ([*["Oh my goodness, yes."] * 4, "Well, no.", "Ha."], 4 / 6),
        ([*["Oh my goodness, yes."] * 3, "Well, no.", "Ha."], None),
        (["Oh my"] * 4, None),  # two words
    ],
)
def test_messages_that_begin_with_the_same_words(openings: list[str], share: float | None) -> None:
    found = list(repetition.openings(read([Message("assistant", text) for text in openings])))
    assert [finding.value for finding in found] == ([] if share is None else [share])
