"""Send away what was heard before: exact copies, near copies (MinHash, verified), parts of a longer conversation.

Three passes, none of which needs the whole data set in memory. Tables are of `conversation.SCHEMA`, about 10,000 rows:

    sign.sign(table, settings)                 one table per part, to be stored (Arrow IPC) and mapped from disk
    link.link(signed, settings, against)       one decision per row to drop, and a report; a part is a place in `signed`
    verify.apply(table, decisions, settings)   a part as (kept, dropped), given those of `verify.by_part`

Signing reads only `sign.COLUMNS`. Nothing here is imported before the room begins: numba costs 0.3 CPU-seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipeline.dedup import link, sign, verify
from pipeline.recipe.settings import DedupSettings


def dedup(
    tables: Sequence[pa.Table], settings: DedupSettings, against: Sequence[pa.Table] = ()
) -> tuple[list[pa.Table], list[pa.Table], dict[str, Any]]:
    """The three passes in memory: (kept, dropped, report), one kept and one dropped table per table."""
    signed = [sign.sign(table, settings) for table in tables]
    decisions, report = link.link(
        signed, settings, [sign.sign(table, settings) for table in against]
    )
    parts = zip(tables, verify.by_part(decisions, len(tables)), strict=True)
    done = [verify.apply(table, part, settings) for table, part in parts]
    return [kept for kept, _ in done], [dropped for _, dropped in done], report
