"""Chats of KakaoTalk, exported as text on a computer or a phone.

Ben 님과 카카오톡 대화
저장한 날짜 : 2024-04-26 10:00:00

--------------- 2024년 4월 25일 목요일 ---------------
[Ada] [오후 6:00] Hello!
[Ben] [오후 6:01] Good evening.

2024년 4월 25일 오후 6:00, Ada : Hello!          on a phone
2024. 4. 25. 18:01, Ben : Good evening.

A line without a time continues the message before it. Notices and photographs are counted and left
out. A silence of six hours begins a new conversation; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("KakaoTalk, exported as text", ("names", "times", "groups"), private=True)

DAY = re.compile(r"^-{5,} (?P<day>.+?) -{5,}$")
ON_COMPUTER = re.compile(r"^\[(?P<name>[^\n]{1,60}?)\] \[(?P<clock>[^\[\]]{4,14})\] (?P<text>.*)$")
ON_PHONE = re.compile(
    r"^(?P<stamp>\d[^,\n]{11,30}|[A-Z][^\n:]{8,20}:\d\d(?: [AP]M)?), (?P<rest>.*)$"
)
STAMP_ALONE = re.compile(r"^(?:\d{4}\D|[A-Z][a-z]+ \d)[^\n]{8,40}$")
MEDIA = re.compile(
    r"사진(?: \d+장)?|동영상|이모티콘|음성메시지|(?:보이스톡|페이스톡|라이브톡)[^\n]{0,20}|"
    r"(?:파일|샵검색|투표|지도|연락처|송금|선물)\s?[:：][^\n]*|"
    r"Photos?|\d+ photos|Videos?|Emoticons?|(?:File|Contact|Map)\s?: [^\n]*|"
    r"(?:Voice|Video) ?(?:Call|Talk|Note)[^\n]{0,20}|<[^<>\n]{3,40}>"
)
DELETED = {"삭제된 메시지입니다.", "This message was deleted.", "Deleted message."}
DONE = "들어왔습니다|나갔습니다|초대했습니다|내보냈습니다|가렸습니다|되었습니다|변경했습니다"
NOTICE = re.compile(
    rf"[^\n]{{1,80}}(?:님이|님을|님께서) [^\n]{{0,80}}(?:{DONE})\.?[^\n]*|"
    r"[^\n]{1,60} (?:has joined|has left|left|joined|invited [^\n]{1,60} to) (?:this )?(?:the )?"
    r"chat(?:room)?\.|채팅방 관리자가 메시지를 가렸습니다\."
)
TITLE = re.compile(r"카카오톡 대화|KakaoTalk Chat", re.I)


def recognise(head: list[str]) -> bool:
    plain = [line.lstrip("\ufeff").rstrip() for line in head]
    filled = sum(map(bool, plain))
    messages = sum(_message(line, dt.date.min) is not None for line in plain)
    is_marked = any(map(DAY.match, plain)) or any(map(TITLE.search, plain[:3]))
    return is_marked and messages > 0 and messages * 4 > filled


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    return split(_entries(lines))


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    day = dt.date.min
    latest: TimedTurn | None = None
    for line in lines:
        plain = line.lstrip("\ufeff").rstrip()
        named = _day(plain)
        message = _message(plain, day)
        is_notice = bool(named) or bool(NOTICE.fullmatch(plain)) or _is_stamped_notice(plain)
        if latest and (message or is_notice):
            yield entry_of(latest)
            latest = None
        if message:
            latest = message
        elif is_notice:
            day = named or day
            yield from [LeftOut("notice")] * (not named)
        elif latest:
            latest = latest._replace(text=f"{latest.text}\n{plain}")
        elif plain:
            yield LeftOut("line before the first message")
    if latest:
        yield entry_of(latest)


def entry_of(message: TimedTurn) -> TimedTurn | LeftOut:
    """The message, but what stands for a medium or a deleted message is left out."""
    text = message.text.strip()
    if not text:
        return LeftOut("message without text")
    if text in DELETED:
        return LeftOut("deleted message")
    if MEDIA.fullmatch(text):
        return LeftOut("attachment")
    return message._replace(text=text)


def _day(line: str) -> dt.date | None:
    match = DAY.match(line)
    text = match["day"] if match else line
    if match is None and not STAMP_ALONE.match(line):
        return None
    digits = re.sub(r"\s?[^\W\d]+요일|^[A-Z][a-z]+day, ", "", text)
    stamp = clock.parse(f"{digits} 0:00") or clock.parse(digits)
    moment = clock.moment(stamp, day_first=False) if stamp else None
    return moment.date() if moment else None


def _message(line: str, day: dt.date) -> TimedTurn | None:
    if match := ON_COMPUTER.match(line):
        time = clock.of_day(match["clock"])
        if time:
            return TimedTurn(dt.datetime.combine(day, time), match["name"], match["text"])
    elif match := ON_PHONE.match(line):
        stamp = clock.parse(match["stamp"])
        name, colon, text = match["rest"].partition(" : ")
        if stamp and colon:
            return TimedTurn(clock.moment(stamp, day_first=False), name.strip(), text)
    return None


def _is_stamped_notice(line: str) -> bool:
    """A time, and what the app writes behind it without a name."""
    match = ON_PHONE.match(line)
    return match is not None and clock.parse(match["stamp"]) is not None
