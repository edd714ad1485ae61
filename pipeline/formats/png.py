"""The chunks that a PNG is made of, which may hold more than pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"  # the signature


def chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, body) of each chunk of a PNG. Raises ValueError when the image ends early."""
    start = len(PNG)
    while start + 12 <= len(image):
        (size,) = struct.unpack_from(">I", image, start)
        kind = image[start + 4 : start + 8]
        body = image[start + 8 : start + 8 + size]
        if len(body) < size:
            break
        yield kind, body
        if kind == b"IEND":
            return
        start += 12 + size
    raise ValueError("the PNG is cut off")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk as it stands in a file: size, kind, body, checksum."""
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def plain_picture(side: int = 64) -> bytes:
    """A grey square, for characters without a picture."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x90" * side) * side)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
