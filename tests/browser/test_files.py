"""The files of the page, read as text: small, alone, with nothing that the policy forbids."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "pipeline" / "look" / "page"
SERVED = (".html", ".css", ".js", ".svg")
FILES = {path.name: path.read_text("utf-8") for path in PAGE.iterdir() if path.suffix in SERVED}
MOST = 60_000  # bytes of the whole page, packed


def scripts() -> dict[str, str]:
    return {name: text for name, text in FILES.items() if name.endswith(".js")}


def test_the_page_is_small() -> None:
    whole = "".join(FILES[name] for name in sorted(FILES))
    assert len(gzip.compress(whole.encode(), 9)) < MOST


def test_no_other_place_is_named() -> None:
    """But for the name of SVG, which is no address that is asked."""
    for name, text in FILES.items():
        found = re.findall(r"https?://[\w.]+", text.replace("http://www.w3.org/2000/svg", ""))
        assert (name, found) == (name, [])


def test_nothing_stands_in_line_that_the_policy_forbids() -> None:
    """Of `style` and listeners only holes are allowed: they are set, not parsed."""
    page = FILES["index.html"]
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    for name, text in scripts().items():
        assert (name, re.findall(r"\sstyle=\"|\son\w+=", text)) == (name, [])


def test_texts_become_markup_in_one_place_alone() -> None:
    ways = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\b"
    )
    found = {name: len(re.findall(ways, text)) for name, text in scripts().items()}
    assert {name: times for name, times in found.items() if times} == {"dom.js": 1}


def test_every_module_that_is_named_is_there_and_used() -> None:
    named = set(
        re.findall(
            r"from \"\./([\w.]+)\"|src=\"\./([\w.]+)\"|href=\"\./([\w.]+)\"",
            "".join(FILES.values()),
        )
    )
    names = {name for names in named for name in names if name}
    assert names <= set(FILES)
    assert set(FILES) - names <= {"index.html"}
