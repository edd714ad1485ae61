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
    text = beside.prompt_text(found.extra[name]).strip() if name else ""
    last = found.turns[-1] if found.turns else None
    if not name or not last or not text or text in {one.strip() for _, one, _ in found.turns}:
        return found
    answer = _answer(last, text)
    if answer and not found.annotations:
        found.turns = [*found.turns, answer]
        found.extra = rest(found.extra, name)
        found.assumed += (f"`{name}` answers the last message",)
    return found


def _answer(last: Turn, text: str) -> Turn | None:
    speaker, _, role = last
    if role == "user":
        return None, text, "assistant"
    return (SECOND, text, None) if speaker == FIRST and role is None else None
