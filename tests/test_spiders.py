"""What each spider reads from the pages of its software: small pages in the software's markup."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from scrapy.http import HtmlResponse, Request, TextResponse

from spiders import dialogue
from spiders.discourse import Discourse
from spiders.forum import Forum
from spiders.gutenberg import Gutenberg
from spiders.mailinglist import MailingList, own_words
from spiders.mediawiki import MediaWiki
from spiders.page import fragment, prose
from spiders.threads import Threads

EDIT = '<span class="mw-editsection">[edit]</span>'
OLD = '<h{n}><span class="mw-headline" id="{id}">{text}</span>' + EDIT + "</h{n}>"
NEW = '<div class="mw-heading mw-heading{n}"><h{n} id="{id}">{text}</h{n}>' + EDIT + "</div>"


def heading(kind: str, text: str, n: int = 2) -> str:
    return kind.format(n=n, id=text.replace(" ", "_"), text=text)


def html(address: str, body: str, **meta: Any) -> HtmlResponse:
    return HtmlResponse(
        address, body=body.encode(), encoding="utf-8", request=Request(address, meta=meta)
    )


def found(results: Any) -> list[dict[str, Any]]:
    return [result for result in results if isinstance(result, dict)]


def asked(results: Any) -> list[str]:
    return [result.url for result in results if isinstance(result, Request)]


def texts(scene: list[list[str]]) -> list[str]:
    return [f"{name}|{text}" for name, text in scene]


# --- dialogue markup

# what it is, HTML (one string for each line of it), turns
LINES: list[tuple[str, list[str], list[str]]] = [
    (
        "colon after the name",
        ["<dl><dd><b>Ann</b>: Tea?</dd>", "<dd><b>Bo</b>: Yes.</dd></dl>"],
        ["Ann|Tea?", "Bo|Yes."],
    ),
    (
        "colon in the name",
        ["<p><b>Ann:</b> Tea?<br/><b>Bo:</b> Please.</p>"],
        ["Ann|Tea?", "Bo|Please."],
    ),
    (
        "full stop",
        ["<p><b>ANN.</b> Tea?</p><p><b>BO.</b> Please.</p>"],
        ["ANN|Tea?", "BO|Please."],
    ),
    (
        "small capitals",
        [
            '<p><span style="font-variant:small-caps">Ann.</span> Tea?</p>',
            '<p><span class="smallcaps">Bo</span>. No.</p>',
        ],
        ["Ann|Tea?", "Bo|No."],
    ),
    (
        "linked name",
        ["<dl><dd><a><b>Ann</b></a>: Tea?</dd>", "<dd><b><a>Bo</a></b>: No.</dd></dl>"],
        ["Ann|Tea?", "Bo|No."],
    ),
    (
        "direction behind the name",
        ["<dl><dd><b>Ann</b> <i>[to Bo]</i>: Tea?</dd></dl>"],
        ["Ann|Tea?"],
    ),
    (
        "direction inside the speech",
        ["<dl><dd><b>Ann</b>: <i>[smiling]</i> Tea?</dd></dl>"],
        ["Ann|[smiling] Tea?"],
    ),
    (
        "direction on its own line",
        [
            "<dl><dd><b>Ann</b>: Tea?</dd>",
            "<dd><i>[Rain.]</i></dd><dd>[Thunder]</dd>",
            "<dd><b>Bo</b>: No.</dd></dl>",
        ],
        ["Ann|Tea?", "Bo|No."],
    ),
    (
        "name above the speech",
        ["<p><b>ANN</b></p><p>Tea?</p><p>Or coffee?</p>", "<p><b>BO</b></p><p>No.</p>"],
        ["ANN|Tea?\nOr coffee?", "BO|No."],
    ),
    (
        "second line",
        ["<dl><dd><b>Ann</b>: Tea?<dl><dd>Or not?</dd></dl></dd>", "<dd><b>Bo</b>: No.</dd></dl>"],
        ["Ann|Tea?\nOr not?", "Bo|No."],
    ),
    (
        "name in a block of its own above verse",
        [
            '<div class="sc">ANN.</div><div><p>Tea,<br/>or not?</p><p>Both?</p></div>',
            '<div class="sc">BO.</div><p>No.</p>',
        ],
        ["ANN|Tea,\nor not?\nBoth?", "BO|No."],
    ),
    (
        "full-width colon",
        ["<dl><dd><b>小明</b>：茶？</dd><dd><b>小红</b>：好。</dd></dl>"],
        ["小明|茶？", "小红|好。"],
    ),
    (
        "bold words are not a speaker",
        ["<p><b>Very</b> good tea.</p><dl><dd><b>Ann</b>: Tea?</dd></dl>"],
        ["Ann|Tea?"],
    ),
    (
        "a name of 60 characters, and none of 61",
        [f"<dl><dd><b>{'A' * 60}</b>: Tea?</dd></dl>", f"<p><b>{'B' * 61}</b>: Tea?</p>"],
        [f"{'A' * 60}|Tea?"],
    ),
    (
        "footnotes are left out",
        ['<dl><dd><b>Ann</b>: Tea?<sup class="reference">[1]</sup></dd></dl>'],
        ["Ann|Tea?"],
    ),
]


@pytest.mark.parametrize(
    ("body", "turns"), [line[1:] for line in LINES], ids=[line[0] for line in LINES]
)
def test_dialogue_markup(body: list[str], turns: list[str]) -> None:
    ((_, scene),) = dialogue.scenes(fragment("".join(body)))
    assert texts(scene) == turns


@pytest.mark.parametrize("kind", [OLD, NEW], ids=["MediaWiki 1.39", "MediaWiki 1.43"])
def test_headings_rules_and_other_text_end_a_scene(kind: str) -> None:
    talk = "<dl><dd><b>Ann</b>: Tea {}?</dd><dd><b>Bo</b>: Yes.</dd></dl>"
    body = (
        heading(kind, "One")
        + talk.format(1)
        + "<hr/>"
        + talk.format(2)
        + heading(kind, "Two", 3)
        + talk.format(3)
    )
    body += "<p>Some prose.</p>" + talk.format(4)
    scenes = list(dialogue.scenes(fragment(body)))
    assert [(name, scene[0][1]) for name, scene in scenes] == [
        ("One", "Tea 1?"),
        ("One", "Tea 2?"),
        ("Two", "Tea 3?"),
        ("Two", "Tea 4?"),
    ]


# --- MediaWiki


def wiki_page(content: str, kind: str = "ns-0 ns-subject", head: str = "") -> str:
    body = f'<h1>T</h1><div class="mw-parser-output">{content}</div>'
    return f'<html><head>{head}</head><body class="{kind}">{body}</body></html>'


@pytest.mark.parametrize("kind", [OLD, NEW], ids=["MediaWiki 1.39", "MediaWiki 1.43"])
def test_talk_pages_give_comments_with_authors_and_parents(kind: str) -> None:
    def sign(name: str, stamp: str = "10:01, 1 May 2024 (UTC)") -> str:
        talk = f'<a href="/wiki/User_talk:{name}">talk</a>'
        return f'<a href="/wiki/User:{name}">{name}</a> ({talk}) {stamp}'

    user = '<a href="/wiki/Special:Contributions/192.0.2.7">192.0.2.7</a>'
    ip = f'{user} (<a href="/wiki/User_talk:192.0.2.7">t</a>) 9:00, 2 May 2024 (UTC)'
    new = "/w/index.php?title=User:New_one&amp;redlink=1"
    red = f'<a class="new" href="{new}">N</a> 10:09, 3. Mai 2024 (CEST)'
    tool = "ext-discussiontools-init"
    stamp = f'<a href="/wiki/Talk:T#c-Cy" class="{tool}-timestamplink">9:05, 3 May 2024 (UTC)</a>'
    reply = f'<span class="{tool}-replylink-buttons">[<a href="#">reply</a>]</span>'
    lines = [
        heading(kind, "Lamps"),
        f"<p>Are lamps <a href='/wiki/Help:Lamps'>good</a>? {sign('Ann')}</p>",
        f"<dl><dd>Yes. {sign('Bo')}",
        f"<dl><dd>Why?</dd><dd>I ask. {sign('Ann')}</dd></dl></dd>",
        f"<dd>No. —{ip}</dd></dl>",
        heading(kind, "Other"),
        f"<p>Hm. {red}</p><dl><dd>Well. {sign('Cy', stamp)}{reply}</dd></dl><p>Unsigned</p>",
    ]
    body = "".join(lines)
    page = html("https://wiki.example/wiki/Talk:T", wiki_page(body, "ns-1 ns-talk"))
    posts = found(MediaWiki(options={}).parse(page))
    assert [
        (p["thread"].partition("#")[2], p["author"], p["text"], p["parent"]) for p in posts
    ] == [
        ("Lamps", "Ann", "Are lamps good?", None),
        ("Lamps", "Bo", "Yes.", "Lamps/1"),
        ("Lamps", "Ann", "Why?\nI ask.", "Lamps/2"),
        ("Lamps", "192.0.2.7", "No.", "Lamps/1"),
        ("Other", "New one", "Hm.", None),
        ("Other", "Cy", "Well.", "Other/5"),
    ]


def test_the_api_is_asked_first_and_the_page_read_when_it_fails() -> None:
    spider = MediaWiki(options={})
    script = '<script>RLCONF={"wgPageName":"Category:Plays","wgNamespaceNumber":14};</script>'
    head = f'<link rel="EditURI" href="//wiki.example/w/api.php?action=rsd"/>{script}'
    (ask,) = spider.parse(
        html("https://wiki.example/wiki/Category:Plays", wiki_page("", head=head))
    )
    assert "generator=categorymembers" in ask.url
    assert "gcmtitle=Category%3APlays" in ask.url
    pages = [{"pageid": 7, "ns": 0, "title": "A", "canonicalurl": "https://wiki.example/wiki/A"}]
    listing = {"continue": {"gcmcontinue": "page|X", "continue": "-||"}, "query": {"pages": pages}}
    page, more = spider.parse_list(answer(ask.url, listing), **ask.cb_kwargs)
    assert "gcmcontinue=page%7CX" in more.url
    assert "gcmtitle=Category%3APlays" in more.url
    parsed = {"parse": {"text": "<dl><dd><b>A</b>: x</dd><dd><b>B</b>: y</dd></dl>", "revid": 5}}
    (talk,) = spider.parse_answer(answer(page.url, parsed), **page.cb_kwargs)
    assert talk["address"] == "https://wiki.example/wiki/A"
    assert talk["turns"] == [["A", "x"], ["B", "y"]]
    refused = answer(page.url, {"error": {"code": "readapidenied"}})
    assert asked(spider.parse_answer(refused, **page.cb_kwargs)) == ["https://wiki.example/wiki/A"]


def answer(address: str, data: Any) -> TextResponse:
    return TextResponse(
        address, body=json.dumps(data).encode(), encoding="utf-8", request=Request(address)
    )


# --- Gutenberg

LAYOUT_EXAMPLES = {
    "capitals": "ANN. Tea?\n\nBO. No,\nthanks.\n\n",
    "capitals, speech below": "ANN.\nTea?\n\nBO.\nNo,\nthanks.\n\n",
    "italics": "_Ann._ Tea?\n\n_Bo._ No,\nthanks.\n\n",
    "colon": "Ann: Tea?\n\nBo: No,\nthanks.\n\n",
    "short names": "  Ann. Tea?\n  Bob. No,\n    thanks.\n\n",
    "centred": "          ANN\n\nTea?\n\n          BO\n\nNo,\nthanks.\n\n",
    "direction": "ANN. [_Aside._] Tea?\n\n[_Exit a cat._]\n\nBO (_loudly_). No,\nthanks.\n\n",
}


@pytest.mark.parametrize("layout", LAYOUT_EXAMPLES)
def test_layouts_of_plays(layout: str) -> None:
    work = LAYOUT_EXAMPLES[layout]
    text = (
        "The Project Gutenberg eBook of Tea\n\nTitle: Tea\nAuthor: Nobody\n"
        "Release date: May 1, 2024 [eBook #123]\n\n"
        "*** START OF THE PROJECT GUTENBERG EBOOK TEA ***\n\nTEA: A PLAY\n\nACT I.\n\n"
        "SCENE I. A room.\n\nEnter ANN and BO.\n\n"
        f"{work * 3}SCENE II. The same.\n\n{work}"
        "*** END OF THE PROJECT GUTENBERG EBOOK TEA ***\nANN. Licence\n"
    )
    page = TextResponse(
        "https://mirror.example/123-0.txt", body=text.replace("\n", "\r\n").encode()
    )
    first, second = found(Gutenberg(options={}).parse(page))
    turns = [(name.lower()[:2], text) for name, text in first["turns"]]
    assert turns == [("an", "Tea?"), ("bo", "No, thanks.")] * 3
    assert len(second["turns"]) == 2
    assert first["extra"] == {"title": "Tea", "author": "Nobody", "scene": "SCENE I. A room."}
    assert first["record"] == "123/1"


def test_a_list_gives_one_file_of_each_text_and_prose_is_not_a_dialogue() -> None:
    files = ["12.txt", "12-8.txt", "12-0.txt", "12.zip", "13-8.txt", "13.txt", "14-8.txt"]
    links = "".join(f'<a href="{file}">x</a>' for file in files)
    listing = html("https://mirror.example/1/", f"<html>{links}</html>")
    found_files = asked(Gutenberg(options={}).parse(listing))
    assert [file.rpartition("/")[2] for file in found_files] == ["12-0.txt", "13.txt", "14-8.txt"]
    prose_page = TextResponse(
        "https://mirror.example/2.txt", body=b"It was a dark night.\n\nIt rained.\n"
    )
    (nothing,) = Gutenberg(options={}).parse(prose_page)
    assert nothing["reason"] == "no_dialogue"


# --- Discourse


def discourse_post(number: int, **more: Any) -> dict[str, Any]:
    usual = {
        "id": 100 + number,
        "post_number": number,
        "username": f"u{number % 2}",
        "cooked": f"<p>Post {number}</p>",
        "post_type": 1,
    }
    return usual | more


def test_discourse_topics() -> None:
    spider = Discourse(
        options={},
        start_urls=[
            "https://d.example",
            "https://d.example/c/lamps/5",
            "https://d.example/t/old/9",
        ],
    )

    async def start() -> list[str]:
        return [request.url async for request in spider.start()]

    base = "https://d.example"
    assert asyncio.run(start()) == [
        f"{base}/latest.json",
        f"{base}/c/lamps/5/l/latest.json",
        f"{base}/t/9.json",
    ]
    listing = {
        "topic_list": {
            "topics": [{"id": 9}],
            "more_topics_url": "/latest?no_definitions=true&page=1",
        }
    }
    assert asked(spider.parse_list(answer(f"{base}/latest.json", listing))) == [
        f"{base}/t/9.json",
        f"{base}/latest.json?no_definitions=true&page=1",
    ]
    quote = '<aside class="quote"><blockquote>Post 1</blockquote></aside><p>Post 3</p>'
    posts = [
        discourse_post(1),
        discourse_post(2, reply_to_post_number=1, post_type=2),
        discourse_post(3, cooked=quote),
        discourse_post(4, post_type=3),
        discourse_post(5, user_deleted=True),
    ]
    topic = {
        "id": 9,
        "slug": "old",
        "title": "Old",
        "post_stream": {"posts": posts, "stream": list(range(101, 131))},
    }
    results = list(spider.parse_topic(answer(f"{base}/t/9.json", topic)))
    assert [(p["id"], p.get("parent", "before"), p["text"], p["gone"]) for p in found(results)] == [
        ("1", "before", "Post 1", False),
        ("2", "1", "Post 2", False),
        ("3", "before", "Post 3", False),
        ("5", "before", "Post 5", True),
    ]
    numbers = [parse_qsl(urlsplit(url).query) for url in asked(results)]
    assert [[int(number) for _, number in query] for query in numbers] == [
        [*range(106, 126)],
        [*range(126, 131)],
    ]


# --- forum


def test_forums_with_selectors_of_their_own() -> None:
    selectors = {"thread": "a.topictitle", "next": "a.right", "post": "div.post"}
    spider = Forum(options=selectors | {"author": ".username", "text": ".content"})
    listing = html(
        "https://f.example/viewforum?f=1",
        '<a class="topictitle" href="/t?t=7">T</a><a class="right" href="?f=1&p=2">›</a>',
    )
    assert asked(spider.parse(listing)) == [
        "https://f.example/t?t=7",
        "https://f.example/viewforum?f=1&p=2",
    ]
    body = '<h1>T</h1><div class="post" id="p41"><b class="username">Ann</b>'
    body += '<div class="content"><blockquote>Bo: x</blockquote>Hello<br>you</div></div>'
    body += '<div class="post" id="p43"><i>This post was deleted.</i></div>'
    body += '<a class="right" href="/t?t=7&start=20">next</a>'
    results = list(spider.parse(html("https://f.example/t?t=7", body)))
    first, gone = found(results)
    assert (first["author"], first["text"], first["place"], first["thread"]) == (
        "Ann",
        "Hello\nyou",
        41,
        "https://f.example/t?t=7",
    )
    assert gone["gone"]
    (onward,) = [r for r in results if isinstance(r, Request)]
    assert onward.cb_kwargs["thread"] == "https://f.example/t?t=7"


# --- threads


def test_hacker_news_stories_keep_their_tree() -> None:
    def item(
        number: int,
        text: str | None,
        *children: Any,
        author: str | None = "ann",
        title: str | None = None,
    ) -> dict[str, Any]:
        return {
            "id": number,
            "author": author,
            "text": text,
            "title": title,
            "children": list(children),
        }

    story = item(
        1,
        None,
        item(2, "<p>Yes &amp; no<p>Or?", item(3, "Hm", author="bo")),
        item(4, None, author=None),
        title="Lamps?",
    )
    posts = found(Threads(options={}).parse(answer("https://hn.algolia.com/api/v1/items/1", story)))
    assert [(p["id"], p["parent"], p["text"], p["gone"]) for p in posts] == [
        ("1", None, "Lamps?", False),
        ("2", "1", "Yes & no\nOr?", False),
        ("3", "2", "Hm", False),
        ("4", "1", "", True),
    ]
    assert [p["place"] for p in posts] == [0, 1, 2, 3]
    assert posts[1]["address"] == "https://news.ycombinator.com/item?id=2"


def test_a_search_of_hacker_news_ends_with_its_last_page() -> None:
    address = "https://hn.algolia.com/api/v1/search?tags=story"
    hits = {"hits": [{"objectID": "1"}], "page": 0, "nbPages": 2}
    story = "https://hn.algolia.com/api/v1/items/1"
    spider = Threads(options={})
    assert asked(spider.parse(answer(address, hits))) == [story, f"{address}&page=1"]
    assert asked(spider.parse(answer(address, hits | {"page": 1}))) == [story]


def test_comments_of_isso_and_those_that_a_limit_left_out() -> None:
    def comment(number: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
        usual = {
            "id": number,
            "parent": parent,
            "created": number + 0.5,
            "text": f"<p>C{number}</p>",
        }
        return usual | {"author": "Ann", "mode": 1} | more

    replies = [
        comment(1, replies=[comment(2, 1, author=None, hash="h2")], hidden_replies=3),
        comment(4, mode=4),
        comment(5, text=""),
    ]
    base = "https://comments.example/?uri=%2Flamps%2F"
    spider = Threads(options={})
    page = answer(f"{base}&limit=3&offset=6", {"replies": replies, "hidden_replies": 9})
    results = list(spider.parse(page))
    posts = found(results)
    assert [(p["id"], p["parent"], p["author"], p["gone"]) for p in posts] == [
        ("1", None, "Ann", False),
        ("2", "1", "h2", False),
        ("4", None, "Ann", True),
        ("5", None, "Ann", True),
    ]
    assert posts[0]["place"] == 1_500_000
    assert posts[0]["address"] == "https://comments.example/lamps/#isso-1"
    assert {p["thread"] for p in posts} == {"https://comments.example/lamps/"}
    assert asked(results) == [f"{base}&parent=1", f"{base}&limit=3&offset=9"]
    last = answer(f"{base}&limit=3", {"replies": replies[1:], "hidden_replies": 0})
    assert asked(spider.parse(last)) == []


# --- mailing lists

SIGNATURE = "-- "  # with the blank that mail programs put there
BOX = f"""From mboxrd@z Thu Jan  1 00:00:00 1970
From: Ann <ann@example.org>
Date: Wed, 1 May 2024 10:00:00 +0000
Subject: Lamps
Message-ID: <1@example.org>

Which lamp?
>From the list: all.

{SIGNATURE}
Ann, lamp keeper

From mboxrd@z Thu Jan  1 00:00:00 1970
From: =?utf-8?q?B=C3=B6?= <bo@example.org>
Date: Wed, 1 May 2024 11:00:00 +0000
Subject: Re: Lamps
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

On Wed, 1 May 2024, Ann wrote:
> Which lamp?

The gr=F6=DFer one.

From mboxrd@z Thu Jan  1 00:00:00 1970
From: Cy <cy@example.org>
Date: Wed, 1 May 2024 12:00:00 +0000
Message-ID: <3@example.org>
References: <1@example.org> <lost@example.org>
Content-Type: text/html; charset=klingon

<p>Both.</p>
"""


def test_mailing_lists() -> None:
    spider = MailingList(options={})
    links = [
        "1@example.org/T/#t",
        "2@example.org/",
        "?t=20240101000000",
        "https://x.example/9@x/T/",
    ]
    listing = "".join(f'<a href="{link}">x</a>' for link in links)
    assert asked(spider.parse(html("https://lore.example/lamps/", listing))) == [
        "https://lore.example/lamps/1@example.org/t.mbox.gz",
        "https://lore.example/lamps/?t=20240101000000",
    ]
    box = TextResponse(
        "https://lore.example/lamps/2@example.org/t.mbox.gz", body=gzip.compress(BOX.encode())
    )
    mails = found(spider.parse(box))
    assert [(p["id"], p["parent"], p["author"], p["text"]) for p in mails] == [
        ("1@example.org", None, "ann@example.org", "Which lamp? From the list: all."),
        ("2@example.org", "1@example.org", "bo@example.org", "The größer one."),
        ("3@example.org", "1@example.org", "cy@example.org", "Both."),
    ]
    assert {p["thread"] for p in mails} == {"https://lore.example/lamps/1@example.org/"}


@pytest.mark.parametrize(
    "date", ["Date: yesterday\n", "Date: Mon, 99 Foo 2024 99:99:99 +9999999999\n", "Date:\n", ""]
)
def test_a_mail_with_a_bad_date_is_placed_after_the_one_it_answers(date: str) -> None:
    box = BOX.replace("Date: Wed, 1 May 2024 11:00:00 +0000\n", date)
    page = TextResponse(
        "https://lore.example/lamps/2@example.org/t.mbox.gz", body=gzip.compress(box.encode())
    )
    mails = found(MailingList(options={}).parse(page))
    assert [mail["id"][0] for mail in mails] == ["1", "2", "3"]
    assert mails[1]["place"] == mails[0]["place"] + 1


@pytest.mark.parametrize(
    "odd",
    ["References: <((x>\n", "From: =?utf-8?b?!?=@example.org>\n", "Subject: =?klingon?q?x?=\n"],
)
def test_a_header_that_cannot_be_parsed_costs_no_thread(odd: str) -> None:
    box = BOX.replace("From: Cy <cy@example.org>\n", "").replace(
        "Message-ID: <3@example.org>", odd + "Message-ID: <3@example.org>"
    )
    page = TextResponse(
        "https://lore.example/lamps/2@example.org/t.mbox.gz", body=gzip.compress(box.encode())
    )
    assert [mail["id"][0] for mail in found(MailingList(options={}).parse(page))] == [
        "1",
        "2",
        "3",
    ]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_date_of_no_zone_is_the_same_everywhere(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    box = BOX.replace("1 May 2024 11:00:00 +0000", "1 May 2024 11:00:00 -0000")
    page = TextResponse(
        "https://lore.example/lamps/2@example.org/t.mbox.gz", body=gzip.compress(box.encode())
    )
    mails = found(MailingList(options={}).parse(page))
    monkeypatch.undo()
    time.tzset()
    assert mails[1]["place"] == 1714561200


def test_a_mail_that_answers_several_answers_the_last_one_that_is_there() -> None:
    box = BOX.replace("<lost@example.org>", "<2@example.org>")
    page = TextResponse("https://lore.example/lamps/2@example.org/t.mbox.gz", body=box.encode())
    mails = found(MailingList(options={}).parse(page))
    assert [mail["parent"] for mail in mails] == [None, "1@example.org", "2@example.org"]


def test_a_thread_that_unpacks_without_end_is_refused() -> None:
    bomb = TextResponse(
        "https://lore.example/l/1@x/t.mbox.gz", body=gzip.compress(bytes(60_000_000))
    )
    with pytest.raises(ValueError, match="unpacked"):
        list(MailingList(options={}).parse(bomb))


@pytest.mark.parametrize(
    ("mail", "own"),
    [
        ("Hi\n\nOn Monday Bo\nwrote:\n> x\n> y\nYes.\n", "Hi\nYes."),
        ("Am 1.5. schrieb Bo:\n> x\n\nJa.\n_______________________\nlist footer", "Ja."),
        ("Looks good.\n---\n file.c | 2 +-\ndiff --git a/x b/x\n", "Looks good."),
    ],
)
def test_only_the_own_words_of_a_mail_stay(mail: str, own: str) -> None:
    assert own_words(mail) == own


def test_prose_keeps_paragraphs_and_leaves_quotations_out() -> None:
    post = "<div><blockquote>theirs</blockquote><p>One<br>two</p>"
    post += "<ul><li>a</li><li>b</li></ul>three <b>four</b></div>"
    assert prose(fragment(post)) == "One\ntwo\na\nb\nthree four"
