"""The elements of a JSON array, streamed: a file of any size is read in little memory."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import IO

from pipeline.collect.shapes.transcript import RAW, Numbered, Unread

BUFFER = 1 << 20  # characters
_GAP = re.compile(r"[\s,]*")
_BLANK = re.compile(r"\s*")
_MARK = re.compile(r"\\.|[\"{}\[\],]", re.S)
_DEPTH = {"{": 1, "[": 1, "}": -1, "]": -1}


def elements(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """The elements of the array that the stream begins with. limit: characters of one."""
    return _Array(stream, limit).records()


class _Array:
    """The elements of a JSON array, one after another, however long the array is.

    A window of the text is held. `at` is where the next element begins:

        [{"id": 1}, {"id": 2}, {"id": 3}, {"i          the file goes on: d": 4}]
         └─── decoded ──────┘  ↑ at          ↑ end of the window

    An element that does not end in the window makes it grow. One that is longer than `limit`, or
    cannot be decoded, is skipped by counting brackets.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")
        self.decoder = json.JSONDecoder()
        self.limit = limit
        self.window = self.text.read(1 << 16)[1:]
        self.at = 0
        self.ended = False  # whether the window reaches to the end of the file

    def records(self) -> Iterator[Numbered]:
        number = 1
        while True:
            self.at = _past(_GAP, self.window, self.at)
            if self._is_over():
                return
            try:
                record = self._decoded()
            except (ValueError, RecursionError) as error:
                if self._grows():
                    continue
                record = self._skipped(error)
            yield number, record
            number += 1

    def _is_over(self) -> bool:
        at_end = self.ended and self.at == len(self.window)
        return at_end or self.window.startswith("]", self.at)

    def _decoded(self) -> object:
        """The next element; ValueError when it is broken, too long or not whole yet."""
        record, end = self.decoder.raw_decode(self.window, self.at)
        if end - self.at > self.limit:
            raise ValueError(f"more than max_bytes {self.limit:,}")
        if _past(_BLANK, self.window, end) == len(self.window) and not self.ended:
            raise ValueError("no comma yet: of a number, further digits may come")
        raw = self.window[self.at : end]
        self.at = end
        return checked(record, raw)

    def _grows(self) -> bool:
        """Read on, where more text may make the element whole."""
        held = len(self.window) - self.at
        if self.ended or held > self.limit:
            return False
        more = self.text.read(max(1 << 18, held))
        self.window = self.window[self.at :] + more
        self.at = 0
        self.ended = not more
        return True

    def _skipped(self, error: Exception) -> Unread:
        raw = self.window[self.at : self.at + RAW]
        self.window, size = _after_element(self.text, self.window[self.at :])
        self.at = 0
        if size > self.limit:
            detail = f"an element of {size:,} characters, more than max_bytes {self.limit:,}"
            return Unread("record.too_long", detail, raw)
        return Unread("record.malformed", f"not JSON: {error}", raw)


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _after_element(text: IO[str], window: str) -> tuple[str, int]:
    """What follows the element at the head of the window, and its length in characters.

    Only brackets and quotation marks are looked at; the element ends at the comma or bracket that
    is outside all of them:

        {"a": [1, "x, ]"], oops}, {"b": ..
        1     2         1      0↑ here
    """
    depth, quoted, size = 0, False, 0
    while window:
        at = 0
        while match := _MARK.search(window, at):
            at, mark = match.end(), match[0]
            if mark == '"':
                quoted = not quoted
            elif not quoted and depth == 0 and mark in ",]":
                return window[match.start() :], size + match.start()
            elif not quoted:
                depth = max(0, depth + _DEPTH.get(mark, 0))
        # A backslash at the end belongs to the first character of the next window.
        half = "\\" if window[at:].endswith("\\") else ""
        size += len(window) - len(half)
        window = half + text.read(BUFFER)
        if window == half:
            break
    return "", size


def checked(record: object, raw: str) -> object:
    """The record, unless it holds half characters (lone surrogates, bytes that are not UTF-8)."""
    if "\\ud" in raw or "\\uD" in raw or not raw.isascii():
        try:
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            detail = "holds bytes or escapes that are not characters"
            return Unread("record.not_text", detail, raw)
    return record
