"""`noted`: the messages of `default`, each reply of the assistant with its stage and decision as a
note before it, and a flag whether to train on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from pipeline.conversation import Annotation, Conversation
from pipeline.publish.configs.made import ORIGIN, MadeRows, PublishedRow
from pipeline.publish.configs.plain import published
from pipeline.publish.configs.turns import TrainerTurns, words_of
from pipeline.recipe.publish import PublishSettings

# train: Axolotl's `message_field_training`; false where a rule has warned of the message
NOTED = pa.struct([("role", pa.string()), ("content", pa.string()), ("train", pa.bool_())])
SCHEMA = pa.schema([("id", pa.string()), ("messages", pa.list_(NOTED)), *ORIGIN])
NO_STAGE = "no stage and decision are known"
WARNED = "not trained on: reply that a rule warned of"


def noted(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """A row whose plan is known, with the notes."""
    (row,) = rows
    if not any(one.stage and one.decision for one in row.annotations):
        return MadeRows(left_out=NO_STAGE)
    counted = Counter[str]()
    made = published(row, group, settings, lambda turns: _messages(row, turns, counted))
    return replace(made, changed=counted + Counter(made.changed))


def _messages(row: Conversation, found: TrainerTurns, counted: Counter[str]) -> PublishedRow:
    """The messages with their flags; a note ends the user's message before the reply."""
    warned = {one.message for one in row.findings if one.decision == "warn"}
    messages = [one | {"train": False} for one in found.messages()]
    for reply, turn in zip(messages[-len(found.turns) :], found.turns, strict=True):
        if turn.role == "user":
            asked = reply
            continue
        reply["train"] = not warned.intersection(turn.messages)
        counted[WARNED] += not reply["train"]
        asked["content"] += _note(row, row.annotations[turn.messages[-1]])
    return {"messages": messages}


def _note(row: Conversation, known: Annotation) -> str:
    """Stage and decision of a reply, as the end of the message before; empty where they are not
    known."""
    if not (known.stage and known.decision):
        return ""
    note = words_of(row, "note", stage=known.stage, decision=known.decision)
    return f"\n\n{note}"
