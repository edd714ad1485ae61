"""Notices that mail programs, lawyers and newsletters write below a mail, in ten languages.

    See you. This e-mail and any attachments are confidential.         from "This e-mail" on
    This is confidential, so only tell the goat.                       none

A notice is known by words of several kinds in one line: a word for mail, one for secrecy, one for
who receives it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_SENTENCE = re.compile(r"(?<=[.!?。])\s+|(?<=。)")
_OF_MAIL = (
    r"\be-?mails?\b|\bmails?\b|transmission|message|newsletter|nachricht|courriel|mensaje|correo|messaggio|"
    "mensagem|письм|сообщени|рассылк|邮件|郵件|电邮|メール|メッセージ|메일|메시지|뉴스레터"
)
_SECRET = (
    "confidential|privileged|vertraulich|confidentiel|confidencia|riservat|конфиденциальн|保密|"
    "机密|機密|秘密|기밀|비밀"
)
_RECEIVED = (
    "attach|contained in|addressee|recipient|intended|received|anhäng|anlage|empfänger|adressat|"
    "bestimmt|"
    "pièces? jointe|destinat|adjunt|allegat|anexo|вложени|адресат|получател|предназначен|附件|"
    "收件人|收信人|接收|添付|宛先|受信者|名宛人|첨부|수신"
)
_LEAVE = (
    "you no longer (?:wish|want) to receive|nicht mehr (?:erhalten|bekommen) (?:möcht|woll)|"
    "ne (?:souhaitez|voulez) plus recevoir|"
    "no desea recibir|non (?:vuoi|desideri) più ricevere|não (?:quer|deseja) (?:mais )?receber|"
    "не хотите (?:больше )?получать|不想再收到|不再接收|to unsubscribe|unsubscribe (?:here|"
    "from th|at any|by)|opt out|abmelden|abbestell|"
    "austragen|désabonn|désinscri|darse de baja|darte de baja|cancelar (?:la|su|tu|a|"
    "sua) (?:suscripción|inscrição|assinatura)|disiscri|annulla(?:re)? l.iscrizione|"
    "descadastr|отписаться|отказаться от (?:рассылки|подписки)|退订|退訂|取消订阅|取消訂閱|"
    "配信(?:の)?停止|"
    "購読(?:の)?解除|수신 ?거부|구독 ?(?:취소|해지)"
)
_BY_LINK = (
    r"click|klick|cliqu|\bclic\b|clicca|\bhere\b|\bhier\b|\bici\b|\baquí\b|\baqui\b|\bqui\b|"
    r"\blink|\blien\b|enlace|reply|здесь|ссылк|нажм|点击|點擊|这里|這裡|链接|こちら|クリック|"
    r"여기|클릭"
)
_BROWSER = (
    r"(?:view|read|open|see) (?:this|it|the)\b.{0,30}(?:browser|online)|im browser (?:ansehen|"
    "öffnen|anzeigen)|dans (?:votre|le) navigateur|en (?:su|el|tu) navegador|"
    "nel (?:tuo )?browser|no (?:seu )?navegador|в браузере|在浏览器中|ブラウザで|브라우저에서"
)
_SCANNED = "(?:virus|viren|вирус|病毒|ウイルス|바이러스)"
_BEFORE_PRINTING = (
    "before printing|before you print|ausdrucken|avant d.imprimer|antes de imprimir|"
    "prima di stampare|(?:прежде чем|перед тем,? как) (?:распечат|печат)|打印前|打印本|"
    "印刷する前|인쇄하기 전"
)
_THIS = r"\bthis|\bdies|\bce(?:ci)? |\best[ea]\b|\bquest[ao]\b|\bэто|данное|本|此|この|발신"
_CLEAN = "virus-?free|virenfrei|sans virus|libre de virus|без вирусов|无病毒"
_LIST = "mailing ?list|mailingliste|liste de diffusion|lista de correo|список рассылки|邮件列表"
_BY_ITSELF = (
    "automat|automátic|unmonitored|noreply|no-reply|автоматич|自动|自動|자동|발신 ?전용|送信専用"
)
_UNANSWERED = (
    "(?:do not|don't) (?:reply|respond)|not be (?:read|answered)|nicht (?:auf|antwort)|"
    "antworten sie .{0,12}nicht|"
    "ne pas (?:y )?répond|pas répond|no (?:responda|respondas|conteste)|não respond|non rispond|"
    "не отвеча|отвечать .{0,16}не|勿.{0,4}回|不要.{0,4}回|返信.{0,6}(?:ない|できま)|返信不要|"
    "회신.{0,6}(?:마|않)"
)
_GIVEN = (
    "you(?:'re| are)? (?:received?|receiving|getting) this|sie erhalten diese|vous recevez ce|"
    "(?:recibe|recibes|has recibido) este|ricevi questa|hai ricevuto questa|você (?:recebeu|"
    "está recebendo) est|"
    "вы получ(?:или|аете) это|您收到|配信しています|수신하셨"
)
_FOLDED = (
    r"^\[?(?:quoted text hidden|zitierter text wird ausgeblendet|"
    r"texte des messages précédents masqué|"
    r"el texto citado está oculto|testo tra virgolette nascosto|"
    r"texto das mensagens anteriores oculto|"
    r"скрытый текст цитаты|цитируемый текст скрыт|隐藏引用文字|隐藏被引用文字|引用テキストを非表示|"
    r"따온 텍스트 숨김)\]?$"
)
_SUBSCRIBED = "subscri|abonn|angemeldet|inscri|suscri|iscritt|подпис|订阅|訂閱|登録|구독|group"
# Each needs a word of every row; the rarest first, and the last word may stand in another sentence.
_NOTICES = tuple(
    tuple(map(re.compile, row))
    for row in (
        (_SECRET, _RECEIVED, _OF_MAIL),
        (_LEAVE, _BY_LINK),
        (_BROWSER, _OF_MAIL),
        (
            _SCANNED,
            "avast|avg|scan|check|geprüft|überprüft|проверен|analis|vérifié|检查|free",
            _OF_MAIL,
        ),
        (_BEFORE_PRINTING, _OF_MAIL),
        (_UNANSWERED, _BY_ITSELF, _THIS, _OF_MAIL),
        (_CLEAN, r"avast|\bavg\b"),
        (_LIST, "@|https?:|_{5}"),
        (_GIVEN, _SUBSCRIBED, _OF_MAIL),
        (_FOLDED,),
    )
)
# A text without any of these holds no notice.
NOTICE_STEMS = (
    "confiden|privileged|vertraulich|riservat|конфиденц|保密|机密|機密|秘密|기밀|비밀|"
    "unsubscrib|opt out|"
    "abmelden|abbestell|austragen|désabonn|désinscri|de baja|cancelar |disiscri|annulla|"
    "descadastr|отписаться|отказаться от|退订|退訂|取消订阅|取消訂閱|配信|購読|수신|구독|"
    "browser|naveg|navig|"
    "браузер|浏览器|ブラウザ|브라우저|virus|viren|вирус|病毒|ウイルス|바이러스|before print|"
    "you print|ausdrucken|"
    "imprimer|imprimir|stampare|печат|打印|印刷|인쇄|no longer wish|no longer want|"
    "nicht mehr erhalten|nicht mehr bekommen|plus recevoir|desea recibir|più ricevere|"
    "mais receber|больше получать|хотите получать|不想再|不再接收|mailing|diffusion|de correo|"
    "рассылк|邮件列表|automat|automátic|unmonitored|noreply|no-reply|автоматич|自动|自動|"
    "자동|발신|送信専用|this email because|this message because|this e-mail because|"
    "erhalten diese|recevez ce|"
    "recibe este|recibes este|recibido este|ricevi questa|ricevuto questa|recebeu est|получили это|"
    "получаете это|您收到|수신하셨|quoted text|zitierter text|texte des messages|texto citado|"
    "testo tra|"
    "mensagens anteriores|текст цитаты|текст скрыт|引用文字|引用テキスト|따온 텍스트"
)


def notice_place(line: str) -> int:
    """Where in a line the sentence begins that proves a notice; -1: nowhere."""
    folded = line.lower()
    if not _automaton().find_matches_as_indexes(folded):
        return -1
    for row in _NOTICES:
        if all(word.search(folded) for word in row):
            proofs = [match.start() for word in row[:-1] or row if (match := word.search(folded))]
            before = _SENTENCE.finditer(folded, 0, min(proofs))
            return max((match.end() for match in before), default=0)
    return -1


@cache
def _automaton() -> AhoCorasick:
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(NOTICE_STEMS.split("|"))
