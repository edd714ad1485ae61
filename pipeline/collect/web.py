"""Web sources: a spider crawls in a process of its own, what it found becomes conversations.

    crawl      pages and finds go into `pages.sqlite` of the run; a restart replays stored pages and fetches the rest
    read       finds in the order of their addresses → conversations, rows sent away, and one quarantine row a failure

Which sites are known, and which are refused, stands in `configs/sources/`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from pipeline import UserError, __version__
from pipeline.collect import threads
from pipeline.collect.admit import Origin, admit
from pipeline.collect.shapes.transcript import Transcript, Turn
from pipeline.conversation import Conversation, Drop, Finding, Quarantine, Source, identity
from pipeline.recipe.settings import CollectSettings, SourceSettings
from pipeline.texts import configs
from spiders.pages import Pages

SPIDERS = {
    "mediawiki": "spiders.mediawiki.MediaWiki",
    "gutenberg": "spiders.gutenberg.Gutenberg",
    "discourse": "spiders.discourse.Discourse",
    "forum": "spiders.forum.Forum",
    "threads": "spiders.threads.Threads",
    "mailinglist": "spiders.mailinglist.MailingList",
}

Row = Conversation | Drop | Quarantine


@dataclass(frozen=True)
class WebUnit:
    """One web source of a recipe. folder: where the recipe's relative addresses start."""

    source: SourceSettings
    folder: Path


def unit(source: SourceSettings, settings: CollectSettings, folder: Path) -> WebUnit:
    """A web source, completed from the registry and checked before anything is fetched.

    Raises UserError: unknown spider, refused site, no licence, or no contact for a public site.
    """
    source = completed(source)
    where = f"collect.sources: {source.name}"
    if source.spider is None:
        raise UserError(
            f"{where}: say where it is: `files:`, `hub:` or `spider:`; or give the name of a shipped source: "
            f"{', '.join(registry())}."
        )
    if source.spider not in SPIDERS:
        raise UserError(
            f"{where}: there is no spider {source.spider}; there are {', '.join(SPIDERS)}."
        )
    if not source.start:
        raise UserError(f"{where}: a spider needs addresses to start from: `start: [https://…]`.")
    for address in [*source.start, *(f"http://{host}" for host in source.crawl.hosts)]:
        _check_allowed(where, address)
        if _is_public(address) and not settings.contact:
            raise UserError(
                f"{where}: {address} is a public site. Say who crawls, so that its owner can reach you: "
                "`contact: you@example.org` under `collect`."
            )
    if not source.license:
        raise UserError(
            f"{where}: the licence is not known. Say `license:` (an SPDX name) after reading the terms."
        )
    return WebUnit(source, folder)


def completed(source: SourceSettings) -> SourceSettings:
    """A source with what the registry knows of it: by its name, what the recipe leaves unsaid is filled in."""
    known = registry().get(source.name)
    if known is None or source.files or source.hub:
        return source
    said = source.model_dump(exclude_unset=True)
    ours = {key: value for key, value in known.items() if key in SourceSettings.model_fields}
    return SourceSettings.model_validate(
        ours | said | {"crawl": ours.get("crawl", {}) | said.get("crawl", {})}
    )


@cache
def registry() -> dict[str, dict[str, Any]]:
    """The shipped sources: name → file content. See configs/sources/README.md."""
    files = sorted((configs() / "sources").glob("*.yaml"))
    return {
        path.stem: yaml.safe_load(path.read_text("utf-8"))
        for path in files
        if path.stem != "refused"
    }


@cache
def _refused() -> list[dict[str, Any]]:
    sites: list[dict[str, Any]] = yaml.safe_load(
        (configs() / "sources" / "refused.yaml").read_text("utf-8")
    )
    return sites


def _check_allowed(where: str, address: str) -> None:
    host = urlsplit(address).hostname or ""
    for site in _refused():
        if any(host == h or host.endswith(f".{h}") for h in site["hosts"]):
            raise UserError(
                f"{where}: {site['name']} is refused: {site['reason']} See {site['terms']}"
            )


def _is_public(address: str) -> bool:
    host = urlsplit(address).hostname
    if "://" not in address or not host or host == "localhost":
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True


def read(unit: WebUnit, settings: CollectSettings, state: Path) -> Iterator[Row]:
    """Crawl a source and yield what was found, in the order of the addresses. state: the run's folder."""
    found = Pages(crawl(unit, settings, state))
    try:
        for address, talks in groupby(
            found.finds(unit.source.name, "talk"), lambda find: str(find["address"])
        ):
            for number, talk in enumerate(talks, 1):
                yield _talk(
                    unit, f"{_shown(address, unit.folder)}#{number}", talk, settings.max_bytes
                )
        for thread, posts in groupby(
            found.finds(unit.source.name, "post"), lambda find: str(find["thread"])
        ):
            yield from _thread(unit, thread, list(posts), settings.max_bytes)
        for failure in found.finds(unit.source.name, "failure"):
            yield _failure(unit, failure)
    finally:
        found.close()


def crawl(unit: WebUnit, settings: CollectSettings, state: Path) -> Path:
    """Run the spider to its end in a process of its own and return the file of pages and finds.

    Raises UserError with the last words of the crawl's log when the process breaks.
    """
    job = _job(unit, settings, state)
    found = Pages(Path(job["pages"]))
    found.forget_finds(unit.source.name)
    log = state / ("crawl-" + re.sub(r"[^\w.-]", "_", unit.source.name) + ".log")
    code = _run(job, log)
    end = next(found.finds(unit.source.name, "end"), {})
    whole = (
        code == 0 and end.get("reason") == "finished"
    )  # Scrapy ends in good order when it is told to stop, too
    found.close()
    if not whole:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise UserError(
            f"The crawl of {unit.source.name} broke off: {' '.join(last)} The whole log is in {log}."
        )
    return Path(job["pages"])


def _run(job: dict[str, Any], log: Path) -> int:
    """The exit code of the crawl's process. It ends when its standard input closes: nobody waits for it any more."""
    with log.open("wb") as words:
        child = subprocess.Popen(
            [sys.executable, "-c", "from spiders.crawl import main; main()"],
            stdin=subprocess.PIPE, stdout=words, stderr=words, cwd=Path(__file__).parents[2],
        )  # fmt: skip
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


def _job(unit: WebUnit, settings: CollectSettings, state: Path) -> dict[str, Any]:
    source, limits = unit.source, unit.source.crawl.model_dump()
    start = [a if "://" in a else (unit.folder / a).resolve().as_uri() for a in source.start]
    local = [Path(unquote(urlsplit(a).path)).parent for a in start if a.startswith("file:")]
    if len(local) == len(start):
        limits["delay"] = 0.0
    by = f"; {settings.contact}" if settings.contact else ""
    return {
        "source": source.name,
        "spider": SPIDERS[str(source.spider)],
        "start": start,
        "options": source.options,
        "folders": [os.path.realpath(folder) for folder in local],
        "limits": limits,
        "agent": f"Rapport/{__version__} (rapport-dialogues{by})",
        "offline": settings.reparse,
        "pages": str((state / "pages.sqlite").resolve()),
    }


def _shown(address: str, folder: Path) -> str:
    """An address as it stands in the data set: that of a local page starts at the recipe's folder."""
    if not address.startswith("file:"):
        return address
    path, _, fragment = address.partition("#")
    return os.path.relpath(unquote(urlsplit(path).path), folder.resolve()) + (
        f"#{fragment}" if fragment else ""
    )


def _talk(unit: WebUnit, ref: str, find: dict[str, Any], max_bytes: int) -> Row:
    """One dialogue of a page: {address, turns: [[speaker, text], …], group?, record?, extra?, reason?}."""
    turns: list[Turn] = [(str(name), str(text), None) for name, text in find["turns"]]
    group = _shown(str(find.get("group") or find["address"]), unit.folder)
    talk = Transcript(turns, record=find.get("record"), group=group, extra=find.get("extra", {}))
    return _row(unit, ref, talk, find, max_bytes)


def _thread(
    unit: WebUnit, thread: str, finds: list[dict[str, Any]], max_bytes: int
) -> Iterator[Row]:
    """The conversations of one thread; its posts may come from several pages."""
    by_id = {str(find["id"]): find for find in finds}
    posts = threads.in_order(_post(find) for find in finds)
    names = threads.pseudonyms(posts)
    group = _shown(thread, unit.folder)
    if all(post.gone for post in posts):
        yield _row(
            unit,
            f"{group}#1",
            Transcript([], group=group),
            finds[0] | {"reason": "deleted"},
            max_bytes,
        )
    for number, path in enumerate(threads.paths(posts), 1):
        turns: list[Turn] = [
            (names[p.author], threads.without_names(p.text, names), None) for p in path
        ]
        find = by_id[path[0].id]
        extra = find.get("extra", {}) | {"posts": [post.id for post in path]}
        yield _row(
            unit,
            f"{group}#{number}",
            Transcript(turns, record=path[0].id, group=group, extra=extra),
            find,
            max_bytes,
        )


def _post(find: dict[str, Any]) -> threads.Post:
    """{id, author, text, place?, gone?, parent?}: without `parent` a post answers the one before it, null is none."""
    parent = find.get("parent", "")
    text = str(find.get("text") or "").strip()
    return threads.Post(
        id=str(find["id"]),
        parent=None if parent is None else str(parent),
        author=str(find.get("author") or ""),
        text=text,
        place=int(find.get("place") or 0),
        gone=bool(find.get("gone")) or not text,
    )


def _row(unit: WebUnit, ref: str, talk: Transcript, find: dict[str, Any], max_bytes: int) -> Row:
    """A talk with two speakers is kept; others are sent away with the reason."""
    source, day = unit.source, find.get("retrieved")
    retrieved = dt.date.fromisoformat(day) if day else None
    speakers = len({name for name, _, _ in talk.turns})
    reason = find.get("reason") or ("one_speaker" if speakers < 2 else None)
    credit = source.attribution and source.attribution.replace(
        "{address}", _shown(str(find["address"]), unit.folder)
    )
    origin = Origin(
        "web", source.name, source.license, credit, retrieved, source.assistant, max_bytes
    )
    row: Conversation | Quarantine
    if talk.turns:
        row = admit(talk, origin, ref)
    else:
        where = Source("web", source.name, ref, None, source.license, credit, retrieved)
        row = Conversation(
            identity(source.name, ref), (), where, split_group=f"{source.name}/{talk.group}"
        )
    if not reason or isinstance(row, Quarantine):
        return row
    finding = Finding("collect", f"web.{reason}", float(speakers), decision="drop")
    return Drop(dataclasses.replace(row, findings=(finding,)))


def _failure(unit: WebUnit, find: dict[str, Any]) -> Quarantine:
    address = _shown(str(find["address"]), unit.folder)
    count = int(find.get("count", 1))
    detail = str(find["error"])
    if count > 1:
        detail += f": {count} addresses, first this"
    raw = "\n".join(find.get("addresses", []))
    where, transient = f"{unit.source.name}: {address}", bool(find.get("passing"))
    return Quarantine(where, "page.failed", detail, raw, transient)
