"""Times as chat logs write them, in the ways of many countries.

12/31/20, 9:15 PM     31.12.2020, 21:15:03     2024/10/31 下午3:50     28/3/2025, 9:29 p. m.

Digits may be Arabic, Persian, Thai or Devanagari. Which number is the day and which the month is
decided for a whole file (`days_first`), because one date alone rarely shows it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

# marks of the writing direction, and the byte order mark: they stand anywhere and mean nothing
MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff"
NO_MARKS = re.compile(f"[{MARKS}]")
BLANKS = re.compile(r"[\s\u202f\u00a0]+")

DATE = (
    r"(?P<first>\d{1,4}) ?(?:(?P<dot>\.)|[/-]|年|년) ?"
    r"(?P<second>\d{1,2}) ?(?:[./-]|月|월) ?(?P<third>\d{1,4})[.日일]?"
)
TIME = r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.](?P<seconds>\d{2}))?"
STAMP = re.compile(
    rf"(?:[^\W\d]{{2,12}}\.?,? )?{DATE}(?P<before>\D{{1,24}}){TIME}(?P<after>\D{{0,16}})"
)
TIME_FIRST = re.compile(rf"{TIME}(?P<before>\D{{0,12}}?)(?P<after>),? {DATE}")
CLOCK = re.compile(rf"(?P<before>\D{{0,12}}){TIME}(?P<after>\D{{0,16}})")

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"(?P<month>(?:{'|'.join(MONTHS)})[a-z]*)\.?"
LETTERS = re.compile("[A-Za-z]{3}")
NAMED_MONTH = (
    re.compile(rf"(?P<day>\d{{1,2}})[ .-]+{MONTH}[ ,-]+(?P<year>\d{{2,4}})\b", re.I),
    re.compile(rf"\b{MONTH} +(?P<day>\d{{1,2}}),? +(?P<year>\d{{4}})\b", re.I),
    re.compile(rf"\b{MONTH} +(?P<day>\d{{1,2}}) (?P<clock>[\d:]+) (?P<year>\d{{4}})\b", re.I),
)
# Words for the two halves of the day, without blanks, dots and quotation marks.
MORNING = re.compile(
    "am|vorm|fm|ap|de|sa|pd|dop|πμ|öö|пп|дп|ص|قظ|قبلازظهر|לפנהצ|पूर्वाह्न|ก่อนเที่ยง|"
    "上午|午前|오전|凌晨|清晨|早上"
)
EVENING = re.compile(
    "pm|nachm|em|ip|pop|du|ch|md|odp|μμ|ös|пн|м|سم|م|بظ|بعدازظهر|אחהצ|अपराह्न|หลังเที่ยง|"
    "下午|午後|오후|晚上|中午|傍晚"
)
BUDDHIST = range(2443, 2644)  # years of the Thai calendar, 543 ahead
PERSIAN = range(1349, 1430)  # years of the Persian calendar
YEARS = range(1970, 2101)


class Stamp(NamedTuple):
    """A date and a time. date: its three numbers as they are written, in any order. dotted: a dot
    parts them. capital: the clock shows AM or PM.
    """

    date: tuple[int, int, int]
    time: dt.time
    dotted: bool = False
    capital: bool = False


def parse(text: str) -> Stamp | None:
    """The time that a text is, and nothing but a time; None for any other text."""
    plain = with_numbers(BLANKS.sub(" ", NO_MARKS.sub("", text)).strip())
    match = STAMP.fullmatch(plain) or TIME_FIRST.fullmatch(plain)
    if match is None:
        return None
    time = _time(match, _half(match["after"], match["before"]))
    if time is None:
        return None
    date = int(match["first"]), int(match["second"]), int(match["third"])
    is_capital = "AM" in plain or "PM" in plain
    return Stamp(date, time, bool(match["dot"]), is_capital)


def of_day(text: str) -> dt.time | None:
    """The time of a clock without a date: `18:01`, `6:01 PM`, `오후 6:01`."""
    match = CLOCK.fullmatch(BLANKS.sub(" ", NO_MARKS.sub("", text)).strip())
    return _time(match, _half(match["after"], match["before"])) if match else None


def with_numbers(text: str) -> str:
    """The text with a date of an English month as numbers: `Apr 25, 2024` → `2024/4/25`."""
    if not LETTERS.search(text):
        return text
    for pattern in NAMED_MONTH:
        if match := pattern.search(text):
            return text[: match.start()] + _numeric(match) + text[match.end() :]
    return text


def _numeric(match: re.Match[str]) -> str:
    year = int(match["year"])
    month = MONTHS.index(match["month"][:3].lower()) + 1
    full_year = year + 2000 if year < 100 else year
    clock = match.groupdict().get("clock")
    return f"{full_year}/{month}/{match['day']}" + (f" {clock}" if clock else "")


@lru_cache(1000)
def _half(after: str, before: str) -> bool | None:
    """Whether it is after noon, where words beside the clock show it."""
    for beside in (after, before):
        for word in (beside, beside.strip(" ,،").rpartition(" ")[2]):
            plain = re.sub(r"[\s.,،״\"']", "", word).casefold()
            if MORNING.fullmatch(plain):
                return False
            if EVENING.fullmatch(plain):
                return True
    return None


def _time(match: re.Match[str], half: bool | None) -> dt.time | None:
    hour, minute = int(match["hour"]), int(match["minute"])
    if half is not None and hour <= 12:
        hour = hour % 12 + 12 * half  # 12 PM is noon
    try:
        return dt.time(hour, minute, int(match["seconds"] or 0))
    except ValueError:
        return None


# --- days and months


def days_first(stamps: Sequence[Stamp]) -> tuple[bool, tuple[str, ...]]:
    """Whether days stand before months, and what had to be assumed for it.

    A number over twelve shows it, or dots, or that messages are in order of time. Else the number
    that changes more often is the day, or the clock shows the country.
    """
    by_number = {stamp.date for stamp in stamps if stamp.date[0] <= 31}
    first_large = sum(first > 12 for first, _, _ in by_number)
    second_large = sum(second > 12 for _, second, _ in by_number)
    if first_large or second_large:
        return first_large >= second_large, ()
    if not by_number or all(first == second for first, second, _ in by_number):
        return True, ()
    if any(stamp.dotted for stamp in stamps):
        return True, ()
    day_steps = _backward(stamps, True)
    month_steps = _backward(stamps, False)
    if bool(day_steps) != bool(month_steps):
        return not day_steps, ()
    is_day = _likely_days_first(stamps)
    what = "the day and then the month" if is_day else "the month and then the day"
    first, second, third = next(iter(stamp.date for stamp in stamps if stamp.date in by_number))
    return is_day, (f"a date like {first}/{second}/{third} gives {what}",)


def _backward(stamps: Sequence[Stamp], day_first: bool) -> int:
    """How many messages would be older than the one before them."""
    moments = [moment(stamp, day_first) for stamp in stamps]
    known = [one for one in moments if one]
    return sum(later.date() < earlier.date() for earlier, later in pairwise(known))


def _likely_days_first(stamps: Sequence[Stamp]) -> bool:
    steps = [(before.date, after.date) for before, after in pairwise(stamps)]
    first = sum(before[0] != after[0] for before, after in steps)
    second = sum(before[1] != after[1] for before, after in steps)
    if first != second:
        return first > second
    # Capital AM and PM are of the United States; the other countries count to 24, or write "pm".
    return not any(stamp.capital for stamp in stamps)


def moment(stamp: Stamp, day_first: bool) -> dt.datetime | None:
    """The time of a stamp; None for a date that does not exist."""
    first, second, third = stamp.date
    if first > 31:  # only a year can be
        year, month, day = first, second, third
    elif day_first:
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    try:
        return dt.datetime.combine(_date(year, month, day), stamp.time)
    except ValueError:
        return None


def _date(year: int, month: int, day: int) -> dt.date:
    if year in PERSIAN:
        return _persian(year, month, day)
    if year < 100:
        year += 2000
    if year in BUDDHIST:
        year -= 543
    if year not in YEARS:
        raise ValueError(f"the year {year}")
    return dt.date(year, month, day)


def _persian(year: int, month: int, day: int) -> dt.date:
    """A date of the Persian calendar: six months of 31 days, then of 30.

    Its leap years follow a cycle of 33 years in our time.
    """
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        raise ValueError("not a date")
    days = 31 * (month - 1) if month <= 7 else 186 + 30 * (month - 7)
    leaps = (8 * (year - 1) + 29) // 33
    return dt.date.fromordinal(226_894 + 365 * (year - 1) + leaps + days + day)


# --- times of machines


def iso(value: object) -> dt.datetime | None:
    """A time like 2024-04-25T18:00:00Z; one with a time zone in UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found


def since_1970(value: object, per_second: int = 1) -> dt.datetime | None:
    """A number, or the text of one, of seconds since 1970, or of 1/1,000 or 1/1,000,000 of them."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value) / per_second
        return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None
