"""Web sources: a spider crawls in a process of its own, and its finds become conversations.

crawl   pages and finds are written to `pages.sqlite` of the run; a restart reads stored pages
        again and fetches the rest
read    finds in the order of their addresses → conversations, drops, and a quarantine row for
        each page that failed
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from pipeline import UserError, __version__
from pipeline.collect import sites, threads
from pipeline.collect.admit import Origin, admit
from pipeline.collect.shapes.transcript import Transcript, Turn
from pipeline.conversation import Conversation, Drop, Finding, Quarantine, Row, Source, identity
from pipeline.recipe.collect import CollectSettings, SourceSettings
from spiders.contract import CrawlJob, CrawlLimits, DialogueFind, FailureFind, Find, PostFind
from spiders.crawl.pages import Pages

SPIDERS = {
    "mediawiki": "spiders.mediawiki.MediaWiki",
    "gutenberg": "spiders.gutenberg.Gutenberg",
    "discourse": "spiders.discourse.Discourse",
    "forum": "spiders.forum.Forum",
    "threads": "spiders.threads.Threads",
    "mailinglist": "spiders.mailinglist.MailingList",
}


@dataclass(frozen=True)
class WebUnit:
    """One web source of a recipe. folder: where the recipe's relative addresses start."""

    source: SourceSettings
    folder: Path


def unit(source: SourceSettings, settings: CollectSettings, folder: Path) -> WebUnit:
    """A web source, completed from the registry and checked before anything is fetched.

    Raises UserError: unknown spider, refused site, an address that is not in the internet, no
    licence, or no contact for a public site.
    """
    source = sites.completed(source)
    where = f"collect.sources: {source.name}"
    _check_spider(source, where)
    for address in [*source.start, *(f"http://{host}" for host in source.crawl.hosts)]:
        sites.check_address(where, address, source.crawl.private)
        sites.check_allowed(where, address)
        if sites.is_public(address) and not settings.contact:
            raise UserError(
                f"{where}: {address} is a public site. Say who crawls, so that its owner can reach "
                "you: `contact: you@example.org` under `collect`."
            )
    if not source.license:
        raise UserError(
            f"{where}: the licence is not known. Read the site's terms, then write `license:` (an "
            "SPDX name)."
        )
    return WebUnit(source, folder)


def _check_spider(source: SourceSettings, where: str) -> None:
    if source.spider is None:
        shipped = ", ".join(sites.registry())
        raise UserError(
            f"{where}: write where it is: `files:`, `hub:` or `spider:`; or give the name of a "
            f"shipped source: {shipped}."
        )
    if source.spider not in SPIDERS:
        known = ", ".join(SPIDERS)
        raise UserError(f"{where}: there is no spider {source.spider}; there are {known}.")
    if not source.start:
        raise UserError(f"{where}: a spider needs addresses to start from: `start: [https://…]`.")


# --- the crawl


def crawl(unit: WebUnit, settings: CollectSettings, state: Path) -> Path:
    """Run the spider to its end in a process of its own; the path of the pages and finds.

    Raises UserError with the last line of the crawl's log when the process breaks off.
    """
    job, name = _job(unit, settings, state), unit.source.name
    plain_name = re.sub(r"[^\w.-]", "_", name)
    log = state / f"crawl-{plain_name}.log"
    path = Path(job["pages"])
    with closing(Pages(path)) as pages:
        pages.forget_finds(name)
        is_whole = _run(job, log) == 0 and pages.is_finished(name)
    if not is_whole:
        lines = log.read_text("utf-8", "replace").strip().splitlines()
        last = " ".join(lines[-1:])  # none, where the log is empty
        raise UserError(f"The crawl of {name} broke off: {last} The whole log is in {log}.")
    return path


def _run(job: CrawlJob, log: Path) -> int:
    """The exit code of the crawl's process.

    The process ends when its standard input closes: then nobody waits for it any more.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "spiders.crawl"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[2],
        )
    assert child.stdin is not None
    try:
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(job).encode() + b"\n")
            child.stdin.flush()
        return child.wait()
    finally:
        with suppress(BrokenPipeError):
            child.stdin.close()
        child.wait()


def _job(unit: WebUnit, settings: CollectSettings, state: Path) -> CrawlJob:
    source = unit.source
    start = [_absolute(address, unit.folder) for address in source.start]
    folders = [_path(address).parent for address in start if _is_file(address)]
    limits = cast(CrawlLimits, source.crawl.model_dump())
    if len(folders) == len(start):  # a disk needs no rest
        limits["delay"] = 0.0
    contact = f"; {settings.contact}" if settings.contact else ""
    return CrawlJob(
        source=source.name,
        spider=SPIDERS[str(source.spider)],
        start=start,
        options=source.options,
        folders=[os.path.realpath(folder) for folder in folders],
        limits=limits,
        agent=f"Rapport/{__version__} (rapport-dialogues{contact})",
        offline=settings.reparse,
        pages=str((state / "pages.sqlite").resolve()),
    )


def _absolute(address: str, folder: Path) -> str:
    """An address of a recipe with its scheme; a relative one is a local page."""
    return address if "://" in address else (folder / address).resolve().as_uri()


def _is_file(address: str) -> bool:
    return address.startswith("file:")


def _path(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


# --- its finds as rows


def read(unit: WebUnit, settings: CollectSettings, state: Path) -> Iterator[Row]:
    """Crawl a source and make its rows. state: the run's folder."""
    rows, name = _Rows(unit, settings.max_bytes), unit.source.name
    path = crawl(unit, settings, state)
    with closing(Pages(path)) as pages:
        for address, finds in groupby(pages.dialogues(name), itemgetter("address")):
            yield from rows.of_page(address, finds)
        for thread, posts in groupby(pages.posts(name), itemgetter("thread")):
            yield from rows.of_thread(thread, list(posts))
        yield from map(rows.failure, pages.failures(name))


@dataclass(frozen=True)
class _Rows:
    """Makes the rows of one source."""

    unit: WebUnit
    max_bytes: int

    def of_page(self, address: str, finds: Iterable[DialogueFind]) -> Iterator[Row]:
        """The dialogues of one page."""
        group = self._shown(address)
        for number, find in enumerate(finds, 1):
            turns: list[Turn] = [(str(name), str(text), None) for name, text in find["turns"]]
            extra = find.get("extra", {})
            transcript = Transcript(turns, record=find.get("record"), group=group, extra=extra)
            yield self._row(f"{group}#{number}", transcript, find, find.get("reason"))

    def of_thread(self, thread: str, finds: list[PostFind]) -> Iterator[Row]:
        """The conversations of one thread; its posts may come from several pages."""
        by_id = {str(find["id"]): find for find in finds}
        posts = threads.in_order(map(_post, finds))
        names = threads.pseudonyms(posts)
        group = self._shown(thread)
        if all(post.gone for post in posts):
            yield self._row(f"{group}#1", Transcript([], group=group), finds[0], "deleted")
        for number, path in enumerate(threads.paths(posts), 1):
            find = by_id[path[0].id]
            transcript = _transcript(path, names, group, find.get("extra", {}))
            yield self._row(f"{group}#{number}", transcript, find)

    def failure(self, find: FailureFind) -> Quarantine:
        """A page that gave nothing, or many that were refused for one reason."""
        where = f"{self.unit.source.name}: {self._shown(find['address'])}"
        detail, raw = find["detail"], "\n".join(find["addresses"])
        if find["count"] > 1:
            detail += f": {find['count']} addresses, first this"
        return Quarantine(where, find["rule"], detail, raw, find["transient"])

    def _row(self, ref: str, transcript: Transcript, find: Find, reason: str | None = None) -> Row:
        """A dialogue of two speakers and more is kept; others are dropped with the reason."""
        speakers = len({name for name, _, _ in transcript.turns})
        if not reason and speakers < 2:
            reason = "one_speaker"
        row = self._conversation(ref, transcript, find)
        if not reason or isinstance(row, Quarantine):
            return row
        finding = Finding("collect", f"web.{reason}", float(speakers), decision="drop")
        return Drop(dataclasses.replace(row, findings=(finding,)))

    def _conversation(
        self, ref: str, transcript: Transcript, find: Find
    ) -> Conversation | Quarantine:
        source, day = self.unit.source, find.get("retrieved")
        retrieved = dt.date.fromisoformat(day) if day else None
        credit = source.attribution
        if credit:
            credit = credit.replace("{address}", self._shown(find["address"]))
        if transcript.turns:
            about = (source.name, source.license, credit, retrieved, source.assistant)
            origin = Origin("web", *about, self.max_bytes, source.roles)
            return admit(transcript, origin, ref)
        # without messages, which `admit` takes for damage: the page was read, and nobody speaks
        where = Source("web", source.name, ref, None, source.license, credit, retrieved)
        group = f"{source.name}/{transcript.group}"
        return Conversation(identity(source.name, ref), (), where, split_group=group)

    def _shown(self, address: str) -> str:
        """An address as the dataset has it: that of a local page starts at the recipe's folder."""
        if not _is_file(address):
            return address
        page, hash_sign, fragment = address.partition("#")
        return os.path.relpath(_path(page), self.unit.folder.resolve()) + hash_sign + fragment


def _transcript(
    path: list[threads.ThreadPost], names: dict[str, str], group: str, about: dict[str, object]
) -> Transcript:
    """A path of replies, the authors under their pseudonyms."""
    turns: list[Turn] = [
        (names[post.author], threads.without_names(post.text, names), None) for post in path
    ]
    extra = about | {"posts": [post.id for post in path]}
    return Transcript(turns, record=path[0].id, group=group, extra=extra)


def _post(find: PostFind) -> threads.ThreadPost:
    """A post as it was found; without `parent` it answers the one before it."""
    parent = find.get("parent", "")
    text = str(find.get("text") or "").strip()
    return threads.ThreadPost(
        id=str(find["id"]),
        parent=None if parent is None else str(parent),
        author=str(find.get("author") or ""),
        text=text,
        place=int(find.get("place") or 0),
        gone=bool(find.get("gone")) or not text,
    )
