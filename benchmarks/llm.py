"""Our client of models beside others, all against one model server of 200 ms latency here.

    .venv/bin/python -m benchmarks.llm                     every scenario, our client alone
    .venv/bin/python -m benchmarks.llm speed faults        some of them
    .venv/bin/python -m benchmarks.llm speed dialogues faults limit --peers
                                                           beside AsyncOpenAI, curator, distilabel

Each row is one fresh process; the aim stands in brackets behind a figure:
    share of ideal   calls × latency / in flight / seconds from the first arrival to the last
                     answer, as the server sees them
    wall, CPU        of the whole process, its imports included
    peak memory, rows, requests, and what the server sent
Peers are installed into build/peers by uv. Figures hold for an otherwise idle machine.
"""

from __future__ import annotations

import contextlib
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

from benchmarks.llm_peers import TURNS, answered, first_turn, next_turn, turns, write
from tests.servers.model import Serving, serving

ROOT = Path(__file__).parents[1]
PEERS = {
    "plain": "openai",
    "curator": "bespokelabs-curator==0.1.31",
    "distilabel": "distilabel[openai]==1.5.3 requests",
}
LATENCY = 0.2
TASKS = (("single", 2000, 2000), ("dialogue", 200, 200 * TURNS))  # what, rows, calls
GIVEN_UP = 120.0  # seconds; some clients never end
FAULTS = {"429": 0.0125, "500": 0.0125, "cut": 0.0125, "badjson": 0.0125}


# --- the client: ours, in a process of its own


def work(job: dict[str, Any]) -> None:
    from pipeline import llm
    from pipeline.recipe.models import ModelSettings

    async def converse(client: llm.Client, number: int) -> str | None:
        messages = first_turn(job, number)
        with contextlib.suppress(llm.CallFailed):
            answer = await client.ask("writer", messages, max_tokens=300)
            for turn in range(1, turns(job)):
                messages = next_turn(answered(messages, answer.text), turn)
                answer = await client.ask("writer", messages, max_tokens=300)
            return answer.text
        return None

    async def main() -> None:
        settings = ModelSettings(
            base_url=job["url"], model="sim", in_flight=job["in_flight"], **job.get("settings", {})
        )
        calls = Path(job["folder"], "calls.sqlite")
        async with llm.Client({"writer": settings}, calls, None, {}) as client:
            jobs = client.each(range(job["n"]), lambda number: converse(client, number))
            texts = [text async for text in jobs]
        rows = [(number, text) for number, text in enumerate(texts) if text is not None]
        write(job["folder"], rows)
        failures = json.dumps(client.usage.failures)
        Path(job["folder"], "failures.json").write_text(failures)

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
        command = [
            str(ROOT / "build" / "peers" / client / "bin" / "python"),
            "benchmarks/llm_peers.py",
            given,
        ]
    quiet = None if os.environ.get("LOUD") else subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet, start_new_session=True)


def run(client: str, folder: str, server: Serving, **job: Any) -> Run:
    started = time.monotonic()
    child = begin(client, folder, server, **job)
    patience = threading.Timer(
        GIVEN_UP, os.killpg, (child.pid, signal.SIGKILL)
    )  # with its own children
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


def beside(figure: str, aim: str) -> str:
    return f"{figure} ({aim})" if aim else figure


def show(
    name: str, client: str, done: Run, n: int, calls: int, in_flight: int = 64,
    *, share: str = "", wall: str = "", cpu: str = "", memory: str = "", refused: str = "",
) -> None:  # fmt: skip
    """One row; the aim stands in brackets behind a figure."""
    stats, sent = done.stats, done.stats["sent"]
    reached = calls * LATENCY / in_flight / max(stats["seconds"], 1e-9)
    figures = (
        beside(f"{reached:.2f}", share) + " of ideal",
        beside(f"{done.wall:.2f} s", wall),
        beside(f"{done.cpu / calls * 1000:.2f} CPU-ms/call", cpu),
        beside(f"{done.memory:.0f} MB", memory),
        f"{len(done.rows)} of {n} rows, {stats['requests']} requests",
        beside(f"{sent.get('limit', 0)} refused", refused) if refused else "",
        f"twice {stats['keys_answered_twice']}, early {stats['before_retry_after']}",
        str(sent),
    )
    print(f"{name:<28} {client:<11}", " · ".join(filter(None, figures)), flush=True)


# --- the scenarios


def speed(server: Serving, clients: list[str]) -> None:
    """The client's own share: at most 1.3 CPU-ms a request and 120 MB."""
    for in_flight, share, wall in ((64, "≥ .90", "≤ 7.9 s"), (256, "≥ .60", "")):
        for client in clients:
            done = fresh(client, server, {}, what="single", n=2000, in_flight=in_flight)
            aims = {"share": share, "wall": wall, "cpu": "≤ 1.3", "memory": "≤ 120"}
            show(f"2,000 calls, {in_flight} in flight", client, done, 2000, 2000, in_flight, **aims)


def dialogues(server: Serving, clients: list[str]) -> None:
    for client in clients:
        done = fresh(client, server, {}, what="dialogue", n=200, in_flight=64)
        show(f"200 dialogues × {TURNS} turns", client, done, 200, 200 * TURNS, share="≥ .85")


def faults(server: Serving, clients: list[str]) -> None:
    """Beside the clean run of the same client."""
    for what, n, calls in TASKS:
        for client in clients:
            clean = fresh(client, server, {}, what=what, n=n, in_flight=64)
            done = fresh(client, server, {"faults": FAULTS}, what=what, n=n, in_flight=64)
            ratio = f"≤ 1.35 × {clean.wall:.2f} s clean; is {done.wall / clean.wall:.2f}"
            show(f"5 % faults, {n:,} {what}s", client, done, n, calls, wall=ratio)


def limit(server: Serving, clients: list[str]) -> None:
    job = {"what": "single", "n": 600, "in_flight": 64}
    unknown = {"rpm": 1800, "headers": False}
    for client in clients:
        done = fresh(client, server, unknown, **job)
        show("1,800 a minute, unknown", client, done, 600, 600, wall="≤ 23 s", refused="≤ 90")
    done = fresh("ours", server, {"rpm": 1800}, **job)
    show("1,800 a minute, in headers", "ours", done, 600, 600, refused="≤ 90")
    done = fresh("ours", server, unknown, **job, settings={"requests_per_minute": 1800})
    show("1,800 a minute, known", "ours", done, 600, 600, refused="≤ 6")


def kill(server: Serving, _: list[str]) -> None:
    for what, n, calls in TASKS:
        job = {"what": what, "n": n, "in_flight": 64}
        calm = fresh("ours", server, {}, **job)
        server.configure()
        with tempfile.TemporaryDirectory() as folder:
            child = begin("ours", folder, server, **job)
            while child.poll() is None and server.stats()["requests"] < calls / 2:
                time.sleep(0.02)
            child.send_signal(signal.SIGKILL)
            child.wait()
            half = server.stats()
            done = run("ours", folder, server, **job)
        again = done.stats["asked_again_after_answer"]
        lost = done.stats["requests"] - calls - again
        share = again / max(1, half["keys_answered"])
        figures = (
            f"{half['keys_answered']} delivered",
            f"{again} of them sent again ({share:.2%}; ≤ 1 %)",
            f"{lost} others (≤ 64)",
            f"rows equal to an undisturbed run: {done.rows == calm.rows}",
        )
        print(f"SIGKILL at half, {what:<9}", " · ".join(figures), flush=True)


def cache(server: Serving, _: list[str]) -> None:
    server.configure(latency_ms=20)
    with tempfile.TemporaryDirectory() as folder:
        seen = 0
        for name, job, due in (
            ("first run", {}, 200),
            ("same again", {}, 0),
            ("one more row", {"n": 201}, 1),
            ("7 edited", {"edited": 7}, 7),
        ):
            done = run(
                "ours", folder, server, **{"what": "single", "n": 200, "in_flight": 64} | job
            )
            print(
                f"cache truth: {name:<14} {done.stats['requests'] - seen} requests (= {due})",
                flush=True,
            )
            seen = done.stats["requests"]


def bad(server: Serving, _: list[str]) -> None:
    """Every row is an answer or a recorded failure; one refused for good takes one request."""
    for name, config, settings in (
        ("1 % refused for good (400)", {"poison": 0.01}, {}),
        ("10 % empty, 10 % cut short", {"faults": {"empty": 0.1, "length": 0.1}}, {}),
        ("2 % never answered", {"faults": {"hang": 0.02}}, {"timeout": 2.0}),
    ):
        done = fresh("ours", server, config, what="single", n=1000, in_flight=64, settings=settings)
        show(name, "ours", done, 1000, 1000)


SCENARIOS: dict[str, Callable[[Serving, list[str]], None]] = {
    f.__name__: f for f in (speed, dialogues, faults, limit, kill, cache, bad)
}


def installed() -> Iterator[str]:
    uv = str(ROOT / ".venv" / "bin" / "uv")
    for peer, package in PEERS.items():
        python = ROOT / "build" / "peers" / peer / "bin" / "python"
        if not python.exists():
            subprocess.run(
                [uv, "venv", "-q", "--python", "3.11", str(python.parents[1])], check=True
            )
            install = [
                "pip",
                "install",
                "-q",
                "--compile-bytecode",
                "--python",
                str(python),
                *package.split(),
            ]
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
