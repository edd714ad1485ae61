"""The changelog of a card: an entry for each release on the Hub, dated, the newest first.

    <!-- changelog -->
    ### v2, 2026-11-30 <!-- 3fa9… -->
    …
    <!-- /changelog -->

It is written when a release is pushed, from the card that is there. The comment names what the
release holds: pushed again, it gets no second entry and no other date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

BEGIN, END = "<!-- changelog -->", "<!-- /changelog -->"
UNRELEASED = "Not pushed yet."
SECTION = f"{BEGIN}\n{UNRELEASED}\n{END}"
BETWEEN = re.compile(rf"{BEGIN}\n(.*?)\n{END}", re.S)
NEWEST = re.compile(r"### v\d+, \d{4}-\d{2}-\d{2} <!-- (\w+) -->")

ConfigRows = Mapping[str, Mapping[str, int]]  # of each config, by split


def entries(card: str) -> str:
    """The changelog of a card, without its marks; empty where it has none."""
    found = BETWEEN.search(card)
    text = found[1].strip() if found else ""
    return "" if text == UNRELEASED else text


def describes(changelog: str, content: str) -> bool:
    """Is the newest entry of this release? content: names what it holds."""
    found = NEWEST.match(changelog)
    return found is not None and found[1] == content


def entry(tag: str, day: str, content: str, now: ConfigRows, before: ConfigRows) -> str:
    """What a release has, and had before, in rows."""
    lines = [f"### {tag}, {day} <!-- {content} -->", ""]
    for config in sorted({*now, *before}):
        rows, had = (sum(one.get(config, {}).values()) for one in (now, before))
        if not had:
            lines.append(f"- `{config}`: {rows:,} rows, new")
        elif rows != had:
            lines.append(f"- `{config}`: {rows:,} rows, {had:,} before")
        else:
            lines.append(f"- `{config}`: {rows:,} rows, as many as before")
    return "\n".join(lines)


def with_changelog(card: str, changelog: str) -> str:
    """A card with this changelog; one without a place for it stays as it is."""
    return BETWEEN.sub(lambda _: f"{BEGIN}\n{changelog}\n{END}", card)
