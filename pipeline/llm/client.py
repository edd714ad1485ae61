"""The client: one call through store, rate limit, budget and server, until it has an outcome."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

import orjson

from pipeline import UserError
from pipeline.llm.batch import Batches
from pipeline.llm.calls import CallAttempt, Calls, DamagedCall, StopRun
from pipeline.llm.outcome import USELESS, Answer, CallFailed, is_settled, outcome_of, problem_of
from pipeline.llm.prices import Budget, Reserve, cost_of
from pipeline.llm.protocol import Reply, RequestFailed
from pipeline.llm.rate_limit import Outcome, RateLimit
from pipeline.llm.request import ChatMessage, JsonObject, Request, new_request
from pipeline.llm.server import Rehearsal, Server, key_for
from pipeline.recipe.models import BudgetSettings, ModelSettings

Job = TypeVar("Job")
Result = TypeVar("Result")

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


class Client:
    """The only way to a model; one for a run. Use it as `async with Client(...) as client`.

    keys: the values of the environment variables that the models name.
    rehearsal: plays the models whose base_url is `rehearsal`: request → chat completion.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSettings],
        calls: Path,
        budget: BudgetSettings | None,
        keys: Mapping[str, str],
        seed: int = 0,
        rehearsal: Rehearsal | None = None,
    ):
        self.usage = Usage()
        self._models, self._path = models, calls
        self._keys, self._rehearsal = keys, rehearsal
        self._budget_settings = budget or BudgetSettings()
        self._seed = seed
        self._jitter = random.Random(seed)
        self._servers: dict[str, Server] = {}
        self._rate_limits: dict[tuple[str | None, str], RateLimit] = {}
        self._batches: dict[str, Batches] = {}
        self._asking: dict[bytes, asyncio.Future[None]] = {}
        self._stopped: StopRun | None = None

    async def __aenter__(self) -> Self:
        self._calls = Calls(self._path)
        tokens, cost = self._calls.spent()
        self._budget = Budget(self._budget_settings, tokens, cost)
        return self

    async def __aexit__(self, *_: object) -> None:
        for batches in self._batches.values():
            await batches.close()
        for server in self._servers.values():
            await server.close()
        self._calls.close()

    async def ask(
        self,
        model: str,
        messages: list[ChatMessage],
        *,
        sample: int = 0,
        schema: Mapping[str, object] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: list[str] | None = None,
    ) -> Answer:
        """Ask a model of the recipe.

        The same call (all arguments equal) is sent once, then answered from the store.
        sample: numbers the calls that are alike and need different answers.
        schema: JSON Schema that the answer must fit; what was read is in `data`.
        Raises CallFailed, or StopRun when the run cannot continue.
        """
        server = self._server(model)
        options: JsonObject = {"max_tokens": max_tokens, "temperature": temperature}
        options |= {"top_p": top_p, "stop": stop}
        try:
            request = new_request(
                server.settings, server.address, messages, options, schema, self._seed, sample
            )
        except TypeError as error:  # half an emoji, for example
            raise CallFailed("rejected", f"the prompt cannot be sent: {error}") from None
        return await self._answer(server, request)

    async def each(
        self, jobs: Iterable[Job], worker: Callable[[Job], Awaitable[Result]], width: int = 1024
    ) -> AsyncIterator[Result]:
        """Work on many jobs (conversations) at once; their results in the order of the jobs.

        width: jobs open at once; take more for a model with `batch`. The rate limit lets the
        shortest conversation send first, so open ones advance side by side. An error of a job is
        raised; after StopRun the requests under way are still answered and stored, as they are
        paid for.
        """
        open_jobs: deque[asyncio.Future[Result]] = deque()
        try:
            for job in jobs:
                open_jobs.append(asyncio.ensure_future(worker(job)))
                if len(open_jobs) >= width:
                    yield await open_jobs.popleft()
            while open_jobs:
                yield await open_jobs.popleft()
        except BaseException as error:
            if not isinstance(error, StopRun):
                for open_job in open_jobs:
                    open_job.cancel()
            raise
        finally:
            await asyncio.gather(*open_jobs, return_exceptions=True)

    def batched(self, model: str) -> bool:
        """Do calls of this model wait for a batch? Then ask for as many at once as possible."""
        return self._server(model).in_batches

    def stop(self, error: StopRun) -> None:
        """Send no further request; every call that is not in the store raises `error`."""
        self._stopped = error
        for rate_limit in self._rate_limits.values():
            rate_limit.stop(error)

    # --- a model's server

    def _server(self, model: str) -> Server:
        if model not in self._servers:
            if model not in self._models:
                known = ", ".join(self._models) or "none"
                raise UserError(f"The recipe has no model {model}; it has: {known}.")
            settings = self._models[model]
            self._check_price(settings)
            rate_limit = self._rate_limit(settings)
            key = key_for(settings, self._keys)
            self._servers[model] = Server(settings, rate_limit, key, self._rehearsal)
        return self._servers[model]

    def _check_price(self, settings: ModelSettings) -> None:
        if self._budget_settings.max_cost and cost_of(settings, 1, 1) is None:
            raise UserError(
                f"There is a budget in dollars, but no price for {settings.model}: give the model "
                "a `price: {input: …, output: …}` (dollars a million tokens), or add it to "
                "configs/prices.yaml."
            )

    def _rate_limit(self, settings: ModelSettings) -> RateLimit:
        place = (settings.base_url, settings.model)
        if place not in self._rate_limits:
            self._rate_limits[place] = RateLimit(
                settings.in_flight, settings.requests_per_minute, settings.tokens_per_minute
            )
        return self._rate_limits[place]

    def _batches_of(self, server: Server) -> Batches:
        place = f"{server.address} {server.settings.model}"  # a batch is for one model
        if place not in self._batches:
            self._batches[place] = Batches(server, self._calls, place)
        return self._batches[place]

    # --- a call

    async def _answer(self, server: Server, request: Request) -> Answer:
        """The answer from the store, else from the server."""
        while asking := self._asking.get(request.key):  # the same call, asked at the same time
            await asyncio.wait([asking])
        attempts = self._stored(request.key)
        if is_settled(attempts):
            self.usage.calls += 1
            self.usage.cached += 1
            return outcome_of(attempts, request.schema, cached=True)
        if self._stopped:
            raise StopRun(*self._stopped.args)
        self._asking[request.key] = asyncio.get_running_loop().create_future()
        self.usage.calls += 1
        try:
            await self._settle(server, request, attempts)
        finally:
            self._asking.pop(request.key).set_result(None)
        return outcome_of(attempts, request.schema, cached=False)

    def _stored(self, key: bytes) -> list[CallAttempt]:
        """The requests of a call in the store; a damaged call is asked again from its beginning."""
        try:
            return self._calls.attempts(key)
        except DamagedCall:
            self._calls.forget(key)
            self.usage.failures["damaged"] += 1
            return []

    async def _settle(self, server: Server, request: Request, attempts: list[CallAttempt]) -> None:
        """Ask until the answer is of use, at most `reasks` times more. Adds to `attempts`.

        Every reply is stored before it is judged. attempts: the requests of the call so far; the
        useless replies of a run that was killed count as well.
        """
        while not is_settled(attempts):
            useless = [attempt for attempt in attempts if attempt.reason in USELESS]
            asked, started = request.repeated(useless), time.monotonic()
            try:
                reply = await self._reply(server, asked)
            except RequestFailed as failed:
                attempts.append(self._store_failure(server, asked, failed))
                return
            seconds = time.monotonic() - started
            may_repeat = len(useless) < server.settings.reasks
            attempts.append(self._store_reply(server, asked, reply, seconds, may_repeat))

    def _store_reply(
        self, server: Server, request: Request, reply: Reply, seconds: float, may_repeat: bool
    ) -> CallAttempt:
        reason, detail = problem_of(reply, request.schema)
        attempt = CallAttempt(
            key=request.key,
            final=not (may_repeat and reason in USELESS),
            address=server.address,
            model=reply.model,
            request=orjson.dumps(request.body).decode(),
            reason=reason,
            detail=detail,
            text=reply.refusal or reply.text,
            finish=reply.finish,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cost=self._pay(server, reply),
            seconds=seconds,
        )
        self._calls.add(attempt)
        if reason:
            self.usage.failures[reason] += 1
        return attempt

    def _store_failure(
        self, server: Server, request: Request, failed: RequestFailed
    ) -> CallAttempt:
        """Store a call that brought no reply. Raises StopRun when no call can bring one."""
        if failed.reason == "unreachable":
            problem = f"{server.address} cannot be reached ({failed.detail})"
            raise self._stop_run(f"{problem}. Is it running? Answers so far are kept.")
        attempt = CallAttempt(
            key=request.key,
            final=failed.final,
            address=server.address,
            model=server.settings.model,
            request=orjson.dumps(request.body).decode(),
            reason=failed.reason,
            detail=failed.detail,
        )
        self._calls.add(attempt)
        return attempt

    def _pay(self, server: Server, reply: Reply) -> float | None:
        """Count what a reply took; returns what it cost."""
        prompt, completion = reply.prompt_tokens, reply.completion_tokens
        cost = cost_of(server.settings, prompt, completion)
        self._budget.spend(prompt + completion, cost or 0.0)
        self.usage.prompt_tokens += prompt
        self.usage.completion_tokens += completion
        self.usage.cost += cost or 0.0
        return cost

    # --- a request

    async def _reply(self, server: Server, request: Request) -> Reply:
        """Send until the server replies, at most `attempts` times; a 429 is not an attempt."""
        failures, refused = 0, 0.0
        while True:
            try:
                return await self._send(server, request)
            except StopRun as error:
                self.stop(error)
                raise
            except RequestFailed as failed:
                self.usage.failures[failed.reason] += 1
                limited = failed.reason == "limited"
                failures += not limited
                if failed.final or failures >= server.settings.attempts:
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
            raise self._stop_run(f"{problem}. Run again later; answers so far are kept.")

    def _stop_run(self, message: str) -> StopRun:
        error = StopRun(message)
        self.stop(error)
        return error

    async def _pause(self, failed: RequestFailed, failures: int) -> None:
        doubled = FIRST_PAUSE * 2 ** max(0, failures - 1)
        pause = min(LONGEST_PAUSE, doubled) * self._jitter.uniform(0.5, 1.0)
        if (
            failed.wait
        ):  # as long as the server asked, and a little of ours, so that not all come at once
            pause = failed.wait + 0.1 * pause
        await asyncio.sleep(pause)

    async def _send(self, server: Server, request: Request) -> Reply:
        """One request, as soon as rate limit and budget allow it."""
        if server.in_batches:
            return await self._within_budget(server, request, self._batches_of(server).send)
        length, tokens = len(request.messages), request.prompt_tokens
        tokens += request.max_tokens or USUAL_COMPLETION
        permit = await server.rate_limit.acquire(length, tokens)
        outcome: Outcome = "answered"
        wait, took = 0.0, 0
        try:
            reply = await self._within_budget(server, request, server.send)
            took = reply.prompt_tokens + reply.completion_tokens
            return reply
        except RequestFailed as failed:
            outcome, wait = _OUTCOMES.get(failed.reason, "answered"), failed.wait
            raise
        finally:
            server.rate_limit.release(permit, outcome, wait, took)

    async def _within_budget(
        self,
        server: Server,
        request: Request,
        send: Callable[[Request], Coroutine[object, object, Reply]],
    ) -> Reply:
        """Send a request while the budget reserves what it may cost at most.

        Without max_tokens that is a guess: twice the longest answer so far.
        """
        prompt = request.prompt_tokens
        completion = request.max_tokens or max(USUAL_COMPLETION, 2 * server.longest)
        cost = cost_of(server.settings, prompt, completion) or 0.0
        reserve = Reserve(prompt + completion, cost)
        await self._budget.reserve(reserve)
        try:
            self.usage.requests += 1
            return await send(request)
        finally:
            self._budget.release(reserve)
