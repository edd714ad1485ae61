"""The server as chat programs meet it: the real client of OpenAI, raw sockets, hostile requests."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from pipeline.companion import access
from pipeline.companion.access import Access
from pipeline.llm.request import JsonObject
from pipeline.recipe.models import ModelSettings
from tests.companions import REHEARSED, Scripted, mara, served
from tests.servers.model import serving as model_server

MODEL = "mara-lind"
HELLO: list[Any] = [{"role": "user", "content": "Hello, is this the clock shop?"}]
GOOD = "It is, mind the step, it is older than I am."


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server with the rehearsal model."""
    with served() as address:
        yield address


def client(address: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=30)


def call(
    address: str, path: str, body: object = None, method: str | None = None, **headers: str
) -> tuple[int, Any]:
    """A request by the standard library: status, and the JSON of the answer."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            content = response.read()
            is_json = response.headers["Content-Type"].startswith("application/json;")
            return response.status, json.loads(content) if is_json else content.decode()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


# --- the protocol


def test_the_client_of_openai_lists_asks_and_streams(url: str) -> None:
    with client(url) as ours:
        (model,) = ours.models.list().data
        assert ours.models.retrieve(model.id).id == model.id == MODEL
        whole = ours.chat.completions.create(model=MODEL, messages=HELLO)
        assert whole.choices[0].message.content
        assert whole.choices[0].finish_reason == "stop"
        assert whole.usage
        assert whole.usage.total_tokens > 100
        stream = ours.chat.completions.create(
            model=MODEL, messages=HELLO, stream=True, seed=7, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        again = ours.chat.completions.create(model=MODEL, messages=HELLO, seed=7)
    pieces = [one.choices[0].delta.content or "" for one in chunks if one.choices]
    assert len(pieces) > 8
    assert "".join(pieces) == again.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage
    assert {one.id for one in chunks} == {chunks[0].id}


def test_another_reply_is_another_text(url: str) -> None:
    with client(url) as ours:
        found = [ours.chat.completions.create(model=MODEL, messages=HELLO) for _ in range(5)]
    assert len({one.choices[0].message.content for one in found}) >= 4
    assert len({json.dumps((one.model_extra or {})["rapport"]["stage"]) for one in found}) == 1


def test_an_answer_says_where_the_talk_stands_and_why(url: str) -> None:
    said = [*HELLO, {"role": "assistant", "content": GOOD}]
    said.append({"role": "user", "content": "I am so sad today, I cried all morning."})
    _, found = call(url, "/v1/chat/completions", {"model": MODEL, "messages": said})
    own = found["rapport"]
    assert (own["stage"], own["step"], own["reason"]) == ("ice-breaker", "hold", "low")
    assert own["why"] == mara().words.reasons["low"]
    assert own["emotion"] == "sadness"
    _, course = call(url, "/talk/course", {"model": MODEL, "messages": said})
    rows = course["messages"]
    assert [row.get("role") for row in rows] == ["user", "assistant", "user", None]
    assert [row["reason"] for row in rows if row.get("role") != "user"] == ["early", "low"]


def test_a_talk_without_a_message_is_begun_by_the_companion(url: str) -> None:
    said = [{"role": "system", "content": "You are a helpful assistant."}]
    body = {"model": MODEL, "messages": said}
    status, found = call(url, "/v1/chat/completions", body)
    assert (status, found["rapport"]["messages"]) == (200, 0)
    assert found["choices"][0]["message"]["content"]
    assert call(url, "/talk/course", body)[0] == 200


def test_curl_gets_an_answer(url: str) -> None:
    body = json.dumps({"model": MODEL, "messages": HELLO})
    command = ["curl", "-s", f"{url}/v1/chat/completions", "-d", body]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"]


# Requests as open-webui and SillyTavern send them: their fields and markers, sentences of ours.
TITLE = """### Task:
Find a short name for this talk, with an emoji.
### Output:
JSON format: { "title": "a short name" }
### Chat History:
<chat_history>
USER: Hello, is this the clock shop by the harbour?
ASSISTANT: It is.
</chat_history>"""
TAGS = '### Task:\nNames of subjects.\n### Output:\nJSON format: { "tags": ["one", "two"] }\n'
FOLLOW_UPS = '### Task:\nThree questions.\n### Output:\nJSON format: { "follow_ups": ["one?"] }\n'
COMPLETE = '### Task:\nGo on with the text.\n### Output:\nJSON format: { "text": "…" }\n'
OPEN_WEBUI = {
    "stream": True,
    "model": MODEL,
    "messages": HELLO,
    "params": {},
    "features": {"web_search": False},
    "chat_id": "1b2c",
    "session_id": "x",
    "background_tasks": {"title_generation": True, "tags_generation": True},
}
SILLYTAVERN = {
    "messages": [
        {"role": "system", "content": "Write Mara's next reply in a talk between Mara and Ben."},
        {"role": "system", "content": "[Start a new Chat]"},
        {"role": "assistant", "content": "Mind the cuckoo, it is touchy before noon."},
        {"role": "user", "content": "I will. Is that it up there?"},
    ],
    "model": MODEL,
    "temperature": 1,
    "max_tokens": 300,
    "stream": True,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_p": 1,
    "stop": ["\nBen:"],
    "n": 1,
    "logit_bias": {},
    "user_name": "Ben",
    "char_name": "Mara",
}


@pytest.mark.parametrize("body", [OPEN_WEBUI, SILLYTAVERN], ids=["open-webui", "SillyTavern"])
def test_requests_of_chat_programs_are_answered(url: str, body: dict[str, Any]) -> None:
    status, text = call(url, "/v1/chat/completions", body)
    assert status == 200
    events = [line[6:] for line in text.split("\n\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = list(map(json.loads, events[:-1]))
    said = "".join(one["choices"][0]["delta"].get("content", "") for one in chunks)
    assert len(said.split()) > 5
    assert chunks[-1]["rapport"]["messages"] == (1 if body is OPEN_WEBUI else 2)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (TITLE, {"title": "Hello, is this the clock shop"}),
        (TAGS, {"tags": []}),
        (FOLLOW_UPS, {"follow_ups": []}),
        (COMPLETE, {"text": ""}),
    ],
)
def test_prompts_in_the_background_ask_no_model_and_take_no_time(
    prompt: str, expected: dict[str, Any]
) -> None:
    model = Scripted([GOOD])
    with served(stand_in=model) as address:
        asked = len(model.asked)
        body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "stream": False}
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            _, found = call(address, "/v1/chat/completions", body)
            seconds.append(time.perf_counter() - start)
        assert json.loads(found["choices"][0]["message"]["content"]) == expected
        assert "rapport" not in found
        assert len(model.asked) == asked
        assert min(seconds) < 0.05


def test_a_prompt_in_the_background_that_needs_a_model_gets_no_card() -> None:
    model = Scripted(["They spoke of clocks."])
    with served(stand_in=model) as address:
        said = [*HELLO, {"role": "system", "content": "[Pause your roleplay. What was said?]"}]
        _, found = call(address, "/v1/chat/completions", {"model": MODEL, "messages": said})
        assert found["choices"][0]["message"]["content"] == "They spoke of clocks."
        assert "accordion" not in json.dumps(model.asked[-1])


# --- limits and hostile requests


def test_fifty_clients_stream_at_once(url: str) -> None:
    async def one(ours: openai.AsyncOpenAI, number: int) -> str:
        messages: list[Any] = [{"role": "user", "content": f"Hello from tram {number}, any seats?"}]
        stream = await ours.chat.completions.create(model=MODEL, messages=messages, stream=True)
        return "".join([one.choices[0].delta.content or "" async for one in stream])

    async def all_of_them() -> list[str]:
        base = f"{url}/v1"
        async with openai.AsyncOpenAI(base_url=base, api_key="x", max_retries=0) as ours:
            return await asyncio.gather(*(one(ours, number) for number in range(50)))

    texts = asyncio.run(all_of_them())
    assert len(texts) == 50
    assert all(len(text.split()) > 3 for text in texts)


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"{", 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        (b"[]", 400, "object"),
        (b'{"messages": "\xff"}', 400, "JSON"),
        ({"model": MODEL}, 400, "messages"),
        ({"model": MODEL, "messages": []}, 400, "messages"),
        ({"model": MODEL, "messages": ["x"]}, 400, "messages[0]"),
        ({"model": MODEL, "messages": [{"role": "narrator", "content": "x"}]}, 400, "role"),
        ({"model": MODEL, "messages": [{"role": "user", "content": 7}]}, 400, "content"),
        (
            {"model": MODEL, "messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            400,
            "text only",
        ),
        ({"model": MODEL, "messages": HELLO * 3_000}, 413, "messages"),
        ({"model": MODEL, "messages": [{"role": "user", "content": "x" * 50_000}]}, 413, "content"),
        ({"model": MODEL, "messages": HELLO, "temperature": "hot"}, 400, "temperature"),
        ({"model": MODEL, "messages": HELLO, "n": 5}, 400, "n:"),
        ({"model": MODEL, "messages": HELLO, "stop": [1]}, 400, "stop"),
        ({"model": "nobody", "messages": HELLO}, 404, "nobody"),
        (b'{"messages": "' + b"x" * 3_000_000 + b'"}', 413, "bytes"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_openais_form(
    url: str, body: object, status: int, named: str
) -> None:
    found, answer = call(url, "/v1/chat/completions", body)
    assert (found, set(answer["error"])) == (status, {"message", "type", "param", "code"})
    assert named in answer["error"]["message"]


def test_other_addresses_do_not_exist(url: str) -> None:
    assert call(url, "/v1/embeddings", {"input": "x"})[0] == 404
    assert call(url, "/../../etc/passwd")[0] == 404
    assert call(url, "/v1/chat/completions")[0] == 405


def test_a_page_of_another_site_is_refused(url: str) -> None:
    body = {"model": MODEL, "messages": HELLO}
    status, answer = call(url, "/v1/chat/completions", body, Origin="https://example.org")
    assert (status, answer["error"]["code"]) == (403, "origin")
    assert call(url, "/v1/models", Host="example.org:80")[0] == 403  # a name that leads here
    assert call(url, "/v1/models", Origin=url)[0] == 200


def test_other_machines_need_the_token() -> None:
    with served(access=Access(token="secret-word"), host="0.0.0.0") as address:
        address = address.replace("0.0.0.0", "127.0.0.1")
        status, answer = call(address, "/v1/models")
        assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
        assert call(address, "/talk/about")[0] == 401
        assert call(address, "/v1/models", Authorization="Bearer secret-wore")[0] == 401
        with client(address, "secret-word") as ours:
            assert ours.models.list().data[0].id == MODEL
        assert call(address, "/")[0] == 200  # it holds no secret


def test_the_page_is_small_and_asks_no_other_site(url: str) -> None:
    import gzip

    whole = b""
    for name in ("", "page.css", "page.js", "api.js", "curve.js"):
        with urllib.request.urlopen(f"{url}/{name}", timeout=10) as response:
            whole += response.read()
            policy = response.headers["Content-Security-Policy"]
    assert len(gzip.compress(whole)) < 60_000
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert b"https://" not in whole
    assert whole.count(b"http://") == whole.count(b"http://www.w3.org/2000/svg") == 1
    assert b" style=" not in whole


def slow(model: Scripted, seconds: float) -> Any:
    def answer(request: JsonObject) -> JsonObject:
        time.sleep(seconds)
        return model(request)

    return answer


def test_more_clients_than_there_may_be_are_told_to_come_back() -> None:
    with served(access=Access(clients=0)) as address:
        status, answer = call(address, "/v1/models")
    assert (status, answer["error"]["code"]) == (429, "overloaded")


def test_slow_clients_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "SLOWEST", 0.4)
    with served() as address:
        host, port = address.removeprefix("http://").split(":")
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\n"
        for sent in (b"", head.encode(), f"{head}Content-Length: 100\r\n\r\n{{".encode()):
            with socket.create_connection((host, int(port)), timeout=5) as silent:
                silent.sendall(sent)
                start = time.monotonic()
                found = silent.recv(4096)
                assert found == b"" or b" 408 " in found
                assert time.monotonic() - start < 4
        assert call(address, "/v1/models")[0] == 200


# --- the model's server


def at(server: Any) -> ModelSettings:
    return ModelSettings(model="m", base_url=server.url, attempts=1, reasks=0)


def test_a_client_that_leaves_cancels_what_was_asked_for_it() -> None:
    with model_server(latency_ms=1500, words=20) as upstream, served(model=at(upstream)) as url:
        host, port = url.removeprefix("http://").split(":")
        before = upstream.stats()["client_gone"]
        body = json.dumps({"model": MODEL, "messages": HELLO, "stream": True}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=5) as ours:
            ours.sendall(head.encode() + body)
            assert b"text/event-stream" in ours.recv(4096)
            time.sleep(0.3)
        deadline = time.monotonic() + 3
        while upstream.stats()["client_gone"] == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert upstream.stats()["client_gone"] == before + 1


def test_errors_of_the_models_server_come_in_openais_form_and_pass() -> None:
    with model_server(words=20) as upstream, served(model=at(upstream)) as url:
        upstream.configure(faults={"500": 1.0})
        with client(url) as ours:
            with pytest.raises(openai.InternalServerError) as plain:
                ours.chat.completions.create(model=MODEL, messages=HELLO)
            assert plain.value.status_code == 502
            with pytest.raises(openai.APIError, match="gave no answer"):
                list(ours.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
            upstream.configure(words=20)
            found = ours.chat.completions.create(model=MODEL, messages=HELLO)
        assert found.choices[0].message.content


def test_a_server_that_was_down_is_asked_again() -> None:
    with socket.socket() as taken:  # a port that nobody listens on
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    nowhere = ModelSettings(model="m", base_url=f"http://127.0.0.1:{port}/v1", attempts=1, reasks=0)
    with served(model=nowhere) as url:
        body = {"model": MODEL, "messages": HELLO}
        status, answer = call(url, "/v1/chat/completions", body)
        assert (status, "cannot be reached" in answer["error"]["message"]) == (502, True)
        with model_server(port=port, words=20):
            assert call(url, "/v1/chat/completions", body)[0] == 200


def test_no_answer_holds_the_key() -> None:
    settings = ModelSettings(model="m", base_url="x", key="SECRET", attempts=1, reasks=0)
    with model_server(key="right", repeats_key=True) as upstream:
        model = settings.model_copy(update={"base_url": upstream.url})
        with served(model=model, keys={"SECRET": "sk-very-secret"}) as url:
            _, answer = call(url, "/v1/chat/completions", {"model": MODEL, "messages": HELLO})
    assert "error" in answer
    assert "sk-very-secret" not in json.dumps(answer)


def test_the_first_reply_is_as_fast_as_the_tenth() -> None:
    seconds = []
    with served(model=REHEARSED) as url, client(url) as ours:
        ours.models.list()  # the connection
        for _ in range(10):
            start = time.perf_counter()
            ours.chat.completions.create(model=MODEL, messages=HELLO)
            seconds.append(time.perf_counter() - start)
    assert seconds[0] < 10 * max(min(seconds[1:]), 0.01)


def test_comments_keep_a_stream_open(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.companion import server

    monkeypatch.setattr(server, "BEAT", 0.05)
    with model_server(latency_ms=700, words=20) as upstream, served(model=at(upstream)) as url:
        body = {"model": MODEL, "messages": HELLO, "stream": True}
        _, text = call(url, "/v1/chat/completions", body)
    assert text.count(": still writing") > 3
    assert text.index(": still writing") < text.index('"content"', text.index('"content"') + 1)
