"""Search in the folded texts, file by file: first hits come at once, and a search may be left."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import UserError
from pipeline.look.index.build import Index
from pipeline.look.index.columns import RowNumbers
from pipeline.look.index.fold import BETWEEN, folded
from pipeline.look.index.frame import Frame
from pipeline.look.opened import PartFile

REMEMBERED = 8  # searches whose hits are kept
AROUND = 60  # characters shown before and after a hit

Mask = npt.NDArray[np.bool_]  # (rows,) of a frame or of a file


class Needle(NamedTuple):
    """What is looked for: a pattern of RE2."""

    pattern: str
    ignore_case: bool

    @property
    def captured(self) -> str:
        return "(?i)" * self.ignore_case + f"(?P<hit>{self.pattern})"


class FirstHit(NamedTuple):
    """The first place of what was found in a row. hits: how many places."""

    message: int
    before: str
    match: str
    after: str
    hits: int


def needle(find: str, regex: bool) -> Needle:
    """Raises UserError where it is not a pattern. A text is folded as the texts are."""
    if not regex:
        return Needle(re.escape(folded(find)), ignore_case=False)
    # folded texts have no capitals: a pattern without any needs no (slower) look at case
    found = Needle(find, ignore_case=find != find.lower())
    try:
        pc.match_substring_regex(pa.array([""]), find, ignore_case=True)
    except pa.ArrowInvalid as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise UserError(f"`{find}` is not a pattern that can be searched for: {reason}.") from None
    return found


class Searches:
    """The last searches: what each found in each file."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: OrderedDict[Needle, dict[str, Mask]] = OrderedDict()
        self._lock = threading.Lock()

    def mask(self, frame: Frame, what: Needle, within: Mask | None = None) -> Mask:
        """The rows of a frame that have it."""
        found = np.zeros(frame.rows, np.bool_)
        for start, hits in self.steps(frame, what, within):
            found[start : start + len(hits)] = hits
        return found

    def steps(
        self, frame: Frame, what: Needle, within: Mask | None = None
    ) -> Iterator[tuple[int, Mask]]:
        """The first row of each file, and which of its rows have it. within: rows that matter;
        files without any are not read."""
        known = self._remembered(what)
        for start, origin in zip(frame.starts, frame.origins, strict=False):
            if within is not None and not within[start : start + origin.rows].any():
                continue
            hits = known.get(origin.key)
            if hits is None:
                hits = known[origin.key] = self._search(origin, what)
            yield start, hits

    def rows(self, frame: Frame, what: Needle, within: Mask | None) -> Iterator[RowNumbers]:
        """The rows of one file after another that have it, of those within."""
        for start, hits in self.steps(frame, what, within):
            found = np.flatnonzero(hits) + start
            yield found if within is None else found[within[found]]

    def _remembered(self, what: Needle) -> dict[str, Mask]:
        with self._lock:
            found = self._found.setdefault(what, {})
            self._found.move_to_end(what)
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
            return found

    def _search(self, origin: PartFile, what: Needle) -> Mask:
        texts = self._index.texts(origin)
        found = pc.match_substring_regex(texts, what.pattern, ignore_case=what.ignore_case)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)

    def hit(self, frame: Frame, row: int, what: Needle) -> FirstHit | None:
        """Where it stands in a row: in the folded text."""
        origin, number = frame.place(row)
        text = self._index.texts(origin).slice(number, 1)
        captured = pc.extract_regex(text, what.captured)[0].as_py()
        if captured is None:
            return None
        count = pc.count_substring_regex(text, what.pattern, ignore_case=what.ignore_case)
        return _hit(text[0].as_py(), _place(text, what), captured["hit"], count[0].as_py())


def _hit(whole: str, place: int, match: str, hits: int) -> FirstHit:
    """place: in bytes."""
    before = whole.encode()[:place].decode("utf-8", "replace")
    after = whole[len(before) + len(match) :]
    return FirstHit(
        before.count(BETWEEN),
        before.rpartition(BETWEEN)[2][-AROUND:],
        match,
        after.partition(BETWEEN)[0][:AROUND],
        hits,
    )


def _place(text: pa.Array, what: Needle) -> int:
    found = pc.find_substring_regex(text, what.pattern, ignore_case=what.ignore_case)
    return int(found[0].as_py())
