"""What the privacy rules find: where personal data stand and of which kind; never what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Measures
    from pipeline.rules.reading.reading import Reading


def measures(reading: Reading) -> Measures:
    """How many personal data stand in the row."""
    return {"pii": sum(map(len, reading.personal))}


def personal_data(reading: Reading) -> Iterator[Finding]:
    """Every place in a message; of names and cards, that there are some. Alternatives are judged by
    themselves; what stands in `extra` is counted alone."""
    count = len(reading.messages)
    shown = len(reading.personal) - reading.beside
    for text, spans in enumerate(reading.personal[:shown]):
        for span in spans:
            rule = f"privacy.{span.kind}"
            if text < count:
                yield reading.unquoted(rule, Hit(text, span.start, span.end))
            elif text < 2 * count:
                yield reading.of_row_with_note(rule, 1, "a speaker's name")
            else:
                yield reading.of_row_with_note(rule, 1, "the card")
