"""ConvAI2 as JSON: talks with bots and both profiles, and PersonaChat with growing histories.

{"dialog": [{"sender": "participant1", "sender_class": "Human", "text": "Did it run?"},
            {"sender": "participant2", "sender_class": "Bot", "text": "Once."}],
 "bot_profile": ["I keep the inn."], "user_profile": ["I am a courier."]}
{"personality": ["i keep the inn ."],
 "utterances": [{"history": ["did it run ?"], "candidates": ["no .", "once ."]}]}

In a list of candidates the last is the answer. The one who answers is the assistant, and has the
personality. `__ SILENCE __` is not a turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    description,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Alternative, Persona, Role

ABOUT = About("ConvAI2 and PersonaChat as JSON", ("roles", "personas", "alternatives"))

CLASSES: dict[str, Role] = {"Human": "user", "Bot": "assistant", "User": "user"}
PROFILES: dict[str | None, str] = {None: "bot_profile", "user": "user_profile"}
SILENCE = "__SILENCE__"
REASON = "candidate"  # of the alternatives


def recognise(record: object) -> bool:
    return isinstance(record, dict) and (_has_classes(record) or _has_histories(record))


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    if _has_classes(fields):
        yield _of_classes(fields)
    else:
        yield _of_histories(fields)


# --- talks with bots


def _of_classes(record: Fields) -> Transcript:
    items = dicts_of(record.get("dialog"), "dialog", "turn")
    turns = [_turn(item, f"turn {number}") for number, item in enumerate(items, 1)]
    about = {side: description(record.get(name)) for side, name in PROFILES.items()}
    personas = {side: Persona(description=text) for side, text in about.items() if text}
    extra = rest(record, "dialog", "dialog_id", *PROFILES.values())
    return Transcript(turns, personas, record_id(record, "dialog_id"), extra=extra)


def _turn(item: Fields, where: str) -> Turn:
    role = CLASSES.get(str(item.get("sender_class")))
    if role is None:
        raise ValueError(f"{where} has no sender_class Human or Bot")
    return None, text_of(item.get("text"), where), role


def _has_classes(record: Fields) -> bool:
    dialog = record.get("dialog")
    if not isinstance(dialog, list):
        return False
    return any(
        isinstance(item, dict) and {"sender_class", "text"} <= item.keys() for item in dialog
    )


# --- growing histories


def _of_histories(record: Fields) -> Transcript:
    steps = dicts_of(record.get("utterances"), "utterances", "utterance")
    texts: list[str] = []
    alternatives: list[Alternative] = []
    for number, step in enumerate(steps, 1):
        history = _texts(step.get("history"), f"the history of utterance {number}")
        candidates = _texts(step.get("candidates"), f"the candidates of utterance {number}")
        if history[: len(texts)] != texts or not candidates:
            raise ValueError(f"utterance {number} does not continue the one before it")
        alternatives += _alternatives(len(history), candidates)
        texts = [*history, candidates[-1]]
    about = description(record.get("personality"))
    personas: dict[str | None, Persona] = {None: Persona(description=about)} if about else {}
    return _without_silence(
        Transcript(
            ending_with_answer(texts),
            personas,
            alternatives=tuple(alternatives),
            extra=rest(record, "utterances", "personality"),
        )
    )


def _texts(value: object, where: str) -> list[str]:
    return [text_of(item, where) for item in list_of(value, where)]


def _alternatives(message: int, candidates: Sequence[str]) -> list[Alternative]:
    if len(candidates) < 2:
        return []
    last = len(candidates) - 1
    return [Alternative(message, text, REASON, at == last) for at, text in enumerate(candidates)]


def ending_with_answer(texts: Sequence[str]) -> list[Turn]:
    """Texts as turns of the two sides, which alternate; the last is the assistant's."""
    sides: tuple[Role, Role] = ("assistant", "user")
    return [(None, text, sides[(len(texts) - at) % 2]) for at, text in enumerate(texts, 1)]


def _without_silence(transcript: Transcript) -> Transcript:
    """The transcript without the first text, where that is the mark of a silence."""
    if transcript.turns and transcript.turns[0][1].replace(" ", "") == SILENCE:
        transcript.turns = transcript.turns[1:]
        moved = [one._replace(message=one.message - 1) for one in transcript.alternatives]
        transcript.alternatives = tuple(moved)
    return transcript


def _has_histories(record: Fields) -> bool:
    steps = record.get("utterances")
    if not isinstance(steps, list) or not steps:
        return False
    return all(isinstance(one, dict) and {"history", "candidates"} <= one.keys() for one in steps)
