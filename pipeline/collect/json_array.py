"""The elements of a JSON array, streamed: a file of any size is read in little memory."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from itertools import count
from typing import IO

from pipeline.collect.shapes.transcript import RAW, Numbered, Unread

BUFFER = 1 << 20  # characters
COMMENT = re.compile(r"\s*(//|/\*|#)")
_GAP = re.compile(r"[\s,]*")
BLANK = re.compile(r"\s*")
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
        self.window = self.text.read(1 << 16).lstrip()[1:]
        self.at = 0
        self.ended = False  # whether the window reaches to the end of the file

    def records(self) -> Iterator[Numbered]:
        is_whole = True  # whether the latest element was
        for number in count(1):
            if self._is_over():
                problem = self._problem_at_end()
                if problem and is_whole:  # else the element that is cut is reported already
                    yield number, problem
                return
            record = self._next()
            is_whole = not isinstance(record, Unread)
            yield number, record

    def _next(self) -> object:
        """The next element, `Unread` in the place of one that cannot be decoded."""
        while True:
            try:
                return self._decoded()
            except (ValueError, RecursionError) as error:
                if not self._grows():
                    return self._skipped(error)

    def _is_over(self) -> bool:
        """Whether no element follows. Where another array does, its elements do."""
        while True:
            self.at = past(_GAP, self.window, self.at)
            at_end = self.at == len(self.window)
            if at_end and self._grows():
                continue
            if at_end or not self.window.startswith("]", self.at):
                return at_end
            if not self._begins_again():
                return True

    def _begins_again(self) -> bool:
        """Step into another array that follows the end of this one."""
        behind = past(BLANK, self.window, self.at + 1)
        while behind == len(self.window) and self._grows():
            behind = past(BLANK, self.window, self.at + 1)
        if not self.window.startswith("[", behind):
            return False
        self.at = behind + 1
        return True

    def _problem_at_end(self) -> Unread | None:
        """Where the array is not closed, or something else follows it."""
        if self.at == len(self.window):
            return Unread("file.damaged", "the array is not closed: the file breaks off", "")
        rest = self.window[self.at + 1 :].strip()
        if rest and rest != ";":  # of a script
            detail = "not JSON: more text follows the end of the array"
            return Unread("record.malformed", detail, rest[:RAW])
        return None

    def _decoded(self) -> object:
        """The next element; ValueError when it is broken, too long or not whole yet."""
        record, end = self.decoder.raw_decode(self.window, self.at)
        if end - self.at > self.limit:
            raise ValueError(f"more than {self.limit:,}")
        if past(BLANK, self.window, end) == len(self.window) and not self.ended:
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
            detail = f"an element of {size:,} characters, more than {self.limit:,}"
            return Unread("record.too_long", detail, raw)
        what = str(error)
        if isinstance(error, json.JSONDecodeError):
            what = problem_of(error, error.doc)
        return Unread("record.malformed", f"not JSON: {what}", raw)


def past(pattern: re.Pattern[str], text: str, at: int) -> int:
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


def problem_of(error: json.JSONDecodeError, text: str) -> str:
    """What is wrong, in words for what JSON does not have and people write all the same."""
    rest = text[error.pos : error.pos + 1000]
    if COMMENT.match(rest):
        return "a comment, which JSON does not have"
    if rest.startswith("'"):
        return "a text in single quotes, as Python writes it"
    after_comma = text[max(0, error.pos - 1000) : error.pos].rstrip().endswith(",")
    if "trailing comma" in error.msg or (after_comma and rest.lstrip()[:1] in ("}", "]")):
        return "a comma before a closing bracket"
    return error.msg
