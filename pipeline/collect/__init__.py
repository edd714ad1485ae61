"""The first stage: conversations enter from files, from the Hub and from spiders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.collect import files, hub, web
from pipeline.collect.in_hand import EMPTY, OWN_ROWS
from pipeline.conversation import Row
from pipeline.recipe.collect import CollectSettings, SourceSettings

__all__ = ["EMPTY", "OWN_ROWS", "Unit", "read", "resolved", "size", "units"]

Unit = files.FileUnit | hub.HubUnit | web.WebUnit


def resolved(sources: Sequence[SourceSettings]) -> list[SourceSettings]:
    """Sources with every Hub dataset pinned to a commit, with licence and citation from its card.

    A source that names all three is used as it is: no server is asked.
    """
    return [_resolved(source) for source in sources]


def _resolved(source: SourceSettings) -> SourceSettings:
    if source.hub and not hub.is_pinned(source):
        return hub.resolve(source)
    return source


def units(settings: CollectSettings, folder: Path) -> list[Unit]:
    """All that is to be read, cut into units of work, in the order of the recipe."""
    return [unit for source in settings.sources for unit in _units(source, settings, folder)]


def _units(source: SourceSettings, settings: CollectSettings, folder: Path) -> Sequence[Unit]:
    if source.hub:
        return hub.units(source)
    if source.files:
        return files.units(source, folder)
    return [web.unit(source, settings, folder)]


def size(units: Sequence[Unit]) -> float:
    """Bytes that are to be read; infinite where something comes from a network."""
    return sum(map(_size, units))


def _size(unit: Unit) -> float:
    if isinstance(unit, files.FileUnit):
        return sum(file.size for file in unit.files)
    if isinstance(unit, web.WebUnit) and all(map(_is_local, unit.source.start)):
        return 0
    return float("inf")


def _is_local(address: str) -> bool:
    return address.startswith("file:") or "://" not in address


def read(unit: Unit, settings: CollectSettings, state: Path) -> Iterator[Row]:
    """The rows of one unit, streamed. state: the run's folder, where a crawl keeps its pages."""
    if isinstance(unit, web.WebUnit):
        return web.read(unit, settings, state)
    if isinstance(unit, hub.HubUnit):
        return hub.read(unit, settings)
    return files.read(unit, settings)
