"""The languages of `generate`: their files are whole, talks are in them, others may be added."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import UserError, texts
from pipeline.conversation import Message, normalised
from pipeline.generate import personas, prompts, reasons
from pipeline.generate.candidates import CHARACTERS, USERS
from pipeline.generate.check import first_fault, objection_to
from pipeline.generate.facts import facts_in
from pipeline.generate.invent import NEW, open_ledger
from pipeline.llm import rehearsal
from pipeline.recipe.generate import GenerateSettings
from tests.test_generate import generate, kept
from tests.test_run import rapport

LANGUAGES = ["de", "en", "es", "fr", "ru", "zh"]
OTHERS = ["de", "es", "fr", "zh"]


def test_six_languages_lack_nothing() -> None:
    assert prompts.known() == LANGUAGES
    assert [prompts.missing(language) for language in LANGUAGES] == [[]] * 6
    headings = {name: prompts.load(name).directions.keys() for name in LANGUAGES}
    assert all(found == headings["en"] for found in headings.values())
    keys = {name: texts.values("rehearsal", f"{name}.yaml").keys() for name in LANGUAGES}
    needed = {
        "refusal",
        "mark",
        "count",
        "words",
        "few",
        "turns",
        "promise",
        "script_promise",
        "full_name",
    }
    assert all(needed <= found for found in keys.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_prompt_takes_the_same_values_in_every_language(language: str) -> None:
    """Where one leaves out a value, what the recipe says would be lost in silence."""
    own, english = prompts.load(language), prompts.load("en")
    names = re.compile(r"\$(\w+)", re.ASCII)
    for name, template in english.templates.items():
        assert set(names.findall(own.templates[name])) == set(names.findall(template)), name
    for heading, text in english.directions.items():
        assert set(names.findall(own.directions[heading])) == set(names.findall(text)), heading


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_of_a_language_are_adults_and_break_no_rule(language: str) -> None:
    people, wording = personas.bundled(language), prompts.load(language)
    assert len(people.characters) >= 6
    assert min(len(people.users), len(people.situations), len(people.later)) >= 10
    for character in people.characters:
        assert character.age
        assert str(character.age) in character.description
        assert objection_to(CHARACTERS.texts(character), wording) is None, character.name
        dialogue: list[Message] = []
        for message in character.example_dialogue:
            fault = first_fault(dialogue, message, character.persona("Sam"), wording)
            assert fault is None, (character.name, fault)
            dialogue.append(message)
    for user in people.users:
        assert objection_to(USERS.texts(user), wording) is None, user.name
    assert len({normalised(one.name) for one in people.characters}) == len(people.characters)
    ledger = open_ledger(CHARACTERS, people.characters, 1, GenerateSettings(language=language))
    assert set(ledger.pools) <= set(NEW)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("mode", ["talk", "script"])
def test_talks_are_in_their_language_and_filled(tmp_path: Path, language: str, mode: str) -> None:
    wanted: dict[str, Any] = {"seeds": 2, "characters": 1, "users": 1, "situations": 2, "talks": 1}
    wanted |= {"language": language, "mode": mode, "sittings": (2, 2), "turns": (6, 12)}
    rows, _ = generate(tmp_path / "calls.sqlite", **wanted)
    assert len(kept(rows)) >= 4
    assert reasons(rows)["language.foreign"] == 0


SAID = {
    "en": ("I'm 46 and I like it", "I live in Leeds", "I work as a baker"),
    "de": ("ich bin 46 und es gefällt mir", "Ich wohne in Husum", "ich arbeite als Bäcker"),
    "fr": ("j'ai 46 ans et ça me va", "J'habite à Nantes", "je travaille comme boulanger"),
    "es": ("tengo 46 años y me gusta", "vivo en Soria", "trabajo de panadero"),
    "ru": ("мне 46, и мне нравится", "я живу в Туле", "я работаю пекарем"),
    "zh": ("我今年46，挺好的", "我住在绍兴。", "我是做面包的"),
}
OTHERWISE = {
    "en": "nice to meet you",
    "de": "freut mich, dich kennenzulernen",
    "fr": "enchanté, vraiment",
    "es": "encantada de conocerte",
    "ru": "приятно познакомиться",
    "zh": "很高兴认识你",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_say_of_themselves_is_understood(language: str) -> None:
    speech = prompts.load(language).speech
    kinds = []
    for text in SAID[language]:
        kinds += [fact.kind for fact in facts_in(Message("user", text), 0, speech)]
    assert kinds == ["age", "home", "work"]
    assert any(pattern.search(OTHERWISE[language]) for pattern in speech.introductions)


def test_the_stand_in_speaks_the_language_of_the_prompt() -> None:
    for language in LANGUAGES:
        prompt = prompts.load(language).prompt("situations", count=3, examples="-", openings="-")
        asked = {"messages": [{"role": "user", "content": prompt}], "seed": 1}
        text = rehearsal.flawless(asked)["choices"][0]["message"]["content"]  # type: ignore[index]
        words = texts.values("rehearsal", f"{language}.yaml")["who"]
        assert len(json.loads(text)["situations"]) == 3
        assert any(word in text for word in words) or language == "en"


def a_language(folder: Path, code: str) -> Path:
    """The files of a language that is English under another name."""
    for kind, name in prompts.files_of("en"):
        target = folder / kind / name.replace("en.", f"{code}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(texts.place(kind, name), target)
    return folder


def test_another_language_comes_by_files_beside_the_recipe(tmp_path: Path) -> None:
    a_language(tmp_path / "plain", "nl")
    values = {
        "name": "tests",
        "models": {"writer": {"base_url": "rehearsal", "model": "rehearsal"}},
        "generate": {"language": "nl", "language_files": "plain", "seeds": 1, "talks": 1},
    }
    values["generate"] |= {"turns": [4, 6], "license": "CC0-1.0"}  # type: ignore[operator]
    (tmp_path / "recipe.yaml").write_text(json.dumps(values))
    assert "writer" in rapport("plan", tmp_path / "recipe.yaml", "--out", tmp_path / "out")


def test_what_a_language_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'nl' lacks memory/nl\.yaml, personas/later-nl\.yaml, .*"):
        prompts.load("nl")
    folder = a_language(tmp_path, "nl")
    (folder / "words" / "underage-nl.txt").unlink()
    directions = folder / "prompts" / "directions-nl.md"
    directions.write_text(directions.read_text().replace("## cue bye", "## cue dag"))
    assert prompts.missing("nl", folder) == [
        "`## cue bye` in directions-nl.md",
        "words/underage-nl.txt",
    ]
    with pytest.raises(UserError, match=r"cue bye.*de, en, es, fr, ru, zh"):
        prompts.load("nl", folder)
