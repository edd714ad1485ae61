"""Why a page gave nothing: a rule, a detail for people, and whether the next run may get it."""

from __future__ import annotations

from typing import NamedTuple

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.spidermiddlewares.httperror import HttpError

from spiders.contract import FailureRule


class PageFailure(NamedTuple):
    """What became of a page that gave nothing. transient: the same command may get it later."""

    rule: FailureRule
    detail: str
    transient: bool = False


class RefusedRequest(IgnoreRequest):
    """A request that is not sent. Many addresses may share one reason: it is reported once."""

    def __init__(self, rule: FailureRule, detail: str, transient: bool = False) -> None:
        super().__init__(detail)
        self.failure = PageFailure(rule, detail, transient)


# Answers that may be better another day: 408 Request Timeout, 425 Too Early, 429 Too Many Requests.
TRANSIENT_STATUS = frozenset([408, 425, 429, *range(500, 600)])
TROUBLES: dict[type[BaseException], PageFailure] = {
    DownloadCancelledError: PageFailure("page.limit", "longer than page_bytes allows"),
    DownloadTimeoutError: PageFailure(
        "page.failed", "not done within the time for one answer (timeout)", transient=True
    ),
    ResponseDataLossError: PageFailure("page.failed", "cut off before its end", transient=True),
    DownloadConnectionRefusedError: PageFailure(
        "page.failed", "the connection was refused", transient=True
    ),
    CannotResolveHostError: PageFailure("page.failed", "the host is not known", transient=True),
    DownloadFailedError: PageFailure("page.failed", "the connection was lost", transient=True),
}


def failure_of(error: BaseException) -> PageFailure:
    """What an error of a request means for its page."""
    if isinstance(error, RefusedRequest):
        return error.failure
    if isinstance(error, HttpError):
        return status_failure(error.response.status)
    if isinstance(error, IgnoreRequest):
        return PageFailure("page.failed", str(error))
    unnamed = f"{type(error).__name__}: {error}".strip(": ")
    return TROUBLES.get(type(error)) or PageFailure("page.failed", unnamed)


def status_failure(status: int) -> PageFailure:
    return PageFailure("page.failed", f"status {status}", status in TRANSIENT_STATUS)
