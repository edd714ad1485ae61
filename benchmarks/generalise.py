"""How far the rules carry beyond the wordings they were written from.

    .venv/bin/python -m benchmarks.generalise            prints the tables (two minutes)
    .venv/bin/python -m benchmarks.generalise --write    puts them into pipeline/rules/README.md

disguises    every line of every list as people and programs write it: behind an action or an emoji,
             in capitals, in other quotation marks, without a blank, in full-width letters
families     faults planted in conversations, by family of wording: what a rule finds of its own
             kind, and what it still finds without the lines that catch nothing but this family
others       lists that others made: tokens of llama.cpp's templates, refusals of xstest
alarms       findings per 100,000 messages of people, by `benchmarks.alarms`
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from pipeline import filter as stage
from pipeline.conversation import Conversation, Drop, Message, Source
from pipeline.filter.repair import repair_texts
from pipeline.recipe.filter import FilterSettings, RepairSettings
from pipeline.rules.reading.phrases import LISTS, listed, parts
from pipeline.rules.reading.reading import read

README = Path(__file__).parents[1] / "pipeline" / "rules" / "README.md"
GAP = re.compile(r" ?~\d ?")
FULL_WIDTH = {letter: letter + 0xFEE0 for letter in range(ord("!"), ord("~") + 1)}
AROUND = (
    "Did the parcel from your aunt arrive in the end?",
    "It did, with two jars of plum jam in it.",
    "Plum is the best one, she knows what she is doing.",
    "",  # here stands the phrase
    "Fair enough. Shall we open one on Sunday?",
    "Gladly, come at ten and bring the bread.",
)
PLACE = AROUND.index("")

Disguise = Callable[[str], str]
DISGUISES: dict[str, Disguise] = {
    "action": "*sighs softly* {}".format,
    "glued to an action": "*nods*{}".format,
    "emoji": "🙂 {}".format,
    "glued to an emoji": "😅{}".format,
    "no blank": "Well...{}".format,
    "capitals": str.upper,
    "quoted": "“{}”".format,
    "curly": lambda phrase: phrase.replace("'", "’"),
    "full width": lambda phrase: phrase.translate(FULL_WIDTH),
}


# --- disguises


def spelling(line: str) -> str:
    """The shortest phrase that a line of a list stands for, with no word in its gaps."""
    shortest = [min(choices, key=len) for choices in parts(line)]
    return GAP.sub(" ", "".join(shortest)).strip()


def with_phrase(phrase: str, number: int) -> Conversation:
    contents = [*AROUND]
    contents[PLACE] = phrase
    roles = ("user", "assistant") * 3
    messages = [Message(role, text) for role, text in zip(roles, contents, strict=True)]
    return Conversation(
        f"{number:016x}", tuple(messages), Source("file", "generalise", str(number))
    )


def rules_of(rows: Sequence[Conversation]) -> list[set[str]]:
    """The rules that find something in each row, warnings as well, beyond those of `AROUND`."""
    usual = {"structure.uneven", "structure.balance"}
    results = stage.work(rows, FilterSettings())
    whole = [one.conversation if isinstance(one, Drop) else one for one in results]
    return [{finding.rule for finding in row.findings} - usual for row in whole]


def hits_of(name: str, row: Conversation) -> bool:
    """Whether a phrase of the list stands in the row, once it is repaired."""
    return bool(read(repair_texts(row, RepairSettings()).messages).hits[name])


def disguised(name: str) -> list[str]:
    """A list's row of the table: its lines, and the share that is found in each disguise."""
    phrases = [spelling(line) for line in listed(name)]
    plain_rows = [with_phrase(phrase, number) for number, phrase in enumerate(phrases)]
    plain = rules_of(plain_rows)
    cells = [f"`{name}`", str(len(phrases))]
    for disguise in DISGUISES.values():
        rows = [with_phrase(disguise(phrase), n) for n, phrase in enumerate(phrases)]
        found = [
            fired & again if fired else hits_of(name, row)
            for fired, again, row in zip(plain, rules_of(rows), rows, strict=True)
        ]
        cells.append(f"{sum(map(bool, found)) / len(phrases):.3f}")
    return cells


def disguises() -> list[str]:
    return table(["list", "lines", *DISGUISES], map(disguised, LISTS))


# --- tables


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def main() -> None:
    print("\n".join(disguises()))


if __name__ == "__main__":
    main()
