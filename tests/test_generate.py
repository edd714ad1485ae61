"""The whole stage, offline and against a server that misbehaves on purpose."""

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
from pipeline.conversation import Conversation, Drop, Quarantine
from pipeline.formats import cards, png, realm
from pipeline.generate import expected, reasons, work
from pipeline.llm import Client, rehearsal
from pipeline.pacing import STAGES
from pipeline.recipe.generate import GenerateSettings
from pipeline.recipe.models import BudgetSettings, ModelSettings, Price
from pipeline.store.columns import from_table, to_table
from tests.servers.model import serving
from tests.test_run import rapport

REHEARSAL = {"writer": ModelSettings(base_url="rehearsal", model="rehearsal")}
Row = Conversation | Drop | Quarantine


def generate(
    calls: Path, models: dict[str, ModelSettings] = REHEARSAL, **settings: Any
) -> tuple[list[Row], llm.Usage]:
    async def rows() -> tuple[list[Row], llm.Usage]:
        async with Client(models, calls, None, {}, 7, rehearsal.answer) as client:
            return [
                row async for row in work(GenerateSettings(**settings), client, 7)
            ], client.usage

    return llm.run(rows())


def kept(rows: list[Row]) -> list[Conversation]:
    return [row for row in rows if isinstance(row, Conversation)]


def extra_of(row: Row) -> dict[str, Any]:
    if isinstance(row, Quarantine):
        return dict(json.loads(row.raw))
    conversation = row.conversation if isinstance(row, Drop) else row
    return dict(json.loads(conversation.extra or ""))


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
        assert row.persona
        assert row.user_persona
        names = {message.name for message in row.messages}
        assert names == {row.persona.name, row.user_persona.name}
        assert row.source.kind == "generated"
        assert row.source.models == ("rehearsal",)
        assert row.source.rehearsal
        assert row.source.license == "CC0-1.0"
        assert row.source.prompt
        assert row.split_group == f"generated/{row.persona.name}"
        assert row.user_persona.description
        extra = json.loads(row.extra or "")
        assert extra["prompt_tokens"] > extra["completion_tokens"] > 0
        assert "stages" not in extra
        assert len(row.annotations) == len(row.messages)
        assert {one.stage for one in row.annotations} <= set(STAGES)
        assert {one.decision for one in row.annotations} <= {"hold", "closer", "back"}
        cut = any(finding.rule == "talk.cut" for finding in row.findings)
        assert cut == (extra["ending"] == "cut")
        assert extra["ending"] in ("cut", "open", extra["plan"]["ending"])
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
        client: Client, model: str, messages: list[dict[str, str]], **more: Any
    ) -> llm.Answer:
        answer = await ask(client, model, messages, **more)
        for _ in range(hash(answer.text) % 7):  # differs from run to run
            await asyncio.sleep(0)
        return answer

    monkeypatch.setattr(Client, "ask", late)
    shuffled, _ = generate(tmp_path / "other.sqlite", **wanted)
    assert shuffled == rows


def test_more_talks_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    few, _ = generate(tmp_path / "calls.sqlite", seeds=2, talks=1, turns=(4, 8))
    more, usage = generate(tmp_path / "calls.sqlite", seeds=3, talks=2, turns=(4, 8))
    ids = {row.id for row in kept(few)}
    assert [row for row in kept(more) if row.id in ids] == kept(few)
    assert usage.cached == sum(json.loads(row.extra or "")["calls"] for row in kept(few))


def test_cards_talk_and_a_card_that_cannot_be_read_is_quarantined(tmp_path: Path) -> None:
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
    ("change", "detail"),
    [
        ({"first_mes": "Hi, I'm 15"}, "safety.minor: greeting"),
        ({"scenario": "A schoolgirl is late."}, "safety.minor: scenario"),
        (
            {"mes_example": "<START>\n{{char}}: I'm fifteen, you know."},
            "safety.minor: example_dialogue",
        ),
        ({"mes_example": "Lil is a 14-year-old."}, "safety.minor: 14-year-old"),
        (
            {"first_mes": "Hallo, ich bin die Malerin, und wer sind Sie eigentlich?"},
            "language.foreign: greeting",
        ),
        ({"first_mes": "Hello [your name], mind the paint."}, "style.placeholder: greeting"),
        (
            {"data": PAINTER | {"alternate_greetings": ["Hi, I'm 15"]}},
            "safety.minor: other_greetings",
        ),
        ({"data": PAINTER | {"tags": ["female", "loli"]}}, "safety.minor: loli"),
        ({"data": PAINTER | {"extensions": {"rapport": {"age": 16}}}}, "safety.minor: age 16"),
    ],
)
def test_a_card_that_must_not_be_used_is_quarantined_and_nothing_is_paid(
    tmp_path: Path, change: dict[str, Any], detail: str
) -> None:
    (tmp_path / "lil.json").write_text(json.dumps(PAINTER | change))
    rows, usage = generate(
        tmp_path / "calls.sqlite", cards=[str(tmp_path / "lil.json")], talks=1, turns=(4, 6)
    )
    assert len(rows) == 1
    assert isinstance(rows[0], Quarantine)
    assert rows[0].rule == "card"
    assert rows[0].detail.startswith(detail)
    assert rows[0].where == f"cards/{tmp_path / 'lil.json'}"
    assert json.loads(rows[0].raw) == PAINTER | change
    assert usage.requests == 0


def test_the_rows_of_a_card_list_its_repairs(tmp_path: Path) -> None:
    wild = {"data": PAINTER | {"alternate_greetings": "You again.", "character_book": None}}
    (tmp_path / "lil.json").write_text(json.dumps(wild))
    rows, _ = generate(
        tmp_path / "calls.sqlite", cards=[str(tmp_path / "lil.json")], talks=1, turns=(4, 6)
    )
    assert kept(rows)[0].edits == (
        "generate: repaired card: alternate_greetings was not a list of texts",
        "generate: repaired card: character_book was null",
    )


def test_a_missing_card_is_an_error_of_the_user(tmp_path: Path) -> None:
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
    "refusal": lambda counts: counts["style.refusal"] + counts["bad_json"],
    "placeholder": lambda counts: counts["style.placeholder"],
    "echo": lambda counts: counts["talk.note"],
    "foreign": lambda counts: counts["language.foreign"],
}


def test_with_half_of_the_replies_bad_every_slot_is_filled_or_accounted_for(tmp_path: Path) -> None:
    """100 characters × 3 talks; what went wrong is counted as often as the server did it."""
    with serving(answers="pipeline.llm.rehearsal:flawless", faults=BAD_TALK) as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any", in_flight=64)}
        rows, usage = generate(
            tmp_path / "calls.sqlite", models, seeds=24, characters=76, talks=3, turns=(4, 4)
        )
        sent = server.stats()["sent"]
    filled = slots(rows)
    given_up = [row for row in rows if not isinstance(row, Conversation) and is_given_up(row)]
    assert len(filled) + len(given_up) == 300
    assert len(filled) > 270
    failed = reasons(rows) + usage.failures
    assert {kind: count(failed) for kind, count in OURS.items()} == {
        kind: sent[kind] for kind in OURS
    }
    assert {kind: usage.failures[kind] for kind in ("empty", "length")} == {
        kind: sent[kind] for kind in ("empty", "length")
    }
    for row in rows:
        if isinstance(row, Drop):
            assert any(finding.decision == "drop" for finding in row.conversation.findings)


def test_with_half_of_the_scripts_bad_every_slot_is_filled_or_accounted_for(tmp_path: Path) -> None:
    with serving(answers="pipeline.llm.rehearsal:flawless", faults=BAD_JSON) as server:
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
    with serving(answers="pipeline.llm.rehearsal:flawless") as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any", batch=True)}
        rows, _ = generate(
            tmp_path / "calls.sqlite", models, characters=4, talks=2, turns=(4, 8), mode="script"
        )
    assert len(slots(rows)) == 8


@pytest.mark.parametrize("mode", ["talk", "script"])
def test_the_rows_together_cost_what_was_paid(tmp_path: Path, mode: str) -> None:
    faults = {"empty": 0.3, "length": 0.2, "refusal": 0.05}
    with serving(answers="pipeline.llm.rehearsal:flawless", faults=faults) as server:
        models = {
            "writer": ModelSettings(
                base_url=server.url, model="any", reasks=1, price=Price(input=1, output=2)
            )
        }
        rows, usage = generate(
            tmp_path / "calls.sqlite", models, seeds=10, talks=3, turns=(4, 6), mode=mode
        )
    extras = list(map(extra_of, rows))
    failed = [fault["rule"] for extra in extras for fault in extra["failed"]]
    assert "call.empty" in failed
    assert sum(extra["cost"] for extra in extras) == pytest.approx(usage.cost)


def test_an_invented_character_leaves_as_a_card(tmp_path: Path) -> None:
    rows, _ = generate(tmp_path / "calls.sqlite", characters=1, talks=1, turns=(4, 6))
    persona = kept(rows)[0].persona
    assert persona
    character = cards.from_json(persona.card or "")
    assert character.repairs == ()
    assert character.name == persona.name
    assert character.age
    assert character.age >= 18
    assert len(character.topics) == 10


@pytest.mark.parametrize("mode", ["talk", "script"])
def test_what_it_takes_is_known_before(tmp_path: Path, mode: str) -> None:
    wanted: dict[str, Any] = {"mode": mode, "seeds": 4, "characters": 4, "users": 8, "talks": 2}
    with serving(answers="pipeline.llm.rehearsal:flawless") as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any")}
        _, usage = generate(tmp_path / "calls.sqlite", models, **wanted)
    estimate = expected(GenerateSettings(**wanted), models, 7)["writer"]
    assert 0.75 < estimate.calls / usage.calls < 1.4
    assert 0.6 < estimate.prompt_tokens / usage.prompt_tokens < 1.6
    assert 0.5 < estimate.completion_tokens / usage.completion_tokens < 2


def test_an_empty_folder_of_cards_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    settings = GenerateSettings(cards=["cards"], talks=3)
    assert expected(settings, REHEARSAL, 7, tmp_path) == {}
    rows, usage = generate(tmp_path / "calls.sqlite", cards=[str(tmp_path / "cards")], talks=3)
    assert (rows, usage.requests) == ([], 0)


def test_a_talk_that_is_cut_is_kept_with_the_rule_or_given_up(tmp_path: Path) -> None:
    """With one call for each message every bad answer cuts; what is long enough is kept."""
    wanted: dict[str, Any] = {"seeds": 4, "talks": 4, "turns": (8, 24), "asks": 1, "attempts": 2}
    rows, _ = generate(tmp_path / "calls.sqlite", **wanted)
    cut = [row for row in kept(rows) if extra_of(row)["ending"] == "cut"]
    drops = [row.conversation for row in rows if isinstance(row, Drop)]
    assert cut
    assert drops
    for row in cut:
        whole, rule = row.findings
        assert (whole.rule, whole.decision, rule.decision) == ("talk.cut", "warn", "warn")
        assert (whole.value, whole.limit) == (len(row.messages), extra_of(row)["plan"]["turns"])
        assert whole.message == len(row.messages) - 1
        assert rule.rule == extra_of(row)["failed"][-1]["rule"]
        assert extra_of(row)["failed"][-1]["message"] == len(row.messages)
    for row in drops:
        is_last = extra_of(row)["attempt"] == 1
        assert len(row.messages) < 8
        assert [finding.decision for finding in row.findings] == ["drop"] * (1 + is_last)
        assert (row.findings[-1].rule == "slot.given_up") == is_last


def test_two_characters_of_one_name_have_slots_of_their_own(tmp_path: Path) -> None:
    for number in range(2):
        card = PAINTER | {"scenario": f"Shop {number}."}
        (tmp_path / f"{number}.json").write_text(json.dumps(card))
    wanted: dict[str, Any] = {"cards": [str(tmp_path)], "talks": 2, "turns": (4, 6)}
    rows, _ = generate(tmp_path.with_suffix(".sqlite"), **wanted)
    assert set(slots(rows)) == {"Lil/0", "Lil/1", "Lil (2)/0", "Lil (2)/1"}
    assert len({row.id for row in kept(rows)}) == 4
    assert {row.split_group for row in kept(rows)} == {"generated/Lil", "generated/Lil (2)"}


def test_one_character_meets_every_user_before_one_comes_again(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"seeds": 1, "talks": 20, "turns": (2, 3), "attempts": 1}
    rows, _ = generate(tmp_path / "calls.sqlite", **wanted)
    conversations = [getattr(row, "conversation", row) for row in rows]
    names = [row.user_persona.name for row in conversations]
    assert len(set(names)) == len(names) >= 18  # of 20 or more bundled users


def test_a_run_stops_at_the_budget_and_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    async def rows(most: int | None) -> list[Row]:
        budget = BudgetSettings(max_tokens=most)
        async with Client(
            REHEARSAL, tmp_path / "calls.sqlite", budget, {}, 7, rehearsal.answer
        ) as client:
            return [row async for row in work(GenerateSettings(**wanted), client, 7)]

    wanted: dict[str, Any] = {"seeds": 2, "characters": 2, "talks": 2, "turns": (4, 8)}
    whole, _ = generate(tmp_path / "whole.sqlite", **wanted)
    with pytest.raises(llm.StopRun, match="budget"):
        llm.run(rows(15_000))
    assert llm.run(rows(None)) == whole


def test_more_seeds_than_there_are_is_an_error_of_the_user(tmp_path: Path) -> None:
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
            assert {message["role"] for message in dialogue["chat"]} == {"user", "char"}
        assert record["dialogues"][0]["chat"][0]["content"] == record["greeting"]
        assert {message["role"] for message in record["example_dialogue"]} == {"user", "char"}
    characters = list(realm.characters(kept(rows)))
    assert [character.name for character in characters] == [record["name"] for record in records]


def test_a_card_in_a_picture_leaves_in_its_picture(tmp_path: Path) -> None:
    pixels = png.plain_picture(9)  # another picture than the one for characters without
    lil = cards.from_json(json.dumps(PAINTER))
    (tmp_path / "lil.png").write_bytes(cards.to_png(lil, pixels))
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
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["00001.json", "00001.png", "00002.json"]
    out = (folder / "00001.png").read_bytes()
    assert json.loads(cards.png_text(out))["data"]["name"] == "Lil"
    assert pixels[:-12] == out[: len(pixels) - 12]  # all but the end chunk


WANTED: dict[str, Any] = {"seeds": 3, "talks": 2, "sittings": (1, 3), "turns": (6, 12)}
KILLED = """
import sys
from pathlib import Path
from pipeline.recipe.models import ModelSettings
from tests.test_generate import WANTED, generate
writer = ModelSettings(base_url=sys.argv[2], model="any", in_flight=8)
generate(Path(sys.argv[1]), {"writer": writer}, **WANTED)
"""


def test_a_killed_run_asks_again_only_what_was_under_way(tmp_path: Path) -> None:
    with serving(answers="pipeline.llm.rehearsal:flawless", latency_ms=10) as server:
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
