"""The same rules over alternatives: what could stand in the place of a message.

Each is read where it would stand, behind the message before it. One that breaks a rule that drops
is removed, and the row stays; for any other rule there is a warning.

A try of `generate` that broke a rule says so in its reason. It stays, as the worse half of a pair
of preference and without a warning, unless it breaks a rule of `safety` or `privacy`:

    reason          breaks
    None            style.refusal       removed
    style.refusal   style.refusal       stays
    style.refusal   safety.minor        removed

    judged(row, rules) -> row with `edits` and `findings` for its alternatives
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.conversation import Alternative, Conversation, Finding
from pipeline.rules import ALONE, GRADE, READERS, RULES, Reader, Rule, beyond
from pipeline.rules.reading.reading import Reading, read

if TYPE_CHECKING:
    from pipeline.rules.privacy.find import Span

Round = dict[int, int]  # message → the alternative that stands in its place
Broken = dict[int, dict[str, int]]  # alternative → rule → places in it
ByMessage = dict[int, list[dict[str, int]]]  # message → the same of each of its alternatives
NO_MESSAGE = "it has no message"
_HARM = ("safety.", "privacy.")


def judged(
    row: Conversation,
    rules: Mapping[str, Rule],
    personal: Sequence[Sequence[Span]] = (),
    stage: str = "filter",
) -> Conversation:
    """A row whose alternatives keep the rules.

    rules: those that count, with the recipe's limits and decisions. personal: where personal data
    stand in each alternative.
    """
    broken = _broken(row, rules, personal)
    dropping = _dropping(rules)
    removed = {
        place
        for place, found in broken.items()
        if found.keys() & _removing(row.alternatives[place], dropping)
    }
    edits = _edits(_by_message(row, broken, removed), dropping, stage)
    staying = _by_message(row, broken, _to_warn_of(row, broken.keys() - removed))
    return replace(
        row,
        alternatives=_without(row.alternatives, removed),
        edits=(*row.edits, *edits),
        findings=(*row.findings, *_warnings(staying, rules, stage)),
    )


def _dropping(rules: Mapping[str, Rule]) -> set[str]:
    return {NO_MESSAGE} | {name for name, rule in rules.items() if rule.decision == "drop"}


def _to_warn_of(row: Conversation, places: Collection[int]) -> list[int]:
    """Those that do not say themselves that they broke a rule."""
    return [place for place in places if not row.alternatives[place].is_failed_try]


def _removing(alternative: Alternative, dropping: set[str]) -> set[str]:
    """The rules of which one removes it."""
    if alternative.is_failed_try:
        return {rule for rule in dropping if rule == NO_MESSAGE or rule.startswith(_HARM)}
    return dropping


def _without(
    alternatives: Sequence[Alternative], removed: Collection[int]
) -> tuple[Alternative, ...]:
    pairs = enumerate(alternatives)
    return tuple(alternative for place, alternative in pairs if place not in removed)


def _by_message(row: Conversation, broken: Broken, places: Collection[int]) -> ByMessage:
    found: ByMessage = defaultdict(list)
    for place in sorted(places):
        found[row.alternatives[place].message].append(broken[place])
    return found


def _edits(removed: ByMessage, dropping: Collection[str], stage: str) -> Iterator[str]:
    """One for each message: how many were removed, and by which rules."""
    for message, several in sorted(removed.items()):
        rules = [rule for rule in dict.fromkeys(chain(*several)) if rule in dropping]
        plural = "s" if len(several) > 1 else ""
        what = f"{len(several)} alternative{plural} of message {message}"
        yield f"{stage}: removed {what}: {', '.join(rules)}"


def _warnings(staying: ByMessage, rules: Mapping[str, Rule], stage: str) -> Iterator[Finding]:
    """One for each message and rule."""
    for message, several in sorted(staying.items()):
        places: Counter[str] = Counter()
        for found in several:
            for rule, count in found.items():
                places[rule] = _together(rule, places[rule], count)
        note = f"an alternative of message {message}"
        for rule, count in places.items():
            limit = rules[rule].limit
            yield Finding(stage, rule, count, limit, evidence=note, decision="warn")


# --- reading


def _broken(
    row: Conversation, rules: Mapping[str, Rule], personal: Sequence[Sequence[Span]]
) -> Broken:
    """The rules that each alternative breaks, where it breaks any."""
    readers = _readers(rules)
    broken: Broken = {}
    for place, other in enumerate(row.alternatives):
        if not 0 <= other.message < len(row.messages):
            broken[place] = {NO_MESSAGE: 1}
    for standing in _rounds(row):
        places = _places(_reading(row, standing, personal), readers, standing)
        for (place, rule), count in sorted(places.items()):
            if rule in rules and beyond(count, rules[rule]):
                broken.setdefault(place, {})[rule] = count
    return dict(sorted(broken.items()))


def _readers(rules: Mapping[str, Rule]) -> list[Reader]:
    """What reads the rules that a text may break by itself."""
    wanted = {RULES[name].read for name in rules if RULES[name].unit in ALONE}
    return [reader for reader in READERS if reader in wanted]


def _rounds(row: Conversation) -> Iterator[Round]:
    """Alternatives that are read together: one of a message, and none of the message before it,
    to which it may be the answer."""
    rounds: dict[tuple[int, int], Round] = defaultdict(dict)
    seen: Counter[int] = Counter()
    for place, other in enumerate(row.alternatives):
        message = other.message
        is_there = 0 <= message < len(row.messages)
        if is_there and other.content != row.messages[message].content:
            rounds[seen[message], message % 2][message] = place
            seen[message] += 1
    yield from rounds.values()


def _reading(row: Conversation, standing: Round, personal: Sequence[Sequence[Span]]) -> Reading:
    messages = [*row.messages]
    spans: list[Sequence[Span]] = [()] * len(messages)
    for message, place in standing.items():
        messages[message] = messages[message]._replace(content=row.alternatives[place].content)
        if personal:
            spans[message] = personal[place]
    reading = read(messages, row.persona, row.user_persona)
    reading.personal = spans
    return reading


def _places(
    reading: Reading, readers: Sequence[Reader], standing: Round
) -> Counter[tuple[int, str]]:
    """(alternative, rule) → how many places in it a rule finds. What is found in cards may stand in
    a system message, which is read as one."""
    prompts = [place for message, place in standing.items() if _is_prompt(reading, message)]
    places: Counter[tuple[int, str]] = Counter()
    for finding in (finding for reader in readers for finding in reader(reading)):
        rule = finding.rule
        value = int(finding.value or 0) if RULES[rule].unit == GRADE else 1
        for place in _standing_there(finding, standing, prompts):
            places[place, rule] = _together(rule, places[place, rule], value)
    return places


def _standing_there(finding: Finding, standing: Round, prompts: Sequence[int]) -> Sequence[int]:
    """The alternatives that a finding is about."""
    if finding.message is None:
        return prompts
    place = standing.get(finding.message)
    return [] if place is None else [place]


def _together(rule: str, one: int, other: int) -> int:
    """Places are added up; of two grades the higher counts."""
    return max(one, other) if RULES[rule].unit == GRADE else one + other


def _is_prompt(reading: Reading, message: int) -> bool:
    return reading.messages[message].role == "system"
