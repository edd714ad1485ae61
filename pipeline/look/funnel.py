"""The funnel: what became of the rows, stage by stage and source by source; and what is worth a
look."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from pipeline.look.index.frame import Frame
from pipeline.look.opened import StageState
from pipeline.look.state import Look
from pipeline.look.whatif import NEAR
from pipeline.store.counts import total
from pipeline.store.report import by_count

LOST = 0.5  # share of a source's rows; our choice
MANY_NEAR = 0.1  # rows near a limit, of those beyond it; our choice
FEW_NEAR = 5  # rows; fewer are not worth a sentence
OPENING = 0.25  # share of a source's rows that open in one of ten ways; our choice
OPENED = 20  # rows; of a smaller source it says nothing
SHOWN = 5  # sentences of a kind


class ReasonCount(TypedDict):
    rule: str
    count: int


# a word of Python as a key
SourceFlow = TypedDict(
    "SourceFlow",
    {"in": int, "kept": int, "dropped": int, "quarantined": int, "reasons": dict[str, int]},
)
StageFlow = TypedDict(
    "StageFlow",
    {
        "stage": str,
        "in": int,
        "added": int,
        "kept": int,
        "dropped": int,
        "merged": int,
        "quarantined": int,
        "edited": int,
        "state": str,
        "seconds": float,
        "reasons": list[ReasonCount],
        "sources": dict[str, SourceFlow],
    },
)
SourceTotal = TypedDict(
    "SourceTotal",
    {
        "name": str,
        "license": str | None,
        "in": int,
        "kept": int,
        "dropped": int,
        "quarantined": int,
        "most_lost_to": str | None,
    },
)


class WorthALook(TypedDict):
    """A sentence, and where to see it. level: warn, info or ok."""

    kind: str
    level: str
    text: str
    where: list[str]


class FunnelPage(TypedDict):
    version: int
    stages: list[StageFlow]
    sources: list[SourceTotal]
    worth: list[WorthALook]


def funnel_page(look: Look) -> FunnelPage:
    moment = look.index.moment
    frame = moment.frame
    lost = _lost(frame)
    stages = list(_stages(frame, moment.content.stages, lost))
    sources = list(_sources(frame, lost))
    worth = [*_lost_half(sources), *_openings(moment.content.stages)]
    worth += [*_near(look), *_split_groups(look)]
    return FunnelPage(version=frame.number, stages=stages, sources=sources, worth=worth)


class _Counted(TypedDict):
    """Rows by source and stage: what each stage has dropped and quarantined, by reason."""

    dropped: dict[tuple[str, str], Counter[str]]
    quarantined: dict[tuple[str, str], Counter[str]]
    rows: Counter[str]
    kept: Counter[str]


def _lost(frame: Frame) -> _Counted:
    """One count over all rows of outcome, stage, source and reason together."""
    dropped: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    quarantined: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    rows: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for (outcome, stage, source, reason), count in _joint(frame).items():
        rows[source] += count
        if outcome == "dropped":
            dropped[source, stage][reason] += count
        elif outcome == "quarantined":
            quarantined[source, stage][reason] += count
        else:
            kept[source] += count
    return _Counted(dropped=dropped, quarantined=quarantined, rows=rows, kept=kept)


JOINT = ("outcome", "stage", "source", "reason")


def _joint(frame: Frame) -> dict[tuple[str, ...], int]:
    if not frame.rows:
        return {}
    values = [frame.columns.values[name] for name in JOINT]
    shape = tuple(map(len, values))
    arrays = [frame.columns.arrays[name].astype(np.intp) for name in JOINT]
    numbers, counts = np.unique(np.ravel_multi_index(arrays, shape), return_counts=True)
    codes = np.unravel_index(numbers, shape)
    columns = [np.array(own, object)[code] for own, code in zip(values, codes, strict=True)]
    return dict(zip(zip(*columns, strict=True), counts.tolist(), strict=True))


def _stages(frame: Frame, states: Sequence[StageState], lost: _Counted) -> Iterator[StageFlow]:
    """From the last stage back: what a stage had of a source is what it kept and what it lost."""
    flows: list[StageFlow] = []
    after = dict(lost["kept"])
    made = _generated(frame)
    for state in reversed(states):
        sources = {}
        for source, kept in sorted(_with_lost(after, lost, state.stage).items()):
            flow = _source_flow(lost, source, state.stage, kept)
            after[source] = flow["in"]
            if source in made and state.stage == "generate":
                flow["in"] = after[source] = 0
            if kept or flow["in"]:
                sources[source or "?"] = flow
        flows.append(_stage(state, sources))
    yield from reversed(flows)


def _generated(frame: Frame) -> set[str]:
    """The sources whose rows `generate` has made."""
    if not frame.rows or "generated" not in frame.columns.values["kind"]:
        return set()
    code = frame.columns.values["kind"].index("generated")
    own = np.unique(frame.columns.arrays["source"][frame.columns.arrays["kind"] == code])
    return {frame.columns.values["source"][source] for source in own}


def _source_flow(lost: _Counted, source: str, stage: str, kept: int) -> SourceFlow:
    reasons = lost["dropped"].get((source, stage), Counter())
    unread = lost["quarantined"].get((source, stage), Counter())
    dropped = reasons.total()
    return {
        "in": kept + dropped + unread.total(),
        "kept": kept,
        "dropped": dropped,
        "quarantined": unread.total(),
        "reasons": by_count(reasons + unread),
    }


def _with_lost(after: dict[str, int], lost: _Counted, stage: str) -> dict[str, int]:
    """Rows by source after a stage, with the sources that lost all of theirs in it."""
    gone = [source for source, own in (*lost["dropped"], *lost["quarantined"]) if own == stage]
    return dict.fromkeys(gone, 0) | after


def _stage(state: StageState, sources: dict[str, SourceFlow]) -> StageFlow:
    counts = total(mark.counts for mark in state.marks.values())
    reasons = [
        ReasonCount(rule=rule.removeprefix("quarantine: "), count=n)
        for rule, n in by_count(counts.reasons).items()
    ]
    flow: StageFlow = {
        "in": counts.rows_in,
        "added": 0,
        "seconds": counts.seconds,
        "stage": state.stage,
        "kept": counts.kept,
        "dropped": counts.dropped,
        "merged": counts.merged,
        "quarantined": counts.quarantined,
        "edited": counts.edited,
        "state": "running",
        "reasons": reasons,
        "sources": sources,
    }
    report = state.report
    if report:
        flow["in"], flow["added"] = report["in"], report["added"]
        flow["seconds"], flow["state"] = report["seconds"], "done"
    return flow


def _sources(frame: Frame, lost: _Counted) -> Iterator[SourceTotal]:
    """Every source, the largest first."""
    licences = _licences(frame)
    for source, rows in lost["rows"].most_common():
        reasons: Counter[str] = Counter()
        for (name, _), own in lost["dropped"].items():
            if name == source:
                reasons += own
        unread = sum(
            own.total() for (name, _), own in lost["quarantined"].items() if name == source
        )
        most = reasons.most_common(1)
        yield {
            "in": rows,
            "kept": lost["kept"][source],
            "dropped": reasons.total(),
            "name": source or "?",
            "quarantined": unread,
            "license": licences.get(source),
            "most_lost_to": most[0][0] if most else None,
        }


def _licences(frame: Frame) -> dict[str, str]:
    """Source → a licence of its rows."""
    if not frame.rows:
        return {}
    sources, licences = frame.columns.arrays["source"], frame.columns.arrays["license"]
    known = np.flatnonzero(licences)
    first = np.unique(sources[known], return_index=True)[1]
    found = {}
    for row in known[first]:
        source = frame.columns.value("source", int(row)) or ""
        found[source] = frame.columns.value("license", int(row)) or ""
    return found


# --- worth a look


def _lost_half(sources: Sequence[SourceTotal]) -> Iterator[WorthALook]:
    for one in sources:
        rows, gone = one["in"], one["dropped"] + one["quarantined"]
        if rows and gone / rows > LOST:
            to = f", most to {one['most_lost_to']}" * bool(one["most_lost_to"])
            text = f"{one['name']} lost {gone / rows:.0%} of its {rows:,} rows{to}."
            where = [f"source={one['name']}", "outcome=dropped|quarantined"]
            yield WorthALook(kind="lost_half", level="warn", text=text, where=where)


def _openings(states: Sequence[StageState]) -> Iterator[WorthALook]:
    """As `filter` has counted them."""
    for state in states:
        report: Mapping[str, Any] = state.report or {}
        for one in report.get("openings", ()):
            if one["rows"] >= OPENED and one["share"] > OPENING:
                text = (
                    f"{one['share']:.0%} of {one['source']} open in one of ten ways, "
                    f"{one['times']:,} rows with “{one['commonest']}”."
                )
                where = [f"source={one['source']}", "outcome=kept"]
                yield WorthALook(kind="opening", level="warn", text=text, where=where)


def _near(look: Look) -> Iterator[WorthALook]:
    """Rules that would decide many rows otherwise at a limit a little apart."""
    found = [one for one in look.known_choices if one["near"] >= MANY_NEAR * max(1, one["rows"])]
    found.sort(key=lambda one: -one["near"])
    for one in found[:SHOWN]:
        if one["near"] >= FEW_NEAR:
            limit = f"its limit {one['limit']:g}"
            text = f"{one['rule']}: {one['near']:,} rows lie within {NEAR:.0%} of {limit}."
            where = [f"rule={one['rule']}"]
            yield WorthALook(kind="near_limit", level="info", text=text, where=where)


def _split_groups(look: Look) -> Iterator[WorthALook]:
    """Does a group of rows that belong together stand in two splits?"""
    groups = look.known_groups
    if groups is None:
        return
    level, text = "ok", f"None of {groups.number:,} groups stands in two splits."
    if groups.in_two:
        level = "warn"
        text = f"{len(groups.in_two)} groups stand in two splits, as {groups.in_two[0]}."
    yield WorthALook(kind="split_groups", level=level, text=text, where=["split!=null"])
