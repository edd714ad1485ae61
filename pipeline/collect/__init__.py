"""The first room: conversations enter from files, from the Hub and from spiders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.collect import files
from pipeline.conversation import Conversation, Drop, Quarantine
from pipeline.recipe import CollectSettings

Unit = files.FileUnit


def units(settings: CollectSettings, folder: Path) -> list[Unit]:
    """Everything that is to be read, cut into units of work, in the order of the recipe."""
    return [unit for source in settings.sources if source.files for unit in files.units(source, folder)]


def read(unit: Unit, settings: CollectSettings, state: Path) -> Iterator[Conversation | Drop | Quarantine]:
    """The rows of one unit, streamed. state: the run's folder, where a crawl keeps its pages."""
    return files.read(unit, settings)
