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
    agnai,
    ai_studio,
    backyard,
    backyard_text,
    bargain,
    by_number,
    cai,
    cai_tools,
    casino,
    cdial,
    cell,
    chatgpt,
    chatterbot,
    claude,
    convai,
    cornell,
    coser,
    deepseek,
    discord,
    discord_csv,
    discord_package,
    discord_txt,
    discourse,
    emorynlp,
    empathetic,
    eou,
    example_chat,
    exchanges,
    forum,
    gemini,
    ginger,
    google_chat,
    grok,
    hangouts,
    imazing,
    imessage,
    irc,
    kakaotalk,
    kakaotalk_csv,
    koboldlite,
    kvret,
    langchain,
    leaves,
    librechat,
    librechat_rows,
    librechat_text,
    limarp,
    line,
    linked,
    listed,
    lm_studio,
    log,
    logged,
    marked,
    marked_text,
    matrix,
    messages,
    messenger,
    multiwoz,
    naturalconv,
    numbered,
    oobabooga,
    open_webui,
    pairs,
    palm,
    paragraphs,
    parallel,
    parlai,
    personal_dialog,
    pidgin,
    pippa,
    polyai,
    preference,
    prompt,
    realm,
    reddit_thread,
    replies,
    risu,
    rolebench,
    selection,
    selection_text,
    sessions,
    several,
    sharegpt,
    signal_json,
    sillytavern,
    single,
    skype,
    slack,
    sms,
    speakers,
    spoken,
    swda,
    takeout,
    tei,
    telegram,
    telegram_html,
    topical,
    tree,
    turns,
    ubuntu,
    viber,
    whatsapp,
    wizard,
    zoom,
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
    chatgpt,
    claude,
    deepseek,
    grok,
    open_webui,
    librechat,
    lm_studio,
    ai_studio,
    gemini,
    takeout,
    langchain,
    palm,
    linked,
    preference,
    several,
    logged,
    telegram,
    discord,
    hangouts,
    matrix,
    skype,
    discourse,
    messages,
    sharegpt,
    pippa,
    realm,
    sessions,
    convai,
    multiwoz,
    topical,
    wizard,
    limarp,
    coser,
    rolebench,
    bargain,
    selection,
    personal_dialog,
    naturalconv,
    kvret,
    emorynlp,
    polyai,
    casino,
    tree,
    chatterbot,
    speakers,
    parallel,
    spoken,
    pairs,
    listed,
    marked,
    prompt,
    numbered,
    cell,
)
# Of no particular source: their records may leave open what they mean (`Unclear`).
GENERIC: tuple[RecordShape, ...] = RECORDS[RECORDS.index(chatterbot) :]
CHATS: tuple[ChatShape, ...] = (
    discord_csv,
    discord_package,
    messenger,
    slack,
    google_chat,
    kakaotalk_csv,
    imazing,
    signal_json,
    reddit_thread,
    sillytavern,
    cai,
    cai_tools,
    oobabooga,
    agnai,
    risu,
    backyard,
    koboldlite,
    ginger,
    librechat_rows,
    single,
    forum,
)
# Their rows look like records of `prompt`: they are tried before it.
PAIR_TABLES: tuple[TableShape, ...] = (exchanges,)
TABLES: tuple[TableShape, ...] = (
    *PAIR_TABLES,
    empathetic,
    ubuntu,
    swda,
    replies,
    leaves,
    turns,
)
TEXTS: tuple[TextShape, ...] = (
    backyard_text,
    example_chat,
    discord_txt,
    line,
    kakaotalk,
    pidgin,
    imessage,
    zoom,
    viber,
    librechat_text,
    whatsapp,
    irc,
    marked_text,
    cornell,
    eou,
    parlai,
    selection_text,
    cdial,
    paragraphs,
    by_number,
    log,
)
DOCUMENTS: tuple[DocumentShape, ...] = (
    tei,
    sms,
    telegram_html,
)


def name_of(shape: Shape) -> str:
    return shape.__name__.rpartition(".")[2]


def names(*groups: Iterable[Shape]) -> list[str]:
    return [name_of(shape) for group in groups for shape in group]
