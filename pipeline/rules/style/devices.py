"""Lines that telephones and their mail programs add.

"Sent from my iPhone", "发自我的iPhone"        a device's
"I sent it from my phone."                    prose
"""

from __future__ import annotations

from pipeline.rules.style.entries import Entries

DEVICE = "mail_device"
LONGEST = 120  # characters
_ENTRIES = Entries((DEVICE,))
_AROUND = " \t[](),.;:!-–—_*~"


def is_of_device(line: str) -> bool:
    """Has a device written a whole line? line: lower case, straight quotes."""
    pieces = _ENTRIES.pieces(line) if len(line) <= LONGEST else []
    return any(not (line[:start] + line[end:]).strip(_AROUND) for _, start, end in pieces)


def device_parts() -> set[str]:
    """What stands in every text with such a line."""
    return _ENTRIES.fixed_parts()
