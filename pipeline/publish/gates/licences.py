"""The licence of a whole dataset, from those of its rows; and which of them do not go together.

    CC0-1.0, MIT, CC-BY-4.0            CC-BY-4.0
    CC-BY-4.0, CC-BY-SA-3.0 and -4.0   CC-BY-SA-4.0
    MIT, CC-BY-NC-4.0                  CC-BY-NC-4.0
    CC-BY-SA-4.0, CC-BY-NC-4.0         none: the first forbids what the second asks for
    CC-BY-ND-4.0                       none: rows are changed here, and changes may not be shared

What each licence asks for stands in `configs/publish/licences.yaml`. That is our reading of them,
and no advice of a lawyer. Rows keep their own licence in every config.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any, Literal, NamedTuple, cast

from pipeline import texts
from pipeline.publish.gates.refusal import NamedRows, Refusal
from pipeline.publish.infos import ConfigInfo
from pipeline.recipe.base import plural

LicenceKind = Literal["free", "credit", "share", "noncommercial", "unchanged", "own"]
OWN = "LicenseRef-"  # a licence without an SPDX name
FILE = "LICENSE"
UNKNOWN = "unknown"
MIXED = "mixed"
UNSTATED = (
    "write `license:` beside the source (under `generate` for rows of its own), an SPDX name or "
    "LicenseRef-<your name>"
)
APART = (
    "publish them as two datasets, or leave one out; with `publish: {allow: [licences]}` each row "
    "keeps its own, and the card says `other`"
)
CHANGED = (
    "leave the source out; with `publish: {allow: [licences]}` you say that you may share them "
    "changed"
)

LicenceRows = Mapping[tuple[str | None, str], NamedRows]  # licence and source → its rows


class Licence(NamedTuple):
    """What a licence asks for; see the file."""

    name: str
    kind: LicenceKind
    hub: str | None = None
    into: Collection[str] = ()
    never: Collection[str] = ()

    def goes_into(self, other: Licence) -> bool:
        """May rows under it be released under another one?"""
        if self.name == other.name or other.name in self.into:
            return True
        if other.name in self.never or other.kind == "unchanged":
            return False
        return self.kind == "free" or (self.kind == "credit" and other.kind != "free")


@cache
def licence(name: str) -> Licence:
    """A licence by its SPDX name; one of the user's own is only like itself."""
    known = _known().get(name)
    if known is None:
        return Licence(name, "own")
    into, never = known.get("into", ()), known.get("never", ())
    return Licence(name, known["kind"], known.get("hub"), into, never)


@cache
def _known() -> dict[str, Any]:
    """What the file says of each, by name."""
    return cast("dict[str, Any]", texts.values("publish", "licences.yaml"))


def derived(names: Collection[str]) -> str | None:
    """The licence under which rows of all these may be released together; None where there is
    none. Of several the one that asks for least."""
    several = [licence(name) for name in sorted(names)]
    if any(one.kind == "unchanged" for one in several):
        return None
    for one in several:
        if all(other.goes_into(one) for other in several):
            return one.name
    return None


def whole_of(names: Collection[str | None]) -> str | None:
    """The same, where rows may state none (None): then there is none for all of them."""
    return None if None in names else derived(sorted(filter(None, names)))


def front(names: Collection[str | None]) -> dict[str, str]:
    """The licence as the Hub's metadata has it. names: those of the rows; None: not stated."""
    stated, whole = sorted(filter(None, names)), whole_of(names)
    if not stated:
        return {"license": UNKNOWN}
    if whole and licence(whole).hub:
        return {"license": str(licence(whole).hub)}
    found = {"license": "other", "license_name": (whole or MIXED).lower(), "license_link": FILE}
    if whole is None:
        found["license_details"] = ", ".join(stated)
    return found


def in_words(names: Collection[str | None]) -> str:
    """The licence for a reader. names: those of the rows; None: not stated."""
    stated, whole = sorted(filter(None, names)), whole_of(names)
    if whole:
        return whole
    unstated = ["not stated"] * (None in names or not stated)
    more = "; each row names its own" if stated else ""
    return ", ".join([*stated, *unstated]) + more


def file_of(rows: LicenceRows) -> str | None:
    """The text of `LICENSE`, where the Hub has no name for what the rows are under: every licence
    with its sources and where its text is."""
    names = {name for name, _ in rows}
    if front(names)["license"] != "other":
        return None
    whole = whole_of(names)
    lines = [f"This dataset is released under {whole}.", ""]
    if whole is None:
        lines[0] = SEVERAL
    for (name, source), named in rows.items():
        lines.append(f"{source}: {plural(named.rows, 'row')} under {_where(name)}")
    return "\n".join(lines) + "\n"


SEVERAL = "Rows of this dataset are under different licences; the column `license` names each."


def _where(name: str | None) -> str:
    """A licence and where its text is."""
    if name is None:
        return "no licence that is known"
    if name.startswith(OWN):
        return f"{name}, terms that its source states and no SPDX name stands for"
    return f"{name} (https://spdx.org/licenses/{name}.html)"


def of_configs(configs: Sequence[ConfigInfo]) -> list[tuple[object, ...]]:
    """A table for the card, its head first: the licence of every config, and those of its rows."""
    rows: list[tuple[object, ...]] = [("config", "licence", "licences of its rows")]
    for config in configs:
        if config.rows:
            stated = [name for name in config.licences if name != UNKNOWN]
            found = front([*stated, *[None] * (UNKNOWN in config.licences)])
            whole = found.get("license_name", found["license"])
            of_rows = [f"{name} {count}" for name, count in config.licences.items()]
            rows.append((config.name, whole, ", ".join(of_rows)))
    return rows


# --- the gate


def refusals(rows: LicenceRows) -> Iterator[Refusal]:
    """Rows without a licence, under one that forbids changes, and under two that do not go
    together."""
    for (name, source), named in rows.items():
        if name is None:
            yield Refusal("licences", f"{named} of {source} state no licence", UNSTATED)
        elif licence(name).kind == "unchanged":
            problem = f"{named} of {source} are under {name}, which lets nobody share changes"
            yield Refusal("licences", problem, CHANGED)
    for first, second in apart({name for name, _ in rows if name}):
        both = f"{_rows_under(first, rows)} and {_rows_under(second, rows)}"
        yield Refusal("licences", f"{both} do not go together", APART)


def apart(names: Collection[str]) -> list[tuple[str, str]]:
    """The pairs of licences that neither takes together; where each pair goes together and all do
    not, all pairs of those that ask for more than to be named. One that forbids changes is in
    none."""
    several = sorted(name for name in names if licence(name).kind != "unchanged")
    if not several or derived(several) is not None:
        return []
    pairs = list(combinations(several, 2))
    found = [pair for pair in pairs if derived(pair) is None]
    return found or [pair for pair in pairs if _ask_for_more(pair)]


def _ask_for_more(names: Iterable[str]) -> bool:
    return all(licence(name).kind not in ("free", "credit") for name in names)


def _rows_under(name: str, rows: LicenceRows) -> str:
    """`CC-BY-SA-4.0 (2 rows (a, b) of wiki)`"""
    of = [f"{named} of {source}" for (other, source), named in rows.items() if other == name]
    return f"{name} [{'; '.join(of)}]"
