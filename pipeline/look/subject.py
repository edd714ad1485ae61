"""What is asked for: a run, a published dataset, or files. Light: the server listens before
anything large is imported."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline import UserError

Opened = Literal["run", "dataset", "file"]
INDEX = ".look"  # hidden: no stage sees it
LOCK = ".lock"  # held while a run is at work (`store/lock.py`)
LOCKS = Path("/proc/locks")  # who asks for a lock to see it could be in the way of a run


@dataclass(frozen=True)
class Subject:
    """What was asked for. path: a run or a dataset. name: for the reader. index: the folder of its
    index. kind: of a file, the path is the run that has read it."""

    kind: Opened
    path: Path
    name: str
    index: Path

    @property
    def can_review(self) -> bool:
        """A decision needs a run that honours it."""
        return self.kind == "run"

    def others(self) -> list[str]:
        """Further runs and datasets beside this one, by the names of their folders."""
        beside = (path for path in self.path.parent.iterdir() if path != self.path)
        return sorted(path.name for path in beside if subject_kind(path))

    def other(self, name: str) -> Subject:
        """One of `others`. Raises UserError for any other name."""
        if name not in self.others():
            raise UserError(f"There is no run or dataset `{name}` beside {self.path}.")
        return subject(self.path.parent / name, self.index.parent)

    def is_live(self) -> bool:
        """Is a run at work in the folder?"""
        if self.kind == "dataset":
            return False
        try:
            number = (self.path / LOCK).stat().st_ino
            held = LOCKS.read_text("ascii").splitlines()
        except OSError:
            return False
        return any(line.split()[1] == "FLOCK" and f":{number} " in line for line in held)


def subject_kind(path: Path) -> Opened | None:
    """A run, a dataset, or None of these."""
    if (path / "recipe.yaml").is_file():
        return "run"
    if next(path.glob("full/*.parquet"), None):
        return "dataset"
    return None


def subject(path: Path, cache: Path) -> Subject:
    """A folder to look at. cache: where the index of a dataset goes, whose own folder is not
    touched. Raises UserError where it is neither a run nor a dataset."""
    path = path.resolve()
    kind = subject_kind(path)
    own = cache / hashlib.blake2b(str(path).encode(), digest_size=8).hexdigest()
    if kind == "run":
        index = path / INDEX if os.access(path, os.W_OK) else own
        return Subject(kind, path, path.name, index)
    if kind == "dataset":
        return Subject(kind, path, _dataset_name(path), own)
    raise UserError(
        f"{path} is neither a run nor a published dataset. A run has a recipe.yaml, a dataset a "
        "folder `full` with Parquet files; other files are named one by one, with their ending."
    )


def _dataset_name(path: Path) -> str:
    """`output/chats/6-publish/dataset` is `chats`."""
    if path.name == "dataset" and path.parent.name == "6-publish":
        return path.parents[1].name
    return path.name
