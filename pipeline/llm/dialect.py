"""What one server accepts: the fields of a request, and how it is asked for JSON.

Servers differ, and each is asked in its own way; the table of what is done for which is in
README.md. A probe finds out most of it beforehand (`probe.py`); what it could not find out is
learned from the errors of the first calls. For JSON there is a ladder; a rung that the server
cannot take is left for the next:

    json_schema               OpenAI, vLLM, llama.cpp: the schema is enforced, and only what fits
                              it can be written
    json_object with schema   llama.cpp's Python server: the same under another name
    json_object               the answer is some JSON; the schema stands in the prompt
    text                      the schema stands in the prompt; the answer is read with patience

The schema stands in the last message, for some servers drop a system message in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

import orjson

from pipeline.llm.findings import Findings
from pipeline.llm.protocol import RequestFailed, strict
from pipeline.llm.request import ChatMessage, JsonObject, Request
from pipeline.llm.transcript import STOPS, completion_body

WITH_SCHEMA = "json_object with schema"
RUNGS = ("json_schema", WITH_SCHEMA, "json_object", "text")
THOUGHTS = 4096  # tokens more than were asked for, where a model thinks first; our choice
# The share by which our count of a prompt may be too low, and tokens of its template. Our choice.
UNCOUNTED, TEMPLATE = 0.15, 32
LEAST_ANSWER = 64  # tokens; below that the server shall say that the prompt is too long
SURELY_TOO_LONG = 0.7  # of our count of a prompt fills the context; our choice

_UNKNOWN_FIELD = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|unexpected"
    r"|only the default|extra",
    re.I,
)
_ABOUT_JSON = re.compile(r"response_format|json_object|schema|guided|grammar", re.I)
_CONTEXT = re.compile(r"context (?:length|window|size)\D{0,20}(\d{3,8})", re.I)
_NOT = r"(?:\bnot |n't |\bun|\bno )"
_NO_SYSTEM = re.compile(
    rf"(?:system|developer) (?:role|message|prompt|instruction)s?\W.{{0,40}}{_NOT}"
    rf"(?:be )?(?:support|allow|enabled|accept)|{_NOT}(?:support|allow|accept)\w*\W.{{0,40}}"
    r"\bsystem (?:role|message|prompt|instruction)|roles must alternate",
    re.I,
)


class RequestDialect:
    """How requests to one server are written, as far as that is known.

    transcript: messages are sent as plain text. rung: of `RUNGS`, the one in use.
    context: tokens of a prompt and its answer, where known.
    """

    def __init__(self, transcript: bool = False) -> None:
        self.transcript = transcript
        self.context: int | None = None
        self.folds = self.thinks = False
        self._refused_fields: set[str] = set()
        self._rungs = list(RUNGS)
        self._proven: set[str] = set()  # rungs that have brought an answer

    @property
    def rung(self) -> str:
        return self._rungs[0]

    @property
    def refused(self) -> tuple[str, ...]:
        """The fields that the server does not accept."""
        return tuple(sorted(self._refused_fields))

    @property
    def for_thoughts(self) -> int:
        """Tokens that an answer may take beyond what was asked for."""
        return THOUGHTS if self.thinks else 0

    def adopt(self, findings: Findings) -> None:
        """Write as a probe has found it right."""
        self.context = findings.context
        self.folds = findings.system == "folded"
        self.thinks = findings.thinks
        self._refused_fields.update(findings.refused)
        self._rungs = list(RUNGS[RUNGS.index(findings.rung) :])
        if findings.fits:
            self.prove(findings.rung)

    def body(self, request: Request) -> JsonObject:
        """The body of a request as this server accepts it.

        Raises RequestFailed where the prompt is surely too long.
        """
        form, messages = self._form_of(request), request.messages
        if request.schema is not None and form.get("type") != "json_schema":
            messages = _asking_for_json(request)
        return self._fitted(self._written(request.body, messages, form), request)

    def stops(self, request: Request) -> list[str]:
        """Before which an answer to this request has to end."""
        stops = cast("list[str]", request.body.get("stop") or [])
        return [*stops, *STOPS] if self.transcript else stops

    def hello(self, request: Request) -> JsonObject:
        """The smallest request without a form of answer: does the server answer at all?"""
        messages = [{"role": "user", "content": "Hello"}]
        return self._written(request.body | {"max_tokens": 1}, messages, {})

    def _form_of(self, request: Request) -> JsonObject:
        """The `response_format` that asks for JSON; empty where none does."""
        if request.schema is None or self.rung == RUNGS[-1]:
            return {}
        if self.rung == "json_schema":
            form = {"name": "answer", "schema": strict(request.schema), "strict": True}
            return {"type": "json_schema", "json_schema": form}
        if self.rung == WITH_SCHEMA:
            return {"type": "json_object", "schema": request.schema}
        return {"type": "json_object"}

    def _written(
        self, asked: JsonObject, messages: Sequence[ChatMessage], form: JsonObject
    ) -> JsonObject:
        """The fields that the server accepts, with these messages and this form of answer."""
        refused = self._refused_fields
        body = {name: value for name, value in asked.items() if name not in refused}
        body["messages"] = folded(messages) if self.folds else list(messages)
        if form:
            body["response_format"] = form
        if "max_tokens" in asked.keys() & refused and "max_completion_tokens" not in refused:
            body["max_completion_tokens"] = asked["max_tokens"]
        if self.transcript:
            return completion_body(body)
        return body

    def _fitted(self, body: JsonObject, request: Request) -> JsonObject:
        """With tokens for thoughts, and no more than the context has left for an answer."""
        asked, context = request.max_tokens, self.context
        if context and request.prompt_tokens * SURELY_TOO_LONG > context:
            detail = f"the prompt has about {request.prompt_tokens:,} tokens"
            raise RequestFailed("too_long", f"{detail}, the context {context:,}", final=True)
        if asked is None:
            return body
        most = asked + self.for_thoughts
        if context:
            left = context - TEMPLATE - round(request.prompt_tokens * (1 + UNCOUNTED))
            most = min(most, max(left, LEAST_ANSWER))
        names = body.keys() & {"max_tokens", "max_completion_tokens"}
        return body | dict.fromkeys(names, most)

    # --- what is learned

    def learn(self, body: JsonObject, rung: str | None, failed: RequestFailed) -> bool:
        """Note what the server says it does not accept; of JSON, be it by 400 or by 500.

        rung: on which the request asked for JSON, if it did. Returns whether the next request will
        be another one than this.
        """
        refused = failed.reason == "rejected"
        breaks = failed.reason == "server" and rung is not None and self.is_doubtful(rung)
        about_json = rung not in (None, RUNGS[-1]) and _ABOUT_JSON.search(failed.detail)
        if about_json and (refused or breaks):
            self.leave(rung)
            return True
        if failed.reason == "too_long":
            return self._learn_context(body, failed)
        if failed.reason in ("rejected", "server") and _NO_SYSTEM.search(failed.detail):
            already, self.folds = self.folds, True
            return not already
        if not refused or not _UNKNOWN_FIELD.search(failed.detail):
            return False
        fields = body.keys() - {"model", "messages", "prompt", "response_format"}
        named = [field for field in fields if re.search(rf"\b{field}\b", failed.detail)]
        self._refused_fields.update(named)
        return bool(named)

    def _learn_context(self, body: JsonObject, failed: RequestFailed) -> bool:
        """A prompt may only be too long together with the tokens asked for."""
        found = _CONTEXT.search(failed.detail)
        if self.context or not found:
            return False
        self.context = int(found[1])
        return bool(body.keys() & {"max_tokens", "max_completion_tokens"})

    def leave(self, rung: str | None) -> None:
        """Use the next rung from now on."""
        if self.rung == rung:  # another request may have learned the same meanwhile
            self._rungs.pop(0)

    def prove(self, rung: str | None) -> None:
        """Note that a request on this rung was answered."""
        if rung is not None:
            self._proven.add(rung)

    def is_doubtful(self, rung: str) -> bool:
        """May a server that fails on this rung only be unable to take it?"""
        return rung != RUNGS[-1] and rung not in self._proven


def folded(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The messages with the system text before the first one of the user."""
    texts = [message["content"] for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    if not texts:
        return rest
    if not rest or rest[0]["role"] != "user":
        return [{"role": "user", "content": "\n\n".join(texts)}, *rest]
    first = {"role": "user", "content": "\n\n".join([*texts, rest[0]["content"]])}
    return [first, *rest[1:]]


def _asking_for_json(request: Request) -> list[ChatMessage]:
    """The messages with the schema in the last one, for servers that do not take it as a field."""
    *before, last = request.messages
    schema = orjson.dumps(request.schema).decode()
    wish = f"Answer with JSON that fits this schema, and nothing else: {schema}"
    return [*before, last | {"content": f"{last['content']}\n\n{wish}"}]
