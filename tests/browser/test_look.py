"""What somebody does on the page: look, search, choose, open."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.browser.conftest import Open
from tests.browser.runs import ARABIC, HIDDEN, LONG, PHRASE, TURNS
from tests.browser.steps import ask, number, until, waits_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]


# --- looking


def test_the_funnel_shows_every_loss_and_leads_to_its_rows(quickstart: str, look: Open) -> None:
    page = look(quickstart)
    assert page.inner_text("h1") == "71 of 94 conversations came through"
    assert page.locator(".flow .stage-name").all_text_contents() == [
        "collect",
        "generate",
        "filter",
        "dedup",
        "score",
        "publish",
    ]
    assert page.locator("a.reason", has_text="dedup.near").text_content().endswith("2")
    page.click("a.reason:has-text('dedup.near')")
    page.wait_for_selector(".rows-desk .row")
    waits_for(page, 2)
    assert page.locator(".row .pill").all_text_contents() == ["dedup.near"] * 2


def test_a_band_of_the_funnel_lights_its_source_and_leads_to_its_rows(
    quickstart: str, look: Open
) -> None:
    page = look(quickstart)
    page.hover(".flow a[data-source=neighbours] .band >> nth=0", force=True)
    assert page.locator(".flow-place.some").count() == 1
    assert page.locator(".legend .lit").inner_text() == "neighbours"
    page.click("tbody a:has-text('neighbours')")
    page.wait_for_selector(".rows-desk .row")
    waits_for(page, 22)


def test_search_finds_words_and_patterns_in_any_script(hard: str, look: Open) -> None:
    page = look(hard)
    page.keyboard.press("/")
    page.keyboard.type(PHRASE.upper())
    page.keyboard.press("Enter")
    waits_for(page, 1)
    assert page.inner_text(".row mark").lower() == PHRASE.lower()
    page.fill("#find [name=words]", "الغلاية")
    page.keyboard.press("Enter")
    waits_for(page, 1)
    page.check("#find [name=pattern]", force=True)
    page.fill("#find [name=words]", r"word1\d\d\b")
    page.keyboard.press("Enter")
    waits_for(page, 1)
    page.fill("#find [name=words]", "nobody said this")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No row is so")
    page.click("text=Show all rows")
    waits_for(page, ask(hard, "about")["rows"])


def test_facets_and_histograms_choose_rows(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    near = page.locator(".facet", has_text="near").filter(has=page.locator(".dot"))
    expected = number(near.locator(".count").inner_text())
    near.click()
    waits_for(page, expected)
    assert near.get_attribute("aria-pressed") == "true"
    page.click(".chip")
    waits_for(page, ask(address, "about")["rows"])
    page.click("summary:has-text('Measures')")
    box = page.locator(".brush[aria-label^='words:']")
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    page.mouse.move(place["x"] + place["width"] * 0.9, place["y"] + 20)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] - 1, place["y"] + 20)
    page.mouse.up()
    page.wait_for_selector(".chip:has-text('words')")
    where = re.search(r"words=[\d.]+\.\.", page.evaluate("decodeURIComponent(location.hash)"))
    assert where
    waits_for(page, ask(address, f"side?where={where[0]}")["count"])


def test_a_histogram_is_brushed_by_keys(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    page.click("summary:has-text('Measures')")
    page.focus(".brush[aria-label^='words:']")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".chip:has-text('words')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("words:")
    page.keyboard.press("Delete")
    page.wait_for_selector(".chip", state="detached")


def test_rows_are_sorted_and_a_sample_is_the_same_for_a_seed(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    page.select_option(".sort", "words desc")
    page.wait_for_selector(".row .value")
    values = [number(text) for text in page.locator(".row .value").all_text_contents()]
    assert values == sorted(values, reverse=True)
    page.click("summary:has-text('Sample')")
    page.fill("[name=sample]", "9")
    page.click("text=Draw a sample")
    waits_for(page, 9)
    drawn = page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    again = look(address, "view=rows&sample=9&seed=1&by=source&sort=words&order=desc", ".row")
    assert again.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)") == drawn


def test_a_long_list_grows_as_it_is_scrolled(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    assert page.locator(".row").count() == 50
    page.locator(".row").nth(3).click()
    page.wait_for_selector(".reader .turn")
    page.evaluate("document.querySelector('.list').scrollTop = 1e6")
    until(page, "document.querySelectorAll('.row').length > 50")


def test_keys_go_through_the_selection_and_open_everything(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    ids = page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    for _ in range(3):
        page.keyboard.press("j")
        page.wait_for_timeout(150)
    page.wait_for_selector(f".row.at[data-id='{ids[2]}']")
    page.keyboard.press("k")
    page.wait_for_selector(f".row.at[data-id='{ids[1]}']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".way:has-text('2 of')")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".way:has-text('3 of')")
    page.keyboard.press("Escape")
    page.wait_for_selector(f".rows-desk .row.at[data-id='{ids[2]}']")


def test_a_dropped_row_shows_why_in_its_place(quickstart: str, look: Open) -> None:
    page = look(quickstart, "view=rows&where=reason%3Dstyle.assistant", ".row")
    page.click(".row")
    page.wait_for_selector(".reader .turn")
    assert page.inner_text(".say .drop") == "as an AI"
    assert "style.assistant" in page.inner_text(".turn .flag.drop")
    page.keyboard.press("Enter")
    page.wait_for_selector(".step-of-life.lost:has-text('filter')")
    assert page.inner_text(".change del") == "That's not what you said yesterday."


def test_masked_data_is_a_tile(quickstart: str, look: Open) -> None:
    page = look(quickstart, "view=rows&where=rule%3Dprivacy.email", ".row")
    page.click(".row >> nth=0")
    page.wait_for_selector(".say .mask")
    assert "masked: email" in page.locator(".say .mask").first.get_attribute("title")


def test_a_generated_row_has_names_card_closeness_and_failed_tries(
    quickstart: str, look: Open
) -> None:
    rows = ask(quickstart, "rows?where=source%3Dgenerated&limit=20")["rows"]
    found = [row["id"] for row in rows if ask(quickstart, f"row?id={row['id']}")["alternatives"]]
    page = look(quickstart, f"view=conversation&id={found[0]}", ".turn")
    assert page.locator(".who-card").count() == 1
    assert page.locator(".rail .point").count() > 3
    assert page.locator(".stage").count() >= 1
    page.click(".swipes summary >> nth=0")
    assert page.locator(".swipe.failed").first.is_visible()
    assert page.locator(".score").count() >= 3


# --- what is hard to show


def test_markup_in_a_message_stays_text(hard: str, look: Open) -> None:
    page = look(hard, f"view=rows&find={PHRASE}", ".row")
    page.click(".row")
    page.wait_for_selector(".say:has-text('<script>')")
    assert "taken" not in page.title()
    assert page.locator(".say img, .say script").count() == 0


def test_text_from_right_to_left_and_hidden_characters(hard: str, look: Open) -> None:
    page = look(hard, "view=rows&find=الغلاية", ".row")
    page.click(".row")
    say = page.locator(".say", has_text=ARABIC[:9]).first
    assert say.evaluate("node => getComputedStyle(node).direction") == "rtl"
    made = f"marked({json.dumps(HIDDEN)}, [])"
    said = (
        f"import('./text.js').then(({{ marked }}) => {made}.map(each => each.textContent ?? each))"
    )
    assert page.evaluate(said) == [
        "a word",
        "U+200B",
        "with a gap, and ",
        "U+202E",
        "back",
        "U+202C",
    ]


def test_long_conversations_open_at_once(hard: str, look: Open) -> None:
    page = look(hard, "view=rows&find=word17+word18", ".row")
    started = time.monotonic()
    page.click(".row")
    page.wait_for_selector(".say .more")
    assert time.monotonic() - started < 2
    assert len(page.inner_text(".say:has(.more)")) < 4000
    page.click(".say .more")
    until(
        page,
        f"[...document.querySelectorAll('.say')].some(say => say.textContent.length > {LONG // 2})",
    )


def test_of_a_conversation_of_400_turns_only_what_is_seen_is_drawn(
    address: str, look: Open
) -> None:
    page = look(address, "view=rows&where=source%3Dlong", ".row")
    started = time.monotonic()
    page.click(".row")
    page.wait_for_selector(".rail .point")
    assert time.monotonic() - started < 2
    assert page.locator(".turn").count() == TURNS
    assert 3 < page.locator(".rail .point").count() < 40
    first = page.locator(".rail .point").first.get_attribute("cy")
    page.evaluate("document.querySelector('.reader').scrollTop = 9000")
    until(
        page, f"Number(document.querySelector('.rail .point').getAttribute('cy')) > {first} + 2000"
    )
    assert page.locator(".rail .point").count() < 40
