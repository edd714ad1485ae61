"""Steps that tests of the page share."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.request import urlopen

from tests.browser.conftest import Page

PATIENCE = 20  # seconds


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def how_many(page: Page) -> int:
    """The rows of the selection, as the list says."""
    return number(page.inner_text(".how-many b"))


def until(page: Page, expression: str) -> None:
    """Waits until something is true in the page. (Playwright's own way needs `eval`, which the
    page's policy forbids.)"""
    last = time.monotonic() + PATIENCE
    while not page.evaluate(expression):
        assert time.monotonic() < last, expression
        page.wait_for_timeout(50)


def waits_for(page: Page, rows: int) -> None:
    shown = "document.querySelector('.how-many b')?.textContent.replace(/\\D/g, '')"
    until(page, f"{shown} === '{rows}'")


def ask(address: str, route: str) -> Any:
    with urlopen(f"{address}api/{route}", timeout=30) as answer:
        return json.load(answer)
