"""Exact similarities, who goes on their account, and what a dropped row says of it."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.conversation import Conversation, Finding, Message, Source, from_table, to_table
from pipeline.dedup import dedup, link, sign, verify
from pipeline.recipe.settings import DedupSettings

SETTINGS = DedupSettings()
SETS = st.lists(st.lists(st.integers(0, 40), max_size=60), min_size=2, max_size=8)


@given(SETS)
@settings(max_examples=200, deadline=None)
def test_overlaps_are_those_of_python_sets(rows):
    flat = np.array([x for row in rows for x in row], np.uint32)
    starts = np.cumsum([0, *map(len, rows)])
    pairs = np.array([(a, b) for a in range(len(rows)) for b in range(a + 1, len(rows))])
    sizes = verify.distinct_shingles(flat, starts)
    shared = verify.overlaps(flat, starts, pairs, np.zeros(len(pairs), np.int32))
    assert sizes.tolist() == [len(set(row)) for row in rows]
    assert shared.tolist() == [len(set(rows[a]) & set(rows[b])) for a, b in pairs]


@given(SETS, st.integers(0, 30))
@settings(max_examples=200, deadline=None)
def test_a_pair_that_can_reach_what_it_must_is_counted_to_its_end(rows, least):
    flat = np.array([x for row in rows for x in row], np.uint32)
    pairs = np.array([(a, b) for a in range(len(rows)) for b in range(a + 1, len(rows))])
    asked = np.full(len(pairs), least, np.int32)
    found = verify.overlaps(flat, np.cumsum([0, *map(len, rows)]), pairs, asked)
    for (a, b), shared in zip(pairs, found.tolist(), strict=True):
        truth = len(set(rows[a]) & set(rows[b]))
        assert shared == truth if truth >= least else shared < least


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 11), st.integers(0, 11)),
        st.sampled_from([verify.NEAR, verify.CONTAINED]),
    )
)
@settings(max_examples=200, deadline=None)
def test_of_two_alike_one_goes_and_who_goes_has_a_partner_that_stays(found):
    pairs = {(a, b): rule for (a, b), rule in found.items() if a < b}
    a, b = (np.array([p[i] for p in pairs], np.int64) for i in (0, 1))
    sizes = np.arange(120, 0, -10, dtype=np.int32)
    like, limit = np.full(len(a), 0.8), np.full(len(a), 0.7)
    edges = verify.Edges(
        a, b, np.array(list(pairs.values()), np.int8), like, limit, sizes[a], sizes[b]
    )
    partners = verify.choose(edges, 12, 0)
    gone = {row for row in range(12) if partners[row] != verify.NONE}
    for row in gone:
        edge = partners[row]
        assert row in (a[edge], b[edge])
        assert a[edge] + b[edge] - row not in gone
    for one, two in pairs:
        assert one in gone or two in gone


def conversation(name: str, text: str, **more) -> Conversation:
    return Conversation(name, (Message("user", text),), Source("file", "s", name), **more)


TEXT = "a rather long sentence about the weather on the coast and the boats that did not come back"
WARNED = Finding("filter", "style.x", decision="warn")


def test_a_dropped_row_keeps_its_findings_and_names_its_partner():
    rows = [
        conversation("a", TEXT),
        conversation("b", TEXT + "!", findings=(WARNED,)),
        conversation("c", "else"),
    ]
    kept, dropped, report = dedup([to_table(rows)], SETTINGS)
    assert [row.id for row in from_table(kept[0])] == ["a", "c"]
    (gone,) = from_table(dropped[0])
    assert gone.findings[0] == WARNED
    assert gone.findings[1] == Finding(
        "dedup",
        "dedup.exact",
        1.0,
        1.0,
        evidence="partner a cluster a view dialogue",
        decision="drop",
    )
    assert report["dropped"] == {"dedup.exact": 1}


def test_kept_rows_are_untouched():
    table = to_table(
        [conversation("a", TEXT, findings=(WARNED,), extra="{}"), conversation("b", TEXT)]
    )
    kept, dropped, _ = dedup([table], DedupSettings(sources=["s"]))
    assert kept[0].equals(table.slice(1, 1))
    assert dropped[0].schema == table.schema


def test_nothing_to_drop_leaves_every_row_and_no_dropped_one():
    table = to_table(
        [conversation("a", TEXT), conversation("b", "something else entirely, nothing alike")]
    )
    decisions, _ = link.link([sign.sign(table, SETTINGS)], SETTINGS)
    kept, dropped = verify.apply(table, decisions, SETTINGS)
    assert kept.equals(table)
    assert (len(dropped), dropped.schema) == (0, table.schema)


def test_a_long_chain_is_one_cluster_but_only_rows_alike_to_one_that_stays_go():
    """a ~ b ~ c, but a and c are not alike: b goes for a, and c stays."""
    words = [f"word{i}" for i in range(60)]
    texts = [words[start : start + 44] for start in (0, 5, 10)]
    rows = [conversation(name, " ".join(text)) for name, text in zip("abc", texts, strict=True)]
    _, dropped, _ = dedup([to_table(rows)], DedupSettings(threshold=0.75))
    assert [row.id for row in from_table(pa.concat_tables(dropped))] == ["b"]
