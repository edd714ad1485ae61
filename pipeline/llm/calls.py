"""Every request and what came of it, in one SQLite file. Nothing is used before it is committed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pipeline import UserError


class Stop(UserError):
    """The whole run must stop: wrong key, exhausted quota, budget reached, disk full. What was answered is kept."""


class Call(NamedTuple):
    """One request and what came of it. A call is all requests of one key.

    final: this is the outcome of the call; the same call is never sent again. address: where it was sent, or rehearsal.
    reason: why it failed, None when it was answered. detail: that in words. text: what the model said, in any case.
    cost: US dollars, None where no price is known. at: seconds since 1970. seconds: how long it took.
    """

    key: bytes
    final: bool
    address: str
    model: str
    request: str
    reason: str | None
    detail: str = ""
    text: str = ""
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    at: float = 0.0


_COLUMNS = ", ".join(Call._fields)
_PLACES = ", ".join("?" for _ in Call._fields)
_SETUP = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 10000;
CREATE TABLE IF NOT EXISTS calls ({_COLUMNS});
CREATE INDEX IF NOT EXISTS calls_of_key ON calls (key);
CREATE TABLE IF NOT EXISTS batches (id PRIMARY KEY, place, names);
CREATE TABLE IF NOT EXISTS lines (name PRIMARY KEY, line);
DELETE FROM lines WHERE substr(name, 1, 32) IN (SELECT lower(hex(key)) FROM calls WHERE final);
"""


class Calls:
    """The store. What is kept survives `kill -9` at once; a power cut may lose the last calls, never the file."""

    def __init__(self, path: Path):
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=30, isolation_level=None
            )  # every statement is its own commit
            self._db.executescript(_SETUP)
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"{path}: cannot be used as the store of calls: {error}.") from None

    def kept(self, key: bytes) -> list[Call]:
        """The requests of a call so far, in their order; the last one is its outcome if it is final."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM calls WHERE key = ? ORDER BY rowid", (key,)
        )
        return [Call(*row) for row in rows]

    def keep(self, call: Call) -> None:
        """Commit a call (40 µs; no gain in waiting for others). Raises Stop when it cannot be written."""
        with self._writing():
            self._db.execute(f"INSERT INTO calls VALUES ({_PLACES})", call._replace(at=time.time()))

    def spent(self) -> tuple[int, float]:
        """Tokens and US dollars of all requests ever kept here, useless answers included; rehearsals cost nothing."""
        tokens, cost = self._db.execute(
            "SELECT sum(prompt_tokens + completion_tokens), sum(cost) FROM calls WHERE address != 'rehearsal'"
        ).fetchone()
        return tokens or 0, cost or 0.0

    def open_batches(self, place: str) -> list[tuple[str, list[str]]]:
        """Batches sent off (place: address and model) and not yet collected: id, and the names of its requests."""
        rows = self._db.execute(
            "SELECT id, names FROM batches WHERE place = ?", (place,)
        ).fetchall()
        return [(batch, names.split()) for batch, names in rows]

    def open_batch(self, batch: str, place: str, names: list[str]) -> None:
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO batches VALUES (?, ?, ?)", (batch, place, " ".join(names))
            )

    def close_batch(self, batch: str, lines: Mapping[str, str]) -> None:
        """Forget a batch that has ended, and in the same moment keep its lines, by name."""
        with self._writing():
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO lines VALUES (?, ?)", lines.items())
            self._db.execute("DELETE FROM batches WHERE id = ?", (batch,))
            self._db.execute("COMMIT")

    def line(self, name: str) -> str | None:
        """The line of a batch that answers a request. Once the call it belongs to has ended, the next run clears it."""
        row = self._db.execute("SELECT line FROM lines WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def drop_line(self, name: str) -> None:
        with self._writing():
            self._db.execute("DELETE FROM lines WHERE name = ?", (name,))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Stop(
                f"{self._path}: cannot be written: {error}. Every answer kept so far is safe."
            ) from None

    def close(self) -> None:
        self._db.close()
