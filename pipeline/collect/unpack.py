"""Bytes to UTF-8: compression and encodings, recognised by what is in the file."""

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
from typing import IO, TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SNIFF = 1_000_000  # bytes by which the encoding is recognised
BUFFER = 1 << 20  # bytes
# Encodings of texts that are not Unicode, the more common ones first: of equally likely ones the
# first is taken.
LIKELY = (
    "cp1252",
    "cp1251",
    "koi8_r",
    "cp1250",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp874",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "cp866",
)
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of a wrong byte
# What is raised for a file that ends too early, or is not what its first bytes say.
BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstandard.ZstdError)


def is_damage(error: Exception) -> bool:
    """Whether the bytes are at fault, and not the disk or the network from which they come.

    Errors of disk and network are subclasses of OSError, or have a number.
    """
    if isinstance(error, BROKEN):
        return True
    is_plain = type(error) in (OSError, gzip.BadGzipFile)
    return is_plain and isinstance(error, OSError) and error.errno is None


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream without its compression, recognised by its first bytes, not by its name."""
    head = stream.read(6)
    whole = io.BufferedReader(Joined(head, stream), BUFFER)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=whole)  # type: ignore[return-value]
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        decompressor = zstandard.ZstdDecompressor()
        return io.BufferedReader(
            decompressor.stream_reader(whole, read_across_frames=True), 1 << 17
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
    whole: io.RawIOBase
    if encoding in ("utf-8", "utf-8-sig"):
        whole = Joined(head.removeprefix(codecs.BOM_UTF8), stream)
    else:
        whole = _Recoded(io.BufferedReader(Joined(head, stream)), encoding)
    return io.BufferedReader(whole, BUFFER), encoding


def _head(stream: IO[bytes]) -> bytes:
    """The first megabyte, or what can be read of it where the compression breaks off."""
    head = b""
    with suppress(*BROKEN, OSError):  # the next to read meets the same error, after these bytes
        while len(head) < SNIFF and (piece := _piece(stream, SNIFF)):
            head += piece
    return head


def _piece(stream: IO[bytes], size: int) -> bytes:
    """At most one buffer's worth, so that an error later in the file loses nothing before it."""
    if hasattr(stream, "read1"):
        piece: bytes = stream.read1(size)
        return piece
    return stream.read(min(size, 1 << 16))


def encoding_of(head: bytes) -> str:
    """The encoding of a text by its first bytes.

    By its byte order mark; else UTF-8 if it is, perhaps with a damaged line in it; else the
    likeliest other one.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    if head.count(0) * 50 > len(head):
        return _utf16(head)
    if head.isascii():
        return "utf-8"
    decoded = head.decode("utf-8", "surrogateescape")
    wrong = len(_NOT_UTF8.findall(decoded[:-3]))  # the head may end inside a character
    right = len(_NOT_ASCII.findall(decoded)) - wrong
    if wrong > right:
        return _likeliest(head)
    return "utf-8"


def _utf16(head: bytes) -> str:
    """Which half of a character comes first. Blanks and line ends have a zero in the higher one.

    No other text has a zero byte.
    """
    zeros_first, zeros_second = head[::2].count(0), head[1::2].count(0)
    return "utf-16-le" if zeros_second > zeros_first else "utf-16-be"


def _likeliest(head: bytes) -> str:
    from charset_normalizer import from_bytes

    foreign = [line for line in head.splitlines() if not line.isascii()]
    found = list(from_bytes(b"\n".join(foreign)[:50_000], cp_isolation=list(LIKELY)))
    names: set[str] = set()
    for match in found:
        if (match.chaos, match.coherence) == (found[0].chaos, found[0].coherence):
            names.update(match.could_be_from_charset)
    return next((name for name in LIKELY if name in names), "cp1252")


class Joined(io.RawIOBase):
    """What has been read already, then the rest of the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self.parts = [io.BytesIO(head), rest]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        while self.parts:
            if piece := _piece(self.parts[0], len(view)):
                view[: len(piece)] = piece
                return len(piece)
            self.parts.pop(0)
        return 0


class _Recoded(io.RawIOBase):
    """A stream of another encoding as UTF-8.

    What is not valid in that encoding becomes U+FFFD, which `filter` finds.
    """

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self.stream = stream
        self.left = b""
        self.decoder = codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        while not self.left:
            chunk = self.stream.read(1 << 16)
            self.left = self.decoder.decode(chunk, final=not chunk).encode()
            if not chunk:
                break
        size = min(len(view), len(self.left))
        view[:size], self.left = self.left[:size], self.left[size:]
        return size
