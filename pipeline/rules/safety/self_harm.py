"""Who does not want to live, plans to or hurts himself; and who urges the other to.

I don't want to live anymore.        → safety.self_harm
Everyone would be happier without me → safety.self_harm
just kill yourself already           → safety.self_harm
I want to die laughing               → nothing
I don't want to live in the city.    → nothing
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.safety import standing

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.phrases import Hit
    from pipeline.rules.reading.reading import Reading


_TO_LIVE = re.compile(r"(?:live|living|be here|be around|жить|leben|vivre|vivir|vivere|viver)$")
_SOMEWHERE = re.compile(  # not "in this world"
    r"\s(?:in|at|with|on|near|by|alone|there|downtown|abroad|together|under|for|off|next|en|con|aquí|sol[oa]|à"
    r"|dans|avec|ici|chez|seule?|a|da|qui|em|com|aqui|sozinh[oa]|в|во|на|с|со|здесь|тут|hier|mit"
    r"|bei|auf|allein)\b"
    r"(?! (?:(?:this|that|such a|dieser|ce|este|questo|neste) )?"
    r"(?:(?:world|earth|planet|pain|fear|hell)|welt|monde|mundo|mondo))"
    r"(?! (?:этом (?:свете|мире)|такой|боли))"
)

_HERE = re.compile(r"\b(?:hier|dort)\b")  # German says it before the verb


def self_harm(reading: Reading) -> Iterator[Finding]:
    """Self-harm, the speaker's own or what the other is urged to."""
    hits = [hit for hit in standing.not_undone(reading, "self_harm") if not _of_home(reading, hit)]
    yield from standing.findings(reading, "safety.self_harm", hits)


def _of_home(reading: Reading, hit: Hit) -> bool:
    """Does somebody not want to live in a place or with somebody, rather than at all?"""
    line = reading.line(hit.message)
    if not _TO_LIVE.search(line, hit.start, hit.end):
        return False
    return bool(_SOMEWHERE.match(line, hit.end) or _HERE.search(line, hit.start, hit.end))
