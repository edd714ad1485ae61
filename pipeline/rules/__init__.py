"""What is wrong with a message or a conversation, without a model: the table of all rules.

A rule is a row of `RULES`: what it measures, from which value on it fires, what is decided then,
and the function that reads it. `filter` reads every rule on every row, `generate` those marked
`new_message` on each message that a model has written (`message.check`), `publish` those on age
once more.

    from pipeline.rules.reading.reading import read
    reading = read(messages, persona)               a conversation, read once for all rules
    findings = [finding for reader in READERS for finding in reader(reading)]

A function yields a finding for all it measures, whatever the limit; `beyond` compares. Several
rules may share a function, which is then called once for all of them. How to add a rule:
`pipeline/README.md`.

Importing this file loads no large library, so that a recipe can be checked in a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.rules import cards, structure
from pipeline.rules.language import report as languages
from pipeline.rules.privacy import report as private
from pipeline.rules.safety import coercion, hate, injection, self_harm, sexual, underage
from pipeline.rules.style import (
    assistant,
    blanks,
    citations,
    labels,
    markup,
    meta,
    noise,
    ooc,
    page,
    prompts,
    reasoning,
    refusals,
    repetition,
    roles,
    spam,
    tokens,
    tools,
    unicode,
)

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Measures
    from pipeline.rules.reading.reading import Reading

Reader = Callable[["Reading"], Iterator["Finding"]]

# Units and sources that several rules have.
PLACES = "places in the conversation"
MESSAGES = "messages of user and assistant"
SHARE = "the quieter side's share of words"
FIELD = "percentiles of five dialogue sets, see `rapport calibrate`"
OURS = "our choice"
NOTED = "noted; the recipe decides"
TWO_SIDES = "a dialogue has two sides"
PERSONAL = "personal data"
GRADE = "grade of the message: 0 none, 1 suggestive, 2 explicit"
# Units of what one text can break by itself: alternatives are judged too.
ALONE = (PLACES, GRADE)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule fires when what it measures lies beyond `limit` on the side `fires`.

    unit         what one of the measured value is
    decision     then the row is kept with a warning or dropped
    source       where the limit comes from
    read         the function that measures it
    new_message  not 0: it is also read on a single new message, the lowest number first
    fixed        no recipe can change it
    """

    unit: str
    fires: Literal["above", "below"]
    limit: float
    decision: Literal["warn", "drop"]
    source: str
    read: Reader
    new_message: int = 0
    fixed: bool = False


def beyond(value: float | None, rule: Rule) -> bool:
    """Does a value lie beyond the limit on the side where the rule fires?

    A missing value does not.
    """
    if value is None:
        return False
    return value > rule.limit if rule.fires == "above" else value < rule.limit


def measures(reading: Reading) -> Measures:
    """A row's numbers by the names of `conversation.MEASURES`.

    What cannot be measured is missing.
    """
    found = structure.measures(reading)
    for family in (repetition, private, languages):
        found |= family.measures(reading)
    return found


# The languages that are recognised: ISO 639-1, zh for all Chinese.
LANGUAGES = (
    "af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr"
    " ne nl no pa pl pt ro ru sk sl so sq sv sw ta te th tl tr uk ur vi zh"
)

RULES: dict[str, Rule] = {
    # structure
    "structure.turns": Rule(MESSAGES, "below", 4, "drop", f"two exchanges; {OURS}", structure.size),
    "structure.long": Rule(MESSAGES, "above", 200, "warn", OURS, structure.size),
    "structure.words": Rule(
        "words", "below", 12, "drop", f"three words a message; {OURS}", structure.size
    ),
    "structure.speakers": Rule("speakers", "above", 2, "drop", TWO_SIDES, structure.size),
    "structure.one_sided": Rule("sides that speak", "below", 2, "drop", TWO_SIDES, structure.sides),
    "structure.long_message": Rule(
        "words of the longest message", "above", 1000, "warn", OURS, structure.longest
    ),
    "structure.empty": Rule(
        "messages without a visible character",
        "above",
        0,
        "warn",
        "where `repairs.empty` is off",
        structure.empty,
    ),
    "structure.truncated": Rule(
        "1 where the last message breaks off",
        "above",
        0,
        "warn",
        "something in it must say so: see rules/endings.py",
        structure.truncated,
    ),
    "structure.stage": Rule(
        "share of one side's messages that are nothing but stage directions",
        "above",
        0.5,
        "warn",
        OURS,
        structure.stage,
    ),
    "structure.balance": Rule(SHARE, "below", 0.1, "drop", FIELD, structure.shares),
    "structure.uneven": Rule(SHARE, "below", 0.25, "warn", FIELD, structure.shares),
    # style
    "style.repetition": Rule(
        "character-3-gram Jaccard of two messages of one side",
        "above",
        0.75,
        "warn",
        FIELD,
        repetition.repetition,
        new_message=4,
    ),
    "style.distinct_2": Rule(
        "distinct word pairs / word pairs", "below", 0.6, "warn", FIELD, repetition.distinct_2
    ),
    "style.repeated": Rule(
        "messages that repeat an earlier one word for word",
        "above",
        0,
        "warn",
        FIELD,
        repetition.repeated,
    ),
    "style.similar": Rule(
        "share that two long messages of one side have in common, or of its messages that begin"
        " alike",
        "above",
        0.85,
        "warn",
        OURS,
        repetition.openings,
    ),
    "style.loop": Rule(
        "share of messages that repeat an earlier one, or of one message that repeats itself",
        "above",
        0.34,
        "drop",
        FIELD,
        repetition.repeated,
    ),
    "style.goodbyes": Rule(
        "messages of farewell in a row at the end",
        "above",
        2,
        "warn",
        "conversations of people: never more",
        repetition.goodbyes,
    ),
    "style.cliches": Rule(
        "clichés per 1,000 words",
        "above",
        6,
        "warn",
        "people: p99 is 0; GPT-4 fiction: p95 is 8",
        repetition.cliches,
    ),
    "style.spam": Rule(
        PLACES, "above", 0, "warn", "advertising by features: see style/spam.py", spam.spam
    ),
    "style.noise": Rule(
        "words of noise in a row, or characters", "above", 2, "warn", OURS, noise.noise
    ),
    "style.unicode": Rule(
        PLACES,
        "above",
        0,
        "warn",
        "unseen signs, letters in disguise: where `repairs.characters` is off",
        unicode.tricks,
    ),
    "style.damaged": Rule(
        "characters that cannot be repaired",
        "above",
        0,
        "warn",
        "wrongly decoded text",
        noise.damaged,
    ),
    "style.markup": Rule(
        PLACES, "above", 0, "drop", "HTML, BBCode or Markdown that no repair removes", markup.markup
    ),
    "style.forum": Rule(
        PLACES, "above", 0, "drop", "a message that a forum or an export wrote", page.page
    ),
    "style.quoted": Rule(PLACES, "above", 0, "drop", "a message that is quoted mail", page.page),
    "style.label": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "a speaker's label inside a message",
        labels.labels,
        new_message=2,
    ),
    "style.other_side": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "one message that speaks for both sides",
        labels.labels,
        new_message=2,
    ),
    "style.placeholder": Rule(
        PLACES, "above", 0, "drop", "an unfilled blank", blanks.blanks, new_message=2
    ),
    "style.template": Rule(
        PLACES, "above", 0, "drop", "remains of a prompt format", tokens.tokens, new_message=1
    ),
    "style.reasoning": Rule(
        PLACES, "above", 0, "drop", "a model's reasoning", reasoning.reasoning, new_message=1
    ),
    "style.tool": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "a call of a tool, or its result",
        tools.tool_calls,
        new_message=1,
    ),
    "style.citation": Rule(
        PLACES, "above", 0, "drop", "a mark of a citation", citations.citations, new_message=2
    ),
    "style.meta": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "what a generator says of its own text",
        meta.meta,
        new_message=1,
    ),
    "style.meta_service": Rule(
        PLACES,
        "above",
        0,
        "warn",
        "an assistant asks what else it can do",
        meta.meta,
        new_message=1,
    ),
    "style.ooc": Rule(
        PLACES, "above", 0, "drop", "a remark out of character", ooc.aside, new_message=2
    ),
    "style.prompt": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "instructions or a card inside a message",
        prompts.echoes,
        new_message=1,
    ),
    "style.mention": Rule(
        PLACES,
        "above",
        0,
        "warn",
        "a prompt's name for a speaker: 'user 1', '(name)'",
        blanks.mentions,
        new_message=1,
    ),
    "style.refusal": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "an assistant's refusal in place of a reply",
        refusals.refusals,
        new_message=1,
    ),
    "style.assistant": Rule(
        PLACES,
        "above",
        0,
        "drop",
        "an assistant speaking of itself; the card may allow it",
        assistant.assistant,
        new_message=1,
    ),
    "style.roles": Rule(
        PLACES, "above", 0, "drop", "the user speaks as the assistant", roles.roles
    ),
    "style.recited": Rule(
        "words of the card in one run",
        "above",
        11,
        "warn",
        "CharacterBench: engagement -.26",
        cards.kept_to,
    ),
    "style.swapped": Rule(
        "facts of one side voiced by the other only", "above", 0, "warn", OURS, cards.kept_to
    ),
    # safety
    "safety.minor": Rule(
        PLACES, "above", 0, "drop", "adults only", underage.underage, new_message=3, fixed=True
    ),
    "safety.sexual": Rule(GRADE, "above", 0, "warn", NOTED, sexual.sexual),
    "safety.self_harm": Rule(PLACES, "above", 0, "warn", NOTED, self_harm.self_harm),
    "safety.hate": Rule(PLACES, "above", 0, "warn", NOTED, hate.hate),
    "safety.coercion": Rule(PLACES, "above", 0, "warn", NOTED, coercion.coercion),
    "safety.injection": Rule(
        PLACES,
        "above",
        0,
        "warn",
        "text aimed at the model that reads it",
        injection.injections,
        new_message=3,
    ),
    # privacy
    "privacy.email": Rule(PLACES, "above", 0, "warn", PERSONAL, private.personal_data),
    "privacy.phone": Rule(PLACES, "above", 0, "warn", PERSONAL, private.personal_data),
    "privacy.address": Rule(PLACES, "above", 0, "warn", PERSONAL, private.personal_data),
    "privacy.card": Rule(
        PLACES, "above", 0, "warn", f"{PERSONAL}, Luhn checksum", private.personal_data
    ),
    "privacy.iban": Rule(
        PLACES, "above", 0, "warn", f"{PERSONAL}, ISO 13616 checksum", private.personal_data
    ),
    "privacy.ip": Rule(PLACES, "above", 0, "warn", PERSONAL, private.personal_data),
    "privacy.handle": Rule(PLACES, "above", 0, "warn", PERSONAL, private.personal_data),
    "privacy.url": Rule(
        PLACES, "above", 0, "warn", "a link that carries a token", private.personal_data
    ),
    "privacy.secret": Rule(
        PLACES,
        "above",
        0,
        "warn",
        "keys, passwords, wallets, by form and entropy",
        private.personal_data,
    ),
    "privacy.id": Rule(
        PLACES,
        "above",
        0,
        "warn",
        f"{PERSONAL}, check digits (python-stdnum)",
        private.personal_data,
    ),
    # language
    "language.unknown": Rule(
        "probability of the conversation's language",
        "below",
        0.5,
        "warn",
        OURS,
        languages.confidence,
    ),
    "language.foreign": Rule(
        "messages in another language",
        "above",
        0,
        "warn",
        "langdetect profiles, log ratio",
        languages.foreign,
        new_message=5,
    ),
    "language.declared": Rule(
        "probability that it is another language than the source declares",
        "above",
        0.9,
        "warn",
        "our measurement: all of 90 wrong rows, none of 4,170 right ones",
        languages.declared,
    ),
    "language.admitted": Rule(
        "1 when the language is not in `languages`",
        "above",
        0,
        "drop",
        "the recipe",
        languages.admitted,
    ),
}


def _for_new_messages() -> list[Reader]:
    """Their functions, the lowest number first."""
    rules = [rule for rule in RULES.values() if rule.new_message]
    rules.sort(key=lambda rule: rule.new_message)
    return [rule.read for rule in rules]


# What is called on a row and on a new message: each function once.
READERS = tuple(dict.fromkeys(rule.read for rule in RULES.values()))
NEW_MESSAGE_READERS = tuple(dict.fromkeys(_for_new_messages()))
