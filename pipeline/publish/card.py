"""The dataset card: what is in it, where it is from, and what became of every row. Measured numbers
only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml

from pipeline.publish import infos, release
from pipeline.publish.choice import Choice, rows_of
from pipeline.publish.gates import licences
from pipeline.publish.split import REHEARSAL
from pipeline.publish.summary import Rating, Summary
from pipeline.store.agreement import Agreement, Agreements, Interval
from pipeline.store.report import FunnelRow, by_count

# size_categories of the Hub: rows up to, name
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)
LARGEST = "1M<n<10M"
NO_CHOICE = Choice()  # every row that may be published is
REASONS_SHOWN = 4  # of a stage, the commonest

INTRODUCTION = (
    "Conversations collected, filtered, deduplicated and measured with Rapport. "
    "What became of every row is below."
)


def card(
    name: str,
    summary: Summary,
    funnel: Sequence[FunnelRow],
    refused: Sequence[str] = (),
    choice: Choice = NO_CHOICE,
    agreements: Agreements | None = None,
) -> str:
    """README.md of the published folder. funnel: one row a stage. refused: why the dataset may not
    be released, a sentence each. choice: how its rows were chosen. agreements: how far scorers
    agree with people."""
    parts = [
        f"---\n{_front_matter(summary)}---",
        f"# {name}",
        INTRODUCTION,
        _rehearsal_notice(summary.splits),
        _private_notice(summary, refused),
        "## Splits",
        _table(("split", "rows"), list(summary.splits.items())),
        *_configs(summary),
        "## From source to dataset",
        _funnel(funnel),
        "In every stage: in + added = kept + dropped + merged + quarantined.",
        _chosen(choice),
        "## Sources and licences",
        _sources(summary),
        "## Languages",
        _table(("language", "rows"), list(summary.languages.items())),
        "## Measured on the published rows",
        _measures(summary),
        "A measure that could not be taken on a row is null there, never zero.",
        _ratings(summary.ratings),
        *_agreements(agreements),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(summary: Summary) -> str:
    """What the Hub reads: files, languages, licence, size."""
    rows = sum(summary.splits.values())
    tags = ["dialogue", "conversational", "rapport"]
    if summary.grades:
        tags.append("not-for-all-audiences")
    front: dict[str, object] = {
        **infos.metadata(summary.configs),  # explicit: a stray file becomes no split
        "language": [code for code in summary.languages if code != "unknown"],
        **licences.front({source.license for source in summary.sources}),
        "size_categories": [_size(rows)],
        "tags": tags,
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True)


def _configs(summary: Summary) -> Iterator[str]:
    """What there is to load, and what became of the rows in each."""
    for title, found in (
        ("## Configs", infos.overview(summary.configs)),
        ("## The licence of each config", licences.of_configs(summary.configs)),
        ("## What each config leaves out and changes", infos.accounts(summary.configs)),
        (
            f"## Tokens of a row of `default`, {_counted_by(summary)}",
            infos.token_table(summary.configs),
        ),
    ):
        head, *rows = found
        if rows:
            yield from (title, _table(head, rows))


def _counted_by(summary: Summary) -> str:
    if summary.tokenizer:
        return f"counted with {summary.tokenizer}"
    return "estimated as a quarter of the bytes"


def _size(rows: int) -> str:
    for limit, name in SIZES:
        if rows < limit:
            return name
    return LARGEST


def _rehearsal_notice(splits: Mapping[str, int]) -> str:
    count = splits.get(REHEARSAL, 0)
    if not count:
        return ""
    return (
        f"> {count} rows were written by the offline rehearsal model to try the recipe out. "
        f"They stand in the config `{REHEARSAL}`, are marked in `source.rehearsal`, and are never "
        "pushed. Train on none of them."
    )


def _private_notice(summary: Summary, refused: Sequence[str]) -> str:
    if refused:
        return "> **Not for release.** " + " ".join(refused)
    found = [f"> Released all the same: {sentence}" for sentence in summary.allowed]
    if summary.private:
        rows = release.private_rows(summary)
        found.append(f"> {rows}. Whoever made this dataset states that all who wrote them agree.")
    return "\n>\n".join(found)


def _funnel(funnel: Sequence[FunnelRow]) -> str:
    heads = ("stage", "in", "added", "kept", "dropped", "merged", "quarantined")
    rows = [[*(row[head] for head in heads), _reasons(row["reasons"])] for row in funnel]  # type: ignore[literal-required]
    return _table((*heads, "main reasons"), rows)


def _reasons(reasons: Mapping[str, int]) -> str:
    main = list(by_count(reasons).items())[:REASONS_SHOWN]
    return ", ".join(f"{rule} {count}" for rule, count in main)


def _chosen(choice: Choice) -> str:
    if not choice.how:
        return ""
    head, *rows = rows_of(choice.groups)
    return "\n\n".join(["## How rows were chosen", *choice.how, _table(head, rows)])


def _sources(summary: Summary) -> str:
    rows = []
    for source, count in summary.sources.items():
        licence = source.license or "not stated"
        attribution = source.attribution or ""
        rows.append((source.name, source.kind, count, licence, attribution))
    return _table(("source", "kind", "rows", "licence", "attribution"), rows)


def _measures(summary: Summary) -> str:
    rows = []
    for measure, found in summary.measures.items():
        rows.append((measure, *map(_number, found)))
    return _table(("measure", "p5", "p50", "p95"), rows)


def _agreements(agreements: Agreements | None) -> Iterator[str]:
    """How far the scores agree with people."""
    if agreements:
        yield "## How far scorers agree with people"
        yield (
            f"Spearman's rank correlation on {agreements.rows} conversations that people have "
            f"rated ({', '.join(agreements.sources)}), with its 95 % interval: over all of them, "
            "and within each system or source alone. Only the latter says anything of a single "
            "conversation: a scorer is not shown to be useful where its interval holds 0."
        )
        heads = ("criterion", "by", "rated", "null", "all", "within", "verdict")
        yield _table(heads, [_agreement(one) for one in agreements.found])


def _agreement(one: Agreement) -> tuple[object, ...]:
    pooled, within = _interval(one.pooled), _interval(one.within)
    return (one.criterion, one.by, one.n, one.nulls, pooled, within, one.verdict or "")


def _interval(one: Interval | None) -> str:
    if one is None:
        return "-"
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _ratings(ratings: Sequence[Rating]) -> str:
    """Each scorer of each criterion: there is no sum."""
    if not ratings:
        return ""
    rows = []
    for criterion, by, rated, null, found in ratings:
        cells = [_number(value) for value in found or ()] or ["-"] * 3
        rows.append((criterion, by, rated, null, *cells))
    head = ("criterion", "by", "rows", "not rated", "p5", "p50", "p95")
    return f"## Scores, from 1 to 5\n\n{_table(head, rows)}"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
