"""What is wrong with one new message of a talk, for `generate`: the same rules as on rows, on the last message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.conversation import Finding, Message, Persona
from pipeline.rules import RULES, Rule, beyond, safety, style
from pipeline.rules.language import detect
from pipeline.rules.reading.numbers import numbers
from pipeline.rules.reading.view import View, view


def check(
    messages: Sequence[Message],
    persona: Persona | None = None,
    expected: str | None = None,
    rules: Mapping[str, Rule] = RULES,
) -> list[Finding]:
    """What is wrong with `messages[-1]`: findings beyond their limits, worst ("drop") first; [] when it is fine.

    persona: the card of the one who speaks it; an AI character may say that it is one. expected: ISO 639-1 code of the
    talk's language. Found: refusals, labels, speaking for the other side, blanks and remains of prompts, near-verbatim
    repetition of the speaker's own earlier messages, another language, an age under 18.
    """
    last = len(messages) - 1
    spoken = messages[-1]._replace(role="assistant")  # here both sides are models
    seen = view([*messages[:-1], spoken], persona)
    readings = [*_read(seen, messages, last), *_language(messages[-1].content, last, expected)]
    found = [
        replace(f, limit=rule.limit, decision=rule.decision)
        for f in readings
        if f.message == last and (rule := rules.get(f.rule)) and beyond(f.value, rule)
    ]
    return sorted(found, key=lambda f: f.decision != "drop")


def _read(seen: View, messages: Sequence[Message], last: int) -> Iterator[Finding]:
    yield from style.phrases(seen)
    yield from style.labels(seen, last)
    yield from style.placeholders(seen, last)
    yield from safety.minors(seen)
    yield from _repetition(messages, last)


def _repetition(messages: Sequence[Message], last: int) -> Iterator[Finding]:
    """How alike the last message is to an earlier one of the same speaker, at most."""
    mine = [i for i in range(last) if messages[i].role == messages[last].role]
    alike = {i: _alike(messages[i], messages[last]) for i in mine}
    if alike:
        earlier = max(alike, key=alike.__getitem__)
        yield Finding(
            "filter",
            "style.repetition",
            alike[earlier],
            None,
            last,
            0,
            None,
            f"message {earlier}",
            "measured",
        )


def _alike(earlier: Message, later: Message) -> float:
    if earlier.content == later.content:
        return 1.0
    return numbers(
        f"{earlier.content}\0{later.content}", [0, len(earlier.content) + 1], [earlier, later]
    ).alike[0]


def _language(text: str, last: int, expected: str | None) -> Iterator[Finding]:
    if expected is not None:
        code, _ = detect.detect_message(text, expected)
        if code != expected:
            yield Finding("filter", "language.foreign", 1, None, last, 0, None, code, "measured")
