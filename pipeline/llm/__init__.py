"""The only client of models: calls are stored, limited, repeated and kept within a budget.

    models, budget = recipe.models, recipe.budget
    calls = folder / "calls.sqlite"
    async with Client(models, calls, budget, keys, recipe.seed, rehearsal.answer) as client:
        messages = [{"role": "user", "content": "Hello"}]
        answer = await client.ask("writer", messages, temperature=1.0)
        async for conversation in client.each(slots, fill):   # many at once, results in order
            ...
    client.usage                            # calls, tokens, cost, and what went wrong how often
    client.probing                          # the same of what found out what the servers can do

`ask` returns an answer, or raises CallFailed (this call, stored, with a reason) or StopRun (the
whole run, one message). Answers are committed to the store before they are returned: after
`kill -9` only what was under way is asked again. After a 429 the client waits; this is not one of
the call's attempts. Nothing here reads the environment: keys are given.

client.py      one call from beginning to end
outcome.py     what a call comes to: an answer, or a failure with its reason
calls.py       the store
request.py     one request, and how it is repeated
rate_limit.py  when a request may be sent
sender.py      one request, until it is answered
probe.py       what a server can do, found out before the first call · findings.py what was found
server.py      one model at one address
dialect.py     which fields it takes, how it is asked for JSON · transcript.py a talk as plain text
protocol.py    what answers and errors mean · spoken.py what of an answer was meant to be said
context.py     how many tokens a server takes, as it says itself
batch.py       the Batch API
reply.py       JSON out of text
prices.py      what calls cost, and the budget
rehearsal.py   the offline stand-in for all models
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from pipeline.llm.calls import StopRun
from pipeline.llm.client import Client
from pipeline.llm.findings import Findings
from pipeline.llm.outcome import Answer, CallFailed
from pipeline.llm.prices import Estimate, cost_of, estimate, price_of, tokens_in
from pipeline.llm.protocol import RequestFailed
from pipeline.llm.sender import Usage

__all__ = [
    "Answer",
    "CallFailed",
    "Client",
    "Estimate",
    "Findings",
    "RequestFailed",
    "StopRun",
    "Usage",
    "cost_of",
    "estimate",
    "price_of",
    "run",
    "runner",
    "tokens_in",
]

Result = TypeVar("Result")


def runner() -> asyncio.Runner:
    """An `asyncio.Runner`, on uvloop where there is one (a third less CPU a request)."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=new_event_loop)


def run(main: Coroutine[object, object, Result]) -> Result:
    """`asyncio.run` on the loop of `runner`."""
    with runner() as loop:
        return loop.run(main)
