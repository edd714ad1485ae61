"""Character.AI: the histories of a character as dumped, and the answers of its two servers.

{"info": {"character": {"external_id": "x1", "name": "Ada", "greeting": "Good evening."}},
 "histories": {"histories": [{"external_id": "h1", "msgs": [
     {"id": 1, "text": "Good evening.", "src": {"name": "Ada", "is_human": false}},
     {"id": 2, "text": "Is it late?", "src": {"name": "Ben", "is_human": true}}]}]}}

{"turns": [{"create_time": "2024-03-02T14:05:11Z", "author": {"name": "Ben", "is_human": true},
            "candidates": [{"candidate_id": "c1", "raw_content": "Is it late?"}],
            "primary_candidate_id": "c1"}]}

{"messages": [{"id": 1, "text": "Good evening.", "src__name": "Ada", "src__is_human": false}]}

Turns are put in the order of their times, messages in that of their ids. Other candidates, and
messages with `is_alternative`, are alternatives. The character is the group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    description,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Persona, Role

ABOUT = About(
    "Character.AI: dumps of a character's histories",
    ("roles", "names", "personas", "groups", "alternatives"),
    private=True,
)


USED = ("msgs", "turns", "messages", "external_id", "info", "character")
SIDES: tuple[Role, Role] = ("assistant", "user")


class _Written(NamedTuple):
    """One message of the source. order: an id, or seconds. texts: all candidates. shown: which."""

    order: float | None
    name: str | None
    role: Role
    texts: list[str]
    shown: int = 0
    is_alternative: bool = False
    left_out: str | None = None


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_dump)


def _is_dump(record: Fields) -> bool:
    if "histories" in record:
        return any("msgs" in history for history in _objects(_histories(record)))
    if "turns" in record:
        return any("author" in one and "candidates" in one for one in _objects(record["turns"]))
    return any("src__is_human" in message for message in _objects(record.get("messages")))


def _objects(value: object) -> Iterator[Fields]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _histories(record: Fields) -> object:
    """The list of histories, which stands in an object of the same name."""
    inner = record["histories"]
    return inner.get("histories") if isinstance(inner, dict) else inner


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, _read)


def _read(record: Fields) -> Iterator[Transcript | Unread]:
    persona, group = _character(record)
    histories = [record]
    if "histories" in record:
        histories = dicts_of(_histories(record), "histories", "history")
    for history in histories:
        try:
            yield _transcript(history, persona, group)
        except ValueError as error:
            yield unreadable(error, history)


def _character(record: Fields) -> tuple[Persona | None, str | None]:
    """(persona, split group)"""
    info = record.get("info")
    found = info.get("character") if isinstance(info, dict) else record.get("character")
    if not isinstance(found, dict):
        return None, None
    name = description(found.get("name")) or description(found.get("participant__name"))
    about = [description(found.get(field)) for field in ("title", "description", "definition")]
    text = "\n".join(filter(None, about)) or None
    greeting = description(found.get("greeting"))
    return Persona(name, text, greeting), record_id(found, "external_id") or name


def _transcript(history: Fields, persona: Persona | None, group: str | None) -> Transcript:
    chat = fronts.ChatDraft()
    for one in _joined(_messages(history)):
        if one.left_out:
            chat.left_out[one.left_out] += 1
        elif one.is_alternative:
            chat.left_out["alternative of no message"] += 1
        else:
            chat.add(one.name, one.texts[one.shown], one.role, one.texts, one.shown)
    name, user = (fronts.only(chat.names(side)) for side in SIDES)
    transcript = chat.transcript(rest(history, *USED))
    persona = persona or (Persona(name) if name else None)
    if persona:
        transcript.personas = {None: persona}
    transcript.record = record_id(history, "external_id", "chat_id")
    transcript.group = group or name
    return fronts.filled(transcript, name, user)


def _messages(history: Fields) -> list[_Written]:
    """The messages of one history, in order."""
    if "turns" in history:
        turns = dicts_of(history["turns"], "turns", "turn")
        return _in_order([_of_turn(turn, number) for number, turn in enumerate(turns, 1)])
    field = "msgs" if "msgs" in history else "messages"
    messages = dicts_of(history.get(field), field, "message")
    return _in_order([_of_message(one, number) for number, one in enumerate(messages, 1)])


def _in_order(messages: list[_Written]) -> list[_Written]:
    """By ids or times, where all have one: the servers give the latest first."""
    orders = [one.order for one in messages if one.order is not None]
    if len(orders) < len(messages) or not orders:
        return messages
    if orders[0] > orders[-1]:
        messages = messages[::-1]  # so that those of one moment keep their order
    return sorted(messages, key=lambda one: one.order or 0)


def _joined(messages: list[_Written]) -> Iterator[_Written]:
    """The messages; alternatives that stand beside one of the character's become its texts."""
    run: list[_Written] = []
    for one in messages:
        if run and _begins(one, run):
            yield from _one(run)
            run = []
        run.append(one)
    yield from _one(run)


def _begins(one: _Written, run: list[_Written]) -> bool:
    """Whether a message is not another text for the one of the run."""
    apart = any(each.role == "user" or each.left_out for each in (run[-1], one))
    return apart or (not one.is_alternative and not all(known.is_alternative for known in run))


def _one(run: list[_Written]) -> Iterator[_Written]:
    """A message with the alternatives around it as one; alternatives alone as they are."""
    shown = next((one for one in run if not one.is_alternative), None)
    if shown is None or len(run) == 1:
        yield from run
        return
    before = sum(len(one.texts) for one in run[: run.index(shown)])
    texts = [text for one in run for text in one.texts]
    yield shown._replace(texts=texts, shown=before + shown.shown)


# --- a message of the older server


def _of_message(message: Fields, number: int) -> _Written:
    where = f"message {number}"
    is_human = _source(message, "is_human")
    if not isinstance(is_human, bool):
        raise ValueError(f"{where} does not show whether a human wrote it")
    order = message.get("id")
    return _Written(
        order if isinstance(order, int) else None,
        fronts.own_name(_source(message, "name")),
        "user" if is_human else "assistant",
        [text_of(message.get("text"), where)],
        is_alternative=message.get("is_alternative") is True,
        left_out="deleted message" if message.get("deleted") else None,
    )


def _source(message: Fields, field: str) -> object:
    """A field of the one who wrote it: in `src`, or with `src__` before its name."""
    source = message.get("src")
    return source.get(field) if isinstance(source, Mapping) else message.get(f"src__{field}")


# --- a turn of the newer server


def _of_turn(turn: Fields, number: int) -> _Written:
    where = f"turn {number}"
    author = dict_of(turn.get("author"), f"the author of {where}")
    candidates = dicts_of(turn.get("candidates"), f"the candidates of {where}", "candidate")
    texts = [text_of(one.get("raw_content"), f"a candidate of {where}") for one in candidates]
    if not texts:
        raise ValueError(f"{where} has no candidate")
    time = turn.get("create_time") or candidates[0].get("create_time")
    return _Written(
        _seconds(time, where),
        fronts.own_name(author.get("name")),
        "user" if author.get("is_human") else "assistant",
        texts,
        _shown(turn, candidates, where),
    )


def _seconds(value: object, where: str) -> float:
    time = fronts.time_of(value)
    if time is None:
        raise ValueError(f"the time of {where} cannot be read: {value}")
    return time.replace(tzinfo=dt.UTC).timestamp()


def _shown(turn: Fields, candidates: list[Fields], where: str) -> int:
    """The place of the candidate that the reader saw."""
    ids = [one.get("candidate_id") for one in candidates]
    primary = turn.get("primary_candidate_id")
    if primary in ids:
        return ids.index(primary)
    if len(list_of(candidates, where)) > 1:
        raise ValueError(f"{where} does not show which of its candidates was shown")
    return 0
