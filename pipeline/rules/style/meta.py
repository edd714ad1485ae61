"""What a generator says of its own text: announcements, notes, offers, marks of the end.

    "Sure! Here is the next reply in Mira's voice:\\n\\nCome in."    all before "Come in."
    "Come in.\\n\\n(Note: I kept the tone light, as requested.)"     the bracket
    "Come in. Let me know if you'd like me to continue!"           the second sentence
    "[End of roleplay]", "(Word count: 87)"
    "**Version 2 (more playful):**"                                a heading of one of several

"Is there anything else I can help you with?" is what an assistant says to customers: a rule of its
own, `style.meta_service`, notes it.

Each list of `configs/words/meta_*` holds slots for one of these. A phrase alone says little: an
announcement must open its message, a note stand apart from the text, an offer open a sentence.

    places(text, hits)    the stretches of one message that are a generator's
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading import phrases
from pipeline.rules.reading.lists import UNSPACED, listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.signs import holds
from pipeline.rules.style.machine import plays_a_machine

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

Hits = Mapping[str, Sequence[Hit]]
Extent = tuple[int, int]  # from which letter of a message to which

LEAD = 60  # letters before an announcement: "Of course, what a lovely idea!"
SHORT = 4  # letters of words that begin others: "ton", "tomorrow"
UNSPACED_FROM = "\u0e00"
NEAR = 20  # letters of decoration before a phrase
UNIT = 1000  # letters that a note has at most
LINE = 80  # letters that a mark of the end and its line have at most
SERVING = 3  # words of service at least, where somebody is served
_DECORATION = " \t*_~#>|•※\"'“”«»—–-=:¿¡([{（【［「『<"
_BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "［": "］", "<": ">"}
_OPENED = re.compile(r"[(\[{（【［<]")
_SENTENCE_ENDS = '.!?…。！？)]）】*"”»\n'
_SENTENCE_END = re.compile(r"[^\n.!?…。！？]*[.!?…。！？]*[\s*_)\]）】\"”~]*")
_LEAD = re.compile(r"(?:[*_]{2})?[^\"“«:：*]*(?:[*_]{2}\s*)?")
# How an announcement goes on to its end: "… in Mira's voice:", "… of the story.", a line break.
_ANNOUNCED = re.compile(
    r"[^\n:：.!?。！？\"“「«]{0,80}"
    r"(?:[:：][*_]{0,3}(?!\d)\s*|[.!。！…]{1,3}[*_)\]]{0,3}(?:\s+|$)|\n\s*)(?:[-=*_~—]{3,}\s*\n\s*)?"
)
_FIRST_LINE = re.compile(
    r"[^\n.!?。！？\"“「«]{0,80}"
    r"(?:[:：][*_]{0,3}\s*?(?:\n\s*|(?<=\*)\s)|[.!。！][*_]{0,3}\s*?\n\s*?\n\s*)"
    r"(?:[-=*_~—]{3,}\s*\n\s*)?"
)
_LIST_LINES = re.compile(r"(?:\n\s*(?:[-*•–]|\d{1,2}[.)])\s[^\n]*)*")
_LINE_END = re.compile(r"\n")
_COLON = re.compile("[:：]")
_DIGIT = re.compile(r"\d")
_UNITS = (
    "words?|w[öo]rter|mots|palabras|parole|palavras|слова?|字|文字|characters|tokens|단어|글자|자"
)
_COUNT = re.compile(
    rf"[(\[（【][^\w\n]{{0,3}}(?:[^\W\d]+[:：.]?\s?){{0,2}}\d{{1,4}}\s?(?:{_UNITS})\s?[)\]）】]"
)
_COUNT_SIGNS = ("(", "[", "（", "【")
_FILLING = re.compile(rf"[\W\d_]*(?:{_UNITS})?[\W\d_]*")
# "Here is my answer:" is a person's.
_OWN = re.compile(r"\b(?:my|mein\w*|ma|mon|mi|mio|mia|minha|meu|мой|моя|моё|мое)\b|我的|私の|내 ")
_NUMBER = "(?:[1-9]|[a-d]|one|two|three|一|二|三|eins|zwei)"
_HEADED = re.compile(r"[:：※]|^\W*(?:please note|bitte beachte|veuillez|à noter|обратите|请注意)")
_FRAMED = re.compile(r"[-—–=*~#]{2,}|[(\[{（【［<*]|\d")


def meta(reading: Reading) -> Iterator[Finding]:
    """What a generator says of its own text."""
    yield from reading.first_places("style.meta_service", _closings(reading))
    found: list[Hit] = []
    hits = reading.hits
    if "\n" in reading.text:
        hits = hits | phrases.find(reading.folded, reading.starts, (FIRST_LINES,))
    for message, stretches in of_messages(reading.folded, reading.starts, hits).items():
        found += [Hit(message, start, end) for start, end in stretches]
    found += _several(reading)
    judged = [hit for hit in found if hit.message in reading.judged]
    yield from reading.first_places("style.meta", judged)


def of_messages(folded: str, starts: Sequence[int], hits: Hits) -> dict[int, list[Extent]]:
    """The stretches of each message that has any. folded: messages joined by NUL, which begin at
    `starts`."""
    by_message: dict[int, dict[str, list[Hit]]] = defaultdict(lambda: defaultdict(list))
    for name in LISTS:
        for hit in hits.get(name, ()):
            by_message[hit.message][name].append(hit)
    for mark in _counts(folded):
        by_message[bisect_right(starts, mark.start()) - 1]  # has a count, and maybe no phrase
    bounds = [*starts, len(folded) + 1]
    lines = {message: folded[bounds[message] : bounds[message + 1] - 1] for message in by_message}
    return {message: places(lines[message], by_message[message]) for message in sorted(lines)}


def _counts(folded: str) -> Iterator[re.Match[str]]:
    """Where words are counted: "(87 words)"."""
    return _COUNT.finditer(folded) if holds(folded, _COUNT_SIGNS) else iter(())


def places(text: str, hits: Hits) -> list[Extent]:
    """The stretches of a message that are a generator's. text: folded. hits: of `LISTS`, in it."""
    found = [mark.span() for mark in _counts(text)]
    for name, find in _FINDERS.items():
        for hit in hits.get(name, ()):
            found += find(text, hit)
    return sorted(found)


def _announcement(text: str, hit: Hit) -> Iterator[Extent]:
    """From the beginning of the message to the end of the announcement."""
    lead = text[: min(hit.start, LEAD + 1)]
    announced = _ANNOUNCED.match(text, hit.end)
    if announced and _may_lead(lead) and _opens(lead, ",，、—–-"):
        yield (0, announced.end())


def _first_line(text: str, hit: Hit) -> Iterator[Extent]:
    """The first line, if it ends in a colon and is nobody's own: "Here is my answer:"."""
    announced = _FIRST_LINE.match(text, hit.end)
    is_own = _OWN.search(text, hit.start, hit.end)
    if announced and not is_own and _may_lead(text[: min(hit.start, LEAD + 1)]):
        yield (0, announced.end())


def _may_lead(lead: str) -> bool:
    return len(lead) <= LEAD and bool(_LEAD.fullmatch(lead))


def _note(text: str, hit: Hit) -> Iterator[Extent]:
    """The bracket or the line that opens with the phrase, and list items below it."""
    start = _start(text, hit)
    if _stands_apart(text, start, hit):
        yield (start, _matched_to(_LIST_LINES, text, _unit_end(text, start, hit)))


def _labelled(text: str, hit: Hit) -> Iterator[Extent]:
    """The same for a label, where the note speaks of the text: "Note: the tone is light"."""
    for start, end in _note(text, hit):
        if _craft().search(text, hit.end, end):
            yield (start, end)


def _offer(text: str, hit: Hit) -> Iterator[Extent]:
    """The sentence, or the bracket, that opens with the phrase."""
    start = _start(text, hit)
    before = text[max(0, start - NEAR) : start]
    goes_on = text.startswith("or ", hit.start) and before.endswith(",")
    if _OPENED.search(text, start, hit.start):
        yield (start, _unit_end(text, start, hit))
    elif goes_on or _opens(before):
        yield (start, _matched_to(_SENTENCE_END, text, hit.end))


def _end(text: str, hit: Hit) -> Iterator[Extent]:
    """The bracket or line that holds nothing else but numbers, dashes and the like."""
    start = _start(text, hit)
    end = _unit_end(text, start, hit)
    if end - start > LINE or not _stands_apart(text, start, hit):
        return
    before, after = text[start : hit.start], text[hit.end : end]
    is_alone = _FILLING.fullmatch(before) and _FILLING.fullmatch(after)
    follows = text[start - 1 : start] == "\n" and " " in text[hit.start : hit.end]
    if is_alone and (follows or _FRAMED.search(before) or _DIGIT.search(after)):
        yield (start, end)


# What is made of the phrases of each list.
_FINDERS: dict[str, Callable[[str, Hit], Iterator[Extent]]] = {
    "meta_opening": _announcement,
    "meta_first_line": _first_line,
    "meta_note": _note,
    "meta_label": _labelled,
    "meta_offer": _offer,
    "meta_end": _end,
}
LISTS = tuple(_FINDERS)
FIRST_LINES = "meta_first_line"  # only looked for where there are several lines


def _start(text: str, hit: Hit) -> int:
    """Where the brackets, dashes and marks before a phrase begin."""
    near = text[max(0, hit.start - NEAR) : hit.start]
    return hit.start - (len(near) - len(near.rstrip(_DECORATION)))


def _stands_apart(text: str, start: int, hit: Hit) -> bool:
    """In brackets, on a line below others, or at the beginning with a label: "Note: this reply"."""
    if start == 0 and _HEADED.search(text, 0, hit.end):
        return True
    return text[start - 1 : start] == "\n" or bool(_OPENED.search(text, start, hit.start))


def _opens(before: str, others: str = "") -> bool:
    """Does a sentence begin after these letters? others: what may also stand before it."""
    before = before.rstrip(" \t*_¿¡")
    return not before or before[-1] in _SENTENCE_ENDS + others


def _unit_end(text: str, start: int, hit: Hit) -> int:
    """Where the bracket is closed that stands before the phrase, or else where the line ends."""
    last = min(len(text), hit.end + UNIT)
    opened = _OPENED.search(text, start, hit.start)
    if opened:
        closing = re.escape(_BRACKETS[opened[0]])
        closed = re.compile(f"{closing}+").search(text, hit.end, last)
        if closed:
            return closed.end()
    line_end = _LINE_END.search(text, hit.end, last)
    return line_end.start() if line_end else last


def _matched_to(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where a pattern ends that matches there; `start` if it does not."""
    match = pattern.match(text, start)
    return match.end() if match else start


def _several(reading: Reading) -> Iterator[Hit]:
    """From the first to the last of several texts that are numbered, or the heading of one."""
    if "\n" not in reading.text and not _COLON.search(reading.text):
        return
    for message in reading.judged:
        line = reading.line(message)
        numbered = list(_choices().finditer(line)) if "\n" in line else []
        heading = _heading().match(line)
        if len(numbered) > 1:
            yield Hit(message, numbered[0].start(), numbered[-1].end())
        elif heading:
            yield Hit(message, *heading.span())


def _closings(reading: Reading) -> Iterator[Hit]:
    """An assistant's questions what else it can do, where it is no machine and serves nobody."""
    hits = reading.hits["meta_service"]
    if not hits or plays_a_machine(reading) or _serves(reading):
        return
    for hit in hits:
        before = reading.line(hit.message)[max(0, hit.start - NEAR) : hit.start]
        if reading.messages[hit.message].role == "assistant" and _opens(before, ","):
            yield hit


def _serves(reading: Reading) -> bool:
    """Does it speak of orders, bookings, requests?"""
    return sum(word in reading.folded for word in listed("serving")) >= SERVING


@cache
def _craft() -> re.Pattern[str]:
    """Beginnings of words for the craft of a text; short ones are whole words."""
    words = listed("meta_craft")
    short = [word for word in words if len(word) <= SHORT and word < UNSPACED_FROM]
    others = "|".join(re.escape(word) for word in words if word not in short)
    return re.compile(rf"(?<![^\W_{UNSPACED}])(?:(?:{'|'.join(short)})(?![^\W_])|(?:{others}))")


@cache
def _choices() -> re.Pattern[str]:
    """The first words of a text that is one of several: "Version 2 (playful):"."""
    words = "|".join(map(re.escape, listed("meta_choice")))
    return re.compile(
        rf"(?:^|[\n\0])[^\w\n\0]{{0,4}}(?:{words})\s?(?:#|№|n[ro.°]{{0,2}}\s)?"
        rf"{_NUMBER}(?!\w)[^\n:：]{{0,30}}[:：.)\n]"
        rf"|(?:^|[\n\0])[^\w\n\0]{{0,4}}(?:option|opción|opzione|opção|选项|옵션)\s?{_NUMBER}"
        r"(?!\w)[^\n:：]{0,30}[:：.)][*_]{0,3}\s?[\n\"“«*]"
    )


@cache
def _heading() -> re.Pattern[str]:
    """A message's first line that names one of several texts: "**Option B (a bit darker):**"."""
    words = "|".join(map(re.escape, listed("meta_choice")))
    return re.compile(
        rf"[^\w\n]{{0,4}}(?:{words}|option|opción|opzione|opção|选项|옵션)\s?(?:#|№)?{_NUMBER}(?!\w)"
        r"\s?(?:[(（][^()（）\n]{3,40}[)）]|[—–-]\s[^\n:：]{3,30})\s?[:：][*_]{0,3}\s*(?=\n|$|[\"“«*])"
    )
