"""The Batch API: many calls as one file, half the price, answers within a day. For calls that wait for no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.llm.calls import Calls
from pipeline.llm.protocol import Fault, Reply
from pipeline.llm.server import Server

if TYPE_CHECKING:
    from openai.types import Batch

MOST = 50_000  # requests in a batch (OpenAI's limit)
QUIET = 1.0  # seconds in which no further call comes, until a batch is sent off
POLL = 60.0  # seconds between two looks at a batch; the first ones come sooner
RETRIES = 5  # of the few requests that carry a batch; the client itself makes them

Requests = dict[str, dict[str, Any]]  # by name


class Batches:
    """Collects requests and sends them off together.

    A batch that is under way is written down: after `kill -9` the next run waits for it and sends nothing again. What
    it brings is kept before the batch is forgotten, whether or not somebody still asks for it.
    """

    def __init__(self, server: Server, calls: Calls, place: str):
        self._server, self._calls, self._place = server, calls, place
        self._client = server.client.with_options(max_retries=RETRIES)
        self._filling: Requests = {}
        self._batch: asyncio.Task[None] | None = None  # the one that is being filled
        self._batch_of: dict[str, asyncio.Task[None]] = {}
        for batch, names in calls.open_batches(place):
            task = asyncio.create_task(self._collect(batch))
            self._batch_of |= dict.fromkeys(names, task)

    async def send(self, key: bytes, body: dict[str, Any], schema: dict[str, Any] | None) -> Reply:
        """One request of a call, as part of a batch. Raises Fault or Stop like `Server.send`."""
        name = f"{key.hex()}-{body['seed']}"  # with the words the server takes or without: still the same request
        return await self._server.send(body, schema, lambda sent: self._post(name, sent))

    async def _post(self, name: str, sent: dict[str, Any]) -> Reply:
        import openai

        try:
            if (line := self._calls.line(name)) is None:
                await asyncio.shield(self._batch_of.get(name) or self._enter(name, sent))
                line = self._calls.line(name)
            return self._read(line, sent)
        except Fault:
            self._calls.drop_line(name)  # asked again, it goes into the next batch
            self._batch_of.pop(name, None)
            raise
        except (openai.APIStatusError, openai.APIConnectionError) as error:
            self._batch_of.pop(name, None)
            fault = self._server.fault(error)
        raise fault

    def _enter(self, name: str, sent: dict[str, Any]) -> asyncio.Task[None]:
        if self._batch is None or len(self._filling) >= MOST:
            self._filling = {}
            self._batch = asyncio.create_task(self._submit(self._filling))
        self._filling[name] = sent
        self._batch_of[name] = self._batch
        return self._batch

    def _read(self, line: str | None, sent: dict[str, Any]) -> Reply:
        answer = orjson.loads(line) if line else {}
        response = answer.get("response") or {}
        status = response.get("status_code") or 500
        if status == 200:
            return self._server.read(orjson.dumps(response.get("body")), sent)
        body = response.get("body") or answer.get("error") or "the batch ended without this call"
        raise self._server.judge(
            status, body.get("error", body) if isinstance(body, dict) else body
        )

    async def _submit(self, filling: Requests) -> None:
        """Wait until no further call comes, send the batch off, and wait for its answers."""
        size = -1
        while size < len(filling) < MOST:
            size = len(filling)
            await asyncio.sleep(QUIET)
        if filling is self._filling:
            self._batch = None
        lines = (
            orjson.dumps(
                {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
            )
            for name, body in filling.items()
        )
        file = await self._client.files.create(
            file=("calls.jsonl", b"\n".join(lines)), purpose="batch"
        )
        batch = await self._client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        self._calls.open_batch(batch.id, self._place, list(filling))
        await self._collect(batch.id)

    async def _collect(self, batch_id: str) -> None:
        """Wait for a batch to end and keep its lines; requests it left unanswered have none."""
        import openai

        lines: dict[str, str] = {}
        try:
            batch = await self._ended(batch_id)
            for file in filter(None, (batch.output_file_id, batch.error_file_id)):
                content = self._server.without_key((await self._client.files.content(file)).content)
                lines |= {
                    orjson.loads(line)["custom_id"]: line.decode() for line in content.splitlines()
                }
        except (
            openai.NotFoundError
        ):  # servers keep batches for a month; its requests are sent again
            self._calls.close_batch(batch_id, {})
            return
        self._calls.close_batch(batch_id, lines)
        if batch.status == "failed":  # nothing of it was tried
            told = [error.message for error in (batch.errors and batch.errors.data) or ()]
            raise self._server.judge(500, f"the batch failed: {'; '.join(filter(None, told))}")

    async def _ended(self, batch_id: str) -> Batch:
        pause = QUIET
        while True:
            batch = await self._client.batches.retrieve(batch_id)
            if batch.status in ("completed", "failed", "expired", "cancelled"):
                return batch
            await asyncio.sleep(pause)
            pause = min(POLL, pause * 1.5)

    async def close(self) -> None:
        tasks = set(self._batch_of.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
