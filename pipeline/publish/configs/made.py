"""What a config makes of a row, and the columns that most configs have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline.conversation import Conversation

PublishedRow = dict[str, Any]  # a published row
UNKNOWN = "unknown"  # a licence or a language that nobody has stated; no column is null for it
TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
TURNS = pa.list_(TURN)
ORIGIN = [(name, pa.string()) for name in ("source", "license", "language", "split_group")]


@dataclass(frozen=True)
class MadeRows:
    """Published rows, or the reason why there are none.

    changed: what was merged, moved, cut or passed over, each with its reason → how often. tokens:
    of each row, where they are counted.
    """

    rows: Sequence[PublishedRow] = ()
    left_out: str = ""
    changed: Mapping[str, int] = field(default_factory=dict)
    tokens: Sequence[int] = ()

    def __post_init__(self) -> None:
        if bool(self.rows) == bool(self.left_out):
            raise ValueError("a conversation is published, or left out for a reason")


def origin(row: Conversation, group: str) -> PublishedRow:
    """The columns `ORIGIN` of a row. group: what must not stand on two sides, by name."""
    return {
        "source": row.source.name,
        "license": row.source.license or UNKNOWN,
        "language": row.language.code if row.language else row.declared_language or UNKNOWN,
        "split_group": group,
    }
