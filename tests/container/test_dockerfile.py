"""The lines of the Dockerfile, in a fresh environment: no image can be built here.

Run by `make test-container`: it installs the package with all it stands on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.container

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
HELLO = {"model": "marisol-quintero", "messages": [{"role": "user", "content": "Hello there."}]}


def copied(folder: Path) -> None:
    """What the COPY lines bring along."""
    for line in LINES:
        if line.startswith("COPY "):
            *names, target = line.split()[1:]
            for name in names:
                place = folder / target if len(names) == 1 else folder / target / name
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place)
                else:
                    shutil.copy(ROOT / name, place)


def test_what_the_dockerfile_installs_serves_with_a_token(tmp_path: Path) -> None:
    app, home = tmp_path / "app", tmp_path / "home"
    app.mkdir()
    home.mkdir()
    copied(app)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    path = f"{tmp_path / 'venv' / 'bin'}:{os.environ['PATH']}"
    plain = {"PATH": path, "HOME": str(home)}
    runs = [line.removeprefix("RUN ") for line in LINES if line.startswith("RUN ")]
    users, install, talk = runs
    assert users.startswith("useradd")  # the one line that needs a machine of its own
    assert LINES.index("USER rapport") < LINES.index(f"RUN {talk}")
    subprocess.run(["sh", "-c", install], cwd=app, env={**os.environ, "PATH": path}, check=True)
    done = subprocess.run(
        ["sh", "-c", talk], cwd=home, env=plain, check=True, capture_output=True, text=True
    )
    assert done.stdout.count("Marisol Quintero: ") == 2
    command = json.loads(next(line for line in LINES if line.startswith("CMD "))[4:])
    with subprocess.Popen(
        [*command, "--port", "0"], cwd=home, env=plain, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            said = [process.stdout.readline() for _ in range(4)]
            port = re.search(r":(\d+)/v1", said[2])
            assert port
            address = f"http://127.0.0.1:{port[1]}/v1/chat/completions"
            with pytest.raises(urllib.error.HTTPError, match="401"):
                asked(address, "")
            assert asked(address, said[3].split()[1])["choices"][0]["message"]["content"]
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


def asked(address: str, token: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    request = urllib.request.Request(address, json.dumps(HELLO).encode())
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as response:
        found: dict[str, list[dict[str, dict[str, str]]]] = json.load(response)
    return found
