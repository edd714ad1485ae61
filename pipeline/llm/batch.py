"""The Batch API: many requests in one file, half the price, answers within a day.

For calls that wait for no other call's answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson

from pipeline.llm.calls import Calls
from pipeline.llm.protocol import Reply, RequestFailed, field_of
from pipeline.llm.request import JsonObject, Request
from pipeline.llm.server import Server

if TYPE_CHECKING:
    from openai.types import Batch

MOST = 50_000  # requests in a batch (OpenAI's limit)
QUIET = 1.0  # seconds without a further request, until a batch is sent
POLL = 60.0  # seconds between two questions whether a batch has ended; the first ones are shorter
RETRIES = 5  # of the few requests that carry a batch; the client itself makes them
ENDPOINT: Final = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")

Bodies = dict[str, JsonObject]  # by the name of the request


class Batches:
    """Collects requests and sends them together.

    A batch under way is stored: after `kill -9` the next run waits for it and sends nothing
    again. Its results are stored before the batch is forgotten, whether or not a call still waits
    for them.
    """

    def __init__(self, server: Server, calls: Calls, place: str):
        self._server, self._calls, self._place = server, calls, place
        self._client = server.client.with_options(max_retries=RETRIES)
        self._filling: Bodies = {}
        self._batch: asyncio.Task[None] | None = None  # the one that is being filled
        self._batch_of: dict[str, asyncio.Task[None]] = {}
        for batch, names in calls.open_batches(place):
            task = asyncio.create_task(self._collect(batch))
            self._batch_of |= dict.fromkeys(names, task)

    async def send(self, request: Request) -> Reply:
        """One request, as part of a batch. Raises RequestFailed or StopRun like `Server.send`."""
        # the same name in whichever dialect the server takes it: still the same request
        name = f"{request.key.hex()}-{request.seed}"
        return await self._server.send(request, lambda body: self._post(name, body))

    async def _post(self, name: str, body: JsonObject) -> Reply:
        import openai

        try:
            if (result := self._calls.result(name)) is None:
                await asyncio.shield(self._batch_of.get(name) or self._enter(name, body))
                result = self._calls.result(name)
            return self._read(result, body)
        except RequestFailed:
            self._calls.drop_result(name)  # repeated, it is put into the next batch
            self._batch_of.pop(name, None)
            raise
        except (openai.APIStatusError, openai.APIConnectionError) as error:
            self._batch_of.pop(name, None)
            failure = self._server.meaning_of(error)
        raise failure  # out here it carries no context that could hold the key

    def _enter(self, name: str, body: JsonObject) -> asyncio.Task[None]:
        """Put a request into the batch that is being filled; the task ends with its results."""
        if self._batch is None or len(self._filling) >= MOST:
            self._filling = {}
            self._batch = asyncio.create_task(self._submit(self._filling))
        self._filling[name] = body
        self._batch_of[name] = self._batch
        return self._batch

    def _read(self, result: str | None, body: JsonObject) -> Reply:
        """The reply in a line of a batch's results; the error in it is raised."""
        answer = orjson.loads(result) if result else {}
        response = answer.get("response") or {}
        status = response.get("status_code") or 500
        content = response.get("body")
        if status == 200:
            return self._server.read(orjson.dumps(content), body)
        error = content or answer.get("error") or "the batch ended without this call"
        raise self._server.judge(status, field_of(error, "error") or error)

    async def _submit(self, filling: Bodies) -> None:
        """Wait until no further request comes, send the batch, and wait for its results."""
        size = -1
        while size < len(filling) < MOST:
            size = len(filling)
            await asyncio.sleep(QUIET)
        if filling is self._filling:
            self._batch = None
        content = b"\n".join(_line(name, body) for name, body in filling.items())
        file = await self._client.files.create(file=("calls.jsonl", content), purpose="batch")
        batch = await self._client.batches.create(
            input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h"
        )
        self._calls.open_batch(batch.id, self._place, list(filling))
        await self._collect(batch.id)

    async def _collect(self, batch_id: str) -> None:
        """Wait for a batch to end and store its results; some requests may have none."""
        import openai

        try:
            batch = await self._ended(batch_id)
            results = await self._results(batch)
        except openai.NotFoundError:  # servers keep batches for a month; then we send them again
            results, batch = {}, None
        self._calls.close_batch(batch_id, results)
        if batch and batch.status == "failed":  # no request of it was tried
            errors = (batch.errors and batch.errors.data) or []
            messages = [error.message for error in errors if error.message]
            raise self._server.judge(500, f"the batch failed: {'; '.join(messages)}")

    async def _results(self, batch: Batch) -> dict[str, str]:
        """The lines of its result files, by the name of the request."""
        results = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            response = await self._client.files.content(file)
            for line in self._server.without_key(response.content).splitlines():
                results[orjson.loads(line)["custom_id"]] = line.decode()
        return results

    async def _ended(self, batch_id: str) -> Batch:
        pause = QUIET
        while True:
            batch = await self._client.batches.retrieve(batch_id)
            if batch.status in ENDED:
                return batch
            await asyncio.sleep(pause)
            pause = min(POLL, pause * 1.5)

    async def close(self) -> None:
        tasks = set(self._batch_of.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _line(name: str, body: JsonObject) -> bytes:
    line = {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}
    return orjson.dumps(line)
