"""How a step asks models: one client for the whole stage, and rows that come while it asks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import suppress
from functools import partial
from typing import Any, Self

from pipeline.conversation import Row
from pipeline.llm import Client, rehearsal, runner
from pipeline.llm.spent import CALLS, spent
from pipeline.run.context import Job


class Asking:
    """A client, and the event loop that it lives in. `with Asking(job) as asking: …`"""

    def __init__(self, job: Job) -> None:
        recipe = job.recipe
        self._folder = job.answers or job.folder
        self._loop = runner()
        self.client = Client(
            recipe.models,
            self._folder / CALLS,
            recipe.budget,
            job.secrets,
            recipe.seed,
            partial(rehearsal.answer, beside=recipe.generate.texts_in(recipe.folder)),
        )

    def __enter__(self) -> Self:
        self._loop.run(self.client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._loop.run(self.client.__aexit__())
        finally:
            self._loop.close()

    def drained(self, rows: AsyncGenerator[Row, None]) -> Generator[Row, None, None]:
        """The items of an asynchronous generator, one at a time, each before the next is asked
        for."""
        try:
            with suppress(StopAsyncIteration):
                while True:
                    yield self._loop.run(_next(rows))
        finally:
            self._loop.run(rows.aclose())

    def usage(self) -> dict[str, Any]:
        """What it took, for the report: in this stage, and in all runs of the folder."""
        tokens, dollars = spent(self._folder)
        probes = {"probes": self.client.probing.requests}
        return vars(self.client.usage) | probes | {"all_tokens": tokens, "all_cost": dollars}


async def _next(rows: AsyncIterator[Row]) -> Row:
    return await anext(rows)
