"""Advertising."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


NEAR = 80  # characters between a link and an advertiser's phrase
_LINK = re.compile(r"https?://|www\.")


def links(reading: Reading) -> Iterator[Finding]:
    """Messages with a link and, close to it, an advertiser's phrase."""
    if "http" not in reading.folded and "www." not in reading.folded:
        return
    adverts = [hit for hit in reading.hits["advert"] if _LINK.search(_around(reading, hit))]
    yield from reading.first_places("style.links", adverts)


def _around(reading: Reading, hit: Hit) -> str:
    return reading.line(hit.message)[max(0, hit.start - NEAR) : hit.end + NEAR]
