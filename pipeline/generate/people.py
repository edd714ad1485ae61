"""Characters and users from files of records, whose fields the recipe names.

    personas:
      - path: people.csv
        role: user
        fields: {name: Vorname, age: Alter, description: Text, style: Stil}

A record that has no name or description, or is no adult, is quarantined with its number.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipeline import UserError
from pipeline.conversation import Quarantine
from pipeline.formats.cards import Character
from pipeline.generate import candidates
from pipeline.generate.candidates import T, User
from pipeline.generate.check import ADULT, objection_to
from pipeline.generate.prompts import Prompts
from pipeline.recipe.generate import GenerateSettings, PersonaFile

RAW = 100_000  # characters of a record that are kept

PersonFields = Mapping[str, object]


class PersonRecord(NamedTuple):
    """A record: where it stands, its fields under our names, and itself as JSON."""

    where: str
    fields: PersonFields
    raw: str


def characters(
    settings: GenerateSettings, folder: Path, prompts: Prompts
) -> tuple[list[Character], list[Quarantine]]:
    """The characters of all files, and the records that cannot be used."""
    people = _people(settings, "character", folder)
    return _read(people, _character, candidates.texts_of_character, prompts)


def users(
    settings: GenerateSettings, folder: Path, prompts: Prompts
) -> tuple[list[User], list[Quarantine]]:
    """The same of users; their age and style must be there."""
    people = _people(settings, "user", folder)
    return _read(people, candidates.read_user, candidates.USERS.texts, prompts)


def _read(
    people: Iterable[PersonRecord],
    read: Callable[[PersonFields], T],
    texts: Callable[[T], dict[str, str]],
    prompts: Prompts,
) -> tuple[list[T], list[Quarantine]]:
    """read: one from its fields; raises ValueError. texts: what is checked of it, by part."""
    found: list[T] = []
    rejected: list[Quarantine] = []
    for one in people:
        try:
            person = read(one.fields)
        except ValueError as error:
            rejected.append(Quarantine(one.where, "persona", str(error), one.raw))
            continue
        objection = objection_to(texts(person), prompts)
        if objection:
            detail = f"{objection.rule}: {objection.detail}"
            rejected.append(Quarantine(one.where, "persona", detail, one.raw))
        else:
            found.append(person)
    return found, rejected


def count(settings: GenerateSettings, folder: Path) -> int:
    """How many characters the files hold."""
    files = _files(settings, "character")
    return sum(len(records(folder / source.path)) for source in files)


def _files(settings: GenerateSettings, role: str) -> list[PersonaFile]:
    return [source for source in settings.personas if source.role == role]


def _character(fields: PersonFields) -> Character:
    """A character: a name and a description, and what else there is. Raises ValueError."""
    name, description = (str(fields.get(key) or "").strip() for key in ("name", "description"))
    if not name or not description:
        raise ValueError("it has no name" if not name else "it has no description")
    character = Character(name, description, origin="file")
    if fields.get("age"):
        character = replace(character, age=_age(fields["age"]))
    return replace(
        character,
        greeting=_text(fields, "greeting"),
        scenario=_text(fields, "scenario"),
        archetype=_text(fields, "archetype"),
    )


def _text(fields: PersonFields, key: str) -> str | None:
    return str(fields.get(key) or "").strip() or None


def _age(value: object) -> int:
    text = str(value).strip().removesuffix(".0")
    if not text.isdecimal():
        raise ValueError(f"age {value!r} is not a whole number")
    if int(text) < ADULT:
        raise ValueError(f"age {text}: adults only")
    return int(text)


def _people(settings: GenerateSettings, role: str, folder: Path) -> Iterator[PersonRecord]:
    """The records of all files of a role."""
    for source in _files(settings, role):
        found = records(folder / source.path)
        _check_fields(source, found)
        for number, record in enumerate(found):
            fields = {ours: record.get(theirs) for ours, theirs in source.named.items()}
            raw = json.dumps(record, ensure_ascii=False, default=str)
            yield PersonRecord(f"personas/{source.path}#{number}", fields, raw[:RAW])


def _check_fields(source: PersonaFile, found: Sequence[PersonFields]) -> None:
    there = sorted({key for record in found for key in record})
    for ours, theirs in source.fields.items():
        if theirs not in there:
            raise UserError(
                f"generate.personas: {source.path} has no field {theirs!r} (for {ours}). "
                f"It has {', '.join(there) or 'none'}."
            )


def records(path: Path) -> list[PersonFields]:
    """The records of a .jsonl, .json or .csv file. Raises UserError."""
    text = text_of(path)
    try:
        return _records(text, path.suffix.casefold())
    except (ValueError, csv.Error) as error:
        raise UserError(f"generate.personas: {path} cannot be read: {error}") from None


def text_of(path: Path) -> str:
    """The text of a file of people. Raises UserError when it is missing or no UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"generate.personas: {path} does not exist.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"generate.personas: {path}: byte {error.start} is not UTF-8.") from None


def _records(text: str, suffix: str) -> list[PersonFields]:
    if suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    if suffix == ".jsonl":
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    elif suffix == ".json":
        values = json.loads(text)
    else:
        raise ValueError("only .jsonl, .json and .csv are read")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError("it is not a list of objects")
    return values
