"""One request to a model, and the requests that repeat it after a useless answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import orjson

from pipeline.llm.calls import CallAttempt
from pipeline.llm.prices import tokens_in
from pipeline.llm.reply import Schema
from pipeline.recipe.models import ModelSettings

ChatMessage = dict[str, str]  # role and content, as the chat protocol has them
JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model.

    key: names the call; the requests that repeat it have the same one.
    body: the JSON to send, as OpenAI takes it; `Server` adapts it to other servers.
    messages, seed, max_tokens: of the body.
    schema: what the answer must fit, None for plain text.
    """

    key: bytes
    body: JsonObject
    messages: list[ChatMessage]
    seed: int
    max_tokens: int | None
    schema: Schema | None

    @property
    def prompt_tokens(self) -> int:
        """About how many tokens the prompt has."""
        return prompt_tokens(self.messages)

    def repeated(self, useless: Sequence[CallAttempt]) -> Request:
        """The request after useless answers: with another seed.

        After the first answer that was not the JSON asked for, the model is also shown what was
        wrong with it. Only once: a long history of mistakes makes the next one likelier.
        """
        if not useless:
            return self
        seed = self.seed + len(useless)
        again = replace(self, seed=seed, body=self.body | {"seed": seed})
        last = useless[-1]
        if last.reason != "bad_json" or len(useless) > 1:
            return again
        messages = [*self.messages, *_correction(last)]
        return replace(again, messages=messages, body=again.body | {"messages": messages})


def new_request(
    settings: ModelSettings,
    address: str,
    messages: list[ChatMessage],
    options: JsonObject,
    schema: Mapping[str, object] | None,
    seed: int,
    sample: int,
) -> Request:
    """The first request of a call. Raises TypeError when it cannot be written as JSON.

    options: max_tokens, temperature, top_p, stop; None is left out.
    """
    body: JsonObject = {"model": settings.model, "messages": messages}
    body["seed"] = _mixed(seed, sample)
    body |= {name: value for name, value in options.items() if value is not None}
    body |= settings.extra
    return Request(
        key=_key(address, body, schema, sample),
        body=body,
        messages=messages,
        seed=cast(int, body["seed"]),
        max_tokens=cast("int | None", body.get("max_tokens")),
        schema=cast("Schema | None", schema),
    )


def prompt_tokens(messages: Sequence[ChatMessage]) -> int:
    return sum(tokens_in(message["content"]) for message in messages)


def _correction(useless: CallAttempt) -> list[ChatMessage]:
    detail = f"That could not be used: {useless.detail}."
    wish = f"{detail} Answer again with the JSON alone, complete and valid."
    return [
        {"role": "assistant", "content": useless.text},
        {"role": "user", "content": wish},
    ]


def _key(address: str, body: JsonObject, schema: Mapping[str, object] | None, sample: int) -> bytes:
    """What names a call. The address is in it: a rehearsed answer never passes for a real one."""
    named = orjson.dumps([address, body, schema, sample], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(named, digest_size=16).digest()


def _mixed(seed: int, sample: int) -> int:
    """The seed that is sent: 31 bits, another one for each sample."""
    mixed = hashlib.blake2b(f"{seed}\x1f{sample}".encode(), digest_size=4).digest()
    return int.from_bytes(mixed, "big") >> 1
