"""What a server's answers, errors and headers mean."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from pipeline import llm
from pipeline.llm.protocol import (
    LONGEST_WAIT,
    TRANSIENT,
    Reply,
    RequestFailed,
    error_in,
    judge,
    message_of,
    read_reply,
    remaining,
    retry_after,
    strict,
)
from pipeline.llm.rate_limit import Remaining
from pipeline.recipe.models import ModelSettings

# status, error message, Retry-After → what it means: the message with which the run stops, or the
# reason why one request failed (True: for good)
MEANINGS = [
    (401, "Incorrect API key", 0, "does not accept the key in OPENAI_API_KEY"),
    (
        403,
        "403: Country not supported",
        0,
        "the key in OPENAI_API_KEY for sim (403: Country not supported)",
    ),
    (403, "requires moderation and your input was flagged", 0, ("policy", True)),
    (402, "Insufficient balance", 0, "quota of OPENAI_API_KEY is used up"),
    (429, "You exceeded your current quota. Please retry in 11.3s.", 0, ("limited", False)),
    (
        429,
        "You exceeded your current quota, please check your plan",
        0,
        "quota of OPENAI_API_KEY is used up",
    ),
    (429, "Please try again in 2h0m", 0, "asks to wait 120 minutes"),
    (429, "try again in 20s · insufficient_quota", 0, "quota of OPENAI_API_KEY is used up"),
    (429, "insufficient_quota", 0, "quota of OPENAI_API_KEY is used up"),
    (429, "Rate limit reached", 7200, "asks to wait 120 minutes"),
    (404, "model not found", 0, "has no model sim"),
    (429, "Rate limit reached", 20, ("limited", False)),
    (500, "oops", 0, ("server", False)),
    (503, "busy", 0, ("overloaded", False)),
    (408, "slow", 0, ("server", False)),
    (400, "content_policy_violation", 0, ("policy", True)),
    (400, "maximum context length is 8192 tokens", 0, ("too_long", True)),
    (422, "messages: field required", 0, ("rejected", True)),
]


@pytest.mark.parametrize(("status", "detail", "wait", "meaning"), MEANINGS)
def test_what_an_error_means(
    status: int, detail: str, wait: float, meaning: str | tuple[str, bool]
) -> None:
    error = judge(ModelSettings(model="sim"), status, detail, wait)
    if isinstance(meaning, str):
        assert isinstance(error, llm.StopRun)
        assert meaning in str(error)
    else:
        assert isinstance(error, RequestFailed)
        assert (error.reason, error.final) == meaning
        passes = error.reason == "limited" or error.reason in TRANSIENT
        assert passes != error.final


def test_a_wait_that_only_the_message_asks_for_is_read() -> None:
    failed = judge(ModelSettings(model="sim"), 429, "Limit reached. Please retry in 1m3.5s.", 0)
    assert isinstance(failed, RequestFailed)
    assert failed.wait == 63.5


WAITS = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "1", "retry-after-ms": "250"}, 0.25),
    ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ({"retry-after": "soon"}, 0.0),
    ({}, 0.0),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for_is_read() -> None:
    assert 55 < retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("120ms", 0.12), ("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("7", 7.0), ("", None), ("x", None)],
)
def test_what_is_left_of_a_limit_is_read(reset: str, seconds: float | None) -> None:
    names = ("limit", "remaining", "reset")
    values = ("60", "9", reset)
    headers = [
        (f"X-RateLimit-{n}-Requests".encode(), v.encode())
        for n, v in zip(names, values, strict=True)
    ]
    assert remaining(headers) == (
        [] if seconds is None else [Remaining("requests", 60, 9, seconds)]
    )


def test_the_longest_wait_is_still_waited_for() -> None:
    model = ModelSettings(model="sim")
    assert isinstance(judge(model, 429, "slow down", LONGEST_WAIT), RequestFailed)
    assert isinstance(judge(model, 429, "slow down", LONGEST_WAIT + 1), llm.StopRun)
    failed = judge(model, 503, "busy", LONGEST_WAIT + 1)
    assert isinstance(failed, RequestFailed)
    assert failed.wait == LONGEST_WAIT


def test_a_model_without_a_key_is_asked_for_one() -> None:
    error = judge(ModelSettings(base_url="http://box/v1", model="sim"), 401, "401: none given", 0)
    assert str(error) == (
        "http://box/v1 wants a key (401): "
        "name the environment variable that holds it as the model's `key`."
    )


BODY = {"model": "sim", "messages": [{"role": "user", "content": "Tell me about evening 7."}]}


def completion(message: object, **changes: object) -> dict[str, object]:
    choice = {"message": message, "finish_reason": "stop"} | changes
    return {"choices": [choice], "model": "sim-2", "usage": {"prompt_tokens": 8}}


# what a server sends → text, finish, refusal
REPLIES = [
    (completion({"content": "Hello."}), ("Hello.", "stop", None)),
    (completion({"content": None}), ("", "stop", None)),
    (completion({"content": [{"text": "Hel"}, {}, {"text": "lo."}]}), ("Hello.", "stop", None)),
    (completion({"content": "Hel"}, finish_reason="length"), ("Hel", "length", None)),
    (completion({"content": "Hello."}, finish_reason=None), ("Hello.", "stop", None)),
    (completion({"content": "", "refusal": "I cannot."}), ("", "stop", "I cannot.")),
    (
        completion({"content": ""}, finish_reason="content_filter"),
        ("", "content_filter", "stopped by the content filter"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "read"), REPLIES)
def test_a_reply_is_read(answer: dict[str, object], read: tuple[str, str, str | None]) -> None:
    text, finish, refusal = read
    tokens = 1 + len(text) // 4
    assert read_reply(answer, BODY) == Reply(text, finish, 8, tokens, "sim-2", refusal)


def test_tokens_and_model_that_a_server_does_not_name_are_those_of_the_request() -> None:
    answer = {"choices": [{"message": {"content": "Hello, you."}}], "usage": {"prompt_tokens": -1}}
    assert read_reply(answer, BODY) == Reply("Hello, you.", "stop", 7, 3, "sim")


GARBLED = [
    None,
    [],
    "Hello.",
    {},
    {"choices": []},
    {"choices": [{"message": None}]},
    {"choices": [{"message": {"content": 7}}]},
    {"choices": [{"message": {"content": ["Hello."]}}]},
    {"choices": [{"message": {"content": [{"text": 7}]}}]},
]


@pytest.mark.parametrize("answer", GARBLED)
def test_what_is_not_a_chat_completion_is_garbled(answer: object) -> None:
    with pytest.raises(RequestFailed, match="not a chat completion") as failed:
        read_reply(answer, BODY)
    assert (failed.value.reason, failed.value.final) == ("garbled", False)


def test_an_answer_that_broke_off_is_a_failure_of_the_server() -> None:
    answer = completion({"content": "Hel"}, finish_reason="error", error={"message": "upstream"})
    with pytest.raises(RequestFailed, match="broke off: upstream") as failed:
        read_reply(answer, BODY)
    assert failed.value.reason == "server"


ERRORS = [
    ({"choices": []}, None),
    ({"error": None}, None),
    ({"error": {"code": 403}}, 403),
    ({"error": {"code": "503"}}, 503),
    ({"error": {"code": "slow"}}, 500),
    ({"error": "oops"}, 500),
]


@pytest.mark.parametrize(("answer", "status"), ERRORS)
def test_an_error_inside_a_200_has_its_own_status(
    answer: dict[str, object], status: int | None
) -> None:
    found = error_in(answer)
    assert (found and found[0]) == status


def test_an_error_is_one_line_without_what_cannot_be_stored() -> None:
    error = {"message": "no\n  such \ud83d", "code": "bad", "param": "seed", "type": "bad"}
    assert message_of(error) == "no such ? · bad · seed"
    assert message_of({"message": "bad", "code": "bad"}) == "bad"
    assert message_of("busy") == "busy"


def test_strict_requires_every_property_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}}
    schema = {"type": "object", "properties": {"a": {"anyOf": [inner]}}, "required": []}
    closed = inner | {"required": ["b"], "additionalProperties": False}
    assert strict(schema) == {
        "type": "object",
        "properties": {"a": {"anyOf": [closed]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert "required" not in inner
