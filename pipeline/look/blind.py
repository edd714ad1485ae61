"""Blind rating: a conversation without its names, scores and source, to be rated by the criteria;
or two texts for the same place, of which one is better."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np

from pipeline import UserError
from pipeline.conversation import CRITERIA, Conversation, Message
from pipeline.look import query
from pipeline.look.decisions import check_run, reviewer
from pipeline.look.index.columns import RowNumbers
from pipeline.look.index.fields import ALTERNATIVES, MESSAGES
from pipeline.look.selection import Selection
from pipeline.look.shown import LONGEST
from pipeline.look.state import Look
from pipeline.look.stored import conversation, stored
from pipeline.store.reviews import GivenRating

SPEAKERS = {"assistant": "Character", "user": "User", "system": "Setting"}
CHOICES = ("a", "b", "tie")
DIGEST = 8  # bytes of a blinded id


class BlindMessage(TypedDict):
    index: int
    role: str
    speaker: str
    text: str


class BlindRow(TypedDict):
    """id: blinded; None where nothing is left. criteria: those to rate."""

    id: str | None
    left: int
    messages: list[BlindMessage]
    criteria: list[str]


class RatingAsked(TypedDict, total=False):
    """The body of `POST api/rate`."""

    id: str
    who: str
    ratings: dict[str, float | None]
    reason: str


class BlindPair(TypedDict):
    """Two texts for one place. shared: the messages before it."""

    id: str | None
    left: int
    shared: list[BlindMessage]
    a: list[BlindMessage]
    b: list[BlindMessage]


class ChoiceAsked(TypedDict, total=False):
    """The body of `POST api/ab`."""

    id: str
    who: str
    choice: str


class RatedAnswer(TypedDict):
    ok: bool
    number: int


class TextPlace(NamedTuple):
    """Where two texts could stand: `other` is an alternative by its number. swapped: the chosen one
    is shown as b."""

    row: str
    message: int
    other: int
    swapped: bool


def next_row(look: Look, who: object, criteria: Sequence[str], selection: Selection) -> BlindRow:
    """The next conversation that a reviewer has not rated. All reviewers have the same order, so
    that they rate the same ones. Raises UserError."""
    name = reviewer(look, who)
    wanted = [one for one in CRITERIA if not criteria or one in criteria]
    done = {one.id for one in look.reviews.ratings() if one.who == name}
    mixed = _mixed(look, selection)
    left = mixed[~np.isin(mixed, look.frame.first_rows([*done]))]
    if not len(left):
        return BlindRow(id=None, left=0, messages=[], criteria=wanted)
    row = stored(look.frame, int(left[0])).conversation
    assert row is not None  # quarantined rows have no turns and are left out
    return BlindRow(
        id=_blinded(look, row.id),
        left=len(left),
        messages=[*blind_messages(row, range(len(row.messages)))],
        criteria=wanted,
    )


def _mixed(look: Look, selection: Selection) -> RowNumbers:
    """Conversations of a selection, in an order that depends on the seed alone."""
    rows = query.chosen_rows(look, look.frame, selection)
    messages = look.frame.columns.arrays.get(MESSAGES)
    own = rows[:0] if messages is None else rows[messages[rows] > 0]
    return np.random.default_rng(selection.seed).permutation(own)


def _blinded(look: Look, own: str) -> str:
    """A name that does not give the id away; the id is remembered until it is rated."""
    path = str(look.subject.path).encode()
    name = hashlib.blake2b(own.encode(), digest_size=DIGEST, key=path[-64:]).hexdigest()
    look.blinded[name] = own
    return name


def _unblinded(look: Look, name: object) -> str:
    own = look.blinded.get(str(name))
    if own is None:
        raise UserError(f"`{name}` was not shown since the server began: ask for the next one.")
    return own


def blind_messages(row: Conversation, places: Iterable[int]) -> Iterator[BlindMessage]:
    """Messages without the names of who speaks; names in the texts are left as they are."""
    for index in places:
        yield blind_message(index, row.messages[index])


def blind_message(index: int, message: Message) -> BlindMessage:
    speaker = SPEAKERS[message.role]
    return BlindMessage(
        index=index, role=message.role, speaker=speaker, text=message.content[:LONGEST]
    )


def rate(look: Look, asked: RatingAsked) -> RatedAnswer:
    """Write ratings down. Raises UserError for what is not a rating."""
    check_run(look)
    name = reviewer(look, asked.get("who"))
    own = _unblinded(look, asked.get("id"))
    ratings = asked.get("ratings")
    if not isinstance(ratings, dict) or not ratings:
        raise UserError("`ratings` must hold a value from 1 to 5, or null, for each criterion.")
    for criterion, value in ratings.items():
        _check_rating(criterion, value)
    number = look.reviews.rate(own, ratings, name, str(asked.get("reason") or ""))
    return RatedAnswer(ok=True, number=number)


def _check_rating(criterion: str, value: object) -> None:
    if criterion not in CRITERIA:
        raise UserError(f"`{criterion}` is not a criterion; there are {', '.join(CRITERIA)}.")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (is_number and 1 <= float(str(value)) <= 5):
        raise UserError(f"{criterion}: {value!r} is not a number from 1 to 5, or null.")


# --- two texts for one place


def next_pair(look: Look, who: object, selection: Selection) -> BlindPair:
    """The next place with two texts that a reviewer has not chosen between. Raises UserError."""
    name = reviewer(look, who)
    done = {place for place, by in look.reviews.choices() if by == name}
    rows = _with_alternatives(look, _mixed(look, selection))
    for number, row in enumerate(rows):
        found = stored(look.frame, int(row)).conversation
        place = _place(found) if found else None
        if found and place and _place_name(place) not in done:
            return _pair(look, found, place, len(rows) - number)
    return BlindPair(id=None, left=0, shared=[], a=[], b=[])


def _with_alternatives(look: Look, rows: RowNumbers) -> RowNumbers:
    alternatives = look.frame.columns.arrays.get(ALTERNATIVES)
    return rows[:0] if alternatives is None else rows[alternatives[rows] > 1]


def _place(row: Conversation) -> TextPlace | None:
    """The first message that has a text of its own and another one that no rule refused."""
    for number, one in enumerate(row.alternatives):
        is_other = not one.chosen and not one.is_failed_try
        if is_other and one.content.strip() and one.message < len(row.messages):
            digest = hashlib.blake2b(f"{row.id} {number}".encode(), digest_size=1).digest()
            return TextPlace(row.id, one.message, number, swapped=bool(digest[0] & 1))
    return None


def _place_name(place: TextPlace) -> str:
    return f"{place.row}:{place.message}:{place.other}"


def _pair(look: Look, row: Conversation, place: TextPlace, left: int) -> BlindPair:
    own = row.messages[place.message]
    other = own._replace(content=row.alternatives[place.other].content)
    first, second = (other, own) if place.swapped else (own, other)
    return BlindPair(
        id=_blinded(look, _place_name(place)),
        left=left,
        shared=[*blind_messages(row, range(place.message))],
        a=[blind_message(place.message, first)],
        b=[blind_message(place.message, second)],
    )


def choose(look: Look, asked: ChoiceAsked) -> RatedAnswer:
    """Write a choice down, as `own` (what stands there), `other` or `tie`. Raises UserError."""
    check_run(look)
    name = reviewer(look, asked.get("who"))
    place = _unblinded(look, asked.get("id"))
    choice = asked.get("choice")
    if choice not in CHOICES:
        raise UserError(f"`{choice}`: a choice is a, b or tie.")
    found = _place(conversation(look.frame, place.partition(":")[0]))
    is_swapped = found is not None and found.swapped
    words = {"a": ("own", "other")[is_swapped], "b": ("other", "own")[is_swapped]}
    word = words.get(choice, choice)
    return RatedAnswer(ok=True, number=look.reviews.choose(place, word, name))


# --- agreement


class CriterionAgreement(TypedDict):
    """n: rows that two or more have rated. alpha: Krippendorff's, of intervals; low, high: 95 % by
    bootstrap over rows. None where there is too little to say."""

    criterion: str
    n: int
    raters: int
    alpha: float | None
    low: float | None
    high: float | None


class ChoiceAgreement(TypedDict):
    n: int
    agree: float | None


class Agreed(TypedDict):
    raters: list[str]
    criteria: list[CriterionAgreement]
    ab: ChoiceAgreement
    file: str
    next: str


RESAMPLES = 500


def agreement(look: Look) -> Agreed:
    """How far reviewers agree."""
    ratings = look.reviews.ratings()
    found = [_of_criterion(ratings, name) for name in CRITERIA]
    return Agreed(
        raters=sorted({one.who for one in ratings}),
        criteria=[one for one in found if one["raters"]],
        ab=_of_choices(look),
        file=str(look.reviews.path),
        next=f"rapport calibrate score {look.subject.path}",
    )


def _of_criterion(ratings: Iterable[GivenRating], criterion: str) -> CriterionAgreement:
    own = [one for one in ratings if one.criterion == criterion and one.value is not None]
    by_row: dict[str, list[float]] = {}
    for one in own:
        by_row.setdefault(one.id, []).append(float(one.value or 0))
    units = [values for values in by_row.values() if len(values) > 1]
    low, high = _bounds(units)
    return CriterionAgreement(
        criterion=criterion,
        n=len(units),
        raters=len({one.who for one in own}),
        alpha=alpha(units),
        low=low,
        high=high,
    )


def alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Krippendorff's alpha with the interval metric. units: the values of each row, two or more.
    None where no two rows differ."""
    every = np.array([value for unit in units for value in unit])
    if len(units) < 2 or not every.var():
        return None
    inside = sum(len(unit) * float(np.var(unit, ddof=1)) for unit in units)
    return 1 - inside / len(every) / float(every.var(ddof=1))


def _bounds(units: Sequence[Sequence[float]]) -> tuple[float | None, float | None]:
    random = np.random.default_rng(1)
    found = []
    for _ in range(RESAMPLES * (len(units) > 1)):
        chosen = random.integers(0, len(units), len(units))
        value = alpha([units[place] for place in chosen])
        if value is not None:
            found.append(value)
    if not found:
        return None, None
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _of_choices(look: Look) -> ChoiceAgreement:
    """Of places that two or more have chosen at: the share of pairs of reviewers who agree."""
    choices = look.reviews.choices()
    by_place: dict[str, list[str]] = {}
    for (place, _), choice in choices.items():
        by_place.setdefault(place, []).append(choice)
    pairs = [pair for values in by_place.values() for pair in _pairs(values)]
    agree = sum(one == other for one, other in pairs) / len(pairs) if pairs else None
    places = sum(len(values) > 1 for values in by_place.values())
    return ChoiceAgreement(n=places, agree=agree)


def _pairs(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, one in enumerate(values):
        yield from ((one, other) for other in values[place + 1 :])


def ratings_by_row(ratings: Iterable[GivenRating]) -> Mapping[str, dict[str, list[float | None]]]:
    """Row → criterion → a value for each person who rated anything, in the order of their names."""
    lines = list(ratings)
    people = sorted({one.who for one in lines})
    found: dict[str, dict[str, list[float | None]]] = {}
    for one in lines:
        empty: list[float | None] = [None] * len(people)
        marks = found.setdefault(one.id, {}).setdefault(one.criterion, empty)
        marks[people.index(one.who)] = one.value
    return found
