"""Markup becomes plain text, to a fixed point; what only looks like it stays."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import Message
from pipeline.filter.repair.markup import strip_markup
from pipeline.rules.reading.reading import read
from pipeline.rules.style.markup import markup

PLAIN = [
    ('Warte, <EM>wirklich</EM>?<BR CLEAR="all">Ja.', "Warte, wirklich?\nJa."),
    ("<TABLE border=0><TR><TD>Soup</TD><TD>4 €</TD></TR></TABLE>", "Soup 4 €"),
    ("Он сказал &laquo;нет&raquo;&nbsp;&#8212; и ушёл.", "Он сказал «нет»\xa0— и ушёл."),
    ("&lt;p&gt;Hola, &amp;iquest;c&oacute;mo est&aacute;s?&lt;/p&gt;", "Hola, ¿cómo estás?"),
    ("&amp;lt;strong&amp;gt;Merci&amp;lt;/strong&amp;gt; mille fois !", "Merci mille fois !"),
    ("Nice.< br / >< br / >See you", "Nice.\n\nSee you"),
    ("I can & #39;t come & quot;today& quot;.", 'I can \'t come "today".'),
    ("He said it#39;s fine &#x1F600; &#55357;&#56832;", "He said it's fine 😀 😀"),
    ("<!DOCTYPE html><html><head><title>Chat</title></head><body>Moin!</body></html>", "Moin!"),
    ("<!--[if gte mso 9]><xml></xml><![endif]--><p class=MsoNormal>Ahoj<o:p></o:p></p>", "Ahoj"),
    ('<font face="Arial" size=2 color=#ff0000>Attention</font> au chien', "Attention au chien"),
    ("ok<br", "ok"),
    ('class="msg">Hello you</div>', "Hello you"),
    ('See <a href="http://exa', "See"),
    ("[B]Achtung[/B]: der Hund [I]beißt[/I] [SIZE=5]nicht[/SIZE]", "Achtung: der Hund beißt nicht"),
    ("[color=#ff00ff]Привет[/color] всем [b]", "Привет всем"),
    (
        '[QUOTE="Anna, post: 88, member: 3"]Kommst du?[/QUOTE]\nIch komme um acht.',
        "Ich komme um acht.",
    ),
    ("[quote][quote=a]x[/quote] y[/quote] Me too, honestly.", "Me too, honestly."),
    ("[youtube]dQw4w9WgXcQ[/youtube] this song, always", "this song, always"),
    ("[url]http://a.example[/url] schau mal", "http://a.example schau mal"),
    ("[email=a@b.example]schreib mir[/email] bitte", "schreib mir bitte"),
    ("[spoiler=Ending]Она уходит.[/spoiler] Вот.", "Она уходит. Вот."),
    ("[hide]secret[/hide] ok", "secret ok"),
    ("[center][img width=300]http://x.example/a.png[/img][/center]\nMein Kater.", "Mein Kater."),
    ('[caption id="a1" align="alignnone"]Our boat[/caption] was red', "Our boat was red"),
    ("[attach=full]1234[/attach] voilà la photo", "voilà la photo"),
    ("[list=1]\n[*]eins\n[*]zwei\n[/list]", "- eins\n\n- zwei"),
    ("== Early life ==\nShe was born by the sea.", "Early life\nShe was born by the sea."),
    ("The [[Goat (animal)|goat]] won.", "The goat won."),
    ("[Hier](https://a.example/b_(c)) steht es.", "Hier steht es."),
    ('[ссылка](<http://a.example> "title") тут', "ссылка тут"),
    ("![](data:image/png;base64,AAAA) Da!", "Da!"),
    ("[![badge](https://a/b.png)](https://a.example) nice", "nice"),
    ("See [the list][1] please.\n\n[1]: http://a.example/list", "See the list please."),
    ("![foto](adjunto:123) Mira.", "Mira."),
    ("[菜谱](recipe_12)在这里。", "菜谱在这里。"),
    ("Bread[^a].\n\n[^a]: The dark one.", "Bread."),
    ("A ==very== good day.", "A very good day."),
    ("# Mein Tag\n\nEs regnete.", "Mein Tag\n\nEs regnete."),
    ("### 今日の予定\nパンを焼く。", "今日の予定\nパンを焼く。"),
    (
        "| Day | Meal |\n|-----|:---:|\n| Mon | Soup |\n| Tue | Bread |",
        "Day, Meal\n\nMon, Soup\nTue, Bread",
    ),
    (
        "**Tag 1:** Ankunft im Dorf.\n**Tag 2:** Abfahrt ans Meer.",
        "Tag 1: Ankunft im Dorf.\nTag 2: Abfahrt ans Meer.",
    ),
    ("- **Écoute**: d'abord.\n- **Parle**: ensuite.", "- Écoute: d'abord.\n- Parle: ensuite."),
    (
        "```\nI think we should leave before dark, don't you?\n```",
        "I think we should leave before dark, don't you?",
    ),
    ("```markdown\n# Hi\n\nBread is ready.\n```", "Hi\n\nBread is ready."),
    ("- [ ] **Buy** milk\n- [x] **Feed** the goat", "- Buy milk\n- Feed the goat"),
    ("\\*waves\\* Hello there\\_friend", "*waves* Hello there_friend"),
    ("<https://a.example/x> ist die Seite", "https://a.example/x ist die Seite"),
    ("Look <:catjam:123456789012> at me <@!2233445566>", "Look :catjam: at me"),
    ("My Title\n=======\nText here.", "My Title\n\nText here."),
    ("I ~~hated~~ loved it ||the goat dies||", "I hated loved it the goat dies"),
    ("don\\u2019t go.\\n\\nStay.", "don’t go.\nStay."),
    ("＜br＞你好＆nbsp；", "你好"),
    ("<b><i>Nested <u>deep</b></i></u> yes", "Nested deep yes"),
    ("<<b>b>x</b>", "x"),
    ("<div style=\"font-family: 'Arial'; color: red;\">굿모닝</div>", "굿모닝"),
    ("line one<p>line two<p>line three", "line one\nline two\nline three"),
    ("&amp;amp;amp;amp;lt;br&amp;amp;amp;amp;gt;Hi", "Hi"),
    ("***\n\nShe left.\n\n* * *\n\nHe stayed.", "She left.\n\nHe stayed."),
    (
        "1. __Respira__: poco a poco.\n2. __Duerme__: mucho.",
        "1. Respira: poco a poco.\n2. Duerme: mucho.",
    ),
    ('<user-post class="x">Tea?</user-post> yes', "Tea? yes"),
]
# What stands between words and looks like markup: 200 texts are made of it.
OPENINGS = ["I think", "*She looks up.*", "Ну,", "R&D says", "**Listen**,"]
SIGNS = [
    "I <3 you & the dog",
    "a<b and b>c",
    "List<String> and Map<K, V>",
    "x = row[2] & col[i]",
    "[laughs] yes",
    "*waves* **twice**",
    "__init__ and snake_case_name",
    "2 * 3 * 4 < 5 & 6",
    "<grins> and <sighs>",
    "[sic] or [1]",
    ">_< and <_<",
    "[b] is not [a]",
    "o_O *_* ^_^",
    "if (a<b) { c>d && e }",
    "AT&T, Q&A & P&L",
    "¯\\_(ツ)_/¯",
    "call f[0](x) &y",
    "<aside> I never liked him",
    "`<b>x</b>` and `&amp;`",
    "[OK] [Cancel] & <Esc>",
]
ENDINGS = [".", ' [pause] "and so on" <3']
CLEAN = [" ".join(parts[:2]) + parts[2] for parts in product(OPENINGS, SIGNS, ENDINGS)]


def found(text: str) -> list[str | None]:
    return [finding.evidence for finding in markup(read([Message("user", text)]))]


@pytest.mark.parametrize(("marked", "plain"), PLAIN)
def test_markup_becomes_plain_text_that_is_final_and_clean(marked: str, plain: str) -> None:
    assert strip_markup(marked) == plain
    assert strip_markup(plain) == plain
    assert found(plain) == []


def test_two_hundred_clean_texts_stay_as_they_are() -> None:
    assert len(CLEAN) == 200
    assert [text for text in CLEAN if strip_markup(text) != text or found(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "[laughs](softly) yes",
        "Wow![sighs] (long story)",
        "a == b == c",
        "```html\n<b>x</b>\n```",
        "She said ''hello'' to me.",
        "- bread\n- cheese",
        "#hash #tags and #1",
        "import os\n\n# Open the folder\nos.listdir()",
        "| a | b |",
        "hey~~ how are you~~",
        "She <left> the room, and I <b",
        "I see.</s>",
        "### Instruction:\nBe kind.",
        "See [1](http://a.example).",
        "arr[i=0] = 1",
        "Il a dit « non » & il est parti ; voilà !",
        "[quote] me on that",
        "<table> for two, <title> of the song",
    ],
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert strip_markup(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "<script>var a = 1;",
        "<!-- never closed",
        "<?php echo 1;",
        "Normal 0 false false EN-US X-NONE X-NONE",
        "{font-family: Arial; color: red}",
        "It was [object Object].",
    ],
)
def test_what_no_repair_makes_good_is_found(text: str) -> None:
    assert found(strip_markup(text))


@given(st.text(st.sampled_from("ab <>&;[]/=*_#|`\n\\ltgp0'\"!()~-"), max_size=60))
def test_a_repaired_text_is_final(text: str) -> None:
    once = strip_markup(text)
    assert strip_markup(once) == once


@pytest.mark.parametrize(
    "part", ["[[[[", "<", "<a b=", "&amp;", "[quote]", "![[", "**a", "```", "''"]
)
def test_a_long_text_takes_time_by_its_length(part: str) -> None:
    start = time.process_time()
    strip_markup(part * (100_000 // len(part)))
    assert time.process_time() - start < 5
