"""The whole room, offline and against a server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline import UserError, llm
from pipeline.conversation import Conversation, Drop, Quarantine, from_table, to_table
from pipeline.formats import cards, realm
from pipeline.generate import expected, reasons, work
from pipeline.llm import Client, rehearsal
from pipeline.recipe.settings import BudgetSettings, GenerateSettings, ModelSettings, Price
from tests.servers.model import serving
from tests.test_run import rapport

REHEARSAL = {"writer": ModelSettings(base_url="rehearsal", model="rehearsal")}
Row = Conversation | Drop | Quarantine


def generate(
    calls: Path, models: dict[str, ModelSettings] = REHEARSAL, **settings: Any
) -> tuple[list[Row], llm.Usage]:
    async def rows() -> tuple[list[Row], llm.Usage]:
        async with Client(models, calls, None, {}, 7, rehearsal.answer) as line:
            return [row async for row in work(GenerateSettings(**settings), line, 7)], line.usage

    return llm.run(rows())


def kept(rows: list[Row]) -> list[Conversation]:
    return [row for row in rows if isinstance(row, Conversation)]


def slots(rows: list[Row]) -> Counter[str]:
    """How often each slot was filled."""
    return Counter(json.loads(row.extra or "")["slot"] for row in kept(rows))


def test_without_talks_nothing_is_asked(tmp_path: Path) -> None:
    rows, usage = generate(tmp_path / "calls.sqlite", characters=5)
    assert (rows, usage.requests) == ([], 0)


@pytest.mark.parametrize("mode", ["talk", "script"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_slot_is_filled_with_a_row_that_says_where_it_comes_from(
    tmp_path: Path, mode: str, language: str
) -> None:
    wanted = {
        "language": language,
        "mode": mode,
        "seeds": 2,
        "characters": 2,
        "users": 2,
        "situations": 4,
        "talks": 2,
    }
    rows, _ = generate(tmp_path / "calls.sqlite", turns=(4, 8), license="CC0-1.0", **wanted)
    assert len(slots(rows)) == 8
    assert set(slots(rows).values()) == {1}
    for row in kept(rows):
        assert 4 <= len(row.messages) <= 8
        assert all(a.role != b.role for a, b in pairwise(row.messages))
        assert {m.name for m in row.messages} == {
            row.persona and row.persona.name,
            row.user_persona and row.user_persona.name,
        }
        assert row.source.kind == "generated"
        assert row.source.models == ("rehearsal",)
        assert row.source.rehearsal
        assert row.source.license == "CC0-1.0"
        assert row.source.prompt
        assert row.split_group == f"generated/{row.persona and row.persona.name}"
        assert row.user_persona
        assert row.user_persona.description
        told = json.loads(row.extra or "")
        assert told["prompt_tokens"] > told["completion_tokens"] > 0
        assert len(told["stages"]) == len(row.messages)
        cut = any(finding.rule == "talk.cut" for finding in row.findings)
        assert cut == (told["ending"] == "cut")
        assert told["ending"] in ("cut", "open", told["plan"]["ending"])
    assert list(from_table(to_table(kept(rows)))) == kept(rows)


def test_the_order_of_answers_changes_nothing_and_a_second_run_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: dict[str, Any] = {"seeds": 1, "characters": 3, "users": 2, "talks": 2, "turns": (4, 8)}
    rows, usage = generate(tmp_path / "calls.sqlite", **wanted)
    again, cached = generate(tmp_path / "calls.sqlite", **wanted)
    assert again == rows
    assert (cached.requests, cached.cached) == (0, usage.calls)
    ask = Client.ask

    async def late(
        line: Client, model: str, messages: list[dict[str, str]], **more: Any
    ) -> llm.Answer:
        answer = await ask(line, model, messages, **more)
        for _ in range(hash(answer.text) % 7):  # differs from run to run
            await asyncio.sleep(0)
        return answer

    monkeypatch.setattr(Client, "ask", late)
    shuffled, _ = generate(tmp_path / "other.sqlite", **wanted)
    assert shuffled == rows


def test_more_talks_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    few, _ = generate(tmp_path / "calls.sqlite", seeds=2, talks=1, turns=(4, 8))
    more, usage = generate(tmp_path / "calls.sqlite", seeds=3, talks=2, turns=(4, 8))
    assert [row for row in kept(more) if row.id in {r.id for r in kept(few)}] == kept(few)
    assert usage.cached == sum(json.loads(row.extra or "")["calls"] for row in kept(few))


def test_cards_talk_and_a_spoilt_card_is_quarantined(tmp_path: Path) -> None:
    folder = tmp_path / "cards"
    folder.mkdir()
    card = {
        "name": "Ottoline",
        "description": "Ottoline, 44, paints shop signs.",
        "first_mes": "Mind the paint, {{user}}.",
    }
    (folder / "a.json").write_text(json.dumps(card))
    (folder / "b.json").write_text("{broken")
    (folder / "c.json").write_text(
        json.dumps({"name": "Lily", "description": "Lily is 16 years old."})
    )
    rows, _ = generate(tmp_path / "calls.sqlite", cards=[str(folder)], talks=2, turns=(4, 6))
    assert [row.rule for row in rows if isinstance(row, Quarantine)] == ["card"] * 2
    for row in kept(rows):
        user = row.user_persona.name if row.user_persona else ""
        assert row.messages[0].content == f"Mind the paint, {user}."
        assert row.persona
        assert row.persona.card == json.dumps(card)
    assert len(kept(rows)) == 2


PAINTER = {
    "name": "Lil",
    "description": "Lil paints shop signs.",
    "first_mes": "Mind the paint, {{user}}.",
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"first_mes": "Hi, I'm 15"}, "safety.minor: greeting"),
        ({"scenario": "A schoolgirl is late."}, "safety.minor: scenario"),
        (
            {"mes_example": "<START>\n{{char}}: I'm fifteen, you know."},
            "safety.minor: example_dialogue",
        ),
        ({"mes_example": "Lil is a 14-year-old."}, "adults only"),
        (
            {"first_mes": "Hallo, ich bin die Malerin, und wer sind Sie eigentlich?"},
            "language.foreign: greeting",
        ),
        ({"first_mes": "Hello [your name], mind the paint."}, "style.placeholder: greeting"),
        (
            {"data": PAINTER | {"alternate_greetings": ["Hi, I'm 15"]}},
            "safety.minor: other_greetings",
        ),
        ({"data": PAINTER | {"tags": ["female", "loli"]}}, "adults only"),
        ({"data": PAINTER | {"extensions": {"rapport": {"age": 16}}}}, "adults only: age 16"),
    ],
)
def test_no_part_of_a_card_that_must_not_talk_is_paid_for(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    (tmp_path / "lil.json").write_text(json.dumps(PAINTER | change))
    rows, usage = generate(
        tmp_path / "calls.sqlite", cards=[str(tmp_path / "lil.json")], talks=1, turns=(4, 6)
    )
    assert next(row.error for row in rows if isinstance(row, Quarantine)).startswith(
        f"card: {told}"
    )
    assert usage.requests == 0


def test_what_was_repaired_in_a_card_is_told_in_its_rows(tmp_path: Path) -> None:
    wild = {"data": PAINTER | {"alternate_greetings": "You again.", "character_book": None}}
    (tmp_path / "lil.json").write_text(json.dumps(wild))
    rows, _ = generate(
        tmp_path / "calls.sqlite", cards=[str(tmp_path / "lil.json")], talks=1, turns=(4, 6)
    )
    assert kept(rows)[0].edits == (
        "generate: repaired card: alternate_greetings was no list of texts",
        "generate: repaired card: character_book was null",
    )


def test_a_missing_card_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nobody\.png does not exist"):
        generate(tmp_path / "calls.sqlite", cards=["nobody.png"], talks=1)


def is_given_up(row: Drop | Quarantine) -> bool:
    if isinstance(row, Quarantine):
        return row.missing > 0
    return any(finding.rule == "slot.given_up" for finding in row.conversation.findings)


BAD_TALK = {
    "empty": 0.08,
    "length": 0.08,
    "refusal": 0.08,
    "placeholder": 0.08,
    "echo": 0.09,
    "foreign": 0.09,
}
BAD_JSON = {"garbage": 0.1, "braces": 0.1, "wrong_role": 0.1, "non_string": 0.1, "one_turn": 0.1}
OURS: dict[str, Callable[[Counter[str]], int]] = {
    "refusal": lambda told: told["style.refusal"] + told["bad_json"],
    "placeholder": lambda told: told["style.placeholder"],
    "echo": lambda told: told["talk.note"],
    "foreign": lambda told: told["language.foreign"],
}


def test_with_half_of_the_replies_bad_every_slot_is_filled_or_accounted_for(tmp_path: Path) -> None:
    """100 characters × 3 talks; what went wrong is counted as often as the server did it."""
    with serving(answers="pipeline.generate.rehearse:flawless", faults=BAD_TALK) as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any", in_flight=64)}
        rows, usage = generate(
            tmp_path / "calls.sqlite", models, seeds=24, characters=76, talks=3, turns=(4, 4)
        )
        sent = server.stats()["sent"]
    filled = slots(rows)
    given_up = [row for row in rows if not isinstance(row, Conversation) and is_given_up(row)]
    assert len(filled) + len(given_up) == 300
    assert len(filled) > 270
    told = reasons(rows) + usage.failures
    assert {kind: count(told) for kind, count in OURS.items()} == {
        kind: sent[kind] for kind in OURS
    }
    assert {kind: usage.failures[kind] for kind in ("empty", "length")} == {
        kind: sent[kind] for kind in ("empty", "length")
    }
    for row in rows:
        if isinstance(row, Drop):
            assert any(finding.decision == "drop" for finding in row.conversation.findings)


def test_with_half_of_the_scripts_bad_every_slot_is_filled_or_accounted_for(tmp_path: Path) -> None:
    with serving(answers="pipeline.generate.rehearse:flawless", faults=BAD_JSON) as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any")}
        rows, usage = generate(
            tmp_path / "calls.sqlite", models, seeds=20, talks=3, turns=(6, 8), mode="script"
        )
        sent = server.stats()["sent"]
    lost = [row for row in rows if not isinstance(row, Conversation)]
    assert len(slots(rows)) + sum(map(is_given_up, lost)) == 60
    assert len(slots(rows)) > 54
    assert usage.failures["bad_json"] == sum(
        sent[kind] for kind in ("garbage", "braces", "wrong_role", "non_string")
    )
    assert reasons(rows)["talk.short"] == sent["one_turn"]


def test_a_batch_model_invents_and_writes_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.llm.batch.QUIET", 0.05)
    with serving(answers="pipeline.generate.rehearse:flawless") as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any", batch=True)}
        rows, _ = generate(
            tmp_path / "calls.sqlite", models, characters=4, talks=2, turns=(4, 8), mode="script"
        )
    assert len(slots(rows)) == 8


@pytest.mark.parametrize("mode", ["talk", "script"])
def test_the_rows_together_cost_what_was_paid(tmp_path: Path, mode: str) -> None:
    faults = {"empty": 0.3, "length": 0.2, "refusal": 0.05}
    with serving(answers="pipeline.generate.rehearse:flawless", faults=faults) as server:
        models = {
            "writer": ModelSettings(
                base_url=server.url, model="any", reasks=1, price=Price(input=1, output=2)
            )
        }
        rows, usage = generate(
            tmp_path / "calls.sqlite", models, seeds=10, talks=3, turns=(4, 6), mode=mode
        )
    raw = [
        row.raw if isinstance(row, Quarantine) else getattr(row, "conversation", row).extra
        for row in rows
    ]
    told = [json.loads(extra) for extra in raw]
    assert any(failed["rule"] == "call.empty" for extra in told for failed in extra["failed"])
    assert sum(extra["cost"] for extra in told) == pytest.approx(usage.cost)


def test_an_invented_character_leaves_as_a_card(tmp_path: Path) -> None:
    rows, _ = generate(tmp_path / "calls.sqlite", characters=1, talks=1, turns=(4, 6))
    persona = kept(rows)[0].persona
    assert persona
    character, repairs = cards.from_json(persona.card or "")
    assert repairs == []
    assert character.name == persona.name
    assert character.age
    assert character.age >= 18
    assert len(character.topics) == 10


@pytest.mark.parametrize("mode", ["talk", "script"])
def test_what_it_takes_is_known_before(tmp_path: Path, mode: str) -> None:
    wanted: dict[str, Any] = {"mode": mode, "seeds": 4, "characters": 4, "users": 8, "talks": 2}
    with serving(answers="pipeline.generate.rehearse:flawless") as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any")}
        _, usage = generate(tmp_path / "calls.sqlite", models, **wanted)
    estimate = expected(GenerateSettings(**wanted), models, 7)["writer"]
    assert 0.75 < estimate.calls / usage.calls < 1.4
    assert 0.6 < estimate.prompt_tokens / usage.prompt_tokens < 1.6
    assert 0.5 < estimate.completion_tokens / usage.completion_tokens < 2


def test_a_run_stops_at_the_budget_and_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    async def rows(most: int | None) -> list[Row]:
        budget = BudgetSettings(max_tokens=most)
        async with Client(
            REHEARSAL, tmp_path / "calls.sqlite", budget, {}, 7, rehearsal.answer
        ) as line:
            return [row async for row in work(GenerateSettings(**wanted), line, 7)]

    wanted: dict[str, Any] = {"seeds": 2, "characters": 2, "talks": 2, "turns": (4, 8)}
    whole, _ = generate(tmp_path / "whole.sqlite", **wanted)
    with pytest.raises(llm.StopRun, match="budget"):
        llm.run(rows(15_000))
    assert llm.run(rows(None)) == whole


def test_more_seeds_than_there_are_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="99 are wanted"):
        generate(tmp_path / "calls.sqlite", seeds=99, talks=1)


def test_the_realm_layout_holds_every_talk_under_its_character(tmp_path: Path) -> None:
    rows, _ = generate(tmp_path / "calls.sqlite", seeds=1, characters=1, talks=3, turns=(4, 6))
    records = list(realm.records(kept(rows)))
    assert [list(record) for record in records] == [
        ["name", "context", "greeting", "example_dialogue", "topics", "dialogues"]
    ] * 2
    assert sum(len(record["dialogues"]) for record in records) == len(kept(rows)) == 6
    for record in records:
        for dialogue in record["dialogues"]:
            assert list(dialogue) == ["chat", "model_name", "topic"]
            assert dialogue["model_name"] == "rehearsal"
            assert dialogue["topic"] in record["topics"]
            assert len(dialogue["chat"]) >= 4
            assert {line["role"] for line in dialogue["chat"]} == {"user", "char"}
        assert record["dialogues"][0]["chat"][0]["content"] == record["greeting"]
        assert {line["role"] for line in record["example_dialogue"]} == {"user", "char"}
    assert [c.name for c in realm.characters(kept(rows))] == [record["name"] for record in records]


def test_a_card_in_a_picture_leaves_in_its_picture(tmp_path: Path) -> None:
    pixels = cards._plain_picture(9)  # another picture than the one for characters without
    (tmp_path / "lil.png").write_bytes(
        cards.to_png(cards.from_json(json.dumps(PAINTER))[0], pixels)
    )
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "bo.json").write_text(json.dumps(PAINTER | {"name": "Bo"}))
    values = {
        "name": "tests",
        "models": {"writer": {"base_url": "rehearsal", "model": "rehearsal"}},
        "generate": {
            "cards": ["lil.png", "cards"],
            "talks": 3,
            "turns": [4, 6],
            "license": "CC0-1.0",
        },
        "publish": {"layout": "realm"},
    }
    (tmp_path / "recipe.yaml").write_text(json.dumps(values))
    rapport("run", tmp_path / "recipe.yaml", "--out", tmp_path / "out")
    folder = tmp_path / "out" / "6-publish" / "realm" / "cards"
    assert [p.name for p in sorted(folder.iterdir())] == ["00001.json", "00001.png", "00002.json"]
    out = (folder / "00001.png").read_bytes()
    assert json.loads(cards.png_text(out))["data"]["name"] == "Lil"
    assert pixels[:-12] == out[: len(pixels) - 12]  # all but the end chunk


WANTED: dict[str, Any] = {"seeds": 6, "talks": 2, "turns": (6, 12)}
KILLED = """
import sys
from pathlib import Path
from pipeline.recipe import ModelSettings
from tests.test_generate import WANTED, generate
generate(Path(sys.argv[1]), {"writer": ModelSettings(base_url=sys.argv[2], model="any", in_flight=8)}, **WANTED)
"""


def test_a_killed_run_asks_again_only_what_was_under_way(tmp_path: Path) -> None:
    with serving(answers="pipeline.generate.rehearse:flawless", latency_ms=10) as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any", in_flight=8)}
        whole, usage = generate(tmp_path / "whole.sqlite", models, **WANTED)
        server.configure()
        command = [sys.executable, "-c", KILLED, str(tmp_path / "calls.sqlite"), server.url]
        with subprocess.Popen(command, cwd=Path(__file__).parents[1]) as run:
            while server.stats()["requests"] < usage.requests // 2:
                assert run.poll() is None
                time.sleep(0.01)
            run.kill()
        rows, again = generate(tmp_path / "calls.sqlite", models, **WANTED)
        sent = server.stats()
    assert rows == whole
    assert again.cached > 0
    assert sent["requests"] - usage.requests <= 8  # at most what was in flight
    assert sent["asked_again_after_answer"] <= 8
