"""When a request may be sent: buckets, requests in flight, and what a refusal teaches."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from pipeline.llm import rate_limit
from pipeline.llm.rate_limit import Bucket, Outcome, Permit, RateLimit, Remaining

Result = TypeVar("Result")


class Clock:
    """Stands in for the module `time` in `rate_limit`; the test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock


def drive(work: Callable[[], Awaitable[Result]]) -> Result:
    async def main() -> Result:
        return await work()

    return asyncio.run(main())


async def permits(limit: RateLimit, wanted: int, tokens: int = 1) -> list[Permit]:
    """The permits that are given at once, of so many requests; the others give up."""
    asked = [asyncio.ensure_future(limit.acquire(1, tokens)) for _ in range(wanted)]
    await asyncio.sleep(0.01)
    given = [task.result() for task in asked if task.done()]
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    return given


def release(limit: RateLimit, given: Sequence[Permit], *outcomes: Outcome) -> None:
    for permit, outcome in zip(given, outcomes, strict=True):
        limit.release(permit, outcome, wait=0.001)


# --- a bucket


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    """The time line that is drawn above `Bucket`."""
    bucket = Bucket(rate=4, capacity=2, level=2, filled=0.0)
    waits = []
    for now in (0.0, 0.0, 0.0, 0.25, 0.25, 1.5):
        waits.append(round(bucket.wait(now, 1), 6))
        if waits[-1] == 0.0:
            bucket.level -= 1
    assert waits == [0.0, 0.0, 0.25, 0.0, 0.25, 0.0]
    assert bucket.level == 1.0  # it was full, not fuller, when the last one came


def test_a_bucket_in_debt_waits_until_the_debt_is_paid() -> None:
    bucket = Bucket(rate=10, capacity=100, level=-100.0, filled=0.0)
    assert bucket.wait(0.0, 20) == pytest.approx(12.0)
    assert bucket.wait(11.0, 20) == pytest.approx(1.0)


def test_what_is_larger_than_the_bucket_is_sent_when_the_bucket_is_full() -> None:
    bucket = Bucket(rate=10, capacity=100, level=50, filled=0.0)
    assert bucket.wait(0.0, 1000) == pytest.approx(5.0)
    assert bucket.wait(5.0, 1000) == 0.0


# --- in flight


def test_more_are_allowed_in_flight_with_every_answer_and_fewer_after_failures() -> None:
    """The curve that is drawn above `RateLimit`, of 16 in flight."""

    async def work() -> list[int]:
        limit, seen = RateLimit(16), []
        given = await permits(limit, 40)
        seen.append(len(given))
        release(limit, given, *["answered"] * 8)
        given = await permits(limit, 40)
        seen.append(len(given))
        release(limit, given, *["failed"] * 3, *["answered"] * 13)
        given = await permits(limit, 40)
        seen.append(len(given))
        release(limit, given, *["answered"] * len(given))
        seen.append(len(await permits(limit, 40)))
        return seen

    half, full, cut, grown = drive(work)
    assert (half, full) == (8, 16)
    assert cut == 12  # 16 × 0.7 = 11.2; and the answers of that round have added one
    assert grown == 13


def test_failures_of_requests_sent_before_a_cut_do_not_cut_again() -> None:
    async def work() -> int:
        limit = RateLimit(32)
        given = await permits(limit, 16)
        release(limit, given, *["failed"] * 16)
        return len(await permits(limit, 40))

    assert drive(work) == 11  # 16 × 0.7 once


def test_a_single_failure_changes_nothing() -> None:
    async def work() -> int:
        limit = RateLimit(16)
        given = await permits(limit, 8)
        release(limit, given, "limited", *["answered"] * 7)
        return len(await permits(limit, 40))

    assert drive(work) == 15  # 8, and one for each answer


def test_one_in_flight_is_always_allowed() -> None:
    async def work() -> int:
        limit = RateLimit(2)
        for _ in range(20):
            given = await permits(limit, 3)
            release(limit, given, *["failed"] * len(given))
        return len(await permits(limit, 3))

    assert drive(work) == 1


# --- rates


def test_a_known_rate_lets_half_a_second_of_requests_through_at_once(clock: Clock) -> None:
    async def work() -> list[int]:
        limit = RateLimit(100, requests_per_minute=600)
        given = [len(await permits(limit, 40))]
        clock.now += 0.2
        return [*given, len(await permits(limit, 40))]

    assert drive(work) == [5, 2]


def test_tokens_a_minute_hold_estimated_tokens_and_those_it_took_more(clock: Clock) -> None:
    async def work() -> list[int]:
        limit = RateLimit(100, tokens_per_minute=60_000)  # 500 at once, 1,000 a second
        given = await permits(limit, 40, tokens=100)
        counts = [len(given)]
        limit.release(given[0], "answered", tokens=300)  # 200 more than estimated
        limit.release(given[1], "answered", tokens=10)  # fewer: nothing is given back
        clock.now += 0.2
        counts.append(len(await permits(limit, 40, tokens=100)))
        clock.now += 0.1
        return [*counts, len(await permits(limit, 40, tokens=100))]

    assert drive(work) == [5, 0, 1]


def test_refusals_teach_the_rate_that_was_served(clock: Clock) -> None:
    """The example that is drawn above `RateLimit`: 20 served in 2 seconds, five refused."""

    async def work() -> list[int]:
        limit = RateLimit(50)
        given = await permits(limit, 40)
        clock.now += 2.0
        release(limit, given[:20], *["answered"] * 20)
        for permit in given[20:]:
            limit.release(permit, "limited", wait=0.05)
        counts = [len(await permits(limit, 40))]
        await asyncio.sleep(0.1)  # every refusal is known now
        clock.now += 1.0
        counts.append(len(await permits(limit, 40)))
        clock.now += 0.1
        return [*counts, len(await permits(limit, 40))]

    # 10.2 a second; nothing while the server asked to wait, then a tenth of a second's worth
    assert drive(work) == [0, 1, 1]


def test_a_learned_rate_is_slowly_exceeded_to_find_a_higher_limit(clock: Clock) -> None:
    async def work() -> float:
        limit = RateLimit(4)
        given = await permits(limit, 2)
        clock.now += 1.0
        release(limit, given, "limited", "limited")  # nothing was served: nothing is learned
        given = []
        await asyncio.sleep(0.01)
        clock.now += 1.0
        for _ in range(40):
            given = await permits(limit, 1)
            clock.now += 0.1
            release(limit, given, "answered")
        return clock.now

    assert drive(work) == pytest.approx(106.0)  # never without a permit


def test_what_the_server_reports_as_left_slows_down_only_below_half(clock: Clock) -> None:
    async def work(left: int) -> int:
        limit = RateLimit(100)
        limit.advise([Remaining("requests", 100, left, 10.0)])
        return len(await permits(limit, 50))

    assert drive(lambda: work(50)) == 50
    assert drive(lambda: work(9)) == 10  # and the one that the server rounded away


def test_a_limit_that_is_nearly_used_up_slows_down() -> None:
    async def work() -> float:
        limit = RateLimit(64)
        limit.advise([Remaining("requests", 100, 4, 4.8)])  # 20 a second
        started = time.monotonic()
        for _ in range(15):
            limit.release(await limit.acquire(1, 1), "answered")
        return time.monotonic() - started

    assert drive(work) > 0.3  # 10 of 15 wait, 50 ms each


# --- order, and nothing lost


def test_the_shortest_conversation_is_next() -> None:
    async def work() -> list[int]:
        limit, order = RateLimit(1), list[int]()

        async def call(length: int) -> None:
            permit = await limit.acquire(length, 1)
            order.append(length)
            await asyncio.sleep(0)
            limit.release(permit, "answered")

        await asyncio.gather(*map(call, [9, 7, 1, 5, 3]))
        return order

    assert drive(work) == [9, 1, 3, 5, 7]  # the first one did not have to wait


def test_of_equal_conversations_the_first_is_next() -> None:
    async def work() -> list[str]:
        limit, order = RateLimit(1), list[str]()

        async def call(name: str) -> None:
            permit = await limit.acquire(1, 1)
            order.append(name)
            await asyncio.sleep(0)
            limit.release(permit, "answered")

        await asyncio.gather(*map(call, "abcde"))
        return order

    assert drive(work) == list("abcde")


def test_after_a_stop_those_who_wait_and_those_who_come_get_the_error() -> None:
    async def work() -> list[object]:
        limit = RateLimit(1)
        await limit.acquire(1, 1)
        waiting = asyncio.ensure_future(limit.acquire(1, 1))
        await asyncio.sleep(0)
        limit.stop(ValueError("enough"))
        return await asyncio.gather(waiting, limit.acquire(1, 1), return_exceptions=True)

    errors = drive(work)
    assert [str(error) for error in errors] == ["enough", "enough"]
    assert errors[0] is not errors[1]


@pytest.mark.parametrize("seed", range(3))
def test_no_permit_is_lost_by_refusals_failures_and_cancelled_calls(seed: int) -> None:
    rng = random.Random(seed)
    outcomes: list[Outcome] = [*["answered"] * 38, "limited", "failed"]  # type: ignore[list-item]

    async def work() -> int:
        limit, under_way, peak = RateLimit(8), 0, 0

        async def call(number: int) -> None:
            nonlocal under_way, peak
            permit = await limit.acquire(number % 5, 1)
            under_way += 1
            peak = max(peak, under_way)
            try:
                await asyncio.sleep(rng.random() / 500)
            finally:
                under_way -= 1
                limit.release(permit, rng.choice(outcomes), wait=0.002)

        calls = [asyncio.ensure_future(call(number)) for number in range(400)]
        for _ in range(60):
            await asyncio.sleep(0.001)
            rng.choice(calls).cancel()
        ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 30)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)
        assert under_way == 0
        await asyncio.wait_for(asyncio.gather(*map(call, range(40))), 30)  # permits are still given
        return peak

    assert drive(work) <= 8
