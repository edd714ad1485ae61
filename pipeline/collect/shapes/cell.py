"""A whole conversation in one text, a turn a line, as in a cell of Synthetic-Persona-Chat.

user 1 personas,user 2 personas,Best Generated Conversation
"I bake.","I surf.","User 1: Hi!
User 2: Hello!"

The text may stand under any field name. A line begins with its speaker (`User 1:`, `Human:`,
`### Assistant:`, `Ada:`); a line without a speaker continues the turn before it.
`<speaker> personas` (or `persona`) describes that speaker.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    description,
    dict_of,
    id_field,
    record_id,
    rest,
    text_of,
    turn_by,
)
from pipeline.conversation import Persona

ABOUT = About("a whole conversation in one text of a record", ("roles", "names", "personas"))

# A speaker at the head of a line: up to 30 characters and four words, no sentence marks. Markdown
# around the name is not part of it.
SPEAKER = re.compile(
    r"^[\s>#*_-]*([^\W_](?:[^\n:：*!?,;\"]{0,28}[^\n:：*!?,;\"\s_])?)[*_]*\s*[:：][*_]*[ \t]*", re.M
)
PERSONA = re.compile(r"(.+) personas?")
IDS = ("id", "conversation_id", "dialogue_id", "dialog_id", "")
SHORT = 40  # characters; a shorter text of one line is not looked at


def recognise(record: object) -> bool:
    return isinstance(record, dict) and _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields)
    if place is None:
        raise ValueError("no field holds lines of the form `Speaker: text` by two speakers")
    turns = turns_of(text_of(fields[place], place))
    personas, used = _personas(fields, turns)
    extra = rest(fields, place, *used, id_field(fields, *IDS))
    yield Transcript(turns, personas, record_id(fields, *IDS), extra=extra)


def turns_of(text: str) -> list[Turn]:
    """Lines `Speaker: text` as turns.

    Not every word before a colon is a speaker ("My advice: go home"). Speakers are the first
    label, labels that occur more than once, and those of a usual form; where this leaves fewer
    than two, all labels are.
    """
    heads = [match for match in SPEAKER.finditer(text) if len(match[1].split()) <= 4]
    if not heads:
        return []
    times = Counter(match[1].strip() for match in heads)
    first = heads[0][1].strip()
    speakers = {name for name in times if times[name] > 1 or _is_usual(name) or name == first}
    if len(speakers) >= 2:
        heads = [match for match in heads if match[1].strip() in speakers]
    ends = [*(match.start() for match in heads), len(text)][1:]
    return [_turn(head, text[head.end() : end]) for head, end in zip(heads, ends, strict=True)]


def _turn(head: re.Match[str], text: str) -> Turn:
    markdown = " \t\r\n*_"  # of `**Ada:** Hello`, or `*Ada: Hello*`
    text = text.strip(markdown) if "*" in head[0] else text.strip()
    return turn_by(head[1].strip(), text)


def _is_usual(name: str) -> bool:
    """Whether a label is a role word, or numbered as in `Speaker 2`."""
    return name.lower() in ROLE_WORDS or name[-1].isdigit()


def _personas(record: Fields, turns: list[Turn]) -> tuple[dict[str | None, Persona], list[str]]:
    """The personas by speaker, and the fields in which they stand."""
    personas: dict[str | None, Persona] = {}
    used: list[str] = []
    speakers = {role or str(name).lower(): name for name, _, role in turns}
    for field, value in record.items():
        side, about = _side(str(field)), description(value)
        if about and side in speakers:
            speaker = speakers[side] or side
            personas[None if side == "assistant" else speaker] = Persona(description=about)
            used.append(field)
    return personas, used


def _side(field: str) -> str | None:
    """Whom a field describes: a role or a speaker's name in small letters."""
    label = PERSONA.fullmatch(field.lower())
    if not label:
        return None
    return ROLE_WORDS.get(label[1], label[1])


def _place(record: Fields) -> str | None:
    """The field that holds the conversation: `chosen`, else the longest text by two speakers."""
    texts = [(name, value) for name, value in record.items() if isinstance(value, str)]
    texts = [(name, text) for name, text in texts if "\n" in text or len(text) > SHORT]
    texts.sort(key=lambda item: (item[0] != "chosen", -len(item[1])))
    for name, text in texts:
        if len({match[1].strip() for match in SPEAKER.finditer(text)}) >= 2:
            return str(name)
    return None
