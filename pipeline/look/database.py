"""A run as one SQLite file, for datasette or any other reader: rows, messages, findings, scores."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from pipeline.conversation import Annotation, Conversation
from pipeline.look.export import tables
from pipeline.look.index.columns import BESIDE
from pipeline.look.index.fields import FACETS, INDEXED
from pipeline.look.index.frame import Frame
from pipeline.look.state import Look, review_value
from pipeline.store.columns import from_table

MESSAGES = """
CREATE TABLE messages (row TEXT, number INTEGER, role TEXT, name TEXT, content TEXT,
  closeness REAL, emotion TEXT);
CREATE TABLE findings (row TEXT, stage TEXT, rule TEXT, value REAL, "limit" REAL, message INTEGER,
  evidence TEXT, decision TEXT);
CREATE TABLE scores (row TEXT, criterion TEXT, value REAL, by TEXT, evidence TEXT);
"""
INDEXES = """
CREATE INDEX messages_row ON messages (row);
CREATE INDEX findings_row ON findings (row);
CREATE INDEX findings_rule ON findings (rule);
CREATE INDEX scores_row ON scores (row);
CREATE INDEX conversations_id ON conversations (id);
"""
Cell = str | float | int | None


def write(look: Look, path: Path) -> None:
    """Write the file, whole or not at all. Raises UserError where a part is damaged."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    connection = sqlite3.connect(temporary)
    try:
        with connection:
            _write_rows(connection, look)
            _write_texts(connection, look.frame)
            connection.executescript(INDEXES)
        connection.close()
        temporary.replace(path)
    finally:
        connection.close()
        temporary.unlink(missing_ok=True)


def _write_rows(connection: sqlite3.Connection, look: Look) -> None:
    """A line a row: facets, numbers, first words, and what people decided."""
    frame = look.frame
    columns = [f'"{name}" TEXT' for name in ("id", *INDEXED)]
    columns += [f'"{name}" REAL' for name in frame.numbers]
    named = ", ".join([*columns, "start TEXT", "review TEXT", "note TEXT"])
    connection.execute(f"CREATE TABLE conversations ({named})")
    marks = ", ".join("?" * (len(columns) + 3))
    lines = (_row(look, frame, row) for row in range(frame.rows))
    connection.executemany(f"INSERT INTO conversations VALUES ({marks})", lines)


def _row(look: Look, frame: Frame, row: int) -> list[Cell]:
    columns, own = frame.columns, frame.columns.id(row)
    cells: list[Cell] = [own]
    for name in INDEXED:
        value = columns.value(name, row)
        is_set = FACETS[name].several and value is not None
        cells.append((value or "").replace(BESIDE, " ") if is_set else value)
    cells += [columns.number(name, row) for name in frame.numbers]
    decided = look.decided().get(own)
    note = decided.note if decided else None
    return [*cells, columns.start(row), review_value(decided), note]


def _write_texts(connection: sqlite3.Connection, frame: Frame) -> None:
    connection.executescript(MESSAGES)
    for table in tables(frame, np.arange(frame.rows)):
        for row in from_table(table):
            for name, lines in (
                ("messages", _messages(row)),
                ("findings", _findings(row)),
                ("scores", _scores(row)),
            ):
                _insert(connection, name, list(lines))


def _insert(connection: sqlite3.Connection, name: str, lines: list[tuple[Cell, ...]]) -> None:
    if lines:
        marks = ", ".join("?" * len(lines[0]))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", lines)


def _messages(row: Conversation) -> Iterator[tuple[Cell, ...]]:
    annotations = chain(row.annotations, repeat(Annotation()))
    for number, (message, known) in enumerate(zip(row.messages, annotations, strict=False)):
        head = (row.id, number, message.role, message.name)
        yield (*head, message.content, known.closeness, known.emotion)


def _findings(row: Conversation) -> Iterator[tuple[Cell, ...]]:
    for one in row.findings:
        head = (row.id, one.stage, one.rule, one.value, one.limit)
        yield (*head, one.message, one.evidence, one.decision)


def _scores(row: Conversation) -> Iterator[tuple[Cell, ...]]:
    for one in row.scores:
        yield row.id, one.criterion, one.value, one.by, one.evidence
