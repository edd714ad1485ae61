"""Who says what a message shows: the shipped models, or the model that writes the replies.

`tracker: annotations` reads with the shipped models, and asks about feelings in a language in which
they were not measured. `tracker: model` asks about feelings and uptake of every message, and reads
with the shipped models where no answer can be had. A question is asked once: the client keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from string import Template
from typing import TypedDict, cast

from pipeline import texts
from pipeline.annotate import LOW
from pipeline.annotate.listed import EMOTIONS
from pipeline.companion.agent import Companion
from pipeline.companion.signs import knows_feelings
from pipeline.companion.signs import signs as shown_signs
from pipeline.companion.state import Sign
from pipeline.conversation import Message
from pipeline.llm import CallFailed, Client

TAKEN, TURNED = 1.0, -1.0  # uptake where a model says yes or no
TOKENS = 200
SCHEMA = {
    "type": "object",
    "properties": {
        "emotion": {"type": "string", "enum": list(EMOTIONS)},
        "takes_up": {"type": "boolean"},
    },
    "required": ["emotion", "takes_up"],
    "additionalProperties": False,
}


class Felt(TypedDict):
    """An answer that fits SCHEMA."""

    emotion: str
    takes_up: bool


async def signs(who: Companion, messages: Sequence[Message], client: Client) -> list[Sign]:
    """What each message shows."""
    found = shown_signs(messages, who.language)
    by_model = who.settings.tracker == "model"
    if not by_model and knows_feelings(who.language):
        return found
    places = [index for index, message in enumerate(messages) if message.role == "user"]
    answers = await asyncio.gather(*(_asked(messages, place, client) for place in places))
    for place, felt in zip(places, answers, strict=True):
        if felt:
            found[place] = _changed(found[place], felt, by_model)
    return found


async def _asked(messages: Sequence[Message], place: int, client: Client) -> Felt | None:
    """What the model says of one message; None where it cannot."""
    before = messages[place - 1].content if place else "-"
    question = Template(texts.text("companion", "question.md")).substitute(
        before=before, text=messages[place].content, emotions=", ".join(EMOTIONS)
    )
    asked = [{"role": "user", "content": question}]
    try:
        answer = await client.ask(
            "tracker", asked, schema=SCHEMA, max_tokens=TOKENS, temperature=0.0
        )
    except CallFailed:
        return None
    return cast(Felt, answer.data)


def _changed(sign: Sign, felt: Felt, by_model: bool) -> Sign:
    """A sign with what the model says. by_model: of uptake too."""
    felt_now = sign._replace(emotion=felt["emotion"], low=felt["emotion"] in LOW)
    if not by_model:
        return felt_now
    taken = felt["takes_up"]
    return felt_now._replace(uptake=TAKEN if taken else TURNED, cool=sign.cool and not taken)
