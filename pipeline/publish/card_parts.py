"""Parts of the dataset card: the facts of its first screen, an example, tables of stages and
scores, what it is limited by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

import yaml

from pipeline import texts
from pipeline.publish import markdown
from pipeline.publish.charts import FOLDER
from pipeline.publish.drawing import Drawing
from pipeline.publish.fates import Fate
from pipeline.publish.gates import licences
from pipeline.publish.gates.rating import GRADES
from pipeline.publish.markdown import table
from pipeline.publish.split import REHEARSAL, TRAIN
from pipeline.publish.summary import Rating, Summary
from pipeline.publish.value_counts import shown
from pipeline.store.agreement import Agreement, Agreements, Interval
from pipeline.store.report import FunnelRow, by_count
from pipeline.train.entries import axolotl_dataset, llama_factory_dataset

PLACE = "OWNER/NAME"  # of the dataset on the Hub; a push writes its own
REASONS_SHOWN = 4  # of a stage, the commonest
LANGUAGES_SHOWN = 5
EXAMPLE_SHOWN = 1_500  # characters of the example


@dataclass(frozen=True)
class Made:
    """How a dataset was made, besides its rows.

    fates: what became of the rows of each source. recipe: resolved, as YAML. versions: by package.
    about: the publisher's own text, Markdown. contact: where to ask for a takedown. example: a row
    of `default`. taken_down: rows that were. charts: by name.
    """

    fates: Sequence[Fate] = ()
    recipe: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    contact: str | None = None
    example: Mapping[str, Any] | None = None
    taken_down: int = 0
    charts: Mapping[str, Drawing] = field(default_factory=dict)


# --- the first screen


def facts(summary: Summary) -> str:
    """Rows, languages, licence and rating, as a table."""
    real = {split: rows for split, rows in summary.splits.items() if split != REHEARSAL}
    licence = licences.in_words({source.license for source in summary.sources})
    rows = [
        ("**Rows**", f"{sum(real.values()):,}: {_listed(real)}"),
        ("**Languages**", _listed(summary.languages)),
        ("**Licence**", markdown.cell(licence)),
        ("**Rating**", _listed(_rated(summary))),
    ]
    head, *lines = (f"| {name} | {value} |" for name, value in rows)
    return "\n".join([head, "| --- | --- |", *lines])


def _rated(summary: Summary) -> dict[str, int]:
    """Rows by rating, those that have any."""
    found = {name: summary.grades.get(grade, 0) for name, grade in GRADES.items()}
    found["general"] = sum(summary.sources.values()) - sum(found.values())
    return {name: rows for name, rows in found.items() if rows}


def _listed(counts: Mapping[str, int]) -> str:
    """`train 54, validation 6, test 8`"""
    named = [f"{markdown.cell(name)} {rows:,}" for name, rows in counts.items()]
    more = len(named) - LANGUAGES_SHOWN
    shown_names = named[:LANGUAGES_SHOWN] + ([f"{more} more"] if more > 0 else [])
    return ", ".join(shown_names)


def example(made: Made) -> str:
    """A row as it is; long ones are cut."""
    if made.example is None:
        return ""
    content = example_text(made.example)
    if len(content) > EXAMPLE_SHOWN:
        content = content[:EXAMPLE_SHOWN] + " …"
    return markdown.code("json", content)


def example_text(row: Mapping[str, Any]) -> str:
    """A row as JSON: a line for each column and for each message."""
    columns = []
    for name, value in row.items():
        written = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list):
            items = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in value)
            written = f"[\n  {items}\n ]"
        columns.append(f' "{name}": {written}')
    return "{\n" + ",\n".join(columns) + "\n}"


def pictures(charts: Mapping[str, Drawing]) -> dict[str, str]:
    """Each chart as a picture that leads to its sharp form; that of the scores by itself."""
    links = {}
    for name, drawing in charts.items():
        links[name] = f"[![{drawing.title}]({FOLDER}/{name}.png)]({FOLDER}/{name}.svg)"
    scores = links.pop("scores", "")
    return {"top": "\n".join(links.values()), "scores": scores}


def trainers(summary: Summary, name: str) -> dict[str, str]:
    """How trainers take the configs that are there."""
    files = {
        "default": "trainers.md",
        "preference": "trainers_preference.md",
        "noted": "trainers_noted.md",
    }
    present = {config.name for config in summary.configs if config.rows}
    given = _entries(re.sub(r"\W+", "_", name)) | {"place": PLACE}
    found = []
    for config, file in files.items():
        if config in present:
            found.append(Template(texts.text("publish", file)).substitute(given))
    return {"trainers": "\n\n".join(found)}


def _entries(short: str) -> dict[str, str]:
    """What trainers that have a list of datasets write into it. short: a name that is a word."""
    listed = {short: llama_factory_dataset(PLACE, "default", TRAIN)}
    found = {"llama_factory": json.dumps(listed, indent=1)}
    for config in ("default", "noted"):
        entry = axolotl_dataset(PLACE, config, TRAIN, "sft")
        found[f"axolotl_{config}"] = yaml.safe_dump([entry], sort_keys=False).rstrip()
    return found


# --- stages


def funnel_table(funnel: Sequence[FunnelRow]) -> str:
    """Rows by stage."""
    heads = ("stage", "in", "added", "kept", "dropped", "merged", "quarantined")
    rows = [[*(row[head] for head in heads), _reasons(row["reasons"])] for row in funnel]  # type: ignore[literal-required]
    return table((*heads, "main reasons"), rows)


def _reasons(reasons: Mapping[str, int]) -> str:
    main = list(by_count(reasons).items())[:REASONS_SHOWN]
    return ", ".join(f"{rule} {count}" for rule, count in main)


def removed_table(funnel: Sequence[FunnelRow]) -> str:
    """Every reason with its rows."""
    rows = []
    for stage in funnel:
        rows += [(stage["stage"], rule, n) for rule, n in by_count(stage["reasons"]).items()]
    return table(("stage", "reason", "rows"), rows)


# --- scores


def rating_table(ratings: Sequence[Rating]) -> str:
    """Each scorer of each criterion: there is no sum."""
    rows = []
    for criterion, by, rated, null, found in ratings:
        cells = [shown(value) for value in found or ()] or ["-"] * 3
        rows.append((criterion, by, rated, null, *cells))
    return table(("criterion", "by", "rows", "not rated", "p5", "p50", "p95"), rows)


def agreement_table(agreements: Agreements | None) -> str:
    """How far the scores agree with people."""
    if not agreements:
        return ""
    sources = ", ".join(map(markdown.text, agreements.sources))
    about = (
        f"Spearman's rank correlation on {agreements.rows} conversations that people have "
        f"rated ({sources}), with its 95 % interval: over all of them, "
        "and within each system or source alone. Only the latter says anything of a single "
        "conversation: a scorer is not shown to be useful where its interval holds 0."
    )
    heads = ("criterion", "by", "rated", "null", "all", "within", "verdict")
    return f"{about}\n\n{table(heads, list(map(_agreement, agreements.found)))}"


def _agreement(one: Agreement) -> tuple[object, ...]:
    pooled, within = _interval(one.pooled), _interval(one.within)
    return (one.criterion, one.by, one.n, one.nulls, pooled, within, one.verdict or "")


def _interval(one: Interval | None) -> str:
    if one is None:
        return "-"
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


# --- how it was made, and what it is limited by


def recipe_of_card(recipe: str) -> str:
    """The resolved recipe, folded."""
    if not recipe:
        return ""
    block = markdown.code("yaml", recipe)
    return f"<details><summary>The recipe, resolved</summary>\n\n{block}\n\n</details>"


def limits(
    words: Mapping[str, Any],
    summary: Summary,
    agreements: Agreements | None,
) -> list[str]:
    """What a user must know, in sentences: always true ones, and those that this set makes true."""
    return [
        *words["limits"],
        *_own_limits(
            words,
            summary,
            agreements,
        ),
    ]


def _own_limits(
    words: Mapping[str, Any], summary: Summary, agreements: Agreements | None
) -> Iterator[str]:
    every = sum(summary.sources.values())
    written = sum(summary.writers.values())
    stated = sum(rows for source, rows in summary.sources.items() if source.license)
    if written:
        yield Template(words["generated"]).substitute(rows=f"{written:,}", all=f"{every:,}")
    if stated < every:
        yield Template(words["unlicensed"]).substitute(rows=f"{every - stated:,}")
    if summary.ratings and agreements is None:
        yield words["uncalibrated"]
    if not summary.tokenizer:
        yield words["estimated"]
