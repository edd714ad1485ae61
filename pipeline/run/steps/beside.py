"""What `publish` compares its rows with: texts of benchmarks, and the names of private speakers.

    6-publish/people.json      the made-up name of every speaker, by source; it is never pushed

A name that was given stays, in every later release from this folder.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.publish.cut import BesideRows
from pipeline.publish.gates import people
from pipeline.publish.gates.benchmarks import KnownRuns
from pipeline.run.context import StageContext
from pipeline.store.columns import from_table
from pipeline.store.files import digest

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe

RECORD = "people.json"
READ = ["id", "messages", "source", "persona", "user_persona"]


def beside(context: StageContext) -> BesideRows:
    """Read the benchmarks, and give every new speaker a name."""
    return BesideRows(KnownRuns.read(benchmark_texts(context.job.recipe)), _people(context))


def name_of(found: BesideRows) -> str:
    """Names what rows are compared with."""
    return digest(found.runs.of, found.people.names)


# --- benchmarks


def benchmark_digests(recipe: Recipe) -> list[str]:
    """Names the files of the benchmarks by what they hold; those that there are."""
    files = [place for place in _places(recipe) if place.is_file()]
    return [hashlib.sha256(place.read_bytes()).hexdigest() for place in files]


def _places(recipe: Recipe) -> list[Path]:
    return [recipe.folder / Path(named).expanduser() for named in recipe.publish.benchmarks]


def benchmark_texts(recipe: Recipe) -> dict[str, list[str]]:
    """Every text of every benchmark, by the name of its file. Raises UserError for a file that
    holds none."""
    found = {}
    for place in _places(recipe):
        try:
            found[place.name] = list(_texts_of(place))
        except (OSError, ValueError, pa.ArrowInvalid) as error:
            raise UserError(f"publish.benchmarks: {place} cannot be read: {error}") from None
        if not any(found[place.name]):
            raise UserError(f"publish.benchmarks: {place} holds no text to compare with.")
    return found


def _texts_of(place: Path) -> Iterator[str]:
    """The strings of JSON, of lines of JSON and of a Parquet table; else the paragraphs."""
    if place.suffix == ".parquet":
        yield from _strings(pq.read_table(place).to_pylist())
    elif place.suffix == ".json":
        yield from _strings(json.loads(place.read_text("utf-8")))
    elif place.suffix == ".jsonl":
        for line in filter(str.strip, place.read_text("utf-8").splitlines()):
            yield from _strings(json.loads(line))
    else:
        yield from place.read_text("utf-8").split("\n\n")


def _strings(value: object) -> Iterator[str]:
    """Every string inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


# --- speakers of private chats


def known_people(context: StageContext) -> people.People:
    """The names that were given so far."""
    record = cast("dict[str, people.NamesOfSource] | None", context.output.read_record(RECORD))
    return people.People(record or {})


def _people(context: StageContext) -> people.People:
    before = known_people(context)
    now = people.named(_speakers(context), before)
    if now != before:
        context.output.write_record(RECORD, dict(now.names))
    return now


def _speakers(context: StageContext) -> dict[str, dict[str, None]]:
    """The speakers of each private source, in the order in which they come."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    assert context.source
    for part in context.parts:
        source = context.source.columns(part, ["source.private"])["source"]
        private = pc.struct_field(source, "private")
        if pc.any(private).as_py():
            table = context.source.columns(part, READ).filter(private)
            for row in from_table(table, part.file):
                found[row.source.name] |= dict.fromkeys(people.speakers(row))
    return found
