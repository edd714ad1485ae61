"""What somebody decides, compares and takes away; a run at work; a server that is gone."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open, serving
from tests.browser.runs import Runs, at_work
from tests.browser.steps import ask, how_many, number, until, waits_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

# --- deciding


def events(run: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(run / "review.sqlite") as store:
        names = [row[1] for row in store.execute("pragma table_info(events)")]
        wanted = ", ".join(name for name in ("action", "who") if name in names)
        return [*store.execute(f"select {wanted} from events")]


def test_a_review_by_keys_alone_with_undo_note_and_edit(
    runs: Runs, look: Open, tmp_path: Path
) -> None:
    with serving(runs.evening, tmp_path) as address:
        page = look(address, "view=review&where=outcome%3Dkept&where=source%3Dtalks", ".turn")
        for key, sign in (("y", "keep 1"), ("n", "drop 1"), ("y", "keep 2")):
            before = page.inner_text(".review-head b")
            page.keyboard.press(key)
            page.wait_for_selector(f".tally:has-text('{sign}')")
            assert page.inner_text(".review-head b") != before
        page.keyboard.press("u")
        page.wait_for_selector(".review-head b:has-text('3 of')")
        page.wait_for_selector(".tally:has-text('keep 1')")
        page.keyboard.press("t")
        page.keyboard.type("too short")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".note:has-text('too short')")
        page.keyboard.press("e")
        page.wait_for_selector("dialog textarea")
        page.fill("dialog textarea", "I would rather say it like this.")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".rewritten:has-text('rather say it')")
        found = ask(address, "review?who=anna")
        assert found["counts"]["keep"] == 1
        assert found["people"] == {"anna": found["people"]["anna"]}
    assert (runs.evening / "review.sqlite").is_file()


def test_a_keep_that_cannot_be_honoured_says_why(quickstart: str, look: Open) -> None:
    page = look(quickstart, "view=rows&where=reason%3Dsafety.minor", ".row")
    page.click(".row")
    page.wait_for_selector(".reader .turn")
    page.keyboard.press("y")
    page.wait_for_selector(".toast.bad")
    assert len(page.inner_text(".toast.bad")) > 30


def test_a_published_dataset_is_open_for_reading_only(
    runs: Runs, look: Open, tmp_path: Path
) -> None:
    with serving(runs.quickstart / "6-publish" / "dataset", tmp_path) as address:
        page = look(address)
        rows = ask(address, "about")["rows"]
        assert page.inner_text("h1") == f"{rows} conversations"
        page.click("#tabs a:has-text('Review')")
        page.wait_for_selector("text=This is open for reading only")
        page.click("text=Look at the rows")
        page.click(".row >> nth=0")
        page.wait_for_selector(".reader .turn")
        assert page.locator(".reader .btn.yes").count() == 0


def test_two_reviewers_see_each_other(runs: Runs, look: Open, tmp_path: Path) -> None:
    with serving(runs.other, tmp_path) as address:
        first = look(address, "view=review&where=outcome%3Dkept", ".turn")
        second = look(address, "view=review&where=outcome%3Dkept", ".turn")
        second.click("text=Another name")
        second.fill("dialog input", "noor")
        second.keyboard.press("Enter")
        second.wait_for_selector("text=You are noor")
        first.keyboard.press("y")
        first.wait_for_selector(".tally:has-text('keep 1')")
        second.keyboard.press("n")
        second.wait_for_selector(".tally:has-text('drop 1')")
        assert "anna 1 decision, noor 1 decision" in second.inner_text(".me")


def test_a_blind_rating_hides_who_it_is(runs: Runs, look: Open, tmp_path: Path) -> None:
    with serving(runs.quickstart, tmp_path) as address:
        page = look(address, "view=review&mode=rate&where=source%3Dgenerated", ".turn")
        assert {*page.locator(".speaker b").all_inner_texts()} <= {"Character", "User", "Setting"}
        text = page.inner_text("main")
        assert "generated" not in text
        before = number(page.inner_text(".review-head b"))
        page.keyboard.press("4")
        page.keyboard.press("2")
        assert page.locator(".level-button[aria-pressed=true]").all_inner_texts() == ["4", "2"]
        page.keyboard.press("Enter")
        until(
            page,
            f"document.querySelector('.review-head b').textContent.startsWith('{before - 1} ')",
        )
        assert ask(address, "agreement")["raters"] == ["anna"]


def test_a_choice_between_two_texts_is_blind(runs: Runs, look: Open, tmp_path: Path) -> None:
    with serving(runs.evening, tmp_path) as address:
        page = look(address, "view=review&mode=ab", ".choice")
        texts = {*page.locator(".choice .say").all_inner_texts()}
        assert len(texts) == 2
        assert page.locator(".speaker b").first.inner_text() == "User"
        left = number(page.inner_text(".review-head b"))
        page.keyboard.press("b")
        until(page, f"document.querySelector('.review-head b')?.textContent !== '{left} left'")
        assert ask(address, "ab?who=anna")["left"] == left - 1


# --- comparing


def test_pairs_are_folded_to_what_differs(address: str, look: Open) -> None:
    page = look(address, "view=pairs&where=source%3Dnear|talks", ".pair-line.fold")
    assert page.locator(".cell ins, .cell del").count() >= 1
    assert page.locator(".side-head .pill").all_inner_texts() in (
        ["stays", "dropped"],
        ["dropped", "stays"],
    )
    lines = page.locator(".pair-line").count()
    page.click(".fold button >> nth=0")
    page.wait_for_selector(".cell.alike")
    assert page.locator(".pair-line").count() > lines
    first = page.inner_text(".side-head code >> nth=0")
    page.keyboard.press("j")
    until(page, f"document.querySelector('.side-head code').textContent !== '{first}'")


def test_what_if_a_limit_were_another(address: str, look: Open) -> None:
    page = look(address, "view=whatif&rule=style.repetition", ".delta dd")
    page.fill(".exact", "0.3")
    page.keyboard.press("Enter")
    page.wait_for_selector(".recipe:has-text('limit: 0.3')")
    truth = ask(address, "whatif?rule=style.repetition&limit=0.3")
    assert truth["newly_dropped"] > 0
    page.wait_for_selector(f".delta dd:text-is('+{truth['newly_dropped']}')")
    page.wait_for_selector(".changes-list .row")
    page.click(".recipe button")
    page.wait_for_selector(".toast")
    assert page.evaluate("navigator.clipboard.readText()") == truth["recipe"]
    page.click("text=All of them in Rows")
    page.wait_for_selector(".rows-desk .row")
    waits_for(page, truth["newly_dropped"])


def test_the_handle_is_dragged_and_moved_by_keys(address: str, look: Open) -> None:
    page = look(address, "view=whatif&rule=structure.turns", ".delta dd")
    box = page.locator(".handle").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=5)
    assert page.input_value(".exact") != "4"
    page.mouse.up()
    until(page, "location.hash.includes('limit=')")
    before = page.input_value(".exact")
    page.focus(".handle")
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    until(page, f"document.querySelector('.exact').value !== '{before}'")


def test_two_runs_are_compared(runs: Runs, address: str, look: Open) -> None:
    page = look(address, f"view=compare&with={runs.other.name}", "table")
    truth = ask(address, f"compare?with={runs.other.name}")
    moved = sum(move["count"] for move in truth["moves"])
    assert moved > 0
    assert number(page.inner_text("h1").split()[0]) == moved
    assert "limit: 0.3" in page.inner_text(".diff")
    page.click("table a >> nth=0")
    page.wait_for_selector(".rows-desk .row")
    waits_for(page, max(move["count"] for move in truth["moves"]))


# --- taking away


VIEWS = (
    "view=funnel",
    "view=rows&where=source%3Dtalks&where=turns%3D4..9&find=kettle&sort=words&order=desc",
    "view=pairs",
    "view=whatif&rule=style.repetition&limit=0.4",
    "view=compare",
    "view=review&where=outcome%3Dkept",
)


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_shows_the_same_again(view: str, address: str, look: Open) -> None:
    page = look(address, view, "h1, .turn, .row")
    page.wait_for_timeout(700)
    link = page.evaluate("location.hash.slice(1)")
    again = look(address, link, "h1, .turn, .row")
    again.wait_for_timeout(700)
    assert again.text_content("main") == page.text_content("main")


def test_a_link_to_a_row_keeps_its_place(address: str, look: Open) -> None:
    row = ask(address, "rows?offset=60&limit=1&sort=words&order=asc")["rows"][0]["id"]
    page = look(address, f"view=conversation&sort=words&order=asc&id={row}&at=60", ".turn")
    page.wait_for_selector(".way:has-text('61 of')")
    page.reload()
    page.wait_for_selector(".way:has-text('61 of')")


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_selection_is_exported(kind: str, address: str, look: Open, tmp_path: Path) -> None:
    page = look(address, "view=rows&where=source%3Dnear", ".row")
    page.wait_for_selector(".how-many b")
    rows = how_many(page)
    page.click("summary:has-text('Export')")
    with page.expect_download() as download:
        page.click(
            {"jsonl": "text=JSON lines", "csv": "text=CSV table", "parquet": "text=Parquet"}[kind]
        )
    path = tmp_path / f"rows.{kind}"
    download.value.save_as(path)
    assert lines_of(path) == rows


def lines_of(path: Path) -> int:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return len([*csv.DictReader(file)])
        return len([json.loads(line) for line in file])


# --- a run at work, and a server that is gone


def test_a_live_run_is_shown_as_it_grows(runs: Runs, look: Open, tmp_path: Path) -> None:
    copy = tmp_path / "live"
    with at_work(runs.evening, copy) as land, serving(copy, tmp_path / "cache") as address:
        page = look(address, "", "h1")
        page.wait_for_selector("#run:has-text('running')")
        assert "so far" in page.inner_text("h1")
        page.wait_for_selector(".flow .total.running")
        before = page.text_content(".flow .total.running")
        land()
        until(page, f"document.querySelector('.flow .total.running')?.textContent !== '{before}'")


def test_a_server_that_is_gone_is_said_in_words(address: str, chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("h1")
    context.set_offline(True)
    page.click("#tabs a:has-text('Rows')")
    page.wait_for_selector("text=This could not be shown")
    assert "rapport look" in page.inner_text("main")
    context.set_offline(False)
    page.click("text=Try again")
    page.wait_for_selector(".row")
    context.close()
