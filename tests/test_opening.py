"""By which words two conversations open in the same way."""

from __future__ import annotations

import pytest

from pipeline.rules.opening import opening


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Hello there, I am Tom. And you?", "hello there i am tom"),
        ("Hello  THERE: i am tom, the baker", "hello there i am tom"),
        ("Hello there, I am", "hello there i am"),
        ("Write to ana@example.org, or call +1 202 555 0143!", "write to email or call"),
        ("Write to bob@example.net, or come by.", "write to email or come"),
        ("...", ""),
        ("", ""),
        ("!" * 395 + "hello there", "hello"),  # 400 characters are looked at
        ("!" * 400 + "hello there", ""),
    ],
)
def test_the_first_words_without_personal_data(message: str, found: str) -> None:
    assert opening(message, "en") == found
