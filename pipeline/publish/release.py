"""The gate before a release: what keeps a dataset from being pushed where everybody can read it.

On this disk, or in a repository that only its owner reads, it may be all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.publish.gates.refusal import Refusal
from pipeline.publish.summary import Summary
from pipeline.recipe.publish import PublishSettings


def parted(found: Iterable[Refusal], settings: PublishSettings) -> tuple[list[str], list[str]]:
    """Why a dataset may not be released, a sentence each with what to do; and what the recipe
    allows all the same."""
    refused: list[str] = []
    allowed: list[str] = []
    for one in found:
        if one.gate in settings.allow:
            allowed.append(f"{one.problem}.")
        else:
            refused.append(str(one))
    return refused, allowed


def private_rows(summary: Summary) -> str:
    """How many rows are private, and of which sources."""
    count = sum(summary.private.values())
    of_each = ", ".join(f"{name} {rows}" for name, rows in summary.private.items())
    what = "row is" if count == 1 else "rows are"
    return f"{count} {what} from messengers, mailboxes or accounts of persons ({of_each})"
