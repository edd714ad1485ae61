"""Licences by their SPDX names: a source under an unknown one is refused before anything is read."""

from __future__ import annotations

import difflib
from functools import cache

from pipeline import UserError
from pipeline.recipe.settings import SourceSettings
from pipeline.texts import configs

# What the Hub calls some licences → SPDX.
HUB_NAMES = {"odc-by": "ODC-By-1.0", "pddl": "PDDL-1.0", "odbl": "ODbL-1.0", "gpl-3.0": "GPL-3.0-only",
             "gpl-2.0": "GPL-2.0-only", "agpl-3.0": "AGPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only",
             "gfdl": "GFDL-1.3-or-later"}  # fmt: skip


def spdx(name: str) -> str | None:
    """The SPDX name in its own letters ("cc-by-4.0" → "CC-BY-4.0"), or null when it is none."""
    if name.startswith("LicenseRef-"):
        return name
    return _known().get(HUB_NAMES.get(name.lower(), name).lower())


def checked(source: SourceSettings) -> SourceSettings:
    """The source with its licence in SPDX's own letters. UserError when it is unknown; none at all may pass."""
    if source.license is None:
        return source
    name = spdx(source.license)
    if name is None:
        near = difflib.get_close_matches(source.license.lower(), list(_known()), 1)
        hint = (
            f"did you mean {_known()[near[0]]}? Else"
            if near
            else "Is it an SPDX name? If it has none,"
        )
        raise UserError(
            f"source {source.name}: unknown licence {source.license!r}; {hint} write `LicenseRef-<your name>`"
        )
    return source.model_copy(update={"license": name})


@cache
def _known() -> dict[str, str]:
    lines = (configs() / "licenses.txt").read_text("utf-8").splitlines()
    return {
        line.strip().lower(): line.strip()
        for line in lines
        if line.strip() and not line.startswith("#")
    }
