"""Licences by their SPDX names: a source under an unknown one is refused before it is read."""

from __future__ import annotations

import difflib
from functools import cache

from pipeline import UserError
from pipeline.recipe.collect import SourceSettings
from pipeline.texts import entries

# What the Hub calls some licences → SPDX.
HUB_NAMES = {
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
    "odbl": "ODbL-1.0",
    "gpl-3.0": "GPL-3.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "agpl-3.0": "AGPL-3.0-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "gfdl": "GFDL-1.3-or-later",
}


def spdx(name: str) -> str | None:
    """The SPDX name in its own letters ("cc-by-4.0" → "CC-BY-4.0"); None when it is unknown."""
    if name.startswith("LicenseRef-"):
        return name
    return _known().get(HUB_NAMES.get(name.lower(), name).lower())


def checked(source: SourceSettings) -> SourceSettings:
    """The source with its licence in SPDX's own letters; a source may have none.

    UserError when the licence is unknown.
    """
    if source.license is None:
        return source
    name = spdx(source.license)
    if name is None:
        raise UserError(f"source {source.name}: {_unknown(source.license)}")
    return source.model_copy(update={"license": name})


def _unknown(name: str) -> str:
    hint = "Is it an SPDX name? If it has none,"
    for nearest in difflib.get_close_matches(name.lower(), list(_known()), 1):
        hint = f"did you mean {_known()[nearest]}? Else"
    return f"unknown licence {name!r}; {hint} write `LicenseRef-<your name>`"


@cache
def _known() -> dict[str, str]:
    """SPDX names by their small letters."""
    return {name.lower(): name for name in entries("", "licenses.txt")}
