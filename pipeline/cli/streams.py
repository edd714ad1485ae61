"""Results on stdout, everything else on stderr. Colours as the terminal and `NO_COLOR` say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

FILE_WIDTH = 140  # columns of a table that is not shown on a terminal


def show(table: Table) -> None:
    """A table on stdout."""
    from rich.console import Console

    console = Console()
    # rich takes 80 columns where there is no terminal, and would fold every cell
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)
    console.print(table)


def show_lines(lines: Iterable[str]) -> None:
    """Lines on stdout."""
    for line in lines:
        click.echo(line)


def show_json(value: object) -> None:
    """A value on stdout, as one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False))


def complain(message: str, code: int) -> int:
    """A message on stderr. Returns the exit code that belongs to it."""
    print(message, file=sys.stderr)
    return code
