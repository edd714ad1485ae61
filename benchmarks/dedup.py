"""Deduplication: speed beside named peers, memory and linearity, boilerplate, the gold set.

    python benchmarks/dedup.py peers [rows]     CPU-seconds, memory, recall, precision
    python benchmarks/dedup.py growth           seconds and memory from 100,000 to 1,000,000 rows
    python benchmarks/dedup.py boilerplate      seconds over rows that all share 500 words
    python benchmarks/dedup.py gold             recall by kind of edit on shared/data/gold_dedup

Peers are installed into environments of their own under build/peers. Every tool is one process (or
its own command) on the same files, Parquet in, kept rows out; CPU-seconds are user + system of it
and its children, from start to end, imports included.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import Conversation, Finding, Message, Source, from_table, to_table
from pipeline.dedup import dedup, link, sign
from pipeline.recipe.settings import DedupSettings

ROOT = Path(__file__).parents[1]
BUILD, SCRIPTS = ROOT / "build", ROOT / "benchmarks" / "peers"
PEERS = {
    "datasketch": ["datasketch==2.0.0", "xxhash", "pyarrow"],
    "rensa": ["rensa==0.5.0", "pyarrow"],
    "daft": ["daft==0.7.26", "pyarrow", "numba"],
    "text_dedup": ["text-dedup==0.4.0"],
    "datatrove": ["datatrove[io,processing]==0.10.1", "spacy"],
}
TOOLS = (
    "floor",
    "rapport",
    "rapport stored",
    "datasketch",
    "rensa",
    "rensa held",
    "daft",
    "text_dedup",
    "datatrove",
)
THRESHOLD = 0.7
PART = 10_000  # rows
SLOW = {"datatrove": 10}  # run once on a tenth of the rows, times ten: its stages are linear
RUNS = 3  # new memory may cost a CPU-second more or less on a virtual machine
GOLD = ROOT.parent / "shared" / "data" / "gold_dedup"


class Cost(NamedTuple):
    """What a run of a tool takes."""

    cpu: float  # seconds, user and system, with children
    memory: float  # peak of the largest process, MB


def corpus(rows: int, *more: str) -> Path:
    folder = BUILD / "bench" / f"{rows // 1000}k"
    if not (folder / "text.parquet").exists():
        run([sys.executable, str(ROOT / "benchmarks" / "corpus.py"), str(rows), str(folder), *more])
    return folder


def run(command: list[str]) -> Cost:
    """What a command that must succeed takes."""
    print("+", *(part.replace(str(ROOT) + "/", "") for part in command), file=sys.stderr)
    log = (BUILD / "bench" / "last.log").open("w+")
    process = subprocess.Popen(
        command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        log.seek(0)
        raise SystemExit(log.read()[-2000:])
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def python_of(peer: str) -> str:
    folder = BUILD / "peers" / peer
    if not (folder / "bin" / "python").exists():
        uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
        run([uv, "venv", "-q", "--python", "3.11", str(folder)])
        run([uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *PEERS[peer]])
    return str(folder / "bin" / "python")


def peers(rows: int) -> None:
    """A line a tool: CPU-seconds, times ours, memory, and how right it is at Jaccard .7."""
    print(f"load {os.getloadavg()[0]:.1f}; {rows} conversations, the best of {RUNS} runs")
    print("recall of pairs, precision of dropped rows at .7; x: times ours in memory, as the stage")
    spent: dict[str, float] = {}
    for name in TOOLS:
        few = rows // SLOW.get(name, 1)
        folder, out = corpus(few), BUILD / "bench" / "out" / name.replace(" ", "_")
        command = command_of(name, folder, out)
        cost = min(fresh(command, out) for _ in range(1 if name in SLOW else RUNS))
        spent[name] = cost.cpu * rows / few
        print_tool(name, spent, cost.memory, rows)
        if name != "floor":
            print_quality(folder, out / "kept")


def command_of(name: str, folder: Path, out: Path) -> list[str]:
    script, *more = name.split()
    python = python_of(script) if script in PEERS else sys.executable
    if script == "text_dedup":
        return ["sh", str(SCRIPTS / "text_dedup.sh"), python, str(folder), str(out)]
    return [python, str(SCRIPTS / f"{script}.py"), str(folder), str(out), *more]


def print_tool(name: str, spent: dict[str, float], memory: float, rows: int) -> None:
    cpu = spent[name]
    if name == "floor":
        print(f"{name:14} {cpu:8.2f} CPU-s: reading and writing alone, as the peers' scripts do it")
        return
    ours = [spent[tool] for tool in ("rapport", "rapport stored") if tool in spent]
    ratios = "".join(f"{cpu / own:7.1f} x" for own in ours)
    measured = f" (of {rows // SLOW[name]} rows, times {SLOW[name]})" if name in SLOW else ""
    print(
        f"{name:14} {cpu:8.2f} CPU-s{ratios}, {rows / cpu:8.0f} rows/s {memory:6.0f} MB{measured}"
    )


def print_quality(folder: Path, kept: Path) -> None:
    recall, precision, rows = quality(folder, kept)
    print(f"{'':14} recall {recall:.4f} precision {precision:.4f} kept {rows}")


def fresh(command: list[str], out: Path) -> Cost:
    shutil.rmtree(out, ignore_errors=True)
    return run(command)


def quality(folder: Path, kept: Path) -> tuple[float, float, int]:
    """(share of true pairs parted, share of dropped rows that have a true partner, rows kept)."""
    ids = pq.read_table(folder / "kept", columns=["id"])["id"].to_pylist()
    place = {name: at for at, name in enumerate(ids)} | {str(at): at for at in range(len(ids))}
    here = np.zeros(len(ids), bool)
    here[[place[str(name)] for name in kept_ids(kept)]] = True
    truth = np.load(folder / "truth.npz")
    near = truth["j"] >= THRESHOLD
    first, second = truth["a"][near], truth["b"][near]
    duplicate = np.zeros(len(ids), bool)
    duplicate[first] = duplicate[second] = True
    return 1 - (here[first] & here[second]).mean(), duplicate[~here].mean(), int(here.sum())


def kept_ids(kept: Path) -> list[str | int]:
    """The ids that a tool kept: a Parquet data set, or one of `datasets`."""
    if not (kept / "state.json").exists():
        return pq.read_table(kept, columns=["id"])["id"].to_pylist()
    with pa.memory_map(str(next(kept.glob("*.arrow")))) as source:
        return pa.ipc.open_stream(source).read_all()["id"].to_pylist()


def growth() -> None:
    """As the stage works, which is what a million rows ask for."""
    for rows in (100_000, 200_000, 500_000, 1_000_000):
        folder, out = corpus(rows, "--no-truth"), BUILD / "bench" / "out" / "growth"
        command = command_of("rapport stored", folder, out)
        cost = min(fresh(command, out) for _ in range(RUNS))
        rate = rows / cost.cpu
        print(f"{rows:8} rows {cost.cpu:6.2f} CPU-s {rate:8.0f} rows/s {cost.memory:6.0f} MB")


def boilerplate() -> None:
    """Rows that all open with the same 500 words and go on with 80 of their own."""
    chance = np.random.default_rng(1)
    words = np.array([f"w{i}" for i in range(5000)], object)
    front = " ".join(chance.choice(words, 500))
    for rows in (100, 2_500, 5_000, 10_000, 20_000):
        texts = [front + " " + " ".join(chance.choice(words, 80)) for _ in range(rows)]
        table = to_table(conversation(str(i), [text, "go on"]) for i, text in enumerate(texts))
        print(f"{rows:6} rows: {linked(table, DedupSettings())}")


def conversation(name: str, texts: Sequence[str], source: str = "b") -> Conversation:
    roles = itertools.cycle(("user", "assistant"))
    messages = tuple(Message(next(roles), text) for text in texts)
    return Conversation(name, messages, Source("file", source, name))


def linked(table: pa.Table, settings: DedupSettings) -> str:
    start = time.process_time()
    parts = range(0, len(table), PART)
    signed = [sign.sign(table.slice(at, PART), settings) for at in parts]
    middle = time.process_time()
    decisions, report = link.link(signed, settings)
    seconds = f"sign {middle - start:.2f} link {time.process_time() - middle:.2f} CPU-s"
    return f"{seconds}, {len(decisions)} dropped, {report['candidates']} candidates"


def gold() -> None:
    """Pairs of which one row is dropped, by kind of edit and parameter; containment on."""
    pairs = lines("pairs.jsonl.gz")
    table = to_table(
        conversation(row["id"], [turn["text"] for turn in row["turns"]], row["source"])
        for row in lines("dialogues.jsonl.gz")
    )
    for threshold in (0.7, 0.8):
        _, dropped, report = dedup([table], DedupSettings(threshold=threshold))
        found = {row.id: row.findings[-1] for row in from_table(dropped[0])}
        print(f"at {threshold}: {right(pairs, found, threshold)}", report["dropped"])
        print(by_edit(pairs, found))


def lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(GOLD / name, "rt") as file:
        return [json.loads(line) for line in file]


def right(pairs: list[dict[str, Any]], found: dict[str, Finding], threshold: float) -> str:
    """Recall of the true pairs, precision of the rows dropped as exact or near."""
    truth = {frozenset((p["a"], p["b"])) for p in pairs if p["j5_word"] >= threshold}
    missed = sum(pair.isdisjoint(found) for pair in truth)
    partners = {
        name: finding.evidence.split()[1]
        for name, finding in found.items()
        if finding.rule in ("dedup.exact", "dedup.near")
    }
    correct = sum(frozenset(pair) in truth for pair in partners.items())
    recall, precision = 1 - missed / len(truth), correct / len(partners)
    return f"recall {recall:.5f} of {len(truth)} pairs, precision {precision:.5f}"


def by_edit(pairs: list[dict[str, Any]], found: dict[str, Finding]) -> str:
    total: Counter[str] = Counter()
    parted: Counter[str] = Counter()
    for pair in pairs:
        kind = f"{pair['relation']} {pair['param'] or ''}"
        total[kind] += 1
        parted[kind] += pair["a"] in found or pair["b"] in found
    shares = {kind: parted[kind] / total[kind] for kind in sorted(total)}
    return "; ".join(f"{kind} {share:.3f} of {total[kind]}" for kind, share in shares.items())


if __name__ == "__main__":
    what, *more = sys.argv[1:] or ["peers"]
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    if what == "peers":
        peers(int(more[0]) if more else 200_000)
    else:
        {"growth": growth, "boilerplate": boilerplate, "gold": gold}[what]()
