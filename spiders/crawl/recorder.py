"""What a crawl found: dialogues, posts, and every page that gave nothing, with the reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from twisted.python.failure import Failure

from spiders.contract import EndFind, FailureFind, Find
from spiders.crawl.access import request_failure
from spiders.crawl.cache import job_of, pages_of
from spiders.crawl.failures import PageFailure, RefusedRequest

EXAMPLES = 100  # addresses that are listed for one reason


class FindRecorder(BaseSpiderMiddleware):
    """Records what the spider yields, and what became of every page."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._source = job_of(crawler)["source"]
        self._pages = pages_of(job_of(crawler))
        self._refused: dict[PageFailure, list[str]] = defaultdict(list)  # EXAMPLES of each
        self._count: Counter[PageFailure] = Counter()
        crawler.signals.connect(self._unread, signals.spider_error)
        crawler.signals.connect(self._finish, signals.spider_closed)

    async def process_spider_output_async(
        self, response: Response | None, result: AsyncIterator[object], spider: Spider | None = None
    ) -> AsyncIterator[object]:
        """What the spider yields; a page for which it yields nothing is recorded, too."""
        assert response is not None
        several = self._something(response, result)
        async for found in super().process_spider_output_async(response, several):
            yield found

    async def _something(
        self, response: Response, result: AsyncIterator[object]
    ) -> AsyncIterator[object]:
        is_empty = True
        async for found in result:
            is_empty = False
            yield found
        if is_empty:
            self._failed(response.url, PageFailure("page.empty", "the spider finds nothing here"))

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        if request.errback is None:
            request.errback = self._unanswered
        return request

    def get_processed_item(self, item: Find, response: Response | None) -> None:
        assert response is not None
        check(item)
        item.setdefault("address", response.url)
        item.setdefault("retrieved", response.meta.get("fetched"))
        place = item.get("place", 0)
        if "thread" in item:
            self._pages.add_find(self._source, "post", item, item["thread"], place)
        else:
            self._pages.add_find(self._source, "dialogue", item, item["address"], place)

    def _unanswered(self, error: Failure) -> None:
        request: Request = error.request  # type: ignore[attr-defined]  # set by Scrapy
        assert error.value is not None
        failure = request_failure(error.value, request)
        if isinstance(error.value, RefusedRequest):
            self._count[failure] += 1
            if len(self._refused[failure]) < EXAMPLES:
                self._refused[failure].append(request.url)
        else:
            self._failed(request.url, failure)

    def _unread(self, failure: Failure, response: Response) -> None:
        what = f"the spider cannot read it: {type(failure.value).__name__}: {failure.value}"
        self._failed(response.url, PageFailure("page.unread", what))

    def _failed(self, address: str, failure: PageFailure) -> None:
        find = _failure_find(failure, address)
        self._pages.add_find(self._source, "failure", find, address)

    def _finish(self, reason: str) -> None:
        for failure, addresses in self._refused.items():
            find = _failure_find(failure, addresses[0])
            find["count"], find["addresses"] = self._count[failure], addresses
            self._pages.add_find(self._source, "failure", find, addresses[0], place=1)
        self._pages.add_find(self._source, "end", EndFind(reason=reason))
        self._pages.close()


def _failure_find(failure: PageFailure, address: str) -> FailureFind:
    return FailureFind(
        address=address,
        rule=failure.rule,
        detail=failure.detail,
        transient=failure.transient,
        count=1,
        addresses=[],
    )


def check(item: object) -> None:
    """Raises TypeError for what is neither a dialogue nor a post: no row could be made of it."""
    if not isinstance(item, dict) or not ("turns" in item or {"thread", "id"} <= item.keys()):
        raise TypeError("a find is a dict with `turns` (a dialogue), or `thread` and `id` (a post)")
    if not isinstance(item.get("place", 0), int):
        raise TypeError(f"`place` of a find is {item['place']!r}, not a whole number")
    if any(len(turn) != 2 for turn in item.get("turns", ())):
        raise TypeError("`turns` of a dialogue are [speaker, text] pairs")
