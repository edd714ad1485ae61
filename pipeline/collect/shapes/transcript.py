"""What every shape reads a record into: a transcript, and the helpers that take a record apart.

The helpers never guess: what is not text, not a list, not an object raises ValueError, and the
message names the place. The record then becomes one row of the quarantine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson

from pipeline.conversation import Alternative, Annotation, Persona, Role

# What sources call the two sides. Any other word is a name, and a rule decides (see admit.py).
ROLE_WORDS: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "customer": "user",
    "client": "user",
    "you": "user",
    "you said": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "chatgpt said": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "char": "assistant",
    "character": "assistant",
    "agent": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "claude": "assistant",
    "gemini": "assistant",
    "llm": "assistant",
    "ai assistant": "assistant",
    "ai_assistant": "assistant",
}
# the same in other languages
ROLE_WORDS |= dict.fromkeys(
    (
        "usuario", "usuária", "usuário", "utilizador", "utilisateur", "utilisatrice", "nutzer",
        "nutzerin", "benutzer", "benutzerin", "utente", "gebruiker", "användare", "bruker",
        "bruger", "käyttäjä", "użytkownik", "uživatel", "felhasználó", "kullanıcı", "utilizator",
        "пользователь", "користувач", "用户", "用戶", "使用者", "ユーザー", "사용자", "người dùng",
        "المستخدم", "उपयोगकर्ता",
    ),
    "user",
)  # fmt: skip
ROLE_WORDS |= dict.fromkeys(
    (
        "asistente", "assistente", "assistent", "assistentin", "asystent", "asistent", "asistan",
        "avustaja", "asszisztens", "ассистент", "помощник", "асистент", "бот", "нейросеть",
        "модель", "助手", "助理", "机器人", "機器人", "アシスタント", "ボット", "어시스턴트",
        "챗봇", "trợ lý", "المساعد", "सहायक",
    ),
    "assistant",
)  # fmt: skip
RAW = 100_000  # characters of an unreadable record that are kept

Fields = dict[str, object]  # a JSON object, a row of a table
Numbered = tuple[int, object]  # (number in the file, decoded record, `Unread` or our own row)
Records = Iterable[Numbered]


# what a shape knows of a conversation besides its texts
Given = Literal["roles", "names", "personas", "times", "groups", "alternatives", "annotations"]


@dataclass(frozen=True, slots=True)
class About:
    """What a shape is for, as the table in `collect/README.md` shows it.

    of: whose files they are. private: they are of a messenger, a mailbox or a person's account, so
    that `publish` asks before it gives them away.
    """

    of: str
    gives: tuple[Given, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is. path: below the folder of its source. beside: the bytes of another file, by
    its path from this one's folder (`users.json`, `../channels.json`); None where there is none.
    """

    path: str
    beside: Callable[[str], bytes | None] = lambda name: None


# One message of a transcript: the speaker as the source writes it, the text, and the role where the
# source itself says it. A plain tuple, for a million rows hold ten million of them.
Turn = tuple[str | None, str, Role | None]


@dataclass(slots=True)  # not frozen: that doubles the time to make one
class Transcript:
    """One conversation as its source has it, before it is decided who is the assistant.

    personas: by speaker; under None the assistant's.
    record: the foreign record's own id.
    group: what a split must keep together (a document, a thread); by default the conversation.
    annotations: one per turn, or none at all.
    alternatives: other texts for turns, and the one that stands there, in the order of the source.
    extra: all that the record holds beyond the other fields.
    merged: further foreign records that were joined into this one.
    notes: what was changed while reading, for `edits`.
    assumed: what the record does not say and was assumed, as in "the two speakers alternate".
    left_out: what is no message → how many of it, as in {"notice": 3}.
    language: what the record names as its language, where a recipe says in which field.
    """

    turns: list[Turn]
    personas: Mapping[str | None, Persona] = field(default_factory=dict)
    record: str | None = None
    group: str | None = None
    annotations: tuple[Annotation, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    merged: int = 0
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    language: object = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be read: it becomes one row of the quarantine.

    rule: one of `RULES` in admit.py. detail: what exactly is wrong. raw: the record as it is.
    """

    rule: str
    detail: str
    raw: object


def unreadable(error: Exception, raw: object) -> Unread:
    """The refusal of a record that was decoded, but that its shape cannot read."""
    return Unread("record.unreadable", str(error), raw)


class Unclear(ValueError):
    """What a record means is not certain: it is not read unless the recipe names its fields."""


# --- the parts of a record


def text_of(value: object, where: str) -> str:
    """The text of a turn. ValueError when it is not text: `3` or `null` is never a message."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{where} is {_kind(value)}, not text")


def list_of(value: object, where: str) -> list[object]:
    """The value as a list, also when it is an object of lists. ValueError when it is neither."""
    value = from_columns(value)
    if isinstance(value, list):
        return value
    raise ValueError(f"{where} is {_kind(value)}, not a list")


def dict_of(value: object, where: str) -> Fields:
    """The value as an object. ValueError when it is anything else."""
    if isinstance(value, dict):
        return value
    raise ValueError(f"{where} is {_kind(value)}, not an object")


def dicts_of(value: object, where: str, each: str) -> list[Fields]:
    """The value as a list of objects. ValueError names the first item that is not an object."""
    return [dict_of(item, f"{each} {n}") for n, item in enumerate(list_of(value, where), 1)]


def fields_in(value: object) -> Fields:
    """The value where it is an object, else an empty one: for what may be missing."""
    return value if isinstance(value, dict) else {}


def items_in(value: object) -> list[object]:
    """The value where it is a list, else an empty one: for what may be missing."""
    return value if isinstance(value, list) else []


def from_columns(value: object) -> object:
    """A list of objects made from an object of lists; any other value unchanged.

    `datasets` may write a list of objects in either form:

        {"from": ["human", "gpt"], "value": ["Who?", "Ada."]}
        [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "Ada."}]
    """
    if not isinstance(value, dict) or not value:
        return value
    columns = list(value.values())
    if not all(isinstance(column, list) for column in columns):
        return value
    return [dict(zip(value, row, strict=False)) for row in zip(*columns, strict=False)]


def record_id(record: Mapping[str, object], *names: str) -> str | None:
    """The record's own id, as a string, under the first of these names that holds one."""
    name = id_field(record, *names)
    return str(record[name]) if name else None


def id_field(record: Mapping[str, object], *names: str) -> str | None:
    """The name under which a record has its id. A second id belongs to `extra`."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return name
    return None


def first_of(names: Iterable[str], record: Mapping[str, object]) -> str | None:
    """The first of these names that the record has."""
    return next((name for name in names if name in record), None)


def rest(record: Mapping[str, object], *used: str | None) -> Fields:
    """The fields that a shape has not used and that are not empty."""
    return {
        name: value
        for name, value in record.items()
        if name not in used and value not in (None, "", [], {})
    }


def if_any(name: str, values: Sequence[object]) -> Fields:
    """{name: values} for `extra`; {} when all the values are empty."""
    if not any(values):
        return {}
    return {name: values}


def description(value: object) -> str | None:
    """A persona's text, from a list of sentences or from one text; None when it is empty."""
    if isinstance(value, list):
        value = "\n".join(line.strip() for line in value if isinstance(line, str))
    if not isinstance(value, str):
        return None
    return value.strip() or None


def as_json(value: object) -> str:
    """JSON of anything that a file may hold; a date or another foreign type becomes its text."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # numbers of more than 64 bits, half characters
        return json.dumps(value, default=str)


def _kind(value: object) -> str:
    return "missing" if value is None else type(value).__name__


# --- turns


def candidates(
    texts: Sequence[str], shown: int, message: int, reason: str = "candidate"
) -> tuple[Alternative, ...]:
    """All texts that could stand as a message, in their order; () where there is only one.

    shown: the number of the one that stands there. message: index into the turns.
    """
    if len(texts) < 2:
        return ()
    return tuple(
        Alternative(message, text, reason, number == shown) for number, text in enumerate(texts)
    )


def alternating(texts: Iterable[str]) -> list[Turn]:
    """Texts as the turns of two speakers, one after the other."""
    return [(f"speaker {number % 2 + 1}", text, None) for number, text in enumerate(texts)]


def turn_by(name: str | None, text: str, own_name: str | None = None) -> Turn:
    """A turn by somebody whom the source calls `name`: a role word, or a speaker's name.

    own_name: the speaker's name where it stands beside the role.
    """
    role = ROLE_WORDS.get((name or "").lower())
    speaker = own_name
    if speaker is None and role is None:
        speaker = name
    return speaker, text, role


def system_as_assistant(turns: list[Turn]) -> list[Turn]:
    """Turns of a source whose `system` answers the user (SGD, Taskmaster): it is the assistant.

    Where somebody else is the assistant, or several others speak, the text of the system is a
    prompt or a narrator's, and stays one.
    """
    roles = {role for _, _, role in turns}
    others = {speaker for speaker, _, role in turns if role != "system"}
    if "assistant" in roles or "system" not in roles or len(others) > 1:
        return turns
    side: dict[Role | None, Role] = {"system": "assistant", "user": "user"}
    return [(speaker, text, side.get(role)) for speaker, text, role in turns]
