"""What a server's answers, errors and headers mean."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.llm.calls import Stop
from pipeline.llm.prices import tokens_in
from pipeline.llm.rate_limit import Headroom
from pipeline.recipe.settings import ModelSettings

OPENAI = "https://api.openai.com/v1"
LINE = 300  # characters kept of what a server says went wrong (our choice)
LONGEST_WAIT = (
    600.0  # seconds of Retry-After that are waited for; more is a used-up quota (our choice)
)

_POLICY = re.compile(
    r"content.?(policy|filter|management)|policy.?violation|moderation|safety", re.I
)
_TOO_LONG = re.compile(r"context.?length|maximum context|too many tokens|too long", re.I)
_QUOTA = re.compile(r"billing|credit|exceeded your current quota", re.I)
_WAIT = re.compile(r"(?:retry|try again) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h|d)?)+)", re.I)
_SPAN = re.compile(r"([\d.]+)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered. refusal: what it says where it marks the answer as a refusal itself."""

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    refusal: str | None = None


class Fault(Exception):
    """A request that brought no reply. final: asking again would not mend it. wait: seconds the server asks for."""

    def __init__(self, reason: str, detail: str, final: bool = False, wait: float = 0.0):
        super().__init__(detail)
        self.reason, self.detail, self.final, self.wait = reason, detail, final, wait


def read_reply(answer: Any, body: dict[str, Any]) -> Reply:
    """The reply in a chat completion; raises Fault where there is none. Uncounted tokens are guessed.

    `finish_reason: error` is OpenRouter's way to say that the answer broke off.
    """
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Fault("garbled", f"no chat completion: {str(answer)[:LINE]}") from None
    usage = answer.get("usage")
    finish = str(choice.get("finish_reason") or "stop")
    if finish == "error":
        raise Fault("server", f"the answer broke off: {said(choice.get('error') or text)[:LINE]}")
    refusal = message.get("refusal") or (
        "stopped by the content filter" if finish == "content_filter" else None
    )
    asked = _count(usage, "prompt_tokens") or sum(tokens_in(m["content"]) for m in body["messages"])
    written = _count(usage, "completion_tokens") or tokens_in(text)
    model = str(answer.get("model") or body["model"])
    return Reply(text, finish, asked, written, model, None if refusal is None else str(refusal))


def _count(usage: Any, name: str) -> int:
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and number > 0 else 0


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, list):  # some servers send parts
        return "".join(part.get("text") or "" for part in content)
    if not isinstance(content, str):
        raise TypeError
    return content


def judge(settings: ModelSettings, status: int, detail: str, wait: float) -> Exception:
    """What an HTTP error means: Stop for the whole run, or a Fault of one request. wait: seconds of Retry-After."""
    place, owner = settings.base_url or OPENAI, f"of {settings.key}" if settings.key else "there"
    wait = wait or _told_wait(detail)
    if status in (400, 403, 422) and _POLICY.search(detail):  # first: moderation is a 403 to some
        return Fault("policy", detail, final=True)
    if status in (401, 403):
        return Stop(_no_entry(settings, status, detail))
    if status == 402 or (status == 429 and _is_used_up(detail, wait)):
        return Stop(f"{place}: the quota {owner} is used up ({detail}). Answers so far are kept.")
    if status == 404:
        return Stop(
            f"{place} has no model {settings.model}, or is no chat completions address ({detail})."
        )
    if status == 429 and wait > LONGEST_WAIT:
        return Stop(
            f"{place} asks to wait {wait / 60:.0f} minutes ({detail}). Run again then; answers are kept."
        )
    if status == 429:
        return Fault("limited", detail, wait=wait)
    if status >= 500 or status in (408, 409, 425):
        return Fault(
            "overloaded" if status in (503, 529) else "server", detail, wait=min(wait, LONGEST_WAIT)
        )
    return Fault("too_long" if _TOO_LONG.search(detail) else "rejected", detail, final=True)


def _no_entry(settings: ModelSettings, status: int, detail: str) -> str:
    """A 401 is not quoted: servers like to repeat a part of the key in it."""
    place, reason = settings.base_url or OPENAI, status if status == 401 else detail
    if settings.key is None:
        return f"{place} wants a key ({reason}): name the environment variable that holds it as the model's `key`."
    return f"{place} does not accept the key in {settings.key} for {settings.model} ({reason})."


def _is_used_up(detail: str, wait: float) -> bool:
    """Whether a 429 is about money. Gemini calls its limits a minute a quota as well, but says when to come back."""
    return "insufficient_quota" in detail or (not wait and bool(_QUOTA.search(detail)))


def error_in(answer: Any) -> tuple[int, Any] | None:
    """The HTTP status that an error sent as 200 should have had, and the error."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not error:
        return None
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return (int(code) if re.fullmatch(r"[45]\d\d", code) else 500), error


def said(error: Any) -> str:
    """What an error body says went wrong, with the field it names, in one line that can be stored."""
    parts = (
        [error[k] for k in ("message", "code", "param") if error.get(k)]
        if isinstance(error, dict)
        else [error]
    )
    line = " ".join(" · ".join(dict.fromkeys(map(str, parts))).split())
    return line.encode("utf-8", "replace").decode()  # half an emoji, say


def strict(schema: Any) -> Any:
    """A JSON schema as the strict mode wants it: every property required, no others."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {key: strict(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict):
        stricter |= {"required": list(schema["properties"]), "additionalProperties": False}
    return stricter


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds until the server wants to hear from us again, 0 when it does not say."""
    if exact := headers.get("retry-after-ms"):
        return float(exact) / 1000 if exact.replace(".", "", 1).isdigit() else 0.0
    value = headers.get("retry-after", "")
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def _told_wait(detail: str) -> float:
    """Seconds in "Please retry in 11.3s" or "Please try again in 6m0s", 0 where nothing is said."""
    told = _WAIT.search(detail)
    return _span(told[1]) if told else 0.0


def headrooms(headers: Iterable[tuple[bytes, bytes]]) -> list[Headroom]:
    """What is left of the server's limits, of requests and of tokens (OpenAI's x-ratelimit headers).

    headers: as sent; the client's mapping of them takes 10 µs for every name that is looked up.
    """
    limits = (
        (name.lower(), value) for name, value in headers if name[:12].lower() == b"x-ratelimit-"
    )
    told = {name[12:].decode("latin-1"): value.decode("latin-1") for name, value in limits}
    found = []
    for unit in ("requests", "tokens"):
        if left := told.get(f"remaining-{unit}"):
            limit, reset = told.get(f"limit-{unit}", ""), told.get(f"reset-{unit}", "")
            if left.isdigit() and limit.isdigit() and (span := _span(reset)):
                found.append(Headroom(unit, int(limit), int(left), span))
    return found


def _span(text: str) -> float:
    """Seconds of `6m0s`, `120ms` or `1.5`; 0 when there is nothing to read."""
    return sum(
        float(n) * _SECONDS[unit]
        for n, unit in _SPAN.findall(text)
        if n.count(".") < 2 and n.strip(".")
    )
