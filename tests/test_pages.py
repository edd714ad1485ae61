"""`pages.sqlite`: what is stored comes back as it was, or is reported as damaged."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import UserError
from spiders.crawl.pages import DamagedPage, Pages, StoredPage

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
HEADERS = [("Content-Type", "text/html"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def address(number: int) -> str:
    return f"https://wiki.example/wiki/Lamp_{number}"


def stored(path: Path, count: int) -> dict[str, StoredPage]:
    """A file with that many pages, some of them larger than a page of the database."""
    dice = random.Random(count)
    pages = Pages(path)
    found: dict[str, StoredPage] = {}
    for number in range(count):
        body = dice.randbytes(dice.choice([0, 300, 9000]))
        page = StoredPage(address(number), 200, HEADERS, body, NOON)
        pages.keep(page)
        found[page.address] = page
    pages.close()
    return found


def test_a_page_comes_back_as_it_was_stored_and_a_newer_answer_replaces_it(tmp_path: Path) -> None:
    first = stored(tmp_path / "pages.sqlite", 3)
    pages = Pages(tmp_path / "pages.sqlite")
    assert [pages.page(name) for name in first] == list(first.values())
    assert pages.page("https://wiki.example/other") is None
    newer = StoredPage(address(1), 404, [], b"gone", NOON + dt.timedelta(days=1))
    pages.keep(newer)
    assert pages.page(address(1)) == newer
    assert pages.page(address(2)) == first[address(2)]
    pages.close()


def test_finds_are_ordered_and_noted_once_and_each_source_has_its_own(tmp_path: Path) -> None:
    pages = Pages(tmp_path / "pages.sqlite")
    for thread, place in [("b", 10), ("b", 9), ("a", 1), ("b", 9)]:
        find = {"turns": [["Ann", f"{thread}{place}"]]}
        pages.add_find("lamps", "dialogue", find, thread, place)
    pages.add_find("others", "dialogue", {"turns": []}, "a", 1)
    assert [find["turns"][0][1] for find in pages.dialogues("lamps")] == ["a1", "b9", "b10"]
    assert not list(pages.posts("lamps"))
    assert not pages.is_finished("lamps")
    pages.add_find("lamps", "end", {"reason": "shutdown"})
    assert not pages.is_finished("lamps")
    pages.forget_finds("lamps")
    assert not list(pages.dialogues("lamps"))
    assert len(list(pages.dialogues("others"))) == 1
    pages.add_find("lamps", "end", {"reason": "finished"})
    assert pages.is_finished("lamps")
    pages.close()


@pytest.mark.parametrize(
    "change",
    [
        "address = 'https://wiki.example/wiki/Lamp_9'",
        "status = 404",
        "headers = replace(headers, 'html', 'htm1')",
        "body = x'00' || body",
        "body = 'text'",
        "fetched = replace(fetched, '2024', '2025')",
        "digest = x'00'",
    ],
)
def test_no_field_of_a_page_can_change_unnoticed(tmp_path: Path, change: str) -> None:
    path = tmp_path / "pages.sqlite"
    stored(path, 2)
    with sqlite3.connect(path) as store:
        store.execute(f"update pages set {change} where address = '{address(1)}'")
    store.close()
    pages = Pages(path)
    with pytest.raises(DamagedPage):
        pages.page(address(9 if change.startswith("address") else 1))
    assert pages.page(address(0)) is not None
    pages.close()


def test_flipped_bits_never_change_a_page_and_never_end_in_a_traceback(tmp_path: Path) -> None:
    whole = stored(tmp_path / "pages.sqlite", 12)
    raw = (tmp_path / "pages.sqlite").read_bytes()
    dice = random.Random(7)
    results: Counter[str] = Counter()
    # half of them in the head of the file, where SQLite keeps what the rest of it means
    for bit in [dice.randrange(800) for _ in range(100)] + dice.sample(range(len(raw) * 8), 200):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << (bit % 8)
        path = tmp_path / f"{bit}.sqlite"
        path.write_bytes(bytes(changed))
        results[read_all(path, whole)] += 1
    assert results.keys() <= {"same", "damaged page", "message"}
    assert results["damaged page"] > 50
    assert results["message"] > 20


def read_all(path: Path, whole: dict[str, StoredPage]) -> str:
    """Read every page of a file, and say what was met."""
    try:
        pages = Pages(path)
        found = [pages.page(name) for name in whole]
        pages.close()
    except UserError as error:
        return "message" if str(path) in str(error) else "message of no file"
    except DamagedPage:
        pages.close()
        return "damaged page"
    expected = zip(found, whole.values(), strict=True)
    return "same" if all(page in (None, other) for page, other in expected) else "another"


def text(path: Path) -> None:
    path.write_text("not a database at all, " * 50)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def older(path: Path) -> None:
    """The tables of version 2, which had no digest."""
    path.unlink()
    with sqlite3.connect(path) as store:
        store.execute("create table pages (address text primary key, body blob) without rowid")
        store.execute("pragma user_version = 2")
    store.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as store:
        store.execute("pragma user_version = 4")
    store.close()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (text, "is damaged (file is not a database)"),
        (half, "is damaged (database disk image is malformed)"),
        (older, "is of another version of Rapport"),
        (newer, "is of another version of Rapport"),
    ],
)
def test_a_damaged_file_is_one_message_that_says_what_to_delete(
    tmp_path: Path, damage: Callable[[Path], None], problem: str
) -> None:
    path = tmp_path / "pages.sqlite"
    whole = stored(path, 30)
    damage(path)
    for _ in range(2):  # nothing hides the damage the second time
        with pytest.raises(UserError) as raised:
            read_whole(path, whole)
        advice = "Delete it and run the same command again; its pages are fetched again then."
        assert str(raised.value) == f"{path} {problem}. {advice}"
    path.unlink()
    stored(path, 30)
    read_whole(path, whole)


def read_whole(path: Path, whole: dict[str, StoredPage]) -> None:
    pages = Pages(path)
    assert [pages.page(name) for name in whole] == list(whole.values())
    pages.close()


def test_a_file_that_may_not_be_written_is_a_message_without_advice_to_delete_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pages.sqlite"
    stored(path, 1)
    pages = Pages(path)
    pages._db.execute("pragma query_only = on")  # root may write any file
    with pytest.raises(UserError, match=r"cannot be used: attempt to write a readonly") as raised:
        pages.forget_finds("lamps")
    assert "Delete" not in str(raised.value)


def test_a_folder_in_the_place_of_the_file_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "pages.sqlite").mkdir()
    with pytest.raises(UserError, match=r"pages\.sqlite cannot be used: unable to open"):
        Pages(tmp_path / "pages.sqlite")


def test_a_find_that_cannot_be_read_is_the_same_message(tmp_path: Path) -> None:
    path = tmp_path / "pages.sqlite"
    pages = Pages(path)
    pages.add_find("lamps", "dialogue", {"turns": [["Ann", "Tea?"]]}, "a")
    pages._db.execute("update finds set find = substr(find, 3)")
    with pytest.raises(UserError) as raised:
        list(pages.dialogues("lamps"))
    assert str(raised.value).startswith(f"{path} is damaged (a find is no JSON). Delete it and run")


def test_what_was_deleted_as_advised_leaves_nothing_of_the_damage_behind(tmp_path: Path) -> None:
    """SQLite keeps a log beside the file, of which the advice says nothing."""
    path = tmp_path / "pages.sqlite"
    whole = stored(path, 5)
    (tmp_path / "pages.sqlite-wal").write_bytes(b"\xff" * 5000)
    (tmp_path / "pages.sqlite-shm").write_bytes(b"\xff" * 32768)
    path.unlink()
    assert stored(path, 5) == whole
    read_whole(path, whole)
