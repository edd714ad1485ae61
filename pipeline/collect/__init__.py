"""The first room: conversations enter from files, from the Hub and from spiders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.collect import files, web
from pipeline.conversation import Conversation, Drop, Quarantine
from pipeline.recipe import CollectSettings, SourceSettings

Unit = files.FileUnit | web.WebUnit


def units(settings: CollectSettings, folder: Path) -> list[Unit]:
    """Everything that is to be read, cut into units of work, in the order of the recipe."""
    return [unit for source in settings.sources for unit in _units(source, settings, folder)]


def _units(source: SourceSettings, settings: CollectSettings, folder: Path) -> Sequence[Unit]:
    return files.units(source, folder) if source.files else [web.unit(source, settings, folder)]


def read(unit: Unit, settings: CollectSettings, state: Path) -> Iterator[Conversation | Drop | Quarantine]:
    """The rows of one unit, streamed. state: the run's folder, where a crawl keeps its pages."""
    return web.read(unit, settings, state) if isinstance(unit, web.WebUnit) else files.read(unit, settings)
