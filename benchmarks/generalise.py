"""How far the rules carry beyond the wordings they were written from.

    .venv/bin/python -m benchmarks.generalise            prints the tables (a few minutes)
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
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import ascii_letters, digits

from benchmarks import alarms, sets
from pipeline import filter as stage
from pipeline.conversation import Conversation, Drop, Finding, Message, Role, Source
from pipeline.filter.repair import repair_texts
from pipeline.recipe.filter import FilterSettings, RepairSettings
from pipeline.rules.reading.lists import listed, parts, pattern
from pipeline.rules.reading.phrases import LISTS
from pipeline.rules.reading.reading import fold, read
from pipeline.rules.style.assistant import assistant
from pipeline.rules.style.refusals import refusals as refused
from pipeline.rules.style.tokens import tokens as template_tokens
from pipeline.rules.style.tools import tool_calls
from tests.battery import judged

ROOT = Path(__file__).parents[1]
README = ROOT / "pipeline" / "rules" / "README.md"
DATA = ROOT / "tests" / "data"
SEEN, OPEN, UNSEEN = DATA / "battery", DATA / "battery_open", DATA / "battery_unseen"
BEGIN = "<!-- generalise: made by `python -m benchmarks.generalise --write` -->"
END = "<!-- end of generalise -->"
GAP = re.compile(r" ?~\d ?")
FULL_WIDTH = {ord(letter): ord(letter) + 0xFEE0 for letter in ascii_letters + digits}
AROUND = (
    "Did the parcel from your aunt arrive in the end?",
    "It did, with two jars of plum jam in it.",
    "Plum is the best one, she knows what she is doing.",
    "",  # here stands the phrase
    "Fair enough. Shall we open one on Sunday?",
    "Gladly, come at ten and bring the bread.",
)
PLACE = AROUND.index("")

TOKENS = DATA / "template_tokens.txt"
PLACES = (
    ("alone", "{}"),
    ("a letter before", "ok{}"),
    ("a letter behind", "{}ok"),
    ("blanks around", "ok {} ok"),
)

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
    roles: tuple[Role, ...] = ("user", "assistant") * 3
    messages = [Message(role, text) for role, text in zip(roles, contents, strict=True)]
    return Conversation(
        f"{number:016x}", tuple(messages), Source("file", "generalise", str(number))
    )


def rules_of(rows: Sequence[Conversation]) -> list[set[str]]:
    """The rules that find something in each row, warnings as well, beyond those of `AROUND`.

    Those on languages do not count: a phrase in capitals may be taken for another language.
    """
    results = stage.work(rows, FilterSettings())
    whole = [one.conversation if isinstance(one, Drop) else one for one in results]
    return [{finding.rule for finding in row.findings if _counts(finding)} for row in whole]


def _counts(finding: Finding) -> bool:
    is_usual = finding.rule in {"structure.uneven", "structure.balance"}
    return not is_usual and not finding.rule.startswith("language.")


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


# --- families


def families(folder: Path) -> list[str]:
    """A row a kind: faults, the share found, and the share found without lines of their own.

    A line of a list is a family's own when it stands in no other planted text. A family that is
    found by such lines only was not generalised, but learnt.
    """
    results = [one for one in judged(folder) if one.truth["fault"]]
    texts = {(one.truth["kind"], one.truth["family"]): one.truth["text"] or "" for one in results}
    lines = {family: _lines_in(text) for family, text in texts.items()}
    times = Counter(line for found in lines.values() for line in found)
    own = {family for family, found in lines.items() if found and all(times[x] == 1 for x in found)}
    by_kind: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for one in results:
        family = (one.truth["kind"], one.truth["family"])
        by_kind[one.truth["kind"]].append((one.is_found, one.is_found and family not in own))
    heads = ["kind", "faults", "found by its own rule", "without a line of its own"]
    return table(heads, itertools.starmap(_of_kind, sorted(by_kind.items())))


def _of_kind(kind: str, found: Sequence[tuple[bool, bool]]) -> list[str]:
    shares = [f"{sum(column) / len(found):.2f}" for column in zip(*found, strict=True)]
    return [kind, str(len(found)), *shares]


def _lines_in(text: str) -> set[tuple[str, str]]:
    """(list, line) of every line of a list that stands in a text."""
    folded = fold(text)
    return {(name, line) for name in LISTS for line in listed(name) if pattern(line).search(folded)}


# --- lists that others made


def refusals() -> list[str]:
    """Completions of xstest by both models: full and partial refusals that are found."""
    found: dict[str, list[bool]] = defaultdict(list)
    for _, label, exchange in sets.xstest():
        reading = read(exchange.messages)
        found[label].append(any([*refused(reading), *assistant(reading)]))
    full, partial = found["full_refusal"], found["partial_refusal"]
    right, alarms = sum(full + partial), sum(found["full_compliance"])
    rows = [
        ["full refusals: recall", f"{sum(full) / len(full):.3f}"],
        ["full and partial: recall", f"{right / len(full + partial):.3f}"],
        ["full and partial: precision", f"{right / (right + alarms):.3f}"],
    ]
    return table(["xstest, two models", ""], rows)


def tokens() -> list[str]:
    """Tokens of llama.cpp's templates that are found at each of four places in a message."""
    lines = TOKENS.read_text("utf-8").splitlines()
    every = [line for line in lines if line and not line.startswith("# ")]
    rows = [[name, f"{_places_found(every, place)} of {len(every)}"] for name, place in PLACES]
    return table(["tokens of llama.cpp", "found"], rows)


def _places_found(every: Sequence[str], place: str) -> int:
    """Of the messages as they are: repaired, they have no token left."""
    rows = [with_phrase(place.format(token), number) for number, token in enumerate(every)]
    readings = [read(row.messages) for row in rows]
    return sum(any([*template_tokens(one), *tool_calls(one)]) for one in readings)


def people() -> list[str]:
    """Findings in `alarms.UNIT` messages of people, by rule."""
    messages: Counter[str] = Counter()
    found = list(alarms.alarms(alarms.counted(alarms.human_rows(), messages)))
    counts = Counter((one.finding.rule, one.finding.decision) for one in found)
    rates = [
        [f"`{rule}`", decision, alarms.rate(count, messages.total())]
        for (rule, decision), count in sorted(counts.items())
    ]
    return table([f"{messages.total():,} messages of people", "", "in 100,000"], rates)


# --- tables


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def report() -> str:
    tables = {
        "Every line of every list in disguise: share still found": disguises(),
        "Planted faults that the rules were written with": families(SEEN),
        "Planted faults by somebody who saw no rule, misses mended": families(OPEN),
        "Planted faults by the same, read by nobody who wrote a rule": families(UNSEEN),
        "Tokens that others listed": tokens(),
        "Refusals that others labelled": refusals(),
        "What is found in conversations of people": people(),
    }
    return "\n\n".join(f"**{name}**\n\n" + "\n".join(rows) for name, rows in tables.items())


def written(readme: str, tables: str) -> str:
    """The README with these tables between the two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    tables = report()
    if parser.parse_args().write:
        README.write_text(written(README.read_text("utf-8"), tables), "utf-8")
    else:
        print(tables)


if __name__ == "__main__":
    main()
