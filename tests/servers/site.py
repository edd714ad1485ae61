"""A small web site on a free port of 127.0.0.1 that remembers what it was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]
Page = str | bytes | Answer | Callable[[str], "str | bytes | Answer"]


class Server(ThreadingHTTPServer):
    """A server that ignores clients that leave in the middle of an answer: tests kill them."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        pass


class Site:
    """The site.

    pages: path with query → text, bytes, (status, headers, body), or a function of the path that
    gives one of these. A path that ends in `?*` answers all queries that have no answer of their
    own. asked: paths in the order of the requests.
    """

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.times: list[float] = []  # monotonic seconds, one per request
        self.pause = 0.0  # seconds before each answer
        self.agents: set[str] = set()
        self.address = ""
        self.at_once = [0, 0]  # requests now, and the most there ever were

    def answer(self, path: str) -> Answer:
        any_query = path.partition("?")[0] + "?*"
        missing = (404, {}, b"no such page")
        page = self.pages.get(path) or self.pages.get(any_query, missing)
        page = page(path) if callable(page) else page
        if isinstance(page, tuple):
            return page
        body = page.encode() if isinstance(page, str) else page
        kind = "text/html; charset=utf-8"
        if path == "/robots.txt":
            kind = "text/plain"
        elif body[:1] in (b"{", b"["):
            kind = "application/json"
        return 200, {"Content-Type": kind}, body


@contextmanager
def serving(pages: dict[str, Page]) -> Iterator[Site]:
    """The site, running until the block ends."""
    site = Site(pages)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.times.append(time.monotonic())
            site.agents.add(self.headers["User-Agent"])
            site.at_once[0] += 1
            site.at_once[1] = max(site.at_once)
            status, headers, body = site.answer(self.path)
            time.sleep(site.pause)
            site.at_once[0] -= 1
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
