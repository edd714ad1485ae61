"""The style of a conversation: repetition, refusals, remains of prompts, labels, clichés."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import UNSPACED, Hit, listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Message, Persona
    from pipeline.rules.reading.reading import Reading

ENOUGH = 50  # words of a row, from which on shares of words and rates say anything
LEAD = 200  # characters: no lead of a refusal is longer
NEAR = 80  # characters between a link and an advertiser's phrase
_FULL_STOP = re.compile(r"[.!?。！？]\s")
_SENTENCE_END = re.compile(r"[.!?。！？…\n;:；：\"“”«»(]")
_LABEL = re.compile(r"(?:^|\n)[ \t*_>#-]*+(?P<label>[^\n:：]{1,30}?)[*_ ]*+[:：]")
_MARKS = re.compile(r"[\[{<(:：]")
_LINK = re.compile(r"https?://|www\.")
_SYMBOLS = re.compile(r"[#$%^&*@|\\~+=<>{}\[\]]{6,}")
_LOST = re.compile("\ufffd+")
_ROUND = re.compile(
    r"\((?=[a-z])(?:(?:insert|your|my|his|her|their|enter)\s)?"
    r"(?:(?:user|speaker|person)\s?[12ab](?:'s)?\s?)?(?:name|city|age|hometown)?\)"
)
_BRACKETS = re.compile(
    r"(?<![\w`'\"/\\$=])(?:\{\{[^{}\n]{1,40}\}\}|\[[^\[\]\n]{2,40}\]"
    r"|<[a-z][a-z' _-]{1,30}>|\{[a-z][a-z' _-]{1,30}\})"
)
_SURE_BLANK = ("{{", "[insert ", "<insert ", "{insert ")
_WORD = re.compile(r"[^\W_]+(?:'s)?")
_ENDING = re.compile(r"\d*(?:'s|s)?$")  # a number, and the s of a genitive or plural

# "An old AI", "species: robot", "the ship's AI"; not "Ai, a florist", "an AI researcher", "she
# studies AI".
_MACHINE = re.compile(
    r"(?:(?:\b(?:an?|the|eine?|une?|una|um|uma|un')"
    r"(?:\s(?!(?:who|that|of|in|on|at|for|with|and|to|by|from)\s)[\w-]+){0,2}?"
    r"[\s']\s?|'s\s|\b(?:species|race|type|kind)\W{1,4})(?:ai|a\.i\.|ki|ia|artificial intelligence)"
    r"|(?:^|[\s'])(?:robot|robô|roboter|android|androide|androïde|chatbot|cyborg|language model"
    r"|virtual assistant|computer program|hologram"
    r"|(?:ai|ki)[\s-](?:assistant|companion|assistent)))"
    r"(?![\w-])"
    r"(?!\s(?:ethic|research|engineer|start|compan|lab|scien|develop|safety|policy|art|tech|program"
    r"|expert|industr|firm|student|professor|conference|mechanic|repair|maker|design|build|special"
    r"|project|class|course|club|school|factory|toy|phone))"
    r"|künstliche intelligenz|intelligence artificielle|inteligencia artificial"
    r"|intelligenza artificiale|inteligência artificial"
    r"|\b(?:ии|искусственный интеллект|робот(?!отех)\w{0,2}|андроид\w{0,2})\b"
    r"|(?:人工智能|机器人|人工知能|ロボット|アンドロイド|인공지능|로봇|안드로이드)"
    r"(?!工|研|学|专|公司|공|연구|회사)",
    re.I | re.M,
)
_BARE_AI = re.compile(r"\b(?:is|am|are|'m|'s) A\.?I\b")  # "Her name is Ai"


def measures(reading: Reading) -> dict[str, float]:
    """Clichés per 1,000 words, of rows with enough words."""
    words = sum(reading.numbers.words)
    if words < ENOUGH:
        return {}
    return {"cliches": 1000 * len(reading.hits["cliches"]) / words}


# Repetition.


def repetition(reading: Reading) -> Iterator[Finding]:
    """How similar two messages of one side are at most; of a new message: it and an earlier one."""
    pair = reading.most_similar
    if pair.message >= 0:
        note = f"message {pair.earlier}"
        yield reading.with_note("style.repetition", pair.value, pair.message, note)


def distinct_2(reading: Reading) -> Iterator[Finding]:
    """How few word pairs are new, in rows with enough words."""
    measured = reading.measures
    if "distinct_2" in measured and measured["words"] >= ENOUGH:
        yield reading.of_row("style.distinct_2", measured["distinct_2"])


def repeated(reading: Reading) -> Iterator[Finding]:
    """Messages that repeat an earlier one word for word, of whichever side, and their share."""
    again = [(i, earlier) for i, earlier in enumerate(reading.numbers.repeats) if earlier >= 0]
    for i, earlier in again:
        yield reading.with_note("style.repeated", len(again), i, f"message {earlier}")
    if again:
        share = len(again) / len(reading.messages)
        yield reading.of_message("style.loop", share, again[0][0])


# Farewells, clichés, advertising, noise.


def goodbyes(reading: Reading) -> Iterator[Finding]:
    """Messages with a farewell in a row at the end."""
    farewells = {hit.message for hit in reading.hits["goodbye"]}
    first = len(reading.messages)
    while first - 1 in farewells:
        first -= 1
    count = len(reading.messages) - first
    if count:
        yield reading.of_message("style.goodbyes", count, first)


def cliches(reading: Reading) -> Iterator[Finding]:
    """Clichés per 1,000 words."""
    hits = reading.hits["cliches"]
    if hits and "cliches" in reading.measures:
        yield reading.of_place("style.cliches", reading.measures["cliches"], hits[0])


def links(reading: Reading) -> Iterator[Finding]:
    """Messages with a link and, close to it, an advertiser's phrase."""
    if "http" not in reading.folded and "www." not in reading.folded:
        return
    adverts = [hit for hit in reading.hits["advert"] if _LINK.search(_around(reading, hit))]
    yield from reading.first_places("style.links", adverts)


def _around(reading: Reading, hit: Hit) -> str:
    return reading.line(hit.message)[max(0, hit.start - NEAR) : hit.end + NEAR]


def gibberish(reading: Reading) -> Iterator[Finding]:
    """The longest run of words of noise, and runs of mixed symbols."""
    noise = reading.noise
    if noise.words:
        yield reading.of_place("style.gibberish", noise.words, reading.hit(noise.start, noise.end))
    for match in _SYMBOLS.finditer(reading.text):
        if len(set(match[0])) >= 4:
            hit = reading.hit(*match.span())
            yield reading.of_place("style.gibberish", len(match[0]), hit)


def damaged(reading: Reading) -> Iterator[Finding]:
    """Characters that were lost by wrong decoding."""
    if reading.text.isascii():
        return
    starts = [match.start() for match in _LOST.finditer(reading.text)]
    lost = [reading.hit(start, start + 1) for start in starts]
    yield from reading.first_places("style.damaged", lost)


# Labels and blanks.


def marks(reading: Reading) -> Iterator[Finding]:
    """Speakers' labels and unfilled blanks."""
    if _MARKS.search(reading.text):
        for i in reading.judged:
            yield from labels(reading, i)
            yield from blanks(reading, i)


def labels(reading: Reading, message: int) -> Iterator[Finding]:
    """Labels of speakers inside a message: its own speaker's, or another's for whom it speaks."""
    line = reading.line(message)
    if ":" not in line and "：" not in line:
        return
    found = [(_label(match), match) for match in _LABEL.finditer(line)]
    known = known_labels() | reading.names
    counted = known | _weak(reading, {label for label, _ in found}, known)
    own = (reading.messages[message].name or "").lower()
    for label, match in found:
        if label in counted:
            is_own = label in reading.names and label == own
            rule = "style.label" if is_own or not match.start() else "style.other_side"
            yield reading.of_place(rule, 1, Hit(message, match.start("label"), match.end()))


def _weak(reading: Reading, found: set[str], known: Set[str]) -> Set[str]:
    """The weak labels that count: those beside a known one, or that open messages."""
    weak = found & weak_labels()
    if not weak or found & known:
        return weak
    return weak & opening_labels(reading.messages)


def _label(match: re.Match[str]) -> str:
    return match["label"].strip(" *_")


def opening_labels(messages: Sequence[Message]) -> set[str]:
    """Weak labels that open two messages of the conversation."""
    starts = [message.content[:60].lower() for message in messages]
    opened = Counter(_label(match) for match in map(_LABEL.match, starts) if match)
    return {label for label, count in opened.items() if count >= 2} & weak_labels()


def blanks(reading: Reading, message: int) -> Iterator[Finding]:
    """Descriptions in place of a value: "[your name]", "{{user}}", "<city>", "(user 1's name)"."""
    line = reading.line(message)
    if "```" not in reading.messages[message].content:
        for match in _BRACKETS.finditer(line):
            if match[0].startswith(_SURE_BLANK) or _is_blank(match[0]):
                yield reading.of_place("style.placeholder", 1, Hit(message, *match.span()))
    if "(" in line:
        for match in _ROUND.finditer(line):
            yield reading.of_place("style.mention", 1, Hit(message, *match.span()))


def _is_blank(bracket: str) -> bool:
    """A blank's name and what joins it ("[user 1's favorite band]"), nothing else.

    Not "[her phone buzzes]".
    """
    if bracket.startswith("[the "):  # an editor's
        return False
    words = [_stem(word) for word in _WORD.findall(bracket)]
    rest = [word for word in words if word not in glue()]
    named = [word for word in rest if word in blank_names()]
    return len(words) <= 5 and bool(named) and (len(named) == len(rest) or "_" in bracket)


def _stem(word: str) -> str:
    return _ENDING.sub("", word)


@cache
def known_labels() -> frozenset[str]:
    """Labels of speakers that are not names ("user", "assistant"), lower case."""
    return frozenset(listed("label"))


@cache
def weak_labels() -> frozenset[str]:
    """Labels that are ordinary words too, lower case."""
    return frozenset(listed("label_weak"))


@cache
def blank_names() -> frozenset[str]:
    """Words that name an unfilled blank, lower case, without a last s."""
    return frozenset(map(_stem, listed("placeholder")))


@cache
def glue() -> frozenset[str]:
    """Words and numbers that join a blank and are not blanks by themselves."""
    return frozenset(["", *map(_stem, listed("placeholder_glue"))])


# Refusals, and what else is found by lists of phrases.


def phrases(reading: Reading) -> Iterator[Finding]:
    """Remains of templates, "User 1" as a name, refusals, an assistant that speaks of itself."""
    hits = reading.hits
    yield from reading.first_places("style.template", hits["template"])
    mentions = [hit for hit in hits["label_talk"] if not _names_a_person(reading, hit)]
    yield from reading.first_places("style.mention", mentions)
    lectures = [hit for hit in hits["lecture"] if _opens(reading, hit)]
    refusals = [*hits["refusal"], *lectures, *_weak_refusals(reading)]
    yield from reading.first_places("style.refusal", _replies(reading, refusals))
    if not (is_machine(reading.persona) or _cast_as_machine(reading)):
        of_itself = _replies(reading, hits["assistant"])
        yield from reading.first_places("style.assistant", of_itself)


def is_machine(persona: Persona | None) -> bool:
    """Does the card say that the character is an AI, a robot or the like?"""
    if persona is None:
        return False
    texts = (persona.name, persona.description, persona.scenario, persona.greeting)
    return _speaks_of_machine(" ".join(text or "" for text in texts))


def _cast_as_machine(reading: Reading) -> bool:
    """Does a system message cast the character as one? "You are an AI assistant" does not."""
    prompts = [message.content for message in reading.messages if message.role == "system"]
    casting = [text for text in prompts if "assistant" not in text.lower()]
    return any(map(_speaks_of_machine, casting))


def _speaks_of_machine(text: str) -> bool:
    return bool(_MACHINE.search(text) or _BARE_AI.search(text))


def _names_a_person(reading: Reading, hit: Hit) -> bool:
    return reading.line(hit.message)[hit.start : hit.end] in reading.names


def _opens(reading: Reading, hit: Hit) -> bool:
    """In the first two sentences of its message."""
    before = reading.line(hit.message)[: hit.start]
    return len(_FULL_STOP.findall(before)) < 2


def _replies(reading: Reading, hits: Iterable[Hit]) -> list[Hit]:
    return [hit for hit in hits if _is_reply(reading, hit)]


def _is_reply(reading: Reading, hit: Hit) -> bool:
    """On the model's side, at the start of a sentence or after leads ("I'm sorry, but") only."""
    if reading.messages[hit.message].role != "assistant":
        return False
    rest = _leads().sub("", _lead(reading, hit))
    return not rest.strip(" ,，、-—–*_\t")


def _lead(reading: Reading, hit: Hit) -> str:
    """What stands before it in its sentence, `LEAD` characters at most."""
    before = reading.line(hit.message)[max(0, hit.start - LEAD) : hit.start]
    ends = [match.end() for match in _SENTENCE_END.finditer(before)]
    return before[ends[-1] :] if ends else before


def _weak_refusals(reading: Reading) -> Iterator[Hit]:
    """Those with an apology that leads them, or a sign of an assistant elsewhere in the message."""
    by_message: dict[int, list[Hit]] = defaultdict(list)
    for hit in reading.hits["refusal_weak"]:
        by_message[hit.message].append(hit)
    for message, hits in by_message.items():
        signs = list(_starts("refusal_sign").finditer(reading.line(message)))
        for hit in hits:
            if _stands_beside(hit, signs) or _starts("apology").search(_lead(reading, hit)):
                yield hit


def _stands_beside(hit: Hit, signs: Sequence[re.Match[str]]) -> bool:
    """Does a sign end before the hit, or begin after it?"""
    return bool(signs) and (signs[0].end() <= hit.start or signs[-1].start() >= hit.end)


@cache
def _starts(name: str) -> re.Pattern[str]:
    """Words that start with a line of the list."""
    starts = "|".join(map(re.escape, listed(name)))
    return re.compile(f"(?<![^\\W_{UNSPACED}])(?:{starts})")


@cache
def _leads() -> re.Pattern[str]:
    longest_first = sorted(listed("leads"), key=len, reverse=True)
    leads = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![^\W_])(?:{leads})(?![a-zа-яё])")
