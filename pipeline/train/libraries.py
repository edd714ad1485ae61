"""The libraries of the extra `[train]`: large, and imported by nothing else."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from pipeline import UserError

NEEDED = ("torch", "transformers", "peft", "trl")


def missing() -> list[str]:
    """Those that are not installed. Looks for them without importing them."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def check(what: str) -> None:
    """Raises UserError where one is not installed. what: the command that needs them."""
    names = missing()
    if names:
        raise UserError(
            f"`{what}` needs libraries that are not installed ({', '.join(names)}): "
            "pip install 'rapport-dialogues[train]'."
        )


def versions() -> dict[str, str]:
    """The version of each."""
    return {name: importlib.metadata.version(name) for name in NEEDED}
