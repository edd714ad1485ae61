"""The client, against a real server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import UserError, llm
from pipeline.cli import cli
from pipeline.llm.calls import Calls
from pipeline.llm.server import key_for
from pipeline.recipe.models import BudgetSettings, ModelSettings, Price
from tests.servers.model import Serving, serving

KEY = "sk-marked-5d41402abc4b2a76b9719d911017c592"
TALK = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving(words=20) as server:
        yield server


@pytest.fixture
def server(running: Serving) -> Serving:
    """The module's server, well-behaved and with an empty ledger."""
    running.configure()
    return running


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.llm.sender.FIRST_PAUSE", 0.05)


def ask_all(
    server: Serving | str,
    folder: Path,
    prompts: list[str],
    budget: BudgetSettings | None = None,
    schema: dict[str, Any] | None = None,
    **settings: Any,
) -> tuple[list[llm.Answer | llm.CallFailed], llm.Usage]:
    """Ask every prompt through one client; answers and failures in the order of the prompts."""
    url = server if isinstance(server, str) else server.url
    models = {
        "writer": ModelSettings(base_url=url, **{"model": "sim", "key": "THE_KEY"} | settings)
    }

    async def ask(client: llm.Client, prompt: str) -> llm.Answer | llm.CallFailed:
        try:
            return await client.ask(
                "writer", [{"role": "user", "content": prompt}], schema=schema, max_tokens=200
            )
        except llm.CallFailed as failure:
            return failure

    async def main() -> tuple[list[llm.Answer | llm.CallFailed], llm.Usage]:
        async with llm.Client(models, folder / "calls.sqlite", budget, {"THE_KEY": KEY}) as client:
            return [
                a async for a in client.each(prompts, lambda prompt: ask(client, prompt))
            ], client.usage

    return llm.run(main())


def reasons(answers: list[llm.Answer | llm.CallFailed]) -> list[str]:
    return [a.reason for a in answers if isinstance(a, llm.CallFailed)]


def prompts(n: int) -> list[str]:
    return [f"Tell me about evening {i}." for i in range(n)]


def stored(folder: Path) -> list[tuple[Any, ...]]:
    return (
        sqlite3.connect(folder / "calls.sqlite")
        .execute("SELECT final, reason, detail FROM attempts")
        .fetchall()
    )


def outcomes(answers: list[llm.Answer | llm.CallFailed]) -> list[tuple[Any, ...]]:
    """All that a row is made of."""
    paid = [(a.prompt_tokens, a.completion_tokens, a.cost) for a in answers]
    contents = [
        (a.reason, a.detail) if isinstance(a, llm.CallFailed) else (a.text, a.data, a.finish)
        for a in answers
    ]
    return list(zip(contents, paid, strict=True))


# --- the store


def test_what_was_answered_is_never_asked_again(server: Serving, tmp_path: Path) -> None:
    first, _ = ask_all(server, tmp_path, prompts(30))
    again, usage = ask_all(server, tmp_path, prompts(30))
    assert server.stats()["requests"] == 30
    assert [a.text for a in again] == [a.text for a in first]  # type: ignore[union-attr]
    assert (usage.cached, usage.requests, usage.cost) == (30, 0, 0.0)


@pytest.mark.parametrize(("edited", "added"), [(0, 1), (3, 0), (2, 2)])
def test_only_new_and_edited_prompts_are_sent(
    server: Serving, tmp_path: Path, edited: int, added: int
) -> None:
    ask_all(server, tmp_path, prompts(20))
    changed = [p + " Please." if i < edited else p for i, p in enumerate(prompts(20 + added))]
    ask_all(server, tmp_path, changed)
    assert server.stats()["requests"] == 20 + edited + added


def test_every_argument_and_the_sample_make_another_call(server: Serving, tmp_path: Path) -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"sample": 1},
        {"temperature": 0.5},
        {"top_p": 0.9},
        {"max_tokens": 9},
        {"stop": ["x"]},
        {"schema": TALK},
    ]

    async def main() -> set[str]:
        models = {"writer": ModelSettings(base_url=server.url, model="sim")}
        async with llm.Client(models, tmp_path / "calls.sqlite", None, {}) as client:
            for v in variants:
                await client.ask("writer", [{"role": "user", "content": "Hello"}], **v)
            assert client.usage.cached == 0
        async with llm.Client(
            models, tmp_path / "calls.sqlite", None, {}, seed=1
        ) as client:  # another seed: another run
            await client.ask("writer", [{"role": "user", "content": "Hello"}])
            assert client.usage.cached == 0
        return set()

    llm.run(main())
    assert server.stats()["requests"] == len(variants) + 1


@pytest.mark.parametrize("schema", [None, TALK])
def test_a_second_run_brings_the_same_word_for_word(
    server: Serving, tmp_path: Path, schema: dict[str, Any] | None
) -> None:
    bad = {"empty": 0.2, "length": 0.2, "garbage": 0.1, "braces": 0.1}
    server.configure(faults=bad, poison=0.1)
    first, _ = ask_all(
        server, tmp_path, prompts(60), schema=schema, reasks=1, price=Price(input=1, output=1)
    )
    again, usage = ask_all(
        server, tmp_path, prompts(60), schema=schema, reasks=1, price=Price(input=1, output=1)
    )
    assert usage.requests == 0
    assert len(set(reasons(first))) > (3 if schema else 2)
    assert outcomes(again) == outcomes(first)


def test_a_call_costs_what_all_its_requests_cost(server: Serving, tmp_path: Path) -> None:
    price = Price(input=1, output=2)
    server.configure(faults={"empty": 0.5, "500": 0.3})
    first, before = ask_all(server, tmp_path, prompts(40), attempts=1, reasks=2, price=price)
    assert {"server", "empty"} <= set(reasons(first))
    for answers, cost in (
        (first, before.cost),
        (ask_all(server, tmp_path, prompts(40), price=price, reasks=2)),
    ):
        spent = cost if isinstance(cost, float) else before.cost + cost.cost
        assert sum(a.cost or 0 for a in answers) == pytest.approx(spent)


def test_useless_replies_of_an_earlier_run_count_as_tries(server: Serving, tmp_path: Path) -> None:
    server.configure(faults={"empty": 0.5, "500": 0.3})
    first, _ = ask_all(server, tmp_path, prompts(40), attempts=1, reasks=2)
    unsettled = [p for p, a in zip(prompts(40), first, strict=True) if reasons([a]) == ["server"]]
    replied = sum(reason == "empty" and not final for final, reason, _ in stored(tmp_path))
    server.configure(faults={"empty": 1.0})
    again, _ = ask_all(server, tmp_path, unsettled, reasks=2)
    assert reasons(again) == ["empty"] * len(unsettled)
    assert server.stats()["requests"] < 3 * len(unsettled) <= server.stats()["requests"] + replied


def test_another_address_is_another_model(server: Serving, tmp_path: Path) -> None:
    ask_all(server, tmp_path, prompts(3))
    ask_all(server.url.replace("/v1", "/other/v1"), tmp_path, prompts(3))
    assert server.stats()["requests"] == 6


def test_two_who_ask_the_same_at_once_share_one_request(server: Serving, tmp_path: Path) -> None:
    server.configure(latency_ms=50)
    answers, usage = ask_all(server, tmp_path, ["Hello"] * 10)
    assert server.stats()["requests"] == 1
    assert len({a.text for a in answers}) == 1  # type: ignore[union-attr]
    assert usage.cached == 9


CHILD = """
import sys
from pathlib import Path
from pipeline import llm
from pipeline.recipe.models import ModelSettings

async def talk(client, i):
    messages = [{"role": "system", "content": f"You are number {i}."}]
    for turn in range(4):
        messages.append({"role": "user", "content": f"turn {turn}"})
        answer = await client.ask("writer", list(messages))
        messages.append({"role": "assistant", "content": answer.text})
    return messages[-1]["content"]

async def main():
    models = {"writer": ModelSettings(base_url=sys.argv[1], model="sim", in_flight=16)}
    async with llm.Client(models, Path(sys.argv[2]), None, {}) as client:
        return [text async for text in client.each(range(100), lambda i: talk(client, i))]

print(llm.run(main()))
"""


def test_kill_9_loses_only_what_was_under_way(server: Serving, tmp_path: Path) -> None:
    server.configure(latency_ms=40)
    command = [sys.executable, "-c", CHILD, server.url]
    with subprocess.Popen(
        [*command, str(tmp_path / "killed.sqlite")], stdout=subprocess.DEVNULL
    ) as child:
        while server.stats()["requests"] < 200:
            assert child.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    resumed = subprocess.run(
        [*command, str(tmp_path / "killed.sqlite")], capture_output=True, check=True
    )
    stats = server.stats()
    assert stats["keys_answered"] == 400
    assert (
        stats["asked_again_after_answer"] <= 16
    )  # only what was under way: delivered, and not yet read
    assert stats["requests"] <= 400 + 16
    undisturbed = subprocess.run(
        [*command, str(tmp_path / "calm.sqlite")], capture_output=True, check=True
    )
    assert resumed.stdout == undisturbed.stdout


def test_a_damaged_answer_is_asked_again_and_counted(server: Serving, tmp_path: Path) -> None:
    first, _ = ask_all(server, tmp_path, prompts(5))
    damaged = first[2]
    assert isinstance(damaged, llm.Answer)
    with sqlite3.connect(tmp_path / "calls.sqlite") as store:
        change = "UPDATE attempts SET text = replace(text, 'e', 'f') WHERE text = ?"
        assert store.execute(change, (damaged.text,)).rowcount == 1
    store.close()
    again, usage = ask_all(server, tmp_path, prompts(5))
    assert outcomes(again) == outcomes(first)
    assert (usage.failures, usage.requests, usage.cached) == ({"damaged": 1}, 1, 4)
    _, usage = ask_all(server, tmp_path, prompts(5))
    assert (usage.failures, usage.requests, usage.cached) == ({}, 0, 5)


def test_a_call_with_a_damaged_useless_reply_is_asked_from_its_beginning(
    server: Serving, tmp_path: Path
) -> None:
    server.configure(faults={"empty": 1.0})
    ask_all(server, tmp_path, ["Hello"], reasks=2)
    with sqlite3.connect(tmp_path / "calls.sqlite") as store:
        store.execute("UPDATE attempts SET cost = 9 WHERE rowid = 1")
    store.close()
    answers, usage = ask_all(server, tmp_path, ["Hello"], reasks=2)
    assert reasons(answers) == ["empty"]
    assert (usage.failures, usage.requests) == ({"damaged": 1, "empty": 3}, 3)
    assert len(stored(tmp_path)) == 3


@pytest.mark.parametrize(
    ("reason", "transient"),
    [
        ("empty", False), ("length", False), ("bad_json", False), ("refused", False),
        ("policy", False), ("too_long", False), ("rejected", False), ("timeout", True),
        ("server", True), ("overloaded", True), ("connection", True), ("garbled", True),
    ],
)  # fmt: skip
def test_a_failed_call_knows_its_rule_and_whether_it_may_pass(reason: str, transient: bool) -> None:
    failed = llm.CallFailed(reason, "because")
    assert (failed.rule, failed.transient) == (f"call.{reason}", transient)
    assert str(failed) == f"{reason}: because"


@pytest.mark.parametrize("kind", ["500", "badjson", "drop", "poison", "empty"])
def test_a_failure_that_may_pass_is_exactly_one_that_the_next_run_asks_again(
    server: Serving, tmp_path: Path, kind: str
) -> None:
    shares = {"poison": 1.0} if kind == "poison" else {"faults": {kind: 1.0}}
    server.configure(**shares)
    [failed], _ = ask_all(server, tmp_path, ["Hello"], attempts=1, reasks=0)
    server.configure()
    [again], _ = ask_all(server, tmp_path, ["Hello"], attempts=1, reasks=0)
    assert isinstance(failed, llm.CallFailed)
    assert isinstance(again, llm.Answer) == failed.transient


# --- failures and limits


def test_transient_failures_lose_no_call_and_repeat_no_answer(
    server: Serving, tmp_path: Path
) -> None:
    faults = {"429": 0.03, "500": 0.05, "503": 0.01, "drop": 0.02, "cut": 0.02, "badjson": 0.05}
    server.configure(faults=faults, retry_after=0.3, latency_ms=5)
    answers, usage = ask_all(server, tmp_path, prompts(300), attempts=8)
    stats = server.stats()
    assert reasons(answers) == []
    assert (stats["keys_answered"], stats["keys_answered_twice"], stats["before_retry_after"]) == (
        300,
        0,
        0,
    )
    sent = stats["sent"]
    assert usage.failures["limited"] == sent["429"]
    assert usage.failures["server"] + usage.failures["overloaded"] == sent["500"] + sent["503"]
    assert usage.failures["connection"] == sent["cut"] + sent["drop"]
    assert usage.failures["garbled"] == sent["badjson"]


def test_an_unknown_limit_is_found_and_kept(server: Serving, tmp_path: Path) -> None:
    server.configure(rpm=3000, headers=False, latency_ms=50)
    answers, _ = ask_all(server, tmp_path, prompts(200), in_flight=32)
    assert reasons(answers) == []
    assert (
        server.stats()["sent"].get("limit", 0) <= 80
    )  # a full round until the limit is met, then few


@pytest.mark.parametrize("headers", [False, True])
def test_a_known_limit_is_hardly_ever_hit(server: Serving, tmp_path: Path, headers: bool) -> None:
    server.configure(rpm=3000, headers=headers, latency_ms=50)
    ask_all(server, tmp_path, prompts(120), requests_per_minute=None if headers else 3000)
    assert server.stats()["sent"].get("limit", 0) <= (15 if headers else 3)


def test_tokens_a_minute_are_kept_to(server: Serving, tmp_path: Path) -> None:
    server.configure(
        tpm=60_000, latency_ms=20, headers=False
    )  # the server counts 170 tokens a call
    answers, _ = ask_all(server, tmp_path, prompts(18), tokens_per_minute=60_000)
    assert reasons(answers) == []
    assert server.stats()["sent"].get("limit", 0) <= 2


def test_fewer_are_under_way_when_the_server_cannot_keep_up(
    server: Serving, tmp_path: Path
) -> None:
    server.configure(capacity=8, latency_ms=30)
    answers, usage = ask_all(server, tmp_path, prompts(200), attempts=12)
    assert reasons(answers) == []
    assert (
        usage.failures["overloaded"] < 150
    )  # 32 at once, all the time, would be refused thrice as often


def test_a_prompt_refused_for_good_costs_one_request_ever(server: Serving, tmp_path: Path) -> None:
    server.configure(poison=0.2)
    answers, _ = ask_all(server, tmp_path, prompts(60))
    refused = server.stats()["sent"]["poison"]
    assert reasons(answers) == ["policy"] * refused
    assert server.stats()["requests"] == 60
    again, _ = ask_all(server, tmp_path, prompts(60))
    assert reasons(again) == ["policy"] * refused
    assert server.stats()["requests"] == 60


def test_an_outage_ends_as_stored_failures_that_the_next_run_asks_again(
    server: Serving, tmp_path: Path
) -> None:
    server.configure(faults={"500": 1.0})
    answers, _ = ask_all(server, tmp_path, prompts(3), attempts=2)
    assert reasons(answers) == ["server"] * 3
    assert {(final, reason) for final, reason, _ in stored(tmp_path)} == {(0, "server")}
    server.configure(faults={})
    assert reasons(ask_all(server, tmp_path, prompts(3))[0]) == []


def test_a_server_that_only_asks_to_wait_stops_the_run(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.llm.sender.LONGEST_REFUSAL", 0.3)
    server.configure(faults={"429": 1.0}, retry_after=0.05)
    with pytest.raises(
        llm.StopRun, match=r"has only asked to wait for 0 minutes .429: Rate limit reached"
    ):
        ask_all(server, tmp_path, prompts(20))


def test_an_error_sent_as_200_is_taken_as_an_error(server: Serving, tmp_path: Path) -> None:
    server.configure(faults={"flagged": 0.5})
    answers, _ = ask_all(server, tmp_path, prompts(20))
    assert reasons(answers) == ["policy"] * server.stats()["sent"]["flagged"]
    assert server.stats()["requests"] == 20
    assert "your input was flagged" in str(
        next(a for a in answers if isinstance(a, llm.CallFailed))
    )


def test_no_answer_in_time_is_a_failure(server: Serving, tmp_path: Path) -> None:
    server.configure(faults={"hang": 1.0})
    answers, _ = ask_all(server, tmp_path, ["Hello"], timeout=0.2, attempts=2)
    assert reasons(answers) == ["timeout"]


@pytest.mark.parametrize(("kind", "reason"), [("empty", "empty"), ("length", "length")])
def test_useless_text_is_asked_again_then_recorded(
    server: Serving, tmp_path: Path, kind: str, reason: str
) -> None:
    server.configure(faults={kind: 0.5})
    answers, usage = ask_all(server, tmp_path, prompts(60), reasks=2)
    assert 0 < len(reasons(answers)) < 20  # .5 ** 3 of 60 = 7.5
    assert set(reasons(answers)) == {reason}
    assert usage.failures[reason] == server.stats()["sent"][kind]
    before = server.stats()["requests"]
    ask_all(server, tmp_path, prompts(60), reasks=2)
    assert server.stats()["requests"] == before


def test_no_header_describes_the_machine_that_asks(tmp_path: Path) -> None:
    names: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            names.extend(name.lower() for name in self.headers)
            body = json.dumps(
                {"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        answers, _ = ask_all(f"http://127.0.0.1:{listening.server_port}/v1", tmp_path, ["Hi"])
    finally:
        listening.shutdown()
        listening.server_close()
    assert [a.text for a in answers if isinstance(a, llm.Answer)] == ["Hello."]
    assert "authorization" in names
    machine = {"lang", "package-version", "os", "arch", "runtime", "runtime-version", "async"}
    assert not {name.removeprefix("x-stainless-") for name in names} & machine


# --- structured answers


@pytest.mark.parametrize("kind", ["garbage", "braces", "non_string", "refusal", "empty", "length"])
def test_bad_json_is_asked_again_then_recorded(server: Serving, tmp_path: Path, kind: str) -> None:
    server.configure(faults={kind: 0.5})
    answers, usage = ask_all(server, tmp_path, prompts(40), schema=TALK)
    assert sum(usage.failures.values()) == server.stats()["sent"][kind]
    good = [a for a in answers if isinstance(a, llm.Answer)]
    assert len(good) > 25
    assert all(isinstance(a.data["title"], str) for a in good)  # type: ignore[index]


def test_a_fenced_answer_is_read_as_it_is(server: Serving, tmp_path: Path) -> None:
    server.configure(faults={"fenced": 1.0})
    answers, usage = ask_all(server, tmp_path, prompts(5), schema=TALK)
    assert reasons(answers) == []
    assert usage.requests == 5


# fields → what all answers are: the server's own JSON has other keys, its prose has no JSON
REFUSALS = [
    (["json_schema"], 'bad_json: the answer lacks "title"'),
    (["json_schema", "json_object"], "bad_json: the JSON is broken or cut off"),
    (["seed", "max_tokens"], "good"),
]


@pytest.mark.usefixtures("quick_batches")
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("refuses", "expected"), REFUSALS)
def test_a_field_the_server_does_not_take_is_left_out(
    server: Serving, tmp_path: Path, refuses: list[str], expected: str, batch: bool
) -> None:
    server.configure(refuses=refuses, latency_ms=5, probes=False)
    answers, _ = ask_all(
        server, tmp_path, prompts(20), schema=TALK, in_flight=1, reasks=0, batch=batch
    )
    assert {str(a) if isinstance(a, llm.CallFailed) else "good" for a in answers} == {expected}
    assert server.stats()["requests"] == 20


def forms(path: Path) -> list[str]:
    """How each request asked for JSON: the rungs of the ladder, or `plain`."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        form = json.loads(line).get("response_format") or {"type": "plain"}
        found.append(form["type"] + (" with schema" if "schema" in form else ""))
    return found


SCHEMA_IN = "json_object with schema"
# what breaks with a 500, what it says, what is refused → how the first requests ask for JSON
LADDERS = [
    (
        ["json_schema"],
        "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type')}]",
        [],
        ["json_schema", *[SCHEMA_IN] * 4],
    ),
    (
        ["json_schema"],
        "Internal Server Error",
        [],
        ["json_schema", "plain", "json_schema", *[SCHEMA_IN] * 4],
    ),
    ([], "", ["json_schema", '"schema"'], ["json_schema", SCHEMA_IN, *["json_object"] * 4]),
    ([], "", ["response_format"], ["json_schema", SCHEMA_IN, "json_object", *["plain"] * 4]),
]


@pytest.mark.parametrize("probes", [False, True])
@pytest.mark.parametrize(("breaks", "breaking", "refuses", "asked"), LADDERS)
def test_a_server_is_asked_for_json_in_the_way_that_it_takes(
    server: Serving,
    tmp_path: Path,
    breaks: list[str],
    breaking: str,
    refuses: list[str],
    asked: list[str],
    probes: bool,
) -> None:
    """Where a probe has found the way, no call goes another."""
    path = tmp_path / "sent.jsonl"
    config = {"breaks": breaks, "breaking": breaking, "refuses": refuses, "keeps": str(path)}
    server.configure(**config, answers="tests.test_llm:titled", probes=probes)
    answers, usage = ask_all(
        server, tmp_path, prompts(4), schema=TALK, in_flight=1, attempts=1, reasks=0
    )
    assert reasons(answers) == []
    assert forms(path) == (asked[-4:] if probes else asked)
    assert (usage.failures, usage.requests) == ({}, 4)
    last = json.loads(path.read_text("utf-8").splitlines()[-1])
    if "schema" in last.get("response_format", {}):
        assert last["response_format"]["schema"] == TALK
    assert json.dumps(TALK["properties"], separators=(",", ":")) in last["messages"][-1]["content"]


def titled(request: dict[str, Any]) -> dict[str, Any]:
    """What fits `TALK`, in prose where JSON cannot be demanded."""
    text = '{"title": "Evening"}'
    if "response_format" not in request:
        text = f"Of course!\n```json\n{text}\n```"
    return {"choices": [{"message": {"content": text}}]}


def test_many_at_once_find_out_together_that_a_server_breaks_at_a_schema(
    server: Serving, tmp_path: Path
) -> None:
    path = tmp_path / "sent.jsonl"
    config = {"breaks": ["json_schema"], "keeps": str(path), "latency_ms": 20, "probes": False}
    server.configure(**config, answers="tests.test_llm:titled")
    answers, _ = ask_all(server, tmp_path, prompts(60), schema=TALK, in_flight=32, attempts=1)
    assert reasons(answers) == []
    assert forms(path).count("plain") == 1
    assert forms(path).count(SCHEMA_IN) == 60


def test_a_server_that_is_down_is_not_taken_for_one_that_breaks_at_a_schema(
    server: Serving, tmp_path: Path
) -> None:
    path = tmp_path / "sent.jsonl"
    server.configure(faults={"500": 1.0})
    answers, _ = ask_all(server, tmp_path, prompts(3), schema=TALK, attempts=2)
    assert reasons(answers) == ["server"] * 3
    server.configure(faults={"500": 0.3}, keeps=str(path), latency_ms=20, probes=False)
    answers, _ = ask_all(server, tmp_path, prompts(60), schema=TALK, attempts=9)
    assert reasons(answers) == []
    assert set(forms(path)) <= {"json_schema", "plain"}


# --- stopping: key, quota, budget


def test_a_wrong_key_stops_with_one_message_and_is_shown_nowhere(
    server: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.configure(key="another")
    with pytest.raises(llm.StopRun) as stopped:
        ask_all(server, tmp_path, prompts(200))
    assert "does not accept the key in THE_KEY" in str(stopped.value)
    assert server.stats()["requests"] == 0
    assert KEY[:9] not in caplog.text + str(stopped.value) + repr(stopped.value.__context__)


@pytest.mark.usefixtures("quick_batches")
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("fault", ["ok", "badjson", "flagged", "poison", "500"])
def test_a_key_that_the_server_repeats_is_kept_nowhere(
    server: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str, batch: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    shares = {"poison": 1.0} if fault == "poison" else {"faults": {fault: 1.0}}
    server.configure(key=KEY, repeats_key=True, **shares)
    answers, _ = ask_all(server, tmp_path, prompts(3), attempts=2, batch=batch)
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*"))
    assert b"***" in written
    assert KEY[:9].encode() not in written
    assert KEY[:9] not in caplog.text + "".join(map(str, outcomes(answers)))


def test_the_key_of_openai_is_sent_to_openai_alone(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.configure(key=KEY)
    models = {"writer": ModelSettings(base_url=server.url, model="sim")}

    async def ask() -> llm.Answer:
        async with llm.Client(
            models, tmp_path / "calls.sqlite", None, {"OPENAI_API_KEY": KEY}
        ) as client:
            return await client.ask("writer", [{"role": "user", "content": "Hello"}])

    with pytest.raises(llm.StopRun, match="wants a key"):
        llm.run(ask())
    monkeypatch.setattr("pipeline.llm.server.REMOTE_MODELS", True)
    assert key_for(ModelSettings(model="gpt-4o"), {"OPENAI_API_KEY": KEY}) == KEY
    assert (
        key_for(
            ModelSettings(base_url="http://gpu-box:8000/v1", model="sim"), {"OPENAI_API_KEY": KEY}
        )
        is None
    )
    with pytest.raises(UserError, match="set the environment variable MINE"):
        key_for(
            ModelSettings(base_url="http://gpu-box:8000/v1", model="sim", key="MINE"),
            {"OPENAI_API_KEY": KEY},
        )


def test_the_command_line_sends_the_key_that_its_help_names(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.configure(key=KEY)
    wanted = [
        "--set",
        "seeds=1",
        "--set",
        "talks=1",
        "--set",
        "turns=[2, 3]",
        "--out",
        str(tmp_path / "talks"),
    ]
    result = CliRunner().invoke(
        cli, ["generate", "--model", "sim", "--base-url", server.url, *wanted]
    )
    assert server.stats()["requests"] > 0, result.output


def test_an_exhausted_quota_stops_and_keeps_what_was_answered(
    server: Serving, tmp_path: Path
) -> None:
    server.configure(quota=40, latency_ms=5)
    with pytest.raises(llm.StopRun, match="quota"):
        ask_all(server, tmp_path, prompts(200))
    assert sum(final for final, *_ in stored(tmp_path)) == server.stats()["sent"]["ok"]
    server.configure(quota=0)
    ask_all(server, tmp_path, prompts(200))
    assert server.stats()["requests"] < 165


@pytest.mark.parametrize(
    ("budget", "more"),
    [({"max_tokens": 6000}, {"max_tokens": 60_000}), ({"max_cost": 0.006}, {"max_cost": 0.06})],
)
def test_a_run_stops_at_its_budget_and_goes_on_when_it_is_raised(
    server: Serving, tmp_path: Path, budget: dict[str, Any], more: dict[str, Any]
) -> None:
    server.configure(latency_ms=5)
    price = Price(input=1, output=1)
    with pytest.raises(llm.StopRun, match="budget is reached"):
        ask_all(server, tmp_path, prompts(200), BudgetSettings(**budget), price=price)
    done = server.stats()
    assert 2500 < done["prompt_tokens"] + done["completion_tokens"] <= 6000
    answers, usage = ask_all(server, tmp_path, prompts(200), BudgetSettings(**more), price=price)
    assert reasons(answers) == []
    assert usage.cached == done["keys_answered"]
    assert server.stats()["asked_again_after_answer"] == 0


def test_long_answers_without_max_tokens_stay_within_the_budget(
    running: Serving, tmp_path: Path
) -> None:
    running.configure(words=2000, latency_ms=20)
    models = {"writer": ModelSettings(base_url=running.url, model="sim", in_flight=8)}

    async def main() -> None:
        async with llm.Client(
            models, tmp_path / "calls.sqlite", BudgetSettings(max_tokens=60_000), {}
        ) as client:
            jobs = client.each(
                prompts(100), lambda p: client.ask("writer", [{"role": "user", "content": p}])
            )
            [answer async for answer in jobs]

    with pytest.raises(llm.StopRun, match="budget is reached"):
        llm.run(main())
    spent = running.stats()["completion_tokens"] + running.stats()["prompt_tokens"]
    assert 45_000 < spent <= 60_000


def test_a_rehearsal_leaves_the_budget_as_it_is(server: Serving, tmp_path: Path) -> None:
    async def main(url: str) -> None:
        models = {"writer": ModelSettings(base_url=url, model="sim")}
        budget = BudgetSettings(max_tokens=5000)
        async with llm.Client(
            models, tmp_path / "calls.sqlite", budget, {}, rehearsal=play
        ) as client:
            for prompt in prompts(5):
                await client.ask("writer", [{"role": "user", "content": prompt * 50}])

    llm.run(main("rehearsal"))
    llm.run(main(server.url))
    assert server.stats()["requests"] == 5


def test_a_budget_in_dollars_wants_a_price(server: Serving, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no price for nobody-knows-1"):
        ask_all(
            "https://models.example/v1",
            tmp_path,
            ["Hello"],
            BudgetSettings(max_cost=1),
            model="nobody-knows-1",
        )


def test_a_server_that_is_not_there_stops_with_its_address(tmp_path: Path) -> None:
    with pytest.raises(llm.StopRun, match=r"http://127.0.0.1:9/v1 cannot be reached"):
        ask_all("http://127.0.0.1:9/v1", tmp_path, prompts(5), attempts=2)


def test_an_unknown_model_stops(server: Serving, tmp_path: Path) -> None:
    with pytest.raises(llm.StopRun, match="has no model missing"):
        ask_all(server, tmp_path, prompts(5), model="missing")


def test_a_prompt_that_cannot_be_sent_fails_alone(server: Serving, tmp_path: Path) -> None:
    answers, _ = ask_all(server, tmp_path, ["half \ud83d", "Hello"])
    assert reasons(answers) == ["rejected"]
    assert server.stats()["requests"] == 1


def test_no_test_can_reach_a_model_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="switched off"):
        ask_all("https://models.example/v1", tmp_path, ["Hello"])


# --- the Batch API


def kept_batches(folder: Path) -> list[Any]:
    return sqlite3.connect(folder / "calls.sqlite").execute("SELECT id FROM batches").fetchall()


@pytest.fixture
def quick_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.llm.batch.QUIET", 0.05)


@pytest.mark.usefixtures("quick_batches")
def test_a_batch_brings_the_answers_for_half_the_price(server: Serving, tmp_path: Path) -> None:
    server.configure(poison=0.1, faults={"500": 0.1})
    answers, usage = ask_all(
        server, tmp_path, prompts(60), batch=True, price=Price(input=1, output=1)
    )
    poisoned = server.stats()["sent"]["poison"]
    assert reasons(answers) == ["policy"] * poisoned
    assert server.stats()["keys_answered"] == 60 - poisoned
    assert usage.cost == pytest.approx((usage.prompt_tokens + usage.completion_tokens) / 2e6)
    ask_all(server, tmp_path, prompts(60), batch=True)
    assert server.stats()["asked_again_after_answer"] == 0


@pytest.mark.usefixtures("quick_batches")
def test_a_batch_under_way_is_waited_for_by_the_next_run(server: Serving, tmp_path: Path) -> None:
    async def give_up() -> None:
        models = {"writer": ModelSettings(base_url=server.url, model="sim", batch=True)}
        async with llm.Client(models, tmp_path / "calls.sqlite", None, {}) as client:
            calls = [
                client.ask("writer", [{"role": "user", "content": p}], max_tokens=200)
                for p in prompts(10)
            ]
            together = asyncio.gather(*calls, return_exceptions=True)
            while not client.usage.failures and not kept_batches(tmp_path):
                await asyncio.sleep(0.01)
            together.cancel()  # sent off, and not yet answered

    drive(give_up)
    assert server.stats()["requests"] == 10
    some, _ = ask_all(
        server, tmp_path, prompts(5), batch=True
    )  # it ends when half is asked for again
    answers, _ = ask_all(server, tmp_path, prompts(12), batch=True)
    assert reasons(some) == reasons(answers) == []
    assert server.stats()["requests"] == 12


@pytest.mark.usefixtures("quick_batches")
def test_a_batch_that_the_server_has_forgotten_is_sent_again(
    server: Serving, tmp_path: Path
) -> None:
    ask_all(server, tmp_path, prompts(1))
    calls = Calls(tmp_path / "calls.sqlite")
    calls.open_batch("batch-of-last-year", f"{server.url} sim", ["a", "b", "c"])
    calls.close()
    answers, _ = ask_all(server, tmp_path, prompts(5), batch=True)
    assert reasons(answers) == []
    assert kept_batches(tmp_path) == []


# --- rehearsal


def play(request: dict[str, Any]) -> dict[str, Any]:
    text = f"You wrote: {request['messages'][-1]['content']}"
    return {
        "model": "stand-in",
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
    }


def test_a_rehearsal_is_stored_too_and_is_never_taken_for_real(
    server: Serving, tmp_path: Path
) -> None:
    async def main(url: str) -> llm.Answer:
        models = {"writer": ModelSettings(base_url=url, model="sim")}
        async with llm.Client(
            models, tmp_path / "calls.sqlite", None, {}, rehearsal=play
        ) as client:
            return await client.ask("writer", [{"role": "user", "content": "Hello"}])

    played = llm.run(main("rehearsal"))
    assert (played.text, played.cost, played.cached) == ("You wrote: Hello", 0.0, False)
    assert llm.run(main("rehearsal")).cached
    assert llm.run(main(server.url)).text != played.text


# --- order, prices, imports


def drive(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return asyncio.run(main())


def test_each_keeps_the_order_and_ends_what_was_begun(tmp_path: Path) -> None:
    ended: list[int] = []

    async def work() -> list[int]:
        async def job(i: int) -> int:
            await asyncio.sleep(0.001 * (10 - i % 10))
            if i == 5:
                raise llm.StopRun("enough")
            ended.append(i)
            return i

        async with llm.Client({}, tmp_path / "calls.sqlite", None, {}) as client:
            got = [i async for i in client.each(range(4), job, width=2)]
            with pytest.raises(llm.StopRun, match="enough"):
                [i async for i in client.each(range(100), job, width=10)]
        return got

    assert drive(work) == [0, 1, 2, 3]
    assert sorted(set(ended)) == [0, 1, 2, 3, 4, *range(6, max(ended) + 1)]
    assert max(ended) < 20


def test_the_client_is_imported_only_when_a_model_is_asked() -> None:
    code = "import sys, pipeline.llm; print({'openai', 'aiohttp', 'uvloop'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        == "set()\n"
    )
