"""When a request may be sent: as late as robots.txt (`Crawl-delay`) and `Retry-After` ask.

Scrapy itself honours neither.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import defaultdict
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from spiders.crawl.access import RequestFilter
from spiders.crawl.cache import job_of
from spiders.crawl.failures import RefusedRequest

LATER = frozenset([429, 503])  # answers that ask to come back later


class CrawlDelay:
    """Waits before a request; a wait longer than `patience` ends the crawl."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._patience = job_of(crawler)["limits"]["patience"]
        self._ready: dict[str, float] = defaultdict(float)  # host → monotonic seconds

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CrawlDelay:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        delay: float = request.meta.get("crawl_delay", 0.0)
        if delay > self._patience:
            what = f"robots.txt asks for {delay:g} s between two requests, more than `patience`"
            raise self._stop(RefusedRequest("page.limit", what))
        await asyncio.sleep(max(0.0, self._ready[host] - time.monotonic()))
        self._ready[host] = time.monotonic() + delay

    def process_response(self, request: Request, response: Response) -> Response:
        if response.status not in LATER:
            return response
        tries = request.meta.get("retry_times", 0)
        wait = seconds_to_wait(response.headers.get("Retry-After"), 2.0**tries)
        if wait > self._patience:
            what = f"the site asks to come back in {wait:g} s, more than `patience`"
            raise self._stop(RefusedRequest("page.limit", what, transient=True))
        host = urlsplit(request.url).netloc
        self._ready[host] = max(self._ready[host], time.monotonic() + wait)
        return response

    def _stop(self, reason: RefusedRequest) -> RefusedRequest:
        request_filter = self._crawler.get_downloader_middleware(RequestFilter)
        assert request_filter
        request_filter.stopped = reason
        return reason


def seconds_to_wait(retry_after: bytes | None, otherwise: float) -> float:
    """What a `Retry-After` header asks for: seconds, or a date (RFC 9110)."""
    text = (retry_after or b"").decode("latin-1").strip()
    if text.isdecimal():
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - dt.datetime.now(dt.UTC)
    except (ValueError, TypeError):
        return otherwise
    return max(0.0, wait.total_seconds())
