"""Which sites are known, and which are refused: `configs/sources/`, see the README there."""

from __future__ import annotations

from functools import cache
from typing import TypedDict
from urllib.parse import urlsplit

from pipeline import UserError
from pipeline.recipe.collect import SourceSettings
from pipeline.texts import configs, values
from spiders.crawl import networks

SCHEMES = ("http", "https", "file")


class RefusedSite(TypedDict):
    """A site whose terms forbid crawling or training. hosts: with all hosts below them."""

    name: str
    hosts: list[str]
    reason: str
    terms: str


@cache
def registry() -> dict[str, dict[str, object]]:
    """The shipped sources: name → content of its file."""
    names = sorted(path.stem for path in (configs() / "sources").glob("*.yaml"))
    return {name: values("sources", f"{name}.yaml") for name in names if name != "refused"}


@cache
def refused() -> list[RefusedSite]:
    sites: list[RefusedSite] = values("sources", "refused.yaml")
    return sites


def completed(source: SourceSettings) -> SourceSettings:
    """A source with all that the registry knows under its name and the recipe does not set."""
    known = registry().get(source.name)
    if known is None or source.files or source.hub:
        return source
    given = source.model_dump(exclude_unset=True)
    ours = {key: value for key, value in known.items() if key in SourceSettings.model_fields}
    crawl = {**_mapping(ours.get("crawl")), **_mapping(given.get("crawl"))}
    return SourceSettings.model_validate(ours | given | {"crawl": crawl})


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def check_allowed(where: str, address: str) -> None:
    """Raises UserError when an address belongs to a refused site."""
    host = urlsplit(address).hostname or ""
    for site in refused():
        if any(host == known or host.endswith(f".{known}") for known in site["hosts"]):
            reason = f"{site['reason']} See {site['terms']}"
            raise UserError(f"{where}: {site['name']} is refused: {reason}")


def is_public(address: str) -> bool:
    """Does an address lead to a site in the internet, not to this machine or its network?"""
    has_host = "://" in address and bool(urlsplit(address).hostname)
    return has_host and networks.not_public(address) is None


def check_address(where: str, address: str, private: bool) -> None:
    """Raises UserError when nothing may be asked at an address, or nothing can be.

    private: the network of this machine may be asked, too.
    """
    try:
        parts = urlsplit(address)
        scheme, _ = parts.scheme, parts.port
    except ValueError as error:
        raise UserError(f"{where}: {address} cannot be an address: {error}.") from None
    if "://" in address and scheme not in SCHEMES:
        raise UserError(f"{where}: {address} begins with none of {', '.join(SCHEMES)}.")
    reason = networks.not_public(address)
    if reason and not (private or networks.is_this_machine(address)):
        raise UserError(
            f"{where}: {reason}. A crawl asks only the internet; if this is meant, write "
            f"{networks.ALLOWED_BY}."
        )
