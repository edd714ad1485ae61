"""The counter of benchmarks/house.py, on sources small enough to count by eye."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from benchmarks import house
from benchmarks.house_source import Module, circles, modules
from benchmarks.house_words import words

ROOT = Path(__file__).parents[1]
PLACES = {
    "a": "a.py",
    "b": "b.py",
    "root": "__init__.py",
    "c": "c/__init__.py",
    "d": "c/d.py",
    "e": "c/e.py",
}
Write = Callable[..., list[Module]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes each source to its place in `pipeline/`, and reads them all."""

    def written(**sources: str) -> list[Module]:
        for name, source in sources.items():
            path = tmp_path / "pipeline" / PLACES[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, "utf-8")
        return modules(tmp_path)

    return written


def values(figures: Iterable[house.Figure]) -> dict[str, float]:
    return {figure.name: figure.value for figure in figures}


def places(figures: Iterable[house.Figure]) -> dict[str, list[str]]:
    return {figure.name: [*figure.places] for figure in figures}


def test_words_are_whole_and_split_at_underscores_and_capitals() -> None:
    counts = words(["signed_shelf SignedShelf bookshelf SHELF # a shelf, ast.walk(tree)"])
    assert counts["shelf"] == 4
    assert counts["bookshelf"] == 1
    assert counts["walk"] == 0
    assert words(["Sends the row\n  away; sent\n  away"])["sent away"] == 1


def test_old_words_are_counted_in_docstrings_code_comments_and_texts(write: Write) -> None:
    code = write(a='"""A door."""\ndoors = "room"  # walked\nx = None if x is None else 0')
    found = values(house.word_figures(code))
    assert found["metaphors: door, shelf, room, corridor, walk, passage"] == 4
    assert found["'is no', 'that is none'"] == 0
    code = write(a="# a date that is none, what is no text")
    assert values(house.word_figures(code))["'is no', 'that is none'"] == 2


def test_a_type_name_has_one_meaning(write: Write) -> None:
    code = write(
        a="class Page: ...\nRow = int | str\nIds = list[int]\nNAMES = x[0]",
        b="Page = dict[str, int]\nRow = int | bytes\nIds = list[int]\nNAMES = x[1]",
        c="from pipeline.a import Page\nResult = TypeVar('Result')",
        d="Result = TypeVar('Result')\nPair = NamedTuple('Pair', [])",
        e="class Pair: ...",
    )
    found = places(house.type_figures(code))
    assert found["type names with two meanings"] == [
        "Page: pipeline/a.py:1, pipeline/b.py:1",
        "Row: pipeline/a.py:2, pipeline/b.py:2",
        "Pair: pipeline/c/d.py:2, pipeline/c/e.py:1",
    ]
    alike = found["type aliases defined twice, with the same meaning"]
    assert alike == ["Ids: pipeline/a.py:3, pipeline/b.py:3"]


def test_any_is_counted_where_it_is_written(write: Write) -> None:
    source = "def read(row: Any, *rest: list[Any]) -> Any:\n    found: Any = row\n    other: Many"
    found = values(house.any_figures(write(a=source)))
    assert found["': Any' of parameters and variables"] == 2
    assert found["annotations with an Any in them"] == 4


def test_a_line_is_measured_without_indentation(write: Write) -> None:
    source = '''"""Doc."""

# a comment
def first():
    text = """
# no comment
    """
    return text  # why
'''
    code = write(a=source)
    documentation, lines = ['"""Doc."""'], ["def first():", 'text = """', "# no comment", '"""']
    lines.append("return text  # why")
    assert [*code[0].code_lines.values()] == documentation + lines
    found = values(house.line_figures(code))
    length = sum(map(len, lines))
    assert found["characters per code line"] == (10 + length) / 6
    assert found["characters per code line, without docstrings"] == length / 5
    assert found["characters per statement"] == (10 + length) / 4
    assert found["comment lines per 100 code lines"] == pytest.approx(100 * 2 / 6)


def test_a_conditional_expression_in_two_comprehensions_counts_once(write: Write) -> None:
    source = "a = 1 if b else 2\nc = [[1 if y else 2 for y in x] for x in z]\n"
    figures = house.line_figures(write(a=source))
    found = values(figures)
    assert found["conditional expressions per 1,000 code lines"] == 1000
    assert found["conditional expressions per 1,000 statements"] == 1000
    assert found["comprehensions per 1,000 code lines"] == 1000
    inside = places(figures)["conditional expressions inside comprehensions"]
    assert inside == ["pipeline/a.py:2"]


def test_a_long_file_is_named(write: Write) -> None:
    code = write(a="a = 1\n" * 400, b="b = 1\n" * 401)
    assert places(house.line_figures(code))["files over 400 lines"] == ["pipeline/b.py"]


def test_a_function_is_as_long_as_from_def_to_its_last_line(write: Write) -> None:
    two = "def f():\n    pass\n"
    four = "@cache\ndef g():\n    def h():\n        pass\n    return h\n"
    found = values(house.function_figures(write(a=two * 8 + four)))
    assert found["functions"] == 10
    assert found["function lines, median"] == 2
    assert found["function lines, longest"] == 4
    assert found["function lines, 90th percentile"] == 4


def test_local_names_are_all_that_a_function_gives_a_value() -> None:
    source = """
def outer(self, given, *rest, key: Any = None, **more):
    import json
    first, (second, *third) = given
    given.attribute = 1
    for _ in rest:
        with open(key) as file:
            total += (walrus := 1)
    try:
        listed = [inner for inner in rest]
    except Problem as problem:
        pick = lambda entry: entry
    match given:
        case [captured, *others]:
            pass
        case {"a": whole, **remaining}:
            pass
        case Point() as point:
            pass
    def nested(hidden):
        secret = hidden
"""
    expected = """given rest key more first second third file total walrus listed inner problem pick
        entry captured others whole remaining point nested"""
    outer = ast.parse(source).body[0]
    assert isinstance(outer, ast.FunctionDef)
    assert house.local_names(outer) == set(expected.split())


def test_crowded_functions_are_named_and_letters_counted(write: Write) -> None:
    names = ", ".join(f"name{number:02}" for number in range(13))
    source = f"def g(abc):\n    pass\n\ndef f({names}):\n    pass\n"
    figures = house.function_figures(write(a=source))
    assert places(figures)["functions with over 12 local names"] == ["pipeline/a.py:4 f: 13"]
    assert values(figures)["local names of a function, most"] == 13
    assert values(figures)["letters of a local name, median"] == 6


def test_the_densest_function_is_wide_nested_and_crowded(write: Write) -> None:
    plain = "def plain(a):\n" + "    use(a)\n" * 5
    dense = 'def dense(a):\n    """Long."""\n' + "    if a:\n        use([a, (b(a),)])\n" * 3
    first, second = house.densest(write(a=plain + dense + "def short(): pass"), 5)
    assert first.place == "pipeline/a.py:7 dense"
    assert (first.nesting, first.locals, first.lines) == (5, 1, 7)
    assert first.characters == (13 + 3 * 5 + 3 * 17) / 7
    assert first.density == first.characters * 5
    assert (second.place, second.nesting) == ("pipeline/a.py:1 plain", 1)


def test_import_circles_are_found_at_any_distance(write: Write) -> None:
    code = write(
        root="VERSION = 1",
        a="from pipeline import b",
        b="def late():\n    import pipeline.c.d",
        c="from pipeline.c.d import work",
        d="from ..a import run\nfrom . import e",
        e="from pipeline import VERSION\nif TYPE_CHECKING:\n    from pipeline.c import work",
    )
    names = ["pipeline.a", "pipeline.b", "pipeline.c", "pipeline.c.d", "pipeline.c.e"]
    assert {module.name for module in code} == {"pipeline", *names}
    assert circles(code) == [["pipeline.a", "pipeline.b", "pipeline.c.d"]]
    assert circles(code, for_types=True) == [names]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.house", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_command_fails_when_a_limit_does(write: Write, tmp_path: Path) -> None:
    root = ("--root", str(tmp_path))
    assert "no Python file" in run(*root).stderr
    write(a="def first(number: int) -> int:\n    return number\n")
    assert run(*root, "--check").returncode == 0
    write(a="def first(row):\n    return [1 if one else 2 for one in row]\n")
    assert run(*root).returncode == 0
    failed = run(*root, "--check", "--densest", "3")
    assert failed.returncode == 1
    assert "conditional expressions inside comprehensions\n  pipeline/a.py:2" in failed.stdout
    report = json.loads(run(*root, "--json").stdout)
    holds = {figure["name"]: figure["ok"] for figure in report["figures"]}
    assert holds["conditional expressions inside comprehensions"] is False
    assert holds["import circles"] is True
    assert holds["code lines"] is None
