"""The shape of a dialogue: two speakers in turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.conversation import Annotation, Message, Role, Step
from pipeline.filter.repair.draft import Draft
from pipeline.rules import structure

WEIGHT: tuple[Step, ...] = ("closer", "back", "hold")  # of several decisions the first counts


def keep_longest_pair(draft: Draft, least: int) -> None:
    """A talk of three and more speakers: its longest stretch between two, who become user and
    assistant.

        Ada Ben Ada Ben Ada Cid Ada      Ada and Ben, messages 0 to 4; then Ada is the user, Ben the
        assistant

    least: messages that the stretch must have; otherwise the talk stays as it is and
    `structure.speakers` decides.
    """
    talk = [index for index, message in enumerate(draft.messages) if message.role != "system"]
    speakers = [structure.speaker(draft.messages[index]) for index in talk]
    if len(set(speakers)) <= 2:
        return
    first, last = _longest_stretch(speakers)
    if last - first < least:
        return
    stretch = f"messages {talk[first]} to {talk[last - 1]} of {len(draft.messages)}"
    draft.edits.append(f"filter: kept {stretch}, the longest stretch between two speakers")
    system = [index for index, message in enumerate(draft.messages) if message.role == "system"]
    draft.keep([*system, *talk[first:last]])
    _give_roles(draft.messages, len(system))


def _give_roles(messages: list[Message], start: int) -> None:
    """From `start` on, who speaks first is the user, the other the assistant."""
    roles: dict[str, Role] = {}
    for index in range(start, len(messages)):
        speaker = structure.speaker(messages[index])
        role = roles.setdefault(speaker, "assistant" if roles else "user")
        messages[index] = messages[index]._replace(role=role)


def _longest_stretch(speakers: Sequence[str]) -> tuple[int, int]:
    """Start and end of the longest run with two different values."""
    best, start = (0, 0), 0
    for end in range(1, len(speakers) + 1):
        while len(set(speakers[start:end])) > 2:
            start += 1
        if end - start > best[1] - best[0]:
            best = (start, end)
    return best


def merge(draft: Draft) -> None:
    """Messages of one speaker in a row become one, joined by a line break."""
    firsts: list[int] = []
    for index, message in enumerate(draft.messages):
        if not firsts or not _continues(draft.messages[firsts[-1]], message):
            firsts.append(index)
    for first, following in pairwise([*firsts, len(draft.messages)]):
        if following > first + 1:
            _join(draft, range(first, following))
            if draft.annotations:
                _join_annotations(draft.annotations, range(first, following))
            draft.edits.append(f"filter: merged messages {first} to {following - 1} of one speaker")
    draft.keep(firsts)


def _join(draft: Draft, run: range) -> None:
    """Write a run of messages into its first. What could stand in the place of one of them can now
    stand there with the others around it:

        "Hello." "Tea?", alternative to the second "Soup?"     "Hello.\nTea?", "Hello.\nSoup?"
    """
    parts = [draft.messages[index].content for index in run]
    whole = "\n".join(parts)
    draft.messages[run.start] = draft.messages[run.start]._replace(content=whole)
    before, draft.alternatives = draft.alternatives, []
    is_chosen = False  # each part may have one that was chosen: the whole is chosen once
    for other in before:
        if other.message in run:
            place = other.message - run.start
            content = "\n".join([*parts[:place], other.content, *parts[place + 1 :]])
            other = other._replace(message=run.start, content=content)
            if other.chosen and content == whole:
                if is_chosen:
                    continue
                is_chosen = True
        draft.alternatives.append(other)


def _join_annotations(annotations: list[Annotation], run: range) -> None:
    """What is known of a run, written to its first: the stage that is reached at its end, a step
    closer or back wherever it is taken, and for the rest what is known of the first message.

        ice-breaker, closer + casual, hold          casual, closer
        ice-breaker, hold + ice-breaker, back       ice-breaker, back
    """
    together = [annotations[index] for index in run]
    decisions = [one.decision for one in together if one.decision]
    annotations[run.start] = together[0]._replace(
        stage=next((one.stage for one in reversed(together) if one.stage), None),
        decision=min(decisions, key=WEIGHT.index, default=None),
    )


def _continues(before: Message, message: Message) -> bool:
    """Is a message by the speaker of the one before?"""
    same = (before.role, before.name) == (message.role, message.name)
    return same and message.role != "system"
