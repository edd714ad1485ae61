"""How different the talks are, and that the grid of what they are about is filled evenly."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.conversation import Conversation, Message, Source
from pipeline.generate import diversity
from pipeline.generate.context import GenerateContext
from pipeline.generate.personas import Personas, bundled
from pipeline.generate.plan import ENDINGS, MOODS
from pipeline.generate.prompts import load
from pipeline.generate.slots import all_slots, scene_of
from pipeline.recipe.generate import GenerateSettings
from pipeline.recipe.models import ModelSettings
from tests.servers.model import serving
from tests.test_generate import generate, kept
from tests.test_run import rapport


def a_row(number: int, first: str, **extra: Any) -> Conversation:
    known = {"situation": "rain", "plan": {"mood": "warm"}, "ending": "open"} | extra
    texts = (first, f"word {number} and the number {number} again, {number} times")
    messages = tuple(Message("user", text) for text in texts)
    return Conversation(str(number), messages, Source("generated", "", ""), extra=json.dumps(known))


def tallied(rows: list[Conversation]) -> diversity.TalkTally:
    tally = diversity.TalkTally()
    for row in rows:
        tally.add(row)
    return tally


def test_the_share_of_pairs_does_not_hang_on_the_number_of_talks() -> None:
    few = [a_row(number, f"{number % 4} begins like this") for number in range(40)]
    many = [a_row(number, f"{number % 4} begins like this") for number in range(400)]
    found = [diversity.alike(tallied(rows).openings) for rows in (few, many)]
    assert found == [pytest.approx(0.25, abs=0.03)] * 2
    assert diversity.alike(tallied(few[:1]).openings) is None


def test_talks_that_begin_alike_are_warned_of_with_a_remedy() -> None:
    same = tallied([a_row(number, "Ah, there you are.") for number in range(30)])
    found = diversity.warning(same)
    assert found
    assert '30 of 30 begin with "ah there you"' in found
    assert "generate.temperature" in found
    other = tallied([a_row(number, f"{number} things on the table") for number in range(30)])
    assert diversity.warning(other) is None
    assert diversity.warning(tallied([a_row(0, "Ah.")] * 5)) is None  # too few to say


def test_runs_of_another_talk_are_shared_and_of_the_same_talk_not() -> None:
    line = "the boat leaves at nine and nobody waits"
    once = tallied([a_row(1, f"{line}. {line}"), a_row(2, "something else is on the table here")])
    assert diversity.shared(once) == 0
    twice = tallied([a_row(1, line), a_row(2, line)])
    assert diversity.shared(twice) == pytest.approx(8 / 15, abs=0.2)


def scenes(talks: int, characters: int) -> list[Any]:
    people = bundled("en")
    chosen = Personas(people.characters[:characters], people.users, people.situations, people.later)
    settings = GenerateSettings(turns=(6, 36), talks=talks)
    context = GenerateContext(None, settings, load("en"), 7)  # type: ignore[arg-type]
    return [scene_of(slot, 0, chosen, context) for slot in all_slots(chosen, talks)]


def test_moods_endings_and_their_pairs_come_evenly_to_every_character() -> None:
    made = scenes(56, 4)
    for first in range(0, len(made), 56):
        plans = [scene.plan for scene in made[first : first + 56]]
        moods = Counter(plan.mood for plan in plans)
        assert set(moods) == set(MOODS)
        assert max(moods.values()) - min(moods.values()) <= 4  # by chance alone: 9 or so
        endings = Counter(plan.ending for plan in plans)
        for name, ending in ENDINGS.items():
            assert endings[name] == pytest.approx(56 * ending.share, abs=3)
    pairs = Counter((scene.plan.mood, scene.plan.ending) for scene in made)
    assert len(pairs) == len(MOODS) * len(ENDINGS)
    situations = Counter(scene.situation for scene in made if scene.greeting is None)
    assert len(situations) == len(bundled("en").situations)


def test_a_server_that_repeats_itself_is_warned_of_and_one_that_does_not_is_not(
    tmp_path: Path,
) -> None:
    wanted: dict[str, Any] = {"seeds": 8, "talks": 6, "turns": (2, 3), "attempts": 1}
    found = []
    for answers in ("tests.test_diversity:parrot", "pipeline.llm.rehearsal:flawless"):
        with serving(answers=answers) as server:
            models = {"writer": ModelSettings(base_url=server.url, model="any", in_flight=16)}
            rows, _ = generate(tmp_path / f"{len(found)}.sqlite", models, **wanted)
        found.append(diversity.warning(tallied(kept(rows))))
    assert found[0]
    assert "well now look" in found[0]
    assert found[1] is None


def parrot(request: dict[str, Any]) -> dict[str, Any]:
    """A server that opens every talk alike."""
    from pipeline.llm import rehearsal

    made: dict[str, Any] = rehearsal.flawless(request)
    text = made["choices"][0]["message"]["content"]
    made["choices"][0]["message"]["content"] = f"Well, now, look who writes. {text}"
    return made


def test_stats_show_it_beside_people(tmp_path: Path) -> None:
    values = {
        "name": "tests",
        "models": {"writer": {"base_url": "rehearsal", "model": "rehearsal"}},
        "generate": {"seeds": 4, "talks": 2, "turns": [4, 6], "license": "CC0-1.0"},
    }
    (tmp_path / "recipe.yaml").write_text(json.dumps(values))
    rapport("run", tmp_path / "recipe.yaml", "--out", tmp_path / "out", "--until", "generate")
    shown = rapport("stats", tmp_path / "out")
    assert "8 talks; different: openings 8" in shown
    assert "self_dialogue 1.7%" in shown
    report = json.loads((tmp_path / "out" / "2-generate" / "report.json").read_text())
    assert report["diversity"]["characters"] == 4
    assert report["diversity"]["warning"] is None
