"""What of an answer was meant to be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.protocol import RequestFailed, read_reply
from pipeline.llm.spoken import Spoken, end_of, spoken

HELLO = "Hello, you."
# what a model wrote → what it said, whether it thought, whether it went on
WRITTEN = [
    (HELLO, HELLO, False, False),
    ("  Two blanks stay, [as] do <these>.", "  Two blanks stay, [as] do <these>.", False, False),
    (f"<think>She greets me.</think>\n\n{HELLO}", HELLO, True, False),
    (f"<think>\n\n</think>\n\n{HELLO}", HELLO, True, False),
    (f"She greets me.\n</think>\n{HELLO}", HELLO, True, False),
    (f"[THINK]She greets me.[/THINK]{HELLO}", HELLO, True, False),
    (f"◁think▷She greets me.◁/think▷{HELLO}", HELLO, True, False),
    (f"<seed:think>She greets me.</seed:think>{HELLO}", HELLO, True, False),
    ("<think>She greets me, and", "", True, False),
    (
        f"<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>{HELLO}",
        HELLO,
        True,
        False,
    ),
    ("<|channel|>analysis<|message|>She greets me, and", "", True, False),
    (f"{HELLO}<|im_end|>", HELLO, False, True),
    (f"{HELLO}<end_of_turn>\n<start_of_turn>user\nHi!", HELLO, False, True),
    (f"{HELLO}</s>", HELLO, False, True),
    (f"{HELLO}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi!", HELLO, False, True),
    (f"{HELLO} [INST] Hi! [/INST]", HELLO, False, True),
    (f"<|im_start|>assistant\n{HELLO}<|im_end|>", HELLO, False, True),
    (f"<s>{HELLO}", HELLO, False, False),
    ("He was <s>old</s> young.", "He was <s>old</s> young.", False, False),
    ("I <think> therefore I am.", "I <think> therefore I am.", False, False),
    (f"<think>Hm.</think>{HELLO}<|im_end|>", HELLO, True, True),
]


@pytest.mark.parametrize(("written", "said", "thought", "ran_on"), WRITTEN)
def test_what_was_meant_to_be_said_is_kept(
    written: str, said: str, thought: bool, ran_on: bool
) -> None:
    assert spoken(written) == Spoken(said, thought, ran_on)


@given(st.text(alphabet=st.characters(exclude_characters="<[｜◁")))
def test_a_text_without_tokens_stays_as_it_is(text: str) -> None:
    assert spoken(text) == Spoken(text)


@given(st.text(alphabet="abc .\n"), st.sampled_from(["<|im_end|>", "</s>", "<end_of_turn>"]))
def test_nothing_behind_the_end_of_a_turn_is_kept(text: str, end: str) -> None:
    assert spoken(f"{text}{end}And more.").text == text.strip()


def test_a_text_ends_before_the_first_of_its_stops() -> None:
    assert end_of("a, b; c", [";", ","]) == 1
    assert end_of("a, b; c", ["!"]) == 7
    assert end_of("a", []) == 1


BODY = {"model": "sim", "messages": [{"role": "user", "content": "Hi"}]}


def answered(message: dict[str, object], finish: str = "stop", **more: object) -> dict[str, object]:
    return {"choices": [{"message": message, "finish_reason": finish}]} | more


@pytest.mark.parametrize(
    "answer",
    [
        answered({"content": HELLO, "reasoning_content": "Hm."}),
        answered({"content": HELLO, "reasoning": "Hm."}),
        answered({"content": f"<think>Hm.</think>{HELLO}"}),
        answered({"content": HELLO}, usage={"completion_tokens_details": {"reasoning_tokens": 64}}),
    ],
)
def test_thoughts_are_noticed_wherever_a_server_puts_them(answer: dict[str, object]) -> None:
    reply = read_reply(answer, BODY)
    assert (reply.text, reply.thought) == (HELLO, True)


def test_a_turn_that_was_cut_behind_its_end_is_whole() -> None:
    reply = read_reply(answered({"content": f"{HELLO}<|im_end|>\nuser: and"}, "length"), BODY)
    assert (reply.text, reply.finish, reply.ran_on) == (HELLO, "stop", True)


def test_tokens_are_counted_only_where_the_server_counts_all_of_them() -> None:
    some = answered({"content": HELLO}, usage={"prompt_tokens": 4})
    every = answered({"content": HELLO}, usage={"prompt_tokens": 4, "completion_tokens": 3})
    assert not read_reply(some, BODY).counted
    assert read_reply(every, BODY).counted


def test_the_text_of_a_plain_completion_is_read() -> None:
    body = {"model": "sim", "prompt": "User: Hi\nAssistant:"}
    reply = read_reply({"choices": [{"text": f" {HELLO}", "finish_reason": "stop"}]}, body)
    assert (reply.text, reply.prompt_tokens) == (f" {HELLO}", 5)
    with pytest.raises(RequestFailed, match="not a chat completion"):
        read_reply({"choices": [{"text": 7}]}, body)
