"""What people have decided on the rows of a run, as `filter` takes it and its key names it."""

from __future__ import annotations

from pathlib import Path

from pipeline.run.stages import Stage
from pipeline.store.files import RunFolder
from pipeline.store.reviews import Decided, decisions, decisions_digest

REVIEWED = "review"  # among the ingredients of a key
STAGE = "filter"


def decisions_of(out: str) -> dict[str, Decided]:
    """By id. A run in an object store has none: nobody can review it there. Raises UserError."""
    folder = RunFolder(out)
    return decisions(Path(folder.path)) if folder.local else {}


def reviewed(stage: Stage, out: str) -> dict[str, str]:
    """What a stage's key is made of besides; nothing where nobody has decided anything."""
    found = decisions_of(out) if stage.name == STAGE else {}
    return {REVIEWED: decisions_digest(found)} if found else {}
