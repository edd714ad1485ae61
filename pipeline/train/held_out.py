"""How good a model is on rows that it was not trained on: its loss, and replies for a reader.

Losses of sft are means over tokens of replies, each row by itself; those of dpo and kto are TRL's.
Sample replies are the likeliest tokens, and go through the rules that `generate` reads on each new
message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from pipeline.conversation import Message
from pipeline.publish.configs.made import UNKNOWN, PublishedRow
from pipeline.rules.message import check
from pipeline.train.prepared import PreparedRows
from pipeline.train.result import HeldOut, RowLoss, SampleReply
from pipeline.train.settings import Kind, TrainingSettings
from pipeline.train.tokens import NOT_TRAINED, rendered
from pipeline.train.trainer import LoadedModel


def measured(
    kind: Kind,
    trainer: Any,
    loaded: LoadedModel,
    held_out: PreparedRows,
    samples: Sequence[PublishedRow],
    settings: TrainingSettings,
) -> HeldOut:
    """Losses of held-out rows and sample replies, by the trainer's model as it is now."""
    replies = sample_replies(trainer.model, loaded, samples, settings)
    if not held_out.rows:
        return HeldOut(None, replies)
    if kind == "sft":
        rows = row_losses(trainer.model, held_out.rows)
        tokens = sum(row.tokens for row in rows)
        return HeldOut(sum(row.total for row in rows) / tokens, replies, rows=rows)
    found = trainer.evaluate()
    return HeldOut(found["eval_loss"], replies, found.get("eval_rewards/accuracies"))


def row_losses(model: Any, rows: Sequence[Mapping[str, Any]]) -> list[RowLoss]:
    """The loss of each row of tokens, by itself."""
    model.eval()
    with torch.no_grad():
        return [_row_loss(model, row["input_ids"], row["labels"]) for row in rows]


def _row_loss(model: Any, ids: list[int], labels: list[int]) -> RowLoss:
    given = torch.tensor([ids], device=model.device)
    wanted = torch.tensor(labels[1:], device=model.device)
    logits = model(given, use_cache=False).logits[0, :-1]
    places = wanted != NOT_TRAINED
    total = torch.nn.functional.cross_entropy(
        logits[places].float(), wanted[places], reduction="sum"
    )
    return RowLoss(float(total), int(places.sum()))


# --- sample replies


def sample_replies(
    model: Any,
    loaded: LoadedModel,
    rows: Sequence[PublishedRow],
    settings: TrainingSettings,
) -> list[SampleReply]:
    """What the model answers at the end of each row."""
    model.eval()
    found = []
    for row in rows:
        asked = _asked(row)
        reply = generated(model, loaded, asked, settings)
        rules = _rules(asked, reply, row.get("language"))
        found.append(SampleReply(row["id"], asked[-1]["content"], reply, rules))
    return found


def _asked(row: PublishedRow) -> list[dict[str, str]]:
    """The messages before the last reply, or a prompt as it stands."""
    if "prompt" in row:
        return list(row["prompt"])
    messages: list[dict[str, str]] = row["messages"]
    places = [place for place, one in enumerate(messages) if one["role"] == "assistant"]
    return messages[: places[-1]]


def generated(
    model: Any,
    loaded: LoadedModel,
    asked: Sequence[Mapping[str, object]],
    settings: TrainingSettings,
) -> str:
    """The likeliest reply, up to its end."""
    text = rendered(loaded.tokenizer, asked, prompt=True)
    ids = loaded.tokenizer(text, add_special_tokens=False)["input_ids"][-settings.length :]
    given = torch.tensor([ids], device=model.device)
    with torch.no_grad():
        out = model.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=settings.new_tokens,
            do_sample=False,
            pad_token_id=loaded.tokenizer.pad_token_id,
        )
    reply = loaded.tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True)
    return str(reply).strip()


def _rules(asked: Sequence[Mapping[str, str]], reply: str, language: str | None) -> tuple[str, ...]:
    """The rules that a reply breaks, the worst first."""
    messages = [Message(one["role"], one["content"]) for one in asked]  # type: ignore[arg-type]
    expected = None if language in (None, UNKNOWN) else language
    found = check([*messages, Message("assistant", reply)], expected=expected)
    return tuple(dict.fromkeys(one.rule for one in found))
