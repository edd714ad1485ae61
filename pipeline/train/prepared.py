"""Rows as a trainer takes them, and how long they are.

sft         tokens, and which of them are trained on (`tokens.py`)
dpo, kto    conversations as they are, which TRL renders; those that do not fit are left out
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.publish.configs.made import PublishedRow
from pipeline.train.settings import Kind
from pipeline.train.tokens import REFUSED, ChatTokenizer, Tokenized, rendered, tokenized

TOO_LONG = "longer than `length`"
REPLIES = {"dpo": ("chosen", "rejected"), "kto": ("completion",)}


@dataclass(frozen=True)
class PreparedRows:
    """rows: as the trainer takes them. lengths: tokens of each. trained: tokens in all that are
    trained on. counts: rows that were left out or cut, by reason."""

    rows: Sequence[Mapping[str, Any]]
    lengths: Sequence[int]
    trained: int
    counts: Mapping[str, int]


def prepared(
    kind: Kind, tokenizer: ChatTokenizer, rows: Sequence[PublishedRow], length: int
) -> PreparedRows:
    """Rows for one kind of training. Raises UserError as `tokens.tokenized` does."""
    if kind == "sft":
        return _of_sft(tokenized(tokenizer, rows, length))
    return _of_replies(kind, tokenizer, rows, length)


def _of_sft(found: Tokenized) -> PreparedRows:
    rows = [{"input_ids": row.ids, "labels": row.labels} for row in found.rows]
    lengths = [len(row.ids) for row in found.rows]
    return PreparedRows(rows, lengths, found.trained, found.counts)


def _of_replies(
    kind: Kind, tokenizer: ChatTokenizer, rows: Sequence[PublishedRow], length: int
) -> PreparedRows:
    kept, lengths, trained = [], [], 0
    counts = Counter[str]()
    for row in rows:
        try:
            sizes = list(_sizes(kind, tokenizer, row))
        except Exception as error:  # templates raise their own errors on what they do not take
            counts[f"{REFUSED}: {error}"] += 1
            continue
        if max(whole for whole, _ in sizes) > length:
            counts[TOO_LONG] += 1
            continue
        kept.append({name: row[name] for name in _columns(kind)})
        lengths.append(sum(whole for whole, _ in sizes))
        trained += sum(reply for _, reply in sizes)
    return PreparedRows(kept, lengths, trained, counts)


def _sizes(kind: Kind, tokenizer: ChatTokenizer, row: PublishedRow) -> Iterator[tuple[int, int]]:
    """For each reply of a row: tokens with the prompt, and of the reply alone."""
    before = _count(tokenizer, rendered(tokenizer, row["prompt"], prompt=True))
    for name in REPLIES[kind]:
        whole = _count(tokenizer, rendered(tokenizer, [*row["prompt"], *row[name]]))
        yield whole, whole - before


def _count(tokenizer: ChatTokenizer, text: str) -> int:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return len(encoded["input_ids"])


def _columns(kind: Kind) -> tuple[str, ...]:
    label = ("label",) if kind == "kto" else ()
    return ("prompt", *REPLIES[kind], *label)
