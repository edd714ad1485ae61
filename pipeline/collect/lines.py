"""The lines of a stream, however long one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from pipeline.collect.shapes.transcript import RAW, Unread

BUFFER = 1 << 20  # bytes


def lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | Unread]]:
    """Lines with their numbers from 1. Of one over `limit` bytes only the beginning is held."""
    number = 0
    while line := stream.readline(limit + 1):  # one byte more shows that a line is too long
        number += 1
        if len(line) <= limit or line.endswith(b"\n"):
            yield number, line
        else:
            size = len(line) + _skip_line(stream)
            detail = f"a line of {size:,} bytes, more than {limit:,}"
            yield number, Unread("record.too_long", detail, line[: 4 * RAW])


def _skip_line(stream: IO[bytes]) -> int:
    """Read on to the end of the line; how many bytes it still had."""
    size = 0
    while more := stream.readline(BUFFER):
        size += len(more)
        if more.endswith(b"\n"):
            break
    return size
