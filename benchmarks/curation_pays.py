"""Does curation pay? As many trained tokens from raw and from curated rows of a real set.

    nice .venv-train/bin/python -m benchmarks.curation_pays --model DIR --out build/curation

    synthetic_persona_chat ──> clean rows, held out
             └──> the rest: as it is (raw) · through `filter` with its defaults (curated)
                    └──> one model each and seed, the same trained tokens, LoRA
                           └──> loss of the held-out rows, replies to their beginnings

Both are judged on the same held-out conversations: mean loss of a token, and the share of replies
with an unfilled blank, a speaker's label, or an earlier message of the conversation again.
Intervals are paired bootstrap over conversations, of the means over seeds.

Every step goes on after a kill: training from its last checkpoint, losses and replies from what is
in the folder. DIR is a model as `save_pretrained` writes it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.sets import synthetic_persona_chat
from pipeline.conversation import Conversation, Drop, normalised
from pipeline.filter import work
from pipeline.publish.configs import CONFIGS
from pipeline.publish.configs.made import PublishedRow
from pipeline.recipe.filter import FilterSettings
from pipeline.recipe.publish import PublishSettings
from pipeline.score.certainty import interval
from pipeline.store.files import RunFolder
from pipeline.train import held_out, trainer
from pipeline.train.model_folder import ModelFolder, model_folder
from pipeline.train.prepared import PreparedRows, prepared
from pipeline.train.result import SampleReply
from pipeline.train.settings import TrainingSettings
from pipeline.train.templates import of_model
from pipeline.train.tokens import NOT_TRAINED
from pipeline.train.trainer import LoadedModel, TrainerOptions

ARMS = ("raw", "curated")
BROKEN = ("style.placeholder", "style.label")
REPEATED = "repeated"  # an earlier message again; no rule of a single message
LENGTH = 1024  # tokens of a row
Rows = list[PublishedRow]


class Task(NamedTuple):
    """What is run. tokens: that are trained on in each run."""

    model: ModelFolder
    out: Path
    tokens: int
    seeds: int
    held_out: int
    replies: int


class Judged(NamedTuple):
    """Of one run. losses: (conversations, 2) sum and tokens. broken: (replies, kinds) 0 or 1."""

    losses: np.ndarray[Any, Any]
    broken: np.ndarray[Any, Any]


# --- rows


def place(row: Conversation) -> bytes:
    """Decides the order, by the id alone."""
    return hashlib.sha256(row.id.encode()).digest()


def parts(count: int) -> tuple[Rows, dict[str, Rows]]:
    """The rows that are held out, so many, and those of each arm."""
    rows = sorted(synthetic_persona_chat(), key=place)
    kept = {one.id: one for one in work(rows, FilterSettings()) if not isinstance(one, Drop)}
    clean = [row.id for row in rows if row.id in kept and kept[row.id].messages == row.messages]
    held = set(clean[:count])
    rest = [row for row in rows if row.id not in held]
    curated = [kept[row.id] for row in rest if row.id in kept]
    print(f"{len(rows)} conversations, {len(held)} held out; rest {len(rest)}, kept {len(curated)}")
    return published([kept[name] for name in sorted(held)]), {
        "raw": published(rest),
        "curated": published(curated),
    }


def published(rows: Sequence[Conversation]) -> Rows:
    """As the config `default` has them."""
    made = [CONFIGS["default"].make([row], row.id, PublishSettings()) for row in rows]
    return [row for one in made for row in one.rows]


def of_size(tokenizer: Any, rows: Rows, tokens: int, seed: int) -> PreparedRows:
    """Rows by chance until so many tokens are trained on; the last one is cut there."""
    order = np.random.RandomState(seed).permutation(len(rows)).tolist()
    chosen: list[dict[str, Any]] = []
    left = tokens
    for number in order:
        for one in prepared("sft", tokenizer, [rows[number]], LENGTH).rows:
            row = dict(one)
            labels = np.array(row["labels"])
            trained = np.flatnonzero(labels[1:] != NOT_TRAINED) + 1
            labels[trained[left:]] = NOT_TRAINED
            row["labels"] = labels.tolist()
            chosen.append(row)
            left -= min(left, len(trained))
        if not left:
            return PreparedRows(chosen, [len(one["input_ids"]) for one in chosen], tokens, {})
    raise SystemExit(f"the rows hold {tokens - left} tokens to train on, not {tokens}")


# --- a run


def run(task: Task, arm: str, seed: int, rows: Rows, held: Rows) -> Judged:
    """Train and judge one model, or read what was found before."""
    folder = RunFolder(task.out / f"{arm}-{seed}")
    settings = TrainingSettings(seed=seed, batch=4, at_once=1, checkpoint=5, new_tokens=40)
    template = of_model(task.model.folder, None)
    known = folder.read_record("losses.json")
    losses: list[list[float]] = known["losses"] if known else []  # type: ignore[assignment]
    replies = journal(folder)
    wanted = held[: task.replies]
    if not losses or len(replies) < len(wanted):
        loaded = trainer.load(task.model, template, lora=True)
        model = trained(task, folder, loaded, rows, settings)
        if not losses:
            measured = prepared("sft", loaded.tokenizer, held, LENGTH)
            losses = [list(one) for one in held_out.row_losses(model, measured.rows)]
            folder.write_record("losses.json", {"losses": losses})
        for row in wanted[len(replies) :]:
            replies += held_out.sample_replies(model, loaded, [beginning(row)], settings)
            write(folder, replies[-1])
    broken = [kinds(*both) for both in zip(replies, wanted, strict=True)]
    return Judged(np.array(losses), np.array(broken))


def trained(
    task: Task, folder: RunFolder, loaded: LoadedModel, rows: Rows, settings: TrainingSettings
) -> Any:
    chosen = of_size(loaded.tokenizer, rows, task.tokens, settings.seed)
    checkpoints = Path(folder.path, "checkpoints")
    options = TrainerOptions("sft", settings, checkpoints, packing=False, checkpointed=False)
    none = PreparedRows((), (), 0, {})
    made = trainer.trainer(loaded, chosen, none, options, report)
    start = trainer.newest(checkpoints)
    made.train(resume_from_checkpoint=start and str(start))
    return made.model


def report(step: int, steps: int, loss: float) -> None:
    print(f"  step {step} of {steps}, loss {loss:.3f}", flush=True)


def beginning(row: PublishedRow) -> PublishedRow:
    """The first half of a conversation, up to a reply that is to be written."""
    places = [n for n, one in enumerate(row["messages"]) if one["role"] == "assistant"]
    return {**row, "messages": row["messages"][: places[len(places) // 2] + 1]}


def kinds(reply: SampleReply, row: PublishedRow) -> list[int]:
    """Whether a reply has a blank, a label, an earlier message again; and any of these."""
    earlier = {normalised(one["content"]) for one in beginning(row)["messages"][:-1]}
    found = [int(rule in reply.rules) for rule in BROKEN]
    found.append(int(normalised(reply.reply) in earlier))
    return [*found, int(any(found))]


def journal(folder: RunFolder) -> list[SampleReply]:
    """The replies that were written; a line that a kill has cut is written again."""
    text = folder.read_text("replies.jsonl") or ""
    whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
    records = map(json.loads, whole)
    return [SampleReply(**{**one, "rules": tuple(one["rules"])}) for one in records]


def write(folder: RunFolder, reply: SampleReply) -> None:
    text = "".join(json.dumps(one._asdict()) + "\n" for one in (*journal(folder), reply))
    folder.write_text("replies.jsonl", text)


# --- the table


def loss(groups: Sequence[np.ndarray[Any, Any]]) -> float:
    """Curated less raw. One group: (conversations, 4) sums and tokens, raw then curated."""
    raw, tokens, curated, again = groups[0].sum(axis=0)
    return float(curated / again - raw / tokens)


def difference(groups: Sequence[np.ndarray[Any, Any]]) -> float:
    """Curated less raw. One group: (replies, 2) shares."""
    return float(groups[0][:, 1].mean() - groups[0][:, 0].mean())


def table(judged: dict[str, list[Judged]]) -> Iterator[str]:
    """raw, curated, the difference with its 95 % interval."""
    yield "| measured | raw | curated | curated less raw, 95 % |"
    yield "| --- | --- | --- | --- |"
    sums = {arm: np.sum([one.losses for one in runs], axis=0) for arm, runs in judged.items()}
    means = [sums[arm][:, 0].sum() / sums[arm][:, 1].sum() for arm in ARMS]
    found = interval(loss, [np.hstack([sums[arm] for arm in ARMS])])
    assert found
    yield line("loss of a token, held-out rows", means, found)
    shares = {arm: np.mean([one.broken for one in runs], axis=0) for arm, runs in judged.items()}
    for number, name in enumerate((*BROKEN, REPEATED, "any of these")):
        pairs = np.column_stack([shares[arm][:, number] for arm in ARMS])
        found = interval(difference, [pairs])
        assert found
        yield line(f"share of replies, {name}", pairs.mean(axis=0).tolist(), found)


def line(name: str, values: Sequence[float], found: Any) -> str:
    both = " | ".join(f"{value:.4f}" for value in values)
    return f"| {name} | {both} | {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}] |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=25_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=200)
    parser.add_argument("--replies", type=int, default=200)
    given = parser.parse_args()
    trainer.quiet()
    task = Task(
        model_folder(given.model),
        given.out,
        given.tokens,
        given.seeds,
        given.held_out,
        given.replies,
    )
    held, arms = parts(task.held_out)
    judged: dict[str, list[Judged]] = {arm: [] for arm in ARMS}
    for seed in range(1, task.seeds + 1):
        for arm in ARMS:
            print(f"{arm}, seed {seed}", flush=True)
            judged[arm].append(run(task, arm, seed, arms[arm], held))
    print("\n".join(table(judged)))


if __name__ == "__main__":
    main()
