"""The file that is being read: what its rows are made with, and what is found in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from pipeline.collect import shapes
from pipeline.collect.admit import Origin, admit, refuse
from pipeline.collect.shapes.common import placeholders
from pipeline.collect.shapes.transcript import Place, Transcript, Unread
from pipeline.conversation import Conversation, FileRead, Row, identity
from pipeline.recipe.collect import SourceSettings

OWN_ROWS = "rows of Rapport"  # in the place of a shape's name
EMPTY = ("it is empty", "it holds no records")


@dataclass(slots=True)
class FileInHand:
    """What the rows of one file are made with, and what is found in it.

    shape: by which it is read, once that is known. notes: for `edits` of all its rows.
    """

    place: Place
    origin: Origin
    source: SourceSettings
    shape: shapes.Shape | None = None
    notes: tuple[str, ...] = ()
    found: int = 0  # conversations, and what could not be read
    conversations: int = 0
    is_empty: bool = False
    holds_own_rows: bool = False
    has_sheets: bool = False  # each of which says what was found in it
    assumed: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    left_out: Counter[str] = field(default_factory=Counter)

    def row(self, found: Transcript | Unread | Conversation, number: str) -> Row:
        """A row of our own stores passes unchanged; a transcript is admitted."""
        self.found += 1
        ref = f"{self.place.path}#{number}"
        if isinstance(found, Conversation):
            return self._own_row(found, ref)
        private = self.shape is not None and self.shape.ABOUT.private
        if isinstance(found, Unread):
            return admit(found, self.origin, ref, self.notes, private)
        self.conversations += 1
        if found.personas:
            found = placeholders.filled(found)
        row = admit(found, self.origin, ref, self.notes, private)
        if found.assumed or found.left_out:
            self.assumed.update(dict.fromkeys(found.assumed))
            self.left_out.update(found.left_out)
        return row

    def _own_row(self, row: Conversation, ref: str) -> Row:
        self.holds_own_rows = True
        is_whole = row.messages and row.source is not None
        if not is_whole or any(None in message[:2] for message in row.messages):
            detail = "a row of Rapport without messages, their roles or texts, or without a source"
            return refuse("record.empty", detail, row.extra, self.origin, ref)
        self.conversations += 1
        if row.id:
            return row
        edits = (*row.edits, "collect: new id, the row had none")
        return replace(row, id=identity(self.origin.name, ref), edits=edits)

    def assume(self, what: str) -> None:
        """Note what is assumed of the whole file, for its rows and for the report."""
        self.assumed[what] = None
        self.notes += (f"collect: assumed that {what}",)

    def read(self) -> FileRead:
        """What was found in the file, when all its rows are read."""
        if not self.found:
            return FileRead(self.place.path, passed_over=EMPTY[not self.is_empty])
        name = OWN_ROWS if self.holds_own_rows else None
        if self.shape:
            name = shapes.name_of(self.shape)
        return FileRead(
            self.place.path, name, self.conversations, tuple(self.assumed), dict(self.left_out)
        )

    def __str__(self) -> str:
        return f"source {self.origin.name}: {self.place.path}"
