"""The line: one call through store, gate and server, until it is answered or has failed for good."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson

from pipeline import UserError
from pipeline.llm.batch import Batches
from pipeline.llm.calls import Call, Calls, Stop
from pipeline.llm.prices import Purse, cost_of, tokens_in
from pipeline.llm.protocol import Fault, Reply
from pipeline.llm.rate_limit import Outcome, RateLimit
from pipeline.llm.reply import misfit, read_json
from pipeline.llm.server import Rehearsal, Server, key_for
from pipeline.recipe.settings import BudgetSettings, ModelSettings

Job = TypeVar("Job")
Result = TypeVar("Result")
Message = dict[str, str]
_OUTCOMES: dict[str, Outcome] = {  # what a fault tells the gate; the others say nothing of too many requests
    "limited": "limited", "overloaded": "failed", "timeout": "failed", "connection": "failed", "unreachable": "failed",
}  # fmt: skip

PATIENCE = 0.5  # seconds before the first repetition of a failed request, doubled each time up to 20 (our choice)
GUESS = 400  # completion tokens set aside for a call without max_tokens, until longer answers are seen (our choice)
REFUSED = (
    900.0  # seconds in which a server says 429 and nothing else, until the run stops (our choice)
)
_USELESS = ("empty", "length", "bad_json")  # replies that are asked again


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. data: the value read from it, when a schema was given. finish: why it ended ("stop").

    Tokens and cost (US dollars, None where no price is known) are those of all requests of the call, useless replies
    before this one included. cached: it was answered in an earlier run (or twice in this one). model: as the server
    names it.
    """

    text: str
    data: Any | None
    finish: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    cached: bool
    model: str


class CallFailed(Exception):
    """One call brought no usable answer; it is recorded, and no row may come of it.

    reason: "empty", "length", "bad_json" (of no use, after `reasks` further tries), "refused" (the server says so),
    "policy", "too_long", "rejected" (400): all these are outcomes, and never sent again · "timeout", "server",
    "overloaded", "connection", "garbled" (after `attempts` requests): the next run asks again.
    Tokens and cost: of all its requests, as in Answer.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        cost: float | None = 0.0,
    ):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
        self.prompt_tokens, self.completion_tokens, self.cost = (
            prompt_tokens,
            completion_tokens,
            cost,
        )


@dataclass
class Usage:
    """What this run took. calls: ended, answered or not. cached: calls that cost no request.

    failures: how often each thing went wrong, healed by asking again or not ("limited" = 429).
    cost: US dollars of the models whose price is known.
    """

    calls: int = 0
    cached: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)


class Client:
    """The only way to a model: one for a run, shared by all rooms. Use as `async with Client(...) as client`.

    keys: the values of the environment variables that the models name. rehearsal: plays the models whose base_url is
    `rehearsal`; gets the request, gives the chat completion.
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
        self._models, self._path, self._keys, self._rehearsal = models, calls, keys, rehearsal
        self._budget = budget or BudgetSettings()
        self._seed = seed
        self._jitter = random.Random(seed)
        self._servers: dict[str, Server] = {}
        self._gates: dict[tuple[str | None, str], RateLimit] = {}
        self._batches: dict[str, Batches] = {}
        self._asking: dict[bytes, asyncio.Future[None]] = {}
        self._stopped: Stop | None = None

    async def __aenter__(self) -> Self:
        self._calls = Calls(self._path)
        self._purse = Purse(self._budget, *self._calls.spent())
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
        messages: list[Message],
        *,
        sample: int = 0,
        schema: dict[str, Any] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop: list[str] | None = None,
    ) -> Answer:
        """Ask a model of the recipe. The same call (all arguments equal) is sent once, then answered from the store.

        sample: tells apart calls that are to be answered differently. schema: JSON Schema the answer must fit; what
        was read is in `data`. Raises CallFailed, or Stop when the run cannot go on.
        """
        server = self._server(model)
        sampling = {
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "stop": stop,
        }
        body = {
            "model": server.settings.model,
            "messages": messages,
            "seed": _number(self._seed, sample),
        }
        body |= {k: v for k, v in sampling.items() if v is not None} | server.settings.extra
        try:
            key = _digest(server.address, body, schema, sample)
        except TypeError as error:  # half an emoji, say
            raise CallFailed("rejected", f"the prompt cannot be sent: {error}") from None
        while asking := self._asking.get(key):
            await asyncio.wait([asking])
        kept = self._calls.kept(key)
        if kept and kept[-1].final:
            self.usage.calls += 1
            self.usage.cached += 1
            return _outcome(kept, schema, cached=True)
        if self._stopped:
            raise Stop(*self._stopped.args)
        self._asking[key] = asyncio.get_running_loop().create_future()
        self.usage.calls += 1
        try:
            return await self._fetch(server, key, body, schema, kept)
        finally:
            self._asking.pop(key).set_result(None)

    async def each(
        self, jobs: Iterable[Job], worker: Callable[[Job], Awaitable[Result]], width: int = 1024
    ) -> AsyncIterator[Result]:
        """Work on many jobs (dialogues) at once; their results in the order of the jobs.

        width: jobs open at once; take more for a model with `batch`. The gate lets the shortest conversation go first,
        so open dialogues advance side by side. An error of a job is raised; after Stop the requests under way are still
        answered and kept, as they are paid for.
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
            if not isinstance(error, Stop):
                for open_job in open_jobs:
                    open_job.cancel()
            raise
        finally:
            await asyncio.gather(*open_jobs, return_exceptions=True)

    def batched(self, model: str) -> bool:
        """Whether calls of this model wait for a batch of many: ask for as many at once as there are."""
        settings = self._server(model).settings
        return settings.batch and not settings.is_rehearsal

    def stop(self, error: Stop) -> None:
        """No further request is sent; every call that is not in the store raises `error`."""
        self._stopped = error
        for gate in self._gates.values():
            gate.stop(error)

    def _server(self, model: str) -> Server:
        if model not in self._servers:
            if model not in self._models:
                raise UserError(
                    f"The recipe names no model {model}: it has {', '.join(self._models) or 'none'}."
                )
            s = self._models[model]
            self._check_budget(s)
            gate = self._gates.setdefault(
                (s.base_url, s.model),
                RateLimit(s.in_flight, s.requests_per_minute, s.tokens_per_minute),
            )
            self._servers[model] = Server(s, gate, key_for(s, self._keys), self._rehearsal)
        return self._servers[model]

    def _check_budget(self, settings: ModelSettings) -> None:
        if self._budget.max_cost and cost_of(settings, 1, 1) is None:
            raise UserError(
                f"There is a budget in dollars, but no price for {settings.model}: give the model a "
                "`price: {input: …, output: …}` (dollars a million tokens), or add it to configs/prices.yaml."
            )

    async def _fetch(
        self,
        server: Server,
        key: bytes,
        body: dict[str, Any],
        schema: dict[str, Any] | None,
        kept: list[Call],
    ) -> Answer:
        """Ask until the answer is of use, `reasks` times more at most. Every reply is kept before it is judged.

        kept: the call's requests so far; the useless replies of a run that was killed count as well.
        """
        while not (kept and kept[-1].final):
            useless = [call for call in kept if call.reason in _USELESS]
            asked, started = _again(body, useless), time.monotonic()
            try:
                reply = await self._reply(server, key, asked, schema)
            except Fault as fault:
                kept.append(self._failed(server, key, asked, fault))
                break
            reason, detail = _problem(reply, schema)
            final = reason not in _USELESS or len(useless) >= server.settings.reasks
            cost = self._pay(server, reply)
            text, request = reply.refusal or reply.text, orjson.dumps(asked).decode()
            call = Call(
                key, final, server.address, reply.model, request, reason, detail, text, reply.finish,
                reply.prompt_tokens, reply.completion_tokens, cost, time.monotonic() - started,
            )  # fmt: skip
            self._calls.keep(call)
            kept.append(call)
            if reason:
                self.usage.failures[reason] += 1
        return _outcome(kept, schema, cached=False)

    async def _reply(
        self, server: Server, key: bytes, body: dict[str, Any], schema: dict[str, Any] | None
    ) -> Reply:
        """Send until the server replies, `attempts` times at most; being told to wait is no attempt."""
        faults, refused = 0, 0.0
        while True:
            try:
                return await self._send(server, key, body, schema)
            except Stop as error:
                self.stop(error)
                raise
            except Fault as fault:
                self.usage.failures[fault.reason] += 1
                faults += fault.reason != "limited"
                if fault.final or faults >= server.settings.attempts:
                    raise
                refused = (refused or time.monotonic()) if fault.reason == "limited" else 0.0
                self._check_patience(server, refused, fault)
                await self._pause(fault, faults)

    def _check_patience(self, server: Server, refused: float, fault: Fault) -> None:
        """refused: since when this call is told to wait; others may be served meanwhile."""
        if refused and time.monotonic() - max(refused, server.answered) > REFUSED:
            error = Stop(
                f"{server.address} has answered nothing for {REFUSED / 60:.0f} minutes but to wait ({fault.detail}). "
                "Run again later; answers so far are kept."
            )
            self.stop(error)
            raise error

    async def _send(
        self, server: Server, key: bytes, body: dict[str, Any], schema: dict[str, Any] | None
    ) -> Reply:
        """One request, when the gate and the budget allow it."""
        prompt = sum(tokens_in(m["content"]) for m in body["messages"])
        most = body.get("max_tokens")
        if server.settings.batch and not server.settings.is_rehearsal:
            return await self._held(
                server, prompt, most, self._batches_of(server).send(key, body, schema)
            )
        turn = await server.gate.enter(len(body["messages"]), prompt + (most or GUESS))
        outcome: Outcome = "answered"
        wait, took = 0.0, 0
        try:
            reply = await self._held(server, prompt, most, server.send(body, schema))
            took = reply.prompt_tokens + reply.completion_tokens
            return reply
        except Fault as fault:
            outcome, wait = _OUTCOMES.get(fault.reason, "answered"), fault.wait
            raise
        finally:
            server.gate.leave(turn, outcome, wait, took)

    async def _held(
        self, server: Server, prompt: int, most: int | None, request: Coroutine[Any, Any, Reply]
    ) -> Reply:
        """Make a request while the budget holds what it may cost: without `most`, twice the longest answer so far."""
        completion = most or max(GUESS, 2 * server.longest)
        hold = prompt + completion, cost_of(server.settings, prompt, completion) or 0.0
        try:
            await self._purse.hold(*hold)
        except BaseException:
            request.close()
            raise
        try:
            self.usage.requests += 1
            return await request
        finally:
            self._purse.release(*hold)

    def _batches_of(self, server: Server) -> Batches:
        place = f"{server.address} {server.settings.model}"  # a batch is for one model
        if place not in self._batches:
            self._batches[place] = Batches(server, self._calls, place)
        return self._batches[place]

    def _failed(self, server: Server, key: bytes, body: dict[str, Any], fault: Fault) -> Call:
        """What is kept of a call that brought no reply. Raises Stop when no call can."""
        if fault.reason == "unreachable":
            error = Stop(
                f"{server.address} cannot be reached ({fault.detail}). Is it running? Answers so far are kept."
            )
            self.stop(error)
            raise error
        request = orjson.dumps(body).decode()
        call = Call(
            key,
            fault.final,
            server.address,
            server.settings.model,
            request,
            fault.reason,
            fault.detail,
        )
        self._calls.keep(call)
        return call

    async def _pause(self, fault: Fault, faults: int) -> None:
        backoff = min(20.0, PATIENCE * 2 ** max(0, faults - 1)) * self._jitter.uniform(0.5, 1.0)
        await asyncio.sleep(fault.wait + 0.1 * backoff if fault.wait else backoff)

    def _pay(self, server: Server, reply: Reply) -> float | None:
        """Count what a reply took; what it cost."""
        asked, said = reply.prompt_tokens, reply.completion_tokens
        cost = cost_of(server.settings, asked, said)
        self._purse.pay(asked + said, cost or 0.0)
        self.usage.prompt_tokens += asked
        self.usage.completion_tokens += said
        self.usage.cost += cost or 0.0
        return cost


def _problem(reply: Reply, schema: dict[str, Any] | None) -> tuple[str | None, str]:
    """Why a reply is no answer: the reason, none if it is one, and the same in words."""
    if reply.refusal:
        return "refused", reply.refusal
    if not reply.text.strip():
        return "empty", "the answer is empty"
    if reply.finish == "length":
        return "length", f"cut off after {reply.completion_tokens} tokens: …{reply.text[-60:]}"
    if schema is None:
        return None, ""
    try:
        wrong = misfit(read_json(reply.text), schema)
    except ValueError as error:
        wrong = str(error)
    return ("bad_json", wrong) if wrong else (None, "")


def _again(body: dict[str, Any], useless: list[Call]) -> dict[str, Any]:
    """The request after useless replies: with another seed, and once with what was wrong with the JSON."""
    if not useless:
        return body
    again = body | {"seed": body["seed"] + len(useless)}
    if useless[-1].reason == "bad_json" and len(useless) == 1:
        repair = f"That could not be used: {useless[-1].detail}. Answer again with the JSON alone, complete and valid."
        said = [
            {"role": "assistant", "content": useless[-1].text},
            {"role": "user", "content": repair},
        ]
        again["messages"] = [*body["messages"], *said]
    return again


def _outcome(kept: list[Call], schema: dict[str, Any] | None, cached: bool) -> Answer:
    """What a call has come to, told by what is kept of it: the same now and in every later run. Raises CallFailed."""
    last, costs = kept[-1], [call.cost for call in kept]
    asked, said = (
        sum(call.prompt_tokens for call in kept),
        sum(call.completion_tokens for call in kept),
    )
    cost = None if None in costs else sum(cost or 0.0 for cost in costs)
    if last.reason:
        raise CallFailed(last.reason, last.detail, asked, said, cost)
    data = read_json(last.text) if schema is not None else None
    return Answer(last.text, data, last.finish, asked, said, cost, cached, last.model)


def _digest(
    address: str, body: dict[str, Any], schema: dict[str, Any] | None, sample: int
) -> bytes:
    """Names a call. A rehearsed answer is never taken for a real one."""
    named = orjson.dumps([address, body, schema, sample], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(named, digest_size=16).digest()


def _number(seed: int, sample: int) -> int:
    """The seed sent along: 31 bits, another one for each sample."""
    return (
        int.from_bytes(
            hashlib.blake2b(f"{seed}\x1f{sample}".encode(), digest_size=4).digest(), "big"
        )
        >> 1
    )
