"""Which tests could notice a mutant, in which order, and pytest running them.

A test can notice a change only if it imports the file, directly or through others. With
`-p benchmarks.mutants_tests` this file is also pytest's plugin: it puts the tests of a run in order
and writes down how long each took.
"""

from __future__ import annotations

import ast
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 120.0  # CPU seconds for the tests of one mutant, all in all: a busy machine changes nothing
PATIENCE = 5  # times as long on the clock, for tests that wait
LONG_TEST = 60  # seconds on the clock: one that takes longer alone is never chosen
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
CHOSEN = 15.0  # measured seconds of the tests chosen; with its start a run takes thrice that
CPU_SECONDS = 150  # of each process
NO_CACHE = {"NUMBA_CACHE_DIR", "PYTHONDONTWRITEBYTECODE"}  # compiled code: beside the source
MEMORY = 16 << 30  # bytes of address space of each process: an endless list must end


def module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def is_test(file: str) -> bool:
    return Path(file).name.startswith("test_")


def names_in(tree: ast.Module, package: list[str]) -> Iterator[str]:
    """Every dotted name that could be a module: imported anywhere, or written in a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+(?:\.\w+)+", node.value)  # `-m pipeline.cli`


class Imports:
    """Which file imports which."""

    def __init__(self, root: Path) -> None:
        tops = [root / top for top in ("pipeline", "spiders", "benchmarks", "tests")]
        paths = [path for top in tops for path in sorted(top.rglob("*.py"))]
        self.files = [path.relative_to(root).as_posix() for path in paths]
        self.modules = {module_of(file): file for file in self.files}
        self.imported = {file: self._imported_by(root, file) for file in self.files}
        self.importers: dict[str, set[str]] = {file: set() for file in self.files}
        for file, others in self.imported.items():
            for other in others:
                self.importers[other].add(file)

    def _imported_by(self, root: Path, file: str) -> set[str]:
        package = module_of(file).split(".")[: None if file.endswith("/__init__.py") else -1]
        names = names_in(ast.parse((root / file).read_bytes()), package)
        found = {known for name in names if (known := self._longest_known(name))}
        if is_test(file):
            folders = Path(file).parents
            found |= {f"{folder}/conftest.py" for folder in folders} & set(self.files)
        return found - {file}

    def _longest_known(self, name: str) -> str | None:
        while "." in name and name not in self.modules:
            name = name.rpartition(".")[0]
        return self.modules.get(name)

    def tests_near(self, file: str) -> dict[str, int]:
        """Test files, and how many imports away they are; 0 for the file's own."""
        found = distances(self.importers.__getitem__, file)
        tests = {each: away for each, away in found.items() if is_test(each)}
        own = f"test_{module_of(file).rpartition('.')[2]}.py"
        return tests | {each: 0 for each in self.files if Path(each).name == own}


def distances(neighbours: Callable[[str], set[str]], start: str) -> dict[str, int]:
    found = {start: 0}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for there in sorted(neighbours(here) - found.keys()):
            found[there] = found[here] + 1
            queue.append(there)
    return found


Seconds = dict[str, float]  # by test: `tests/test_view.py::test_it`


def file_of(test: str) -> str:
    return test.partition("::")[0]


@dataclass(frozen=True)
class Plan:
    """The tests for the mutants of one file, in the order in which they run."""

    rounds: list[list[str]]  # files; the near ones first and alone, as pytest starts sooner then
    order: list[str]
    left_out: list[str]  # for want of time

    def up_to(self, last: str) -> Plan:
        """The same tests in the same order, those behind `last` left out; all where it is none of
        them."""
        if last not in self.order:
            return self
        end = self.order.index(last) + 1
        order, behind = self.order[:end], self.order[end:]
        files = {file_of(test) for test in order}
        rounds = [[file for file in each if file in files] for each in self.rounds]
        return Plan([each for each in rounds if each], order, [*self.left_out, *behind])


def plan(away: dict[str, int], times: dict[str, Seconds]) -> Plan:
    """With each import between, a test is half as likely to notice, so its seconds count twice.

    A test of 0.2 s in the file's own test file comes before one of 0.1 s that is two imports away.
    """
    seconds = {test: took for file in away for test, took in times[file].items()}
    cost = {test: (0.05 + took) * 2.0 ** away[file_of(test)] for test, took in seconds.items()}
    chosen: list[str] = []
    left = CHOSEN
    for test in sorted(seconds, key=cost.__getitem__):
        if seconds[test] <= left:
            chosen.append(test)
            left -= seconds[test]
    files = sorted({file_of(test) for test in chosen})
    near = [file for file in files if away[file] <= 1]
    far = [file for file in files if away[file] > 1]
    return Plan([each for each in (near, far) if each], chosen, list(seconds.keys() - set(chosen)))


@dataclass(frozen=True)
class Ran:
    code: int | None  # None: the time was up
    output: str
    reports: list[tuple[str, float, str]]  # test, seconds, outcome; of set-up, call, tear-down
    took: float = 0.0  # CPU seconds

    def failed(self) -> list[str]:
        return sorted({test for test, _, outcome in self.reports if outcome == "failed"})

    def seconds(self) -> Seconds:
        """Of each test; infinite, and so never chosen, if it failed or was skipped."""
        total: Seconds = {}
        for test, seconds, outcome in self.reports:
            took = seconds if outcome == "passed" else math.inf
            total[test] = total.get(test, 0) + took
        return total


def run_pytest(tree: Path, files: Sequence[str], plan: Plan | None, limit: float | None) -> Ran:
    """Without a plan: every test of the files, none left out, to measure them."""
    with TemporaryDirectory(prefix="mutant-pytest-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        log, output = folder / "log", folder / "output"
        log.touch()
        inherited = {key: os.environ[key] for key in os.environ.keys() - NO_CACHE}
        environment = inherited | {"PYTHONPATH": f"{tree}{os.pathsep}{ROOT}"}
        environment |= {"PYTHONHASHSEED": "0", "MUTANTS_LOG": str(log)}
        # with a plan only the limit ends a test: it may compile, on a busy machine
        longest = PATIENCE * LIMIT if plan else LONG_TEST
        environment |= {"PYTEST_TIMEOUT": str(longest)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.mutants_tests"]
        command += [
            "--hypothesis-seed=1",
            "-p",
            "no:cacheprovider",
            "--basetemp",
            str(folder / "tests"),
            *files,
        ]
        if plan:
            command.append("-x")
            (folder / "plan").write_text(json.dumps([plan.order, plan.left_out]), "utf-8")
            environment["MUTANTS_PLAN"] = str(folder / "plan")
        with output.open("wb") as stream:
            process = subprocess.Popen(
                command, cwd=tree, env=environment, stdout=stream, stderr=stream, process_group=0
            )
            code, took = ended(process, limit)
        reports = [tuple(json.loads(line)) for line in log.read_text("utf-8").splitlines()]
        return Ran(code, output.read_text("utf-8", "replace"), reports, took)


def ended(process: subprocess.Popen[bytes], limit: float | None) -> tuple[int | None, float]:
    """(exit code, CPU seconds); the code is None if the limit was reached, and the group killed."""
    took, begin = 0.0, time.monotonic()
    while process.poll() is None:
        took = max(took, cpu_of_group(process.pid))
        if limit is not None:
            waited = time.monotonic() - begin
            if took > limit or waited > PATIENCE * limit:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None, took
        time.sleep(0.2)
    return process.returncode, took


def cpu_of_group(group: int) -> float:
    """CPU seconds of the processes of a group, and of their children that have ended."""
    ticks = 0
    numbers = [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208
    for number in numbers:
        with suppress(OSError):  # it has ended meanwhile
            text = Path("/proc", number, "stat").read_text("utf-8", "replace")
            fields = text.rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += sum(map(int, fields[11:15]))
    return ticks / CLOCK_TICKS


# What pytest calls in the plugin; MUTANTS_PLAN and MUTANTS_LOG name files.


def pytest_configure(config: pytest.Config) -> None:
    """For what a mutant's test started in a group of its own: it inherits the limits."""
    if "MUTANTS_PLAN" in os.environ:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests as planned. An unknown test got its name from the mutant; it comes last."""
    if "MUTANTS_PLAN" in os.environ:
        order, left_out = json.loads(Path(os.environ["MUTANTS_PLAN"]).read_text("utf-8"))
        rank = {test: place for place, test in enumerate(order)}
        items[:] = [item for item in items if item.nodeid not in set(left_out)]
        items.sort(key=lambda item: rank.get(item.nodeid, len(rank)))


def cpu_so_far() -> float:
    """CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


_before = [0.0]  # `cpu_so_far` when the last step of a test had ended


def pytest_collection_finish() -> None:
    _before[0] = cpu_so_far()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "MUTANTS_LOG" in os.environ:
        took, _before[0] = cpu_so_far() - _before[0], cpu_so_far()
        line = json.dumps([report.nodeid, took, report.outcome])
        with Path(os.environ["MUTANTS_LOG"]).open("a", encoding="utf-8") as log:
            log.write(line + "\n")
