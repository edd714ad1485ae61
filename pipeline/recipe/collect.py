"""Settings of `collect`: sources and how they are read."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pipeline.recipe.base import Settings


class CrawlSettings(Settings):
    """How far and how fast a spider goes, for one source."""

    delay: float = Field(
        1.0, ge=0, description="seconds between two requests; a longer Crawl-delay of the site wins"
    )
    max_pages: int = Field(10_000, gt=0, description="pages of the whole crawl, restarts included")
    max_bytes: int = Field(1_000_000_000, gt=0, description="bytes of all pages, as sent")
    page_bytes: int = Field(20_000_000, gt=0, description="bytes of one page, unpacked")
    depth: int = Field(50, gt=0, description="links from the start page to the farthest page")
    seconds: float = Field(
        86_400, gt=0, description="seconds of one crawl; the same command goes on where it ended"
    )
    timeout: float = Field(60, gt=0, description="seconds for one answer")
    retries: int = Field(3, ge=0, description="how often a page that failed is asked for again")
    patience: float = Field(
        600, ge=0, description="longest wait in seconds that a site may ask for"
    )
    hosts: list[str] = Field([], description="other hosts of the same site, as host or host:port")
    private: bool = Field(False, description="allow names that lead into a private network")


class SourceSettings(Settings):
    """One door: files, a Hub dataset or a spider."""

    name: str = Field(description="shown in every row; for a Hub dataset its own name unless given")
    files: list[str] = []
    hub: str | None = Field(None, description="a dataset on the Hub, as owner/name")
    config: str | None = Field(
        None, description="which of the Hub dataset's configs; needed where it has several"
    )
    split: str | None = Field(None, description="which of its splits; none: all")
    revision: str | None = Field(
        None, description="branch, tag or commit; the run notes the commit"
    )
    stream: bool = Field(
        False, description="read from the Hub without keeping a copy; needs the network every time"
    )
    spider: str | None = None
    start: list[str] = []
    crawl: CrawlSettings = CrawlSettings()
    options: dict[str, Any] = {}
    shape: str | None = Field(
        None, description="a module of pipeline/collect/shapes; none: recognised"
    )
    assistant: str = Field(
        "second", description="who is the assistant if no model is: second, first, most, or a name"
    )
    license: str | None = None
    attribution: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        unnamed = isinstance(given, dict) and given.get("hub") and not given.get("name")
        return {**given, "name": given["hub"]} if unnamed else given


class CollectSettings(Settings):
    sources: list[SourceSettings] = []
    contact: str | None = Field(
        None, description="who crawls: an e-mail or web address, sent to every public site"
    )
    reparse: bool = Field(False, description="read stored pages again and touch no network")
    max_bytes: int = Field(
        1_000_000, gt=0, description="bytes of one conversation; longer ones are quarantined"
    )
