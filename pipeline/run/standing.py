"""The reports of the stages of a run that are done."""

from __future__ import annotations

from typing import cast

from pipeline import UserError
from pipeline.store.report import Report
from pipeline.store.store import Store


def standing(out: str) -> dict[str, Report]:
    """The report of every stage that is done, by folder, in order. Raises UserError where there is
    no run."""
    top = Store(out)
    if top.read_text("recipe.yaml") is None:
        raise UserError(
            f"There is no run in {out}. A run folder has a recipe.yaml; see `rapport run --help`."
        )
    found: dict[str, Report] = {}
    before = ""
    for folder in (name for name in top.listing() if name[:1].isdigit()):
        report = cast("Report | None", Store(out, folder).read_record("report.json"))
        if report and report["before"] == before:  # else: made from an older store
            found[folder], before = report, report["store"]
    return found
