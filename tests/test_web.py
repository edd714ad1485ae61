"""Web sources: crawls survive a kill, stay within their limits, and account for every page."""

from __future__ import annotations

import datetime as dt
import gzip
import html
import ipaddress
import itertools
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline import UserError, collect
from pipeline.collect import sites, web
from pipeline.conversation import Conversation, Drop, Quarantine, Row
from pipeline.recipe.collect import CollectSettings, SourceSettings
from pipeline.texts import configs
from spiders.crawl import locks, networks
from tests.servers import wiki
from tests.servers.hostile import hostile
from tests.servers.site import Page, Site, serving

ROOT = Path(__file__).parents[1]
PATIENCE = 240  # seconds for some hundred pages on a busy machine
READ = """
import json, sys
from pathlib import Path
from pipeline import collect
from pipeline.recipe.collect import CollectSettings
settings = CollectSettings.model_validate(json.loads(sys.argv[1]))
for unit in collect.units(settings, Path(sys.argv[2])):
    print(sum(1 for _ in collect.read(unit, settings, Path(sys.argv[3]))))
"""


def source(
    *start: str,
    spider: str = "mediawiki",
    options: dict[str, object] | None = None,
    **crawl: object,
) -> dict[str, Any]:
    return {
        "name": "site",
        "spider": spider,
        "start": list(start),
        "license": "CC0-1.0",
        "options": options or {},
        "crawl": {"delay": 0, "timeout": 5, "private": True, **crawl},
    }


def collected(settings: dict[str, Any], state: Path, folder: Path = ROOT) -> list[Row]:
    """The rows of one source, or of a whole section `collect`."""
    section = settings if "sources" in settings else {"sources": [settings]}
    checked = CollectSettings.model_validate(section)
    units = collect.units(checked, folder)
    return [row for unit in units for row in collect.read(unit, checked, state)]


def conversations(rows: list[Row]) -> list[Conversation]:
    return [row for row in rows if isinstance(row, Conversation)]


class Failed(NamedTuple):
    """What the quarantine says of a page."""

    rule: str
    detail: str
    transient: bool = False


def failures(rows: list[Row]) -> dict[str, Failed]:
    """By address without the host; a local page by its name, wherever the checkout lies."""
    found: dict[str, Failed] = {}
    for row in rows:
        if isinstance(row, Quarantine):
            address = row.where.removeprefix("site: ")
            path = address.split("/", 3)[3] if "://" in address else Path(address).name
            found[f"/{path}"] = Failed(row.rule, row.detail, row.transient)
    return found


def stored(state: Path) -> set[str]:
    if not (state / "crawl-site.log").exists():  # written after the tables
        return set()
    with sqlite3.connect(state / "pages.sqlite", timeout=60) as db:
        return {address.split("/", 3)[-1] for (address,) in db.execute("select address from pages")}


def killed_at(goal: int, settings: dict, state: Path) -> None:
    """Start reading in another process and kill that with SIGKILL when `goal` pages are stored."""
    command = [sys.executable, "-c", READ, json.dumps(settings), str(ROOT), str(state)]
    reader = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while len(stored(state)) < goal:
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


@pytest.mark.parametrize(
    "title", ["Category:Plays by Shaw", "Category:Lamps & Lanterns", "Category:C++ = fun?"]
)
def test_all_members_of_a_long_category_come_from_the_api(tmp_path: Path, title: str) -> None:
    with serving(wiki.with_api(title, 120)) as site:
        rows = collected(source(f"{site.address}/wiki/List"), tmp_path)
    assert len({row.messages for row in conversations(rows)}) == len(rows) == 120


def asked(site: Site) -> set[str]:
    """What a site was asked for since the last look."""
    paths = {path.lstrip("/") for path in site.asked}
    site.asked.clear()
    return paths


TROUBLES = {  # address on the hostile site → the rule, and a part of the detail
    "/loop/2": ("page.failed", "circle"),
    "/far/6": ("page.failed", "max redirections"),
    "/broken": ("page.failed", "status 500"),
    "/drip": ("page.failed", "timeout"),
    "/cut": ("page.failed", "cut"),
    "/endless": ("page.limit", "page_bytes"),
    "/bomb": ("page.failed", "2000000 B"),
    "/bomb-zstd": ("page.failed", "2000000 B"),
    "/admin/x": ("page.refused", "robots.txt forbids"),
    "/empty": ("page.unread", "empty"),
    "/nowhere": ("page.failed", "status 404"),
    "/teapot": ("page.failed", "status 418"),
    "/bad-location": ("page.failed", "IPv6"),
    "/admin": ("page.refused", "another host"),
    "/": ("page.refused", "10.0.0.1"),
    "/passwd": ("page.refused", "outside"),
    "/latest": ("page.refused", "metadata.internal"),
}


def test_a_hostile_site_ends_within_limits_with_every_failure_reported(tmp_path: Path) -> None:
    with serving({}) as elsewhere, hostile(elsewhere.address) as site:
        limits = {
            "timeout": 2,
            "retries": 2,
            "page_bytes": 2_000_000,
            "max_pages": 60,
            "seconds": 60,
        }
        start = time.monotonic()
        rows = collected(source(f"{site.address}/wiki/Start", **limits), tmp_path)
        assert time.monotonic() - start < 60
        assert not elsewhere.asked
        assert len(site.asked) < 150
        assert not [path for path in site.asked if path.startswith("/admin")]
        busy = [when for when, path in zip(site.times, site.asked, strict=True) if path == "/busy"]
        assert len(busy) == 3
        assert min(b - a for a, b in itertools.pairwise(busy)) >= 1, "Retry-After: 1"
    failed = failures(rows)
    for address, (rule, part) in TROUBLES.items():
        reason = failed.pop(address)
        assert (reason.rule, part in reason.detail) == (rule, True), (address, reason)
    (budget,) = failed.values()
    assert budget.rule == "page.limit"
    assert "60 pages" in budget.detail
    kept = {row.source.ref.rsplit("/", 1)[-1]: row for row in conversations(rows)}
    assert kept.keys() == {"busy#1", "charset#1", "charset-unknown#1"}
    drops = [row.conversation.source.ref for row in rows if isinstance(row, Drop)]
    assert f"{site.address}/noise#1" in drops
    charset = kept["charset#1"]
    assert [message.content for message in charset.messages] == ["Déjà vu?", "Yes."]
    assert charset.messages[0].name == "Zoë"
    assert (tmp_path / "pages.sqlite").stat().st_size < 5_000_000


def test_crawl_delay_is_kept_and_the_crawler_says_who_it_is(tmp_path: Path) -> None:
    pages = wiki.category(3) | {
        "/robots.txt": "User-agent: *\nCrawl-delay: 1\nDisallow: /wiki/Lamp_1\n"
    }
    with serving(pages) as site:
        settings = {
            "sources": [source(f"{site.address}/wiki/Category:Lamps")],
            "contact": "me@example.org",
        }
        rows = collected(settings, tmp_path)
    assert site.asked == ["/robots.txt", "/wiki/Category:Lamps", "/wiki/Lamp_0", "/wiki/Lamp_2"]
    assert all(b - a >= 0.7 for a, b in itertools.pairwise(site.times[1:]))
    (agent,) = site.agents
    assert agent.startswith("Rapport/")
    assert "me@example.org" in agent
    assert failures(rows) == {"/wiki/Lamp_1": Failed("page.refused", "robots.txt forbids it")}


def test_nothing_is_fetched_when_robots_txt_cannot_be_had(tmp_path: Path) -> None:
    with serving(wiki.category(3) | {"/robots.txt": (503, {"Retry-After": "0"}, b"")}) as site:
        rows = collected(source(f"{site.address}/wiki/Category:Lamps"), tmp_path)
    assert set(site.asked) == {"/robots.txt"}
    reason = "robots.txt cannot be had (status 503), so nothing may be fetched"
    assert failures(rows) == {"/wiki/Category:Lamps": Failed("page.refused", reason, True)}


def test_a_site_that_asks_for_a_long_pause_gets_it_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with serving(wiki.category(4)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        well = site.pages["/wiki/Lamp_2"]
        site.pages["/wiki/Lamp_2"] = (429, {"Retry-After": "86400"}, b"")
        first = collected(settings, tmp_path)
        assert len(conversations(first)) == 2
        reason = "the site asks to come back in 86400 s, more than `patience`"
        several = f"{reason}: 2 addresses, first this"
        assert failures(first) == {"/wiki/Lamp_2": Failed("page.limit", several, True)}
        site.pages["/wiki/Lamp_2"] = well
        site.asked.clear()
        assert len(conversations(collected(settings, tmp_path))) == 4
        assert site.asked == ["/wiki/Lamp_2", "/wiki/Lamp_3"]


def test_stored_pages_are_read_again_without_the_network(tmp_path: Path) -> None:
    with serving(wiki.category(5)) as site:
        lamps = source(f"{site.address}/wiki/Category:Lamps") | {
            "attribution": "Lamp keepers, {address}"
        }
        single = source(f"{site.address}/wiki/Lamp_1") | {"name": "single"}
        fetched = collected({"sources": [lamps, single]}, tmp_path)
        assert sorted(asked(site)) == [
            "robots.txt",
            "wiki/Category:Lamps",
            *(f"wiki/Lamp_{n}" for n in range(5)),
        ]
    assert len(conversations(fetched)) == 6
    first = conversations(fetched)[0]
    assert first.source.ref == f"{site.address}/wiki/Lamp_0#1"
    assert first.source.attribution == f"Lamp keepers, {site.address}/wiki/Lamp_0"
    assert first.source.retrieved == dt.datetime.now(dt.UTC).date()
    with sqlite3.connect(tmp_path / "pages.sqlite") as db:
        db.execute("delete from pages where address like '%Lamp_3'")
    reread = collected({"sources": [lamps], "reparse": True}, tmp_path)
    assert conversations(reread) == [row for row in fetched[:5] if "Lamp_3" not in row.source.ref]
    assert failures(reread) == {
        "/wiki/Lamp_3": Failed("page.not_stored", "not among the stored pages", True)
    }


def test_a_site_that_is_down_is_asked_again_another_day(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and never listens
        address = f"http://127.0.0.1:{free.getsockname()[1]}/wiki/A"
        rows = collected(source(address, retries=0), tmp_path)
    reason = "robots.txt cannot be had (the connection was refused), so nothing may be fetched"
    assert failures(rows) == {"/wiki/A": Failed("page.refused", reason, True)}


def test_only_failures_that_may_pass_are_called_so(tmp_path: Path) -> None:
    pages = wiki.category(6)
    is_transient = {503: True, 404: False, 403: False, 500: True}
    for number, status in enumerate(is_transient):
        pages[f"/wiki/Lamp_{number}"] = (status, {"Retry-After": "0"}, b"")
    with serving(pages) as site:
        rows = collected(source(f"{site.address}/wiki/Category:Lamps", retries=0), tmp_path)
    assert failures(rows) == {
        f"/wiki/Lamp_{number}": Failed("page.failed", f"status {status}", is_transient[status])
        for number, status in enumerate(is_transient)
    }


def test_a_crawl_whose_time_is_over_goes_on_with_the_next_run(tmp_path: Path) -> None:
    with serving(wiki.category(4)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        hurried = settings | {"crawl": settings["crawl"] | {"seconds": 1e-6}}
        rows = collected(hurried, tmp_path)
        reason = "over the time of 1e-06 s (seconds)"
        assert failures(rows) == {"/wiki/Category:Lamps": Failed("page.limit", reason, True)}
        assert len(conversations(collected(settings, tmp_path))) == 4


def test_a_crawl_that_is_told_to_stop_is_not_taken_for_whole(tmp_path: Path) -> None:
    pages = wiki.category(8)
    with serving(pages) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        well = pages["/wiki/Lamp_3"]

        def stops(_: str) -> Page:
            os.kill(crawling(), signal.SIGTERM)
            return well

        site.pages["/wiki/Lamp_3"] = stops
        with pytest.raises(UserError, match=r"crawl of site broke off"):
            collected(settings, tmp_path)
        site.pages["/wiki/Lamp_3"] = well
        assert len(conversations(collected(settings, tmp_path))) == 8


def crawling() -> int:
    """The process of the crawl that this process has started."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    (pid,) = (
        pid for pid in children if b"spiders.crawl" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    return int(pid)


def test_two_crawls_of_one_site_take_turns(tmp_path: Path) -> None:
    with serving(wiki.category(8)) as site:
        site.pause = 0.1
        settings = source(f"{site.address}/wiki/Category:Lamps")
        with ThreadPoolExecutor(2) as pool:
            crawls = [pool.submit(collected, settings, tmp_path / name) for name in ("one", "two")]
            assert [len(conversations(crawl.result())) for crawl in crawls] == [8, 8]
    assert site.at_once[1] == 1


def test_what_lies_deeper_than_the_limit_is_reported(tmp_path: Path) -> None:
    with serving(wiki.category(450)) as site:
        rows = collected(source(f"{site.address}/wiki/Category:Lamps", depth=1), tmp_path)
    assert len(conversations(rows)) == 200
    (failed,) = failures(rows).values()
    reason = "more than 1 links from the start (depth): 201 addresses, first this"
    assert failed == Failed("page.limit", reason)
    (row,) = (row for row in rows if isinstance(row, Quarantine))
    assert len(row.raw.splitlines()) == 100, "as many addresses are listed"


def test_local_pages_are_named_from_the_folder_of_the_recipe(tmp_path: Path) -> None:
    folder = configs() / "quickstart"
    pages = source("pages/index.html") | {"name": "pages"}
    rows = collected(pages, tmp_path, folder)
    assert len(rows) == len(conversations(rows)) == 24
    assert rows[0].source.ref == "pages/Allotment_Fourteen.html#1"
    assert rows[0].source.retrieved is None
    assert len({row.split_group for row in rows}) == 8


def test_a_thread_on_two_pages_is_one_conversation_with_pseudonyms(tmp_path: Path) -> None:
    def post(number: int) -> str:
        author, other = f"ann_{number % 3}", f"ann_{(number + 1) % 3}"
        return (
            f'<div class="comments_list__comment" id="c{number}">'
            f'<a class="comment__info__username__link"><span>{author}</span></a>'
            f'<div class="comment__text"><p>@{other} post {number}</p></div></div>'
        )

    def page(numbers: range, onward: str) -> str:
        posts = "".join(map(post, numbers))
        return f'<h1>T</h1>{posts}<li class="paginator__button"><a href="{onward}">x</a></li>'

    pages = {
        "/t/1": page(range(1, 4), "/t/1?page=2"),
        "/t/1?page=2": page(range(3, 6), "/t/1?page=1"),
    }
    pages["/t/1?page=1"] = "<p>Come back later</p>"
    with serving(pages) as site:  # post 3 stands on both pages
        rows = collected(source(f"{site.address}/t/1", spider="forum"), tmp_path)
    (conversation,) = conversations(rows)
    assert [(message.name, message.content) for message in conversation.messages] == [
        ("Speaker 1", "@Speaker 2 post 1"),
        ("Speaker 2", "@Speaker 3 post 2"),
        ("Speaker 3", "@Speaker 1 post 3"),
        ("Speaker 1", "@Speaker 2 post 4"),
        ("Speaker 2", "@Speaker 3 post 5"),
    ]
    assert "ann" not in (conversation.extra or "")
    assert conversation.split_group == f"site/{site.address}/t/1"
    nothing = Failed("page.empty", "the spider finds nothing here")
    assert failures(rows) == {"/t/1?page=1": nothing}


# how a forum numbers the pages of a thread, and whether each links to all of them or to the next
PAGES = {
    "pages": (["/t/2", *(f"/t/2?page={n}" for n in range(1, 13))], "all"),
    "offsets": (["/t?t=20", *(f"/t?t=20&start={n}0" for n in range(1, 13))], "all"),
    "names": ([f"/t/{name}" for name in "zyxwvutsrqpon"], "next"),
}


@pytest.mark.parametrize("kind", PAGES)
def test_posts_without_ids_keep_the_order_of_their_pages(tmp_path: Path, kind: str) -> None:
    addresses, linked = PAGES[kind]
    texts = [f"Post {number}" for number in range(len(addresses))]
    if kind == "pages":
        texts[1] = texts[0]  # page 1 is the thread's first page under another name
    pages: dict[str, Page] = {}
    for number, (address, text) in enumerate(zip(addresses, texts, strict=True)):
        there = addresses if linked == "all" else addresses[number + 1 : number + 2]
        links = "".join(f'<a rel=next href="{html.escape(link)}">on</a>' for link in there)
        posts = [f"<div class=post><b>ann{n}</b><p>{text}, {n}</p></div>" for n in range(2)]
        pages[address] = f"<h1>T</h1>{''.join(posts)}{links}"
    selectors: dict[str, object] = {"post": ".post", "author": "b", "text": "p"}
    with serving(pages) as site:
        settings = source(site.address + addresses[0], spider="forum", options=selectors)
        rows = collected(settings, tmp_path)
    (conversation,) = conversations(rows)
    assert [message.content for message in conversation.messages] == [
        f"{text}, {n}" for text in dict.fromkeys(texts) for n in range(2)
    ]


def test_a_crawl_that_breaks_off_is_reported_and_not_taken_for_empty(tmp_path: Path) -> None:
    with (
        serving({"/": "x"}) as site,
        pytest.raises(UserError, match=r"broke off.*crawl-site.log"),
    ):
        collected(source(f"{site.address}/", spider="forum", options={"post": "]["}), tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spider": "mediawick"}, "there is no spider mediawick; there are mediawiki"),
        ({"start": []}, "addresses to start from"),
        ({"license": None}, "licence is not known"),
        ({"start": ["https://wiki.example/"]}, "Say who crawls"),
        ({"start": ["https://old.reddit.com/r/x"]}, "Reddit is refused: its terms forbid"),
        ({"crawl": {"hosts": ["reddit.com"], "private": True}}, "Reddit is refused"),
        ({"spider": None}, "shipped source: gutenberg-plays"),
    ],
)
def test_what_may_not_be_crawled_is_refused_before_anything_is_fetched(
    wrong: dict[str, object], message: str
) -> None:
    settings = CollectSettings.model_validate({"sources": [source("http://127.0.0.1:9/") | wrong]})
    with pytest.raises(UserError, match=message):
        collect.units(settings, ROOT)


@pytest.mark.parametrize("name", sites.registry())
def test_shipped_sources_are_complete_and_allowed(name: str) -> None:
    settings = CollectSettings(sources=[SourceSettings(name=name)], contact="me@example.org")
    (unit,) = collect.units(settings, ROOT)
    assert unit.source.license
    assert unit.source.crawl.delay >= 1
    assert {"terms", "training", "attribution"} <= sites.registry()[name].keys()
    assert str(sites.registry()[name]["license_url"]).startswith("https://")
    faster = SourceSettings.model_validate({"name": name, "crawl": {"max_pages": 3}})
    assert sites.completed(faster).crawl.delay == unit.source.crawl.delay
    assert sites.completed(faster).crawl.max_pages == 3


def test_json_topics_and_mailboxes_from_a_running_site(tmp_path: Path) -> None:
    def post(number: int) -> dict[str, object]:
        return {
            "id": number,
            "post_number": number,
            "username": f"user{number % 2}",
            "cooked": f"<p>Post {number}</p>",
            "reply_to_post_number": 1 if number == 4 else None,
        }

    posts = [post(number) for number in range(1, 7)]
    topic = {
        "id": 9,
        "slug": "lamps",
        "title": "Lamps",
        "post_stream": {"posts": posts[:3], "stream": [*range(1, 7)]},
    }
    rest = {"post_stream": {"posts": posts[3:]}}
    mails = "".join(
        f"From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: p{n}@example.org\n"
        f"Date: Wed, 1 May 2024 1{n}:00:00 +0000\n"
        f"Message-ID: <{n}@x>\nIn-Reply-To: <{n - 1}@x>\n\n> quoted\nMail {n}\n\n"
        for n in range(1, 4)
    )
    pages = {
        "/latest.json": json.dumps({"topic_list": {"topics": [{"id": 9}]}}),
        "/t/9.json": json.dumps(topic),
        "/t/9/posts.json?post_ids%5B%5D=4&post_ids%5B%5D=5&post_ids%5B%5D=6": json.dumps(rest),
        "/list/": '<a href="1@x/T/#t">one</a>',
        "/list/1@x/t.mbox.gz": (
            200,
            {"Content-Type": "application/gzip"},
            gzip.compress(mails.encode()),
        ),
    }
    with serving(pages) as site:
        forum = source(site.address, spider="discourse") | {"name": "forum"}
        box = source(f"{site.address}/list/", spider="mailinglist") | {"name": "box"}
        rows = collected({"sources": [forum, box]}, tmp_path)
    kept = conversations(rows)
    assert [[message.content for message in row.messages] for row in kept] == [
        ["Post 1", "Post 4", "Post 5", "Post 6"],
        ["Post 2", "Post 3"],
        ["Mail 1", "Mail 2", "Mail 3"],
    ]
    assert rows == kept
    assert kept[2].source.ref == f"{site.address}/list/1@x/#1"


# --- damaged pages


def test_a_damaged_page_is_fetched_again_and_no_other(tmp_path: Path) -> None:
    with serving(wiki.category(4)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        whole = conversations(collected(settings, tmp_path))
        flip_byte_of(tmp_path / "pages.sqlite", "Lamp_2")
        site.asked.clear()
        offline = collected({"sources": [settings], "reparse": True}, tmp_path)
        assert conversations(offline) == [row for row in whole if "Lamp_2" not in row.source.ref]
        reason = "the stored page is damaged; it is fetched again without `reparse`"
        assert failures(offline) == {"/wiki/Lamp_2": Failed("page.damaged", reason, True)}
        assert site.asked == []
        assert collected(settings, tmp_path) == whole
        assert site.asked == ["/wiki/Lamp_2"]
        assert collected({"sources": [settings], "reparse": True}, tmp_path) == whole


def flip_byte_of(path: Path, page: str) -> None:
    """Change one byte in the body of a stored page, and leave its digest as it is."""
    with sqlite3.connect(path) as store:
        where = f"where address like '%{page}'"
        ((body,),) = store.execute(f"select body from pages {where}").fetchall()
        changed = bytes([*body[:20], body[20] ^ 1, *body[21:]])
        store.execute(f"update pages set body = ? {where}", [changed])
    store.close()


def test_a_file_that_is_not_a_database_is_one_message_and_nothing_is_fetched(
    tmp_path: Path,
) -> None:
    (tmp_path / "pages.sqlite").write_text("hello")
    with serving(wiki.category(2)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        with pytest.raises(UserError, match=r"pages\.sqlite is damaged .* Delete it and run"):
            collected(settings, tmp_path)
        assert site.asked == []


def test_damage_that_only_the_crawl_meets_is_the_same_message(tmp_path: Path) -> None:
    path = tmp_path / "pages.sqlite"
    with serving(wiki.category(5)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        whole = collected(settings, tmp_path)
        overwrite_first_page_of_the_table(path)
        site.asked.clear()
        with pytest.raises(UserError, match=r"broke off: .* Delete it and run") as raised:
            collected(settings, tmp_path)
        assert f"{path} is damaged" in str(raised.value)
        assert site.asked == []
        path.unlink()
        assert collected(settings, tmp_path) == whole


def overwrite_first_page_of_the_table(path: Path) -> None:
    """Damage in the table of pages, which is met when the first page is looked up."""
    with sqlite3.connect(path) as store:
        query = "select rootpage from sqlite_schema where name = 'pages'"
        ((root,),) = store.execute(query).fetchall()
        ((size,),) = store.execute("pragma page_size").fetchall()
    store.close()
    raw = bytearray(path.read_bytes())
    raw[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(bytes(raw))


# --- a new spider

ODD = """
import scrapy

class Odd(scrapy.Spider):
    name = "odd"

    def parse(self, response):
        yield {"turns": [["Ann", "Tea?"], ["Bo", "Please."]]}
        yield {"title": "Tea"}
"""


@pytest.fixture
def spider_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose class `Odd` is the spider `odd` of a crawl."""
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setitem(web.SPIDERS, "odd", "odd_spider.Odd")
    return tmp_path / "odd_spider.py"


def test_what_is_not_a_find_is_reported_with_its_page(spider_file: Path) -> None:
    spider_file.write_text(ODD)
    with serving({"/": "<p>x</p>"}) as site:
        rows = collected(source(f"{site.address}/", spider="odd"), spider_file.parent / "run")
    assert len(conversations(rows)) == 1, "what was found before it is kept"
    (failed,) = failures(rows).values()
    assert failed.rule == "page.unread"
    assert "a find is a dict with `turns` (a dialogue), or `thread` and `id`" in failed.detail


def test_the_spider_of_the_readme_works_as_it_stands_there(spider_file: Path) -> None:
    text = (ROOT / "spiders" / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?class .*?)```", text, re.S)
    (name,) = re.findall(r"^class (\w+)", code, re.M)
    spider_file.write_text(f"{code}\n\nOdd = {name}\n")
    pages: dict[str, Page] = {
        "/": '<a href="/scene/2">2</a> <a href="/about">About</a>',
        "/scene/2": "<h1>Two</h1><p><b>Ann</b> Tea?</p><p><b>Bo</b> Please.</p>",
    }
    with serving(pages) as site:
        rows = collected(source(f"{site.address}/", spider="odd"), spider_file.parent / "run")
    (conversation,) = rows
    assert isinstance(conversation, Conversation)
    said = [(message.name, message.content) for message in conversation.messages]
    assert said == [("Ann", "Tea?"), ("Bo", "Please.")]
    assert conversation.source.ref == f"{site.address}/scene/2#1"
    assert json.loads(conversation.extra or "") == {"scene": "Two"}


def test_every_spider_of_the_table_is_in_the_readme() -> None:
    text = (ROOT / "spiders" / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.M)[: len(web.SPIDERS)] == list(web.SPIDERS)


# --- only the internet is asked

NOT_PUBLIC = {
    "http://2130706433:{port}/": "this machine (127.0.0.1)",
    "http://0x7f.1:{port}/": "this machine (127.0.0.1)",
    "http://017700000001:{port}/": "this machine (127.0.0.1)",
    "http://127.0.0.1.:{port}/": "this machine (127.0.0.1)",
    "http://１２７。０。０。１:{port}/": "this machine (127.0.0.1)",
    "http://%31%32%37.0.0.1:{port}/": "this machine (127.0.0.1)",
    "http://wiki.example@127.0.0.1:{port}/": "this machine (127.0.0.1)",
    "http://wiki.LOCALHOST.:{port}/": "wiki.localhost is this machine",
    "http://[2002:7f00:1::]/": "this machine (127.0.0.1)",
    "http://[64:ff9b::7f00:1]/": "the private address 64:ff9b::7f00:1",
    "http://[fe80::1%25eth0]/": "the link-local address fe80::1",
    "http://[fd00::1]/": "the private address fd00::1",
    "http://[fec0::1]/": "the private address fec0::1",
    "http://[::]/": "of no machine",
    "http://[ff02::1]/": "the multicast address",
    "http://169.254.169.254/latest/": "the link-local address 169.254.169.254",
    "http://10.1.2.3/": "the private address 10.1.2.3",
    "http://0xa010203/": "the private address 10.1.2.3",
    "http://192.168.1/": "the private address 192.168.0.1",
    "http://172.16.0.1/": "the private address",
    "http://100.64.0.1/": "the private address",
    "http://0.0.0.0:{port}/": "of no machine",
    "http://0:{port}/": "of no machine",
    "http://224.0.0.1/": "the multicast address",
    "http://255.255.255.255/": "the private address",
}


@pytest.mark.parametrize("address", NOT_PUBLIC)
@pytest.mark.parametrize("place", ["start", "hosts"])
def test_an_address_that_is_not_in_the_internet_is_refused_and_never_asked(
    tmp_path: Path, address: str, place: str
) -> None:
    with serving({"/": "x"}) as site:
        given = address.replace("{port}", site.address.rpartition(":")[2])
        settings = source(given, private=False)
        if place == "hosts":
            host = given.removeprefix("http://").partition("/")[0]
            settings = source("http://wiki.example/", private=False, hosts=[host])
        with pytest.raises(UserError, match=r"`crawl: \{private: true\}`") as raised:
            collected({"sources": [settings], "contact": "me@example.org"}, tmp_path)
        assert site.asked == []
    assert NOT_PUBLIC[address] in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    [
        "http://93.184.216.34/",
        "http://[2606:2800:220:1::1]/",
        "http://wiki.example/127.0.0.1",
        "http://127.wiki.example/",
        "http://0x7f.example/",
        "http://localhost.example/",
        "http://10.example/?at=http://127.0.0.1/",
    ],
)
def test_what_only_looks_like_such_an_address_is_not_refused(address: str) -> None:
    settings = {"sources": [source(address, private=False)], "contact": "me@example.org"}
    assert collect.units(CollectSettings.model_validate(settings), ROOT)
    assert networks.not_public(address) is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://wiki.example/a", "begins with none of http, https, file"),
        ("http://[::1/", "cannot be an address"),
        ("http://wiki.example:99999/", "cannot be an address"),
    ],
)
def test_what_cannot_be_crawled_is_refused_in_words(address: str, message: str) -> None:
    section = {"sources": [source(address)], "contact": "me@example.org"}
    with pytest.raises(UserError, match=message):
        collect.units(CollectSettings.model_validate(section), ROOT)


# A spider whose process believes other things of names and numbers than this machine does: the
# first answers of the resolver, then the last one for good; and what a public number stands for.
ELSEWHERE = """
import socket
import scrapy
from scrapy import Request, resolver

class Forgetful(dict):
    def __contains__(self, name):
        return False

resolver.dnscache = Forgetful()
ANSWERS = {answers!r}
STANDS_FOR = {stands_for!r}
connect_ex = socket.socket.connect_ex

def gethostbyname(name):
    known = ANSWERS.get(name, [name])
    return known.pop(0) if len(known) > 1 else known[0]

def connected(self, place):
    return connect_ex(self, (STANDS_FOR.get(place[0], place[0]), *place[1:]))

socket.gethostbyname = gethostbyname
socket.socket.connect_ex = connected

class Odd(scrapy.Spider):
    name = "odd"

    def parse(self, response):
        yield {{"turns": [["Ann", response.text], ["Bo", "Please."]]}}
        for address in response.css("a::attr(href)").getall():
            yield Request(response.urljoin(address), self.parse)
"""
PUBLIC = "93.184.216.34"  # stands for 127.0.0.1 there; nothing but this machine is asked


@contextmanager
def believing(path: Path, **answers: list[str]) -> Iterator[None]:
    """Names of one word → what they lead to, one answer after the other."""
    named = {f"{name}.example": numbers for name, numbers in answers.items()}
    path.write_text(ELSEWHERE.format(answers=named, stands_for={PUBLIC: "127.0.0.1"}))
    yield


PRIVATE = ["127.0.0.2", "169.254.169.254", "10.0.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]


@pytest.mark.parametrize("number", PRIVATE)
def test_a_name_that_leads_elsewhere_is_never_asked(spider_file: Path, number: str) -> None:
    with counting() as server, believing(spider_file, wiki=[number]):
        port = server.getsockname()[1]
        settings = source(f"http://wiki.example:{port}/", spider="odd", private=False)
        section = {"sources": [settings], "contact": "me@example.org"}
        (failed,) = failures(collected(section, spider_file.parent / "run")).values()
        assert asked_at(server) == 0
    kind = networks.kind(ipaddress.ip_address(number))
    assert failed.rule == "page.refused"
    assert f"wiki.example leads to {kind}; `crawl: {{private: true}}` allows it" in failed.detail


def test_a_name_that_may_lead_to_this_machine_is_asked_with_private(spider_file: Path) -> None:
    with serving({"/": "Tea?"}) as site, believing(spider_file, wiki=["127.0.0.1"]):
        port = site.address.rpartition(":")[2]
        settings = source(f"http://wiki.example:{port}/", spider="odd", private=True)
        section = {"sources": [settings], "contact": "me@example.org"}
        (row,) = collected(section, spider_file.parent / "run")
        assert isinstance(row, Conversation)


CLOSE = {"Content-Type": "text/html", "Connection": "close"}


def test_a_name_that_leads_elsewhere_the_second_time_is_not_asked_there(spider_file: Path) -> None:
    """DNS rebinding: a public site first, this machine when the next page is asked for."""
    pages: dict[str, Page] = {
        "/robots.txt": (404, CLOSE, b""),
        "/": (200, CLOSE, b"Tea? <a href=/two>two</a>"),
    }
    with serving(pages) as site:
        port = int(site.address.rpartition(":")[2])
        answers = [PUBLIC, PUBLIC, "127.0.0.2"]
        with counting(port) as inside, believing(spider_file, wiki=answers):
            settings = source(f"http://wiki.example:{port}/", spider="odd", private=False)
            section = {"sources": [settings], "contact": "me@example.org"}
            rows = collected(section, spider_file.parent / "run")
            assert asked_at(inside) == 0
        assert site.asked == ["/robots.txt", "/"]
    assert len(conversations(rows)) == 1
    (failed,) = failures(rows).values()
    assert failed.rule == "page.refused"
    assert "leads to this machine (127.0.0.2)" in failed.detail


@pytest.mark.parametrize("where", ["http://127.0.0.2:{port}/", "http://home.example:{port}/"])
@pytest.mark.parametrize("page", ["/", "/robots.txt"])
def test_a_redirect_into_this_machine_is_not_followed(
    spider_file: Path, where: str, page: str
) -> None:
    pages: dict[str, Page] = {"/robots.txt": (404, CLOSE, b""), "/": "Tea?"}
    with serving(pages) as site:
        port = int(site.address.rpartition(":")[2])
        target = where.replace("{port}", str(port))
        site.pages[page] = (302, {"Location": target, **CLOSE}, b"")
        names = {"wiki": [PUBLIC], "home": ["127.0.0.2"]}
        with counting(port) as inside, believing(spider_file, **names):
            settings = source(
                f"http://wiki.example:{port}/",
                spider="odd",
                private=False,
                hosts=[f"home.example:{port}"],
            )
            section = {"sources": [settings], "contact": "me@example.org"}
            rows = collected(section, spider_file.parent / "run")
            assert asked_at(inside) == 0
    assert not conversations(rows)
    assert {failed.rule for failed in failures(rows).values()} == {"page.refused"}


@contextmanager
def counting(port: int = 0) -> Iterator[socket.socket]:
    """A server on 127.0.0.2 that answers nobody: whoever connects waits in its queue."""
    with socket.socket() as server:
        server.bind(("127.0.0.2", port))
        server.listen(8)
        server.setblocking(False)
        yield server


def asked_at(server: socket.socket) -> int:
    """How many have connected."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


# --- the folder of locks


def test_a_crawl_makes_its_lock_folder_for_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with serving(wiki.category(1)) as site:
        rows = collected(source(f"{site.address}/wiki/Category:Lamps"), tmp_path / "run")
    assert len(conversations(rows)) == 1
    (folder,) = (tmp_path / "tmp").glob("rapport-crawls-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [lock.stat().st_mode & 0o777 for lock in folder.iterdir()] == [0o600]


def is_link(folder: Path, elsewhere: Path) -> None:
    folder.symlink_to(elsewhere)


def is_open_to_others(folder: Path, _elsewhere: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def is_file(folder: Path, _elsewhere: Path) -> None:
    folder.write_text("")


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (is_link, "it is a link"),
        (is_open_to_others, "other users may use it (mode 777)"),
        (is_file, "Not a directory"),
    ],
)
def test_a_lock_folder_that_is_not_ours_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any, problem: str
) -> None:
    places = [tmp_path / name for name in ("tmp", "elsewhere")]
    for place in places:
        place.mkdir()
    monkeypatch.setenv("TMPDIR", str(places[0]))
    folder = places[0] / f"rapport-crawls-{os.getuid()}"
    made(folder, places[1])
    with serving({"/": "x"}) as site:
        with pytest.raises(UserError) as raised:
            collected(source(f"{site.address}/"), tmp_path / "run")
        assert site.asked == []
    assert f"The lock of crawls, {folder}, cannot be used: {problem}. Delete it" in str(
        raised.value
    )
    assert not list(places[1].iterdir())


def test_another_users_lock_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locks").mkdir(mode=0o700)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(UserError, match="it belongs to another user"):
        locks.own_folder(tmp_path / "locks")


def test_a_link_in_the_place_of_a_lock_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f"rapport-crawls-{os.getuid()}"
    folder.mkdir(mode=0o700)
    (folder / "wiki_web").symlink_to(tmp_path / "written")
    refused = pytest.raises(UserError, match="wiki_web, cannot be used: it is a link")
    with refused, locks.alone({"wiki:web"}):
        pass
    assert not (tmp_path / "written").exists()
