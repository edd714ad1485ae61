"""Which row of a pair of duplicates is dropped, and what a dropped row says of it."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.conversation import Conversation, Finding, Message, Source
from pipeline.dedup import dedup, edges, link, sign, verify
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import from_table, to_table

SETTINGS = DedupSettings()


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 11), st.integers(0, 11)),
        st.sampled_from([edges.NEAR, edges.CONTAINED]),
    )
)
@settings(max_examples=200, deadline=None)
def test_one_of_two_duplicates_is_dropped_and_a_dropped_row_has_a_partner_that_is_kept(found):
    pairs = {(a, b): rule for (a, b), rule in found.items() if a < b}
    a, b = (np.array([p[i] for p in pairs], np.int64) for i in (0, 1))
    sizes = np.arange(120, 0, -10, dtype=np.int32)
    like, limit = np.full(len(a), 0.8), np.full(len(a), 0.7)
    rules = np.array(list(pairs.values()), np.int8)
    given_edges = edges.Edges(a, b, rules, like, limit, sizes[a], sizes[b])
    partners = edges.choose(given_edges, 12, 0)
    dropped_rows = {row for row in range(12) if partners[row] != edges.NONE}
    for row in dropped_rows:
        edge = partners[row]
        assert row in (a[edge], b[edge])
        assert a[edge] + b[edge] - row not in dropped_rows
    for one, two in pairs:
        assert one in dropped_rows or two in dropped_rows


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
    (found,) = from_table(dropped[0])
    assert found.findings[0] == WARNED
    assert found.findings[1] == Finding(
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
        [conversation("a", TEXT), conversation("b", "something else entirely, and so on")]
    )
    decisions, _ = link.link([sign.sign(table, SETTINGS)], SETTINGS)
    kept, dropped = verify.apply(table, decisions, SETTINGS)
    assert kept.equals(table)
    assert (len(dropped), dropped.schema) == (0, table.schema)


def test_a_long_chain_is_one_cluster_but_only_duplicates_of_a_kept_row_are_dropped():
    """a ~ b ~ c, but a and c are not similar: b is dropped for a, and c is kept."""
    words = [f"word{i}" for i in range(60)]
    texts = [words[start : start + 44] for start in (0, 5, 10)]
    rows = [conversation(name, " ".join(text)) for name, text in zip("abc", texts, strict=True)]
    _, dropped, _ = dedup([to_table(rows)], DedupSettings(threshold=0.75))
    assert [row.id for row in from_table(pa.concat_tables(dropped))] == ["b"]


def near(*pairs: tuple[int, int]) -> edges.Edges:
    first, second = (np.array([pair[place] for pair in pairs]) for place in (0, 1))
    return edges.Edges.of(
        first, second, edges.NEAR, np.full(len(pairs), 0.8), np.full(len(pairs), 0.7)
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_a_cluster_is_named_by_the_first_row_that_is_joined_to_it(joined):
    pairs = [(a, b) for a, b in joined if a < b]
    expected = list(range(10))
    for _ in range(10):
        for a, b in pairs:
            expected[a] = expected[b] = min(expected[a], expected[b])
    found = edges.clusters(near(*pairs) if pairs else edges.Edges.none(), 10)
    assert found.tolist() == expected


def test_rows_of_other_sets_are_never_dropped():
    partners = edges.choose(near((0, 2), (1, 2)), 3, foreign=2)
    assert (partners != edges.NONE).tolist() == [False, False, True]


def test_the_nearest_partner_is_named_and_near_comes_before_contained():
    some = near((0, 2), (1, 2))
    some.similarity = np.array([0.8, 0.9])
    assert edges.choose(some, 3, 0).tolist() == [-1, -1, 1]
    some.rule = np.array([edges.NEAR, edges.CONTAINED], np.int8)
    some.size_first, some.size_second = np.full(2, 9, np.int32), np.full(2, 5, np.int32)
    assert edges.choose(some, 3, 0).tolist() == [-1, -1, 0]


def test_a_similarity_at_the_threshold_is_near_and_one_below_is_not():
    """60 words have 56 shingles; a changed word takes 5 of them: 51 of 61 are shared."""
    words = [f"word{i}" for i in range(60)]
    other = [*words[:30], "changed", *words[31:]]
    rows = to_table([conversation("a", " ".join(words)), conversation("b", " ".join(other))])
    for threshold, expected in ((51 / 61, {"dedup.near": 1}), (51 / 61 + 1e-6, {})):
        report = dedup([rows], DedupSettings(threshold=threshold, contained=None))[2]
        assert report["dropped"] == expected


def test_each_part_gets_its_own_decisions():
    tables = [
        to_table([conversation(f"{part}{n}", f"{TEXT} {n // 3}") for n in range(4)])
        for part in "xyz"
    ]
    decisions, _ = link.link([sign.sign(table, SETTINGS) for table in tables], SETTINGS)
    parts = verify.by_part(decisions, 3)
    assert [set(part["part"].to_pylist()) for part in parts] == [{0}, {1}, {2}]
    assert sum(map(len, parts)) == len(decisions) == 11
    for table, part in zip(tables, parts, strict=True):
        done = verify.apply(table, part, SETTINGS)
        assert len(done.kept) + len(done.dropped) == len(table)
        assert done.dropped["id"].to_pylist() == part["id"].to_pylist()
