"""Messages in a list that neither side has written, by their roles.

{"role": "instruction", "content": "You are Ada."}     what the model is given: a prompt
{"role": "thinking", "content": "A guest."}            a thought, which joins the message after it
{"role": "search", "content": "3 finds"}               anything else: nobody knows whose it is
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.collect.shapes.transcript import ROLE_WORDS, Unclear, fields_in

PROMPTS = ("instruction", "instructions", "context", "setting", "narrator", "narration")
THOUGHTS = ("thought", "thoughts", "thinking", "reasoning")
TEXTS = ("content", "value")


def check(messages: Sequence[object], who: str) -> None:
    """Unclear where a third role is a word such as `search`, and no name."""
    for number, message in enumerate(messages, 1):
        word = str(fields_in(message).get(who))
        is_word = word.isascii() and word.isalpha() and word.islower()
        if is_word and word not in (*ROLE_WORDS, *PROMPTS, *THOUGHTS):
            raise Unclear(f"message {number} has the role {word!r} beside those of both sides")


def without_thoughts(messages: Sequence[object], who: str) -> tuple[list[object], int]:
    """Messages without those that are thoughts, which join the message after them; how many."""
    kept: list[object] = []
    thoughts: list[object] = []
    for message in messages:
        fields = fields_in(message)
        if str(fields.get(who)).lower() in THOUGHTS:
            thoughts += [fields[name] for name in TEXTS if name in fields]
        elif thoughts and fields:
            kept.append(fields | {"thoughts": thoughts})
            thoughts = []
        else:
            kept.append(message)
    return kept, len(messages) - len(kept)
