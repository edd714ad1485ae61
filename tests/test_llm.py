"""The line to a model, against a real server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError, llm
from pipeline.cli import cli
from pipeline.llm.calls import Calls
from pipeline.llm.protocol import RequestFailed, judge, remaining, retry_after
from pipeline.llm.rate_limit import Remaining, RateLimit
from pipeline.llm.reply import misfit, read_json
from pipeline.llm.server import key_for
from pipeline.recipe.settings import BudgetSettings, ModelSettings, Price
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
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.llm.client.FIRST_PAUSE", 0.05)


def ask_all(
    server: Serving | str,
    folder: Path,
    prompts: list[str],
    budget: BudgetSettings | None = None,
    schema: dict[str, Any] | None = None,
    **settings: Any,
) -> tuple[list[llm.Answer | llm.CallFailed], llm.Usage]:
    """Ask every prompt through one line; answers and recorded failures in the order of the prompts."""
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


def kept(folder: Path) -> list[tuple[Any, ...]]:
    return (
        sqlite3.connect(folder / "calls.sqlite")
        .execute("SELECT final, reason, detail FROM attempts")
        .fetchall()
    )


def outcomes(answers: list[llm.Answer | llm.CallFailed]) -> list[tuple[Any, ...]]:
    """All that a row is made of."""
    paid = [(a.prompt_tokens, a.completion_tokens, a.cost) for a in answers]
    said = [
        (a.reason, a.detail) if isinstance(a, llm.CallFailed) else (a.text, a.data, a.finish)
        for a in answers
    ]
    return list(zip(said, paid, strict=True))


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
        {}, {"sample": 1}, {"temperature": 0.5}, {"top_p": 0.9}, {"max_tokens": 9}, {"stop": ["x"]}, {"schema": TALK},
    ]  # fmt: skip

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
def test_a_second_run_tells_the_same_word_for_word(
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
    replied = sum(reason == "empty" and not final for final, reason, _ in kept(tmp_path))
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
from pipeline.recipe.settings import ModelSettings

async def talk(client, i):
    messages = [{"role": "system", "content": f"You are number {i}."}]
    for turn in range(4):
        messages.append({"role": "user", "content": f"turn {turn}"})
        messages.append({"role": "assistant", "content": (await client.ask("writer", list(messages))).text})
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


# --- faults and limits


def test_passing_faults_lose_no_call_and_repeat_no_answer(server: Serving, tmp_path: Path) -> None:
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
    assert server.stats()["sent"]["limit"] <= 80  # a full round until the limit is met, then few


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


def test_an_outage_ends_as_recorded_failures_that_the_next_run_mends(
    server: Serving, tmp_path: Path
) -> None:
    server.configure(faults={"500": 1.0})
    answers, _ = ask_all(server, tmp_path, prompts(3), attempts=2)
    assert reasons(answers) == ["server"] * 3
    assert {(final, reason) for final, reason, _ in kept(tmp_path)} == {(0, "server")}
    server.configure(faults={})
    assert reasons(ask_all(server, tmp_path, prompts(3))[0]) == []


def test_a_server_that_only_ever_says_wait_stops_the_run(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.llm.client.LONGEST_REFUSAL", 0.3)
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


# status, what the server says, Retry-After → what it means: the run stops, or a fault of one call (True: for good)
MEANINGS = [
    (401, "Incorrect API key", 0, "does not accept the key in OPENAI_API_KEY"),
    (
        403,
        "403: Country not supported",
        0,
        "the key in OPENAI_API_KEY for sim (403: Country not supported)",
    ),
    (403, "requires moderation and your input was flagged", 0, ("policy", True)),
    (402, "Insufficient balance", 0, "quota of OPENAI_API_KEY is used up"),
    (429, "You exceeded your current quota. Please retry in 11.3s.", 0, ("limited", False)),
    (
        429,
        "You exceeded your current quota, please check your plan",
        0,
        "quota of OPENAI_API_KEY is used up",
    ),
    (429, "Please try again in 2h0m", 0, "asks to wait 120 minutes"),
    (429, "try again in 20s · insufficient_quota", 0, "quota of OPENAI_API_KEY is used up"),
    (429, "insufficient_quota", 0, "quota of OPENAI_API_KEY is used up"),
    (429, "Rate limit reached", 7200, "asks to wait 120 minutes"),
    (404, "model not found", 0, "has no model sim"),
    (429, "Rate limit reached", 20, ("limited", False)),
    (500, "oops", 0, ("server", False)),
    (503, "busy", 0, ("overloaded", False)),
    (408, "slow", 0, ("server", False)),
    (400, "content_policy_violation", 0, ("policy", True)),
    (400, "maximum context length is 8192 tokens", 0, ("too_long", True)),
    (422, "messages: field required", 0, ("rejected", True)),
]


@pytest.mark.parametrize(("status", "told", "wait", "meaning"), MEANINGS)
def test_what_an_error_means(
    status: int, told: str, wait: float, meaning: str | tuple[str, bool]
) -> None:
    error = judge(ModelSettings(model="sim"), status, told, wait)
    if isinstance(meaning, str):
        assert isinstance(error, llm.StopRun)
        assert meaning in str(error)
    else:
        assert isinstance(error, RequestFailed)
        assert (error.reason, error.final) == meaning


def test_a_wait_that_is_only_told_in_words_is_kept_to() -> None:
    failed = judge(ModelSettings(model="sim"), 429, "Limit reached. Please retry in 1m3.5s.", 0)
    assert isinstance(failed, RequestFailed)
    assert failed.wait == 63.5


WAITS = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "1", "retry-after-ms": "250"}, 0.25),
    ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ({"retry-after": "soon"}, 0.0),
    ({}, 0.0),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for_is_read() -> None:
    assert 55 < retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("120ms", 0.12), ("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("7", 7.0), ("", None), ("x", None)],
)
def test_what_is_left_of_a_limit_is_read(reset: str, seconds: float | None) -> None:
    names = ("limit", "remaining", "reset")
    values = ("60", "9", reset)
    headers = [
        (f"X-RateLimit-{n}-Requests".encode(), v.encode())
        for n, v in zip(names, values, strict=True)
    ]
    assert remaining(headers) == (
        [] if seconds is None else [Remaining("requests", 60, 9, seconds)]
    )


def test_a_server_is_told_nothing_of_the_machine_that_asks(tmp_path: Path) -> None:
    told: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.extend(name.lower() for name in self.headers)
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
    assert "authorization" in told
    machine = {"lang", "package-version", "os", "arch", "runtime", "runtime-version", "async"}
    assert not {name.removeprefix("x-stainless-") for name in told} & machine


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


REFUSALS = [  # fields → what all answers are: the server's own JSON has other keys, its prose has none
    (["json_schema"], 'bad_json: the answer lacks "title"'),
    (["json_schema", "json_object"], "bad_json: the JSON is broken or cut off"),
    (["seed", "max_tokens"], "good"),
]


@pytest.mark.usefixtures("quick_batches")
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("refuses", "told"), REFUSALS)
def test_a_field_the_server_does_not_take_is_left_out(
    server: Serving, tmp_path: Path, refuses: list[str], told: str, batch: bool
) -> None:
    server.configure(refuses=refuses, latency_ms=5)
    answers, _ = ask_all(
        server, tmp_path, prompts(20), schema=TALK, in_flight=1, reasks=0, batch=batch
    )
    assert {str(a) if isinstance(a, llm.CallFailed) else "good" for a in answers} == {told}
    assert server.stats()["requests"] == 20


READABLE = {
    '{"a": 1}': {"a": 1},
    '```json\n{"a": 1}\n```': {"a": 1},
    "Sure!\n```\n[1, 2]\n```\nAnything else?": [1, 2],
    'Here you are: {"a": [1, 2,],}': {"a": [1, 2]},
    '{"a": "one, two,}"}': {"a": "one, two,}"},
    '{"a": "```not a fence```"}': {"a": "```not a fence```"},
    '{"a": "line\nbreak"}': {"a": "line\nbreak"},
    '\ufeff {"a": 1} ': {"a": 1},
}


@pytest.mark.parametrize(("text", "value"), READABLE.items())
def test_json_is_found_in_what_models_write(text: str, value: Any) -> None:
    assert read_json(text) == value


NO_JSON = [
    "",
    "Sorry, no.",
    '{"a": 1',
    '{"a": "cut of',
    "[" * 100_000,
    '{"a": NaN}',
    '{"a": "half \\ud83d"}',
]


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_not_json_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        read_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(JSON) | st.dictionaries(st.text(), JSON))
def test_any_json_survives_a_fence(value: Any) -> None:
    assert read_json(f"Of course:\n```json\n{json.dumps(value, indent=1)}\n```") == value
    assert read_json(json.dumps(value, ensure_ascii=False)) == value


ROLES = {
    "type": "array",
    "minItems": 2,
    "items": {
        "type": "object",
        "properties": {"role": {"enum": ["user", "bot"]}},
        "required": ["role"],
    },
}
MISFITS = [
    ({}, "must be of type array, not object"),
    ([{"role": "user"}], "must have 2 items or more, not 1"),
    ([{"role": "user"}, {}], 'item 2 of the answer lacks "role"'),
    ([{"role": "user"}, {"role": "narrator"}], "must be one of ['user', 'bot']"),
    ([{"role": "user"}, 7], "item 2 of the answer must be of type object, not integer"),
    ([{"role": "user"}, {"role": "bot"}], None),
]


@pytest.mark.parametrize(("value", "problem"), MISFITS)
def test_what_does_not_fit_is_said_in_words(value: Any, problem: str | None) -> None:
    found = misfit(value, ROLES)
    assert found is None if problem is None else problem in str(found)


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


def test_the_key_of_openai_goes_to_openai_alone(
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
    told = CliRunner().invoke(
        cli, ["generate", "--model", "sim", "--base-url", server.url, *wanted]
    )
    assert server.stats()["requests"] > 0, told.output


def test_an_exhausted_quota_stops_and_keeps_what_was_answered(
    server: Serving, tmp_path: Path
) -> None:
    server.configure(quota=40, latency_ms=5)
    with pytest.raises(llm.StopRun, match="quota"):
        ask_all(server, tmp_path, prompts(200))
    assert sum(final for final, *_ in kept(tmp_path)) == server.stats()["sent"]["ok"]
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
    text = f"You said: {request['messages'][-1]['content']}"
    return {
        "model": "stand-in",
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
    }


def test_a_rehearsal_takes_the_same_way_and_is_never_taken_for_real(
    server: Serving, tmp_path: Path
) -> None:
    async def main(url: str) -> llm.Answer:
        models = {"writer": ModelSettings(base_url=url, model="sim")}
        async with llm.Client(
            models, tmp_path / "calls.sqlite", None, {}, rehearsal=play
        ) as client:
            return await client.ask("writer", [{"role": "user", "content": "Hello"}])

    played = llm.run(main("rehearsal"))
    assert (played.text, played.cost, played.cached) == ("You said: Hello", 0.0, False)
    assert llm.run(main("rehearsal")).cached
    assert llm.run(main(server.url)).text != played.text


# --- order, prices, imports


def drive(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return asyncio.run(main())


def test_the_shortest_conversation_goes_first() -> None:
    async def work() -> list[int]:
        limit, order = RateLimit(1), list[int]()

        async def call(length: int) -> None:
            turn = await limit.acquire(length, 1)
            order.append(length)
            await asyncio.sleep(0)
            limit.release(turn, "answered")

        await asyncio.gather(*map(call, [9, 7, 1, 5, 3]))
        return order

    assert drive(work) == [9, 1, 3, 5, 7]  # the first one found the gate open


@pytest.mark.parametrize("seed", range(3))
def test_no_turn_is_lost_by_refusals_failures_and_cancelled_calls(seed: int) -> None:
    rng = random.Random(seed)

    async def work() -> int:
        limit, under_way, peak = RateLimit(8), 0, 0

        async def call(i: int) -> None:
            nonlocal under_way, peak
            turn = await limit.acquire(i % 5, 1)
            under_way += 1
            peak = max(peak, under_way)
            try:
                await asyncio.sleep(rng.random() / 500)
            finally:
                under_way -= 1
                limit.release(
                    turn, rng.choice(["answered"] * 38 + ["limited", "failed"]), wait=0.002
                )

        calls = [asyncio.ensure_future(call(i)) for i in range(400)]
        for _ in range(60):
            await asyncio.sleep(0.001)
            rng.choice(calls).cancel()
        ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 30)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)
        assert under_way == 0
        await asyncio.wait_for(asyncio.gather(*map(call, range(40))), 30)  # the gate still opens
        return peak

    assert drive(work) <= 8


def test_a_limit_that_is_nearly_used_up_slows_the_gate() -> None:
    async def work() -> float:
        limit = RateLimit(64)
        limit.advise([Remaining("requests", 100, 4, 4.8)])  # 20 a second
        started = time.monotonic()
        for _ in range(15):
            limit.release(await limit.acquire(1, 1), "answered")
        return time.monotonic() - started

    assert drive(work) > 0.3  # 10 of 15 wait, 50 ms each


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


PRICED = {
    "gpt-4o-mini": 0.15, "gpt-4o-mini-2024-07-18": 0.15, "gpt-4o": 2.5, "openai/gpt-4o-2024-08-06": 2.5,
    "claude-sonnet-4-20250514": 3, "claude-haiku-4-5-20251001": 1, "mistral-large-latest": 2, "mistral-small-2503": 0.1,
    "gemini-2.5-flash-preview-05-20": 0.3, "deepseek/deepseek-chat:free": 0.56,
    "gpt-4o-audio": None, "o3-deep-research": None, "nobody-knows-1": None,
}  # fmt: skip


@pytest.mark.parametrize(("model", "dollars"), PRICED.items())
def test_a_price_is_known_by_the_name_without_its_version(
    model: str, dollars: float | None
) -> None:
    price = llm.price_of(ModelSettings(model=model))
    assert (price.input if price else None) == dollars


def test_prices_and_estimates() -> None:
    mini = ModelSettings(model="gpt-4o-mini-2024-07-18")
    assert llm.estimate(mini, 1000, 500, 100).cost == pytest.approx(0.135)
    assert llm.cost_of(mini.model_copy(update={"batch": True}), 10**6, 0) == pytest.approx(0.075)
    assert llm.cost_of(ModelSettings(model="any", base_url="http://localhost:8000/v1"), 10, 10) == 0


def test_the_client_is_imported_only_when_a_model_is_asked() -> None:
    code = "import sys, pipeline.llm; print({'openai', 'aiohttp', 'uvloop'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        == "set()\n"
    )
