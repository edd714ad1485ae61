"""Who may ask a server: this machine, or whoever has the token; and how much at once.

A page of another site that is open in a browser of this machine can send requests here, too. It is
known by its `Origin`, and by a `Host` that is no name of this machine. Where the server listens to
other machines, a token takes the place of the `Host`.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from pipeline import UserError
from pipeline.companion.asked import Declined
from pipeline.companion.view import refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_BODY = 2_000_000  # bytes of a request; our choice
SLOWEST = 15.0  # seconds in which a request must arrive, and a client must read; our choice
MOST_CONNECTIONS = 1_000  # our choice


@dataclass(frozen=True, slots=True)
class Access:
    """token: where one is needed. clients: requests under way at once, at most."""

    token: str | None = None
    clients: int = 64


def is_loopback(host: str) -> bool:
    """Is an address that of this machine alone?"""
    return host in LOOPBACK


def guard(access: Access, connections: Connections) -> Middleware:
    """What stands before every request: checks it, and gives errors OpenAI's form."""
    under_way = 0

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal under_way
        connections.note(request)
        try:
            _check(request, access)
            if under_way >= access.clients:
                message = f"{access.clients} requests are under way; ask again in a moment."
                raise Declined(429, message, "overloaded")
            under_way += 1
            try:
                return await handler(request)
            finally:
                under_way -= 1
        except Declined as refusal:
            return refused(refusal)
        except web.HTTPException as error:
            return refused(_of_http(error))
        except UserError as error:
            return refused(Declined(500, str(error), "server"))

    return checked


def _check(request: web.Request, access: Access) -> None:
    """Raises Declined for a request of another site, or without the token."""
    origin = request.headers.get("Origin")
    if origin and origin.partition("://")[2] != request.host:
        raise Declined(403, f"Requests of pages from {origin} are not answered.", "origin")
    if access.token is None:
        if not is_loopback(_name_of(request.host)):
            raise Declined(403, f"This is not {request.host}.", "host")
    elif not request.path.startswith(("/v1/", "/talk/")):
        return  # the page holds no secret; what it asks for needs the token
    elif not hmac.compare_digest(_token_in(request).encode(), access.token.encode()):
        message = "A token is needed: `Authorization: Bearer …`, as the server printed it."
        raise Declined(401, message, "invalid_api_key")


def _name_of(host: str) -> str:
    """The name in `localhost:8000`, `[::1]:8000`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _token_in(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ").strip()


def _of_http(error: web.HTTPException) -> Declined:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Declined(413, f"A request has at most {MOST_BODY:,} bytes.", "too_long")
    return Declined(error.status, error.reason, "not_found" if error.status == 404 else "http")


async def body_in(request: web.Request) -> bytes:
    """The body of a request. Raises Declined where it is too long or comes too slowly."""
    if (request.content_length or 0) > MOST_BODY:
        raise Declined(413, f"A request has at most {MOST_BODY:,} bytes.", "too_long")
    try:
        async with asyncio.timeout(SLOWEST):
            return await request.read()
    except TimeoutError:
        raise Declined(408, f"The body did not arrive in {SLOWEST:.0f} s.", "timeout") from None


class Connections:
    """Makes the connections of a server: at most so many, and none that sends no request in
    time."""

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._silent: set[web.RequestHandler] = set()
        self.server: web.Server | None = None

    def __call__(self) -> web.RequestHandler:
        assert self.server is not None
        connection = self.server()
        self._silent.add(connection)
        is_full = len(self.server.connections) >= self._most
        wait = SLOWEST * (not is_full)
        asyncio.get_running_loop().call_later(wait, self._close, connection)
        return connection

    def note(self, request: web.Request) -> None:
        """A request has come, whole but for its body."""
        self._silent.discard(request.protocol)

    def _close(self, connection: web.RequestHandler) -> None:
        if connection in self._silent:
            self._silent.discard(connection)
            connection.force_close()
            if connection.transport:
                connection.transport.abort()
