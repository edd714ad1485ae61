"""Settings of `collect`: sources and how they are read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pipeline.recipe.base import Settings


class CrawlSettings(Settings):
    """How far and how fast a spider crawls, for one source."""

    delay: float = Field(
        1.0, ge=0, description="seconds between two requests; a longer Crawl-delay of the site wins"
    )
    max_pages: int = Field(
        10_000, gt=0, description="pages of the whole crawl, restarts included; our choice"
    )
    max_bytes: int = Field(
        1_000_000_000, gt=0, description="bytes of all pages, as sent; our choice"
    )
    page_bytes: int = Field(20_000_000, gt=0, description="bytes of one page, unpacked; our choice")
    depth: int = Field(
        50, gt=0, description="links from the start page to the farthest page; our choice"
    )
    seconds: float = Field(
        86_400, gt=0, description="seconds of one crawl; the same command continues it"
    )
    timeout: float = Field(60, gt=0, description="seconds for one answer; our choice")
    retries: int = Field(
        3, ge=0, description="times a page that failed is requested again; our choice"
    )
    patience: float = Field(
        600, ge=0, description="seconds; the longest wait that a site may ask for; our choice"
    )
    hosts: list[str] = Field([], description="other hosts of the same site, as host or host:port")
    private: bool = Field(
        False,
        description="allow private networks, and names that lead there or to this machine",
    )


class FieldNames(Settings):
    """Where a record holds what: the name of a field, or of one inside another as `data.text`."""

    list: str | None = Field(None, description="the messages; none: a record is one message")
    role: str | None = Field(None, description="who writes a message: user, assistant, a name")
    content: str | None = Field(None, description="the text of a message")
    name: str | None = Field(None, description="the writer's own name, beside the role")
    ask: str | None = Field(None, description="the user's message, where a record holds a pair")
    answer: str | None = Field(None, description="the assistant's answer to it")
    system: str | None = Field(None, description="the system prompt")
    persona: str | None = Field(None, description="who the assistant is")
    id: str | None = Field(None, description="the id of the conversation")
    group: str | None = Field(None, description="what must stand in one split together")
    language: str | None = Field(
        None, description="its language, by code or name; `filter` compares it with what it finds"
    )
    time: str | None = Field(None, description="when a message was written; gives the order")


class SourceSettings(Settings):
    """One source: files, a Hub dataset or a spider."""

    name: str = Field(
        description="stands in every row; a Hub dataset's own name where none is given"
    )
    files: list[str] = Field([], description="paths, folders, globs or fsspec addresses")
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
    spider: str | None = Field(
        None, description="a spider, by its name; `spiders/README.md` lists them"
    )
    start: list[str] = Field([], description="addresses or saved pages at which the spider begins")
    crawl: CrawlSettings = Field(CrawlSettings(), description="how far and how fast it crawls")
    options: dict[str, object] = Field(
        {}, description="options of the spider or the shape, which their documentation lists"
    )
    shape: str | None = Field(
        None, description="a module of pipeline/collect/shapes; none: recognised"
    )
    fields: FieldNames = Field(FieldNames(), description="names of the fields of a record")
    roles: dict[str, Literal["system", "user", "assistant"]] = Field(
        {}, description="a word or name that stands for a role, as {Therapist: assistant}"
    )
    assistant: str = Field(
        "second",
        description="who is the assistant where no speaker is a model: second, first, most (who "
        "writes the most words), or a speaker's name",
    )
    license: str | None = Field(
        None, description="an SPDX name, or LicenseRef-<your name>; none: not known"
    )
    attribution: str | None = Field(None, description="who is to be named when rows are published")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("hub") and not given.get("name"):
            return {**given, "name": given["hub"]}
        return given


class CollectSettings(Settings):
    """Which sources are read."""

    sources: list[SourceSettings] = Field([], description="where conversations come from")
    contact: str | None = Field(
        None, description="who crawls: an e-mail or web address, sent to every public site"
    )
    reparse: bool = Field(False, description="read stored pages again and touch no network")
    max_bytes: int = Field(
        1_000_000,
        gt=0,
        description="bytes of one conversation, and of all its alternatives; longer ones are "
        "quarantined; our choice",
    )
