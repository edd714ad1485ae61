"""A list of turns that name their speaker: schema-guided dialogue (SGD), Taskmaster, scenes (MELD).

{"dialogue_id": "1_00000", "services": ["Restaurants_2"], "turns": [
    {"speaker": "USER", "utterance": "A table for two.", "frames": []},
    {"speaker": "SYSTEM", "utterance": "Where?"}]}
{"conversation_id": "dlg-1", "utterances": [
    {"speaker": "user", "text": "one tea please", "annotations": []}]}
{"chat": [{"is_user": false, "name": "Ada", "text": "Tea?"}]}

A speaker `system` is the assistant unless somebody else is. Turns with numbers or times stand in
their order. The further fields of a turn go to `extra`, an `emotion` to the annotations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, pairwise, repeat

from pipeline.collect.shapes.common import answers, beside, known, notices, shown, who
from pipeline.collect.shapes.common.row_order import (
    AT_SILENCES,
    at_silences,
    is_log_of,
    newest_first,
)
from pipeline.collect.shapes.common.times import place_of, seconds_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
    description,
    dict_of,
    dicts_of,
    from_columns,
    if_any,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Annotation, Persona

ABOUT = About(
    "turns with speakers: SGD, Taskmaster, MELD", ("roles", "names", "times", "annotations")
)

IDS = ("dialogue_id", "conversation_id", "dialog_id", "scene_id", "id")
LOOSE = ("name", "user", "agent", "person", "author")  # also of people who do not speak
RECEIVERS = ("to", "recipient", "recipient_id", "receiver", "receiver_id", "to_user", "to_id")
NESTED = ("replies", "children", "responses")

_TurnOf = tuple[Turn, list[str]]  # a turn and the fields that it was made of

# what the people who wrote the conversation were asked to do
TASKS = ("instruction", "instructions", "Instructions")


def recognise(record: object) -> bool:
    if isinstance(record, list):
        return _is_bare(record)
    return _place(record) is not None


def _is_bare(items: list[object]) -> bool:
    """Whether a list by itself is a conversation, and not the rows of several."""
    turns = [item for item in items if isinstance(item, dict) and _is_turn(item)]
    if len(turns) < len(items) or len(items) < 2:
        return False
    if _are_of_several(turns):
        return False
    fields = who.who_fields(turns[0])
    return bool(fields.role or fields.flag or fields.name not in LOOSE)


def read(record: object) -> Iterator[Transcript]:
    if isinstance(record, list):
        record = {"turns": record}
    fields = dict_of(record, "the record")
    place = _place(fields) or "turns"
    items, left_out = without_notes(dicts_of(fields.get(place), place, "turn"))
    items, notes = ordered(items)
    assumed = _in_their_order(items)
    _check(items)
    _check_sides(items)
    own_id = known.one_of(IDS, fields)
    for number, part in enumerate(_parts(items, own_id is None)):
        transcript = _transcript(part, fields, place, own_id)
        transcript.notes = notes
        transcript.assumed += assumed
        if number == 0:
            transcript.left_out = Counter(transcript.left_out) + Counter(left_out)
        if len(part) < len(items):
            transcript.assumed += (AT_SILENCES,)
        yield transcript


def _transcript(items: list[Fields], record: Fields, place: str, own_id: str | None) -> Transcript:
    spoken = _spoken(items)
    kept = shown.split(items, [turn[::2] for turn, _ in spoken])
    others = shown.alternatives(kept, [turn[1] for turn, _ in spoken])
    items, spoken = kept.of(items), kept.of(spoken)
    found = _of_shown(items, spoken, record, place, own_id)
    prompts = len(found.turns) - len(items)
    found.alternatives = shown.moved(others + found.alternatives, prompts)
    found.left_out = kept.left_out
    return answers.with_last(found)


def _spoken(items: list[Fields]) -> list[_TurnOf]:
    role = who.role_field(items)
    together = who.fields_of(items)
    return list(map(_turn, count(1), items, repeat(role), repeat(together)))


def _of_shown(
    items: list[Fields], spoken: list[_TurnOf], record: Fields, place: str, own_id: str | None
) -> Transcript:
    """The transcript of items and their turns; its alternatives are counted without prompts."""
    turns = who.with_sides([turn for turn, _ in spoken])
    transcript = with_beside(turns, record, place, own_id, for_writers=TASKS)
    transcript.annotations = _annotations(items, transcript)
    further = _further(items, [names for _, names in spoken])
    transcript.extra = {**transcript.extra, **further}
    transcript.alternatives = shown.variants(items, turns)
    return transcript


def _further(items: list[Fields], used: list[list[str]]) -> Fields:
    """What the items hold beyond the fields used of each, as `turns` of `extra`."""
    pairs = zip(items, used, strict=True)
    return if_any("turns", [rest(item, *names) for item, names in pairs])


def with_beside(
    turns: list[Turn], record: Fields, *used: str | None, for_writers: Sequence[str] = ()
) -> Transcript:
    """The transcript of turns with what stands beside them: prompt, personas, scene, id, the rest.

    used: the fields of the turns, and last the id's. for_writers: fields that are no prompt.
    """
    own = [name for name in used if name]
    found = beside.found(record, turns, *own, *for_writers)
    people = dict(found.personas)
    scene = known.one_of(known.SCENARIOS, record)
    scene_text = description(record[scene]) if scene and scene not in found.used else None
    if scene_text:
        people[None] = replace(people.get(None) or Persona(), scenario=scene_text)
    own_id = used[-1]
    transcript = Transcript(found.turns, people, record_id(record, own_id) if own_id else None)
    transcript.group, transcript.assumed = found.group, found.assumed
    transcript.extra = rest(record, *own, *found.used, scene if scene_text else None)
    return transcript


def _check(items: list[Fields]) -> None:
    """Unclear where some of the items may be no messages."""
    kind = known.one_of(known.KINDS, items[0]) if items else None
    if kind and len({str(item.get(kind)) for item in items}) > 1 and kind != who.role_field(items):
        raise Unclear(f"the turns have different `{kind}`: some may be no messages")


def _check_sides(items: list[Fields]) -> None:
    """Unclear where all turns are by one person, to another one whose answers are not there."""
    first: Fields = next(iter(items), {})
    receiver = known.one_of(RECEIVERS, first)
    if receiver and len({who.who_of(item) for item in items}) == 1:
        raise Unclear(f"one person writes all of it, to `{receiver}`: the answers are not there")


def _parts(items: list[Fields], is_log: bool) -> list[list[Fields]]:
    """The conversations in the turns of a record: one, or those between silences of a log.

    is_log: the record has no id. It is cut where all turns have a day and a clock.
    """
    name = known.one_of(known.ORDERS, items[0]) if items else None
    times = [item.get(name or "") for item in items]
    if not is_log or not is_log_of(times, name):
        return [items]
    return at_silences(items, [*map(seconds_of, times)])


def without_notes(items: list[Fields]) -> tuple[list[Fields], dict[str, int]]:
    """Turns without those that are deleted, that failed, that are notices, or that have neither a
    text nor a speaker; how many went.
    """
    left_out: Counter[str] = Counter()
    mute = _mute(items)
    kind = shown.kind_field(items)
    has_notices = notices.are_possible(map(_writer, items))
    kept = []
    for item in items:
        reason = _why_no_turn(item, mute) or shown.why_no_text(item, kind)
        if has_notices and _is_notice(item):
            reason = reason or "notice"
        if reason:
            left_out[reason] += 1
        else:
            kept.append(item)
    return kept, dict(left_out)


def _why_no_turn(item: Fields, mute: set[str]) -> str | None:
    """What an item is that is no turn; None where it is one."""
    reason = shown.why_not(item)
    if reason and reason != shown.OTHER:
        return reason
    if _is_note(item):
        return "note without a speaker"
    if who.who_of(item) in mute:
        return "note without a text"
    return None


def _is_notice(item: Fields) -> bool:
    """Whether the system says that somebody came or went."""
    text = item.get(known.one_of(known.TEXTS, item) or "")
    return notices.is_notice(_writer(item), text)


def _writer(item: Fields) -> str:
    """Who writes an item, in small letters; the system where any field names it."""
    words = [(who.word(item.get(name or "")) or "").lower() for name in who.who_fields(item)]
    return "system" if "system" in words else "/".join(words)


def _is_note(item: Fields) -> bool:
    fields = who.who_fields(item)
    return _is_silent(item) and not any(item.get(field or "") for field in fields)


def _mute(items: list[Fields]) -> set[str]:
    """Who never says a word beside two others who do: marks such as `chat_break`."""
    silent = {who.who_of(item) for item in items if _is_silent(item)}
    if not silent:
        return silent
    speaking = {who.who_of(item) for item in items if not _is_silent(item)}
    return silent - speaking if len(speaking) > 1 else set()


def _is_silent(item: Fields) -> bool:
    name = known.one_of(known.TEXTS, item)
    return name is not None and item[name] in ("", None)


def ordered(items: list[Fields]) -> tuple[list[Fields], tuple[str, ...]]:
    """Turns by their number or time, where all have one, and a note where that moved them."""
    name = known.one_of(known.ORDERS, items[0]) if items else None
    name = name or newest_first(items)
    places = [place_of(item.get(name or "")) for item in items]
    known_places = [place for place in places if place is not None]
    if len(known_places) < len(items) or all(a <= b for a, b in pairwise(known_places)):
        return items, ()
    order = sorted(range(len(items)), key=known_places.__getitem__)
    return [items[number] for number in order], (f"collect: put in the order of `{name}`",)


def _in_their_order(items: list[Fields]) -> tuple[str, ...]:
    """What is assumed where turns have times that are in no known form."""
    name = known.one_of(known.ORDERS, items[0]) if items else None
    values = {str(item.get(name)) for item in items} if name else set()
    are_times = all(":" in value and place_of(value) is None for value in values)
    if len(values) < 2 or not are_times:
        return ()
    return (f"the turns stand in their order: `{name}` is in no known form",)


def _annotations(items: list[Fields], transcript: Transcript) -> tuple[Annotation, ...]:
    """One a turn; the turns begin with prompts, which have none."""
    emotions = [_emotion(item) for item in items]
    if not any(emotions):
        return ()
    prompts = len(transcript.turns) - len(items)
    return tuple(Annotation(emotion=emotion) for emotion in [None] * prompts + emotions)


def _emotion(item: Fields) -> str | None:
    """The emotion of a turn, where it is a word: a number goes to `extra`."""
    emotion = item.get("emotion")
    if not isinstance(emotion, str):
        return None
    return emotion.lower() or None


def _turn(number: int, item: Fields, role: str | None, together: who.WhoFields | None) -> _TurnOf:
    """The turn of an item, and the fields that make it and its annotation.

    together: the fields that say who writes, where they are found by all items.
    """
    name = text_field(item)
    text = text_of(item.get(name or ""), f"the text of turn {number}")
    nested = known.one_of(NESTED, item)
    if nested and isinstance(item[nested], list) and item[nested]:
        raise Unclear(f"turn {number} has its own `{nested}`: the conversation branches")
    fields = together or who.who_fields(item)
    if role and not fields.role and not fields.flag:
        fields = fields._replace(role=role)
    turn, used = who.turn_of(item, text, fields)
    if turn[0] is None and turn[2] is None:
        raise Unclear(f"turn {number} does not name its speaker")
    used.append(name or "")
    if _emotion(item):
        used.append("emotion")
    return turn, used


def text_field(item: Fields) -> str | None:
    """The field of the text. Unclear where two hold texts that differ."""
    names = [name for name in known.holds_text(known.TEXTS, item) if item[name]]
    for other in names[1:]:
        if item[other] != item[names[0]]:
            raise Unclear(f"`{names[0]}` and `{other}` could both be the text of a turn")
    return next(iter(names), None) or known.one_of(known.TEXTS, item)


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    places = known.all_of(known.WIDE_PLACES, record)
    return next((place for place in places if _holds_turns(from_columns(record[place]))), None)


def _holds_turns(value: object) -> bool:
    if not isinstance(value, list):
        return False
    turns = [item for item in value if isinstance(item, dict) and _is_turn(item)]
    if turns:
        return not _are_of_several(turns)
    return who.role_field(_with_text(value)) is not None


def _are_of_several(turns: list[Fields]) -> bool:
    """Whether turns have different ids of conversations: they are the rows of a table."""
    key = known.key_of(turns[0])
    return key is not None and len({str(turn.get(key)) for turn in turns}) > 1


def _with_text(items: list[object]) -> list[Fields]:
    return [item for item in items if isinstance(item, dict) and known.one_of(known.TEXTS, item)]


def _is_turn(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    fields, text = who.who_fields(item), known.one_of(known.TEXTS, item)
    if text == "value" and fields.name == "name" and not fields.role:
        return False  # an attribute of something, as {"name": "year", "value": "2003"}
    return any(fields) and text is not None
