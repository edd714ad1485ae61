"""The lorebook of a card: facts that the model is shown when one of their keys has come up.

    keys: [lighthouse, keeper]      content: The lighthouse has been dark since 1981.

An entry counts where one of its keys stands in one of the last messages, as whole words; a
*selective* one needs one of its secondary keys too; a *constant* one always counts. Front ends do
the same. Keys that are regular expressions (V3, `use_regex`) are not used.
V2: https://github.com/malfoyslastname/character-card-spec-v2, `character_book`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

DEPTH = 4  # messages that are searched, where the book does not say; our choice
MOST = 4_000  # characters of all that is shown at once; our choice


class LoreEntry(NamedTuple):
    """One fact. keys: any of them calls it. secondary: of a selective entry, any of them too.
    order: in which entries are shown, the lowest first."""

    keys: tuple[str, ...]
    content: str
    secondary: tuple[str, ...] = ()
    is_constant: bool = False
    is_case_sensitive: bool = False
    order: float = 0


class Lorebook(NamedTuple):
    """The entries that are switched on, and how many messages are searched for their keys."""

    entries: tuple[LoreEntry, ...] = ()
    depth: int = DEPTH


NO_LORE = Lorebook()


def read(book: object) -> Lorebook:
    """The `character_book` of a card; what cannot be read of it is left out."""
    if not isinstance(book, dict):
        return NO_LORE
    return Lorebook(tuple(_entries(book)), _depth(book.get("scan_depth")))


def _depth(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        return DEPTH
    return value


def unused(book: object) -> int:
    """How many entries are left out as their keys are regular expressions."""
    return sum(bool(raw.get("use_regex")) for raw in _objects(book))


def _objects(book: object) -> Iterator[Mapping[str, object]]:
    """The entries as they stand there: a list, or, as some programs write it, an object."""
    entries = book.get("entries") if isinstance(book, dict) else None
    if isinstance(entries, dict):
        entries = list(entries.values())
    if isinstance(entries, list):
        yield from (entry for entry in entries if isinstance(entry, dict))


def _entries(book: object) -> Iterator[LoreEntry]:
    for raw in _objects(book):
        content, order = raw.get("content"), raw.get("insertion_order")
        if not isinstance(content, str) or not content.strip():
            continue
        if raw.get("enabled") is False or raw.get("use_regex"):
            continue
        yield LoreEntry(
            keys=_texts(raw.get("keys")),
            content=content.strip(),
            secondary=_texts(raw.get("secondary_keys")) if raw.get("selective") else (),
            is_constant=bool(raw.get("constant")),
            is_case_sensitive=bool(raw.get("case_sensitive")),
            order=float(order) if isinstance(order, int | float) else 0,
        )


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return ()
    return tuple(text.strip() for text in value if isinstance(text, str) and text.strip())


def shown(book: Lorebook, messages: Sequence[str]) -> list[str]:
    """What the model is shown before the next message. messages: all so far."""
    recent = "\n".join(messages[-book.depth :])
    called = [entry for entry in book.entries if _is_called(entry, recent)]
    contents: list[str] = []
    for entry in sorted(called, key=lambda entry: entry.order):
        if sum(map(len, contents)) + len(entry.content) <= MOST:
            contents.append(entry.content)
    return contents


def _is_called(entry: LoreEntry, text: str) -> bool:
    if entry.is_constant:
        return True
    if not _has_any(entry.keys, text, entry):
        return False
    return not entry.secondary or _has_any(entry.secondary, text, entry)


def _has_any(keys: Sequence[str], text: str, entry: LoreEntry) -> bool:
    flags = re.NOFLAG if entry.is_case_sensitive else re.IGNORECASE
    return any(re.search(_pattern(key), text, flags) for key in keys)


def _pattern(key: str) -> str:
    """Whole words, but where a script has no blanks between them."""
    escaped = re.escape(key)
    return escaped if key[:1] > "\u2fff" else rf"(?<!\w){escaped}(?!\w)"
