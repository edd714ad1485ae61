"""Lists that stand as text in the cells of a table: JSON, or as Python or NumPy print them.

'[{"role": "user", "content": "Tea?"}]'    "['Tea?', 'Please.']"    "['Tea?' 'Please.']"

A cell is taken for a list where its column is called after one (`messages`, `dialog`, `history`),
or where its items are objects that say who writes what.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.general import messages, sharegpt, speakers
from pipeline.collect.shapes.transcript import Fields, Numbered

LISTS = (*known.PLACES, *known.HISTORIES)
LONGEST = 1_000_000  # characters of a list that is not JSON; longer ones stay text
# tokens after which, and before which, NumPy leaves out a comma
ENDS, BEGINS = ("}", "]", ")"), ("{", "[", "(")


def unpacker(sample: Iterable[object]) -> Callable[[object], object] | None:
    """What turns the text of cells into lists, in the columns that hold them; None where none does.

    sample: the first records.
    """
    rows = [record for record in sample if isinstance(record, dict)]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [name for name in names if _holds_lists(name, [row.get(name) for row in rows])]
    return partial(_unpacked, columns=columns) if columns else None


def unpack_all(
    records: Iterable[Numbered], unpack: Callable[[object], object]
) -> Iterator[Numbered]:
    return ((number, unpack(record)) for number, record in records)


def _unpacked(record: object, columns: list[str]) -> object:
    """A record with its cells as lists; a cell that is none stays as it is, and is refused."""
    if not isinstance(record, dict):
        return record
    lists = {name: as_list(record.get(name)) for name in columns}
    return record | {name: value for name, value in lists.items() if value is not None}


def _holds_lists(name: object, values: list[object]) -> bool:
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    if not texts or not all(text.lstrip().startswith("[") for text in texts):
        return False
    lists = [found for found in map(as_list, texts) if found is not None]
    if len(lists) * 2 <= len(texts):
        return False
    return known.plain(str(name)) in LISTS or all(map(_says_who, lists))


def _says_who(items: list[object]) -> bool:
    record: Fields = {"messages": items}
    shapes = (messages, sharegpt, speakers)
    return any(shape.recognise(record) for shape in shapes)


def as_list(value: object) -> list[object] | None:
    """The list of texts, objects or lists that a text holds; None where it holds no such list."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        found = _python_list(value)
    except RecursionError:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str | dict | list) for one in found):
        return None
    return found


def _python_list(text: str) -> object:
    """A list as Python or NumPy prints it; None where the text is none."""
    if len(text) > LONGEST:
        return None
    try:
        return ast.literal_eval(_with_commas(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError):
        return None


def _with_commas(text: str) -> str:
    """A printed list with the commas that NumPy leaves out: without them texts would be joined."""
    parts: list[str] = []
    before: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
        if token.type == tokenize.ERRORTOKEN:
            raise ValueError("not as Python prints it")
        if before and _ends(before) and _begins(token):
            parts.append(",")
        parts.append(token.string if token.type != tokenize.NL else " ")
        before = token if token.type != tokenize.NL else before
    return " ".join(parts)


def _ends(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.STRING or token.string in ENDS


def _begins(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.STRING or token.string in BEGINS
