"""Train and test without leaks: what belongs together (thread, character, document) never is on
both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

TRAIN, TEST, REHEARSAL = "train", "test", "rehearsal"


def place(group: str, seed: int) -> float:
    """A number from 0 to 1 for a group: the same in every release, whatever else the dataset
    holds."""
    digest = hashlib.blake2b(f"{seed}\x1f{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def assign(groups: Sequence[str], rehearsal: Iterable[bool], share: float, seed: int) -> list[str]:
    """The split of every row, given its group, and whether the rehearsal model wrote it.

    A group is held out when its place is below `share`. Rows of the rehearsal model have a split of
    their own: nobody trains on them.
    """
    rows = list(zip(groups, rehearsal, strict=True))
    places = {group: place(group, seed) for group, is_rehearsal in rows if not is_rehearsal}
    held_out = _held_out(places, share)
    return [_split(group, is_rehearsal, held_out) for group, is_rehearsal in rows]


def _held_out(places: dict[str, float], share: float) -> set[str]:
    """The groups to test on.

    Where one side of a small dataset would be empty, the group with the lowest place is tested on,
    or the one with the highest is trained on.
    """
    found = {group for group, where in places.items() if where < share}
    if not share or len(places) < 2:
        return found
    if not found:
        return {min(places, key=places.__getitem__)}
    if len(found) == len(places):
        found.remove(max(places, key=places.__getitem__))
    return found


def _split(group: str, is_rehearsal: bool, held_out: set[str]) -> str:
    if is_rehearsal:
        return REHEARSAL
    return TEST if group in held_out else TRAIN
