"""The shapes of foreign records: one module a shape, its name is the shape's name in a recipe.

CHATS       the records of one file make one chat
RECORDS     each record by itself
TABLES      several rows make a conversation
TEXTS       plain text, line by line
DOCUMENTS   one whole file

Every shape has `ABOUT`, which says whose files it reads, and two functions. `recognise` says
whether something looks like this shape. `read` yields a `Transcript` for each conversation and an
`Unread` for each that cannot be read; or it raises ValueError when the whole record cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from pipeline.collect.shapes import (
    casino,
    cdial,
    cell,
    chatterbot,
    irc,
    leaves,
    listed,
    log,
    markdown,
    messages,
    numbered,
    pairs,
    pippa,
    prompt,
    realm,
    replies,
    sharegpt,
    speakers,
    spoken,
    subtitles,
    tei,
    telegram,
    tree,
    turns,
    whatsapp,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
)


class Shape(Protocol):
    """What the modules of all groups have."""

    __name__: str
    ABOUT: About


class ChatShape(Shape, Protocol):
    """`head` holds the first records; `read` yields the number of a chat's first record as well."""

    def recognise(self, head: list[object], /) -> bool: ...

    def read(
        self, records: Records, place: Place, /
    ) -> Iterable[tuple[int, Transcript | Unread]]: ...


class RecordShape(Shape, Protocol):
    def recognise(self, record: object, /) -> bool: ...

    def read(self, record: object, /) -> Iterable[Transcript | Unread]: ...


class TableShape(Shape, Protocol):
    """`rows` is a sample of the records; `read` yields the number of a group's first row as well.

    options: those of the recipe; one that does not fit raises ValueError at the call.
    """

    def recognise(self, rows: list[Fields], /) -> bool: ...

    def read(
        self, records: Records, rows: list[Fields], options: Mapping[str, object], /
    ) -> Iterable[tuple[int, Transcript | Unread]]: ...


class TextShape(Shape, Protocol):
    def recognise(self, head: list[str], /) -> bool: ...

    def read(self, lines: Iterable[str], place: Place, /) -> Iterable[Transcript | Unread]: ...


class DocumentShape(Shape, Protocol):
    def recognise(self, document: bytes, /) -> bool: ...

    def read(self, document: bytes, place: Place, /) -> Iterable[Transcript | Unread]: ...


# In the order in which they are tried, the more particular ones first: `listed`, for example, would
# take the texts of most others for turns without speakers.
RECORDS: tuple[RecordShape, ...] = (
    messages,
    sharegpt,
    pippa,
    realm,
    casino,
    telegram,
    tree,
    chatterbot,
    speakers,
    spoken,
    pairs,
    listed,
    prompt,
    numbered,
    cell,
)
CHATS: tuple[ChatShape, ...] = ()
TABLES: tuple[TableShape, ...] = (replies, leaves, turns)
TEXTS: tuple[TextShape, ...] = (subtitles, whatsapp, irc, cdial, markdown, log)
DOCUMENTS: tuple[DocumentShape, ...] = (tei,)


def name_of(shape: Shape) -> str:
    return shape.__name__.rpartition(".")[2]


def names(*groups: Iterable[Shape]) -> list[str]:
    return [name_of(shape) for group in groups for shape in group]
