"""What people decide on rows while they look, and what the next run will do about it."""

from __future__ import annotations

from typing import TypedDict

from pipeline import UserError
from pipeline.conversation import Conversation
from pipeline.look.state import Look, review_value
from pipeline.look.stored import StoredRow, number_of, stored
from pipeline.rules.override import objection
from pipeline.store.reviews import ACTIONS, Action, Decided, Event

LONGEST_NAME = 60  # characters of a reviewer's name
LONGEST_TEXT = 200_000  # characters of an edit or note
BEFORE_FILTER = ("collect", "generate")


class ReviewRecord(TypedDict):
    """What holds for a row. edits: by the index of the message. effect: what the next run does."""

    decision: str | None
    note: str | None
    edits: dict[str, str]
    who: str
    when: str
    effect: str
    honoured: bool


class DecisionAsked(TypedDict, total=False):
    """The body of `POST api/review`."""

    id: str
    action: str
    who: str
    message: int
    text: str


class EventRecord(TypedDict):
    number: int
    id: str
    action: str
    who: str
    when: str
    message: int | None
    text: str | None


class ReviewAnswer(TypedDict):
    ok: bool
    number: int
    review: ReviewRecord
    effect: str
    honoured: bool


class UndoAnswer(TypedDict):
    ok: bool
    id: str
    action: str
    review: ReviewRecord | None


class ReviewState(TypedDict):
    """counts: rows by what was decided. people: lines of each reviewer."""

    who: str
    counts: dict[str, int]
    people: dict[str, int]
    last: list[EventRecord]


class NothingToUndo(UserError):
    """A reviewer has no decision that holds."""


def decide(look: Look, asked: DecisionAsked) -> ReviewAnswer:
    """Write a decision down. Raises UserError for a row or message that is not there."""
    check_run(look)
    who = reviewer(look, asked.get("who"))
    action = asked.get("action")
    if action not in ACTIONS:
        raise UserError(f"`{action}`: an action is one of {', '.join(ACTIONS)}.")
    found = stored(look.frame, number_of(look.frame, asked.get("id", "")))
    number = look.reviews.add(_event(found, action, who, asked))
    record = review_record(look.decided()[found.id], found)
    return ReviewAnswer(
        ok=True,
        number=number,
        review=record,
        effect=record["effect"],
        honoured=record["honoured"],
    )


def check_run(look: Look) -> None:
    """Raises UserError where nothing can be written down: a dataset is not touched."""
    if not look.subject.can_review:
        raise UserError("Decisions are kept with a run, and this is not one: nothing is written.")


def reviewer(look: Look, given: object) -> str:
    """The name of a reviewer, on one line. Raises UserError where there is none."""
    name = " ".join(str(given or look.reviewer).split())[:LONGEST_NAME]
    if not name:
        raise UserError("Who decides? Give a name.")
    return name


def _event(found: StoredRow, action: Action, who: str, asked: DecisionAsked) -> Event:
    text = asked.get("text")
    if action in ("edit", "note") and not isinstance(text, str):
        raise UserError(f"`{action}` needs a text.")
    text = text[:LONGEST_TEXT] if text else text
    if action != "edit":
        return Event(0, found.id, action, who, "", text=text if action == "note" else None)
    messages = found.conversation.messages if found.conversation else ()
    message = asked.get("message")
    if not isinstance(message, int) or not 0 <= message < len(messages):
        raise UserError(f"`edit` needs the number of a message, from 0 to {len(messages) - 1}.")
    if not (text or "").strip():
        raise UserError("An empty message would be removed: drop the conversation, or write one.")
    before = messages[message].content
    return Event(0, found.id, action, who, "", message=message, text=text, before=before)


def undo(look: Look, who: object) -> UndoAnswer:
    """Undo the last decision of a reviewer. Raises NothingToUndo."""
    check_run(look)
    name = reviewer(look, who)
    event = look.reviews.undo(name)
    if event is None:
        raise NothingToUndo(f"{name} has decided nothing that could be undone.")
    return UndoAnswer(ok=True, id=event.id, action=event.action, review=_standing(look, event.id))


def _standing(look: Look, row: str) -> ReviewRecord | None:
    decided = look.decided().get(row)
    if decided is None or not look.frame.rows_with_id(row):
        return None
    return review_record(decided, stored(look.frame, number_of(look.frame, row)))


def state(look: Look, who: object) -> ReviewState:
    """What was decided so far."""
    counts: dict[str, int] = {}
    for one in look.decided().values():
        word = review_value(one)
        counts[word] = counts.get(word, 0) + 1
    events = look.reviews.events()
    people: dict[str, int] = {}
    for event in events:
        people[event.who] = people.get(event.who, 0) + 1
    last = [event_record(event) for event in reversed(events[-50:])]
    name = " ".join(str(who or look.reviewer).split())
    return ReviewState(who=name, counts=counts, people=people, last=last)


def event_record(event: Event) -> EventRecord:
    return EventRecord(
        number=event.number,
        id=event.id,
        action=event.action,
        who=event.who,
        when=event.at,
        message=event.message,
        text=event.text,
    )


def review_record(decided: Decided, found: StoredRow) -> ReviewRecord:
    effect, honoured = _effect(decided, found)
    edits = {str(number): event.text or "" for number, event in decided.edits.items()}
    return ReviewRecord(
        decision=decided.decision,
        note=decided.note,
        edits=edits,
        who=decided.who,
        when=decided.at,
        effect=effect,
        honoured=honoured,
    )


# --- what the next run does


def _effect(decided: Decided, found: StoredRow) -> tuple[str, bool]:
    """A sentence, and whether the decision will be honoured."""
    if decided.is_empty:
        return "Noted; the run changes nothing for it.", True
    if found.conversation is None:
        return "This record could not be read, so there is nothing to decide on.", False
    is_early = found.stage in BEFORE_FILTER and found.outcome == "dropped"
    if is_early and (decided.decision != "drop"):
        return f"`{found.stage}` dropped it, before any decision counts.", False
    if decided.decision == "drop":
        return "The next run drops it in `filter`.", True
    if decided.decision == "keep":
        return _effect_of_keeping(found.conversation)
    return "The next run takes the edited text; all rules and masks read it again.", True


def _effect_of_keeping(row: Conversation) -> tuple[str, bool]:
    masks = any(edit.startswith("filter: masked") for edit in row.edits)
    reason = objection(row.findings, masks)
    if reason:
        return f"The next run does not keep it: {reason}.", False
    return "The next run keeps it; fixed rules and masks still hold.", True
