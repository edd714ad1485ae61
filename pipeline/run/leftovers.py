"""What a run folder holds besides its results: old stores, caches, and files of killed runs.

Nothing of it is part of the result. A spare one is not needed by the next run either; without one
of the others, the next run does again what it was kept for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline import UserError
from pipeline.recipe.base import unknown
from pipeline.run.standing import standing
from pipeline.store.lock import locked
from pipeline.store.store import Store

# place in the run folder → what it is, what its removal costs
CACHES = {
    "calls.sqlite": (
        "answers of models, and what they cost",
        "every answer is asked, and paid, again; the budget counts from 0",
    ),
    "pages.sqlite": ("pages of crawls", "every page is fetched again"),
}
INNER = {
    "measured": ("rows as measured", "another limit or criterion measures all rows again"),
    "signed": ("signatures of rows", "another `dedup` setting signs all rows again"),
    "cut": ("rows inside the cuts of `publish`", "another choice cuts all rows again"),
    "against": ("sets that rows are compared with", "they are read and signed again"),
}
OLD = ("a store made from older rows", "nothing, unless the recipe is changed back")
INDEX = ".look"
INDEXED = ("the index of `rapport look`", "it is made again when somebody looks")
UNFINISHED = ("an unfinished stage", "what is finished of it is done again")
# pattern → the same
PATTERNS = {
    "**/*.tmp": ("temporary files of a killed run", "nothing"),
    "crawl-*.log": ("logs of crawls", "nothing"),
}


@dataclass(frozen=True)
class Leftover:
    """A file or folder of a run. cost: what its removal costs. spare: the next run needs it not."""

    name: str
    what: str
    cost: str
    size: int
    spare: bool = False


def leftovers(out: str) -> list[Leftover]:
    """All leftovers of a run folder. Raises UserError where there is no run."""
    done = standing(out)
    top = Store(out)
    found: list[Leftover] = []
    for folder in top.listing():
        if folder in done:
            found += _inner(top, folder)
        elif folder[:1].isdigit():
            found.append(_store(top, folder))
    if top.files.exists(f"{top.path}/{INDEX}"):
        found.append(Leftover(INDEX, *INDEXED, _size(top, INDEX), spare=True))
    return [*found, *_caches(top), *_by_pattern(top)]


def _caches(top: Store) -> Iterator[Leftover]:
    """What crawls and models have answered."""
    for name, (what, cost) in CACHES.items():
        if top.size_of(name) is not None:
            size = sum(_size(top, file) for file in _files_of(name))
            yield Leftover(name, what, cost, size)


def _by_pattern(top: Store) -> Iterator[Leftover]:
    """Files that a pattern names together."""
    for pattern, (what, cost) in PATTERNS.items():
        files = _matching(top, pattern)
        if files:
            size = sum(int(top.files.size(path)) for path in files)
            yield Leftover(pattern, what, cost, size, spare=True)


def _store(top: Store, folder: str) -> Leftover:
    """The folder of a stage whose report does not stand, or that has none."""
    # no report: the stage was stopped, and the same command would resume it
    size = _size(top, folder)
    if top.size_of(f"{folder}/report.json") is None:
        return Leftover(folder, *UNFINISHED, size)
    return Leftover(folder, *OLD, size, spare=True)


def _inner(top: Store, folder: str) -> Iterator[Leftover]:
    """The caches inside the folder of a finished stage."""
    for name in Store(top.root, folder).listing():
        if name in INNER:
            what, cost = INNER[name]
            place = f"{folder}/{name}"
            yield Leftover(place, what, cost, _size(top, place))


def _matching(top: Store, pattern: str) -> list[str]:
    return [str(path) for path in top.files.glob(f"{top.path}/{pattern}")]


def _size(top: Store, name: str) -> int:
    """Bytes of a file, or of all files in a folder; 0 where there is none."""
    return sum(int(top.files.size(path)) for path in top.files.find(f"{top.path}/{name}"))


def _files_of(database: str) -> list[str]:
    """An SQLite file and what SQLite keeps beside it."""
    return [database, f"{database}-wal", f"{database}-shm"]


def remove(out: str, names: Sequence[str], spare: bool = False) -> list[Leftover]:
    """Remove leftovers by name; spare: also all that the next run does not need.

    Returns what was removed. Raises UserError at a name that is none, and where a run is at work.
    """
    known = {leftover.name: leftover for leftover in leftovers(out)}
    for name in names:
        if name not in known:
            otherwise = f"`rapport clean {out}` lists what there is"
            raise UserError(f"{out}: {unknown('leftover', name, known, otherwise)}")
    chosen = [one for one in known.values() if one.name in names or (spare and one.spare)]
    top = Store(out)
    with locked(top):
        for leftover in chosen:
            _remove(top, leftover.name)
    return chosen


def _remove(top: Store, name: str) -> None:
    if name in PATTERNS:
        for path in _matching(top, name):
            top.files.rm(path)
    elif name in CACHES:
        for file in _files_of(name):
            top.remove_file(file)
    else:
        top.remove(name)
