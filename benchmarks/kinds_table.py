"""The table of kinds in pipeline/collect/README.md, made from what every shape says of itself.

.venv/bin/python -m benchmarks.kinds_table           # prints it
.venv/bin/python -m benchmarks.kinds_table --write   # puts it into the README
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from pipeline.collect import shapes
from pipeline.collect.shapes.transcript import Given

README = Path(__file__).parents[1] / "pipeline" / "collect" / "README.md"
BEGIN = "<!-- kinds: made by `python -m benchmarks.kinds_table --write` -->"
END = "<!-- end of kinds -->"
GIVEN: tuple[str, ...] = get_args(Given)
GROUPS: tuple[tuple[str, Iterable[shapes.Shape]], ...] = (
    ("all records of a file", shapes.CHATS),
    ("each record", shapes.RECORDS),
    ("rows of a table", shapes.TABLES),
    ("lines of a text", shapes.TEXTS),
    ("a whole document", shapes.DOCUMENTS),
)


def table() -> str:
    """A row a shape, by name in its group; what it gives has a mark."""
    heads = ("shape", "whose files", "reads", *GIVEN, "private")
    lines = [_line(heads), "|---" * len(heads) + "|"]
    for reads, group in GROUPS:
        lines += sorted(_line(_cells(shape, reads)) for shape in group)
    return "\n".join(lines)


def _cells(shape: shapes.Shape, reads: str) -> Iterator[str]:
    yield f"`{shapes.name_of(shape)}`"
    yield shape.ABOUT.of
    yield reads
    for given in GIVEN:
        yield "✓" if given in shape.ABOUT.gives else ""
    yield "yes" if shape.ABOUT.private else ""


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def written(readme: str) -> str:
    """The README with the table as it is now between the two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into the README")
    if parser.parse_args().write:
        README.write_text(written(README.read_text("utf-8")), "utf-8")
    else:
        print(table())


if __name__ == "__main__":
    main()
