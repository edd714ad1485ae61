"""Kobold Lite: a saved session, one text in pieces, in chat mode or instruct mode.

{"gamestarted": true, "prompt": "\\nAda: Good evening.\\nBen: Is it late?\\nAda:",
 "actions": [" Past nine."], "memory": "[Ada keeps an inn.]",
 "savedsettings": {"opmode": 3, "chatname": "Ben", "chatopponent": "Ada"}}
{"prompt": "{{[INPUT]}}Is it late?{{[OUTPUT]}}", "actions": ["Past nine."],
 "savedsettings": {"opmode": 4}}

`chatname` is the user, `chatopponent` the character, or several with `||$||` between. The memory is
the persona, what stands before the first speaker the scenario. Stories and adventures have no
speakers and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from pipeline.collect.shapes import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Turn,
    Unread,
    description,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Persona, Role

ABOUT = About("Kobold Lite: saved sessions", ("roles", "names", "personas", "groups"))

USED = (
    "prompt",
    "actions",
    "actions_metadata",
    "memory",
    "savedsettings",
    "savedaestheticsettings",
    "gamestarted",
)
CHAT, INSTRUCT = 3, 4  # the modes of `opmode`; 1 is a story, 2 an adventure
SEVERAL = "||$||"
MARKS: dict[str, Role] = {"INPUT": "user", "OUTPUT": "assistant", "SYSTEM": "system"}
MARK = re.compile(r"\{\{\[(INPUT|OUTPUT|SYSTEM)\]\}\}")
END = re.compile(r"\{\{\[(?:INPUT|OUTPUT|SYSTEM)_END\]\}\}")
IMAGE = re.compile(r"\[<\|(\w)\|.*?\|\1\|>\]", re.S)
# The tags of other templates, where a session was saved with them.
TAGS: tuple[tuple[str, Role], ...] = (
    ("instruct_starttag", "user"),
    ("instruct_endtag", "assistant"),
    ("instruct_systag", "system"),
)

# where a speaker's text begins: (start of its head, end of its head, name, role)
Head = tuple[int, int, str | None, Role]


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_session)


def _is_session(record: Fields) -> bool:
    has_text = isinstance(record.get("prompt"), str) and isinstance(record.get("actions"), list)
    return has_text and ("savedsettings" in record or "gamestarted" in record)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: [_read(record, place)])


def _read(record: Fields, place: Place) -> Transcript:
    found = record.get("savedsettings")
    settings = found if isinstance(found, dict) else {}
    actions = list_of(record.get("actions"), "actions")
    pieces = [record.get("prompt"), *actions]
    whole = "".join(text_of(piece, f"piece {number}") for number, piece in enumerate(pieces, 1))
    text, images = IMAGE.subn("", whole)
    heads = _heads(text, settings)
    if not heads:
        raise ValueError("a story without speakers: nothing shows who wrote what")
    transcript = Transcript(_turns(text, heads))
    if images:
        transcript.left_out = {"image": images}
    transcript.extra = rest(record, *USED)
    opening = text[: heads[0][0]].strip()
    return _with_character(transcript, description(record.get("memory")), opening, settings, place)


def _heads(text: str, settings: Fields) -> list[Head]:
    """Where the texts of speakers begin; [] where nothing shows it."""
    marks: list[Head] = [(m.start(), m.end(), None, MARKS[m[1]]) for m in MARK.finditer(text)]
    mode = str(settings.get("opmode"))
    if marks:
        return marks
    if mode == str(CHAT):
        return _of_names(text, settings)
    return _of_tags(text, settings) if mode == str(INSTRUCT) else []


def _of_names(text: str, settings: Fields) -> list[Head]:
    """Speakers at the head of lines, in chat mode."""
    user = str(settings.get("chatname") or "").strip()
    characters = _characters(settings)
    if not user or not characters:
        return []
    roles: dict[str, Role] = {**dict.fromkeys(characters, "assistant"), user: "user"}
    names = "|".join(map(re.escape, sorted(roles, key=len, reverse=True)))
    found = re.finditer(rf"^[ \t]*({names}):[ \t]?", text, re.M)
    return [(head.start(), head.end(), head[1], roles[head[1]]) for head in found]


def _of_tags(text: str, settings: Fields) -> list[Head]:
    """The tags of a template, which the settings name."""
    tags = {str(settings.get(name) or "").replace("\\n", "\n").strip(): role for name, role in TAGS}
    roles = {tag: role for tag, role in tags.items() if tag}
    if len({"user", "assistant"} & set(roles.values())) < 2:
        return []
    names = "|".join(map(re.escape, sorted(roles, key=len, reverse=True)))
    return [(m.start(), m.end(), None, roles[m[0]]) for m in re.finditer(names, text)]


def _turns(text: str, heads: list[Head]) -> list[Turn]:
    ends: list[Head] = [*heads, (len(text), len(text), None, "user")]
    turns: list[Turn] = []
    for (_, start, name, role), (end, *_) in pairwise(ends):
        content = END.sub("", text[start:end]).strip()
        if content:
            turns.append((name, content, role))
    return turns


def _characters(settings: Fields) -> list[str]:
    names = str(settings.get("chatopponent") or "").split(SEVERAL)
    return [name.strip() for name in names if name.strip()]


def _with_character(
    transcript: Transcript, memory: str | None, opening: str, settings: Fields, place: Place
) -> Transcript:
    is_named = any(name for name, _, _ in transcript.turns)
    characters = _characters(settings) if is_named else []
    user = fronts.own_name(settings.get("chatname")) if is_named else None
    name = fronts.only(characters)
    found = fronts.persona(name, place) or Persona(", ".join(characters) or None)
    persona = Persona(
        found.name,
        memory or found.description,
        found.greeting,
        opening or found.scenario,
        found.card,
    )
    transcript.personas = {None: persona}
    transcript.group = found.name
    return fronts.filled(transcript, name, user)
