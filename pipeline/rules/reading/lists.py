"""The lists of `configs/words`: their lines, and what a line means.

A list has one phrase a line, lower case. `(a|b|)` stands for a, b or nothing; `_` stands for a
blank where one would be cut off; `@age = a|b` names a choice for the lines below it. ` ~3 `
stands for up to three words of the same sentence: `i can't ~2 help` is in "I can't really help".

    listed("refusal")                 the lines of refusal.txt, refusal-de.txt, refusal-en.txt, …
    parts("a (b|c)")                  its choices, one after another
    pattern("i (cannot|can't) help")  a regular expression for one line
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

from pipeline import texts

# Scripts that write no blank between words, and those that glue particles to them: next to their
# letters no word boundary is asked for.
UNSPACED = (
    r"\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
_CHOICE = re.compile(r"@\S+ =")
_CHOICE_NAME = re.compile(r"@[^\W\d_']+(?:'\w+)?")
_GROUP = re.compile(r"(\([^()]*\)| ?~\d ?)")
GAP = re.compile(r" ?~(\d) ?")
_BRACKET = re.compile("[()]")
# Per word of a gap; in a script without blanks a word counts as three letters.
_GAP_LETTERS = 3


@cache
def listed(name: str) -> tuple[str, ...]:
    """The lines of a list in all its languages, lower case, named choices filled in."""
    files = texts.word_lists(name)
    return tuple(dict.fromkeys(line for file in files for line in _lines(file)))


def _lines(file: str) -> Iterator[str]:
    choices: dict[str, str] = {}
    for entry in texts.words(file):
        line = entry.lower()
        if _CHOICE.match(line):
            name, _, choice = line.partition("=")
            choices[name.strip()] = flat(f"({choice.strip()})".replace("_", " "))
        else:
            filled = _CHOICE_NAME.sub(lambda name: choices.get(name[0], name[0]), line)
            yield flat(filled)


def flat(line: str) -> str:
    """A line without groups inside groups: `(a|b (c|d))` → `(a|b c|b d)`."""
    return "".join(_flat_group(piece) for piece in _pieces(line))


def _flat_group(piece: str) -> str:
    if piece.startswith("(") and piece.rfind("(") > 0:
        return f"({'|'.join(_spellings(piece))})"
    return piece


def _spellings(piece: str) -> list[str]:
    """What a group, or the text between two groups, can be."""
    if not piece.startswith("("):
        return [piece]
    spelt = []
    for choice in _choices_of_group(piece):
        ways = map(_spellings, _pieces(choice))
        spelt += ["".join(way) for way in product(*ways)]
    return spelt


def _pieces(line: str) -> list[str]:
    """Its outermost groups, and the text between them."""
    pieces, depth, start = [], 0, 0
    for bracket in _BRACKET.finditer(line):
        opens = bracket[0] == "("
        if depth == (0 if opens else 1):
            place = bracket.start() if opens else bracket.end()
            pieces.append(line[start:place])
            start = place
        depth += 1 if opens else -1
    return [*pieces, line[start:]]


def _choices_of_group(group: str) -> Iterator[str]:
    """The choices between its brackets; a group inside it stays whole."""
    choice = ""
    for part in group[1:-1].split("|"):
        choice += part
        if choice.count("(") == choice.count(")"):
            yield choice
            choice = ""
        else:
            choice += "|"


def parts(line: str) -> list[list[str]]:
    """The choices of a line, one after another: `a (b|c)` → [["a "], ["b", "c"]]."""
    pieces = filter(None, _GROUP.split(line))
    return [_choices(piece) for piece in pieces]


def _choices(piece: str) -> list[str]:
    return piece[1:-1].split("|") if piece.startswith("(") else [piece]


@cache
def pattern(line: str, unspaced: bool = True) -> re.Pattern[str]:
    """What a line means, with word boundaries where its script has them.

    unspaced: whether the text may have letters of `UNSPACED` scripts. Without them the expression
    is compiled in a tenth of the time, because the ranges of those scripts are left out.
    """
    return re.compile(expression((line,), unspaced))


def expression(lines: Sequence[str], unspaced: bool = True) -> str:
    """The regular expression of lines of which one must stand. The boundaries are written once for
    all of them: each costs milliseconds to compile."""
    bodies = ["".join(_expression(choices, unspaced) for choices in parts(line)) for line in lines]
    body = bodies[0] if len(bodies) == 1 else f"(?:{'|'.join(bodies)})"
    if not unspaced:
        return rf"(?<![^\W_]){body}(?![^\W_])"
    word, own = f"[^\\W_{UNSPACED}]", f"[{UNSPACED}]"
    return f"(?:(?={own})|(?<!{word})){body}(?:(?<={own})|(?!{word}))"


def _expression(choices: Sequence[str], unspaced: bool) -> str:
    gap = GAP.fullmatch(choices[0])
    if not gap:
        return _any_of(choices)
    words = int(gap[1])
    between = r"[^\w.!?。！？…\n\0]+"
    # possessive: what is a word is not tried in other ways. "can" is no word of "can't"
    word = r"\w++(?:'\w{1,2}+(?!\w))?+"
    any_words = rf"(?!'\w)(?:{between}{word}){{0,{words}}}?{between}"
    if not unspaced:
        return any_words
    return rf"(?:{any_words}|[^。！？.!?…\n\0]{{0,{_GAP_LETTERS * words}}}?)"


def _any_of(choices: Sequence[str]) -> str:
    longest_first = sorted(choices, key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, longest_first))})"
