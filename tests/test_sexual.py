"""How sexual a message is, and that nothing explicit stays beside a sign of a minor.

Factual stand-ins only: terms, and for the rows with a minor a word that is made explicit here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline import filter as stage
from pipeline.conversation import Alternative, Conversation, Drop, Message, Persona, Source
from pipeline.publish import cut
from pipeline.recipe.filter import FilterSettings
from pipeline.recipe.publish import PublishSettings
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.reading import Reading, read
from pipeline.rules.safety import sexual, underage

STAND_IN = "standin"


def grades(*turns: str) -> list[tuple[int | None, float | None]]:
    messages = [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)]
    return [(f.message, f.value) for f in sexual.sexual(read(messages))]


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("They had oral sex.", 2),
        ("He masturbated.", 2),
        ("Она мастурбировала.", 2),
        ("Sie hatten Oralsex.", 2),
        ("Fellation, dit-il.", 2),
        ("Hubo sexo oral.", 2),
        ("Fu sesso orale.", 2),
        ("Foi sexo oral.", 2),
        ("他们发生了性关系。", 2),
        ("フェラチオの話。", 2),
        ("오럴 섹스 이야기.", 2),
        ("She was completely naked.", 1),
        ("You look so sexy tonight.", 1),
        ("Мне снился секс.", 1),
        ("Ich will mit dir schlafen.", 1),
        ("J'ai envie de toi.", 1),
        ("他看色情杂志。", 1),
    ],
)
def test_a_message_has_its_grade(text: str, grade: int) -> None:
    assert grades("Hello there.", text) == [(1, grade)]


@pytest.mark.parametrize(
    "text",
    [
        "He kissed her and held her hand.",
        "I love you, hold me tight.",
        "The doctor said that erectile problems and orgasm are common topics.",
        "The film has an oral sex joke.",
        "Fuck you and your broken car!",
        "The rooster, a fine cock, crowed at dawn.",
        "He moaned about work all evening.",
        "Dick rode his bike to Essex.",
        "It turns me on my head.",
        "My cat sleeps with me tonight and every night.",
        "The naked truth is that I forgot.",
        "C'est excitant, je suis excité de te voir !",
        "Sono eccitato per il viaggio.",
        "我把这叫做爱。",
        "他没有和女性交往的经验。",
        "나는 그를 보지 못했어.",
        "ペリフェラルを買いました。",
    ],
)
def test_romance_medicine_news_and_insults_have_none(text: str) -> None:
    assert grades("Hello there.", text) == []


def test_a_card_has_a_grade_too() -> None:
    card = Persona(description="She likes oral sex.")
    (finding,) = sexual.sexual(read([Message("user", "Hi.")], card))
    assert (finding.message, finding.value, finding.evidence) == (None, 2, "the card")


# --- beside a sign of a minor


@pytest.fixture
def explicit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages with the stand-in are explicit."""

    def found(reading: Reading) -> list[Hit]:
        places = [i for i in range(len(reading.messages)) if STAND_IN in reading.line(i)]
        return [Hit(i, reading.line(i).index(STAND_IN), len(reading.line(i))) for i in places]

    monkeypatch.setattr(underage, "explicit", found)


CALM = (
    "Did you sleep at all after the storm?",
    "Barely. I made soup at three in the morning.",
    "Soup! You always cook when you cannot sleep.",
    "It is cheaper than a therapist, and it smells better.",
)


def row(*extra: str, system: str | None = None) -> Conversation:
    texts = [*CALM, *extra]
    messages = [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(texts)]
    prompt = [Message("system", system)] if system else []
    return Conversation("id", (*prompt, *messages), Source("file", "cafe", "cafe#1"))


def filtered(given_row: Conversation) -> Conversation | Drop:
    off = {"rules": {"safety.sexual": {"decision": "off"}}}
    (result,) = stage.work([given_row], FilterSettings.model_validate(off))
    return result


SIGNS = [
    "That was the 15-year-old girl from the bakery.",
    "My little sister called from the station.",
    "A schoolgirl came in.",
    "She is in ninth grade.",
    "Он привёл пятнадцатилетнюю соседку.",
    "Seine kleine Schwester rief an.",
    "Sa petite sœur a appelé.",
    "Llamó su hermanita.",
    "小女孩来了。",
    "妹が来た。",
    "여동생이 왔어.",
]


@pytest.mark.usefixtures("explicit")
@pytest.mark.parametrize("sign", SIGNS)
def test_an_explicit_message_beside_any_sign_of_a_minor_is_dropped(sign: str) -> None:
    for given_row in (row(sign, f"Well, {STAND_IN} again."), row(f"A {STAND_IN} then.", sign)):
        dropped = filtered(given_row)
        assert isinstance(dropped, Drop)
        rules = [f.rule for f in dropped.conversation.findings if f.decision == "drop"]
        assert "safety.minor" in rules
    assert not isinstance(filtered(row(sign, "Well, come in.")), Drop)


@pytest.mark.usefixtures("explicit")
def test_the_sign_may_stand_in_a_card_or_a_system_message() -> None:
    told = row("Yes?", f"A {STAND_IN} then.", system="Her little sister is at home.")
    assert isinstance(filtered(told), Drop)
    card = Persona("Ada", "Ada, 30. Her little sister is at home.")
    assert isinstance(filtered(replace(row("Yes?", f"A {STAND_IN} then."), persona=card)), Drop)
    assert not isinstance(filtered(replace(row("Yes?", "A soup then."), persona=card)), Drop)


@pytest.mark.usefixtures("explicit")
@pytest.mark.parametrize(
    ("spoken", "other"),
    [
        ("My little sister called.", f"A {STAND_IN}."),
        (f"A {STAND_IN}.", "My little sister called."),
    ],
)
def test_an_alternative_goes_where_it_and_the_row_have_both(spoken: str, other: str) -> None:
    given_row = row(spoken, "Ah. And then, what did she want from you?")
    given_row = replace(given_row, alternatives=(Alternative(5, other), Alternative(5, "Ah.")))
    kept = filtered(given_row)
    assert isinstance(kept, Conversation)
    assert [alternative.content for alternative in kept.alternatives] == ["Ah."]


@pytest.mark.usefixtures("explicit")
def test_such_a_row_is_not_published_even_past_the_filter() -> None:
    given_row = row("My little sister called.", f"A {STAND_IN} then.")
    (gone,) = cut.work([given_row], PublishSettings())
    assert isinstance(gone, Drop)


def test_explicit_rows_are_kept_with_a_warning_unless_the_recipe_drops_them() -> None:
    given_row = row("They had oral sex.", "So I heard, but the soup was better.")
    (kept,) = stage.work([given_row], FilterSettings())
    assert isinstance(kept, Conversation)
    (finding,) = [f for f in kept.findings if f.rule == "safety.sexual"]
    assert (finding.value, finding.decision, finding.evidence) == (2, "warn", "oral sex")
    recipe = {"rules": {"safety.sexual": {"limit": 1, "decision": "drop"}}}
    (dropped,) = stage.work([given_row], FilterSettings.model_validate(recipe))
    assert isinstance(dropped, Drop)


def test_of_two_alternatives_the_higher_grade_is_told() -> None:
    others = (Alternative(1, "They had oral sex."), Alternative(1, "She was completely naked."))
    (kept,) = stage.work([replace(row("Yes?", "Yes."), alternatives=others)], FilterSettings())
    assert isinstance(kept, Conversation)
    assert [f.value for f in kept.findings if f.rule == "safety.sexual"] == [2]
