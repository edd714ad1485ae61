"""Plain text with the marks of a chat template: conversations one after another.

<|im_start|>user
Tea?<|im_end|>
<|im_start|>assistant
Gladly.<|im_end|>

Where every line is a whole conversation, each is one. Else a conversation begins at a mark that
begins a text (`<|begin_of_text|>`, `<bos>`), at a line of dashes or stars, at the sentence that
Alpaca's template begins with, at an empty line where not every turn has one before it, or at a
system prompt where there are several. Without any of these a file is one conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise

from pipeline.collect.shapes.general import marked
from pipeline.collect.shapes.transcript import About, Place, Transcript, Unread, unreadable
from pipeline.formats import labels, templates
from pipeline.formats.templates import TemplateMark

ABOUT = About("plain text with the marks of a chat template", ("roles",))

HEAD = 50  # lines that show whether each is a conversation
RULE = re.compile(r"^[ \t]*([-=*_])\1{2,}[ \t]*\r?$", re.M)
ALPACA = re.compile(r"^Below is an instruction that describes a task", re.M)
INSTRUCTION = re.compile(r"^### Instruction\b", re.M)
SENTENCE_LINE = re.compile(r"^<s>", re.M)
EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")

# Where a text is cut: the end of one conversation, the start of the next.
Border = tuple[int, int]


def recognise(head: list[str]) -> bool:
    text = "".join(head)
    if templates.is_marked(text):
        return True
    style = labels.style_of(text)
    # Lines that begin with `Human:` or `### Human:` are a log like any other.
    if style == "hashes" and INSTRUCTION.search(text):
        return True
    return style in labels.WITH_PREAMBLE and _line_by_line(head)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    lines = iter(lines)
    head = list(islice(lines, HEAD))
    parts: Iterable[str] = chain(head, lines)
    assumed: str | None = "each line is a conversation"
    if not _line_by_line(head):
        text = "".join(parts)
        try:
            parts, assumed = _parts(text)
        except ValueError as error:
            yield unreadable(error, text)
            return
    for number, part in enumerate(filter(str.strip, parts), 1):
        found = _transcript(part, assumed)
        if isinstance(found, Transcript):
            found.group = f"{place.path}/{number}"
        yield found


def _transcript(text: str, assumed: str | None) -> Transcript | Unread:
    try:
        found = marked.conversation_of(text)
    except ValueError as error:
        return unreadable(error, text)
    transcript = Transcript(marked.turns_of(found))
    transcript.left_out = dict(found.left_out)
    if assumed:
        transcript.assumed = (assumed,)
    return transcript


def _line_by_line(head: list[str]) -> bool:
    """Whether each line is a whole conversation."""
    filled = [line for line in head if line.strip()]
    return bool(filled) and all(map(_is_whole, filled))


def _is_whole(line: str) -> bool:
    try:
        roles = {role for role, _ in marked.conversation_of(line).turns}
    except ValueError:
        return False
    return {"user", "assistant"} <= roles


def _parts(text: str) -> tuple[list[str], str | None]:
    """The conversations of a text, and what was assumed. ValueError where it is not certain."""
    found = templates.marks(text)
    for borders, assumed in (
        (_starts(found), None),
        (_rules(text, found), None),
        ([(one.start(), one.start()) for one in ALPACA.finditer(text)], None),
        (_after_gaps(text, found), "an empty line between two marks ends a conversation"),
        (_prompts(text, found), "a system prompt begins a conversation"),
    ):
        if any(text[: border[0]].strip() for border in borders):
            return _cut(text, borders), assumed
    if len(INSTRUCTION.findall(text)) > 1:
        raise ValueError("several instructions, and nothing says where a conversation ends")
    if len(SENTENCE_LINE.findall(text)) > 1:
        raise ValueError("several lines with <s>: one conversation, or each line one?")
    return [text], "the file is one conversation"


def _cut(text: str, borders: list[Border]) -> list[str]:
    places = chain([0], chain.from_iterable(borders), [len(text)])
    return [text[start:end] for start, end in zip(places, places, strict=True)]


def _at(marks: Iterable[TemplateMark]) -> list[Border]:
    return [(mark.start, mark.start) for mark in marks]


def _starts(found: list[TemplateMark]) -> list[Border]:
    """The marks that begin a text; `<s>` may stand before every question."""
    return _at(mark for mark in found if mark.kind == "begin" and mark.family != "sentence")


def _rules(text: str, found: list[TemplateMark]) -> list[Border]:
    """The horizontal lines outside of the turns."""
    rules = [rule.span() for rule in RULE.finditer(text)]
    if not found:
        return [rule for rule in rules if text[rule[1] :].lstrip().startswith(("###", "Below"))]
    ends = [(one.end, other.start) for one, other in pairwise(found) if _opens(one, other)]
    return [rule for rule in rules if any(end <= rule[0] <= start for end, start in ends)]


def _after_gaps(text: str, found: list[TemplateMark]) -> list[Border]:
    """The marks after an empty line, where other marks have none before them."""
    gaps = [
        (text[one.end : other.start], other) for one, other in pairwise(found) if _opens(one, other)
    ]
    after = [mark for gap, mark in gaps if EMPTY_LINE.search(gap)]
    if len(after) == len(gaps) or any(mark.role == "assistant" for mark in after):
        return []
    return _at(after)


def _opens(one: TemplateMark, other: TemplateMark) -> bool:
    """Whether a turn ends with one mark and the next begins with the other."""
    return one.kind == "end" and other.kind in ("role", "begin")


def _prompts(text: str, found: list[TemplateMark]) -> list[Border]:
    """The system prompts, each with what stands directly before it: `<s>[INST]`."""
    sides = [mark.role for mark in found if mark.role]
    if "system" not in sides[:2]:
        return []
    starts: list[TemplateMark] = []
    for number, mark in enumerate(found):
        if mark.role == "system":
            before = number
            while before and _adjoin(text, found[before - 1], found[before]):
                before -= 1
            starts.append(found[before])
    return _at(starts)


def _adjoin(text: str, one: TemplateMark, other: TemplateMark) -> bool:
    return one.kind != "end" and not text[one.end : other.start].strip()
