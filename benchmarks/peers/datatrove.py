"""datatrove's four minhash stages, 5-grams, 14 buckets x 9. python datatrove.py IN OUT"""

import sys

sys.path.append(sys.path.pop(0))  # this file has the package's name
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig

FOLDER, OUT = sys.argv[1:3]
CONFIG = MinhashConfig(
    n_grams=5, num_buckets=14, hashes_per_bucket=9, hash_config=HashConfig(precision=64)
)


def run(name: str, pipeline: list, tasks: int = 1) -> None:
    LocalPipelineExecutor(
        pipeline=pipeline, tasks=tasks, workers=1, logging_dir=f"{OUT}/log-{name}"
    ).run()


def reader() -> ParquetReader:
    return ParquetReader(FOLDER, glob_pattern="text.parquet", text_key="text", id_key="id")


if __name__ == "__main__":
    run("1", [reader(), MinhashDedupSignature(output_folder=f"{OUT}/signed", config=CONFIG)])
    run(
        "2",
        [
            MinhashDedupBuckets(
                input_folder=f"{OUT}/signed", output_folder=f"{OUT}/buckets", config=CONFIG
            )
        ],
        14,
    )
    run(
        "3",
        [
            MinhashDedupCluster(
                input_folder=f"{OUT}/buckets", output_folder=f"{OUT}/gone", config=CONFIG
            )
        ],
    )
    run(
        "4",
        [
            reader(),
            MinhashDedupFilter(input_folder=f"{OUT}/gone"),
            ParquetWriter(f"{OUT}/kept", compression="zstd"),
        ],
    )
