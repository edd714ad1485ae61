"""A list of texts by two speakers who take turns: DailyDialog, KdConv, UltraChat.

{"dialog": ["Tea?", "With pleasure."], "emotion": [0, 4]}
{"id": "0", "data": ["Tea?", "With pleasure."]}
["Tea?", "With pleasure."]
{"name": "The film", "messages": [{"message": "Do you know it?"},
                                  {"message": "I do.", "attrs": [{"name": "year"}]}]}

That two speakers take turns is an assumption. It is made only where nothing beside the texts could
say who writes: not with a field `by` in the objects, nor with a list `speakers` beside the texts.
Texts that all begin with a speaker (`Ada: Tea?`) are by that speaker. The further fields of a
message (`attrs`) go to `extra`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.collect.shapes.common import answers, known, who
from pipeline.collect.shapes.general import cell, speakers
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
    alternating,
    dict_of,
    if_any,
    list_of,
    rest,
    text_of,
    turn_by,
)

ABOUT = About("a list of texts: DailyDialog, KdConv, UltraChat", ("names",))

ALTERNATE = "the two speakers alternate"
# lists beside the texts with an entry a text, none of which is a speaker
QUESTIONS = ("question_id", "prompt_id", "instruction_id")
LABELS = frozenset([*known.HARMLESS, "labels", "ids", "times", "timestamps", "personas"])


def recognise(record: object) -> bool:
    if isinstance(record, list):
        texts = [item for item in record if isinstance(item, str)]
        return len(texts) > 1 and len(texts) == len(record) and any(map(_is_sentence, texts))
    return _place(record) is not None


def _is_sentence(text: str) -> bool:
    """Whether a text is more than one word, as no tag and no name of a column is."""
    return not text.isascii() or bool(re.search(r"[\s?!.,]", text.strip()))


def read(record: object) -> Iterator[Transcript]:
    if isinstance(record, list):
        if not recognise(record):
            raise Unclear("a list of words: the names of columns, or tags")
        record = {"messages": record}
    fields = dict_of(record, "the record")
    place = _place(fields) or "messages"
    items = list_of(fields.get(place), place)
    _check_beside(fields, place, len(items))
    if known.one_of(QUESTIONS, fields):
        raise Unclear(f"`{place}` may be questions alone, for the record has the id of a question")
    found, assumed = turns(items)
    own_id = known.id_of(fields)
    transcript = speakers.with_beside(found, fields, place, own_id)
    transcript.assumed += assumed
    further = if_any("turns", [_further(item) for item in items])
    transcript.extra = {**transcript.extra, **further}
    yield answers.with_last(transcript)


def turns(items: list[object]) -> tuple[list[Turn], tuple[str, ...]]:
    """Texts, or objects with a text, as turns; and what was assumed for it.

    Unclear where something beside the texts may say who writes them.
    """
    objects = [item for item in items if isinstance(item, dict)]
    used = {name for item in objects for name in known.holds_text(known.TEXTS, item)[:1]}
    doubt = who.may_name_speakers(objects, used)
    if doubt:
        raise Unclear(f"`{doubt}` of a text may say who writes it")
    texts = [text_of(_text(item), f"text {n}") for n, item in enumerate(items, 1)]
    by_label = labelled(texts)
    if by_label:
        return by_label, ()
    return alternating(texts), (ALTERNATE,)


def labelled(texts: Sequence[str]) -> list[Turn]:
    """The turns of texts of which each begins with its speaker, `Ada: Tea?`; [] of others.

    Unclear where only some of them seem to.
    """
    heads = [cell.head_of(text) for text in texts]
    times = Counter(head[1].strip() for head in heads if head)
    usual = {label for label in times if times[label] > 1 or cell.is_usual(label)}
    if not usual:
        return []
    if not all(heads):
        raise Unclear(f"some texts begin with a speaker ({min(usual)}:), others do not")
    return [
        turn_by(head[1].strip(), text[head.end() :].strip())
        for head, text in zip(heads, texts, strict=True)
        if head
    ]


def _check_beside(record: Fields, place: str, size: int) -> None:
    """Unclear where a list beside the texts may name their speakers, or holds other texts."""
    for name, value in record.items():
        short = known.plain(name)
        if name == place or not isinstance(value, list) or not value or short in LABELS:
            continue
        is_scalar = all(isinstance(item, str | int) for item in value)
        names_speakers = short.removesuffix("s") in (*known.NAMES, *known.ROLES)
        if is_scalar and (len(value) == size or names_speakers):
            raise Unclear(f"`{name}` beside `{place}` may say who writes, or hold other texts")


def _text(item: object) -> object:
    """The text of an item; what is neither a text nor an object with one is found by `text_of`."""
    if not isinstance(item, dict):
        return item
    texts = known.holds_text(known.TEXTS, item)
    return item[texts[0]] if texts else None


def _further(item: object) -> Fields:
    if not isinstance(item, dict):
        return {}
    return rest(item, *known.holds_text(known.TEXTS, item)[:1])


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    places = known.all_of(known.PLACES, record)
    return next((place for place in places if _is_list_of_texts(record[place])), None)


def _is_list_of_texts(value: object) -> bool:
    if not isinstance(value, list) or len(value) < 2:
        return False
    return any(isinstance(_text(item), str) for item in value)
