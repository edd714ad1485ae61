"""Noise: what no language is, and characters that were lost.

"asdkjh qweoiu zxmnb"                    words whose letters never stand together
"blorf grenti wuzzle pim docka"          words of no language: none of them is known
"#$%^&*@@#$ hello"                       shapes: symbols, held keys, numbers, digests
"Lorem ipsum dolor sit amet"             what pages are filled with
"Caf\ufffd is open", "锟斤拷", "Ã¼ber"    style.damaged: decoded wrongly, beyond repair
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

MANY = 4  # words of filler in one message
_LOST = re.compile(
    "\ufffd|ï¿½|锟斤拷|锟斤|烫烫烫|屯屯屯"  # the sign for what was lost, and how others read it
    "|[ÃÐÑ][\x80-\xbf]|â€|[РС][ЂЃЉЊЌЋЏѓ‚„…†‡€‰‹\xb0-\xbb]"  # UTF-8 that nothing could decode
)
# A text of another script whose letters became question marks: "??????, ??? ????".
_QUESTIONS = re.compile(r"(?<!\?)\?{2,}+(?:[ ,.!:;-]++\?{2,}+){2,}")


def noise(reading: Reading) -> Iterator[Finding]:
    """Words of noise in a row; and shapes and filler, by their length or number."""
    from pipeline.rules.reading.shapes import shapes

    words = reading.noise
    if words.words:
        yield reading.of_place("style.noise", words.words, reading.hit(words.start, words.end))
    for shape in shapes(reading.text):
        hit = reading.hit(shape.start, shape.end)
        yield reading.of_place("style.noise", hit.end - hit.start, hit)
    for start, end in _babble(reading):
        yield reading.of_place("style.noise", end - start, reading.hit(start, end))
    fillers = reading.hits["lorem"]
    for message, count in Counter(hit.message for hit in fillers).items():
        if count >= MANY:
            first = next(hit for hit in fillers if hit.message == message)
            yield reading.of_place("style.noise", count, first)


def _babble(reading: Reading) -> Iterator[tuple[int, int]]:
    """Words are known only where the conversation is in a language whose words are listed."""
    from pipeline.rules.reading import babble

    language = reading.detection and reading.detection.language
    is_known = language is not None and language.code in babble.LANGUAGES
    yield from babble.babble(reading.text, reading.folded, is_known)


def damaged(reading: Reading) -> Iterator[Finding]:
    """Characters that were lost by wrong decoding."""
    found = [] if reading.text.isascii() else list(_LOST.finditer(reading.text))
    if "??" in reading.text:
        found += [runs for runs in _QUESTIONS.finditer(reading.text) if _is_of_words(runs[0])]
    lost = [reading.hit(*match.span()) for match in found]
    yield from reading.first_places("style.damaged", lost)


def _is_of_words(questions: str) -> bool:
    """Are the runs as different as words are? "?? ?? ??" is surprise."""
    return len({len(run) for run in re.findall(r"\?+", questions)}) > 1
