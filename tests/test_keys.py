"""What makes a room's shelf stale, and what does not, as a user meets it."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.texts import configs
from tests.rows import record, write_jsonl
from tests.servers import hub, site, wiki
from tests.test_run import finished, funnel, rapport, recipe


def test_another_set_to_compare_with_is_compared_with(tmp_path: Path) -> None:
    run, chance = tmp_path / "out", random.Random(3)
    words = ["".join(chance.choices("abcdeilmnorst", k=6)) for _ in range(4000)]
    talks = [
        record(n, [" ".join(chance.choices(words, k=12)) for _ in range(4)]) for n in range(20)
    ]
    write_jsonl(tmp_path / "talks" / "all.jsonl", talks)
    write_jsonl(tmp_path / "against" / "a.jsonl", talks[:3])
    write_jsonl(tmp_path / "against" / "b.jsonl", talks[3:10])

    def gone(*files: str) -> int:
        dedup = {"against": [f"against/{name}" for name in files]}
        path = recipe(tmp_path, files=0, filter={}, dedup=dedup)
        return funnel(rapport("run", path, "--out", run, "--until", "dedup", "--json"))["dedup"][
            "dropped"
        ]

    assert gone("a.jsonl") == 3
    assert gone("b.jsonl") == 7
    assert gone("a.jsonl", "b.jsonl") == 10
    write_jsonl(tmp_path / "against" / "b.jsonl", talks[3:15])
    assert gone("a.jsonl", "b.jsonl") == 15
    assert gone() == 0
    (tmp_path / "against" / "c.jsonl").write_text("{no JSON\n")
    path = recipe(tmp_path, files=0, filter={}, dedup={"against": ["against/c.jsonl"]})
    told = rapport("run", path, "--out", run, code=1)
    assert "nothing can be read of against 1, so there is nothing to compare with" in told


def test_an_edited_local_page_is_read_again(tmp_path: Path) -> None:
    shutil.copytree(configs() / "quickstart" / "pages", tmp_path / "pages")
    door = {
        "name": "scenes",
        "spider": "mediawiki",
        "start": ["pages/index.html"],
        "license": "CC0-1.0",
    }
    path, run = recipe(tmp_path, files=0, collect={"sources": [door]}), tmp_path / "out"
    command = ("run", path, "--out", run, "--until", "collect", "--json")
    rapport(*command)
    first = finished(run)
    rapport(*command)
    assert finished(run) == first
    page = tmp_path / "pages" / "Allotment_Fourteen.html"
    page.write_text(
        page.read_text("utf-8").replace("What sort of kettle?", "A tin kettle, I hope."), "utf-8"
    )
    rapport(*command)
    said = [
        m["content"]
        for talk in pq.read_table(run / "1-collect" / "kept")["messages"].to_pylist()
        for m in talk
    ]
    assert any("A tin kettle" in text for text in said)


def test_a_run_that_has_read_its_hub_datasets_needs_no_network(tmp_path: Path) -> None:
    card = b"---\nlicense: cc-by-4.0\n---\n# Talks\n"
    talks = "".join(json.dumps(record(n)) + "\n" for n in range(20)).encode()
    doors = {"sources": [{"hub": "anna/talks"}]}
    path, run = recipe(tmp_path, files=0, collect=doors), tmp_path / "out"
    with hub.serving({"anna/talks": {"README.md": card, "train.jsonl": talks}}) as server:
        around = server.environment(tmp_path / "home")
        assert (
            funnel(rapport("run", path, "--out", run, "--json", **around))["collect"]["kept"] == 20
        )
    first, gone = finished(run), around | {"HF_ENDPOINT": "http://127.0.0.1:9"}
    told = json.loads(rapport("plan", path, "--out", run, "--json", **gone).splitlines()[0])
    assert {row["state"] for row in told} == {"cached"}
    rapport("run", path, "--out", run, **gone)
    assert finished(run) == first
    stricter = recipe(
        tmp_path, files=0, collect=doors, filter={"rules": {"structure.turns": {"limit": 7}}}
    )
    way = funnel(rapport("run", stricter, "--out", run, "--json", **gone))
    assert way["filter"]["reasons"] == {"structure.turns": 20}
    assert finished(run)["collect"] == first["collect"]


def test_stored_pages_are_read_again_without_the_site(tmp_path: Path) -> None:
    run = tmp_path / "out"
    with site.serving(wiki.category(6)) as server:
        door = {
            "name": "lamps",
            "spider": "mediawiki",
            "start": [f"{server.address}/wiki/Category:Lamps"],
        }
        door |= {"license": "CC0-1.0", "crawl": {"delay": 0, "private": True}}
        path = recipe(tmp_path, files=0, collect={"sources": [door]})
        before = funnel(rapport("run", path, "--out", run, "--json"))["collect"]
        assert before["kept"] == 6
        first = finished(run)
        server.asked.clear()
        again = funnel(rapport("run", path, "--out", run, "--reparse", "--json"))["collect"]
        assert (again["kept"], again["reasons"]) == (6, before["reasons"])
        second = finished(run)
        assert second["collect"] != first["collect"]
        assert (
            funnel(rapport("collect", path, "--out", run, "--reparse", "--json"))["collect"]["kept"]
            == 6
        )
        third = finished(run)
        assert third["collect"] != second["collect"]
        second["collect"] = third["collect"]
        rapport("run", path, "--out", run)
        assert finished(run) == second
        assert server.asked == []


def test_what_a_site_failed_is_fetched_by_the_same_command(tmp_path: Path) -> None:
    run, pages = tmp_path / "out", wiki.category(6)
    lost = next(path for path in pages if path.startswith("/wiki/") and "Category" not in path)
    with site.serving({**pages, lost: (503, {"Retry-After": "9"}, b"busy")}) as server:
        door = {
            "name": "lamps",
            "spider": "mediawiki",
            "start": [f"{server.address}/wiki/Category:Lamps"],
        }
        limits = {"delay": 0, "patience": 1, "retries": 0, "private": True}
        door |= {"license": "CC0-1.0", "crawl": limits}
        path = recipe(tmp_path, files=0, collect={"sources": [door]})
        told = rapport("run", path, "--out", run, "--json", code=3)
        assert "the same command asks again for what failed" in told
        assert funnel(told)["collect"]["kept"] < 6
        server.pages = pages
        assert funnel(rapport("run", path, "--out", run, "--json"))["publish"]["in"] == 6
        server.asked.clear()
        rapport("run", path, "--out", run)
        assert server.asked == []
        with sqlite3.connect(run / "pages.sqlite") as store:
            store.execute("delete from pages where address like ?", [f"%{lost}"])
        store.close()
        assert (
            funnel(rapport("run", path, "--out", run, "--reparse", "--json", code=3))["collect"][
                "kept"
            ]
            == 5
        )
        assert server.asked == []
        assert funnel(rapport("run", path, "--out", run, "--json"))["collect"]["kept"] == 6
        assert [asked for asked in server.asked if asked != "/robots.txt"] == [lost]


def test_an_address_that_is_no_disk_takes_files_and_refuses_crawls_and_models(
    tmp_path: Path,
) -> None:
    assert "structure.turns" not in rapport(
        "run", recipe(tmp_path, files=1), "--out", "memory://rapport-run"
    )
    models = {"writer": {"model": "r", "base_url": "rehearsal"}}
    path = recipe(tmp_path, files=1, generate={"seeds": 1, "talks": 1}, models=models)
    told = rapport("run", path, "--out", "memory://rapport-run", code=1)
    assert "Generating keeps every answer in a file that needs a disk" in told
    assert "A crawl keeps its pages" in rapport(
        "run", "quickstart", "--out", "memory://rapport-run", code=1
    )
    assert not Path("memory:").exists()
