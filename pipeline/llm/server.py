"""One model at one address: what is sent to it, and what its answers and errors mean."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from pipeline.llm.calls import Stop
from pipeline.llm.gate import Gate, Room
from pipeline.llm.prices import tokens_in
from pipeline.recipe import ModelSettings, UserError

if TYPE_CHECKING:
    import httpx2
    import openai

OPENAI = "https://api.openai.com/v1"
LONGEST_WAIT = 600.0  # seconds of Retry-After that are waited for; more is a used-up quota (our choice)
REMOTE_MODELS = True  # the test suite sets it to False: no test can spend money by accident
Rehearsal = Callable[[dict[str, Any]], dict[str, Any]]

_UNKNOWN_FIELD = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|unexpected|only the default|extra", re.I
)
_POLICY = re.compile(r"content.?(policy|filter|management)|policy.?violation|moderation|safety", re.I)
_TOO_LONG = re.compile(r"context.?length|maximum context|too many tokens|too long", re.I)
_QUOTA = re.compile(r"insufficient_quota|billing|credit|exceeded your current quota", re.I)
_SPAN = re.compile(r"([\d.]+)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


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


class Server:
    """Sends requests through the openai client, one attempt each, and learns which fields the server does not take."""

    def __init__(self, settings: ModelSettings, gate: Gate, key: str | None, rehearsal: Rehearsal | None):
        self.settings = settings
        self.gate = gate
        self.address = settings.base_url or OPENAI
        self._key = key
        self._client, self._response = _client(settings, key, rehearsal)
        self._url = f"{str(self._client.base_url).rstrip('/')}/chat/completions"  # whole: the client need not join it
        self._refused_fields: set[str] = set()
        self._json_modes = ["json_schema", "json_object", "text"]  # the first is used; one that is refused is forgotten

    async def send(self, body: dict[str, Any], schema: dict[str, Any] | None) -> Reply:
        """One request. Raises Fault, or Stop where no further request makes sense.

        A field the server refuses is left out from then on (OpenAI's newer models know `max_completion_tokens` alone,
        others no `seed`); those requests cost nothing.
        """
        for _ in range(8):
            mode = self._json_modes[0]
            sent = self._dialect(body, schema, mode)
            try:
                return await self._post(sent)
            except Fault as fault:
                if not (fault.reason == "rejected" and self._learn(sent, mode if schema else None, fault.detail)):
                    raise
        raise Fault("rejected", "the server refuses one field of the request after the other", final=True)

    def _dialect(self, body: dict[str, Any], schema: dict[str, Any] | None, mode: str) -> dict[str, Any]:
        sent = {k: v for k, v in body.items() if k not in self._refused_fields}
        if "max_tokens" in body and "max_tokens" not in sent:
            sent["max_completion_tokens"] = body["max_tokens"]
        if schema is None:
            return sent
        if mode == "json_schema":
            form = {"name": "answer", "schema": schema, "strict": True}
            return sent | {"response_format": {"type": "json_schema", "json_schema": form}}
        *before, last = body["messages"]
        wish = f"Answer with JSON that fits this schema, and nothing else: {orjson.dumps(schema).decode()}"
        sent["messages"] = [*before, last | {"content": f"{last['content']}\n\n{wish}"}]
        return sent | ({"response_format": {"type": "json_object"}} if mode == "json_object" else {})

    def _learn(self, sent: dict[str, Any], mode: str | None, detail: str) -> bool:
        """Whether the next request will be another one, because the server named a field that it does not take."""
        if mode not in (None, "text") and re.search(r"response_format|json_object|schema|guided", detail, re.I):
            if self._json_modes[0] == mode:
                self._json_modes.pop(0)
            return True
        if not _UNKNOWN_FIELD.search(detail):
            return False
        named = [
            f for f in sent if re.search(rf"\b{f}\b", detail) and f not in ("model", "messages", "response_format")
        ]
        self._refused_fields.update(named[:1])
        return bool(named)

    async def _post(self, body: dict[str, Any]) -> Reply:
        import aiohttp
        import openai

        try:
            async with asyncio.timeout(self.settings.timeout):
                response: httpx2.Response = await self._client.post(
                    self._url,
                    cast_to=self._response,
                    content=orjson.dumps(body),
                    options={"headers": {"content-type": "application/json"}},
                )
        except TimeoutError:
            fault: Exception = Fault("timeout", f"no answer within {self.settings.timeout:g} seconds")
        except openai.APIStatusError as error:
            fault = self._fault(error)
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            fault = self._lost(error)
        else:
            self.gate.advise(_rooms(response.headers))
            return _reply(response.content, body)
        raise fault  # out here it carries no context: a server may echo the key in its own error

    def _lost(self, error: Exception) -> Fault:
        import aiohttp

        root: BaseException = error
        while root.__cause__:
            root = root.__cause__
        what = self.without_key(str(root) or type(root).__name__)
        return Fault("unreachable" if isinstance(root, (aiohttp.ClientConnectorError, OSError)) else "connection", what)

    def _fault(self, error: openai.APIStatusError) -> Exception:
        status, detail = error.status_code, self.without_key(f"{error.status_code}: {_said(error)}")
        name, place = self.settings.model, self.address
        if status in (401, 403):
            return Stop(f"{place} does not accept the key in {self.settings.key} for {name} ({status}).")
        if status == 402 or (status == 429 and _QUOTA.search(detail)):
            return Stop(f"{place}: the quota of {self.settings.key} is used up ({detail}). Answers so far are kept.")
        if status == 404:
            return Stop(f"{place} has no model {name}, or is no chat completions address ({detail}).")
        if status == 429:
            return self._limited(detail, _retry_after(error.response.headers))
        if status >= 500 or status in (408, 409, 425):
            reason = "overloaded" if status in (503, 529) else "server"
            return Fault(reason, detail, wait=min(_retry_after(error.response.headers), LONGEST_WAIT))
        reason = "policy" if _POLICY.search(detail) else "too_long" if _TOO_LONG.search(detail) else "rejected"
        return Fault(reason, detail, final=True)

    def _limited(self, detail: str, wait: float) -> Exception:
        if wait > LONGEST_WAIT:
            return Stop(
                f"{self.address} asks to wait {wait / 60:.0f} minutes ({detail}). Run again then; answers are kept."
            )
        return Fault("limited", detail, wait=wait)

    def without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    async def close(self) -> None:
        await self._client.close()


def key_for(settings: ModelSettings, keys: Mapping[str, str]) -> str | None:
    """The key a model needs, by the name of its environment variable; none for one's own machine."""
    if settings.is_rehearsal:
        return None
    local = urlsplit(settings.base_url or OPENAI).hostname in ("localhost", "127.0.0.1", "::1")
    if not (local or REMOTE_MODELS):
        raise UserError(f"{settings.base_url or OPENAI} is not on this machine, and models elsewhere are switched off.")
    if local or keys.get(settings.key):
        return keys.get(settings.key)
    raise UserError(f"The model {settings.model} needs a key: set the environment variable {settings.key}.")


def _client(
    settings: ModelSettings, key: str | None, rehearsal: Rehearsal | None
) -> tuple[openai.AsyncOpenAI, type[httpx2.Response]]:
    import httpx2
    import openai

    if settings.is_rehearsal:
        if rehearsal is None:
            raise UserError(f"The model {settings.model} is a rehearsal, and nobody was given to play it.")
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(_stage(rehearsal)))
        address = "http://rehearsal/v1"
    else:
        # without a number aiohttp would let only 100 requests through at once, in silence
        limits = httpx2.Limits(max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight)
        http = openai.DefaultAioHttpClient(limits=limits, timeout=httpx2.Timeout(None, connect=20.0))
        address = settings.base_url or OPENAI
    client = openai.AsyncOpenAI(api_key=key or "none", base_url=address, max_retries=0, http_client=http)
    return client, httpx2.Response


def _stage(rehearsal: Rehearsal) -> Callable[[httpx2.Request], httpx2.Response]:
    import httpx2

    def play(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=orjson.dumps(rehearsal(orjson.loads(request.content))))

    return play


def _reply(content: bytes, body: dict[str, Any]) -> Reply:
    try:
        answer = orjson.loads(content)
        choice = answer["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Fault("garbled", f"no chat completion: {content[:200].decode('utf-8', 'replace')}") from None
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


def _said(error: openai.APIStatusError) -> str:
    """What the server says went wrong, with the field it names, cut to a line."""
    body: Any = error.body
    if not isinstance(body, dict):
        return " ".join(str(body or error.message).split())[:300]
    parts = [str(body[k]) for k in ("message", "code", "param") if body.get(k)]
    return " ".join(" · ".join(dict.fromkeys(parts)).split())[:300]


def _retry_after(headers: Mapping[str, str]) -> float:
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


def _rooms(headers: Mapping[str, str]) -> list[Room]:
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
    return sum(float(n) * _SECONDS[unit or None] for n, unit in _SPAN.findall(text) if n.strip("."))
