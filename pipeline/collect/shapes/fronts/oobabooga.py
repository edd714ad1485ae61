"""text-generation-webui of oobabooga: the history of a chat as pairs of a message and its answer.

{"internal": [["<|BEGIN-VISIBLE-CHAT|>", "Good evening."], ["What's new?", "Nothing."]],
 "visible": [["", "Good evening."], ["What&#x27;s new?", "Nothing."]],
 "metadata": {"assistant_1": {"versions": [{"content": "Rain."}, {"content": "Nothing."}],
                              "current_version_index": 1}}}

`internal` is what the model saw; `visible` the same as HTML, or in another language. Older files
have `data` and `data_visible`. Versions of an answer are alternatives. The character is known by
the file's name, or by its folder (`logs/chat/Ada/20240302-14-05-11.json`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    dicts_of,
    if_any,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About(
    "text-generation-webui of oobabooga: chat histories",
    ("roles", "personas", "times", "groups", "alternatives"),
)

NOTHING = "<|BEGIN-VISIBLE-CHAT|>"  # stands where the user has not yet written
SEEN = ("internal", "data")
SHOWN = ("visible", "data_visible")
SIDES: tuple[Role, Role] = ("user", "assistant")
DATED = re.compile(r"\d{8}-\d\d-\d\d-\d\d")
NAMED = re.compile(r"persistent_(.+)|(.+?)_(?:persistent|oobabooga_Chat)")
MODES = ("chat", "instruct", "logs")  # folders that are not named after a character

Pairs = list[tuple[str, str]]  # (message of the user, answer); "" where there is none


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_history)


def _is_history(record: Fields) -> bool:
    names = [name for name in (*SEEN, *SHOWN) if name in record]
    has_both = any(name in names for name in SEEN) and any(name in names for name in SHOWN)
    return has_both and all(_holds_pairs(record[name]) for name in names)


def _holds_pairs(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: [_read(record, place)])


def _read(record: Fields, place: Place) -> Transcript:
    seen, shown = _pairs(record, SEEN), _pairs(record, SHOWN)
    if seen and shown and len(seen) != len(shown):
        raise ValueError(f"{len(seen)} pairs were seen by the model, {len(shown)} are shown")
    visible = list(map(_unescaped, shown))
    chat = fronts.ChatDraft()
    for number, pair in enumerate(seen or visible):
        _add(chat, record, number, pair)
    times = fronts.began(*(_detail(record, role, 0).get("timestamp") for role in SIDES))
    others = if_any("visible", _others(seen, visible))
    extra = rest(record, *SEEN, *SHOWN) | times | others
    return _of_character(chat.transcript(extra), place)


def _add(chat: fronts.ChatDraft, record: Fields, number: int, pair: tuple[str, str]) -> None:
    for role, text in zip(SIDES, pair, strict=True):
        if text.strip() not in ("", NOTHING):
            detail = _detail(record, role, number)
            versions = dicts_of(detail.get("versions") or [], "`versions`", "version")
            texts = [text_of(version.get("content"), "a version") for version in versions]
            shown = detail.get("current_version_index")
            chat.add(None, text, role, texts, shown if isinstance(shown, int) else None)


def _pairs(record: Fields, names: tuple[str, ...]) -> Pairs:
    """The pairs under the first of these names that holds any."""
    name = next((name for name in names if record.get(name)), names[0])
    rows = enumerate(list_of(record.get(name) or [], name), 1)
    return [_pair(row, f"pair {number} of `{name}`") for number, row in rows]


def _pair(row: object, where: str) -> tuple[str, str]:
    halves = list_of(row, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} texts, expected 2")
    asked, answered = (text_of(half or "", where) for half in halves)
    return asked, answered


def _unescaped(pair: tuple[str, str]) -> tuple[str, str]:
    asked, answered = pair
    return html.unescape(asked), html.unescape(answered)


def _others(seen: Pairs, visible: Pairs) -> Pairs:
    """The pairs in which the user saw another text than the model: a translation, say."""
    pairs = zip(seen, visible, strict=False)
    return [shown for pair, shown in pairs if _differ(pair, shown)]


def _differ(seen: tuple[str, str], shown: tuple[str, str]) -> bool:
    return any(two.strip() not in (one.strip(), "") for one, two in zip(seen, shown, strict=True))


# --- what `metadata` holds of each message, under "user_0", "assistant_0"


def _detail(record: Fields, role: Role, number: int) -> Fields:
    metadata = record.get("metadata")
    detail = metadata.get(f"{role}_{number}") if isinstance(metadata, dict) else None
    return detail if isinstance(detail, dict) else {}


# --- the character


def _of_character(transcript: Transcript, place: Place) -> Transcript:
    name = _by_file(place)
    known = fronts.folder(place)
    if name is None and known not in (None, *MODES) and DATED.fullmatch(fronts.stem(place)):
        name = known
        transcript.assumed = ("the folder is named after the character",)
    persona = fronts.persona(name, place)
    if persona:
        transcript.personas = {None: persona}
    transcript.group = name
    return fronts.filled(transcript, name, None)


def _by_file(place: Place) -> str | None:
    found = NAMED.fullmatch(fronts.stem(place))
    return (found[1] or found[2]) if found else None
