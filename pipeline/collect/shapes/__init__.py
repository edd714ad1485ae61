"""The foreign shapes, in the order in which they are tried. A module's name is the shape's name in a recipe.

RECORDS: `recognise(record)`, `read(record)`: each record by itself.
TABLES: `recognise(rows)`, `read(rows)`: several rows make a talk.
TEXTS: `recognise(head)`, `read(lines)`: plain text, line by line.
DOCUMENTS: `recognise(document)`, `read(document)`: one whole file.
"""

from __future__ import annotations

from types import ModuleType

from pipeline.collect.shapes import cell, messages, numbered, pairs, sharegpt, tei

RECORDS: tuple[ModuleType, ...] = (messages, sharegpt, pairs, numbered, cell)
TABLES: tuple[ModuleType, ...] = ()
TEXTS: tuple[ModuleType, ...] = ()
DOCUMENTS: tuple[ModuleType, ...] = (tei,)


def name_of(shape: ModuleType) -> str:
    return shape.__name__.rpartition(".")[2]


def names(*groups: tuple[ModuleType, ...]) -> list[str]:
    return [name_of(shape) for group in groups for shape in group]
