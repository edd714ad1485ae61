"""Every shape with other words: what is written into an example is what is read from it.

    the example      <user> Is it late?        read: user "Is it late?"
    other words      <user> Ждём 🙂 до 7.      read: user "Ждём 🙂 до 7."

Each text of each conversation is replaced in the file, whole messages in all scripts; then the file
is read again, and must give the same conversations with the new texts: the same roles, names,
personas and order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.collect import shapes
from pipeline.conversation import Conversation
from tests.foreign import EXAMPLES
from tests.judge import read
from tests.messengers import FILES
from tests.test_kinds import ALL, _file_of
from tests.test_shapes import as_text

GROUPS = (shapes.CHATS, shapes.RECORDS, shapes.TABLES, shapes.TEXTS, shapes.DOCUMENTS)
# Read from more than one file, or from texts that say what a message is by their words.
NOT_HERE = {
    "backyard": "an archive, see test_fronts.py",
    "cai_tools": "HTML, see test_fronts.py",
    "cdial": "its texts have blanks between all letters, see test_shapes.py",
    "cornell": "two files, see test_papers.py",
    "discord_package": "one side only: refused, see test_messengers.py",
    "ginger": "a folder, see test_fronts.py",
    "leaves": "one row a path through a tree, see test_shapes.py",
    "personal_dialog": "its texts have blanks between words, see test_papers.py",
    "selection_text": "its texts have marks between words, see test_papers.py",
}
# In any file; and in JSON, where nothing that a text holds is a mark of the file.
ANYWHERE = """
    Tea don’t «да» 12.30 https://example.org/a?b=1 🙂 (hm) Ждём до 你好 안녕 مرحبا É naïve x²
    50% I Grüße — ¿Qué? もう
"""
IN_JSON = ANYWHERE + '3,5 #4 12:30 user: a|b {x} [y] *nods* /me ```code``` & \\n "Yes."'


class Example(NamedTuple):
    """A file, the shape that reads it, and the conversations that are read."""

    name: str
    text: str
    shape: str
    rows: list[Conversation]


def _files() -> Iterator[tuple[str, str]]:
    for _, name, content, _ in [*EXAMPLES, *FILES]:
        yield name, as_text(name, content)
    for kind in ALL:
        path = _file_of(kind)
        data = path.read_bytes()
        if path.suffix not in (".zip", ".charx", ".png", ".xlsx", ".parquet") and b"\0" not in data:
            yield path.name, data.decode("utf-8", "replace")


def _example(name: str, text: str) -> Example | None:
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, "utf-8")
        found = read(path)
    shapes_used = [file.shape for file in found.files if file.shape]
    if not found.kept or not shapes_used:
        return None
    return Example(name, text, shapes_used[0], found.kept)


@cache
def _examples() -> dict[str, Example]:
    """By shape: the example of which the most can be replaced."""
    best: dict[str, Example] = {}
    for name, text in _files():
        example = _example(name, text)
        if example is None:
            continue
        before = best.get(example.shape)
        if before is None or len(_replaceable(example)) > len(_replaceable(before)):
            best[example.shape] = example
    return best


def _replaceable(example: Example) -> list[str]:
    """The texts of its messages that stand in the file as they are read."""
    found = dict.fromkeys(m.content for row in example.rows for m in row.messages)
    whole = [text for text in found if not any(text in other and text != other for other in found)]
    return [text for text in whole if _spelling(text, example.text)]


def _spelling(content: str, text: str) -> str | None:
    """How a text is written in a file: as it is, or as JSON writes it."""
    ways = [json.dumps(content)[1:-1], json.dumps(content, ensure_ascii=False)[1:-1], content]
    return next((way for way in ways if way in text), None)


# --- other words


def _texts(words: str) -> st.SearchStrategy[str]:
    """Two words that every text begins and ends with, and any between them."""
    middle = st.lists(st.sampled_from(words.split()), max_size=6)
    return middle.map(lambda between: " ".join(["So", *between, "then."]))


def _rewritten(example: Example, others: Mapping[str, str]) -> str:
    """The file with other texts; the longest first, as one may stand in another."""
    is_json = example.name.endswith((".json", ".jsonl"))
    text = example.text
    for content in sorted(others, key=len, reverse=True):
        spelling = _spelling(content, text)
        other = json.dumps(others[content])[1:-1] if is_json else others[content]
        if is_json and f'"{spelling}"' in text:
            text = text.replace(f'"{spelling}"', f'"{other}"')
        elif spelling:
            text = text.replace(spelling, other)
    return text


def _conversations(rows: list[Conversation], others: Mapping[str, str]) -> list[list[Any]]:
    return [
        [(m.role, m.name, others.get(m.content, m.content)) for m in row.messages] for row in rows
    ]


@pytest.mark.parametrize("shape", sorted({*shapes.names(*GROUPS)} - NOT_HERE.keys()))
@settings(max_examples=4, phases=[Phase.generate], deadline=None)
@given(data=st.data())
def test_other_words_come_back(shape: str, data: st.DataObject) -> None:
    example = _examples()[shape]
    is_json = example.name.endswith((".json", ".jsonl"))
    texts = _texts(IN_JSON if is_json else ANYWHERE)
    contents = _replaceable(example)
    assert contents
    others = {content: f"{number} {data.draw(texts)}" for number, content in enumerate(contents)}
    again = _example(example.name, _rewritten(example, others))
    assert again is not None
    assert _conversations(again.rows, {}) == _conversations(example.rows, others)
