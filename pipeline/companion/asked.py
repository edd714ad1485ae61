"""A request of a chat client, read and checked: OpenAI's protocol, as far as a talk needs it.

What cannot be answered is a `Declined`, which the client gets in OpenAI's form. System messages of a
client are left out: who a companion is stands on its card.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from pipeline.companion.reply import Sampling
from pipeline.conversation import Message, Role
from pipeline.generate.check import is_whole

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
MOST_MESSAGES = 2_000  # of one talk; our choice
LONGEST = 40_000  # characters of one message; our choice
SAMPLES = 1 << 24  # numbers of answers to the same messages
MOST_STOPS = 4  # OpenAI's limit

RequestBody = Mapping[str, object]


class Declined(Exception):
    """A request that is not answered. status: of HTTP. param: the field that is wrong."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None):
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param

    def as_record(self) -> dict[str, dict[str, str | None]]:
        """In OpenAI's form."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": error}


@dataclass(frozen=True, slots=True)
class ChatAsked:
    """What a client wants. whole: all messages, those of the system too; messages: of user and
    assistant. user: who talks, where the client says so."""

    model: str
    whole: tuple[Message, ...]
    messages: tuple[Message, ...]
    sampling: Sampling
    stream: bool = False
    counts_tokens: bool = False
    user: str | None = None


def body_of(content: bytes) -> RequestBody:
    """The JSON object of a request. Raises Declined."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Declined(
            400, f"The body is not JSON that can be read: {error}.", "bad_json"
        ) from None
    if not isinstance(body, dict):
        raise Declined(400, "The body is not a JSON object.", "bad_json")
    return cast(RequestBody, body)


def chat_asked(body: RequestBody) -> ChatAsked:
    """A request for a reply. Raises Declined that names the field."""
    whole = messages_of(body)
    spoken = tuple(message for message in whole if message.role != "system")
    if _number(body, "n", 1, 128) not in (None, 1):
        raise Declined(400, "n: one reply at a time; ask again for another.", "unsupported", "n")
    options = body.get("stream_options")
    return ChatAsked(
        model=_text(body, "model") or "",
        whole=whole,
        messages=spoken,
        sampling=_sampling(body),
        stream=body.get("stream") is True,
        counts_tokens=isinstance(options, dict) and options.get("include_usage") is True,
        user=_text(body, "user"),
    )


def messages_of(body: RequestBody) -> tuple[Message, ...]:
    """The messages of a request. Raises Declined."""
    given = body.get("messages")
    if not isinstance(given, list) or not given:
        raise _wrong("messages", "a list of at least one message")
    if len(given) > MOST_MESSAGES:
        message = f"messages: {len(given)}, at most {MOST_MESSAGES} are read."
        raise Declined(413, message, "too_long", "messages")
    read = (_message(one, f"messages[{index}]") for index, one in enumerate(given))
    return tuple(message for message in read if message.content.strip())


def _message(given: object, where: str) -> Message:
    if not isinstance(given, dict):
        raise _wrong(where, "an object with role and content")
    role = given.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise _wrong(f"{where}.role", f"one of {', '.join(ROLES)}")
    content = _content(given.get("content"), f"{where}.content")
    if len(content) > LONGEST:
        message = f"{where}.content: {len(content)} characters, at most {LONGEST} are read."
        raise Declined(413, message, "too_long", where)
    if not is_whole(content):
        raise _wrong(f"{where}.content", "text without half characters")
    return Message(ROLES[role], content)


def _content(given: object, where: str) -> str:
    """A text, or the texts of a list of parts."""
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    if not isinstance(given, list):
        raise _wrong(where, "a text, or a list of parts")
    return "\n".join(_part(part, where) for part in given)


def _part(part: object, where: str) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise _wrong(where, "text only: pictures and sound are not read")
    return text


def _sampling(body: RequestBody) -> Sampling:
    """How to ask. Without a seed each answer to the same messages is another one."""
    seed = body.get("seed")
    is_given = isinstance(seed, int) and not isinstance(seed, bool)
    number = int(cast(int, seed)) % SAMPLES if is_given else secrets.randbelow(SAMPLES)
    return Sampling(
        number, _number(body, "temperature", 0, 2), _number(body, "top_p", 0, 1), _stops(body)
    )


def _number(body: RequestBody, name: str, least: float, most: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _wrong(name, f"a number from {least} to {most}")
    return value


def _stops(body: RequestBody) -> list[str] | None:
    given = body.get("stop")
    stops = [given] if isinstance(given, str) else given
    if not stops:
        return None
    if not isinstance(stops, list) or not all(isinstance(one, str) for one in stops):
        raise _wrong("stop", "a text or a list of texts")
    return [one for one in cast(Sequence[str], stops) if one][:MOST_STOPS] or None


def _text(body: RequestBody, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "a text")
    return value


def _wrong(where: str, wanted: str) -> Declined:
    return Declined(400, f"{where} must be {wanted}.", "invalid_value", where)
