"""Which rows are related: one of them in train and another in test would be a leak.

    row   its keys                                        group
    a     character Ada · thread 7 · words a              a and b: they share the character
    b     character Ada · thread 9 · words b
    c     thread 9 · words c                              c too: it shares a thread with b

Rows are related that have a character, the text of a persona, a thread or document, all their words
or a cluster of `dedup` in common, and so are those related to the same row. A group is named by its
strongest key, characters before threads: a row that comes later rarely gives it another name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.conversation import Conversation, fingerprint, normalised
from pipeline.publish.listing import character

Names = npt.NDArray[np.uint64]
RowNumbers = npt.NDArray[np.int64]

Clusters = Mapping[int, int]  # a row's name → the key of its cluster
NO_CLUSTERS: Clusters = {}

# kinds of keys, the strongest first: the three highest bits of a key
CHARACTER, PERSONA, THREAD, WORDS, CLUSTER = range(5)
KIND_BITS = 3
# of a row, all that its place is made from
KEYS = pa.schema(
    [
        ("id", pa.uint64()),
        ("keys", pa.list_(pa.uint64())),
        ("stratum", pa.string()),  # source and language
        ("rehearsal", pa.bool_()),
    ]
)
# of a part, what is read for it
COLUMNS = ["id", "messages", "source", "persona", "split_group", "language"]


def number_of(text: str) -> int:
    """Names a text, 64 bits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def keys(rows: Iterable[Conversation]) -> pa.Table:
    """`KEYS` of the rows of a part."""
    found = []
    for row in rows:
        language = row.language.code if row.language else ""
        found.append(
            {
                "id": number_of(row.id),
                "keys": list(_keys(row)),
                "stratum": f"{row.source.name}\x1f{language}",
                "rehearsal": row.source.rehearsal,
            }
        )
    return pa.Table.from_pylist(found, KEYS)


def _keys(row: Conversation) -> Iterator[int]:
    """What a row may have in common with another one; of no row nothing."""
    who = character(row)
    if who:
        yield _key(CHARACTER, who.hex())
    about = normalised(row.persona.description or "") if row.persona else ""
    if about:
        yield _key(PERSONA, about)
    if row.split_group:
        yield _key(THREAD, row.split_group)
    yield _key(WORDS, fingerprint(row))


def _key(kind: int, text: str) -> int:
    return (kind << 64 - KIND_BITS) | (number_of(text) >> KIND_BITS)


def clustered(known: pa.Table) -> Clusters:
    """The keys of rows by their names. known: (id, cluster) of rows that `dedup` has joined."""
    found = {}
    for name, cluster in zip(*(column.to_pylist() for column in known.columns), strict=True):
        found[number_of(name)] = _key(CLUSTER, cluster)
    return found


def groups(table: pa.Table, clusters: Clusters = NO_CLUSTERS) -> tuple[RowNumbers, Names]:
    """Which rows are related, from the `KEYS` of all of them.

    Returns (rows,) the group of each, numbered from 0, and (groups,) their names.
    """
    lists = table["keys"].combine_chunks()
    rows = np.repeat(np.arange(table.num_rows), lists.value_lengths().to_numpy())
    found = lists.flatten().to_numpy()
    if clusters:
        members, more = _in_clusters(table["id"].to_pylist(), clusters)
        rows = np.concatenate([rows, members])
        found = np.concatenate([found, more])
    values, coded = np.unique(found, return_inverse=True)
    labels = _linked(table.num_rows, rows, coded, len(values))
    _, group_of = np.unique(labels, return_inverse=True)
    names = np.full(group_of.max(initial=-1) + 1, np.iinfo(np.uint64).max)
    np.minimum.at(names, group_of[rows], values[coded])
    return group_of, names


def _in_clusters(names: Sequence[int], clusters: Clusters) -> tuple[RowNumbers, Names]:
    """The rows that are in a cluster, and its key for each."""
    rows = [row for row, name in enumerate(names) if name in clusters]
    found = [clusters[names[row]] for row in rows]
    return np.array(rows, np.int64), np.array(found, np.uint64)


def _linked(count: int, rows: RowNumbers, coded: RowNumbers, values: int) -> RowNumbers:
    """(rows,) the first row that each is related to. rows, coded: a row and a key that it has.

    Every row takes the first row of its keys, then the first row of that row, until nothing
    changes.
    """
    labels = np.arange(count)
    while True:
        first = np.full(values, count)
        np.minimum.at(first, coded, labels[rows])
        new = labels.copy()
        np.minimum.at(new, rows, first[coded])
        new = new[new]
        if np.array_equal(new, labels):
            return labels
        labels = new
