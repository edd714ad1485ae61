"""What people have decided on rows: dropped, kept after all, or edited. `review.sqlite` holds it.

An edited message is read again by every rule, repaired and masked like any other. To keep a row
sets aside what a recipe may change; a fixed rule, or a secret that is not masked, still drops it.
Each such row has a finding that says who decided what, which `dedup` and `publish` see as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pipeline.conversation import Conversation, Drop, Finding, Message
from pipeline.filter import masking
from pipeline.filter.apply import measure
from pipeline.recipe.filter import FilterSettings
from pipeline.rules.override import objection
from pipeline.store.reviews import DROPPED, KEPT, LOST, REFUSED, Decided, Event

STAGE = "filter"


def edited(
    rows: Iterable[Conversation], decided: Mapping[str, Decided], settings: FilterSettings
) -> Iterator[Conversation]:
    """Measured rows; those that somebody has edited are changed and measured again."""
    for row in rows:
        own = decided.get(row.id)
        if own is None or not own.edits:
            yield row
        else:
            yield from measure([_changed(row, own, settings)], settings)


def _changed(row: Conversation, own: Decided, settings: FilterSettings) -> Conversation:
    """A row with its edits, and without what was found in it before."""
    shown = masking.masked(row) if settings.privacy == "mask" else row
    messages = list(row.messages)
    edits, findings = list(row.edits), [one for one in row.findings if one.stage != STAGE]
    for number, event in sorted(own.edits.items()):
        if _is_there(event, number, row, shown):
            messages[number] = messages[number]._replace(content=event.text or "")
            edits.append(f"{STAGE}: {event.who} has edited message {number} on {event.at[:10]}")
        else:
            findings.append(_finding(LOST, own, f"message {number} is another one now: not edited"))
    return replace(
        row, messages=tuple(messages), edits=tuple(edits), findings=tuple(findings), annotations=()
    )


def _is_there(event: Event, number: int, row: Conversation, shown: Conversation) -> bool:
    """Is the message still the one that was edited, as it stands or masked?"""
    texts = [_text(one.messages, number) for one in (row, shown)]
    return event.before in texts


def _text(messages: tuple[Message, ...], number: int) -> str | None:
    return messages[number].content if number < len(messages) else None


def reviewed(
    rows: Iterable[Conversation | Drop], decided: Mapping[str, Decided], settings: FilterSettings
) -> Iterator[Conversation | Drop]:
    """Rows that the rules have decided on; people's decisions come after them."""
    masks = settings.privacy == "mask"
    for one in rows:
        row = one.conversation if isinstance(one, Drop) else one
        own = decided.get(row.id)
        if own is None or own.decision is None:
            yield one
        elif own.decision == "drop":
            yield Drop(_with(row, _finding(DROPPED, own, "dropped", drops=True)))
        else:
            yield _kept(one, row, own, masks)


def _kept(
    one: Conversation | Drop, row: Conversation, own: Decided, masks: bool
) -> Conversation | Drop:
    reason = objection(row.findings, masks)
    if reason:
        refused = _with(row, _finding(REFUSED, own, f"not kept: {reason}"))
        return Drop(refused) if isinstance(one, Drop) else refused
    findings = tuple(map(_as_warning, row.findings))
    return _with(replace(row, findings=findings), _finding(KEPT, own, "kept"))


def _as_warning(finding: Finding) -> Finding:
    return replace(finding, decision="warn") if finding.decision == "drop" else finding


def _with(row: Conversation, finding: Finding) -> Conversation:
    return replace(row, findings=(*row.findings, finding))


def _finding(rule: str, own: Decided, what: str, drops: bool = False) -> Finding:
    evidence = f"{what}; {own.who} on {own.at[:10]}"
    if own.note:
        evidence += f": {own.note}"
    return Finding(STAGE, rule, evidence=evidence, decision="drop" if drops else "warn")
