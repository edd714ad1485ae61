"""The gate before a release: what keeps a dataset from being pushed where everybody can read it.

On this disk, or in a repository that only its owner reads, it may be all the same.
"""

from __future__ import annotations

from pipeline.publish.summary import Summary
from pipeline.recipe.publish import PublishSettings


def refusals(summary: Summary, settings: PublishSettings) -> list[str]:
    """Why a dataset may not be released, a sentence each, with what to write in the recipe."""
    if settings.private_rows != "refuse" or not summary.private:
        return []
    advice = (
        "write `publish: {private_rows: leave_out}`, or `{private_rows: publish}` if all who wrote "
        "them agree"
    )
    return [f"{private_rows(summary)}. It may not be released with them: {advice}."]


def private_rows(summary: Summary) -> str:
    """How many rows are private, and of which sources."""
    count = sum(summary.private.values())
    of_each = ", ".join(f"{name} {rows}" for name, rows in summary.private.items())
    what = "row is" if count == 1 else "rows are"
    return f"{count} {what} from messengers, mailboxes or accounts of persons ({of_each})"
