"""How it is said: repetition, refusals, remains of prompts, blanks nobody filled, labels, farewells, worn phrases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from pipeline.conversation import Finding, Message, Persona
from pipeline.rules.reading import noise
from pipeline.rules.reading import view as lists
from pipeline.rules.reading.numbers import Numbers
from pipeline.rules.reading.view import Hit, View

LEAD = 200  # characters: no lead of a refusal is longer
_FULL_STOP = re.compile(r"[.!?。！？]\s")
_SENTENCE_END = re.compile(r"[.!?。！？…\n;:；：\"“”«»(]")
_LABEL = re.compile(r"(?:^|\n)[ \t*_>#-]*+(?P<label>[^\n:：]{1,30}?)[*_ ]*+[:：]")
_MARKS = re.compile(r"[\[{<(:：]")
_LINK = re.compile(r"https?://|www\.")
_SYMBOLS = re.compile(r"[#$%^&*@|\\~+=<>{}\[\]]{6,}")
_LOST = re.compile("\ufffd+")
_ROUND = re.compile(
    r"\((?=[a-z])(?:(?:insert|your|my|his|her|their|enter)\s)?(?:(?:user|speaker|person)\s?[12ab](?:'s)?\s?)?"
    r"(?:name|city|age|hometown)?\)"
)
_BRACKETS = re.compile(
    r"(?<![\w`'\"/\\$=])(?:\{\{[^{}\n]{1,40}\}\}|\[[^\[\]\n]{2,40}\]|<[a-z][a-z' _-]{1,30}>|\{[a-z][a-z' _-]{1,30}\})"
)


def readings(view: View, numbers: Numbers, found: dict[str, float]) -> Iterator[Finding]:
    """Style of a row. found: its measures."""
    yield from repetition(view, numbers, found)
    yield from repeated(view, numbers)
    yield from goodbyes(view)
    yield from cliches(view, found)
    yield from links(view)
    yield from gibberish(view)
    yield from damaged(view)
    yield from marks(view, range(len(view.messages)))
    yield from phrases(view)


def phrases(view: View) -> Iterator[Finding]:
    """What is found by lists of phrases: refusals, an assistant's talk of itself, remains of templates, labels."""
    yield from spots(view, "style.template", view.hits.get("template", []))
    yield from spots(
        view,
        "style.mention",
        [h for h in view.hits.get("label_talk", []) if _names_no_person(view, h)],
    )
    lectures = [h for h in view.hits.get("lecture", []) if _opens(view, h)]
    refusals = [*view.hits.get("refusal", []), *lectures, *_weak_refusals(view)]
    yield from spots(view, "style.refusal", [h for h in refusals if _refuses(view, h)])
    if not (is_machine(view.persona) or _cast_as_machine(view)):
        yield from spots(
            view,
            "style.assistant",
            [h for h in view.hits.get("assistant", []) if _refuses(view, h)],
        )


def spots(view: View, rule: str, hits: list[Hit]) -> Iterator[Finding]:
    """One reading for each message that is hit, at the first place; value: how many messages."""
    first = {
        hit.message: hit
        for hit in sorted(hits, key=lambda hit: (hit.message, hit.start), reverse=True)
    }
    for message in sorted(first):
        yield view.finding(rule, len(first), message, first[message].start, first[message].end)


def repetition(view: View, numbers: Numbers, found: dict[str, float]) -> Iterator[Finding]:
    """How alike two messages of one side are at most, and how few word pairs are new."""
    value, message, earlier = numbers.alike
    if message >= 0:
        yield Finding(
            "filter",
            "style.repetition",
            value,
            None,
            message,
            0,
            None,
            f"message {earlier}",
            "measured",
        )
    if "distinct_2" in found and found["words"] >= 50:
        yield Finding("filter", "style.distinct_2", found["distinct_2"], decision="measured")


def repeated(view: View, numbers: Numbers) -> Iterator[Finding]:
    """Messages that say an earlier one word for word, whoever said it."""
    again = [(m, e) for m, e in enumerate(numbers.repeats) if e >= 0]
    for message, earlier in again:
        evidence = f"message {earlier}"
        yield Finding(
            "filter", "style.repeated", len(again), None, message, 0, None, evidence, "measured"
        )
    if again:
        share = len(again) / len(view.messages)
        yield Finding("filter", "style.loop", share, None, again[0][0], decision="measured")


def goodbyes(view: View) -> Iterator[Finding]:
    """Messages with a farewell in a row at the end."""
    farewell = {hit.message for hit in view.hits.get("goodbye", [])}
    last = len(view.messages) - 1
    start = last
    while start >= 0 and start in farewell:
        start -= 1
    if start < last:
        yield Finding(
            "filter", "style.goodbyes", last - start, None, start + 1, decision="measured"
        )


def cliches(view: View, found: dict[str, float]) -> Iterator[Finding]:
    """Worn phrases per 1,000 words, of rows with 50 words and more."""
    hits = view.hits.get("cliches", [])
    if found["words"] >= 50:
        found["cliches"] = 1000 * len(hits) / found["words"]
        if hits:
            yield view.finding(
                "style.cliches", found["cliches"], hits[0].message, hits[0].start, hits[0].end
            )


def links(view: View) -> Iterator[Finding]:
    """Messages with a link and, close to it, an advertiser's phrase."""
    if "http" not in view.folded and "www." not in view.folded:
        return
    adverts = [h for h in view.hits.get("advert", []) if _LINK.search(_around(view, h, 80))]
    yield from spots(view, "style.links", adverts)


def _around(view: View, hit: Hit, characters: int) -> str:
    return view.line(hit.message)[max(0, hit.start - characters) : hit.end + characters]


def gibberish(view: View) -> Iterator[Finding]:
    """The longest run of words of noise, or of mixed symbols."""
    words, start, end = noise.longest_run(view.text)
    if words:
        message, offset = view.place(start)
        yield view.finding("style.gibberish", words, message, offset, offset + end - start)
    for match in _SYMBOLS.finditer(view.text):
        if len(set(match[0])) >= 4:
            message, offset = view.place(match.start())
            yield view.finding(
                "style.gibberish", len(match[0]), message, offset, offset + len(match[0])
            )


def damaged(view: View) -> Iterator[Finding]:
    """Characters that were lost on the way, and wrong decoding that could not be mended."""
    if view.text.isascii():
        return
    lost = [
        Hit(*view.place(m.start()), view.place(m.start())[1] + 1) for m in _LOST.finditer(view.text)
    ]
    yield from spots(view, "style.damaged", lost)


def marks(view: View, messages: Iterable[int]) -> Iterator[Finding]:
    """Labels and unfilled blanks inside these messages."""
    if not _MARKS.search(view.text):
        return
    for i in messages:
        yield from labels(view, i)
        yield from placeholders(view, i)


def labels(view: View, message: int) -> Iterator[Finding]:
    """Labels of speakers inside a message: its own, or another's for whom it speaks."""
    line = view.line(message)
    if ":" not in line and "：" not in line:
        return
    found = [(match["label"].strip(" *_"), match) for match in _LABEL.finditer(line)]
    known = known_labels() | names(view)
    weak = {label for label, _ in found} & weak_labels()
    if weak and not any(label in known for label, _ in found):
        weak &= opening_labels(view.messages)
    for label, match in found:
        if label in known or label in weak:
            own = label in names(view) and label == (view.messages[message].name or "").lower()
            rule = "style.label" if own or not match.start() else "style.other_side"
            yield view.finding(rule, 1, message, match.start("label"), match.end())


def opening_labels(messages: Sequence[Message]) -> set[str]:
    """Weak labels that open two messages of the talk."""
    opened = [_LABEL.match(m.content[:60].lower()) for m in messages]
    labels = Counter(match["label"].strip(" *_") for match in opened if match)
    return {label for label, n in labels.items() if n >= 2} & weak_labels()


def placeholders(view: View, message: int) -> Iterator[Finding]:
    """Brackets that hold a description in place of a value: "[your name]", "{{user}}", "<city>", "(user 1's name)"."""
    line = view.line(message)
    for match in _BRACKETS.finditer(line) if "```" not in view.messages[message].content else ():
        if match[0].startswith(("{{", "[insert ", "<insert ", "{insert ")) or _is_blank(match[0]):
            yield view.finding("style.placeholder", 1, message, match.start(), match.end())
    for match in _ROUND.finditer(line) if "(" in line else ():
        yield view.finding("style.mention", 1, message, match.start(), match.end())


def _is_blank(bracket: str) -> bool:
    """A blank's name and what joins it ("[user 1's favorite band]"), nothing else: "[her phone buzzes]" is told."""
    if bracket.startswith("[the "):  # an editor's
        return False
    said = [_stem(word) for word in re.findall(r"[^\W_]+(?:'s)?", bracket)]
    rest = [word for word in said if word not in glue()]
    named = [word for word in rest if word in blanks()]
    return len(said) <= 5 and bool(named) and (len(named) == len(rest) or "_" in bracket)


def _stem(word: str) -> str:
    """Without a number and the s of a genitive or plural."""
    return re.sub(r"\d*(?:'s|s)?$", "", word)


@cache
def known_labels() -> frozenset[str]:
    """Names of speakers that are no names, lower case."""
    return frozenset(lists.words("label"))


@cache
def weak_labels() -> frozenset[str]:
    """Labels that are ordinary words too, lower case."""
    return frozenset(lists.words("label_weak"))


@cache
def blanks() -> frozenset[str]:
    """Words that tell a blank nobody filled, lower case, without a last s."""
    return frozenset(map(_stem, lists.words("placeholder")))


@cache
def glue() -> frozenset[str]:
    """Words and numbers that join a blank and are none alone."""
    return frozenset(["", *map(_stem, lists.words("placeholder_glue"))])


def names(view: View) -> set[str]:
    """Names of the two sides, lower case."""
    cards = [p.name.lower() for p in (view.persona, view.user_persona) if p and p.name]
    return {*cards, *(m.name.lower() for m in view.messages if m.name)}


def is_machine(persona: Persona | None) -> bool:
    """Does the card say that the character is an AI, a robot or the like?"""
    if persona is None:
        return False
    card = f"{persona.name or ''} {persona.description or ''} {persona.scenario or ''} {persona.greeting or ''}"
    return _tells_machine(card)


# "An old AI", "species: robot", "the ship's AI"; not "Ai, a florist", "an AI researcher", "she studies AI".
_MACHINE = re.compile(
    r"(?:(?:\b(?:an?|the|eine?|une?|una|um|uma|un')(?:\s(?!(?:who|that|of|in|on|at|for|with|and|to|by|from)\s)[\w-]+){0,2}?"
    r"[\s']\s?|'s\s|\b(?:species|race|type|kind)\W{1,4})(?:ai|a\.i\.|ki|ia|artificial intelligence)"
    r"|(?:^|[\s'])(?:robot|robô|roboter|android|androide|androïde|chatbot|cyborg|language model|virtual assistant"
    r"|computer program|hologram|(?:ai|ki)[\s-](?:assistant|companion|assistent)))(?![\w-])"
    r"(?!\s(?:ethic|research|engineer|start|compan|lab|scien|develop|safety|policy|art|tech|program|expert|industr|firm"
    r"|student|professor|conference|mechanic|repair|maker|design|build|special|project|class|course|club|school|factory|toy|phone))"
    r"|künstliche intelligenz|intelligence artificielle|inteligencia artificial|intelligenza artificiale"
    r"|inteligência artificial|\b(?:ии|искусственный интеллект|робот(?!отех)\w{0,2}|андроид\w{0,2})\b"
    r"|(?:人工智能|机器人|人工知能|ロボット|アンドロイド|인공지능|로봇|안드로이드)(?!工|研|学|专|公司|공|연구|회사)",
    re.I | re.M,
)
_BARE_AI = re.compile(r"\b(?:is|am|are|'m|'s) A\.?I\b")  # "Her name is Ai"


def _tells_machine(text: str) -> bool:
    return bool(_MACHINE.search(text) or _BARE_AI.search(text))


def _cast_as_machine(view: View) -> bool:
    """Does the system message cast the character as one? "You are a helpful AI assistant" casts nobody."""
    prompts = [m.content for m in view.messages if m.role == "system"]
    return any(_tells_machine(text) and "assistant" not in text.lower() for text in prompts)


def _names_no_person(view: View, hit: Hit) -> bool:
    return view.line(hit.message)[hit.start : hit.end] not in names(view)


def _opens(view: View, hit: Hit) -> bool:
    """In the first two sentences of its message."""
    return len(_FULL_STOP.findall(view.line(hit.message)[: hit.start])) < 2


def _refuses(view: View, hit: Hit) -> bool:
    """On the model's side, at the start of a sentence or after nothing but leads ("I'm sorry, but")."""
    if view.messages[hit.message].role != "assistant":
        return False
    return not _leads().sub("", _lead(view, hit)).strip(" ,，、-—–*_\t")


def _lead(view: View, hit: Hit) -> str:
    """What stands before it in its sentence, `LEAD` characters at most."""
    before = view.line(hit.message)[max(0, hit.start - LEAD) : hit.start]
    ends = [m.end() for m in _SENTENCE_END.finditer(before)]
    return before[ends[-1] if ends else 0 :]


def _weak_refusals(view: View) -> Iterator[Hit]:
    """Those with an apology that leads them, or a sign of an assistant elsewhere in the message."""
    signs: dict[int, list[re.Match[str]]] = {}
    for hit in view.hits.get("refusal_weak", []):
        if hit.message not in signs:
            signs[hit.message] = list(_starts("refusal_sign").finditer(view.line(hit.message)))
        found = signs[hit.message]
        beside = bool(found) and (found[0].end() <= hit.start or found[-1].start() >= hit.end)
        if beside or _starts("apology").search(_lead(view, hit)):
            yield hit


@cache
def _starts(name: str) -> re.Pattern[str]:
    """Words that start with a line of the list."""
    return re.compile(
        f"(?<![^\\W_{lists.UNSPACED}])(?:{'|'.join(map(re.escape, lists.words(name)))})"
    )


@cache
def _leads() -> re.Pattern[str]:
    longest_first = sorted(lists.words("leads"), key=len, reverse=True)
    return re.compile(
        r"(?<![^\W_])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![a-zа-яё])"
    )
