"""The last answer of a conversation where it stands beside the list of its messages.

{"messages": [{"role": "user", "content": "Tea?"}], "response": "Gladly."}
"""

from __future__ import annotations

from pipeline.collect.shapes.common import beside, known
from pipeline.collect.shapes.transcript import Transcript, Turn, rest

ANSWERS = (
    "response",
    "completion",
    "answer",
    "output",
    "reply",
    "assistant_response",
    "assistant_message",
    "bot_response",
    "bot_message",
    "model_response",
    "model_output",
    "ai_response",
    "gpt_response",
)
FIRST, SECOND = "speaker 1", "speaker 2"  # of texts by two who take turns


def with_last(found: Transcript) -> Transcript:
    """A transcript that ends with a question, with the answer to it that stands in its `extra`."""
    name = known.one_of(ANSWERS, found.extra)
    text = beside.prompt_text(found.extra.get(name or "")).strip()
    if not name or not text or text in {one.strip() for _, one, _ in found.turns}:
        return found
    answer = _answer(found.turns, text)
    if answer and not found.annotations:
        found.turns = [*found.turns, answer]
        found.extra = rest(found.extra, name)
        found.assumed += (f"`{name}` answers the last message",)
    return found


def _answer(turns: list[Turn], text: str) -> Turn | None:
    for speaker, _, role in turns[-1:]:
        if role == "user":
            return None, text, "assistant"
        if role is None and speaker == FIRST:
            return SECOND, text, None
    return None
