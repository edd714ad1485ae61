"""Where every published row stands, and the files of every config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from pipeline.publish import related, split
from pipeline.publish.configs import CONFIGS, Config
from pipeline.publish.files import Written, shard_count, write
from pipeline.publish.gates.refusal import Refusal
from pipeline.publish.infos import ConfigInfo, SplitInfo, loaded_bytes
from pipeline.recipe.publish import PublishSettings
from pipeline.run.context import StageContext
from pipeline.run.steps import choose, released
from pipeline.run.tokenizer import with_tokenizer
from pipeline.store.columns import from_table
from pipeline.store.store import Part, Store

# --- where rows stand


def placed(context: StageContext) -> tuple[pa.Table, released.Released]:
    """The `related.KEYS` of every row, where it stands, and how many files there are; as it was for
    what was released."""
    output, settings = context.output, context.settings
    parts = output.parts()
    seed = context.job.recipe.seed
    before = released.read(output, settings, seed)
    keys = pa.concat_tables(context.of_each(_keys_of_part, [(output, part) for part in parts]))
    known = choose.joined_rows(context)
    clusters = related.NO_CLUSTERS if known is None else related.clustered(known)
    now = split.placed(keys, settings, seed, before.placed, clusters)
    return keys, released.Released(now, _shard_counts(parts, now, before.counts))


def _keys_of_part(number: int, output: Store, part: Part) -> tuple[int, pa.Table]:
    rows = from_table(output.columns(part, related.COLUMNS), part.file)
    return number, related.keys(rows)


def _shard_counts(
    parts: Sequence[Part], now: split.Placement, before: Mapping[str, int]
) -> dict[str, int]:
    """How many files each split has. Rows of the rehearsal model stand in `train` of their own
    configs."""
    rows = now.rows()
    size = sum(part.mark.size for part in parts)
    counts = {}
    for name in split.SPLITS:
        own = rows.get(name, 0)
        share = size * own // max(1, len(now))
        counts[name] = shard_count(own, share, before.get(name, 0))
    return counts


# --- configs


def write_configs(
    context: StageContext, dataset: Store, now: released.Released
) -> tuple[list[ConfigInfo], list[Refusal]]:
    """Every config, and what chat templates do not take of them."""
    settings = with_tokenizer(context.settings, context.job.recipe)
    given = (context.output, dataset, context.output.parts(), now, settings)
    names = [name for name, config in CONFIGS.items() if _concerns(config, now.placed)]
    written = context.of_each(_write_config, [(name, *given) for name in names])
    refused = [one for _, several in written for one in several]
    return [config for config, _ in written], refused


def _concerns(config: Config, now: split.Placement) -> bool:
    """Are there rows that the config could be made of?"""
    is_rehearsal = now.places == split.AT_REHEARSAL
    return bool((is_rehearsal == config.rehearsal).any())


def _write_config(
    number: int,
    name: str,
    output: Store,
    dataset: Store,
    parts: Sequence[Part],
    now: released.Released,
    settings: PublishSettings,
) -> tuple[int, tuple[ConfigInfo, list[Refusal]]]:
    rows = map(output.read, parts)
    written = write(CONFIGS[name], rows, now.placed, now.counts, settings, dataset.committed)
    return number, (described(dataset, written), written.refusals())


def described(dataset: Store, written: Written) -> ConfigInfo:
    """A config with the bytes of its files, on disk and loaded."""
    splits = {}
    for name, own in written.splits.items():
        loaded = size = 0
        for file in own.files:
            with dataset.files.open(f"{dataset.path}/{file}", "rb") as opened:
                loaded += loaded_bytes(opened)
            size += dataset.size_of(file) or 0
        splits[name] = SplitInfo(own.rows, loaded, size)
    return ConfigInfo(
        written.name,
        splits,
        written.came,
        written.used,
        written.left_out,
        written.changed,
        written.tokens,
        written.licences,
    )
