"""Threads of posts as conversations: each post once, along its replies."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect import threads

POSTS = st.lists(
    st.tuples(st.sampled_from(["", None, "0", "1", "2", "3", "4", "5", "nowhere"]), st.booleans()),
    max_size=12,
)


@given(POSTS)
def test_every_post_is_in_exactly_one_path_along_replies(
    drawn: list[tuple[str | None, bool]],
) -> None:
    posts = [
        threads.ThreadPost(str(n), parent, "x", "text", place=n, gone=gone)
        for n, (parent, gone) in enumerate(drawn)
    ]
    paths = list(threads.paths(threads.in_order(posts + posts)))
    assert sorted(p.id for path in paths for p in path) == sorted(p.id for p in posts if not p.gone)
    for path in paths:
        for before, after in itertools.pairwise(path):
            assert after.parent in ("", before.id)


def test_branches_start_their_own_path_and_a_long_chain_is_no_trouble() -> None:
    parents = {"a": None, "b": "a", "c": "a", "d": "c", "e": "d", "f": "b"}
    posts = [
        threads.ThreadPost(i, parent, i, i, place=n)
        for n, (i, parent) in enumerate(parents.items())
    ]
    assert ["".join(p.id for p in path) for path in threads.paths(posts)] == ["acde", "bf"]
    chain = [threads.ThreadPost(str(n), str(n - 1), "x", "y", place=n) for n in range(20_000)]
    assert [len(path) for path in threads.paths(chain)] == [20_000]
