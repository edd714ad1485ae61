"""The changelog of a card: an entry for each release on the Hub, dated, the newest first.

    ### v2, 2026-11-30
    - `default`: 1,034 rows, 1,000 before

It is written when a release is pushed, and kept in release.json too: from there the next push takes
it. What is pushed again gets no second entry and no other date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

BEGIN, END = "<!-- changelog -->", "<!-- /changelog -->"
UNRELEASED = "Not pushed yet."
SECTION = f"{BEGIN}\n{UNRELEASED}\n{END}"
BETWEEN = re.compile(rf"{BEGIN}\n.*?\n{END}", re.S)
NUMBER = re.compile(r"### v(\d+)")

ConfigRows = Mapping[str, Mapping[str, int]]  # of each config, by split


@dataclass(frozen=True)
class LastRelease:
    """What release.json says of the release that is on the Hub.

    files: SHA-256 by path, its own included. content: names what the release holds. rows: of each
    config, by split. changelog: its entries.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    content: str = ""
    rows: ConfigRows = field(default_factory=dict)
    changelog: str = ""


def continued(
    last: LastRelease,
    content: str,
    rows: ConfigRows,
    day: str,
) -> str:
    """The changelog with an entry for this release, which has it already where it is the last."""
    if last.content == content:
        return last.changelog
    number = number_of_newest(last.changelog) + 1
    lines = [f"### v{number}, {day}", "", *_changes(rows, last.rows)]
    return "\n".join([*lines, "", last.changelog]).strip()


def _changes(now: ConfigRows, before: ConfigRows) -> list[str]:
    lines = []
    for config in sorted({*now, *before}):
        rows, had = (sum(one.get(config, {}).values()) for one in (now, before))
        more = f", {had:,} before" if before else ""
        lines.append(f"- `{config}`: {rows:,} rows{more}")
    return lines


def number_of_newest(changelog: str) -> int:
    """The number of the newest entry; 0 where there is none."""
    found = NUMBER.match(changelog)
    return int(found[1]) if found else 0


def with_changelog(card: str, changelog: str) -> str:
    """A card with these entries; one without a place for them stays as it is."""
    return BETWEEN.sub(lambda _: f"{BEGIN}\n{changelog}\n{END}", card)
