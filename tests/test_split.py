"""Splits of `publish`: nothing related on two sides, and nothing that was released moves."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.conversation import Conversation, Language, Persona
from pipeline.publish import clusters, related
from pipeline.publish.split import (
    AT_BRIDGE,
    AT_REHEARSAL,
    AT_TEST,
    AT_TRAIN,
    AT_VALIDATION,
    NOTHING,
    Placement,
    placed,
    released,
)
from pipeline.recipe.publish import PublishSettings
from tests.publishing import placed_rows
from tests.rows import conversation

SETTINGS = PublishSettings(test=0.1, validation=0.1)


def row(
    number: int, thread: str | None = None, character: str | None = None, **more: object
) -> Conversation:
    persona = Persona(character, f"{character} keeps {number % 2} bees.") if character else None
    return conversation(number, [f"Number {number}?", "Yes."], split_group=thread, persona=persona)


def sides(rows: list[Conversation], placed: Placement) -> dict[str, int]:
    return dict(zip((one.id for one in rows), placed.places.tolist(), strict=True))


ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from("abcdefghijkl"),
        st.none() | st.sampled_from("ABCDEFGHIJKL"),
    ),
    max_size=60,
)


@example([(None, "J"), (None, None), (None, "J"), (None, "J")], 4, 1)
@given(ROWS, st.integers(0, 9), st.integers(1, 4))
def test_what_is_related_is_never_on_two_sides(
    made: list[tuple[str | None, str | None]], seed: int, parts: int
) -> None:
    rows = [row(number, *keys) for number, keys in enumerate(made)]
    cut = [rows[at : at + 7] for at in range(0, max(1, len(rows)), 7)]
    placed = placed_rows(cut, SETTINGS, seed=seed)
    where = sides(rows, placed)
    by_key = defaultdict(set)
    for one in rows:
        by_key["thread", one.split_group].add(where[one.id])
        by_key["persona", one.persona].add(where[one.id])
    assert all(len(found) == 1 for (_, key), found in by_key.items() if key)
    groups = defaultdict(set)
    for group, side in zip(placed.groups.tolist(), placed.places.tolist(), strict=True):
        groups[group].add(side)
    assert all(len(found) == 1 for found in groups.values())
    if len(groups) > 2:
        assert set(where.values()) == {AT_TRAIN, AT_VALIDATION, AT_TEST}


def test_rows_are_related_over_others() -> None:
    rows = [row(1, "a", "Ada"), row(3, "b", "Ada"), row(4, "b"), row(6, "c")]
    copy, namesake = dataclasses.replace(rows[3], id="f" * 16), row(8, "d", "Ada")
    placed = placed_rows([[rows[0]], [*rows[1:], copy, namesake]], SETTINGS)
    first, second, third, fourth, fifth, sixth = placed.groups.tolist()
    assert first == second == third
    assert fourth == fifth
    assert len({first, fourth, sixth}) == 3


def test_what_dedup_has_joined_and_not_dropped_is_related() -> None:
    rows = [row(n) for n in range(40)]
    decisions = {
        "id": [rows[3].id, rows[3].id],
        "partner": [rows[5].id, rows[9].id],
        "cluster": [rows[3].id] * 2,
    }
    known = related.clustered(clusters.joined(pa.table(decisions)))
    table = related.keys(rows)
    plain = placed(table, SETTINGS, 1).groups.tolist()
    found = placed(table, SETTINGS, 1, clusters=known).groups.tolist()
    assert len(set(plain)) == 40
    assert found[3] == found[5] == found[9]
    assert len(set(found)) == 38


@given(ROWS, ROWS, st.integers(0, 9))
def test_what_was_released_never_moves(
    old: list[tuple[str | None, str | None]], new: list[tuple[str | None, str | None]], seed: int
) -> None:
    before = [row(number, *keys) for number, keys in enumerate(old)]
    after = [row(number, *keys) for number, keys in enumerate(new, len(old))]
    first = placed_rows([before], SETTINGS, seed=seed)
    mixed = [*before, *after]
    random.Random(seed).shuffle(mixed)
    second = placed_rows([mixed], SETTINGS, released(first.table()), seed)
    was, now = sides(before, first), sides(mixed, second)
    assert all(now[name] == side for name, side in was.items())
    kept = dict(zip(second.ids.tolist(), second.groups.tolist(), strict=True))
    groups = zip(first.ids.tolist(), first.groups.tolist(), strict=True)
    assert all(kept[name] == group for name, group in groups)
    by_key = defaultdict(set)
    for one in after:
        for key in filter(None, (one.split_group, one.persona)):
            by_key[key].add(now[one.id])
            by_key[key].update(
                now[other.id] for other in before if key in (other.split_group, other.persona)
            )
    assert all(len(found - {AT_BRIDGE}) <= 1 for found in by_key.values())


def test_without_the_last_release_a_tenth_more_rows_move_none() -> None:
    """They are of new characters, or of known ones in new threads."""
    rows = [row(2 * n, f"thread {n // 3}", f"Ada {n // 9 % 120}") for n in range(1200)]
    small, large = placed_rows([rows[:1000]], SETTINGS), placed_rows([rows], SETTINGS)
    assert np.array_equal(small.places, large.places[:1000])
    assert np.array_equal(small.groups, large.groups[:1000])


def test_taking_rows_out_moves_no_other() -> None:
    rows = [row(n, f"thread {n // 3}", f"Ada {n // 7}") for n in range(300)]
    whole = placed_rows([rows], SETTINGS)
    fewer = rows[::2]
    left = placed_rows([fewer], SETTINGS, released(whole.table()))
    assert np.array_equal(left.groups, whole.groups[::2])
    assert np.array_equal(left.places, whole.places[::2])


def test_a_new_row_between_two_splits_is_published_in_none() -> None:
    rows = [row(n, f"thread {n}") for n in range(100)]
    first = placed_rows([rows], SETTINGS)
    train, test = (int(np.flatnonzero(first.places == at)[0]) for at in (AT_TRAIN, AT_TEST))
    one = dataclasses.replace(row(200, f"thread {train}", "Eve"))
    other = dataclasses.replace(row(202, f"thread {test}", "Eve"))
    second = placed_rows([[*rows, one, other]], SETTINGS, released(first.table()))
    assert second.places[-2:].tolist() == [AT_BRIDGE, AT_BRIDGE]
    assert np.array_equal(second.places[:100], first.places)


def test_every_source_and_language_with_enough_groups_has_something_held_out() -> None:
    rows = []
    for number in range(240):
        code, name = ("en", "de")[number % 2], ("cafe", "wiki", "mail")[number % 3]
        one = dataclasses.replace(row(number), language=Language(code, 0.9))
        rows.append(dataclasses.replace(one, source=one.source._replace(name=name)))
    placed = placed_rows([rows], PublishSettings(test=0.02, validation=0.02))
    found = Counter()
    for one, side in zip(rows, placed.places.tolist(), strict=True):
        assert one.language
        found[one.source.name, one.language.code, side] += 1
    strata = {(name, code) for name, code, _ in found}
    assert len(strata) == 6
    assert all(found[*stratum, AT_TEST] and found[*stratum, AT_VALIDATION] for stratum in strata)


def test_the_shares_are_kept_to() -> None:
    rows = [row(n, f"thread {n}") for n in range(4000)]
    where = Counter(placed_rows([rows], SETTINGS).places.tolist())
    assert where[AT_TEST] == pytest.approx(400, abs=80)
    assert where[AT_VALIDATION] == pytest.approx(400, abs=80)


@pytest.mark.parametrize(("count", "held_out"), [(0, 0), (1, 0), (2, 1), (3, 2)])
def test_of_few_rows_some_are_trained_on_before_others_are_held_out(
    count: int, held_out: int
) -> None:
    for seed in range(20):
        placed = placed_rows([[row(n) for n in range(count)]], SETTINGS, NOTHING, seed)
        assert int((placed.places != AT_TRAIN).sum()) == held_out


def test_rows_of_the_rehearsal_model_are_in_no_split() -> None:
    rows = [row(n, "one thread") for n in range(6)]
    made = [dataclasses.replace(one, source=one.source._replace(rehearsal=True)) for one in rows]
    mixed = [*rows[:3], *made[3:]]
    placed = placed_rows([mixed], SETTINGS)
    assert (placed.places == AT_REHEARSAL).tolist() == [False] * 3 + [True] * 3
