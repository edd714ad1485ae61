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
from typing import TYPE_CHECKING, Literal

from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

# heading: of a quotation. letter: of a letter that is passed on. notice: of a mail program or a
# lawyer, at the end. signature: the line before one.
MailLine = Literal["heading", "letter", "notice", "signature", "quoted", "blank", "text"]
_MARKS = ("heading", "letter", "notice", "signature")

_LONGEST = 250  # characters of a heading
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{4}年|\d{4}년")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.hч]\d\d(?!\d)")
_MAIL_ADDRESS = re.compile(r"[\w.+-]@[\w-]+\.\w")
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|écrivait|écrit|escribió|escribía|ha scritto|scrive|escreveu"
    r"|пишет|пише|schreef|skrev|napisał(?:a|\[a\]|\(a\))?|pisze|napsal|yazdı|написала?)\b"
    r"|написал|写道|寫道|写到|のメール|さんは書きました|님이 (?:작성|쓴 글)|作成"
)
_LETTER = r"(?:message|nachricht|mensaje|messaggio|mensagem|mail|e-mail|сообщени[ея]|письм[оа]|"
_LETTER += r"邮件|郵件|信息|メッセージ|メール|메시지|메일|bericht|wiadomość|meddelande)"
_DIVIDER = re.compile(
    rf"\W*-{{3,}}\s?\[?(?:[\w'’]+ ){{0,3}}[\w'’]{{0,12}}{_LETTER}(?: [\w'’éè]+){{0,3}}\]?\s?-{{3,}}\W*"
    rf"|\W*(?:begin |anfang |début |inicio |inizio |início |начало )(?:[\w'’]+ ){{0,3}}{_LETTER}"
    r"(?: [\w'’éè]+){0,2} ?:\W*"
)
_FROM = "from|von|de|da|от|от кого|van|från|od|发件人|寄件者|差出人|보낸 ?사람"
_FIELD = (
    "sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|date|à|objet|enviado(?: el)?|fecha|"
    "para|asunto|inviato|data|a|oggetto|assunto|отправлено|дата|кому|копия|тема|aan|onderwerp|"
    "skickat|till|ämne|发送时间|日期|收件人|抄送|主题|主旨|送信日時|宛先|件名|보낸 ?날짜|받는 ?사람|제목|날짜"
)
_FROM_LINE = re.compile(rf"[*> ]{{0,4}}(?:{_FROM})\*? ?[:：]\*? ?\S.*")
_FIELD_LINE = re.compile(rf"[*> ]{{0,4}}(?:{_FIELD})\*? ?[:：]\*? ?\S.*")
_SIGNATURE_LINES, _SIGNATURE_WIDTH = 8, 70

# Notices: each needs a word of every row.
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|(?<=。)")
_OF_MAIL = (
    r"\be-?mails?\b|\bmails?\b|message|newsletter|nachricht|courriel|mensaje|correo|messaggio|mensagem|"
    "письм|сообщени|рассылк|邮件|郵件|电邮|メール|メッセージ|메일|메시지|뉴스레터"
)
_SECRET = (
    "confidential|privileged|vertraulich|confidentiel|confidencia|riservat|конфиденциальн|"
    "保密|机密|機密|秘密|기밀|비밀"
)
_RECEIVED = (
    "attach|addressee|recipient|intended|anhäng|anlage|empfänger|adressat|bestimmt|pièces? jointe|"
    "destinat|adjunt|allegat|anexo|вложени|адресат|получател|предназначен|附件|收件人|收信人|接收|"
    "添付|宛先|受信者|名宛人|첨부|수신"
)
_LEAVE = (
    r"to unsubscribe|unsubscribe (?:here|from th|at any|by)|opt out|abmelden|abbestell|austragen|désabonn|désinscri|darse de baja|"
    r"darte de baja|cancelar (?:la|su|tu|a|sua) (?:suscripción|inscrição|assinatura)|disiscri|"
    r"annulla(?:re)? l.iscrizione|descadastr|отписаться|отказаться от (?:рассылки|подписки)|"
    r"退订|退訂|取消订阅|取消訂閱|配信(?:の)?停止|購読(?:の)?解除|수신 ?거부|구독 ?(?:취소|해지)"
)
_BY_LINK = (
    r"click|klick|cliqu|\bclic\b|clicca|\bhere\b|\bhier\b|\bici\b|\baquí\b|\baqui\b|\bqui\b|\blink|\blien\b|"
    "enlace|reply|здесь|ссылк|нажм|点击|點擊|这里|這裡|链接|こちら|クリック|여기|클릭"
)
_BROWSER = (
    r"(?:view|read|open|see) (?:this|it|the)\b.{0,30}(?:browser|online)|im browser (?:ansehen|öffnen|"
    "anzeigen)|dans (?:votre|le) navigateur|en (?:su|el|tu) navegador|nel (?:tuo )?browser|no (?:seu )?"
    "navegador|в браузере|在浏览器中|ブラウザで|브라우저에서"
)
_SCANNED = r"(?:virus|viren|вирус|病毒|ウイルス|바이러스)"
_BEFORE_PRINTING = "before printing|before you print|ausdrucken|avant d.imprimer|antes de imprimir|"
_BEFORE_PRINTING += "prima di stampare|(?:прежде чем|перед тем,? как) (?:распечат|печат)|打印前|打印本|印刷する前|인쇄하기 전"
_NOTICES = tuple(
    tuple(map(re.compile, row))
    for row in (
        (_OF_MAIL, _SECRET, _RECEIVED),
        (_LEAVE, _BY_LINK),
        (_OF_MAIL, _BROWSER),
        (_OF_MAIL, _SCANNED, "avast|avg|scan|check|geprüft|überprüft|проверен|analis|vérifié|检查|free"),
        (_OF_MAIL, _BEFORE_PRINTING),
    )
)
# Texts without any of these hold no quoted mail, but for lines with ">" and signatures.
STEMS = (
    "wrote:|writes:|schrieb|écrit|escribi|scritto|scrive:|escreveu|пишет|написал|schreef|skrev|"
    "napisał|写道|寫道|のメール|님이|>:|>：|---|forwarded message|weitergeleitete|réexpédi|reenviado|"
    "inoltrato|пересыл|from:|von:|发件人|寄件者|差出人|보낸|от:|de:|da:|confiden|privileged|vertraulich|"
    "riservat|конфиденц|保密|机密|機密|秘密|기밀|비밀|unsubscrib|opt out|abmelden|abbestell|austragen|"
    "désabonn|désinscri|de baja|cancelar |disiscri|annulla|descadastr|отписаться|отказаться от|退订|退訂|"
    "取消订阅|取消訂閱|配信|購読|수신|구독|browser|naveg|navig|браузер|浏览器|ブラウザ|브라우저|virus|viren|"
    "вирус|病毒|ウイルス|바이러스|before print|you print|ausdrucken|imprimer|imprimir|stampare|печат|打印|印刷|인쇄"
)
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
    return folded.startswith(">") or any(map(folded.__contains__, _LINES))


@cache
def _automaton() -> AhoCorasick:
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(STEMS.split("|"))


def _first_mark(lines: Sequence[str]) -> tuple[int, int] | None:
    start = 0
    for line, kind in zip(lines, kinds(lines), strict=True):
        if kind in _MARKS:
            return start, start + len(line)
        start += len(line) + 1
    return None


def lines_of(text: str) -> list[str]:
    """The lines of a text; a notice that follows a sentence begins a line of its own."""
    lines: list[str] = []
    for line in text.split("\n"):
        place = _notice_place(line)
        lines += [line[: place - 1], line[place:]] if place > 0 else [line]
    return lines


def _notice_place(line: str) -> int:
    """Where in a line the sentence begins that proves a notice; -1: nowhere."""
    folded = line.lower()
    for row in _NOTICES:
        found = [word.search(folded) for word in row]
        proofs = [match.start() for match in found[1:] if match]
        if all(found):
            before = _SENTENCE.finditer(folded, 0, min(proofs))
            return max((match.end() for match in before), default=0)
    return -1


def kinds(lines: Sequence[str]) -> list[MailLine]:
    """What each line is."""
    folded = [line.lower().strip() for line in lines]
    found = [_kind(folded, index) for index in range(len(folded))]
    if "letter" in found and "text" not in found[: found.index("letter")]:
        return ["text" if kind == "letter" else kind for kind in found]  # it answers nothing
    return found


def _kind(folded: Sequence[str], index: int) -> MailLine:
    line = folded[index]
    if not line or line.startswith(">"):
        return "quoted" if line else "blank"
    if _is_signature(folded, index):
        return "signature"
    if len(line) <= _LONGEST and (_DIVIDER.fullmatch(line) or _is_heading(folded, index)):
        return "heading"
    if _FROM_LINE.fullmatch(line) and _fields_after(folded, index) >= 2:
        return "letter"
    return "notice" if _notice_place(line) == 0 else "text"


def _is_signature(folded: Sequence[str], index: int) -> bool:
    """Two dashes, and a few short lines to the end."""
    after = folded[index + 1 :]
    is_short = 0 < len(after) <= _SIGNATURE_LINES and max(map(len, after)) <= _SIGNATURE_WIDTH
    return folded[index] == "--" and is_short and any(folded[:index])


def _is_heading(folded: Sequence[str], index: int) -> bool:
    """A date or an address, a verb of writing, a colon: "am 3.3.2020 um 14:22 schrieb jonas:".

    Programs of some languages write no verb beside the address. Long headings are broken in two.
    """
    line, after = folded[index].rstrip("* "), " ".join(folded[index + 1 : index + 2])
    if not line.endswith((":", "：")):
        if len(after) > _LONGEST // 2 or not _MAIL_ADDRESS.search(line):
            return False
        line = f"{line} {after}".rstrip("* ")
    if not line.endswith((":", "：")):
        return False
    has_address, has_verb = _MAIL_ADDRESS.search(line), _WROTE.search(line)
    has_day = _DATE.search(line) or (_YEAR.search(line) and _TIME.search(line))
    if has_verb:
        return bool(has_day or has_address or after.startswith(">"))
    return bool(has_address and (has_day or _TIME.search(line)))


def _fields_after(folded: Sequence[str], index: int) -> int:
    """How many lines "to: lena", "subject: tea" follow."""
    following = folded[index + 1 : index + 6]
    return sum(bool(_FIELD_LINE.fullmatch(line)) for line in following)
