"""Five tasks of somebody who has never seen the page: each takes six clicks or keys at most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.conftest import Open, Page, serving
from tests.browser.runs import Runs
from tests.browser.steps import ask

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]
MOST = 6


class Hands:
    """Counts what a person does: a click, a key, a text typed, a choice."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def click(self, what: str) -> None:
        self.actions += 1
        self.page.click(what)

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        self.actions += 1
        self.page.keyboard.type(text)

    def choose(self, what: str, value: str) -> None:
        self.actions += 1
        self.page.select_option(what, value)


@contextmanager
def task(look: Open, address: str) -> Iterator[Hands]:
    """Every task begins at the page as it opens."""
    hands = Hands(look(address))
    yield hands
    assert hands.actions <= MOST


def test_why_was_this_row_dropped(quickstart: str, look: Open) -> None:
    with task(look, quickstart) as hands:
        hands.press("/")
        hands.write("eel boat")
        hands.press("Enter")
        hands.click(".row")
        hands.page.wait_for_selector(".reader .flag.drop:has-text('style.assistant')")


def test_the_ten_worst_by_pacing(address: str, look: Open) -> None:
    worst = ask(address, "rows?sort=pacing&order=asc&limit=10")["rows"]
    with task(look, address) as hands:
        hands.click("#tabs a:has-text('Rows')")
        hands.choose(".sort", "pacing asc")
        hands.page.wait_for_selector(".row .value")
        listed = hands.page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)")
        assert listed[:10] == [row["id"] for row in worst]


def test_all_rows_with_a_phrase_exported(address: str, look: Open, tmp_path: Path) -> None:
    with task(look, address) as hands:
        hands.press("/")
        hands.write("come over for soup")
        hands.press("Enter")
        hands.click("summary:has-text('Export')")
        with hands.page.expect_download() as download:
            hands.click("text=JSON lines")
    download.value.save_as(tmp_path / "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) > 100
    assert all("come over for soup" in json.dumps(row).lower() for row in rows)


def test_would_a_limit_of_three_tenths_be_better(address: str, look: Open) -> None:
    with task(look, address) as hands:
        hands.click("#tabs a:has-text('What if')")
        hands.click(".rules a:has-text('style.repetition')")
        hands.page.wait_for_selector("h1:has-text('repetition')")
        hands.click(".exact")
        hands.press("Control+a")
        hands.write("0.3\n")
        hands.page.wait_for_selector(".changes-list .row")
        assert hands.page.inner_text(".delta dd >> nth=1").startswith("+")


def test_keep_this_one_after_all(runs: Runs, look: Open, tmp_path: Path) -> None:
    with serving(runs.quickstart, tmp_path) as address, task(look, address) as hands:
        hands.click("a.reason:has-text('dedup.near')")
        hands.click(".row")
        hands.page.wait_for_selector(".reader .turn")
        hands.press("y")
        hands.page.wait_for_selector(".reader .note.keep")
