"""The last gate before anything is sent: the dataset on this disk loads with `datasets`, every
config and split, by what its card says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline import UserError


def check(folder: Path, rows: Mapping[str, Mapping[str, int]]) -> None:
    """Find every config, its splits and their rows, and read the first of each. rows: of each
    config, by split. Raises UserError where the loader finds something else."""
    for config, expected in rows.items():
        try:
            found = _loaded(folder, config)
        except Exception as error:  # the library raises nothing narrower
            problem = f"`datasets` cannot load {config} of {folder}: {error}"
            raise UserError(f"{problem}. Nothing was sent; run the recipe again.") from None
        if found != expected:
            problem = f"`datasets` finds {found} rows of {config} in {folder}, not {expected}"
            raise UserError(f"{problem}. Nothing was sent; run the recipe again.")


def _loaded(folder: Path, config: str) -> dict[str, int]:
    import datasets

    found = {}
    for split, rows in datasets.load_dataset(str(folder), config, streaming=True).items():
        next(iter(rows))
        found[str(split)] = rows.info.splits[split].num_examples
    return found
