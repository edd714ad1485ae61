"""Exported configs, read by Axolotl's and LLaMA-Factory's own code: `make test-trainers`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.cli import cli
from tests.publishing import published
from tests.rows import conversation
from tests.test_published_files import rich

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
END = "<|im_end|>"
QUIET = {"OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1", "AXOLOTL_DO_NOT_TRACK": "1"}
CONFIG = {"sft": "default", "noted": "noted", "dpo": "preference", "kto": "unpaired"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*map(rich, range(24)), *map(conversation, range(24, 40))]
    return published(tmp_path_factory.mktemp("trainers") / "set", [rows], test=0.2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "qwen"
    python = ROOT / ".venv-train" / "bin" / "python"
    command = [python, ROOT / "tests" / "train" / "tiny.py", "qwen", place]
    subprocess.run(command, check=True, capture_output=True)
    return place


def expected(folder: Path, kind: str) -> list[str]:
    (path,) = folder.glob(f"{CONFIG[kind]}/train-*.parquet")
    rows = pq.read_table(path).to_pylist()
    if kind in ("dpo", "kto"):
        name = {"dpo": "chosen", "kto": "completion"}[kind]
        return [row[name][0]["content"] for row in rows]
    own = [
        [one["content"] for one in row["messages"] if one["role"] == "assistant"] for row in rows
    ]
    return ["".join(row) for row in own]


@pytest.mark.parametrize("kind", CONFIG)
@pytest.mark.parametrize("tool", ["axolotl", "llama-factory"])
def test_the_tool_takes_it_and_trains_on_every_reply_alone(
    folder: Path, model: Path, tmp_path: Path, tool: str, kind: str
) -> None:
    words = ["train", kind.replace("noted", "sft"), folder, "--model", model]
    words += ["--config", CONFIG[kind], "--out", tmp_path, "--export", tool]
    cli.main([*map(str, words)], standalone_mode=False)
    command = [ROOT / ".venv-trainers" / "bin" / "python", ROOT / "tests/train/handed_over.py"]
    shown = subprocess.run(
        [*command, tool, tmp_path, model],
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr[-2000:]
    texts = json.loads(shown.stdout)
    found = [text.replace(f"{END}\n", "").replace(END, "") for text in texts]
    assert sorted(found) == sorted(expected(folder, kind))
