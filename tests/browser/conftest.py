"""A real browser looks at real runs: these tests run only by `make test-browser`."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.runs import Runs, made_runs

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# Whatever the browser would ask for by itself is kept from it: only this machine has an address.
ALONE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
Page = Any  # playwright is not installed where mypy looks
Open = Callable[..., Page]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "browser" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="a browser: run `make test-browser`"))


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return made_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    sys.path.append(str(ROOT / ".venv-browser"))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        yield browser
        browser.close()


@contextmanager
def serving(path: Path, cache: Path) -> Iterator[str]:
    """The server of a run in this process, with its index made; gives its address."""
    from pipeline.look.server import LookServer
    from pipeline.look.subject import subject

    with LookServer(subject(path, cache), "anna") as server:
        server.load()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.address
        server.shutdown()


@pytest.fixture(scope="session")
def address(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the large run is served, for tests that change nothing."""
    with serving(runs.evening, tmp_path_factory.mktemp("cache")) as found:
        yield found


@pytest.fixture(scope="session")
def quickstart(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(runs.quickstart, tmp_path_factory.mktemp("cache")) as found:
        yield found


@pytest.fixture(scope="session")
def hard(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(runs.hard, tmp_path_factory.mktemp("cache")) as found:
        yield found


@pytest.fixture
def look(chromium: Any) -> Iterator[Open]:
    """Opens an address in a window of its own. At the end nothing may have gone wrong: no error in
    the console, no request to another place than the page's own."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def watch(page: Page, address: str) -> None:
        page.on("console", lambda message: wrong.append(message.text) if bad(message) else None)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("request", lambda request: wrong.extend(foreign(request.url, address)))

    def opened(address: str, view: str = "", expect: str = "h1, h2", **settings: Any) -> Page:
        size = {"width": settings.pop("width", 1280), "height": settings.pop("height", 860)}
        context = chromium.new_context(viewport=size, **settings)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        watch(page, address)
        page.goto(f"{address}#{view}")
        page.wait_for_selector(f"main :is({expect})")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def bad(message: Any) -> bool:
    return message.type in ("error", "warning")


def foreign(url: str, address: str) -> list[str]:
    is_own = url.startswith((address, "data:", "blob:"))
    return [] if is_own else [f"a request to {url}"]
