"""The store of a stage: what is written is what is read, and what is damaged is never read."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.conversation import Conversation, Drop, Finding, Merged, Quarantine, Row
from pipeline.store import parquet, parts
from pipeline.store.columns import SCHEMA, to_table
from pipeline.store.files import DamagedFile
from pipeline.store.lock import locked
from pipeline.store.parts import PART_ROWS
from pipeline.store.store import Store
from tests.rows import conversation


def dropped(number: int, rule: str = "structure.turns") -> Drop:
    finding = Finding("filter", rule, 2.0, 4.0, decision="drop")
    return Drop(dataclasses.replace(conversation(number), findings=(finding,)))


def test_every_row_is_accounted_for_and_can_be_read_again(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    unreadable = Quarantine("f#9", "record.unreadable", "not JSON", "{", True, 3)
    rows: list[Row] = [
        conversation(1),
        dropped(2),
        conversation(3),
        Merged("x", 4),
        unreadable,
    ]
    counts = store.write("00000", "key", rows)
    assert (counts.kept, counts.dropped, counts.merged, counts.quarantined) == (2, 1, 4, 1)
    assert counts.rows_in == 8
    assert counts.transient == 1
    assert counts.reasons == {"structure.turns": 1, "quarantine: record.unreadable": 1}
    assert counts.findings == {"structure.turns": 1}
    assert list(store.rows()) == [conversation(1), conversation(3)]
    assert [row.id for row in store.rows("dropped")] == [conversation(2).id]
    (part,) = store.parts("quarantine")
    (record,) = store.table(part).to_pylist()
    assert record == dataclasses.asdict(unreadable) | {"id": unreadable.id}


def test_a_unit_is_written_once_for_one_key(tmp_path: Path) -> None:
    store = Store(tmp_path, "1-collect")
    first = store.write("00000", "key", [conversation(1)])

    def untouched() -> Iterator[Conversation]:
        raise AssertionError("asked for rows again")
        yield

    assert store.write("00000", "key", untouched()) == first
    assert store.write("00000", "other key", [conversation(1), conversation(2)]).kept == 2


def test_a_unit_that_breaks_off_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    store = Store(tmp_path, "1-collect")

    def breaking() -> Iterator[Conversation]:
        for number in range(2_500):
            yield conversation(number)
        raise OSError("the cable was pulled")

    with pytest.raises(OSError, match="cable"):
        store.write("00000", "key", breaking())
    assert store.parts() == []
    assert store.units() == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_long_unit_is_cut_into_parts_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path, "1-collect")
    store.write("00000", "key", (conversation(number) for number in range(PART_ROWS + 5)))
    found = store.parts()
    assert [(part.name, part.rows) for part in found] == [
        ("00000-000", PART_ROWS),
        ("00000-001", 5),
    ]
    expected = [conversation(number).id for number in range(PART_ROWS + 5)]
    assert [row.id for row in store.rows()] == expected


def test_a_part_that_is_written_in_several_groups_keeps_every_row_and_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "BATCH_ROWS", 7)
    monkeypatch.setattr(parquet, "GROUP_BYTES", 4_000)
    store = Store(tmp_path, "3-filter")
    rows: list[Row] = [
        dropped(number) if number % 3 == 0 else conversation(number) for number in range(200)
    ]
    counts = store.write("00000-000", "key", rows)
    assert (counts.kept, counts.dropped) == (133, 67)
    kept = [row for row in rows if isinstance(row, Conversation)]
    assert list(store.rows()) == kept
    assert list(store.rows("dropped")) == [r.conversation for r in rows if isinstance(r, Drop)]
    for kind in ("kept", "dropped"):
        (part,) = store.parts(kind)
        assert pq.ParquetFile(f"{store.path}/{part.file}").num_row_groups > 3
        assert part.rows == getattr(counts, kind)


def test_a_dropped_row_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a reason"):
        Store(tmp_path, "3-filter").write("00000", "key", [Drop(conversation(1))])


def test_a_dropped_row_is_counted_under_the_first_rule_that_drops(tmp_path: Path) -> None:
    warning = Finding("filter", "style.cliches", 9.0, 6.0)
    first, second = (Finding("filter", rule, decision="drop") for rule in ("a.first", "b.second"))
    row = dataclasses.replace(conversation(1), findings=(warning, first, second))
    counts = Store(tmp_path, "3-filter").write("00000", "key", [Drop(row)])
    assert counts.reasons == {"a.first": 1}
    assert counts.findings == {"style.cliches": 1, "a.first": 1, "b.second": 1}


def test_tables_are_counted_like_rows(tmp_path: Path) -> None:
    store = Store(tmp_path, "4-dedup")
    kept = to_table([conversation(1)])
    gone = to_table([dropped(2, "dedup.near").conversation])
    counts = store.write_tables("00000-000", "key", kept, gone)
    assert (counts.kept, counts.dropped, counts.reasons) == (1, 1, {"dedup.near": 1})
    assert list(store.rows()) == [conversation(1)]
    assert store.write_tables("00000-000", "key", SCHEMA.empty_table(), gone) == counts


def test_a_part_that_is_passed_on_outlives_the_store_it_came_from(tmp_path: Path) -> None:
    source, target = Store(tmp_path, "1-collect"), Store(tmp_path, "2-generate")
    source.write("00000", "key", [conversation(1)])
    (part,) = source.parts()
    assert target.pass_on(part, "key2", source).kept == 1
    source.clear()
    assert list(target.rows()) == [conversation(1)]


def test_stores_work_on_any_fsspec_address() -> None:
    address = "memory://rapport-store"
    source, target = Store(address, "1-collect"), Store(address, "2-generate")
    unreadable = Quarantine("f", "record.unreadable", "not JSON")
    source.write("00000", "key", [conversation(1), unreadable])
    target.pass_on(source.parts()[0], "key", source)
    assert list(target.rows()) == [conversation(1)]
    target.write_record("report.json", {"key": "key"})
    assert target.read_record("report.json") == {"key": "key"}
    target.clear()
    assert target.read_record("report.json") is None
    assert target.parts() == []


def test_two_processes_cannot_work_in_one_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with locked(store), pytest.raises(UserError, match="at work"), locked(store):
        pass


def test_huge_rows_make_smaller_row_groups_and_come_back_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1 << 20)
    rows = [conversation(number, ["word " * 40_000, "Go on."]) for number in range(30)]  # 6 MB
    store = Store(tmp_path, "1-collect")
    store.write("00000", "key", rows)
    store.write_tables("00001-000", "key", to_table(rows), to_table([]))
    for part in store.parts():
        groups = pq.ParquetFile(f"{store.path}/{part.file}").num_row_groups
        assert 3 < groups < len(rows)
        assert list(store.read(part)) == rows


# --- other versions


def with_measures(names: list[str]) -> pa.Schema:
    """The schema of a version with other measures."""
    measures = pa.struct([(name, pa.float64()) for name in names])
    place = SCHEMA.get_field_index("measures")
    return SCHEMA.set(place, pa.field("measures", measures))


def rewritten(store: Store, schema: pa.Schema, change: Callable[[dict], dict]) -> None:
    """The only part of a store as another version would have written it, with a mark that fits."""
    mark = store.mark("00000-000")
    assert mark is not None
    rows = [change(row) for row in pq.read_table(f"{store.path}/kept").to_pylist()]
    with store.committed("kept/part-00000-000.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
        files = {"kept/part-00000-000.parquet": file.mark(len(rows))}
    store.finish("00000-000", dataclasses.replace(mark, files=files))


def measured_store(folder: Path) -> Store:
    store = Store(folder, "3-filter")
    row = dataclasses.replace(conversation(1), measures={"turns": 6.0, "words": 80.0})
    store.write("00000-000", "key", [row])
    return store


def test_measures_in_another_order_keep_their_names(tmp_path: Path) -> None:
    store = measured_store(tmp_path)
    names = list(SCHEMA.field("measures").type.names)
    rewritten(store, with_measures(names[::-1]), lambda row: row)
    (row,) = store.rows()
    assert row.measures == {"turns": 6.0, "words": 80.0}


def test_an_older_version_without_a_measure_is_read_and_the_measure_is_missing(
    tmp_path: Path,
) -> None:
    store = measured_store(tmp_path)
    rewritten(store, with_measures(["words"]), lambda row: row)
    (row,) = store.rows()
    assert row.measures == {"words": 80.0}
    assert store.table(store.parts()[0]).schema == SCHEMA


def test_a_newer_version_with_one_more_measure_is_refused_in_words(tmp_path: Path) -> None:
    store = measured_store(tmp_path)
    names = [*SCHEMA.field("measures").type.names, "pauses"]
    rewritten(store, with_measures(names), lambda row: row)
    message = r"another version of Rapport: it has `measures\.pauses`.*--out"
    with pytest.raises(UserError, match=message):
        list(store.rows())
    with pytest.raises(UserError, match=message):
        store.table(store.parts()[0])


def test_a_version_without_a_column_that_every_row_needs_is_refused(tmp_path: Path) -> None:
    store = measured_store(tmp_path)
    rewritten(store, SCHEMA.remove(SCHEMA.get_field_index("source")), lambda row: row)
    with pytest.raises(UserError, match="it has no `source`"):
        list(store.rows())


def test_a_column_of_another_type_is_refused(tmp_path: Path) -> None:
    store = measured_store(tmp_path)
    place = SCHEMA.get_field_index("split_group")
    schema = SCHEMA.set(place, pa.field("split_group", pa.int64()))
    rewritten(store, schema, lambda row: row | {"split_group": 3})
    with pytest.raises(UserError, match="`split_group` holds int64 there and string here"):
        list(store.rows())


# --- damage


def test_a_damaged_record_is_named_and_never_read(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    store.write_record("report.json", {"key": "k", "kept": 12})
    path = tmp_path / "3-filter" / "report.json"
    whole = path.read_text()
    for damaged in (whole[:5], whole.replace("12", "13"), "[]", ""):
        path.write_text(damaged)
        with pytest.raises(DamagedFile, match=r"report\.json is damaged"):
            store.read_record("report.json")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DamagedFile, match=r"report\.json is damaged"):
        store.read_record("report.json")


def test_a_missing_part_is_named_and_never_fewer_rows(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    for unit in ("00000-000", "00001-000"):
        store.write(unit, "key", [conversation(1)])
    (tmp_path / "3-filter" / "kept" / "part-00001-000.parquet").unlink()
    with pytest.raises(DamagedFile, match=r"part-00001-000\.parquet is missing.*delete the folder"):
        list(store.rows())
    with pytest.raises(DamagedFile, match="is missing"):
        store.check_files(store.marks().values())


def test_what_lies_in_the_folder_without_a_mark_is_not_read(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    store.write("00000-000", "key", [conversation(1)])
    kept = tmp_path / "3-filter" / "kept"
    (kept / "part-00001-000.parquet").write_bytes((kept / "part-00000-000.parquet").read_bytes())
    assert list(store.rows()) == [conversation(1)]


def test_no_flipped_bit_changes_a_row_in_silence(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    rows = [conversation(number, measures={"turns": float(number)}) for number in range(50)]
    store.write("00000-000", "key", rows)
    (part,) = store.parts()
    path = Path(store.path, part.file)
    whole, chance = path.read_bytes(), random.Random(1)
    for _ in range(200):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        path.write_bytes(flipped)
        with pytest.raises(DamagedFile, match=r"is damaged"):
            list(store.read(part))
    path.write_bytes(whole)
    assert list(store.read(part)) == rows


def test_flipped_bits_of_an_arrow_table_are_seen(tmp_path: Path) -> None:
    store = Store(tmp_path, "4-dedup/signed")
    table = pa.table({"signature": pa.array(range(1000), pa.uint32())})
    mark = store.write_arrow("part.arrow", table)
    assert store.arrow("part.arrow", mark).equals(table)
    path = Path(store.path, "part.arrow")
    flipped = bytearray(path.read_bytes())
    flipped[len(flipped) // 2] ^= 4
    path.write_bytes(flipped)
    with pytest.raises(DamagedFile, match=r"part\.arrow is damaged"):
        store.arrow("part.arrow", mark)


def test_a_damaged_mark_makes_its_unit_work_again_and_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path, "3-filter")
    for unit in ("00000-000", "00001-000"):
        store.write(unit, "key", [conversation(1)])
    mark = tmp_path / "3-filter" / "done" / "00000-000.json"
    mark.write_text(mark.read_text().replace('"kept": 1', '"kept": 2'))
    (sentence,) = store.keep_only("key")
    assert "00000-000.json is damaged" in sentence
    assert store.units() == ["00001-000"]
    assert store.keep_only("key") == []
    assert store.keep_only("another key") == []
    assert store.units() == []
