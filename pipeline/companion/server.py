"""Companions behind OpenAI's protocol, and a page to talk with them.

    GET  /v1/models                  the companions
    POST /v1/chat/completions        the next message, plain or as a stream
    POST /talk/course                where a talk stands at each of its messages, and why
    POST /talk/export, /talk/save    a talk as a file for `rapport collect`
    GET, DELETE /talk/memory         what is remembered of a user
    GET  /                           the page

aiohttp serves: it comes with the client of models, and it notices when a client leaves.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from pipeline.companion import saved, view
from pipeline.companion.access import (
    MOST_BODY,
    SLOWEST,
    Access,
    Connections,
    body_in,
    guard,
)
from pipeline.companion.agent import Companion
from pipeline.companion.asked import (
    ChatAsked,
    Declined,
    RequestBody,
    body_of,
    chat_asked,
    messages_of,
)
from pipeline.companion.service import Answered, Service
from pipeline.companion.signs import signs

PAGE = Path(__file__).parent / "page"
FILES = ("index.html", "page.css", "page.js", "api.js", "curve.js")
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
BEAT = 5.0  # seconds between comments of a stream that has nothing to say yet
KEEP_ALIVE = 75.0  # seconds that an idle connection stays open
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
TALK_NAME = re.compile(r"[\w-]{1,64}")


@asynccontextmanager
async def serving(
    service: Service, access: Access, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """A server for as long as the block runs; gives its address. port: 0 takes a free one."""
    connections = Connections()
    app = web.Application(middlewares=[guard(access, connections)], client_max_size=MOST_BODY)
    app.add_routes(_Routes(service).table())
    runner = web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE,
        shutdown_timeout=2.0,
    )
    await runner.setup()
    connections.server = runner.server
    loop = asyncio.get_running_loop()
    try:
        listening = await loop.create_server(connections, host, port, backlog=512)
        try:
            yield _address(listening.sockets[0].getsockname())
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def _address(bound: tuple[str, int]) -> str:
    name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return f"http://{name}:{bound[1]}"


class _Routes:
    """What is answered at each address."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/models", self._models),
            web.get("/v1/models/{name}", self._model),
            web.post("/v1/chat/completions", self._completion),
            web.get("/talk/about", self._about),
            web.post("/talk/course", self._course),
            web.post("/talk/export", self._export),
            web.post("/talk/save", self._save),
            web.get("/talk/memory", self._memory),
            web.delete("/talk/memory", self._forget),
            web.get("/", _file),
            *(web.get(f"/{name}", _file) for name in FILES),
        ]

    async def _models(self, _: web.Request) -> web.Response:
        known = self._service.companions.items()
        data = [view.model(name, who) for name, who in known]
        return view.json_response({"object": "list", "data": data})

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return view.json_response(view.model(name, self._service.companion(name)))

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        asked = chat_asked(body_of(await body_in(request)))
        who = self._service.companion(asked.model)
        if asked.stream:
            return await self._stream(request, asked, who)
        found = await self._service.answer(asked)
        return view.json_response(view.completion(asked, found, who))

    async def _stream(
        self, request: web.Request, asked: ChatAsked, who: Companion
    ) -> web.StreamResponse:
        """The reply in pieces, once it is checked; comments keep the line open until then."""
        answer = asyncio.create_task(self._service.answer(asked))
        stream = web.StreamResponse(headers=STREAM)
        try:
            head, first = view.first_chunk(asked)
            await stream.prepare(request)
            await _write(stream, first)
            while not (await asyncio.wait([answer], timeout=BEAT))[0]:
                await _write(stream, view.STILL)
            await _send(stream, answer, asked, who, head)
            await stream.write_eof()
        finally:
            answer.cancel()  # the client has left, or all is sent
        return stream

    async def _about(self, _: web.Request) -> web.Response:
        service = self._service
        found = {
            "model": service.model.model,
            "rehearsal": service.model.is_rehearsal,
            "memory": service.keeping.memory is not None,
            "saves": service.keeping.saved is not None,
        }
        return view.json_response(found)

    async def _course(self, request: web.Request) -> web.Response:
        body = body_of(await body_in(request))
        who, user = self._who(body), body.get("user")
        messages = [one for one in messages_of(body) if one.role != "system"]
        name = user if isinstance(user, str) else None
        states = await self._service.follow(who, messages, name)
        shown = signs(messages, who.language)
        return view.json_response({"messages": view.course(who, messages, shown, states)})

    async def _export(self, request: web.Request) -> web.Response:
        body = body_of(await body_in(request))
        text = saved.lines(self._who(body), saved.saved_messages(body), _now())
        return web.Response(text=text, content_type="application/jsonl")

    async def _save(self, request: web.Request) -> web.Response:
        folder = self._service.keeping.saved
        if folder is None:
            raise Declined(404, "Nothing is saved: serve with --save FOLDER.", "not_kept")
        body = body_of(await body_in(request))
        who, name = self._who(body), body.get("name")
        if not isinstance(name, str) or not TALK_NAME.fullmatch(name):
            raise Declined(400, "name: letters, digits and hyphens.", "invalid_value", "name")
        text = saved.lines(who, saved.saved_messages(body), _now())
        saved.save(folder, name, who, text)
        return view.json_response({"saved": f"{name}.jsonl"})

    async def _memory(self, request: web.Request) -> web.Response:
        who = self._service.companion(request.query.get("model", ""))
        found = self._service.memory(who, request.query.get("user"))
        return view.json_response(view.remembered(found))

    async def _forget(self, request: web.Request) -> web.Response:
        who = self._service.companion(request.query.get("model", ""))
        number = request.query.get("fact", "")
        index = int(number) if number.isdecimal() and len(number) < 4 else -1
        found = self._service.forget_fact(who, request.query.get("user"), index)
        return view.json_response(view.remembered(found))

    def _who(self, body: RequestBody) -> Companion:
        return self._service.companion(str(body.get("model", "")))


async def _send(
    stream: web.StreamResponse,
    answer: asyncio.Task[Answered],
    asked: ChatAsked,
    who: Companion,
    head: view.JsonRecord,
) -> None:
    """The pieces of an answer, or its error."""
    try:
        found = answer.result()
    except Declined as refusal:
        await _write(stream, view.event(refusal.as_record()))
        return
    for chunk in view.chunks(asked, found, who, head):
        await _write(stream, chunk)


async def _write(stream: web.StreamResponse, data: bytes) -> None:
    """Raises TimeoutError where the client does not read."""
    async with asyncio.timeout(SLOWEST):
        await stream.write(data)


async def _file(request: web.Request) -> web.Response:
    path = PAGE / (request.path[1:] or FILES[0])
    kind = KINDS[path.suffix]
    return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8", headers=HEADERS)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
