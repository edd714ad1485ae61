"""`pages.sqlite`: every fetched page, kept before anybody reads it, and what a crawl found. One file a run."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FINDS_VERSION = (
    2  # of the table of finds: another one is thrown away, since every crawl makes it anew
)
TABLES = (
    """create table if not exists pages (
        address text primary key, status integer not null, headers text not null, body blob not null,
        fetched text not null
    ) without rowid""",
    """create table if not exists finds (
        source text not null, kind text not null, address text not null, place integer not null, id text not null,
        find text not null, primary key (source, kind, address, place, id)
    ) without rowid""",
)


class Page(NamedTuple):
    """An answer as it came over the wire. headers: (name, value) pairs; fetched: UTC."""

    address: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    fetched: dt.datetime


class Pages:
    """The store. A page is committed in one transaction: after SIGKILL it is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute(
            "pragma synchronous = normal"
        )  # survives a killed process; a power cut may cost some pages
        self._db.execute("begin immediate")  # two crawls may open a new file at once
        if self._db.execute("pragma user_version").fetchone()[0] != FINDS_VERSION:
            self._db.execute("drop table if exists finds")
            self._db.execute(f"pragma user_version = {FINDS_VERSION}")
        for table in TABLES:
            self._db.execute(table)
        self._db.execute("commit")

    def close(self) -> None:
        self._db.close()

    def page(self, address: str) -> Page | None:
        row = self._db.execute("select * from pages where address = ?", [address]).fetchone()
        if row is None:
            return None
        address, status, headers, body, fetched = row
        pairs = [(name, value) for name, value in json.loads(headers)]
        return Page(
            address, status, pairs, zlib.decompress(body), dt.datetime.fromisoformat(fetched)
        )

    def keep(self, page: Page) -> None:
        """Store a page: one that was not there, or a newer robots.txt."""
        headers, body = json.dumps(page.headers), zlib.compress(page.body, 6)
        row = (page.address, page.status, headers, body, page.fetched.isoformat(timespec="seconds"))
        self._db.execute("insert or replace into pages values (?, ?, ?, ?, ?)", row)

    def forget_finds(self, source: str) -> None:
        self._db.execute("delete from finds where source = ?", [source])

    def add_find(
        self, source: str, kind: str, address: str, place: int, find: dict[str, Any]
    ) -> None:
        """Note what a crawl found. `kind` groups finds, `place` orders those of one address; the same find is one."""
        text = json.dumps(find, ensure_ascii=False, sort_keys=True)
        row = [source, kind, address, place, str(find.get("id", "")), text]
        self._db.execute("insert or ignore into finds values (?, ?, ?, ?, ?, ?)", row)

    def finds(self, source: str, kind: str) -> Iterator[dict[str, Any]]:
        """What a crawl found, by address and place: the same order however the crawl went."""
        order = "select find from finds where source = ? and kind = ? order by address, place, id"
        for (text,) in self._db.execute(order, [source, kind]):
            yield json.loads(text)
