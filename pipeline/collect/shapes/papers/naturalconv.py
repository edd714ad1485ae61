"""NaturalConv: the texts of two speakers about a document.

{"dialog_id": "0_1", "document_id": 0, "content": ["你好。", "早上好。"]}

Two speakers take turns. The conversations about a document are one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.papers.eou import ALTERNATE
from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    alternating,
    dict_of,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("NaturalConv", ("groups",))

NAMES = {"dialog_id", "document_id", "content"}


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not record.keys() >= NAMES:
        return False
    content = record["content"]
    return isinstance(content, list) and all(isinstance(text, str) for text in content)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    texts = [text_of(text, "a text") for text in list_of(fields.get("content"), "content")]
    yield Transcript(
        alternating(texts),
        record=record_id(fields, "dialog_id"),
        group=record_id(fields, "document_id"),
        extra=rest(fields, *NAMES),
        assumed=(ALTERNATE,),
    )
