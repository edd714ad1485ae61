"""What the whole filter finds in conversations of people: alarms per 100,000 messages.

    .venv/bin/python -m benchmarks.alarms                        the table, two minutes
    .venv/bin/python -m benchmarks.alarms --sample safety.self_harm 50 --seed 1 > sample.tsv
                                                                 findings for a reader to label

Repairs and rules are those of a recipe that says nothing. A finding counts where it drops its row
or warns; most of what is found here is wrong. The sets are named in `HUMAN` and read by
recipes/all-sets.yaml. A sample has one finding a line, with tabs between id, rule, evidence, the
message and what stands around it; all findings where there are fewer than asked for.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline import collect
from pipeline import filter as stage
from pipeline.conversation import Conversation, Drop, Finding
from pipeline.recipe.collect import CollectSettings
from pipeline.recipe.filter import FilterSettings
from pipeline.recipe.loading import load

RECIPE = Path(__file__).parent / "recipes" / "all-sets.yaml"
HUMAN = ("self_dialogue", "casino", "xpersona", "kdconv", "plays_", "taskmaster4")
UNIT = 100_000  # messages
BEFORE, AFTER = 3, 1  # messages around that of a finding, in a sample
# What must not drop messages of people; at most three in `UNIT`.
STRICT = ("style.", "language.declared", "privacy.")


class Alarm(NamedTuple):
    """A finding and the row that it was found in."""

    row: Conversation
    finding: Finding


# --- rows and findings


def human_rows() -> Iterator[Conversation]:
    """Every conversation of the human sets, as `collect` reads it."""
    settings = load(RECIPE).collect
    sources = [source for source in settings.sources if source.name.startswith(HUMAN)]
    chosen = CollectSettings(sources=sources)
    for unit in collect.units(chosen, RECIPE.parent):
        for row in collect.read(unit, chosen, RECIPE.parent):
            if isinstance(row, Conversation):
                yield row


def counted(rows: Iterable[Conversation], messages: Counter[str]) -> Iterator[Conversation]:
    """The same rows; their messages are added up by set."""
    for row in rows:
        messages[row.source.name] += len(row.messages)
        yield row


def alarms(rows: Iterable[Conversation]) -> Iterator[Alarm]:
    """What `filter` drops or warns of."""
    for result in stage.work(rows, FilterSettings()):
        row = result.conversation if isinstance(result, Drop) else result
        for finding in row.findings:
            if finding.stage == "filter" and finding.decision in ("drop", "warn"):
                yield Alarm(row, finding)


# --- the table


def table(messages: Counter[str], found: Iterable[Alarm]) -> Iterator[str]:
    """A line for each rule and decision: findings in `UNIT` messages, of all sets and of each."""
    sets = sorted(messages)
    counts: Counter[tuple[str, str, str]] = Counter()
    for row, finding in found:
        counts[finding.rule, finding.decision, row.source.name] += 1
    yield line("rule", "decision", ["all", *sets])
    yield line("messages", "", [str(messages.total()), *(str(messages[name]) for name in sets)])
    for rule, decision in sorted({(rule, decision) for rule, decision, _ in counts}):
        by_set = [counts[rule, decision, name] for name in sets]
        rates = [rate(count, messages[name]) for count, name in zip(by_set, sets, strict=True)]
        yield line(rule, decision, [rate(sum(by_set), messages.total()), *rates])
    strict = sum(n for (rule, decision, _), n in counts.items() if is_strict(rule, decision))
    yield f"{', '.join(STRICT)} that drop: {rate(strict, messages.total())} in {UNIT} messages"


def is_strict(rule: str, decision: str) -> bool:
    return decision == "drop" and rule.startswith(STRICT)


def rate(count: int, messages: int) -> str:
    return f"{UNIT * count / messages:.2f}"


def line(rule: str, decision: str, numbers: Iterable[str]) -> str:
    return f"{rule:24}{decision:9}" + "".join(f"{number:>14}" for number in numbers)


# --- a sample


def sample(rule: str, size: int, seed: int, found: Iterable[Alarm]) -> list[Alarm]:
    """Some findings of a rule, drawn by chance, in the order of the rows."""
    every = [alarm for alarm in found if alarm.finding.rule == rule]
    drawn = random.Random(seed).sample(range(len(every)), min(size, len(every)))
    return [every[place] for place in sorted(drawn)]


def for_reader(alarm: Alarm) -> tuple[str, ...]:
    """id, rule, evidence, message, context. In the place of a message that a finding of the whole
    row does not have stand the cards."""
    row, finding = alarm
    place = finding.message
    message = cards(row) if place is None else row.messages[place].content
    first, last = (0, BEFORE) if place is None else (max(0, place - BEFORE), place + AFTER)
    around = [f"{one.role}: {one.content}" for one in row.messages[first : last + 1]]
    return row.id, finding.rule, finding.evidence or "", message, " / ".join(around)


def cards(row: Conversation) -> str:
    both = [card for card in (row.persona, row.user_persona) if card]
    return " / ".join(f"{card.name or ''}: {card.description or ''}" for card in both)


def write(found: Iterable[Alarm]) -> None:
    """As TSV: breaks of lines in a message become blanks."""
    rows = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    rows.writerow(("id", "rule", "evidence", "message", "context"))
    for alarm in found:
        rows.writerow([" ".join(cell.split()) for cell in for_reader(alarm)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", nargs=2, metavar=("RULE", "N"))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    messages: Counter[str] = Counter()
    found = list(alarms(counted(human_rows(), messages)))
    if asked.sample:
        rule, size = asked.sample
        write(sample(rule, int(size), asked.seed, found))
    else:
        print("\n".join(table(messages, found)))


if __name__ == "__main__":
    main()
