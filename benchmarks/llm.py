"""The line to a model beside others, all against one model server of 200 ms latency on this machine.

    .venv/bin/python -m benchmarks.llm                     every scenario, our line alone
    .venv/bin/python -m benchmarks.llm speed faults        some of them
    .venv/bin/python -m benchmarks.llm speed faults limit --peers    beside plain AsyncOpenAI, curator and distilabel

Each line is one fresh process: share of ideal (calls × latency / in flight / seconds from the first arrival to the last
answer, seen by the server), wall and CPU of the whole process with its imports, peak memory, rows, requests, and what
the server sent. Peers are installed into build/peers by uv. Figures hold for an otherwise idle machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.llm_peers import SYSTEM, prompt, write
from tests.servers.model import Serving, serving

ROOT = Path(__file__).parents[1]
PEERS = {
    "plain": "openai",
    "curator": "bespokelabs-curator==0.1.31",
    "distilabel": "distilabel[openai]==1.5.3 requests",
}
LATENCY = 0.2
TURNS = 8
GIVEN_UP = 120.0  # seconds; some clients never end
FAULTS = {"429": 0.0125, "500": 0.0125, "cut": 0.0125, "badjson": 0.0125}


# --- the client: ours, in a process of its own


def work(job: dict[str, Any]) -> None:
    from pipeline import llm
    from pipeline.recipe import ModelSettings

    async def single(line: llm.Line, i: int) -> str:
        text = f"{prompt(i)} (edited)" if i < job.get("edited", 0) else prompt(i)
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        return (await line.ask("writer", messages, max_tokens=300)).text

    async def dialogue(line: llm.Line, i: int) -> str:
        messages = [{"role": "system", "content": f"{SYSTEM} Guest {i}."}]
        for turn in range(TURNS):
            messages.append({"role": "user", "content": f"This is what I say in turn {turn}."})
            answer = await line.ask("writer", list(messages), max_tokens=300)
            messages.append({"role": "assistant", "content": answer.text})
        return messages[-1]["content"]

    async def row(line: llm.Line, i: int) -> str | None:
        try:
            return await (single if job["what"] == "single" else dialogue)(line, i)
        except llm.CallFailed:
            return None

    async def main() -> None:
        settings = ModelSettings(
            base_url=job["url"], model="sim", in_flight=job["in_flight"], **job.get("settings", {})
        )
        async with llm.Line({"writer": settings}, Path(job["folder"], "calls.sqlite"), None, {}) as line:
            texts = [text async for text in line.each(range(job["n"]), lambda i: row(line, i))]
        write(job["folder"], [(i, text) for i, text in enumerate(texts) if text is not None])
        Path(job["folder"], "failures.json").write_text(json.dumps(line.usage.failures))

    llm.run(main())


# --- running and measuring


@dataclass
class Run:
    """One process: seconds of wall and CPU, megabytes, rows written, and the server's ledger."""

    wall: float
    cpu: float
    memory: float
    rows: list[str]
    stats: dict[str, Any]


def begin(client: str, folder: str, server: Serving, **job: Any) -> subprocess.Popen[bytes]:
    given = json.dumps({"client": client, "folder": folder, "url": server.url} | job)
    if client == "ours":
        command = [sys.executable, "-m", "benchmarks.llm", "--client", given]
    else:
        command = [str(ROOT / "build" / "peers" / client / "bin" / "python"), "benchmarks/llm_peers.py", given]
    quiet = None if os.environ.get("LOUD") else subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)


def run(client: str, folder: str, server: Serving, **job: Any) -> Run:
    started = time.monotonic()
    child = begin(client, folder, server, **job)
    patience = threading.Timer(GIVEN_UP, child.kill)
    patience.start()
    _, status, usage = os.wait4(child.pid, 0)
    patience.cancel()
    wall = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    path = Path(folder, "rows.jsonl")
    rows = path.read_text("utf-8").splitlines() if path.exists() else []
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, rows, server.stats())


def fresh(client: str, server: Serving, config: dict[str, Any], **job: Any) -> Run:
    server.configure(**config)
    with tempfile.TemporaryDirectory() as folder:
        return run(client, folder, server, **job)


def show(name: str, client: str, done: Run, calls: int, in_flight: int) -> None:
    share = calls * LATENCY / in_flight / max(done.stats["seconds"], 1e-9)
    print(
        f"{name:<26} {client:<11} {share:5.2f} of ideal  {done.wall:6.2f} s  "
        f"{done.cpu / calls * 1000:5.2f} CPU-ms/call  {done.memory:4.0f} MB  "
        f"{len(done.rows):>5} rows  {done.stats['requests']:>5} requests  "
        f"twice {done.stats['keys_answered_twice']}  early {done.stats['before_retry_after']}  {done.stats['sent']}",
        flush=True,
    )


# --- the scenarios


def speed(server: Serving, clients: list[str]) -> None:
    for in_flight in (64, 256):
        for client in clients:
            done = fresh(client, server, {}, what="single", n=2000, in_flight=in_flight)
            show(f"2,000 calls, {in_flight} in flight", client, done, 2000, in_flight)


def dialogues(server: Serving, clients: list[str]) -> None:
    for client in clients:
        if client in ("ours", "plain"):
            done = fresh(client, server, {}, what="dialogue", n=200, in_flight=64)
            show(f"200 dialogues × {TURNS} turns", client, done, 200 * TURNS, 64)


def faults(server: Serving, clients: list[str]) -> None:
    for client in clients:
        done = fresh(client, server, {"faults": FAULTS}, what="single", n=2000, in_flight=64)
        show("5 % faults, 2,000 calls", client, done, 2000, 64)
    done = fresh("ours", server, {"faults": FAULTS}, what="dialogue", n=200, in_flight=64)
    show("5 % faults, 200 dialogues", "ours", done, 200 * TURNS, 64)


def limit(server: Serving, clients: list[str]) -> None:
    for client in clients:
        done = fresh(client, server, {"rpm": 1800, "headers": False}, what="single", n=600, in_flight=64)
        show("1,800 a minute, unknown", client, done, 600, 64)
    done = fresh("ours", server, {"rpm": 1800}, what="single", n=600, in_flight=64)
    show("1,800 a minute, in headers", "ours", done, 600, 64)
    known = {"requests_per_minute": 1800}
    done = fresh("ours", server, {"rpm": 1800, "headers": False}, what="single", n=600, in_flight=64, settings=known)
    show("1,800 a minute, known", "ours", done, 600, 64)


def kill(server: Serving, _: list[str]) -> None:
    for what, n, calls in (("single", 2000, 2000), ("dialogue", 200, 200 * TURNS)):
        job = {"what": what, "n": n, "in_flight": 64}
        calm = fresh("ours", server, {}, **job)
        server.configure()
        with tempfile.TemporaryDirectory() as folder:
            child = begin("ours", folder, server, **job)
            while server.stats()["requests"] < calls / 2:
                time.sleep(0.02)
            child.send_signal(signal.SIGKILL)
            child.wait()
            half = server.stats()
            done = run("ours", folder, server, **job)
        again = done.stats["asked_again_after_answer"]
        lost = done.stats["requests"] - calls - again
        print(
            f"SIGKILL at half, {what:<9} {half['keys_answered']} delivered: {again} of them sent again "
            f"({again / half['keys_answered']:.2%}), {lost} others; rows equal to an undisturbed run: "
            f"{done.rows == calm.rows}",
            flush=True,
        )


def cache(server: Serving, _: list[str]) -> None:
    server.configure(latency_ms=20)
    with tempfile.TemporaryDirectory() as folder:
        seen = 0
        for name, job in (
            ("first run", {}),
            ("same again", {}),
            ("one more row", {"n": 201}),
            ("7 edited", {"edited": 7}),
        ):
            done = run("ours", folder, server, **{"what": "single", "n": 200, "in_flight": 64} | job)
            print(f"cache truth: {name:<14} {done.stats['requests'] - seen} requests", flush=True)
            seen = done.stats["requests"]


def bad(server: Serving, _: list[str]) -> None:
    for name, config, settings in (
        ("1 % refused for good (400)", {"poison": 0.01}, {}),
        ("10 % empty, 10 % cut short", {"faults": {"empty": 0.1, "length": 0.1}}, {}),
        ("2 % never answered", {"faults": {"hang": 0.02}}, {"timeout": 2.0}),
    ):
        done = fresh("ours", server, config, what="single", n=1000, in_flight=64, settings=settings)
        show(name, "ours", done, 1000, 64)


SCENARIOS: dict[str, Callable[[Serving, list[str]], None]] = {
    f.__name__: f for f in (speed, dialogues, faults, limit, kill, cache, bad)
}


def installed() -> Iterator[str]:
    uv = str(ROOT / ".venv" / "bin" / "uv")
    for peer, package in PEERS.items():
        python = ROOT / "build" / "peers" / peer / "bin" / "python"
        if not python.exists():
            subprocess.run([uv, "venv", "-q", "--python", "3.11", str(python.parents[1])], check=True)
            install = ["pip", "install", "-q", "--compile-bytecode", "--python", str(python), *package.split()]
            subprocess.run([uv, *install], check=True)
        yield peer


def main() -> None:
    if sys.argv[1:2] == ["--client"]:
        return work(json.loads(sys.argv[2]))
    names = [name for name in sys.argv[1:] if name != "--peers"] or list(SCENARIOS)
    clients = ["ours", *(installed() if "--peers" in sys.argv else ())]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, latency {LATENCY * 1000:.0f} ms")
    with serving(latency_ms=LATENCY * 1000) as server:
        for name in names:
            SCENARIOS[name](server, clients)
    return None


if __name__ == "__main__":
    main()
