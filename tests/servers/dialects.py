"""What real servers do otherwise than OpenAI's protocol says, played for the tests.

A dialect refuses a request, or shows the model a part of it, and sends the answer in its own form.
The model behind it does as it is told as far as it sees it. The wordings are those that users of
these servers report; where is said in `pipeline/llm/README.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.writing import completion, instance, prose

Request = dict[str, Any]
Messages = list[dict[str, str]]
Reply = tuple[int, Any]  # status and body

PASSWORD = re.compile(r"The password is (\w+)")
NAME = re.compile(r"Your name is (\w+)")
SCHEMA = re.compile(r"fits this schema, and nothing else: (\{.*\})", re.DOTALL)
ASKS = "What is the password?"
WISHES = "What would you like to drink?"
COUNTS = "Write these words in this order: "
CONTEXT = 1000  # tokens, of the dialects that have a limit


def is_probe(request: Request) -> bool:
    """Is a request one of those that find out what a server can do?"""
    last = request["messages"][-1]["content"]
    return any(question in last for question in (ASKS, WISHES, COUNTS))


def written(request: Request, messages: Messages, key: str, enforced: tuple[str, ...]) -> str:
    """What a willing model answers to the messages that it sees.

    enforced: the forms of `response_format` that the server can keep it to.
    """
    last, everything = messages[-1]["content"], "\n".join(m["content"] for m in messages)
    form = request.get("response_format") or {}
    schema = (form.get("json_schema") or form).get("schema")
    if schema and form["type"] in enforced:
        return json.dumps(instance(schema, key))
    if wanted := SCHEMA.search(last):
        return "Of course!\n" + json.dumps(instance(json.loads(wanted[1]), key))
    if ASKS in last:
        known = PASSWORD.search(everything)
        return f"It is {known[1]}." if known else "I do not know it."
    if COUNTS in last:
        return last.partition(COUNTS)[2].splitlines()[0]
    name = NAME.search(everything)
    return f"{f'I am {name[1]}. ' if name else ''}{prose(key, 20)}"


def tokens(messages: Messages) -> int:
    return sum(1 + len(message["content"]) // 4 for message in messages)


def most(request: Request) -> int:
    found = request.get("max_tokens") or request.get("max_completion_tokens") or 0
    assert isinstance(found, int)
    return found


@dataclass
class Dialect:
    """refuses: an error for a request. sees: which messages reach the model. says: its text as the
    server sends it. sends: the whole completion as the server sends it. enforces: forms of
    `response_format`. stops: it knows `stop`. lists: what it says of itself, by path.
    """

    refuses: Callable[[Request], Reply | None] = lambda request: None
    sees: Callable[[Messages], Messages] = lambda messages: messages
    says: Callable[[str], str] = lambda text: text
    sends: Callable[[dict[str, Any], Request, int], dict[str, Any]] = lambda body, *_: body
    enforces: tuple[str, ...] = ("json_schema",)
    stops: bool = True
    lists: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: Request, key: str, attempt: int) -> Reply:
        """attempt: how often this request came before."""
        if refusal := self.refuses(request):
            return refusal
        seen = self.sees(request["messages"])
        text = written(request, seen, key, self.enforces)
        if self.stops:
            for stop in request.get("stop") or []:
                text = text.partition(stop)[0]
        body = completion(request, key, self.says(text), "stop")
        body["usage"]["prompt_tokens"] = tokens(seen)
        return 200, self.sends(body, request, attempt)


# --- what they have in common


def too_long(status: int, body: Any) -> Callable[[Request], Reply | None]:
    """Refuses what does not fit the context together with its answer."""

    def refuse(request: Request) -> Reply | None:
        wanted = tokens(request["messages"]) + most(request)
        return (status, body) if wanted > CONTEXT else None

    return refuse


def has_system(request: Request) -> bool:
    return any(message["role"] == "system" for message in request["messages"])


def form_of(request: Request) -> str:
    form = request.get("response_format") or {}
    return str(form.get("type", ""))


def openai_error(status: int, message: str, **more: Any) -> Reply:
    return status, {"error": {"message": message, "type": "invalid_request_error"} | more}


def thinking_apart(name: str) -> Callable[..., dict[str, Any]]:
    """Thoughts in a field of their own; a short answer is all thoughts."""

    def send(body: dict[str, Any], request: Request, _: int) -> dict[str, Any]:
        choice = body["choices"][0]
        choice["message"][name] = "They want something. I could answer kindly."
        if most(request) < 200:
            choice["message"]["content"], choice["finish_reason"] = None, "length"
        return body

    return send


# --- OpenAI's reasoning models


def openai_refuses(request: Request) -> Reply | None:
    if "max_tokens" in request:
        wish = "Use 'max_completion_tokens' instead."
        message = f"Unsupported parameter: 'max_tokens' is not supported with this model. {wish}"
        return openai_error(400, message, param="max_tokens", code="unsupported_parameter")
    for name in ("stop", "temperature"):
        if name in request:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return openai_error(400, message, param=name, code="unsupported_parameter")
    long = "This model's maximum context length is 1000 tokens. However, you requested more."
    return too_long(*openai_error(400, long, code="context_length_exceeded"))(
        request | {"max_completion_tokens": 0}
    )


def openai_sends(body: dict[str, Any], request: Request, _: int) -> dict[str, Any]:
    """Hidden thoughts, of which only the number is told."""
    choice = body["choices"][0]
    body["usage"]["completion_tokens_details"] = {"reasoning_tokens": 192}
    if most(request) < 200:
        choice["message"]["content"], choice["finish_reason"] = "", "length"
    return body


# --- vLLM


def vllm_refuses(request: Request) -> Reply | None:
    """A template without a system role; a prompt and its answer must fit together."""
    error = {"object": "error", "type": "BadRequestError", "param": None, "code": 400}
    if has_system(request):
        return 400, error | {"message": "System role not supported"}
    long = (
        f"This model's maximum context length is {CONTEXT} tokens. However, you requested "
        f"{tokens(request['messages']) + most(request)} tokens"
    )
    return too_long(400, error | {"message": long})(request)


def vllm_base_refuses(request: Request) -> Reply | None:
    if "prompt" in request:
        return None
    message = (
        "As of transformers v4.44, default chat template is no longer allowed, so you must provide "
        "a chat template if the tokenizer does not define one."
    )
    return openai_error(400, message, code=400)


# --- Ollama


def ollama_sees(messages: Messages) -> Messages:
    """What is too long is cut from its beginning, in silence."""
    over = tokens(messages) - CONTEXT
    if over <= 0:
        return messages
    last = messages[-1]["content"][-4 * (CONTEXT - 1) :]
    return [{"role": "user", "content": last}]


# --- llama.cpp


def llamacpp_refuses(request: Request) -> Reply | None:
    if form_of(request) == "json_schema":  # of some versions
        message = 'Either "json_schema" or "grammar" can be specified, but not both'
        return openai_error(400, message, code=400)
    if tokens(request["messages"]) > CONTEXT:
        message = f"request (4390 tokens) exceeds the available context size ({CONTEXT} tokens)"
        return 400, {
            "error": {"code": 400, "message": message, "type": "exceed_context_size_error"}
        }
    return None


def llamacpp_python_refuses(request: Request) -> Reply | None:
    """A schema, and all that its own checks do not know, is a bare 500."""
    if form_of(request) == "json_schema":
        return 500, {"error": {"message": "Internal Server Error", "type": "internal_server_error"}}
    if tokens(request["messages"]) > CONTEXT:
        message = f"Requested tokens (2285) exceed context window of {CONTEXT}"
        return 500, {"error": {"message": message, "type": "internal_server_error"}}
    return None


def without_system(messages: Messages) -> Messages:
    return [message for message in messages if message["role"] != "system"]


def padded(text: str) -> str:
    """A small model under a grammar: blanks, which the grammar allows, to the end of its tokens."""
    return f"{text.rstrip('}')}{' ' * 80}" if '"warm"' in text else text


# --- LM Studio


def lmstudio_refuses(request: Request) -> Reply | None:
    """Its errors are a bare text, and what is too long is answered with 200."""
    if form_of(request) == "json_object":
        return 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}
    if tokens(request["messages"]) > CONTEXT:
        return 200, {
            "error": "Trying to keep the first 6547 tokens when context the overflows. However, "
            f"the model is loaded with context length of only {CONTEXT} tokens."
        }
    return None


def lmstudio_sends(body: dict[str, Any], *_: object) -> dict[str, Any]:
    return body | {"model": "whatever-is-loaded"}


# --- text-generation-webui


def textgen_says(text: str) -> str:
    return f"{text}<|im_end|>\n<|im_start|>user\nAnd what do you think of it?<|im_end|>"


def textgen_refuses(request: Request) -> Reply | None:
    if tokens(request["messages"]) > CONTEXT:
        message = (
            "This model maximum context length is 1000 tokens. However, your messages resulted"
        )
        return 400, {"detail": f"{message} in over 1700 tokens."}
    return None


def without_usage(body: dict[str, Any], *_: object) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "usage"}


# --- OpenRouter


def openrouter_sends(body: dict[str, Any], request: Request, attempt: int) -> dict[str, Any]:
    """The first answer of a provider that starts up has no choices; the second is an error."""
    if attempt == 0:
        return body | {"choices": []}
    if attempt == 1:
        return {"error": {"code": 502, "message": "Provider returned error"}}
    body["choices"][0]["message"]["reasoning"] = "They want something."
    return body


# --- LiteLLM


def litellm_refuses(request: Request) -> Reply | None:
    if "seed" in request:
        message = (
            "litellm.UnsupportedParamsError: cohere does not support parameters: ['seed'], for "
            "model=command-r. To drop these, set `litellm.drop_params=True`"
        )
        return openai_error(400, message, param=None, code="400")
    long = (
        "litellm.ContextWindowExceededError: litellm.BadRequestError: prompt is too long: "
        "208310 tokens > 200000 maximum"
    )
    return too_long(*openai_error(400, long, code="400"))(request | {"max_tokens": 0})


DIALECTS: dict[str, Dialect] = {
    "openai": Dialect(openai_refuses, sends=openai_sends),
    "vllm": Dialect(
        vllm_refuses, lists={"/v1/models": {"data": [{"id": "sim", "max_model_len": CONTEXT}]}}
    ),
    "vllm-base": Dialect(vllm_base_refuses, stops=False),
    "ollama": Dialect(
        sees=ollama_sees,
        sends=thinking_apart("reasoning"),
        lists={"/api/ps": {"models": [{"name": "sim", "context_length": CONTEXT}]}},
    ),
    "llama.cpp": Dialect(
        llamacpp_refuses,
        sends=thinking_apart("reasoning_content"),
        enforces=("json_schema", "json_object"),
        lists={"/props": {"default_generation_settings": {"n_ctx": CONTEXT}}},
    ),
    "small": Dialect(says=padded),
    "llama-cpp-python": Dialect(
        llamacpp_python_refuses, without_system, enforces=("json_schema", "json_object")
    ),
    "lm-studio": Dialect(
        lmstudio_refuses,
        says=lambda text: f"<think>They want something.</think>\n\n{text}",
        sends=lmstudio_sends,
        lists={"/api/v0/models": {"data": [{"id": "sim", "loaded_context_length": CONTEXT}]}},
    ),
    "text-generation-webui": Dialect(
        textgen_refuses, says=textgen_says, sends=without_usage, enforces=(), stops=False
    ),
    "openrouter": Dialect(sends=openrouter_sends, enforces=()),
    "litellm": Dialect(litellm_refuses),
}
