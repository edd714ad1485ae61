"""What the language rules find in a conversation whose languages were detected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Measures
    from pipeline.rules.reading.reading import Reading


# Languages that short messages hardly tell apart; what is declared as one may be found as another.
_CLOSE = tuple(
    frozenset(codes.split())
    for codes in (
        "da no sv",
        "hr sr bs sl",
        "id ms",
        "cs sk",
        "bg mk ru uk be",
        "hi mr ne",
        "af nl",
        "es ca gl pt",
        "et fi",
        "fa ur ar",
    )
)


class Foreign(NamedTuple):
    """A message in another language than its conversation."""

    message: int
    code: str | None


def measures(reading: Reading) -> Measures:
    """How sure the conversation's language is, and how many messages are in another."""
    if reading.detection is None or reading.detection.language is None:
        return {}
    return {
        "language_confidence": reading.detection.language.confidence,
        "foreign_turns": len(_foreign(reading)),
    }


def confidence(reading: Reading) -> Iterator[Finding]:
    """How sure the conversation's language is."""
    if reading.detection and reading.detection.language:
        yield reading.of_row("language.unknown", reading.detection.language.confidence)


def foreign(reading: Reading) -> Iterator[Finding]:
    """Messages in another language than the conversation's; value: how many."""
    found = _foreign(reading)
    for message, code in found:
        yield reading.with_note("language.foreign", len(found), message, code)


def admitted(reading: Reading) -> Iterator[Finding]:
    """1 where the recipe names languages and the conversation's is not one of them."""
    if reading.admitted and reading.detection and reading.detection.language:
        code = reading.detection.language.code
        if code not in reading.admitted:
            yield reading.of_row_with_note("language.admitted", 1, code)


def declared(reading: Reading) -> Iterator[Finding]:
    """How sure it is that the language is another than the source declares. A language that is not
    recognised, and one that is close to what was found, contradict nothing."""
    found = reading.detection.language if reading.detection else None
    if not reading.declared or found is None or found.code == reading.declared:
        return
    from pipeline.rules.language.profiles import weights

    pair = {reading.declared, found.code}
    if reading.declared in weights().names and not any(pair <= close for close in _CLOSE):
        note = f"{found.code}, declared {reading.declared}"
        yield reading.of_row_with_note("language.declared", found.confidence, note)


def _foreign(reading: Reading) -> list[Foreign]:
    """Messages are numbered with the system messages, whose language was not detected."""
    if reading.detection is None or reading.detection.language is None:
        return []
    own = reading.detection.language.code
    pairs = zip(reading.spoken, reading.detection.codes, strict=True)
    return [Foreign(i, code) for i, code in pairs if code != own]
