"""The client: one call through store, rate limit, budget and server, until it has an outcome."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import orjson

from pipeline import UserError
from pipeline.llm.batch import Batches
from pipeline.llm.calls import CallAttempt, Calls, DamagedCall, StopRun
from pipeline.llm.findings import Findings, load
from pipeline.llm.outcome import USELESS, Answer, CallFailed, is_settled, outcome_of, problem_of
from pipeline.llm.prices import Budget, cost_of
from pipeline.llm.probe import TOKENS, probe
from pipeline.llm.protocol import Reply, RequestFailed
from pipeline.llm.rate_limit import RateLimit
from pipeline.llm.reply import Schema
from pipeline.llm.request import ChatMessage, JsonObject, Request, new_request
from pipeline.llm.sender import Sender, Usage
from pipeline.llm.server import Rehearsal, Server, key_for
from pipeline.recipe.models import BudgetSettings, ModelSettings

Job = TypeVar("Job")
Result = TypeVar("Result")

LIMITS = {"max_tokens", "max_completion_tokens"}
ATTEMPTS = 3  # of a request of a probe that fails (our choice)


class Client:
    """The only way to a model; one for a run. Use it as `async with Client(...) as client`.

    usage: of calls. probing: of the requests that found out what servers can do.
    keys: the values of the environment variables that the models name.
    rehearsal: plays the models whose base_url is `rehearsal`: request → chat completion. kept:
    requests that the store keeps, the latest; None: all.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSettings],
        calls: Path,
        budget: BudgetSettings | None,
        keys: Mapping[str, str],
        seed: int = 0,
        rehearsal: Rehearsal | None = None,
        kept: int | None = None,
    ):
        self.usage, self.probing = Usage(), Usage()
        self._models, self._path, self._kept = models, calls, kept
        self._keys, self._rehearsal = keys, rehearsal
        self._budget_settings = budget or BudgetSettings()
        self._seed = seed
        self._servers: dict[str, Server] = {}
        self._rate_limits: dict[tuple[str | None, str], RateLimit] = {}
        self._batches: dict[str, Batches] = {}
        self._asking: dict[bytes, asyncio.Future[None]] = {}
        self._finding_out: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stopped: StopRun | None = None

    async def __aenter__(self) -> Self:
        self._calls = Calls(self._path, self._kept)
        tokens, cost = self._calls.spent()
        self._budget = Budget(self._budget_settings, tokens, cost)
        self._sender = Sender(self._budget, self._seed, self.stop)
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

    def resume(self) -> None:
        """Send requests again after `stop`: for who serves on where a server was down for once."""
        self._stopped = None
        for rate_limit in self._rate_limits.values():
            rate_limit.resume()

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

    def _way_to(self, server: Server) -> Callable[[Request], Awaitable[Reply]]:
        """How a request is sent: alone, or in a batch."""
        if not server.in_batches:
            return server.send
        place = f"{server.address} {server.settings.model}"  # a batch is for one model
        if place not in self._batches:
            self._batches[place] = Batches(server, self._calls, place)
        return self._batches[place].send

    # --- what it can do

    async def findings(self, model: str) -> Findings:
        """What the server of a model can do, found out anew. Raises RequestFailed or StopRun."""
        server = self._server(model)
        try:
            return await self._probe(server)
        except RequestFailed as failed:
            self._check_reachable(server, failed)
            raise

    async def _know(self, server: Server) -> None:
        """Find out once what a server can do; where that fails, calls learn from their errors."""
        async with self._finding_out[server.place]:
            if server.known:
                return
            stored = self._calls.findings(server.place)
            if stored:
                server.dialect.adopt(load(stored))
            else:
                with suppress(RequestFailed):
                    await self._probe(server)
            server.known = True

    async def _probe(self, server: Server) -> Findings:
        took, findings = Usage(), ""
        try:
            found = await probe(server, partial(self._say, server, took))
            server.dialect.adopt(found)
            findings = found.dump()
            return found
        finally:
            if not findings:
                server.forget()
            self.probing.add(took)
            cost = cost_of(server.settings, took.prompt_tokens, took.completion_tokens)
            tokens = (took.prompt_tokens, took.completion_tokens)
            self._calls.add_probe(server.place, findings, *tokens, cost)

    async def _say(
        self,
        server: Server,
        took: Usage,
        messages: list[ChatMessage],
        schema: Schema | None = None,
        stop: Sequence[str] | None = None,
    ) -> Reply:
        """Send a request of a probe, alone. It is small, whatever the recipe sets for answers."""
        extra = server.settings.extra
        fields = {name: extra[name] for name in extra.keys() - LIMITS}
        settings = server.settings.model_copy(update={"extra": fields})
        options: JsonObject = {"max_tokens": TOKENS, "stop": stop}
        asked = new_request(settings, server.address, messages, options, schema, 0, 0)
        reply = await self._sender.reply(server, asked, server.send, ATTEMPTS, took)
        self._pay(server, reply, took)
        return reply

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
            if not server.known:
                await self._know(server)
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
                reply = await self._sender.reply(
                    server, asked, self._way_to(server), server.settings.attempts, self.usage
                )
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
            cost=self._pay(server, reply, self.usage),
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
        self._check_reachable(server, failed)
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

    def _check_reachable(self, server: Server, failed: RequestFailed) -> None:
        if failed.reason == "unreachable":
            problem = f"{server.address} cannot be reached ({failed.detail})"
            error = StopRun(f"{problem}. Is it running? Answers so far are kept.")
            self.stop(error)
            raise error

    def _pay(self, server: Server, reply: Reply, usage: Usage) -> float | None:
        """Count what a reply took; returns what it cost."""
        prompt, completion = reply.prompt_tokens, reply.completion_tokens
        cost = cost_of(server.settings, prompt, completion)
        self._budget.spend(prompt + completion, cost or 0.0)
        usage.prompt_tokens += prompt
        usage.completion_tokens += completion
        usage.cost += cost or 0.0
        return cost
