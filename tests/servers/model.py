"""A chat server that speaks the OpenAI protocol and misbehaves on purpose.

It keeps a ledger of what it delivered.

    with serving(latency_ms=20, faults={"500": 0.1}) as server:      # a child process, a free port
        server.url, server.stats(), server.configure(faults={})
    python -m tests.servers.model '{"latency_ms": 200, "port": 8399}'   # by hand

Every choice depends on the request alone: `key` = hash of model, messages, response_format and
seed; a fault = f(seed, key, attempt of that key). So two clients meet the same faults, and a test
can find out who asked for what how often.

What may go wrong, each with its share in `faults` (per attempt):
  protocol   429 (with Retry-After) · 500 · 503 · drop (closed instead of an answer) · cut (half
             the answer) · badjson (a body that is not JSON) · hang · flagged (a 200 that holds the
             error of a moderated prompt)
  any text   empty · length (half the text, finish_reason length) · refusal · garbage (prose where
             JSON was asked for)
  messages   label ("Anna: …") · placeholder ("[name]") · echo (the last message again) · foreign
             (another language)
  JSON       fenced (in a code fence with prose around: legal) · braces ({}) · one_turn (every list
             cut to one item) · wrong_role (every role "narrator") · non_string (every string a
             number)
A kind that does not apply to a request is not counted, and the answer is a good one.
poison: share of keys that always get 400 content_policy_violation.
A probe (`pipeline/llm/probe.py`) is answered whatever the faults, and stands in no ledger.
dialect: which real server it plays (`tests/servers/dialects.py`); without one, OpenAI's.
probes: whether probes are answered; else it is too busy for them.
refuses: request fields that are answered with 400. breaks: those answered with 500 and `breaking`.
keeps: file to which every request is written, a line each; probes to another, NAME.probes.
repeats_key: puts the client's key into every text, good or bad.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import importlib
import json
import math
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.servers.batches import Batches
from tests.servers.dialects import DIALECTS, Dialect, is_probe
from tests.servers.writing import BAD_ANSWERS, bad_answer, completion, instance, prose, share

PROTOCOL = {"429", "500", "503", "drop", "cut", "badjson", "hang", "flagged"}


@dataclass
class Config:
    """How the server behaves.

    latency_ms: fixed, or the median when `spread` (sigma of a lognormal) is set.
    rpm, tpm: requests and tokens a minute, with one second's worth at once.
    capacity: requests at a time; more get 503.
    answers: "module:function" that writes the good answers (request in, chat completion out).
    words: length of the built-in ones.
    key: the only one accepted.
    quota: answers until 429 insufficient_quota.
    headers: whether x-ratelimit headers are sent.
    """

    port: int = 0
    latency_ms: float = 0.0
    spread: float = 0.0
    faults: dict[str, float] = field(default_factory=dict)
    retry_after: float = 1.0
    poison: float = 0.0
    rpm: int = 0
    tpm: int = 0
    headers: bool = True
    capacity: int = 0
    quota: int = 0
    key: str = ""
    refuses: list[str] = field(default_factory=list)
    breaks: list[str] = field(default_factory=list)
    breaking: str = "Internal Server Error"
    dialect: str = ""
    probes: bool = True
    keeps: str = ""
    repeats_key: bool = False
    answers: str = ""
    words: int = 110
    seed: int = 1


@dataclass
class Work:
    """What is known of one key."""

    arrivals: int = 0
    delivered: int = 0  # usable answers written to the socket
    not_before: float = 0.0


class Server:
    def __init__(self, config: Config):
        self.config = config
        self.at_first = dict(vars(config))
        self.in_flight = 0
        self.secret = ""
        self.reset()

    def reset(self) -> None:
        self.work: dict[str, Work] = collections.defaultdict(Work)
        self.counts: collections.Counter[str] = collections.Counter()
        self.sent: collections.Counter[str] = collections.Counter()
        self.probed: collections.Counter[str] = collections.Counter()
        self.dialect = DIALECTS.get(self.config.dialect, Dialect())
        self.peak, self.first, self.last = 0, 0.0, 0.0
        self.levels = {"requests": self.config.rpm / 60, "tokens": self.config.tpm / 60}
        self.filled = time.monotonic()
        self.batches = Batches()

    def stats(self) -> dict[str, Any]:
        work = self.work.values()
        return {
            "requests": self.counts["requests"],
            "probes": self.counts["probes"],
            "keys": len(work),
            "keys_answered": sum(w.delivered > 0 for w in work),
            "keys_answered_twice": sum(w.delivered > 1 for w in work),
            "asked_again_after_answer": self.counts["asked again"],
            "before_retry_after": self.counts["early"],
            "most_attempts": max((w.arrivals for w in work), default=0),
            "client_gone": self.counts["gone"],
            "sent": dict(self.sent),
            "peak_in_flight": self.peak,
            "seconds": round(self.last - self.first, 4),
            "prompt_tokens": self.counts["prompt tokens"],
            "completion_tokens": self.counts["completion tokens"],
        }

    def arrive(self, request: dict[str, Any]) -> tuple[str, Work, int, float]:
        """Enter a request into the ledger.

        Returns its key, its work, which attempt this is, and seconds to wait for the limit.
        """
        named = [
            request.get("model"),
            request["messages"],
            request.get("response_format"),
            request.get("seed"),
        ]
        text = json.dumps(named)
        key = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
        work, now = self.work[key], time.monotonic()
        self.counts["requests"] += 1
        self.counts["asked again"] += work.delivered > 0
        self.counts["early"] += now < work.not_before
        self.first, self.last = self.first or now, now
        work.arrivals += 1
        return key, work, work.arrivals - 1, self.limit(now, len(text) // 4 + 150)

    def limit(self, now: float, tokens: int) -> float:
        """Token buckets with a second's worth; seconds until the request fits, 0 if it does."""
        wait, elapsed = 0.0, now - self.filled
        self.filled = now
        for unit, minute, amount in (
            ("requests", self.config.rpm, 1),
            ("tokens", self.config.tpm, tokens),
        ):
            if minute:
                rate = minute / 60
                self.levels[unit] = min(max(rate, amount), self.levels[unit] + elapsed * rate)
                wait = max(wait, (amount - self.levels[unit]) / rate)
        if wait <= 0:
            self.levels["requests"] -= 1
            self.levels["tokens"] -= tokens
        return max(0.0, wait)

    def choose(self, key: str, attempt: int) -> str:
        if share(self.config.seed, "poison", key) < self.config.poison:
            return "poison"
        at = share(self.config.seed, key, attempt)
        for kind, part in self.config.faults.items():
            at -= part
            if at < 0:
                return kind
        return "ok"

    def latency(self, key: str, attempt: int, kind: str) -> float:
        if kind == "hang":
            return 3600.0
        a, b = (
            share("a", self.config.seed, key, attempt),
            share("b", self.config.seed, key, attempt),
        )
        normal = math.sqrt(-2 * math.log(max(a, 1e-12))) * math.cos(
            2 * math.pi * b
        )  # Box and Muller
        seconds = self.config.latency_ms / 1000 * math.exp(self.config.spread * normal)
        return (
            min(0.005, seconds) if kind in ("429", "limit", "quota", "503") else seconds
        )  # refused at once

    def write(self, request: dict[str, Any], key: str) -> str:
        """A good answer."""
        if self.config.answers:
            answer: str = _function(self.config.answers)(request)["choices"][0]["message"][
                "content"
            ]
            return answer
        form = request.get("response_format") or {}
        if form.get("type") == "json_schema":
            return json.dumps(instance(form["json_schema"]["schema"], key))
        text = f"[{key}] {self.secret}{prose(key, self.config.words)}"
        return json.dumps({"id": key, "text": text}) if form.get("type") == "json_object" else text

    def refused(self, request: dict[str, Any]) -> str | None:
        """The error message about a field that the server does not accept."""
        name = named(self.config.refuses, request)
        return name and f"Unsupported parameter: '{name}' is not supported with this model."

    def keep(self, request: dict[str, Any], name: str = "") -> None:
        if self.config.keeps:
            with Path(self.config.keeps + name).open("a", encoding="utf-8") as file:
                file.write(json.dumps(request, sort_keys=True) + "\n")

    def headers(self) -> str:
        if not self.config.headers:
            return ""
        lines = []
        for unit, minute in (("requests", self.config.rpm), ("tokens", self.config.tpm)):
            if minute:
                rate, left = minute / 60, int(max(0.0, self.levels[unit]))
                reset = round((rate - left) / rate * 1000)
                lines += [
                    f"x-ratelimit-limit-{unit}: {minute // 60}\r\n",
                    f"x-ratelimit-remaining-{unit}: {left}\r\n",
                    f"x-ratelimit-reset-{unit}: {reset}ms\r\n",
                ]
        return "".join(lines)


def named(fields: Iterable[str], request: dict[str, Any]) -> str | None:
    """The first of these fields that a request has, or that its form of answer has."""
    form = json.dumps(request.get("response_format") or {})
    return next((name for name in fields if name in form or name in request), None)


def as_chat(request: dict[str, Any]) -> dict[str, Any]:
    """A request with its prompt as a message, where it is one for a plain completion."""
    if "prompt" not in request:
        return request
    return request | {"messages": [{"role": "user", "content": request["prompt"]}]}


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def error(status: int, code: int | str, message: str, headers: str = "") -> bytes:
    return http(
        status, {"error": {"message": message, "type": code, "param": None, "code": code}}, headers
    )


def http(status: int, body: Any, headers: str = "") -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} X\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(content)}\r\n"
        f"{headers}\r\n"
    )
    return head.encode() + content


class Connection(asyncio.Protocol):
    """One client connection: HTTP/1.1, bodies with a content-length."""

    def __init__(self, server: Server):
        self.server, self.config = server, server.config
        self.buffer = b""
        self.thinking = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self.server.counts["gone"] += self.thinking

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            size = end + 4 + int(headers.get("content-length", 0))
            if len(self.buffer) < size:
                return
            body, self.buffer = self.buffer[end + 4 : size], self.buffer[size:]
            self.route(first.split()[1], headers, body)

    def route(self, path: str, headers: dict[str, str], body: bytes) -> None:
        server = self.server
        if path.startswith("/__"):
            if path == "/__config":
                vars(self.config).update(server.at_first | json.loads(body))
            if path in ("/__config", "/__reset"):
                server.reset()
            return self.transport.write(http(200, server.stats()))
        key = headers.get("authorization", "")[7:]
        if self.config.key not in ("", key):
            return self.transport.write(
                error(401, "invalid_api_key", f"Incorrect API key provided: {key}")
            )
        server.secret = f"{' '.join([key] * 20)} {'.' * 3000}" if self.config.repeats_key else ""
        if path.endswith("/completions"):
            return self.chat(as_chat(json.loads(body)))
        if path in server.dialect.lists:
            return self.transport.write(http(200, server.dialect.lists[path]))
        if "/files" in path or "/batches" in path:
            with contextlib.suppress(KeyError):
                return self.transport.write(http(200, server.batches.serve(server, path, body)))
        return self.transport.write(error(404, "not_found", f"no such endpoint: {path}"))

    def chat(self, request: dict[str, Any]) -> None:
        server, config = self.server, self.config
        if request["model"] == "missing":
            return self.transport.write(
                error(404, "model_not_found", "The model `missing` does not exist")
            )
        if is_probe(request):
            return self.probe(request)
        server.keep(request)
        if named(config.breaks, request):
            return self.transport.write(error(500, "server_error", config.breaking))
        if message := server.refused(request):
            return self.transport.write(error(400, "unsupported_parameter", message))
        key, work, attempt, wait = server.arrive(request)
        if config.dialect:
            return self.speak(request, key, attempt)
        kind = "limit" if wait else server.choose(key, attempt)
        if config.capacity and server.in_flight >= config.capacity:
            kind = "503"
        if config.quota and server.sent["ok"] >= config.quota:
            kind = "quota"
        seconds = server.latency(key, attempt, kind)
        server.in_flight += 1
        server.peak = max(server.peak, server.in_flight)
        self.thinking = True
        asyncio.get_running_loop().call_later(seconds, self.finish, request, key, work, kind, wait)
        return None

    def probe(self, request: dict[str, Any]) -> None:
        """Answer a question of what the server can do."""
        server, config = self.server, self.config
        server.counts["probes"] += 1
        server.keep(request, ".probes")
        if not config.probes:
            return self.transport.write(error(503, "overloaded", "The server is overloaded"))
        if not config.dialect and named(config.breaks, request):
            return self.transport.write(error(500, "server_error", config.breaking))
        if not config.dialect and (message := server.refused(request)):
            return self.transport.write(error(400, "unsupported_parameter", message))
        name = f"{request['messages']}{request.get('response_format')}"
        attempt = server.probed[name]
        server.probed[name] += 1
        speak = partial(self.speak, request, "probe", attempt)
        asyncio.get_running_loop().call_later(config.latency_ms / 1000, speak)
        return None

    def speak(self, request: dict[str, Any], key: str, attempt: int) -> None:
        """Answer as a real server does. attempt: how often the same was asked before."""
        status, body = self.server.dialect.answer(request, key, attempt)
        if "prompt" in request and status == 200:
            choice = body["choices"][0]
            choice["text"] = choice.pop("message")["content"]
        self.transport.write(http(status, body))

    def finish(self, request: dict[str, Any], key: str, work: Work, kind: str, wait: float) -> None:
        server = self.server
        server.in_flight -= 1
        server.last = time.monotonic()
        self.thinking = False
        if self.transport.is_closing():
            return
        if kind in ("429", "limit"):
            server.sent[kind] += 1
            seconds = self.config.retry_after if kind == "429" else max(0.001, wait)
            work.not_before = time.monotonic() + seconds * 0.98
            whole, exact = math.ceil(seconds), math.ceil(seconds * 1000)
            headers = f"retry-after: {whole}\r\nretry-after-ms: {exact}\r\n"
            message = "Rate limit reached, slow down"
            self.transport.write(error(429, "rate_limit_exceeded", message, headers))
        elif kind == "drop":
            server.sent[kind] += 1
            self.transport.abort()
        elif refusal := REFUSALS.get(kind):
            server.sent[kind] += 1
            status, code, message = refusal
            self.transport.write(error(status, code, message + server.secret))
        else:
            self.answer(request, key, work, kind)

    def answer(self, request: dict[str, Any], key: str, work: Work, kind: str) -> None:
        server = self.server
        text, finish = server.write(request, key), "stop"
        if kind not in PROTOCOL and kind != "ok":
            changed = bad_answer(kind, text, request)
            if changed is None:
                kind = "ok"
            else:
                text = changed
                finish = "length" if kind == "length" else "stop"
        server.sent[kind] += 1
        body = completion(request, key, text, finish)
        server.counts["prompt tokens"] += body["usage"]["prompt_tokens"]
        server.counts["completion tokens"] += body["usage"]["completion_tokens"]
        content = json.dumps(body).encode()
        if kind == "badjson":
            return self.transport.write(http(200, content[: len(content) * 2 // 3]))
        raw = http(200, content, server.headers())
        if kind == "cut":
            self.transport.write(raw[: len(raw) // 2])
            return self.transport.close()
        work.delivered += kind in ("ok", "fenced")
        return self.transport.write(raw)


REFUSALS: dict[str, tuple[int, int | str, str]] = {
    "500": (500, "server_error", "The server had an error"),
    "503": (503, "overloaded", "The server is overloaded"),
    "flagged": (200, 403, "This model requires moderation, and your input was flagged"),
    "poison": (400, "content_policy_violation", "This prompt is refused for good"),
    "quota": (
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details",
    ),
}


@dataclass(frozen=True)
class Serving:
    """A running server, seen from the test. url: its base_url."""

    url: str

    def stats(self) -> dict[str, Any]:
        return self._post("/__stats", {})

    def configure(self, **changes: Any) -> None:
        """Begin anew: as at the start but for these changes, and with an empty ledger."""
        self._post("/__config", changes)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        address = self.url.removesuffix("/v1") + path
        with urllib.request.urlopen(address, json.dumps(body).encode(), timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer


@contextlib.contextmanager
def serving(**config: Any) -> Iterator[Serving]:
    """A server in a child process, on a free port."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.servers.model", json.dumps(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout
            yield Serving(process.stdout.readline().strip())
        finally:
            process.terminate()


async def serve(config: Config) -> None:
    server = Server(config)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: Connection(server), "127.0.0.1", config.port, backlog=4096
    )
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    given = Config(**json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}"))
    unknown = set(given.faults) - PROTOCOL - BAD_ANSWERS
    if unknown:
        sys.exit(f"unknown faults: {unknown}")
    if given.answers:
        _function(given.answers)  # an unknown one fails here, not silently at every request
    with contextlib.suppress(KeyboardInterrupt):
        try:
            import uvloop

            uvloop.run(serve(given))
        except ImportError:
            asyncio.run(serve(given))
