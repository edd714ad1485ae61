"""One crawl in a process of its own: started by `pipeline/collect/web.py`. Only here is Scrapy run.

The job comes as one line of JSON on standard input, which then stays open: when it closes, whoever asked is gone, and
the crawl ends at once. What is fetched and found goes into `pages.sqlite`; standard error is the log.

A request passes `Gate` (may it be asked for?), then `Keeper` (is it on the shelf already?), then `Pace` (when?).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import ipaddress
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urljoin, urlsplit

from protego import Protego
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Headers, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.resolver import CachingThreadedResolver
from scrapy.responsetypes import responsetypes
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.misc import load_object
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from spiders.pages import Page, Pages
from spiders.settings import SETTINGS

FINAL = frozenset(
    [*range(200, 400), 404, 410]
)  # answers worth keeping: asking again would bring the same
EXAMPLES = 100  # addresses quoted for one reason in the report
TROUBLES = {  # Scrapy's names in plain words
    "DownloadCancelledError": "longer than page_bytes allows",
    "DownloadTimeoutError": "not done within the time for one answer (timeout)",
    "ResponseDataLossError": "cut off before its end",
    "DownloadConnectionRefusedError": "the connection was refused",
    "CannotResolveHostError": "the host is not known",
    "DownloadFailedError": "the connection was lost",
}
LATER = frozenset([429, 503])  # "come back later"
PASSING = frozenset([408, 425, 429, *range(500, 600)])  # answers that another day may be better
PASSING_TROUBLES = TROUBLES.keys() - {"DownloadCancelledError"}


class Refused(IgnoreRequest):
    """A page that was not asked for. The reason is shared by many addresses and reported once, with their number.

    passing: whether the next run may fare better.
    """

    def __init__(self, reason: str, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


class Gate:
    """Lets a request pass: a host of this crawl, within the limits, allowed by robots.txt."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._job = crawler.settings.getdict("JOB")
        self._limits = self._job["limits"]
        self._hosts = {
            *map(
                host_and_port,
                self._job["start"] + [f"http://{host}" for host in self._limits["hosts"]],
            )
        }
        self._end = time.monotonic() + self._limits["seconds"]
        self._rules: dict[str, Protego] = {}
        self.stopped: Refused | None = None  # why nothing more is asked for

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Gate:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if reason := self._elsewhere(request.url):
            raise Refused(reason)
        if refused := self.stopped or self._spent(request):
            raise refused
        if request.meta.get("robots") or request.url.startswith("file:"):
            return
        rules = await self._rules_of(request)
        if not rules.can_fetch(request.url, self._job["agent"]):
            raise Refused("robots.txt forbids it")
        request.meta["crawl_delay"] = float(rules.crawl_delay(self._job["agent"]) or 0)

    def _elsewhere(self, address: str) -> str | None:
        """Why an address does not belong to this crawl: another host, another port, outside the folder."""
        if address.startswith("file:"):
            path = os.path.realpath(unquote(urlsplit(address).path))
            inside = any(path.startswith(folder + os.sep) for folder in self._job["folders"])
            return None if inside else "outside the folder of the start page"
        place = host_and_port(address)
        return None if place in self._hosts else f"another host: {place}"

    def _spent(self, request: Request) -> Refused | None:
        keeper = self._crawler.get_downloader_middleware(Keeper)
        assert keeper
        if keeper.pages >= self._limits["max_pages"]:
            return Refused(f"over the budget of {self._limits['max_pages']} pages (max_pages)")
        if keeper.bytes >= self._limits["max_bytes"]:
            return Refused(f"over the budget of {self._limits['max_bytes']} bytes (max_bytes)")
        if request.meta.get("depth", 0) > self._limits["depth"]:
            return Refused(f"more than {self._limits['depth']} links from the start (depth)")
        if time.monotonic() > self._end:
            return Refused(
                f"over the time of {self._limits['seconds']:g} s (seconds)", passing=True
            )
        return None

    async def _rules_of(self, request: Request) -> Protego:
        """The site's robots.txt. One that cannot be had forbids all, one that is not there allows all (RFC 9309)."""
        parts = urlsplit(request.url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            ask = Request(
                f"{site}/robots.txt", meta={"robots": True}, callback=NO_CALLBACK, priority=1000
            )
            try:
                answer = await self._crawler.engine.download_async(ask)
            except Exception as error:  # whatever went wrong, the rules are unknown
                raise self._stop_without_rules(*told(error, ask)) from error
            if answer.status in PASSING:
                raise self._stop_without_rules(f"status {answer.status}", passing=True)
            there = 200 <= answer.status < 300
            self._rules[site] = Protego.parse(
                answer.body.decode("utf-8-sig", "replace") if there else ""
            )
        return self._rules[site]

    def _stop_without_rules(self, why: str, passing: bool) -> Refused:
        self.stopped = Refused(
            f"robots.txt cannot be had ({why}), so nothing may be fetched", passing
        )
        return self.stopped


class Keeper:
    """Keeps each answer in `pages.sqlite` before the spider sees it, and answers from there what was asked before."""

    def __init__(self, crawler: Crawler) -> None:
        self._job = crawler.settings.getdict("JOB")
        self._shelf = Pages(Path(self._job["pages"]))
        self.pages = 0  # answers of this crawl, replayed ones included: a budget means the same after a restart
        self.bytes = 0
        crawler.signals.connect(self._shelf.close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Keeper:
        return cls(crawler)

    def process_request(self, request: Request) -> Response | None:
        if request.url.startswith("file:"):
            return None
        page = self._shelf.page(request.url)
        robots = request.meta.get("robots")  # rules are asked for anew every day
        if page and (
            self._job["offline"]
            or not robots
            or page.fetched.date() == dt.datetime.now(dt.UTC).date()
        ):
            return self._replayed(request, page)
        if self._job["offline"]:
            raise Refused("not among the stored pages", passing=True)
        return None

    def _replayed(self, request: Request, page: Page) -> Response:
        headers = Headers()
        for name, value in page.headers:
            headers.appendlist(name, value.encode("latin-1"))
        kind = responsetypes.from_args(headers=headers, url=page.address, body=page.body)
        request.meta["fetched"] = str(page.fetched.date())
        return kind(
            page.address, status=page.status, headers=headers, body=page.body, flags=["stored"]
        )

    def process_response(self, request: Request, response: Response) -> Response:
        if "stored" not in response.flags and not request.url.startswith("file:"):
            if response.status not in FINAL:
                return response
            now = dt.datetime.now(dt.UTC)
            pairs = [
                (n.decode("latin-1"), v.decode("latin-1"))
                for n, vs in response.headers.items()
                for v in vs
            ]
            self._shelf.keep(Page(request.url, response.status, pairs, response.body, now))
            request.meta["fetched"] = str(now.date())
        if not request.meta.get("robots"):
            self.pages += 1
            self.bytes += len(response.body)
        return self._not_a_circle(request, response)

    def _not_a_circle(self, request: Request, response: Response) -> Response:
        place = (response.headers.get("Location") or b"").decode("latin-1")
        seen = [request.url, *request.meta.get("redirect_urls", [])]
        if 300 <= response.status < 400 and place and urljoin(request.url, place) in seen:
            raise IgnoreRequest(f"redirects in a circle of {len(seen)}")
        return response


class Pace:
    """Waits as long as robots.txt (`Crawl-delay`) and the site's answers (`Retry-After`) ask. Scrapy does neither."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._patience = crawler.settings.getdict("JOB")["limits"]["patience"]
        self._ready: dict[str, float] = defaultdict(
            float
        )  # host → when it may be asked again, monotonic seconds

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Pace:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        delay = request.meta.get("crawl_delay", 0.0)
        if delay > self._patience:
            raise self._stop(
                Refused(
                    f"robots.txt asks for {delay:g} s between two requests, more than `patience`"
                )
            )
        await asyncio.sleep(max(0.0, self._ready[host] - time.monotonic()))
        self._ready[host] = time.monotonic() + delay

    def process_response(self, request: Request, response: Response) -> Response:
        if response.status not in LATER:
            return response
        tries = request.meta.get("retry_times", 0)
        wait = seconds_to_wait(response.headers.get("Retry-After"), 2.0**tries)
        if wait > self._patience:
            raise self._stop(
                Refused(
                    f"the site asks to come back in {wait:g} s, more than `patience`", passing=True
                )
            )
        host = urlsplit(request.url).netloc
        self._ready[host] = max(self._ready[host], time.monotonic() + wait)
        return response

    def _stop(self, reason: Refused) -> Refused:
        gate = self._crawler.get_downloader_middleware(Gate)
        assert gate
        gate.stopped = reason
        return reason


def told(error: BaseException, request: Request) -> tuple[str, bool]:
    """What went wrong in plain words, and whether the next run may fare better."""
    name = type(error).__name__
    if inside := Resolver.refused.get(str(urlsplit(request.url).hostname)):
        return inside, False
    match error:
        case Refused():
            return str(error), error.passing
        case HttpError():
            return f"status {error.response.status}", error.response.status in PASSING
        case IgnoreRequest():
            return str(error), False
    return TROUBLES.get(name) or f"{name}: {error}".strip(": "), name in PASSING_TROUBLES


def seconds_to_wait(retry_after: bytes | None, otherwise: float) -> float:
    """What a `Retry-After` header asks for: seconds, or a date (RFC 9110)."""
    text = (retry_after or b"").decode("latin-1").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, TypeError):
        return otherwise


class Notes(BaseSpiderMiddleware):
    """Notes what the spider finds, and every page that failed, with the reason."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._job = crawler.settings.getdict("JOB")
        self._shelf = Pages(Path(self._job["pages"]))
        self._refused: dict[tuple[str, bool], list[str]] = defaultdict(list)
        self._count: Counter[tuple[str, bool]] = Counter()
        crawler.signals.connect(self._unread, signals.spider_error)
        crawler.signals.connect(self._finish, signals.spider_closed)

    async def process_spider_output_async(
        self, response: Response | None, result: AsyncIterator[Any], spider: Spider | None = None
    ) -> AsyncIterator[Any]:
        """Whatever the spider yields; a page for which it yields nothing is noted, too."""
        assert response is not None
        async for found in super().process_spider_output_async(
            response, self._something(response, result)
        ):
            yield found

    async def _something(
        self, response: Response, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        nothing = True
        async for found in result:
            nothing = False
            yield found
        if nothing:
            self._add(
                "failure",
                response.url,
                0,
                {"address": response.url, "error": "the spider finds nothing here"},
            )

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        if request.errback is None:
            request.errback = self._failed
        return request

    def get_processed_item(self, item: dict[str, Any], response: Response | None) -> None:
        assert response is not None
        find = {"address": response.url, "retrieved": response.meta.get("fetched"), **item}
        kind = "post" if "thread" in find else "talk"
        self._add(kind, find.get("thread") or find["address"], find.get("place", 0), find)

    def _add(self, kind: str, address: str, place: int, find: dict[str, Any]) -> None:
        self._shelf.add_find(self._job["source"], kind, address, place, find)

    def _failed(self, failure: Any) -> None:
        address, (what, passing) = failure.request.url, told(failure.value, failure.request)
        if isinstance(failure.value, Refused):
            self._count[what, passing] += 1
            self._refused[what, passing] = [*self._refused[what, passing], address][:EXAMPLES]
        else:
            self._add(
                "failure", address, 0, {"address": address, "error": what, "passing": passing}
            )

    def _unread(self, failure: Failure, response: Response) -> None:
        what = f"the spider cannot read it: {type(failure.value).__name__}: {failure.value}"
        self._add("failure", response.url, 0, {"address": response.url, "error": what})

    def _finish(self, reason: str) -> None:
        for (what, passing), addresses in self._refused.items():
            count = self._count[what, passing]
            find = {
                "address": addresses[0],
                "error": what,
                "passing": passing,
                "count": count,
                "addresses": addresses,
            }
            self._add("failure", addresses[0], 1, find)
        self._add("end", "", 0, {"reason": reason})  # written last: a crawl without it broke off
        self._shelf.close()


class Resolver(CachingThreadedResolver):
    """Refuses a public name that leads into a private network."""

    private = False
    refused: ClassVar[
        dict[str, str]
    ] = {}  # name → why, since Scrapy passes on no more than "cannot resolve"

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Resolver:
        resolver: Resolver = super().from_crawler(crawler, reactor)
        resolver.private = crawler.settings.getdict("JOB")["limits"]["private"]
        return resolver

    def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
        def check(number: str) -> str:
            named = name in (
                number,
                "localhost",
            )  # the recipe itself says it: `Gate` lets no other host through
            if not (self.private or named or ipaddress.ip_address(number).is_global):
                self.refused[name] = (
                    f"{name} leads to the private address {number}; `private: true` allows it"
                )
                raise OSError(self.refused[name])
            return number

        return super().getHostByName(name, timeout).addCallback(check)


def host_and_port(address: str) -> str:
    """`host:port`; the usual ports of http and https count as one, so that a site may send us from one to the other."""
    parts = urlsplit(address)
    port = parts.port if parts.port not in (None, 80, 443) else "web"
    return f"{parts.hostname}:{port}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def settings(job: dict[str, Any]) -> dict[str, Any]:
    """Scrapy's settings for one job."""
    limits, here = job["limits"], "spiders.crawl"
    return SETTINGS | {
        "JOB": job,
        "USER_AGENT": job["agent"],
        "DOWNLOAD_DELAY": limits["delay"],
        "AUTOTHROTTLE_START_DELAY": limits["delay"],
        "AUTOTHROTTLE_ENABLED": limits["delay"] > 0,
        "DOWNLOAD_TIMEOUT": limits["timeout"],
        "RETRY_TIMES": limits["retries"],
        "DOWNLOAD_MAXSIZE": limits["page_bytes"],
        "DOWNLOAD_WARNSIZE": 0,
        "TWISTED_DNS_RESOLVER": f"{here}.Resolver",
        "DOWNLOADER_MIDDLEWARES": {f"{here}.Gate": 50, f"{here}.Keeper": 900, f"{here}.Pace": 950},
        "SPIDER_MIDDLEWARES": {f"{here}.Notes": 950},
    }


def follow_parent() -> None:
    """Ends this process when standard input closes: nobody waits for the crawl any more."""
    sys.stdin.read()
    os._exit(1)


@contextmanager
def alone(hosts: set[str]) -> Iterator[None]:
    """Waits until no other crawl of this user on this machine asks the same hosts."""
    folder = Path(tempfile.gettempdir()) / f"rapport-crawls-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as locks:
        for host in sorted(hosts - {"file:"}):
            lock = locks.enter_context((folder / re.sub(r"[^\w.-]", "_", host)).open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=follow_parent, daemon=True).start()
    spider: type[Spider] = load_object(job["spider"])
    with alone({*map(host_and_port, job["start"])}):
        process = CrawlerProcess(settings(job))
        process.crawl(spider, start_urls=job["start"], options=job["options"])
        process.start()
