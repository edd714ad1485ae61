"""Where reasoning starts and ends in a reply, and which words on the user are reasoning."""

from __future__ import annotations

import pytest

from pipeline.conversation import Message
from pipeline.rules.reading.reading import read
from pipeline.rules.style.reasoning import blocks, reasoning


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<think>hm</think> Hi.", [("<think>hm</think>", True)]),
        ("<think>hm <think>so</think> Hi.", [("<think>hm <think>so</think>", True)]),
        ("hm</think> Hi.", [("hm</think>", True)]),  # the first tag stood in the prompt
        ("<think>hm", [("<think>hm", False)]),
        (
            "<think>a</think> Hi. <think>b</think> Yo.",
            [("<think>a</think>", True), ("<think>b</think>", True)],
        ),
        ("<think>a</think> b</think> Yo.", [("<think>a</think>", True), (" b</think>", True)]),
        ("[thinking] Hi.", []),  # a stage direction
        ("[THINK] hm", [("[THINK] hm", False)]),
        ("[thinking]hm[/thinking] Hi.", [("[thinking]hm[/thinking]", True)]),
        ("analysisWe say hi.assistantfinalHi.", [("analysisWe say hi.assistantfinal", True)]),
        ("Thoughts: hm\nReply: Hi.", [("Thoughts: hm\nReply: ", True)]),
        ("Thoughts: hm\nHi.", []),
        ("Thought for 3 seconds\nHi.", [("Thought for 3 seconds\n", False)]),
        ("I thought for 3 seconds\nHi.", []),
        ("", []),
    ],
)
def test_where_reasoning_starts_and_ends(text: str, found: list[tuple[str, bool]]) -> None:
    assert [(text[one.start : one.end], one.whole) for one in blocks(text)] == found


@pytest.mark.parametrize(
    ("role", "text", "is_found"),
    [
        ("assistant", "User intent: small talk. Tone: warm.\nHi.", True),
        ("assistant", "Goal: small talk. Length: short.\nHi.", False),  # none on user or reply
        ("user", "User intent: small talk. Tone: warm.\nHi.", False),
        ("assistant", "User intent: small talk. Tone: warm. Hi.", False),  # in one line
    ],
)
def test_notes_over_a_reply(role: str, text: str, is_found: bool) -> None:
    other = "user" if role == "assistant" else "assistant"
    messages = [Message(other, "Hello."), Message(role, text)]  # type: ignore[arg-type]
    assert bool(list(reasoning(read(messages)))) is is_found
