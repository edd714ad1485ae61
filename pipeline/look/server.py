"""The server of the page: HTTP on 127.0.0.1, at a random port, for whoever has the token.

    http://127.0.0.1:PORT/TOKEN/            the page
    http://127.0.0.1:PORT/TOKEN/api/rows    an answer

Another Host (a name that leads here: DNS rebinding), another Origin or a missing token is refused.
The files of the page are read when the server begins and found by their names alone, so that no
path leads elsewhere. It listens before anything large is imported; the first answers wait.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

from pipeline import UserError
from pipeline.look.subject import Subject

if TYPE_CHECKING:
    from pipeline.look.routes import HttpAnswer
    from pipeline.look.state import Look

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types page"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LARGEST = 1 << 20  # bytes of a body
PATIENCE = 60  # seconds for a request to come in, and for what it waits for
PARAMETERS = 200  # of an address
EVERY = 1.0  # seconds between two looks at what has landed, at least


class LookServer(ThreadingHTTPServer):
    """One subject at one address. reviewer: the name of who decides, if no other is given."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, subject: Subject, reviewer: str = "", port: int = 0) -> None:
        super().__init__((HOST, port), Handler)
        self.subject = subject
        self.reviewer = reviewer
        self.token = secrets.token_urlsafe(24)
        self.files = page_files()
        self.problem: str | None = None
        self.look: Look | None = None
        self.loaded = threading.Event()
        self._looking = threading.Lock()
        self._next_look = 0.0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/{self.token}/"

    def load(self) -> None:
        """Import what is large and make the index; rows are shown as they come. What is wrong is
        shown by the page."""
        from pipeline.look.state import Look
        from pipeline.look.warm import warm

        look = Look(self.subject, self.reviewer)
        self.look = look
        self.loaded.set()
        try:
            look.index.begin()
            look.index.refresh()
            warm(look)
        except UserError as error:
            self.problem = str(error)
        finally:
            look.index.something.set()

    def look_again(self) -> None:
        """Take up what has landed since, unless that is being done or was done just now."""
        look = self.look
        if look is None or time.monotonic() < self._next_look:
            return
        if not self._looking.acquire(blocking=False):
            return
        threading.Thread(target=self._refresh, args=(look,), daemon=True).start()

    def _refresh(self, look: Look) -> None:
        started = time.monotonic()
        try:
            look.index.refresh()
            self.problem = None
        except UserError as error:
            self.problem = str(error)
        finally:
            took = time.monotonic() - started
            self._next_look = time.monotonic() + max(EVERY, 10 * took)
            self._looking.release()


def page_files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by name, with their kinds."""
    paths = sorted(path for path in PAGE.glob("*") if path.suffix in KINDS)
    return {path.name: (path.read_bytes(), KINDS[path.suffix]) for path in paths}


def serve(subject: Subject, reviewer: str, announce: Callable[[str], None]) -> None:
    """Serve until the process is interrupted. announce: is given the address once it listens."""
    with LookServer(subject, reviewer) as server:
        announce(server.address)
        threading.Thread(target=server.load, daemon=True).start()
        server.serve_forever()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "rapport"
    sys_version = ""
    timeout = PATIENCE
    server: LookServer

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the address holds the token."""

    def _handle(self, method: str) -> None:
        try:
            self._answer(method)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True  # who asked has left

    def _answer(self, method: str) -> None:
        refusal = self._refusal()
        if refusal:
            self._refuse(HTTPStatus.FORBIDDEN, refusal)
            return
        name = urlsplit(self.path).path.split("/", 2)[2]
        if name.startswith("api/"):
            self._answer_api(method, name.removeprefix("api/"))
        elif method == "GET" and (name or "index.html") in self.server.files:
            body, kind = self.server.files[name or "index.html"]
            self._send(HTTPStatus.OK, kind, body)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is nothing at this address.")

    # --- who may ask

    def _refusal(self) -> str | None:
        """Why a request is refused; None where it is not."""
        hosts = (f"{HOST}:{self.server.port}", f"localhost:{self.server.port}")
        if self.headers.get_all("Host", []) not in ([hosts[0]], [hosts[1]]):
            return f"This server answers to {hosts[0]} alone."
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in hosts]:
            return "Another page may not ask here."
        if self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            return "Another page may not ask here."
        _, _, rest = self.path.partition("/")
        token, slash, _ = urlsplit(rest).path.partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            return "The address has no valid token: open the one that `rapport look` has printed."
        return None

    # --- what is answered

    def _answer_api(self, method: str, route: str) -> None:
        body = self._body() if method == "POST" else {}
        if body is None:
            return
        look = self._look()
        if look is None:
            return
        from pipeline.look import routes

        if route == "progress":
            self.server.look_again()
        query = urlsplit(self.path).query
        try:
            parameters = parse_qs(query, max_num_fields=PARAMETERS)
        except ValueError:
            self._refuse(HTTPStatus.BAD_REQUEST, f"More than {PARAMETERS} parameters.")
            return
        answer = routes.answer(method, route, routes.HttpRequest(look, parameters, body))
        if answer is None:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {method} api/{route}.")
        else:
            self._send_answer(answer)

    def _look(self) -> Look | None:
        """What is looked at, once it can be; else the request is answered."""
        self.server.loaded.wait(PATIENCE)
        look = self.server.look
        if look is not None:
            look.index.something.wait(PATIENCE)
        if look is None or (self.server.problem and not look.frame.rows):
            sentence = self.server.problem or "The index is not ready yet: ask again."
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
            return None
        return look

    def _body(self) -> dict[str, object] | None:
        """The JSON object of a POST; else the request is answered."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        size = self.headers.get("Content-Length", "")
        if kind != "application/json" or not size.isdecimal() or int(size[:9]) > LARGEST:
            self.close_connection = True
            sentence = f"A JSON object of at most {LARGEST:,} bytes is expected."
            self._refuse(HTTPStatus.BAD_REQUEST, sentence)
            return None
        try:
            found = json.loads(self.rfile.read(int(size)))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._refuse(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
            return None
        return cast("dict[str, object]", found)

    def _send_answer(self, answer: HttpAnswer) -> None:
        if isinstance(answer.body, bytes):
            self._send(answer.status, answer.kind, answer.body, answer.name)
        else:
            self._stream(answer, answer.body)

    def _stream(self, answer: HttpAnswer, pieces: Iterator[bytes]) -> None:
        """Piece by piece; the end of the connection is the end of the answer."""
        self.close_connection = True
        self._head(answer.status, answer.kind, answer.name)
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)

    def _send(self, status: int, kind: str, body: bytes, name: str = "") -> None:
        self._head(status, kind, name)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _head(self, status: int, kind: str, name: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for header, value in HEADERS.items():
            self.send_header(header, value)
        if name:
            safe = "".join(one for one in name if one.isascii() and (one.isalnum() or one in "._-"))
            self.send_header("Content-Disposition", f'attachment; filename="{safe}"')

    def _refuse(self, status: int, sentence: str) -> None:
        self._send(status, "application/json", json.dumps({"error": sentence}).encode())
