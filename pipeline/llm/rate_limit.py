"""When a request may be sent.

`RateLimit` is asked before every request; it knows four limits, and the strictest one decides:

    in flight   how many requests may be under way at once; grows and shrinks with the answers
    known       requests and tokens a minute, as the recipe states them
    reported    the same, as the server's headers report what is left
    learned     requests a second, as seen between two refusals (HTTP 429)

The last three are token buckets.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Literal, NamedTuple

# answered: the server replied. limited: it said 429. failed: it was overloaded or not reached.
Outcome = Literal["answered", "limited", "failed"]

# share of `in_flight` that is allowed at first; doubled by each round of answers (RFC 5681)
START = 1 / 2
# of the requests in flight, when the server cannot keep up (CUBIC's factor, RFC 9438)
SHRINK = 0.7
# share of failures among the last requests; fewer concern single rows (our choice)
TROUBLE = 1 / 8
# a learned rate grows by this share a second, and faster far below the last refusal
GROWTH = 0.05
CAUTION = 0.97  # of the rate that the server was seen to serve (our choice)
SHORT = 0.25  # seconds; a first burst that was shorter counts as long as this (our choice)
BURST = 0.5  # seconds' worth of a known rate that may be sent at once


class Remaining(NamedTuple):
    """What a server reports as left of its limit.

    left: of `limit` requests or tokens (`unit`); all are back in `reset` seconds.
    """

    unit: str
    limit: int
    left: int
    reset: float


# A bucket on a time line. It holds at most 2 permits and gets 4 a second, one each 0.25 s; five
# requests (a to e) arrive at once, and a sixth (f) at 1.5 seconds.
#
#     seconds       0.0    0.25   0.5    0.75   1.0    1.25   1.5
#     level before  2      1      1      1      1      2      2 (full)
#     sent          a b    c      d      e      -      -      f
#     level after   0      0      0      0      1      2      1
#
# a and b are sent at once: the burst. c, d and e wait 0.25 s each: the rate. Then nothing arrives,
# the bucket fills up, and f need not wait.
#
# A bucket of tokens works the same way, but a request takes as many as it is estimated to need. An
# answer that was longer than estimated is taken out later, and the level falls below 0: a debt,
#
#     level  100 ── request, estimated 80 ──> 20 ── it took 200 ──> -100 ── the next one waits
#
# because the server has counted those tokens too. A request larger than the whole bucket is sent
# when the bucket is full; else it would wait for ever.


@dataclass(slots=True)
class Bucket:
    """A token bucket: it fills by `rate` a second, up to `capacity`; each request takes from it."""

    rate: float
    capacity: float
    level: float
    filled: float  # up to when

    def wait(self, now: float, amount: float) -> float:
        """Fill the bucket up to now; seconds until `amount` can be taken."""
        self.level = min(self.capacity, self.level + (now - self.filled) * self.rate)
        self.filled = now
        return max(0.0, (min(amount, self.capacity) - self.level) / self.rate - 1e-9)


@dataclass(slots=True)
class Window:
    """The time between two refusals, in which the server has served exactly its rate.

    sent: requests that were sent in it, those that were refused not counted.
    """

    start: float
    sent: int = 0


@dataclass(slots=True)
class Permit:
    """The right to send one request. sent: when. tokens: as estimated."""

    sent: float
    tokens: int
    window: Window


class Waiting(NamedTuple):
    """A request that waits for its permit; the smallest one is next."""

    priority: int
    arrival: int
    tokens: int
    permit: asyncio.Future[Permit]


# How many requests may be in flight, with in_flight = 16:
#
#     16 ┤            ┌────────                       ┌──
#        │         ┌──┘        │                  ┌───┘
#     11 ┤         │           └──┐           ┌───┘       each round of answers: + 1
#      8 ┤  ───────┘ + 1 for      │       ┌───┘
#        │          each answer   └───────┘
#        └──────────────────────┬──┬──────────────────> time
#                               × 0.7 each time that failures become a pattern
#
# A pattern is at least 2, and at least 1/8 of the last 32 outcomes and those in flight. A single
# failure changes nothing: it concerns its own row, which waits as long as the server asked. After
# a cut, only requests sent since then count: those sent before it report the same trouble again.
#
# What a 429 does to the rate. A server serves 10 a second; we do not know it:
#
#     seconds     0 ─────────────── 2 ─────── 3 ───────────────────── 9 ─────── 10 ─────>
#     the server  serves 20         5 × 429, "retry after 1 s"        5 × 429, the same
#     we          send as fast as   send      send 10.2 a second,     send      send 9.8 a
#                 answers come      nothing   slowly more, up to 13   nothing   second …
#     windows     └──── 20 sent ────┘└──────────── 70 sent ───────────┘└────────────
#
# Five refusals are a pattern, so nobody sends for the second that the server asked for. By then
# every refusal of the window is known, and the learned rate is (20 + 1) / 2 s × 0.97 = 10.2. While
# answers come it grows by 5 % of itself a second, to find out whether the server allows more. Where
# it is far below the rate of the last refusal (a short trouble taught a rate that is too low), it
# grows faster, with the square of that distance. The next window began with the first refusals
# and ends with the next ones; it teaches (70 + 1) / 7 s × 0.97 = 9.8.


class RateLimit:
    """Decides when a request may be sent; one for each model at each address.

    Who is next: the call with the lowest priority value, the shortest conversation. So many
    conversations advance side by side, and no long one is left for the end.
    """

    def __init__(
        self,
        in_flight: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ):
        self._max_in_flight = in_flight
        self._allowed = max(1.0, START * in_flight)  # in flight; a fraction, as it grows by 1/n
        self._in_flight = 0
        self._starting = True  # until the first cut
        self._waiting: list[Waiting] = []
        self._arrivals = count()
        self._recent: deque[Outcome] = deque(maxlen=32)
        self._cut_at = 0.0  # what was sent before the last cut teaches nothing new
        self._opens = 0.0  # nobody sends before this moment
        self._alarm: asyncio.TimerHandle | None = None
        self._window = Window(0.0)
        self._buckets = _known_limits(requests_per_minute, tokens_per_minute)
        self._learned: Bucket | None = None
        self._grown = self._refused_rate = 0.0  # of the learned bucket: when it last grew
        self._stopped: Exception | None = None

    async def acquire(self, priority: int, tokens: int) -> Permit:
        """Wait for a permit; the lowest priority value is first. Raises what `stop` was given."""
        if self._stopped:
            raise _fresh(self._stopped)
        permit: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, Waiting(priority, next(self._arrivals), tokens, permit))
        self._admit()
        try:
            return await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled():  # given and cancelled in the same moment
                self._in_flight -= 1
                self._admit()
            raise

    def release(self, permit: Permit, outcome: Outcome, wait: float = 0.0, tokens: int = 0) -> None:
        """Return a permit after use.

        wait: seconds of Retry-After. tokens: what the request really took.
        """
        self._in_flight -= 1
        self._recent.append(outcome)
        if "tokens" in self._buckets:  # what it took less is lost: OpenAI gives nothing back either
            self._buckets["tokens"].level -= max(0, tokens - permit.tokens)
        if outcome == "answered":
            self._grow()
        else:
            permit.window.sent -= outcome == "limited"
            if permit.sent >= self._cut_at and self._in_trouble():
                self._cut(outcome, wait)
        self._admit()

    def advise(self, limits: Iterable[Remaining]) -> None:
        """Follow what the server reports as left.

        Above half of a limit there is no need, and the figures are too coarse.
        """
        for limit in limits:
            if limit.left * 2 < limit.limit:
                rate = (limit.limit - limit.left) / limit.reset * CAUTION
                left = limit.left + 1.0  # the server rounds down
                new = Bucket(rate, limit.limit, left, time.monotonic())
                bucket = self._buckets.setdefault(f"{limit.unit} left", new)
                bucket.rate, bucket.level = rate, min(bucket.level, left)

    def stop(self, error: Exception) -> None:
        """Give no further permit; who waits for one gets `error`."""
        self._stopped = error
        for waiting in self._waiting:
            if not waiting.permit.done():
                waiting.permit.set_exception(_fresh(error))
        self._waiting.clear()

    def resume(self) -> None:
        """Give permits again after a stop."""
        self._stopped = None

    def _admit(self) -> None:
        """Give permits as long as the limits allow it, and come back when they will again."""
        while self._waiting and self._in_flight < int(self._allowed):
            first = self._waiting[0]
            now = time.monotonic()
            if first.permit.done():  # cancelled
                heapq.heappop(self._waiting)
            elif wait := self._wait(now, first.tokens):
                return self._admit_in(wait)
            else:
                heapq.heappop(self._waiting)
                first.permit.set_result(self._take(now, first.tokens))
        return None

    def _wait(self, now: float, tokens: int) -> float:
        """Seconds until a request of so many tokens may be sent."""
        waits = [self._opens - now, 0.0]
        for unit, bucket in self._buckets.items():
            waits.append(bucket.wait(now, _amount(unit, tokens)))
        if self._learned:
            waits.append(self._learned.wait(now, 1))
        return max(waits)

    def _take(self, now: float, tokens: int) -> Permit:
        for unit, bucket in self._buckets.items():
            bucket.level -= _amount(unit, tokens)
        if self._learned:
            self._learned.level -= 1
        self._in_flight += 1
        self._window.start = self._window.start or now
        self._window.sent += 1
        return Permit(now, tokens, self._window)

    def _admit_in(self, seconds: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._admit)

    def _grow(self) -> None:
        """After an answer: allow more in flight, and try a higher rate."""
        if self._allowed < self._max_in_flight:
            step = 1.0 if self._starting else 1.0 / self._allowed
            self._allowed = min(self._max_in_flight, self._allowed + step)
        if self._learned:
            now = time.monotonic()
            below = max(1.0, self._refused_rate / self._learned.rate)
            self._learned.rate *= 1 + min(1.0, GROWTH * below**2 * (now - self._grown))
            self._grown = now

    def _in_trouble(self) -> bool:
        """Are failures a pattern?"""
        failures = sum(outcome != "answered" for outcome in self._recent)
        return failures >= max(2, TROUBLE * (len(self._recent) + self._in_flight))

    def _cut(self, outcome: Outcome, wait: float) -> None:
        """Allow fewer in flight; after a 429 send nothing for a while, then learn the rate."""
        now = time.monotonic()
        self._cut_at = now
        self._recent.clear()
        self._starting = False
        self._allowed = max(1.0, self._allowed * SHRINK)
        if outcome == "limited":
            ended, self._window = self._window, Window(now)
            self._opens = max(self._opens, now + wait)
            asyncio.get_running_loop().call_later(wait, self._learn, ended, now)

    def _learn(self, window: Window, end: float) -> None:
        """Set the rate that the server served, once every refusal of that window is known."""
        seconds = end - window.start
        before = self._learned
        if before is None:  # what the server's bucket held at first was served as well
            seconds = max(SHORT, seconds)
        if window.sent > 1:
            rate = (window.sent + 1) / seconds * CAUTION
        elif before:
            rate = before.rate * SHRINK
        else:
            return
        now = time.monotonic()
        self._refused_rate = before.rate if before else rate
        self._learned, self._grown = Bucket(rate, max(1.0, rate * 0.1), 0.0, now), now
        self._admit()


def _amount(unit: str, tokens: int) -> int:
    """What a request of so many tokens takes from the bucket of a unit."""
    return tokens if unit.startswith("tokens") else 1


def _known_limits(requests: int | None, tokens: int | None) -> dict[str, Bucket]:
    """A full bucket for each limit a minute that the recipe states."""
    buckets = {}
    for unit, per_minute in (("requests", requests), ("tokens", tokens)):
        if per_minute:
            rate = per_minute / 60
            capacity = max(1.0, rate * BURST)
            buckets[unit] = Bucket(rate, capacity, capacity, time.monotonic())
    return buckets


def _fresh(error: Exception) -> Exception:
    """The same error anew: each raise of one object lengthens its traceback."""
    return type(error)(*error.args)
