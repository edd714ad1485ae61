"""What is wrong with a message or a conversation, as plain functions of it; here, the literal table of all rules.

`filter` applies them to rows, `publish` as gates, `generate` to each new message:

    from pipeline.rules.message import check
    check(messages, persona=None, expected=None) -> list[Finding]    # what is wrong with messages[-1]; [] is fine

This file is light: it imports nothing but the standard library, so that a recipe can be checked in a moment.
A rule is a row of `RULES` and a function that reads a `View` (`view.py`). To add one: `pipeline/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FIELD = "percentiles of five dialogue sets, see `rapport calibrate`"
OURS = "our choice"


@dataclass(frozen=True, slots=True)
class Rule:
    """A reading fires when it lies beyond `limit` on the side `fires`; then the row is kept with a warning or dropped.

    unit: what one of the reading is. source: where the limit comes from. fixed: no recipe can change it.
    """

    unit: str
    fires: Literal["above", "below"]
    limit: float
    decision: Literal["warn", "drop"]
    source: str
    fixed: bool = False


# What `language` can tell: ISO 639-1, zh for all Chinese.
LANGUAGES = (
    "af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl pt ro"
    " ru sk sl so sq sv sw ta te th tl tr uk ur vi zh"
)

COUNT = "places in the conversation"
RULES: dict[str, Rule] = {
    # structure
    "structure.turns": Rule(
        "messages of user and assistant", "below", 4, "drop", f"two exchanges; {OURS}"
    ),
    "structure.long": Rule("messages of user and assistant", "above", 200, "warn", OURS),
    "structure.words": Rule("words", "below", 12, "drop", f"three words a message; {OURS}"),
    "structure.long_message": Rule("words of the longest message", "above", 1000, "warn", OURS),
    "structure.empty": Rule(
        "messages that say nothing", "above", 0, "warn", "where `repairs.empty` is off"
    ),
    "structure.speakers": Rule("speakers", "above", 2, "drop", "a dialogue has two sides"),
    "structure.one_sided": Rule("sides that speak", "below", 2, "drop", "a dialogue has two sides"),
    "structure.balance": Rule("the quieter side's share of words", "below", 0.10, "drop", FIELD),
    "structure.uneven": Rule("the quieter side's share of words", "below", 0.25, "warn", FIELD),
    "structure.truncated": Rule(
        "share of other messages that end in a full stop where the last does not",
        "above",
        0.75,
        "warn",
        "gold_dirty",
    ),
    # style
    "style.repetition": Rule(
        "character-3-gram Jaccard of two messages of one side", "above", 0.75, "warn", FIELD
    ),
    "style.repeated": Rule(
        "messages that say an earlier one word for word", "above", 0, "warn", FIELD
    ),
    "style.loop": Rule(
        "share of messages that say an earlier one word for word", "above", 0.34, "drop", FIELD
    ),
    "style.distinct_2": Rule("distinct word pairs / word pairs", "below", 0.60, "warn", FIELD),
    "style.goodbyes": Rule(
        "messages of farewell in a row at the end", "above", 2, "warn", "human talk: never more"
    ),
    "style.placeholder": Rule(COUNT, "above", 0, "drop", "a blank nobody filled"),
    "style.template": Rule(COUNT, "above", 0, "drop", "remains of a prompt format"),
    "style.mention": Rule(
        COUNT, "above", 0, "warn", "a prompt's name for a speaker in the talk: 'user 1', '(name)'"
    ),
    "style.label": Rule(COUNT, "above", 0, "drop", "a speaker's label inside a message"),
    "style.other_side": Rule(COUNT, "above", 0, "drop", "one message that speaks for both sides"),
    "style.refusal": Rule(COUNT, "above", 0, "drop", "an assistant's refusal in place of a reply"),
    "style.assistant": Rule(
        COUNT, "above", 0, "drop", "an assistant speaking of itself; the card may allow it"
    ),
    "style.damaged": Rule(
        "characters that cannot be mended", "above", 0, "warn", "wrongly decoded text"
    ),
    "style.gibberish": Rule("words of noise in a row, or symbols", "above", 2, "warn", OURS),
    "style.links": Rule(COUNT, "above", 0, "warn", "advertising with a link"),
    "style.cliches": Rule(
        "worn phrases per 1,000 words",
        "above",
        6,
        "warn",
        "human talk: p99 is 0; GPT-4 fiction: p95 is 8",
    ),
    "style.recited": Rule(
        "words of the card in one run", "above", 11, "warn", "CharacterBench: engagement -.26"
    ),
    "style.swapped": Rule("facts of one side voiced by the other only", "above", 0, "warn", OURS),
    # language
    "language.unknown": Rule(
        "probability of the conversation's language", "below", 0.5, "warn", OURS
    ),
    "language.admitted": Rule(
        "1 when the language is not in `languages`", "above", 0, "drop", "the recipe"
    ),
    "language.foreign": Rule(
        "messages in another language", "above", 0, "warn", "langdetect profiles, log ratio"
    ),
    # privacy
    "privacy.email": Rule(COUNT, "above", 0, "warn", "personal data"),
    "privacy.phone": Rule(COUNT, "above", 0, "warn", "personal data"),
    "privacy.address": Rule(COUNT, "above", 0, "warn", "personal data"),
    "privacy.card": Rule(COUNT, "above", 0, "warn", "personal data, Luhn checksum"),
    "privacy.iban": Rule(COUNT, "above", 0, "warn", "personal data, ISO 13616 checksum"),
    "privacy.ip": Rule(COUNT, "above", 0, "warn", "personal data"),
    "privacy.handle": Rule(COUNT, "above", 0, "warn", "personal data"),
    "privacy.url": Rule(COUNT, "above", 0, "warn", "a link that carries a token"),
    # safety
    "safety.minor": Rule(COUNT, "above", 0, "drop", "adults only", fixed=True),
    "safety.self_harm": Rule(COUNT, "above", 0, "warn", "labelled; the recipe decides"),
    "safety.coercion": Rule(COUNT, "above", 0, "warn", "labelled; the recipe decides"),
    "safety.slur": Rule(COUNT, "above", 0, "warn", "labelled; the recipe decides"),
}


def beyond(value: float | None, rule: Rule) -> bool:
    """Does a reading lie beyond the limit on the side where the rule fires? A missing reading does not."""
    return value is not None and (
        value > rule.limit if rule.fires == "above" else value < rule.limit
    )
