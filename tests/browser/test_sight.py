"""What the page looks like to everybody: contrast, names, focus, widths, both themes, motion."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import Open, Page
from tests.browser.steps import ask

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

SIGHT = (Path(__file__).parent / "sight.js").read_text("utf-8")
VIEWS = {
    "funnel": "view=funnel",
    "rows": "view=rows&find=soup&where=source%3Dtalks|near&sort=words&order=desc&id={kept}",
    "conversation": "view=conversation&id={generated}",
    "dropped": "view=conversation&id={dropped}",
    "quarantined": "view=conversation&id={quarantined}",
    "pairs": "view=pairs",
    "whatif": "view=whatif&rule=style.repetition&limit=0.4",
    "compare": "view=compare",
    "review": "view=review&where=outcome%3Ddropped",
    "rate": "view=review&mode=rate",
    "ab": "view=review&mode=ab",
    "nothing": "view=rows&find=nobody+said+this",
}
LOOKS = [
    (view, theme, width) for view in VIEWS for theme in ("light", "dark") for width in (1280, 390)
]


def shown(view: str, address: str, look: Open, **settings: object) -> Page:
    """A view with rows of every kind put into its link."""
    kinds = ("kept", "dropped", "quarantined")
    ids = {kind: first(address, f"outcome%3D{kind}") for kind in kinds}
    ids["generated"] = first(address, "source%3Dgenerated") or ids["kept"]
    page = look(address, VIEWS[view].format(**ids), "h1, h2, .turn, .row", **settings)
    page.wait_for_timeout(900)
    page.evaluate(SIGHT)
    return page


def first(address: str, where: str) -> str:
    rows = ask(address, f"rows?where={where}&limit=1")["rows"]
    return rows[0]["id"] if rows else ""


@pytest.mark.parametrize(("view", "theme", "width"), LOOKS)
def test_every_text_can_be_read_and_nothing_hangs_out(
    view: str, theme: str, width: int, address: str, quickstart: str, look: Open
) -> None:
    where = quickstart if view in ("funnel", "conversation", "dropped", "quarantined") else address
    height = 860 if width > 500 else 844
    scale = 1 if width > 500 else 2
    size = {"width": width, "height": height, "device_scale_factor": scale}
    page = shown(view, where, look, color_scheme=theme, **size)
    folder = os.environ.get("LOOK_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{view}-{width}-{theme}.png")
    assert page.evaluate("faintTexts()") == []
    assert page.evaluate("nameless()") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_both_themes_can_be_chosen_and_stay(address: str, look: Open) -> None:
    page = look(address, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click("#theme")
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    page.wait_for_selector("h1")
    assert page.evaluate(paper) == dark


def test_the_focus_goes_through_the_page_in_order(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    order = []
    for _ in range(16):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.textContent.trim()"
                " || document.activeElement.name"
            )
        )
    names = ["skip", "Rapport", "Funnel", "Rows", "Pairs", "What if", "Compare", "Review"]
    assert order[: len(names)] == names
    assert order[len(names) :][:4] == ["words", "pattern", "theme", "keys"]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_landmarks_and_headings(address: str, look: Open) -> None:
    page = look(address)
    for role in ("banner", "main", "search"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("navigation", name="Views").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("[aria-current=page]").inner_text() == "Funnel"


def test_nothing_moves_for_who_wants_no_motion(address: str, look: Open) -> None:
    page = look(address, reduced_motion="reduce")
    moving = "document.getAnimations().filter(each => each.playState === 'running').length"
    assert page.evaluate(moving) == 0
    page.hover(".flow .band >> nth=0", force=True)
    assert page.evaluate(moving) == 0


def test_the_keys_are_shown(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row")
    page.keyboard.press("?")
    text = page.inner_text("dialog")
    assert all(word in text for word in ("next row", "keep", "drop", "undo", "search every word"))
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_on_a_narrow_window_rows_are_chosen_in_a_sheet(address: str, look: Open) -> None:
    page = look(address, "view=rows", ".row", width=390, height=844, has_touch=True)
    page.click("button.only-narrow")
    page.click(".facet:has(.dot):has-text('near')")
    page.wait_for_selector(".sheet-head", state="hidden")
    page.wait_for_selector(".chip:has-text('near')")
    page.tap(".row >> nth=0")
    page.wait_for_selector(".way")
    assert page.locator(".turn").count() > 2
