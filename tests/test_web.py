"""Web sources: crawls that survive being killed, stay within their limits, and account for every page."""

from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from pipeline import collect
from pipeline.conversation import Conversation, Drop, Quarantine
from pipeline.recipe import CollectSettings
from tests.servers import wiki
from tests.servers.hostile import hostile
from tests.servers.site import Site, serving

ROOT = Path(__file__).parents[1]
READ = """
import json, sys
from pathlib import Path
from pipeline import collect
from pipeline.recipe import CollectSettings
settings = CollectSettings.model_validate(json.loads(sys.argv[1]))
for unit in collect.units(settings, Path(sys.argv[2])):
    print(sum(1 for _ in collect.read(unit, settings, Path(sys.argv[3]))))
"""


def source(*start: str, spider: str = "mediawiki", options: dict | None = None, **crawl: object) -> dict:
    return {
        "name": "site", "spider": spider, "start": list(start), "license": "CC0-1.0", "options": options or {},
        "crawl": {"delay": 0, "timeout": 5, **crawl},
    }  # fmt: skip


def collected(settings: dict, state: Path, folder: Path = ROOT) -> list[Conversation | Drop | Quarantine]:
    checked = CollectSettings.model_validate({"sources": [settings]} if "sources" not in settings else settings)
    units = collect.units(checked, folder)
    return [row for unit in units for row in collect.read(unit, checked, state)]


def conversations(rows: list) -> list[Conversation]:
    return [row for row in rows if isinstance(row, Conversation)]


def failures(rows: list) -> dict[str, str]:
    """Address without the host → what the report says of it."""
    pairs = ((row.where.removeprefix("site: "), row.error) for row in rows if isinstance(row, Quarantine))
    return {"/" + where.split("/", 3)[-1]: error for where, error in pairs}


def stored(state: Path) -> set[str]:
    with sqlite3.connect(state / "pages.sqlite", timeout=60) as db:
        return {address.split("/", 3)[-1] for (address,) in db.execute("select address from pages")}


def killed_at(goal: int, settings: dict, state: Path) -> None:
    """Start reading in another process and kill that with SIGKILL when `goal` pages are stored."""
    command = [sys.executable, "-c", READ, json.dumps(settings), str(ROOT), str(state)]
    reader = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not (state / "pages.sqlite").exists() or len(stored(state)) < goal:
            assert reader.poll() is None, "the crawl ended before it could be killed"
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        reader.kill()
        reader.wait()


def test_a_crawl_killed_three_times_fetches_each_page_once(tmp_path: Path) -> None:
    count = 2000
    kept: set[str] = set()
    with serving(wiki.category(count)) as site:
        settings = {"sources": [source(f"{site.address}/wiki/Category:Lamps")]}
        for goal in (500, 1000, 1500):
            killed_at(goal, settings, tmp_path)
            time.sleep(0.3)  # the crawl's own process ends when it sees that its parent is gone
            assert not kept & asked(site)
            kept = stored(tmp_path)
            assert goal <= len(kept) < count
        rows = collected(settings, tmp_path)
        assert not kept & asked(site)
    assert len(conversations(rows)) == len(rows) == count
    assert len({row.messages for row in rows}) == count


def asked(site: Site) -> set[str]:
    """What a site was asked for since the last look."""
    paths = {path.lstrip("/") for path in site.asked}
    site.asked.clear()
    return paths


def test_a_hostile_site_ends_within_limits_with_every_failure_reported(tmp_path: Path) -> None:
    with serving({}) as elsewhere, hostile(elsewhere.address) as site:
        limits = {"timeout": 0.8, "page_bytes": 2_000_000, "max_pages": 60, "seconds": 60}
        start = time.monotonic()
        rows = collected(source(f"{site.address}/wiki/Start", **limits), tmp_path)
        assert time.monotonic() - start < 60
        assert not elsewhere.asked
        assert len(site.asked) < 150
        assert not [path for path in site.asked if path.startswith("/admin")]
        busy = [when for when, path in zip(site.times, site.asked, strict=True) if path == "/busy"]
        assert len(busy) == 3
        assert min(b - a for a, b in itertools.pairwise(busy)) >= 1, "Retry-After: 1"
    told = failures(rows)
    expected = {
        "/loop/2": "circle", "/far/6": "max redirections", "/broken": "status 500", "/drip": "timeout", "/cut": "cut",
        "/endless": "page_bytes", "/bomb": "2000000 B", "/bomb-zstd": "2000000 B", "/admin/x": "robots.txt forbids",
        "/empty": "empty", "/nowhere": "status 404", "/teapot": "status 418", "/bad-location": "IPv6",
        "/admin": "another host", "/": "10.0.0.1", "/passwd": "outside", "/latest": "metadata.internal",
    }  # fmt: skip
    for address, reason in expected.items():
        assert reason in told.pop(address), address
    (budget,) = told.values()
    assert "60 pages" in budget
    assert {c.source.ref.rsplit("/", 1)[-1] for c in conversations(rows)} == {
        "busy#1", "charset#1", "charset-unknown#1"
    }  # fmt: skip
    assert {d.conversation.source.ref.rsplit("/", 1)[-1] for d in rows if isinstance(d, Drop)} >= {"noise#1"}
    charset = next(c for c in conversations(rows) if "charset#1" in c.source.ref)
    assert [m.content for m in charset.messages] == ["Déjà vu?", "Yes."]
    assert charset.messages[0].name == "Zoë"
    assert (tmp_path / "pages.sqlite").stat().st_size < 5_000_000
