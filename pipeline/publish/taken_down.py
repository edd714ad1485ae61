"""Rows that are taken down: which they are, and what is left of them.

A row goes after all else is decided: no other row takes its place, and what `dedup` has dropped for
it stays dropped. It is counted and can be asked for by its id; the stage drops it without
its words. Stores of earlier stages keep them, and so does `6-publish/cut`, where the recipe
chooses; none of these is ever pushed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from pipeline.conversation import Conversation, Drop, Finding, Persona
from pipeline.recipe.publish import TakenDown

RULE = "publish.taken_down"


def fits(row: Conversation, wanted: TakenDown) -> bool:
    """Is a row one of those that are meant?"""
    own = (row.id, row.source.record)
    source = (row.source.name, row.source.ref)
    return (
        (wanted.id is not None and (wanted.id in own or wanted.id.startswith(f"{row.id}-")))
        or (wanted.source is not None and wanted.source in source)
        or (wanted.author is not None and _has_written(row, wanted.author))
        or (wanted.match is not None and _holds(row, wanted.match))
    )


def _has_written(row: Conversation, author: str) -> bool:
    name = author.casefold()
    return any((message.name or "").casefold() == name for message in row.messages)


def _holds(row: Conversation, words: str) -> bool:
    return any(words.casefold() in text.casefold() for text in _texts(row))


def _texts(row: Conversation) -> Iterator[str]:
    """All that a row holds as text."""
    for message in row.messages:
        yield from filter(None, (message.content, message.name))
    for who in filter(None, (row.persona, row.user_persona)):
        yield from filter(None, _about(who))
    yield from (one.content for one in row.alternatives)
    yield row.extra or ""


def _about(who: Persona) -> tuple[str | None, ...]:
    return (who.name, who.description, who.greeting, who.scenario, who.card)


def ids(rows: Iterable[Conversation], wanted: Sequence[TakenDown]) -> list[str]:
    """The rows that any of these means."""
    return [row.id for row in rows if any(fits(row, one) for one in wanted)]


def without(
    rows: Iterable[Conversation | Drop], gone: Collection[str]
) -> Iterator[Conversation | Drop]:
    """What `publish` has decided, and instead of each row in `gone` a drop without its words."""
    for row in rows:
        conversation = row.conversation if isinstance(row, Drop) else row
        if conversation.id in gone:
            yield Drop(_emptied(conversation))
        else:
            yield row


def _emptied(row: Conversation) -> Conversation:
    """Only what a row is called and where it was from."""
    finding = Finding("publish", RULE, decision="drop")
    source = row.source._replace(attribution=None)
    return Conversation(
        row.id,
        (),
        source,
        language=row.language,
        findings=(finding,),
    )


def merged(one: Sequence[TakenDown], other: Sequence[TakenDown]) -> list[TakenDown]:
    """Two lists as one, each entry once."""
    found: list[TakenDown] = []
    for entry in chain(one, other):
        if entry not in found:
            found.append(entry)
    return found
