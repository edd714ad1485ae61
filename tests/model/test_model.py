"""A judge behind a real server with a real small model. `make test-model`.

The model is far too small to judge anything. What is shown is that requests and answers of a real
server fit together: answers are the JSON asked for, and a verdict without evidence is null.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.judge.verdict import VERDICT
from pipeline.llm.reply import misfit, read_json
from tests.rows import record, write_jsonl
from tests.test_run import rapport

pytestmark = [pytest.mark.model, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv-model"
CRITERIA = ["engaging", "safe"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [PLACE / "bin" / "python", ROOT / "tests/servers/gemma.py", PLACE / "weights.gguf"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f"{server.stdout.readline().strip()}/v1"
        finally:
            server.terminate()


def test_a_real_model_gives_verdicts_or_null_with_the_reason(address: str, tmp_path: Path) -> None:
    talks = write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(2)])
    asked = ("--judge", "gemma-3-270m", "--base-url", address)
    sets = ("--set", f"judge.criteria={json.dumps(CRITERIA)}")
    rapport("score", talks, "--out", tmp_path / "out", *asked, *sets)
    rows = pq.read_table(tmp_path / "out" / "5-score" / "kept", columns=["scores"]).to_pylist()
    scores = [score for row in rows for score in row["scores"] if score["by"] == "gemma-3-270m"]
    assert [score["criterion"] for score in scores] == CRITERIA * 2
    for score in scores:
        if score["value"] is None:
            assert score["error"] or score["evidence"]
        else:
            assert 1 <= score["value"] <= 5
            assert score["messages"]
    with sqlite3.connect(tmp_path / "out" / "calls.sqlite") as calls:
        query = "SELECT text FROM attempts WHERE final AND reason IS NULL"
        answers = [text for (text,) in calls.execute(query)]
    calls.close()
    assert answers, "no answer was the JSON that was asked for"
    for text in answers:
        assert misfit(read_json(text), VERDICT) is None  # type: ignore[arg-type]
