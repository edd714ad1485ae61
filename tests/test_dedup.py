"""The stage as a whole, against the truth: which rows are dropped, which are kept, and why."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.conversation import Alternative, Conversation, Finding, Message, Persona, Source
from pipeline.dedup import dedup, kernels, knows, sign
from pipeline.dedup.words import words
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import from_table, to_table
from tests.rows import record, talk, write_jsonl

GOLD = Path(__file__).parents[2] / "shared" / "data" / "gold_dedup"
# Families of similar dialogues made of these words; the truth about them is found by Python sets.
VOCABULARY = [
    "".join(syllables)
    for syllables in itertools.product(("ba", "KO", "mi", "rü"), ("lan", "det", "日"), ("a", "il"))
]


def conversation(name: str, texts: list[str], source: str = "made") -> Conversation:
    roles = itertools.cycle(("user", "assistant"))
    messages = tuple(Message(next(roles), text) for text in texts)
    return Conversation(name, messages, Source("file", source, name))


def lines(name: str) -> list[dict[str, Any]]:
    if not GOLD.is_dir():
        pytest.skip(f"needs the gold set in {GOLD}")
    with gzip.open(GOLD / name, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def gold() -> list[pa.Table]:
    rows = [
        conversation(row["id"], [turn["text"] for turn in row["turns"]], row["source"])
        for row in lines("dialogues.jsonl.gz")
    ]
    return [to_table(rows[i : i + 7000]) for i in range(0, len(rows), 7000)]


def reasons(dropped: list[pa.Table]) -> dict[str, tuple[str, float | None, str]]:
    """id → (rule, similarity, partner)"""
    rows = itertools.chain.from_iterable(map(from_table, dropped))
    last = {row.id: row.findings[-1] for row in rows}
    return {
        name: (finding.rule, finding.value, (finding.evidence or "").split()[1])
        for name, finding in last.items()
    }


@pytest.mark.parametrize("threshold", [0.7, 0.8])
def test_gold_one_of_every_true_pair_is_dropped_and_no_other_row(gold, threshold) -> None:
    _, dropped, _ = dedup(gold, DedupSettings(threshold=threshold, contained=None))
    found = reasons(dropped)
    pairs = lines("pairs.jsonl.gz")
    truth = {(p["a"], p["b"]): p["j5_word"] for p in pairs if p["j5_word"] >= threshold}
    missed = [pair for pair in truth if not found.keys() & set(pair)]
    assert 1 - len(missed) / len(truth) >= 0.9995
    wrong = [
        (name, partner)
        for name, (_, _, partner) in found.items()
        if (name, partner) not in truth and (partner, name) not in truth
    ]
    assert wrong == []


# --- our own rows, with the truth worked out


def made(count: int, seed: int) -> list[Conversation]:
    """Families of dialogues with edits of every size; no two families have a shingle in common."""
    chance, rows = random.Random(seed), []
    while len(rows) < count:
        family = len(rows)
        texts = [
            " ".join(f"{chance.choice(VOCABULARY)}{family}" for _ in range(chance.randrange(1, 40)))
            for _ in range(chance.randrange(1, 8))
        ]
        rows.append(conversation(f"{family:04}", texts))
        for copy in range(chance.choice((0, 0, 1, 2, 5))):
            rows.append(conversation(f"{family:04}-{copy}", edited(texts, chance)))
    return chance.sample(rows, len(rows))


def edited(texts: list[str], chance: random.Random) -> list[str]:
    kind = chance.randrange(4)
    if kind == 0:
        return [text.upper() + "!" for text in texts]
    if kind == 1:
        return texts[: chance.randrange(1, len(texts) + 1)]
    found = [text.split() for text in texts]
    for _ in range(chance.randrange(1, 12)):
        message = chance.choice(found)
        message[chance.randrange(len(message))] = chance.choice(VOCABULARY)
    return [" ".join(message) for message in found]


def shingles(row: Conversation) -> set[tuple[str, ...]]:
    found = [word for message in row.messages for word in words(message.content)]
    return {tuple(found[i : i + 5]) for i in range(max(1, len(found) - 4))}


@pytest.mark.parametrize("plain_words", [0, 1 << 60], ids=["compiled", "plain"])
@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.85])
def test_made_rows_are_parted_by_their_true_similarity(monkeypatch, threshold, plain_words) -> None:
    monkeypatch.setattr(kernels, "PLAIN_WORDS", plain_words)
    rows = made(300, seed=5)
    sets = {row.id: shingles(row) for row in rows}
    tables = [to_table(rows[:100]), to_table(rows[100:])]
    _, dropped, _ = dedup(tables, DedupSettings(threshold=threshold, contained=None))
    found = reasons(dropped)
    assert len(found) > 50
    for name, (rule, similarity, partner) in found.items():
        shared = len(sets[name] & sets[partner])
        assert similarity == shared / len(sets[name] | sets[partner]) >= threshold
        assert partner not in found or rule == "dedup.exact"
    for first, second in itertools.combinations(sets, 2):
        shared, size = len(sets[first] & sets[second]), len(sets[first] | sets[second])
        assert shared / size < threshold or first in found or second in found


@pytest.mark.parametrize("count", [30, 700, 2500])
def test_little_and_much_data_get_the_same_decisions(monkeypatch, count) -> None:
    """By the compiled kernels, by the plain ones, and signed by plain, linked by compiled ones."""
    rows, front = made(count, seed=count), " ".join(f"front{n}" for n in range(60))
    rows += [
        conversation(f"front-{n}", [front, " ".join(f"{word}x{n}" for word in VOCABULARY * 3)])
        for n in range(20)
    ]
    tables, settings = [to_table(rows)], DedupSettings(shared_by=10, contained=0.8)
    done = []
    for plain_words in (0, 1 << 60, sum(len(m.content) for row in rows for m in row.messages) // 6):
        monkeypatch.setattr(kernels, "PLAIN_WORDS", plain_words)
        monkeypatch.setattr(kernels.kernels, "words", 0)
        done.append(dedup(tables, settings))
    assert done[0] == done[1] == done[2]
    assert done[0][2]["boilerplate_rows"] > 0


def test_little_data_needs_no_compiler() -> None:
    """numba costs 0.3 CPU-seconds to import, and ten to compile what dedup has."""
    code = (
        "import sys\n"
        "from pipeline.store.columns import to_table\n"
        "from pipeline.dedup import dedup\n"
        "from pipeline.recipe.dedup import DedupSettings\n"
        "from tests.rows import conversation\n"
        "rows = to_table(conversation(n % 40) for n in range(80))\n"
        "assert dedup([rows], DedupSettings())[2]['dropped'] == {'dedup.exact': 40}\n"
        "assert 'numba' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def rapport(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_buckets_over_the_limit_are_reported_with_what_was_compared(tmp_path) -> None:
    family = [[*talk(7)[:5], f"Bring soup, we laugh at day {n}."] for n in range(12)]
    rows = write_jsonl(
        tmp_path / "rows.jsonl", [record(n, texts) for n, texts in enumerate(family)]
    )
    rapport("dedup", rows, "--out", tmp_path / "out", "--set", "bucket=3")
    shown = rapport("stats", tmp_path / "out")
    met = json.loads((tmp_path / "out" / "4-dedup" / "report.json").read_text())["link"]
    assert met["largest_bucket"] == 12
    assert met["capped_buckets"] > 0
    assert f"{met['capped_buckets']} buckets over the limit" in shown
    assert f"{met['similar']} pairs of similar rows" in shown


# --- of two copies the one that knows more is kept

SAME = [
    "Did you lock the shed before the storm came in over the bay last night?",
    "I did, and the boat is tied up twice, with the old rope and with the new one.",
    "Good. Then we can have the soup while it is hot and look at it in the morning.",
    "Gladly, I have not eaten since the ferry, and that was a very small sandwich.",
]
PLAIN = conversation("plain", SAME)
NEARLY = conversation("nearly", [*SAME[:3], SAME[3].replace("very", "rather")])
STATED = Finding("filter", "style.recited", 9.0)
ADA = Persona("Ada")
DESCRIBED = Persona("Ada", "Ada mends boats and is 40.")
SYSTEM = Message("system", "You are a fisher.")
KNOWS = {
    "persona": {"persona": ADA},
    "persona.description": {"persona": DESCRIBED},
    "user_persona": {"user_persona": ADA},
    "user_persona.description": {"user_persona": DESCRIBED},
    "system": {"messages": (SYSTEM, *PLAIN.messages)},
    "times": {"extra": '{"times": ["2024-05-01T10:00"]}'},
    "license": {"source": PLAIN.source._replace(license="MIT")},
    "names": {"messages": tuple(message._replace(name="Bo") for message in PLAIN.messages)},
    "alternatives": {"alternatives": (Alternative(1, "No."),)},
}
WITHOUT = {
    "persona.description": {"persona": ADA},
    "user_persona.description": KNOWS["user_persona"],
}


@pytest.mark.parametrize("what", KNOWS)
@pytest.mark.parametrize("other", [PLAIN, NEARLY], ids=["exact", "near"])
def test_the_copy_that_knows_more_is_kept_and_the_finding_says_what(what, other) -> None:
    """Whatever else speaks for the other: its findings, its source, its id."""
    knowing = replace(PLAIN, id="z", findings=(STATED,), **KNOWS[what])
    other = replace(other, **WITHOUT.get(what, {}))
    kept, dropped, _ = dedup([to_table([other]), to_table([knowing])], DedupSettings())
    assert [row.id for table in kept for row in from_table(table)] == ["z"]
    (gone,) = (row for table in dropped for row in from_table(table))
    assert str(gone.findings[-1].evidence) == f"partner z cluster z view dialogue knows {what}"


def test_what_stands_first_in_the_order_outweighs_all_that_follows() -> None:
    for number, what in enumerate(KNOWS):
        rest: dict[str, Any] = {}
        for weaker in list(KNOWS)[number + 1 :]:
            rest |= KNOWS[weaker] if not weaker.startswith(what) else {}
        one, other = replace(PLAIN, id="z", **KNOWS[what]), replace(PLAIN, **rest)
        kept, _, _ = dedup([to_table([other, one])], DedupSettings())
        assert kept[0]["id"].to_pylist() == ["z"], what


def test_where_both_know_as_much_the_old_rule_decides_and_nothing_is_added() -> None:
    first, second = replace(PLAIN, id="a", persona=ADA), replace(PLAIN, persona=Persona("Bea"))
    _, dropped, _ = dedup([to_table([second, first])], DedupSettings())
    (gone,) = from_table(dropped[0])
    assert str(gone.findings[-1].evidence) == "partner a cluster a view dialogue"


def test_a_part_that_knows_more_is_still_dropped_for_the_whole() -> None:
    part = conversation("part", [" ".join(SAME[:2]), SAME[2]])
    whole = conversation("whole", [*SAME, *talk(7)])
    kept, dropped, _ = dedup([to_table([replace(part, persona=ADA), whole])], DedupSettings())
    assert kept[0]["id"].to_pylist() == ["whole"]
    (gone,) = from_table(dropped[0])
    assert gone.findings[-1].rule == "dedup.contained"
    assert "knows" not in str(gone.findings[-1].evidence)


def test_rows_against_a_set_are_dropped_whatever_they_know() -> None:
    known = replace(PLAIN, id="z", **KNOWS["persona.description"])
    kept, dropped, _ = dedup([to_table([known])], DedupSettings(), [to_table([PLAIN])])
    assert len(kept[0]) == 0
    assert dropped[0]["findings"].to_pylist()[0][-1]["evidence"].endswith("view dialogue")


def test_what_is_known_is_the_same_from_columns_read_alone_and_in_pieces() -> None:
    rows = [replace(PLAIN, id=what, **KNOWS[what]) for what in KNOWS]
    whole = to_table([PLAIN, *rows])
    expected = knows.known(whole).tolist()
    assert expected[0] == 0
    bits = [1 << place for place in reversed(range(len(KNOWS)))]
    assert [number & -number for number in expected[1:]] == bits
    file = pa.BufferOutputStream()
    pq.write_table(whole, file)
    read = pq.ParquetFile(pa.BufferReader(file.getvalue())).read(sign.COLUMNS)
    assert knows.known(read).tolist() == expected
    cut = pa.concat_tables([whole.slice(0, 4), whole.slice(4)])
    assert knows.known(cut).tolist() == expected
    assert [*knows.known(whole.slice(3, 4))] == expected[3:7]
    assert knows.known(whole.select(["id", "messages"])).tolist()[1] == 0
