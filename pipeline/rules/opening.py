"""How a conversation opens: what `filter` counts for each source, and `publish` may limit."""

from __future__ import annotations

from pipeline.conversation import normalised
from pipeline.rules.privacy.find import find

WORDS = 5  # of an opening: conversations that share them open in the same way
HEAD = 400  # characters of a first message that are looked at


def opening(message: str, language: str | None) -> str:
    """The first words of a message, normalised; personal data by their kind. Empty where it has no
    words."""
    head = message[:HEAD]
    for kind, start, end in reversed(find(head, language)):
        head = f"{head[:start]} {kind} {head[end:]}"
    return " ".join(normalised(head).split()[:WORDS])
