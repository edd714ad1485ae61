"""A recipe as a YAML text: its values, and the line on which each of them stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

KeyPath = tuple[str | int, ...]  # ("collect", "sources", 0, "files")


class NotYaml(Exception):
    """A text that is not valid YAML: line, from 1, and what is wrong there."""

    def __init__(self, line: int, problem: object) -> None:
        super().__init__(f"not YAML: {problem}.")
        self.line = line


@dataclass(frozen=True)
class Document:
    """The values of a recipe. tree: where they stand; None where there is no text."""

    values: dict[str, object] = field(default_factory=dict)
    tree: yaml.Node | None = None

    def section(self, *keys: str) -> dict[str, object]:
        """A section, or the section in a section; empty where there is none."""
        found: object = self.values
        for key in keys:
            found = _inside(found, key)
        if isinstance(found, dict):
            return found
        return {}

    def listed(self, section: str, key: str) -> list[object]:
        """A list in a section; empty where there is none."""
        found = self.section(section).get(key)
        if isinstance(found, list):
            return found
        return []

    def named(self, path: KeyPath) -> KeyPath:
        """A path with the keys of sections as texts: a key may be the number 1, and no index."""
        found: object = self.values
        names: list[str | int] = []
        for part in path:
            is_key = isinstance(found, dict) and part in found
            found = _inside(found, part)
            if is_key:
                part = str(part)
            names.append(part)
        return tuple(names)

    def line(self, path: KeyPath) -> int:
        """The line, from 1, of the deepest part of a path that the text has."""
        if self.tree is None:
            return 0
        node, line = self.tree, self.tree.start_mark.line
        for part in path:
            found = _step(node, part)
            if found is None:
                break
            node, line = found
        return line + 1


def _inside(value: object, part: str | int) -> object:
    """The value of a key, or the item of a list; None where there is none."""
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _step(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    """The value of a key, or the item of a list, and its line from 0."""
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # of a repeated key, YAML takes the last
            if key.value == str(part):
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line
    return None


def dotted(path: KeyPath) -> str:
    """A path as people write it, counted from 1: `collect.sources[1].files`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part}"
    return text.removeprefix(".")


def parsed(text: str) -> tuple[yaml.Node | None, object]:
    """A YAML text as its tree and its value. Raises NotYaml."""
    tree: yaml.Node | None = None
    try:
        # twice: the tree knows lines, and only the loader makes values
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if tree is not None:
            _check_aliases(tree, [])
        return tree, yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1
        if mark is not None:
            line = mark.line + 1
        raise NotYaml(line, error.problem or error.context) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{ord(text[error.position]):04X}"
        raise NotYaml(line, f"a character that YAML does not allow ({character})") from None
    except RecursionError:
        raise NotYaml(1, "sections are nested too deeply") from None
    except ValueError as error:  # not a valid date: 2024-13-45
        line = 1
        if tree is not None:
            line = _line_without_value(tree)
        raise NotYaml(line, error) from None


def _check_aliases(node: yaml.Node, around: list[yaml.Node]) -> None:
    """Raises NotYaml for a section that holds itself: `&x {inner: *x}`."""
    if any(node is outer for outer in around):
        raise NotYaml(node.start_mark.line + 1, "an alias stands inside what it names")
    for child in children(node):
        _check_aliases(child, [*around, node])


def _line_without_value(node: yaml.Node) -> int:
    """The line of the last scalar that looks like a date or number and is not a valid one."""
    if not isinstance(node, yaml.ScalarNode):
        return max(map(_line_without_value, children(node)), default=0)
    try:
        yaml.SafeLoader("").construct_object(node)
    except ValueError:
        return node.start_mark.line + 1
    return 0


def children(node: yaml.Node) -> Iterator[yaml.Node]:
    """The nodes right inside a node: items, or keys and values."""
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def repeated_keys(node: yaml.Node, path: KeyPath = ()) -> Iterator[tuple[int, KeyPath]]:
    """(line, path) of keys that stand twice in one section: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            inside = (*path, key.value)
            if key.value in seen:
                yield key.start_mark.line + 1, inside
            seen.add(key.value)
            yield from repeated_keys(value, inside)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from repeated_keys(value, (*path, number))
