"""Which rows are linked, and which of them is kept: the same in any order."""

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest

from pipeline.conversation import Conversation, Finding, Message, Persona, Score, Source
from pipeline.dedup import kernels, link, sign, verify
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import to_table

SETTINGS = DedupSettings()


@pytest.fixture(params=["plain", "fast"], autouse=True)
def computed_by(request, monkeypatch) -> None:
    """Each test with the kernels for little data, and with those for much."""
    monkeypatch.setattr(kernels, "PLAIN_WORDS", {"plain": 1 << 60, "fast": 0}[request.param])


WORDS = [
    a + b + c
    for a, b, c in itertools.product(
        ("ba", "ko", "mi", "ru"), ("lan", "det", "sor"), ("a", "el", "im", "on")
    )
]


def text_of(count: int, seed: object) -> str:
    chance = random.Random(str(seed))
    return " ".join(chance.choice(WORDS) for _ in range(count))


def row(name: str, *texts: str, source: str = "s", **more) -> Conversation:
    messages = tuple(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts))
    return Conversation(name, messages, Source("file", source, name), **more)


def decide(rows, settings=SETTINGS, parts: int = 1, against=()):
    """id → the decision on it, and the report."""
    size = -(-len(rows) // parts)
    tables = [to_table(rows[i : i + size]) for i in range(0, len(rows), size)]
    foreign = [sign.sign(to_table(against), settings)] if against else []
    decisions, report = link.link([sign.sign(t, settings) for t in tables], settings, foreign)
    found = decisions.to_pylist()
    for one in found:
        assert tables[one["part"]]["id"][one["row"]].as_py() == one["id"]
    return {one["id"]: one for one in found}, report


SHORT = [
    "hey",
    "hi there",
    "how are you?",
    "i am fine thanks",
    "what did you do last weekend with friends?",
]


def test_short_texts_are_duplicates_of_their_copies_and_of_nothing_else():
    texts = [
        *SHORT,
        *SHORT,
        "The quick brown fox jumps over the lazy dog every single day.",
        "",
        "   ",
        "!!!",
    ]
    dropped, _ = decide([row(f"{i:02}", text) for i, text in enumerate(texts)])
    assert set(dropped) == {"05", "06", "07", "08", "09"}
    assert all(
        one["rule"] == "dedup.exact" and int(one["partner"]) == int(one["id"]) - 5
        for one in dropped.values()
    )


def varied(text: str, words: int, seed: object) -> str:
    """A copy with some words replaced."""
    chance, found = random.Random(str(seed)), text.split()
    for at in chance.sample(range(len(found)), words):
        found[at] = f"other{chance.randrange(999)}"
    return " ".join(found)


def families(count: int) -> list[Conversation]:
    rows = []
    for i in range(count):
        text = text_of(60, i)
        rows += [row(f"{i}-{k}", varied(text, k % 3, (i, k)), text_of(40, i)) for k in range(4)]
        rows.append(row(f"{i}-part", text, " ".join(text_of(40, i).split()[:30])))
    return rows


def test_the_same_rows_are_kept_in_any_order_and_any_parts():
    rows = families(60)
    expected, _ = decide(rows)
    assert len(expected) > 150
    for seed, parts in ((1, 1), (2, 3), (3, 7)):
        mixed = random.Random(seed).sample(rows, len(rows))
        dropped, _ = decide(mixed, parts=parts)
        for name, one in dropped.items():
            assert {k: one[k] for k in ("partner", "rule", "similarity", "cluster")} == {
                k: expected[name][k] for k in ("partner", "rule", "similarity", "cluster")
            }
        assert dropped.keys() == expected.keys()


def test_every_dropped_row_has_a_partner_that_is_kept_or_is_equal():
    dropped, _ = decide(families(60))
    for one in dropped.values():
        assert one["partner"] not in dropped or one["rule"] == "dedup.exact"


TEXT = text_of(80, "policy")
BETTER = [
    (
        "score",
        row("z", TEXT, scores=(Score("engaging", 0.9, "t"),)),
        row("a", TEXT, scores=(Score("engaging", 0.2, "t"),)),
    ),
    ("findings", row("z", TEXT), row("a", TEXT, findings=(Finding("filter", "style.x"),))),
    ("length", row("z", TEXT + " and some more words"), row("a", TEXT)),
    ("source", row("z", TEXT, source="good"), row("a", TEXT, source="other")),
    ("id", row("a", TEXT), row("z", TEXT)),
]


@pytest.mark.parametrize(("why", "kept", "dropped"), BETTER, ids=[why for why, _, _ in BETTER])
def test_the_better_copy_is_kept(why, kept, dropped):
    found, _ = decide([dropped, kept], DedupSettings(sources=["good"]))
    assert set(found) == {dropped.id}


def test_a_part_is_dropped_for_the_whole_even_where_the_part_has_the_better_score():
    turns = [text_of(25, i) for i in range(6)]
    part = row("part", *turns[:2], scores=(Score("engaging", 0.9, "t"),))
    dropped, _ = decide([part, row("whole", *turns)])
    assert dropped["part"]["rule"] == "dedup.contained"
    assert (dropped["part"]["partner"], dropped["part"]["similarity"], len(dropped)) == (
        "whole",
        1.0,
        1,
    )


def test_containment_can_be_turned_off_and_spares_short_rows():
    turns = [text_of(25, i) for i in range(6)]
    assert (
        decide([row("part", *turns[:2]), row("whole", *turns)], DedupSettings(contained=None))[0]
        == {}
    )
    assert (
        decide(
            [
                row("hello", "good morning to you my dear"),
                row("more", "good morning to you my dear", *turns),
            ]
        )[0]
        == {}
    )


@pytest.mark.parametrize("place", ["system", "greeting", "persona"])
def test_a_thousand_words_in_front_of_every_dialogue_drop_none(place):
    front = text_of(1000, "front")
    rows = []
    for i in range(400):
        dialogue = (
            Message("user", text_of(30, ("u", i))),
            Message("assistant", text_of(60, ("a", i))),
        )
        role = "system" if place == "system" else "assistant"
        persona = Persona(greeting=front) if place == "persona" else None
        rows.append(
            Conversation(
                str(i), (Message(role, front), *dialogue), Source("file", "s", str(i)), persona
            )
        )
    dropped, report = decide(rows)
    assert dropped == {}
    assert report["boilerplate_rows"] == (400 if place == "greeting" else 0)


def test_true_copies_are_found_beneath_boilerplate():
    front = text_of(400, "front")
    rows = [row(f"{i:03}", front, text_of(80, i)) for i in range(200)]
    copies = [row(f"copy{i}", front, varied(text_of(80, i), 2, i)) for i in range(20)]
    dropped, _ = decide(rows + copies)
    assert {frozenset((one["id"], one["partner"])) for one in dropped.values()} == {
        frozenset((f"copy{i}", f"{i:03}")) for i in range(20)
    }


def test_a_large_family_of_near_copies_is_still_one_family():
    text = text_of(150, "family")
    dropped, report = decide([row(f"{i:03}", varied(text, 2, i)) for i in range(150)])
    assert len(dropped) == 149
    assert report["capped_buckets"] > 0


def test_boilerplate_does_not_make_work_quadratic():
    front = text_of(300, "front")
    for count in (1000, 4000):
        dropped, report = decide([row(str(i), front, text_of(40, i)) for i in range(count)])
        assert dropped == {}
        assert report["boilerplate_rows"] == count
        assert report["candidates"] < count / 10  # by the boilerplate alone it would be 50 a row


def test_what_one_row_repeats_is_not_boilerplate():
    chorus, verse = text_of(40, "chorus"), text_of(40, "verse")
    rows = [row("song", *[chorus] * 120, verse), row("cover", *[chorus] * 120, varied(verse, 1, 0))]
    dropped, report = decide(rows)
    assert report["boilerplate_rows"] == 0
    assert set(dropped) == {"song"}


GREETING = "*{{char}} looks up.*  Oh, {{user}}!\r\n" + text_of(300, "hello")
TIDIED = (
    GREETING.replace("{{char}}", "Ada")
    .replace("{{user}}", "Ben")
    .replace("  ", " ")
    .replace("\r\n", "\n")
)


@pytest.mark.parametrize(
    "message", [GREETING, TIDIED], ids=["as on the card", "filled in and tidied"]
)
def test_a_greeting_shared_by_a_characters_rows_does_not_make_them_similar(message):
    persona = Persona(name="Ada", greeting=GREETING)
    rows = [
        Conversation(
            str(i),
            (
                Message("assistant", message),
                Message("user", text_of(20, i)),
                Message("assistant", text_of(30, (i, 2))),
            ),
            Source("file", "s", str(i)),
            persona,
        )
        for i in range(8)
    ]
    assert decide(rows)[0] == {}


def test_what_is_in_an_evaluation_set_is_dropped_with_its_own_reason():
    held = row("eval", text_of(60, "held"), text_of(60, "answer"))
    rows = [
        row("near", varied(text_of(60, "held"), 2, 0), text_of(60, "answer")),
        row("free", text_of(60, "x"), text_of(60, "y")),
    ]
    dropped, _ = decide(rows, against=[held])
    assert {name: (one["rule"], one["partner"]) for name, one in dropped.items()} == {
        "near": ("dedup.against", "eval")
    }


QUESTION = "where would you hide a small piano from a jealous neighbour"
LEAKS = [
    (
        "question and answer elsewhere",
        (text_of(40, 1), text_of(30, 2), QUESTION, text_of(9, 3)),
        True,
    ),
    ("the answer to it", (text_of(30, 1), text_of(60, "reference"), text_of(20, 3)), True),
    (
        "most of the answer",
        (text_of(30, 1), " ".join(text_of(60, "reference").split()[:56]), text_of(20, 3)),
        True,
    ),
    (
        "half of the answer",
        (text_of(30, 1), " ".join(text_of(60, "reference").split()[:30]), text_of(20, 3)),
        False,
    ),
    ("the question, asked by the assistant", (text_of(40, 1), QUESTION, text_of(9, 3)), False),
    (
        "most of a short question",
        (text_of(40, 1), text_of(30, 2), " ".join(QUESTION.split()[:-1]), text_of(9, 3)),
        False,
    ),
]


@pytest.mark.parametrize(("what", "texts", "leaked"), LEAKS, ids=[what for what, _, _ in LEAKS])
def test_decontamination_depends_on_the_speaker_and_on_how_much_is_there(what, texts, leaked):
    held = row("eval", QUESTION, text_of(60, "reference"))
    dropped, _ = decide([row("ours", *texts)], against=[held])
    assert list(dropped) == (["ours"] if leaked else [])
    if leaked:
        assert dropped["ours"]["rule"] == "dedup.against"
        assert dropped["ours"]["similarity"] >= dropped["ours"]["limit"]


def test_what_all_rows_of_an_evaluation_set_share_does_not_count():
    form = "please read the following short story and then answer the question below it in one word"
    held = [row(f"eval{i}", form, text_of(30, i)) for i in range(60)]
    assert decide([row("ours", form, text_of(30, "mine"))], against=held)[0] == {}


def test_memory_mapped_parts_are_linked_like_those_in_memory(tmp_path):
    signed = sign.sign(to_table(families(20)), SETTINGS)
    with (
        pa.OSFile(str(tmp_path / "part.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, signed.schema) as writer,
    ):
        writer.write_table(signed)
    mapped = pa.ipc.open_file(pa.memory_map(str(tmp_path / "part.arrow"))).read_all()
    assert link.link([mapped], SETTINGS)[0].equals(link.link([signed], SETTINGS)[0])


def test_an_empty_part_and_no_parts_at_all_are_no_error():
    assert (
        link.link([], SETTINGS)[0].schema
        == link.link([sign.sign(to_table([]), SETTINGS)], SETTINGS)[0].schema
    )
    empty = sign.sign(to_table([]), SETTINGS)
    decisions, report = link.link([empty], SETTINGS)
    assert (len(decisions), report["rows"]) == (0, 0)
    assert np.array_equal(decide([row("a", "hello")])[1]["rows"], 1)


CHAIN = ["score", "findings", "length", "source", "id"]


def copy(name: str, better: str) -> Conversation:
    """A copy that is better than `plainest` by one criterion."""
    scores = (Score("engaging", 0.9 if better == "score" else 0.2, "t"),)
    findings = () if better == "findings" else (Finding("filter", "style.x"),)
    text = TEXT + (" and some more words" if better == "length" else "")
    source = "good" if better == "source" else "other"
    return row(name, text, source=source, scores=scores, findings=findings)


@pytest.mark.parametrize("place", range(len(CHAIN) - 1))
def test_a_criterion_beats_all_that_come_after_it(place):
    rows = [copy("z", CHAIN[place]), copy("a", CHAIN[place + 1])]
    assert set(decide(rows, DedupSettings(sources=["good"]))[0]) == {"a"}


def test_the_mean_of_the_scores_counts_and_a_missing_one_does_not():
    better = (Score("engaging", 0.6, "t"), Score("safe", 0.6, "t"))
    worse = (Score("engaging", 0.9, "t"), Score("safe", 0.1, "t"))
    rows = [row("a", TEXT, scores=worse), row("b", TEXT, scores=better), row("c", TEXT)]
    assert set(decide(rows)[0]) == {"a", "c"}
    alone = (Score("engaging", 0.7, "t"), Score("pacing", None, "t"))
    assert set(decide([row("a", TEXT, scores=better), row("b", TEXT, scores=alone)])[0]) == {"a"}


@pytest.mark.parametrize(("words", "found"), [(19, set()), (20, {"part"})])
def test_a_row_of_contained_words_is_looked_for_and_a_shorter_one_is_not(words, found):
    part = text_of(words, "part")
    rows = [row("part", part), row("whole", f"{part} {text_of(200, 'rest')}")]
    assert set(decide(rows, DedupSettings(contained_words=20))[0]) == found


def test_a_share_of_a_row_is_enough_where_that_is_asked_for():
    part = text_of(100, "part")
    rows = [row("part", f"{part} {text_of(20, 'own')}"), row("whole", part, text_of(300, "rest"))]
    assert decide(rows)[0] == {}
    found, _ = decide(rows, DedupSettings(contained=0.75))
    assert (found["part"]["rule"], found["part"]["limit"]) == ("dedup.contained", 0.75)
    assert found["part"]["similarity"] == 96 / 116


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e", "f"])
def test_a_row_with_text_of_its_own_is_looked_for_by_what_it_shares(name):
    part, rest = text_of(100, f"part {name}"), text_of(900, f"rest {name}")
    rows = [row("part", f"{part} {text_of(40, f'own {name}')}"), row("whole", part, rest)]
    assert set(decide(rows, DedupSettings(contained=0.7))[0]) == {"part"}


@pytest.mark.parametrize(("sharing", "cut"), [(9, 0), (10, 10)])
def test_text_is_boilerplate_from_shared_by_rows_on(sharing, cut):
    front = text_of(300, "front")
    rows = [row(str(i), front, text_of(250, i)) for i in range(sharing)]
    report = decide(rows, DedupSettings(shared_by=10))[1]
    assert report["boilerplate_rows"] == cut


def test_the_report_counts_rows_pairs_and_buckets():
    """In a family of five copies, each bucket pairs a row with two at most: 0 + 1 + 2 + 2 + 2."""
    text = text_of(400, "family")
    rows = [row(str(i), f"{text} {i}") for i in range(5)]
    _, report = decide(rows, DedupSettings(bucket=2))
    assert (report["rows"], report["dropped"]) == (5, {"dedup.near": 4})
    assert report["largest_bucket"] == 5
    assert report["capped_buckets"] > 25  # of 32
    assert 7 <= report["candidates"] <= 10
    assert report["similar"] == report["candidates"]


def test_a_decision_says_which_row_and_why():
    rows = [row("a", "something else entirely"), row("b", TEXT), row("c", TEXT)]
    (one,) = decide(rows, parts=2)[0].values()
    assert one == {
        "part": 1,
        "row": 0,
        "id": "c",
        "partner": "b",
        "rule": "dedup.exact",
        "similarity": 1.0,
        "limit": 1.0,
        "cluster": "b",
        "view": "dialogue",
        "knows": "",
    }


VIEWS = [
    ("dialogue", [True, True, True, True]),
    ("assistant", [False, True, False, True]),
    ("opening", [True, True, False, False]),
]


@pytest.mark.parametrize(("view", "compared"), VIEWS, ids=[view for view, _ in VIEWS])
def test_a_view_compares_some_messages_only(view, compared):
    texts = [text_of(40, ("message", place)) for place in range(4)]
    for place, matters in enumerate(compared):
        other = [*texts]
        other[place] = text_of(40, "another")
        found, _ = decide([row("a", *texts), row("b", *other)], DedupSettings(view=view))
        is_exact = [one["rule"] for one in found.values()] == ["dedup.exact"]
        assert is_exact != matters


@pytest.mark.parametrize(
    ("words", "missing", "leaked"),
    [(7, 0, False), (8, 0, True), (24, 1, False), (25, 1, True), (49, 8, False), (50, 8, True)],
)
def test_the_longer_an_answer_the_less_of_it_must_be_there(words, missing, leaked):
    """25 words have 21 shingles: 20 of them are more than .9. 50 have 46: 38 are more than .8."""
    answer = text_of(words, "answer").split()
    held = row("eval", "a short question", " ".join(answer))
    ours = row("ours", text_of(9, 1), " ".join(answer[: words - missing]))
    assert list(decide([ours], against=[held])[0]) == (["ours"] if leaked else [])


def test_a_row_names_the_foreign_row_of_which_it_has_the_most():
    answer = text_of(100, "answer").split()
    held = [
        row("most", "x", " ".join(answer[:90] + ["end"] * 9)),
        row("all", "y", " ".join(answer)),
    ]
    ours = row("ours", text_of(90, 1), " ".join(answer), text_of(90, 2))
    found, _ = decide([ours], against=held)
    assert (found["ours"]["partner"], found["ours"]["similarity"]) == ("all", 1.0)


def test_rows_of_other_sets_are_compared_with_ours_only():
    held = [row("one", TEXT), row("two", TEXT + " and so on")]
    found, report = decide([row("ours", text_of(50, "ours"))], against=held)
    assert (found, report["rows"], report["similar"]) == ({}, 1, 0)


def test_much_data_in_small_pieces_gets_the_same_decisions(monkeypatch):
    """Bands sorted in pieces, pairs made distinct on the way, few pairs verified at a time."""
    rows = families(40)
    whole = decide(rows, parts=3)
    monkeypatch.setattr(link, "PIECE", 50)
    monkeypatch.setattr(link, "PENDING", 20)
    monkeypatch.setattr(verify, "BATCH", 7)
    assert decide(rows, parts=3) == whole
