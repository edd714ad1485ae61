"""One model at one address: what is sent to it, through the openai client, and what the server does not take."""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from pipeline import UserError
from pipeline.llm.protocol import (
    LINE,
    OPENAI,
    Fault,
    Reply,
    error_in,
    headrooms,
    judge,
    read_reply,
    retry_after,
    said,
    strict,
)
from pipeline.llm.rate_limit import RateLimit
from pipeline.recipe.settings import ModelSettings

if TYPE_CHECKING:
    import httpx2
    import openai

REMOTE_MODELS = True  # the test suite sets it to False: no test can spend money by accident
# What the client would tell every server of the machine it runs on, at a twentieth of the time of a request.
_OF_THIS_MACHINE = tuple(
    f"X-Stainless-{name}"
    for name in ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Async")
)
SECRET = 16  # characters; a shorter key is a placeholder ("none", "ollama"), and to mask it would spoil the answers
Rehearsal = Callable[[dict[str, Any]], dict[str, Any]]

_UNKNOWN_FIELD = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|unexpected|only the default|extra",
    re.I,
)


class Server:
    """Sends requests through the openai client, one attempt each, and learns which fields the server does not take.

    answered: when the last reply came, by the monotonic clock. longest: completion tokens of the longest one.
    """

    def __init__(
        self, settings: ModelSettings, gate: RateLimit, key: str | None, rehearsal: Rehearsal | None
    ):
        self.settings = settings
        self.gate = gate
        self.address = (settings.base_url or OPENAI).rstrip("/")
        self.answered, self.longest = 0.0, 0
        self._secret = key if key and len(key) >= SECRET else None
        self.client, self._response = _client(settings, key, rehearsal)
        self._url = f"{str(self.client.base_url).rstrip('/')}/chat/completions"  # whole: the client need not join it
        self._refused_fields: set[str] = set()
        self._json_modes = [
            "json_schema",
            "json_object",
            "text",
        ]  # the first is used; one that is refused is forgotten

    async def send(
        self,
        body: dict[str, Any],
        schema: dict[str, Any] | None,
        post: Callable[[dict[str, Any]], Awaitable[Reply]] | None = None,
    ) -> Reply:
        """One request, on its own or as `post` brings it there. Raises Fault, or Stop where no further one makes sense.

        A field the server refuses is left out from then on (OpenAI's newer models know `max_completion_tokens` alone,
        others no `seed`); those requests cost nothing.
        """
        for _ in range(8):
            sent = self._dialect(body, schema)
            try:
                reply = await (post or self._post)(sent)
            except Fault as fault:
                if not (fault.reason == "rejected" and self._learn(sent, schema, fault.detail)):
                    raise
            else:
                self.answered, self.longest = (
                    time.monotonic(),
                    max(self.longest, reply.completion_tokens),
                )
                return reply
        raise Fault(
            "rejected", "the server refuses one field of the request after the other", final=True
        )

    def _dialect(self, body: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
        """A request as this server takes it."""
        sent = {k: v for k, v in body.items() if k not in self._refused_fields}
        if "max_tokens" in body and "max_tokens" not in sent:
            sent["max_completion_tokens"] = body["max_tokens"]
        if schema is None:
            return sent
        if self._json_modes[0] == "json_schema":
            form = {"name": "answer", "schema": strict(schema), "strict": True}
            return sent | {"response_format": {"type": "json_schema", "json_schema": form}}
        *before, last = body["messages"]
        wish = f"Answer with JSON that fits this schema, and nothing else: {orjson.dumps(schema).decode()}"
        sent["messages"] = [*before, last | {"content": f"{last['content']}\n\n{wish}"}]
        return sent | (
            {"response_format": {"type": "json_object"}}
            if self._json_modes[0] == "json_object"
            else {}
        )

    def _learn(self, sent: dict[str, Any], schema: dict[str, Any] | None, detail: str) -> bool:
        """Whether the next request will be another one, because the server named a field that it does not take."""
        mode = sent.get("response_format", {}).get("type")
        if (
            schema
            and mode
            and re.search(r"response_format|json_object|schema|guided", detail, re.I)
        ):
            if self._json_modes[0] == mode:  # the others under way were told the same
                self._json_modes.pop(0)
            return True
        if not _UNKNOWN_FIELD.search(detail):
            return False
        fields = sent.keys() - {"model", "messages", "response_format"}
        named = [field for field in fields if re.search(rf"\b{field}\b", detail)]
        self._refused_fields.update(named)
        return bool(named)

    async def _post(self, body: dict[str, Any]) -> Reply:
        import aiohttp
        import openai

        try:
            async with asyncio.timeout(self.settings.timeout):
                response: httpx2.Response = await self.client.post(
                    self._url,
                    cast_to=self._response,
                    content=orjson.dumps(body),
                    options={"headers": {"content-type": "application/json"}},
                )
        except TimeoutError:
            fault: Exception = Fault(
                "timeout", f"no answer within {self.settings.timeout:g} seconds"
            )
        except (
            openai.APIStatusError,
            openai.APIConnectionError,
            aiohttp.ClientError,
            OSError,
        ) as error:
            fault = self.fault(error)
        else:
            self.gate.advise(headrooms(response.headers.raw))
            return self.read(response.content, body)
        raise fault  # out here it carries no context: a server may echo the key in its own error

    def read(self, content: bytes, body: dict[str, Any]) -> Reply:
        """The reply in the body of a 200, or the error in it, raised; the key is masked first of all."""
        content = self.without_key(content)
        try:
            answer = orjson.loads(content)
        except ValueError:
            raise Fault(
                "garbled", f"no JSON: {content.decode('utf-8', 'replace')[:LINE]}"
            ) from None
        if error := error_in(answer):
            raise self.judge(*error)
        return read_reply(answer, body)

    def fault(self, error: Exception) -> Exception:
        """What an error of the client means: a Fault, or Stop where no further request makes sense."""
        import aiohttp
        import openai

        if isinstance(error, openai.APIStatusError):
            return self.judge(
                error.status_code, error.body or error.message, retry_after(error.response.headers)
            )
        root: BaseException = error
        while root.__cause__:
            root = root.__cause__
        reason = (
            "unreachable"
            if isinstance(root, (aiohttp.ClientConnectorError, OSError))
            else "connection"
        )
        return Fault(reason, self._told(str(root) or type(root).__name__))

    def judge(self, status: int, error: Any, wait: float = 0.0) -> Exception:
        """What an HTTP error means."""
        return judge(self.settings, status, f"{status}: {self._told(error)}", wait)

    def without_key(self, content: bytes) -> bytes:
        return content.replace(self._secret.encode(), b"***") if self._secret else content

    def _told(self, error: Any) -> str:
        """A server's words, masked before they are cut, or half a key would get through."""
        line = said(error)
        return (line.replace(self._secret, "***") if self._secret else line)[:LINE]

    async def close(self) -> None:
        await self.client.close()


def key_for(settings: ModelSettings, keys: Mapping[str, str]) -> str | None:
    """The key a model needs, by the name of its environment variable; one's own machine may do without."""
    if settings.is_rehearsal:
        return None
    local = urlsplit(settings.base_url or OPENAI).hostname in ("localhost", "127.0.0.1", "::1")
    if not (local or REMOTE_MODELS):
        raise UserError(
            f"{settings.base_url or OPENAI} is not on this machine, and models elsewhere are switched off."
        )
    if settings.key is None:
        return None
    if local or keys.get(settings.key):
        return keys.get(settings.key)
    raise UserError(
        f"The model {settings.model} needs a key: set the environment variable {settings.key}."
    )


def _client(
    settings: ModelSettings, key: str | None, rehearsal: Rehearsal | None
) -> tuple[openai.AsyncOpenAI, type[httpx2.Response]]:
    import httpx2
    import openai

    if settings.is_rehearsal:
        if rehearsal is None:
            raise UserError(
                f"The model {settings.model} is a rehearsal, and nobody was given to play it."
            )
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(_stage(rehearsal)))
        address = "http://rehearsal/v1"
    else:
        # without a number aiohttp would let only 100 requests through at once, in silence
        limits = httpx2.Limits(
            max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight
        )
        http = openai.DefaultAioHttpClient(
            limits=limits, timeout=httpx2.Timeout(None, connect=20.0)
        )
        address = settings.base_url or OPENAI
    unsaid: Any = dict.fromkeys(_OF_THIS_MACHINE, openai.Omit())
    client = openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=address,
        max_retries=0,
        http_client=http,
        default_headers=unsaid,
    )
    gc.freeze()  # the client's modules are here to stay: no garbage collection need walk over them again
    return client, httpx2.Response


def _stage(rehearsal: Rehearsal) -> Callable[[httpx2.Request], httpx2.Response]:
    import httpx2

    def play(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=orjson.dumps(rehearsal(orjson.loads(request.content))))

    return play
