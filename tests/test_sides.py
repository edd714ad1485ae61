"""A user that speaks as the character of the card."""

from __future__ import annotations

import pytest

from pipeline.conversation import Message, Persona
from pipeline.rules.reading.reading import read
from pipeline.rules.sides import on_the_wrong_side

ROSA = Persona(name="Rosa Adler", description="Rosa, 52, midwife in a mountain village")
VALE = Persona(name="Captain Vale", description="A smuggler with a leaky boat.")
MATEO = Persona(name="Mateo", description="Mateo, 60 años, relojero de la plaza")
KARL = Persona(name="Karl", description="Karl, 63, Stadtgärtner, liebt Rosen")
XIAOYU = Persona(name="林小雨", description="林小雨，28岁，乡村兽医")
MISAKI = Persona(name="美咲", description="美咲、34歳、港町の船長")


def _found(card: Persona, *contents: str, user: Persona | None = None) -> bool:
    messages = [
        Message("assistant" if number % 2 else "user", content)
        for number, content in enumerate(contents)
    ]
    return bool(list(on_the_wrong_side(read(messages, card, user))))


@pytest.mark.parametrize(
    ("card", "contents"),
    [
        (VALE, ("Mind the bucket. I'm Vale.", "Is that the boat?")),
        (ROSA, ("Boil some water.", "Thank you for coming so fast, Rosa.")),
        (ROSA, ("Boil some water.", "Frau Rosa! You are here.")),
        (ROSA, ("*Rosa smiles* Hm.", "Hm.", "*Rosa nods* Yes.", "Good.")),
        (ROSA, ("How long?\nI've been a midwife for years, who knows.", "Then we wait.")),
        (VALE, ("All aboard!", "Aye, captain!", "Hold tight.", "Is it far, captain?")),
        (MATEO, ("¿Tiene arreglo?\nSoy relojero desde niño.", "Menos mal.")),
        (KARL, ("Was tun, Karl?\nAls Gärtner sage ich: weniger Wasser.", "Gut.")),
        (XIAOYU, ("把狗抱上来。", "谢谢林医生，它一直在舔。")),
        (MISAKI, ("今日は出ますか？\n私は船長ですから、出ます。", "はい。")),
    ],
)
def test_the_user_has_taken_the_characters_part(card: Persona, contents: tuple[str, ...]) -> None:
    assert _found(card, *contents)


@pytest.mark.parametrize(
    ("card", "contents"),
    [
        (ROSA, ("Rosa, I'm a midwife too.", "Then you know the road.")),
        (ROSA, ("I'm called Rosa as well!", "Another one!")),
        (ROSA, ("Who is there?", "It's me, Rosa.")),
        (ROSA, ("Write me a letter.", "I am well. Yours, Rosa.")),
        (ROSA, ("Hm?", "I told myself: Rosa, you are too old.")),
        (ROSA, ("My village is far.", "Rosa, still waving, walks off.")),
        (VALE, ("Where to, captain?", "North.")),
        (KARL, ("Meine Rosen sind krank.", "Zeig her.", "Ich bin Lehrer.", "So.")),
    ],
)
def test_the_user_is_somebody_else(card: Persona, contents: tuple[str, ...]) -> None:
    assert not _found(card, *contents)


def test_two_of_one_name_may_call_each_other_by_it() -> None:
    contents = ("Hello.", "Hello, Rosa!")
    assert _found(ROSA, *contents)
    assert not _found(ROSA, *contents, user=Persona(name="Rosa"))
