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

from pipeline.collect.shapes.assistants import (
    ai_sdk,
    ai_studio,
    chatgpt,
    claude,
    deepseek,
    gemini,
    grok,
    langchain,
    librechat,
    librechat_rows,
    librechat_text,
    linked,
    lm_studio,
    logged,
    open_webui,
    palm,
    single,
    takeout,
)
from pipeline.collect.shapes.forums import discourse, forum, reddit_thread
from pipeline.collect.shapes.fronts import (
    agnai,
    backyard,
    backyard_text,
    cai,
    cai_tools,
    example_chat,
    ginger,
    koboldlite,
    oobabooga,
    pippa,
    realm,
    risu,
    sillytavern,
)
from pipeline.collect.shapes.general import (
    by_number,
    cell,
    exchanges,
    leaves,
    listed,
    log,
    markdown,
    marked,
    marked_text,
    messages,
    numbered,
    pairs,
    paragraphs,
    parallel,
    preference,
    prompt,
    replies,
    several,
    sharegpt,
    speakers,
    speech,
    spoken,
    subtitles,
    tree,
    turns,
)
from pipeline.collect.shapes.messengers import (
    discord,
    discord_csv,
    discord_package,
    discord_txt,
    google_chat,
    hangouts,
    imazing,
    imessage,
    instagram,
    irc,
    kakaotalk,
    kakaotalk_csv,
    line,
    matrix,
    messenger,
    messenger_html,
    pidgin,
    signal_json,
    skype,
    slack,
    sms,
    snapchat,
    teams,
    telegram,
    telegram_html,
    twitter,
    viber,
    whatsapp,
    zoom,
)
from pipeline.collect.shapes.papers import (
    bargain,
    casino,
    cdial,
    chatterbot,
    convai,
    coqa,
    cornell,
    coser,
    emorynlp,
    empathetic,
    eou,
    kvret,
    limarp,
    multiwoz,
    naturalconv,
    parlai,
    personal_dialog,
    polyai,
    rolebench,
    selection,
    selection_text,
    sessions,
    swda,
    tei,
    topical,
    ubuntu,
    wizard,
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
    ai_sdk,
    linked,
    preference,
    several,
    logged,
    telegram,
    discord,
    hangouts,
    matrix,
    skype,
    instagram,
    snapchat,
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
    coqa,
    speech,
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
CHATS: tuple[ChatShape, ...] = (
    discord_csv,
    discord_package,
    messenger,
    slack,
    teams,
    twitter,
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
PAIR_TABLES: tuple[TableShape, ...] = (exchanges,)  # tried first: a row looks like a record
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
    subtitles,
    librechat_text,
    whatsapp,
    irc,
    marked_text,
    cornell,
    eou,
    parlai,
    selection_text,
    cdial,
    by_number,
    paragraphs,
    markdown,
    log,
)
DOCUMENTS: tuple[DocumentShape, ...] = (
    tei,
    sms,
    telegram_html,
    messenger_html,
)


def name_of(shape: Shape) -> str:
    return shape.__name__.rpartition(".")[2]


def names(*groups: Iterable[Shape]) -> list[str]:
    return [name_of(shape) for group in groups for shape in group]
