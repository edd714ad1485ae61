"""What the files of roleplay programs have in common: names, cards beside the chats, swipes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import PurePosixPath

from pipeline.collect.shapes.common import placeholders
from pipeline.collect.shapes.fronts import card
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    Fields,
    Place,
    Records,
    Transcript,
    Turn,
    Unread,
    description,
    dict_of,
    if_any,
    list_of,
    text_of,
    unreadable,
)
from pipeline.conversation import Alternative, Persona, Role
from pipeline.formats import cards

# Where programs keep a card, seen from a chat: SillyTavern has `characters/Ada.png` beside
# `chats/Ada/<date>.jsonl`.
CARD_FOLDERS = ("", "../", "characters/", "../characters/", "../../characters/")
CARD_ENDS = (".png", ".json", ".charx")
FILE_NAME = re.compile(r"[^/\\\0]{1,100}")
# a name of up to 60 characters, without sentence marks
LABEL = re.compile(r"([^\W\d_][^:\n*!?,;\"<>{}\[\]]{0,58}[^:\n*!?,;\"<>{}\[\]\s]):[ \t]+(?=\S)")
WORDS = 5  # of a name
# "2024-3-2 @14h 05m 11s 220ms", "2024-03-02@14h05m11s"
CLOCK = re.compile(r"(\d{4})-(\d+)-(\d+) ?@ ?(\d+)h ?(\d+)m ?(\d+)s")
# "March 2, 2024 2:05pm", "Mar 02, 2024 14:05", "3/2/2024 2:05:11 PM"
WRITTEN = ("%B %d, %Y %I:%M%p", "%b %d, %Y %H:%M", "%m/%d/%Y %I:%M:%S %p")


def each(
    records: Records, read: Callable[[Fields], Iterable[Transcript | Unread]]
) -> Iterator[tuple[int, Transcript | Unread]]:
    """The chats of records that hold one or more each; what cannot be read comes by itself."""
    found: list[Transcript | Unread]
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
            continue
        try:
            found = list(read(dict_of(record, "the record")))
        except (ValueError, RecursionError) as error:
            found = [unreadable(error, record)]
        for one in found or [Unread("record.empty", "the record holds no chat", record)]:
            yield number, one


def is_each(head: Sequence[object], is_one: Callable[[Fields], bool]) -> bool:
    """Whether there are records, and all of them are such objects."""
    return bool(head) and all(isinstance(record, dict) and is_one(record) for record in head)


# --- messages


@dataclass(slots=True)
class ChatDraft:
    """The messages of a chat, while it is read. kept: what else each of them holds."""

    turns: list[Turn] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    kept: list[Fields] = field(default_factory=list)

    def add(
        self,
        name: str | None,
        text: str,
        role: Role,
        others: Sequence[str] = (),
        place: int | None = None,
    ) -> bool:
        """One more message, if it has a text. others: all its texts; see `swipes`."""
        if not text.strip():
            self.left_out["message without text"] += 1
            return False
        if others:
            self.alternatives += swipes(len(self.turns), others, text, place)
        self.turns.append((name, text, role))
        return True

    def names(self, side: Role) -> list[str]:
        """The names of a side, in the order in which they begin."""
        return list(dict.fromkeys(name for name, _, role in self.turns if name and role == side))

    def transcript(self, extra: Fields) -> Transcript:
        return Transcript(
            self.turns,
            alternatives=tuple(self.alternatives),
            extra=extra | if_any("messages", self.kept),
            left_out=self.left_out,
        )


def texts_of(value: object, where: str) -> list[str]:
    """A list of texts; none where there is no list. ValueError when one is not a text."""
    return [text_of(one, f"one of {where}") for one in list_of(value or [], where)]


def swipes(
    message: int, texts: Sequence[str], shown: str, place: int | None = None
) -> tuple[Alternative, ...]:
    """All texts of a message, in their order, the shown one chosen; () where it has no other.

    place: of the shown text among them. A text that was edited later stands behind them.
    """
    same = [number for number, text in enumerate(texts) if text.strip() == shown.strip()]
    if not same:
        texts, same = [*texts, shown], [len(texts)]
    chosen = place if place in same else same[0]
    filled = [(number, text) for number, text in enumerate(texts) if text.strip()]
    if len(filled) < 2:
        return ()
    return tuple(Alternative(message, text, "swipe", number == chosen) for number, text in filled)


# --- names and personas


def cast(
    transcript: Transcript,
    place: Place,
    characters: Sequence[str | None],
    user: str | None,
    **scene: str | None,
) -> Transcript:
    """The transcript with the persona and the group of its characters, and all names filled in.

    scene: `description`, `greeting` and `scenario`, where the chat itself gives them.
    """
    name = only(characters)
    together = ", ".join(sorted(filter(None, characters)))
    found = persona(name, place) or Persona(together or None)
    given = {part: text for part, text in scene.items() if text}
    transcript.personas = {None: replace(found, **given)}
    transcript.group = found.name
    return filled(transcript, name, user)


def scene(value: object) -> dict[str, str | None]:
    """`greeting` and `scenario` of an object, for `cast`."""
    fields = value if isinstance(value, dict) else {}
    return {name: description(fields.get(name)) for name in ("greeting", "scenario")}


def speaker(line: str) -> str | None:
    """The name with which a line begins: `Ada: Good evening.`"""
    label = LABEL.match(line)
    if label is None or len(label[1].split()) > WORDS:
        return None
    return label[1]


def own_name(value: object) -> str | None:
    """A speaker's name; None for a word that only stands for a side ("You", "User", "unused")."""
    if not isinstance(value, str) or not value.strip():
        return None
    name = value.strip()
    return None if name.lower() in (*ROLE_WORDS, "unused", "null") else name


def only(names: Iterable[str | None]) -> str | None:
    """The name, where there is exactly one."""
    found = set(filter(None, names))
    return found.pop() if len(found) == 1 else None


def folder(place: Place) -> str | None:
    """The name of the file's folder, below the folder of the source."""
    return PurePosixPath(place.path).parent.name or None


def stem(place: Place) -> str:
    """The name of the file without its ending."""
    return PurePosixPath(place.path).stem


def persona(name: str | None, place: Place) -> Persona | None:
    """The character of this name: from its card, where one lies beside the chat."""
    if name is None:
        return None
    for text in _cards(dict.fromkeys([name, folder(place) or name]), place):
        with suppress(ValueError):
            character = cards.from_json(text)
            if character.name == name:
                about = character.description or None
                return Persona(name, about, character.greeting, character.scenario, text)
    return Persona(name)


def _cards(names: Iterable[str], place: Place) -> Iterator[str]:
    """The JSON of the cards that lie where programs keep them, under these names."""
    for name, below, end in product(names, CARD_FOLDERS, CARD_ENDS):
        if FILE_NAME.fullmatch(name):
            with suppress(ValueError, OSError):
                data = place.beside(f"{below}{name}{end}")
                if data is not None:
                    text = cards.card_text(data)
                    if card.is_card(json.loads(text)):
                        yield text


def filled(transcript: Transcript, character: str | None, user: str | None) -> Transcript:
    """The transcript with the names of the two sides in the place of {{char}} and {{user}}."""
    return placeholders.fill(transcript, {"assistant": character, "user": user})


# --- times


def time_of(value: object) -> dt.datetime | None:
    """A time as roleplay programs write it; None for any other text.

    1709388305000    2024-03-02T14:05:05.000Z    2024-3-2 @14h 05m 11s 220ms
    March 2, 2024 2:05pm
    """
    text = str(value)
    with suppress(ValueError, OverflowError, OSError):
        if re.fullmatch(r"\d{12,14}", text):
            return dt.datetime.fromtimestamp(int(text) / 1000, dt.UTC).replace(tzinfo=None)
        if clock := CLOCK.match(text):
            return dt.datetime(*map(int, clock.groups()))  # type: ignore[arg-type]
        return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    for form in WRITTEN:
        with suppress(ValueError):
            return dt.datetime.strptime(text, form)
    return None


def began(*values: object) -> Fields:
    """{"began": ..} for `extra`, from the first value that is a time."""
    for time in filter(None, map(time_of, values)):
        return {"began": time.isoformat(sep=" ", timespec="seconds")}
    return {}
