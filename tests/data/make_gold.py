"""Makes the gold sets of this folder from the three texts beside it.

    python -m tests.data.make_gold      # after each change of a text

talks.txt    →  gold_dedup.jsonl          talks, and copies of them with planted edits
                gold_dedup_pairs.jsonl    the truth: every two of them that are alike
privacy.txt  →  gold_privacy.jsonl        messages with personal data, and decoys
safety.txt   →  gold_safety.jsonl         what the rules must find, and what must pass

Nothing of the product is imported here. Which talks are alike is found by comparing all pairs of
plain Python sets: slow, and a second reading of the definitions in the README of this folder.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, cycle, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

HERE = Path(__file__).parent
SEED = 20240229
SHINGLE = 5  # words
NEAR_MISS = 0.5  # pairs are listed from this similarity on: those just below a limit are there too
COPIED = 40  # words; a shorter talk is not copied

# Each ideograph and each kana is a word by itself, any other run of letters and digits is one.
ALONE = "\u2f00-\u2fdf\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{ALONE}]|[^\W_{ALONE}]+")
SENTENCE = re.compile(r"[^.!?。！？]+[.!?。！？]+\s*")
DATUM = re.compile(r"\{(\w+):([^}]+)\}")

Record = dict[str, object]


class Message(NamedTuple):
    """What one speaker says at a time."""

    role: str
    name: str
    content: str


Said = tuple[Message, ...]


@dataclass(frozen=True)
class Talk:
    """family: the number in talks.txt of the talk it was made from. edit: what was done to it."""

    language: str
    messages: Said
    family: int
    edit: str = "original"

    @property
    def text(self) -> str:
        return "\n".join(message.content for message in self.messages)


# --- talks and their words


def talks() -> list[Talk]:
    """The talks of talks.txt, in its order."""
    blocks = "\n".join(_lines("talks.txt")).split("== ")[1:]
    return [_talk(block, number) for number, block in enumerate(blocks)]


def _talk(block: str, number: int) -> Talk:
    heading, *texts = block.splitlines()
    language, first, second = heading.split()
    speakers = cycle([("user", first), ("assistant", second)])
    messages = [Message(*next(speakers), text) for text in texts]
    return Talk(language, tuple(messages), number)


def words(text: str) -> list[str]:
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def stretch(talk: Talk, first: int, last: int) -> Said:
    """Words [first, last) of a talk, in their messages; the marks after a word go with it."""
    found, before = [], 0
    for message in talk.messages:
        places = [match.start() for match in WORD.finditer(message.content)]
        chosen = range(max(0, first - before), min(len(places), last - before))
        if chosen:
            edges = [*places, len(message.content)]
            text = message.content[edges[chosen.start] : edges[chosen.stop]].strip()
            found.append(message._replace(content=text))
        before += len(places)
    return tuple(found)


def _length(talk: Talk) -> int:
    return len(WORD.findall(talk.text))


def _with_texts(talk: Talk, change: Callable[[str], str]) -> Said:
    return tuple(message._replace(content=change(message.content)) for message in talk.messages)


# --- edits. Each takes a talk, another of its language, a share of its words, and chance.


def exact(talk: Talk, _other: Talk, _share: float, _chance: Random) -> Said:
    return talk.messages


def rename_speakers(talk: Talk, other: Talk, _share: float, _chance: Random) -> Said:
    names = {message.role: message.name for message in other.messages}
    return tuple(message._replace(name=names[message.role]) for message in talk.messages)


def speaker_swap(talk: Talk, _other: Talk, _share: float, _chance: Random) -> Said:
    swapped = {"user": "assistant", "assistant": "user"}
    return tuple(message._replace(role=swapped[message.role]) for message in talk.messages)


def case_punct(talk: Talk, _other: Talk, _share: float, chance: Random) -> Said:
    """Another case, other marks, other blanks; the words stay."""

    def change(text: str) -> str:
        cased = chance.choice([str.upper, str.lower, str.title])(text)
        for mark in ",.?!，。？！":
            cased = cased.replace(mark, chance.choice(["", " ", " - ", "...", f" {mark}{mark}"]))
        return re.sub(r"(?<=[^\W_])(?=\s)", chance.choice(["", " ", "*"]), cased)

    return _with_texts(talk, change)


def unicode_form(talk: Talk, _other: Talk, _share: float, chance: Random) -> Said:
    """The same words in other code points: accents apart, wide letters, ligatures, radicals."""
    wide = {ord(" "): " "} | {code: chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
    joined = {"fi": "ﬁ", "fl": "ﬂ", "...": "…", "人": "⼈", "大": "⼤", "小": "⼩", "老": "⽼"}

    def ligatures(text: str) -> str:
        for plain, one in joined.items():
            text = text.replace(plain, one)
        return text

    forms: list[Callable[[str], str]] = [
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.translate(wide),
        lambda text: ligatures(unicodedata.normalize("NFD", text)),
    ]
    return _with_texts(talk, chance.choice(forms))


def resegment(talk: Talk, _other: Talk, _share: float, chance: Random) -> Said:
    """The same sentences, cut into other messages."""
    whole = "".join(f"{message.content} " for message in talk.messages)
    sentences = iter(SENTENCE.findall(whole))
    speakers = cycle(talk.messages[:2])
    found = []
    while some := list(islice(sentences, chance.randint(1, 3))):
        found.append(next(speakers)._replace(content="".join(some).strip()))
    return tuple(found)


def cut_start(talk: Talk, _other: Talk, share: float, _chance: Random) -> Said:
    length = _length(talk)
    return stretch(talk, round(share * length), length)


def cut_end(talk: Talk, _other: Talk, share: float, _chance: Random) -> Said:
    length = _length(talk)
    return stretch(talk, 0, length - round(share * length))


def contained(talk: Talk, _other: Talk, share: float, chance: Random) -> Said:
    """A stretch out of the middle."""
    length = _length(talk)
    start = chance.randrange(1, length - round(share * length))
    return stretch(talk, start, start + round(share * length))


def word_sub(talk: Talk, other: Talk, share: float, chance: Random) -> Said:
    """Words here and there replaced by words of another talk."""
    length = _length(talk)
    chosen = set(chance.sample(range(length), max(1, round(share * length))))
    numbers, strange = iter(range(length)), WORD.findall(other.text)

    def change(match: re.Match[str]) -> str:
        return chance.choice(strange) if next(numbers) in chosen else match[0]

    return _with_texts(talk, lambda text: WORD.sub(change, text))


def prefix_add(talk: Talk, other: Talk, share: float, _chance: Random) -> Said:
    return stretch(other, 0, round(share * _length(talk))) + talk.messages


def suffix_add(talk: Talk, other: Talk, share: float, _chance: Random) -> Said:
    return talk.messages + stretch(other, 0, round(share * _length(talk)))


def shared_opening(talk: Talk, other: Talk, share: float, _chance: Random) -> Said:
    """Begins like one talk and goes on like another."""
    shared, rest = round(share * _length(talk)), round((1 - share) * _length(talk))
    length = _length(other)
    return stretch(talk, 0, shared) + stretch(other, max(0, length - rest), length)


def twice(talk: Talk, other: Talk, share: float, chance: Random) -> Said:
    """A copy of a copy: some words, then case and marks, then code points."""
    for edit in (word_sub, case_punct, unicode_form):
        talk = replace(talk, messages=edit(talk, other, share, chance))
    return talk.messages


Edit = Callable[[Talk, Talk, float, Random], Said]
PLAN: tuple[tuple[Edit, float, int], ...] = (  # the edit, the share of words it touches, how often
    (exact, 0, 10), (rename_speakers, 0, 10), (speaker_swap, 0, 8), (case_punct, 0, 14),
    (unicode_form, 0, 14), (resegment, 0, 12), (cut_start, 0.2, 9), (cut_end, 0.2, 9),
    (cut_start, 0.5, 6), (cut_end, 0.5, 6), (contained, 0.45, 10), (word_sub, 0.02, 14),
    (word_sub, 0.05, 16), (word_sub, 0.10, 10), (prefix_add, 0.15, 6), (prefix_add, 0.40, 5),
    (suffix_add, 0.15, 6), (suffix_add, 0.40, 5), (shared_opening, 0.35, 8),
    (shared_opening, 0.5, 8), (shared_opening, 0.7, 8), (twice, 0.02, 8),
)  # fmt: skip


def with_copies(originals: Sequence[Talk], chance: Random) -> list[Talk]:
    """All talks and what the plan makes of them, in an order of chance."""
    copied = [talk for talk in originals if _length(talk) >= COPIED]
    chance.shuffle(copied)
    turn, made = cycle(copied), list(originals)
    for edit, share, times in PLAN:
        for talk in islice(turn, times):
            same = [other for other in copied if other.language == talk.language]
            other = chance.choice([other for other in same if other is not talk])
            messages = edit(talk, other, share, chance)
            name = f"{edit.__name__} {share}" if share else edit.__name__
            made.append(replace(talk, messages=messages, edit=name))
    chance.shuffle(made)
    return made


# --- the truth


def shingles(text: str) -> set[tuple[str, ...]]:
    """All runs of 5 words; of fewer words, one run of them all."""
    said = words(text)
    starts = range(max(1, len(said) - SHINGLE + 1))
    return {tuple(said[start : start + SHINGLE]) for start in starts if said}


def pairs(made: Sequence[Talk]) -> Iterator[Record]:
    """Every two talks that are alike, or one is wholly in the other. words: of the shorter."""
    sets = [shingles(talk.text) for talk in made]
    lengths = [len(words(talk.text)) for talk in made]
    for a, b in combinations(range(len(made)), 2):
        shared = len(sets[a] & sets[b])
        jaccard = shared / max(1, len(sets[a] | sets[b]))
        part = shared / max(1, min(len(sets[a]), len(sets[b])))
        if jaccard >= NEAR_MISS or part == 1:
            shorter = min(lengths[a], lengths[b])
            yield {"a": _id(a), "b": _id(b), "jaccard": jaccard, "part": part, "words": shorter}


def _id(number: int) -> str:
    return f"d{number:03}"


def _dedup_record(number: int, talk: Talk) -> Record:
    known = {"language": talk.language, "family": talk.family, "edit": talk.edit}
    messages = [message._asdict() for message in talk.messages]
    return {"id": _id(number)} | known | {"messages": messages}


# --- privacy and safety


def privacy() -> Iterator[Record]:
    """A record a line of privacy.txt; the braces become spans."""
    for number, (missed, fields) in enumerate(_fields("privacy.txt")):
        language, *texts = fields
        plain = [DATUM.sub(r"\2", text) for text in texts]
        spans = [span for place, text in enumerate(texts) for span in _spans(place, text)]
        row = {"id": f"p{number:03}", "language": language, "spans": spans}
        yield row | missed | {"messages": _messages(plain)}


def _spans(message: int, text: str) -> Iterator[Record]:
    braces = 0  # characters of the braces and kinds so far
    for match in DATUM.finditer(text):
        start = match.start() - braces
        yield {"message": message, "kind": match[1], "start": start, "end": start + len(match[2])}
        braces += len(match[0]) - len(match[2])


def safety() -> Iterator[Record]:
    """A record a line of safety.txt. message: where the rule must fire, null for the card."""
    for number, (missed, fields) in enumerate(_fields("safety.txt")):
        rules, language, *texts = fields
        messages = _messages([text.replace("\\n", "\n") for text in texts])
        of_card = messages[0]["role"] == "system"
        wanted = [] if rules == "clean" else rules.split("/")
        place = None if of_card or not wanted else len(messages) - 1
        row = {"id": f"s{number:03}", "language": language, "rules": wanted, "message": place}
        yield row | missed | {"messages": messages}


def _messages(texts: Sequence[str]) -> list[dict[str, str]]:
    system = "(system) "
    cards = [text for text in texts if text.startswith(system)]
    messages = [{"role": "system", "content": card.removeprefix(system)} for card in cards]
    speakers = cycle(["user", "assistant"])
    spoken = texts[len(cards) :]
    return messages + [{"role": next(speakers), "content": text} for text in spoken]


def _fields(name: str) -> Iterator[tuple[Record, list[str]]]:
    """The lines of a file: what is known to be missed, and the fields between the bars."""
    for line in _lines(name):
        missed: Record = {"known_miss": True} if line.startswith("? ") else {}
        yield missed, [field.strip() for field in line.removeprefix("? ").split(" | ")]


def _lines(name: str) -> list[str]:
    """The lines of a text that hold something, without comments."""
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


# --- writing


def make(folder: Path) -> None:
    """Write the four sets."""
    made = with_copies(talks(), Random(SEED))
    _write(folder / "gold_dedup.jsonl", (_dedup_record(*one) for one in enumerate(made)))
    _write(folder / "gold_dedup_pairs.jsonl", pairs(made))
    _write(folder / "gold_privacy.jsonl", privacy())
    _write(folder / "gold_safety.jsonl", safety())


def _write(path: Path, records: Iterable[Record]) -> None:
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
