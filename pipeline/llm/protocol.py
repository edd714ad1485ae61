"""What a server's answers, errors and headers mean."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.llm.calls import Stop
from pipeline.llm.gate import Room
from pipeline.llm.prices import tokens_in
from pipeline.recipe import ModelSettings

OPENAI = "https://api.openai.com/v1"
LONGEST_WAIT = 600.0  # seconds of Retry-After that are waited for; more is a used-up quota (our choice)

_POLICY = re.compile(r"content.?(policy|filter|management)|policy.?violation|moderation|safety", re.I)
_TOO_LONG = re.compile(r"context.?length|maximum context|too many tokens|too long", re.I)
_QUOTA = re.compile(r"insufficient_quota|billing|credit|exceeded your current quota", re.I)
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
    """The reply in a chat completion; raises Fault where there is none. Uncounted tokens are guessed."""
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Fault("garbled", f"no chat completion: {str(answer)[:200]}") from None
    usage = answer.get("usage") or {}
    finish = choice.get("finish_reason") or "stop"
    refusal = message.get("refusal") or ("stopped by the content filter" if finish == "content_filter" else None)
    asked = usage.get("prompt_tokens") or sum(tokens_in(m["content"]) for m in body["messages"])
    said = usage.get("completion_tokens") or tokens_in(text)
    return Reply(text, finish, asked, said, str(answer.get("model") or body["model"]), refusal)


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
    place = settings.base_url or OPENAI
    if status in (401, 403):
        return Stop(f"{place} does not accept the key in {settings.key} for {settings.model} ({status}).")
    if status == 402 or (status == 429 and _QUOTA.search(detail)):
        return Stop(f"{place}: the quota of {settings.key} is used up ({detail}). Answers so far are kept.")
    if status == 404:
        return Stop(f"{place} has no model {settings.model}, or is no chat completions address ({detail}).")
    if status == 429 and wait > LONGEST_WAIT:
        return Stop(f"{place} asks to wait {wait / 60:.0f} minutes ({detail}). Run again then; answers are kept.")
    if status == 429:
        return Fault("limited", detail, wait=wait)
    if status >= 500 or status in (408, 409, 425):
        return Fault("overloaded" if status in (503, 529) else "server", detail, wait=min(wait, LONGEST_WAIT))
    reason = "policy" if _POLICY.search(detail) else "too_long" if _TOO_LONG.search(detail) else "rejected"
    return Fault(reason, detail, final=True)


def said(error: Any) -> str:
    """What an error body says went wrong, with the field it names, cut to a line."""
    if not isinstance(error, dict):
        return " ".join(str(error).split())[:300]
    parts = [str(error[k]) for k in ("message", "code", "param") if error.get(k)]
    return " ".join(" · ".join(dict.fromkeys(parts)).split())[:300]


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


def rooms(headers: Mapping[str, str]) -> list[Room]:
    """What is left of the server's limits, of requests and of tokens (OpenAI's x-ratelimit headers)."""
    found = []
    for unit in ("requests", "tokens"):
        if left := headers.get(f"x-ratelimit-remaining-{unit}"):
            limit, reset = headers.get(f"x-ratelimit-limit-{unit}", ""), headers.get(f"x-ratelimit-reset-{unit}", "")
            if left.isdigit() and limit.isdigit() and (span := _span(reset)):
                found.append(Room(unit, int(limit), int(left), span))
    return found


def _span(text: str) -> float:
    """Seconds of `6m0s`, `120ms` or `1.5`; 0 when there is nothing to read."""
    return sum(float(n) * _SECONDS[unit] for n, unit in _SPAN.findall(text) if n.count(".") < 2 and n.strip("."))
