"""Which rows `dedup` has joined: its clusters of duplicates.

Rows of one cluster are left over where nothing was dropped (`only_report`), and where duplicates of
one row are no duplicates of each other:

    decisions    b is like a, cluster a        joined    a: a, b: a, c: a
                 b is like c, cluster a
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

DECIDED = ["id", "partner", "cluster"]  # columns of the decisions of `dedup`


def joined(decisions: pa.Table) -> pa.Table:
    """(id, cluster) of every row that is joined to another, once each."""
    named = [pa.table({"id": decisions[who], "cluster": decisions["cluster"]}) for who in DECIDED]
    return pa.concat_tables(named).group_by("id").aggregate([("cluster", "min")])


def with_clusters(listed: pa.Table, known: pa.Table | None) -> pa.Table:
    """Listed rows, each with the name of its cluster; one that is joined to none has its own.
    known: see `joined`; None: nothing is known, as no `dedup` came before."""
    if known is None:
        return listed
    places = pc.index_in(listed["id"], value_set=known["id"].combine_chunks())
    named = pc.coalesce(known["cluster_min"].take(places), listed["id"])
    column = listed.schema.get_field_index("cluster")
    return listed.set_column(column, listed.schema.field(column), named)
