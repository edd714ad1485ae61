"""Gemini in Google Takeout (`My Activity.json`): a prompt and its answer a record.

{"header": "Gemini Apps", "title": "Prompted Which tea?", "time": "2025-05-01T10:00:00.000Z",
 "titleUrl": "https://gemini.google.com/app/3f2a", "products": ["Gemini Apps"],
 "safeHtmlItem": [{"html": "<p>Darjeeling.</p>"}]}

The export does not hold which prompts belong to one chat, so each is a conversation of its own;
those with the same address are one group. The answer is the visible text of the page.
"""

from __future__ import annotations

from collections.abc import Iterator

import lxml.html

from pipeline.collect.shapes.common.branches import moment
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("Gemini in Google Takeout", ("roles", "times", "groups"), private=True)

HEADERS = ("Gemini Apps", "Bard")
PROMPTED = "Prompted "  # how the title of a prompt begins in English
CHAT = "/app/"  # in the address of a chat
BREAKS = ("p", "div", "li", "ul", "ol", "pre", "tr", "table", "h1", "h2", "h3", "h4", "blockquote")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and record.get("header") in HEADERS and "title" in record


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    title = text_of(fields.get("title"), "title")
    if not title.startswith(PROMPTED):
        raise ValueError(
            f"the title does not begin with {PROMPTED!r}: no prompt, or not in English"
        )
    items = dicts_of(fields.get("safeHtmlItem") or [], "safeHtmlItem", "item")
    answers = [_visible(text_of(item.get("html"), "html")) for item in items]
    if not answers:
        raise ValueError("a prompt without its answer")
    turns: list[Turn] = [(None, title.removeprefix(PROMPTED), "user")]
    turns.append((None, "\n\n".join(answers), "assistant"))
    address = record_id(fields, "titleUrl") or ""
    time = moment(fields.get("time"))
    yield Transcript(
        turns,
        group=address if CHAT in address else None,
        extra=rest(fields, "title", "safeHtmlItem", "time")
        | ({"time": time.isoformat(" ", "seconds")} if time else {}),
        assumed=("each prompt is a conversation of its own",),
        left_out=_files(fields),
    )


def _files(record: Fields) -> dict[str, int]:
    files = list_of(record.get("attachedFiles") or [], "attachedFiles")
    return {"file": len(files)} if files else {}


def _visible(page: str) -> str:
    """The text of a page as it is seen: blocks in lines of their own."""
    if not page.strip():
        return ""
    root = lxml.html.fragment_fromstring(page, create_parent="div")
    for line in root.iter("br"):
        line.tail = "\n" + (line.tail or "")
    for block in root.iter(*BREAKS):
        block.text = "\n" + (block.text or "")
        block.tail = "\n" + (block.tail or "")
    lines = (line.rstrip() for line in root.text_content().splitlines())
    return "\n".join(filter(None, lines))
