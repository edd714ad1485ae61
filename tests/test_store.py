from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.conversation import (
    SCHEMA,
    Conversation,
    Drop,
    Finding,
    Merged,
    Quarantine,
    Row,
    to_table,
)
from pipeline.store import parts
from pipeline.store.parts import PART_ROWS
from pipeline.store.store import Store
from tests.rows import conversation


def dropped(number: int, rule: str = "structure.turns") -> Drop:
    finding = Finding("filter", rule, 1.0, 4.0, decision="drop")
    return Drop(dataclasses.replace(conversation(number), findings=(finding,)))


def test_every_row_is_accounted_for_and_can_be_read_again(tmp_path: Path) -> None:
    shelf = Store(tmp_path, "3-filter")
    rows: list[Row] = [
        conversation(1),
        dropped(2),
        conversation(3),
        Merged("x", 4),
        Quarantine("f#9", "record.unreadable", "not JSON", "{"),
    ]
    counts = shelf.write("00000", "key", rows)
    assert (counts.kept, counts.dropped, counts.merged, counts.quarantined) == (2, 1, 4, 1)
    assert counts.rows_in == 8
    assert counts.reasons == {"structure.turns": 1, "quarantine: not JSON": 1}
    assert list(shelf.rows()) == [conversation(1), conversation(3)]
    assert [row.id for row in shelf.rows("dropped")] == [conversation(2).id]
    assert shelf.table("00000-000", "quarantine").column("where").to_pylist() == ["f#9"]


def test_a_unit_that_is_done_is_not_done_again_under_the_same_key(tmp_path: Path) -> None:
    shelf = Store(tmp_path, "1-collect")
    first = shelf.write("00000", "key", [conversation(1)])

    def untouched() -> Iterator[Conversation]:
        raise AssertionError("read again")
        yield

    assert shelf.write("00000", "key", untouched()) == first
    assert shelf.write("00000", "other key", [conversation(1), conversation(2)]).kept == 2


def test_a_unit_that_breaks_off_leaves_nothing_that_looks_done(tmp_path: Path) -> None:
    shelf = Store(tmp_path, "1-collect")

    def breaking() -> Iterator[Conversation]:
        for number in range(2_500):
            yield conversation(number)
        raise OSError("the cable was pulled")

    with pytest.raises(OSError, match="cable"):
        shelf.write("00000", "key", breaking())
    assert shelf.parts() == []
    assert shelf.units() == []
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_long_unit_is_cut_into_parts_in_order(tmp_path: Path) -> None:
    shelf = Store(tmp_path, "1-collect")
    counts = shelf.write("00000", "key", (conversation(n) for n in range(PART_ROWS + 5)))
    assert counts.parts == ("00000-000", "00000-001")
    assert [shelf.count(part) for part in shelf.parts()] == [PART_ROWS, 5]
    assert [row.id for row in shelf.rows()] == [conversation(n).id for n in range(PART_ROWS + 5)]


def test_a_dropped_row_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a reason"):
        Store(tmp_path, "3-filter").write("00000", "key", [Drop(conversation(1))])


def test_tables_are_written_with_the_same_accounts_as_rows(tmp_path: Path) -> None:
    from pipeline.conversation import to_table

    shelf = Store(tmp_path, "4-dedup")
    kept, gone = to_table([conversation(1)]), to_table([dropped(2, "dedup.near").conversation])
    counts = shelf.write_tables("00000-000", "key", kept, gone)
    assert (counts.kept, counts.dropped, counts.reasons) == (1, 1, {"dedup.near": 1})
    assert list(shelf.rows()) == [conversation(1)]
    assert shelf.write_tables("00000-000", "key", pa.table(SCHEMA.empty_table()), gone) == counts


def test_a_part_that_is_passed_on_outlives_the_shelf_it_came_from(tmp_path: Path) -> None:
    inbox, outbox = Store(tmp_path, "1-collect"), Store(tmp_path, "2-generate")
    inbox.write("00000", "key", [conversation(1)])
    assert outbox.pass_on("00000-000", "key2", inbox).kept == 1
    inbox.clear()
    assert list(outbox.rows()) == [conversation(1)]


def test_shelves_stand_on_any_fsspec_address() -> None:
    inbox, outbox = (
        Store("memory://rapport-shelf", "1-collect"),
        Store("memory://rapport-shelf", "2-generate"),
    )
    inbox.write("00000", "key", [conversation(1), Quarantine("f", "record.unreadable", "not JSON")])
    outbox.pass_on("00000-000", "key", inbox)
    assert list(outbox.rows()) == [conversation(1)]
    outbox.write_json("report.json", {"key": "key"})
    assert outbox.read_json("report.json") == {"key": "key"}
    outbox.clear()
    assert outbox.read_json("report.json") is None
    assert outbox.parts() == []


def test_two_processes_cannot_walk_one_folder(tmp_path: Path) -> None:
    with Store(tmp_path).lock(), pytest.raises(UserError, match="at work"), Store(tmp_path).lock():
        pass


def test_a_half_written_report_counts_as_none(tmp_path: Path) -> None:
    shelf = Store(tmp_path, "3-filter")
    shelf.write_json("report.json", {"key": "k"})
    path = tmp_path / "3-filter" / "report.json"
    path.write_text(path.read_text()[:5])
    assert shelf.read_json("report.json") is None


def test_huge_rows_make_smaller_row_groups_and_come_back_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "GROUP_BYTES", 1 << 20)
    rows = [conversation(i, ["word " * 40_000, "Go on."]) for i in range(30)]  # 6 MB
    shelf = Store(tmp_path, "1-collect")
    shelf.write("00000", "key", rows)
    shelf.write_tables("00001-000", "key", to_table(rows), to_table([]))
    for part in shelf.parts():
        assert 3 < pq.ParquetFile(shelf.location(part)).num_row_groups < len(rows)
        assert list(shelf.read(part)) == rows
