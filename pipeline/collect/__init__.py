"""The first room: conversations enter from files, from the Hub and from spiders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.collect import files, hub, web
from pipeline.conversation import Row
from pipeline.recipe.settings import CollectSettings, SourceSettings

Unit = files.FileUnit | hub.HubUnit | web.WebUnit


def resolved(sources: Sequence[SourceSettings]) -> list[SourceSettings]:
    """Sources with every Hub dataset pinned to a commit, its licence and citation filled in from its card.

    One that names all three is taken at its word: nobody is asked.
    """
    return [
        hub.resolve(source) if source.hub and not hub.is_pinned(source) else source
        for source in sources
    ]


def units(settings: CollectSettings, folder: Path) -> list[Unit]:
    """Everything that is to be read, cut into units of work, in the order of the recipe."""
    return [unit for source in settings.sources for unit in _units(source, settings, folder)]


def _units(source: SourceSettings, settings: CollectSettings, folder: Path) -> Sequence[Unit]:
    if source.hub:
        return hub.units(source)
    return files.units(source, folder) if source.files else [web.unit(source, settings, folder)]


def size(units: Sequence[Unit]) -> float:
    """Bytes that are to be read; without end where a network is waited for."""
    return sum(_size(unit) for unit in units)


def _size(unit: Unit) -> float:
    if isinstance(unit, files.FileUnit):
        return sum(found.size for found in unit.files)
    on_disk = isinstance(unit, web.WebUnit) and all(
        a.startswith("file:") or "://" not in a for a in unit.source.start
    )
    return 0 if on_disk else float("inf")


def read(unit: Unit, settings: CollectSettings, state: Path) -> Iterator[Row]:
    """The rows of one unit, streamed. state: the run's folder, where a crawl keeps its pages."""
    if isinstance(unit, web.WebUnit):
        return web.read(unit, settings, state)
    return hub.read(unit, settings) if isinstance(unit, hub.HubUnit) else files.read(unit, settings)
