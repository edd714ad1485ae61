"""The pages of a run: `pages.sqlite`, every fetched page and what a crawl found.

A page is stored before a spider reads it, with a digest. One that no longer fits its digest (a
flipped bit on the disk) is reported by itself; a file that SQLite cannot read is a `UserError`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pipeline import UserError
from spiders.contract import DialogueFind, EndFind, FailureFind, FindKind, PostFind

LAYOUT = 3  # version of the tables below, kept in the file's `user_version`
TABLES = (
    """create table pages (
        address text primary key, status integer not null, headers text not null,
        body blob not null, fetched text not null, digest blob not null
    ) without rowid""",
    # made anew by every crawl
    """create table finds (
        source text not null, kind text not null, thread text not null, place integer not null,
        id text not null, find text not null,
        primary key (source, kind, thread, place, id)
    ) without rowid""",
)
# Other errors of SQLite (a full disk, a file that may not be written) are not of the content.
DAMAGED = frozenset([sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB])
ADVICE = "Delete it and run the same command again; its pages are fetched again then."


class StoredPage(NamedTuple):
    """An answer as it came over the wire. headers: (name, value) pairs; fetched: UTC."""

    address: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    fetched: dt.datetime


class DamagedPage(Exception):
    """A stored page that is not what was stored."""


def _raise(error: UserError) -> NoReturn:
    raise error


class Pages:
    """The file. A page is committed in one transaction: after SIGKILL it is whole or not there.

    fail: what is done when the file cannot be used; it does not return.
    """

    def __init__(self, path: Path, fail: Callable[[UserError], NoReturn] = _raise) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._fail = path, fail
        self._db = self._opened()
        # a damaged text is found by its digest; here it must only be readable
        self._db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        with self._explained():
            is_known = self._prepared()
        if not is_known:
            self.close()
            self._fail(UserError(f"{path} is of another version of Rapport. {ADVICE}"))

    def _opened(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self._path, timeout=60, isolation_level=None)
        except sqlite3.OperationalError as error:  # a folder, say, or no right to read it
            self._fail(self._unusable(error))

    def _unusable(self, error: sqlite3.DatabaseError) -> UserError:
        again = "What was finished is kept; the same command goes on from there"
        return UserError(f"{self._path} cannot be used: {error}. {again}.")

    def _prepared(self) -> bool:
        """Make the tables of a new file; answers whether the file has the tables of `LAYOUT`."""
        self._db.execute("pragma journal_mode = wal")
        # survives a killed process; a power cut may cost some pages
        self._db.execute("pragma synchronous = normal")
        self._db.execute("begin immediate")  # two crawls may open a new file at once
        is_new = self._db.execute("select 1 from sqlite_schema").fetchone() is None
        if is_new:
            self._db.execute(f"pragma user_version = {LAYOUT}")
            for table in TABLES:
                self._db.execute(table)
        layout: int = self._db.execute("pragma user_version").fetchone()[0]
        self._db.execute("commit")
        return layout == LAYOUT

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what SQLite cannot do into a message that says what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code: int | None = getattr(error, "sqlite_errorcode", None)
            if code is None:  # not from SQLite: a value that it has no type for
                raise
            self.close()
            if code & 0xFF in DAMAGED:  # the low byte is the kind, the others the details
                self._fail(UserError(f"{self._path} is damaged ({error}). {ADVICE}"))
            self._fail(self._unusable(error))

    def close(self) -> None:
        self._db.close()

    def page(self, address: str) -> StoredPage | None:
        """The stored answer of an address. Raises DamagedPage when it is not what was stored."""
        query = "select status, headers, body, fetched, digest from pages where address = ?"
        with self._explained():
            row = self._db.execute(query, [address]).fetchone()
        if row is None:
            return None
        status, headers, body, fetched, digest = row
        if digest != _digest(address, status, headers, body, fetched):
            raise DamagedPage(address)
        return StoredPage(
            address,
            status,
            headers=[(name, value) for name, value in json.loads(headers)],
            body=zlib.decompress(body),
            fetched=dt.datetime.fromisoformat(fetched),
        )

    def keep(self, page: StoredPage) -> None:
        """Store a page: one that was not there, or a newer answer for one that was."""
        headers, body = json.dumps(page.headers), zlib.compress(page.body, 6)
        row = (page.address, page.status, headers, body, page.fetched.isoformat(timespec="seconds"))
        with self._explained():
            insert = "insert or replace into pages values (?, ?, ?, ?, ?, ?)"
            self._db.execute(insert, [*row, _digest(*row)])

    def forget_finds(self, source: str) -> None:
        with self._explained():
            self._db.execute("delete from finds where source = ?", [source])

    def add_find(
        self,
        source: str,
        kind: FindKind,
        find: DialogueFind | PostFind | FailureFind | EndFind,
        thread: str = "",
        place: int = 0,
    ) -> None:
        """Note what a crawl found; the same find is noted once.

        thread: the thread or page that it belongs to. place: its order there.
        """
        text = json.dumps(find, ensure_ascii=False, sort_keys=True)
        row = [source, kind, thread, place, str(find.get("id", "")), text]
        with self._explained():
            self._db.execute("insert or ignore into finds values (?, ?, ?, ?, ?, ?)", row)

    def dialogues(self, source: str) -> Iterator[DialogueFind]:
        return self._finds(source, "dialogue")

    def posts(self, source: str) -> Iterator[PostFind]:
        return self._finds(source, "post")

    def failures(self, source: str) -> Iterator[FailureFind]:
        return self._finds(source, "failure")

    def is_finished(self, source: str) -> bool:
        """Did the crawl come to its end? One stopped by a signal ends in good order, too."""
        end: EndFind = next(self._finds(source, "end"), EndFind(reason="none"))
        return end["reason"] == "finished"

    def _finds(self, source: str, kind: FindKind) -> Iterator[Any]:
        """By thread and place: the same order however the crawl went."""
        query = "select find from finds where source = ? and kind = ? order by thread, place, id"
        with self._explained():
            for (text,) in self._db.execute(query, [source, kind]):
                yield self._find(text)

    def _find(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            self.close()
            self._fail(UserError(f"{self._path} is damaged (a find is no JSON). {ADVICE}"))


def _digest(address: str, status: object, headers: object, body: object, fetched: object) -> bytes:
    """Names a stored page. A flipped bit may have made a field of another type."""
    digest = hashlib.blake2b(repr((address, status, headers, fetched)).encode(), digest_size=16)
    if isinstance(body, bytes):
        digest.update(body)
    return digest.digest()
