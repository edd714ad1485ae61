"""What a file holds: seen by its first bytes; its ending decides only where they leave it open."""

from __future__ import annotations

import codecs
import re
import zipfile
from pathlib import PurePosixPath
from typing import IO, Literal

from pipeline import UserError
from pipeline.collect import dialect

HEAD = 1 << 16  # bytes by which the format is recognised
BINARY = 0.02  # share of control characters above which bytes are not a text

FileKind = Literal["parquet", "arrow", "zip", "tar", "document", "text"]
TextKind = Literal["json", "json lines", "yaml", "table", "text"]

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
TARS = (".tar", ".tgz", ".tbz2", ".txz", ".tzst")
ARCHIVES = (".zip", *TARS)
COLUMNS = (".parquet", ".arrow", ".feather")
DOCUMENTS = (".xml", ".tei")
TEXTS: dict[str, TextKind] = {
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".jsonlines": "json lines",
    ".json": "json",
    ".js": "json",
    ".csv": "table",
    ".tsv": "table",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".txt": "text",
    ".log": "text",
    ".md": "text",
    ".markdown": "text",
    ".vtt": "text",
    ".srt": "text",
}
KNOWN = (*TEXTS, *COLUMNS, ".xlsx", *DOCUMENTS)

PICTURE = "a picture. Character cards are read by `generate` (`cards:`), not by `collect`."
MEDIA = "a sound or a film: no text"
PAGE = "a web page. Export the chat as JSON or text, or name a spider that reads the site."
OLD_OFFICE = "an old Excel or Word file. Save it as .xlsx, .csv or text."
OTHER_ARCHIVE = "an archive of a kind that is not read: unpack it, or make it a .zip"
INSIDE = "an archive inside an archive: unpack it first"
PICKLE = "a Python pickle, which can run code and is never loaded. Write it as JSON lines."

# (place, bytes there, what the file is): what is no text and is not read
MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG", PICTURE),
    (0, b"\xff\xd8\xff", PICTURE),
    (0, b"GIF8", PICTURE),
    (0, b"BM", PICTURE),
    (8, b"WEBP", PICTURE),
    (0, b"RIFF", MEDIA),
    (0, b"OggS", MEDIA),
    (0, b"ID3", MEDIA),
    (0, b"fLaC", MEDIA),
    (4, b"ftyp", MEDIA),
    (0, b"\x1a\x45\xdf\xa3", MEDIA),
    (0, b"%PDF-", "a PDF. Save its text as .txt."),
    (0, b"{\\rtf", "rich text (RTF). Save it as plain text."),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
    (0, b"SQLite format 3\0", "an SQLite database. Export its messages as csv or JSON."),
    (0, b"7z\xbc\xaf\x27\x1c", OTHER_ARCHIVE),
    (0, b"Rar!\x1a\x07", OTHER_ARCHIVE),
    (0, b"\x80\x04\x95", PICKLE),
    (0, b"\x80\x03", PICKLE),
)
WRITTEN = (b"%PDF-", b"{\\rtf")  # marks of files that are texts themselves
# What stands in a zip file that is not an archive of files → what it is
PACKAGES = {
    "word/document.xml": "a Word document. Save it as plain text.",
    "ppt/presentation.xml": "a presentation: no conversation",
    "mimetype": "an OpenDocument file or a book. Save it as .xlsx, .csv or text.",
}
WORKBOOK = "xl/workbook.xml"
# endings of files whose first bytes may be anything
ENDINGS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".heic", ".svg"), PICTURE),
    **dict.fromkeys((".mp3", ".mp4", ".m4a", ".ogg", ".opus", ".wav", ".mov", ".webm"), MEDIA),
    **dict.fromkeys((".pkl", ".pickle"), PICKLE),
    ".charx": "a character card. Cards are read by `generate` (`cards:`), not by `collect`.",
}

PAGE_MARK = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)[\s>]", re.I | re.S)
XML_MARK = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml\s|!DOCTYPE\s|TEI[\s>])")
STRING = rb'"(?:[^"\\\x00-\x1f]|\\.)*"'
# Narrow, for chats begin with brackets as well: `[21:15] <ada> Hello`, `{ada} Hello`.
JSON_MARK = re.compile(
    rb"\s*(?:\{\s*(?:%b\s*:|\}\s*$)|\[\s*(?:\{\s*[\"}]|\[\s*[\"\[{\]]|%b\s*[,\]]|\]\s*$))"
    % (STRING, STRING)
)
# The archives of an account write their JSON as a script: `window.YTD.messages.part0 = [ ..`
SCRIPT = re.compile(rb"\s*(?:(?:var|let|const)\s+)?[\w.$]+\s*=\s*(?=[\[{])")
ENDING = re.compile(r"\.[a-z][a-z0-9]{0,7}")  # else it is a part of the name: `Chat with Dr. Lee`
# the beginnings of texts that are no conversations → what they are
TEXT_MARKS = {
    b"BEGIN:VCALENDAR": "a calendar: no conversation",
    b"BEGIN:VCARD": "contacts: no conversation",
}
FIELD = re.compile(rb"^([\w-]+):", re.M)
MAIL_FIELDS = frozenset([b"from", b"to", b"subject", b"date", b"message-id", b"mime-version"])
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class UnknownFormat(UserError):
    """A file that is no text, table or archive. `collect` passes it over where nobody named it."""


def suffix(name: str) -> str:
    """The extension that names the format: `.jsonl` of `a/file.jsonl.gz`."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def kind_of(where: str, head: bytes) -> FileKind:
    """The kind of file that begins with these bytes, without compression.

    where: the file's name, for its ending and for the message. UnknownFormat when it is one that is
    not read.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1\0", b"\xff\xff\xff\xff")):
        return "arrow"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    for place, mark, what in MARKS:
        # a chat may begin with the letters of a mark, but has no control characters
        if head.startswith(mark, place) and (mark in WRITTEN or CONTROL.search(head)):
            raise UnknownFormat(f"{where}: {what}")
    return _text_or_document(where, head)


def _text_or_document(where: str, head: bytes) -> FileKind:
    ending = suffix(where)
    if PAGE_MARK.match(head):
        return "document"
    if ending in ENDINGS:
        raise UnknownFormat(f"{where}: {ENDINGS[ending]}")
    if ending in DOCUMENTS or XML_MARK.match(head):
        return "document"
    if ending in COLUMNS:  # a damaged one: its reader finds out how
        return "parquet"
    if ending in TARS:
        return "tar"
    if ending in (".zip", ".xlsx"):
        return "zip"
    if ending not in TEXTS and _is_binary(head):
        raise UnknownFormat(f"{where}: {_unknown(ending)}")
    return "text"


def _is_binary(head: bytes) -> bool:
    """Whether bytes are no text; UTF-16 has a zero byte in nearly every character."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return False
    zeros = head.count(0)
    is_wide = zeros * 3 > len(head) and max(head[::2].count(0), head[1::2].count(0)) * 1.1 > zeros
    return not is_wide and len(CONTROL.findall(head)) > BINARY * len(head)


def _unknown(ending: str) -> str:
    known = " ".join((*KNOWN, *ARCHIVES))
    return f"unknown file format {ending or '(no extension)'}; known are {known}"


def check_ending(name: str) -> None:
    """UnknownFormat for an ending that is surely not read; before a file is fetched."""
    ending = suffix(name)
    if ending in ENDINGS:
        raise UnknownFormat(f"{name}: {ENDINGS[ending]}")
    if ending not in KNOWN:
        raise UnknownFormat(f"{name}: {_unknown(ending)}")


def text_kind(head: bytes, where: str) -> TextKind:
    """What a text is, by its beginning in UTF-8: a JSON array in `.jsonl`, a table in `.txt` ..

    UnknownFormat for one that holds no conversation, and for a plain text of an unknown ending.
    """
    ending = suffix(where)
    by_name = TEXTS.get(ending, "text")
    if by_name == "yaml":
        return by_name
    if JSON_MARK.match(head) or SCRIPT.match(head):
        return "json lines" if by_name == "json lines" else "json"
    if by_name in ("json", "json lines"):
        return by_name if _may_be_json(head) else "text"
    if by_name == "text" and dialect.is_certain(head):
        return "table"
    what = _no_talk(head)
    if by_name == "text" and what:
        raise UnknownFormat(f"{where}: {what}")
    if ending not in TEXTS and ENDING.fullmatch(ending):
        raise UnknownFormat(f"{where}: {_unknown(ending)}")
    return by_name


def _no_talk(head: bytes) -> str | None:
    """What a text is that has names and colons, and is no conversation."""
    for mark, what in TEXT_MARKS.items():
        if head.lstrip().startswith(mark):
            return what
    first = head.replace(b"\r", b"").lstrip().partition(b"\n\n")[0]
    fields = {name.lower() for name in FIELD.findall(first)}
    is_mail = b"from" in fields and len(fields & MAIL_FIELDS) >= 3
    return "an e-mail: mail is not read" if is_mail else None


def _may_be_json(head: bytes) -> bool:
    """Whether any line begins as JSON does, be the first one damaged."""
    starts = {line.lstrip()[:1] for line in head.splitlines()[:50]} - {b""}
    return not starts or bool(starts & {b"{", b"[", b'"'})


def check_package(where: str, whole: IO[bytes]) -> Literal["workbook", "archive"]:
    """What a zip file is. UnknownFormat for a Word document and others; BadZipFile for damage."""
    if suffix(where) in ENDINGS:
        raise UnknownFormat(f"{where}: {ENDINGS[suffix(where)]}")
    try:
        names = set(zipfile.ZipFile(whole).namelist())
    except NotImplementedError as error:  # a damaged byte in the place of the version
        raise zipfile.BadZipFile(str(error)) from error
    whole.seek(0)
    if WORKBOOK in names:
        return "workbook"
    for mark, what in PACKAGES.items():
        if mark in names:
            raise UnknownFormat(f"{where}: {what}")
    return "archive"
