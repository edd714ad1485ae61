"""Which requests may be sent: hosts of this crawl, within the limits, allowed by robots.txt."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred

from spiders.crawl import networks
from spiders.crawl.cache import PageCache, is_local, job_of
from spiders.crawl.failures import (
    TRANSIENT_STATUS,
    PageFailure,
    RefusedRequest,
    failure_of,
    status_failure,
)

if TYPE_CHECKING:
    from twisted.internet.base import ReactorBase


class RequestFilter:
    """Refuses requests. stopped: why no further request is sent."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._job = job_of(crawler)
        self._limits = self._job["limits"]
        more = [f"http://{host}" for host in self._limits["hosts"]]
        self._hosts = {*map(host_and_port, [*self._job["start"], *more])}
        self._end = time.monotonic() + self._limits["seconds"]
        self._rules: dict[str, Protego] = {}  # by site
        self.stopped: RefusedRequest | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RequestFilter:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        refused = self._elsewhere(request.url) or self.stopped or self._over_limit(request)
        if refused:
            raise refused
        if request.meta.get("robots") or is_local(request):
            return
        rules = await self._rules_of(request)
        if not rules.can_fetch(request.url, self._job["agent"]):
            raise RefusedRequest("page.refused", "robots.txt forbids it")
        request.meta["crawl_delay"] = float(rules.crawl_delay(self._job["agent"]) or 0)

    def _elsewhere(self, address: str) -> RefusedRequest | None:
        """An address that does not belong to this crawl: another host, port or folder."""
        if address.startswith("file:"):
            path = os.path.realpath(unquote(urlsplit(address).path))
            if any(path.startswith(folder + os.sep) for folder in self._job["folders"]):
                return None
            return RefusedRequest("page.refused", "outside the folder of the start page")
        host = host_and_port(address)
        if host not in self._hosts:
            return RefusedRequest("page.refused", f"another host: {host}")
        allowed = self._limits["private"] or networks.is_this_machine(address)
        reason = networks.not_public(address)
        if reason and not allowed:
            return RefusedRequest("page.refused", f"{reason}; {networks.ALLOWED_BY} allows it")
        return None

    def _over_limit(self, request: Request) -> RefusedRequest | None:
        limits, cache = self._limits, self._crawler.get_downloader_middleware(PageCache)
        assert cache
        if cache.pages >= limits["max_pages"]:
            what = f"over the budget of {limits['max_pages']} pages (max_pages)"
        elif cache.bytes >= limits["max_bytes"]:
            what = f"over the budget of {limits['max_bytes']} bytes (max_bytes)"
        elif request.meta.get("depth", 0) > limits["depth"]:
            what = f"more than {limits['depth']} links from the start (depth)"
        elif time.monotonic() > self._end:
            what = f"over the time of {limits['seconds']:g} s (seconds)"
            return RefusedRequest("page.limit", what, transient=True)
        else:
            return None
        return RefusedRequest("page.limit", what)

    async def _rules_of(self, request: Request) -> Protego:
        """The rules of a site's robots.txt (RFC 9309).

        A file that is not there allows everything; one that cannot be had forbids everything.
        """
        parts = urlsplit(request.url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            answer = await self._robots(f"{site}/robots.txt")
            is_there = 200 <= answer.status < 300
            text = answer.body.decode("utf-8-sig", "replace") if is_there else ""
            self._rules[site] = Protego.parse(text)
        return self._rules[site]

    async def _robots(self, address: str) -> Response:
        ask = Request(address, meta={"robots": True}, callback=NO_CALLBACK, priority=1000)
        assert self._crawler.engine
        try:
            answer = await self._crawler.engine.download_async(ask)
        except Exception as error:  # whatever went wrong, the rules are unknown
            raise self._stop(request_failure(error, ask)) from error
        if answer.status in TRANSIENT_STATUS:
            raise self._stop(status_failure(answer.status))
        return answer

    def _stop(self, why: PageFailure) -> RefusedRequest:
        what = f"robots.txt cannot be had ({why.detail}), so nothing may be fetched"
        self.stopped = RefusedRequest("page.refused", what, why.transient)
        return self.stopped


class Resolver(CachingThreadedResolver):
    """Refuses names that lead to this machine or into a private network.

    Each connection asks it, and connects to the very number that was looked at: a name that leads
    elsewhere at the next question gains nothing. Numbers are IPv4 only.
    """

    private = False
    refused: ClassVar[dict[str, str]] = {}  # name → why; Scrapy only knows "cannot resolve"

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Resolver:
        resolver: Resolver = super().from_crawler(crawler, reactor)
        resolver.private = job_of(crawler)["limits"]["private"]
        return resolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        def check(number: str) -> str:
            leads_to = ipaddress.ip_address(number)
            allowed = self.private or networks.is_this_machine(f"http://{name}")
            if allowed or networks.is_public(leads_to):
                return number
            what = f"{name} leads to {networks.kind(leads_to)}; {networks.ALLOWED_BY} allows it"
            self.refused[name] = what
            raise OSError(what)

        return super().getHostByName(name, timeout).addCallback(check)


def request_failure(error: BaseException, request: Request) -> PageFailure:
    """What an error of a request means for its page; a refused name is not "host not known"."""
    asked = request.meta.get("proxy") or request.url
    host = str(urlsplit(asked).hostname)
    if host in Resolver.refused:
        return PageFailure("page.refused", Resolver.refused[host])
    return failure_of(error)


def host_and_port(address: str) -> str:
    """`host:port`; the usual ports of http and https count as one.

    So a site may redirect from one to the other.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}:"
    port = "web" if parts.port in (None, 80, 443) else parts.port
    return f"{parts.hostname}:{port}"
