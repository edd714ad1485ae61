"""What a program writes into a chat, in the place of a message by `system`.

Ada joined the channel    The chat was ended.    Agent Smith has left
"""

from __future__ import annotations

import re
from collections.abc import Iterable

DONE = (
    r"joined|left|entered|ended|started|connected|disconnected|opened|closed|resolved|"
    r"transferred|assigned|reconnected|timed out|went (?:on|off)line|logged (?:in|out|on|off)"
)
PLACE = r"(?: (?:to|in|into|from|by|with)? ?(?:(?:the|this|your|an?) )?[\w'-]+(?: [\w'-]+)?)?"
NOTICE = re.compile(
    rf"(?:[^\s.!?]+ ){{1,4}}(?:has |have |was |is |has been |have been )?(?:{DONE}){PLACE}[.!]*",
    re.I,
)


def are_possible(writers: Iterable[str]) -> bool:
    """Whether two others write beside the system: with one alone, it may be the assistant."""
    return len({writer.lower() for writer in writers} - {"system"}) > 1


def is_notice(writer: str, text: object) -> bool:
    """Whether the system says that somebody came, went or began a chat. writer: in small letters"""
    return writer == "system" and isinstance(text, str) and bool(NOTICE.fullmatch(text.strip()))
