"""Models trained on what is published, with the real trainers: `make test-train`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.publish.configs import CONFIGS, TRAINABLE
from pipeline.publish.tokens import counter
from pipeline.recipe.publish import PublishSettings
from tests.publishing import published
from tests.rows import conversation, record, write_jsonl
from tests.servers.hub import TOKEN, Hub, serving
from tests.test_published_files import rich

pytestmark = [pytest.mark.train, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-train" / "bin" / "python"
FAMILIES = ("gemma-3", "qwen", "llama-3")
ENDS = {"gemma-3": "<end_of_turn>", "qwen": "<|im_end|>", "llama-3": "<|eot_id|>"}
SHORT = ("held_out=6", "replies=1", "new_tokens=6", "batch=4", "checkpoint=2")
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*map(rich, range(24)), *map(conversation, range(24, 40))]
    return published(tmp_path_factory.mktemp("train") / "set", [rows], test=0.2)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def environment(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of processes in `.venv-train`: a Hub on this machine, one thread."""
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_TOKEN": TOKEN}
    return os.environ | own | hub.environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def ask(environment: dict[str, str]) -> Iterator[Ask]:
    """Calls a function of worker.py, in one process for all tests."""
    with subprocess.Popen(
        [PYTHON, "-m", "tests.train.worker"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin
        assert child.stdout

        def ask(what: str, **arguments: object) -> Any:
            child.stdin.write(json.dumps({"ask": what, **arguments}) + "\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

        yield ask
        child.stdin.close()


@pytest.fixture(scope="module")
def models(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model of each family, and one without a chat template."""
    top = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        ask("model", family=family, folder=str(top / family), base=False)
    ask("model", family="gemma-3", folder=str(top / "base"), base=True)
    return {name: top / name for name in (*FAMILIES, "base")}


def words(*given: object, settings: tuple[str, ...] = SHORT) -> list[str]:
    sets = [word for one in settings for word in ("--set", one)]
    return [*map(str, given), *sets]


def rows_of(folder: Path, config: str) -> list[dict[str, Any]]:
    paths = sorted((folder / config).glob("train-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def replies(row: dict[str, Any]) -> list[str]:
    """What is to be learnt of a row: the assistant's messages that may be trained on."""
    messages = row["messages"]
    own = [one for one in messages if one["role"] == "assistant" and one.get("train", True)]
    return [one["content"] for one in own]


def result_of(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "result.json").read_text("utf-8"))
    return found


# --- TRL itself


@pytest.mark.parametrize("config", TRAINABLE)
def test_trl_trains_on_every_row_and_on_the_replies_alone(
    ask: Ask, folder: Path, config: str
) -> None:
    found, rows = (
        ask("plain", folder=str(folder), config=config, kind="sft"),
        rows_of(folder, config),
    )
    assert found["rows"] == found["prepared"] == len(rows) > 10
    assert (found["steps"], found["finite"]) == (2, True)
    own = [
        [one["content"] for one in row["messages"] if one["role"] == "assistant"] for row in rows
    ]
    assert found["trained_on"] == ["".join(f"{reply}<end>" for reply in row) for row in own]


@pytest.mark.parametrize(("config", "kind"), [("preference", "dpo"), ("unpaired", "kto")])
def test_trl_takes_pairs_and_labels_as_they_are(
    ask: Ask, folder: Path, config: str, kind: str
) -> None:
    found = ask("plain", folder=str(folder), config=config, kind=kind)
    assert found["rows"] == found["prepared"] == len(rows_of(folder, config)) > 10
    assert (found["steps"], found["finite"]) == (2, True)


# --- what is trained on


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("config", TRAINABLE)
@pytest.mark.parametrize("packing", [False, True])
def test_every_token_of_every_reply_is_trained_on_and_no_other(
    ask: Ask, folder: Path, models: dict[str, Path], family: str, config: str, packing: bool
) -> None:
    task = [str(folder), str(models[family]), config, ""]
    found = ask("batches", kind="sft", words=task, packing=packing)
    end = ENDS[family]
    expected = [reply + end for row in rows_of(folder, config) for reply in replies(row)]
    pieces = [f"{one}{end}" for text in found["trained_on"] for one in text.split(end)[:-1]]
    assert all(text.endswith(end) for text in found["trained_on"])
    assert Counter(pieces) == Counter(expected)


@pytest.mark.parametrize("kind", ["dpo", "kto"])
@pytest.mark.parametrize("family", ["qwen", "gemma-3"])
def test_of_pairs_the_replies_alone_are_compared(
    ask: Ask, folder: Path, models: dict[str, Path], family: str, kind: str
) -> None:
    config, names = {
        "dpo": ("preference", ("chosen", "rejected")),
        "kto": ("unpaired", ("completion",)),
    }[kind]
    task = [str(folder), str(models[family]), config, ""]
    found = ask("batches", kind=kind, words=task, packing=False)
    rows = rows_of(folder, config)
    expected = [row[name][0]["content"] + ENDS[family] for row in rows for name in names]
    assert Counter(found["trained_on"]) == Counter(expected)


def test_a_base_model_gets_the_template_that_its_tokenizer_has_tokens_for(
    ask: Ask, folder: Path, models: dict[str, Path]
) -> None:
    for template, end in (("", "<end_of_turn>"), ("plain", "<eos>")):
        task = [str(folder), str(models["base"]), "default", template]
        found = ask("batches", kind="sft", words=task, packing=False)
        texts = [one.strip() for text in found["trained_on"] for one in text.split(end)[:-1]]
        rows = rows_of(folder, "default")
        assert Counter(texts) == Counter(reply for row in rows for reply in replies(row))
    _, out, _ = ask(
        "rapport", words=words("train", "sft", folder, "--model", models["base"], "--dry-run")
    )
    assert "template    gemma (it has none of its own; its tokenizer has <end_of_turn>)" in out
    task = words(
        "train", "sft", folder, "--model", models["base"], "--template", "chatml", "--dry-run"
    )
    code, _, err = ask("rapport", words=task)
    assert code == 1
    assert "no token <|im_end|>, so no reply could end. These fit it: gemma, plain." in err


# --- the command


@pytest.mark.parametrize(
    ("kind", "config", "family"),
    [
        ("sft", "default", "gemma-3"),
        ("sft", "noted", "llama-3"),
        ("dpo", "preference", "qwen"),
        ("kto", "unpaired", "qwen"),
    ],
)
def test_a_model_is_trained_measured_described_and_loads(
    ask: Ask,
    folder: Path,
    models: dict[str, Path],
    tmp_path: Path,
    kind: str,
    config: str,
    family: str,
) -> None:
    out, base = tmp_path / "out", models[family]
    task = words(
        "train",
        kind,
        folder,
        "--model",
        base,
        "--out",
        out,
        "--config",
        config,
        "--set",
        "rate=0.02",
    )
    code, shown, err = ask("rapport", words=task)
    assert code == 0, err
    assert "held-out loss" in shown
    assert "steps " in err
    assert "memory      about" in err
    result = result_of(out)
    before, after = result["before"]["loss"], result["after"]["loss"]
    assert after < before
    assert f"{before:.4f} before, {after:.4f} after" in shown
    card = (out / "README.md").read_text("utf-8")
    digest = json.loads((out / "training.json").read_text("utf-8"))["data"]
    for text in (
        digest,
        f"{before:.4f}",
        f"{after:.4f}",
        "| unknown |",
        "the model's own",
        "trl 1.",
    ):
        assert text in card
    assert (out / "curve.svg").read_text("utf-8").count("<circle") == 2
    found = ask("loads", folder=str(out), base=str(base))
    adapted, merged = found["losses"]
    assert adapted == pytest.approx(merged, abs=1e-4)
    assert adapted != pytest.approx(found["before"], abs=1e-4)
    assert ENDS[family] in found["ends"]
    code, shown, _ = ask("rapport", words=task)
    assert (code, shown.splitlines()[0]) == (0, "It was done before: nothing was trained.")
    code, _, err = ask("rapport", words=[*task, "--set", "seed=2"])
    assert code == 1
    assert "holds another training: it differs in settings." in err


def test_killed_at_half_the_same_command_ends_with_the_same_loss(
    ask: Ask, folder: Path, models: dict[str, Path], tmp_path: Path, environment: dict[str, str]
) -> None:
    def task(out: Path) -> list[str]:
        return words(
            "train", "sft", folder, "--model", models["qwen"], "--out", out, "--set", "epochs=2"
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert ask("rapport", words=task(whole))[0] == 0
    last = result_of(whole)["losses"][-1][0]
    half = last // 2 // 2 * 2
    with subprocess.Popen(
        [PYTHON, "-m", "pipeline.cli", *task(killed)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
    ) as child:
        end = time.monotonic() + 120
        while not (killed / "checkpoints" / f"checkpoint-{half}").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert not (killed / "result.json").exists()
    code, _, err = ask("rapport", words=task(killed))
    assert code == 0
    assert "goes on from checkpoint-" in err
    one, other = result_of(whole), result_of(killed)
    assert [step for step, _ in other["losses"]] == list(range(1, last + 1))
    assert other["losses"][-1][1] == pytest.approx(one["losses"][-1][1], abs=1e-4)
    assert other["after"]["loss"] == pytest.approx(one["after"]["loss"], abs=1e-4)


def test_a_dataset_that_was_pushed_is_trained_on_by_its_name(
    ask: Ask, hub: Hub, models: dict[str, Path], tmp_path: Path, environment: dict[str, str]
) -> None:
    talks = write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(60)])
    own = [PYTHON, "-m", "pipeline.cli"]
    for task in (
        ["publish", talks, "--out", tmp_path / "run", "--license", "CC0-1.0"],
        ["push", tmp_path / "run", "anna/talks"],
    ):
        subprocess.run([*own, *task], cwd=ROOT, env=environment, check=True, capture_output=True)
    out = tmp_path / "out"
    code, _, err = ask(
        "rapport",
        words=words("train", "sft", "anna/talks", "--model", models["qwen"], "--out", out),
    )
    assert code == 0, err
    commit = hub.repos["anna/talks"].head
    card = (out / "README.md").read_text("utf-8")
    assert f"anna/talks, revision {commit}" in card
    result = result_of(out)
    assert result["after"]["loss"] < result["before"]["loss"]
    run = ask(
        "rapport",
        words=words("train", "sft", tmp_path / "run", "--model", models["qwen"], "--dry-run"),
    )
    assert json.loads((out / "training.json").read_text("utf-8"))["data"][:12] in run[1]


# --- the files


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
    command = [PYTHON, ROOT / "tests" / "train" / "trainers.py", folder]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*.parquet")}
    expected = {name: pq.read_metadata(path).num_rows for name, path in paths.items()}
    assert json.loads(shown.stdout) == expected
