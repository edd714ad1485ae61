"""What mail programs, forums, telephones and exports write is removed, and prose stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.conversation import Message
from pipeline.filter.repair.forum import strip_forum
from pipeline.filter.repair.quoted import strip_quoted
from pipeline.rules.reading.reading import read
from pipeline.rules.style.page import may_hold_page, page

ANSWERS = [
    (
        (
            "Sounds good, see you!\n\nOn Tue, Mar 3, 2020 at 2:22 PM Tom Baker "
            "<tom@example.com> wrote:\n\n> Did you keep the bowl?\n> Tom"
        ),
        "Sounds good, see you!",
    ),
    (
        (
            "Yes I can.\n\nOn Tue, Mar 3, 2020 at 2:22 PM Tom Baker "
            "<tom.baker.longname@example.com>\nwrote:\n> Can you?"
        ),
        "Yes I can.",
    ),
    (
        (
            "Ja, gerne!\n\nVon: Jonas Weber\nGesendet: Dienstag, 3. März 2020 14:22\n"
            "An: Lena\nBetreff: Donnerstag\n\nHast du Zeit?"
        ),
        "Ja, gerne!",
    ),
    (
        (
            "D'accord.\n\nLe mar. 3 mars 2020 à 14:22, Luc Petit <luc@example.fr> a "
            "écrit :\n> On se voit jeudi ?"
        ),
        "D'accord.",
    ),
    (
        (
            "Vale, nos vemos.\n\nEl mar, 3 mar 2020 a las 14:22, Ana "
            "(<ana@example.es>) escribió:\n\n> ¿Quedamos?"
        ),
        "Vale, nos vemos.",
    ),
    (
        (
            "Va bene.\n\nIl giorno mar 3 mar 2020 alle ore 14:22 Gino "
            "<gino@example.it> ha scritto:\n> Giovedì?"
        ),
        "Va bene.",
    ),
    (
        (
            "Combinado!\n\nEm ter., 3 de mar. de 2020 às 14:22, Rui <rui@example.pt> "
            "escreveu:\n> Quinta?"
        ),
        "Combinado!",
    ),
    (
        ("Хорошо, приду.\n\nвт, 3 мар. 2020 г. в 14:22, Аня <anya@example.ru>:\n> Придёшь?"),
        "Хорошо, приду.",
    ),
    (('Да.\n\n03.03.2020, 14:22, "Аня" <anya@example.ru> пишет:\nПридёшь в четверг?'), "Да."),
    (
        "好的，没问题。\n\nTom <tom@example.cn> 于2020年3月3日周二 14:22写道：\n> 周四见？",
        "好的，没问题。",
    ),
    (
        (
            '好的\n\n------------------ 原始邮件 ------------------\n发件人: "Tom"\n发送时间: '
            "2020年3月3日\n周四见？"
        ),
        "好的",
    ),
    ("了解です。\n\n2020年3月3日(火) 14:22 Tom <tom@example.jp>:\n> 木曜日は？", "了解です。"),
    (
        "네 좋아요.\n\n2020년 3월 3일 (화) 오후 2:22, Tom <tom@example.kr>님이 작성:\n> 목요일?",
        "네 좋아요.",
    ),
    (
        ("Prima.\n\nOp di 3 mrt. 2020 om 14:22 schreef Piet <piet@example.nl>:\n> Donderdag?"),
        "Prima.",
    ),
    (
        ("Dobra.\n\nwt., 3 mar 2020 o 14:22 Ola <ola@example.pl> napisał(a):\n> W czwartek?"),
        "Dobra.",
    ),
    ("> Did you keep the bowl?\nI did, for paper clips.", "I did, for paper clips."),
    ("> One?\nYes.\n> Two?\nNo.", "Yes.\nNo."),
    (">> older\n> newer\n\nI agree with both of you.", "I agree with both of you."),
    (
        (
            "See below.\n\n---------- Forwarded message ---------\nFrom: Tom "
            "<t@x.example>\nDate: Tue\nSubject: Fwd: goats\nTo: Lena\n\nThe goats are "
            "out."
        ),
        "See below.",
    ),
    (("Anbei.\n\nAnfang der weitergeleiteten Nachricht:\n\nVon: Tom\nBetreff: Ziegen"), "Anbei."),
    ("Bis dann!\n\n-- \nJonas Weber\nVertrieb Nord\nTel. 030 1234", "Bis dann!"),
    (
        (
            "See you. This message is confidential and may be privileged. If you "
            "are not the intended recipient, please delete it."
        ),
        "See you.",
    ),
    (
        (
            "Bis morgen.\n\nDiese E-Mail enthält vertrauliche Informationen. Wenn "
            "Sie nicht der richtige Adressat sind, löschen Sie sie bitte."
        ),
        "Bis morgen.",
    ),
    (
        (
            "À jeudi.\n\nCe message et toutes les pièces jointes sont confidentiels "
            "et établis à l'intention exclusive de ses destinataires."
        ),
        "À jeudi.",
    ),
    (
        (
            "Hasta luego.\nEste mensaje y sus adjuntos son confidenciales y van "
            "dirigidos exclusivamente a su destinatario."
        ),
        "Hasta luego.",
    ),
    (
        (
            "Пока.\n\nЭто сообщение и вложения к нему конфиденциальны и "
            "предназначены только адресату."
        ),
        "Пока.",
    ),
    ("明天见。\n\n本邮件及其附件含有保密信息，仅限于发送给上面地址中列出的收件人。", "明天见。"),
    ("では。\n\nこのメールは機密情報を含み、受信者のみを対象としています。", "では。"),
    ("Ok. To stop receiving these emails, unsubscribe here.", "Ok."),
    ("Nos vemos. Para darse de baja de la lista, haga clic aquí.", "Nos vemos."),
    (("Ok!\n\nThis email has been checked for viruses by Avast antivirus software."), "Ok!"),
    ("Fine.\n\nPlease consider the environment before printing this e-mail.", "Fine."),
    (
        (
            "On Mar 3, 2020, at 2:22 PM, Tom <tom@example.com> wrote:\n> Did you "
            "keep it?\n> Yes or no?\nYes of course."
        ),
        "Yes of course.",
    ),
    ("Passt.\n\nVon meinem iPhone gesendet", "Passt."),
    ("Subject: Re: bowl\nPasst.", "Passt."),
    ("Vale.\n\nAtentamente,\nAna Berg\nJefa de lámparas", "Vale."),
    ("Хорошо.\nПонедельник, 4 мая 2015, 10:12 +03:00 от Анна:\n> Придёшь?", "Хорошо."),
    ("好。\n本邮件由系统自动发送，请勿回复。", "好。"),
    ("Sure.\n[Quoted text hidden]", "Sure."),
]
NO_MAIL = [
    "Best regards to your mother!\nShe was kind.",
    "Sent from my heart.",
    "Subject: me, soup, rain.\nNothing else.",
    "Yours,\nPeter",
    'On Tuesday he wrote: "come home".',
    "From: your secret admirer\nTo: you\n\nMeet me at noon.",
    "> be me\n> go out",
    "> look at table",
    "-- said nobody\nnever.",
    "Dear Lena,\n\nI am well.\n\nYours,\nTom",
    'She wrote:\n"My dear, come."',
    'In 1820 Byron wrote:\n"So we\'ll go no more a roving"',
    "This message is a secret between us, don't attach anything.",
    "I unsubscribed from that newsletter.",
    '> *The door creaks.*\n"Who is there?"',
    "To: Mara\nSubject: hi\nLove you",
    "Meeting at 14:22, Tom said:\nyes",
    "Please unsubscribe me from your emails.",
    "Your email is confidential, right?",
    "--\n--",
]
POSTS = [
    ("Nice soup!\nSent from my Galaxy S9 using Tapatalk", "Nice soup!"),
    ("ok super\n\nVon meinem Samsung Galaxy Smartphone gesendet.", "ok super"),
    ("Merci !\nEnvoyé depuis mon téléphone Samsung", "Merci !"),
    ("Vale.\nEnviado desde mi Xiaomi", "Vale."),
    ("A domani\nInviato da iPad", "A domani"),
    ("Ok.\nEnviado do meu telemóvel Huawei", "Ok."),
    ("Да\nОтправлено из мобильной Почты Mail.ru", "Да"),
    ("好的\n发自我的华为手机", "好的"),
    ("はい。\niPhoneから送信", "はい。"),
    ("네\n내 iPhone에서 보냄", "네"),
    ("I agree. Sent from my iPhone", "I agree."),
    ("It was fun.\nEdited March 3, 2020 by Tom", "It was fun."),
    ("That's odd.\nLast edited: Mar 3, 2020", "That's odd."),
    (
        ("Stimmt.\nZuletzt geändert von Tom am Di 3. Mär 2020, 14:22, insgesamt 2-mal geändert."),
        "Stimmt.",
    ),
    ("Oui.\nDernière édition par Luc le Mar 3 Mar 2020 - 14:22, édité 1 fois", "Oui."),
    ("Sí.\nÚltima edición por Ana; 03/03/2020 a las 14:22", "Sí."),
    ("本帖最后由 tom 于 2019-3-4 11:52 编辑\n那家面馆真好吃。", "那家面馆真好吃。"),
    (("Sì.\nUltima modifica di Gino il mar 03 mar 2020, modificato 1 volta in totale."), "Sì."),
    ("Great (edited)", "Great"),
    ("Класс! (изменено)", "Класс!"),
    ("Haha good one\nEDIT: typo", "Haha good one"),
    ("I love goats.\nEdit: thanks for the gold, kind stranger!", "I love goats."),
    ("Wow.\nEDIT 2: wow, this blew up, RIP my inbox", "Wow."),
    ("Tom said: ↑\nDid you keep it?\nClick to expand...\nI did.", "I did."),
    ("Quote:\nOriginally Posted by Tom\nDid you?\n\nI did.", "I did."),
    ("Zitat von Jonas\nHast du?\n\nJa klar.", "Ja klar."),
    ("Цитата: Сообщение от Аня\nТы придёшь?\n\nДа, приду.", "Да, приду."),
    ("引用: 李明 发表于 2019-3-4 11:52\n你好\n\n好的", "好的"),
    ("Nice dog.\nLike · Reply · 3h", "Nice dog."),
    ("Nice dog!\n👍 12  Reply  Share", "Nice dog!"),
    ("Ja.\nAntworten Zitieren Melden", "Ja."),
    ("Oui.\nRépondre | Citer | Signaler", "Oui."),
    ("Sí, claro.\nMe gusta · Responder · Hace 3 horas", "Sí, claro."),
    ("Да.\nОтветить Цитировать Пожаловаться", "Да."),
    ("Bello.\nMi piace · Rispondi · 2 giorni fa", "Bello."),
    ("Legal!\nCurtir · Responder · 5 d", "Legal!"),
    ("好吃！\n点赞 回复 举报", "好吃！"),
    ("いいですね。\nいいね！ 返信する 3時間前", "いいですね。"),
    ("It was a long day at the\nRead more", "It was a long day at the"),
    ("So true.\n5 people like this", "So true."),
    ("True.\nTom, Lena and 3 others like this.", "True."),
    ("Yes.\n12 points · 3 hours ago · Reply", "Yes."),
    ("Lena — Yesterday at 9:05 PM\nSoup's ready.", "Soup's ready."),
    (
        (
            "Hm.\nI am a bot, and this action was performed automatically. Please "
            "contact the moderators of this subreddit if you have any questions or "
            "concerns."
        ),
        "Hm.",
    ),
    ("Cool.\nYou must log in or register to reply here.", "Cool."),
    ("Ok.\nLog in to reply", "Ok."),
    ("Yes!\nAll times are GMT +1. The time now is 14:22.", "Yes!"),
    ("No.\nPowered by phpBB", "No."),
    ("Ja.\nFolgende Benutzer bedankten sich: Anna, Jonas", "Ja."),
    ("Oui.\nHors ligne · Messages : 231 · Inscrit le 3 mai 2010", "Oui."),
    ("Да.\nТема перенесена модератором", "Да."),
    ("好。\n浏览 120 | 回复 3", "好。"),
    ("Sì.\nTorna su", "Sì."),
    ("Yes.\nTranslated from Dutch by Google", "Yes."),
    ("Sim.\nVocê não pode responder a este tópico", "Sim."),
    ("はい。\n3人がこの回答を参考にしました", "はい。"),
    ("Join Date: Mar 2010\nLocation: Bern\nPosts: 1,234\nI love soup.", "I love soup."),
    ("Posted by u/tom 3 hours ago\nMy pigeons do it too.", "My pigeons do it too."),
]
NO_PROSE = [
    "Gesendet von Mail für Windows 10",
    "좋아요!\n답글 달기 · 공유 · 3시간 전",
    "[removed]",
    "Los mensajes y las llamadas están cifrados de extremo a extremo.",
    "This topic was automatically closed 90 days after the last reply.",
    "[ Removed by Reddit ]",
    "Diese Nachricht wurde gelöscht.",
    "Ce message a été supprimé",
    "Данное сообщение удалено",
    "Se eliminó este mensaje.",
    "此消息已被删除",
    "你撤回了一条消息",
    "このメッセージは削除されました",
    "삭제된 메시지입니다.",
    "Questo messaggio è stato eliminato",
    "Esta mensagem foi apagada",
    "image omitted",
    "<Medien ausgeschlossen>",
    "<Без медиафайлов>",
    "IMG-20200303-WA0001.jpg (file attached)",
    "[图片]",
    "[스티커]",
    "Missed voice call",
    "You deleted this message",
    "Attachments:\ngoat.jpg (23 KB, 40 views)",
]
NO_PAGE = [
    "Anna added pepper.",
    "Back to the top of the hill!",
    "Ich will nach oben.",
    "Тема закрыта, больше ни слова.",
    "Peter joined us for soup.",
    "Read more.",
    "You should read more.\nReally, read more",
    "Reply",
    "Quote",
    "She said: reply",
    "[photo of a goat]",
    "I like it. Share?",
    "Sent from heaven",
    "Yes. No. Like.",
    "What a report!",
    "He edited it yesterday (edited by his wife).",
    "Posted by the door.",
    "Tom — today at the market",
    "I got it from my phone",
    "Message deleted? Oops, sorry.",
    "Edit: I forgot the salt.",
    "[laughs]",
    "Today at 14:32",
    "Um 14:32 Uhr",
    "I deleted this message from my head",
    "Posts: 3",
    "Author",
    "No more replies, please",
    "Original poster of that film hangs here",
    "My answer: view all of it",
    "Please log in to reply, I told him.",
    "Ответить",
    "回复",
    "分享",
    "楼主",
    "Joined: hands and hearts.",
    "Ты прочитал сообщение?",
    "I report. You reply.",
    "Pull up. Down. Up.",
    "Report: all quiet.\nReply: good.",
    "thanks for the gold ring, darling",
    "Missed call from mom, then I cried.",
    "Liked by nobody, she wept.",
]


def found(text: str) -> set[str]:
    return {finding.rule for finding in page(read([Message("user", text)]))}


@pytest.mark.parametrize(("mail", "answer"), ANSWERS)
def test_quoted_mail_goes_and_the_answer_stays(mail: str, answer: str) -> None:
    assert may_hold_page(mail.lower())
    assert strip_quoted(mail) == answer
    assert strip_quoted(answer) == answer
    assert found(answer) == set()


@pytest.mark.parametrize("text", NO_MAIL)
def test_what_only_speaks_of_mail_stays(text: str) -> None:
    assert strip_quoted(text) == text
    assert found(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "-----Original Message-----\nFrom: Tom\nSent: Tuesday\nTo: Lena",
        "Um sich vom Newsletter abzumelden, klicken Sie hier: abmelden.",
        "On Mar 3, 2020, Tom <tom@example.com> wrote:\n> Yes",
    ],
)
def test_a_message_that_is_all_mail_stays_and_is_found(text: str) -> None:
    assert strip_quoted(text) == text
    assert found(text) == {"style.quoted"}


@pytest.mark.parametrize(("post", "prose"), POSTS)
def test_lines_of_a_page_go_and_prose_stays(post: str, prose: str) -> None:
    assert may_hold_page(post.lower())
    assert strip_forum(post) == prose
    assert strip_forum(prose) == prose
    assert found(prose) == set()


@pytest.mark.parametrize("text", NO_PROSE)
def test_a_message_that_a_page_wrote_stays_and_is_found(text: str) -> None:
    assert strip_forum(text) == text
    assert found(text) == {"style.forum"}


@pytest.mark.parametrize("text", NO_PAGE)
def test_what_people_say_of_pages_stays(text: str) -> None:
    assert strip_forum(text) == text
    assert found(text) == set()


PARTS = ["on", "wrote:", "from: tom", "3.3.2020", "14:22", "[deleted]", "edited by", "like"]
PARTS += [">", "--", "reply", "share", "tom@a.example"]
LINES = st.lists(st.lists(st.sampled_from(PARTS), max_size=5).map(" ".join), max_size=6)


@given(LINES.map("\n".join))
@example(">\nfrom: tom tom@a.example\non")
def test_a_repaired_text_is_final(text: str) -> None:
    for strip in (strip_quoted, strip_forum):
        once = strip(text)
        assert strip(once) == once


@pytest.mark.parametrize(
    "part", ["On ", "On x wrote:\n", "> a\n", "reply ", "reply\n", "edited by ", "a@b.c 14:22 "]
)
def test_a_long_text_takes_time_by_its_length(part: str) -> None:
    text = part * (30_000 // len(part))
    start = time.process_time()
    strip_quoted(text)
    strip_forum(text)
    found(text)
    assert time.process_time() - start < 5
