"""One HTML file that needs nothing else: the funnel, a chart of every number, and 200 rows.

No script in it. Every text goes through `markup`, which escapes what it is given; a piece that is
markup already is a `Markup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from pipeline.conversation import Conversation, Finding
from pipeline.look import funnel, query, side
from pipeline.look.selection import Selection
from pipeline.look.state import Look
from pipeline.look.stored import StoredRow, stored
from pipeline.look.wording import finding_text

ROWS = 200
LONGEST = 4_000  # characters of a message
WIDTH, HEIGHT = 200, 48  # of a chart
STYLE = """
:root { color-scheme: light dark; --line: #8885; --accent: #3867d6; --soft: #8882; --drop: #c0392b }
@media (prefers-color-scheme: dark) { :root { --accent: #8fb0ff; --drop: #ff8a7a } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .25rem .5rem;
  border-bottom: 1px solid var(--line); vertical-align: top } .n { text-align: right }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)) }
svg rect { fill: var(--accent) } figcaption { font-size: .85rem } figure { margin: 0 }
details { border-bottom: 1px solid var(--line); padding: .4rem 0 } summary { cursor: pointer }
.say { background: var(--soft); border-radius: .6rem; padding: .4rem .7rem; margin: .3rem 0;
  max-width: 44rem; white-space: pre-wrap; overflow-wrap: anywhere }
.user { margin-left: 3rem } .drop { color: var(--drop) } small { opacity: .8 }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Markup(str):
    """A text that is markup already."""

    __slots__ = ()


def markup(template: str, *values: object) -> Markup:
    """A template with values in the place of its {}: escaped, unless they are `Markup`."""
    return Markup(template.format(*map(_escaped, values)))


def _escaped(value: object) -> str:
    return value if isinstance(value, Markup) else escape(str(value))


def _joined(pieces: Iterable[Markup]) -> Markup:
    return Markup("\n".join(pieces))


def write(look: Look, path: Path) -> None:
    """Write the file, whole or not at all. Raises UserError where a part is damaged."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(page(look), "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def page(look: Look) -> str:
    """The whole file."""
    name = look.subject.name
    found = funnel.funnel_page(look)
    kept = sum(source["kept"] for source in found["sources"])
    sample = Selection(sample=ROWS)
    rows = query.chosen_rows(look, look.frame, sample)
    shown = [_row(stored(look.frame, int(row))) for row in rows]
    return markup(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="{}">'
        '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style>'
        "<main><h1>{}</h1><p>{} of {} rows are kept.</p>"
        "<h2>Stages</h2>{}<h2>Sources</h2>{}<h2>Measures and scores</h2>{}"
        "<h2>{} rows</h2>{}</main></html>",
        POLICY,
        name,
        Markup(STYLE),
        name,
        f"{kept:,}",
        f"{look.frame.rows:,}",
        _stages(found["stages"]),
        _sources(found["sources"]),
        _charts(look),
        len(shown),
        _joined(shown),
    )


def _table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> Markup:
    head = _joined(markup("<th>{}</th>", text) for text in heads)
    body = _joined(markup("<tr>{}</tr>", _joined(map(_cell, line))) for line in lines)
    return markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def _cell(value: object) -> Markup:
    if isinstance(value, int):
        return markup('<td class="n">{}</td>', f"{value:,}")
    return markup("<td>{}</td>", value)


def _stages(stages: Sequence[funnel.StageFlow]) -> Markup:
    lines = []
    for one in stages:
        reasons = ", ".join(f"{reason['rule']} {reason['count']:,}" for reason in one["reasons"])
        counts = (one["in"], one["added"], one["kept"], one["dropped"], one["quarantined"])
        lines.append((one["stage"], *counts, reasons))
    return _table(("stage", "in", "added", "kept", "dropped", "quarantined", "reasons"), lines)


def _sources(sources: Sequence[funnel.SourceTotal]) -> Markup:
    lines = []
    for one in sources:
        counts = (one["in"], one["kept"], one["dropped"])
        lines.append((one["name"], one["license"] or "", *counts, one["most_lost_to"] or ""))
    return _table(("source", "licence", "rows", "kept", "dropped", "most lost to"), lines)


def _charts(look: Look) -> Markup:
    numbers = side.side_bar(look, Selection())["numbers"]
    figures = _joined(_chart(name, one) for name, one in numbers.items())
    return markup('<div class="charts">{}</div>', figures)


def _chart(name: str, found: side.HistogramRecord) -> Markup:
    most = max(found["counts"], default=0) or 1
    width = WIDTH / max(1, len(found["counts"]))
    bars = []
    for place, count in enumerate(found["counts"]):
        height = HEIGHT * count / most
        spot = (f"{place * width:.1f}", f"{HEIGHT - height:.1f}", f"{width * 0.85:.1f}")
        bars.append(markup('<rect x="{}" y="{}" width="{}" height="{}"/>', *spot, f"{height:.1f}"))
    label = f"{name}: {found['low']:.3g} to {found['high']:.3g}"
    return markup(
        '<figure><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        "<figcaption>{}</figcaption></figure>",
        WIDTH,
        HEIGHT,
        label,
        _joined(bars),
        label,
    )


def _row(found: StoredRow) -> Markup:
    head = f"{found.id}: {found.outcome} by {found.stage}"
    if found.unreadable is not None:
        record = found.unreadable
        text = f"{record.where}: {record.rule}: {record.detail}\n{record.raw[:LONGEST]}"
        return markup(
            '<details><summary>{}</summary><div class="say">{}</div></details>', head, text
        )
    row = found.conversation
    if row is None:
        return markup("<details><summary>{}</summary></details>", head)
    source = f"{row.source.name}, {row.source.license or 'licence not stated'}"
    said = _joined(_said(row))
    return markup(
        "<details><summary>{} <small>{}</small></summary>{}</details>", head, source, said
    )


def _said(row: Conversation) -> Iterator[Markup]:
    yield from (_found(one) for one in row.findings if one.message is None)
    for index, message in enumerate(row.messages):
        yield markup(
            '<div class="say {}" dir="auto"><small>{}</small><br>{}</div>',
            message.role,
            message.name or message.role,
            message.content[:LONGEST],
        )
        yield from (_found(one) for one in row.findings if one.message == index)


def _found(one: Finding) -> Markup:
    if one.decision == "measured":
        return Markup("")
    return markup('<small class="{}">▲ {}</small><br>', one.decision, finding_text(one))
