"""The page of a companion in a real Chromium: both widths, both themes, and all that it can do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pipeline.companion.access import Access
from pipeline.companion.service import Keeping
from tests.companion_page.chromium import Page, opened
from tests.companions import mara, served

pytestmark = pytest.mark.companion_page

QUIET = "!document.querySelector('.waiting') && document.getElementById('stop').hidden"
CONTRAST = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number)
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
  const behind = (one) => {
    for (let node = one; node; node = node.parentElement) {
      const color = rgb(getComputedStyle(node).backgroundColor)
      if (color.length < 4 || color[3] === 1) return color
    }
    return [255, 255, 255]
  }
  const texts = [...document.querySelectorAll('body *')].filter((one) =>
    one.offsetParent && [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
  return Math.min(...texts.map((one) => {
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))]
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
  }))
})()"""


async def say(page: Page, text: str) -> None:
    """Write a message, and wait for the reply."""
    turns = await page.value("document.querySelectorAll('.turn').length")
    await page.value(f"document.getElementById('text').value = {json.dumps(text)}")
    await page.value("document.getElementById('write').requestSubmit()")
    await page.until(f"document.querySelectorAll('.turn').length === {turns + 2} && {QUIET}")


async def texts(page: Page) -> list[str]:
    found = await page.value("[...document.querySelectorAll('.say')].map((one) => one.textContent)")
    return [str(one) for one in found]


async def press(page: Page, title: str, place: int = -1) -> None:
    """A button by its name: the last one, or another."""
    found = f"[...document.querySelectorAll('[aria-label=\"{title}\"]')]"
    await page.value(f"{found}.at({place}).click()")


def in_browser(folder: Path, address: str, visit: object) -> None:
    async def run() -> None:
        async with opened(folder) as page:
            await visit(page)  # type: ignore[operator]
            assert page.problems == []
            assert all(url.startswith((address, "data:", "blob:")) for url in page.asked)

    asyncio.run(run())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_talk_with_its_reasons_can_be_read(tmp_path: Path, width: int, theme: str) -> None:
    async def visit(page: Page) -> None:
        await page.look(width, 844, theme)
        await page.open(url)
        await page.until("document.querySelectorAll('.turn').length === 1")
        await say(page, "Hello, is this the clock shop?")
        await say(page, "I am so sad today, I cried all morning.")
        assert await page.value("document.documentElement.scrollWidth") == width
        assert await page.value(CONTRAST) >= 4.5
        if width < 800:
            await page.value("document.getElementById('panel').click()")
        side = "document.getElementById('side')"
        await page.until(f"{side}.textContent.includes('sadness')")
        assert await page.value(f"{side}.checkVisibility()")
        reasons = str(await page.value("document.getElementById('steps').textContent"))
        assert mara().words.reasons["low"] in reasons
        assert mara().words.reasons["early"] in reasons
        assert await page.value("document.querySelectorAll('.curve circle').length") == 5
        assert await page.value(CONTRAST) >= 4.5

    with served() as url:
        in_browser(tmp_path / "chromium", url, visit)


def test_replies_are_asked_anew_compared_edited_rated_and_taken_away(tmp_path: Path) -> None:
    async def visit(page: Page) -> None:
        await page.look(1280, 860, "light")
        await page.open(url)
        await page.until("document.querySelectorAll('.turn').length === 1")
        await say(page, "Hello, I live in Leeds. Is this the clock shop?")
        first = (await texts(page))[-1]
        await press(page, "Another reply")
        await page.until(f"document.body.textContent.includes('2 / 2') && {QUIET}")
        second = (await texts(page))[-1]
        assert second != first
        await press(page, "The text before")
        assert (await texts(page))[-1] == first
        await press(page, "Good")
        await page.until("document.getElementById('memory').textContent.includes('Leeds')")
        await page.value("document.getElementById('save').click()")
        await page.until("document.getElementById('save').textContent === 'Saved'")
        await page.value("document.querySelector('#facts button').click()")
        await page.until("!document.getElementById('memory').textContent.includes('Leeds')")
        await press(page, "Edit", 1)
        edited = "Hello, I am the one with the cuckoo."
        await page.value(f"document.querySelector('.edit').value = {json.dumps(edited)}")
        await page.value("document.querySelector('.edit + .tools button').click()")
        await page.until(f"document.querySelectorAll('.turn').length === 3 && {QUIET}")
        assert (await texts(page))[1] == edited
        await page.open(url)  # the talk is still there
        await page.until("document.querySelectorAll('.turn').length === 3")
        await page.value("document.getElementById('fresh').click()")
        await page.until("document.querySelectorAll('.turn').length === 1")

    folder = tmp_path / "talks"
    with served(keeping=Keeping(memory=tmp_path / "memory", saved=folder)) as url:
        in_browser(tmp_path / "chromium", url, visit)
    (path,) = folder.glob("*.jsonl")
    last = json.loads(path.read_text("utf-8").splitlines()[-1])
    assert len(last["swipes"]) == 2
    assert (last["swipe_id"], last["extra"]) == (0, {"thumb": 1})


def test_the_token_comes_with_the_address_and_does_not_stay_in_it(tmp_path: Path) -> None:
    async def visit(page: Page) -> None:
        await page.open(f"{url}/#secret-word")
        await page.until("document.querySelectorAll('.turn').length === 1")
        assert await page.value("location.href") == f"{url}/"
        await say(page, "Hello!")

    with served(access=Access(token="secret-word")) as url:
        in_browser(tmp_path / "chromium", url, visit)
