"""The files of a dataset: what loaders read of them, and which change when rows go or come."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import (
    Alternative,
    Annotation,
    Conversation,
    Language,
    Persona,
    Relationship,
)
from pipeline.publish import files
from pipeline.publish.split import NOTHING, Placement, released
from pipeline.recipe.publish import PublishSettings
from tests.publishing import configs_of, placed_rows, published
from tests.rows import conversation
from tests.test_published_configs import generated


def rich(number: int) -> Conversation:
    """A row of which every config can be made; every eighth is of the rehearsal model."""
    made = generated(number, f"Ada {number // 2}")
    return dataclasses.replace(
        made,
        source=made.source._replace(rehearsal=number % 8 == 7),
        relationship=Relationship(f"pair {number // 2}", number),
        language=Language("en", 0.9) if number % 3 else None,
        annotations=tuple(Annotation("casual", "hold", 0.1) for _ in made.messages),
        alternatives=(
            Alternative(1, "No.", "style.cliches"),
            Alternative(3, "Hm.", "swipe"),
        ),
        measures={"turns": 6.0},
    )


def loaded(folder: Path, config: str, cache: Path) -> datasets.DatasetDict:
    return datasets.load_dataset(
        str(folder), config, verification_mode="all_checks", cache_dir=str(cache)
    )


def test_rows_and_bytes_of_every_config_are_what_the_real_loader_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.publish.files.GROUP_ROWS", 7)
    monkeypatch.setattr("pipeline.publish.files.ENCODED_ROWS", 3)
    rows = [*map(rich, range(60)), *map(conversation, range(60, 90))]
    folder = published(tmp_path / "set", [rows[:31], rows[31:]], test=0.2, validation=0.2)
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    infos = {info["config_name"]: info for info in front["dataset_info"]}
    assert set(infos) == {
        *("default", "full", "sharegpt", "noted", "preference", "unpaired", "characters"),
        *("realm", "relationships", "rehearsal", "rehearsal_preference"),
    }
    for name, info in infos.items():
        found = loaded(folder, name, tmp_path / name)
        (record,) = (tmp_path / name).rglob("dataset_info.json")
        counted = json.loads(record.read_text())["splits"]
        streamed = datasets.load_dataset(str(folder), name, streaming=True)
        assert list(found) == [split["name"] for split in info["splits"]]
        for split in info["splits"]:
            rows_of = found[split["name"]]
            assert rows_of.num_rows == split["num_examples"]
            assert counted[split["name"]]["num_bytes"] == split["num_bytes"]
            assert list(streamed[split["name"]]) == list(rows_of)
        sizes = [path.stat().st_size for path in (folder / name).iterdir()]
        assert info["download_size"] == sum(sizes)
        assert sum(split["num_bytes"] for split in info["splits"]) == info["dataset_size"]


def test_pandas_reads_every_file_and_each_page_is_in_an_index(tmp_path: Path) -> None:
    folder = published(tmp_path / "set", [list(map(rich, range(40)))])
    paths = sorted(folder.rglob("*.parquet"))
    assert len(paths) > 20
    for path in paths:
        parquet = pq.ParquetFile(path)
        assert len(pd.read_parquet(path)) == parquet.metadata.num_rows > 0
        column = parquet.metadata.row_group(0).column(0)
        assert column.has_offset_index
        assert column.has_column_index


def digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*.parquet")):
        found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def write(
    folder: Path, rows: list[Conversation], counts: dict[str, int], before: Placement = NOTHING
) -> Placement:
    settings = PublishSettings(test=0.1, validation=0.1)
    placed = placed_rows([rows], settings, before)
    configs_of(folder, [rows], placed, counts, settings)
    return placed


MANY = {"train": 8, "validation": 2, "test": 2}


def ids(folder: Path, config: str) -> dict[str, list[str]]:
    paths = sorted((folder / config).glob("*.parquet"))
    return {path.name: pq.read_table(path)["id"].to_pylist() for path in paths}


def test_taking_rows_out_changes_only_the_files_that_held_one(tmp_path: Path) -> None:
    rows = [conversation(n, split_group=f"thread {n // 2}") for n in range(400)]
    placed = write(tmp_path / "a", rows, MANY)
    gone = {rows[n].id for n in (11, 200)}
    left = [row for row in rows if row.id not in gone]
    write(tmp_path / "b", left, MANY, released(placed.table()))
    before, after = digests(tmp_path / "a"), digests(tmp_path / "b")
    changed = {name for name in before if before[name] != after.get(name)}
    for config in ("default", "full", "sharegpt"):
        held = {name for name, found in ids(tmp_path / "a", config).items() if gone & set(found)}
        assert {Path(name).name for name in changed if name.startswith(config)} == held
        assert 1 <= len(held) <= 2 < len(ids(tmp_path / "a", config))


def test_rows_stand_in_order_of_arrival_and_more_files_split_each_in_two(tmp_path: Path) -> None:
    rows = [conversation(n, split_group=f"thread {n // 2}") for n in range(400)]
    placed = write(tmp_path / "a", rows, {"train": 2, "validation": 1, "test": 1})
    write(tmp_path / "b", rows, {"train": 4, "validation": 1, "test": 1}, released(placed.table()))
    two, four = ids(tmp_path / "a", "default"), ids(tmp_path / "b", "default")
    order = {row.id: number for number, row in enumerate(rows)}
    for found in (*two.values(), *four.values()):
        assert found == sorted(found, key=order.__getitem__)
    for shard in range(2):
        whole = set(two[f"train-{shard:05d}-of-00002.parquet"])
        halves = [set(four[f"train-{n:05d}-of-00004.parquet"]) for n in (shard, shard + 2)]
        assert whole == halves[0] | halves[1]
        assert all(halves)


@given(st.integers(0, 10**7), st.integers(0, 10**11), st.sampled_from([0, 1, 2, 8, 64]))
def test_the_number_of_files_only_doubles(rows: int, size: int, before: int) -> None:
    count = files.shard_count(rows, size, before)
    assert count & (count - 1) == 0
    assert count >= max(1, before)
    limit = files.GROWTH if before else 1
    assert rows <= count * limit * files.SHARD_ROWS
    assert size <= count * limit * files.SHARD_BYTES
    if count > max(1, before):
        half = count // 2 * limit
        assert rows > half * files.SHARD_ROWS or size > half * files.SHARD_BYTES


def test_a_row_group_is_a_little_however_long_the_rows_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.publish.files.GROUP_BYTES", 40_000)
    rows = [conversation(n, ["Why? " * 200, "Because. " * 200]) for n in range(100)]
    rows = [dataclasses.replace(row, split_group=f"{n}") for n, row in enumerate(rows)]
    write(tmp_path, rows, {"train": 1, "validation": 1, "test": 1})
    (path,) = (tmp_path / "default").glob("train-*.parquet")
    groups = pq.ParquetFile(path).metadata
    assert groups.num_row_groups > 3
    assert all(groups.row_group(n).total_byte_size < 80_000 for n in range(groups.num_row_groups))


def test_a_failure_in_the_middle_commits_no_file(tmp_path: Path) -> None:
    def rows() -> Any:
        yield conversation(1)
        raise OSError("the disk is full")

    placed = placed_rows([[conversation(1), conversation(2)]], PublishSettings())
    from pipeline.publish.configs import CONFIGS
    from pipeline.store.store import Store

    store = Store(tmp_path)
    counts = dict.fromkeys(("train", "validation", "test"), 1)
    with pytest.raises(OSError, match="disk is full"):
        files.write(
            CONFIGS["default"], [rows()], placed, counts, PublishSettings(), store.committed
        )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_groups_have_the_same_names_in_whatever_order_rows_come() -> None:
    """The names of groups are of what rows have, not of the order in which they came."""
    rows = [dataclasses.replace(conversation(n), persona=Persona(f"P{n}")) for n in range(50)]
    one, other = (placed_rows([order], PublishSettings()) for order in (rows, rows[::-1]))
    assert one.groups.tolist() == other.groups.tolist()[::-1]
