"""Every request and what came of it, in one SQLite file. Nothing is used before it is committed."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

from pipeline.recipe import UserError


class Stop(UserError):
    """The whole run must stop: wrong key, exhausted quota, budget reached, disk full. What was answered is kept."""


class Call(NamedTuple):
    """One request and what came of it.

    final: this is the outcome of the call; the same call is never sent again.
    reason: why it failed, None when it was answered. text: the answer, or what was wrong.
    cost: US dollars, None where no price is known. at: seconds since 1970. seconds: how long it took.
    """

    key: bytes
    final: bool
    model: str
    request: str
    reason: str | None
    text: str
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    seconds: float = 0.0
    at: float = 0.0


_COLUMNS = ", ".join(Call._fields)
_PLACES = ", ".join("?" for _ in Call._fields)
_SETUP = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 10000;
CREATE TABLE IF NOT EXISTS calls ({_COLUMNS});
CREATE UNIQUE INDEX IF NOT EXISTS final_calls ON calls (key) WHERE final;
CREATE TABLE IF NOT EXISTS batches (id PRIMARY KEY, place, names);
"""


class Calls:
    """The store. What is kept survives `kill -9` at once; a power cut may lose the last calls, never the file."""

    def __init__(self, path: Path):
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)  # every statement is its own commit
            self._db.executescript(_SETUP)
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"{path}: cannot be used as the store of calls: {error}.") from None

    def find(self, key: bytes) -> Call | None:
        """The outcome of a call, if it has one: an answer, or a failure that asking again would not mend."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM calls WHERE key = ? AND final", (key,)).fetchone()
        return Call(*row) if row else None

    def keep(self, call: Call) -> None:
        """Commit a call (40 µs; no gain in waiting for others). Raises Stop when it cannot be written."""
        try:
            self._db.execute(f"INSERT OR IGNORE INTO calls VALUES ({_PLACES})", call._replace(at=time.time()))
        except sqlite3.Error as error:
            raise Stop(f"{self._path}: cannot be written: {error}. Every answer kept so far is safe.") from None

    def spent(self) -> tuple[int, float]:
        """Tokens and US dollars of all requests ever kept here, useless answers included."""
        tokens, cost = self._db.execute(
            "SELECT sum(prompt_tokens + completion_tokens), sum(cost) FROM calls"
        ).fetchone()
        return tokens or 0, cost or 0.0

    def open_batches(self, place: str) -> list[tuple[str, list[str]]]:
        """Batches sent off (place: address and model) and not yet collected: id, and the names of the calls in it."""
        rows = self._db.execute("SELECT id, names FROM batches WHERE place = ?", (place,)).fetchall()
        return [(batch, names.split()) for batch, names in rows]

    def open_batch(self, batch: str, place: str, names: list[str]) -> None:
        self._db.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?)", (batch, place, " ".join(names)))

    def close_batch(self, batch: str) -> None:
        self._db.execute("DELETE FROM batches WHERE id = ?", (batch,))

    def close(self) -> None:
        self._db.close()
