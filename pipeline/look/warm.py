"""What takes seconds on a large run, and is found out after the index is whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.look import whatif
from pipeline.look.opened import SHARD
from pipeline.look.state import Groups, Look

GROUP = "split_group"


def warm(look: Look) -> None:
    """Rows near limits, and groups in two splits. Raises UserError where a store is damaged."""
    look.known_choices = whatif.choices(look)
    look.known_groups = _groups(_dataset(look))


def _dataset(look: Look) -> Path:
    path = look.subject.path
    return path if look.subject.kind == "dataset" else path / "6-publish" / "dataset"


def _groups(dataset: Path) -> Groups | None:
    """None where nothing is published."""
    splits: dict[str, pa.ChunkedArray] = {}
    for file in sorted(dataset.glob("full/*.parquet")):
        shard = SHARD.fullmatch(file.name)
        if shard is None or GROUP not in pq.read_schema(file).names:
            continue
        own = pc.drop_null(pq.read_table(file, columns=[GROUP])[GROUP])
        before = splits.get(shard["split"])
        chunks = [*(before.chunks if before is not None else ()), *own.chunks]
        splits[shard["split"]] = pa.chunked_array(chunks, pa.string())
    if not splits:
        return None
    each = [pc.unique(groups) for groups in splits.values()]
    counts = pa.concat_arrays(each).value_counts()
    in_two = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return Groups(len(counts), in_two.to_pylist())
