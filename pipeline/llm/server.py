"""One model at one address: sends requests through the openai client, in the server's dialect."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from pipeline import UserError
from pipeline.llm.context import PLACES, length_in
from pipeline.llm.dialect import RequestDialect
from pipeline.llm.prices import is_local
from pipeline.llm.protocol import (
    DETAIL,
    OPENAI,
    Reply,
    RequestFailed,
    error_in,
    judge,
    message_of,
    read_reply,
    remaining,
    retry_after,
)
from pipeline.llm.rate_limit import RateLimit
from pipeline.llm.request import JsonObject, Request
from pipeline.llm.spoken import end_of
from pipeline.recipe.models import ModelSettings

if TYPE_CHECKING:
    import httpx2
    import openai

REMOTE_MODELS = True  # the test suite sets it to False: no test can spend money by accident
# Headers in which the client would describe this machine to every server; writing them takes a
# twentieth of the time of a request.
_OF_THIS_MACHINE = tuple(
    f"X-Stainless-{name}"
    for name in ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Async")
)
# characters; a shorter key is a placeholder ("none", "ollama"), and masking it would change answers
SECRET = 16
ASIDE = 5.0  # seconds for what a server may say of itself (our choice)
DIALECTS = 8  # requests until a server that refuses one field after the other is given up

Rehearsal = Callable[[JsonObject], JsonObject]  # request → chat completion
SendBody = Callable[[JsonObject], Awaitable[Reply]]


class Server:
    """Sends requests, one attempt each, and learns which fields the server does not accept.

    known: a probe has found out what it can do, or has tried. dialect: what is known.
    answers_plainly: it has answered a request that asked for no form.
    answered: when the last reply came, by the monotonic clock.
    longest: completion tokens of the longest reply.
    """

    def __init__(
        self,
        settings: ModelSettings,
        rate_limit: RateLimit,
        key: str | None,
        rehearsal: Rehearsal | None,
    ):
        self.settings = settings
        self.rate_limit = rate_limit
        self.address = (settings.base_url or OPENAI).rstrip("/")
        self.answered, self.longest = 0.0, 0
        self._key = key
        self._secret = key if key and len(key) >= SECRET else None
        self._rehearsal = _stand_in(settings, rehearsal)
        self.forget()
        self.known = settings.is_rehearsal
        self._trying = asyncio.Lock()

    def forget(self) -> None:
        """Know nothing of what the server accepts."""
        self.dialect = RequestDialect(self.settings.chat == "transcript")
        self.answers_plainly = False

    @cached_property
    def client(self) -> openai.AsyncOpenAI:
        """The client of this server, made when first used: to import it takes a CPU-second."""
        return _client(self.settings, self._key)

    @cached_property
    def _url(self) -> str:
        """The whole address, so that the client need not join it for every request."""
        end = "completions" if self.dialect.transcript else "chat/completions"
        return f"{str(self.client.base_url).rstrip('/')}/{end}"

    @property
    def place(self) -> str:
        """Names all that decides what a probe finds out."""
        settings = self.settings
        extra = orjson.dumps(settings.extra, option=orjson.OPT_SORT_KEYS).decode()
        return f"{self.address} {settings.model} {settings.chat} {extra}"

    @property
    def in_batches(self) -> bool:
        """Are requests collected and sent through the Batch API?"""
        return self.settings.batch and not self.settings.is_rehearsal

    async def send(self, request: Request, post: SendBody | None = None) -> Reply:
        """One request, sent alone or as `post` sends it.

        Raises RequestFailed, or StopRun where no further request makes sense. What the server
        does not take is left out from then on (OpenAI's newer models know only
        `max_completion_tokens`, others no `seed`, some no schema); those requests cost nothing.
        """
        failed_on = None
        for _ in range(DIALECTS):
            rung = self.dialect.rung if request.schema else None
            body = self.dialect.body(request)
            try:
                reply = await (post or self._post)(body)
            except RequestFailed as failed:
                if self.dialect.learn(body, rung, failed):
                    continue
                if post or rung is None or not await self._is_doubtful(rung, request, failed):
                    raise
                if failed_on == rung:
                    self.dialect.leave(rung)
                failed_on = rung
            else:
                self.dialect.prove(rung)
                self.answered = time.monotonic()
                self.longest = max(self.longest, reply.completion_tokens)
                self._check_whole(reply, request)
                return _ended(reply, self.dialect.stops(request))
        detail = "the server refuses one field of the request after the other"
        raise RequestFailed("rejected", detail, final=True)

    def _check_whole(self, reply: Reply, request: Request) -> None:
        """Raise RequestFailed where the server has cut the prompt in silence, as Ollama does."""
        context = self.dialect.context
        if context and reply.counted and context <= reply.prompt_tokens < request.prompt_tokens:
            read = f"{reply.prompt_tokens:,} of about {request.prompt_tokens:,} tokens"
            detail = f"the server read {read} of the prompt: its context is {context:,}"
            raise RequestFailed("too_long", detail, final=True)

    async def context(self) -> int | None:
        """Tokens of a prompt and its answer, where the server says so anywhere."""
        import aiohttp
        import httpx2
        import openai

        root = self.address.removesuffix("/v1")
        for place in PLACES:
            url = place.format(address=self.address, root=root)
            try:
                async with asyncio.timeout(ASIDE):
                    response = await self.client.get(url, cast_to=httpx2.Response)
                length = length_in(orjson.loads(response.content), self.settings.model)
            except (openai.OpenAIError, aiohttp.ClientError, OSError, ValueError):
                continue
            if length:
                return length
        return None

    async def _is_doubtful(self, rung: str, request: Request, failed: RequestFailed) -> bool:
        """Is it the way in which JSON was asked for that a failing server cannot take?

        llama.cpp's Python server answers a `json_schema` with a bare 500, as if it were down. So
        while a rung has never brought an answer, a plain request is tried: where that works, the
        rung is worth a second try, and then it is left. Returns whether to ask again.
        """
        if failed.reason != "server" or not self.dialect.is_doubtful(rung):
            return False
        async with self._trying:
            if not self.answers_plainly:
                try:
                    await self._post(self.dialect.hello(request))
                except RequestFailed:
                    return False
                self.answers_plainly = True
        return True

    async def _post(self, body: JsonObject) -> Reply:
        if self._rehearsal is not None:
            return self.read(orjson.dumps(self._rehearsal(body)), body)
        import aiohttp
        import httpx2
        import openai

        try:
            async with asyncio.timeout(self.settings.timeout):
                response = await self.client.post(
                    self._url,
                    cast_to=httpx2.Response,
                    content=orjson.dumps(body),
                    options={"headers": {"content-type": "application/json"}},
                )
        except TimeoutError:
            detail = f"no answer within {self.settings.timeout:g} seconds"
            failure: Exception = RequestFailed("timeout", detail)
        except (openai.APIStatusError, openai.APIConnectionError) as error:
            failure = self.meaning_of(error)
        except (aiohttp.ClientError, OSError) as error:
            failure = self.meaning_of(error)
        else:
            self.rate_limit.advise(remaining(response.headers.raw))
            return self.read(response.content, body)
        raise failure  # out here it carries no context: a server may echo the key in its own error

    def read(self, content: bytes, body: JsonObject) -> Reply:
        """The reply in the content of a 200; the error in it is raised.

        The key is masked first of all. body: what was sent.
        """
        content = self.without_key(content)
        try:
            answer = orjson.loads(content)
        except ValueError:
            detail = f"not JSON: {content.decode('utf-8', 'replace')[:DETAIL]}"
            raise RequestFailed("garbled", detail) from None
        if error := error_in(answer):
            raise self.judge(*error)
        return read_reply(answer, body)

    def meaning_of(self, error: Exception) -> Exception:
        """What an error of the client means: RequestFailed, or StopRun for the whole run."""
        import aiohttp
        import openai

        if isinstance(error, openai.APIStatusError):
            wait = retry_after(error.response.headers)
            return self.judge(error.status_code, error.body or error.message, wait)
        root: BaseException = error
        while root.__cause__:
            root = root.__cause__
        detail = self._masked(str(root) or type(root).__name__)
        if isinstance(root, (aiohttp.ClientConnectorError, OSError)):
            return RequestFailed("unreachable", detail)
        return RequestFailed("connection", detail)

    def judge(self, status: int, error: object, wait: float = 0.0) -> Exception:
        """What an HTTP error means."""
        return judge(self.settings, status, f"{status}: {self._masked(error)}", wait)

    def without_key(self, content: bytes) -> bytes:
        return content.replace(self._secret.encode(), b"***") if self._secret else content

    def _masked(self, error: object) -> str:
        """The message of an error; masked before it is cut, or half a key would remain."""
        message = message_of(error)
        if self._secret:
            message = message.replace(self._secret, "***")
        return message[:DETAIL]

    async def close(self) -> None:
        if "client" in vars(self):
            await self.client.close()


def _ended(reply: Reply, stops: Sequence[str]) -> Reply:
    """A reply that ends where it had to, also where the server does not know `stop`."""
    end = end_of(reply.text, stops) if stops else len(reply.text)
    if end == len(reply.text):
        return reply
    return replace(reply, text=reply.text[:end], finish="stop", ran_on=True)


def key_for(settings: ModelSettings, keys: Mapping[str, str]) -> str | None:
    """The key a model needs, by the name of its environment variable.

    A model on one's own machine may do without. Raises UserError when the variable is not set.
    """
    if settings.is_rehearsal:
        return None
    local = is_local(settings)
    if not (local or REMOTE_MODELS):
        place = settings.base_url or OPENAI
        raise UserError(f"{place} is not on this machine, and models elsewhere are switched off.")
    if settings.key is None:
        return None
    if local or keys.get(settings.key):
        return keys.get(settings.key)
    wish = f"set the environment variable {settings.key}"
    raise UserError(f"The model {settings.model} needs a key: {wish}.")


def _stand_in(settings: ModelSettings, rehearsal: Rehearsal | None) -> Rehearsal | None:
    """What answers in place of a server, for a rehearsal."""
    if not settings.is_rehearsal:
        return None
    if rehearsal is None:
        raise UserError(f"The model {settings.model} is a rehearsal, and no stand-in is given.")
    return rehearsal


def _client(settings: ModelSettings, key: str | None) -> openai.AsyncOpenAI:
    import openai

    client = openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=settings.base_url or OPENAI,
        max_retries=0,
        http_client=_transport(settings),
        default_headers=dict.fromkeys(_OF_THIS_MACHINE, openai.Omit()),  # type: ignore[arg-type]
    )
    gc.freeze()  # the client's modules stay: no garbage collection need look at them again
    return client


def _transport(settings: ModelSettings) -> httpx2.AsyncClient:
    import httpx2
    import openai

    # without these limits aiohttp would let only 100 requests through at once, in silence
    connections = settings.in_flight
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    timeout = httpx2.Timeout(None, connect=20.0)
    return openai.DefaultAioHttpClient(limits=limits, timeout=timeout)
