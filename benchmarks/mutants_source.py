"""Mutants of a source file: every place where it can be changed, found by parsing it.

    if count < limit:      ──comparison──>      if count <= limit:

Only the bytes of that place are replaced, so that the lines below keep their numbers. Left alone is
what no test should pin down: annotations, docstrings, decorators, f-strings, `if TYPE_CHECKING`,
`__all__` and the words of logs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    kind: str
    function: str  # qualified name, "" at the top of the file
    start: int  # the bytes of the file that are replaced
    end: int
    text: str
    was: str  # the lines that change, as one line
    now: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.kind}"

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]


Words = tuple[str, str]  # what the source says, what the mutant says
COMPARISONS: dict[type[ast.cmpop], Words] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
}  # fmt: skip
BOOLEANS: dict[type[ast.boolop], Words] = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
ARITHMETIC: dict[type[ast.operator], Words] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"), ast.Mod: ("%", "/"), ast.Pow: ("**", "*"), ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "&"),
}  # fmt: skip
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
LOOKUPS = {"get", "pop", "setdefault"}  # their first argument is a key
QUIET = {
    "log",
    "logger",
    "logging",
    "warnings",
    "print",
    "echo",
    "progress",
}  # words for people
TYPES = {
    "None",
    "bool",
    "bytes",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "set",
    "str",
    "tuple",
    "type",
}


class Finder(ast.NodeVisitor):
    """Collects the mutants of a file, node by node."""

    def __init__(self, file: str, source: bytes) -> None:
        self.file = file
        self.source = source
        self.found: list[Mutant] = []
        self.names: list[str] = []  # of the classes and functions around the node
        self.decorated = False
        lengths = (len(line) for line in source.splitlines(keepends=True))
        self.line_starts = [0]
        for length in lengths:
            self.line_starts.append(self.line_starts[-1] + length)

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self.line_starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.line_starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt | None) -> str:
        return "" if node is None else self.source[self.start(node) : self.end(node)].decode()

    def add(self, kind: str, start: int, end: int, text: str) -> None:
        """Keep the lines before and after as one line each, for tables: `was` and `now`."""
        line = self.source.count(b"\n", 0, start) + 1
        mutant = Mutant(self.file, line, kind, ".".join(self.names), start, end, text, "", "")
        first = self.source.rfind(b"\n", 0, start) + 1
        after = len(self.source[end:].partition(b"\n")[0])
        changed = mutant.applied(self.source)
        was, now = (
            self.source[first : end + after],
            changed[first : start + len(text.encode()) + after],
        )
        one_line = [" ".join(lines.decode().split()) for lines in (was, now)]
        self.found.append(replace(mutant, was=one_line[0], now=one_line[1]))

    def add_statement(self, kind: str, node: ast.stmt, text: str) -> None:
        """A statement of several lines leaves empty ones behind."""
        self.add(kind, self.start(node), self.end(node), text + "\n" * self.text(node).count("\n"))

    def add_operator(self, kind: str, left: ast.expr, right: ast.expr, words: Words) -> None:
        """The operator stands between its operands and their brackets: `(a) < (b)`."""
        between = self.source[self.end(left) : self.start(right)].decode()
        at = between.find(words[0])
        if at >= 0 and "#" not in between:
            start = self.end(left) + at
            self.add(kind, start, start + len(words[0]), words[1])

    def add_key(self, node: ast.expr | None) -> None:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and not set(node.value) & set('"\\\n')
        ):
            self.add("key", self.start(node), self.end(node), f'"{node.value}XX"')

    # Names

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.append(node.name)
        self.visit_all(node.body)
        self.names.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outside = self.decorated
        self.decorated = bool(node.decorator_list)
        self.names.append(node.name)
        self.visit(node.args)
        self.visit_all(node.body)
        self.names.pop()
        self.decorated = outside

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # Left alone

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.target, node.value])

    def visit_Assign(self, node: ast.Assign) -> None:
        if self.text(node.targets[0]) != "__all__":
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if not re.search(r"\bTYPE_CHECKING\b|^__name__ ==", self.text(node.test)):
            self.generic_visit(node)

    # Statements

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not isinstance(call, ast.Call):
            return
        if not set(self.text(call.func).split(".")) & QUIET:
            self.add_statement("call", node, "pass")
            self.visit(call)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.add_statement("assignment", node, "pass")
        if words := ARITHMETIC.get(type(node.op)):
            self.add_operator("arithmetic", node.target, node.value, words)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and self.text(node.value) != "None":
            self.add_statement("return", node, "return None")
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        if not self.decorated:
            self.add_statement("raise", node, "pass")
        self.generic_visit(node)

    # Expressions

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = pairwise([node.left, *node.comparators])
        for operator, (left, right) in zip(node.ops, operands, strict=True):
            self.add_operator("comparison", left, right, COMPARISONS[type(operator)])
            if isinstance(operator, ast.Eq | ast.NotEq):
                self.add_key(right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in pairwise(node.values):
            self.add_operator("boolean", left, right, BOOLEANS[type(node.op)])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        words = ARITHMETIC.get(type(node.op))
        operands = (node.left, node.right)
        if words and not any(is_text_or_list(each) or is_type(each) for each in operands):
            self.add_operator("arithmetic", *operands, words)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            start = self.start(node)
            space = len(self.source[start + 3 :]) - len(self.source[start + 3 :].lstrip())
            self.add("not", start, start + 3 + space, "")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.add("truth", self.start(node), self.end(node), str(not node.value))
        elif isinstance(node.value, int | float):
            number = 0 if node.value == 1 else node.value + 1
            self.add("number", self.start(node), self.end(node), str(number))

    def visit_Dict(self, node: ast.Dict) -> None:
        for key in node.keys:
            self.add_key(key)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self.text(node.value) not in ("Literal", "Annotated"):
            self.add_key(node.slice)
            self.generic_visit(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        if node.lower or node.upper:
            step = "" if node.step is None else f":{self.text(node.step)}"
            swapped = f"{self.text(node.upper)}:{self.text(node.lower)}{step}"
            self.add("slice", self.start(node), self.end(node), swapped)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name) and function.id in FUNCTIONS:
            self.add("function", self.start(function), self.end(function), FUNCTIONS[function.id])
        if isinstance(function, ast.Attribute) and function.attr in LOOKUPS and node.args:
            self.add_key(node.args[0])
        self.generic_visit(node)


def is_text_or_list(node: ast.expr) -> bool:
    """Whether `-` or `/` in the place of `+` or `*` could only ever raise."""
    text = isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )
    return text or isinstance(node, ast.List | ast.Tuple)


def is_type(node: ast.expr) -> bool:
    """Whether a node is a type by its name, as in `isinstance(x, int | Path)`."""
    name = ast.unparse(node).partition("[")[0].rpartition(".")[2]
    return name in TYPES or bool(re.fullmatch(r"[A-Z]\w*[a-z]\w*", name))


def mutants_of(root: Path, file: str) -> list[Mutant]:
    source = (root / file).read_bytes()
    finder = Finder(file, source)
    finder.visit(ast.parse(source))
    return finder.found


def parses(root: Path, mutant: Mutant) -> bool:
    try:
        ast.parse(mutant.applied((root / mutant.file).read_bytes()))
    except SyntaxError:
        return False
    return True
