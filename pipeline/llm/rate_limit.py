"""Who may send a request, and when: how many are under way, how many a minute, and whether the server says no."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, NamedTuple

Outcome = Literal["answered", "limited", "failed"]
START = (
    1 / 2
)  # of the requests under way that are allowed, at first; doubled with each round of answers (RFC 5681)
SHRINK = 0.7  # of the requests under way, when the server cannot keep up (CUBIC's factor, RFC 9438)
TROUBLE = (
    1 / 8
)  # share of the last requests that fail; fewer are single misfortunes of their own rows (our choice)
GROWTH = 0.05  # a learned rate is tried out upwards by this share a second, and faster far below the last refusal
CAUTION = 0.97  # of the rate that the server was seen to serve (our choice)
SHORT = 0.25  # seconds; a first burst that was shorter is taken for as long (our choice)
BURST = 0.5  # seconds' worth of a known rate that may go out at once


class Headroom(NamedTuple):
    """What a server says is left of its limit: `left` of `limit` requests or tokens, all back in `reset` seconds."""

    unit: str
    limit: int
    left: int
    reset: float


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` a second, at most `capacity` at once. It may go into debt, and is then waited for."""

    rate: float
    capacity: float
    level: float
    filled: float = field(default_factory=time.monotonic)

    def wait(self, now: float, amount: float) -> float:
        """Seconds until `amount` may go; what is larger than the bucket may go when it is full."""
        self.level = min(self.capacity, self.level + (now - self.filled) * self.rate)
        self.filled = now
        return max(0.0, (min(amount, self.capacity) - self.level) / self.rate - 1e-9)


@dataclass(slots=True)
class Stretch:
    """Requests sent between two refusals. A server that fills a bucket has then served exactly its rate."""

    start: float
    sent: int = 0  # and not refused


@dataclass(slots=True)
class Turn:
    """The right to send one request."""

    sent: float
    tokens: int
    stretch: Stretch


class RateLimit:
    """One for each model at each address; everybody who asks it waits here.

    Who is first: the call with the shortest conversation, so that many dialogues advance side by side and none is left
    for the end. A refused row waits as long as the server told it; the gate closes for all when refusals become a
    pattern, and then opens at the rate the server was seen to serve.
    """

    def __init__(
        self,
        in_flight: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ):
        self._most = in_flight
        self._limit = max(1.0, START * in_flight)
        self._in_flight = 0
        self._starting = True
        self._waiting: list[tuple[int, int, int, asyncio.Future[Turn]]] = []
        self._arrivals = count()
        self._recent: deque[Outcome] = deque(maxlen=32)
        self._judged = 0.0  # what was sent before tells nothing new
        self._opens = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._stretch = Stretch(0.0)
        self._buckets = {
            unit: Bucket(rate / 60, max(1.0, rate / 60 * BURST), max(1.0, rate / 60 * BURST))
            for unit, rate in (("requests", requests_per_minute), ("tokens", tokens_per_minute))
            if rate
        }
        self._learned: Bucket | None = (
            None  # and grown at that moment, after a refusal at that rate
        )
        self._grown = self._refused_at = 0.0
        self._stopped: Exception | None = None

    async def enter(self, urgency: int, tokens: int) -> Turn:
        """Wait for a turn; the lowest urgency goes first. Raises what `stop` was given."""
        if self._stopped:
            raise type(self._stopped)(
                *self._stopped.args
            )  # a fresh one: each raise lengthens an error's traceback
        turn: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._arrivals), tokens, turn))
        self._admit()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # given and cancelled in the same moment
                self._in_flight -= 1
                self._admit()
            raise

    def leave(self, turn: Turn, outcome: Outcome, wait: float = 0.0, tokens: int = 0) -> None:
        """Give the turn back. wait: seconds of Retry-After. tokens: what it really took."""
        self._in_flight -= 1
        self._recent.append(outcome)
        if "tokens" in self._buckets:
            self._buckets["tokens"].level -= max(
                0, tokens - turn.tokens
            )  # OpenAI gives nothing back either
        if outcome == "answered":
            self._grow()
        else:
            turn.stretch.sent -= outcome == "limited"
            if turn.sent >= self._judged and self._in_trouble():
                self._back_off(outcome, wait)
        self._admit()

    def advise(self, rooms: Iterable[Headroom]) -> None:
        """Heed what the server says is left. Above half there is no need, and its figures are too coarse."""
        for room in rooms:
            if room.left * 2 < room.limit:
                rate = (room.limit - room.left) / room.reset * CAUTION
                left = room.left + 1.0  # the server rounds down
                bucket = self._buckets.setdefault(
                    f"{room.unit} left", Bucket(rate, room.limit, left)
                )
                bucket.rate, bucket.level = rate, min(bucket.level, left)

    def stop(self, error: Exception) -> None:
        """Nobody enters any more; who waits gets `error`."""
        self._stopped = error
        for *_, turn in self._waiting:
            if not turn.done():
                turn.set_exception(type(error)(*error.args))
        self._waiting.clear()

    def _admit(self) -> None:
        while self._waiting and self._in_flight < int(self._limit):
            tokens, turn = self._waiting[0][2:]
            now = time.monotonic()
            if turn.done():
                heapq.heappop(self._waiting)
            elif wait := self._wait(now, tokens):
                return self._again_in(wait)
            else:
                heapq.heappop(self._waiting)
                turn.set_result(self._take(now, tokens))
        return None

    def _wait(self, now: float, tokens: int) -> float:
        waits = [
            b.wait(now, tokens if unit.startswith("tokens") else 1)
            for unit, b in self._buckets.items()
        ]
        if self._learned:
            waits.append(self._learned.wait(now, 1))
        return max([self._opens - now, 0.0, *waits])

    def _take(self, now: float, tokens: int) -> Turn:
        for unit, bucket in self._buckets.items():
            bucket.level -= tokens if unit.startswith("tokens") else 1
        if self._learned:
            self._learned.level -= 1
        self._in_flight += 1
        self._stretch.start = self._stretch.start or now
        self._stretch.sent += 1
        return Turn(now, tokens, self._stretch)

    def _again_in(self, seconds: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._admit)

    def _grow(self) -> None:
        if self._limit < self._most:
            self._limit = min(
                self._most, self._limit + (1.0 if self._starting else 1.0 / self._limit)
            )
        if self._learned:
            now = time.monotonic()
            below = max(1.0, self._refused_at / self._learned.rate)
            self._learned.rate *= 1 + min(1.0, GROWTH * below**2 * (now - self._grown))
            self._grown = now

    def _in_trouble(self) -> bool:
        failures = sum(outcome != "answered" for outcome in self._recent)
        return failures >= max(2, TROUBLE * (len(self._recent) + self._in_flight))

    def _back_off(self, outcome: Outcome, wait: float) -> None:
        now = time.monotonic()
        self._judged = now
        self._recent.clear()
        self._starting = False
        self._limit = max(1.0, self._limit * SHRINK)
        if outcome == "limited":
            ended, self._stretch = self._stretch, Stretch(now)
            self._opens = max(self._opens, now + wait)
            asyncio.get_running_loop().call_later(wait, self._learn, ended, now)

    def _learn(self, stretch: Stretch, end: float) -> None:
        """The rate the server serves, once every refusal of that stretch is known."""
        elapsed = end - stretch.start
        if self._learned is None:  # what the bucket held at first went out as well
            elapsed = max(SHORT, elapsed)
        if stretch.sent > 1:
            rate = (stretch.sent + 1) / elapsed * CAUTION
        elif self._learned:
            rate = self._learned.rate * SHRINK
        else:
            return
        self._refused_at = self._learned.rate if self._learned else rate
        self._learned, self._grown = Bucket(rate, max(1.0, rate * 0.1), 0.0), time.monotonic()
        self._admit()
