"""What the command line shows, as tables and lines of text. Prints nothing itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich import box
from rich.table import Table
from rich.text import Text

from pipeline.cli.streams import harmless
from pipeline.recipe.base import plural
from pipeline.recipe.draft import facts, size_text
from pipeline.store.counts import FileRecord, counted
from pipeline.store.report import FunnelRow, Report, by_count

if TYPE_CHECKING:  # imported where used: a table of one stage must not wait for another
    from pipeline.conversation import Conversation, Finding
    from pipeline.filter.calibrate import Calibration, ChangedRow
    from pipeline.filter.openings import Openings
    from pipeline.recipe.reference import Key
    from pipeline.recipe.survey import Survey
    from pipeline.run.leftovers import Leftover
    from pipeline.run.trace import StageRecord

PATHS_SHOWN = 3  # of files of which the same is to be said
MAIN_REASONS = 3  # rules that are shown in the funnel
WORDS_SHOWN = 400  # characters of a changed row
BLOCKS = " ▁▂▃▄▅▆▇█"

# --- a run


def funnel(rows: Sequence[FunnelRow]) -> Table:
    """A row a stage, with the rules that decided most."""
    heads = ("stage", "in", "added", "edited", "dropped", "merged", "quarantined", "kept")
    shown = [_funnel_row(row) for row in rows]
    return table((*heads, "seconds", "main reasons"), shown)


def _funnel_row(row: FunnelRow) -> tuple[object, ...]:
    reasons = [f"{rule} {count}" for rule, count in by_count(row["reasons"]).items()]
    if len(reasons) > MAIN_REASONS:
        reasons[MAIN_REASONS - 1 :] = [f"{reasons[MAIN_REASONS - 1]} …"]
    return (
        row["stage"],
        row["in"],
        row["added"],
        row["edited"],
        row["dropped"],
        row["merged"],
        row["quarantined"],
        row["kept"],
        f"{row['seconds']:.1f}",
        ", ".join(reasons),
    )


def files_read(rows: Iterable[FunnelRow]) -> Iterator[str]:
    """What `collect` found in files: by which shape they were read, what was assumed or left out.

    Files of which the same is to be said share a line:

        3 files read as whatsapp, 60 conversations: a.txt, b.txt, …; left out: 7 × notice
          assumed that a silence of six hours ends a conversation
        passed over: notes.md: unknown file format .md
    """
    groups: defaultdict[tuple[str | None, str, str | None], list[FileRecord]] = defaultdict(list)
    for row in rows:
        for file in row.get("read", ()):
            key = (file["shape"], "; ".join(file["assumed"]), file["passed_over"])
            groups[key].append(file)
    for (shape, assumed, passed_over), files in groups.items():
        if passed_over is not None:
            yield f"passed over: {_paths(files)}: {passed_over}"
            continue
        yield _read_line(shape, files)
        if assumed:
            yield f"  assumed that {assumed}"


def _read_line(shape: str | None, files: Sequence[FileRecord]) -> str:
    conversations = sum(file["conversations"] for file in files)
    left_out: Counter[str] = Counter()
    for file in files:
        left_out.update(file["left_out"])
    as_shape = _part(" as ", shape)
    read = f"{plural(len(files), 'file')} read{as_shape}"
    what = f"{read}, {plural(conversations, 'conversation')}: {_paths(files)}"
    return what + _part("; left out: ", counted(left_out))


def _paths(files: Sequence[FileRecord]) -> str:
    shown = [file["path"] for file in files[:PATHS_SHOWN]]
    if len(files) > PATHS_SHOWN:
        shown.append("…")
    return ", ".join(shown)


def rules(reports: Iterable[Report]) -> Table:
    """Every rule that fired, and how many rows it decided."""
    shown = []
    for report in reports:
        for rule, count in (report["reasons"] | report["findings"]).items():
            shown.append((report["stage"], rule, count, report["reasons"].get(rule, 0)))
    return table(("stage", "rule", "rows it fired on", "rows it decided"), shown)


def measures(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line a measure: its histogram and percentiles."""
    for name, measure in found.items():
        ranks = "  ".join(f"{rank} {measure[rank]:.4g}" for rank in ("p5", "p50", "p95"))
        yield f"{name:20} {bars(measure['histogram'])}  {ranks}"


def bars(histogram: Sequence[int]) -> str:
    """A histogram as a line of blocks; an empty bin is blank."""
    most = max(histogram) or 1
    steps = len(BLOCKS) - 2  # the lowest block is for any row at all
    heights = [1 + round(steps * count / most) for count in histogram]
    blocks = [
        BLOCKS[height * (count > 0)] for height, count in zip(heights, histogram, strict=True)
    ]
    return "".join(blocks)


def usage(stage: str, took: Mapping[str, Any]) -> Iterator[str]:
    """What the models took in the last run of a stage, and in all runs together."""
    counts = [f"{reason} {count}" for reason, count in sorted(took["failures"].items())]
    failures = ", ".join(counts) or "none"
    calls = f"{took['calls']} calls, {took['cached']} of them answered from the store"
    tokens = took["prompt_tokens"] + took["completion_tokens"]
    requests = f"{took['requests']} requests"
    if took.get("probes"):
        requests += f" and {took['probes']} that asked what the servers can do"
    spent = f"{requests}, {tokens} tokens, ${took['cost']:.4f}"
    yield ""
    yield f"{stage}, models: {calls}; {spent}; failed requests: {failures}"
    all_spent = f"{took['all_tokens']} tokens, ${took['all_cost']:.4f}"
    yield f"spent in this folder so far: {all_spent}"


def links(met: Mapping[str, Any]) -> Iterator[str]:
    """What `dedup` compared, and where it compared less than all."""
    similar = f"{met['candidates']} candidate pairs; {met['similar']} pairs of similar rows"
    boilerplate = f"{met['boilerplate_rows']} rows compared without boilerplate"
    capped = f"{met['capped_buckets']} buckets over the limit (`dedup.bucket`)"
    largest = f"the largest bucket holds {met['largest_bucket']} rows"
    yield ""
    yield f"dedup: {similar}; {boilerplate}; {capped}; {largest}"


def choices(reports: Iterable[Report]) -> Iterator[Table]:
    """How many rows of each group `publish` has chosen."""
    from pipeline.publish.choice import GroupCount, rows_of

    for report in reports:
        choice = report.get("choice", {})
        if choice.get("how"):
            heads, *rows = rows_of([GroupCount(**group) for group in choice["groups"]])
            yield table(list(map(str, heads)), rows)


def story(records: Sequence[StageRecord]) -> Iterator[str]:
    """The source of a conversation, what each stage made of it, and its messages."""
    last = records[-1].conversation
    if last is not None:
        yield from _origin(last)
    for record in records:
        problem = _part(": ", record.problem)
        yield f"{record.stage}: {record.outcome} ({record.part}){problem}"
        yield from (f"  {edit}" for edit in record.edits)
        yield from (f"  {_finding(finding)}" for finding in record.findings)
    if last is not None:
        yield ""
        for number, message in enumerate(last.messages):
            yield f"{number:3} {message.name or message.role}: {message.content}"


def _origin(row: Conversation) -> Iterator[str]:
    source = row.source
    models = _part(" by ", ", ".join(source.models))
    licence = source.license or "not stated"
    attribution = source.attribution or "no attribution stated"
    yield f"{row.id}  {source.kind} {source.name}: {source.ref}{models}"
    yield f"  licence {licence}; {attribution}"


def _finding(finding: Finding) -> str:
    value = _part(" ", finding.value)
    limit = _part(" (limit ", finding.limit, ")")
    where = _part(", message ", finding.message)
    evidence = _part(": ", finding.evidence)
    return f"{finding.decision} {finding.rule}{value}{limit}{where}{evidence}"


def _part(before: str, value: object, after: str = "") -> str:
    """A part of a line; empty where there is no value."""
    if value is None or value == "":
        return ""
    if isinstance(value, float):
        value = f"{value:.4g}"
    return f"{before}{value}{after}"


# --- filter


def calibration(found: Calibration) -> list[Table]:
    """Every measure per source, what each rule would do, how similar first messages are."""
    from pipeline.filter.calibrate import PERCENTILES

    spreads = [
        (spread.source, spread.measure, spread.rows, *(f"{value:.4g}" for value in spread.values))
        for spread in found.spreads
    ]
    effects = [
        (
            effect.source,
            effect.rule,
            effect.decision,
            effect.limit,
            effect.rows,
            f"{effect.rows / effect.of:.2%}",
            effect.alone,
        )
        for effect in found.effects
    ]
    ranks = [f"p{rank}" for rank in PERCENTILES]
    rule_heads = ("source", "rule", "decision", "limit", "rows", "share", "by this rule alone")
    return [
        table(("source", "measure", "rows", *ranks), spreads),
        table(rule_heads, effects),
        openings(found.openings),
    ]


def reported_openings(reports: Iterable[Report]) -> Iterator[Table]:
    """How similar the first messages of each source are, where a stage reports it."""
    from pipeline.filter.openings import Openings

    found = [Openings(**one) for report in reports for one in report.get("openings", ())]
    if found:
        yield openings(found)


def diversity(found: Mapping[str, Any]) -> Iterator[str]:
    """How different the talks of `generate` are, beside those of people."""
    yield ""
    axes = found["axes"].items()
    kinds = ", ".join(f"{axis} {axis_of['different']}" for axis, axis_of in axes)
    yield f"{found['talks']} talks; different: openings {found['openings']}, {kinds}"
    evenly = [(axis, axis_of["evenness"]) for axis, axis_of in axes]
    shown = ", ".join(f"{axis} {even:.2f}" for axis, even in evenly if even is not None)
    yield f"  evenness, 1 where each comes as often: {shown or 'one of each'}"
    people = [f"{name} {figures['begin_alike']:.1%}" for name, figures in found["human"].items()]
    if found["begin_alike"] is not None:
        yield f"  pairs that begin alike: {found['begin_alike']:.1%} ({', '.join(people)})"
    people = [f"{name} {figures['shared']:.1%}" for name, figures in found["human"].items()]
    if found["shared"] is not None:
        yield f"  5-grams that another talk has: {found['shared']:.1%} ({', '.join(people)})"
    if found["warning"]:
        yield f"warning: {found['warning']}"


def openings(found: Iterable[Openings]) -> Table:
    """How similar the first messages of each source are."""
    from pipeline.filter.openings import SIMILAR

    shown = []
    for source in found:
        share = f"{source.share:.2%}"
        row = [source.source, source.rows, share, source.commonest, source.times, ""]
        if source.too_similar:
            row[-1] = f"warning: above {SIMILAR:.0%}"
        shown.append(row)
    heads = ("source", "rows", "share of the ten commonest openings", "the commonest", "times", "")
    return table(heads, shown)


def changes(dropped: Sequence[ChangedRow], kept: Sequence[ChangedRow]) -> Iterator[str]:
    """Rows that a changed limit decides otherwise, with their messages."""
    for head, found in (("newly dropped", dropped), ("newly kept", kept)):
        yield ""
        if not found:
            yield f"{head}: none"
            continue
        yield f"{head}: the first {len(found)}"
        for change in found:
            yield f"  {change.row.id}  {'; '.join(change.reasons)}"
            yield f"      {_messages(change)}"


def _messages(change: ChangedRow) -> str:
    """The message that is decided on, with the one before it."""
    first = max(0, change.message - 1)
    shown = [row.content for row in change.row.messages[first:] if row.role != "system"]
    text = " ".join(" / ".join(shown)[:WORDS_SHOWN].split())
    return _part("from message ", first or "", ": ") + text


# --- recipes and run folders


def drafted(path: Path, found: Survey) -> Iterator[str]:
    """What `rapport init` has found and written."""
    for group in found.groups:
        yield f"{group.name}: {facts(group)}"
    for name, reason in found.left_out.items():
        yield f"left out: {name}: {reason}"
    yield f"Wrote {path}."


def reference(
    keys: Iterable[Key], rules: Iterable[Key], names: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Every key of a recipe, the rules, and the names that some keys take."""
    yield from _keys(keys)
    yield ""
    yield "Rules, under filter.rules:"
    yield ""
    yield from _keys(rules)
    for key, known in names.items():
        yield ""
        yield f"Names for {key}:"
        yield from (f"  {name}" for name in known)


def _keys(keys: Iterable[Key]) -> Iterator[str]:
    for key in keys:
        default = _part("; default: ", key.default)
        yield f"{key.path}: {key.kind}{default}"
        yield f"    {key.description}"


def leftovers(found: Iterable[Leftover]) -> Table:
    """What may be removed from a run folder, and what that costs."""
    shown = [(one.name, one.what, size_text(one.size), one.cost) for one in found]
    return table(("name", "what it is", "size", "what its removal costs"), shown)


def how_to_remove(found: Sequence[Leftover], folder: str) -> Iterator[str]:
    if not found:
        yield "There is nothing to remove."
        return
    yield f"Remove one by its name: rapport clean {folder} --remove {found[0].name}"
    spare = [one.name for one in found if one.spare]
    if spare:
        yield f"Remove all that the run does not need ({', '.join(spare)}): --yes"


def removed(found: Sequence[Leftover]) -> Iterator[str]:
    for leftover in found:
        yield f"Removed {leftover.name}: {size_text(leftover.size)}."
    if not found:
        yield "There was nothing to remove."


# --- tables


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        column = [row[place] for row in rows]
        justify: Literal["left", "right"] = "left"
        if column and all(map(_is_numeric, column)):
            justify = "right"
        shown.add_column(head, justify=justify, overflow="fold")
    for row in rows:
        shown.add_row(*map(_cell, row))
    return shown


def _cell(value: object) -> Text:
    """A cell whose text is shown as it is, whatever brackets or codes a foreign name holds."""
    return Text(harmless(str(value)))


def _is_numeric(value: object) -> bool:
    if value == "" or isinstance(value, int | float):
        return True
    return str(value).replace(".", "", 1).rstrip("%").isdigit()
