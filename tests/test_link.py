"""Who is linked to whom, and who stays: the same whatever the order, and not because of what everybody says."""

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest

from pipeline.conversation import Conversation, Finding, Message, Persona, Score, Source, to_table
from pipeline.dedup import link, sign
from pipeline.recipe.settings import DedupSettings

SETTINGS = DedupSettings()
WORDS = [
    a + b + c
    for a, b, c in itertools.product(
        ("ba", "ko", "mi", "ru"), ("lan", "det", "sor"), ("a", "el", "im", "on")
    )
]


def said(count: int, seed: object) -> str:
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
    sent, _ = decide([row(f"{i:02}", text) for i, text in enumerate(texts)])
    assert set(sent) == {"05", "06", "07", "08", "09"}
    assert all(
        one["rule"] == "dedup.exact" and int(one["partner"]) == int(one["id"]) - 5
        for one in sent.values()
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
        text = said(60, i)
        rows += [row(f"{i}-{k}", varied(text, k % 3, (i, k)), said(40, i)) for k in range(4)]
        rows.append(row(f"{i}-part", text, " ".join(said(40, i).split()[:30])))
    return rows


def test_the_same_rows_stay_in_any_order_and_any_parts():
    rows = families(60)
    expected, _ = decide(rows)
    assert len(expected) > 150
    for seed, parts in ((1, 1), (2, 3), (3, 7)):
        mixed = random.Random(seed).sample(rows, len(rows))
        sent, _ = decide(mixed, parts=parts)
        for name, one in sent.items():
            assert {k: one[k] for k in ("partner", "rule", "similarity", "cluster")} == {
                k: expected[name][k] for k in ("partner", "rule", "similarity", "cluster")
            }
        assert sent.keys() == expected.keys()


def test_every_row_sent_away_has_a_partner_that_stays_or_an_equal_one():
    sent, _ = decide(families(60))
    for one in sent.values():
        assert one["partner"] not in sent or one["rule"] == "dedup.exact"


TEXT = said(80, "policy")
BETTER = [
    (
        "score",
        row("z", TEXT, scores={"engaging": Score(0.9, "t")}),
        row("a", TEXT, scores={"engaging": Score(0.2, "t")}),
    ),
    ("findings", row("z", TEXT), row("a", TEXT, findings=(Finding("filter", "style.x"),))),
    ("length", row("z", TEXT + " and some more words"), row("a", TEXT)),
    ("source", row("z", TEXT, source="good"), row("a", TEXT, source="other")),
    ("id", row("a", TEXT), row("z", TEXT)),
]


@pytest.mark.parametrize(("why", "stays", "goes"), BETTER, ids=[why for why, _, _ in BETTER])
def test_the_better_copy_stays(why, stays, goes):
    sent, _ = decide([goes, stays], DedupSettings(sources=["good"]))
    assert set(sent) == {goes.id}


def test_a_part_goes_and_the_whole_stays_even_where_the_part_is_rated_higher():
    turns = [said(25, i) for i in range(6)]
    part = row("part", *turns[:2], scores={"engaging": Score(0.9, "t")})
    sent, _ = decide([part, row("whole", *turns)])
    assert sent["part"]["rule"] == "dedup.contained"
    assert (sent["part"]["partner"], sent["part"]["similarity"], len(sent)) == ("whole", 1.0, 1)


def test_containment_can_be_turned_off_and_spares_short_rows():
    turns = [said(25, i) for i in range(6)]
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
def test_a_thousand_words_in_front_of_every_dialogue_send_none_away(place):
    front = said(1000, "front")
    rows = []
    for i in range(400):
        dialogue = (Message("user", said(30, ("u", i))), Message("assistant", said(60, ("a", i))))
        role = "system" if place == "system" else "assistant"
        persona = Persona(greeting=front) if place == "persona" else None
        rows.append(
            Conversation(
                str(i), (Message(role, front), *dialogue), Source("file", "s", str(i)), persona
            )
        )
    sent, report = decide(rows)
    assert sent == {}
    assert report["boilerplate_rows"] == (400 if place == "greeting" else 0)


def test_true_copies_are_found_beneath_a_shared_passage():
    front = said(400, "front")
    rows = [row(f"{i:03}", front, said(80, i)) for i in range(200)]
    copies = [row(f"copy{i}", front, varied(said(80, i), 2, i)) for i in range(20)]
    sent, _ = decide(rows + copies)
    assert {frozenset((one["id"], one["partner"])) for one in sent.values()} == {
        frozenset((f"copy{i}", f"{i:03}")) for i in range(20)
    }


def test_a_large_family_of_near_copies_is_still_one_family():
    text = said(150, "family")
    sent, report = decide([row(f"{i:03}", varied(text, 2, i)) for i in range(150)])
    assert len(sent) == 149
    assert report["capped_buckets"] > 0


def test_boilerplate_does_not_make_work_quadratic():
    front = said(300, "front")
    for count in (1000, 4000):
        sent, report = decide([row(str(i), front, said(40, i)) for i in range(count)])
        assert sent == {}
        assert report["boilerplate_rows"] == count
        assert report["candidates"] < count / 10  # by the passage alone it would be 50 a row


def test_a_passage_that_one_row_says_over_and_over_is_no_boilerplate():
    chorus, verse = said(40, "chorus"), said(40, "verse")
    rows = [row("song", *[chorus] * 120, verse), row("cover", *[chorus] * 120, varied(verse, 1, 0))]
    sent, report = decide(rows)
    assert report["boilerplate_rows"] == 0
    assert set(sent) == {"song"}


GREETING = "*{{char}} looks up.*  Oh, {{user}}!\r\n" + said(300, "hello")
TIDIED = (
    GREETING.replace("{{char}}", "Ada")
    .replace("{{user}}", "Ben")
    .replace("  ", " ")
    .replace("\r\n", "\n")
)


@pytest.mark.parametrize(
    "message", [GREETING, TIDIED], ids=["as on the card", "filled in and tidied"]
)
def test_a_greeting_shared_by_a_characters_rows_does_not_make_them_alike(message):
    persona = Persona(name="Ada", greeting=GREETING)
    rows = [
        Conversation(
            str(i),
            (
                Message("assistant", message),
                Message("user", said(20, i)),
                Message("assistant", said(30, (i, 2))),
            ),
            Source("file", "s", str(i)),
            persona,
        )
        for i in range(8)
    ]
    assert decide(rows)[0] == {}


def test_what_stands_in_an_evaluation_set_goes_with_its_own_reason():
    held = row("eval", said(60, "held"), said(60, "answer"))
    rows = [
        row("near", varied(said(60, "held"), 2, 0), said(60, "answer")),
        row("free", said(60, "x"), said(60, "y")),
    ]
    sent, _ = decide(rows, against=[held])
    assert {name: (one["rule"], one["partner"]) for name, one in sent.items()} == {
        "near": ("dedup.against", "eval")
    }


QUESTION = "where would you hide a small piano from a jealous neighbour"
LEAKS = [
    ("question and answer elsewhere", (said(40, 1), said(30, 2), QUESTION, said(9, 3)), True),
    ("the answer to it", (said(30, 1), said(60, "reference"), said(20, 3)), True),
    (
        "most of the answer",
        (said(30, 1), " ".join(said(60, "reference").split()[:56]), said(20, 3)),
        True,
    ),
    (
        "half of the answer",
        (said(30, 1), " ".join(said(60, "reference").split()[:30]), said(20, 3)),
        False,
    ),
    ("the question, asked by the assistant", (said(40, 1), QUESTION, said(9, 3)), False),
    (
        "most of a short question",
        (said(40, 1), said(30, 2), " ".join(QUESTION.split()[:-1]), said(9, 3)),
        False,
    ),
]


@pytest.mark.parametrize(("what", "texts", "goes"), LEAKS, ids=[what for what, _, _ in LEAKS])
def test_decontamination_asks_who_says_it_and_how_much_of_it(what, texts, goes):
    held = row("eval", QUESTION, said(60, "reference"))
    sent, _ = decide([row("ours", *texts)], against=[held])
    assert list(sent) == (["ours"] if goes else [])
    if goes:
        assert sent["ours"]["rule"] == "dedup.against"
        assert sent["ours"]["similarity"] >= sent["ours"]["limit"]


def test_what_every_item_of_an_evaluation_set_says_gives_nothing_away():
    form = "please read the following short story and then answer the question below it in one word"
    held = [row(f"eval{i}", form, said(30, i)) for i in range(60)]
    assert decide([row("ours", form, said(30, "mine"))], against=held)[0] == {}


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
