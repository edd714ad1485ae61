"""The rules on planted faults and on decoys: what is found of each kind, and what must pass."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from tests.battery import OWN, Judged, judged

DATA = Path(__file__).parent / "data"
SEEN = DATA / "battery"  # whoever wrote the rules knew these
UNSEEN = DATA / "battery_unseen"  # written without a look at the rules, and not read since


@cache
def _judged(folder: Path) -> list[Judged]:
    return judged(folder)


def _found_by_kind(folder: Path) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = defaultdict(list)
    for one in _judged(folder):
        if one.truth["fault"]:
            found[one.truth["kind"]].append(one.is_found)
    return found


def test_planted_faults_are_found_by_rules_of_their_own() -> None:
    found = [found for kind in _found_by_kind(SEEN).values() for found in kind]
    assert sum(found) / len(found) >= 0.92


@pytest.mark.parametrize("kind", sorted(OWN.keys() - {"control"}))
def test_no_kind_of_fault_is_mostly_missed(kind: str) -> None:
    found = _found_by_kind(SEEN)[kind]
    assert sum(found) / len(found) >= 0.75


def test_what_only_looks_like_a_fault_passes() -> None:
    decoys = [one for one in _judged(SEEN) if not one.truth["fault"]]
    assert [one.truth["id"] for one in decoys if one.is_dropped] == []
    assert sum(one.is_found for one in decoys) <= 0.04 * len(decoys)


def test_wordings_that_nobody_saw_are_found_as_well() -> None:
    found = [found for kind in _found_by_kind(UNSEEN).values() for found in kind]
    assert sum(found) / len(found) >= 0.80
    decoys = [one for one in _judged(UNSEEN) if not one.truth["fault"]]
    assert [one.truth["id"] for one in decoys if one.is_dropped] == []
    assert sum(one.is_found for one in decoys) <= 0.05 * len(decoys)
