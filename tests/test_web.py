"""Web sources: crawls that survive being killed, stay within their limits, and account for every page."""

from __future__ import annotations

import datetime as dt
import gzip
import html
import ipaddress
import itertools
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError, collect
from pipeline.collect import threads, web
from pipeline.conversation import Conversation, Drop, Quarantine
from pipeline.recipe.settings import CollectSettings, SourceSettings
from pipeline.texts import configs
from tests.servers import wiki
from tests.servers.hostile import hostile
from tests.servers.site import Page, Site, serving

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


def source(
    *start: str, spider: str = "mediawiki", options: dict | None = None, **crawl: object
) -> dict:
    return {
        "name": "site", "spider": spider, "start": list(start), "license": "CC0-1.0", "options": options or {},
        "crawl": {"delay": 0, "timeout": 5, **crawl},
    }  # fmt: skip


def collected(
    settings: dict, state: Path, folder: Path = ROOT
) -> list[Conversation | Drop | Quarantine]:
    checked = CollectSettings.model_validate(
        {"sources": [settings]} if "sources" not in settings else settings
    )
    units = collect.units(checked, folder)
    return [row for unit in units for row in collect.read(unit, checked, state)]


def conversations(rows: list) -> list[Conversation]:
    return [row for row in rows if isinstance(row, Conversation)]


def failures(rows: list) -> dict[str, str]:
    """Address without the host → what the report says of it. A file is told by its name, wherever the checkout lies."""
    pairs = (
        (row.where.removeprefix("site: "), row.detail) for row in rows if isinstance(row, Quarantine)
    )
    return {
        "/" + (at.split("/", 3)[3] if "://" in at else Path(at).name): error for at, error in pairs
    }


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
        end = time.monotonic() + 60
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
    assert {d.conversation.source.ref.rsplit("/", 1)[-1] for d in rows if isinstance(d, Drop)} >= {
        "noise#1"
    }
    charset = next(c for c in conversations(rows) if "charset#1" in c.source.ref)
    assert [m.content for m in charset.messages] == ["Déjà vu?", "Yes."]
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
    assert failures(rows) == {"/wiki/Lamp_1": "robots.txt forbids it"}


def test_nothing_is_fetched_when_robots_txt_cannot_be_had(tmp_path: Path) -> None:
    with serving(wiki.category(3) | {"/robots.txt": (503, {"Retry-After": "0"}, b"")}) as site:
        rows = collected(source(f"{site.address}/wiki/Category:Lamps"), tmp_path)
    assert set(site.asked) == {"/robots.txt"}
    reason = "for now: robots.txt cannot be had (status 503), so nothing may be fetched"
    assert failures(rows) == {"/wiki/Category:Lamps": reason}


def test_a_site_that_asks_for_a_long_pause_gets_it_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with serving(wiki.category(4)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        well, site.pages["/wiki/Lamp_2"] = (
            site.pages["/wiki/Lamp_2"],
            (429, {"Retry-After": "86400"}, b""),
        )
        first = collected(settings, tmp_path)
        assert len(conversations(first)) == 2
        assert failures(first) == {
            "/wiki/Lamp_2": "for now: the site asks to come back in 86400 s, more than `patience`: "
            "2 addresses, first this"
        }
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
    assert failures(reread) == {"/wiki/Lamp_3": "for now: not among the stored pages"}


def test_a_site_that_is_down_is_asked_again_another_day(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and never listens
        rows = collected(
            source(f"http://127.0.0.1:{free.getsockname()[1]}/wiki/A", retries=0), tmp_path
        )
    reason = (
        "for now: robots.txt cannot be had (the connection was refused), so nothing may be fetched"
    )
    assert failures(rows) == {"/wiki/A": reason}


def test_only_failures_that_may_pass_are_called_so(tmp_path: Path) -> None:
    pages = wiki.category(6)
    answers = {
        0: (503, {"Retry-After": "0"}, b""),
        1: (404, {}, b""),
        2: (403, {}, b""),
        3: (500, {}, b""),
    }
    with serving(pages | {f"/wiki/Lamp_{n}": answer for n, answer in answers.items()}) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps", retries=0)
        rows = collected(settings, tmp_path)
        assert failures(rows) == {
            "/wiki/Lamp_0": "for now: status 503", "/wiki/Lamp_1": "status 404", "/wiki/Lamp_2": "status 403",
            "/wiki/Lamp_3": "for now: status 500",
        }  # fmt: skip


def test_a_crawl_whose_time_is_over_goes_on_with_the_next_run(tmp_path: Path) -> None:
    with serving(wiki.category(4)) as site:
        settings = source(f"{site.address}/wiki/Category:Lamps")
        rows = collected(settings | {"crawl": {"delay": 0, "seconds": 1e-6}}, tmp_path)
        assert failures(rows) == {
            "/wiki/Category:Lamps": "for now: over the time of 1e-06 s (seconds)"
        }
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
    assert list(failures(rows).values()) == [
        "more than 1 links from the start (depth): 201 addresses, first this"
    ]


def test_local_pages_are_named_from_the_folder_of_the_recipe(tmp_path: Path) -> None:
    folder = configs() / "quickstart"
    pages = source("pages/index.html") | {"name": "pages"}
    rows = collected(pages, tmp_path, folder)
    assert len(rows) == len(conversations(rows)) == 24
    assert rows[0].source.ref == "pages/Allotment_Fourteen.html#1"
    assert rows[0].source.retrieved is None
    assert len({row.split_group for row in rows}) == 8


def test_a_thread_on_two_pages_is_one_conversation_with_pseudonyms(tmp_path: Path) -> None:
    def page(numbers: range, onward: str) -> str:
        posts = "".join(
            f'<div class="comments_list__comment" id="c{n}"><a class="comment__info__username__link"><span>ann_{n % 3}'
            f'</span></a><div class="comment__text"><p>@ann_{(n + 1) % 3} post {n}</p></div></div>'
            for n in numbers
        )
        return f'<h1>T</h1>{posts}<li class="paginator__button"><a href="{onward}">x</a></li>'

    pages = {
        "/t/1": page(range(1, 4), "/t/1?page=2"),
        "/t/1?page=2": page(range(3, 6), "/t/1?page=1"),
    }
    pages["/t/1?page=1"] = "<p>Come back later</p>"
    with serving(pages) as site:  # post 3 stands on both pages
        rows = collected(source(f"{site.address}/t/1", spider="forum"), tmp_path)
    (talk,) = conversations(rows)
    assert [(m.name, m.content) for m in talk.messages] == [
        ("Speaker 1", "@Speaker 2 post 1"), ("Speaker 2", "@Speaker 3 post 2"), ("Speaker 3", "@Speaker 1 post 3"),
        ("Speaker 1", "@Speaker 2 post 4"), ("Speaker 2", "@Speaker 3 post 5"),
    ]  # fmt: skip
    assert "ann" not in (talk.extra or "")
    assert talk.group == f"site/{site.address}/t/1"
    assert failures(rows) == {"/t/1?page=1": "the spider finds nothing here"}


PAGES = {  # how a forum numbers the pages of a thread, and whether each links to all of them or to the next
    "pages": (["/t/2", *(f"/t/2?page={n}" for n in range(1, 13))], "all"),
    "offsets": (["/t?t=20", *(f"/t?t=20&start={n}0" for n in range(1, 13))], "all"),
    "names": ([f"/t/{name}" for name in "zyxwvutsrqpon"], "next"),
}


@pytest.mark.parametrize("kind", PAGES)
def test_posts_without_ids_keep_the_order_of_their_pages(tmp_path: Path, kind: str) -> None:
    addresses, linked = PAGES[kind]
    texts = [f"Post {n}" for n in range(len(addresses))]
    if kind == "pages":
        texts[1] = texts[0]  # page 1 is the thread's first page under another name
    pages: dict[str, Page] = {}
    for n, (address, text) in enumerate(zip(addresses, texts, strict=True)):
        there = addresses if linked == "all" else addresses[n + 1 : n + 2]
        links = "".join(f'<a rel=next href="{html.escape(one)}">on</a>' for one in there)
        posts = "".join(f"<div class=post><b>ann{i}</b><p>{text}, {i}</p></div>" for i in range(2))
        pages[address] = f"<h1>T</h1>{posts}{links}"
    selectors = {"post": ".post", "author": "b", "text": "p"}
    with serving(pages) as site:
        rows = collected(
            source(site.address + addresses[0], spider="forum", options=selectors), tmp_path
        )
    (talk,) = conversations(rows)
    assert [m.content for m in talk.messages] == [
        f"{text}, {i}" for text in dict.fromkeys(texts) for i in range(2)
    ]


def test_a_crawl_that_breaks_off_is_told_and_not_taken_for_empty(tmp_path: Path) -> None:
    with (
        serving({"/": "x"}) as site,
        pytest.raises(UserError, match=r"broke off.*crawl-site.log"),
    ):
        collected(source(f"{site.address}/", spider="forum", options={"post": "]["}), tmp_path)


def test_a_name_that_leads_into_a_private_network_is_refused(tmp_path: Path) -> None:
    name = socket.gethostname()
    try:
        number = socket.gethostbyname(name)
    except OSError:
        pytest.skip("this machine's own name cannot be resolved")
    if ipaddress.ip_address(number).is_global or "localhost" in name:
        pytest.skip("this machine's own name is no private one")
    settings = {"sources": [source(f"http://{name}:9/wiki/A")], "contact": "me@example.org"}
    rows = collected(settings, tmp_path)
    (row,) = rows
    assert row.detail.startswith(f"{name} leads to the private address {number}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spider": "mediawick"}, "there is no spider mediawick; there are mediawiki"),
        ({"start": []}, "addresses to start from"),
        ({"license": None}, "licence is not known"),
        ({"start": ["https://wiki.example/"]}, "Say who crawls"),
        ({"start": ["https://old.reddit.com/r/x"]}, "Reddit is refused: its terms forbid"),
        ({"crawl": {"hosts": ["reddit.com"]}}, "Reddit is refused"),
        ({"spider": None}, "shipped source: gutenberg-plays"),
    ],
)
def test_what_may_not_be_crawled_is_said_before_anything_is_fetched(
    wrong: dict, message: str
) -> None:
    settings = CollectSettings.model_validate({"sources": [source("http://127.0.0.1:9/") | wrong]})
    with pytest.raises(UserError, match=message):
        collect.units(settings, ROOT)


@pytest.mark.parametrize("name", web.registry())
def test_shipped_sources_are_complete_and_allowed(name: str) -> None:
    settings = CollectSettings(sources=[SourceSettings(name=name)], contact="me@example.org")
    (unit,) = collect.units(settings, ROOT)
    assert unit.source.license
    assert unit.source.crawl.delay >= 1
    assert {"terms", "training", "attribution"} <= web.registry()[name].keys()
    assert web.registry()[name]["license_url"].startswith("https://")
    faster = SourceSettings.model_validate({"name": name, "crawl": {"max_pages": 3}})
    assert web.completed(faster).crawl.delay == unit.source.crawl.delay
    assert web.completed(faster).crawl.max_pages == 3


POSTS = st.lists(
    st.tuples(st.sampled_from(["", None, "0", "1", "2", "3", "4", "5", "nowhere"]), st.booleans()),
    max_size=12,
)


@given(POSTS)
def test_every_post_is_in_exactly_one_path_along_replies(
    drawn: list[tuple[str | None, bool]],
) -> None:
    posts = [
        threads.Post(str(n), parent, "x", "text", place=n, gone=gone)
        for n, (parent, gone) in enumerate(drawn)
    ]
    paths = list(threads.paths(threads.in_order(posts + posts)))
    assert sorted(p.id for path in paths for p in path) == sorted(p.id for p in posts if not p.gone)
    for path in paths:
        for before, after in itertools.pairwise(path):
            assert after.parent in ("", before.id)


def test_branches_start_their_own_path_and_a_long_chain_is_no_trouble() -> None:
    parents = {"a": None, "b": "a", "c": "a", "d": "c", "e": "d", "f": "b"}
    posts = [
        threads.Post(i, parent, i, i, place=n) for n, (i, parent) in enumerate(parents.items())
    ]
    assert ["".join(p.id for p in path) for path in threads.paths(posts)] == ["acde", "bf"]
    chain = [threads.Post(str(n), str(n - 1), "x", "y", place=n) for n in range(20_000)]
    assert [len(path) for path in threads.paths(chain)] == [20_000]


def test_json_topics_and_mailboxes_from_a_running_site(tmp_path: Path) -> None:
    def post(number: int, answers: int | None) -> dict:
        name, text = f"user{number % 2}", f"<p>Post {number}</p>"
        return {
            "id": number, "post_number": number, "username": name, "cooked": text, "reply_to_post_number": answers,
        }  # fmt: skip

    posts = [post(n, {4: 1}.get(n)) for n in range(1, 7)]
    topic = {
        "id": 9,
        "slug": "lamps",
        "title": "Lamps",
        "post_stream": {"posts": posts[:3], "stream": [*range(1, 7)]},
    }
    rest = {"post_stream": {"posts": posts[3:]}}
    letters = "".join(
        f"From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: p{n}@example.org\nDate: Wed, 1 May 2024 1{n}:00:00 +0000\n"
        f"Message-ID: <{n}@x>\nIn-Reply-To: <{n - 1}@x>\n\n> quoted\nLetter {n}\n\n"
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
            gzip.compress(letters.encode()),
        ),
    }
    with serving(pages) as site:
        forum = source(site.address, spider="discourse") | {"name": "forum"}
        box = source(f"{site.address}/list/", spider="mailinglist") | {"name": "box"}
        rows = collected({"sources": [forum, box]}, tmp_path)
    assert [[m.content for m in row.messages] for row in conversations(rows)] == [
        ["Post 1", "Post 4", "Post 5", "Post 6"], ["Post 2", "Post 3"], ["Letter 1", "Letter 2", "Letter 3"],
    ]  # fmt: skip
    assert rows == conversations(rows)
    assert rows[2].source.ref == f"{site.address}/list/1@x/#1"
