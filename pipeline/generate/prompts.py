"""The prompts: plain text in `configs/prompts`, one file a language, with `$names` to fill in."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pipeline import UserError, texts
from pipeline.conversation import normalised
from pipeline.generate.facts import Sayings, speech

NAMES = ("characters", "users", "situations", "talk-character", "talk-user", "script")
FOLDER = "prompts"
HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompts:
    """The wording of one language.

    templates: whole prompts by name. directions: short sentences by the heading they have in
    `directions-*.md`.
    Word lists, normalised. declines: whole messages of a model that will not play. underage: words
    that describe somebody under 18. speech: how people speak of themselves.
    """

    language: str
    templates: dict[str, str]
    directions: dict[str, str]
    declines: frozenset[str]
    underage: tuple[str, ...]
    speech: Sayings

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


def load(language: str, beside: Path | None = None) -> Prompts:
    """All prompts and word lists of a language. beside: a folder whose files come first. Raises
    UserError that names every file and part that is missing."""
    lacking = missing(language, beside)
    if lacking:
        raise UserError(
            f"generate.language: {language!r} lacks {', '.join(lacking)}. The languages that have "
            f"all are {', '.join(known())}; the files of another one, made like those of `en` in "
            f"{texts.configs()}, go into a folder that generate.language_files names."
        )
    return Prompts(
        language,
        templates={name: texts.text(FOLDER, f"{name}-{language}.md", beside) for name in NAMES},
        directions=_directions(texts.text(FOLDER, f"directions-{language}.md", beside)),
        declines=frozenset(_phrases(f"declines-{language}", beside)),
        underage=_phrases(f"underage-{language}", beside),
        speech=speech(texts.values("memory", f"{language}.yaml", beside)),
    )


def known() -> list[str]:
    """The languages that are part of the package."""
    files = (texts.configs() / FOLDER).glob("script-??.md")
    return sorted(file.stem[-2:] for file in files)


def missing(language: str, beside: Path | None = None) -> list[str]:
    """What a language lacks: files, and parts of those that are there, as English has them."""
    lacking = [
        f"{folder}/{name}"
        for folder, name in files_of(language)
        if not texts.place(folder, name, beside).is_file()
    ]
    directions, memory = f"directions-{language}.md", f"{language}.yaml"
    if f"{FOLDER}/{directions}" not in lacking:
        wanted = _directions(texts.text(FOLDER, "directions-en.md")).keys()
        own = _directions(texts.text(FOLDER, directions, beside)).keys()
        lacking += [f"`## {heading}` in {directions}" for heading in wanted - own]
    if f"memory/{memory}" not in lacking:
        wanted = texts.values("memory", "en.yaml").keys()
        own = texts.values("memory", memory, beside).keys()
        lacking += [f"`{key}:` in memory/{memory}" for key in wanted - own]
    return sorted(lacking)


def files_of(language: str) -> list[tuple[str, str]]:
    """The files of a language: folder and name."""
    prompts = [(FOLDER, f"{name}-{language}.md") for name in (*NAMES, "directions")]
    lists = [("words", f"{name}-{language}.txt") for name in ("declines", "underage")]
    kinds = ("", "users-", "situations-", "later-")
    people = [("personas", f"{kind}{language}.yaml") for kind in kinds]
    return [*prompts, *people, *lists, ("memory", f"{language}.yaml")]


def _directions(text: str) -> dict[str, str]:
    """The sections of a text by their `## heading`."""
    _, *parts = HEADING.split(text)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def _phrases(name: str, beside: Path | None) -> tuple[str, ...]:
    return tuple(map(normalised, texts.words(name, beside)))


def _substitute(place: str, template: str, values: dict[str, object]) -> str:
    """The template with its `$names` replaced. place: what to name in an error."""
    try:
        return Template(template).substitute(values)
    except (KeyError, ValueError) as error:
        known = ", ".join(sorted(values))
        raise UserError(f"{place}: {error}. Known here: {known}; write $$ for a dollar.") from None
