"""Our room, Parquet to Parquet: sign each part, link, apply. One process, as the peers here.

python rapport.py IN OUT
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.dedup import link, sign, verify
from pipeline.recipe import DedupSettings


def main() -> None:
    parts, out, settings = sorted(Path(sys.argv[1], "kept").iterdir()), Path(sys.argv[2]), DedupSettings(threshold=0.7)
    pa.set_cpu_count(1)
    for folder in ("signed", "kept", "dropped"):
        (out / folder).mkdir(parents=True)
    for part in parts:
        signed = sign.sign(pq.ParquetFile(part).read(columns=sign.COLUMNS, use_threads=False), settings)
        with pa.ipc.new_file(str(out / "signed" / f"{part.stem}.arrow"), signed.schema) as file:
            file.write_table(signed)
    mapped = [pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in sorted((out / "signed").iterdir())]
    decisions, report = link.link(mapped, settings)
    for number, part in enumerate(parts):
        table = pq.ParquetFile(part).read(use_threads=False)
        mine = decisions.filter(pc.equal(decisions["part"], number))
        for kind, rows in zip(("kept", "dropped"), verify.apply(table, mine, settings), strict=True):
            pq.write_table(rows, out / kind / part.name, compression="zstd")
    print(report)


if __name__ == "__main__":
    main()
