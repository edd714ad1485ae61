"""One request until it is answered: within rate limit and budget, and again after a failure."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pipeline.llm.calls import StopRun
from pipeline.llm.prices import Budget, Reserve, cost_of
from pipeline.llm.protocol import Reply, RequestFailed
from pipeline.llm.rate_limit import Outcome
from pipeline.llm.request import Request
from pipeline.llm.server import Server

# what a failed request means for the rate limit; other failures are no sign of too many requests
_OUTCOMES: dict[str, Outcome] = {
    "limited": "limited",
    "overloaded": "failed",
    "timeout": "failed",
    "connection": "failed",
    "unreachable": "failed",
}

# seconds before a failed request is repeated the first time; doubled each time (our choice)
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0  # seconds (our choice)
# completion tokens reserved for a call without max_tokens, until longer answers came (our choice)
USUAL_COMPLETION = 400
# seconds in which a server answers with 429 and nothing else, until the run stops (our choice)
LONGEST_REFUSAL = 900.0

SendRequest = Callable[[Request], Awaitable[Reply]]


@dataclass
class Usage:
    """What the calls of this run took.

    calls: calls with an outcome, good or bad. cached: calls that cost no request.
    failures: how often each thing went wrong, even if asking again helped ("limited": a 429;
    "damaged": a stored call that had to be asked again).
    cost: US dollars, of the models whose price is known.
    """

    calls: int = 0
    cached: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, other: Usage) -> None:
        """Count what another took as well."""
        self.requests += other.requests
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.cost += other.cost
        self.failures += other.failures


class Sender:
    """Sends requests to servers. stop: called with what must end the whole run."""

    def __init__(self, budget: Budget, seed: int, stop: Callable[[StopRun], None]) -> None:
        self._budget, self._stop = budget, stop
        self._jitter = random.Random(seed)

    async def reply(
        self, server: Server, request: Request, send: SendRequest, attempts: int, usage: Usage
    ) -> Reply:
        """Send until the server replies, at most `attempts` times; a 429 is not an attempt.

        send: sends one request, alone or in a batch. usage: counts requests and failures.
        Raises RequestFailed or StopRun.
        """
        failures, refused = 0, 0.0
        while True:
            try:
                return await self._once(server, request, send, usage)
            except StopRun as error:
                self._stop(error)
                raise
            except RequestFailed as failed:
                usage.failures[failed.reason] += 1
                limited = failed.reason == "limited"
                failures += not limited
                if failed.final or failures >= attempts:
                    raise
                if not limited:
                    refused = 0.0
                elif not refused:
                    refused = time.monotonic()
                self._check_patience(server, refused, failed)
                await self._pause(failed, failures)

    def _check_patience(self, server: Server, refused: float, failed: RequestFailed) -> None:
        """Stop the run when a server only refuses.

        refused: since when this call is refused, or 0; others may be answered meanwhile.
        """
        if refused and time.monotonic() - max(refused, server.answered) > LONGEST_REFUSAL:
            minutes = f"{LONGEST_REFUSAL / 60:.0f} minutes"
            problem = f"{server.address} has only asked to wait for {minutes} ({failed.detail})"
            error = StopRun(f"{problem}. Run again later; answers so far are kept.")
            self._stop(error)
            raise error

    async def _pause(self, failed: RequestFailed, failures: int) -> None:
        doubled = FIRST_PAUSE * 2 ** max(0, failures - 1)
        pause = min(LONGEST_PAUSE, doubled) * self._jitter.uniform(0.5, 1.0)
        if failed.wait:
            # as long as the server asked, and a little of ours, so that not all come at once
            pause = failed.wait + 0.1 * pause
        await asyncio.sleep(pause)

    async def _once(
        self, server: Server, request: Request, send: SendRequest, usage: Usage
    ) -> Reply:
        """One request, as soon as rate limit and budget allow it."""
        if server.in_batches and send != server.send:
            return await self._within_budget(server, request, send, usage)
        length, tokens = len(request.messages), request.prompt_tokens
        tokens += request.max_tokens or USUAL_COMPLETION
        permit = await server.rate_limit.acquire(length, tokens)
        outcome: Outcome = "answered"
        wait, took = 0.0, 0
        try:
            reply = await self._within_budget(server, request, send, usage)
            took = reply.prompt_tokens + reply.completion_tokens
            return reply
        except RequestFailed as failed:
            outcome, wait = _OUTCOMES.get(failed.reason, "answered"), failed.wait
            raise
        finally:
            server.rate_limit.release(permit, outcome, wait, took)

    async def _within_budget(
        self, server: Server, request: Request, send: SendRequest, usage: Usage
    ) -> Reply:
        """Send a request while the budget reserves what it may cost at most.

        Without max_tokens that is a guess: twice the longest answer so far.
        """
        prompt = request.prompt_tokens
        completion = request.max_tokens or max(USUAL_COMPLETION, 2 * server.longest)
        completion += server.dialect.for_thoughts
        cost = cost_of(server.settings, prompt, completion) or 0.0
        reserve = Reserve(prompt + completion, cost)
        await self._budget.reserve(reserve)
        try:
            usage.requests += 1
            return await send(request)
        finally:
            self._budget.release(reserve)
