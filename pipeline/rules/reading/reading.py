"""A conversation as all rules read it.

Its messages in one string, and what was found out once for all of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

from pipeline.conversation import Finding, Measures, Message, Persona
from pipeline.rules.reading import CARDS, phrases
from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:  # loaded by those who use them: numba and langdetect take a second
    from pipeline.rules.language.detect import Detection
    from pipeline.rules.privacy.find import Span
    from pipeline.rules.reading.noise import Run
    from pipeline.rules.reading.numbers import Numbers, Similar

# The lists whose phrases are looked for in cards and system messages.
OF_CARDS = (
    "minor",
    "minor_bare",
    "minor_start",
    "minor_card",
    "minor_school",
    "minor_sign",
    "minor_youth",
    "pupil",
    "sexual",
    "suggestive",
    "age_question",
    "grade_question",
    "birth_question",
    "born",
)
QUOTED = 80  # characters of evidence, at most
_STRAIGHT = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "`": "'",
    "“": '"',
    "”": '"',
    "İ": "i",
    "\u00a0": " ",
    "\u3000": " ",
    "＇": "'",
}
# Letters and digits of full width, as keyboards for Chinese write them. Their marks stay: "｜".
_WIDE = "ａｅｉｏｕＡＥＩＯＵ０１２３４５６７８９"  # one of them is in every word and number
_NARROW = {wide: wide - 0xFEE0 for wide in [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B)]}
_NARROW |= {wide: wide - 0xFEE0 for wide in range(0xFF41, 0xFF5B)}


@dataclass
class Reading:
    """A conversation, and what the rules know of it.

    text      contents joined by NUL, but those of system messages, which nobody speaks, left out
    folded    the same in lower case with straight quotes, character for character
    starts    where each message begins in `text`
    hits      name of a list → where its phrases stand
    earlier   where only the last message is judged, being new: its speaker's messages before it
    measures  the row's numbers so far, by the names of `conversation.MEASURES`
    detection, admitted: its languages, and those that the recipe admits
    declared  the language that its source names, ISO 639-1
    personal  where personal data stand in each published text: messages, names, cards, and last
              `extra` and the alternatives, which are `beside` texts together
    """

    messages: Sequence[Message]
    text: str
    folded: str
    starts: list[int]
    hits: defaultdict[str, list[Hit]]
    persona: Persona | None = None
    user_persona: Persona | None = None
    earlier: Sequence[int] | None = None
    measures: Measures = field(default_factory=dict)
    detection: Detection | None = None
    admitted: Sequence[str] = ()
    declared: str | None = None
    personal: Sequence[Sequence[Span]] = ()
    beside: int = 0

    @cached_property
    def numbers(self) -> Numbers:
        """Words, word pairs and how similar its messages are."""
        from pipeline.rules.reading.numbers import count

        return count(self.text, self.starts, self.messages)

    @cached_property
    def noise(self) -> Run:
        """The longest run of words of noise."""
        from pipeline.rules.reading.noise import longest_run

        return longest_run(self.text)

    @cached_property
    def names(self) -> set[str]:
        """Names of the two sides, lower case."""
        cards = [card.name for card in (self.persona, self.user_persona) if card]
        names = [*cards, *(message.name for message in self.messages)]
        return {name.lower() for name in names if name}

    @cached_property
    def described(self) -> list[tuple[str | None, Reading]]:
        """What describes a character, read as a message: cards, with the name, and system
        messages."""
        texts: list[tuple[str | None, str]] = []
        for card in (self.persona, self.user_persona):
            if card:
                parts = (card.description, card.scenario)
                texts.append((card.name, "\n".join(filter(None, parts))))
        prompts = [message.content for message in self.messages if message.role == "system"]
        texts += [(None, prompt) for prompt in prompts]
        return [(name, of_card(text.strip())) for name, text in texts if text.strip()]

    @cached_property
    def spoken(self) -> list[int]:
        """Which messages are spoken: all but system messages."""
        return [i for i, message in enumerate(self.messages) if message.role != "system"]

    @property
    def judged(self) -> range:
        """The messages that are judged: all, or the new one."""
        first = 0 if self.earlier is None else len(self.messages) - 1
        return range(first, len(self.messages))

    def hit(self, start: int, end: int) -> Hit:
        """A stretch of `text` as a place in its message."""
        message = bisect_right(self.starts, start) - 1
        return Hit(message, start - self.starts[message], end - self.starts[message])

    @property
    def most_similar(self) -> Similar:
        """The two most similar messages of one side, or the new one and another of its speaker."""
        from pipeline.rules.reading.numbers import NOT_COMPARED, Similar, similarity

        if self.earlier is None:
            return self.numbers.similar
        last = len(self.messages) - 1
        new = self.messages[last].content
        pairs = [Similar(similarity(self.messages[i].content, new), last, i) for i in self.earlier]
        return max(pairs, key=attrgetter("value"), default=NOT_COMPARED)

    def line(self, message: int) -> str:
        """One message, folded."""
        start, end = self.starts[message], None
        if message + 1 < len(self.starts):
            end = self.starts[message + 1] - 1
        return self.folded[start:end]

    def of_row(self, rule: str, value: float) -> Finding:
        """What a rule found in the row as a whole."""
        return Finding("filter", rule, value, decision="measured")

    def of_row_with_note(self, rule: str, value: float, note: str) -> Finding:
        """What a rule found in the row as a whole, with a word on it that is not a quotation."""
        return Finding("filter", rule, value, evidence=note, decision="measured")

    def of_message(self, rule: str, value: float, message: int) -> Finding:
        """What a rule found in one message as a whole."""
        return Finding("filter", rule, value, None, message, decision="measured")

    def with_note(self, rule: str, value: float, message: int, note: str | None) -> Finding:
        """What a rule found in one message, with a word on it that is not a quotation."""
        return Finding("filter", rule, value, None, message, 0, None, note, "measured")

    def of_place(self, rule: str, value: float, hit: Hit) -> Finding:
        """What a rule found at one place, which is quoted."""
        quoted_to = min(hit.end, hit.start + QUOTED)
        evidence = self.messages[hit.message].content[hit.start : quoted_to]
        return Finding(
            "filter", rule, value, None, hit.message, hit.start, hit.end, evidence, "measured"
        )

    def unquoted(self, rule: str, hit: Hit) -> Finding:
        """What a rule found at one place, which must not be quoted."""
        return Finding("filter", rule, 1, None, hit.message, hit.start, hit.end, None, "measured")

    def first_places(self, rule: str, hits: Iterable[Hit]) -> Iterator[Finding]:
        """The first place in each message that is hit; value: how many messages are."""
        firsts: dict[int, Hit] = {}
        for hit in sorted(hits, key=_message_and_start, reverse=True):
            firsts[hit.message] = hit
        for message in sorted(firsts):
            yield self.of_place(rule, len(firsts), firsts[message])


def _message_and_start(hit: Hit) -> tuple[int, int]:
    return hit.message, hit.start


def read(
    messages: Sequence[Message],
    persona: Persona | None = None,
    user_persona: Persona | None = None,
    earlier: Sequence[int] | None = None,
    names: tuple[str, ...] = phrases.LISTS,
) -> Reading:
    """Read a conversation once, for all rules. earlier: as in `Reading`. names: of the lists whose
    phrases are looked for."""
    contents = [_spoken(message) for message in messages]
    text = "\0".join(contents)
    folded = fold(text)
    starts = _starts(contents)
    hits = phrases.find(folded, starts, names)
    return Reading(messages, text, folded, starts, hits, persona, user_persona, earlier)


@lru_cache(maxsize=CARDS)
def of_card(text: str) -> Reading:
    """A card or a system message, read as a message by itself. Many conversations have the same
    one."""
    return read([Message("user", text)], names=OF_CARDS)


def _starts(contents: Sequence[str]) -> list[int]:
    """Where each begins when they are joined by one letter."""
    ends = accumulate(len(content) + 1 for content in contents)
    return [0, *ends][: len(contents)]


def _spoken(message: Message) -> str:
    return "" if message.role == "system" else message.content


def fold(text: str) -> str:
    """Lower case, straight quotes and letters of usual width, character for character."""
    if text.isascii():
        return text.lower().replace("`", "'")
    for curly, straight in _STRAIGHT.items():  # ten times the speed of str.translate
        text = text.replace(curly, straight)
    if any(letter in text for letter in _WIDE):
        text = text.translate(_NARROW)
    return text.lower()
