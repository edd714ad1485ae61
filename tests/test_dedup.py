"""The room as a whole, against the truth: which rows go, which stay, and what is said of them."""

import gzip
import itertools
import json
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.conversation import Conversation, Message, Source, from_table, to_table
from pipeline.dedup import dedup
from pipeline.recipe import DedupSettings

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
            tuple(Message(("user", "assistant")[i % 2], turn["text"]) for i, turn in enumerate(row["turns"])),
            Source("file", row["source"], row["id"]),
        )
        for row in lines("dialogues.jsonl.gz")
    ]
    return [to_table(rows[i : i + 7000]) for i in range(0, len(rows), 7000)]


def gone(dropped: list[pa.Table]) -> dict:
    """id → (rule, similarity, partner)"""
    rows = itertools.chain.from_iterable(map(from_table, dropped))
    return {
        row.id: (row.findings[-1].rule, row.findings[-1].value, row.findings[-1].evidence.split()[1]) for row in rows
    }


@pytest.mark.parametrize("threshold", [0.7, 0.8])
def test_gold_every_true_pair_is_parted_and_nothing_else_goes(gold, threshold):
    _, dropped, _ = dedup(gold, DedupSettings(threshold=threshold, contained=None))
    sent = gone(dropped)
    pairs = lines("pairs.jsonl.gz")
    truth = {(p["a"], p["b"]): p["j5_word"] for p in pairs if p["j5_word"] >= threshold}
    left = [p for p in truth if p[0] not in sent and p[1] not in sent]
    assert 1 - len(left) / len(truth) >= 0.9995
    wrong = [(i, to) for i, (_, _, to) in sent.items() if (i, to) not in truth and (to, i) not in truth]
    assert wrong == []
