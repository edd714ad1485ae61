from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pipeline.cli
import pipeline.llm.server

Rapport = Callable[..., tuple[int, str, str]]

pipeline.llm.server.REMOTE_MODELS = False  # no test can ask, or pay, a model elsewhere

# The machine's load decides how long an example takes, so no deadline; what fails is printed to be
# tried again.
settings.register_profile(
    "rapport", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rapport")


@pytest.fixture
def rapport(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rapport]:
    """A command in this process: its exit code, stdout and stderr. Its cache is its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(pipeline.cli, "lean", lambda environment: None)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rapport", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as raised:
            pipeline.cli.main()
        out, err = capfd.readouterr()
        code = raised.value.code
        assert isinstance(code, int | None)
        return code or 0, out, err

    return call


@pytest.fixture(scope="session")
def looked_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to look at (`tests/looking.py`); made once for all workers. Copy it to change it."""
    from tests.looking import make_run

    top = tmp_path_factory.getbasetemp()
    folder = (top if top.name.startswith("pytest-") else top.parent) / "looked"
    folder.mkdir(exist_ok=True)
    with (folder / "making").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            make_run(folder)
            (folder / "made").touch()
    return folder / "out"
