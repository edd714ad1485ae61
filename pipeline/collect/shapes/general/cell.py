"""A whole conversation in one text, a turn a line, as in a cell of Synthetic-Persona-Chat.

user 1 personas,user 2 personas,Best Generated Conversation
"I bake.","I surf.","User 1: Hi!
User 2: Hello!"

The text may stand under any field name. A line begins with its speaker (`User 1:`, `Human:`,
`### Assistant:`, `Ada:`); a line without a speaker continues the turn before it. A label is a
speaker when it is a usual one or comes back: `Note:` is not. `<speaker> personas` (or `persona`)
describes that speaker. What stands before the first speaker goes to `extra`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
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

CLOCK = r"[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?[\])]?"
MARKS = r"*!?,;\"<>\[\]{}\\|=~$"  # of sentences and of code; no name has one
# A label at the head of a line: up to 30 characters. Markdown and brackets around the name are not
# part of it, nor is a clock beside it: `[00:10] **Ada:** Hi`, `Ada (00:10): Hi`.
LABEL = re.compile(
    rf"^[\s>#*_-]*(?:{CLOCK}[ \t]*(?:-[ \t]*)?)?[*_]*[<\[]?"
    rf"([^\W\d_](?:[^\n:：{MARKS}]{{0,28}}?[^\n:：\s_#{MARKS}])??)"
    rf"[>\]#]?(?:[ \t]*{CLOCK})?[*_]*\s*[:：][*_]*[ \t]*",
    re.M,
)
WORDS = 4  # of a name
ENDS = frozenset(".?!…\"'”)*。？！")  # of sentences
SIDE = re.compile(
    r"(user|human|speaker|person|participant|agent|bot|customer|client|caller|student|player)"
    r"[ _#-]?\d+",
    re.I,
)
COUNTED = re.compile(r"([^\W\d_]{1,12})[. _-]?(\d+)")  # a speaker and the number of a turn
PERSONA = re.compile(r"(.+) personas?")
IDS = ("id", "conversation_id", "dialogue_id", "dialog_id", "")
# Labels of a letter, a recipe or a form. They come back as well, and nobody speaks under them.
HEADINGS = frozenset([
    "from", "to", "subject", "date", "cc", "bcc", "re", "sent", "note", "notes", "title",
    "author", "summary", "topic", "context", "scenario", "setting", "scene", "ingredients",
    "steps", "step", "description", "name", "age", "gender", "tags", "source", "url", "http",
    "https", "instruction", "instructions", "input", "output", "response", "example",
    "examples", "warning", "hint", "tip", "option", "result", "answer", "question", "choices",
    "explanation", "label", "rating", "premise", "hypothesis", "category", "type", "status",
    "original", "translation", "source text", "target", "pros", "cons", "problem", "solution",
    "english", "german", "french", "spanish", "chinese", "japanese", "goal", "plan", "task",
    "thought", "action", "observation", "conclusion", "introduction", "background", "method",
])  # fmt: skip
SHORT = 40  # characters; a shorter text of one line is not looked at
USUAL_PLACES = ("chosen", *known.PLACES, *known.TEXTS)


def recognise(record: object) -> bool:
    return isinstance(record, dict) and bool(_places(record))


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields)
    if place is None:
        raise ValueError("no field holds lines of the form `Speaker: text` by two speakers")
    text = text_of(fields[place], place)
    turns = turns_of(text)
    if not turns[-1][1]:
        raise Unclear(f"`{place}` ends with a speaker and no text: the answer stands elsewhere")
    personas, used = _personas(fields, turns)
    extra = rest(fields, place, *used, id_field(fields, *IDS))
    yield with_before(Transcript(turns, personas, record_id(fields, *IDS), extra=extra), text)


def turns_of(text: str) -> list[Turn]:
    """Lines `Speaker: text` as turns.

    Not every word before a colon is a speaker ("My advice: go home"). Speakers are the first
    label, labels that occur more than once, and those of a usual form; where this leaves fewer
    than two, all labels are.
    """
    heads = _heads(text)
    ends = [*(match.start() for match in heads), len(text)][1:]
    turns = [_turn(head, text[head.end() : end]) for head, end in zip(heads, ends, strict=True)]
    return _without_numbers(turns)


def _without_numbers(turns: list[Turn]) -> list[Turn]:
    names = without_numbers([speaker or "" for speaker, _, _ in turns])
    if not all(names):
        return turns
    pairs = zip(names, turns, strict=True)
    return [(name, text, role) for name, (_, text, role) in pairs]


def without_numbers(labels: Sequence[str]) -> list[str]:
    """Labels without the number of the turn, where all have one: `A.1`, `B.2`, `A.3` → A, B, A."""
    counted = [match for match in map(COUNTED.fullmatch, labels) if match]
    numbers = [int(match[2]) for match in counted]
    names = [match[1] for match in counted]
    comes_back = 1 < len(set(names)) < len(names)
    is_count = len(names) == len(labels) and sorted(set(numbers)) == numbers
    return names if comes_back and is_count else list(labels)


def with_before(found: Transcript, text: str) -> Transcript:
    """A transcript of a text, with what stands before its first speaker in `extra`, and counted."""
    heads = _heads(text)
    before = text[: heads[0].start()].strip() if heads else ""
    if before:
        found.extra = {**found.extra, "before": before}
        found.left_out = {"line before the first speaker": len(before.splitlines())}
    return found


def _heads(text: str) -> list[re.Match[str]]:
    """Where the turns of a text begin."""
    heads = heads_in(text)
    if not heads:
        return []
    times = Counter(match[1].strip() for match in heads)
    first = heads[0][1].strip()
    speakers = {name for name in times if times[name] > 1 or is_usual(name) or name == first}
    if len(speakers) >= 2:
        heads = [match for match in heads if match[1].strip() in speakers]
    return heads


def heads_in(text: str) -> list[re.Match[str]]:
    """The labels at the heads of the lines of a text; the name is the first group."""
    return [match for match in LABEL.finditer(text) if _is_head(match)]


def head_of(line: str) -> re.Match[str] | None:
    """The label at the head of a text; None where it has none."""
    match = LABEL.match(line)
    return match if match and _is_head(match) else None


def _is_head(match: re.Match[str]) -> bool:
    """Whether a label may be a name: of few words, and a blank or a letter of another script after
    its colon. `DTSTART:20240425` and `https://` are none; role words need no blank.
    """
    name = match[1].strip()
    after = match.string[match.end() : match.end() + 1]
    if len(name.split()) > WORDS or name.lower().startswith("from "):
        return False
    is_apart = match[0][-1] in " \t\n：*_" or not after.isascii() or after in ("", "\r", "\n")
    return is_apart or name.lower() in ROLE_WORDS


def _turn(head: re.Match[str], text: str) -> Turn:
    markdown = " \t\r\n*_"  # of `**Ada:** Hello`, or `*Ada: Hello*`
    text = text.strip(markdown) if "*" in head[0] else text.strip()
    return turn_by(head[1].strip(), text)


def is_usual(name: str) -> bool:
    """Whether a label is a role word, or a numbered one as `Speaker 2`."""
    return name.lower() in ROLE_WORDS or SIDE.fullmatch(name) is not None


def are_speakers(labels: Sequence[str]) -> bool:
    """Whether labels, in their order, are those of two speakers or more.

    Two of them are usual ones; or they are no headings, and one at least comes back, or they are
    two or three names: too few for one to come back.
    """
    times = Counter(labels)
    if sum(map(is_usual, times)) >= 2:
        return True
    names = {name: count for name, count in times.items() if name.lower() not in HEADINGS}
    if len(names) < 2:
        return False
    are_few = len(times) == len(names) == len(labels) < 4
    return max(names.values()) > 1 or (are_few and all(name[0].isupper() for name in names))


def is_form(text: str) -> bool:
    """Whether three labels or more come in one fixed order, with values that are no sentences."""
    labels = [match[1].strip() for match in heads_in(text)]
    following = set(pairwise(labels))
    if len(set(labels)) < 3 or len(following) > len(set(labels)):
        return False
    return not are_sentences(text.splitlines())


def are_sentences(lines: Iterable[str]) -> bool:
    """Whether most of the lines end with the mark of a sentence."""
    ends = [line.rstrip()[-1] for line in lines if line.strip()]
    return sum(end in ENDS for end in ends) * 2 > len(ends)


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
    """The field that holds the conversation. Unclear where several could be the one."""
    places = _places(record)
    if len(places) < 2 or places[0] == "chosen":  # and the other one was rejected
        return next(iter(places), None)
    usual = [place for place in known.all_of(USUAL_PLACES, record) if place in places]
    if len(usual) != 1:
        raise Unclear(f"each of {', '.join(places)} holds a conversation")
    return usual[0]


def _places(record: Fields) -> list[str]:
    """The fields that hold lines of two speakers: `chosen` first, else the longest first."""
    texts = [(str(name), value) for name, value in record.items() if isinstance(value, str)]
    texts = [(name, text) for name, text in texts if "\n" in text or len(text) > SHORT]
    texts.sort(key=lambda item: (item[0] != "chosen", -len(item[1])))
    return [name for name, text in texts if _holds_turns(text)]


def _holds_turns(text: str) -> bool:
    return are_speakers([match[1].strip() for match in heads_in(text)]) and not is_form(text)
