"""What a server's answers, errors and headers mean."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import cast

from pipeline.llm.calls import StopRun
from pipeline.llm.prices import tokens_in
from pipeline.llm.rate_limit import Remaining
from pipeline.llm.request import ChatMessage, JsonObject, prompt_tokens
from pipeline.llm.spoken import spoken
from pipeline.recipe.models import ModelSettings

OPENAI = "https://api.openai.com/v1"
DETAIL = 300  # characters kept of a server's error message (our choice)
# seconds of Retry-After that are waited for; more is a used-up quota (our choice)
LONGEST_WAIT = 600.0

# reasons of failed requests that may pass: the next run asks again
TRANSIENT = ("timeout", "server", "overloaded", "connection", "garbled")

_POLICY = re.compile(
    r"content.?(policy|filter|management)|policy.?violation|moderation|safety", re.I
)
_TOO_LONG = re.compile(
    r"context.?(?:length|window|size)|maximum context|too many tokens|too long"
    r"|context the overflows|exceeds? the (?:available |maximum |model'?s? )*context"
    r"|(?:token count|tokens)\b.{0,20} exceeds?\b"
    r"|longer than the maximum model length",
    re.I,
)
_NO_TEMPLATE = re.compile(
    r"chat.?template.{0,60}(?:no longer allowed|must provide|not (?:set|defined|found)|missing)"
    r"|(?:must provide|not have|no|without|define) a?\s?chat.?template",
    re.I,
)
_QUOTA = re.compile(r"billing|credit|exceeded your current quota", re.I)
_WAIT = re.compile(r"(?:retry|try again) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h|d)?)+)", re.I)
_DURATION = re.compile(r"([\d.]+)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered.

    refusal: its text, where the server itself marks the answer as a refusal.
    counted: the server has counted the tokens; else they are estimated.
    thought: the model thought before it answered. ran_on: the text went on behind its end.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    refusal: str | None = None
    counted: bool = False
    thought: bool = False
    ran_on: bool = False


class RequestFailed(Exception):
    """One request that brought no reply.

    final: the same request would fail again. wait: seconds the server asks to wait.
    """

    def __init__(self, reason: str, detail: str, final: bool = False, wait: float = 0.0):
        super().__init__(detail)
        self.reason, self.detail, self.final, self.wait = reason, detail, final, wait


# --- answers


def read_reply(answer: object, body: JsonObject) -> Reply:
    """The reply in a chat completion; raises RequestFailed where there is none.

    body: what was sent. Tokens that the server does not count are estimated.
    """
    choice = _first(field_of(answer, "choices"))
    message = field_of(choice, "message")
    if message is None and (text := field_of(choice, "text")) is not None:
        message = {"content": text}  # of a transcript
    text = _text_of(message)
    if text is None:
        raise RequestFailed("garbled", f"not a chat completion: {str(answer)[:DETAIL]}")
    finish = str(field_of(choice, "finish_reason") or "stop")
    if finish == "error":  # so OpenRouter reports an answer that broke off
        detail = message_of(field_of(choice, "error") or text)[:DETAIL]
        raise RequestFailed("server", f"the answer broke off: {detail}")
    said = spoken(text)
    usage = field_of(answer, "usage")
    prompt = _count(usage, "prompt_tokens")
    completion = _count(usage, "completion_tokens")
    return Reply(
        said.text,
        "stop" if said.ran_on else finish,
        prompt or _tokens_of(body),
        completion or tokens_in(text),
        str(field_of(answer, "model") or body["model"]),
        _refusal(message, finish),
        counted=bool(prompt and completion),
        thought=said.thought or _has_thought(message, usage),
        ran_on=said.ran_on,
    )


def _tokens_of(body: JsonObject) -> int:
    """About how many tokens the prompt of a body has."""
    if "prompt" in body:
        return tokens_in(str(body["prompt"]))
    return prompt_tokens(cast("list[ChatMessage]", body["messages"]))


def _has_thought(message: object, usage: object) -> bool:
    """Did the model think apart from its text? Servers call it by different names."""
    apart = field_of(message, "reasoning_content") or field_of(message, "reasoning")
    counted = _count(field_of(usage, "completion_tokens_details"), "reasoning_tokens")
    return bool(apart or counted)


def field_of(value: object, name: str) -> object:
    """A field of a JSON object; None where it is missing or the value is not an object."""
    return value.get(name) if isinstance(value, dict) else None


def _first(values: object) -> object:
    return values[0] if isinstance(values, list) and values else None


def _text_of(message: object) -> str | None:
    """The text of a chat message, None where it has none that can be read."""
    if not isinstance(message, dict):
        return None
    content = message.get("content")
    if content is None:
        return ""
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    if not all(isinstance(part, dict) for part in content):  # some servers send parts
        return None
    texts = [part.get("text") or "" for part in content]
    if not all(isinstance(text, str) for text in texts):
        return None
    return "".join(texts)


def _refusal(message: object, finish: str) -> str | None:
    if refusal := field_of(message, "refusal"):
        return str(refusal)
    if finish == "content_filter":
        return "stopped by the content filter"
    return None


def _count(usage: object, name: str) -> int:
    number = field_of(usage, name)
    return number if isinstance(number, int) and number > 0 else 0


# --- errors


def judge(settings: ModelSettings, status: int, detail: str, wait: float) -> Exception:
    """What an HTTP error means: StopRun for the whole run, RequestFailed for one request.

    wait: seconds of Retry-After.
    """
    wait = wait or _wait_in(detail)
    if status in (400, 403, 422) and _POLICY.search(detail):  # first: moderation is a 403 to some
        return RequestFailed("policy", detail, final=True)
    if message := _end_of_run(settings, status, detail, wait):
        return StopRun(message)
    if _TOO_LONG.search(detail) and status not in (429, 503):
        return RequestFailed("too_long", detail, final=True)
    if status == 429:
        return RequestFailed("limited", detail, wait=wait)
    if status in (503, 529):
        return RequestFailed("overloaded", detail, wait=min(wait, LONGEST_WAIT))
    if status >= 500 or status in (408, 409, 425):
        return RequestFailed("server", detail, wait=min(wait, LONGEST_WAIT))
    return RequestFailed("rejected", detail, final=True)


def _end_of_run(settings: ModelSettings, status: int, detail: str, wait: float) -> str | None:
    """Why no request to this model can succeed now, None where the next one may."""
    place = settings.base_url or OPENAI
    if status in (401, 403):
        return _no_access(settings, status, detail)
    if status == 402 or (status == 429 and _is_used_up(detail, wait)):
        owner = f"of {settings.key}" if settings.key else "there"
        return f"{place}: the quota {owner} is used up ({detail}). Answers so far are kept."
    if status == 404:
        return (
            f"{place} has no model {settings.model}, "
            f"or it is not the address of chat completions ({detail})."
        )
    if _NO_TEMPLATE.search(detail):
        return (
            f"{place}: {settings.model} has no chat template, as a base model has none ({detail}). "
            "Choose a model that was trained to chat, start the server with a template, or set "
            "the model's `chat: transcript`: then a talk is sent as plain text."
        )
    if status == 429 and wait > LONGEST_WAIT:
        asked = f"{place} asks to wait {wait / 60:.0f} minutes ({detail})"
        return f"{asked}. Run again then; answers are kept."
    return None


def _no_access(settings: ModelSettings, status: int, detail: str) -> str:
    """A 401 is not quoted: servers like to repeat a part of the key in it."""
    place = settings.base_url or OPENAI
    reason = "401" if status == 401 else detail
    if settings.key is None:
        wish = "name the environment variable that holds it as the model's `key`"
        return f"{place} wants a key ({reason}): {wish}."
    return f"{place} does not accept the key in {settings.key} for {settings.model} ({reason})."


def _is_used_up(detail: str, wait: float) -> bool:
    """Is a 429 about money?

    Gemini calls its limits a minute a quota as well, but says when to come back.
    """
    return "insufficient_quota" in detail or (not wait and bool(_QUOTA.search(detail)))


def error_in(answer: object) -> tuple[int, object] | None:
    """The error in an answer that was sent as 200, with the HTTP status it should have had."""
    error = field_of(answer, "error")
    if field_of(answer, "object") == "error":  # so older vLLM
        error = answer
    if not error:
        return None
    code = str(field_of(error, "code"))
    status = int(code) if re.fullmatch(r"[45]\d\d", code) else 500
    return status, error


def message_of(error: object) -> str:
    """The message of an error body, with the field it names, in one line that can be stored."""
    parts = [error]
    if isinstance(error, dict):  # `detail`: of FastAPI's own errors
        names = ("message", "code", "param", "detail")
        parts = [error[name] for name in names if error.get(name)] or [error]
    line = " ".join(" · ".join(dict.fromkeys(map(str, parts))).split())
    return line.encode("utf-8", "replace").decode()  # half an emoji cannot be stored


def strict(schema: object) -> object:
    """A JSON schema as OpenAI's strict mode wants it: every property required, no others."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {name: strict(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict):
        stricter |= {"required": list(schema["properties"]), "additionalProperties": False}
    return stricter


# --- headers


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds until the server wants the next request, 0 when it does not say."""
    if exact := headers.get("retry-after-ms"):
        return _number(exact) / 1000
    value = headers.get("retry-after", "")
    if seconds := _number(value):
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def _number(text: str) -> float:
    """The number in a header, 0 where it holds something else."""
    return float(text) if text.replace(".", "", 1).isdecimal() else 0.0


def remaining(headers: Iterable[tuple[bytes, bytes]]) -> list[Remaining]:
    """What is left of the server's limits, of requests and of tokens (OpenAI's headers).

    headers: as sent; the client's mapping of them takes 10 µs for every name that is looked up.
    """
    values = {}
    for name, value in headers:
        if name[:12].lower() == b"x-ratelimit-":
            values[name[12:].lower().decode("latin-1")] = value.decode("latin-1")
    if not values:
        return []
    found = [_remaining_of(unit, values) for unit in ("requests", "tokens")]
    return [limit for limit in found if limit]


def _remaining_of(unit: str, values: Mapping[str, str]) -> Remaining | None:
    """What is left of one limit; None where the headers do not report it in full."""
    limit, left, reset = (
        values.get(f"{name}-{unit}", "") for name in ("limit", "remaining", "reset")
    )
    seconds = _seconds(reset)
    if not (limit.isdecimal() and left.isdecimal() and seconds):
        return None
    return Remaining(unit, int(limit), int(left), seconds)


def _wait_in(detail: str) -> float:
    """Seconds in "Please retry in 11.3s" or "Please try again in 6m0s", 0 where there are none."""
    found = _WAIT.search(detail)
    return _seconds(found[1]) if found else 0.0


def _seconds(text: str) -> float:
    """Seconds of `6m0s`, `120ms` or `1.5`; 0 when there is nothing to read."""
    total = 0.0
    for number, unit in _DURATION.findall(text):
        if number.count(".") < 2 and number.strip("."):
            total += float(number) * _SECONDS[unit]
    return total
