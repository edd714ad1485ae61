"""Mutation testing: change the code in one place, and see whether a test notices.

.venv/bin/python -m benchmarks.mutants --seed 1 --count 200
.venv/bin/python -m benchmarks.mutants --of rules dedup --count 20 --list      runs nothing
.venv/bin/python -m benchmarks.mutants --one pipeline/score/rate.py:40:comparison   shows pytest

    source ──mutants_source──> mutants ──sample by seed──> each in its own copy of the tree
                                                                 │
    a test fails: killed <──mutants_tests── pytest -x, on the tests that import the file
    none fails:   survived, or equivalent if tests/mutants_equivalent.tsv says why no test could

A run that reaches the limit of 120 CPU seconds counts as killed ("timed out") only if the same
tests end well within it on the code as it is; otherwise the mutant counts as a survivor.

A mutant of a compiled file costs more than its tests, as numba compiles it and what it is compiled
into. So tests are measured when all is compiled, or one that compiles would be too long to be
chosen; the limit leaves as much for compiling as the tests take; and the code as it is, with which
a time-out is compared, is compiled anew, too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.mutants_source import Mutant, mutants_of, parses
from benchmarks.mutants_tests import LIMIT, ROOT, Imports, Seconds, distances, plan, run_pytest

PACKAGES = ["rules", "dedup", "store", "run", "publish", "score"]
EQUIVALENT = "tests/mutants_equivalent.tsv"
MOST_EQUIVALENT = 0.10
WORKERS = 2
NOT_COPIED = {".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
NOT_COPIED |= {"build", "dist", "output"}

# The sample


def files_of(root: Path, package: str) -> list[str]:
    """Of a package or module under pipeline/: `rules`, `rules/privacy`, `rules.style`, `score`."""
    place = root / "pipeline" / package.replace(".", "/")
    paths = [*sorted(place.rglob("*.py")), place.with_name(place.name + ".py")]
    return [path.relative_to(root).as_posix() for path in paths if path.is_file()]


def sample(root: Path, files: Iterable[str], seed: int, count: int) -> list[Mutant]:
    """The same for the same code and seed; a larger count adds to the sample of a smaller one."""
    mutants = [mutant for file in files for mutant in mutants_of(root, file)]
    random.Random(seed).shuffle(mutants)
    return list(islice((mutant for mutant in mutants if parses(root, mutant)), count))


def at(root: Path, place: str) -> list[Mutant]:
    mutants = mutants_of(root, place.partition(":")[0])
    found = [mutant for mutant in mutants if mutant.place == place]
    if not found:
        raise SystemExit(f"no mutant at {place}; --list shows the places")
    return found


# build/mutants: a tree to copy, with its compiled code, and the seconds of its tests


def source_files(root: Path) -> set[str]:
    tops = [path for path in root.iterdir() if path.name not in NOT_COPIED]
    paths = [path for top in tops for path in [top, *top.rglob("*")] if path.is_file()]
    relative = [path.relative_to(root) for path in paths]
    return {path.as_posix() for path in relative if "__pycache__" not in path.parts}


def same_file(one: Path, other: Path) -> bool:
    first, second = one.stat(), other.stat()
    return (first.st_mtime_ns, first.st_size) == (second.st_mtime_ns, second.st_size)


def brought_up_to_date(root: Path, tree: Path) -> Imports:
    """Copy the changed files, with their time: Python and numba compile anew if it differs
    (`pipeline/compiled.py`).

    The first copy takes compiled code along, so that no test of the first measurement compiles.
    """
    if not tree.exists():
        shutil.copytree(
            root, tree, ignore=lambda folder, _: NOT_COPIED if folder == str(root) else ()
        )
    wanted, there = source_files(root), source_files(tree)
    for name in there - wanted:
        (tree / name).unlink()
    same = {name for name in wanted & there if same_file(root / name, tree / name)}
    changed = wanted - same
    for name in changed:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, tree / name)
    return Imports(tree)


def compiled_code(tree: Path) -> set[tuple[Path, int]]:
    """What numba has compiled: files, and when each was written."""
    return {(path, path.stat().st_mtime_ns) for path in tree.rglob("*.nb[ci]")}


def measured(tree: Path, file: str) -> Seconds:
    """The tests of a file; once more if it had something compiled, which took most of the time."""
    before = compiled_code(tree)
    ran = run_pytest(tree, [file], None, None)
    if compiled_code(tree) != before:
        ran = run_pytest(tree, [file], None, None)
    if ran.code not in (0, 1, 5):  # 1: a test failed; 5: there is none
        raise SystemExit(f"pytest cannot run {file}\n{ran.output}")
    for test in ran.failed():
        say(f"not used, as it fails without a mutant: {test}")
    return ran.seconds()


def digest(tree: Path, imports: Imports, test_file: str) -> str:
    """Of all that a test file uses: what it imports, step by step; and the texts and data."""
    code = set(distances(imports.imported.__getitem__, test_file))
    data = {name for name in source_files(tree) if "/" in name and not name.endswith(".py")}
    total = hashlib.sha256()
    for name in sorted(code | data - {EQUIVALENT}):
        total.update(name.encode() + hashlib.sha256((tree / name).read_bytes()).digest())
    return total.hexdigest()


def times_of(tree: Path, imports: Imports, test_files: Sequence[str]) -> dict[str, Seconds]:
    """By test file; measured where the kept times are of other code."""
    kept_in = tree.parent / "times.json"
    kept = json.loads(kept_in.read_text("utf-8")) if kept_in.exists() else {}
    digests = {file: digest(tree, imports, file) for file in test_files}
    old = [file for file in test_files if kept.get(file, {}).get("digest") != digests[file]]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(partial(measured, tree), old)
        for file, seconds in zip(old, found, strict=True):
            say(f"measured {file}: {len(seconds)} tests")
            kept[file] = {"digest": digests[file], "seconds": seconds}
            kept_in.write_text(json.dumps(kept), "utf-8")
    return {file: kept[file]["seconds"] for file in test_files}


# A mutant and its tests


@dataclass(frozen=True)
class Result:
    verdict: str  # killed, timed out, survived, equivalent
    seconds: float
    note: str  # the test that failed, or why none did
    output: str = ""


@dataclass
class Trials:
    tree: Path
    imports: Imports
    times: dict[str, Seconds]
    limit: float = LIMIT
    passed: dict[tuple[str, str], Result] = field(default_factory=dict)  # by file and last test

    def of(self, mutant: Mutant) -> Result:
        """A failure or time-out says something only if the same tests pass on the code as it is."""
        source = (self.tree / mutant.file).read_bytes()
        result = self.run(mutant.file, mutant.applied(source))
        if result.verdict == "survived":
            return result
        plain = self.plain(mutant.file, result.note if result.verdict == "killed" else "")
        if plain.verdict == "killed":
            raise SystemExit(f"without a mutant, {plain.note} fails in this order\n{plain.output}")
        if result.verdict != "timed out":
            return result
        ends_well = plain.seconds <= self.limit * 3 / 4
        note = f"time-out; without the mutant {plain.seconds:.0f} s"
        return replace(result, verdict="timed out" if ends_well else "survived", note=note)

    def plain(self, file: str, last: str) -> Result:
        """The code as it is, up to the test that has failed; all chosen tests without one."""
        if (file, last) not in self.passed:
            source = (self.tree / file).read_bytes()
            self.passed[file, last] = self.run(file, source, last)
        return self.passed[file, last]

    def run(self, file: str, source: bytes, last: str = "") -> Result:
        """The chosen tests on a copy of the tree, in which this file reads so.

        It is written in any case: what numba compiled from it is stale by its time
        (`pipeline/compiled.py`).
        """
        tests = plan(self.imports.tests_near(file), self.times).up_to(last)
        took = 0.0
        with TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as name:
            copy = Path(name) / "tree"
            shutil.copytree(self.tree, copy)
            (copy / file).write_bytes(source)
            for files in tests.rounds:
                ran = run_pytest(copy, files, tests, self.limit - took)
                took += ran.took
                if ran.code is None:
                    return Result("timed out", took, "", ran.output)
                if ran.code != 0:
                    note = " ".join(ran.failed()) or "a test file cannot be imported"
                    return Result("killed", took, note, ran.output)
        return Result("survived", took, f"{len(tests.order)} tests passed")


def prepared(root: Path, files: Iterable[str]) -> Trials:
    tree = root / "build" / "mutants" / "tree"
    imports = brought_up_to_date(root, tree)
    test_files = sorted({test for file in files for test in imports.tests_near(file)})
    return Trials(tree, imports, times_of(tree, imports, test_files))


# The committed table of survivors that no test could kill

Change = tuple[str, str, str, str]  # file, function, line before, line after; no line number


def change(mutant: Mutant) -> Change:
    return mutant.file, mutant.function, mutant.was, mutant.now


def equivalents(root: Path) -> dict[Change, str]:
    """Change to reason. Every entry must have a reason."""
    path = root / EQUIVALENT
    lines = path.read_text("utf-8").splitlines()[1:] if path.exists() else []
    found: dict[Change, str] = {}
    for number, line in enumerate(lines, 2):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 5 or not cells[4]:
            wanted = "file, function, before, after, reason; with tabs between"
            raise SystemExit(f"{EQUIVALENT}:{number}: wanted {wanted}")
        file, function, before, after, reason = cells
        found[file, function, before, after] = reason
    return found


def without_place(root: Path, entries: Iterable[Change]) -> list[Change]:
    """Entries that match no mutant: the code has changed since."""
    files = {file for file, *_ in entries if (root / file).exists()}
    known = {change(mutant) for file in files for mutant in mutants_of(root, file)}
    return [entry for entry in entries if entry not in known]


# What is shown

Results = list[tuple[Mutant, Result]]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def shown(mutant: Mutant) -> str:
    return f"{mutant.place}  {mutant.function}\n    - {mutant.was}\n    + {mutant.now}"


def tried(
    trials: Trials, mutants: Sequence[Mutant], reasons: dict[Change, str]
) -> Iterator[tuple[Mutant, Result]]:
    with ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(trials.of, mutants)
        for number, (mutant, result) in enumerate(zip(mutants, results, strict=True), 1):
            reason = reasons.get(change(mutant))
            if reason and result.verdict == "survived":
                result = replace(result, verdict="equivalent", note=reason)
            elif reason:
                say(f"{EQUIVALENT} calls this equivalent, but a test noticed it:")
            done = f"{number}/{len(mutants)} {result.verdict} {result.seconds:.0f} s"
            say(f"{done} {mutant.place} {result.note}")
            yield mutant, result


def row(name: str, results: Iterable[Result]) -> str:
    verdicts = Counter(result.verdict for result in results)
    killed = verdicts["killed"] + verdicts["timed out"]
    different = verdicts.total() - verdicts["equivalent"]
    share = f"{killed / different:.2f}" if different else "-"
    counts = [verdicts[verdict] for verdict in ("killed", "timed out", "survived", "equivalent")]
    return f"{name:16}" + "".join(f"{cell:>11}" for cell in [verdicts.total(), *counts, share])


def report(packages: dict[str, list[str]], results: Results) -> None:
    titles = ["made", "killed", "timed out", "survived", "equivalent", "share"]
    print(f"{'package':16}" + "".join(f"{title:>11}" for title in titles))
    for package, files in packages.items():
        print(row(package, [result for mutant, result in results if mutant.file in files]))
    print(row("all", [result for _, result in results]))
    print("share: killed or timed out, of those that are not equivalent")
    for verdict in ("survived", "timed out", "equivalent"):
        for mutant, result in results:
            if result.verdict == verdict:
                print(f"\n{verdict}: {shown(mutant)}\n    {result.note}")


def too_many_equivalent(results: Results) -> bool:
    count = sum(result.verdict == "equivalent" for _, result in results)
    print(f"\ncalled equivalent: {count} of {len(results)}; at most {MOST_EQUIVALENT:.0%}")
    return count > MOST_EQUIVALENT * len(results)


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Does a test notice when the code is changed?")
    parser.add_argument("--of", nargs="+", default=PACKAGES, help="packages under pipeline/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--list", action="store_true", help="show the sample, run nothing")
    parser.add_argument("--one", metavar="FILE:LINE:KIND", help="this, with what pytest says")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    options = options_of(arguments)
    packages = {package: files_of(root, package) for package in options.of}
    files = list(dict.fromkeys(chain.from_iterable(packages.values())))
    if options.one:
        mutants = at(root, options.one)
    else:
        mutants = sample(root, files, options.seed, options.count)
    if options.list:
        print(*map(shown, mutants), sep="\n")
        return 0
    reasons = equivalents(root)
    for entry in without_place(root, reasons):
        say(f"{EQUIVALENT} names a change that the code has no place for: {' | '.join(entry)}")
    trials = prepared(root, {mutant.file for mutant in mutants})
    results = list(tried(trials, mutants, reasons))
    if options.one:
        for mutant, result in results:
            print(shown(mutant), result.output, result.verdict, sep="\n")
        return 0
    report(packages, results)
    return int(too_many_equivalent(results))


if __name__ == "__main__":
    sys.exit(main())
