"""Remains of a prompt format: tokens of chat templates, whole or damaged.

    I'd love to.<|im_end|>             style.template
    I'd love to.<|im_end               style.template

The grammar of the tokens is in `formats/templates.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.formats import templates
from pipeline.rules.style.stretch import Stretch, stretches

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


SIGNS = ("<", "[", "|", "_", "#", "＜", "~", "Correct ")


def tokens(reading: Reading) -> Iterator[Finding]:
    """Tokens of templates; those of tool calls are found by `tools`."""
    yield from reading.first_places("style.template", stretches(reading, _tokens, SIGNS))


def _tokens(text: str) -> list[Stretch]:
    marks = templates.remains(text)
    return [Stretch(mark.start, mark.end) for mark in marks if mark.family != "tools"]
