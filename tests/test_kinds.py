"""Kinds of chat files that people hold: each is read right or refused in words, never wrong."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.judge import Reading, expected_of, kinds, read, verdict

DATA = Path(__file__).parent / "data"
KINDS = kinds(DATA / "kinds")
# Kinds that hold conversations and that may be refused all the same, with the reason.
REFUSED = {
    "openai_tool_calls": "a call of a tool is no message, and the answer rests on it",
    "sharegpt_function_call": "a call of a tool is no message, and the answer rests on it",
    "srt_subtitles": "subtitles do not name their speakers",
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_read_right_or_refused_with_a_reason(kind: Path) -> None:
    wanted = expected_of(kind)
    found, why = verdict(wanted, read(kind / wanted["input"]))
    assert found != "wrong", why
    if wanted["expected"] and kind.name not in REFUSED:
        assert found == "right", why


def test_each_kind_that_may_be_refused_is_there() -> None:
    assert REFUSED.keys() <= {kind.name for kind in KINDS}


# --- damaged, shuffled and mixed files


def _file_of(kind: Path) -> Path:
    """The largest file of a kind: the one with its conversations."""
    files = [path for path in kind.rglob("*") if path.is_file() and path.name != "expected.json"]
    return max(files, key=lambda path: (path.stat().st_size, path.name))


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


def _mixed(data: bytes, other: bytes) -> bytes:
    return data.rstrip(b"\n") + b"\n" + other


def _lines(found: Reading) -> set[str]:
    """The lines of all messages."""
    texts = (message.content for row in found.kept for message in row.messages)
    return {line.strip() for text in texts for line in text.splitlines()}


def _read_as(path: Path, data: bytes) -> Reading:
    path.write_bytes(data)
    return read(path)


@pytest.mark.parametrize("number", range(len(KINDS)), ids=lambda number: KINDS[number].name)
def test_what_a_damaged_file_loses_has_a_reason(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    file, other = _file_of(KINDS[number]), _file_of(chance.choice(KINDS))
    path, data = tmp_path / file.name, file.read_bytes()
    whole = _lines(_read_as(path, data))
    cut = _read_as(path, _cut(data, chance))
    assert cut.kept or cut.has_reason
    shuffled = _read_as(path, _shuffled(data, chance))
    assert shuffled.has_reason or whole <= _lines(shuffled)
    mixed = _read_as(path, _mixed(data, other.read_bytes()))
    assert mixed.has_reason or whole <= _lines(mixed)
