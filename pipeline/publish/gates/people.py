"""Speakers of private chats: each has one made-up name wherever a row of that source names them.

    Mira Voss   → Alex        "ask Mira", "mira!", "MIRA", "Voss", "Miras bike"
    Jonas       → Robin       also in chats of others from the same source, as `Jonas`

In the texts of their own chats speakers are found in any case; elsewhere in the source, and where
the name is a word too ("Will"), as it is written. The character of a card is nobody, and keeps its
name. In languages that decline names, up to three letters may follow: "Мира", "Миру", "Мирой".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import count
from typing import NamedTuple

import ahocorasick_rs

from pipeline import texts
from pipeline.conversation import Conversation, Persona
from pipeline.rules.privacy.find import Span, apart
from pipeline.rules.privacy.hints import small
from pipeline.rules.privacy.row_texts import moved, published_texts, with_texts
from pipeline.rules.reading.lists import UNSPACED

FOLDER = "publish"
EDIT = "publish: made-up names for speakers"
AS_WRITTEN = 2  # letters of a name that is looked for with its capital only
ENDING = 3  # letters that may follow a name that is declined
_PARTS = re.compile(r"[\s-]+")
_LETTER = re.compile(rf"[^\W\d_{UNSPACED}]")
_LETTERS = re.compile(rf"[^\W\d_{UNSPACED}]*")
_DECLINED = re.compile(r"[А-ЯЁ][а-яё]+")
_VOWEL = "аяоеёиыйьую"

NamesOfSource = dict[str, str]  # of each speaker, as the source writes it → the made-up one


class NameForm(NamedTuple):
    """One way in which a text names somebody. as_written: with these capitals only. declined:
    letters of an ending may follow."""

    text: str
    stand_in: str
    as_written: bool
    declined: bool = False


# --- who speaks


def speakers(row: Conversation) -> list[str]:
    """The names of all people in a row, as it writes them."""
    named = [message.name for message in row.messages]
    for who in (row.persona, row.user_persona):
        if who and who.name and not (who is row.persona and _is_character(who)):
            named.append(who.name)
    own = _character_of(row)
    return [name for name in dict.fromkeys(filter(None, named)) if name != own and _is_name(name)]


def _is_character(who: Persona) -> bool:
    return bool(who.description or who.card)


def _character_of(row: Conversation) -> str | None:
    who = row.persona
    return who.name if who and _is_character(who) else None


def _is_name(text: str) -> bool:
    return bool(text.strip()) and small(text.strip()) not in _listed("no_names")


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(texts.entries(FOLDER, f"{name}.txt"))


# --- which names they get


def named(sources: Mapping[str, Iterable[str]], before: People) -> People:
    """Made-up names for all speakers of every private source; those of `before` stay."""
    found: dict[str, NamesOfSource] = {}
    for source, names in sources.items():
        known = dict(before.names.get(source, {}))
        new = [name for name in dict.fromkeys(names) if name not in known]
        for name, stand_in in zip(new, _unused([*known, *new], known.values()), strict=False):
            known[name] = stand_in
        found[source] = known
    return People(before.names | found)


def _unused(real: Sequence[str], given: Iterable[str]) -> Iterator[str]:
    """Made-up names that nobody has, real or given: Alex, Robin, …, Alex 2, …"""
    taken = {small(word) for name in real for word in [name, *_PARTS.split(name)]}
    taken |= set(map(small, given))
    names = texts.entries(FOLDER, "names.txt")
    for number in count(1):
        suffix = f" {number}" if number > 1 else ""
        for name in names:
            if small(name) not in taken and small(name + suffix) not in taken:
                yield name + suffix


@dataclass(frozen=True)
class People:
    """The names that speakers of private sources were given, by the name of the source."""

    names: dict[str, NamesOfSource] = field(default_factory=dict)

    @cached_property
    def _everywhere(self) -> dict[str, NameSearch]:
        """What finds the speakers of a source in the chats of others."""
        found = {}
        for source, names in self.names.items():
            forms = [form for name in names for form in _forms(name, names[name], True)]
            found[source] = NameSearch(forms)
        return found

    def sources_that_tell(self) -> list[str]:
        """The sources that bear the name of one of their speakers, in any case: "Chat with Mira".
        Their names stand in every row, and are given by whoever names the source."""
        found = []
        for source, names in self.names.items():
            forms = [form for name in names for form in _forms(name, names[name], False)]
            if NameSearch(forms).places(source):
                found.append(source)
        return found

    def hidden(self, row: Conversation) -> Conversation:
        """A private row with made-up names in place of its speakers' and of all that its source
        has; findings move along with the text."""
        known = self.names.get(row.source.name)
        if not row.source.private or not known:
            return row
        own = [
            form for name in speakers(row) for form in _forms(name, known.get(name, name), False)
        ]
        stays = set(_PARTS.split(_character_of(row) or ""))
        searches = (NameSearch(own), self._everywhere[row.source.name])
        return _Hiding(known, searches, stays).row(row)


# --- how they are named in a text


def _forms(name: str, stand_in: str, as_written: bool) -> Iterator[NameForm]:
    """The whole name, and its words with a capital."""
    whole = name.strip()
    yield NameForm(whole, stand_in, as_written or _is_word_too(whole))
    for part in [whole, *_PARTS.split(whole)]:
        if part != whole and _may_stand_alone(part):
            yield NameForm(part, stand_in, as_written or _is_word_too(part))
        if _DECLINED.fullmatch(part) and len(part) > AS_WRITTEN + 1:
            yield NameForm(part.rstrip(_VOWEL) or part, stand_in, True, declined=True)


def _may_stand_alone(part: str) -> bool:
    """With a capital, and neither a title nor an article."""
    has_capital = part[:1] != small(part[:1])
    return has_capital and small(part) not in _listed("no_names") | _listed("name_parts")


def _is_word_too(name: str) -> bool:
    return small(name) in _listed("name_words") or len(name) <= AS_WRITTEN


class NameSearch:
    """Finds names in texts."""

    def __init__(self, forms: Iterable[NameForm]) -> None:
        self._forms = [form for form in forms if len(form.text) > 1]
        words = [small(form.text) for form in self._forms]
        self._automaton = ahocorasick_rs.AhoCorasick(words) if words else None

    def places(self, text: str) -> list[tuple[int, int, str]]:
        """(start, end, made-up name), the longest first."""
        if self._automaton is None:
            return []
        found = []
        for number, start, end in self._automaton.find_matches_as_indexes(
            small(text), overlapping=True
        ):
            form = self._forms[number]
            end = _end_of(text, start, end, form)
            if end and _is_written(text[start : start + len(form.text)], form):
                found.append((start, end, form.stand_in))
        return sorted(found, key=lambda place: place[0] - place[1])


def _is_written(found: str, form: NameForm) -> bool:
    return not form.as_written or found in (form.text, form.text.upper())


def _end_of(text: str, start: int, end: int, form: NameForm) -> int:
    """Where a name ends, its ending included; 0 where other letters go on before or after."""
    if _LETTER.match(text[start : start + 1]) and _LETTER.match(text[start - 1 : start]):
        return 0
    after = _LETTERS.match(text, end)
    more = after.group() if after and _LETTER.match(text[end - 1]) else ""
    if form.declined and len(more) <= ENDING:
        return end + len(more)
    return end if more in ("", "s") else 0


@dataclass(frozen=True)
class _Hiding:
    """Made-up names for one row. stays: words that are the character's name."""

    names: NamesOfSource
    searches: Sequence[NameSearch]
    stays: set[str]

    def row(self, row: Conversation) -> Conversation:
        before = published_texts(row)
        changed = [self._in_text(text) for text in before]
        if all(new == old for (new, _, _), old in zip(changed, before, strict=True)):
            return self._with_origin(row)
        remaining = iter([new for new, _, _ in changed])
        hidden = with_texts(row, lambda _: next(remaining))
        old_spans, new_spans = [old for _, old, _ in changed], [new for _, _, new in changed]
        found = tuple(moved(finding, old_spans, new_spans) for finding in row.findings)
        return self._with_origin(replace(hidden, findings=found, edits=(*row.edits, EDIT)))

    def _in_text(self, text: str) -> tuple[str, list[Span], list[Span]]:
        """The text with made-up names, and where they stand in the old and in the new one."""
        if text in self.names and text not in self.stays:
            name = self.names[text]
            return name, [Span("handle", 0, len(text))], [Span("handle", 0, len(name))]
        stand_ins: dict[Span, str] = {}
        spans: list[Span] = []
        for search in self.searches:
            for start, end, name in search.places(text):
                span = Span("handle", start, end)
                if text[start:end] not in self.stays:
                    spans = apart(spans, [span])
                    stand_ins.setdefault(span, name)
        return _replaced(text, spans, stand_ins)

    def _with_origin(self, row: Conversation) -> Conversation:
        """Where it is from, and what is quoted of it, without the names as well."""
        origin = row.source
        ref, record = self._in_text(origin.ref)[0], self._text(origin.record)
        scores = [
            replace(one, evidence=self._text(one.evidence), error=self._text(one.error))
            for one in row.scores
        ]
        findings = [replace(one, evidence=self._text(one.evidence)) for one in row.findings]
        return replace(
            row,
            source=origin._replace(ref=ref, record=record),
            split_group=self._text(row.split_group),
            scores=tuple(scores),
            findings=tuple(findings),
            edits=tuple(filter(None, map(self._text, row.edits))),
        )

    def _text(self, text: str | None) -> str | None:
        return self._in_text(text)[0] if text else text


def _replaced(
    text: str, spans: Sequence[Span], stand_ins: Mapping[Span, str]
) -> tuple[str, list[Span], list[Span]]:
    pieces: list[str] = []
    places: list[Span] = []
    done = length = 0
    for span in spans:
        pieces += [text[done : span.start], stand_ins[span]]
        start = length + span.start - done
        length = start + len(stand_ins[span])
        places.append(Span(span.kind, start, length))
        done = span.end
    return "".join([*pieces, text[done:]]), list(spans), places
