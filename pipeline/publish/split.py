"""Train and test without leaks: what belongs together (thread, character, document) never stands on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

TRAIN, TEST, REHEARSAL = "train", "test", "rehearsal"


def place(group: str, seed: int) -> float:
    """Where a group stands between 0 and 1: the same in every release, whatever else the dataset holds."""
    digest = hashlib.blake2b(f"{seed}\x1f{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def assign(groups: Sequence[str], rehearsal: Iterable[bool], share: float, seed: int) -> list[str]:
    """The split of every row, given its group.

    A group is held out when its place is below `share`. Where that would leave one side of a small dataset empty,
    the group with the lowest place is tested on, or the one with the highest is trained on. Rows of the rehearsal
    model stand apart: nobody trains on them.
    """
    apart = list(rehearsal)
    places = {
        group: place(group, seed) for group, alone in zip(groups, apart, strict=True) if not alone
    }
    held_out = {group for group, where in places.items() if where < share}
    if share and len(places) > 1:
        held_out = held_out or {min(places, key=places.__getitem__)}
        held_out -= {max(places, key=places.__getitem__)} if len(held_out) == len(places) else set()
    return [
        REHEARSAL if alone else TEST if group in held_out else TRAIN
        for group, alone in zip(groups, apart, strict=True)
    ]
