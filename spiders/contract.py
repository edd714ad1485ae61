"""What a crawl is given, and what it finds: the data that passes between the pipeline and spiders.

    pipeline/collect/web.py ── CrawlJob ──> the crawl's process ──> spider
    pipeline/collect/web.py <── finds (pages.sqlite) ── the crawl's process <── dialogues, posts

Everything here is written as JSON on its way.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, final


class CrawlLimits(TypedDict):
    """How far and how fast a crawl goes: `CrawlSettings` in pipeline/recipe/settings.py."""

    delay: float
    max_pages: int
    max_bytes: int
    page_bytes: int
    depth: int
    seconds: float
    timeout: float
    retries: int
    patience: float
    hosts: list[str]
    private: bool


class CrawlJob(TypedDict):
    """One crawl.

    spider: its class, as "module.Class". folders: where local pages may be read. agent: how the
    crawl introduces itself to a site. offline: read stored pages only. pages: path of the store.
    """

    source: str
    spider: str
    start: list[str]
    options: dict[str, object]
    folders: list[str]
    limits: CrawlLimits
    agent: str
    offline: bool
    pages: str


@final
class DialogueFind(TypedDict):
    """A dialogue on a page.

    turns: [speaker, text] pairs. place: its order on the page. record: its id on the site.
    reason: the dialogue is dropped by the rule `web.<reason>`. address and retrieved (a day, UTC)
    are those of the page unless the spider gives them.
    """

    turns: list[list[str]]
    address: NotRequired[str]
    place: NotRequired[int]
    record: NotRequired[str | None]
    reason: NotRequired[str]
    extra: NotRequired[dict[str, object]]
    retrieved: NotRequired[str | None]


@final
class PostFind(TypedDict):
    """A post of a thread; posts with the same `thread` belong together.

    place: its order in the thread. parent: id of the post that it answers, None for none; without
    `parent` it answers the post before it. gone: deleted or hidden by the site.
    """

    thread: str
    id: str
    author: str | None
    text: str
    address: NotRequired[str]
    place: NotRequired[int]
    parent: NotRequired[str | None]
    gone: NotRequired[bool]
    extra: NotRequired[dict[str, object]]
    retrieved: NotRequired[str | None]


Find = DialogueFind | PostFind  # what a spider may yield, beside requests

FailureRule = Literal[
    "page.refused",  # not asked for: robots.txt, another host, a private address
    "page.limit",  # not asked for, or not read to its end: a limit of the recipe
    "page.failed",  # asked for in vain: the connection, the status, the redirects
    "page.unread",  # the spider raised an error on it
    "page.empty",  # the spider found nothing on it
    "page.damaged",  # the stored page is damaged, and the network is not used
    "page.not_stored",  # there is no stored page, and the network is not used
]


class FailureFind(TypedDict):
    """A page that gave nothing, or `count` pages that were refused for one reason.

    address: of the first. addresses: of refused pages, up to 100. transient: the same command may
    get it another time.
    """

    address: str
    rule: FailureRule
    detail: str
    transient: bool
    count: int
    addresses: list[str]


class EndFind(TypedDict):
    """Written last: a crawl without it, or with another reason than "finished", broke off."""

    reason: str


FindKind = Literal["dialogue", "post", "failure", "end"]
