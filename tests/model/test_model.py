"""Talks and verdicts of a real small model behind a real server. `make test-model`.

The model is far too small to play or judge anything. What is shown is that requests and answers of
a real server fit together: what it can do is found out, every slot is filled or accounted for,
answers are the JSON asked for, and a verdict without evidence is null.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.judge.verdict import VERDICT
from pipeline.llm.reply import misfit, read_json
from tests.rows import record, write_jsonl
from tests.test_run import RAPPORT, rapport

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


# little of everything: an answer takes seconds. The model repeats itself without a penalty.
RECIPE = """
name: tiny
models:
  writer:
    base_url: "{address}"
    model: gemma-3-270m
    chat: {chat}
    in_flight: 1
    timeout: 300
    reasks: 1
    extra: {{repeat_penalty: 1.3, max_tokens: {tokens}}}
generate: {{mode: {mode}, seeds: 1, talks: 1, turns: [2, 4], asks: 2, attempts: 2}}
"""


def stored_rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    paths = sorted((folder / "2-generate" / kind).glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def attempts(folder: Path) -> list[tuple[Any, ...]]:
    """Of every request: final, reason, finish, text, tokens in and out, seconds."""
    with closing(sqlite3.connect(folder / "calls.sqlite")) as calls:
        columns = "final, reason, finish, text, prompt_tokens, completion_tokens, seconds"
        return calls.execute(f"SELECT {columns} FROM attempts ORDER BY rowid").fetchall()


def findings(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "calls.sqlite")) as calls:
        (found,) = calls.execute("SELECT findings FROM probes").fetchone()
    return str(found)


@pytest.mark.parametrize(
    ("mode", "chat", "tokens"),
    [("talk", "template", 100), ("script", "template", 400), ("talk", "transcript", 100)],
)
def test_a_real_model_fills_every_slot_or_says_why_not(
    address: str, tmp_path: Path, mode: str, chat: str, tokens: int
) -> None:
    path, out = tmp_path / "recipe.yaml", tmp_path / "out"
    values = {"address": address, "mode": mode, "chat": chat, "tokens": tokens}
    path.write_text(RECIPE.format(**values), "utf-8")
    if mode == "talk":  # a run asks by itself
        shown = rapport("check", path, "--models", "--out", out)
        assert re.search(r"writer +gemma-3-270m +arrives +\S.* kept +counted +8192 +no", shown)
    done = subprocess.run(
        [*RAPPORT, "run", path, "--until", "generate", "--out", out], capture_output=True, text=True
    )
    assert done.returncode in (0, 3), done.stderr  # 3: a slot was given up, and is named
    assert "Traceback" not in done.stderr
    filled = stored_rows(out, "kept")
    dropped, quarantined = stored_rows(out, "dropped"), stored_rows(out, "quarantine")
    rules = [finding["rule"] for row in dropped for finding in row["findings"]]
    given_up = rules.count("slot.given_up") + sum(row["missing"] for row in quarantined)
    assert len(filled) + given_up == 1
    assert (done.returncode == 3) == (given_up > 0)
    assert '"system":"arrives"' in findings(out)
    asked = attempts(out)
    assert asked, "no request was stored"
    assert not {reason for _, reason, *_ in asked} & {"server", "rejected", "garbled", "connection"}
    assert all(prompt > 50 and took > 0 for *_, prompt, took, _ in asked)
    for row in [*filled, *dropped]:
        assert set(row["source"]["models"]) <= {"gemma-3-270m"}
        for message in row["messages"]:
            assert not re.search(r"<(?:start|end)_of_turn>|\nUser:", message["content"])


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
