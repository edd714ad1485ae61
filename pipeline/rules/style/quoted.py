"""Quoted mail: the letter that is answered, and what mail programs write around it.

    Fine by me.                                     kept
    Am 03.03.2020 um 14:22 schrieb Jonas Weber:     a heading
    > Sehen wir uns am Donnerstag?                  quoted

What kind a line is is found by its parts, in ten languages: a date or an address, a verb of
writing, a colon. A letter that somebody tells of has no such heading ("On Tuesday she wrote:").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.signs import holds
from pipeline.rules.style.devices import device_parts, is_of_device
from pipeline.rules.style.notices import NOTICE_STEMS, notice_place

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

# heading: of a quotation. letter: of a letter that is passed on. notice: of a mail program or a
# lawyer, at the end. signature: the line before one. field: of a heading above the message itself.
# device: what a telephone adds.
MailLine = Literal[
    "heading", "letter", "notice", "signature", "field", "device", "quoted", "blank", "text"
]
MARKS = ("heading", "letter", "notice", "signature", "field")

_LONGEST = 250  # characters of a heading
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{4}年|\d{4}년")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.hч]\d\d(?!\d)")
_MAIL_ADDRESS = re.compile(r"[\w.+-]@[\w-]+\.\w")
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|écrivait|écrit|escribió|escribía|ha scritto|scrive|escreveu"
    r"|пишет|пише|schreef|skrev|napisał(?:a|\[a\]|\(a\))?|pisze|napsal|yazdı|написала?)\b"
    r"|написал|写道|寫道|写到|のメール|さんは書きました|님이 (?:작성|쓴 글)|作成|"
    r"\bот [^:\d]{2,40}:$"
)
_LETTER = (
    "(?:message|nachricht|mensaje|messaggio|mensagem|mail|e-mail|сообщени[ея]|письм[оа]|邮件|"
    "郵件|信息|メッセージ|メール|메시지|메일|bericht|wiadomość|meddelande)"
)
_TITLE = rf"(?:[\w'’]+ ){{0,3}}[\w'’]{{0,12}}{_LETTER}(?: [\w'’éè]+){{0,3}}"
_DIVIDER = re.compile(
    rf"\W*-{{3,}}\s?\[?{_TITLE}\]?\s?-{{3,}}\W*"
    rf"|\W*(?:begin |anfang |début |inicio |inizio |início |начало ){_TITLE} ?:\W*"
)
_FROM = "from|von|de|da|от|от кого|van|från|od|发件人|寄件者|差出人|보낸 ?사람"
_FIELD = (
    "sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|date|à|objet|enviado(?: el)?|"
    "fecha|para|asunto|inviato|data|a|oggetto|assunto|отправлено|дата|кому|копия|тема|aan|"
    "onderwerp|skickat|till|ämne|发送时间|日期|收件人|抄送|主题|主旨|送信日時|宛先|件名|"
    "보낸 ?날짜|받는 ?사람|제목|날짜"
)
_FROM_LINE = re.compile(rf"[*> ]{{0,4}}(?:{_FROM})\*? ?[:：]\*? ?\S.*")
_FIELD_LINE = re.compile(rf"[*> ]{{0,4}}(?:{_FIELD})\*? ?[:：]\*? ?\S.*")
# A subject that answers or passes on; the formulas above the name and the office of a writer.
_ANSWERING = re.compile(
    r"[*> ]{0,4}(?:subject|betreff|objet|asunto|oggetto|assunto|тема|主题|主旨|件名|"
    r"제목)\*? ?[:：]\*? ?"
    r"(?:re|aw|fwd?|wg|tr|rv|r|i|enc|ha|отв|ответ|回复|答复|转发|返信|전달|회신)[:：].*"
    r"|(?:re|aw|fwd?|wg|tr|rv)(?:\[\d\])?: \S.{0,60}[^.!?…]"
)
_CLOSING = re.compile(
    r"(?:with )?(?:best|kind|warm|kindest|warmest)? ?regards|(?:yours )?(?:sincerely|"
    r"faithfully)(?: yours)?"
    r"|(?:mit )?(?:freundlichen|besten|herzlichen|freundliche|beste) grü(?:ß|ss)en?|"
    r"hochachtungsvoll"
    r"|(?:bien )?cordialement|(?:sincères|meilleures) salutations|atentamente|un cordial saludo"
    r"|cordiali saluti|distinti saluti|atenciosamente|с уважением|met vriendelijke groet"
    r"|med vänliga hälsningar|z poważaniem|敬具|以上、よろしくお願いいたします|감사합니다"
)
_SIGNATURE_LINES, _SIGNATURE_WIDTH = 8, 70

# Texts without any of these hold no quoted mail, but for lines with ">" and signatures.
_STEMS = (
    "wrote:|writes:|schrieb|écrit|escribi|scritto|scrive:|escreveu|пишет|написал|schreef|"
    "skrev|napisał|写道|寫道|のメール|님이|>:|>：|---|forwarded message|weitergeleitete|réexpédi|"
    "reenviado|inoltrato|пересыл|from:|von:|发件人|寄件者|差出人|보낸|от:|de:|da:|de :|от :|00 от|"
    "to:|re:|aw:|fwd:|fw:|wg:|rv:|regards,\n|sincerely,\n|faithfully,\n|grüßen\n|grüßen,\n|grüße\n|"
    "cordialement,\n|salutations,\n|atentamente,\n|saludo,\n|saluti,\n|saluti\n|atenciosamente,\n|"
    "уважением,\n|groet,\n|hälsningar,\n|poważaniem,\n|poważaniem\n|敬具\n"
)
STEMS = (*_STEMS.split("|"), *NOTICE_STEMS.split("|"))
_LINES = ("\n>", "\0>", "\n--")


def quoted(reading: Reading) -> Iterator[Finding]:
    """Messages with a heading, a signature or a notice of mail in them."""
    for message in reading.judged:
        content = reading.line(message)
        if may_hold_mail(content) and (span := _first_mark(lines_of(content))):
            yield reading.of_place("style.quoted", 1, Hit(message, *span))


def may_hold_mail(folded: str) -> bool:
    """A quick look, to which most messages say no. folded: lower case, straight quotes."""
    return has_mail_lines(folded) or bool(_automaton().find_matches_as_indexes(folded))


def has_mail_lines(folded: str) -> bool:
    """Does a line begin like a quotation or a signature?"""
    return folded.startswith(">") or holds(folded, _LINES)


@cache
def _automaton() -> AhoCorasick:
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick([*STEMS, *device_parts()])


def _first_mark(lines: Sequence[str]) -> tuple[int, int] | None:
    start = 0
    for line, kind in zip(lines, kinds(lines), strict=True):
        if kind in MARKS:
            return start, start + len(line)
        start += len(line) + 1
    return None


def lines_of(text: str) -> list[str]:
    """The lines of a text; a notice that follows a sentence begins a line of its own."""
    lines: list[str] = []
    for line in text.split("\n"):
        place = notice_place(line)
        lines += [line[: place - 1], line[place:]] if place > 0 else [line]
    return lines


def kinds(lines: Sequence[str]) -> list[MailLine]:
    """What each line is."""
    folded = [line.lower().strip() for line in lines]
    found = [_kind(folded, index) for index in range(len(folded))]
    if "letter" in found and "text" not in found[: found.index("letter")]:  # it answers nothing
        found[found.index("letter")] = "text"
    fields = _fields_above(folded)
    found[:fields] = ["field"] * fields
    return found


def _is_field(line: str) -> bool:
    forms = (_FIELD_LINE, _FROM_LINE, _ANSWERING)
    return any(form.fullmatch(line) for form in forms)


def _fields_above(folded: Sequence[str]) -> int:
    """How many lines "to: lena", "subject: re: tea" stand above a message; one, if it answers."""
    above = list(takewhile(_is_field, folded))
    has_proof = any(_ANSWERING.fullmatch(line) or _MAIL_ADDRESS.search(line) for line in above)
    return len(above) if has_proof else 0


def _kind(folded: Sequence[str], index: int) -> MailLine:
    line = folded[index]
    if not line or line.startswith(">"):
        return "quoted" if line else "blank"
    if _is_signature(folded, index) or _is_closing(folded, index):
        return "signature"
    if is_of_device(line):
        return "device"
    if len(line) <= _LONGEST and (_DIVIDER.fullmatch(line) or _is_heading(folded, index)):
        return "heading"
    if _FROM_LINE.fullmatch(line) and _fields_after(folded, index) >= 2:
        return "letter"
    return "notice" if notice_place(line) == 0 else "text"


def _is_signature(folded: Sequence[str], index: int) -> bool:
    """Two dashes, and a few short lines to the end."""
    if folded[index] != "--" or not any(folded[:index]):
        return False
    after = folded[index + 1 :]
    return 0 < len(after) <= _SIGNATURE_LINES and max(map(len, after)) <= _SIGNATURE_WIDTH


def _is_closing(folded: Sequence[str], index: int) -> bool:
    """A formula, a name, and an office or a number: two lines or more, to the end."""
    if not _CLOSING.fullmatch(folded[index].rstrip(", .!")) or not any(folded[:index]):
        return False
    after = list(filter(None, folded[index + 1 :]))
    is_short = all(len(line) <= _SIGNATURE_WIDTH and line[-1] not in "!?…" for line in after)
    return 2 <= len(after) <= _SIGNATURE_LINES and is_short


def _is_heading(folded: Sequence[str], index: int) -> bool:
    """A date or an address, a verb of writing, a colon: "am 3.3.2020 um 14:22 schrieb jonas:".

    Programs of some languages write no verb beside the address. Long headings are broken in two.
    """
    line = folded[index].rstrip("* ")
    after = " ".join(folded[index + 1 : index + 2])
    if not line.endswith((":", "：")):
        if len(after) > _LONGEST // 2 or not _MAIL_ADDRESS.search(line):
            return False
        line = f"{line} {after}".rstrip("* ")
    if not line.endswith((":", "：")):
        return False
    has_address = _MAIL_ADDRESS.search(line)
    has_verb = _WROTE.search(line)
    has_day = _DATE.search(line) or (_YEAR.search(line) and _DAY.search(line))
    if has_verb:
        return bool(has_day or has_address or after.startswith(">"))
    return bool(has_address and (has_day or _TIME.search(line)))


def _fields_after(folded: Sequence[str], index: int) -> int:
    """How many lines "to: lena", "subject: tea" follow."""
    following = folded[index + 1 : index + 6]
    return sum(bool(_FIELD_LINE.fullmatch(line)) for line in following)
