"""Which lines a page has written: signs and buttons below each other, and headings above prose."""

from __future__ import annotations

import pytest

from pipeline.rules.style.forum import page_lines


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("like", []),  # a word that people say
        ("like\nreply", ["like", "reply"]),
        ("hi there.\nlike", []),
        ("hi there.\nlike reply", ["like reply"]),
        ("like share reply\nhi", ["like share reply"]),
        ("hi there. reply share", ["reply share"]),  # behind the prose
        # one button: below prose, and to the end
        ("reply", []),
        ("hi there.\nreply", ["reply"]),
        ("hi there.\n\nreply\n", ["reply"]),
        ("hi there.\nreply\nbye now", []),
        ("reply\nhi there.", []),
        ("reply\n\nreply", ["reply", "reply"]),
        # a heading: above prose, or alone
        ("posted by u/ada", ["posted by u/ada"]),
        ("posted by u/ada\nhi there.", ["posted by u/ada"]),
        ("hi there.\nposted by u/ada", []),
        ("click to expand...", ["click to expand..."]),
        ("hi\nclick to expand...\nhi", ["click to expand..."]),
        ("", []),
    ],
)
def test_lines_that_a_page_has_written(text: str, found: list[str]) -> None:
    assert [text[line.start : line.end] for line in page_lines(text)] == found
