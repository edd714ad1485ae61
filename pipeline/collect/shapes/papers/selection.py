"""Which answer fits: the Ubuntu corpus as a table.

Context,Utterance,Label
"Sound is gone __eou__ __eot__ Which card ? __eou__ __eot__",An old one . __eou__,1

`__eot__` ends a turn, and two speakers take turns. With label 0 the utterance is not the answer,
and is left out. Distractors (`Distractor_0`) are alternatives to `Ground Truth Utterance`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.papers import eou
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    alternating,
    dict_of,
    rest,
    text_of,
)
from pipeline.conversation import Alternative

ABOUT = About("the Ubuntu dialogue corpus as a table", ("alternatives",))

CONTEXT, LABEL = "Context", "Label"
ANSWERS = ("Utterance", "Ground Truth Utterance")
DISTRACTOR = "Distractor_"
REASON = "candidate"  # of the alternatives


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get(CONTEXT), str):
        return False
    return eou.UTTERANCE in record[CONTEXT] and any(name in record for name in ANSWERS)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    name = next((name for name in ANSWERS if name in fields), ANSWERS[0])
    texts = eou.texts_of(text_of(fields.get(CONTEXT), CONTEXT))
    answer = _text(fields, name)
    left_out: dict[str, int] = {}
    if LABEL in fields and not _is_one(fields[LABEL]):
        left_out = {"answer that does not fit": 1}
    else:
        texts.append(answer)
    wrong = [str(field) for field in fields if str(field).startswith(DISTRACTOR)]
    options = [answer, *(_text(fields, field) for field in wrong)]
    yield Transcript(
        alternating(texts),
        alternatives=_alternatives(len(texts) - 1, options),
        extra=rest(fields, CONTEXT, name, LABEL, *wrong),
        assumed=(eou.ALTERNATE,),
        left_out=left_out,
    )


def _alternatives(message: int, options: list[str]) -> tuple[Alternative, ...]:
    """The options for a message, the first of which stands there."""
    if len(options) < 2:
        return ()
    return tuple(Alternative(message, text, REASON, not at) for at, text in enumerate(options))


def _text(record: Fields, name: str) -> str:
    return "\n".join(eou.texts_of(text_of(record.get(name), name)))


def _is_one(label: object) -> bool:
    """ValueError where a label is neither 0 nor 1."""
    if str(label) in ("1", "1.0"):
        return True
    if str(label) in ("0", "0.0"):
        return False
    raise ValueError(f"{LABEL} is {label!r}, expected 0 or 1")
