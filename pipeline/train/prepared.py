"""Rows as a trainer takes them, and how long they are.

sft         tokens, and which of them are trained on (`tokens.py`)
dpo, kto    conversations as they are, which TRL renders; those that do not fit are left out
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
    kept, counts = [], Counter[str]()
    sizes: list[ReplySize] = []
    for row in rows:
        found = _size(kind, tokenizer, row, length)
        if isinstance(found, str):
            counts[found] += 1
        else:
            kept.append({name: row[name] for name in _columns(kind)})
            sizes.append(found)
    lengths = [one.whole for one in sizes]
    return PreparedRows(kept, lengths, sum(one.replies for one in sizes), counts)


class ReplySize(NamedTuple):
    """Tokens of a row: of each reply with the prompt, summed, and of replies alone."""

    whole: int
    replies: int


def _size(kind: Kind, tokenizer: ChatTokenizer, row: PublishedRow, length: int) -> ReplySize | str:
    """The size of a row, or why it is left out."""
    prompt = row["prompt"]
    try:
        before = _count(tokenizer, rendered(tokenizer, prompt, prompt=True))
        texts = [rendered(tokenizer, [*prompt, *row[name]]) for name in REPLIES[kind]]
    except Exception as error:  # templates raise their own errors on what they do not take
        return f"{REFUSED}: {error}"
    wholes = [_count(tokenizer, text) for text in texts]
    if max(wholes) > length:
        return TOO_LONG
    return ReplySize(sum(wholes), sum(wholes) - before * len(wholes))


def _count(tokenizer: ChatTokenizer, text: str) -> int:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return len(encoded["input_ids"])


def _columns(kind: Kind) -> tuple[str, ...]:
    label = ("label",) if kind == "kto" else ()
    return ("prompt", *REPLIES[kind], *label)
