"""How readable the code is, in numbers: python -m benchmarks.house [--root DIR] [--densest N]

Counts the Python files of `pipeline/` and `spiders/`, here or in another checkout.

code line       a line that is not blank and not only a comment; lines of a docstring count
characters      of a code line without its indentation, with the comment at its end
statement       a logical line, however many lines it is wrapped over; a docstring is one
function        from `def` to its last line; one inside another counts for both
local names     parameters (without self and cls), what the function assigns, the variables of
                its comprehensions and lambdas; without imports, and without those of a function
                inside it
nesting         of blocks, calls, brackets, comprehensions and conditional expressions
density         characters per code line × nesting × local names: what a reader must hold at once
import circle   modules that import each other, at any distance; imports inside functions count
old word        a whole word, anywhere in a file: `signed_shelf` and `SignedShelf` hold one `shelf`

By these definitions commit 135ba1f has 48 characters a code line, nanochat 42, httpx 28. Wrapping
lines lowers what is counted by the line; what is counted by the statement stays.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.house_source import FOLDERS, Function, Module, circles, modules
from benchmarks.house_words import FAMILIAR, FIELD, METAPHORS, together, words

ROOT = Path(__file__).parents[1]
LONG_FILE = 400  # lines
MANY_LOCALS = 12
SHORT_FUNCTION = 5  # code lines; shorter ones are not listed among the densest

IS_NONE = re.compile(r"\b(is|are|was) no(ne)?\b")  # "a date that is none", "what is no text"
TYPE_MAKERS = {"NamedTuple", "namedtuple", "NewType", "TypedDict"}
Definition = ast.Module | ast.ClassDef | Function
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Loop = ast.For | ast.AsyncFor | ast.While
Branch = ast.If | ast.Try | ast.TryStar | ast.Match
Block = Loop | Branch | ast.With | ast.AsyncWith | Function | ast.ClassDef
Bracket = ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Subscript
Nested = ast.Call | Bracket | Comprehension | ast.IfExp | ast.Lambda


class Figure(NamedTuple):
    """One row of the table. places: where it is not as it should be."""

    name: str
    value: float
    limit: float | None = None
    at_least: bool = False
    places: Sequence[str] = ()

    @property
    def ok(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


# --- words


def word_figures(code: Sequence[Module]) -> list[Figure]:
    counts = words(module.text for module in code)
    metaphors = sum(together(counts, forms) for forms in METAPHORS)
    negations = sum(len(IS_NONE.findall(module.text)) for module in code)
    return [
        # a postal address has rooms and doors of its own: our limit is not 0
        Figure("metaphors: door, shelf, room, corridor, walk, passage", metaphors, 5),
        Figure("'sent away'", counts["sent away"], 0),
        Figure("'is no', 'that is none'", negations),
    ]


# --- types


def type_meanings(module: Module) -> Iterator[tuple[str, str, str]]:
    """(name, meaning, place) of every class and alias at the top of a module.

    An alias means what it is assigned; every class has a meaning of its own.
    """
    for node in module.tree.body:
        place = f"{module.path}:{node.lineno}"
        if isinstance(node, ast.ClassDef):
            yield node.name, place, place
        elif isinstance(node, ast.Assign) and _is_type(node.value):
            target = ast.unparse(node.targets[0])
            if re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", target):
                yield target, ast.unparse(node.value), place


def _is_type(value: ast.expr) -> bool:
    """Whether a value may be a type: `Kept | Dropped`, `list[Row]`, `NamedTuple(...)`."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split(".")[-1] in TYPE_MAKERS
    return isinstance(value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute)


def type_figures(code: Sequence[Module]) -> list[Figure]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    meanings: defaultdict[str, set[str]] = defaultdict(set)
    for module in code:
        for name, meaning, place in type_meanings(module):
            places[name].append(place)
            meanings[name].add(meaning)
    repeated = {name: found for name, found in places.items() if len(found) > 1}
    several = [_listed(name, found) for name, found in repeated.items() if len(meanings[name]) > 1]
    alike = [_listed(name, found) for name, found in repeated.items() if len(meanings[name]) == 1]
    return [
        Figure("type names with two meanings", len(several), 0, places=several),
        Figure("type aliases defined twice, with the same meaning", len(alike), places=alike),
    ]


def _listed(name: str, places: Iterable[str]) -> str:
    return f"{name}: {', '.join(places)}"


def any_figures(code: Sequence[Module]) -> list[Figure]:
    nodes = [node for module in code for node in module.nodes]
    given = [node.annotation for node in nodes if isinstance(node, ast.arg | ast.AnnAssign)]
    returned = [node.returns for node in nodes if isinstance(node, Function)]
    annotations = [annotation for annotation in (*given, *returned) if annotation]
    with_any = [one for one in annotations if any(map(_is_any, ast.walk(one)))]
    lines = [line for module in code for line in module.text.splitlines() if ": Any" in line]
    return [
        Figure("': Any' of parameters and variables", sum(map(_is_any, given)), 40),
        Figure("lines with ': Any'", len(lines)),
        Figure("annotations with an Any in them", len(with_any)),
    ]


def _is_any(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in ("Any", "typing.Any")


# --- lines


def line_figures(code: Sequence[Module]) -> list[Figure]:
    lines = [line for module in code for line in module.code_lines.values()]
    undocumented = [line for module in code for line in _without_docstrings(module)]
    characters = sum(map(len, lines))
    comments = sum(len(module.comments) for module in code)
    statements = sum(token.type == tokenize.NEWLINE for module in code for token in module.tokens)
    long_files = [module.path for module in code if module.text.count("\n") > LONG_FILE]
    return [
        Figure("code lines", len(lines)),
        Figure("characters per code line", characters / len(lines), 42),
        Figure(
            "characters per code line, without docstrings",
            sum(map(len, undocumented)) / len(undocumented),
        ),
        Figure("characters per statement", characters / statements),
        Figure("comment lines per 100 code lines", 100 * comments / len(lines)),
        *expression_figures(code, len(lines), statements),
        Figure(f"files over {LONG_FILE} lines", len(long_files), places=long_files),
    ]


def _without_docstrings(module: Module) -> list[str]:
    definitions = [node for node in module.nodes if isinstance(node, Definition)]
    documented = {number for node in definitions for number in _docstring(node)}
    return [line for number, line in module.code_lines.items() if number not in documented]


def _docstring(node: Definition) -> range:
    """The line numbers of its docstring."""
    if ast.get_docstring(node, clean=False) is None:
        return range(0)
    first = node.body[0]
    return range(first.lineno, (first.end_lineno or first.lineno) + 1)


def expression_figures(code: Sequence[Module], lines: int, statements: int) -> list[Figure]:
    conditional, comprehensions, inside = 0, 0, []
    for module in code:
        conditional += sum(isinstance(node, ast.IfExp) for node in module.nodes)
        found = [node for node in module.nodes if isinstance(node, Comprehension)]
        comprehensions += len(found)
        inner = {node for outer in found for node in ast.walk(outer) if isinstance(node, ast.IfExp)}
        inside += [f"{module.path}:{line}" for line in sorted(node.lineno for node in inner)]
    return [
        Figure("conditional expressions per 1,000 code lines", 1000 * conditional / lines, 15),
        Figure("conditional expressions per 1,000 statements", 1000 * conditional / statements),
        Figure("conditional expressions inside comprehensions", len(inside), 0, places=inside),
        Figure("comprehensions per 1,000 code lines", 1000 * comprehensions / lines),
    ]


# --- functions


def local_names(function: Function) -> set[str]:
    bound = map(_bound, _own_nodes([function.args, *function.body]))
    return set().union(*bound) - {"self", "cls", "_"}


def _own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a function's body; a definition inside it is one node."""
    for node in body:
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            yield from _own_nodes(ast.iter_child_nodes(node))


def _bound(node: ast.AST) -> set[str]:
    """The names that a node itself gives a value."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return {name}
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return {name}
    return set()


def function_figures(code: Sequence[Module]) -> list[Figure]:
    functions = [(module, function) for module in code for function in module.functions]
    lengths = sorted(_last_line(function) - function.lineno + 1 for _, function in functions)
    names = [local_names(function) for _, function in functions]
    crowded = [
        f"{module.path}:{function.lineno} {function.name}: {len(own)}"
        for (module, function), own in zip(functions, names, strict=True)
        if len(own) > MANY_LOCALS
    ]
    letters = median(len(name) for own in names for name in own)
    return [
        Figure("functions", len(functions)),
        Figure("function lines, median", median(lengths), 10),
        Figure("function lines, 90th percentile", lengths[len(lengths) * 9 // 10], 35),
        Figure("function lines, longest", lengths[-1], 60),
        Figure("local names of a function, most", max(map(len, names)), MANY_LOCALS),
        Figure(f"functions with over {MANY_LOCALS} local names", len(crowded), 0, places=crowded),
        Figure("letters of a local name, median", letters, 5, at_least=True),
    ]


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


class Density(NamedTuple):
    """How much of a function a reader must hold at once."""

    density: float
    characters: float  # per code line, docstring left out
    nesting: int
    locals: int
    lines: int  # of code, docstring left out
    place: str


def densest(code: Sequence[Module], number: int) -> list[Density]:
    found = [_density(module, function) for module in code for function in module.functions]
    long_enough = [one for one in found if one.lines >= SHORT_FUNCTION]
    return sorted(long_enough, reverse=True)[:number]


def _density(module: Module, function: Function) -> Density:
    documented = {*_docstring(function)} - {function.lineno}
    numbers = {*range(function.lineno, _last_line(function) + 1)} - documented
    lines = [module.code_lines[number] for number in numbers & module.code_lines.keys()]
    characters = sum(map(len, lines)) / len(lines)
    nesting = max(map(nesting_of, function.body))
    names = len(local_names(function))
    place = f"{module.path}:{function.lineno} {function.name}"
    return Density(characters * nesting * names, characters, nesting, names, len(lines), place)


def nesting_of(node: ast.AST) -> int:
    inner = max(map(nesting_of, ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, Block | Nested)


# --- imports


def import_figures(code: Sequence[Module]) -> list[Figure]:
    run, typed = circles(code), circles(code, for_types=True)
    return [
        Figure("import circles", len(run), 0, places=[", ".join(circle) for circle in run]),
        Figure(
            "import circles, imports for types included",
            len(typed),
            places=[", ".join(circle) for circle in typed],
        ),
    ]


# --- the tables


def figures(code: Sequence[Module]) -> list[Figure]:
    return [
        *word_figures(code),
        *type_figures(code),
        *any_figures(code),
        *line_figures(code),
        *function_figures(code),
        *import_figures(code),
    ]


def print_figures(rows: Iterable[Figure]) -> None:
    marks = {None: "", True: "ok", False: "FAILS"}
    print(f"{'figure':55}{'value':>9}{'limit':>9}  ok")
    for row in rows:
        sign = "≥" if row.at_least else "≤"
        limit = "" if row.limit is None else f"{sign} {row.limit:g}"
        print(f"{row.name:55}{_number(row.value):>9}{limit:>9}  {marks[row.ok]}")


def _number(value: float) -> str:
    return f"{value:,.1f}" if value % 1 else f"{value:,.0f}"


def print_places(rows: Iterable[Figure]) -> None:
    for row in rows:
        if row.places:
            print(f"\n{row.name}")
            print("\n".join(f"  {place}" for place in row.places))


def print_words(counts: Mapping[str, int]) -> None:
    print(f"\n{'old word':40}{'times':>6}  now")
    for forms, now in (METAPHORS | FAMILIAR).items():
        print(f"{forms:40}{together(counts, forms):6}  {now}")
    print(f"\n{'new word':40}{'times':>6}")
    for word in FIELD.split():
        print(f"{word:40}{together(counts, f'{word} {word}s'):6}")


def print_densest(rows: Iterable[Density]) -> None:
    print("\ndensity chars/line nesting locals lines  function")
    for row in rows:
        sizes = f"{row.nesting:7} {row.locals:6} {row.lines:5}"
        print(f"{row.density:7,.0f} {row.characters:10.1f} {sizes}  {row.place}")


def print_json(counts: Mapping[str, int], rows: Iterable[Figure], dense: Iterable[Density]) -> None:
    report = {
        "figures": [row._asdict() | {"ok": row.ok} for row in rows],
        "words": {forms: together(counts, forms) for forms in METAPHORS | FAMILIAR},
        "densest": [row._asdict() for row in dense],
    }
    print(json.dumps(report, indent=1))


def main() -> None:
    how = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    parser.add_argument("--densest", type=int, default=0, metavar="N", help="list N functions")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit fails")
    options = parser.parse_args()
    code = modules(options.root)
    if not code:
        parser.error(f"no Python file in {' or '.join(FOLDERS)} of {options.root}")
    counts = words(module.text for module in code)
    rows, dense = figures(code), densest(code, options.densest)
    if options.json:
        print_json(counts, rows, dense)
    else:
        print_figures(rows)
        print_places(rows)
        print_words(counts)
        if dense:
            print_densest(dense)
    if options.check and any(row.ok is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
