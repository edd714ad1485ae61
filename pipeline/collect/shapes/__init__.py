"""The foreign shapes, in the order in which they are tried. A module's name is the shape's name in a recipe.

RECORDS: `recognise(record)`, `read(record)`: each record by itself.
TABLES: `recognise(rows)`, `read(records, rows, options)`: several rows make a talk; yields (number of its first row,
    talk). `options` are the recipe's; one that does not fit raises ValueError.
TEXTS: `recognise(head)`, `read(lines)`: plain text, line by line.
DOCUMENTS: `recognise(document)`, `read(document)`: one whole file.
"""

from __future__ import annotations

from types import ModuleType

from pipeline.collect.shapes import (
    casino,
    cdial,
    cell,
    chatterbot,
    irc,
    leaves,
    listed,
    log,
    messages,
    numbered,
    pairs,
    pippa,
    prompt,
    realm,
    replies,
    sharegpt,
    speakers,
    spoken,
    tei,
    telegram,
    tree,
    turns,
    whatsapp,
)

# The more particular come first: `listed` would take the texts of most others for turns without speakers.
RECORDS: tuple[ModuleType, ...] = (
    messages, sharegpt, pippa, realm, casino, telegram, tree, chatterbot,
    speakers, spoken, pairs, listed, prompt, numbered, cell,
)  # fmt: skip
TABLES: tuple[ModuleType, ...] = (replies, leaves, turns)
TEXTS: tuple[ModuleType, ...] = (whatsapp, irc, cdial, log)
DOCUMENTS: tuple[ModuleType, ...] = (tei,)


def name_of(shape: ModuleType) -> str:
    return shape.__name__.rpartition(".")[2]


def names(*groups: tuple[ModuleType, ...]) -> list[str]:
    return [name_of(shape) for group in groups for shape in group]
