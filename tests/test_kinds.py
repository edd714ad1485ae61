"""Kinds of chat files that people hold: each is read right or refused in words, never wrong."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

import pytest

from benchmarks import kinds_table
from tests.judge import Reading, Verdict, expected_of, kinds, read, verdict

DATA = Path(__file__).parent / "data"
KINDS = kinds(DATA / "kinds")
UNSEEN = kinds(DATA / "kinds_unseen")  # written without a look at the code
ALL = KINDS + UNSEEN
# Kinds that hold conversations and that may be refused all the same, with the reason.
REFUSED = {
    "openai_tool_calls": "a call of a tool is no message, and the answer rests on it",
    "sharegpt_function_call": "a call of a tool is no message, and the answer rests on it",
    "srt_subtitles": "subtitles do not name their speakers",
}


@cache
def _verdict(kind: Path) -> tuple[Verdict, str]:
    wanted = expected_of(kind)
    return verdict(wanted, read(kind / wanted["input"]))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_read_right_or_refused_with_a_reason(kind: Path) -> None:
    found, why = _verdict(kind)
    assert found != "wrong", why
    if expected_of(kind)["expected"] and kind.name not in REFUSED:
        assert found == "right", why


def test_each_kind_that_may_be_refused_is_there() -> None:
    assert REFUSED.keys() <= {kind.name for kind in KINDS}


def test_the_table_of_kinds_is_what_the_code_says() -> None:
    readme = kinds_table.README.read_text("utf-8")
    assert readme == kinds_table.written(readme), "python -m benchmarks.kinds_table --write"
    assert kinds_table.table() in readme


@pytest.mark.parametrize("kind", UNSEEN, ids=lambda kind: kind.name)
def test_an_unseen_kind_is_never_wrong(kind: Path) -> None:
    found, why = _verdict(kind)
    assert found != "wrong", why


def test_most_unseen_kinds_are_right() -> None:
    """Of those that hold conversations and need no guess."""
    wanted = {kind: expected_of(kind) for kind in UNSEEN}
    clear = [kind for kind, one in wanted.items() if one["expected"] and "refuse" not in one]
    refused = [kind.name for kind in clear if _verdict(kind)[0] != "right"]
    assert len(refused) <= len(clear) * 0.15, refused


# --- damaged, shuffled and mixed files


def _file_of(kind: Path) -> Path:
    """The largest file of a kind: the one with its conversations."""
    files = [path for path in kind.rglob("*") if path.is_file() and path.name != "expected.json"]
    return max(files, key=lambda path: (path.stat().st_size, path.name))


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) // 4, len(data))]


def _shuffled(data: bytes, chance: random.Random) -> bytes:
    """The records of a JSON list, or the lines of anything else, in another order."""
    try:
        records = json.loads(data)
    except ValueError:
        records = None
    if isinstance(records, list):
        chance.shuffle(records)
        return json.dumps(records, ensure_ascii=False).encode()
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _mixed(data: bytes, chance: random.Random) -> bytes:
    """The file with one of another kind behind it."""
    files = (_file_of(kind).read_bytes() for kind in chance.sample(ALL, len(ALL)))
    return data.rstrip(b"\n") + b"\n" + next(filter(_is_text, files))


def _text(found: Reading) -> str:
    return "\n".join(message.content for row in found.kept for message in row.messages)


def _lost(whole: Reading, found: Reading) -> list[str]:
    """The lines of messages that are in no message any more, where no reason is given."""
    text = _text(found)
    lost = [line for line in _text(whole).splitlines() if line.strip() not in text]
    return [] if found.has_reason else lost


def _read_as(path: Path, data: bytes) -> Reading:
    path.write_bytes(data)
    return read(path)


@pytest.mark.parametrize("number", range(len(ALL)), ids=lambda number: ALL[number].name)
def test_what_a_damaged_file_loses_has_a_reason(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    file = _file_of(ALL[number])
    path, data = tmp_path / file.name, file.read_bytes()
    whole = _read_as(path, data)
    cut = _read_as(path, _cut(data, chance))
    assert cut.kept or cut.has_reason
    assert _lost(whole, _read_as(path, _shuffled(data, chance))) == []
    assert _lost(whole, _read_as(path, _mixed(data, chance))) == []
