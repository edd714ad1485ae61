"""Servers that speak OpenAI's protocol in their own way: the right result, or one clear message."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import llm
from pipeline.llm.findings import Findings
from pipeline.llm.probe import TOKENS
from pipeline.llm.sender import Usage
from pipeline.llm.spent import spent
from pipeline.recipe.models import ModelSettings
from tests.conftest import Rapport
from tests.servers.dialects import CONTEXT, DIALECTS
from tests.servers.model import Serving, serving

TALK = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "turns": {"type": "integer"}},
    "required": ["title", "turns"],
}
ANNA = {"role": "system", "content": "Your name is Anna."}
HELLO = {"role": "user", "content": "Who are you?"}
LONG = {"role": "user", "content": "and then it rained " * 400}
CHATTING = [name for name in DIALECTS if name != "vllm-base"]


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.llm.sender.FIRST_PAUSE", 0.02)


def client_of(server: Serving, folder: Path, **settings: Any) -> llm.Client:
    models = {"writer": ModelSettings(base_url=server.url, **{"model": "sim"} | settings)}
    return llm.Client(models, folder / "calls.sqlite", None, {})


def asked(
    server: Serving, folder: Path, *chats: list[dict[str, str]], **settings: Any
) -> tuple[list[llm.Answer | llm.CallFailed], llm.Client]:
    """What comes of each chat; of the last one twice: as text, then as JSON."""
    options: dict[str, Any] = {"max_tokens": 150, "temperature": 1.0}

    async def ask(client: llm.Client, **more: Any) -> llm.Answer | llm.CallFailed:
        try:
            return await client.ask("writer", **more, **options)
        except llm.CallFailed as failed:
            return failed

    async def main() -> tuple[list[llm.Answer | llm.CallFailed], llm.Client]:
        async with client_of(server, folder, **settings) as client:
            plain = [await ask(client, messages=chat) for chat in chats]
            return [*plain, await ask(client, messages=chats[-1], schema=TALK)], client

    return asyncio.run(main())


def found(server: Serving, folder: Path, **settings: Any) -> Findings:
    async def main() -> Findings:
        async with client_of(server, folder, **settings) as client:
            return await client.findings("writer")

    return asyncio.run(main())


@pytest.mark.parametrize("dialect", CHATTING)
def test_every_server_gives_the_right_result_or_one_clear_message(
    running: Serving, tmp_path: Path, dialect: str
) -> None:
    running.configure(dialect=dialect)
    (long, talk, data), client = asked(running, tmp_path, [ANNA, LONG], [ANNA, HELLO])
    assert isinstance(talk, llm.Answer), talk
    assert talk.text.startswith("I am Anna. ")  # the system text has reached the model
    assert not {"<", "think", "want something"} & set(talk.text.split())
    assert "And what do you think" not in talk.text
    assert talk.finish == "stop"
    assert min(talk.prompt_tokens, talk.completion_tokens) > 0
    assert isinstance(data, llm.Answer), data
    assert data.data.keys() == {"title", "turns"}  # type: ignore[attr-defined]
    assert client.probing.requests <= 20
    if dialect not in ("openrouter", "small"):  # their context is long
        assert isinstance(long, llm.CallFailed)
        assert (long.reason, long.transient) == ("too_long", False)
        assert "context" in long.detail or "maximum" in long.detail


WITH = "json_object with schema"


def test_a_prompt_that_a_server_cuts_in_silence_is_too_long(
    running: Serving, tmp_path: Path
) -> None:
    """By our count it might have fitted; the server has read all that it can, and no more."""
    running.configure(dialect="ollama")
    words = {"role": "user", "content": "and then it rained " * 270}
    (cut, talk, _), _ = asked(running, tmp_path, [words], [ANNA, HELLO])
    assert isinstance(cut, llm.CallFailed)
    assert cut.reason == "too_long"
    assert "the server read 1,000 of about 1,283 tokens of the prompt" in cut.detail
    assert isinstance(talk, llm.Answer)


# what the probe finds: system, way to JSON, whether it fits, stop, tokens counted, context, thinks
FOUND = {
    "openai": ("arrives", "json_schema", True, False, True, None, True),
    "vllm": ("folded", "json_schema", True, True, True, CONTEXT, False),
    "ollama": ("arrives", "json_schema", True, True, True, CONTEXT, True),
    "llama.cpp": ("arrives", WITH, True, True, True, CONTEXT, True),
    "small": ("arrives", "json_schema", True, True, True, None, False),
    "llama-cpp-python": ("folded", WITH, True, True, True, None, False),
    "lm-studio": ("arrives", "json_schema", True, True, True, CONTEXT, True),
    "text-generation-webui": (
        "arrives",
        "json_object with schema",
        True,
        False,
        False,
        None,
        False,
    ),
    "openrouter": ("arrives", WITH, True, True, True, None, True),
    "litellm": ("arrives", "json_schema", True, True, True, None, False),
}
REFUSED = {"openai": ("max_tokens", "stop"), "litellm": ("seed",)}


@pytest.mark.parametrize("dialect", CHATTING)
def test_a_probe_finds_what_a_server_can_do(running: Serving, tmp_path: Path, dialect: str) -> None:
    running.configure(dialect=dialect)
    findings = found(running, tmp_path)
    assert (
        findings.system,
        findings.rung,
        findings.fits,
        findings.stop,
        findings.counts,
        findings.context,
        findings.thinks,
    ) == FOUND[dialect]
    assert findings.refused == REFUSED.get(dialect, ())
    assert findings.model == ("whatever-is-loaded" if dialect == "lm-studio" else "sim")


def test_a_base_model_is_refused_in_words_or_spoken_to_by_a_transcript(
    running: Serving, tmp_path: Path
) -> None:
    running.configure(dialect="vllm-base")
    with pytest.raises(llm.StopRun, match=r"has no chat template.*`chat: transcript`") as stopped:
        asked(running, tmp_path, [ANNA, HELLO])
    assert str(stopped.value).count("\n") == 0
    (talk, data), _ = asked(running, tmp_path, [ANNA, HELLO], chat="transcript")
    assert isinstance(talk, llm.Answer), talk
    assert talk.text.startswith("I am Anna. ")
    assert isinstance(data, llm.Answer), data


def test_a_probe_is_made_once_for_all_runs_and_costs_no_call_anything(
    running: Serving, tmp_path: Path
) -> None:
    running.configure()
    _, first = asked(running, tmp_path, [ANNA, HELLO])
    assert (first.usage.requests, running.stats()["requests"]) == (2, 2)
    assert first.probing.requests == running.stats()["probes"] == 3
    _, second = asked(running, tmp_path, [ANNA, HELLO], [HELLO])
    assert second.probing == Usage()
    assert running.stats()["probes"] == 3
    assert second.usage.requests == 2
    _, third = asked(running, tmp_path, [ANNA, HELLO], [HELLO])
    assert (third.usage.requests, running.stats()["probes"]) == (0, 3)


def test_a_probe_is_small_whatever_the_recipe_sets_and_has_its_other_fields(
    running: Serving, tmp_path: Path
) -> None:
    running.configure(keeps=str(tmp_path / "sent.jsonl"))
    extra = {"max_tokens": 9000, "top_k": 40}
    asked(running, tmp_path, [HELLO], extra=extra)
    lines = (tmp_path / "sent.jsonl.probes").read_text("utf-8").splitlines()
    probes = [json.loads(line) for line in lines]
    assert {(sent["max_tokens"], sent["top_k"]) for sent in probes} == {(TOKENS, 40)}
    assert len(probes) == 3


def test_what_a_probe_takes_is_part_of_what_is_spent(running: Serving, tmp_path: Path) -> None:
    running.configure()
    answers, client = asked(running, tmp_path, [ANNA, HELLO])
    calls = sum(a.prompt_tokens + a.completion_tokens for a in answers)  # type: ignore[union-attr]
    probes = client.probing.prompt_tokens + client.probing.completion_tokens
    assert probes > 0
    assert spent(tmp_path)[0] == calls + probes


def test_a_server_that_is_too_busy_for_a_probe_is_asked_all_the_same(
    running: Serving, tmp_path: Path
) -> None:
    running.configure(probes=False)
    (talk, _), client = asked(running, tmp_path, [ANNA, HELLO])
    assert isinstance(talk, llm.Answer)
    assert client.probing.failures["overloaded"] == 3
    assert client.usage.failures == {}
    running.configure()
    _, client = asked(running, tmp_path, [HELLO])
    assert client.probing.requests == 3  # the next run finds out


# --- rapport check RECIPE --models


def recipe_for(folder: Path, **addresses: str) -> Path:
    models = "".join(
        f"  {name}: {{base_url: '{url}', model: sim}}\n" for name, url in addresses.items()
    )
    path = folder / "recipe.yaml"
    path.write_text(
        f"name: talks\nmodels:\n{models}generate: {{seeds: 1, talks: 1, turns: [2, 4]}}\n", "utf-8"
    )
    return path


def test_check_shows_what_each_model_can_do_and_the_run_keeps_to_it(
    running: Serving, tmp_path: Path, rapport: Rapport
) -> None:
    running.configure(dialect="llama-cpp-python")
    path = recipe_for(tmp_path, writer=running.url, played="rehearsal")
    code, out, err = rapport("check", path, "--models", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert re.search(r"writer +sim +folded +json_object with schema +kept +counted +not known", out)
    assert "writer: no system message arrives; its text is written before the user's first" in out
    assert "played   rehearsal" in out
    probes = running.stats()["probes"]
    _, client = asked(running, tmp_path / "out", [ANNA, HELLO])
    assert client.probing.requests == 0
    assert running.stats()["probes"] == probes
    code, out, _ = rapport("check", path, "--models", "--out", tmp_path / "out", "--json")
    by_name = {one["name"]: one["findings"] for one in json.loads(out)}
    assert by_name["writer"]["system"] == "folded"
    assert by_name["played"] is None
    assert running.stats()["probes"] == 2 * probes  # it asks anew: the server may have changed


def test_a_run_begins_in_the_folder_that_check_has_made(
    running: Serving, tmp_path: Path, rapport: Rapport
) -> None:
    running.configure(answers="pipeline.llm.rehearsal:answer")
    path, out = recipe_for(tmp_path, writer=running.url), tmp_path / "out"
    assert rapport("check", path, "--models", "--out", out)[0] == 0
    probes = running.stats()["probes"]
    code, _, err = rapport("run", path, "--until", "generate", "--out", out)
    assert code == 0, err
    assert running.stats()["requests"] > 0
    assert running.stats()["probes"] == probes


def test_check_names_a_server_that_does_not_answer(
    running: Serving, tmp_path: Path, rapport: Rapport
) -> None:
    running.configure()
    path = recipe_for(tmp_path, writer=running.url, gone="http://127.0.0.1:9/v1")
    code, out, err = rapport("check", path, "--models", "--out", tmp_path / "out")
    assert code == 1
    assert re.search(r"writer +sim +arrives", out)
    assert err.startswith("models.gone: http://127.0.0.1:9/v1 cannot be reached (")
    assert err.count("\n") == 1


def test_check_without_models_asks_none(running: Serving, tmp_path: Path, rapport: Rapport) -> None:
    running.configure()
    path = recipe_for(tmp_path, writer=running.url)
    assert rapport("check", path)[0] == 0
    assert running.stats()["probes"] == 0
