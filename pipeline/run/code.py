"""Which source files a module stands on: its own, and those of every module of ours that it
imports, and so on.

    pipeline/score/apply.py imports pipeline.score.measure, which imports pipeline.rules, …
    sources(["pipeline.score.apply"]) = all of these files

Imports inside functions count: they are how stages load heavy libraries late. Those under `if
TYPE_CHECKING` do not. Lines are read, not parsed: 140 files in some milliseconds, where Python's
own parser takes half a second. An import that stands in a docstring is counted too; a file too many
makes a store stale too often, never too seldom.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("pipeline", "spiders")
# `from pipeline.a import b, c` and `import pipeline.a`, over several lines in brackets; at the
# start of a line
IMPORT = re.compile(
    r"^(?P<indent> *)(?:from +(?P<module>[\w.]+) +import +(?:\((?P<many>[^)]*)\)|(?P<few>[^(\n]*))"
    r"|import +(?P<plain>[^\n]*))",
    re.M,
)
TYPES_ONLY = re.compile(r"^if TYPE_CHECKING:\n(?: +[^\n]*\n|\n)*", re.M)
NAME = re.compile(r"[\w.]+")


def sources(names: Iterable[str]) -> list[Path]:
    """The files of these modules and packages and of all that they import, sorted."""
    found: set[Path] = set()
    waiting = [path for name in names for path in _files_of(name, whole=True)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(path)
    return sorted(found)


def code_digest(names: Iterable[str]) -> str:
    """Names the text of all these files."""
    whole = hashlib.sha256()
    for path in sources(names):
        whole.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:24]


@cache
def imported(path: Path) -> tuple[Path, ...]:
    """The files of ours that one file imports."""
    text = TYPES_ONLY.sub("", path.read_text("utf-8"))
    found: list[Path] = []
    for match in IMPORT.finditer(text):
        for name in _modules(match):
            if name.partition(".")[0] in OURS:
                found += _files_of(name)
    return tuple(found)


def _modules(match: re.Match[str]) -> Iterator[str]:
    """The names that an import may stand for: `from a import b` is the module a, and a.b where that
    is one."""
    module = match["module"]
    if module is None:
        yield from NAME.findall(match["plain"])
        return
    yield module
    for name in NAME.findall(match["many"] or match["few"] or ""):
        yield f"{module}.{name}"


def _files_of(name: str, whole: bool = False) -> list[Path]:
    """The file of a module and those of the packages around it. whole: of a package all files; else
    its first."""
    parts = name.split(".")
    around = [f"{'/'.join(parts[:depth])}/__init__.py" for depth in range(1, len(parts) + 1)]
    ours = _tree(ROOT)
    files = [ours[file] for file in (*around, f"{'/'.join(parts)}.py") if file in ours]
    if whole:
        files += ROOT.joinpath(*parts).rglob("*.py")
    return files


@cache
def _tree(root: Path) -> dict[str, Path]:
    """All files of ours, by their path below the root: to look there is cheaper than to ask the
    file system for every name."""
    files = [file for top in OURS for file in (root / top).rglob("*.py")]
    return {file.relative_to(root).as_posix(): file for file in files}
