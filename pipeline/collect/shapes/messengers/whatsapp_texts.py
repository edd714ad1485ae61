"""What WhatsApp itself writes into a chat: notices, media that were left out, deleted messages.

By form, in every language: on an iPhone such a text begins with U+200E, on Android a medium is
`<..>`, or a file's name with brackets behind it. Only what has no form of its own is listed here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MARK = "\u200e"  # left-to-right mark
ALONE = re.compile(rf"^{MARK}?<[^<>\n]{{3,60}}>$")
STEMS = (
    "omitted|weggelassen|ausgeschlossen|omitid|omiti|omis|omess|weggelaten|ocult|utel|udelad|"
    "poisjät|jätet|pomini|vynech|kihagy|опущен|пропущ|отсутств|dahil edilmedi|disertakan|"
    "dikecualikan|bỏ qua|ละเว้น|省略|略去|忽略|除外|生략|생략|제외|استبعاد|استثناء|محذوف|הושמט|"
    "छोड़|παραλείφθηκ"
)
OMITTED = re.compile(rf"^{MARK}?\w[^\n]{{0,60}}(?:{STEMS})\w*\.?$", re.I)
FILE = re.compile(
    rf"^{MARK}?(?:(?:IMG|VID|AUD|PTT|STK|DOC|GIF)-\d{{8}}-WA\d+\.\w+|\S[^\n]{{0,120}}\.\w{{2,5}}) "
    r"\((?P<remark>[^()\n]{4,40})\)$"
)
OWN_FILE = re.compile(rf"^{MARK}?[A-Z]{{3}}-\d{{8}}-WA\d+\.\w+ ")
ATTACHED = re.compile(
    "attach|angehäng|adjunt|anexa|joint|allegat|bijgevoeg|bifoga|vedhæft|vedlag|liite|ekli|eklen|"
    "вложен|прикреп|дода|lampir|terlampir|dołącz|załącz|přilož|pripoj|csatol|atașat|συνημμ|"
    "附件|附加|添付|첨부|مرفق|پیوست|मौजूद|संलग्न|מצורף|แนบ|đính kèm",
    re.I,
)
PLACE = re.compile(r"^(?:\S[^:\n]{0,30}: )?https?://maps\.google\.com/\?q=[-\d.,]+$")
POLL = re.compile(r"^\W*[^\W\d_]{3,20}:\n.+\n\W*[^\W\d_]{3,20}: .*\(\d+ [^()]+\)", re.S)
EDIT_STEMS = (
    "edit|bearbeit|modifi|bewerk|redig|muoka|düzenle|изменен|отредакт|редагов|edyto|uprav|"
    "szerkeszt|módos|επεξεργ|編輯|编辑|編集|편집|수정|تعديل|ویرایش|संपादित|נערכ|แก้ไข|chỉnh sửa"
)
SEVERAL_WORDS = "(?=[^<>]*[ \x80-\uffff])"  # `<edit>` is somebody's own text
EDITED = re.compile(rf"\s*{MARK}?<{SEVERAL_WORDS}[^<>\n]*(?:{EDIT_STEMS})[^<>\n]*>$", re.I)
TAIL = re.compile(rf"(?:^|[ \n•]){MARK}(?P<tail>[^{MARK}\n]+)$")
ENCRYPTED = re.compile(
    "end-to-end|ende-zu-ende|extremo a extremo|bout en bout|ponta a ponta|сквозн|uçtan uca|"
    "端到端|端對端|エンドツーエンド|종단간|totalmente criptografad|päästä päähän|ende-til-ende|"
    "end-til-end|kompleksowe szyfrowanie|تام بين الطرفين|שיפור מקצה|מקצה לקצה|एंड-टू-एंड",
    re.I,
)
# Whole texts that have no form of their own, without a full stop, in small letters.
DELETED = {
    "this message was deleted",
    "you deleted this message",
    "this message was deleted by admin",
    "diese nachricht wurde gelöscht",
    "du hast diese nachricht gelöscht",
    "se eliminó este mensaje",
    "este mensaje fue eliminado",
    "eliminaste este mensaje",
    "este mensaje se eliminó",
    "mensagem apagada",
    "esta mensagem foi apagada",
    "você apagou esta mensagem",
    "apagou esta mensagem",
    "ce message a été supprimé",
    "vous avez supprimé ce message",
    "questo messaggio è stato eliminato",
    "hai eliminato questo messaggio",
    "dit bericht is verwijderd",
    "u hebt dit bericht verwijderd",
    "je hebt dit bericht verwijderd",
    "данное сообщение удалено",
    "вы удалили данное сообщение",
    "сообщение удалено",
    "це повідомлення видалено",
    "ви видалили це повідомлення",
    "bu mesaj silindi",
    "bu mesajı sildiniz",
    "ta wiadomość została usunięta",
    "usunięto tę wiadomość",
    "wiadomość została usunięta",
    "usunąłeś tę wiadomość",
    "tato zpráva byla smazána",
    "tato zpráva byla odstraněna",
    "tuto zprávu jste smazali",
    "ezt az üzenetet törölték",
    "törölted ezt az üzenetet",
    "acest mesaj a fost șters",
    "ați șters acest mesaj",
    "pesan ini telah dihapus",
    "pesan ini dihapus",
    "anda menghapus pesan ini",
    "anda telah menghapus pesan ini",
    "det här meddelandet har raderats",
    "det här meddelandet togs bort",
    "du raderade det här meddelandet",
    "denne besked blev slettet",
    "du slettede denne besked",
    "denne meldingen ble slettet",
    "du slettet denne meldingen",
    "tämä viesti poistettiin",
    "tämä viesti on poistettu",
    "poistit tämän viestin",
    "αυτό το μήνυμα διαγράφηκε",
    "διαγράψατε αυτό το μήνυμα",
    "此訊息已刪除",
    "這則訊息已刪除",
    "你已刪除此訊息",
    "您已刪除此訊息",
    "此消息已删除",
    "你删除了这条消息",
    "您删除了这条消息",
    "このメッセージは削除されました",
    "このメッセージを削除しました",
    "삭제된 메시지입니다",
    "이 메시지는 삭제되었습니다",
    "이 메시지를 삭제했습니다",
    "تم حذف هذه الرسالة",
    "لقد حذفت هذه الرسالة",
    "این پیام حذف شد",
    "شما این پیام را حذف کردید",
    "הודעה זו נמחקה",
    "מחקת הודעה זו",
    "यह संदेश हटाया गया",
    "यह मैसेज हटाया गया",
    "आपने यह संदेश हटाया",
    "ข้อความนี้ถูกลบแล้ว",
    "ข้อความนี้ถูกลบ",
    "คุณลบข้อความนี้",
    "tin nhắn này đã bị xóa",
    "bạn đã xóa tin nhắn này",
}
CALLS = {
    "missed voice call",
    "missed video call",
    "missed group voice call",
    "missed group video call",
    "verpasster sprachanruf",
    "verpasster videoanruf",
    "llamada perdida",
    "videollamada perdida",
    "appel vocal manqué",
    "appel vidéo manqué",
    "chiamata vocale persa",
    "videochiamata persa",
    "chamada de voz perdida",
    "chamada de vídeo perdida",
    "gemiste spraakoproep",
    "gemiste video-oproep",
    "пропущенный аудиозвонок",
    "пропущенный видеозвонок",
    "cevapsız sesli arama",
    "cevapsız görüntülü arama",
}
NOTHING = {"null", "waiting for this message. this may take a while", "live location shared"}


class Parts(NamedTuple):
    """A message taken apart: the words of its writer, and the names of what else stood there."""

    text: str
    left_out: tuple[str, ...] = ()


def take_apart(text: str) -> Parts:
    """The words of a message without what the app wrote into it."""
    text, edited = _without_edit(text.strip())
    first, _, caption = text.partition("\n")
    if kind := _kind(first.strip(), text):
        is_medium = kind == "attachment"
        if is_medium and caption and MARK not in caption:
            return Parts(caption.strip(), (kind, *edited))
        return Parts("", (kind,))
    if (match := TAIL.search(text)) and _is_medium(match["tail"].strip()):
        words = text[: match.start()].strip(f" \n•{MARK}")
        return Parts(_without_file(words), ("attachment", *edited))
    return Parts(text, edited)


def _without_edit(text: str) -> tuple[str, tuple[str, ...]]:
    match = EDITED.search(text)
    if match and match.start():
        return text[: match.start()].rstrip(), ("edited mark",)
    return text, ()


def _kind(line: str, text: str) -> str | None:
    """What a text of the app is, by its first line; None for a text that somebody wrote."""
    plain = line.strip(f"{MARK} ").rstrip(".").casefold()
    if plain in DELETED:
        return "deleted message"
    if ALONE.match(line) or _is_file(line):
        return "attachment"
    if plain in CALLS:
        return "call"
    if plain in NOTHING:
        return "message without text"
    if PLACE.match(line.strip(MARK)):
        return "location"
    if POLL.match(text):
        return "poll"
    if line.startswith(MARK):
        return "attachment" if OMITTED.match(line) else "notice"
    return None


def _is_file(line: str) -> bool:
    """`IMG-20250330-WA0010.jpg (file attached)`, in any language."""
    match = FILE.match(line)
    if match is None:
        return False
    return bool(OWN_FILE.match(line) or ATTACHED.search(match["remark"]))


def _is_medium(tail: str) -> bool:
    return bool(ALONE.match(tail) or OMITTED.match(tail))


def _without_file(words: str) -> str:
    """No words are left of a line that only names the file: `Plan.pdf • 3 pages`."""
    is_name = re.fullmatch(rf"[^\n]{{1,120}}\.\w{{2,5}}(?: • {MARK}?\d+ \w+)?", words)
    return "" if is_name else words
