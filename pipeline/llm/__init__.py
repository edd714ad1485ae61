"""The only line to a model: kept, limited, retried, budgeted.

    async with Client(recipe.models, folder / "calls.sqlite", recipe.budget, keys, recipe.seed, rehearse.answer) as line:
        answer = await line.ask("writer", [{"role": "user", "content": "Hello"}], temperature=1.0)
        async for talk in line.each(slots, talk_about):   # many dialogues side by side, results in order
            ...
    line.usage                                             # calls, tokens, cost, and what went wrong how often

`ask` answers, or raises CallFailed (this call, recorded, with a reason) or Stop (the whole run, one message). Answers
are committed to the store before they are given: after `kill -9` only what was under way is asked again. 429 is
waited for and uses up no attempt of a call. Nothing here reads the environment: keys are handed in.

line.py one call from beginning to end · calls.py the store · gate.py who may send when · server.py one model at one
address · protocol.py what answers and errors mean · batch.py the Batch API · reply.py JSON out of text · prices.py what
it costs, and the budget
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pipeline.llm.calls import Stop
from pipeline.llm.client import Answer, CallFailed, Client, Usage
from pipeline.llm.prices import Estimate, cost_of, estimate, price_of, tokens_in

__all__ = [
    "Answer", "CallFailed", "Estimate", "Client", "Stop", "Usage", "cost_of", "estimate", "price_of", "run", "runner",
    "tokens_in",
]  # fmt: skip

Result = TypeVar("Result")


def runner() -> asyncio.Runner:
    """An `asyncio.Runner` on uvloop where there is one (a third less CPU a request)."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=new_event_loop)


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` with `runner`."""
    with runner() as loop:
        return loop.run(main)
