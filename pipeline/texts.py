"""The one reader of `configs/`: word lists, prompts, personas, licences.

A list has one entry a line. A line that is `#`, or begins with `# `, is a comment; nothing else is:
an entry may hold or begin with `#` itself (`### instruction:`). Blank lines count for nothing.
Files are UTF-8.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from pipeline import UserError

# The same values as Python's own loader, in a tenth of its time where libyaml is there.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def configs() -> Path:
    """The folder of bundled recipes, prompts, personas and word lists: in a checkout or inside the
    wheel."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"


def place(folder: str, name: str, beside: Path | None = None) -> Path:
    """Where a text is: below `beside`, where it is there, else `configs/<folder>/<name>`."""
    if beside and (beside / folder / name).is_file():
        return beside / folder / name
    return configs() / folder / name


def text(folder: str, name: str, beside: Path | None = None) -> str:
    """The whole text of `configs/<folder>/<name>`, or of the file that takes its place. Raises
    UserError when it is missing or no UTF-8."""
    path = place(folder, name, beside)
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing. Put it back, or choose a language that has it."
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8."
        ) from None


def entries(folder: str, name: str, beside: Path | None = None) -> list[str]:
    """The entries of a list, in order: `configs/<folder>/<name>` without comments and blank
    lines."""
    lines = [line.strip() for line in text(folder, name, beside).splitlines()]
    return [line for line in lines if line and not is_comment(line)]


def is_comment(line: str) -> bool:
    """Is a stripped line of a list a comment?"""
    return line == "#" or line.startswith("# ")


def words(name: str, beside: Path | None = None) -> list[str]:
    """The entries of `configs/words/<name>.txt`."""
    return entries("words", f"{name}.txt", beside)


def word_lists(name: str) -> list[str]:
    """The names of a list in all its languages: `<name>` and `<name>-<language>`, as far as they
    are there."""
    form = re.compile(rf"{re.escape(name)}(-..)?\.txt")
    files = [entry.name for entry in os.scandir(configs() / "words")]
    return [file.removesuffix(".txt") for file in sorted(filter(form.fullmatch, files))]


def has_words(name: str) -> bool:
    """Is there a list `configs/words/<name>.txt`?"""
    return (configs() / "words" / f"{name}.txt").is_file()


def values(folder: str, name: str, beside: Path | None = None) -> Any:
    """The values of the YAML file `configs/<folder>/<name>`. Raises UserError when it is missing or
    no YAML."""
    try:
        return yaml.load(text(folder, name, beside), _LOADER)
    except yaml.YAMLError as error:
        path = place(folder, name, beside)
        raise UserError(f"{path} is not valid YAML: {error}") from None
