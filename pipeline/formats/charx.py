"""CharX, the file of a V3 card: a zip archive of `card.json` and the character's pictures."""

from __future__ import annotations

import io
import zipfile
import zlib

ZIP = b"PK\x03\x04"  # its first bytes
LONGEST = 16_000_000  # bytes of the card


def charx_text(data: bytes) -> str:
    """The JSON of the card. Raises ValueError: no card in it, or not readable."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = archive.getinfo("card.json")
            if member.file_size > LONGEST:
                raise ValueError(f"card.json of the CharX file has {member.file_size:,} bytes")
            return archive.read(member).decode("utf-8-sig")
    except (KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"not a CharX file with a card.json: {error}") from None
