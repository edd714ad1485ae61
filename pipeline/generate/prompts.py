"""The prompts: plain text in `configs/prompts`, one file a language, with `$names` to fill in."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from string import Template

from pipeline import UserError, texts
from pipeline.conversation import normalised

NAMES = ("characters", "users", "situations", "talk-character", "talk-user", "script")
FOLDER = "prompts"
HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompts:
    """The wording of one language.

    templates: whole prompts by name. directions: short sentences by the heading they have in
    `directions-*.md`.
    Word lists, normalised. declines: whole messages of a model that will not play. underage: words
    that describe somebody under 18.
    """

    language: str
    templates: dict[str, str]
    directions: dict[str, str]
    declines: frozenset[str]
    underage: tuple[str, ...]

    def prompt(self, name: str, /, **values: object) -> str:
        """A whole prompt. Raises UserError when its file names a value that does not exist."""
        return _substitute(f"{name}-{self.language}.md", self.templates[name], values)

    def direction(self, heading: str, /, **values: object) -> str:
        """A short direction by its heading. Raises UserError as `prompt` does."""
        place = f"directions-{self.language}.md, {heading}"
        return _substitute(place, self.directions[heading], values)

    def hash(self, *names: str) -> str:
        """16 hex digits that identify the wording of these prompts and of the directions."""
        prompts = [self.templates[name] for name in names]
        directions = [f"{heading}\x1f{text}" for heading, text in sorted(self.directions.items())]
        wording = "\x1e".join([*prompts, *directions])
        return hashlib.blake2b(wording.encode(), digest_size=8).hexdigest()


def load(language: str) -> Prompts:
    """All prompts and word lists of a language. Raises UserError when a file is missing."""
    return Prompts(
        language,
        templates={name: texts.text(FOLDER, f"{name}-{language}.md") for name in NAMES},
        directions=_directions(texts.text(FOLDER, f"directions-{language}.md")),
        declines=frozenset(_phrases(f"declines-{language}")),
        underage=_phrases(f"underage-{language}"),
    )


def _directions(text: str) -> dict[str, str]:
    """The sections of a text by their `## heading`."""
    _, *parts = HEADING.split(text)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def _phrases(name: str) -> tuple[str, ...]:
    return tuple(map(normalised, texts.words(name)))


def _substitute(place: str, template: str, values: dict[str, object]) -> str:
    """The template with its `$names` replaced. place: what to name in an error."""
    try:
        return Template(template).substitute(values)
    except (KeyError, ValueError) as error:
        known = ", ".join(sorted(values))
        raise UserError(f"{place}: {error}. Known here: {known}; write $$ for a dollar.") from None
