"""How a request is written for a server: fields, system text, tokens, transcript."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.context import length_in
from pipeline.llm.dialect import LEAST_ANSWER, THOUGHTS, RequestDialect, folded
from pipeline.llm.findings import Findings, load
from pipeline.llm.outcome import problem_of
from pipeline.llm.protocol import Reply, RequestFailed, error_in, judge, message_of
from pipeline.llm.request import Request, new_request
from pipeline.llm.transcript import completion_body, prompt_of
from pipeline.recipe.models import ModelSettings

MODEL = ModelSettings(base_url="http://127.0.0.1:1/v1", model="sim")
ANNA = {"role": "system", "content": "You are Anna."}
HI = {"role": "user", "content": "Hi"}
WHO = {"role": "assistant", "content": "Who is it?"}


def request(words: int = 1, max_tokens: int | None = 500) -> Request:
    messages = [ANNA, {"role": "user", "content": "word " * words}]
    return new_request(MODEL, "x", messages, {"max_tokens": max_tokens}, None, 0, 0)


def rejected(detail: str, reason: str = "rejected") -> RequestFailed:
    return RequestFailed(reason, detail, final=True)


# --- the system text


@pytest.mark.parametrize(
    ("messages", "written"),
    [
        ([HI], [HI]),
        ([ANNA, HI], [{"role": "user", "content": "You are Anna.\n\nHi"}]),
        ([ANNA, WHO], [{"role": "user", "content": "You are Anna."}, WHO]),
        ([ANNA], [{"role": "user", "content": "You are Anna."}]),
        ([ANNA, HI, WHO], [{"role": "user", "content": "You are Anna.\n\nHi"}, WHO]),
    ],
)
def test_the_system_text_is_written_before_the_users_first_message(
    messages: list[dict[str, str]], written: list[dict[str, str]]
) -> None:
    before = [dict(message) for message in messages]
    assert folded(messages) == written
    assert messages == before


@given(st.lists(st.sampled_from([ANNA, HI, WHO])))
def test_folding_loses_no_text(messages: list[dict[str, str]]) -> None:
    texts = "\n".join(message["content"] for message in folded(messages))
    assert all(message["content"] in texts for message in messages)
    assert all(message["role"] != "system" for message in folded(messages))


@pytest.mark.parametrize(
    "detail",
    [
        "400: System role not supported",
        "500: Template error: syntax error: System role not supported (in <string>:1)",
        "System messages are not supported by this model.",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "This model does not support system messages",
        "Conversation roles must alternate user/assistant/user/assistant/...",
    ],
)
@pytest.mark.parametrize("reason", ["rejected", "server"])
def test_a_refused_system_message_is_folded_from_then_on(detail: str, reason: str) -> None:
    dialect = RequestDialect()
    assert dialect.learn({}, None, rejected(detail, reason))
    assert dialect.body(request())["messages"] == folded(request().messages)
    assert not dialect.learn({}, None, rejected(detail, reason))  # once is enough


@pytest.mark.parametrize(
    "detail", ["The system is not available", "Unsupported parameter: 'seed'", "the system is down"]
)
def test_other_errors_leave_the_system_message_alone(detail: str) -> None:
    dialect = RequestDialect()
    dialect.learn({"seed": 1}, None, rejected(detail))
    assert not dialect.folds


# --- how long an answer may be


def test_an_answer_is_asked_for_no_more_tokens_than_the_context_has_left() -> None:
    dialect = RequestDialect()
    assert dialect.body(request())["max_tokens"] == 500
    dialect.context = 400
    most = dialect.body(request(100))["max_tokens"]
    assert isinstance(most, int)
    assert LEAST_ANSWER < most < 400 - request(100).prompt_tokens
    assert dialect.body(request(250))["max_tokens"] == LEAST_ANSWER
    assert "max_tokens" not in dialect.body(request(100, max_tokens=None))


def test_a_prompt_that_surely_does_not_fit_is_not_sent() -> None:
    dialect = RequestDialect()
    dialect.context = 400
    with pytest.raises(RequestFailed, match=r"about 1,25\d tokens, the context 400") as failed:
        dialect.body(request(1000))
    assert (failed.value.reason, failed.value.final) == ("too_long", True)


def test_a_model_that_thinks_gets_tokens_for_it() -> None:
    dialect = RequestDialect()
    dialect.thinks = True
    assert dialect.body(request())["max_tokens"] == 500 + THOUGHTS
    dialect.learn({"max_tokens": 500}, None, rejected("Unsupported parameter: 'max_tokens'"))
    body = dialect.body(request())
    assert (body["max_completion_tokens"], "max_tokens" in body) == (500 + THOUGHTS, False)


@pytest.mark.parametrize(
    ("detail", "context"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 5000", 4096),
        ("Requested tokens (2285) exceed context window of 2048", 2048),
        ("request (4390 tokens) exceeds the available context size (4096 tokens)", 4096),
        ("the model is loaded with context length of only 32768 tokens", 32768),
        ("prompt is too long: 208310 tokens > 200000 maximum", None),
    ],
)
def test_the_context_is_learned_from_the_error(detail: str, context: int | None) -> None:
    dialect = RequestDialect()
    body = {"max_tokens": 500}
    assert dialect.learn(body, None, rejected(detail, "too_long")) == (context is not None)
    assert dialect.context == context
    assert not dialect.learn(body, None, rejected(detail, "too_long"))


TOO_LONG = [
    (400, "This model's maximum context length is 8192 tokens."),
    (400, "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing"),
    (500, "the request exceeds the available context size. try increasing the context size"),
    (500, "Context size has been exceeded."),
    (500, "Requested tokens (2285) exceed context window of 2048"),
    (500, "Trying to keep the first 6547 tokens when context the overflows."),
    (
        400,
        "The number of tokens to keep from the initial prompt is greater than the context length",
    ),
    (400, "litellm.ContextWindowExceededError: prompt is too long: 208310 tokens > 200000 maximum"),
    (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)"),
    (400, "The decoder prompt (length 900) is longer than the maximum model length of 512"),
    (400, "input length exceeds the context length"),
]


@pytest.mark.parametrize(("status", "detail"), TOO_LONG)
def test_a_prompt_that_is_too_long_is_no_server_that_is_down(status: int, detail: str) -> None:
    failed = judge(MODEL, status, f"{status}: {detail}", 0.0)
    assert isinstance(failed, RequestFailed)
    assert (failed.reason, failed.final) == ("too_long", True)


@pytest.mark.parametrize("detail", ["Internal Server Error", "CUDA out of memory", "no slot free"])
def test_a_server_that_is_down_is_no_prompt_that_is_too_long(detail: str) -> None:
    failed = judge(MODEL, 500, f"500: {detail}", 0.0)
    assert isinstance(failed, RequestFailed)
    assert (failed.reason, failed.final) == ("server", False)


def test_an_answer_that_is_all_thoughts_says_so() -> None:
    reply = Reply("", "length", 10, 512, "sim", thought=True)
    assert problem_of(reply, None) == ("length", "all of its 512 tokens went into its thoughts")


# --- what servers say of themselves, and of errors


@pytest.mark.parametrize(
    ("answer", "length"),
    [
        ({"data": [{"id": "a", "max_model_len": 1}, {"id": "sim", "max_model_len": 4096}]}, 4096),
        ({"data": [{"id": "org/sim.gguf", "meta": {"n_ctx_train": 9, "n_ctx": 512}}]}, 512),
        ({"data": [{"id": "a"}, {"id": "b", "context_length": 8}]}, None),
        ({"default_generation_settings": {"n_ctx": 2048}}, 2048),
        ({"models": [{"name": "sim", "context_length": 4096}]}, 4096),
        ({"models": []}, None),
        (
            {"data": [{"id": "sim", "max_context_length": 131072, "loaded_context_length": 4096}]},
            4096,
        ),
        ({"data": [{"model_name": "sim", "model_info": {"max_input_tokens": 100000}}]}, 100000),
        ({"data": [{"id": "sim", "object": "model"}]}, None),
        ({"error": "not found"}, None),
        ("<html>", None),
    ],
)
def test_the_context_is_read_wherever_a_server_writes_it(answer: object, length: int) -> None:
    assert length_in(answer, "sim") == length


def test_an_error_is_read_in_every_form() -> None:
    vllm = {"object": "error", "message": "System role not supported", "code": 400}
    assert error_in(vllm) == (400, vllm)
    assert error_in({"error": "context the overflows"}) == (500, "context the overflows")
    assert message_of({"detail": [{"loc": ["body", "seed"], "msg": "extra"}]}).startswith("[{'loc'")
    assert message_of({"type": "odd"}) == "{'type': 'odd'}"


# --- transcript


def test_a_transcript_ends_with_the_name_of_who_speaks_next() -> None:
    assert prompt_of([ANNA, HI, WHO, HI]) == (
        "You are Anna.\n\nUser: Hi\nAssistant: Who is it?\nUser: Hi\nAssistant:"
    )


def test_a_transcript_keeps_the_other_fields() -> None:
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    body = completion_body(
        {"model": "sim", "messages": [HI], "seed": 7, "stop": ["!"], "response_format": form}
    )
    assert body == {
        "model": "sim",
        "prompt": "User: Hi\nAssistant:",
        "seed": 7,
        "stop": ["!", "\nUser:", "\nAssistant:"],
        "response_format": form,
        "json_schema": {"type": "object"},
    }


def test_a_schema_goes_with_a_transcript() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    asked = new_request(MODEL, "x", [HI], {"max_tokens": 9}, schema, 0, 0)
    body = RequestDialect(transcript=True).body(asked)
    assert body["json_schema"] == body["response_format"]["json_schema"]["schema"]  # type: ignore[index]
    assert str(body["prompt"]).endswith("Assistant:")


def test_a_transcript_is_sent_in_no_batch() -> None:
    with pytest.raises(ValueError, match="cannot be sent in batches"):
        ModelSettings(model="sim", chat="transcript", batch=True)


# --- findings


def test_findings_are_stored_as_they_are() -> None:
    found = Findings("sim", "folded", "text", False, None, True, 4096, True, ("seed", "stop"))
    assert load(found.dump()) == found
