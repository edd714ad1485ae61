"""Files as a source: formats, compression, encodings, damage, which files are meant, errors."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import UserError, collect
from pipeline.collect import files
from pipeline.conversation import Conversation, FileRead, Quarantine
from pipeline.recipe.collect import CollectSettings, SourceSettings
from pipeline.store.columns import to_table
from tests.rows import SHARED, conversation, record, write_jsonl

GOOD = [record(n) for n in range(40)]
JSONL = "".join(json.dumps(r) + "\n" for r in GOOD).encode()


def rows_of(folder: Path, *names: str, max_bytes: int = 1_000_000, **source: Any) -> list[Any]:
    collecting = CollectSettings(
        sources=[SourceSettings(name="s", files=list(names), **source)], max_bytes=max_bytes
    )
    return [
        row
        for unit in collect.units(collecting, folder)
        for row in collect.read(unit, collecting, folder)
        if not isinstance(row, FileRead)
    ]


def texts(rows: list[Any]) -> list[list[str]]:
    return [[m.content for m in row.messages] for row in rows if isinstance(row, Conversation)]


EXPECTED = [[m["content"] for m in r["messages"]] for r in GOOD]


def zipped(data: bytes) -> bytes:
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w") as archive:
        archive.writestr("README.md", "not conversations")
        archive.writestr("__MACOSX/chats.jsonl", "rubbish")
        archive.writestr("inner/chats.jsonl.gz", gzip.compress(data))
    return store.getvalue()


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("a.jsonl", bytes),
    ("a.jsonl.gz", gzip.compress),
    ("a.jsonl.bz2", bz2.compress),
    ("a.jsonl.xz", lzma.compress),
    ("a.jsonl.zst", zstandard.compress),
    ("a.jsonl", gzip.compress),  # compressed, whatever its name says
    ("a.zip", zipped),
]


@pytest.mark.parametrize(("name", "pack"), PACKED, ids=[f"{n}-{p.__name__}" for n, p in PACKED])
def test_compressed_files_and_archives_are_read_as_they_are(
    tmp_path: Path, name: str, pack: Any
) -> None:
    (tmp_path / name).write_bytes(pack(JSONL))
    assert texts(rows_of(tmp_path, name)) == EXPECTED


@pytest.mark.parametrize(
    "name", ["a.json", "a.ndjson", "a.yaml", "a.parquet", "lines.json", "object.json"]
)
def test_every_format_gives_the_same_conversations(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist(GOOD), path, row_group_size=7)
    elif name == "a.yaml":
        path.write_text("---\n".join(yaml.safe_dump(r) for r in GOOD))
    elif name == "a.json":
        path.write_text("\n [" + " ,\n".join(json.dumps(r, indent=1) for r in GOOD) + "]\n")
    elif name == "object.json":
        path.write_text(json.dumps({"version": 1, "train": GOOD[:30], "test": GOOD[30:]}))
    else:
        path.write_bytes(JSONL)
    assert texts(rows_of(tmp_path, name)) == EXPECTED
    assert texts(rows_of(tmp_path, name, shape="messages")) == EXPECTED


@pytest.mark.parametrize(
    ("encoding", "noted"),
    [
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("utf-32", "utf-32"),
        ("cp1251", "cp1251"),
        ("koi8-r", "koi8"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_are_recognised_by_their_bytes_and_noted(
    tmp_path: Path, encoding: str, noted: str
) -> None:
    russian = [
        "Вы давно приехали в наш город, или только на время праздников?",
        "Вчера вечером. Поезд опоздал на три часа, и я ещё не завтракала.",
        "Тогда пойдёмте, у реки есть хорошее место: там пекут блины.",
        "С удовольствием! Только подождите, пожалуйста, я возьму зонт.",
    ]
    french = [
        "Où étais-tu hier soir, à la fête du marché ?",
        "J'étais fatiguée, alors je suis restée près de la fenêtre.",
    ]
    text_lines = french if encoding == "cp1252" else russian
    text = "".join(
        f"{'Ada' if n % 2 else 'Ben'}: {line}\n" for n, line in enumerate(text_lines * 3)
    )
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    [row] = rows_of(tmp_path, "a.txt")
    assert [m.content for m in row.messages] == text_lines * 3
    if noted == "utf-8":
        assert not any("decoded" in edit for edit in row.edits)
    else:
        assert row.edits[0].startswith(f"collect: decoded from {noted}")


def test_one_bad_row_costs_one_row(tmp_path: Path) -> None:
    """A null, a number for text, ten megabytes and a line that is not JSON; 1,500 good rows."""
    records: list[Any] = [record(n) for n in range(1500)]
    long = {"messages": [{"role": "user", "content": "long " * 2_000_000}]}
    bad = {
        10: {"messages": None},
        400: {"messages": [{"role": "user", "content": 7}]},
        900: long,
        1499: "{not json",
    }
    for line, what in sorted(bad.items()):
        records.insert(line - 1, what)
    write_jsonl(tmp_path / "a.jsonl", records)
    rows = rows_of(tmp_path, "a.jsonl")
    refused = [row for row in rows if isinstance(row, Quarantine)]
    assert texts(rows) == [[m["content"] for m in record(n)["messages"]] for n in range(1500)]
    assert [row.where for row in refused] == [f"s: a.jsonl#{line}" for line in sorted(bad)]
    reasons = [
        "messages is missing, not a list",
        "the content of message 1 is int, not text",
        "a line of 10,0",
        "not JSON",
    ]
    assert all(row.detail.startswith(reason) for row, reason in zip(refused, reasons, strict=True))
    assert all(len(row.raw) <= 100_000 for row in refused)


def test_one_bad_element_of_an_array_costs_one_element(tmp_path: Path) -> None:
    good = [json.dumps(r) for r in GOOD]
    long = json.dumps(
        {"messages": [{"role": "user", "content": 'a "quoted\\" [bracket' * 200_000}]}
    )
    text = (
        "["
        + ",".join(
            [
                *good[:20],
                '{"messages": [{"role": user}]}',
                *good[20:30],
                long,
                "\udcff",
                "}",
                *good[30:],
            ]
        )
        + "]"
    )
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    rows = rows_of(tmp_path, "a.json")
    assert texts(rows) == EXPECTED
    assert [(row.where, row.detail[:20]) for row in rows if isinstance(row, Quarantine)] == [
        ("s: a.json#21", "not JSON: Expecting "),
        ("s: a.json#32", "4,000,000 bytes of t"),
        ("s: a.json#33", "not JSON: Expecting "),
        ("s: a.json#34", "not JSON: a comma be"),
    ]


@pytest.mark.parametrize("cut", [0.3, 0.9])
@pytest.mark.parametrize(
    ("name", "pack"), [*PACKED[1:5], ("a.json", bytes)], ids=["gz", "bz2", "xz", "zst", "json"]
)
def test_a_file_that_breaks_off_keeps_what_came_before(
    tmp_path: Path, name: str, pack: Any, cut: float
) -> None:
    whole = [record(n) for n in range(1200)]
    plain = (
        json.dumps(whole).encode()
        if name == "a.json"
        else "".join(json.dumps(r) + "\n" for r in whole).encode()
    )
    packed = pack(plain)
    (tmp_path / name).write_bytes(packed[: int(len(packed) * cut)])
    rows = rows_of(tmp_path, name)
    expected = [[m["content"] for m in r["messages"]] for r in whole]
    kept = texts(rows)
    assert kept == expected[: len(kept)]
    assert [type(row) for row in rows[len(kept) :]].count(Quarantine) in (
        1,
        2,
    )  # the broken row, and the broken file
    assert len(kept) > 0 or pack in (
        bz2.compress,
        lzma.compress,
    )  # these give nothing before a block is whole


def test_a_zip_file_of_an_unknown_version_is_one_row(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jsonl", '{"messages": []}')
    data = (tmp_path / "a.zip").read_bytes()
    version = data.index(b"PK\x01\x02") + 6
    (tmp_path / "a.zip").write_bytes(data[:version] + b"\x40" + data[version + 1 :])
    [row] = rows_of(tmp_path, "a.zip")
    assert (row.rule, "version" in row.detail) == ("file.damaged", True)


def test_bad_rows_of_a_table(tmp_path: Path) -> None:
    good = 'id,chat\n1,"Ada: Thé?\nBen: À la bonne heure."\n2\n'.encode()
    table = good + b'3,"Ada: \xff\xfe\nBen: Hm."\n4,"Ada: Tea?\nBen: Please."\n'
    (tmp_path / "a.csv").write_bytes(table)
    rows = rows_of(tmp_path, "a.csv", max_bytes=20_000)
    assert texts(rows) == [["Thé?", "À la bonne heure."], ["Tea?", "Please."]]
    assert [row.where for row in rows if isinstance(row, Quarantine)] == [
        f"s: a.csv#{n}" for n in (2, 3)
    ]


CELLS = {"bare": "{}", "quoted": '"{}"', "half": 'Ada: Hm?, "{}"', "below": '"Ada: Hm?\n{}"'}


@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_row_of_a_table_that_is_too_long_is_one_row_of_the_quarantine(
    tmp_path: Path, cell: str, place: int
) -> None:
    good = [f'{n},"Ada: Tea {n}?\nBen: Please."\n' for n in range(3)]
    good.insert(place, "long," + cell.format("Ada: x\tBen: " + "long " * 400_000) + "\n")
    (tmp_path / "a.csv").write_text("id,chat\n" + "".join(good))
    rows = rows_of(tmp_path, "a.csv")
    assert texts(rows) == [[f"Tea {n}?", "Please."] for n in range(3)]
    [refused] = [row for row in rows if isinstance(row, Quarantine)]
    assert refused.where == f"s: a.csv#{place + 1}"
    assert refused.detail.startswith("a line of 2,0")


def test_any_number_of_unreadable_records_may_stand_before_the_first_good_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{not json\n" * 50 + JSONL)
    rows = rows_of(tmp_path, "a.jsonl")
    assert texts(rows) == EXPECTED
    assert [row.where for row in rows if isinstance(row, Quarantine)] == [
        f"s: a.jsonl#{n}" for n in range(1, 51)
    ]


def test_rows_of_our_own_stores_pass_unchanged(tmp_path: Path) -> None:
    stored = [
        conversation(n, edits=("filter: merged",), measures={"turns": 6.0}) for n in range(30)
    ]
    pq.write_table(to_table(stored), tmp_path / "part.parquet")
    assert rows_of(tmp_path, "part.parquet") == stored


def test_ids_stay_when_the_folder_moves_and_days_are_the_files_own(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "old" / "train" / "a.jsonl", GOOD[:3])
    write_jsonl(tmp_path / "old" / "test" / "a.jsonl", GOOD[3:5])
    for path in (tmp_path / "old").rglob("*.jsonl"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    before = rows_of(tmp_path, "old/**/*.jsonl")
    shutil.copytree(tmp_path / "old", tmp_path / "far" / "away")
    assert rows_of(tmp_path / "far", "away") == before
    assert [row.source.ref for row in before] == [
        *(f"test/a.jsonl#{n}" for n in (1, 2)),
        *(f"train/a.jsonl#{n}" for n in (1, 2, 3)),
    ]
    assert {row.source.retrieved for row in before} == {dt.date(2020, 9, 13)}
    assert len({row.id for row in before}) == 5


def test_small_files_are_bundled_and_units_are_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BUNDLE", 3_000)
    for n in range(12):
        write_jsonl(tmp_path / f"{n:02}.jsonl", GOOD[n : n + 1] * (8 if n == 5 else 1))
    source = SourceSettings(name="s", files=["*.jsonl"])
    units = files.units(source, tmp_path)
    assert pickle.loads(pickle.dumps(units)) == units == files.units(source, tmp_path)
    assert [f.path for unit in units for f in unit.files] == [f"{n:02}.jsonl" for n in range(12)]
    assert 1 < len(units) < 12
    assert all(len(unit.files) == 1 or sum(f.size for f in unit.files) <= 3_000 for unit in units)


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    (tmp_path / "notes.md").write_text("not read: the folder means what can be read")
    assert texts(rows_of(tmp_path, "a.jsonl", "*.jsonl", ".")) == EXPECTED


def test_a_unit_holds_just_as_many_bytes_as_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcd":
        (tmp_path / f"{name}.jsonl").write_bytes(b"x" * 10)
    source = SourceSettings(name="s", files=["*.jsonl"])
    for limit, sizes in ((20, [2, 2]), (19, [1, 1, 1, 1]), (30, [3, 1])):
        monkeypatch.setattr(files, "BUNDLE", limit)
        assert [len(unit.files) for unit in files.units(source, tmp_path)] == sizes


def test_records_are_found_inside_one_object_but_not_at_any_depth(tmp_path: Path) -> None:
    def nested(depth: int) -> Any:
        return {"version": 1, "data": nested(depth - 1)} if depth else GOOD[:3]

    (tmp_path / "a.json").write_text(json.dumps(nested(5)))
    assert texts(rows_of(tmp_path, "a.json")) == EXPECTED[:3]
    (tmp_path / "a.json").write_text(json.dumps(nested(6)))
    with pytest.raises(UserError, match="no known shape fits"):
        rows_of(tmp_path, "a.json")


def test_an_object_is_a_box_of_records_only_when_most_of_it_are_records(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a": GOOD[0], "b": GOOD[1], "version": 1}))
    assert len(rows_of(tmp_path, "a.json")) == 3  # the version is a row of the quarantine
    (tmp_path / "a.json").write_text(json.dumps({"a": GOOD[0], "version": 1}))
    with pytest.raises(UserError, match="no known shape fits"):
        rows_of(tmp_path, "a.json")


def test_a_shape_is_the_one_of_most_records(tmp_path: Path) -> None:
    other = {"prompt": "Who?", "completion": "Ada."}
    write_jsonl(tmp_path / "a.jsonl", [GOOD[0], other, other])
    rows = rows_of(tmp_path, "a.jsonl")
    assert [type(row) for row in rows] == [Quarantine, Conversation, Conversation]
    write_jsonl(tmp_path / "a.jsonl", [other, GOOD[0], GOOD[1]])
    rows = rows_of(tmp_path, "a.jsonl")
    assert [type(row) for row in rows] == [Quarantine, Conversation, Conversation]


def test_a_line_of_a_text_that_is_too_long_follows_the_conversation_it_stands_in(
    tmp_path: Path,
) -> None:
    chat = ["Ada: Hello.", "Ben: Evening."]
    (tmp_path / "a.txt").write_text("\n".join([*chat, "x" * 300, "---", *chat]))
    rows = rows_of(tmp_path, "a.txt", max_bytes=200)
    assert [row.where if isinstance(row, Quarantine) else row.source.ref for row in rows] == [
        "a.txt#1",
        "s: a.txt#line 3",
        "a.txt#2",
    ]
    assert {row.split_group for row in rows if isinstance(row, Conversation)} == {"s/a.txt"}


def test_an_fsspec_address_is_read_like_a_folder(tmp_path: Path) -> None:
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe("/chats/a.jsonl.gz", gzip.compress(JSONL))
    system.pipe("/chats/notes.md", b"none")
    try:
        rows = rows_of(tmp_path, "memory://chats")
        assert texts(rows) == EXPECTED
        assert rows[0].source.ref == "a.jsonl.gz#1"
        assert texts(rows_of(tmp_path, "memory://chats/*.gz")) == EXPECTED
    finally:
        system.rm("/chats", recursive=True)


def test_half_characters_and_very_long_numbers(tmp_path: Path) -> None:
    head = '{"messages": [{"role": "assistant", "content": "b"}, {"role": "user", "content": '
    lines = [
        head + '"half \\ud83d"}]}',
        head + '"x"}], "score": NaN}',
        head + '"y"}], "n": 99999999999999999999}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "a.json").write_text("[" + ",".join(lines) + "]")
    for name in ("a.jsonl", "a.json"):
        rows = rows_of(tmp_path, name)
        assert [type(row) for row in rows] == [Quarantine, Conversation, Conversation]
        to_table(rows[1:])


def test_a_few_lines_of_yaml_cannot_fill_the_memory(tmp_path: Path) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (tmp_path / "a.yaml").write_text("l0: &l0 [ha, ha]\n" + levels + "conversations: [[a, b]]\n")
    [row] = rows_of(tmp_path, "a.yaml")
    assert "aliases are not followed" in row.detail


def plain_bytes(name: str) -> bytes:
    """Ten conversations in one of the formats."""
    store = io.BytesIO()
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(GOOD[:10]), store, row_group_size=3)
        return store.getvalue()
    if name.endswith("csv"):
        return b"id,chat\n" + b"".join(b'%d,"Ada: Hello\nBen: Evening."\n' % n for n in range(10))
    if name.endswith("yaml"):
        return yaml.safe_dump({"conversations": EXPECTED[:10]}).encode()
    if name.endswith("json"):
        return json.dumps(GOOD[:10]).encode()
    return (
        b"".join(b"Ada: Hello %d\nBen: Evening.\n\n" % n for n in range(10))
        if name == "a.txt"
        else JSONL[:4000]
    )


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.csv", "a.yaml", "a.parquet", "a.txt", "a.zip"]
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 9)), min_size=1, max_size=4
    )
)
def test_damaged_bytes_never_break_the_reading(
    tmp_path: Path, name: str, changes: list[tuple[float, bytes, int]]
) -> None:
    pack = {"a.jsonl.gz": gzip.compress, "a.zip": zipped}.get(name, bytes)
    data = pack(plain_bytes(name))
    for where, junk, gone in changes:
        at = int(where * len(data))
        data = data[:at] + junk + data[at + gone :]
    (tmp_path / name).write_bytes(data)
    rows, message = [], "source s: "
    try:
        rows = rows_of(tmp_path, name)
    except UserError as error:  # what is left fits no shape
        message = str(error)
    assert message.startswith("source s: ")
    to_table([row for row in rows if isinstance(row, Conversation)])
    assert len({row.id for row in rows}) == len(rows)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "missing": (
        {"files": ["nowhere/*.jsonl"]},
        r"source s: no file matches nowhere/\*\.jsonl",
    ),
    "shape": (
        {"files": ["odd.jsonl"]},
        r"(?s)odd\.jsonl: no known shape fits\.\nThe first record holds:\n  price: 3\n",
    ),
    "text": (
        {"files": ["prose.txt"]},
        r"source s: prose\.txt: no known shape fits\. Tried: .*whatsapp, .*log\.",
    ),
    "format": (
        {"files": ["image.xyz"]},
        r"image\.xyz: unknown file format \.xyz; known are \.jsonl",
    ),
    "card": (
        {"files": ["ada.png"]},
        r"ada\.png: a picture\. Character cards are read by `generate`",
    ),
    "name": (
        {"files": ["odd.jsonl"], "shape": "mesages"},
        r"source s: unknown shape 'mesages' for odd\.jsonl; known are .*mess",
    ),
    "kind": (
        {"files": ["odd.jsonl"], "shape": "whatsapp"},
        r"source s: odd\.jsonl: the shape whatsapp reads no such file",
    ),
    "licence": (
        {"files": ["odd.jsonl"], "license": "CC-BY-SA-4"},
        r"source s: unknown licence 'CC-BY-SA-4'; did you mean CC-BY",
    ),
}


@pytest.mark.parametrize(
    ("source", "message"),
    MISTAKES.values(),
    ids=MISTAKES,
)
def test_a_mistake_is_one_message_with_the_name_of_the_source(
    tmp_path: Path, source: dict[str, Any], message: str
) -> None:
    source = dict(source)
    (tmp_path / "odd.jsonl").write_text('{"price": 3}\n{"price": 4}\n')
    (tmp_path / "prose.txt").write_text("It was a dark and stormy night.\nNobody spoke.\n")
    (tmp_path / "image.xyz").write_bytes(b"BM")
    (tmp_path / "ada.png").write_bytes(b"PNG")
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path, *source.pop("files"), **source)


def test_licences_are_written_as_spdx_writes_them(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", GOOD[:1])
    assert rows_of(tmp_path, "a.jsonl", license="cc-by-4.0")[0].source.license == "CC-BY-4.0"
    assert (
        rows_of(tmp_path, "a.jsonl", license="LicenseRef-home")[0].source.license
        == "LicenseRef-home"
    )


# Set → conversations, messages, rows in quarantine, sides with a persona. Where a number differs
# from the README of the sets, the reason stands beside it.
SETS = {
    "synthetic_persona_chat": (1000, 27777, 0, 2000),
    "sgd": (836, 11928, 0, 0),
    "taskmaster4": (500, 1883, 0, 500),
    "self_dialogue": (16113, 216230, 0, 0),
    "casino": (930, 12903, 0, 1860),
    "oasst_trees": (100, 323, 0, 0),  # 1,167 messages in 100 trees: the best path of each
    "sharegpt_dummy": (500, 2000, 0, 0),
    "abcd_sample": (3, 63, 0, 0),  # 72 turns, 9 of them actions, which are not messages
    "chatterbot": (
        7609,
        19535,
        8,
        0,
    ),  # 8 entries are not a list: the YAML of the source is broken there
    "xpersona": (2668, 39624, 0, 2668),  # 40,624 with the 1,000 `__SILENCE__` of the English part
    "kdconv": (450, 9321, 0, 0),
    "cdial_toy": (2000, 4000, 0, 0),
    "plays_de": (155, 6268, 0, 0),  # 6,313 speeches, 45 of them only stage directions
    "plays_ru": (271, 4696, 0, 0),  # 4,700, 4 only stage directions
    "plays_pl": (117, 3383, 0, 0),
    "plays_nl": (89, 1109, 0, 0),
    "plays_sv": (62, 1721, 0, 0),  # 1,755, 34 only stage directions
    "gpteacher_roleplay": (1923, 3846, 0, 0),
}


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared dialogue sets are not beside this checkout"
)
def test_every_shared_dialogue_set_is_read_by_one_recipe() -> None:
    recipe = Path(__file__).parents[1] / "benchmarks" / "recipes" / "all-sets.yaml"
    sources = yaml.safe_load(recipe.read_text())["collect"]["sources"]
    assert [set(source) - {"name", "files", "license", "attribution"} for source in sources] == [
        set()
    ] * len(SETS)
    found = {}
    for source in sources:
        collecting = CollectSettings(sources=[SourceSettings(**source)])
        rows = [
            r
            for unit in collect.units(collecting, recipe.parent)
            for r in collect.read(unit, collecting, recipe.parent)
            if not isinstance(r, FileRead)
        ]
        kept = [row for row in rows if isinstance(row, Conversation)]
        personas = sum((row.persona is not None) + (row.user_persona is not None) for row in kept)
        found[source["name"]] = (
            len(kept),
            sum(len(r.messages) for r in kept),
            len(rows) - len(kept),
            personas,
        )
        assert len({row.id for row in rows}) == len(rows)
    assert found == SETS


def test_wildcards_in_the_name_of_a_folder_or_file_that_exists_are_plain_characters(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "sets [old]"
    write_jsonl(folder / "a.jsonl", [record(1)])
    write_jsonl(folder / "b[2].jsonl", [record(2)])
    for pattern, count in (("a.jsonl", 1), ("b[2].jsonl", 1), ("*.jsonl", 2), (str(folder), 2)):
        assert len(rows_of(folder, pattern)) == count, pattern
