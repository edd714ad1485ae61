"""Two sets of conversations compared: in pairs where their ids match, else as two groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.conversation import CRITERIA, Conversation, Score
from pipeline.score.compare import LEAST, Differences, as_record, compare
from tests.rows import conversation


def rated(values: list[float | None], first: int = 0, record: bool = True) -> list[Conversation]:
    rows = []
    for number, value in enumerate(values, first):
        row = conversation(number, scores=(Score("safe", value, "rules"),))
        rows.append(replace(row, source=row.source._replace(record=f"r{number}" * record or None)))
    return rows


def of_safe(found: Differences) -> tuple[tuple[int, int], tuple[float, float] | None, bool]:
    (safe,) = (one for one in found.differences if one.criterion == "safe")
    return safe.n, safe.means, safe.difference is not None


def test_in_pairs_the_difference_is_that_of_each_conversation() -> None:
    before, after = rated([1.0, 2.0, 3.0, 4.0, 5.0]), rated([2.0, 3.0, 4.0, 5.0, 6.0])
    found = compare(before, list(reversed(after)))
    assert (found.rows, found.pairs) == ((5, 5), 5)
    (safe,) = (one for one in found.differences if one.criterion == "safe")
    assert (safe.n, safe.means) == ((5, 5), (3.0, 4.0))
    assert safe.difference is not None
    assert safe.difference[:3] == (1.0, 1.0, 1.0)  # the same in each pair
    assert [one.criterion for one in found.differences] == list(CRITERIA)
    record = as_record(found)
    assert record["pairs"] == 5
    assert {one["criterion"]: one["difference"] for one in record["differences"]}[
        "engaging"
    ] is None


def test_other_ids_are_two_groups() -> None:
    found = compare(rated([1.0, 2.0, 3.0, 4.0, 5.0]), rated([2.0, 3.0, 4.0, 5.0, 6.0], first=9))
    assert found.pairs == 0
    (safe,) = (one for one in found.differences if one.criterion == "safe")
    assert safe.difference is not None
    assert safe.difference[0] == pytest.approx(1.0)
    assert safe.difference[1] < 1.0 < safe.difference[2]


@pytest.mark.parametrize(("matching", "pairs"), [(5, 5), (4, 0), (9, 9)])
def test_half_of_the_smaller_set_has_to_match(matching: int, pairs: int) -> None:
    one = rated([3.0] * 10)
    other = rated([3.0] * matching) + rated([3.0] * (12 - matching), first=100)
    assert compare(one, other).pairs == compare(other, one).pairs == pairs


def test_ids_that_come_twice_pair_nothing() -> None:
    one = rated([3.0] * 6)
    assert compare(one, one).pairs == 6
    assert compare([*one, one[0]], one).pairs == compare(one, [*one, one[0]]).pairs == 0


def test_without_a_record_the_id_names_a_conversation() -> None:
    assert compare(rated([3.0] * 5, record=False), rated([3.0] * 5, record=False)).pairs == 5


@pytest.mark.parametrize(
    ("values", "n", "means", "is_known"),
    [
        ([3.0] * LEAST, (5, 5), (3.0, 3.0), True),
        ([3.0] * (LEAST - 1), (4, 4), (3.0, 3.0), False),
        ([3.0] * LEAST + [None], (5, 5), (3.0, 3.0), True),
        ([None], (0, 0), None, False),
        ([3.0], (1, 1), (3.0, 3.0), False),
    ],
)
def test_few_values_have_no_interval(
    values: list[float | None],
    n: tuple[int, int],
    means: tuple[float, float] | None,
    is_known: bool,
) -> None:
    assert of_safe(compare(rated(values), rated(values))) == (n, means, is_known)
    apart = compare(rated(values), rated(values, first=50))
    assert of_safe(apart) == (n, means, is_known)


def test_of_a_pair_both_need_a_value() -> None:
    found = compare(rated([1.0, None, 3.0, 4.0]), rated([2.0, 2.0, None, 5.0]))
    assert of_safe(found) == ((2, 2), (2.5, 3.5), False)
    apart = compare(rated([1.0, None, 3.0, 4.0]), rated([2.0, 2.0, None, 5.0], first=9))
    assert of_safe(apart)[0] == (3, 3)
