"""Deduplication: speed beside named peers, memory and linearity, boilerplate, the gold set.

    python benchmarks/dedup.py peers [rows]   CPU-seconds, memory, recall, precision; Parquet in,
                                              kept rows out
    python benchmarks/dedup.py growth         seconds and memory from 100,000 to 1,000,000 rows
    python benchmarks/dedup.py boilerplate    seconds over rows that all share 500 words
    python benchmarks/dedup.py gold           recall by kind of edit on shared/data/gold_dedup

Peers are installed into environments of their own under build/peers. Every tool is one process (or
its own command) on the same files; CPU-seconds are user + system of it and its children, from start
to end, imports included.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import Conversation, Finding, Message, Source
from pipeline.dedup import dedup, link, sign
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import from_table, to_table

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
SLOW = {"datatrove": 10}  # run once on a tenth of the rows, times ten: its stages are linear
RUNS = 3  # new memory may cost a CPU-second more or less on a virtual machine
GOLD = ROOT.parent / "shared" / "data" / "gold_dedup"


def corpus(rows: int, *more: str) -> Path:
    folder = BUILD / "bench" / f"{rows // 1000}k"
    if not (folder / "text.parquet").exists():
        run([sys.executable, str(ROOT / "benchmarks" / "corpus.py"), str(rows), str(folder), *more])
    return folder


def run(command: list[str]) -> tuple[float, float]:
    """(CPU-seconds with children, peak memory of the largest process in MB) of a command that must
    succeed."""
    print("+", *(part.replace(str(ROOT) + "/", "") for part in command), file=sys.stderr)
    log = (BUILD / "bench" / "last.log").open("w+")
    process = subprocess.Popen(
        command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        log.seek(0)
        raise SystemExit(log.read()[-2000:])
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def python_of(peer: str) -> str:
    folder = BUILD / "peers" / peer
    if not (folder / "bin" / "python").exists():
        uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
        run([uv, "venv", "-q", "--python", "3.11", str(folder)])
        run([uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *PEERS[peer]])
    return str(folder / "bin" / "python")


def peers(rows: int) -> None:
    """A line a tool: CPU-seconds, how often ours fit into them, memory, and how right it is at
    Jaccard .7."""
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{load}; {rows} conversations, the best of {RUNS} runs; recall of pairs, precision")
    print("of dropped rows at .7; x: times ours in memory, and ours as the stage works (`stored`)")
    spent: dict[str, float] = {}
    for name in TOOLS:
        script, *more = name.split()
        few = rows // SLOW.get(name, 1)
        folder, out = corpus(few), BUILD / "bench" / "out" / name.replace(" ", "_")
        python = python_of(script) if script in PEERS else sys.executable
        command = [python, str(SCRIPTS / f"{script}.py"), str(folder), str(out), *more]
        if script == "text_dedup":
            command = ["sh", str(SCRIPTS / "text_dedup.sh"), python, str(folder), str(out)]
        cpu, memory = min(fresh(command, out) for _ in range(1 if name in SLOW else RUNS))
        spent[name] = cpu = cpu * rows / few
        if name == "floor":
            only = "reading and writing alone, as the peers' scripts do it"
            print(f"{name:14} {cpu:8.2f} CPU-s: {only}")
            continue
        ratios = "".join(
            f"{cpu / spent[ours]:7.1f} x" for ours in ("rapport", "rapport stored") if ours in spent
        )
        recall, precision, kept = quality(folder, out / "kept")
        print(
            f"{name:14} {cpu:8.2f} CPU-s{ratios}, {rows / cpu:8.0f} rows/s {memory:6.0f} MB"
            f"  recall {recall:.4f} precision {precision:.4f} kept {kept}"
            + (f" of {few}, times {rows // few}" if few != rows else "")
        )


def fresh(command: list[str], out: Path) -> tuple[float, float]:
    shutil.rmtree(out, ignore_errors=True)
    return run(command)


def quality(folder: Path, kept: Path) -> tuple[float, float, int]:
    """(recall: share of true pairs of which a row was dropped, precision: share of dropped rows
    that have a true partner, rows kept)."""
    ids = pq.read_table(folder / "kept", columns=["id"])["id"].to_pylist()
    if (kept / "state.json").exists():
        with pa.memory_map(str(next(kept.glob("*.arrow")))) as source:
            rows = pa.ipc.open_stream(source).read_all()["id"].to_pylist()
    else:
        rows = pq.read_table(kept, columns=["id"])["id"].to_pylist()
    place = {name: i for i, name in enumerate(ids)} | {str(i): i for i in range(len(ids))}
    here = np.zeros(len(ids), bool)
    here[[place[str(name)] for name in rows]] = True
    truth = np.load(folder / "truth.npz")
    near = truth["j"] >= 0.7
    a, b = truth["a"][near], truth["b"][near]
    similar = np.zeros(len(ids), bool)
    similar[a] = similar[b] = True
    return 1 - (here[a] & here[b]).mean(), similar[~here].mean(), int(here.sum())


def growth() -> None:
    """As the stage works, which is what a million rows ask for."""
    for rows in (100_000, 200_000, 500_000, 1_000_000):
        folder, out = corpus(rows, "--no-truth"), BUILD / "bench" / "out" / "growth"
        command = [sys.executable, str(SCRIPTS / "rapport.py"), str(folder), str(out), "stored"]
        cpu, memory = min(fresh(command, out) for _ in range(RUNS))
        print(f"{rows:8} rows {cpu:6.2f} CPU-s {rows / cpu:8.0f} rows/s {memory:6.0f} MB")


def boilerplate() -> None:
    """Rows that all open with the same 500 words and continue with 80 of their own."""
    chance, settings = np.random.default_rng(1), DedupSettings()
    words = np.array([f"w{i}" for i in range(5000)], object)
    front = " ".join(chance.choice(words, 500))
    for rows in (100, 2_500, 5_000, 10_000, 20_000):
        texts = [front + " " + " ".join(chance.choice(words, 80)) for _ in range(rows)]
        table = to_table(
            Conversation(
                str(i),
                (Message("assistant", text), Message("user", "go on")),
                Source("file", "b", str(i)),
            )
            for i, text in enumerate(texts)
        )
        start = time.process_time()
        signed = [sign.sign(table.slice(at, 10_000), settings) for at in range(0, rows, 10_000)]
        middle = time.process_time()
        decisions, report = link.link(signed, settings)
        linked = time.process_time() - middle
        seconds = f"sign {middle - start:.2f} link {linked:.2f} CPU-s"
        print(
            f"{rows:6} rows: {seconds}, {len(decisions)} dropped, {report['candidates']} candidates"
        )


def gold() -> None:
    """Pairs of which a row is dropped, by kind of edit and parameter; containment on."""
    with gzip.open(GOLD / "dialogues.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    with gzip.open(GOLD / "pairs.jsonl.gz", "rt") as file:
        pairs = [json.loads(line) for line in file]
    table = to_table(
        Conversation(
            row["id"],
            tuple(
                Message(("user", "assistant")[i % 2], turn["text"])
                for i, turn in enumerate(row["turns"])
            ),
            Source("file", row["source"], row["id"]),
        )
        for row in rows
    )
    for threshold in (0.7, 0.8):
        _, dropped, report = dedup([table], DedupSettings(threshold=threshold))
        found = {row.id: row.findings[-1] for row in from_table(dropped[0])}
        truth = {frozenset((p["a"], p["b"])) for p in pairs if p["j5_word"] >= threshold}
        left = sum(pair.isdisjoint(found) for pair in truth)
        near = {name: f for name, f in found.items() if f.rule in ("dedup.exact", "dedup.near")}
        right = sum(frozenset((name, partner(f))) in truth for name, f in near.items())
        recall, precision = 1 - left / len(truth), right / len(near)
        print(
            f"at {threshold}: recall {recall:.5f} of {len(truth)} pairs, precision {precision:.5f}",
            report["dropped"],
        )
        total: Counter[str] = Counter()
        halved: Counter[str] = Counter()
        for pair in pairs:
            kind = f"{pair['relation']} {pair['param'] or ''}"
            total[kind] += 1
            halved[kind] += pair["a"] in found or pair["b"] in found
        print(
            "; ".join(
                f"{kind} {halved[kind] / total[kind]:.3f} of {total[kind]}"
                for kind in sorted(total)
            )
        )


def partner(finding: Finding) -> str:
    """The id of the kept row. Evidence: `partner <id> cluster <number> view <name> …`."""
    return (finding.evidence or "").split()[1]


if __name__ == "__main__":
    what, *more = sys.argv[1:] or ["peers"]
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    if what == "peers":
        peers(int(more[0]) if more else 200_000)
    else:
        {"growth": growth, "boilerplate": boilerplate, "gold": gold}[what]()
