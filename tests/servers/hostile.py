"""A site that misbehaves on purpose: one address per kind of trouble, linked from /wiki/Start."""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.servers import wiki
from tests.servers.site import Server, Site

TRAPS = (
    *("loop", "far/1", "broken", "busy", "drip", "endless", "bomb", "bomb-zstd", "charset"),
    *("charset-unknown", "admin/x", "cut", "noise", "empty", "calendar/1", "nowhere"),
    *("off-port", "off-host", "too-deep-html", "bad-location", "teapot"),
)
BOMB = gzip.compress(gzip.compress(bytes(200_000_000), 9), 9)  # 200 MB in under 1 kB, packed twice


class Trouble(BaseHTTPRequestHandler):
    """One method per trap.

    site: where requests are recorded. elsewhere: an address on a port that nobody may visit.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    tries: Counter[str]
    site: Site
    elsewhere: str

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        self.site.times.append(time.monotonic())
        name = self.path.strip("/").split("/")[0].replace("-", "_").replace(".", "_")
        try:
            getattr(self, f"on_{name}", self.on_nowhere)()
        except OSError:  # the client left
            self.close_connection = True

    def reply(
        self, body: bytes | str, status: int = 200, length: int | None = None, **headers: str
    ) -> None:
        body = body.encode() if isinstance(body, str) else body
        usual = {"Content-Type": "text/html", "Content-Length": str(length or len(body))}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.send_response(status)
        for name, value in (usual | named).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def endlessly(self, chunk: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(20_000):
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            time.sleep(pause)

    def on_robots_txt(self) -> None:
        self.reply("User-agent: *\nDisallow: /admin/\n", Content_Type="text/plain")

    def on_wiki(self) -> None:
        here = "".join(f'<a href="/{trap}">{trap}</a> ' for trap in TRAPS)
        forbidden = (f"{self.elsewhere}/admin", "http://10.0.0.1/", "file:///etc/passwd")
        odd = ("http://[bad", "javascript:alert(1)", "mailto:a@example.org")
        there = "".join(f'<a href="{address}">x</a>' for address in (*forbidden, *odd))
        self.reply(wiki.page("Start", here + there))

    def on_loop(self) -> None:
        self.reply("", 302, Location="/loop/2" if self.path == "/loop" else "/loop")

    def on_far(self) -> None:
        self.reply("", 302, Location=f"/far/{int(self.path.split('/')[2]) + 1}")

    def on_broken(self) -> None:
        self.reply("broken", 500)

    def on_busy(self) -> None:
        self.tries["busy"] += 1
        if self.tries["busy"] < 3:
            self.reply("later", 429, Retry_After="1")
        else:
            self.reply(wiki.page("Busy", wiki.scene(1)))

    def on_drip(self) -> None:
        self.endlessly(b"x", 0.2)

    def on_endless(self) -> None:
        self.endlessly(b"<p>more</p>" * 1000, 0)

    def on_bomb(self) -> None:
        self.reply(BOMB, Content_Encoding="gzip, gzip")

    def on_bomb_zstd(self) -> None:
        import zstandard

        self.reply(zstandard.compress(bytes(200_000_000)), Content_Encoding="zstd")

    def on_charset(self) -> None:
        body = wiki.page(
            "Charset", "<dl><dd><b>Zoë</b>: Déjà vu?</dd><dd><b>Ben</b>: Yes.</dd></dl>"
        )
        self.reply(body.encode("latin-1"), Content_Type="text/html; charset=utf-8")

    def on_charset_unknown(self) -> None:
        self.reply(wiki.page("Unknown", wiki.scene(2)), Content_Type="text/html; charset=klingon-8")

    def on_admin(self) -> None:
        self.reply(wiki.page("Admin", wiki.scene(666)))

    def on_cut(self) -> None:
        self.reply("half of it", length=5_000)
        self.close_connection = True

    def on_noise(self) -> None:
        self.reply(bytes(range(256)) * 50, Content_Type="text/html; charset=utf-8")

    def on_empty(self) -> None:
        self.reply("")

    def on_calendar(self) -> None:
        onward = f"/calendar/{int(self.path.split('/')[2]) + 1}"
        self.reply(
            wiki.page("Calendar", f'<div id="mw-pages"><a href="{onward}">next page</a></div>', 14)
        )

    def on_off_port(self) -> None:
        self.reply("", 302, Location=f"{self.elsewhere}/admin")

    def on_off_host(self) -> None:
        self.reply("", 301, Location="http://metadata.internal/latest")

    def on_too_deep_html(self) -> None:
        self.reply("<div>" * 100_000 + "deep" + wiki.scene(3))

    def on_bad_location(self) -> None:
        self.reply("", 302, Location="http://[::bad")

    def on_teapot(self) -> None:
        self.reply("short and stout", 418)

    def on_nowhere(self) -> None:
        self.reply("no such page", 404)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hostile(elsewhere: str) -> Iterator[Site]:
    """The site, running until the block ends.

    elsewhere: an address on another port, where it tries to lead a crawl.
    """
    site = Site({})
    handler = type(
        "Handler", (Trouble,), {"site": site, "elsewhere": elsewhere, "tries": Counter()}
    )
    server = Server(("127.0.0.1", 0), handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
