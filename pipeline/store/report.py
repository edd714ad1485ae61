"""What a stage reports: the counts of its rows, and what it did with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict, cast

from pipeline.store.counts import Counts, FileRecord

# One row of the funnel. `in`: rows of the stage before. added: rows of its own. read: the files
# that `collect` found in its sources. empty: sources that gave no row.
FunnelRow = TypedDict(
    "FunnelRow",
    {
        "stage": str,
        "in": int,
        "added": int,
        "kept": int,
        "dropped": int,
        "merged": int,
        "quarantined": int,
        "edited": int,
        "missing": int,
        "transient": int,
        "reasons": dict[str, int],
        "seconds": float,
        "read": list[FileRecord],
        "empty": list[str],
    },
)


class Report(FunnelRow, total=False):
    """`report.json` of a stage.

    key: what the store was made from. before: the name of the store that was read. store: the name
    of this one. content: names the files of all units. files: further files, with rows, size and
    digest. measures: name → percentiles and a histogram over all rows, the dropped ones included.
    refused: why the dataset may not be released. choice: how rows were chosen, and the counts of
    every group. diversity: how different the talks of `generate` are.
    """

    findings: dict[str, int]
    key: str
    before: str
    store: str
    content: str
    files: dict[str, dict[str, Any]]
    measures: dict[str, dict[str, Any]]
    finished: str
    usage: dict[str, Any]
    openings: list[dict[str, Any]]
    link: dict[str, Any]
    refused: list[str]
    choice: dict[str, Any]
    diversity: dict[str, Any]


FUNNEL = tuple(FunnelRow.__annotations__)


def funnel_row(report: Report) -> FunnelRow:
    """The part of a report that the funnel shows."""
    return {column: report[column] for column in FUNNEL}  # type: ignore[literal-required, return-value]


def counted(stage: str, rows_in: int, counts: Counts) -> Report:
    """A report with the counts of a stage, its reasons the most frequent first."""
    record: dict[str, Any] = asdict(counts) | {
        "stage": stage,
        "in": rows_in,
        "added": counts.rows_in - rows_in,
        "reasons": by_count(counts.reasons),
        "findings": by_count(counts.findings),
        "empty": [],
    }
    return cast("Report", record)


def by_count(numbers: Mapping[str, int]) -> dict[str, int]:
    """The same, the largest number first, equal ones by name."""
    return dict(sorted(numbers.items(), key=lambda item: (-item[1], item[0])))
