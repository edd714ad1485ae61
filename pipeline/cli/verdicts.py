"""What is said of conversations, as lines and tables. Prints nothing itself."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.table import Table

from pipeline.cli.curve import curve
from pipeline.cli.render import table
from pipeline.conversation import Conversation, Score
from pipeline.criteria import criteria
from pipeline.recipe.base import plural
from pipeline.score.compare import LEAST, Difference, Differences
from pipeline.score.verdict import CriterionMean, Shortfall, name_of, phrases_behind
from pipeline.store.agreement import Interval

WIDTH = 80  # columns; narrower terminals are rare, and wide ones read short lines as well
INDENT = " " * 20  # of the lines below the evidence
QUOTE = " " * 6  # before a message
LINES = 4  # of evidence; a judge may say much
QUOTED = 3  # messages of a criterion
PHRASES = 4  # listed phrases of a message
SENTENCE = 200  # columns of the evidence on stderr
DEFECTS = (
    "repetition",
    "stutter",
    "takes_up",
    "balance",
    "variety",
    "card_shown",
    "card_recited",
    "attunement",
    "reactions",
    "answers",
)
SHORT_SHOWN = 20  # requirements that are not met

# --- one conversation


def verdict(row: Conversation, said: Sequence[Score]) -> Iterator[str]:
    """All that is said of a conversation, and how close its messages are."""
    yield _head(row)
    yield ""
    for score in said:
        yield from _criterion(row, score)
    yield from _wrapped("  measured          ", _measured(row))
    lines = [*curve(row)]
    if lines:
        yield ""
        yield from lines
    yield ""


def _head(row: Conversation) -> str:
    language = "language not found"
    if row.language:
        language = f"{row.language.code} {row.language.confidence:.2f}"
    facts = [name_of(row), language, plural(len(row.messages), "message")]
    if row.source.ref != facts[0]:
        facts.append(row.source.ref)
    return short("  ·  ".join(map(plain, facts)), WIDTH)


def _criterion(row: Conversation, score: Score) -> Iterator[str]:
    """The value of a criterion with its evidence, and the messages that it rests on."""
    head = f"  {score.criterion:12}{value_text(score.value):>4}  "
    evidence = (score.evidence or "") + _judge(score)
    yield from _wrapped(head, evidence)
    for place in score.messages[:QUOTED]:
        yield from _message(row, place, score.criterion)
    more = score.messages[QUOTED:]
    if more:
        yield from _wrapped(INDENT, f"and messages {', '.join(map(str, more))}")


def _measured(row: Conversation) -> str:
    """Defects in their own units, each under its own name; `rapport recipe --reference` has
    them."""
    found = row.measures
    return ", ".join(f"{name} {found[name]:.2g}" for name in DEFECTS if name in found)


def value_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _judge(score: Score) -> str:
    """Who says so, where it is a model."""
    if not score.by or score.by in criteria()[score.criterion].scorers or score.error:
        return ""
    if score.spread:
        return f" ({score.by}; {score.spread:g} apart)"
    return f" ({score.by})"


def _message(row: Conversation, place: int, criterion: str) -> Iterator[str]:
    """A message, cut to a line, with the listed phrases in it."""
    message = row.messages[place]
    yield short(f"{QUOTE}{place:3} {message.role}: {plain(message.content)}", WIDTH)
    phrases = phrases_behind(message.content, criterion)
    if phrases:
        quoted = ", ".join(f"“{phrase}”" for phrase in phrases[:PHRASES])
        yield short(f"{QUOTE}    {quoted}", WIDTH)


def _wrapped(head: str, text: str) -> list[str]:
    """Text behind a head, on as many lines as it needs."""
    width = WIDTH - len(INDENT)
    lines = textwrap.wrap(plain(text), width, max_lines=LINES, placeholder=" …") or [""]
    first, *others = lines
    return [(head + first).rstrip(), *(INDENT + line for line in others)]


def plain(text: str) -> str:
    """A text on one line, without what a terminal would obey."""
    return "".join(filter(str.isprintable, " ".join(text.split())))


def short(text: str, width: int) -> str:
    """A text that fits into so many columns of a terminal."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


# --- several conversations


def not_shown(rows: int) -> Iterator[str]:
    """What there is beyond the verdicts."""
    if rows > 0:
        yield f"{plural(rows, 'further conversation')}: --json shows all, --out keeps them."


def not_read(unread: Sequence[str]) -> Iterator[str]:
    """The records of which nothing can be said; with --out the quarantine of 1-collect has them."""
    if unread:
        yield f"{_could_not_be_read(len(unread))}:"
    for record in unread[:SHORT_SHOWN]:
        yield f"  {plain(record)}"
    more = len(unread) - SHORT_SHOWN
    if more > 0:
        yield f"  … and {more} more: with --out the quarantine of 1-collect has all."


def _could_not_be_read(count: int) -> str:
    return f"{plural(count, 'record')} could not be read"


def means(found: Iterable[CriterionMean]) -> Table:
    """A row a criterion: conversations that have a value, their mean, and the share without."""
    shown = [(one.criterion, one.n, value_text(one.mean), f"{one.nulls:.0%}") for one in found]
    return table(("criterion", "n", "mean", "null"), shown)


def shortfalls(found: Sequence[Shortfall]) -> Iterator[str]:
    """A sentence for each requirement that is not met, with the message that is to blame."""
    for one in found[:SHORT_SHOWN]:
        yield _shortfall(one)
    more = len(found) - SHORT_SHOWN
    if more > 0:
        yield f"… and {more} more that fall short."


def _shortfall(one: Shortfall) -> str:
    row, score = one.row, one.score
    value = "has no value" if score.value is None else f"is {score.value:.2f}"
    said = (
        f"{name_of(row)} ({row.source.ref}): {score.criterion} {value}, {one.least:g} is required"
    )
    if score.evidence:
        said += f": {short(plain(score.evidence), SENTENCE)}"
    for place in score.messages[:1]:
        said += f"; message {place}: {short(plain(row.messages[place].content), WIDTH)}"
    return plain(said)


def unseen(unread: int) -> str:
    """Why nothing is known of what is required."""
    if unread:
        return f"{_could_not_be_read(unread)}: nothing is known of what is required there."
    return "No conversation was read: nothing is known of what is required."


# --- two sets of conversations


def compared(found: Differences, inputs: Sequence[str]) -> Iterator[str]:
    """What is compared, and how."""
    for letter, path, rows in zip("AB", inputs, found.rows, strict=True):
        yield f"{letter}: {path}, {plural(rows, 'conversation')}"
    if found.pairs:
        yield f"compared in pairs: {plural(found.pairs, 'conversation')} with the same id in both"
    else:
        yield "compared as two groups: ids do not match"


def differences(found: Differences) -> Table:
    """A row a criterion: both means, how far they differ, and what that says."""
    heads = ("criterion", "n A", "n B", "A", "B", "B - A", "95 %", "")
    return table(heads, [_difference(one) for one in found.differences])


def _difference(one: Difference) -> tuple[object, ...]:
    first = (one.criterion, *one.n, *(f"{mean:.2f}" for mean in one.means or ()))
    if one.means is None:
        return (*first, "-", "-", "", "", "no value")
    if one.difference is None:
        return (*first, "", "", f"too few: {LEAST} are needed")
    value, low, high = one.difference
    return (*first, f"{value:+.2f}", f"{low:+.2f} to {high:+.2f}", _meaning(one.difference))


def _meaning(difference: Interval) -> str:
    if difference.holds_zero:
        return "no difference shown: holds 0"
    return "B is higher" if difference.value > 0 else "B is lower"
