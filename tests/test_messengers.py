"""Chats of messengers and threads of forums: what is a message, by whom, and where a talk ends."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import UserError, collect
from pipeline.collect import shapes
from pipeline.conversation import Conversation, FileRead, Quarantine
from pipeline.recipe.collect import CollectSettings, SourceSettings
from tests.messengers import (
    ANSWERS,
    ASKS,
    DISCORD,
    FILES,
    MESSENGER,
    MOJIBAKE,
    START,
    TALK,
    as_bytes,
    iso,
    milliseconds,
)

Talks = list[list[tuple[str | None, str]]]
MODULES = {
    shapes.name_of(module): module
    for group in (shapes.CHATS, shapes.RECORDS, shapes.TABLES, shapes.TEXTS, shapes.DOCUMENTS)
    for module in group
}


def rows_of(folder: Path, name: str, content: bytes, **source: Any) -> list[Any]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    collecting = CollectSettings(sources=[SourceSettings(name="s", files=[name], **source)])
    return [
        row
        for unit in collect.units(collecting, folder)
        for row in collect.read(unit, collecting, folder)
    ]


def talks_of(rows: list[Any]) -> Talks:
    kept = [row for row in rows if isinstance(row, Conversation)]
    return [[(message.name, message.content) for message in row.messages] for row in kept]


def whatsapp(folder: Path, text: str) -> list[Any]:
    return rows_of(folder, "chat.txt", text.encode())


# --- every shape


@pytest.mark.parametrize(
    ("shape", "name", "content", "left_out"),
    FILES,
    ids=[f"{shape}-{number}" for number, (shape, *_) in enumerate(FILES)],
)
def test_a_chat_is_recognised_read_and_what_is_no_message_is_counted(
    tmp_path: Path, shape: str, name: str, content: Any, left_out: dict[str, int]
) -> None:
    rows = rows_of(tmp_path, name, as_bytes(name, content))
    speakers = ["Me", "Ben"] if shape == "sms" else ["Ada", "Ben"]
    assert talks_of(rows) == [list(zip(speakers, (ASKS, ANSWERS), strict=True))]
    [read] = [row for row in rows if isinstance(row, FileRead)]
    assert (read.shape, read.conversations, read.left_out) == (shape, 1, left_out)
    assert "the second speaker is the assistant" in read.assumed
    row = rows[0]
    assert row.split_group
    assert row.source.private == MODULES[shape].ABOUT.private
    assert [message.role for message in row.messages] == ["user", "assistant"]


def test_public_forums_and_irc_are_not_private_and_messengers_are() -> None:
    public = {"forum", "reddit_thread", "discourse", "irc"}
    of_people = {shape for shape, *_ in FILES} | {"telegram", "whatsapp", "irc"}
    assert {name for name in of_people if not MODULES[name].ABOUT.private} == public


@pytest.mark.parametrize("name", sorted({shape for shape, *_ in FILES}))
def test_every_shape_shows_its_layout(name: str) -> None:
    assert len((MODULES[name].__doc__ or "").splitlines()) >= 6


# --- what is written is read again

WORDS = st.text("abc äß☕'", min_size=1, max_size=12).map(lambda text: f"x{text.strip()}")
LOG = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from(["Ada", "Ben", "Cy Ek"]), WORDS),
    min_size=2,
    max_size=12,
)
Log = list[tuple[Any, str, str]]  # time, speaker, text


def as_whatsapp(log: Log) -> bytes:
    lines = (f"{time:%d.%m.%y, %H:%M} - {name}: {text}" for time, name, text in log)
    return "\n".join(lines).encode()


def as_iphone(log: Log) -> bytes:
    lines = (f"[{time:%m/%d/%y, %I:%M:%S\u202f%p}] {name}: {text}" for time, name, text in log)
    return "\r\n".join(lines).encode()


def as_messenger(log: Log) -> bytes:
    def of_download(text: str) -> str:
        return text.encode().decode("latin-1")

    messages = [
        {"sender_name": name, "content": of_download(text), "timestamp_ms": stamp(time)}
        for time, name, text in log
    ]
    return json.dumps({"participants": [], "messages": messages[::-1]}).encode()


def as_teams(log: Log) -> bytes:
    messages = [
        {
            "id": str(number),
            "messageType": "message",
            "createdDateTime": time.isoformat().replace("+00:00", "Z"),
            "from": {"user": {"id": name, "displayName": name}},
            "body": {"contentType": "text", "content": text},
        }
        for number, (time, name, text) in enumerate(log)
    ]
    return json.dumps({"value": messages[::-1]}).encode()


def as_twitter(log: Log) -> bytes:
    messages = [
        {"messageCreate": {"senderId": name, "text": text, "createdAt": time.isoformat()}}
        for time, name, text in log
    ]
    chats = [{"dmConversation": {"conversationId": "1-2", "messages": messages[::-1]}}]
    return b"window.YTD.direct_messages.part0 = " + json.dumps(chats).encode()


def as_snapchat(log: Log) -> bytes:
    messages = [
        {"From": name, "Media Type": "TEXT", "Created": f"{time:%Y-%m-%d %H:%M:%S} UTC"}
        | {"Content": text, "IsSender": name == "Ada"}
        for time, name, text in log
    ]
    return json.dumps({"ben": messages[::-1]}).encode()


def as_instagram(log: Log) -> bytes:
    messages = [
        {"sender": name, "created_at": time.isoformat(), "text": text} for time, name, text in log
    ]
    return json.dumps([{"participants": ["a"], "conversation": messages[::-1]}]).encode()


def as_messenger_page(log: Log) -> bytes:
    boxes = (
        f'<div class="pam _3-95 uiBoxWhite"><div>{name}</div><div><div>{text}</div></div>'
        f"<div>{time:%b %d, %Y %I:%M:%S %p}</div></div>"
        for time, name, text in log[::-1]
    )
    return f"<html><body>{''.join(boxes)}</body></html>".encode()


def as_discord(log: Log) -> bytes:
    messages = [
        {
            "type": "Default",
            "content": text,
            "author": {"id": name, "name": name},
            "timestamp": time.isoformat(),
        }
        for time, name, text in log
    ]
    return json.dumps({"channel": {"id": "7"}, "messages": messages}).encode()


def as_slack(log: Log) -> bytes:
    messages = [
        {
            "type": "message",
            "user": name,
            "text": text,
            "ts": f"{stamp(time) // 1000}.000100",
            "user_profile": {"real_name": name},
        }
        for time, name, text in log
    ]
    return json.dumps(messages).encode()


def as_line(log: Log) -> bytes:
    lines = ["[LINE] Chat history with Ben", "Saved on: 2024/12/31 10:00"]
    day = None
    for time, name, text in log:
        if time.date() != day:
            day = time.date()
            lines += ["", f"{day:%Y/%m/%d(%a)}"]
        lines.append(f"{time:%H:%M}\t{name}\t{text}")
    return "\n".join(lines).encode()


def as_matrix(log: Log) -> bytes:
    messages = [
        {
            "type": "m.room.message",
            "sender": name,
            "origin_server_ts": stamp(time),
            "content": {"msgtype": "m.text", "body": text},
        }
        for time, name, text in log
    ]
    return json.dumps({"room_name": "x", "messages": messages}).encode()


def as_kakaotalk(log: Log) -> bytes:
    lines = ["Ben 님과 카카오톡 대화", "저장한 날짜 : 2024-12-31 10:00:00", ""]
    day = None
    for time, name, text in log:
        if time.date() != day:
            day = time.date()
            lines.append(f"--------------- {day.year}년 {day.month}월 {day.day}일 ---------------")
        half = "오전" if time.hour < 12 else "오후"
        lines.append(f"[{name}] [{half} {(time.hour + 11) % 12 + 1}:{time.minute:02}] {text}")
    return "\n".join(lines).encode()


def as_sms(log: Log) -> bytes:
    from xml.sax.saxutils import quoteattr

    lines = [
        f'<sms address="{name}" contact_name="{name}" type="1" date="{stamp(time)}" '
        f"body={quoteattr(text)} />"
        for time, name, text in log
    ]
    return f'<?xml version="1.0" encoding="UTF-8"?><smses>{"".join(lines)}</smses>'.encode()


def stamp(time: Any) -> int:
    return int(time.timestamp() * 1000)


WRITERS: dict[str, tuple[str, Callable[[Log], bytes]]] = {
    "whatsapp": ("chat.txt", as_whatsapp),
    "iphone": ("chat.txt", as_iphone),
    "messenger": ("message_1.json", as_messenger),
    "discord": ("ben.json", as_discord),
    "slack": ("2024-04-25.json", as_slack),
    "line": ("line.txt", as_line),
    "matrix": ("ferry.json", as_matrix),
    "kakaotalk": ("kakao.txt", as_kakaotalk),
    "teams": ("chat.json", as_teams),
    "twitter": ("direct-messages.js", as_twitter),
    "snapchat": ("chat_history.json", as_snapchat),
    "instagram": ("messages.json", as_instagram),
    "messenger_html": ("message_1.html", as_messenger_page),
}


def dated(drawn: list[tuple[int, str, str]]) -> Log:
    log, time = [], START
    for minutes, name, text in drawn:
        time += timedelta(minutes=minutes)
        log.append((time, name, text))
    return log


def expected_talks(log: Log) -> list[list[str]]:
    talks: list[list[str]] = []
    last = None
    for time, _, text in log:
        if last is None or time - last > timedelta(hours=6):
            talks.append([])
        talks[-1].append(text)
        last = time
    return talks


@settings(max_examples=90, deadline=None)
@given(LOG, st.sampled_from(sorted(WRITERS)))
def test_a_log_that_is_written_is_read_again(
    tmp_path_factory: Any, drawn: list[tuple[int, str, str]], kind: str
) -> None:
    log = dated(drawn)
    name, write = WRITERS[kind]
    rows = rows_of(tmp_path_factory.mktemp("log"), name, write(log))
    talks = [[text for _, text in talk] for talk in talks_of(rows)]
    assert talks == expected_talks(log)
    spoken = [one for talk in talks_of(rows) for one, _ in talk]
    assert spoken == [name for _, name, _ in log]


@settings(max_examples=30, deadline=None)
@given(LOG)
def test_text_messages_are_a_group_for_each_person(
    tmp_path_factory: Any, drawn: list[tuple[int, str, str]]
) -> None:
    log = dated(drawn)
    rows = rows_of(tmp_path_factory.mktemp("sms"), "sms.xml", as_sms(log))
    by_person: dict[str, list[str]] = {}
    for talk in talks_of(rows):
        by_person.setdefault(str(talk[0][0]), []).extend(text for _, text in talk)
    wanted: dict[str, list[str]] = {}
    for _, name, text in log:
        wanted.setdefault(name, []).append(text)
    assert by_person == wanted


# --- damaged files


def _items(content: Any) -> list[Any]:
    """The list of messages in a file, wherever it is."""
    if isinstance(content, list):
        return content
    for name in ("messages", "events", "MessageList", "value", "conversation"):
        if name in content:
            found: list[Any] = content[name]
            return found
    return _items(content["conversations"][0])


# shapes whose files hold a list of messages
LOGS = ("messenger", "discord", "slack", "matrix", "google_chat", "signal_json", "teams")
JUNK = [None, 3, "x", [], {}, {"type": []}, {"content": {}, "timestamp": "soon"}]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_a_cut_mixed_or_shuffled_chat_is_read_without_a_crash_and_nothing_is_lost(
    tmp_path_factory: Any, file: Any, chance: random.Random
) -> None:
    _, name, content, _ = file
    folder = tmp_path_factory.mktemp("fuzz")
    data = as_bytes(name, content)
    damage = chance.choice(["cut", "shuffled", "mixed"])
    if damage == "cut":
        data = data[: chance.randrange(len(data))]
    elif damage == "shuffled":
        lines = data.splitlines(keepends=True)
        chance.shuffle(lines)
        data = b"".join(lines)
    else:
        _, _, other, _ = chance.choice(FILES)
        data += b"\n" + as_bytes(name, other)
    try:
        rows = rows_of(folder, name, data)
    except UserError:
        return  # refused in words
    for row in rows:
        assert isinstance(row, Conversation | Quarantine | FileRead)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([file for file in FILES if file[0] in LOGS]),
    st.lists(st.sampled_from(JUNK), max_size=3),
    st.randoms(use_true_random=False),
)
def test_junk_among_the_messages_costs_itself(
    tmp_path_factory: Any, file: Any, junk: list[Any], chance: random.Random
) -> None:
    shape, name, content, _ = file
    changed = json.loads(json.dumps(content))
    items = _items(changed)
    items += junk
    chance.shuffle(items)
    rows = rows_of(tmp_path_factory.mktemp("junk"), name, as_bytes(name, changed), shape=shape)
    assert any(set(talk) >= set(TALK) for talk in talks_of(rows))
    found = sum(len(talk) for talk in talks_of(rows))
    counted = sum(sum(row.left_out.values()) for row in rows if isinstance(row, FileRead))
    refused = sum(isinstance(row, Quarantine) for row in rows)
    assert found + counted + refused >= len(items)


# --- WhatsApp in all countries

FIRST, SECOND, THIRD = "Ferry today?", "Only the first one,\nbring a coat: it rains.", "I will."
PHOTO = "IMG-20240425-WA0001.jpg"
# the stamp of a minute, a notice, what stands for a medium or a deleted message
LOCALES = {
    "de": ("25.04.24, 18:0{} - ", "Ende-zu-Ende-verschlüsselt.", "<Medien ausgeschlossen>"),
    "fr": ("25/04/2024 à 18:0{} - ", "Chiffrés de bout en bout.", "<Médias omis>"),
    "fi": ("25.4.2024 klo 18.0{} - ", "Viestit on salattu.", "<Media jätettiin pois>"),
    "es": ("25/4/2024, 6:0{} p. m. - ", "Están cifrados.", f"{PHOTO} (archivo adjunto)"),
    "us": ("4/25/24, 6:0{}\u202fPM - ", "They are encrypted.", f"{PHOTO} (file attached)"),
    "in": ("25/04/24, 6:0{} pm - ", "They are encrypted.", "This message was deleted"),
    "ca": ("2024-04-25, 6:0{} p.m. - ", "They are encrypted.", "null"),
    "tw": ("2024/4/25 下午6:0{} - ", "訊息受到端對端加密保護。", "<媒體已省略>"),
    "hu": ("2024. 04. 25. 18:0{} - ", "Az üzenetek titkosítottak.", "<Média kihagyva>"),
    "ru": ("25.04.2024, 18:0{} - ", "Сообщения защищены.", "Данное сообщение удалено"),
    "ar": ("٢٥‏/٤‏/٢٠٢٤، ٦:٠{} م - ", "الرسائل مشفرة.", "<تم استبعاد الوسائط>"),
    "fa": ("۱۴۰۳/۲/۶، ۱۸:۰{} - ", "پیام‌ها رمزگذاری شده‌اند.", "این پیام حذف شد"),
    "th": ("25/4/2567 18:0{} - ", "ข้อความได้รับการเข้ารหัส", "<ละเว้นสื่อ>"),
    "hi": ("२५/४/२४, ६:०{} pm - ", "संदेश एन्क्रिप्ट किए गए हैं।", "आपने यह संदेश हटाया"),
    "nl": ("25-04-2024 18:0{} - ", "Berichten zijn versleuteld.", "<Media weggelaten>"),
    "tr": ("25.04.2024 18:0{} - ", "Mesajlar şifrelidir.", "<Medya dahil edilmedi>"),
    "de iphone": ("[25.04.24, 18:0{}:03] ", "Ben: \u200eVerschlüsselt.", "\u200eBild weggelassen"),
    "us iphone": ("[4/25/24, 6:0{}:03\u202fPM] ", "Ben: \u200eSafe.", "\u200e<attached: 1.jpg>"),
    "kr iphone": ("[2024. 4. 25. 오후 6:0{}:03] ", "Ben: \u200e암호화됩니다.", "\u200e생략됨"),
    "br iphone": ("[25/04/2024 18:0{}:03] ", "Ben: \u200eSeguras.", "\u200eMensagem apagada"),
    "jp iphone": ("[2024/04/25 18:0{}:03] ", "Ben: \u200e暗号化されています。", "\u200e画像は省略"),
    "from the web": ("[18:0{}, 25/04/2024] ", "Ben: \u200eEncrypted.", "\u200eimage omitted"),
}  # fmt: skip


@pytest.mark.parametrize(("stamp", "notice", "medium"), LOCALES.values(), ids=LOCALES)
def test_whatsapp_is_read_in_every_country(
    tmp_path: Path, stamp: str, notice: str, medium: str
) -> None:
    text = "\n".join(
        [
            stamp.format(0) + notice,
            stamp.format(1) + f"Ada: {FIRST}",
            stamp.format(2) + f"Ben: {SECOND}",
            stamp.format(3) + f"Ben: {medium}",
            stamp.format(4) + f"Ada: {THIRD}",
        ]
    )
    rows = whatsapp(tmp_path, text)
    assert talks_of(rows) == [[("Ada", FIRST), ("Ben", SECOND), ("Ada", THIRD)]]
    assert sum(rows[-1].left_out.values()) == 2
    assert json.loads(rows[0].extra)["began"].startswith("2024-04-25 18:01")


OF_APP = {
    "Ada: \u200eYou changed the group description": "notice",
    "Ada: <Media omitted>": "attachment",
    "Ada: \u200eVideo weggelassen": "attachment",
    "Ada: Plan.pdf • \u200e3 pages \u200edocument omitted": "attachment",
    "Ada: Ben.vcf (file attached)": "attachment",
    "Ada: You deleted this message": "deleted message",
    "Ada: Diese Nachricht wurde gelöscht.": "deleted message",
    "Ada: Missed voice call": "call",
    "Ada: location: https://maps.google.com/?q=52.5,13.4": "location",
    "Ada: POLL:\nTea or coffee?\nOPTION: Tea (2 votes)\nOPTION: Coffee (1 vote)": "poll",
    "Ada changed the subject to “Boats: the plan”": "notice",
    "Ada changed the description: no smoking": "notice",
    "You created group “Boats”": "notice",
    "Ada:": "message without text",
}


@pytest.mark.parametrize(("line", "kind"), OF_APP.items())
def test_what_the_app_writes_is_no_message(tmp_path: Path, line: str, kind: str) -> None:
    lines = ["Ada: one", "Ben: two", line, "Ada: three", "Ben: four"]
    text = "\n".join(f"25.04.24, 18:0{n} - {line}" for n, line in enumerate(lines))
    rows = whatsapp(tmp_path, text)
    assert [text for _, text in talks_of(rows)[0]] == ["one", "two", "three", "four"]
    assert rows[-1].left_out == {kind: 1}


KEPT = {
    "see you at 5 <3": ("see you at 5 <3", {}),
    "use <edit> there": ("use <edit> there", {}),
    "at ten: sharp <This message was edited>": ("at ten: sharp", {"edited mark": 1}),
    "um zehn\u200e<Diese Nachricht wurde bearbeitet.>": ("um zehn", {"edited mark": 1}),
    "IMG-20240425-WA0001.jpg (file attached)\nour boat": ("our boat", {"attachment": 1}),
    "our boat \u200e<attached: 1-PHOTO.jpg>": ("our boat", {"attachment": 1}),
    "I was deleted from the list": ("I was deleted from the list", {}),
    "report.pdf (draft)": ("report.pdf (draft)", {}),
}


@pytest.mark.parametrize(("text", "kept"), KEPT.items())
def test_the_words_beside_the_apps_marks_are_kept(
    tmp_path: Path, text: str, kept: tuple[str, dict[str, int]]
) -> None:
    rows = whatsapp(tmp_path, f"25.04.24, 18:00 - Ada: Hm?\n25.04.24, 18:01 - Ben: {text}\n")
    assert talks_of(rows) == [[("Ada", "Hm?"), ("Ben", kept[0])]]
    assert rows[-1].left_out == kept[1]


DATES = {
    ("3/4/24", "13/4/24"): ("2024-04-03", False),  # a number over twelve
    ("3/4/24", "3/14/24"): ("2024-03-04", False),
    ("3/4/24", "1/5/24"): ("2024-04-03", False),  # the other order runs backward
    ("3.4.24", "4.4.24"): ("2024-04-03", False),  # dots
    ("2/3/24", "3/3/24", "4/3/24"): ("2024-03-02", True),  # the number that changes is the day
    ("3/2/24", "3/3/24", "3/4/24"): ("2024-03-02", True),
    ("4/4/24",): ("2024-04-04", False),
}


@pytest.mark.parametrize(("dates", "expected"), DATES.items())
def test_days_and_months_are_told_apart_by_evidence_or_the_assumption_is_named(
    tmp_path: Path, dates: tuple[str, ...], expected: tuple[str, bool]
) -> None:
    lines = [
        f"{day}, 18:0{at} - {who}: Hm" for day in dates for at, who in enumerate(("Ada", "Ben"))
    ]
    rows = whatsapp(tmp_path, "\n".join(lines))
    began, is_assumed = expected
    assert json.loads(rows[0].extra)["began"].startswith(began)
    assert any("a date like" in what for what in rows[-1].assumed) == is_assumed


def test_the_clock_shows_the_country_where_nothing_else_does(tmp_path: Path) -> None:
    for half, month in (("PM", "03"), ("pm", "04")):
        text = f"3/4/24, 6:00 {half} - Ada: a\n3/4/24, 6:01 {half} - Ben: b\n"
        rows = whatsapp(tmp_path, text)
        assert json.loads(rows[0].extra)["began"].startswith(f"2024-{month}")
        assert any("3/4/24" in what for what in rows[-1].assumed)


# --- single messengers


def test_messengers_texts_are_put_together_from_their_bytes(tmp_path: Path) -> None:
    chat = json.loads(json.dumps(MESSENGER).replace(ASKS, MOJIBAKE))
    row = rows_of(tmp_path, "message_1.json", json.dumps(chat).encode())[0]
    assert row.messages[0].content == "Très bien"
    assert json.loads(row.extra)["turns"][1]["reactions"][0]["reaction"] == "👍"
    assert "collect: repaired the Latin-1 characters of the download" in row.edits
    assert row.split_group == "s/inbox/ben_1"
    assert rows_of(tmp_path, "message_1.json", as_bytes("", MESSENGER))[-1].assumed == (
        "the second speaker is the assistant",
    )
    more = rows_of(tmp_path, "message_2.json", as_bytes("", MESSENGER))[-1].assumed
    assert "a conversation ends with its file, though the thread has several" in more
    # a text that was right already stays as it is
    chat["messages"][-1]["content"] = "Ça va – ☕"
    row = rows_of(tmp_path, "message_1.json", json.dumps(chat).encode())[0]
    assert row.messages[0].content == "Ça va – ☕"


def test_replies_bots_and_people_of_one_name_on_discord(tmp_path: Path) -> None:
    row = rows_of(tmp_path, "a.json", json.dumps(DISCORD).encode())[0]
    assert json.loads(row.extra)["turns"][1]["answers"] == 0
    assert row.split_group == "s/77"

    chat = json.loads(json.dumps(DISCORD))
    for message in chat["messages"]:
        message["author"]["nickname"] = "Ada"
    assert [name for name, _ in talks_of(rows_of(tmp_path, "a.json", as_bytes("", chat)))[0]] == [
        "Ada",
        "Ada (2)",
    ]
    chat["messages"][0]["author"]["isBot"] = True
    rows = rows_of(tmp_path, "a.json", as_bytes("", chat))
    assert [message.role for message in rows[0].messages] == ["assistant", "user"]
    assert rows[-1].assumed == ()


def test_discords_own_package_is_refused_in_words(tmp_path: Path) -> None:
    for name, data in (
        (
            "m.json",
            b'[{"ID": 1, "Timestamp": "2024-04-01 18:00:00", "Contents": "Hm", "Attachments": ""}]',
        ),
        ("m.csv", b"ID,Timestamp,Contents,Attachments\n1,2024-04-01 18:00:00,Hm,\n"),
    ):
        rows = rows_of(tmp_path, name, data)
        assert not talks_of(rows)
        assert "only what the account's owner wrote" in rows[0].detail


def test_slack_names_escapes_and_threads(tmp_path: Path) -> None:
    users = [{"id": "U1", "profile": {"display_name": "Ada"}}, {"id": "U2", "real_name": "Ben"}]
    (tmp_path / "users.json").write_text(json.dumps(users))

    def message(user: str, at: int, text: str, thread: int | None = None) -> dict[str, Any]:
        more = {} if thread is None else {"thread_ts": f"17140000{thread}.000100"}
        return {"type": "message", "user": user, "text": text, "ts": f"17140000{at}.000100"} | more

    day = [
        message("U1", 10, "Boat, <@U2>?", thread=10),
        message("U1", 11, "Tea &amp; <https://example.org|cake> in <#C1|galley>"),
        message("U2", 12, "At ten.", thread=10),
        message("U2", 13, "<!here> yes"),
    ]
    rows = rows_of(tmp_path, "boats/2024-04-25.json", json.dumps(day).encode())
    assert talks_of(rows) == [
        [("Ada", "Tea & cake in #galley"), ("Ben", "@here yes")],
        [("Ada", "Boat, @Ben?"), ("Ben", "At ten.")],
    ]


def test_a_thread_of_a_forum_is_cut_along_its_replies(tmp_path: Path) -> None:
    def comment(key: str, parent: str, author: str) -> str:
        row = {"id": key, "link_id": "t3_s1", "parent_id": parent, "author": author, "body": key}
        return json.dumps(row | {"created_utc": 10 - int(key[1])})

    comments = [
        comment("c5", "t1_c2", "eve"),
        comment("c4", "t1_c2", "dan"),
        comment("c3", "t1_c4", "cy"),
        comment("c2", "t3_s1", "ben"),
        comment("c1", "t1_c3", "[deleted]"),
    ]
    submission = {
        "id": "s1",
        "author": "ada",
        "title": "Boats?",
        "selftext": "Or not.",
        "created_utc": 1,
    }
    path = tmp_path / "comments"
    data = "\n".join(comments).encode()
    rows = rows_of(path, "boats_comments.jsonl", data)
    assert talks_of(rows) == [[("ben", "c2"), ("dan", "c4"), ("cy", "c3")]]
    assert rows[-1].left_out == {"deleted post": 1, "post without an answer": 1}
    assert rows[0].split_group == "s/t3_s1"

    (path / "boats_submissions.jsonl").write_text(json.dumps(submission))
    talks = talks_of(rows_of(path, "boats_comments.jsonl", data))
    assert talks[0][0] == ("ada", "Boats?\n\nOr not.")
    rows = rows_of(path, "boats_submissions.jsonl", json.dumps(submission).encode())
    assert not talks_of(rows)
    assert "the answers to them are not in this file" in rows[0].detail


def test_telegram_counts_stickers_and_keeps_reactions_and_replies(tmp_path: Path) -> None:
    def message(key: int, text: str, **more: Any) -> dict[str, Any]:
        person = key % 2
        return {
            "id": key,
            "type": "message",
            "date": f"2024-04-25T18:00:0{key}",
            "from": ["Ben", "Ada"][person],
            "from_id": f"user{person}",
            "text": text,
            **more,
        }

    chat = {
        "name": "Ben",
        "id": 7,
        "messages": [
            message(1, ASKS),
            message(2, ANSWERS, reply_to_message_id=1, reactions=[{"emoji": "👍", "count": 1}]),
            message(3, "", media_type="sticker", sticker_emoji="👍", file="x.webp"),
            message(4, "Look", photo="x.jpg", forwarded_from="Cy"),
        ],
    }
    rows = rows_of(tmp_path, "result.json", json.dumps(chat).encode())
    assert talks_of(rows) == [[*TALK, ("Ben", "Look")]]
    assert rows[-1].left_out == {"sticker": 1, "attachment": 1}
    answered, forwarded = json.loads(rows[0].extra)["turns"][1:]
    assert (answered["answers"], answered["reactions"][0]["emoji"]) == (0, "👍")
    assert forwarded == {"forwarded_from": "Cy"}


IRC = {
    "irssi": "--- Log opened Thu Apr 25 18:00:00 2024\n18:00 -!- Ben [~b@x] has joined #boats\n"
    "18:01 <@Ada> {}\n18:02 < Ben> {}\n18:03  * Ada waves\n",
    "weechat": "2024-04-25 18:00:00\t-->\tBen (~b@x) has joined #boats\n"
    "2024-04-25 18:01:00\t@Ada\t{}\n2024-04-25 18:02:00\tBen\t{}\n"
    "2024-04-25 18:03:00\t *\tAda waves\n",
    "hexchat": "**** BEGIN LOGGING AT Thu Apr 25 18:00:00 2024\n\n"
    "Apr 25 18:01:00 <Ada>\t{}\nApr 25 18:02:00 <Ben>\t{}\nApr 25 18:03:00 *\tAda waves\n",
    "znc": "[18:00:00] *** Joins: Ben (~b@x)\n[18:01:00] <Ada> {}\n[18:02:00] <Ben> {}\n"
    "[18:03:00] * Ada waves\n",
    "mirc": "Session Start: Thu Apr 25 18:00:00 2024\n[18:00] * Now talking in #boats\n"
    "[18:01] <Ada> {}\n[18:02] <Ben> {}\n[18:03] * Ada waves\n[18:04] * Ben (~b@x) Quit (bye)\n",
    "konversation": "[Thu 25 Apr 2024] [18:01:00] <Ada>\t{}\n"
    "[Thu 25 Apr 2024] [18:02:00] <Ben>\t{}\n"
    "[Thu 25 Apr 2024] [18:03:00] *\tAda waves\n",
}  # fmt: skip


@pytest.mark.parametrize("text", IRC.values(), ids=IRC)
def test_irc_is_read_from_every_client(tmp_path: Path, text: str) -> None:
    log = text.format(ASKS, ANSWERS).encode()
    rows = rows_of(tmp_path, "boats_2024-04-25.log", log)
    assert talks_of(rows) == [[*TALK, ("Ada", "*waves*")]]
    assert json.loads(rows[0].extra)["began"] == "2024-04-25 18:01:00"
    lines = [line for line in text.splitlines() if line]
    assert sum(rows[-1].left_out.values()) == len(lines) - 3


NO_CHATS = {
    "log.txt": "2024-04-25 18:00:00 - INFO: started\n2024-04-25 18:00:01 - ERROR: stopped\n",
    "diary.txt": "25.04.24\nToday the ferry ran.\n\n26.04.24\nToday it did not.\n",
}


@pytest.mark.parametrize("name", NO_CHATS)
def test_a_log_of_a_program_is_no_chat(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no known shape fits"):
        rows_of(tmp_path, name, NO_CHATS[name].encode())


def test_a_log_without_times_is_one_conversation_and_says_so(tmp_path: Path) -> None:
    messages = [
        {"creator": {"name": name}, "created_date": "неделя", "text": text, "message_id": text}
        for name, text in TALK
    ]
    rows = rows_of(tmp_path, "messages.json", json.dumps({"messages": messages}).encode())
    assert talks_of(rows) == [TALK]
    assert "a log without times is one conversation" in rows[-1].assumed


def test_what_nobody_wrote_is_refused_and_not_lost(tmp_path: Path) -> None:
    text = "25.04.24, 18:00 - Ada: <Media omitted>\n25.04.24, 18:01 - Ben: <Media omitted>\n"
    rows = whatsapp(tmp_path, text)
    assert not talks_of(rows)
    assert "2 × attachment" in rows[0].detail


def test_two_writers_in_zoom_are_a_conversation_of_their_own(tmp_path: Path) -> None:
    text = (
        f"18:00:00 From Ada to Everyone : {ASKS}\n"
        "18:00:30 From Ada to Ben (Direct Message) : Boring?\n"
        f"18:01:00 From Ben to Everyone : {ANSWERS}\n"
        "18:01:30 From Ben to Ada (Direct Message) : Very.\n"
    )
    assert talks_of(rows_of(tmp_path, "chat.txt", text.encode())) == [
        TALK,
        [("Ada", "Boring?"), ("Ben", "Very.")],
    ]


def test_times_of_another_zone_do_not_change_the_order(tmp_path: Path) -> None:
    chat = json.loads(json.dumps(DISCORD))
    chat["messages"][1]["timestamp"] = "2024-04-25T20:01:00+02:00"  # one minute later
    assert iso(0).startswith("2024-04-25T18:00")
    assert milliseconds(1) - milliseconds(0) == 60_000
    assert talks_of(rows_of(tmp_path, "a.json", as_bytes("", chat))) == [TALK]
