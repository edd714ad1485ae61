"""RoleBench: a question to a character, and the answers that were generated.

{"role": "Ada", "question": "Still open?", "generated": ["For you.", "Come in."], "type": "x"}

The first answer is the message, the others are alternatives. A character is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    Turn,
    dict_of,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Alternative, Persona

ABOUT = About("RoleBench", ("roles", "names", "personas", "groups", "alternatives"))

FIELDS = ("role", "question", "generated")
REASON = "candidate"  # of the alternatives


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not record.keys() >= set(FIELDS):
        return False
    return isinstance(record["generated"], list) and isinstance(record["role"], str)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    name = text_of(fields.get("role"), "role")
    items = list_of(fields.get("generated"), "generated")
    answers = [text_of(answer, "an answer") for answer in items]
    turns: list[Turn] = [(None, text_of(fields.get("question"), "question"), "user")]
    turns += [(name, answer, "assistant") for answer in answers[:1]]
    alternatives: tuple[Alternative, ...] = ()
    if len(answers) > 1:
        numbered = enumerate(answers)
        alternatives = tuple(Alternative(1, text, REASON, at == 0) for at, text in numbered)
    yield Transcript(
        turns,
        {None: Persona(name)},
        group=name,
        alternatives=alternatives,
        extra=rest(fields, *FIELDS),
    )
