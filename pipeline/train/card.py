"""The model card: from what, on what, how, and what came of it. Measured numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import yaml

from pipeline import __version__
from pipeline.train import libraries
from pipeline.train.plan import TrainingPlan
from pipeline.train.result import SampleReply, TrainingResult

SHOWN = 5  # sample replies on the card
LONGEST = 300  # characters of one
NON_COMMERCIAL = "-NC-"
WHAT = {
    "sft": "Supervised: only the assistant's messages, and what ends them, are trained on.",
    "dpo": "DPO: the chosen reply of a pair shall become likelier than the rejected one.",
    "kto": "KTO: replies labelled good shall become likelier, those labelled bad less likely.",
}


def card(plan: TrainingPlan, result: TrainingResult, packing: bool) -> str:
    """README.md of the trained model."""
    parts = [
        f"---\n{_front_matter(plan)}---",
        f"# {plan.source.name}: {plan.task.kind} of {plan.model.name}",
        f"Trained with Rapport {__version__}. {WHAT[plan.task.kind]}",
        "## What it gained",
        *_gained(plan, result),
        "![loss by step](curve.svg)",
        "## Sample replies",
        *_replies(result),
        "## Data",
        *_data(plan),
        "## How it was trained",
        _table(("what", "value"), list(_recipe(plan, packing))),
        "## How to load it",
        _loading(plan),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(plan: TrainingPlan) -> str:
    front: dict[str, object] = {
        "base_model": plan.model.name,
        "library_name": "peft" if plan.task.settings.lora else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["conversational", "rapport", plan.task.kind],
        "license": "other",
        "license_name": "that-of-the-base-model-and-of-the-rows",
    }
    if plan.source.revision:
        front["datasets"] = [plan.source.name]
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True)


def _gained(plan: TrainingPlan, result: TrainingResult) -> Iterator[str]:
    before, after = result.before, result.after
    rows: list[Sequence[object]] = []
    losses = result.losses_held_out()
    if losses:
        change = f"{100 * (losses[1] / losses[0] - 1):+.1f} %"
        rows.append((f"loss, {plan.rows.split} split", *map(_number, losses), change))
    if before.accuracy is not None and after.accuracy is not None:
        both = map(_number, (before.accuracy, after.accuracy))
        rows.append(("chosen reply likelier", *both, ""))
    rows.append(("sample replies that break a rule", before.broken(), after.broken(), ""))
    yield _table(("measured on rows that were held out", "before", "after", "change"), rows)
    yield (
        f"{len(plan.held_out.rows)} rows are held out. Nothing related to them (the same thread, "
        "character or near copy) was trained on. "
        f"Mean loss of the last steps: {_number(result.last)}."
    )
    if not losses:
        yield "The dataset has no test split: no loss was measured."


def _replies(result: TrainingResult) -> Iterator[str]:
    """A table of replies before and after, each with the rules that it breaks."""
    pairs = list(zip(result.before.replies, result.after.replies, strict=True))
    if not pairs:
        yield "None were asked for, or nothing is held out."
        return
    rows = [(_short(one.asked), _reply(one), _reply(other)) for one, other in pairs[:SHOWN]]
    yield _table(("asked", "before", "after"), rows)
    yield "The likeliest tokens; rules are those that `generate` reads on a new message."


def _reply(sample: SampleReply) -> str:
    rules = f" ({', '.join(sample.rules)})" if sample.rules else ""
    return f"{_short(sample.reply) or '(nothing)'}{rules}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _data(plan: TrainingPlan) -> Iterator[str]:
    revision = f", revision {plan.source.revision}" if plan.source.revision else ""
    yield (
        f"{plan.source.name}{revision}, config `{plan.rows.config}`: {len(plan.train.rows)} rows. "
        f"SHA-256 of the rows: `{plan.rows.digest}`."
    )
    licences = list(plan.rows.licences.items())
    yield _table(("licence of the rows", "rows"), licences)
    if any(NON_COMMERCIAL in name for name, _ in licences):
        yield "Some rows are for non-commercial use only; this may bind the model too."
    reasons = {**plan.rows.left_out, **plan.train.counts}
    if reasons:
        yield _table(("left out or cut", "rows"), list(reasons.items()))


def _recipe(plan: TrainingPlan, packing: bool) -> Iterator[tuple[str, object]]:
    task, settings = plan.task, plan.task.settings
    yield "chat template", plan.template
    yield "steps", plan.cost.steps
    yield "tokens in all steps", f"{plan.cost.tokens:,}, of replies {plan.trained:,}"
    yield "learning rate", f"{settings.rate_of(task.kind):g}"
    yield "packing", packing
    for name, value in settings.model_dump().items():
        if name not in ("steps", "rate", "packing"):
            yield name, value
    yield "device", plan.cost.device.name
    versions = libraries.versions().items()
    yield "libraries", ", ".join(f"{name} {version}" for name, version in versions)


def _loading(plan: TrainingPlan) -> str:
    folder = "merged" if plan.task.settings.lora else "model"
    lines = [
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        f'model = AutoModelForCausalLM.from_pretrained("{folder}")',
        f'tokenizer = AutoTokenizer.from_pretrained("{folder}")',
    ]
    return "\n".join(["```python", *lines, "```"])


def _number(value: float) -> str:
    return f"{value:.4f}"


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
