"""What all requests of a run folder have cost."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pipeline.llm.calls import Calls

CALLS = "calls.sqlite"  # every model call and its answer


def spent(folder: Path) -> tuple[int, float]:
    """Tokens and US dollars of every request that was ever made for a run folder."""
    path = folder / CALLS
    if not path.exists():
        return 0, 0.0
    with closing(Calls(path)) as calls:
        return calls.spent()
