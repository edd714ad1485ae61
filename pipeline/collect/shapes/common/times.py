"""The place of a turn by a number or a time."""

from __future__ import annotations

import datetime as dt
import math
import re
from email.utils import parsedate_to_datetime

# seconds since 1970 of the years 2001 to 2100; the same in thousandths
SECONDS = (1e9, 4.1e9)
PER_SECOND = 1000
MAIL = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d{2}\b.*")
CLOCK = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?(?:[.,](\d+))?")


def place_of(value: object) -> float | None:
    """A number, or the seconds of a time or of a clock; None where the value is neither.

    "7" → 7    "0:21:15,5" → 1275.5
    "2024-05-01 21:15:00", "Wed, 01 May 2024 21:15:00 GMT" → seconds since 1970
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, dt.date):
        value = value.isoformat()
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    except ValueError:
        return _seconds(str(value).strip())
    return number if math.isfinite(number) else None


def _seconds(text: str) -> float | None:
    clock = CLOCK.fullmatch(text)
    if clock:
        first, second, third, part = clock.groups()
        whole = int(first) * 60 + int(second)
        if third:
            whole = whole * 60 + int(third)
        return whole + float(f"0.{part or 0}")
    try:
        time = _moment(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    return time.timestamp()


def _moment(text: str) -> dt.datetime:
    """An ISO time, or one as mail has it; ValueError for anything else."""
    if MAIL.fullmatch(text):
        return parsedate_to_datetime(text)
    return dt.datetime.fromisoformat(text.removesuffix(" UTC").removesuffix(" GMT"))


def is_time(value: object) -> bool:
    """Whether a value is a day with a clock, by which a long log can be cut at silences."""
    if isinstance(value, dt.datetime):
        return True
    if not isinstance(value, str) or ":" not in value:
        return False
    return (len(value) >= 16 and "-" in value[:8]) or MAIL.fullmatch(value) is not None


def is_epoch(value: object) -> bool:
    """Whether a value is a number of seconds, or of thousandths of them, since 1970."""
    if isinstance(value, str) and ":" in value:
        return False
    number = seconds_of(value)
    return number is not None and SECONDS[0] <= number <= SECONDS[1]


def seconds_of(value: object) -> float | None:
    """The place of a time in seconds, also where it counts thousandths of them."""
    number = place_of(value)
    if number and number > SECONDS[1]:
        return number / PER_SECOND
    return number
