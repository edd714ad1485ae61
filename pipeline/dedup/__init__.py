"""Drop duplicates: exact copies, near copies (MinHash, verified), parts of a longer conversation.

Three passes, none of which needs the whole data set in memory. Tables are of
`store.columns.SCHEMA`, about 10,000 rows:

    sign.sign(table, settings)                 a table per part, to be stored and mapped from disk
    link.link(signed, settings, against)       a decision per row to drop, and a report
    verify.apply(table, decisions, settings)   a part as (kept, dropped); see `verify.by_part`

Signing reads only `sign.COLUMNS`. numba is imported when there is much to do: see
kernels.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipeline.dedup import link, sign, verify
from pipeline.recipe.dedup import DedupSettings


def dedup(
    tables: Sequence[pa.Table], settings: DedupSettings, against: Sequence[pa.Table] = ()
) -> tuple[list[pa.Table], list[pa.Table], link.LinkReport]:
    """The three passes in memory: (kept, dropped, report), one kept and one dropped table each."""
    signed = [sign.sign(table, settings) for table in tables]
    foreign = [sign.sign(table, settings) for table in against]
    decisions, report = link.link(signed, settings, foreign)
    decided = zip(tables, verify.by_part(decisions, len(tables)), strict=True)
    parts = [verify.apply(table, mine, settings) for table, mine in decided]
    return [part.kept for part in parts], [part.dropped for part in parts], report
