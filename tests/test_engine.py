from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import UserError
from pipeline.run.engine import Engine

WAITING = """
import sys, time, os
from pathlib import Path
from pipeline.run.engine import Engine
from tests.test_engine import note_and_wait
if __name__ == "__main__":
    with Engine(2) as engine:
        list(engine.map(note_and_wait, [(sys.argv[1],), (sys.argv[1],)]))
"""


def double(number: int) -> int:
    return 2 * number


def fail(number: int) -> int:
    raise UserError(f"unit {number} cannot be read")


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def note_and_wait(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


@pytest.mark.parametrize("workers", [1, 2])
def test_all_results_come_whatever_the_number_of_workers(workers: int) -> None:
    with Engine(workers) as engine:
        assert sorted(engine.map(double, [(n,) for n in range(5)])) == [0, 2, 4, 6, 8]


def test_an_error_that_the_user_can_mend_comes_out_of_a_worker() -> None:
    with Engine(2) as engine, pytest.raises(UserError, match="unit 1 cannot"):
        list(engine.map(fail, [(1,), (1,)]))


def test_a_killed_worker_is_one_clear_message() -> None:
    with Engine(2) as engine, pytest.raises(UserError, match="memory ran out"):
        list(engine.map(die, [(1,), (2,)]))


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "wait.py"
    script.write_text(WAITING)
    notes = tmp_path / "notes"
    notes.mkdir()
    top = str(Path(__file__).parents[1])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(notes)], env=os.environ | {"PYTHONPATH": top}
    )
    for _ in range(200):
        if len(list(notes.iterdir())) == 2:
            break
        time.sleep(0.1)
    workers = [int(p.name) for p in notes.iterdir()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    for _ in range(50):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
