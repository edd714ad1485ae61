"""Every request to a model and what came of it, in one SQLite file.

An answer is committed here before anyone uses it, so a killed run asks nothing twice. Each row
carries a digest of itself: a row that no longer fits its digest is never taken for an answer.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import orjson

from pipeline import UserError

LAYOUT = 2  # the number of the tables below; another layout is refused, never misread
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class StopRun(UserError):
    """The whole run must stop: wrong key, used-up quota, budget reached, disk full.

    What was answered until then is kept.
    """


class DamagedCall(Exception):
    """A stored request of a call does not fit its digest."""


class CallAttempt(NamedTuple):
    """One request of a call and what came of it. A call is all requests with one key.

    final: this is the outcome of the call, and the same call is never sent again.
    address: where it was sent, or `rehearsal`.
    reason: why it failed, None when it was answered; detail: the same as a sentence.
    text: what the model wrote, of use or not.
    cost: US dollars, None where no price is known.
    seconds: how long it took. at: when it ended, in seconds since 1970.
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


_COLUMNS = ", ".join(CallAttempt._fields)
_PLACES = ", ".join("?" for _ in CallAttempt._fields)
_SETUP = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 10000;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS attempts ({_COLUMNS}, digest);
CREATE INDEX IF NOT EXISTS attempts_of_key ON attempts (key);
CREATE TABLE IF NOT EXISTS batches (id PRIMARY KEY, place, names, digest);
CREATE TABLE IF NOT EXISTS probes (place, findings, prompt_tokens, completion_tokens, cost, digest);
CREATE TABLE IF NOT EXISTS results (name PRIMARY KEY, result, digest);
DELETE FROM results
    WHERE substr(name, 1, 32) IN (SELECT lower(hex(key)) FROM attempts WHERE final);
PRAGMA user_version = {LAYOUT};
COMMIT;
"""


class Calls:
    """The store of calls. Raises UserError when the file cannot be used, and says what to delete.

    What is stored survives `kill -9` at once; a power cut may lose the last calls, never the file.
    Of `:memory:` nothing is written to a disk. kept: requests that stay, the latest; None: all.
    """

    def __init__(self, path: Path, kept: int | None = None):
        self._path, self._kept = path, kept
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # without an isolation level every statement is a commit of its own
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"{path}: cannot be used as the store of calls: {error}.") from None
        # a damaged text must be readable, so that its digest can prove the damage
        self._db.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            self._check()
            self._db.executescript(_SETUP)
        except UserError:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise UserError(self._problem(error)) from None

    def attempts(self, key: bytes) -> list[CallAttempt]:
        """The requests of a call so far, in order; the last one is its outcome if it is final.

        Raises DamagedCall when one of them was changed since it was stored.
        """
        query = f"SELECT {_COLUMNS}, digest FROM attempts WHERE key = ? ORDER BY rowid"
        with self._guarded():
            rows = self._db.execute(query, (key,)).fetchall()
        # a damaged index leads to the row of another call, which is intact in itself
        if not all(_is_intact(row) and row[0] == key for row in rows):
            raise DamagedCall
        return [CallAttempt(*row[:-1]) for row in rows]

    def add(self, attempt: CallAttempt) -> None:
        """Commit a request (40 µs; waiting for others would gain nothing).

        Raises StopRun when it cannot be written.
        """
        values = (attempt.key, int(attempt.final), *attempt[2:-1], time.time())
        with self._guarded():
            insert = f"INSERT INTO attempts VALUES ({_PLACES}, ?)"
            added = self._db.execute(insert, (*values, _digest(values)))
            if self._kept is not None and added.lastrowid is not None:
                oldest = added.lastrowid - self._kept
                self._db.execute("DELETE FROM attempts WHERE rowid <= ?", (oldest,))

    def forget(self, key: bytes) -> None:
        """Delete the requests of a call, so that it is asked again."""
        with self._guarded():
            self._db.execute("DELETE FROM attempts WHERE key = ?", (key,))

    def spent(self) -> tuple[int, float]:
        """Tokens and US dollars of all requests ever stored here, useless answers included.

        Rehearsals cost nothing, and what a damaged row cost is not known any more.
        """
        tokens, dollars = 0, 0.0
        with self._guarded():
            for row in self._db.execute(f"SELECT {_COLUMNS}, digest FROM attempts"):
                attempt = CallAttempt(*row[:-1])
                if attempt.address != "rehearsal" and _is_intact(row):
                    tokens += attempt.prompt_tokens + attempt.completion_tokens
                    dollars += attempt.cost or 0.0
            for row in self._db.execute("SELECT * FROM probes"):
                if _is_intact(row):
                    tokens += row[2] + row[3]
                    dollars += row[4] or 0.0
        return tokens, dollars

    def findings(self, place: str) -> str | None:
        """What the last probe of a place found out, if there is one and it is undamaged."""
        query = "SELECT * FROM probes WHERE place = ? ORDER BY rowid DESC"
        with self._guarded():
            rows = self._db.execute(query, (place,)).fetchall()
        found = (row[1] for row in rows if row[1] and _is_intact(row))
        return next(found, None)

    def add_probe(
        self,
        place: str,
        findings: str,
        prompt_tokens: int,
        completion_tokens: int,
        cost: float | None,
    ) -> None:
        """Store what a probe found out (empty: nothing), and what it took."""
        values = (place, findings, prompt_tokens, completion_tokens, cost)
        with self._guarded():
            insert = "INSERT INTO probes VALUES (?, ?, ?, ?, ?, ?)"
            self._db.execute(insert, (*values, _digest(values)))

    def open_batches(self, place: str) -> list[tuple[str, list[str]]]:
        """Batches that were sent and not yet collected: id, and the names of their requests.

        place: address and model.
        """
        query = "SELECT id, place, names, digest FROM batches WHERE place = ?"
        with self._guarded():
            rows = self._db.execute(query, (place,)).fetchall()
        return [(row[0], row[2].split()) for row in rows if _is_intact(row)]

    def open_batch(self, batch: str, place: str, names: Sequence[str]) -> None:
        values = (batch, place, " ".join(names))
        with self._guarded():
            insert = "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?)"
            self._db.execute(insert, (*values, _digest(values)))

    def close_batch(self, batch: str, results: Mapping[str, str]) -> None:
        """Store the results of a batch by name, and forget the batch in the same transaction."""
        rows = [(*item, _digest(item)) for item in results.items()]
        with self._guarded():
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows)
            self._db.execute("DELETE FROM batches WHERE id = ?", (batch,))
            self._db.execute("COMMIT")

    def result(self, name: str) -> str | None:
        """What a batch brought for a request, if it is there and undamaged.

        It is deleted when the store is opened after its call has ended.
        """
        query = "SELECT name, result, digest FROM results WHERE name = ?"
        with self._guarded():
            row = self._db.execute(query, (name,)).fetchone()
        return row[1] if row and row[0] == name and _is_intact(row) else None

    def drop_result(self, name: str) -> None:
        with self._guarded():
            self._db.execute("DELETE FROM results WHERE name = ?", (name,))

    def close(self) -> None:
        self._db.close()

    def _check(self) -> None:
        """Raise UserError when the file is damaged, of another layout, or of another program."""
        (layout,) = self._db.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        if not tables and not layout:
            return  # a new file
        if layout != LAYOUT:
            raise UserError(self._refusal(_foreign(layout, tables)))
        (found,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise UserError(self._refusal(f"is damaged ({' '.join(found.split())})"))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StopRun(self._problem(error)) from None

    def _problem(self, error: sqlite3.Error) -> str:
        # an extended code holds the plain one in its last byte
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE:
            return self._refusal(f"is damaged ({error})")
        return f"{self._path}: cannot be used: {error}. Every answer stored so far is safe."

    def _refusal(self, problem: str) -> str:
        name = self._path.name
        return (
            f"{self._path} {problem}. Delete it, and {name}-wal and {name}-shm if they are beside "
            "it, then run again: the answers in it will be asked, and paid, again."
        )


def _foreign(layout: int, tables: set[str]) -> str:
    """What a SQLite file of another layout is."""
    if layout > LAYOUT:
        return (
            f"was written by a newer version of rapport (layout {layout}; this one reads {LAYOUT}):"
            " use that version to keep its answers"
        )
    if "calls" in tables:
        return (
            f"was written by an older version of rapport (layout 1; this one reads {LAYOUT}):"
            " use that version to keep its answers"
        )
    return "is a SQLite file of another program, not a store of calls"


def _digest(values: tuple[object, ...]) -> bytes:
    # JSON tells 1 from 1.0 and "1"; what it does not know (bytes) is written as Python writes it
    content = orjson.dumps(values, default=repr)
    return hashlib.blake2b(content, digest_size=8).digest()


def _is_intact(row: tuple[object, ...]) -> bool:
    return _digest(row[:-1]) == row[-1]
