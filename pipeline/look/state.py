"""What a server or a command holds while somebody looks: the index, searches, decisions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypedDict, TypeVar, cast

import numpy as np

from pipeline.look.index.build import Index
from pipeline.look.index.columns import RowNumbers
from pipeline.look.index.frame import Frame
from pipeline.look.search import Searches
from pipeline.look.subject import Subject
from pipeline.store.reviews import Decided, Reviews

ROWS = 8  # selections whose rows are remembered: 8 bytes a row each
TOTALS = 200  # counts over all rows that are remembered
T = TypeVar("T")


@dataclass
class Look:
    """One subject that is looked at. reviewer: the name of who looks, if no other is given."""

    subject: Subject
    reviewer: str = ""
    index: Index = field(init=False)
    searches: Searches = field(init=False)
    answers: RecentAnswers = field(init=False)
    totals: RecentAnswers = field(init=False)
    others: dict[str, Look] = field(default_factory=dict)

    blinded: dict[str, str] = field(default_factory=dict)  # what was shown blind → its id
    known_choices: Sequence[RuleChoice] = ()  # what `warm.warm` has found out
    known_groups: Groups | None = None

    def __post_init__(self) -> None:
        self.index = Index(self.subject)
        self.searches = Searches(self.index)
        self.answers, self.totals = RecentAnswers(ROWS), RecentAnswers(TOTALS)
        self._decided: tuple[int, dict[str, Decided]] = (-1, {})

    @property
    def frame(self) -> Frame:
        return self.index.moment.frame

    @cached_property
    def reviews(self) -> Reviews:
        return Reviews(self.subject.path)

    def decided(self) -> dict[str, Decided]:
        """What holds for rows that somebody has decided on; read again after each new line."""
        version = self.reviews.version
        if version != self._decided[0]:
            self._decided = version, self.reviews.decided()
        return self._decided[1]

    @property
    def version(self) -> tuple[int, int]:
        """Changes when rows land and when somebody decides."""
        return self.frame.number, self.reviews.version

    def review_codes(self, frame: Frame) -> RowNumbers:
        """(rows,) what was decided, as a number of `REVIEW_VALUES`."""
        codes = np.zeros(frame.rows, np.int64)
        decided = self.decided()
        rows = frame.first_rows([*decided])
        for row, one in zip(rows, decided.values(), strict=True):
            if row >= 0:
                codes[row] = REVIEW_VALUES.index(review_value(one))
        return codes

    def other(self, name: str) -> Look:
        """Another run or dataset beside this one, indexed. Raises UserError."""
        found = self.others.get(name)
        if found is None:
            found = self.others[name] = Look(self.subject.other(name))
        found.index.refresh()
        return found


class RuleChoice(TypedDict):
    """A rule that can be asked for another limit. rows: beyond its own; near: close to it."""

    rule: str
    limit: float | None
    unit: str
    fires: str
    decision: str
    fixed: bool
    rows: int
    near: int


class Groups(NamedTuple):
    """Groups of rows that belong together: how many, and those that stand in two splits."""

    number: int
    in_two: Sequence[str]


REVIEW_VALUES = ["none", "keep", "drop", "edit", "note"]


def review_value(decided: Decided | None) -> str:
    """A word for what was decided of a row."""
    if decided is None:
        return "none"
    if decided.decision:
        return decided.decision
    if decided.edits:
        return "edit"
    return "note" if decided.note else "none"


class RecentAnswers:
    """The last answers, by what was asked."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[object, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """An answer, made where it is not known."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("T", self._kept[key])
        found = make()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
