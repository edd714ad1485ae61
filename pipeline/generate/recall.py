"""Does a message fit what is known: who the two are, what they said, what they promised?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.conversation import Message
from pipeline.formats.cards import Character
from pipeline.generate.candidates import User
from pipeline.generate.check import QUOTED, Fault
from pipeline.generate.facts import Fact, Sayings, contradicted, facts_in, facts_of
from pipeline.generate.memory import Past, is_taken_up


def facts_about(character: Character, user: User) -> list[Fact]:
    """What is known of the two before they say a word."""
    known = [
        Fact("assistant", "name", character.name),
        Fact("user", "name", user.name),
        Fact("user", "age", str(user.age)),
    ]
    if character.age:
        known.append(Fact("assistant", "age", str(character.age)))
    return known


def recall_fault(
    earlier: Sequence[Message],
    new: Message,
    known: Sequence[Fact],
    past: Past | None,
    due: int | None,
    speech: Sayings,
) -> Fault | None:
    """What a new message gets wrong: a second introduction, another age, a forgotten promise.

    known: before the talk. past: of people who have met. due: the message with which their promise
    must have been taken up.
    """
    index, text = len(earlier), new.content
    if past and any(pattern.search(text) for pattern in speech.introductions):
        return Fault(index, "talk.introduction", text[:QUOTED])
    detail = _contradiction([*known, *facts_of(earlier, speech)], facts_in(new, index, speech))
    if detail:
        return Fault(index, "talk.contradiction", detail)
    if past is None or past.promise is None or index != due:
        return None
    if is_taken_up(past.promise, [*earlier, new], speech):
        return None
    return Fault(index, "talk.promise", past.promise.text[:QUOTED])


def _contradiction(known: Sequence[Fact], new: Iterable[Fact]) -> str | None:
    """The first new fact that a known one contradicts, and that one, in words."""
    for fact in new:
        other = contradicted(fact, known)
        if other:
            return f"{fact.kind}: {fact.value}, and {other.value} before"
    return None
