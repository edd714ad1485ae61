"""What people decide about rows of a run: `review.sqlite` in its folder.

Every decision is one line that is never changed: who, when, which row, what. Undoing adds a line
that names the one it undoes. So two people at once lose nothing, and each line is on the disk
before it is confirmed: a process may be killed at any instant.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple, cast

from pipeline import UserError
from pipeline.store.files import digest

FILE = "review.sqlite"
WAIT = 10.0  # seconds for somebody else's line
Action = Literal["keep", "drop", "edit", "note", "clear"]
# findings of rows that somebody has decided on
KEPT, DROPPED, REFUSED, LOST = "review.keep", "review.drop", "review.refused", "review.lost"
ACTIONS: tuple[Action, ...] = ("keep", "drop", "edit", "note", "clear")

TABLES = """
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, action TEXT NOT NULL,
  who TEXT NOT NULL, at TEXT NOT NULL, message INTEGER, text TEXT, before TEXT,
  undoes INTEGER UNIQUE);
CREATE INDEX IF NOT EXISTS events_id ON events (id);
CREATE TABLE IF NOT EXISTS ratings (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, criterion TEXT NOT NULL,
  value REAL, reason TEXT, who TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS choices (
  number INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, choice TEXT NOT NULL,
  who TEXT NOT NULL, at TEXT NOT NULL);
"""
COLUMNS = "number, id, action, who, at, message, text, before, undoes"
STANDING = "undoes IS NULL AND number NOT IN (SELECT undoes FROM events WHERE undoes IS NOT NULL)"


class Event(NamedTuple):
    """One line. at: UTC. message: index, of an edit; before: what stood there; text: what shall
    stand there, or a note. undoes: the number of another line."""

    number: int
    id: str
    action: Action
    who: str
    at: str
    message: int | None = None
    text: str | None = None
    before: str | None = None
    undoes: int | None = None


@dataclass(frozen=True)
class Decided:
    """What holds for a row: the last decision, the last note, and the last edit of each message.
    who, at: of the last of all."""

    id: str
    decision: Literal["keep", "drop"] | None = None
    note: str | None = None
    edits: Mapping[int, Event] = field(default_factory=dict)
    who: str = ""
    at: str = ""

    @property
    def is_empty(self) -> bool:
        return self.decision is None and not self.edits


class GivenRating(NamedTuple):
    """What one person says of one criterion of a row; None: cannot say."""

    id: str
    criterion: str
    value: float | None
    who: str


class Reviews:
    """The file of a run. Safe for several threads, and for several processes at once."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()
        self._own: sqlite3.Connection | None = None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A transaction. Raises UserError where the file cannot be used."""
        with self._lock:
            try:
                if self._own is None:
                    self._own = _connect(self.path)
                with self._own:
                    yield self._own
            except sqlite3.DatabaseError as error:
                raise UserError(f"{self.path} cannot be used: {error}.") from None

    def close(self) -> None:
        with self._lock:
            if self._own is not None:
                self._own.close()
                self._own = None

    @property
    def version(self) -> int:
        """Grows with every line."""
        return self._one("SELECT coalesce(max(number), 0) FROM events")

    def _one(self, question: str, *values: object) -> int:
        if not self.path.exists():
            return 0
        with self._connected() as connection:
            return int(connection.execute(question, values).fetchone()[0])

    def _all(self, question: str, *values: object) -> list[tuple[object, ...]]:
        if not self.path.exists():
            return []
        with self._connected() as connection:
            return connection.execute(question, values).fetchall()

    # --- decisions

    def add(self, event: Event) -> int:
        """Write a line, with the time of now. Returns its number."""
        values = (event.id, event.action, event.who, now(), *event[5:])
        with self._connected() as connection:
            cursor = connection.execute(
                "INSERT INTO events (id, action, who, at, message, text, before, undoes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            return int(cursor.lastrowid or 0)

    def undo(self, who: str) -> Event | None:
        """Undo the last line of a person that holds. Returns it; None where there is none."""
        question = f"SELECT {COLUMNS} FROM events WHERE who = ? AND {STANDING}"
        found = self._all(f"{question} ORDER BY number DESC LIMIT 1", who)
        if not found:
            return None
        last = _event(found[0])
        self.add(last._replace(text=None, before=None, undoes=last.number))
        return last

    def events(self, row: str | None = None) -> list[Event]:
        """The lines that hold, in order. row: of one row alone."""
        question = f"SELECT {COLUMNS} FROM events WHERE {STANDING}"
        if row is None:
            return [_event(one) for one in self._all(f"{question} ORDER BY number")]
        return [_event(one) for one in self._all(f"{question} AND id = ? ORDER BY number", row)]

    def decided(self) -> dict[str, Decided]:
        """What holds for every row that somebody has looked at."""
        found: dict[str, Decided] = {}
        for event in self.events():
            found[event.id] = _after(found.get(event.id, Decided(event.id)), event)
        return found

    # --- ratings and choices

    def rate(self, row: str, ratings: Mapping[str, float | None], who: str, reason: str) -> int:
        lines = [(row, name, value, reason, who, now()) for name, value in ratings.items()]
        with self._connected() as connection:
            connection.executemany(
                "INSERT INTO ratings (id, criterion, value, reason, who, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                lines,
            )
        return self._one("SELECT coalesce(max(number), 0) FROM ratings")

    def ratings(self) -> list[GivenRating]:
        """The last of every person, row and criterion."""
        question = "SELECT id, criterion, value, who FROM ratings ORDER BY number"
        lines = [GivenRating(*one) for one in self._all(question)]  # type: ignore[arg-type]
        return list({(one.id, one.criterion, one.who): one for one in lines}.values())

    def choose(self, place: str, choice: str, who: str) -> int:
        with self._connected() as connection:
            cursor = connection.execute(
                "INSERT INTO choices (place, choice, who, at) VALUES (?, ?, ?, ?)",
                (place, choice, who, now()),
            )
            return int(cursor.lastrowid or 0)

    def choices(self) -> dict[tuple[str, str], str]:
        """(place, person) → the last choice."""
        found = self._all("SELECT place, who, choice FROM choices ORDER BY number")
        return {(str(place), str(who)): str(choice) for place, who, choice in found}


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a confirmed line survives a power cut
    connection.executescript(TABLES)
    return connection


def _event(values: Iterable[object]) -> Event:
    return Event(*values)  # type: ignore[arg-type]


def _after(before: Decided, event: Event) -> Decided:
    """What holds after one more line."""
    last = replace(before, who=event.who, at=event.at)
    if event.action == "clear":
        return Decided(event.id, note=before.note, who=event.who, at=event.at)
    if event.action == "note":
        return replace(last, note=event.text or None)
    if event.action == "edit":
        return replace(last, edits={**before.edits, cast("int", event.message): event})
    return replace(last, decision=event.action)


def decisions(folder: Path) -> dict[str, Decided]:
    """The rows of a run that a person has decided on, by id. Raises UserError."""
    reviews = Reviews(folder)
    found = reviews.decided()
    reviews.close()
    return {row: one for row, one in found.items() if not one.is_empty}


def decisions_digest(found: Mapping[str, Decided]) -> str:
    """Names what was decided, not when."""
    lines = []
    for row, one in sorted(found.items()):
        edits = {number: event.text for number, event in one.edits.items()}
        lines.append((row, one.decision, one.who, json.dumps(edits, sort_keys=True)))
    return digest(lines)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
