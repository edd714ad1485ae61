"""Assistants that speak of themselves; a character that is a machine may.

"As an AI language model, I don't eat."      found, unless card or system message cast an AI
"As an AI researcher, I read a lot."         a trade
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.style.machine import plays_a_machine
from pipeline.rules.style.replies import lead, said, starts, starts_a_clause

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Role
    from pipeline.rules.reading.reading import Reading

_THAT = re.compile(r"(?:\b(?:that|dass(?: ich)?|que|che|что)|:)\s*$")
TRADE = 24  # characters after "AI" in which a trade begins


def assistant(reading: Reading) -> Iterator[Finding]:
    """An assistant that speaks of itself; a character that is a machine may."""
    of_itself = of_themselves(reading, "assistant") if reading.hits.get("assistant") else []
    if of_itself and not plays_a_machine(reading):
        yield from reading.first_places("style.assistant", of_itself)


def of_themselves(reading: Reading, role: Role) -> list[Hit]:
    """Where a side says that it is an AI."""
    hits = [hit for hit in said(reading, "assistant", role) if _is_of_itself(reading, hit)]
    return [hit for hit in hits if not _is_trade(reading, hit)]


def _is_of_itself(reading: Reading, hit: Hit) -> bool:
    """Does it start a clause, be it one after "that" ("Remember that I'm a chatbot")?"""
    before = lead(reading, hit)
    is_told = _THAT.search(before) and not starts("reported").search(before)
    return bool(is_told) or starts_a_clause(reading, hit)


def _is_trade(reading: Reading, hit: Hit) -> bool:
    """Does "AI" go on as "AI researcher"?"""
    end = reading.starts[hit.message] + hit.end
    return bool(_trades().match(reading.folded, end, end + TRADE))


@cache
def _trades() -> re.Pattern[str]:
    trades = "|".join(map(re.escape, listed("ai_trade")))
    return re.compile(rf"[\s-]*(?:{trades})")
