"""The Batch API: many calls as one file, half the price, answers within a day. For calls that wait for no other."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from pipeline.llm.calls import Calls
from pipeline.llm.protocol import Reply, judge, read_reply, said
from pipeline.llm.server import Server

if TYPE_CHECKING:
    from openai.types import Batch

MOST = 50_000  # requests in a batch (OpenAI's limit)
QUIET = 1.0  # seconds in which no further call comes, until a batch is sent off
POLL = 60.0  # seconds between two looks at a batch; the first ones come sooner
RETRIES = 5  # of the few requests that carry a batch; the client itself makes them

Lines = dict[str, dict[str, Any]]  # name of a call → its line in the batch's file


class Batches:
    """Collects calls and sends them off together.

    A batch that is under way is written down: after `kill -9` the next run waits for it and sends nothing again.
    """

    def __init__(self, server: Server, calls: Calls, place: str):
        self._server, self._calls, self._place = server, calls, place
        self._client = server.client.with_options(max_retries=RETRIES)
        self._filling: Lines = {}
        self._batch: asyncio.Task[Lines] | None = None  # the one that is being filled
        self._batch_of: dict[str, asyncio.Task[Lines]] = {}
        for batch, names in calls.open_batches(place):
            task = asyncio.create_task(self._collect(batch))
            self._batch_of |= dict.fromkeys(names, task)

    async def send(self, body: dict[str, Any], schema: dict[str, Any] | None) -> Reply:
        """One call, as part of a batch. Raises Fault or Stop like `Server.send`."""
        import openai

        sent = self._server.dialect(body, schema)
        name = hashlib.blake2b(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
        if name not in self._batch_of:
            self._enter(name, sent)
        try:
            lines = await asyncio.shield(self._batch_of[name])
            return self._read(name, lines.get(name), sent)
        except (openai.APIStatusError, openai.APIConnectionError) as error:
            fault = self._server.fault(error)
            self._batch_of.pop(name, None)
        raise fault

    def _enter(self, name: str, sent: dict[str, Any]) -> None:
        if self._batch is None or len(self._filling) >= MOST:
            self._filling = {}
            self._batch = asyncio.create_task(self._submit(self._filling))
        self._filling[name] = sent
        self._batch_of[name] = self._batch

    def _read(self, name: str, line: dict[str, Any] | None, sent: dict[str, Any]) -> Reply:
        response = (line or {}).get("response") or {}
        if response.get("status_code") == 200:
            return read_reply(response["body"], sent)
        del self._batch_of[name]  # asked again, it goes into the next batch
        body = response.get("body") or (line or {}).get("error") or "the batch ended without this call"
        error = body.get("error", body) if isinstance(body, dict) else body
        status = response.get("status_code") or 500
        raise judge(self._server.settings, status, self._server.without_key(f"{status}: {said(error)}"), 0.0)

    async def _submit(self, filling: Lines) -> Lines:
        """Wait until no further call comes, send the batch off, and wait for its answers."""
        size = -1
        while size < len(filling) < MOST:
            size = len(filling)
            await asyncio.sleep(QUIET)
        if filling is self._filling:
            self._batch = None
        lines = (
            orjson.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body})
            for name, body in filling.items()
        )
        file = await self._client.files.create(file=("calls.jsonl", b"\n".join(lines)), purpose="batch")
        batch = await self._client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        self._calls.open_batch(batch.id, self._place, list(filling))
        return await self._collect(batch.id)

    async def _collect(self, batch_id: str) -> Lines:
        """The lines of a batch, once it has ended; calls it left unanswered are missing."""
        batch = await self._ended(batch_id)
        lines: Lines = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            content = (await self._client.files.content(file)).content
            lines |= {line["custom_id"]: line for line in map(orjson.loads, content.splitlines())}
        self._calls.close_batch(batch_id)
        return lines

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
