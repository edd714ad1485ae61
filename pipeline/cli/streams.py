"""Results on stdout, everything else on stderr. Colours as the terminal and `NO_COLOR` say."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

# What a terminal could obey, and what turns the order of letters around: a foreign text may hold
# it. `\x9b` alone begins a command, as `\x1b[` does.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
FILE_WIDTH = 140  # columns of a table that is not shown on a terminal


def show(table: Table) -> None:
    """A table on stdout."""
    from rich.console import Console

    console = Console()
    # rich takes 80 columns where there is no terminal, and would fold every cell
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)
    console.print(table)


def harmless(text: str) -> str:
    """A text of which a terminal shows everything and obeys nothing."""
    return OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def show_lines(lines: Iterable[str]) -> None:
    """Lines on stdout."""
    for line in lines:
        click.echo(harmless(line))


def show_json(value: object) -> None:
    """A value on stdout, as one line of JSON."""
    text = json.dumps(value, ensure_ascii=False)
    click.echo(OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def complain(message: str, code: int) -> int:
    """A message on stderr. Returns the exit code that belongs to it."""
    print(harmless(message), file=sys.stderr)
    return code
