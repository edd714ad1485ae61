"""Has the user taken the character's part? Signs of it are counted where the card has a name.

card: Captain Nell, 39, baker on the square

    user: "Hello, I'm Nell."                  2  introduces itself as the character
    user: "*Nell smiles* … *Nell nods* …"     2  acts the character out, and the assistant does not
    assistant: "Thank you, Nell!"             2  calls the other side by the character's name
    assistant: "Thank you, captain!"          1  or by its title
    user: "I've been a baker for years."      1  has the character's trade
    user: "Come to my bakery."                1  has what the character has
    user: "Which one is best?\\nThe rye."      1  answers itself, in a message with one of these two

"I'm Nell as well" and "I'm a baker too" are none.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from pipeline.rules.reading.lists import UNSPACED, listed
from pipeline.rules.reading.phrases import OFTEN_USED, UNSPACED_FROM
from pipeline.rules.style.replies import starts

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Persona
    from pipeline.rules.reading.reading import Reading

Evidence = tuple[int, int]  # message, weight

ENOUGH = 2
STEM = 5  # letters by which words are the same: "bakery" and "baker"
MOST = 100  # places of one word: longer conversations have shown it by then
NEAR = 80  # characters before and after a word that are read
_LETTERS = re.compile(r"[^\W\d_]*")
_LETTERS_AT_END = re.compile(r"[^\W\d_]*$")
_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED_NAME = re.compile(f"[{UNSPACED}]{{3,4}}")
_UNSPACED = re.compile(f"[{UNSPACED}]{{2,}}")
_ENDS = re.compile(r"[.!?。！？\n]")
_REST = re.compile(r"[^.!?。！？\n]*[.!?。！？]?")
# What comes before one's own name: "It's me, Nell.", "Yours, Nell."
_OWN = re.compile(
    r"(?:\b(?:i|me|i'm|it's|ich|moi|yo|io|eu|я|зовут|name|yours|love|regards|sincerely|deine?|eure?"
    r"|t(?:on|a)|tu[ya]o?|su[ya]o|твоя|твой|ваша?|целую)|我|私|저|你的)\W*$"
)
_ACTED = re.compile(r"(?:^|\n)\s*\*+$")
_A_COMMA = re.compile(r"[,，、]\s?$")
_A_START = re.compile(r"(?:^|[\n.!?。！？])[\s\"'“”*(]{0,3}$")
_A_STOP = re.compile(r"\s*(?:[.!?…。！？]|$)")
_A_CALL = re.compile(r"\s*[!?！？]")
_A_MARK = re.compile(r"\s*(?:[,.!?…，。！？、~\"'”*)]|$)")
_OF_A_NAME = re.compile(r"[\w'的の의]")
_ASKED = re.compile(r"[?？][^\n]*\n\s*\S")
# Where a trade ends: "a vet in the village", "I'm a vet, I know".
_TRADE_ENDS = re.compile(
    r"\s*(?:[^\w\s'-]|$)|\s+(?:an?|at|by|for|from|here|in|of|on|since|so|th[ei]s?|to|who|with|and"
    r"|but|not|am|auf|aus|bei|für|hier|im|mit|seit|sage?|und|von|au|aux|ce|chez|dans|de|depuis|des"
    r"|du|en|et|ici|je|pour|qui|aquí|con|del|desde|el|la|para|por|que|y|al|che|da|dal|della|di|nel"
    r"|qui|aqui|com|do|e|em|há|no|na|в|во|для|за|и|из|на|по|с|со|уже|тут|здесь)\b"
)


class Mention(NamedTuple):
    """Where a word stands: the message, and what is near in it, folded."""

    message: int
    before: str
    word: str
    after: str


def on_the_wrong_side(reading: Reading) -> Iterator[Finding]:
    """The message that first shows that the user speaks as the character."""
    card = reading.persona
    names = _names(card) if card else []
    if not card or not names or _is_also_the_user(reading, names):
        return
    signs = [*_of_its_name(reading, names), *_of_its_title(reading, card.name or "")]
    if card.description:
        signs += _of_its_card(reading, card.description.lower())
    if sum(weight for _, weight in signs) >= ENOUGH:
        note = f"the user speaks as {names[0]}"
        yield reading.with_note("style.swapped", 1, min(signs)[0], note)


def _is_also_the_user(reading: Reading, names: Sequence[str]) -> bool:
    """Has the user's card a name of these?"""
    card = reading.user_persona
    return card is not None and not set(names).isdisjoint(_names(card))


def _names(card: Persona) -> list[str]:
    """First and last word of its name, folded, titles left out: `Dr. Amara Osei` → amara, osei."""
    words = [word.strip(".,\"'") for word in (card.name or "").lower().split()]
    names = [word for word in words if len(word) > 1 and word not in _titles()]
    return [*names[:1], *names[1:][-1:], *(name for whole in names for name in _shorter(whole))]


def _shorter(name: str) -> Iterator[str]:
    """Forms of a Chinese name and the like: 林小雨 → 小雨, 林医生, 林老师, …"""
    if _UNSPACED_NAME.fullmatch(name):
        yield name[-2:]
        yield from (name[0] + title for title in listed("after_name"))


@cache
def _titles() -> frozenset[str]:
    return frozenset(listed("title"))


# Signs of the name.


def _of_its_name(reading: Reading, names: Sequence[str]) -> Iterator[Evidence]:
    """The user bears the character's name, or is called by it."""
    acting: dict[str, set[int]] = {"user": set(), "assistant": set()}
    for place in _places(reading, names):
        role = reading.messages[place.message].role
        if _ACTED.search(place.before) and place.after.startswith(" "):
            acting[role].add(place.message)
        shows = _is_introduced if role == "user" else _is_called
        if shows(place) and _is_meant(place):
            yield place.message, ENOUGH
    if len(acting["user"]) > 1 and not acting["assistant"]:
        yield min(acting["user"]), ENOUGH


def _places(reading: Reading, words: Sequence[str]) -> Iterator[Mention]:
    """Where the words stand: of each the first `MOST` places."""
    for word in words:
        yield from islice(_places_of(reading, word), MOST)


def _places_of(reading: Reading, word: str) -> Iterator[Mention]:
    start = reading.folded.find(word)
    while start >= 0:
        yield _place(reading, start, start + len(word))
        start = reading.folded.find(word, start + len(word))


def _place(reading: Reading, start: int, end: int) -> Mention:
    message = bisect_right(reading.starts, start) - 1
    first = max(reading.starts[message], start - NEAR)
    after, _, _ = reading.folded[end : end + NEAR].partition("\0")
    return Mention(message, reading.folded[first:start], reading.folded[start:end], after)


def _is_introduced(place: Mention) -> bool:
    """ "I'm Lena"; not "I'm Lena's brother"."""
    before = _title_before().sub("", place.before)
    return bool(_ends_in("my_name").search(before)) and not _OF_A_NAME.match(place.after)


def _is_called(place: Mention) -> bool:
    """ "Thanks, Lena!", "You are kind, Lena.", "Lena! …"."""
    if _OWN.search(place.before):
        return False
    before = _title_before().sub("", place.before)
    after = _ends_of_names().sub("", place.after)
    if _ends_in("address").search(before):
        return bool(_A_MARK.match(after))
    if _A_COMMA.search(before):
        return bool(_A_STOP.match(after))
    return bool(_A_START.search(before) and _A_CALL.match(after))


def _is_meant(place: Mention) -> bool:
    """Is it neither borne by both ("I'm Ines as well"), nor reported?"""
    before = _ENDS.split(place.before)[-1]
    rest = _REST.match(place.after)
    after = rest[0] if rest else ""
    is_reported = starts("reported").search(f"{before} {after}")
    return not (is_reported or starts("too").search(after))


def _of_its_title(reading: Reading, name: str) -> Iterator[Evidence]:
    """ "Aye, captain!" from the assistant, which is the captain itself."""
    title = name.lower().partition(" ")[0].strip(".")
    full = {"dr": "doctor", "prof": "professor"}.get(title, title)
    if len(full) > 3 and full in _titles():
        for place in _places(reading, [full]):
            if reading.messages[place.message].role == "assistant" and _is_called(place):
                yield place.message, 1


# Signs of what the card says.


def _of_its_card(reading: Reading, card: str) -> Iterator[Evidence]:
    """The user has the character's trade, has its things, and answers itself there: once each.

    card: its description, lower case
    """
    signs: dict[str, int] = {}
    for place in _places(reading, _pieces(card)):
        sign = _shared(place, card) if reading.messages[place.message].role == "user" else None
        if sign:
            signs.setdefault(sign, place.message)
        if sign and "answers itself" not in signs and _ASKED.search(reading.line(place.message)):
            signs["answers itself"] = place.message
    yield from ((message, 1) for message in signs.values())


@lru_cache(1000)
def _pieces(card: str) -> tuple[str, ...]:
    """What is looked for: the card's words, the beginnings of longer ones ("baker", "bakery") and
    the ends of long ones ("Stadtgärtner"); of Chinese and the like, pairs of letters."""
    words = set(_WORD.findall(card)) - OFTEN_USED - frozenset(listed("common"))
    short = {word for word in words if 2 < len(word) < STEM}
    begun = {word[:STEM] for word in words if len(word) >= STEM}
    ended = {word[-STEM:] for word in words if len(word) >= 2 * STEM}
    pairs = {pair for run in _UNSPACED.findall(card) for pair in map("".join, pairwise(run))}
    return (*short, *begun, *ended, *pairs)


def _shared(place: Mention, card: str) -> str | None:
    """Is the word there, which the card has too, in "I'm a vet" or in "my clinic"?"""
    if place.word < UNSPACED_FROM:
        place = _whole(place)
    if not _is_known(place.word, card):
        return None
    if _ends_in("my").search(place.before):
        return "things"
    return "trade" if _is_a_trade(place) and _is_meant(place) else None


def _whole(place: Mention) -> Mention:
    """The word of which a piece stands there."""
    begun = _LETTERS_AT_END.search(place.before)
    ended = _LETTERS.match(place.after)
    start = begun.start() if begun else None
    end = ended.end() if ended else 0
    word = place.before[start:] + place.word + place.after[:end]
    return Mention(place.message, place.before[:start], word, place.after[end:])


def _is_known(word: str, card: str) -> bool:
    """Does the card have it, in another form, or as the end of a compound?"""
    if len(word) < STEM:
        return word in card
    return word in card or re.search(rf"\b{word[:STEM]}", card) is not None


def _is_a_trade(place: Mention) -> bool:
    """Does it follow "I'm a", at once or as the last word of a few: "I'm a village vet."?"""
    if _ends_in("trade_lead").search(place.before):
        return True
    return bool(_near_a_trade_lead().search(place.before) and _TRADE_ENDS.match(place.after))


# What the lists of words mean.


@cache
def _title_before() -> re.Pattern[str]:
    """ "Dr. " at the end of a text."""
    return re.compile(rf"{_any('title')}\s$")


@cache
def _ends_in(name: str) -> re.Pattern[str]:
    """A line of a list at the end of a text, marks and an article apart."""
    blank = rf"(?:[\s,，、]{{1,2}}|(?<=[{UNSPACED}]))"
    return re.compile(rf"{_any(name)}{blank}(?:(?:der|die|el|il|o|a)\s)?$")


@cache
def _near_a_trade_lead() -> re.Pattern[str]:
    return re.compile(rf"{_any('trade_lead')}\s(?:[\w'-]+\s){{1,2}}$")


@cache
def _ends_of_names() -> re.Pattern[str]:
    """ "さん" and the like at the start of a text."""
    return re.compile(rf"^\s?(?:{'|'.join(map(re.escape, listed('after_name')))})")


@cache
def _any(name: str) -> str:
    """A line of a list, from the beginning of a word on."""
    lines = sorted(map(re.escape, listed(name)), key=len, reverse=True)
    return rf"(?<![^\W_{UNSPACED}])(?:{'|'.join(lines)})"
