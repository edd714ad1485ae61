"""What the command line shows, as tables and lines of text. Prints nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from pipeline.conversation import Finding
from pipeline.filter.calibrate import PERCENTILES, Calibration, Change
from pipeline.filter.openings import ALIKE, Openings
from pipeline.run.trace import Stop


def funnel(way: Sequence[Mapping[str, Any]]) -> Table:
    """A row a room, with the three rules that decided most."""
    heads = ("in", "added", "changed", "dropped", "merged", "quarantined", "kept")
    rows = []
    for row in way:
        main = sorted(row["reasons"].items(), key=lambda item: (-item[1], item[0]))
        reasons = ", ".join(f"{rule} {count}" for rule, count in main[:3]) + (
            " …" if len(main) > 3 else ""
        )
        numbers = [row["edited" if head == "changed" else head] for head in heads]
        rows.append((row["stage"], *numbers, f"{row['seconds']:.1f}", reasons))
    return table(("stage", *heads, "seconds", "main reasons"), rows)


def story(stops: Sequence[Stop]) -> list[str]:
    """Where a conversation is from, what each room made of it, and its words."""
    lines: list[str] = []
    last = stops[-1].conversation
    if last is not None:
        source = last.source
        made = f" by {', '.join(source.models)}" if source.models else ""
        lines += [f"{last.id}  {source.kind} {source.name}: {source.ref}{made}"]
        lines += [
            f"  licence {source.license or 'not stated'}; {source.attribution or 'no attribution stated'}"
        ]
    for stop in stops:
        lines.append(
            f"{stop.room}: {stop.ended} ({stop.part})" + (f": {stop.error}" if stop.error else "")
        )
        lines += [f"  {edit}" for edit in stop.edits]
        lines += [f"  {_finding(f)}" for f in stop.findings]
    if last is not None:
        lines += [
            "",
            *(f"{n:3} {m.name or m.role}: {m.content}" for n, m in enumerate(last.messages)),
        ]
    return lines


def _finding(finding: Finding) -> str:
    value = "" if finding.value is None else f" {finding.value:.4g}"
    limit = "" if finding.limit is None else f" (limit {finding.limit:.4g})"
    where = "" if finding.message is None else f", message {finding.message}"
    evidence = f": {finding.evidence}" if finding.evidence else ""
    return f"{finding.decision} {finding.rule}{value}{limit}{where}{evidence}"


def bars(histogram: Sequence[int]) -> str:
    """A histogram as a line of blocks; an empty bin is blank."""
    top = max(histogram) or 1
    return "".join(" ▁▂▃▄▅▆▇█"[0 if not n else 1 + round(7 * n / top)] for n in histogram)


def cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def measures(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line a measure: its histogram and percentiles."""
    return [
        f"{name:20} {bars(m['histogram'])}  p5 {m['p5']:.4g}  p50 {m['p50']:.4g}  p95 {m['p95']:.4g}"
        for name, m in found.items()
    ]


def usage(took: Mapping[str, Any]) -> list[str]:
    """What the models took in the last walk of `generate`, and in all walks together."""
    calls, stored, tokens = (
        took["calls"],
        took["cached"],
        took["prompt_tokens"] + took["completion_tokens"],
    )
    failures = (
        ", ".join(f"{reason} {count}" for reason, count in sorted(took["failures"].items()))
        or "none"
    )
    answered = (
        f"{calls} calls, {stored} of them answered from the store; {took['requests']} requests"
    )
    return [
        "",
        f"models: {answered}, {tokens} tokens, ${took['cost']:.4f}; failed requests: {failures}",
        f"spent in this folder so far: {took['all_tokens']} tokens, ${took['all_cost']:.4f}",
    ]


def links(met: Mapping[str, Any]) -> list[str]:
    """What `dedup` compared, and where it compared less than all."""
    largest = f"the largest bucket holds {met['largest_bucket']} rows"
    capped = f"{met['capped_buckets']} buckets over the limit (`dedup.bucket`); {largest}"
    alike = f"{met['candidates']} candidate pairs, {met['similar']} found similar"
    return [
        "",
        f"dedup: {alike}; {met['boilerplate_rows']} rows compared without shared passages; {capped}",
    ]


def over_budget(planned: Sequence[Mapping[str, Any]]) -> list[str]:
    """A warning for each limit of the budget that lies below the estimate."""
    return [
        f"Careful: the estimate exceeds `budget.{limit}`. The run will stop there, cleanly; raised, it goes on."
        for row in planned
        for limit in row.get("over", ())
    ]


def calibration(found: Calibration) -> list[Table]:
    """What every measure is like per source, what each rule would do, how alike talks begin."""
    ranks = [f"p{rank}" for rank in PERCENTILES]
    spreads = [
        (s.source, s.measure, s.rows, *(f"{value:.4g}" for value in s.values))
        for s in found.spreads
    ]
    effects = [
        (e.source, e.rule, e.decision, e.limit, e.rows, f"{e.rows / e.of:.2%}", e.alone)
        for e in found.effects
    ]
    return [
        table(("source", "measure", "rows", *ranks), spreads),
        table(
            ("source", "rule", "decision", "limit", "rows", "share", "by this rule alone"), effects
        ),
        openings(found.openings),
    ]


def openings(found: Sequence[Openings]) -> Table:
    """How alike the talks of each source begin."""
    rows = [
        (
            o.source,
            o.rows,
            f"{o.share:.2%}",
            o.commonest,
            o.times,
            f"warning: above {ALIKE:.0%}" if o.alike else "",
        )
        for o in found
    ]
    return table(
        ("source", "rows", "share of the ten commonest openings", "the commonest", "times", ""),
        rows,
    )


def changes(dropped: Sequence[Change], kept: Sequence[Change]) -> list[str]:
    """Rows that a changed limit decides otherwise, with their words."""
    lines = []
    for head, found in (("newly dropped", dropped), ("newly kept", kept)):
        lines += ["", f"{head}: {'none' if not found else f'the first {len(found)}'}"]
        for change in found:
            first = max(0, change.message - 1)  # with what it answers
            said = " / ".join(m.content for m in change.row.messages[first:] if m.role != "system")
            lines += [f"  {change.row.id}  {'; '.join(change.reasons)}"]
            lines += [
                f"      {f'from message {first}: ' if first else ''}{' '.join(said[:400].split())}"
            ]
    return lines


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        numbers = bool(rows) and all(_numeric(row[place]) for row in rows)
        shown.add_column(head, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*map(str, row))
    return shown


def _numeric(value: object) -> bool:
    return (
        isinstance(value, int | float)
        or str(value).replace(".", "", 1).rstrip("%").isdigit()
        or value == ""
    )
