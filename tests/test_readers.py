"""Bytes to records: limits, ends of buffers, separators, what is skipped and what is not."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.collect import columnar, json_array, readers, tables
from pipeline.collect.dialect import dialect_of
from pipeline.collect.formats import TEXTS
from pipeline.collect.shapes.transcript import Numbered, Unread
from pipeline.collect.unpack import encoding_of, in_utf8, is_damage


def records_of(suffix: str, data: bytes, limit: int) -> Iterator[Numbered]:
    stream = io.BytesIO(data)
    if suffix == ".csv":
        return tables.rows(stream, dialect_of(data[: 1 << 16]), limit)
    if suffix == ".parquet":
        return columnar.parquet(stream)
    return readers.READERS[TEXTS[suffix]](stream, limit)


def read(suffix: str, data: bytes | str, limit: int = 1000) -> list[Any]:
    """The records of a file, in order; for an unreadable one its rule."""
    data = data if isinstance(data, bytes) else data.encode()
    records = list(records_of(suffix, data, limit))
    numbers = [number for number, _ in records]
    assert numbers == sorted(set(numbers))
    return [one.rule if isinstance(one, Unread) else one for _, one in records]


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_may_be_as_long_as_the_limit(end: str) -> None:
    lines = [json.dumps("x" * size) for size in (8, 9)]  # 10 and 11 bytes with their quotes
    assert read(".jsonl", lines[0] + end, 10) == ["x" * 8]
    assert read(".jsonl", f"{lines[1]}\n{lines[0]}{end}", 9) == ["record.too_long"] * 2


def test_lines_are_numbered_as_an_editor_numbers_them() -> None:
    records = list(readers.json_lines(io.BytesIO(b'\n{"a": 1}\n\n{"a": 2}'), 99))
    assert records == [(2, {"a": 1}), (4, {"a": 2})]


def test_numbers_of_an_array_are_not_cut_where_a_buffer_ends() -> None:
    numbers = [10**6 + number for number in range(40_000)]
    assert read(".json", json.dumps(numbers)) == numbers


def test_of_an_array_that_was_cut_the_elements_before_are_kept() -> None:
    whole = [{"a": "x, ]"}, [1, 2], 3]
    text = json.dumps(whole)
    for size in range(1, len(text)):
        records = read(".json", text[:size])
        good = [one for one in records if one not in ("record.malformed", "file.damaged")]
        assert good == whole[: len(good)]
        assert len(records) <= len(good) + 1


BROKEN = [
    '{"a": [1, "x, ]"], oops}',
    '{"a": "\\\\", oops}',
    '{"a": "\\", }", oops}',
    "[1, [2, [3]], oops]",
    "oops",
]


@pytest.mark.parametrize("buffer", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("element", BROKEN)
def test_a_broken_element_ends_at_its_comma(
    monkeypatch: pytest.MonkeyPatch, element: str, buffer: int
) -> None:
    monkeypatch.setattr(json_array, "BUFFER", buffer)
    rest, size = json_array._after_element(io.StringIO(', {"a": 1}]'), element)
    assert rest.startswith(",")
    assert size == len(element)


def test_an_element_may_be_as_long_as_the_limit() -> None:
    array = json.dumps([1, "x" * 8, "x" * 9, 2])  # the texts have 10 and 11 characters
    assert read(".json", array, 10) == [1, "x" * 8, "record.too_long", 2]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_a_table_is_read_with_the_separator_of_its_first_line(separator: str) -> None:
    table = f"id{separator}chat{separator}n\n1{separator}a b{separator}2\n\n"
    assert read(".csv", table) == [{"id": "1", "chat": "a b", "n": "2"}]


def test_a_row_with_other_cells_than_the_table_is_unreadable_and_a_blank_one_nothing() -> None:
    assert read(".csv", "a,b\n1,2\n\n,\n1\n1,2,3\n") == [
        {"a": "1", "b": "2"},
        {"a": "", "b": ""},
        "record.malformed",
        "record.malformed",
    ]


def test_scalars_of_yaml_are_texts() -> None:
    assert read(".yaml", "- Yes\n- 7\n- null\n- 2024-05-01\n") == [
        ["Yes", "7", "null", "2024-05-01"]
    ]


def test_a_row_of_parquet_that_is_not_utf8_costs_one_row() -> None:
    texts = [b"one", b"\xff\xfe", b"three"]
    column = pa.array(texts, pa.binary())
    column = pa.Array.from_buffers(pa.string(), 3, column.buffers())
    store = io.BytesIO()
    pq.write_table(pa.table({"text": column}), store)
    assert read(".parquet", store.getvalue()) == [
        {"text": "one"},
        "record.not_text",
        {"text": "three"},
    ]


def test_utf8_with_a_few_wrong_bytes_is_utf8() -> None:
    assert encoding_of("Où étais-tu ? À la fête".encode() + b" \xff") == "utf-8"
    assert encoding_of("Thé à la crème".encode()[:-4]) == "utf-8"  # cut inside a character
    assert encoding_of(b"plain") == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_bytes_of_a_utf16_text_are_in_the_right_order(encoding: str) -> None:
    stream, found = in_utf8(io.BytesIO(("Ada: Hello\n" * 3).encode(encoding)))
    assert (found, stream.read()) == (encoding, b"Ada: Hello\n" * 3)


def test_a_full_disk_is_not_a_damaged_file() -> None:
    assert is_damage(OSError("Invalid data stream"))  # as bz2 says it
    assert is_damage(EOFError())
    assert not is_damage(OSError(errno.EIO, "Input/output error"))
    assert not is_damage(ConnectionResetError())
