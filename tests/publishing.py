"""Datasets written from rows, as the step of `publish` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish import files, related, release, split
from pipeline.publish.card import card
from pipeline.publish.configs import CONFIGS
from pipeline.publish.gates.tally import GateTally
from pipeline.publish.infos import ConfigInfo
from pipeline.publish.summary import Summary, Tally
from pipeline.recipe.publish import PublishSettings
from pipeline.run.steps.writing import described
from pipeline.store.columns import to_table
from pipeline.store.store import Store

Parts = Sequence[Sequence[Conversation]]


def published(folder: Path, parts: Parts, **settings: object) -> Path:
    """The folder of a dataset with these rows, written in these parts."""
    summary = written(folder, parts, **settings)
    Store(folder).write_text("README.md", card("tests", summary, []))
    return folder


def written(folder: Path, parts: Parts, **settings: object) -> Summary:
    """Write the files of every config; a split has one file."""
    checked = PublishSettings(**settings)
    placed = placed_rows(parts, checked)
    counts = dict.fromkeys(split.SPLITS, 1)
    configs = configs_of(folder, parts, placed, counts, checked)
    tally, gates = Tally(), GateTally(checked)
    for part in parts:
        tally.add(to_table(part))
        gates.add(to_table(part))
    summary = tally.summary(placed.rows(), configs)
    return replace(summary, licences=gates.licences, grades=gates.grades)


def refused(parts: Parts, **settings: object) -> list[str]:
    """Why these rows may not be released, as far as they themselves say it."""
    checked = PublishSettings(**settings)
    tally = GateTally(checked)
    for part in parts:
        tally.add(to_table(part))
    return release.parted(tally.refusals(), checked)[0]


def placed_rows(
    parts: Parts, settings: PublishSettings, before: split.Placement = split.NOTHING, seed: int = 1
) -> split.Placement:
    return split.placed(pa.concat_tables(map(related.keys, parts)), settings, seed, before)


def configs_of(
    folder: Path,
    parts: Parts,
    placed: split.Placement,
    counts: dict[str, int],
    settings: PublishSettings,
) -> list[ConfigInfo]:
    store, found = Store(folder), []
    for config in CONFIGS.values():
        one = files.write(config, parts, placed, counts, settings, store.committed)
        found.append(described(store, one))
    return found
