"""What one server accepts: the fields of a request, and how it is asked for JSON.

Servers differ, and each is asked in its own way. One that refuses a field is asked without it from
then on. For JSON there is a ladder; a rung that the server cannot take is left for the next:

    json_schema               OpenAI, vLLM, llama.cpp: the schema is enforced, and only what fits
                              it can be written
    json_object with schema   llama.cpp's Python server: the same under another name
    json_object               the answer is some JSON; the schema stands in the prompt
    text                      the schema stands in the prompt; the answer is read with patience

The schema stands in the last message, for some servers drop a system message in silence.
"""

from __future__ import annotations

import re

import orjson

from pipeline.llm.protocol import RequestFailed, strict
from pipeline.llm.request import ChatMessage, JsonObject, Request

WITH_SCHEMA = "json_object with schema"
RUNGS = ("json_schema", WITH_SCHEMA, "json_object", "text")

_UNKNOWN_FIELD = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|unexpected"
    r"|only the default|extra",
    re.I,
)
_ABOUT_JSON = re.compile(r"response_format|json_object|schema|guided|grammar", re.I)


class RequestDialect:
    """How requests to one server are written, as far as that is known.

    rung: of `RUNGS`, the one in use.
    """

    def __init__(self) -> None:
        self._refused_fields: set[str] = set()
        self._rungs = list(RUNGS)
        self._proven: set[str] = set()  # rungs that have brought an answer

    @property
    def rung(self) -> str:
        return self._rungs[0]

    def body(self, request: Request) -> JsonObject:
        """The body of a request as this server accepts it."""
        body = self._accepted(request.body)
        if request.schema is None:
            return body
        if self.rung == "json_schema":
            form = {"name": "answer", "schema": strict(request.schema), "strict": True}
            return body | {"response_format": {"type": "json_schema", "json_schema": form}}
        body["messages"] = _asking_for_json(request)
        if self.rung == WITH_SCHEMA:
            form = {"type": "json_object", "schema": request.schema}
            return body | {"response_format": form}
        if self.rung == "json_object":
            return body | {"response_format": {"type": "json_object"}}
        return body

    def probe(self, request: Request) -> JsonObject:
        """The smallest request without a form of answer: does the server answer at all?"""
        messages = [{"role": "user", "content": "Hello"}]
        return self._accepted(request.body | {"messages": messages, "max_tokens": 1})

    def _accepted(self, asked: JsonObject) -> JsonObject:
        """The fields that the server accepts."""
        refused = self._refused_fields
        body = {name: value for name, value in asked.items() if name not in refused}
        if "max_tokens" in asked and "max_tokens" in refused:
            body["max_completion_tokens"] = asked["max_tokens"]
        return body

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
        if not refused or not _UNKNOWN_FIELD.search(failed.detail):
            return False
        fields = body.keys() - {"model", "messages", "response_format"}
        named = [field for field in fields if re.search(rf"\b{field}\b", failed.detail)]
        self._refused_fields.update(named)
        return bool(named)

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


def _asking_for_json(request: Request) -> list[ChatMessage]:
    """The messages with the schema in the last one, for servers that do not take it as a field."""
    *before, last = request.messages
    schema = orjson.dumps(request.schema).decode()
    wish = f"Answer with JSON that fits this schema, and nothing else: {schema}"
    return [*before, last | {"content": f"{last['content']}\n\n{wish}"}]
