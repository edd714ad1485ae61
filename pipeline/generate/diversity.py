"""How different the talks are: what comes again, and how evenly the grid is filled.

    openings        first three words of a talk      the talks *collapse* where two of them begin
    endings, moods  as planned                       alike too often
    shared          5-grams that another talk has

Two talks, taken by chance, begin with the same words in a share of all pairs. That share does not
hang on the number of talks, as "different openings / talks" does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from math import log
from typing import Any

from pipeline.conversation import Conversation, Message
from pipeline.generate.novelty import words_of

OPENING = 3  # words
RUN = 5  # words of a run that counts as shared
COMMONEST = 10
READ = 5_000  # talks whose runs are compared; our choice
FEWEST = 20  # talks; with fewer, nothing is said to collapse
# The same of people, by `python -m benchmarks.diversity`.
HUMAN = {
    "self_dialogue": {"talks": 3060, "begin_alike": 0.017, "ten_openings": 0.324, "shared": 0.087},
    "casino": {"talks": 930, "begin_alike": 0.023, "ten_openings": 0.399, "shared": 0.206},
    "xpersona": {"talks": 1000, "begin_alike": 0.053, "ten_openings": 0.487, "shared": 0.068},
}
# Pairs that begin alike: more than in the human set that begins most alike, where a fifth of the
# talks begin with "hi how are". Our talks are asked to begin with the matter itself.
COLLAPSED = 0.053

AXES = ("situation", "mood", "ending", "user")


@dataclass(slots=True)
class TalkTally:
    """What the talks have had so far."""

    talks: int = 0
    openings: Counter[str] = field(default_factory=Counter)
    characters: dict[str, str] = field(default_factory=dict)  # name → archetype
    stages: Counter[str] = field(default_factory=Counter)  # reached last
    axes: dict[str, Counter[str]] = field(
        default_factory=lambda: {axis: Counter() for axis in AXES}
    )
    runs: Counter[int] = field(default_factory=Counter)  # hash of a run → talks that have it
    said: int = 0  # different runs of each talk, added up

    def add(self, row: Conversation) -> None:
        """A talk that `generate` made."""
        self.add_messages(row.messages)
        extra = json.loads(row.extra or "{}")
        name = (row.persona and row.persona.name) or ""
        self.characters.setdefault(name, _archetype(row))
        self.axes["situation"][extra["situation"]] += 1
        self.axes["mood"][extra["plan"]["mood"]] += 1
        self.axes["ending"][extra["ending"]] += 1
        self.axes["user"][(row.user_persona and row.user_persona.name) or ""] += 1
        if row.annotations:
            self.stages[row.annotations[-1].stage or ""] += 1

    def add_messages(self, messages: tuple[Message, ...]) -> None:
        """The words of a talk."""
        self.talks += 1
        self.openings[" ".join(words_of(messages[0].content)[:OPENING])] += 1
        if self.talks <= READ:
            runs = set(_runs(messages))
            self.runs.update(runs)
            self.said += len(runs)


def _archetype(row: Conversation) -> str:
    card = json.loads((row.persona and row.persona.card) or "{}")
    extensions = card.get("data", {}).get("extensions", {})
    return str(extensions.get("rapport", {}).get("archetype") or "")


def _runs(messages: tuple[Message, ...]) -> Iterator[int]:
    """Every run of words within a message, as a number that is the same in every process."""
    for message in messages:
        words = words_of(message.content)
        for place in range(len(words) - RUN + 1):
            text = " ".join(words[place : place + RUN])
            yield int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def report(tally: TalkTally) -> dict[str, Any]:
    """The figures, for the report of the stage."""
    archetypes = Counter(filter(None, tally.characters.values()))
    commonest = tally.openings.most_common(COMMONEST)
    return {
        "talks": tally.talks,
        "openings": len(tally.openings),
        "begin_alike": alike(tally.openings),
        "ten_openings": _share(sum(times for _, times in commonest), tally.talks),
        "commonest": list(commonest[0]) if commonest else None,
        "characters": len(tally.characters),
        "archetypes": len(archetypes),
        "shared": shared(tally),
        "stages": dict(sorted(tally.stages.items())),
        "axes": {axis: _axis(tally.axes[axis]) for axis in AXES},
        "human": HUMAN,
        "warning": warning(tally),
    }


def alike(counts: Counter[str]) -> float | None:
    """The share of pairs that have the same; None of fewer than two."""
    total = counts.total()
    pairs = total * (total - 1)
    if not pairs:
        return None
    return sum(count * (count - 1) for count in counts.values()) / pairs


def shared(tally: TalkTally) -> float | None:
    """The share of runs that stand in another talk too."""
    if not tally.said:
        return None
    again = sum(talks for talks in tally.runs.values() if talks > 1)
    return again / tally.said


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _axis(counts: Counter[str]) -> dict[str, Any]:
    """How many different there are, and how evenly they came: 1 where each came as often."""
    total, kinds = counts.total(), len(counts)
    even = None
    if kinds > 1:
        shares = [count / total for count in counts.values()]
        even = -sum(share * log(share) for share in shares) / log(kinds)
    return {"different": kinds, "evenness": even}


def warning(tally: TalkTally) -> str | None:
    """That talks begin alike, and what to do about it."""
    found = alike(tally.openings)
    if tally.talks < FEWEST or found is None or found <= COLLAPSED:
        return None
    opening, times = tally.openings.most_common(1)[0]
    return (
        f"generate: the talks collapse onto a few openings: {times} of {tally.talks} begin with "
        f'"{opening}", and {found:.1%} of all pairs begin alike (people: at most '
        f"{COLLAPSED:.1%}). Raise generate.temperature, invent more characters and situations "
        "(generate.characters, generate.situations), or take another model."
    )
