"""The source files that `house.py` counts: lines, tokens, trees, and which imports which."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDERS = ("pipeline", "spiders")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A source file: its name as Python imports it, its path below the root, its text."""

    name: str
    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in self.nodes if isinstance(node, Function)]

    @cached_property
    def comments(self) -> list[tokenize.TokenInfo]:
        return [token for token in self.tokens if token.type == tokenize.COMMENT]

    @cached_property
    def code_lines(self) -> dict[int, str]:
        """Line number → line without its indentation."""
        stripped = {number: line.strip() for number, line in enumerate(self.text.split("\n"), 1)}
        only_comment = {token.start[0] for token in self.comments if _stands_alone(token)}
        return {n: line for n, line in stripped.items() if line and n not in only_comment}


def _stands_alone(comment: tokenize.TokenInfo) -> bool:
    return not comment.line[: comment.start[1]].strip()


def modules(root: Path) -> list[Module]:
    found = []
    for path in (path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))):
        place = path.relative_to(root)
        name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
        found.append(Module(name, place.as_posix(), path.read_text("utf-8")))
    return found


# --- imports


def imports(module: Module, known: set[str], for_types: bool) -> set[str]:
    """The modules of ours that a module imports, anywhere in it.

    for_types: also those under `if TYPE_CHECKING`, which never run.
    """
    found: set[str] = set()
    for node in module.nodes if for_types else _run_nodes(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = _package(module, node)
            inner = {f"{package}.{alias.name}" for alias in node.names}
            found |= inner
            if inner - known:  # something defined in the package itself
                found.add(package)
    return found & known - {module.name}


def _run_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")):
            yield from _run_nodes(child)


def _package(module: Module, node: ast.ImportFrom) -> str:
    """Where `from … import` looks, as an absolute name."""
    if not node.level:
        return node.module or ""
    above = module.name.split(".")
    up = node.level - module.path.endswith("__init__.py")
    return ".".join([*above[: len(above) - up], *filter(None, [node.module])])


def circles(code: Sequence[Module], for_types: bool = False) -> list[list[str]]:
    """Groups of modules of which each reaches every other."""
    known = {module.name for module in code}
    graph = {module.name: imports(module, known, for_types) for module in code}
    reached = {name: _reached(graph, name) for name in graph}
    in_circle = [name for name in graph if name in reached[name]]
    groups = {frozenset(b for b in reached[a] if a in reached[b]) for a in in_circle}
    return sorted(sorted(group) for group in groups)


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead += new
    return found
