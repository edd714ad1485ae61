"""Real trainers on what is published, without a line of glue: `make test-train`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.publish.configs import CONFIGS, TRAINABLE
from pipeline.publish.tokens import counter
from pipeline.recipe.publish import PublishSettings
from tests.publishing import published
from tests.rows import conversation
from tests.test_published_files import rich

pytestmark = [pytest.mark.train, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-train" / "bin" / "python"
SCRIPT = ROOT / "tests" / "train" / "trainers.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*map(rich, range(24)), *map(conversation, range(24, 40))]
    return published(tmp_path_factory.mktemp("train") / "set", [rows])


def trained(folder: Path, config: str, kind: str) -> dict[str, Any]:
    command = [PYTHON, SCRIPT, folder, config, kind]
    shown = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr[-3000:]
    found: dict[str, Any] = json.loads(shown.stdout.splitlines()[-1])
    return found


def rows_of(folder: Path, config: str) -> list[dict[str, Any]]:
    paths = sorted((folder / config).glob("train-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def replies(row: dict[str, Any]) -> list[str]:
    """What is to be learnt of a row: the assistant's messages."""
    return [one["content"] for one in row["messages"] if one["role"] == "assistant"]


@pytest.mark.parametrize("config", TRAINABLE)
def test_sft_trains_on_every_row_and_on_the_replies_alone(folder: Path, config: str) -> None:
    found, rows = trained(folder, config, "sft"), rows_of(folder, config)
    assert found["rows"] == found["prepared"] == len(rows) > 10
    assert (found["steps"], found["finite"]) == (2, True)
    expected = ["".join(f"{reply}<end>" for reply in replies(row)) for row in rows]
    assert found["trained_on"] == expected


@pytest.mark.parametrize(("config", "kind"), [("preference", "dpo"), ("unpaired", "kto")])
def test_pairs_and_labels_are_trained_on_as_they_are(folder: Path, config: str, kind: str) -> None:
    found, rows = trained(folder, config, kind), rows_of(folder, config)
    assert found["rows"] == found["prepared"] == len(rows) > 10
    assert (found["steps"], found["finite"]) == (2, True)


def test_windows_are_as_long_as_the_real_tokenizer_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packages,) = (ROOT / ".venv-train").glob("lib/python*/site-packages")
    monkeypatch.syspath_prepend(str(packages))
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    row = conversation(3)
    settings = PublishSettings(tokenizer=str(tmp_path), max_tokens=60)
    made = CONFIGS["default"].make([row], "0" * 16, settings)
    assert len(made.rows) > 1
    for window, tokens in zip(made.rows, made.tokens, strict=True):
        words = [len(one["content"].split()) + 4 for one in window["messages"]]
        assert sum(words) == tokens <= 60
    with pytest.raises(UserError, match="cannot be read"):
        counter(str(tmp_path / "none" / "such"))


def test_pandas_polars_and_duckdb_read_every_file_and_no_name_needs_quotes(folder: Path) -> None:
    found = trained(folder, "", "read")
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*.parquet")}
    assert found == {name: pq.read_metadata(path).num_rows for name, path in paths.items()}
