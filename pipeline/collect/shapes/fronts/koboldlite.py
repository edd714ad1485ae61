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
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pipeline.collect.shapes.fronts import fronts
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
from pipeline.conversation import Role

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
    text, images = IMAGE.subn("", _text(record))
    heads = _heads(text, settings)
    if not heads:
        raise ValueError("a story without speakers: nothing shows who wrote what")
    transcript = Transcript(_turns(text, heads), extra=rest(record, *USED))
    if images:
        transcript.left_out = {"image": images}
    is_named = any(name for name, _, _ in transcript.turns)
    return fronts.cast(
        transcript,
        place,
        _characters(settings) if is_named else [],
        fronts.own_name(settings.get("chatname")) if is_named else None,
        description=description(record.get("memory")),
        scenario=text[: heads[0][0]].strip(),
    )


def _text(record: Fields) -> str:
    pieces = [record.get("prompt"), *list_of(record.get("actions"), "actions")]
    numbered = enumerate(pieces, 1)
    return "".join(text_of(piece, f"piece {number}") for number, piece in numbered)


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
    _check_names(text, roles)
    names = "|".join(map(re.escape, sorted(roles, key=len, reverse=True)))
    found = re.finditer(rf"^[ \t]*({names}):[ \t]?", text, re.M)
    return [(head.start(), head.end(), head[1], roles[head[1]]) for head in found]


def _check_names(text: str, known: Iterable[str]) -> None:
    """ValueError where others speak, whose words would be read as somebody else's."""
    times = Counter(map(fronts.speaker, text.splitlines()))
    others = [name for name, count in times.items() if name and count > 1 and name not in known]
    if others:
        raise ValueError(f"speakers whom the settings do not name: {', '.join(others)}")


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
