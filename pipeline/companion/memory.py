"""What a companion remembers of a user across talks: one JSON file per user and card.

    FOLDER/<user>/<card>.json
        stage reached · when the last talk was · at most ten facts, each quoted with its message
        the latest talks, each with the stage at which it began

Only who serves may switch it on. A talk that goes on begins where it began before, so that the same
messages have the same state; a new one begins at the stage reached, one lower after a long gap.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from pipeline import UserError
from pipeline.companion.reply import Remembered
from pipeline.companion.state import TalkState
from pipeline.conversation import Message, normalised
from pipeline.generate.facts import Fact, Sayings, facts_of
from pipeline.generate.memory import COOLS, CUT
from pipeline.pacing import STAGES
from pipeline.store.files import RunFolder

MOST_FACTS = 10
MOST_TALKS = 20
# Two talks that begin with the same words are one, unless the later one is new: so few messages,
# and so many hours behind the other. Our choice.
NEW_MESSAGES, NEW_HOURS = 4, 6.0


@dataclass(frozen=True, slots=True)
class RememberedFact:
    """What the user said of himself or herself: home, Leeds, "I live in Leeds now"."""

    kind: str
    value: str
    quote: str

    @property
    def name(self) -> str:
        return _digest(f"{self.kind}\x1f{normalised(self.value)}")


@dataclass(frozen=True, slots=True)
class RememberedTalk:
    """A talk. name: digest of the user's first message. begun, stage: of its beginning, and
    reached; indices into STAGES. last: ISO 8601, UTC."""

    name: str
    begun: int
    stage: int
    last: str


@dataclass(frozen=True, slots=True)
class UserMemory:
    """What is remembered of a user and a card; the latest talk stands last. deleted: names of facts
    that the user has taken back. minor: the user has once said to be under 18."""

    user: str
    card: str
    facts: tuple[RememberedFact, ...] = ()
    talks: tuple[RememberedTalk, ...] = ()
    deleted: tuple[str, ...] = ()
    minor: bool = False


def read(folder: Path, user: str, card: str) -> UserMemory:
    """The memory of a user; an empty one where there is none. Raises UserError when it is
    damaged."""
    path = _path(folder, user, card)
    if not path.exists():
        return UserMemory(user, card)
    try:
        found = orjson.loads(path.read_bytes())
        facts = tuple(RememberedFact(**one) for one in found.pop("facts"))
        talks = tuple(RememberedTalk(**one) for one in found.pop("talks"))
        deleted = tuple(found.pop("deleted"))
        return UserMemory(**found, facts=facts, talks=talks, deleted=deleted)
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        raise UserError(f"{path} is damaged. Delete it: what it remembered is lost.") from None


def write(folder: Path, memory: UserMemory) -> None:
    """Keep a memory, whole or not at all."""
    path = _path(folder, memory.user, memory.card)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = orjson.dumps(asdict(memory), option=orjson.OPT_INDENT_2).decode()
    RunFolder(path.parent).write_text(path.name, text + "\n")


def forget(folder: Path, user: str) -> int:
    """Delete all that is remembered of a user; returns the number of cards."""
    place = folder / _name(user)
    if not place.is_dir():
        return 0
    cards = len(list(place.glob("*.json")))
    shutil.rmtree(place)
    return cards


def begun(memory: UserMemory, messages: Sequence[Message], now: dt.datetime) -> Remembered:
    """What the two bring to a talk."""
    quotes = tuple(f'"{fact.quote}"' for fact in memory.facts)
    return Remembered(_begun(memory, messages, now), quotes, memory.minor)


def renewed(
    memory: UserMemory,
    messages: Sequence[Message],
    state: TalkState,
    speech: Sayings,
    now: dt.datetime,
) -> UserMemory:
    """The memory behind a talk as it stands. state: behind its last message."""
    name = _talk_name(messages)
    talk = RememberedTalk(name, state.begun, state.stage, now.isoformat(timespec="seconds"))
    others = [one for one in memory.talks if one.name != name]
    return replace(
        memory,
        talks=(*others, talk)[-MOST_TALKS:],
        facts=_facts(memory, messages, speech),
        minor=memory.minor or state.minor,
    )


def without(memory: UserMemory, index: int) -> UserMemory:
    """The memory without one of its facts, for good. Raises IndexError."""
    fact = memory.facts[index]
    kept = tuple(one for one in memory.facts if one is not fact)
    return replace(memory, facts=kept, deleted=(*memory.deleted, fact.name))


# --- the stage


def _begun(memory: UserMemory, messages: Sequence[Message], now: dt.datetime) -> int:
    name = _talk_name(messages)
    same = next((talk for talk in memory.talks if talk.name == name), None)
    if same and (len(messages) > NEW_MESSAGES or _hours(same.last, now) < NEW_HOURS):
        return same.begun
    if not memory.talks:
        return 0
    last = memory.talks[-1]
    return max(0, last.stage - (_hours(last.last, now) > COOLS))


def _hours(moment: str, now: dt.datetime) -> float:
    return (now - dt.datetime.fromisoformat(moment)).total_seconds() / 3600


def _talk_name(messages: Sequence[Message]) -> str:
    first = next((message.content for message in messages if message.role == "user"), "")
    return _digest(first)


def stage_of(memory: UserMemory) -> str:
    """The stage that the two have reached."""
    reached = [talk.stage for talk in memory.talks]
    return STAGES[[0, *reached][-1]]


# --- the facts


def _facts(
    memory: UserMemory, messages: Sequence[Message], speech: Sayings
) -> tuple[RememberedFact, ...]:
    """The latest of each kind, with what it was said in."""
    known = {fact.kind: fact for fact in memory.facts}
    for fact in facts_of(messages, speech):
        if fact.side == "user" and messages[fact.message].role == "user":
            new = _remembered(fact, messages)
            if new.name not in memory.deleted:
                known.pop(fact.kind, None)
                known[fact.kind] = new
    return tuple(known.values())[-MOST_FACTS:]


def _remembered(fact: Fact, messages: Sequence[Message]) -> RememberedFact:
    quote = " ".join(messages[fact.message].content.split())[:CUT]
    return RememberedFact(fact.kind, fact.value, quote)


# --- where it is


def _path(folder: Path, user: str, card: str) -> Path:
    return folder / _name(user) / f"{_name(card)}.json"


def _name(text: str) -> str:
    """A name of a file for any text: what can be read of it, and a digest."""
    plain = re.sub(r"[^\w]+", "-", text.lower()).strip("-")[:40]
    return f"{plain}-{_digest(text)[:8]}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
