"""gpt_roleplay_realm: a character a record, with many talks about topics.

{"name": "Zelara", "context": "Zelara is an elf who ..", "greeting": "Greetings, traveller.", "topics": ["herbs"],
 "example_dialogue": [{"role": "user", "content": "My head aches."}, {"role": "char", "content": "Drink this."}],
 "dialogues": [{"topic": "herbs", "model_name": "gpt-4", "chat": [{"role": "user", "content": "What is this?"}]}]}

One talk for each of `dialogues`; where there are none (seed characters), the example is the talk. A character is one
group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes import messages
from pipeline.collect.shapes.talk import Talk, Unread, described, dict_of, list_of, record_id, rest
from pipeline.conversation import Persona

USED = ("name", "context", "greeting", "dialogues", "topics")


def recognise(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and "context" in record
        and ("dialogues" in record or "example_dialogue" in record)
    )


def read(record: Any) -> Iterator[Talk | Unread]:
    name = described(dict_of(record, "the record").get("name"))
    persona = Persona(name, described(record.get("context")), described(record.get("greeting")))
    dialogues = list_of(
        record.get("dialogues") or [{"chat": record.get("example_dialogue")}], "dialogues"
    )
    used = USED if record.get("dialogues") else (*USED, "example_dialogue")
    for number, dialogue in enumerate(dialogues, 1):
        try:
            dict_of(dialogue, f"dialogue {number}")
            turns = messages.turns(list_of(dialogue.get("chat"), f"the chat of dialogue {number}"))
            extra = {**rest(record, *used), **rest(dialogue, "chat")}
            yield Talk(
                turns, {None: persona}, record_id(record, "char_id", "id"), name, extra=extra
            )
        except ValueError as error:
            yield Unread(str(error), dialogue)
