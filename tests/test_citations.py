"""Which numbers, notes and lists are marks of citations, and where they stand."""

from __future__ import annotations

import pytest

from pipeline.rules.style.citations import marks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Soup [1], bread [2].", [" [1]", " [2]"]),
        ("Soup.[1]", ["[1]"]),
        ("Soup [1].", [" [1]"]),
        ("a [1] b", []),
        ("x = 1\nsoup[1], a[2]", []),  # code
        ("It is [[1]] so", ["[[1]]"]),
        ("It is attached_file:2 so", ["attached_file:2"]),
        ("So it is (Berg & Tal, 2017).", ["(Berg & Tal, 2017)"]),
        (
            "It is so [^1].\n[^1]: https://a.example",
            ["[^1]", "[^1]: https://a.example"],
        ),
        ("It is so [^1].\n[^1]: my own remark", []),
        (
            "It is so.\n\nSources:\n- https://a.example\n- Berg 2017",
            ["Sources:\n- https://a.example\n- Berg 2017"],
        ),
        ("It is so.\n\nSources:\n- soup\n- bread", []),  # without an address
        (
            "It is so.\n\nSources:\nsee https://a.example\n- b",
            ["Sources:\nsee https://a.example\n- b"],
        ),
        ("It is so.\n\nSources:\n- https://a.example\nAnd bye.", []),
        ("It is so.\n\nSources:", []),
        ("Sources:\nsoup\n\nSources:\n- https://a.example", ["Sources:\n- https://a.example"]),
        ("", []),
    ],
)
def test_marks_of_citations(text: str, found: list[str]) -> None:
    assert [text[mark.start : mark.end] for mark in marks(text)] == found
