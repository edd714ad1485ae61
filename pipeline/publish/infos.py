"""What a loader must know of a config, for the metadata of the card: its files, columns, rows and
bytes.

    configs:       config_name, and for each split the pattern of its files
    dataset_info:  config_name, features, splits (rows, bytes in memory), bytes of files and memory
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.publish.configs import CONFIGS


@dataclass(frozen=True)
class SplitInfo:
    """rows; loaded: bytes that they take in memory; files: bytes on disk."""

    rows: int
    loaded: int
    files: int


@dataclass(frozen=True)
class ConfigInfo:
    """A config as it was written. came, used, left_out, changed, tokens, licences: see
    `files.Written`."""

    name: str
    splits: dict[str, SplitInfo]
    came: int = 0
    used: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[int, int] = field(default_factory=dict)
    licences: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(split.rows for split in self.splits.values())


def is_rehearsal(config: ConfigInfo) -> bool:
    """Is it of rows of the rehearsal model?"""
    return CONFIGS[config.name].rehearsal


def metadata(configs: Sequence[ConfigInfo]) -> dict[str, object]:
    """`configs` and `dataset_info` of the card; configs without a row are not in it."""
    present = [config for config in configs if config.rows]
    return {
        "configs": list(map(_files, present)),
        "dataset_info": list(map(_info, present)),
    }


def overview(configs: Sequence[ConfigInfo]) -> list[tuple[object, ...]]:
    """A table for the card, its head first: what each config is for, and its rows."""
    rows: list[tuple[object, ...]] = [("config", "for", "rows", "of conversations")]
    for config in configs:
        if config.rows:
            of = f"{config.used} of {config.came}"
            rows.append((config.name, CONFIGS[config.name].about, config.rows, of))
    return rows


def accounts(configs: Sequence[ConfigInfo]) -> list[tuple[object, ...]]:
    """A table for the card, its head first: conversations that a config leaves out, and what was
    changed for it."""
    rows: list[tuple[object, ...]] = [("config", "what", "times")]
    for config in configs:
        if config.rows:
            rows += [(config.name, f"left out: {why}", n) for why, n in config.left_out.items()]
            rows += [(config.name, what, count) for what, count in config.changed.items()]
    return rows


def token_table(configs: Sequence[ConfigInfo]) -> list[tuple[object, ...]]:
    """A table for the card, its head first: rows of `default` by their tokens."""
    rows: list[tuple[object, ...]] = [("tokens, up to", "rows")]
    for config in configs:
        if config.name == "default":
            rows += config.tokens.items()
    return rows


def _files(config: ConfigInfo) -> dict[str, object]:
    files = []
    for split in config.splits:
        files.append({"split": split, "path": f"{config.name}/{split}-*.parquet"})
    return {"config_name": config.name, "data_files": files}


def _info(config: ConfigInfo) -> dict[str, object]:
    splits = []
    for name, split in config.splits.items():
        splits.append({"name": name, "num_bytes": split.loaded, "num_examples": split.rows})
    return {
        "config_name": config.name,
        "features": list(map(_feature, CONFIGS[config.name].schema)),
        "splits": splits,
        "download_size": sum(split.files for split in config.splits.values()),
        "dataset_size": sum(split.loaded for split in config.splits.values()),
    }


def _feature(column: pa.Field) -> dict[str, object]:
    """A column as `datasets` writes it: `{name: messages, list: [{name: role, …}]}`."""
    return {"name": column.name, **_kind(column.type)}


def _kind(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": list(map(_feature, kind))}
    if pa.types.is_list(kind):
        inner = _kind(kind.value_type)
        return {"list": inner.get("dtype") or inner.get("struct") or inner}
    names = {"double": "float64", "date32[day]": "date32"}
    return {"dtype": names.get(str(kind), str(kind))}


def loaded_bytes(file: BinaryIO) -> int:
    """Bytes that the rows of a Parquet file take in memory, read as `datasets` reads them: in
    batches of its first row group."""
    fragment = ds.ParquetFileFormat().make_fragment(file)
    return sum(map(_bytes, _batches(fragment)))


def _batches(fragment: ds.Fragment) -> Iterator[pa.RecordBatch]:
    rows = fragment.row_groups[0].num_rows
    yield from fragment.to_batches(batch_size=rows, batch_readahead=0, fragment_readahead=0)


def _bytes(batch: pa.RecordBatch) -> int:
    size: int = pa.Table.from_batches([batch]).combine_chunks().nbytes
    return size
