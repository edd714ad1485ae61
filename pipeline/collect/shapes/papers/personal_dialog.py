"""PersonalDialog: posts and answers with the profiles of those who write them.

{"uid": [0, 1], "dialog": [["今 天 下 雨"], ["带 伞 吧"]],
 "profile": [{"loc": "北京", "gender": "male", "tag": ["猫"]}, {"loc": "", "gender": "female"}]}
{"dialog": [["今 天 下 雨"]], "profile": [..], "uid": [0], "responder_profile": {..},
 "golden_response": ["带 伞 吧"]}

`uid` gives the profile of each text. Blanks between all characters are removed.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.papers.cdial import joined
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Persona

ABOUT = About("PersonalDialog", ("personas",))

ANSWER, ANSWERER = "golden_response", "responder_profile"
RESPONDER = "responder"
USED = ("dialog", "profile", "uid", ANSWER, ANSWERER)


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    parts = [record.get(name) for name in ("dialog", "profile", "uid")]
    return all(isinstance(part, list) and part for part in parts)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    turns = _turns(fields)
    profiles = dicts_of(fields.get("profile"), "profile", "profile")
    described: dict[str | None, Fields] = {_name(at): one for at, one in enumerate(profiles)}
    if fields.get(ANSWER):
        described[None] = dict_of(fields.get(ANSWERER) or {}, ANSWERER)
        turns.append((RESPONDER, _text(fields[ANSWER]), "assistant"))
    personas = {name: Persona(description=_about(one)) for name, one in described.items()}
    yield Transcript(turns, personas, extra=rest(fields, *USED))


def _turns(record: Fields) -> list[Turn]:
    texts, writers = (list_of(record.get(name), name) for name in ("dialog", "uid"))
    if len(texts) != len(writers):
        raise ValueError(f"{len(texts)} texts and {len(writers)} writers")
    pairs = zip(texts, writers, strict=True)
    return [(_name(writer), _text(text), None) for text, writer in pairs]


def _name(writer: object) -> str:
    return f"speaker {writer}"


def _text(value: object) -> str:
    """The lines of a text, which may stand in a list."""
    lines = value if isinstance(value, list) else [value]
    return "\n".join(joined(text_of(line, "a text").strip()) for line in lines)


def _about(profile: Fields) -> str | None:
    """The fields of a profile, one a line; None where all are empty."""
    lines = []
    for name, value in rest(profile).items():
        values = value if isinstance(value, list) else [value]
        text = ", ".join(str(one) for one in values if one)
        if text:
            lines.append(f"{name}: {text}")
    return "\n".join(lines) or None
