"""The prompts: plain text in `configs/prompts`, one file a language, `$names` filled in here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pipeline import UserError
from pipeline.conversation import normalised
from pipeline.texts import configs

NAMES = ("characters", "users", "situations", "talk-character", "talk-user", "script")


@dataclass(frozen=True, slots=True)
class Prompts:
    """Templates by name, the short directions of `directions-*.md` by heading.

    Word lists, normalised. rebuffs: of somebody who turns away. declines: whole messages of a model that will not
    play. underage: what no character may be described with.
    """

    language: str
    templates: dict[str, str]
    directions: dict[str, str]
    rebuffs: tuple[str, ...]
    declines: frozenset[str]
    underage: tuple[str, ...]

    def prompt(self, name: str, /, **values: object) -> str:
        """A whole prompt. Raises UserError when its file names a value that does not exist."""
        return _filled(f"{name}-{self.language}.md", self.templates[name], values)

    def direction(self, heading: str, /, **values: object) -> str:
        """A short direction by its heading."""
        return _filled(
            f"directions-{self.language}.md, {heading}", self.directions[heading], values
        )

    def hash(self, *names: str) -> str:
        """Names the wording of these prompts and of the directions, 16 hex digits."""
        texts = [
            *(self.templates[n] for n in names),
            *(f"{k}\x1f{v}" for k, v in sorted(self.directions.items())),
        ]
        return hashlib.blake2b("\x1e".join(texts).encode(), digest_size=8).hexdigest()


def load(language: str) -> Prompts:
    """All prompts of a language. Raises UserError when a file is missing."""
    folder = configs() / "prompts"
    directions = re.split(
        r"^## +(.+?) *$", text(folder / f"directions-{language}.md"), flags=re.MULTILINE
    )
    return Prompts(
        language,
        {name: text(folder / f"{name}-{language}.md") for name in NAMES},
        dict(zip(directions[1::2], map(str.strip, directions[2::2]), strict=True)),
        tuple(_lines(f"rebuffs-{language}")),
        frozenset(_lines(f"declines-{language}")),
        tuple(_lines(f"underage-{language}")),
    )


def _lines(name: str) -> Iterator[str]:
    """The entries of a word list, normalised."""
    for line in text(configs() / "words" / f"{name}.txt").split("\n"):
        if line.strip() and not line.startswith("#"):
            yield normalised(line)


def text(path: Path) -> str:
    """A text file of configs. Raises UserError when it is not there."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: generate needs it. Put it back or choose another language."
        ) from None


def _filled(where: str, template: str, values: dict[str, object]) -> str:
    try:
        return Template(template).substitute(values)
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{where}: {error}. Known here: {', '.join(sorted(values))}; write $$ for a dollar."
        ) from None
