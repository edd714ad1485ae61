"""The store of calls: what it keeps, and what it does when its file is damaged."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import UserError, llm
from pipeline.llm.calls import LAYOUT, CallAttempt, Calls, DamagedCall
from pipeline.llm.spent import spent

FLIPS = 200


def attempt(number: int, **changes: object) -> CallAttempt:
    """A request that was answered."""
    usual = CallAttempt(
        key=number.to_bytes(16, "big"),
        final=True,
        address="http://127.0.0.1:1/v1",
        model="sim",
        request=f'{{"messages": [{{"content": "Tell me about evening {number}. {"…" * 300}"}}]}}',
        reason=None,
        text=f"It rained, and we talked about number {number}. 🙂",
        finish="stop",
        prompt_tokens=100,
        completion_tokens=10,
        cost=0.25,
        seconds=0.5,
    )
    return usual._replace(**changes)


def stored(path: Path, *attempts: CallAttempt) -> Path:
    """A closed store that holds the attempts."""
    calls = Calls(path)
    for one in attempts:
        calls.add(one)
    calls.close()
    return path


def read(path: Path, *keys: bytes) -> list[list[CallAttempt]]:
    calls = Calls(path)
    try:
        return [calls.attempts(key) for key in keys]
    finally:
        calls.close()


def change(path: Path, statement: str) -> None:
    """What a hand, or a damaged disk, may do to a store."""
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


# --- what is kept


def test_what_is_stored_is_read_unchanged_and_in_order(tmp_path: Path) -> None:
    useless = attempt(1, final=False, reason="empty", detail="the answer is empty", cost=None)
    path = stored(tmp_path / "calls.sqlite", useless, attempt(2), attempt(1))
    [first] = read(path, attempt(1).key)
    assert [one._replace(at=0.0) for one in first] == [useless, attempt(1)]
    assert all(one.at > 1_700_000_000 for one in first)
    assert read(path, attempt(3).key) == [[]]


def test_what_was_spent_is_the_sum_of_all_requests_but_rehearsed_ones(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "calls.sqlite",
        attempt(1, final=False, reason="empty"),
        attempt(1),
        attempt(2, cost=None),
        attempt(3, address="rehearsal"),
    )
    calls = Calls(path)
    assert calls.spent() == (330, 0.5)
    calls.close()


def test_only_the_latest_requests_are_kept_where_that_is_wanted() -> None:
    calls = Calls(Path(":memory:"), kept=3)
    for number in range(10):
        calls.add(attempt(number))
    kept = [number for number in range(10) if calls.attempts(attempt(number).key)]
    calls.close()
    assert kept == [7, 8, 9]
    assert not Path(":memory:").exists()  # nothing is written to a disk


def test_the_results_of_a_batch_wait_until_their_call_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    calls = Calls(path)
    open_name, ended_name = f"{attempt(1).key.hex()}-7", f"{attempt(2).key.hex()}-7"
    calls.open_batch("batch-1", "here sim", [open_name, ended_name])
    calls.open_batch("batch-2", "elsewhere sim", ["other"])
    assert calls.open_batches("here sim") == [("batch-1", [open_name, ended_name])]
    calls.close_batch("batch-1", {open_name: "{}", ended_name: "[]"})
    assert calls.open_batches("here sim") == []
    assert calls.open_batches("elsewhere sim") == [("batch-2", ["other"])]
    assert (calls.result(open_name), calls.result(ended_name)) == ("{}", "[]")
    calls.add(attempt(1, final=False, reason="empty"))
    calls.add(attempt(2))
    calls.close()
    calls = Calls(path)
    assert (calls.result(open_name), calls.result(ended_name)) == ("{}", None)
    calls.drop_result(open_name)
    assert calls.result(open_name) is None
    calls.close()


# --- files that cannot be used


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)


def write_text(path: Path) -> None:
    path.write_text("Not a database at all.\n" * 100, "utf-8")


def change_header(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)


def make_newer(path: Path) -> None:
    change(path, f"PRAGMA user_version = {LAYOUT + 1}")


def make_older(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE calls (key, final, address)")


def make_foreign(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE bookmarks (address)")


def lose_a_column(path: Path) -> None:
    change(path, "ALTER TABLE attempts RENAME COLUMN finish TO finisi")


UNUSABLE = [
    (cut, "is damaged"),
    (overwrite, "is damaged"),
    (write_text, "is damaged (file is not a database)"),
    (change_header, "is damaged (file is not a database)"),
    (lose_a_column, "is damaged"),
    (make_newer, f"was written by a newer version of rapport (layout {LAYOUT + 1}"),
    (make_older, "was written by an older version of rapport (layout 1"),
    (make_foreign, "is a SQLite file of another program"),
]


@pytest.mark.parametrize(("spoil", "problem"), UNUSABLE)
def test_a_file_that_cannot_be_used_is_named_with_what_to_delete(
    tmp_path: Path, spoil: Callable[[Path], None], problem: str
) -> None:
    path = stored(tmp_path / "calls.sqlite", *map(attempt, range(50)))
    spoil(path)

    async def ask() -> None:
        async with llm.Client({}, path, None, {}):
            pass

    for use in (lambda: llm.run(ask()), lambda: spent(tmp_path)):
        with pytest.raises(UserError) as refused:
            use()
        message = str(refused.value)
        assert message.startswith(f"{path} {problem}")
        assert "Delete it, and calls.sqlite-wal and calls.sqlite-shm" in message
        assert "asked, and paid, again" in message
        assert "\n" not in message


def test_the_command_goes_on_once_the_damaged_file_is_deleted(tmp_path: Path) -> None:
    path = stored(tmp_path / "calls.sqlite", attempt(1))
    write_text(path)
    with pytest.raises(UserError):
        Calls(path)
    path.unlink()
    assert read(path, attempt(1).key) == [[]]


def test_a_place_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite").mkdir()
    with pytest.raises(UserError, match=r"calls.sqlite: cannot be used.*unable to open") as refused:
        Calls(tmp_path / "calls.sqlite")
    assert "Delete" not in str(refused.value)


# --- answers that were changed


@pytest.mark.parametrize(
    "changed",
    [
        "text = 'It snowed.'",
        "text = CAST(text AS BLOB)",
        "finish = 'length'",
        "reason = 'empty'",
        "detail = ' '",
        "model = 'other'",
        "final = 1.0",
        "prompt_tokens = 101",
        "cost = 0.26",
        "key = x'00'",
        "digest = x'0000000000000000'",
    ],
)
def test_a_changed_row_is_never_read_as_an_answer(tmp_path: Path, changed: str) -> None:
    path = stored(tmp_path / "calls.sqlite", attempt(1), attempt(2))
    change(path, f"UPDATE attempts SET {changed} WHERE text LIKE '%number 1.%'")
    calls = Calls(path)
    if changed.startswith("key"):
        assert calls.attempts(attempt(1).key) == []
        with pytest.raises(DamagedCall):
            calls.attempts(b"\0")
    else:
        with pytest.raises(DamagedCall):
            calls.attempts(attempt(1).key)
        calls.forget(attempt(1).key)
        assert calls.attempts(attempt(1).key) == []
    assert len(calls.attempts(attempt(2).key)) == 1
    calls.close()


def test_what_a_changed_row_cost_does_not_count(tmp_path: Path) -> None:
    path = stored(tmp_path / "calls.sqlite", attempt(1), attempt(2))
    change(path, "UPDATE attempts SET cost = 1e9 WHERE text LIKE '%number 1.%'")
    calls = Calls(path)
    assert calls.spent() == (110, 0.25)
    calls.close()


def test_a_changed_result_of_a_batch_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    calls = Calls(path)
    calls.open_batch("batch-1", "here sim", ["a", "b"])
    calls.open_batch("batch-2", "here sim", ["c"])
    calls.close_batch("batch-1", {"a": "{}", "b": "[]"})
    calls.close()
    change(path, "UPDATE results SET result = '[1]' WHERE name = 'b'")
    change(path, "UPDATE batches SET names = 'd'")
    calls = Calls(path)
    assert (calls.result("a"), calls.result("b")) == ("{}", None)
    assert calls.open_batches("here sim") == []
    calls.close()


def test_no_flipped_bit_changes_an_answer_in_silence(tmp_path: Path) -> None:
    path = stored(tmp_path / "calls.sqlite", *map(attempt, range(60)))
    keys = [attempt(number).key for number in range(60)]
    answers, content = read(path, *keys), path.read_bytes()
    chance, found = random.Random(7), 0
    for _ in range(FLIPS):
        flipped = bytearray(content)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        try:
            calls = Calls(path)
        except UserError:
            found += 1
            continue
        damaged = 0
        for key, answer in zip(keys, answers, strict=True):
            try:
                assert calls.attempts(key) == answer
            except DamagedCall:
                damaged += 1
        assert damaged <= 1
        assert calls.spent() == ((60 - damaged) * 110, (60 - damaged) * 0.25)
        found += damaged
        calls.close()
    assert found > FLIPS / 2  # the others hit space that holds nothing
