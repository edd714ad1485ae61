"""The shipped spiders on real site software: nothing missing, nothing twice. `make test-sites`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from pipeline.conversation import Conversation, Drop, Quarantine
from tests.sites import software
from tests.test_web import collected, source

pytestmark = [pytest.mark.sites, pytest.mark.timeout(900)]

Contents = tuple[str, ...]  # of one conversation's messages


def contents(rows: list[Conversation | Drop | Quarantine]) -> Counter[Contents]:
    """What was collected: contents → how often."""
    return Counter(
        tuple(m.content for m in row.messages) for row in rows if isinstance(row, Conversation)
    )


def dropped(rows: list[Conversation | Drop | Quarantine]) -> Counter[str]:
    return Counter(row.conversation.findings[0].rule for row in rows if isinstance(row, Drop))


def compare(rows: list[Conversation | Drop | Quarantine], seeded: list[Contents]) -> None:
    """Fails with what is missing and what is too much."""
    found, wanted = contents(rows), Counter(seeded)
    assert not [row for row in rows if isinstance(row, Quarantine)]
    assert not (wanted - found), "missing"
    assert not (found - wanted), "twice, or never seeded"


# ---------------------------------------------------------------- MediaWiki


def lines(page: int, scene: int, count: int = 4) -> list[tuple[str, str]]:
    names = ("Ada", "Ben") if page % 3 else ("Dr. Åse Öberg", "Ben")
    return [
        (names[n % 2], f"Line {n} of scene {scene} on page {page}, isn't it?") for n in range(count)
    ]


def colons(talk: list[tuple[str, str]]) -> str:
    return "".join(f":'''{name}''': {text}\n" for name, text in talk)


def paragraphs(talk: list[tuple[str, str]]) -> str:
    return "\n".join(f"'''{name.upper()}.''' {text}\n" for name, text in talk)


def breaks(talk: list[tuple[str, str]]) -> str:
    return "<br />\n".join(f"'''{name}:''' {text}" for name, text in talk) + "\n"


def wiki() -> tuple[str, list[Contents], list[Contents]]:
    """(dump, dialogues on pages, conversations on talk pages) of 200 pages and 10 redirects."""
    pages, scenes, talks = [], [], []
    for number in range(180):
        form = (colons, paragraphs, breaks)[number % 3]
        first, second = lines(number, 1), lines(number, 2)
        part = "\n----\n" if number % 2 else "\n== Two ==\n"
        intro = f"This is '''page {number}''', about [[Page {number + 1}]].\n== One ==\n"
        direction = ":''[A door opens.]''\n" if form is colons else ""
        pages.append((f"Page {number}", 0, intro + direction + form(first) + part + form(second)))
        scenes += [tuple(text for _, text in first), tuple(text for _, text in second)]
    for act in (1, 2):  # not in the category: only the play links to them
        talk = lines(900, act)
        pages.append((f"Play/Act {act}", 0, paragraphs(talk)))
        scenes.append(tuple(text for _, text in talk))
    pages.append(("Play", 0, "[[Play/Act 1]], [[Play/Act 2]]\n"))
    pages += [
        (f"Prose {n}", 0, f"Only prose here, {n}.\n\n* a point\n* '''bold''' words\n")
        for n in range(5)
    ]
    for number in range(15):
        text, expected = talk_page(number)
        pages.append((f"Talk:Page {number}", 1, text))
        talks += expected
    body = "".join(
        _page(title, ns, text + ("" if "/" in title else "\n[[Category:Scenes & plays]]"))
        for title, ns, text in pages
    )
    body += "".join(_page(f"Old {n}", 0, f"#REDIRECT [[Page {n}]]") for n in range(10))
    return (
        f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">{body}</mediawiki>',
        scenes,
        talks,
    )


def talk_page(number: int) -> tuple[str, list[Contents]]:
    """A talk page: a section with a branch, and one with a comment of two paragraphs."""

    def signed(who: str, minute: int) -> str:
        return f"[[User:{who}|{who}]] ([[User talk:{who}|talk]]) 10:{minute:02d}, 1 May 2024 (UTC)"

    words = ("Why lamp", "Because of oil", "Which oil", "Any oil", "No, gas")
    why, oil, which, any_oil, gas = (f"{word} {number}?" for word in words)
    two = f"Two lamps {number}."
    lines = [
        "== First ==",
        f"{why} {signed('Ann', 1)}",
        f":{oil} {signed('Bo', 2)}",
        f"::{which} {signed('Ann', 3)}",
        f":::{any_oil} {signed('Bo', 4)}",
        f":{gas} {signed('Cy', 5)}",
        f"::{which} Gas? {signed('Ann', 6)}",
        "== Second ==",
        f"{two}\n\nOr three. {signed('Bo', 7)}",
        f":Three. --{signed('Ann', 8)}",
    ]
    branch = (gas, f"{which} Gas?")
    paragraphs = (f"{two}\nOr three.", "Three.")
    return "\n".join(lines) + "\n", [(why, oil, which, any_oil), branch, paragraphs]


def _page(title: str, ns: int, text: str) -> str:
    return (
        f"<page><title>{escape(title)}</title><ns>{ns}</ns>"
        "<revision><timestamp>2024-05-01T00:00:00Z</timestamp>"
        "<contributor><username>Seeder</username></contributor>"
        "<model>wikitext</model><format>text/x-wiki</format>"
        f'<text xml:space="preserve">{escape(text)}</text></revision></page>'
    )


def test_mediawiki(tmp_path: Path) -> None:
    dump, scenes, talks = wiki()
    with software.mediawiki(dump) as address:
        start = f"{address}/index.php/Category:Scenes_%26_plays"
        by_api = collected(source(start, timeout=30), tmp_path / "api")
        compare(by_api, scenes + talks)
        assert dropped(by_api) == {"web.no_dialogue": 6}
        by_html = collected(source(start, timeout=30, options={"api": False}), tmp_path / "html")
        compare(by_html, scenes + talks)
        assert {row.id for row in by_html if isinstance(row, Conversation)} == {
            row.id for row in by_api if isinstance(row, Conversation)
        }
        everything = collected(
            source(f"{address}/index.php/Special:AllPages", timeout=30), tmp_path / "all"
        )
        compare(everything, scenes)
        unlisted = collected(
            source(f"{address}/index.php/Special:AllPages", timeout=30, options={"api": False}),
            tmp_path / "names",
        )
        compare(unlisted, scenes)


# ---------------------------------------------------------------- django-spirit

SPIRIT = """
import json
from spirit.category.models import Category
from spirit.comment.models import Comment
from spirit.topic.models import Topic
from django.contrib.auth import get_user_model
from django.utils import timezone
import datetime
def member(name):
    people = get_user_model().objects
    return people.create_user(username=name, email=name + '@example.org', password='x')
users = {name: member(name) for name in ('ann', 'bo', 'cy')}
category = Category.objects.create(title='Lamps', sort=9)
start = timezone.now() - datetime.timedelta(days=9)
for number, posts in enumerate(json.loads(TOPICS)):
    title = 'Topic %d' % number
    topic = Topic.objects.create(user=users[posts[0][0]], category=category, title=title)
    for n, (who, html, action, removed) in enumerate(posts):
        about = dict(action=action, is_removed=removed, date=start + datetime.timedelta(minutes=n))
        Comment.objects.create(
            user=users[who], topic=topic, comment=html, comment_html=html, **about)
"""


def forum() -> tuple[str, list[Contents], Counter[str]]:
    """(seed, conversations, reasons of drops) of 64 topics, the longest over three pages."""
    topics, expected, drops = [], [], Counter[str]()
    for number in range(60):
        count = 2 + number % 7 + (40 if number % 20 == 0 else 0)
        texts = [f"Post {n} in topic {number} & more" for n in range(count)]
        people = ("ann", "bo", "cy")
        posts = [
            [
                people[n % (2 + number % 2)],
                f"<blockquote><p>@ann said</p></blockquote><p>{escape(text)}</p>",
                0,
                False,
            ]
            for n, text in enumerate(texts)
        ]
        if number % 10 == 3:  # a removed post in the middle, and a topic that was closed
            posts[1:1] = [["cy", "<p>rude</p>", 0, True], ["ann", "closed", 2, False]]
        topics.append(posts)
        expected.append(tuple(texts))
    topics += [[["ann", f"<p>Alone {n}</p>", 0, False]] * 2 for n in range(3)]
    drops["web.one_speaker"] = 3
    topics.append([["ann", "<p>gone</p>", 0, True], ["bo", "<p>gone too</p>", 0, True]])
    drops["web.deleted"] = 1
    return f"TOPICS = {json.dumps(topics)!r}\n{SPIRIT}", expected, drops


def test_django_spirit(tmp_path: Path) -> None:
    seed, expected, drops = forum()
    with software.spirit(seed) as address:
        rows = collected(source(f"{address}/", spider="forum", timeout=30), tmp_path)
    compare(rows, expected)
    assert dropped(rows) == drops


# ---------------------------------------------------------------- isso


def test_isso(tmp_path: Path) -> None:
    expected: list[Contents] = []
    with software.isso() as address:
        starts = []
        for page in range(12):
            new = f"{address}/new?uri=%2Flamps%2F{page}%2F"
            for root in range(3):
                one = {"text": f"Root {root} of page {page}", "author": "Ann", "title": "Lamps"}
                parent = software.post(new, one)["id"]
                software.post(
                    new, {"text": f"Reply to {root} on {page}", "author": "Bo", "parent": parent}
                )
                expected.append((f"Root {root} of page {page}", f"Reply to {root} on {page}"))
            for reply in range(2):
                software.post(
                    new, {"text": f"More {reply} on {page}", "author": "Cy", "parent": parent}
                )
            starts.append(f"{address}/?uri=%2Flamps%2F{page}%2F&limit=2&nested_limit=1")
        rows = collected(source(*starts, spider="threads", timeout=30), tmp_path)
    compare(rows, expected)
    assert dropped(rows) == {"web.one_speaker": 24}
