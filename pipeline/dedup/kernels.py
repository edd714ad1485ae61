"""The inner loops of dedup: what they compute, and who computes it.

`plain` has them in Python and numpy, `fast` compiled by numba: the same functions
with the same results. Compiling takes some ten CPU-seconds once, loading what was
compiled half a second in each process, so little data is computed by `plain`.
"""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
import pyarrow as pa

from pipeline.dedup.arrays import (
    BucketPairs,
    CountArray,
    Counters,
    Flags,
    Integers,
    Keys,
    Lists,
    PartRows,
    SideShingles,
)
from pipeline.dedup.boilerplate import BoilerplateCut, Limits, ShingleSurvey
from pipeline.dedup.view import ComparedTexts

PLAIN_WORDS = 100_000  # words that one process computes in Python: about half a CPU-second


class Kernels(Protocol):
    """The inner loops. `plain.py` defines what each one computes."""

    def shingle(self, texts: ComparedTexts) -> pa.Table: ...

    def band_keys(self, shingles: Lists, bands: int, width: int) -> Keys: ...

    def shared_keys(self, keys: Keys, ranks: Integers, bits: np.uint64) -> Keys: ...

    def bucket_pairs(self, packed: Keys, bits: np.uint64, cap: int) -> BucketPairs: ...

    def count_distinct(self, shingles: Lists) -> CountArray: ...

    def count_shared(self, shingles: Lists, pairs: Integers, least: CountArray) -> CountArray: ...

    def count_rows(self, part: PartRows, sample: int, most: int, counters: Counters) -> None: ...

    def survey(
        self, part: PartRows, able: Flags, counters: Counters, limits: Limits
    ) -> ShingleSurvey: ...

    def cut(self, part: PartRows, counters: Counters, many: int) -> BoilerplateCut: ...

    def holders(self, part: PartRows, wanted: Flags) -> Keys: ...

    def side_shingles(self, part: pa.Table, side: int, wanted: Flags) -> SideShingles: ...


class _Choice:
    """Plain until this process has had PLAIN_WORDS words to do: from then on compiling pays."""

    def __init__(self) -> None:
        self.words = 0

    def __call__(self, words: int) -> Kernels:
        self.words += words
        if self.words <= PLAIN_WORDS:
            from pipeline.dedup import plain

            return cast(Kernels, plain)
        from pipeline.dedup import fast

        return cast(Kernels, fast)


kernels = _Choice()
