from __future__ import annotations

import dataclasses
from pathlib import Path

import datasets
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import publish
from pipeline.conversation import Conversation, Drop, Language, Message, Persona, to_table
from pipeline.publish.card import card
from pipeline.publish.split import REHEARSAL, TEST, TRAIN, assign
from pipeline.recipe.settings import Cut, PublishSettings
from pipeline.store.store import Store
from tests.rows import conversation


def published(folder: Path, parts: list[list[Conversation]], **settings: object) -> Path:
    shelf = Store(folder)
    tables = [to_table(part) for part in parts]
    placed = publish.splits(
        [t.select(["id", "split_group", "source"]) for t in tables], PublishSettings(**settings), 1
    )
    said = publish.write(tables, placed, shelf.committed)
    shelf.write_text("README.md", card("tests", funnel=[], **said))
    return folder


def test_the_real_loader_reads_what_was_published(tmp_path: Path) -> None:
    rows = [
        conversation(n, split_group=f"thread {n // 2}", language=Language("en", 0.9)) for n in range(40)
    ]
    named = dataclasses.replace(
        rows[0], messages=(Message("user", "Hi.", "Ada"), Message("assistant", "Oh, hello."))
    )
    folder = published(tmp_path / "set", [[named, *rows[1:25]], rows[25:]], test=0.2)
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert set(found) == {"train", "test"}
    assert found["train"].num_rows + found["test"].num_rows == 40
    assert not set(found["train"]["split_group"]) & set(found["test"]["split_group"])
    every = {row["id"]: row for split in found.values() for row in split}
    assert every[named.id]["messages"] == [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Oh, hello."},
    ]
    assert every[named.id]["names"] == ["Ada", None]
    assert every[rows[3].id]["messages"][1]["content"] == rows[3].messages[1].content


def test_rows_of_the_rehearsal_model_stand_apart_and_the_card_says_so(tmp_path: Path) -> None:
    real = [conversation(n) for n in range(10)]
    made = [
        dataclasses.replace(
            row,
            source=row.source._replace(kind="generated", rehearsal=True),
            persona=Persona("Ada"),
        )
        for row in (conversation(n) for n in range(10, 13))
    ]
    folder = published(tmp_path / "set", [real + made])
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {row["id"] for row in found[REHEARSAL]} == {row.id for row in made}
    assert not any(source["rehearsal"] for source in found[TRAIN]["source"])
    assert (
        "3 rows were written by the offline rehearsal model" in (folder / "README.md").read_text()
    )


def test_the_card_names_every_split_licence_and_language(tmp_path: Path) -> None:
    rows = [conversation(n, language=Language("en" if n % 3 else "ru", 0.9)) for n in range(10)]
    licensed = [dataclasses.replace(r, source=r.source._replace(license="CC-BY-4.0")) for r in rows]
    folder = published(tmp_path / "set", [licensed])
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["en", "ru"]
    assert {f["split"] for f in front["configs"][0]["data_files"]} == {"train", "test"}


def test_a_cut_sends_rows_away_with_measure_value_and_limit() -> None:
    settings = PublishSettings(cut={"distinct_2": Cut(min=0.6), "turns": Cut(max=20)})
    poor = conversation(1, measures={"distinct_2": 0.4, "turns": 31.0})
    unmeasured, good = conversation(2), conversation(3, measures={"distinct_2": 0.8, "turns": 6.0})
    first, *others = publish.work([poor, unmeasured, good], settings)
    assert isinstance(first, Drop)
    told = [(f.rule, f.value, f.limit, f.decision) for f in first.conversation.findings]
    assert told == [("publish.distinct_2", 0.4, 0.6, "drop"), ("publish.turns", 31.0, 20.0, "drop")]
    assert others == [unmeasured, good]


def test_no_row_with_a_minor_is_published_even_past_the_filter() -> None:
    said = conversation(1, ["I like trains.", "I'm fifteen, so I take the bus."])
    card = dataclasses.replace(
        conversation(2), persona=Persona("Ada", "Ada is 16 years old and paints.")
    )
    grown = conversation(3, ["My son is eleven.", "I'm forty, and mine are grown up."])
    first, second, third = publish.work([said, card, grown], PublishSettings())
    for row in (first, second):
        assert isinstance(row, Drop)
        assert [(f.rule, f.decision) for f in row.conversation.findings] == [
            ("safety.minor", "drop")
        ]
    assert third == grown


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60),
    st.floats(0, 0.9),
    st.integers(0, 9),
)
def test_no_group_stands_on_both_sides(
    rows: list[tuple[str, bool]], share: float, seed: int
) -> None:
    groups, rehearsal = [g for g, _ in rows], [r for _, r in rows]
    splits = assign(groups, rehearsal, share, seed)
    sides = {
        split: {g for g, s in zip(groups, splits, strict=True) if s == split}
        for split in (TRAIN, TEST)
    }
    assert not sides[TRAIN] & sides[TEST]
    assert [s == REHEARSAL for s in splits] == rehearsal
    if share and len({g for g, r in rows if not r}) > 1:
        assert sides[TRAIN]
        assert sides[TEST]


def test_a_group_keeps_its_side_when_the_dataset_grows() -> None:
    groups = [f"thread {n}" for n in range(500)]
    small = dict(zip(groups, assign(groups[:300], [False] * 300, 0.1, 3), strict=False))
    large = dict(zip(groups, assign(groups, [False] * 500, 0.1, 3), strict=True))
    assert all(large[group] == split for group, split in small.items())
    assert sum(split == TEST for split in large.values()) == pytest.approx(50, abs=20)
