"""Rows that a person has decided to keep: they stay, though they are duplicates of others.

Not what is in a set that the result must share nothing with (`dedup.against`).
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.columns import whole
from pipeline.dedup.edges import AGAINST, RULES
from pipeline.store.reviews import KEPT


class StillDropped(NamedTuple):
    """table: of the rows, with an edit in those that stay. decisions: without them."""

    table: pa.Table
    decisions: pa.Table


def without_kept(table: pa.Table, decisions: pa.Table) -> StillDropped:
    """A part and what `link` decided on it, before that is applied."""
    chosen = _kept(table, decisions)
    if not chosen:
        return StillDropped(table, decisions)
    stay = decisions.take(pa.array(chosen, pa.int64()))
    others = sorted(set(range(len(decisions))) - set(chosen))
    place = table.schema.get_field_index("edits")
    edits = table["edits"].to_pylist()
    for record in stay.to_pylist():
        similarity = f"{record['rule']} {record['similarity']:.2f} of {record['partner']}"
        edits[record["row"]].append(f"dedup: kept by a person, though {similarity}")
    kind = table.schema.field(place)
    noted = table.set_column(place, kind, pa.array(edits, kind.type))
    return StillDropped(noted, decisions.take(pa.array(others, pa.int64())))


def _kept(table: pa.Table, decisions: pa.Table) -> list[int]:
    """The numbers of the decisions that a person has set aside."""
    findings = whole(table["findings"].take(decisions["row"]))
    rules = findings.flatten().field("rule")
    if not pc.any(pc.equal(rules, KEPT)).as_py():
        return []
    found = []
    for number, (own, rule) in enumerate(
        zip(findings.to_pylist(), decisions["rule"].to_pylist(), strict=True)
    ):
        if rule != RULES[AGAINST] and any(finding["rule"] == KEPT for finding in own):
            found.append(number)
    return found
