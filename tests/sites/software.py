"""Real site software, installed into build/sites, seeded, and started on a free port of 127.0.0.1.

mediawiki is Debian's own package (installed with apt when this process may); django-spirit and isso
come from the package index, each into an environment of its own. What cannot be installed is
skipped with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[2] / "build" / "sites"
PHP = ["mediawiki", "php-cli", "php-sqlite3", "php-mbstring", "php-xml", "php-intl"]
WIKI = Path("/usr/share/mediawiki")


def run(command: list[str], what: str, **more: object) -> None:
    """Run a step of an installation; a step that fails skips the test with its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, **more)  # type: ignore[call-overload]
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{what}: {error}")
    if done.returncode:
        pytest.skip(f"{what}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


def environment(name: str, package: str) -> Path:
    """The folder of programs of an environment of its own with a package in it."""
    place = BUILD / f"{name}-env"
    if not (place / "installed").exists():
        uv = Path(sys.executable).parent / "uv"
        command = [str(uv) if uv.exists() else "uv"]
        run([*command, "venv", "-q", "--clear", str(place)], f"{package} wants an environment")
        run(
            [*command, "pip", "install", "-q", "--python", str(place / "bin" / "python"), package],
            f"install {package}",
        )
        (place / "installed").touch()
    return place / "bin"


def fresh(name: str) -> Path:
    place = BUILD / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def started(command: list[str], address: str, log: Path, **more: object) -> Iterator[str]:
    """A server, from its first answer until the block ends."""
    with log.open("wb") as words:
        server = subprocess.Popen(
            command, stdout=words, stderr=words, start_new_session=True, **more
        )  # type: ignore[call-overload]
    try:
        for _ in range(300):
            if server.poll() is not None:
                pytest.skip(f"{command[0]} does not start: {log.read_text()[-300:]}")
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(server.pid, 15)
        server.wait()


@contextmanager
def mediawiki(dump: str) -> Iterator[str]:
    """A wiki with the pages of a dump (MediaWiki's XML)."""
    if not WIKI.is_dir():
        apt = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *PHP]
        run(apt, "Debian's mediawiki is not installed and apt cannot install it")
    place, address = fresh("mediawiki"), f"http://127.0.0.1:{free_port()}"
    maintenance = WIKI / "maintenance"
    run(
        [
            *("php", str(maintenance / "install.php")),
            *("--dbtype", "sqlite", "--dbpath", str(place / "data"), "--dbname", "wiki"),
            *("--pass", "a-long-Password-9", "--server", address, "--scriptpath", ""),
            *("--confpath", str(place), "--skins", "Vector", "Seeded", "Keeper"),
        ],
        "set up mediawiki",
    )
    (place / "dump.xml").write_text(dump, "utf-8")
    settings = {
        **os.environ,
        "MW_CONFIG_FILE": str(place / "LocalSettings.php"),
        "PHP_CLI_SERVER_WORKERS": "2",
    }
    for script in (
        ["importDump.php", str(place / "dump.xml")],
        ["rebuildrecentchanges.php"],
        ["runJobs.php"],
    ):
        run(
            ["php", str(maintenance / script[0]), *script[1:]],
            f"seed mediawiki: {script[0]}",
            env=settings,
        )
    serve = ["php", "-S", address.removeprefix("http://"), "-t", str(WIKI)]
    with started(serve, address, place / "server.log", env=settings):
        yield address


@contextmanager
def spirit(seed: str) -> Iterator[str]:
    """A django-spirit forum, filled by a piece of Python that runs inside it."""
    programs, place = environment("spirit", "django-spirit"), fresh("spirit")
    settings = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "seeded.settings.dev",
    }
    run(
        [str(programs / "spirit"), "startproject", "seeded"],
        "set up django-spirit",
        cwd=place,
        env=settings,
    )
    project = place / "seeded"
    python = str(programs / "python")
    run([python, "manage.py", "spiritinstall"], "set up django-spirit", cwd=project, env=settings)
    run([python, "manage.py", "shell", "-c", seed], "seed django-spirit", cwd=project, env=settings)
    address = f"http://127.0.0.1:{free_port()}"
    serve = [python, "manage.py", "runserver", "--noreload", address.removeprefix("http://")]
    with started(serve, address, place / "server.log", cwd=project, env=settings):
        yield address


@contextmanager
def isso() -> Iterator[str]:
    """An isso comment server with nothing in it."""
    programs, place = environment("isso", "isso"), fresh("isso")
    address = f"http://127.0.0.1:{free_port()}"
    (place / "isso.cfg").write_text(
        f"[general]\ndbpath = {place / 'comments.db'}\nhost = {address}\n"
        f"[server]\nlisten = {address}\n"
        "[guard]\nenabled = false\n[hash]\nalgorithm = none\n[moderation]\nenabled = false\n"
    )
    with started(
        [str(programs / "isso"), "-c", str(place / "isso.cfg"), "run"],
        address,
        place / "server.log",
    ):
        yield address


def post(address: str, data: dict[str, object]) -> dict[str, object]:
    """Send JSON as a reader's browser would, and return the JSON of the answer."""
    request = urllib.request.Request(
        address, json.dumps(data).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        result: dict[str, object] = json.load(answer)
        return result
