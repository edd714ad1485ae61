"""Our stage, Parquet to Parquet, in one process. python rapport.py IN OUT [stored]

As the peers do it: all rows in memory, kept rows out, and the pairs. `stored`, as the stage does
it: signed parts on disk, rows read a second time, dropped rows written too, with their reasons.
"""

import os
import sys
from pathlib import Path

from pipeline.run.startup import lean

lean(os.environ)
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dedup import link, sign, verify
from pipeline.dedup.columns import arrow, values
from pipeline.recipe.settings import DedupSettings
from pipeline.store.parts import parquet

SETTINGS = DedupSettings(threshold=0.7)


def read(part: Path, columns: list[str] | None = None) -> pa.Table:
    return pq.ParquetFile(part).read(columns=columns, use_threads=False)


def write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, parquet(file, table.schema) as writer:
        writer.write_table(table)


def in_memory(parts: list[Path], out: Path) -> None:
    tables, signed = [], []
    for part in parts:
        tables.append(read(part))
        signed.append(sign.sign(tables[-1], SETTINGS))
    decisions, report = link.link(signed, SETTINGS)
    write(out / "pairs.parquet", decisions)
    for part, table, mine in zip(parts, tables, verify.by_part(decisions, len(parts)), strict=True):
        stays = np.ones(len(table), bool)
        stays[values(mine["row"])] = False
        write(out / "kept" / part.name, table.take(arrow(np.flatnonzero(stays))))
    print(report)


def stored(parts: list[Path], out: Path) -> None:
    (out / "signed").mkdir(parents=True)
    for part in parts:
        signed = sign.sign(read(part, sign.COLUMNS), SETTINGS)
        with pa.ipc.new_file(str(out / "signed" / f"{part.stem}.arrow"), signed.schema) as file:
            file.write_table(signed)
    mapped = [
        pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        for path in sorted((out / "signed").iterdir())
    ]
    decisions, report = link.link(mapped, SETTINGS)
    for part, mine in zip(parts, verify.by_part(decisions, len(parts)), strict=True):
        done = verify.apply(read(part), mine, SETTINGS)
        write(out / "kept" / part.name, done.kept)
        write(out / "dropped" / part.name, done.dropped)
    print(report)


if __name__ == "__main__":
    pa.set_cpu_count(1)
    work = stored if "stored" in sys.argv else in_memory
    work(sorted(Path(sys.argv[1], "kept").iterdir()), Path(sys.argv[2]))
