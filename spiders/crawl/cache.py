"""Which answers need no request: those that are stored."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import NoReturn, cast
from urllib.parse import urljoin

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from pipeline import UserError
from spiders.contract import CrawlJob
from spiders.crawl.failures import RefusedRequest
from spiders.crawl.pages import DamagedPage, Pages, StoredPage

# Answers worth storing: asking again would bring the same.
FINAL_STATUS = frozenset([*range(200, 400), 404, 410])


def job_of(crawler: Crawler) -> CrawlJob:
    return cast(CrawlJob, crawler.settings.getdict("JOB"))


def pages_of(job: CrawlJob) -> Pages:
    """The file of pages. When it cannot be used, this process ends: nothing could be kept."""
    return Pages(Path(job["pages"]), fail=_end_process)


def _end_process(error: UserError) -> NoReturn:
    """The last line of the log is what the user reads. Scrapy would catch any exception."""
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(1)


class PageCache:
    """Answers from `pages.sqlite` what was asked before, and stores each new answer before the
    spider sees it.

    pages, bytes: of the answers of this crawl, stored ones included: a budget means the same after
    a restart.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._offline = job_of(crawler)["offline"]
        self._pages = pages_of(job_of(crawler))
        self.pages = 0
        self.bytes = 0
        crawler.signals.connect(self._pages.close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PageCache:
        return cls(crawler)

    def process_request(self, request: Request) -> Response | None:
        if is_local(request):
            return None
        page = self._stored(request)
        if page and (self._offline or not _is_old_robots(request, page)):
            return _replayed(request, page)
        if self._offline:
            raise RefusedRequest("page.not_stored", "not among the stored pages", transient=True)
        return None

    def _stored(self, request: Request) -> StoredPage | None:
        """The stored answer; one that is damaged is fetched again, where fetching is allowed."""
        try:
            return self._pages.page(request.url)
        except DamagedPage:
            if self._offline:
                what = "the stored page is damaged; it is fetched again without `reparse`"
                raise RefusedRequest("page.damaged", what, transient=True) from None
            return None

    def process_response(self, request: Request, response: Response) -> Response:
        if "stored" not in response.flags and not is_local(request):
            if response.status not in FINAL_STATUS:
                return response
            self._store(request, response)
        if not request.meta.get("robots"):
            self.pages += 1
            self.bytes += len(response.body)
        _refuse_circle(request, response)
        return response

    def _store(self, request: Request, response: Response) -> None:
        now = dt.datetime.now(dt.UTC)
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        self._pages.keep(StoredPage(request.url, response.status, headers, response.body, now))
        request.meta["fetched"] = str(now.date())


def is_local(request: Request) -> bool:
    return request.url.startswith("file:")


def _is_old_robots(request: Request, page: StoredPage) -> bool:
    """robots.txt is asked for anew every day."""
    today = dt.datetime.now(dt.UTC).date()
    return bool(request.meta.get("robots")) and page.fetched.date() != today


def _replayed(request: Request, page: StoredPage) -> Response:
    """A stored page as the response that it was."""
    headers = Headers()
    for name, value in page.headers:
        headers.appendlist(name, value.encode("latin-1"))
    request.meta["fetched"] = str(page.fetched.date())
    kind = responsetypes.from_args(headers=headers, url=page.address, body=page.body)
    return kind(page.address, page.status, headers=headers, body=page.body, flags=["stored"])


def _refuse_circle(request: Request, response: Response) -> None:
    """Raises IgnoreRequest when a redirect leads to an address that it came from."""
    target = (response.headers.get("Location") or b"").decode("latin-1")
    seen = [request.url, *request.meta.get("redirect_urls", [])]
    if 300 <= response.status < 400 and target and urljoin(request.url, target) in seen:
        raise IgnoreRequest(f"redirects in a circle of {len(seen)}")
