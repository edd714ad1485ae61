"""The mutation tester, on packages small enough that every verdict is known beforehand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import mutants
from benchmarks.mutants import Result, Trials
from benchmarks.mutants_source import Mutant, mutants_of
from benchmarks.mutants_tests import CHOSEN, Imports, plan, run_pytest

RULES = """\
def is_long(text):
    return len(text) > 3


def beginning(text):
    return text[:20]
"""
TEST_RULES = """\
from pipeline.rules import is_long


def test_three_letters_are_not_long():
    assert not is_long("abc")
    assert is_long("abcd")
"""
EQUIVALENT = "file\tfunction\tbefore\tafter\treason\n"


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def found(root: Path, text: str) -> list[Mutant]:
    return mutants_of(written(root, {"code.py": text}), "code.py")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a = (b) <= c", [("comparison", "a = (b) < c")]),
        ("a = b not in c", [("comparison", "a = b in c")]),
        ("a = b is c", [("comparison", "a = b is not c")]),
        ("a = b == 'x'", [("comparison", "a = b != 'x'"), ("key", 'a = b == "xXX"')]),
        ("a = b and c", [("boolean", "a = b or c")]),
        ("a = b // c", [("arithmetic", "a = b / c")]),
        ("a += b", [("assignment", "pass"), ("arithmetic", "a -= b")]),
        ("a = 1", [("number", "a = 0")]),
        ("a = 0.5", [("number", "a = 1.5")]),
        ("a = True", [("truth", "a = False")]),
        ("a = {'x': b}", [("key", 'a = {"xXX": b}')]),
        ("a = b['x']", [("key", 'a = b["xXX"]')]),
        ("a = b.get('x', 'y')", [("key", "a = b.get(\"xXX\", 'y')")]),
        ("a = not (b)", [("not", "a = (b)")]),
        ("a = b[c:]", [("slice", "a = b[:c]")]),
        ("a = b[c:d:e]", [("slice", "a = b[d:c:e]")]),
        ("a = min(b, c)", [("function", "a = max(b, c)")]),
        ("a = any(b)", [("function", "a = all(b)")]),
        ("a(b)", [("call", "pass")]),
        ("def a(b): return b", [("return", "def a(b): return None")]),
        ("def a(): raise B", [("raise", "def a(): pass")]),
        ("é = 'é' < b", [("comparison", "é = 'é' <= b")]),
    ],
)
def test_each_kind_of_change(line: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    mutants = found(tmp_path, line)
    assert [(mutant.kind, mutant.now) for mutant in mutants] == expected
    assert all(mutant.was == line for mutant in mutants)


@pytest.mark.parametrize(
    "text",
    [
        '"""Words."""',
        "def a(b: int | None) -> 'x':\n    '''Words: 1 < 2.'''",
        "a: dict['x', 1]",
        "__all__ = ['x'] + b",
        "if TYPE_CHECKING:\n    a = 1",
        "if __name__ == '__main__':\n    a(1)",
        "log.info('words', 1)",
        "a = f'{b + 1}'",
        "a = isinstance(b, int | Path)",
        "a = 'x' + b",
        "@a(1)\ndef b():\n    raise C",
        "return_ = None",
    ],
)
def test_what_no_test_should_pin_down_is_left_alone(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, text) == []


def test_lines_below_a_change_keep_their_numbers(tmp_path: Path) -> None:
    text = "class A:\n    def b(self):\n        c(\n            d,\n        )\n        return d\n"
    call, back = found(tmp_path, text)
    assert (call.function, call.was, call.now) == ("A.b", "c( d, )", "pass")
    assert call.applied(text.encode()).split(b"\n").index(b"        return d") == 5
    assert back.place == "code.py:6:return"


def test_a_file_is_tested_by_what_imports_it_the_nearest_first(tmp_path: Path) -> None:
    files = {
        "pipeline/__init__.py": "",
        "pipeline/low.py": "",
        "pipeline/middle.py": "def a():\n    from pipeline import low\n",
        "tests/test_low.py": "",
        "tests/test_middle.py": "import pipeline.middle\n",
        "tests/test_command.py": "command = ['-m', 'pipeline.low']\n",
        "tests/test_other.py": "import pipeline\n",
    }
    imports = Imports(written(tmp_path, files))
    near = {"tests/test_low.py": 0, "tests/test_command.py": 1, "tests/test_middle.py": 2}
    assert imports.tests_near("pipeline/low.py") == near


def test_the_seconds_go_to_near_and_fast_tests() -> None:
    away = {"test_own.py": 0, "test_far.py": 3}
    own = {"test_own.py::slow": CHOSEN - 1, "test_own.py::fast": 0.1}
    far = {"test_far.py::fast": 0.1, "test_far.py::slow": 1.0}
    chosen = plan(away, {"test_own.py": own, "test_far.py": far})
    assert chosen.order == ["test_own.py::fast", "test_far.py::fast", "test_far.py::slow"]
    assert chosen.left_out == ["test_own.py::slow"]
    assert chosen.rounds == [["test_own.py"], ["test_far.py"]]
    begin = chosen.up_to("test_own.py::fast")
    assert (begin.rounds, begin.order) == ([["test_own.py"]], ["test_own.py::fast"])
    assert set(begin.left_out) == {*own, *far} - {"test_own.py::fast"}
    assert chosen.up_to("") == chosen


def test_a_sample_is_killed_survives_or_is_called_equivalent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change = ["pipeline/rules.py", "beginning", "return text[:20]", "return text[:21]"]
    table = EQUIVALENT + "\t".join([*change, "no text is longer than 20"]) + "\n"
    files = {
        "pipeline/__init__.py": "",
        "pipeline/rules.py": RULES,
        "tests/test_rules.py": TEST_RULES,
        mutants.EQUIVALENT: table,
    }
    root = written(tmp_path, files)
    assert mutants.main(["--of", "rules", "none"], root) == 1  # one equivalent of six is too many
    shown = capsys.readouterr().out
    assert shown.splitlines()[1].split() == ["rules", "6", "3", "0", "2", "1", "0.60"]
    assert "survived: pipeline/rules.py:6:slice  beginning\n    - return text[:20]" in shown
    assert "equivalent: pipeline/rules.py:6:number  beginning" in shown
    assert (root / "pipeline" / "rules.py").read_text("utf-8") == RULES

    assert mutants.main(["--one", "pipeline/rules.py:2:comparison"], root) == 0
    one = capsys.readouterr()
    assert one.out.endswith("killed\n")
    assert "FAILED tests/test_rules.py::test_three_letters_are_not_long" in one.out
    assert "measured" not in one.err  # the first run did


def test_a_time_out_says_something_only_if_the_unmutated_tests_end_well(tmp_path: Path) -> None:
    removed = Mutant("a.py", 1, "call", "", 0, 4, "pass", "a()", "pass")
    written(tmp_path, {"a.py": "a()\n"})

    def verdict(unmutated: Result) -> str:
        trials = Trials(tmp_path, Imports(tmp_path), {}, limit=60, passed={("a.py", ""): unmutated})
        trials.run = lambda *_: Result("timed out", 60, "")  # type: ignore[method-assign]
        return trials.of(removed).verdict

    assert verdict(Result("survived", 45, "")) == "timed out"
    assert verdict(Result("survived", 46, "")) == "survived"
    assert verdict(Result("timed out", 60, "")) == "survived"
    with pytest.raises(SystemExit, match="fails in this order"):
        verdict(Result("killed", 1, "test_a"))


def test_an_endless_run_is_ended(tmp_path: Path) -> None:
    endless = "def test_a():\n    while True:\n        pass\n"
    root = written(tmp_path, {"tests/test_a.py": endless})
    assert run_pytest(root, ["tests/test_a.py"], None, limit=1).code is None


def test_an_equivalent_needs_a_reason(tmp_path: Path) -> None:
    root = written(tmp_path, {mutants.EQUIVALENT: EQUIVALENT + "a.py\tb\tc\td\t \n"})
    with pytest.raises(SystemExit, match=r"tsv:2: wanted file, function, before, after, reason"):
        mutants.equivalents(root)
    entry = ("a.py", "b", "c", "d")
    assert mutants.without_place(root, [entry]) == [entry]


def test_a_test_that_fails_without_a_mutant_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = TEST_RULES + "\n\ndef test_wrong():\n    assert is_long('abc')\n"
    files = {"pipeline/__init__.py": "", "pipeline/rules.py": RULES, "tests/test_rules.py": test}
    trials = mutants.prepared(written(tmp_path, files), ["pipeline/rules.py"])
    chosen = plan({"tests/test_rules.py": 0}, trials.times)
    assert chosen.left_out == ["tests/test_rules.py::test_wrong"]
    assert len(chosen.order) == 1
    assert "without a mutant: tests/test_rules.py::test_wrong" in capsys.readouterr().err


COMPILES = """\
import time
from pathlib import Path

from pipeline.rules import is_long


def test_it_is_slow_where_nothing_is_compiled():
    compiled = Path(__file__).parents[1] / "pipeline" / "__pycache__" / "rules.is_long-1.nbi"
    enough = time.process_time() + 0.8
    while not compiled.exists() and time.process_time() < enough:
        pass
    compiled.parent.mkdir(exist_ok=True)
    compiled.touch(exist_ok=True)
    assert is_long("abcd")
"""


def test_a_test_is_measured_without_what_it_had_compiled(tmp_path: Path) -> None:
    files = {"pipeline/__init__.py": "", "pipeline/rules.py": RULES}
    root = written(tmp_path, files | {"tests/test_rules.py": COMPILES})
    trials = mutants.prepared(root, ["pipeline/rules.py"])
    (seconds,) = trials.times["tests/test_rules.py"].values()
    assert seconds < 0.5


def test_the_code_as_it_is_has_to_be_compiled_anew_like_a_mutant(tmp_path: Path) -> None:
    """numba watches the time of a file."""
    is_new = (
        "from pathlib import Path\n\nimport pipeline.rules\n\n\n"
        "def test_new():\n    assert Path(pipeline.rules.__file__).stat().st_mtime > 1_000_000\n"
    )
    files = {"pipeline/__init__.py": "", "pipeline/rules.py": RULES, "tests/test_rules.py": is_new}
    tree = written(tmp_path, files)
    os.utime(tree / "pipeline" / "rules.py", (1, 1))
    times = {"tests/test_rules.py": {"tests/test_rules.py::test_new": 0.1}}
    trials = Trials(tree, Imports(tree), times)
    assert trials.plain("pipeline/rules.py", "").verdict == "survived"
