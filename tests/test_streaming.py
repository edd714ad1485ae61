"""A downloaded account of any size is read record by record: memory does not grow with the file."""

from __future__ import annotations

import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.collect import READ, measured
from pipeline import collect
from pipeline.conversation import Conversation
from pipeline.recipe.collect import CollectSettings, SourceSettings
from tests.foreign_exports import gpt, gpt_node

MEGABYTE = 1_000_000
MAX_BYTES = 50_000  # of a conversation; a few times as much is looked at before the first is read
WORDS = "The kettle sings at seven and the ferry waits for nobody. " * 20


def conversation(number: int) -> dict[str, Any]:
    """About 20 kB, of 8 messages and a second answer to one of them."""
    nodes = [gpt_node("a0", None, "user", f"{number}: {WORDS}")]
    for at in range(1, 8):
        role = "assistant" if at % 2 else "user"
        nodes.append(gpt_node(f"a{at}", f"a{at - 1}", role, f"{at}: {WORDS}"))
    nodes.append(gpt_node("b1", "a0", "assistant", WORDS))
    return gpt(*nodes, current_node="a7", conversation_id=f"c{number}")


def export(path: Path, size: int) -> int:
    """Write a `conversations.json` of about so many bytes, by itself or in a zip; the count."""
    if path.suffix == ".zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("conversations.json", "w", force_zip64=True) as file,
        ):
            return _write(file, size)
    with path.open("wb") as file:
        return _write(file, size)


def _write(file: Any, size: int) -> int:
    count = written = 0
    while written < size:
        text = json.dumps(conversation(count)).encode()
        written += file.write((b", " if count else b"[") + text)
        count += 1
    file.write(b"]")
    return count


def peak_of(path: Path) -> tuple[int, int]:
    """(conversations, the most bytes that were held at once while they were read)"""
    source = SourceSettings(name="s", files=[path.name])
    settings = CollectSettings(sources=[source], max_bytes=MAX_BYTES)
    count = 0
    tracemalloc.start()
    for unit in collect.units(settings, path.parent):
        for row in collect.read(unit, settings, path.parent):
            if isinstance(row, Conversation):
                assert len(row.messages) == 8
                assert len(row.alternatives) == 2
                count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return count, peak


@pytest.mark.parametrize("name", ["conversations.json", "export.zip"])
def test_memory_does_not_grow_with_an_export(tmp_path: Path, name: str) -> None:
    peaks = []
    for size in (MEGABYTE, 4 * MEGABYTE):
        written = export(tmp_path / name, size)
        count, peak = peak_of(tmp_path / name)
        assert count == written
        peaks.append(peak)
    assert peaks[1] - peaks[0] < MEGABYTE / 2, peaks


@pytest.mark.faults
@pytest.mark.parametrize("name", ["conversations.json", "export.zip"])
def test_an_export_of_200_megabytes_takes_less_than_400(tmp_path: Path, name: str) -> None:
    written = export(tmp_path / name, 200 * MEGABYTE)
    count, _, peak = measured(READ, str(tmp_path / name))
    assert count == written + 1  # what was found in the file comes last
    assert peak < 400 * MEGABYTE, f"{peak:,} bytes"
