"""The room as a whole, against the truth: which rows go, which stay, and what is said of them."""

import gzip
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.conversation import Conversation, Message, Source, from_table, to_table
from pipeline.dedup import dedup
from pipeline.recipe.settings import DedupSettings
from tests.rows import record, talk, write_jsonl

GOLD = Path(__file__).parents[1].parent / "shared" / "data" / "gold_dedup"


def lines(name):
    if not GOLD.is_dir():
        pytest.skip(f"needs the gold set in {GOLD}")
    with gzip.open(GOLD / name, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def gold() -> list[pa.Table]:
    rows = [
        Conversation(
            row["id"],
            tuple(
                Message(("user", "assistant")[i % 2], turn["text"])
                for i, turn in enumerate(row["turns"])
            ),
            Source("file", row["source"], row["id"]),
        )
        for row in lines("dialogues.jsonl.gz")
    ]
    return [to_table(rows[i : i + 7000]) for i in range(0, len(rows), 7000)]


def gone(dropped: list[pa.Table]) -> dict:
    """id → (rule, similarity, partner)"""
    rows = itertools.chain.from_iterable(map(from_table, dropped))
    return {
        row.id: (
            row.findings[-1].rule,
            row.findings[-1].value,
            row.findings[-1].evidence.split()[1],
        )
        for row in rows
    }


@pytest.mark.parametrize("threshold", [0.7, 0.8])
def test_gold_every_true_pair_is_parted_and_nothing_else_goes(gold, threshold):
    _, dropped, _ = dedup(gold, DedupSettings(threshold=threshold, contained=None))
    sent = gone(dropped)
    pairs = lines("pairs.jsonl.gz")
    truth = {(p["a"], p["b"]): p["j5_word"] for p in pairs if p["j5_word"] >= threshold}
    left = [p for p in truth if p[0] not in sent and p[1] not in sent]
    assert 1 - len(left) / len(truth) >= 0.9995
    wrong = [
        (i, to) for i, (_, _, to) in sent.items() if (i, to) not in truth and (to, i) not in truth
    ]
    assert wrong == []


def rapport(*words) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_buckets_over_the_limit_are_told_with_what_was_compared(tmp_path):
    family = [[*talk(7)[:5], f"Bring soup, we laugh at day {n}."] for n in range(12)]
    rows = write_jsonl(
        tmp_path / "rows.jsonl", [record(n, texts) for n, texts in enumerate(family)]
    )
    rapport("dedup", rows, "--out", tmp_path / "out", "--set", "bucket=3")
    told = rapport("stats", tmp_path / "out")
    met = json.loads((tmp_path / "out" / "4-dedup" / "report.json").read_text())["link"]
    assert met["largest_bucket"] == 12
    assert met["capped_buckets"] > 0
    assert f"{met['capped_buckets']} buckets over the limit" in told
