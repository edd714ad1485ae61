"""Sources and paths: what is read, what is passed over and listed, what is lost and reported."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import os
import socket
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline import UserError, collect
from pipeline.cli import cli
from pipeline.collect import files, paths
from pipeline.collect.dialect import dialect_of
from pipeline.collect.shapes.general import markdown, subtitles
from pipeline.collect.shapes.transcript import Place, Transcript, Unclear, Unread
from pipeline.collect.tables import rows as table_rows
from pipeline.conversation import Conversation, FileRead, Quarantine
from pipeline.recipe.collect import CollectSettings, SourceSettings
from pipeline.recipe.one_stage import named
from pipeline.store.columns import SCHEMA, to_table
from tests.rows import conversation, record, write_jsonl

GOOD = [record(n) for n in range(40)]
JSONL = "".join(json.dumps(one) + "\n" for one in GOOD).encode()
EXPECTED = [[m["content"] for m in one["messages"]] for one in GOOD]


def all_of(folder: Path, *names: str, **source: Any) -> list[Any]:
    """Every row of a source, the reports of its files among them."""
    collecting = CollectSettings(sources=[SourceSettings(name="s", files=list(names), **source)])
    units = collect.units(collecting, folder)
    return [row for unit in units for row in collect.read(unit, collecting, folder)]


def rows_or_refusal(folder: Path, name: str) -> list[Any] | None:
    """Every row of a file; None where it is refused in words that name it."""
    try:
        return all_of(folder, name)
    except UserError as error:
        if str(error).startswith(f"source s: {name}"):
            return None
        raise


def kept(rows: list[Any]) -> list[Conversation]:
    return [row for row in rows if isinstance(row, Conversation)]


def texts(rows: list[Any]) -> list[list[str]]:
    return [[m.content for m in row.messages] for row in kept(rows)]


def quarantined(rows: list[Any]) -> list[Quarantine]:
    return [row for row in rows if isinstance(row, Quarantine)]


def passed_over(rows: list[Any]) -> dict[str, str]:
    found = [row for row in rows if isinstance(row, FileRead)]
    return {row.path: row.passed_over for row in found if row.passed_over}


def shapes_of(rows: list[Any]) -> dict[str, str | None]:
    found = [row for row in rows if isinstance(row, FileRead)]
    return {row.path: row.shape for row in found if not row.passed_over}


def collected(tmp_path: Path, *inputs: str) -> tuple[int, str, Path]:
    """(exit code, all output, run folder) of `rapport collect`."""
    out = tmp_path / "out"
    done = CliRunner().invoke(cli, ["collect", *inputs, "--out", str(out)])
    if done.exception and not isinstance(done.exception, SystemExit | UserError):
        raise done.exception
    message = str(done.exception) if isinstance(done.exception, UserError) else ""
    return done.exit_code, done.output + message, out


# --- which files


@pytest.mark.parametrize("name", ["chat [77].jsonl", "what?.jsonl", "a*.jsonl", "[LINE] b.jsonl"])
def test_a_path_that_exists_is_that_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "old [1]"
    write_jsonl(folder / name, GOOD[:1])
    write_jsonl(folder / "chat 7.jsonl", GOOD[1:2])
    for pattern in (f"old [1]/{name}", str(folder / name)):
        assert texts(all_of(tmp_path, pattern)) == EXPECTED[:1]


def test_brackets_in_a_pattern_are_characters_first_and_a_choice_second(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "x [1]" / "chat [7].jsonl", GOOD[:1])
    write_jsonl(tmp_path / "y" / "chat 7.jsonl", GOOD[1:2])
    assert texts(all_of(tmp_path, "*/chat [7].jsonl")) == EXPECTED[:1]
    assert texts(all_of(tmp_path, "x [1]/*.jsonl")) == EXPECTED[:1]
    assert texts(all_of(tmp_path, "[xy]/chat [78].jsonl")) == EXPECTED[1:2]
    assert texts(all_of(tmp_path, "*/chat [0-9].jsonl")) == EXPECTED[1:2]


def test_a_file_of_a_store_may_have_brackets_too(tmp_path: Path) -> None:
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe("/chats/chat [77].jsonl", JSONL)
    try:
        assert texts(all_of(tmp_path, "memory://chats/chat [77].jsonl")) == EXPECTED
    finally:
        system.rm("/chats", recursive=True)


def mixed(folder: Path) -> None:
    """A folder as people have it."""
    write_jsonl(folder / "a.jsonl", GOOD[:2])
    (folder / "LICENSE.txt").write_text("CC0\n")
    (folder / "README.md").write_text("**Ada:** one\n**Ben:** two\n**Ada:** a\n**Ben:** b\n")
    (folder / "notes.txt").write_text("remember to ask Lio\n")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0junk")
    (folder / "ada.json").write_text('{"spec": "chara_card_v2", "data": {"name": "Ada"}}')
    (folder / "config.json").write_text('{"price": 3}')
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / ".hidden.jsonl").write_text("{not json")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "a.jsonl").write_text("{not json")
    (folder / "~$rows.xlsx").write_bytes(b"lock")


REASONS = {
    "LICENSE.txt": "a readme or a licence",
    "README.md": "a readme or a licence",
    "notes.txt": "no known shape fits",
    "photo.jpg": "a picture.",
    "ada.json": "is a character card",
    "config.json": "no known shape fits",
    "empty.jsonl": "it is empty",
}


@pytest.mark.parametrize("way", ["folder", "pattern", "zip", "tar"])
def test_what_holds_no_conversation_is_listed_and_passed_over(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "mix"
    mixed(folder)
    names = {"folder": "mix", "pattern": "mix/*", "zip": "mix.zip", "tar": "mix.tar.gz"}
    if way == "zip":
        with zipfile.ZipFile(tmp_path / "mix.zip", "w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
    elif way == "tar":
        with tarfile.open(tmp_path / "mix.tar.gz", "w:gz") as archive:
            archive.add(folder, ".")
    rows = all_of(tmp_path, names[way])
    assert texts(rows) == EXPECTED[:2]
    found = passed_over(rows)
    shown = {Path(name).name: reason for name, reason in found.items()}
    if way == "pattern":
        shown = {name: reason for name, reason in shown.items() if "__MACOSX" not in name}
    assert shown.keys() == REASONS.keys()
    for name, reason in REASONS.items():
        assert shown[name].startswith(reason), name
    assert not quarantined(rows)


def test_a_file_that_is_named_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    mixed(tmp_path / "mix")
    for name in ("notes.txt", "photo.jpg", "ada.json", "config.json"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            all_of(tmp_path, f"mix/{name}")
    # a readme is tried when somebody names it
    assert len(kept(all_of(tmp_path, "mix/README.md"))) == 1
    assert len(kept(all_of(tmp_path, "mix", "mix/README.md"))) == 3


def test_an_archive_inside_an_archive_is_named_and_passed_over(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("b.jsonl", JSONL)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("chat [1].jsonl", JSONL)
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("more.tar", b"\0" * 257 + b"ustar" + b"\0" * 300)
    rows = all_of(tmp_path, "a.zip")
    assert texts(rows) == EXPECTED
    inside = "an archive inside an archive: unpack it first"
    assert passed_over(rows) == {"a.zip/inner.zip": inside, "a.zip/more.tar": inside}


def test_a_file_beside_another_is_found_in_the_archive(tmp_path: Path) -> None:
    from pipeline.collect import archives

    (tmp_path / "users.json").write_text("not this one")
    data = {"general/2024.json": b"[]", "users.json": b"[1]"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in data.items():
            archive.writestr(name, content)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, content in data.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    for name in ("a.zip", "a.tar"):
        with (tmp_path / name).open("rb") as stream:
            for one in archives.members(name[2:], stream):
                assert isinstance(one, archives.Member)
                if "2024" in one.path:
                    assert one.beside("../users.json") == b"[1]"
                    assert one.beside("users.json") is None


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress, bz2.compress])
def test_tar_archives_however_compressed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    store = io.BytesIO()
    with tarfile.open(fileobj=store, mode="w") as archive:
        for name, content in (("a/b.jsonl", JSONL), ("README", b"about")):
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
        link = tarfile.TarInfo("link.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    (tmp_path / "a.tar").write_bytes(pack(store.getvalue()))
    rows = all_of(tmp_path, "a.tar")
    assert texts(rows) == EXPECTED
    assert passed_over(rows) == {
        "a.tar/README": "a readme or a licence",
        "a.tar/link.jsonl": "a link",
    }
    cut = pack(store.getvalue()[: 512 + len(JSONL) // 2])
    (tmp_path / "a.tar").write_bytes(cut)
    rows = all_of(tmp_path, "a.tar")
    assert texts(rows) == EXPECTED[: len(kept(rows))]
    assert quarantined(rows)[-1].rule == "file.damaged"


def test_one_locked_member_costs_one_member(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jsonl", JSONL)
        archive.writestr("b.jsonl", JSONL)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    first = data.index(b"PK\x01\x02")
    data[first + 8] |= 1  # the first is marked as encrypted
    data[data.index(b"PK\x03\x04") + 6] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    rows = all_of(tmp_path, "a.zip")
    assert texts(rows) == EXPECTED
    [refused] = quarantined(rows)
    assert (refused.rule, "password" in refused.detail) == ("file.damaged", True)


def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", GOOD[:1])
    os.mkfifo(tmp_path / "in" / "pipe.jsonl")
    (tmp_path / "in" / "lost.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in" / "back").symlink_to(tmp_path / "in")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "in" / "socket"))
        rows = all_of(tmp_path, "in")
        assert texts(rows) == EXPECTED[:1]
        assert passed_over(rows) == {
            "pipe.jsonl": "a named pipe",
            "lost.jsonl": "a link to something that does not exist",
            "back": "a link to a folder",
            "socket": "a socket",
        }
    for name, what in (("in/pipe.jsonl", "named pipe"), ("/dev/zero", "a device")):
        with pytest.raises(UserError, match=what):
            all_of(tmp_path, name)
    with pytest.raises(UserError, match=r"nowhere is a link to something that does not exist"):
        all_of(tmp_path, "in/lost.jsonl")


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", GOOD[:1])
    write_jsonl(tmp_path / "in" / "locked" / "b.jsonl", GOOD[:1])
    scandir = os.scandir

    def locked(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(paths.os, "scandir", locked)
    rows = all_of(tmp_path, "in")
    assert texts(rows) == EXPECTED[:1]
    assert passed_over(rows) == {"locked": "cannot be read: Permission denied"}


def test_a_file_that_vanishes_meanwhile_costs_one_row_that_is_asked_for_again(
    tmp_path: Path,
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write_jsonl(tmp_path / "in" / name, GOOD[:1])
    collecting = CollectSettings(sources=[SourceSettings(name="s", files=["in"])])
    [unit] = collect.units(collecting, tmp_path)
    (tmp_path / "in" / "a.jsonl").unlink()
    rows = list(collect.read(unit, collecting, tmp_path))
    assert texts(rows) == EXPECTED[:1]
    [lost] = quarantined(rows)
    assert (lost.rule, lost.transient) == ("file.unread", True)
    assert "No such file" in lost.detail


def test_a_name_that_is_not_utf8_costs_one_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_jsonl(tmp_path / "in" / "a.jsonl", GOOD[:1])
    odd = os.fsencode(tmp_path / "in") + b"/caf\xe9.jsonl"
    Path(os.fsdecode(odd)).write_bytes(JSONL)
    code, shown, out = collected(tmp_path, str(tmp_path / "in"))
    assert code == 0, shown
    [lost] = pq.read_table(out / "1-collect" / "quarantine").to_pylist()
    assert (lost["rule"], lost["where"]) == ("file.name", "in: caf\\xe9.jsonl")
    assert pq.read_table(out / "1-collect" / "kept").num_rows == 1


def test_an_input_whose_name_is_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl")).write_bytes(JSONL)
    code, shown, _ = collected(tmp_path, os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    assert code == 1
    assert "UTF-8" in shown


def test_the_folder_of_a_run_is_no_input_and_is_not_read_by_accident(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", GOOD[:2])
    code, shown, out = collected(tmp_path, str(tmp_path / "a.jsonl"))
    assert code == 0, shown
    rows = all_of(tmp_path, ".")
    assert texts(rows) == EXPECTED[:2]
    assert passed_over(rows)["out"].startswith("the folder of a run")
    with pytest.raises(UserError, match="the folder of a run"):
        all_of(tmp_path, "out")
    assert texts(all_of(tmp_path, str(out / "1-collect" / "kept"))) == EXPECTED[:2]


def test_files_are_cut_into_units_in_a_time_that_grows_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted: every file is looked at once, however many there are."""
    looked: list[str] = []
    stat = Path.stat

    def counting(path: Path, **more: Any) -> os.stat_result:
        looked.append(str(path))
        return stat(path, **more)

    for count in (20, 200):
        folder = tmp_path / str(count)
        for number in range(count):
            (folder / f"{number // 7}").mkdir(parents=True, exist_ok=True)
            (folder / f"{number // 7}" / f"{number}.jsonl").touch()
        looked.clear()
        monkeypatch.setattr(Path, "stat", counting)
        units = files.units(SourceSettings(name="s", files=[str(folder)]), tmp_path)
        monkeypatch.undo()
        assert sum(len(unit.files) for unit in units) == count
        assert len([path for path in looked if path.endswith(".jsonl")]) == count


def test_a_store_is_asked_once_for_the_sizes_of_all_its_files(tmp_path: Path) -> None:
    import fsspec

    system = fsspec.filesystem("memory")
    for number in range(300):
        system.pipe(f"/many/{number}.jsonl", b"x")
    asked: list[str] = []
    info = type(system).info

    def counting(self: Any, path: str, **more: Any) -> Any:
        asked.append(path)
        return info(self, path, **more)

    try:
        type(system).info = counting  # type: ignore[method-assign]
        [unit] = files.units(SourceSettings(name="s", files=["memory://many"]), tmp_path)
    finally:
        type(system).info = info  # type: ignore[method-assign]
        system.rm("/many", recursive=True)
    assert len(unit.files) == 300
    assert len(asked) < 10


def test_inputs_of_one_name_are_numbered_without_counting_from_the_beginning() -> None:
    found = [name for name, _ in named([f"{number}/chat.jsonl" for number in range(3000)])]
    assert found[:3] == ["chat", "chat-2", "chat-3"]
    assert len(set(found)) == 3000
    assert [
        name for name, _ in named(["chat-2.txt", "a/chat.txt", "b/chat.txt", "c/chat.txt"])
    ] == [
        "chat-2",
        "chat",
        "chat-3",
        "chat-4",
    ]


# --- what the command reports


def test_the_result_names_what_was_read_and_what_was_passed_over(tmp_path: Path) -> None:
    mixed(tmp_path / "mix")
    code, shown, _ = collected(tmp_path, str(tmp_path / "mix"))
    assert code == 0
    assert "1 file read as messages, 2 conversations: a.jsonl" in shown
    assert "passed over: photo.jpg: a picture" in shown


def test_a_source_without_a_row_is_named_and_the_command_is_done_in_part(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "good" / "a.jsonl", GOOD[:1])
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "notes.txt").write_text("nothing here\n")
    for command in ("collect", "filter", "score", "dedup"):
        out = str(tmp_path / command)
        inputs = [str(tmp_path / "good"), str(tmp_path / "bad")]
        done = CliRunner().invoke(cli, [command, *inputs, "--out", out])
        assert done.exit_code == 3, done.output
        assert "Source bad gave no row" in done.output
        assert "Source good" not in done.output


def test_a_run_of_which_nothing_was_read_stops_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "notes.txt").write_text("nothing here\n")
    (tmp_path / "bad" / "a.pdf").write_bytes(b"%PDF-1.7\n")
    code, shown, _ = collected(tmp_path, str(tmp_path / "bad"))
    assert code == 1
    assert "notes.txt: no known shape fits" in shown
    assert "a.pdf: a PDF" in shown


def test_broken_records_alone_are_done_in_part(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1,}\n{"b": // no\n')
    code, shown, out = collected(tmp_path, str(tmp_path / "a.jsonl"))
    assert code == 3, shown
    details = [row["detail"] for row in pq.read_table(out / "1-collect" / "quarantine").to_pylist()]
    assert "a comma before a closing bracket" in details[0]


# --- content before endings

CHAT = "Ada: Is the kettle on?\nBen: It sings.\nAda: Then pour.\nBen: With milk?\n"
TURNS = "dialogue_id,speaker,text\nd1,Ada,Is the kettle on?\nd1,Ben,It sings.\n"
ARRAY = json.dumps(GOOD, indent=1).encode()
PRETTY = b"\n".join(json.dumps(one, indent=2).encode() for one in GOOD)
CONTENT: dict[str, tuple[str, bytes, list[list[str]]]] = {
    "array in jsonl": ("a.jsonl", ARRAY, EXPECTED),
    "array on one line in jsonl": ("a.jsonl", json.dumps(GOOD).encode(), EXPECTED),
    "array in txt": ("a.txt", ARRAY, EXPECTED),
    "pretty object in jsonl": ("a.jsonl", json.dumps(GOOD[0], indent=2).encode(), EXPECTED[:1]),
    "pretty objects in jsonl": ("a.jsonl", PRETTY, EXPECTED),
    "pretty objects in json": ("a.json", PRETTY, EXPECTED),
    "lines in json": ("a.json", JSONL, EXPECTED),
    "lines in txt": ("a.txt", JSONL, EXPECTED),
    "lines in log": ("a.log", JSONL, EXPECTED),
    "lines without an ending": ("a", JSONL, EXPECTED),
    "lines in an unknown ending": ("a.dat", JSONL, EXPECTED),
    "lines in csv": ("a.csv", JSONL, EXPECTED),
    "lines with blank ones before": ("a.json", b"\n\n" + JSONL, EXPECTED),
    "two arrays": ("a.json", ARRAY + b"\n" + ARRAY, EXPECTED * 2),
    "a script": ("a.js", b"window.YTD.messages.part0 = " + ARRAY + b";", EXPECTED),
    "bom and crlf": ("a.jsonl", b"\xef\xbb\xbf" + JSONL.replace(b"\n", b"\r\n"), EXPECTED),
    "table in txt": ("a.txt", TURNS.encode(), [["Is the kettle on?", "It sings."]]),
    "tabs in txt": (
        "a.txt",
        TURNS.replace(",", "\t").encode(),
        [["Is the kettle on?", "It sings."]],
    ),
    "text in json": ("a.json", CHAT.encode(), [[line[5:] for line in CHAT.splitlines()]]),
    "text without an ending": ("chat", CHAT.encode(), [[line[5:] for line in CHAT.splitlines()]]),
    "old Mac text": (
        "a.txt",
        CHAT.replace("\n", "\r").encode(),
        [[x[5:] for x in CHAT.splitlines()]],
    ),
    "compressed without an ending": ("a", gzip.compress(JSONL), EXPECTED),
}


@pytest.mark.parametrize(("name", "data", "expected"), CONTENT.values(), ids=CONTENT)
def test_the_content_decides_before_the_ending(
    tmp_path: Path, name: str, data: bytes, expected: list[list[str]]
) -> None:
    (tmp_path / name).write_bytes(data)
    rows = all_of(tmp_path, name)
    assert texts(rows) == expected
    assert not quarantined(rows)


def test_a_first_line_that_is_cut_does_not_make_a_document_of_the_lines(tmp_path: Path) -> None:
    for first in ('{"messages": [', '{"a": "x', '{"a": 1', "{", '["a",', "oops"):
        (tmp_path / "a.jsonl").write_bytes(first.encode() + b"\n" + JSONL)
        rows = all_of(tmp_path, "a.jsonl")
        assert texts(rows) == EXPECTED, first
        assert [row.where for row in quarantined(rows)] == ["s: a.jsonl#1"]


def test_a_long_first_line_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(json.dumps({"a": "x" * 9_000_000}).encode() + b"\n" + JSONL)
    rows = all_of(tmp_path, "a.jsonl")
    assert texts(rows) == EXPECTED
    assert [row.rule for row in quarantined(rows)] == ["record.too_long"]


NO_TALK = {
    "png": (b"\x89PNG\r\n\x1a\n", "a picture"),
    "html": (b"<!DOCTYPE html><html><body>Ada: hi</body></html>", "a web page"),
    "pdf": (b"%PDF-1.4\n...", "a PDF"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "an old Excel or Word file"),
    "db": (b"SQLite format 3\0" + b"\0" * 99, "an SQLite database"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"\0" * 99, "an archive of a kind that is not read"),
    "mp3": (b"ID3\x03\0\0" + b"\0" * 99, "a sound or a film"),
    "pkl": (b"\x80\x04\x95\0\0", "a Python pickle"),
    "exe": (b"MZ\x90\0\x03" + bytes(range(256)), "unknown file format"),
    "rtf": (b"{\\rtf1 Ada: hi}", "rich text"),
    "ics": (b"BEGIN:VCALENDAR\nVERSION:2.0\n", "a calendar"),
    "eml": (b"From: ada@example.org\nTo: ben@example.org\nSubject: Hi\n\nHello\n", "an e-mail"),
}


@pytest.mark.parametrize("ending", ["own", "txt", ""])
@pytest.mark.parametrize("kind", NO_TALK)
def test_what_is_no_text_is_known_by_its_first_bytes(
    tmp_path: Path, kind: str, ending: str
) -> None:
    data, what = NO_TALK[kind]
    if kind == "exe" and ending == "txt":
        return  # a text of odd characters, by its name
    name = f"a.{kind}" if ending == "own" else "a.txt" if ending else "a"
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=f"{name}: {what}"):
        all_of(tmp_path, name)


def test_office_files_are_told_apart(tmp_path: Path) -> None:
    for name, part, what in (
        ("a.docx", "word/document.xml", "a Word document"),
        ("a.odt", "mimetype", "an OpenDocument file"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(part, "x")
        with pytest.raises(UserError, match=what):
            all_of(tmp_path, name)


def test_a_chat_may_begin_with_the_letters_of_a_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(CHAT.replace("Ada", "BM").replace("Ben", "ID3"))
    assert len(kept(all_of(tmp_path, "a.txt"))) == 1


# --- workbooks and tables


def workbook(path: Path, **sheets: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


ROWS = [
    ["dialogue_id", "turn", "speaker", "text"],
    [1, 0, "Ada", "Is the kettle on?"],
    [1, 1, "Ben", 42],
    [2, 0, "Ada", dt.datetime(2024, 5, 1, 9, 30)],
    [2, 1, "Ben", "Too early."],
]


def test_the_sheets_of_a_workbook_are_tables(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", Talks=ROWS, About=[["made by Ada"]], Empty=[], More=ROWS[:3])
    rows = all_of(tmp_path, "a.xlsx")
    assert texts(rows) == [
        ["Is the kettle on?", "42"],
        ["2024-05-01 09:30:00", "Too early."],
        ["Is the kettle on?", "42"],
    ]
    assert [row.source.ref for row in kept(rows)] == [
        "a.xlsx/Talks#2",
        "a.xlsx/Talks#4",
        "a.xlsx/More#2",
    ]
    assert list(passed_over(rows)) == ["a.xlsx/About"]


def test_a_workbook_without_a_talk_is_refused_and_a_damaged_one_reported(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", About=[["price", "size"], [3, 4], [5, 6]])
    with pytest.raises(UserError, match=r"a\.xlsx/About"):
        all_of(tmp_path, "a.xlsx")
    workbook(tmp_path / "b.xlsx", Talks=ROWS)
    data = (tmp_path / "b.xlsx").read_bytes()
    for size in (len(data) // 2, 100, 4):
        (tmp_path / "b.xlsx").write_bytes(data[:size])
        rows = all_of(tmp_path, "b.xlsx")
        assert [row.rule for row in quarantined(rows)] == ["file.damaged"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1), junk=st.binary(max_size=8), gone=st.integers(0, 9))
def test_damaged_workbooks_never_break_the_reading(
    tmp_path: Path, where: float, junk: bytes, gone: int
) -> None:
    if not (tmp_path / "whole.xlsx").exists():
        workbook(tmp_path / "whole.xlsx", Talks=ROWS)
    data = (tmp_path / "whole.xlsx").read_bytes()
    at = int(where * len(data))
    (tmp_path / "a.xlsx").write_bytes(data[:at] + junk + data[at + gone :])
    rows = rows_or_refusal(tmp_path, "a.xlsx")
    assert rows is None or kept(rows) or quarantined(rows) or passed_over(rows)


DIALECTS = {
    "semicolon": TURNS.replace(",", ";"),
    "tab": TURNS.replace(",", "\t"),
    "bar": TURNS.replace(",", "|"),
    "sep line": "sep=;\n" + TURNS.replace(",", ";"),
    "quoted": TURNS.replace("d1,Ada,Is the kettle on?", '"d1","Ada","Is the kettle on?"'),
    "crlf": TURNS.replace("\n", "\r\n"),
    "blank lines first": "\n\n" + TURNS,
    "separator at the end": TURNS.replace("?\n", "?,\n").replace(".\n", ".,\n"),
    "no header": "d1,Ada,Is the kettle on?\nd1,Ben,It sings.\n"
    "d2,Ada,Is it late again?\nd2,Ben,Not at all.\n",
    "foreign names": "Gespräch;Sprecher;Äußerung\nd1;Ada;Is the kettle on?\nd1;Ben;It sings.\n"
    "d2;Ada;Is it late again?\nd2;Ben;Not at all.\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("table", DIALECTS.values(), ids=DIALECTS)
def test_tables_in_the_dialects_of_spreadsheets(tmp_path: Path, table: str, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(table.encode(encoding))
    rows = all_of(tmp_path, "a.csv")
    assert texts(rows)[0] == ["Is the kettle on?", "It sings."]
    assert [m.name for m in kept(rows)[0].messages] == ["Ada", "Ben"]
    assert not quarantined(rows)


def of_table(text: str, limit: int = 100_000) -> list[Any]:
    """The rows of a table as lists of cells, None for one that cannot be read."""
    data = text.encode()
    found = table_rows(io.BytesIO(data), dialect_of(data), limit)
    return [list(row.values()) if isinstance(row, dict) else None for _, row in found]


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab"\\,;\t\n é'), max_size=6), min_size=3, max_size=3),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(",;\t|"),
)
def test_what_is_written_as_a_table_is_read_again(rows: list[list[str]], separator: str) -> None:
    import csv

    store = io.StringIO()
    writer = csv.writer(store, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["id", "speaker", "text"], *rows])
    found = of_table(store.getvalue())
    # what holds a row of its own in a cell may be given up, and is never read as other rows
    assert [row for row in found if row is not None] == [row for row in rows if row in found]
    if not any("\n" in cell for row in rows for cell in row):
        assert found == rows


def test_escaped_quotation_marks(tmp_path: Path) -> None:
    escaped = 'id,text\n1,"He asks \\"why\\", twice"\n2,"C:\\new \\\\ \\"x\\""\n'
    assert of_table(escaped) == [["1", 'He asks "why", twice'], ["2", 'C:\\new \\ "x"']]
    assert of_table('id,text\n1,"a ""b"", c"\n2,"C:\\"\n') == [["1", 'a "b", c'], ["2", "C:\\"]]
    bare = 'question\tanswer\n"Yes" or "no"?\tNo.\n"Late\tWho?\n'
    assert of_table(bare) == [['"Yes" or "no"?', "No."], ['"Late', "Who?"]]


@pytest.mark.parametrize("quoted", [True, False], ids=["quoted", "bare"])
@pytest.mark.parametrize("place", [1, 2000, 4999])
def test_an_open_quotation_mark_costs_one_row(place: int, quoted: bool) -> None:
    mark = '"' if quoted else ""
    lines = [f"{number},Ada,{mark}Hello number {number}{mark}" for number in range(5000)]
    lines[place] = f'{place},Ben,"It is late'
    found = of_table("\n".join(["id,speaker,text", *lines]) + "\n")
    assert len(found) == 5000
    assert [number for number, row in enumerate(found) if row is None] == [place]


def test_an_open_quotation_mark_in_cells_of_several_lines_costs_one_row() -> None:
    cell = "Ada: Tea {n}?\nBen: Yes, please.\nAda: Two, or three?"
    rows = [f'{n},"{cell.format(n=n)}"' for n in range(300)]
    rows[100] = f'100,"{cell.format(n=100)}'
    rows[200] = '200,"Ada: He said "no".\nBen: Yes, please."'
    found = of_table("\n".join(["id,chat", *rows]) + "\n")
    assert [number for number, row in enumerate(found) if row is None] == [100, 200]
    good = [number for number in range(300) if number not in (100, 200)]
    assert [row for row in found if row] == [[str(n), cell.format(n=n)] for n in good]


def test_columns_of_one_name_are_kept_apart() -> None:
    data = b"text,text,\na,b,c\n"
    assert list(dialect_of(data).names) == ["text", "text 2", ""]


def test_a_table_without_a_header_is_read_only_where_the_columns_are_sure(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,Is the kettle on?,yes\n2,Does it sing again?,no\n")
    with pytest.raises(UserError, match="column 1"):
        all_of(tmp_path, "a.csv")
    (tmp_path / "a.csv").write_text(DIALECTS["no header"])
    rows = all_of(tmp_path, "a.csv")
    assert "assumed that its columns are dialogue_id, speaker, text" in kept(rows)[0].edits[0]
    [file] = [row for row in rows if isinstance(row, FileRead)]
    assert file.assumed[0].startswith("its columns are dialogue_id, speaker, text")


# --- loss and safety


MANY = [record(n) for n in range(1200)]
LINES = "".join(json.dumps(one) + "\n" for one in MANY).encode()
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
SKIPPABLE = struct.pack("<II", 0x184D2A53, 5) + b"index"


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_file_of_many_members_is_whole(tmp_path: Path, packing: str) -> None:
    pack = PACKINGS[packing]
    pieces = [LINES[at : at + 20_000] for at in range(0, len(LINES), 20_000)]
    data = b"".join(map(pack, pieces))
    if packing == "zst":
        data = SKIPPABLE + data[:0] + data + SKIPPABLE + pack(b"")
    if packing in ("gz", "xz"):
        data += b"\0" * 512  # padding of a tape
    (tmp_path / "a").write_bytes(data)
    rows = all_of(tmp_path, "a")
    assert len(kept(rows)) == len(MANY)
    assert not quarantined(rows)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("behind", [b"garbage behind the end", b"x", b"\0\0\0x"])
def test_bytes_behind_a_packed_file_are_reported(
    tmp_path: Path, packing: str, behind: bytes
) -> None:
    (tmp_path / "a").write_bytes(PACKINGS[packing](LINES) + behind)
    rows = all_of(tmp_path, "a")
    assert len(kept(rows)) == len(MANY)
    [lost] = quarantined(rows)
    assert (lost.rule, "other bytes follow" in lost.detail) == ("file.damaged", True)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("share", [0.001, 0.5, 0.9, 0.9999])
def test_a_packed_file_that_is_cut_is_reported(tmp_path: Path, packing: str, share: float) -> None:
    pieces = [LINES[at : at + 20_000] for at in range(0, len(LINES), 20_000)]
    for data in (PACKINGS[packing](LINES), b"".join(map(PACKINGS[packing], pieces))):
        (tmp_path / f"a.{packing}").write_bytes(data[: max(10, int(len(data) * share))])
        rows = all_of(tmp_path, f"a.{packing}")
        found = kept(rows)
        whole = [[m["content"] for m in one["messages"]] for one in MANY]
        assert texts(found) == whole[: len(found)]
        assert any(row.rule == "file.damaged" for row in quarantined(rows))
        if share > 0.3 and len(data) > 30_000 and packing != "bz2":
            assert found or packing == "xz"


def test_an_array_that_is_cut_between_elements_or_goes_on_is_reported(tmp_path: Path) -> None:
    text = json.dumps(GOOD)
    for data, detail in (
        (text[:-1], "the array is not closed"),
        (text + " and more", "more text follows the end of the array"),
        ("[" + text[1:-1] + "", "the array is not closed"),
    ):
        (tmp_path / "a.json").write_text(data)
        rows = all_of(tmp_path, "a.json")
        assert texts(rows) == EXPECTED
        assert [detail in row.detail for row in quarantined(rows)] == [True]


JSON_OF_PEOPLE = {
    "comment": ('{"messages": [] // none\n}', "a comment"),
    "block comment": ('{"messages": /* none */ []}', "a comment"),
    "comma": ('{"messages": [1, 2,],\n "a": 1}', "a comma before a closing bracket"),
    "quotes": ("{'messages': []}", "a text in single quotes"),
}


@pytest.mark.parametrize(("text", "what"), JSON_OF_PEOPLE.values(), ids=JSON_OF_PEOPLE)
@pytest.mark.parametrize("way", ["object", "line", "element"])
def test_json_with_what_json_does_not_have_is_refused_in_words(
    tmp_path: Path, text: str, what: str, way: str
) -> None:
    names = {"object": "a.json", "line": "a.jsonl", "element": "a.json"}
    line = text.replace("\n", " ")
    whole = {"object": text, "line": f"{line}\n{line}\n", "element": f'[{{"a": 1}}, {text}]'}
    (tmp_path / names[way]).write_text(whole[way])
    rows = rows_or_refusal(tmp_path, names[way])
    if rows is None:  # the good element is no conversation
        assert way == "element"
    else:
        assert quarantined(rows)
        assert all(what in row.detail for row in quarantined(rows))


FAR: dict[str, pa.Array] = {
    "timestamp": pa.array([0, 2**63 - 1, 0], pa.timestamp("ms")),
    "timestamp with a zone": pa.array([0, 2**62, 0], pa.timestamp("us", "Europe/Berlin")),
    "unknown zone": pa.array([None, 0, None], pa.timestamp("us", "Nowhere/Town")),
    "seconds": pa.array([0, -(2**62), 0], pa.timestamp("s")),
    "date": pa.array([0, 2**31 - 1, 0], pa.date32()),
    "date of 64 bits": pa.array([0, 86_400_000 * 10**9, 0], pa.int64()).view(pa.date64()),
    "duration": pa.array([0, 2**62, 0], pa.duration("s")),
}


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("kind", FAR)
def test_a_value_that_python_cannot_hold_costs_one_row(
    tmp_path: Path, kind: str, ending: str
) -> None:
    table = pa.table({"messages": [one["messages"] for one in GOOD[:3]], "far": FAR[kind]})
    if ending == "arrow" or kind == "seconds":
        ending = "arrow"
        with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(table, tmp_path / "a.parquet", store_schema=True)
    rows = all_of(tmp_path, f"a.{ending}")
    found = texts(rows)
    assert found in ([EXPECTED[0], EXPECTED[2]], EXPECTED[:3])
    lost = quarantined(rows)
    assert len(found) + len(lost) == 3
    if lost:
        assert lost[0].where == f"s: a.{ending}#2"
        assert "far" in lost[0].detail
    to_table(kept(rows))


def test_large_numbers_are_no_trouble(tmp_path: Path) -> None:
    numbers = pa.array([Decimal(10) ** 37, None], pa.decimal128(38, 0))
    large = pa.array([2**64 - 1, 0], pa.uint64())
    table = pa.table({"messages": [o["messages"] for o in GOOD[:2]], "n": numbers, "u": large})
    pq.write_table(table, tmp_path / "a.parquet")
    assert texts(all_of(tmp_path, "a.parquet")) == EXPECTED[:2]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
XML = {
    "laughs": f'<?xml version="1.0"?><!DOCTYPE T [<!ENTITY l0 "ha">{LAUGHS}]>'
    "<TEI><text><body><div><sp><p>&l11;</p></sp></div></body></text></TEI>",
    "file": '<!DOCTYPE TEI [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<TEI><text><body><div><sp><p>&x;</p></sp></div></body></text></TEI>",
    "undefined": '<!DOCTYPE TEI SYSTEM "tei.dtd">'
    "<TEI><text><body><div><sp><p>one &nbsp; two</p></sp></div></body></text></TEI>",
    "broken": "<TEI><text><body><sp><p>one",
}


@pytest.mark.parametrize("ending", ["xml", "txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("document", XML.values(), ids=XML)
def test_xml_with_entities_is_not_followed(
    tmp_path: Path, document: str, encoding: str, ending: str
) -> None:
    (tmp_path / f"a.{ending}").write_bytes(document.encode(encoding))
    rows = rows_or_refusal(tmp_path, f"a.{ending}")  # not every encoding is seen as TEI
    assert rows is None or (quarantined(rows) and not kept(rows))


# --- ids


def store(path: Path, rows: list[Conversation]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(to_table(rows), path)


def test_rows_with_one_id_never_pass_in_silence(tmp_path: Path) -> None:
    """The same file twice, and another row under an id that is taken."""
    first = [conversation(n) for n in range(30)]
    other = [
        conversation(n + 100).__class__(first[n].id, *_rest(conversation(n + 100))) for n in (3, 7)
    ]
    store(tmp_path / "a" / "x.parquet", first)
    store(tmp_path / "b" / "x.parquet", first)
    store(tmp_path / "c" / "y.parquet", other)
    inputs = [str(tmp_path / name) for name in "abc"]
    code, shown, out = collected(tmp_path, *inputs)
    assert code == 0, shown
    table = pq.read_table(out / "1-collect" / "kept").to_pylist()
    assert len(table) == 62
    assert len({row["id"] for row in table}) == 62
    ids = {row.id for row in first}
    assert [row["id"] for row in table[:30]] == [row.id for row in first]
    renewed = [row for row in table if row["id"] not in ids]
    assert len(renewed) == 32
    assert all(row["edits"][-1].startswith("collect: new id, ") for row in renewed)
    # that run's rows and one of its inputs once more: no id comes back
    code, shown, again = collected_into(
        tmp_path / "again", str(out / "1-collect" / "kept"), *inputs
    )
    assert code == 0, shown
    table = pq.read_table(again / "1-collect" / "kept").to_pylist()
    assert len({row["id"] for row in table}) == len(table) == 124
    report = json.loads((again / "1-collect" / "report.json").read_text())
    assert report["kept"] == report["in"] + report["added"] == 124


def _rest(row: Conversation) -> list[Any]:
    return [getattr(row, name) for name in SCHEMA.names[1:]]


def collected_into(out: Path, *inputs: str) -> tuple[int, str, Path]:
    done = CliRunner().invoke(cli, ["collect", *inputs, "--out", str(out)])
    return done.exit_code, done.output, out


def test_the_ids_of_one_file_that_come_back_are_renewed_too(tmp_path: Path) -> None:
    rows = [conversation(n) for n in range(3)]
    store(tmp_path / "a.parquet", rows + rows)
    write_jsonl(tmp_path / "b.jsonl", GOOD[:2])
    code, shown, out = collected(tmp_path, str(tmp_path / "a.parquet"), str(tmp_path / "b.jsonl"))
    assert code == 0, shown
    assert "3 ids stood on more than one row" in shown
    table = pq.read_table(out / "1-collect" / "kept").to_pylist()
    assert len({row["id"] for row in table}) == len(table) == 8


def test_a_row_without_an_id_gets_one_and_one_without_messages_is_refused(tmp_path: Path) -> None:
    table = to_table([conversation(n) for n in range(4)]).to_pylist()
    table[0]["id"], table[1]["messages"] = None, []
    table[2]["source"], table[3]["messages"][1]["content"] = None, None
    pq.write_table(pa.Table.from_pylist(table, schema=SCHEMA), tmp_path / "a.parquet")
    rows = all_of(tmp_path, "a.parquet")
    [row] = kept(rows)
    assert len(row.id) == 16
    assert row.edits[-1] == "collect: new id, the row had none"
    assert [one.rule for one in quarantined(rows)] == ["record.empty"] * 3
    assert list(shapes_of(rows).values()) == [collect.OWN_ROWS]


def test_rows_of_another_version_are_known_as_such(tmp_path: Path) -> None:
    table = to_table([conversation(1)])
    pq.write_table(table.drop_columns(["alternatives", "extra"]), tmp_path / "older.parquet")
    assert [row.id for row in kept(all_of(tmp_path, "older.parquet"))] == [conversation(1).id]
    newer = table.append_column("mood", pa.array(["calm"]))
    pq.write_table(newer, tmp_path / "newer.parquet")
    with pytest.raises(UserError, match="another version of Rapport"):
        all_of(tmp_path, "newer.parquet")


# --- memory


def test_a_large_array_and_large_lines_stream(tmp_path: Path) -> None:
    """Rows come before the file is read to its end: a pipe is written while it is read."""
    from pipeline.collect.admit import Origin
    from pipeline.collect.rows import rows_of_file

    def write(file: io.BufferedWriter, begin: bytes, between: bytes) -> None:
        with suppress(BrokenPipeError), file:
            file.write(begin)
            while True:
                file.write(json.dumps(GOOD[0]).encode() + between)

    for name, begin, between in (("a.json", b"[", b","), ("a.jsonl", b"", b"\n")):
        reading, writing = os.pipe()
        file = os.fdopen(writing, "wb")
        thread = threading.Thread(target=write, args=(file, begin, between))
        thread.start()
        with os.fdopen(reading, "rb") as stream:
            source = SourceSettings(name="s", files=[name])
            rows = rows_of_file(source, Place(name), stream, Origin("file", "s"))
            assert len([next(rows) for _ in range(100)]) == 100
        thread.join()


# --- subtitles

VTT = """WEBVTT - made by hand

NOTE Ada: not a cue

STYLE
::cue { color: red }

1
00:00:01.000 --> 00:00:02.000 align:start
Ada Lee: Is the kettle on &amp; singing?

2
00:00:02.500 --> 00:00:04.000
<v.loud Ben>It is <i>singing</i>.</v>

00:00:04.500 --> 00:00:05.000
[bell]

00:00:05.000 --> 00:00:06.000
<v Ben>Take two cups:
one for me.</v>

01:00:07.000 --> 01:00:08.000
Ada Lee: Gladly.
"""


def test_subtitles_with_speakers_are_read_by_cues() -> None:
    [talk] = subtitles.read(VTT.splitlines(keepends=True), Place("a.vtt"))
    assert isinstance(talk, Transcript)
    assert talk.turns == [
        ("Ada Lee", "Is the kettle on & singing?", None),
        ("Ben", "It is singing. Take two cups: one for me.", None),
        ("Ada Lee", "Gladly.", None),
    ]
    assert talk.left_out == {"sound": 1}
    assert subtitles.ABOUT.private


SRT = """1
00:00:10,000 --> 00:00:12,500
- ADA: Is the kettle on?
- BEN: It sings.

2
00:00:13,000 --> 00:00:15,500
>> ADA: {\\an8}Then pour.
"""


def test_two_speakers_in_one_cue() -> None:
    [talk] = subtitles.read(SRT.splitlines(), Place("a.srt"))
    assert isinstance(talk, Transcript)
    assert [turn[:2] for turn in talk.turns] == [
        ("ADA", "Is the kettle on?"),
        ("BEN", "It sings."),
        ("ADA", "Then pour."),
    ]


def test_subtitles_without_speakers_are_refused_with_the_reason(tmp_path: Path) -> None:
    plain = "1\n00:00:01,000 --> 00:00:02,000\n- Is it on?\n- It is.\n"
    (tmp_path / "a.srt").write_text(plain)
    with pytest.raises(UserError, match="name no speakers"):
        all_of(tmp_path, "a.srt")
    half = VTT + "\n00:00:09.000 --> 00:00:10.000\nWho is there?\n"
    with pytest.raises(Unclear, match="1 of 5 cues"):
        list(subtitles.read(half.splitlines(), Place("a.vtt")))
    many = "".join(
        f"00:00:{n:02}.000 --> 00:00:{n:02}.500\n{'Ada' if n % 2 else 'Ben'}: line {n}\n\n"
        for n in range(30)
    )
    nameless = f"WEBVTT\n\n{many}00:01:09.000 --> 00:01:10.000\nand more\n"
    [talk] = subtitles.read(nameless.splitlines(), Place("a.vtt"))
    assert isinstance(talk, Transcript)
    assert talk.turns[-1][1] == "line 29 and more"
    assert talk.assumed == ("a cue that names nobody is by the speaker before it",)


WORDS = st.text(st.sampled_from("abcdé ,.?!-"), min_size=1, max_size=30).filter(str.strip)
SPEAKERS = st.sampled_from(["Ada", "Ben", "Cy Lee"])


@given(st.lists(st.tuples(SPEAKERS, WORDS), min_size=4, max_size=12))
@example([("Ada", "a"), ("Ben", "b"), ("Ada", "c"), ("Ben", "d")])
def test_subtitles_that_are_written_are_read_again(cues: list[tuple[str, str]]) -> None:
    lines = ["WEBVTT", ""]
    for number, (name, text) in enumerate(cues):
        lines += [f"00:{number:02}:00.000 --> 00:{number:02}:01.000", f"<v {name}>{text}</v>", ""]
    try:
        [talk] = subtitles.read(lines, Place("a.vtt"))
    except Unclear:
        assert len({name for name, _ in cues}) > len(cues) / 2
        return
    assert isinstance(talk, Transcript)
    joined = " ".join(turn[1] for turn in talk.turns)
    assert joined.split() == " ".join(text for _, text in cues).split()
    assert all(one[0] != other[0] for one, other in zip(talk.turns, talk.turns[1:], strict=False))


@given(st.lists(st.sampled_from([*VTT.splitlines(), *SRT.splitlines(), "Ben: x"]), max_size=25))
def test_shuffled_subtitles_lose_no_text(lines: list[str]) -> None:
    lines = ["WEBVTT", "", *lines]
    assert subtitles.recognise(lines)
    try:
        found = list(subtitles.read(lines, Place("a.vtt")))
    except Unclear:
        return
    assert found
    for talk in found:
        assert isinstance(talk, Transcript | Unread)


# --- Markdown

BOLD = """# Ferry

**Ada:** Is the ferry late?

**Ben**: Only an hour.
Take a *seat*.

```
**Ada:** in code
```

**Ada:** Gladly.

## Back home

**Ada:** Tea?

- **Ben:** Please.
"""
HEADED = """---
title: Ferry
---

## 🧑 User:

> Is the ferry late?
>
> Truly?

---

## Assistant

### By the table
Only an hour.

---

## User

Thanks.
"""
ALONE = "**You**\nIs it late?\n\n**ChatGPT**\nNo.\n\n**You**\nGood.\n"


def read_markdown(text: str) -> list[Any]:
    assert markdown.recognise(text.splitlines(keepends=True))
    return list(markdown.read(text.splitlines(keepends=True), Place("a.md")))


def test_speakers_in_bold() -> None:
    first, second = read_markdown(BOLD)
    assert first.turns == [
        ("Ada", "Is the ferry late?", None),
        ("Ben", "Only an hour.\nTake a *seat*.\n\n```\n**Ada:** in code\n```", None),
        ("Ada", "Gladly.", None),
    ]
    assert first.extra == {"above": "# Ferry\n"}
    assert second.turns == [("Ada", "Tea?", None), ("Ben", "Please.", None)]
    assert second.extra == {"above": "## Back home"}


def test_headings_for_messages() -> None:
    [talk] = read_markdown(HEADED)
    assert talk.turns == [
        (None, "Is the ferry late?\n\nTruly?", "user"),
        (None, "### By the table\nOnly an hour.", "assistant"),
        (None, "Thanks.", "user"),
    ]
    [talk] = read_markdown(ALONE)
    assert [turn[1:] for turn in talk.turns] == [
        ("Is it late?", "user"),
        ("No.", "assistant"),
        ("Good.", "user"),
    ]


DOCUMENTS = {
    "readme": "# Tool\n\n**Note:** slow.\n**Usage:** `x`\n\n## User guide\n\n## Assistant\ntext\n",
    "outline": "# One\n\ntext\n\n# Two\n\ntext\n\n## One\n\ntext\n",
    "labels": "**Speed:** 3\n\n**Size:** 4\n\n**Price:** 5\n",
    "prose": "It was **late:** nobody came.\n",
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_in_markdown_is_no_chat(text: str) -> None:
    assert not markdown.recognise(text.splitlines(keepends=True))


def test_a_name_that_stands_once_in_a_long_text_is_not_guessed(tmp_path: Path) -> None:
    long = "\n".join(f"line {n}" for n in range(9))
    text = f"**Ada:** a\n{long}\n**Ben:** b\n**Ada:** c\n{long}\n**Ben:** d\n**Plan:** e\n"
    (tmp_path / "a.md").write_text(text)
    with pytest.raises(UserError, match="Plan may be a speaker or not"):
        all_of(tmp_path, "a.md")


LINE = st.text(st.sampled_from("abc é*_.`"), min_size=1, max_size=20).map(lambda t: f"x{t}x")


@given(
    st.lists(st.lists(LINE, min_size=1, max_size=3), min_size=4, max_size=10),
    st.sampled_from(["**{}:** ", "**{}**: ", "### {}\n", "**{}**\n"]),
    st.sampled_from([("Ada", "Ben"), ("User", "Assistant"), ("You", "ChatGPT")]),
)
def test_markdown_that_is_written_is_read_again(
    texts_of: list[list[str]], mark: str, names: tuple[str, str]
) -> None:
    blocks = [
        mark.format(names[number % 2]) + "\n".join(lines) for number, lines in enumerate(texts_of)
    ]
    [talk] = read_markdown("\n\n".join(blocks) + "\n")
    assert [turn[1] for turn in talk.turns] == ["\n".join(lines) for lines in texts_of]


@given(st.lists(st.sampled_from([*BOLD.splitlines(), *HEADED.splitlines()]), max_size=30))
@example(["**Ben**: An hour.", "# Tea", "## Late", "## Late", "---", "# Tea", "**Ada:** So?"])
def test_shuffled_markdown_loses_no_line(lines: list[str]) -> None:
    try:
        found = list(markdown.read(lines, Place("a.md")))
    except Unclear:
        return
    if not found:
        return
    held = "\n".join(
        "\n".join([str(talk.extra.get("above", "")), *(turn[1] for turn in talk.turns)])
        for talk in found
        if isinstance(talk, Transcript)
    )
    for line in lines:
        word = line.strip("*#->` ").rpartition(":** ")[2].rpartition("**: ")[2]
        is_layout = line.startswith(("#", "---", "```")) or line.strip() in ("", ">", "> ")
        assert is_layout or word.strip() in held
