"""What stands in a folder: groups of files, the shape of each, and the languages of a sample.

    chats/
      a.jsonl  b.jsonl                   one group: *.jsonl
      exports/ann/chat.txt  bo/chat.txt  another: exports/**/*.txt
      photo.jpg                          not a format that is read

Of a group, up to `PROBED` files are opened. Where they are of different shapes, each shape becomes
a group that lists its files.
"""

from __future__ import annotations

import glob
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from pipeline import UserError, collect
from pipeline.collect import formats, shapes
from pipeline.conversation import Conversation, Quarantine
from pipeline.recipe.collect import CollectSettings, SourceSettings
from pipeline.recipe.one_stage import named
from pipeline.rules.language.detect import detect

PROBED = 20  # files of a group that are opened
SAMPLE = 20  # records of a file that are read
WHOLE_BYTES = 5_000_000  # a larger file of a format that is read whole is not read for every shape
WHOLE_FORMATS = (".json", ".yaml", ".yml")
RUN_RECORD = "run.json"  # marks the folder of a run


@dataclass(frozen=True)
class Probe:
    """The first records of a file. shape: None where no name is known for it."""

    path: Path
    shape: str | None
    rows: list[Conversation]
    unreadable: int


@dataclass
class FileGroup:
    """Files that one source of a recipe may read.

    patterns: relative to the folder. sample: rows of the files that were opened. unreadable: how
    many of their records could not be read. languages: rows of the sample by language.
    """

    patterns: list[str]
    files: int
    size: int
    shape: str | None
    sample: list[Conversation]
    unreadable: int
    name: str = ""
    languages: Counter[str] = field(default_factory=Counter)


@dataclass
class Survey:
    """All groups of a folder. left_out: files that cannot be read, by path, and why."""

    groups: list[FileGroup] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def survey(folder: Path) -> Survey:
    """Look at the files of a folder and of those in it. Raises UserError where none can be read."""
    found = Survey()
    for files in _by_place(folder).values():
        found.groups += _groups(folder, files, found.left_out)
    if not found.groups:
        known = " ".join(formats.KNOWN)
        reasons = [f"\n  {path}: {reason}" for path, reason in found.left_out.items()]
        wanted = f"holds no dialogue file that can be read. Formats: {known}, also compressed"
        raise UserError(f"{folder} {wanted}.{''.join(reasons)}")
    _set_names(folder, found.groups)
    _set_languages(found.groups)
    return found


def _by_place(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """The readable files by the folder right below this one, and by their endings."""
    found: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted(_files(folder)):
        top, *inside = path.relative_to(folder).parts
        if not inside:  # right in this folder
            top = ""
        found[top, _ending(path)].append(path)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """The files that `collect` may read, without hidden ones, other runs and recipes."""
    if (folder / RUN_RECORD).is_file():
        return
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        elif formats.suffix(path.name) in (*formats.KNOWN, *formats.ARCHIVES) and not _is_recipe(
            path
        ):
            yield path


def _is_recipe(path: Path) -> bool:
    if path.suffix not in (".yaml", ".yml"):
        return False
    keys = {line.partition(":")[0] for line in path.read_text("utf-8", "replace").splitlines()}
    return "name" in keys and bool(keys & {"collect", "generate", "filter"})


def _ending(path: Path) -> str:
    """`.jsonl.gz` of `talks.jsonl.gz`."""
    is_compressed = path.suffix.lower() in formats.COMPRESSED
    return "".join(path.suffixes[-1 - is_compressed :])


# --- groups


def _groups(folder: Path, files: list[Path], left_out: dict[str, str]) -> list[FileGroup]:
    """One group where all files are alike, else one for each shape."""
    by_shape: defaultdict[str | None, list[Probe]] = defaultdict(list)
    # spread over all of them: the first of many files are often of one origin
    step = max(1, len(files) // PROBED)
    probed = files[::step]
    for path in probed:
        try:
            probe = _probe(path)
        except UserError as error:
            left_out[str(path.relative_to(folder))] = str(error).splitlines()[0]
        else:
            by_shape[probe.shape].append(probe)
    probes = list(chain.from_iterable(by_shape.values()))
    if len(by_shape) == 1 and len(probes) == len(probed):
        return [_group(_pattern(folder, files), files, probes)]
    return [_listed(folder, alike) for alike in by_shape.values()]


def _pattern(folder: Path, files: Sequence[Path]) -> list[str]:
    """What names these files and no other: the file, or a pattern over all of one ending."""
    first = files[0].relative_to(folder)
    if len(files) == 1:
        return [glob.escape(str(first))]
    if len(first.parts) == 1:
        return [f"*{_ending(first)}"]
    return [f"{glob.escape(first.parts[0])}/**/*{_ending(first)}"]


def _listed(folder: Path, probes: Sequence[Probe]) -> FileGroup:
    files = [probe.path for probe in probes]
    patterns = [glob.escape(str(path.relative_to(folder))) for path in files]
    return _group(patterns, files, probes)


def _group(patterns: list[str], files: Sequence[Path], probes: Sequence[Probe]) -> FileGroup:
    return FileGroup(
        patterns=patterns,
        files=len(files),
        size=sum(path.stat().st_size for path in files),
        shape=probes[0].shape,
        sample=[row for probe in probes for row in probe.rows],
        unreadable=sum(probe.unreadable for probe in probes),
    )


def _set_names(folder: Path, groups: Sequence[FileGroup]) -> None:
    """Give every group a name of its own, after its files."""
    first = [f"{folder.resolve().name}/{group.patterns[0]}" for group in groups]
    for group, (name, _) in zip(groups, named(first), strict=True):
        group.name = name


def _set_languages(groups: Sequence[FileGroup]) -> None:
    """Recognise the language of all sampled rows, at once."""
    rows = [(group, row) for group in groups for row in group.sample]
    texts = [[message.content for message in row.messages] for _, row in rows]
    for (group, _), found in zip(rows, detect(texts), strict=True):
        if found.language is not None:
            group.languages[found.language.code] += 1


# --- files


def _probe(path: Path) -> Probe:
    """The first records of a file. Raises UserError where it cannot be read."""
    rows, unreadable = _sample(path, None)
    return Probe(path, _shape(path, rows), rows, unreadable)


def _sample(path: Path, shape: str | None) -> tuple[list[Conversation], int]:
    """The conversations among the first records, and how many records could not be read."""
    source = SourceSettings(name=path.stem, files=[path.name], shape=shape)
    settings = CollectSettings(sources=[source])
    units = collect.units(settings, path.parent)
    read = chain.from_iterable(collect.read(unit, settings, Path()) for unit in units)
    rows: list[Conversation] = []
    unreadable = 0
    for row in islice(read, SAMPLE):
        if isinstance(row, Conversation):
            rows.append(row)
        unreadable += isinstance(row, Quarantine)
    return rows, unreadable


def _shape(path: Path, rows: list[Conversation]) -> str | None:
    """The shape that reads the same rows when it is named."""
    # a file that is read whole would be read whole for every shape
    is_whole = formats.suffix(path.name) in WHOLE_FORMATS
    if not rows or (is_whole and path.stat().st_size > WHOLE_BYTES):
        return None
    for name in shapes.names(shapes.RECORDS, shapes.TABLES, shapes.TEXTS):
        try:
            if _sample(path, name)[0] == rows:
                return name
        except UserError:  # a shape of another kind of file
            continue
    return None
