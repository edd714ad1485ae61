"""Files of messengers and forums as people hold them, one or two of each shape. All texts are ours.

Each is a small talk of Ada and Ben with a notice, a picture or the like, which is no message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2024, 4, 25, 18, 0, tzinfo=UTC)
TALK = [("Ada", "Is the ferry running?"), ("Ben", "Only the first one: bring a coat.")]


def milliseconds(minutes: int) -> int:
    return int((START + timedelta(minutes=minutes)).timestamp() * 1000)


def iso(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def _slack(user: str, minutes: int, text: str, **more: Any) -> dict[str, Any]:
    ts = f"{milliseconds(minutes) // 1000}.000100"
    return {"type": "message", "user": user, "text": text, "ts": ts, **more}


def _discord(who: int, minutes: int, text: str, **more: Any) -> dict[str, Any]:
    author = {"id": str(who), "name": f"user{who}", "nickname": ["Ada", "Ben"][who], "isBot": False}
    return {
        "id": f"9{minutes}",
        "type": "Default",
        "timestamp": iso(minutes),
        "content": text,
        "author": author,
        **more,
    }


def _matrix(who: str, minutes: int, content: Any, kind: str = "message") -> dict[str, Any]:
    return {
        "type": f"m.room.{kind}",
        "event_id": f"${minutes}",
        "sender": f"@{who}:example.org",
        "state_key": f"@{who}:example.org",
        "content": content,
        "origin_server_ts": milliseconds(minutes),
    }


def _message(text: str) -> dict[str, str]:
    return {"msgtype": "m.text", "body": text}


def _hangouts(who: str, minutes: int, text: str) -> dict[str, Any]:
    content = {"segment": [{"type": "TEXT", "text": text}]}
    return {
        "sender_id": {"gaia_id": who},
        "timestamp": str(milliseconds(minutes) * 1000),
        "event_type": "REGULAR_CHAT_MESSAGE",
        "chat_message": {"message_content": content},
    }


def _google(who: str, clock: str, text: str, topic: str) -> dict[str, Any]:
    return {
        "creator": {"name": who, "email": f"{who}@example.org", "user_type": "Human"},
        "created_date": f"Thursday, April 25, 2024 at {clock}\u202fPM UTC",
        "text": text,
        "topic_id": topic,
        "message_id": f"s/{topic}/{clock}",
    }


def _comment(key: str, parent: str, author: str, body: str, minutes: int) -> dict[str, Any]:
    return {
        "id": key,
        "link_id": "t3_s1",
        "parent_id": parent,
        "author": author,
        "body": body,
        "created_utc": milliseconds(minutes) // 1000,
        "subreddit": "boats",
    }


def _teams(who: str | None, minutes: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(milliseconds(minutes)),
        "messageType": "message",
        "createdDateTime": iso(minutes).replace("+00:00", "Z"),
        "chatId": "19:a@thread.v2",
        "from": {"user": {"id": f"u{who}", "displayName": who}} if who else None,
        "body": {"contentType": "html", "content": text},
        "attachments": [],
        **more,
    }


def _tweeted(key: int, who: str, minutes: int, text: str, **more: Any) -> dict[str, Any]:
    message = {
        "id": str(key),
        "senderId": who,
        "text": text,
        "createdAt": iso(minutes).replace("+00:00", ".000Z"),
        "reactions": [],
        "mediaUrls": [],
    }
    return {"messageCreate": message | more}


def _snap(who: str, minutes: int, text: str | None, kind: str = "TEXT") -> dict[str, Any]:
    return {
        "From": who,
        "Media Type": kind,
        "Created": iso(minutes).replace("T", " ").replace("+00:00", " UTC"),
        "Content": text,
        "Conversation Title": None,
        "IsSender": who == "Ada",
        "IsSaved": True,
    }


def _box(who: str, when: str, what: str) -> str:
    """A message of Messenger's pages."""
    return (
        '<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder">'
        f'<div class="_3-95 _2pim _a6-h _a6-i">{who}</div>'
        f'<div class="_3-95 _a6-p"><div><div></div><div>{what}</div><div></div></div></div>'
        f'<div class="_3-94 _a6-o">{when}</div></div>'
    )


(ADA, ASKS), (BEN, ANSWERS) = TALK
HTML = f"<quote author='ada'>{ASKS}</quote>Only the <b>first</b> one&#58; bring a coat."
MOJIBAKE = "Très bien".encode().decode("latin-1")

MESSENGER = {
    "participants": [{"name": BEN}, {"name": ADA}],
    "messages": [
        {"sender_name": BEN, "timestamp_ms": milliseconds(9), "photos": [{"uri": "x.jpg"}]},
        {
            "sender_name": BEN,
            "timestamp_ms": milliseconds(1),
            "content": ANSWERS,
            "reactions": [{"reaction": "\u00f0\u009f\u0091\u008d", "actor": ADA}],
        },
        {"sender_name": ADA, "timestamp_ms": milliseconds(0), "content": ASKS},
    ],
    "title": BEN,
    "thread_path": "inbox/ben_1",
}
ENCRYPTED = {
    "participants": [ADA, BEN],
    "threadName": "Ben_7",
    "messages": [
        {"senderName": BEN, "text": ANSWERS, "timestamp": milliseconds(1), "isUnsent": False},
        {"senderName": ADA, "text": "oh", "timestamp": milliseconds(0) + 1, "isUnsent": True},
        {"senderName": ADA, "text": ASKS, "timestamp": milliseconds(0), "isUnsent": False},
    ],
}
DISCORD = {
    "guild": {"id": "0", "name": "Direct Messages"},
    "channel": {"id": "77", "type": "DirectTextChat", "name": BEN},
    "messages": [
        _discord(0, 0, ASKS),
        _discord(1, 1, ANSWERS, type="Reply", reference={"messageId": "90"}),
        _discord(1, 2, "Ben pinned a message.", type="ChannelPinnedMessage"),
        _discord(1, 3, "", attachments=[{"id": "1"}]),
    ],
}
SKYPE = {
    "userId": "8:live:ada",
    "conversations": [
        {
            "id": "8:ben",
            "displayName": BEN,
            "MessageList": [
                {
                    "id": "3",
                    "originalarrivaltime": iso(2),
                    "messagetype": "Event/Call",
                    "content": "<partlist/>",
                    "from": "8:ben",
                },
                {
                    "id": "2",
                    "originalarrivaltime": iso(1),
                    "messagetype": "RichText",
                    "content": HTML,
                    "from": "8:ben",
                },
                {
                    "id": "1",
                    "displayName": ADA,
                    "originalarrivaltime": iso(0),
                    "messagetype": "Text",
                    "content": ASKS,
                    "from": "8:live:ada",
                },
            ],
        }
    ],
}
MATRIX = {
    "room_name": "Ferry",
    "messages": [
        _matrix("ada", 0, {"membership": "join", "displayname": ADA}, "member"),
        _matrix("ben", 1, {"membership": "join", "displayname": BEN}, "member"),
        _matrix("ada", 2, _message(ASKS)),
        _matrix("ben", 3, _message("Only the frist one")),
        _matrix(
            "ben",
            4,
            {
                **_message("* Only the first one"),
                "m.new_content": _message(ANSWERS),
                "m.relates_to": {"rel_type": "m.replace", "event_id": "$3"},
            },
        ),
        _matrix("ben", 5, {"ciphertext": "x"}, "encrypted"),
        _matrix("ben", 6, {}),
    ],
}
HANGOUTS = {
    "conversations": [
        {
            "conversation": {
                "conversation": {
                    "id": {"id": "c1"},
                    "participant_data": [
                        {"id": {"gaia_id": "11"}, "fallback_name": ADA},
                        {"id": {"gaia_id": "12"}, "fallback_name": BEN},
                    ],
                }
            },
            "events": [
                _hangouts("11", 0, ASKS),
                _hangouts("12", 1, ANSWERS),
                {"event_type": "HANGOUT_EVENT", "timestamp": "1"},
            ],
        }
    ]
}
DISCOURSE = {
    "id": 5,
    "title": "Ferry",
    "post_stream": {
        "posts": [
            {"post_number": 1, "post_type": 1, "username": ADA, "cooked": f"<p>{ASKS}</p>"},
            {"post_number": 2, "post_type": 3, "username": BEN, "cooked": "<p>closed</p>"},
            {
                "post_number": 3,
                "post_type": 1,
                "username": BEN,
                "cooked": f'<aside class="quote">{ASKS}</aside><p>{ANSWERS}</p>',
                "reply_to_post_number": 1,
            },
        ]
    },
}
REDDIT_THREAD = [
    {
        "kind": "Listing",
        "data": {
            "children": [
                {
                    "kind": "t3",
                    "data": {
                        "id": "s1",
                        "name": "t3_s1",
                        "author": ADA,
                        "title": ASKS,
                        "selftext": "",
                        "created_utc": 1,
                    },
                }
            ]
        },
    },
    {
        "kind": "Listing",
        "data": {
            "children": [
                {"kind": "t1", "data": _comment("c1", "t3_s1", BEN, ANSWERS, 1) | {"replies": ""}},
                {"kind": "more", "data": {"count": 3}},
            ]
        },
    },
]
TELEGRAM_HTML = f"""<html><body><div class="history">
<div class="message service" id="message-1"><div class="body details">25 April 2024</div></div>
<div class="message default clearfix" id="message1"><div class="body">
<div class="pull_right date details" title="25.04.2024 18:00:00 UTC+02:00">18:00</div>
<div class="from_name">Ada</div><div class="text">{ASKS}</div></div></div>
<div class="message default clearfix" id="message2"><div class="body">
<div class="pull_right date details" title="25.04.2024 18:01:00 UTC+02:00">18:01</div>
<div class="from_name">Ben</div>
<div class="reply_to details">In reply to <a href="#go_to_message1">this message</a></div>
<div class="text">{ANSWERS}</div></div></div>
<div class="message default clearfix joined" id="message3"><div class="body">
<div class="pull_right date details" title="25.04.2024 18:02:00 UTC+02:00">18:02</div>
<div class="media_wrap clearfix">Photo</div></div></div></div></body></html>"""
SMS = f"""<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<smses count="4">
<sms address="+1 555-0100" date="{milliseconds(1)}" type="1" body="{ANSWERS}" contact_name="Ben" />
<sms address="+15550100" date="{milliseconds(0)}" type="2" body="{ASKS}" contact_name="Ben" />
<sms address="+15550100" date="{milliseconds(2)}" type="3" body="To be" contact_name="Ben" />
<mms address="+15550100" date="{milliseconds(3)}" msg_box="1" contact_name="Ben"><parts>
<part ct="application/smil" text="x" /><part ct="image/jpeg" text="null" /></parts></mms>
</smses>"""
LINE = f"""[LINE] Chat history with Ben
Saved on: 2024/04/26 10:00

2024/04/25(Thu)
18:00\tAda\t{ASKS}
18:01\tBen\t{ANSWERS}
18:02\tBen\t[Sticker]
18:03\tBen\t☎ Missed call
18:04\tBen unsent a message.
"""
KAKAOTALK = f"""Ben 님과 카카오톡 대화
저장한 날짜 : 2024-04-26 10:00:00

--------------- 2024년 4월 25일 목요일 ---------------
[Ada] [오후 6:00] {ASKS}
[Ben] [오후 6:01] {ANSWERS}
[Ben] [오후 6:02] 사진
Cy님이 들어왔습니다.
"""
KAKAOTALK_PHONE = f"""Ben 님과 카카오톡 대화
저장한 날짜 : 2024년 4월 26일 오전 10:00

2024년 4월 25일 오후 6:00
2024년 4월 25일 오후 6:00, Ada : {ASKS}
2024년 4월 25일 오후 6:01, Ben : {ANSWERS}
2024년 4월 25일 오후 6:02, Ben : 이모티콘
"""
DISCORD_TXT = f"""==============================================================
Guild: Direct Messages
Channel: Ben
==============================================================

[4/25/2024 6:00 PM] Ada
{ASKS}

[4/25/2024 6:01 PM] Ben (pinned)
{ANSWERS}

{{Attachments}}
x.jpg

[4/25/2024 6:02 PM] Ben
Pinned a message.

==============================================================
Exported 3 message(s)
==============================================================
"""
PIDGIN = f"""Conversation with ben@x.org at Thu 25 Apr 2024 06:00:00 PM CEST on ada@x.org (jabber)
(06:00:10 PM) Ada: {ASKS}
(06:01:00 PM) Ben: {ANSWERS}
(06:02:00 PM) Ben logged out.
"""
IMESSAGE = f"""Apr 25, 2024  6:00:00 PM (Read by you after 5 seconds)
Ada
{ASKS}

Apr 25, 2024  6:01:00 PM
Ben
{ANSWERS}
Tapbacks:
    Loved by Ada

"""
ZOOM = f"""18:00:00 From Ada to Everyone:
\t{ASKS}
18:01:00 From Ben to Everyone:
\t{ANSWERS}
18:02:00 From Ada to Everyone:
\tReacted to "Only the first one..." with 👍
"""
IMAZING = f"""Chat Session,Message Date,Type,Sender ID,Sender Name,Text,Attachment
Ben,2024-04-25 18:00:00,Incoming,1,Ada,{ASKS},
Ben,2024-04-25 18:01:00,Incoming,2,Ben,{ANSWERS},
Ben,2024-04-25 18:02:00,Notification,2,Ben,Ben left.,
"""
DISCORD_CSV = f"""AuthorID,Author,Date,Content,Attachments,Reactions
2,Ben,{iso(1)},{ANSWERS},x.jpg,
1,Ada,{iso(0)},{ASKS},,👍 (1)
1,Ada,{iso(-1)},Pinned a message.,,
"""
KAKAOTALK_CSV = f"""Date,User,Message
2024-04-25 18:00:00,Ada,{ASKS}
2024-04-25 18:01:00,Ben,{ANSWERS}
2024-04-25 18:02:00,Ben,사진
"""

TEAMS = {
    "@odata.count": 4,
    "value": [
        _teams(BEN, 3, "", deletedDateTime=iso(4)),
        _teams(BEN, 2, '<attachment id="1"></attachment>', attachments=[{"id": "1"}]),
        _teams(BEN, 1, f"<p>{ANSWERS}</p>"),
        _teams(ADA, 0, f"<div>{ASKS}</div>", reactions=[{"reactionType": "like"}]),
        _teams(None, -1, "<systemEventMessage/>", messageType="systemEventMessage"),
    ],
}
TWITTER = [
    {
        "dmConversation": {
            "conversationId": "11-12",
            "messages": [
                _tweeted(3, BEN, 2, "", mediaUrls=["x.jpg"]),
                _tweeted(2, BEN, 1, ANSWERS),
                {"reactionCreate": {"senderId": ADA, "createdAt": iso(1)}},
                _tweeted(1, ADA, 0, ASKS),
            ],
        }
    }
]
SNAPCHAT = {
    BEN: [_snap(BEN, 2, None, "MEDIA"), _snap(BEN, 1, ANSWERS), _snap(ADA, 0, ASKS)],
    "cy": [],
}
INSTAGRAM = [
    {
        "participants": [ADA, BEN],
        "conversation": [
            {"sender": BEN, "created_at": iso(3), "media": "x.jpg"},
            {"sender": BEN, "created_at": iso(2), "heart": "x"},
            {"sender": BEN, "created_at": iso(1), "text": ANSWERS},
            {"sender": ADA, "created_at": iso(0), "text": ASKS},
        ],
    }
]
MESSENGER_HTML = (
    '<html><head><title>Ben</title></head><body><div role="main">'
    + _box(BEN, "Apr 25, 2024 6:03 pm", "Ben sent a photo.")
    + _box(BEN, "Apr 25, 2024 6:02 pm", '<img src="x.jpg"/>')
    + _box(BEN, "Apr 25, 2024 6:01 pm", f"{ANSWERS}<ul><li>👍Ada</li></ul>")
    + _box(ADA, "Apr 25, 2024 6:00 pm", ASKS)
    + "</div></body></html>"
)

# shape, file, content, what is left out of its one conversation, which is TALK
FILES: Sequence[tuple[str, str, Any, dict[str, int]]] = [
    ("messenger", "message_1.json", MESSENGER, {"attachment": 1}),
    ("messenger", "Ben_7.json", ENCRYPTED, {"unsent message": 1}),
    ("discord", "ben.json", DISCORD, {"notice": 1, "attachment": 1}),
    (
        "discord_csv",
        "ben.csv",
        DISCORD_CSV,
        {"attachment": 1, "notice": 1},
    ),
    ("discord_txt", "ben.txt", DISCORD_TXT, {"attachment": 1, "notice": 1}),
    (
        "slack",
        "2024-04-25.json",
        [
            _slack("U1", 0, ASKS, user_profile={"display_name": ADA}),
            _slack("U2", 1, ANSWERS, user_profile={"display_name": "", "real_name": BEN}),
            _slack("U2", 2, "<@U2> has left", subtype="channel_leave"),
        ],
        {"notice": 1},
    ),
    ("skype", "messages.json", SKYPE, {"notice": 1}),
    ("teams", "chat.json", TEAMS, {"notice": 1, "attachment": 1, "deleted message": 1}),
    ("twitter", "direct-messages.json", TWITTER, {"notice": 1, "attachment": 1}),
    (
        "twitter",
        "direct-messages.js",
        f"window.YTD.direct_messages.part0 = {json.dumps(TWITTER)}",
        {"notice": 1, "attachment": 1},
    ),
    ("snapchat", "chat_history.json", SNAPCHAT, {"attachment": 1}),
    ("instagram", "messages.json", INSTAGRAM, {"like": 1, "attachment": 1}),
    ("messenger_html", "message_1.html", MESSENGER_HTML, {"attachment": 1, "notice": 1}),
    (
        "matrix",
        "ferry.json",
        MATRIX,
        {"notice": 2, "edit": 1, "encrypted message": 1, "deleted message": 1},
    ),
    ("hangouts", "Hangouts.json", HANGOUTS, {"notice": 1}),
    (
        "google_chat",
        "messages.json",
        {
            "messages": [
                _google(ADA, "6:00:00", ASKS, "t1"),
                _google(BEN, "6:01:00", ANSWERS, "t2"),
                _google(BEN, "6:02:00", "", "t3") | {"attached_files": [{"export_name": "x"}]},
            ]
        },
        {"attachment": 1},
    ),
    (
        "signal_json",
        "data.jsonl",
        [
            {"date": iso(0), "sender": ADA, "body": ASKS, "quote": "", "reactions": []},
            {"date": iso(1), "sender": BEN, "body": ANSWERS, "quote": "", "reactions": ["x"]},
            {"date": iso(2), "sender": BEN, "body": "", "quote": "", "sticker": "x"},
        ],
        {"sticker": 1},
    ),
    ("imazing", "ben.csv", IMAZING, {"notice": 1}),
    (
        "kakaotalk_csv",
        "ben.csv",
        KAKAOTALK_CSV,
        {"attachment": 1},
    ),
    (
        "forum",
        "comments.jsonl",
        [
            _comment("c3", "t3_s1", "cy", "Boats are boats.", 3),
            _comment("c2", "t1_c1", BEN, ANSWERS, 2),
            _comment("c1", "t3_s1", ADA, ASKS, 1),
            _comment("c4", "t1_c2", "[deleted]", "[deleted]", 4),
        ],
        {"deleted post": 1, "post without an answer": 1},
    ),
    (
        "forum",
        "items.jsonl",
        [
            {"id": 7, "by": ADA, "parent": 1, "text": f"<p>{ASKS}", "time": 1, "type": "comment"},
            {"id": 8, "by": BEN, "parent": 7, "text": ANSWERS, "time": 2, "type": "comment"},
        ],
        {},
    ),
    (
        "forum",
        "posts.csv",
        f"post_id,topic_id,post_username,post_time,post_text\n2,5,Ben,20,{ANSWERS}\n1,5,Ada,10,{ASKS}\n",
        {},
    ),
    ("reddit_thread", "thread.json", REDDIT_THREAD, {"list of comments that were not loaded": 1}),
    ("discourse", "5.json", DISCOURSE, {"notice or deleted post": 1}),
    ("telegram_html", "messages.html", TELEGRAM_HTML, {"notice": 1, "attachment": 1}),
    ("sms", "sms.xml", SMS, {"draft": 1, "attachment": 1}),
    (
        "line",
        "line.txt",
        LINE,
        {"attachment": 1, "call": 1, "notice": 1, "line before the first message": 2},
    ),
    (
        "kakaotalk",
        "kakao.txt",
        KAKAOTALK,
        {"attachment": 1, "notice": 1, "line before the first message": 2},
    ),
    (
        "kakaotalk",
        "kakao.txt",
        KAKAOTALK_PHONE,
        {"attachment": 1, "line before the first message": 2},
    ),
    ("pidgin", "ben.txt", PIDGIN, {"notice": 1}),
    ("imessage", "ben.txt", IMESSAGE, {"tapback": 1}),
    ("zoom", "meeting.txt", ZOOM, {"reaction": 1}),
    ("zoom", "cloud.txt", f"00:10:04\tAda:\t{ASKS}\n00:11:04\tBen:\t{ANSWERS}\n", {}),
    ("viber", "viber.txt", f"18:00:54, From: Ada   , {ASKS}\n18:01:54, From: Ben, {ANSWERS}\n", {}),
    (
        "whatsapp",
        "signal.txt",
        f"[2024-04-25, 18:00] Ada: {ASKS}\n[2024-04-25, 18:01] Ben: {ANSWERS}\n",
        {},
    ),
]


def as_bytes(name: str, content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if name.endswith(".jsonl"):
        return "\n".join(json.dumps(record) for record in content).encode()
    return json.dumps(content).encode()
