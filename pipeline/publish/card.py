"""The dataset card: what is in it, where it is from, and what became of every row on the way. Measured numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from pipeline.publish.split import REHEARSAL

# size_categories of the Hub: rows up to, name
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(
    name: str,
    splits: Mapping[str, int],
    sources: Sequence[Mapping[str, Any]],
    languages: Mapping[str, int],
    funnel: Sequence[Mapping[str, Any]],
    measures: Mapping[str, Mapping[str, float]],
) -> str:
    """README.md of the published folder.

    splits: rows by split. sources: rows with name, kind, rows, license, attribution. languages: rows by code.
    funnel: rows of `run.funnel`. measures: name → p5, p50, p95 over the published rows.
    """
    heads = ("stage", "in", "added", "kept", "dropped", "merged", "quarantined")
    way = [(*(row[head] for head in heads), _reasons(row)) for row in funnel]
    origins = [
        (s["name"], s["kind"], s["rows"], s["license"] or "not stated", s["attribution"] or "")
        for s in sources
    ]
    ranks = ("p5", "p50", "p95")
    figures = [
        (measure, *(_number(found[rank]) for rank in ranks)) for measure, found in measures.items()
    ]
    parts = [
        f"---\n{_front(splits, sources, languages)}---",
        f"# {name}",
        "Conversations collected, filtered, deduplicated and measured with Rapport. What became of every row is below.",
        _rehearsal_notice(splits),
        "## Splits",
        _table(("split", "rows"), list(splits.items())),
        "## The way here",
        _table((*heads, "main reasons"), way),
        "In every room: in + added = kept + dropped + merged + quarantined.",
        "## Sources and licences",
        _table(("source", "kind", "rows", "licence", "attribution"), origins),
        "## Languages",
        _table(("language", "rows"), list(languages.items())),
        "## Measured on the published rows",
        _table(("measure", *ranks), figures),
        "A measure that could not be taken on a row is null there, never zero.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(
    splits: Mapping[str, int], sources: Sequence[Mapping[str, Any]], languages: Mapping[str, int]
) -> str:
    rows = sum(splits.values())
    licences = sorted({s["license"] for s in sources if s["license"]})
    files = [
        {"split": split, "path": f"data/{split}-*.parquet"}
        for split, count in splits.items()
        if count
    ]
    front: dict[str, Any] = {
        "configs": [
            {"config_name": "default", "data_files": files}
        ],  # explicit: a stray file becomes no split
        "language": [code for code in languages if code != "unknown"],
        "license": licences[0].lower() if len(licences) == 1 else "other",
        "size_categories": [next((label for limit, label in SIZES if rows < limit), "1M<n<10M")],
        "tags": ["dialogue", "conversational", "rapport"],
    }
    if len(licences) > 1:
        front["license_name"] = "mixed"
        front["license_details"] = ", ".join(licences)
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True)


def _rehearsal_notice(splits: Mapping[str, int]) -> str:
    count = splits.get(REHEARSAL, 0)
    return (
        f"> {count} rows were written by the offline rehearsal model to try the recipe out. They stand in the split "
        f"`{REHEARSAL}`, are marked in `source.rehearsal`, and are never pushed. Train on none of them."
        if count
        else ""
    )


def _reasons(row: Mapping[str, Any]) -> str:
    main = sorted(row["reasons"].items(), key=lambda item: (-item[1], item[0]))[:4]
    return ", ".join(f"{rule} {count}" for rule, count in main)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )
