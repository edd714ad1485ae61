"""gpt_roleplay_realm: a character a record, with many conversations about topics.

{"name": "Zelara", "context": "Zelara is an elf who ..", "greeting": "Greetings, traveller.",
 "topics": ["herbs"],
 "example_dialogue": [{"role": "user", "content": "My head aches."},
                      {"role": "char", "content": "Drink this."}],
 "dialogues": [{"topic": "herbs", "model_name": "gpt-4",
                "chat": [{"role": "user", "content": "What is this?"}]}]}

One conversation for each of `dialogues`; a character without any (a seed) gives its example. A
character is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.general import messages
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Unread,
    description,
    dict_of,
    list_of,
    record_id,
    rest,
    unreadable,
)
from pipeline.conversation import Persona

ABOUT = About("gpt_roleplay_realm", ("roles", "personas", "groups"))

USED = ["name", "context", "greeting", "dialogues", "topics"]
EXAMPLE = "example_dialogue"


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return "context" in record and ("dialogues" in record or EXAMPLE in record)


def read(record: object) -> Iterator[Transcript | Unread]:
    character = dict_of(record, "the record")
    dialogues, used = character.get("dialogues"), USED
    if not dialogues:
        dialogues = [{"chat": character.get(EXAMPLE)}]
        used = [*USED, EXAMPLE]
    shared = rest(character, *used)
    for number, dialogue in enumerate(list_of(dialogues, "dialogues"), 1):
        try:
            yield _read_dialogue(character, dialogue, number, shared)
        except ValueError as error:
            yield unreadable(error, dialogue)


def _read_dialogue(character: Fields, dialogue: object, number: int, shared: Fields) -> Transcript:
    fields = dict_of(dialogue, f"dialogue {number}")
    turns = messages.turns(list_of(fields.get("chat"), f"the chat of dialogue {number}"))
    own_id = record_id(character, "char_id", "id")
    persona = _persona(character)
    extra = shared | rest(fields, "chat")
    return Transcript(turns, {None: persona}, own_id, persona.name, extra=extra)


def _persona(character: Fields) -> Persona:
    name, context, greeting = (character.get(field) for field in ("name", "context", "greeting"))
    return Persona(description(name), description(context), description(greeting))
