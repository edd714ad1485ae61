"""Bytes to UTF-8: compression and encodings, recognised by what is in the file.

The libraries' own file objects are not used: zstandard's takes a file that ends inside a frame as
whole, and those for bz2 and xz pass over bytes that follow the end.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, NoReturn, Protocol, cast

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SNIFF = 1_000_000  # bytes by which the encoding is recognised
BUFFER = 1 << 20  # bytes
PIECE = 1 << 12  # bytes that are decompressed at a time
MARK_BYTES = 6  # by which a compression is recognised
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
BROKEN = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zstandard.ZstdError,
)


def is_damage(error: Exception) -> bool:
    """Whether the bytes are at fault, and not the disk or the network from which they come.

    Errors of disk and network are subclasses of OSError, or have a number.
    """
    if isinstance(error, BROKEN):
        return True
    is_plain = type(error) in (OSError, gzip.BadGzipFile)
    return is_plain and isinstance(error, OSError) and error.errno is None


class Decompressor(Protocol):
    """What the four libraries have in common. eof: the member is whole."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Compression:
    """A compression whose files are one or more members, one after another.

    marks: with one of them a member begins. padded: zero bytes may follow a member.
    """

    marks: tuple[bytes, ...]
    decompressor: Callable[[], Decompressor]
    padded: bool = False


def _zstd() -> Decompressor:
    return zstandard.ZstdDecompressor().decompressobj()


ZSTD_MARK = b"\x28\xb5\x2f\xfd"
SKIPPABLE = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))
COMPRESSIONS = (
    Compression((b"\x1f\x8b",), partial(zlib.decompressobj, 31), padded=True),
    Compression((ZSTD_MARK, *SKIPPABLE), _zstd),
    Compression((b"BZh",), bz2.BZ2Decompressor),
    Compression((b"\xfd7zXZ\x00",), lzma.LZMADecompressor, padded=True),
)


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream without its compression, recognised by its first bytes, not by its name."""
    head, whole = peeked(stream, MARK_BYTES)
    for compression in COMPRESSIONS:
        if head.startswith(compression.marks):
            return io.BufferedReader(_Unpacked(whole, compression), 1 << 17)
    return whole


class _Unpacked(io.RawIOBase):
    """What all members of a compressed file hold.

    Raises one of BROKEN, at every further call as well, where a member is damaged, where the file
    ends inside one, and where bytes follow the last that are none.
    """

    def __init__(self, stream: IO[bytes], compression: Compression) -> None:
        self.stream = stream
        self.compression = compression
        self.member: Decompressor | None = None  # the one that is being read
        self.ahead = b""  # read from the stream and not yet decompressed
        self.out = memoryview(b"")
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        while not self.out and self._begins():
            self.out = memoryview(self._decompressed())
        size = min(len(view), len(self.out))
        view[:size], self.out = self.out[:size], self.out[size:]
        return size

    def _begins(self) -> bool:
        """Whether there is a member to read; False at the end of the file."""
        if self.failure:
            raise self.failure
        if self.member is None and self._is_next():
            self.member = self.compression.decompressor()
        return self.member is not None

    def _is_next(self) -> bool:
        self._look_ahead()
        if not self.ahead:
            return False
        if not self.ahead.startswith(self.compression.marks):
            self._fail(EOFError("other bytes follow the end of the compressed data"))
        return True

    def _look_ahead(self) -> None:
        """Have enough bytes to see whether a member begins."""
        while True:
            if self.compression.padded:
                self.ahead = self.ahead.lstrip(b"\0")
            if len(self.ahead) >= MARK_BYTES or not (more := self.stream.read(PIECE)):
                return
            self.ahead += more

    def _decompressed(self) -> bytes:
        assert self.member is not None
        # Small pieces: a few bytes of input can stand for a thousand times as many of output.
        data, self.ahead = self.ahead, b""
        data = data or self.stream.read(PIECE)
        if not data:
            self._fail(EOFError("it ends inside its compressed data"))
        try:
            found = self.member.decompress(data)
        except (*BROKEN, OSError) as error:
            self._fail(error)
        if self.member.eof:
            self.ahead, self.member = self.member.unused_data, None
        return found

    def _fail(self, error: Exception) -> NoReturn:
        self.failure = error
        raise error


def peeked(stream: IO[bytes], size: int) -> tuple[bytes, IO[bytes]]:
    """The first bytes of a stream, fewer where it breaks off, and a stream that begins with
    them."""
    head = _head(stream, size)
    if stream.seekable():
        stream.seek(0)
        return head, stream
    return head, io.BufferedReader(Joined(head, stream), BUFFER)


@contextmanager
def seekable(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The stream itself where it can be read in any order, else a temporary copy of it.

    Of a stream that breaks off, the copy holds what comes before; the error is raised at the end.
    """
    if stream.seekable():
        yield stream
        return
    failure: Exception | None = None
    with tempfile.TemporaryFile() as copy:
        try:
            while piece := _piece(stream, BUFFER):
                copy.write(piece)
        except BROKEN as error:
            failure = error
        copy.seek(0)
        yield copy
    if failure:
        raise failure


def in_utf8(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """The text stream as UTF-8 without a byte order mark, and the encoding it had."""
    head = _head(stream, SNIFF)
    encoding = encoding_of(head)
    whole: io.RawIOBase
    if encoding in ("utf-8", "utf-8-sig"):
        whole = Joined(head.removeprefix(codecs.BOM_UTF8), stream)
    else:
        whole = _Recoded(io.BufferedReader(Joined(head, stream)), encoding)
    text: IO[bytes] = io.BufferedReader(whole, BUFFER)
    start = ahead(text, SNIFF)
    if b"\r" in start and b"\n" not in start:
        text = io.BufferedReader(_NewLines(text), BUFFER)
    return text, encoding


def ahead(text: IO[bytes], size: int) -> bytes:
    """The next bytes of a buffered stream, which stay the next."""
    return cast("io.BufferedReader", text).peek(size)[:size]


def _head(stream: IO[bytes], size: int) -> bytes:
    """The first bytes, or what can be read of them where the compression breaks off."""
    head = b""
    with suppress(*BROKEN, OSError):  # the next to read meets the same error, after these bytes
        while len(head) < size and (piece := _piece(stream, size - len(head))):
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


class _NewLines(io.RawIOBase):
    """A stream whose lines end in a carriage return alone, as on old Macs, with line feeds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = _piece(self.stream, len(view)).replace(b"\r", b"\n")
        view[: len(data)] = data
        return len(data)
