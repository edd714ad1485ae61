"""Compiled code that is kept between processes is never older than what it was compiled from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INNER = """
from pipeline.compiled import njit
@njit()
def step(value):
    return value + {number}
"""
MIDDLE = """
from pipeline.compiled import njit
from inner import step
@njit()
def twice(value):
    return step(step(value))
"""
OUTER = """
from pipeline.compiled import njit
from constants import START
from middle import twice
@njit(cache=True)
def answer():
    return twice(START)
print(answer(), sum(answer.stats.cache_hits.values()))
"""


def answer(folder: Path) -> list[int]:
    """[what the outer function answers, how often its kept code was used], in a new process."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    done = subprocess.run(
        [sys.executable, str(folder / "outer.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(map(int, done.stdout.split()))


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    texts = {"outer": OUTER, "middle": MIDDLE, "inner": INNER.format(number=1)}
    texts["constants"] = "START = 10"
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_kept_code_is_used_again_until_something_compiled_in_changes(modules: Path) -> None:
    assert answer(modules) == [12, 0]
    assert answer(modules) == [12, 1]
    (modules / "inner.py").write_text(INNER.format(number=5))
    assert answer(modules) == [20, 0]
    (modules / "constants.py").write_text("START = 100")
    assert answer(modules) == [110, 0]
    assert answer(modules) == [110, 1]
