"""What every process of ours sets before it imports anything large."""

from __future__ import annotations

import gc
import subprocess
import sys

from pipeline.run.startup import lean

ASKED = "import gc; from pipeline.run.startup import lean; lean({}); print(gc.get_threshold())"


def test_no_threads_that_spin_unless_the_user_wants_some() -> None:
    before = gc.get_threshold()
    try:
        plain: dict[str, str] = {}
        lean(plain)
        assert plain == {"OPENBLAS_NUM_THREADS": "1"}
        chosen = {"OPENBLAS_NUM_THREADS": "4"}
        lean(chosen)
        assert chosen == {"OPENBLAS_NUM_THREADS": "4"}
    finally:
        gc.set_threshold(*before)


def test_cycles_are_looked_for_seldom() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(50000, 20, 100)"
