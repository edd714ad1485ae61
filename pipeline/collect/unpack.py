"""Bytes to UTF-8: compression and encodings, told by what is in the file."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
import zlib
from contextlib import suppress
from typing import IO, Any

import zstandard

SNIFF = 1_000_000  # bytes looked at to tell the encoding
# Encodings of texts that are not Unicode, commoner ones first: of equally likely ones the first is taken.
LIKELY = ("cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "gb18030",
          "big5", "shift_jis", "euc_jp", "euc_kr", "cp866")  # fmt: skip
_NOT_ASCII, _NO_UTF8 = re.compile("[^\x00-\x7f]"), re.compile("[\udc80-\udcff]")
# What a file says that breaks off, or is not what it says it is.
BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstandard.ZstdError)


def is_damage(error: Exception) -> bool:
    """Whether the bytes are at fault, and not the disk or the network on which they are."""
    plain = type(error) in (
        OSError,
        gzip.BadGzipFile,
    )  # the network's and the disk's are subclasses, or have a number
    return isinstance(error, BROKEN) or (
        plain and isinstance(error, OSError) and error.errno is None
    )


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream without its compression, told by its first bytes, not by its name."""
    head = stream.read(6)
    whole = io.BufferedReader(Joined(head, stream), 1 << 20)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=whole)  # type: ignore[return-value]
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(
            zstandard.ZstdDecompressor().stream_reader(whole, read_across_frames=True), 1 << 17
        )
    if head.startswith(b"BZh"):
        return bz2.BZ2File(whole)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(whole)
    return whole


def in_utf8(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """The text stream as UTF-8 without a byte order mark, and the encoding it had."""
    head = _head(stream)
    encoding = encoding_of(head)
    if encoding in ("utf-8", "utf-8-sig"):
        return io.BufferedReader(
            Joined(head.removeprefix(codecs.BOM_UTF8), stream), 1 << 20
        ), encoding
    return io.BufferedReader(
        _Recoded(io.BufferedReader(Joined(head, stream)), encoding), 1 << 20
    ), encoding


def _head(stream: IO[bytes]) -> bytes:
    """The first megabyte, or what can be read of it where the compression breaks off."""
    parts: list[bytes] = []
    with suppress(*BROKEN, OSError):  # whoever reads on meets the same error, after these bytes
        while sum(map(len, parts)) < SNIFF and (part := _piece(stream, SNIFF)):
            parts.append(part)
    return b"".join(parts)


def _piece(stream: Any, size: int) -> bytes:
    """At most one buffer's worth, so that an error later in the file costs nothing that came before it."""
    piece: bytes = (
        stream.read1(size) if hasattr(stream, "read1") else stream.read(min(size, 1 << 16))
    )
    return piece


def encoding_of(head: bytes) -> str:
    """The encoding of a text by its first bytes: byte order mark, else UTF-8 if it is, else the likeliest other one."""
    marks = [
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
    ]
    marks += [(codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]
    for mark, name in marks:
        if head.startswith(mark):
            return name
    if head.count(0) * 50 > len(
        head
    ):  # blanks and line ends of UTF-16; in other texts there is no zero byte
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    if head.isascii():
        return "utf-8"
    decoded = head.decode("utf-8", "surrogateescape")
    wrong = len(_NO_UTF8.findall(decoded[:-3]))
    right = len(_NOT_ASCII.findall(decoded)) - wrong
    return (
        "utf-8" if wrong <= right else _likeliest(head)
    )  # UTF-8, if perhaps with a damaged line in it


def _likeliest(head: bytes) -> str:
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:50_000]
    found = list(from_bytes(telling, cp_isolation=list(LIKELY)))
    best = [
        match
        for match in found
        if (match.chaos, match.coherence) == (found[0].chaos, found[0].coherence)
    ]
    names = {name for match in best for name in match.could_be_from_charset}
    return next((name for name in LIKELY if name in names), "cp1252")


class Joined(io.RawIOBase):
    """What has been read already, then the rest of the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self.parts = [io.BytesIO(head), rest]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.parts:
            if piece := _piece(self.parts[0], len(buffer)):
                buffer[: len(piece)] = piece
                return len(piece)
            self.parts.pop(0)
        return 0


class _Recoded(io.RawIOBase):
    """A stream of another encoding as UTF-8. What that encoding cannot say becomes U+FFFD and is seen by `filter`."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self.stream, self.left = stream, b""
        self.decoder = codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.left:
            chunk = self.stream.read(1 << 16)
            self.left = self.decoder.decode(chunk, final=not chunk).encode()
            if not chunk:
                break
        size = min(len(buffer), len(self.left))
        buffer[:size], self.left = self.left[:size], self.left[size:]
        return size
