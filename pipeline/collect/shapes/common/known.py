"""How fields are usually called, in any case and spelling.

`Dialogue-ID`, `dialogueId` and `dialogue id` are all known as `dialogue_id`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pipeline.collect.shapes.common import abroad
from pipeline.collect.shapes.transcript import Fields
from pipeline.conversation import Role

# lists of turns
PLACES = (
    "messages",
    "turns",
    "utterances",
    "dialogue",
    "dialog",
    "conversation",
    "conversations",
    "dialogues",
    "chat",
    "log",
    "lines",
    "data",
    "exchanges",
    "rounds",
    "transcript",
    "thread",
    *abroad.PLACES,
)
# lists of turns only where each item names its speaker
WIDE_PLACES = (
    *PLACES,
    "content",
    "segments",
    "entries",
    "items",
    "events",
    "logs",
    "chat_log",
    "chat_logs",
    "message_list",
    "chat_messages",
)
HISTORIES = (
    "history",
    "chat_history",
    "conversation_history",
    "dialog_history",
    "dialogue_history",
    "message_history",
)
# what may part rows into conversations where no id does
CHANNELS = (
    "channel",
    "channel_id",
    "channel_name",
    "group",
    "group_name",
    "room",
    "room_id",
    "chatroom",
    "server",
    "server_name",
    "guild",
    "chat",
    "chat_name",
    "chat_session",
    "thread_title",
    "title",
    "subject",
    "topic",
    "episode",
    "season",
    "scene",
    "file",
    "filename",
    "folder",
    "day",
)
# what kind of entry it is; where kinds differ, some may be no messages
KINDS = (
    "type",
    "message_type",
    "messagetype",
    "msg_type",
    "media_type",
    "content_type",
    "kind",
    "subtype",
    "event_type",
    "event",
)
# the text of a turn
TEXTS = (
    "text",
    "utterance",
    "message",
    "content",
    "line",
    "transcript",
    "body",
    "sentence",
    "value",
    "msg",
    "utt",
    "message_text",
    "utterance_text",
    "message_content",
    *abroad.TEXTS,
)
# who writes a turn, by name or number
NAMES = (
    "speaker",
    "speakers",
    "author",
    "sender",
    "from",
    "speaker_name",
    "author_name",
    "sender_name",
    "character",
    "character_name",
    "name",
    "username",
    "user_name",
    "nickname",
    "display_name",
    "participant",
    "spk",
    "person",
    "who",
    "caller",
    "poster",
    "from_user",
    "from_name",
    "user",
    "agent",
    "speaker_id",
    "speaker_idx",
    "author_id",
    "sender_id",
    "user_id",
    "poster_id",
    "participant_id",
    *abroad.NAMES,
)
ROLES = (
    "role",
    "sender_role",
    "speaker_role",
    "author_role",
    "sender_type",
    "author_type",
    *abroad.ROLES,
)
# which side writes a turn where the field is true; the other where it is false
FLAGS: dict[str, Role] = {
    "is_user": "user",
    "is_human": "user",
    "from_user": "user",
    "from_human": "user",
    "by_user": "user",
    "is_customer": "user",
    "is_bot": "assistant",
    "is_ai": "assistant",
    "is_assistant": "assistant",
    "is_model": "assistant",
    "from_bot": "assistant",
    "from_ai": "assistant",
    "by_bot": "assistant",
}
# the id of a conversation
KEYS = (
    "dialogue_id",
    "dialog_id",
    "conversation_id",
    "conversation_no",
    "conversation_number",
    "dialogue_no",
    "dialog_no",
    "conv_id",
    "convo_id",
    "chat_id",
    "thread_id",
    "thread_href",
    "topic_id",
    "meeting_id",
    "call_id",
    "ticket_id",
    "scene_id",
    "group_id",
    "session_id",
    "talk",
    "dialogue",
    "conversation",
    "thread",
    *abroad.KEYS,
)
# what else the id of a conversation may be called: `case_no`, `chat_uuid`, `session`
KEY = re.compile(
    r"(conv|convo|conversation|dialog|dialogue|chat|session|thread|case|call|ticket|interview|"
    r"meeting)(_(id|no|nr|num|number|uuid|guid|key|hash|ref|code))?"
)
# the place of a turn in its conversation
ORDERS = (
    "turn",
    "turn_id",
    "turn_index",
    "turn_number",
    "turn_idx",
    "utterance_idx",
    "utterance_id",
    "utterance_index",
    "response_id",
    "message_index",
    "index",
    "idx",
    "position",
    "order",
    "line_id",
    "transcript_index",
    "sequence",
    "seq",
    "timestamp",
    "timestamp_ms",
    "ts",
    "time",
    "datetime",
    "date",
    "created_at",
    "sent_at",
    "sent",
    "created",
    "created_utc",
    "start",
    "start_time",
    "begin_time",
    *abroad.ORDERS,
)
ASKS = (
    "prompt",
    "instruction",
    "query",
    "question",
    "user_prompt",
    "user_message",
    "user_input",
    "user_query",
    "ask",
    "q",
    *abroad.ASKS,
    "input",
    "context",
)
ANSWERS = (
    "completion",
    "response",
    "output",
    "answer",
    "chosen",
    "target",
    "assistant_response",
    "assistant_message",
    "bot_response",
    "bot_message",
    "model_response",
    "model_output",
    "ai_response",
    "gpt_response",
    "reply",
    "a",
    *abroad.ANSWERS,
)
# columns that are called after the two sides
USERS = ("user", "human", "customer", "client", "patient", "seeker", "student", "player")
ASSISTANTS = (
    "assistant",
    "bot",
    "chatbot",
    "ai",
    "gpt",
    "chatgpt",
    "agent",
    "doctor",
    "therapist",
    "counselor",
    "supporter",
    "tutor",
    "teacher",
    "npc",
    "character",
)
SYSTEMS = ("system", "system_prompt", "system_message", "preamble")
SCENARIOS = ("narrative", "scenario")
IDS = (
    "id",
    "uuid",
    "dialogue_id",
    "dialog_id",
    "conversation_id",
    "conv_id",
    "convo_id",
    "conversation_hash",
    "prompt_id",
)
# what may stand beside a text and never says who wrote it
HARMLESS = frozenset([
    "emotion", "emotions", "emotion_type", "sentiment", "act", "acts", "dialog_act",
    "dialogue_act", "da", "intent", "intents", "topic", "topics", "lang", "language", "domain",
    "domains", "strategy", "score", "rating", "length", "tokens", "url", "urls", "image",
    "images", "audio", "video", "category", "sources", "start", "end", "end_time", "duration",
    "offset", "color", "state", "slots", "mood", "tone",
]) | frozenset(ORDERS)  # fmt: skip

CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # where dialogueId becomes dialogue_id
BREAK = re.compile(r"[\s\-.]+")


# `post_text` is a text, and `message_time` a time
PREFIX = re.compile(r"(post|message|msg|chat|comment)_")
PREFIXED = frozenset([*TEXTS, *NAMES, *ORDERS])


def _sided(sides: Iterable[str], words: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{side}_{word}" for side in sides for word in words)


TURN_WORDS = ("utterance", "message", "text", "turn", "content", "reply", "utt")
ALL_ASKS = (
    *ASKS,
    *_sided(("user", "human", "customer", "client"), (*TURN_WORDS, "question", "query")),
)
ALL_ANSWERS = (
    *ANSWERS,
    *_sided(("assistant", "bot", "agent", "ai", "model"), (*TURN_WORDS, "response", "answer")),
    *_sided(("system",), ("utterance", "response", "reply", "turn")),
)


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name in small letters and with underscores."""
    return BREAK.sub("_", CAPITAL.sub("_", name).lower()).strip("_")


@lru_cache(maxsize=1024)
def _own_names(names: tuple[object, ...]) -> dict[str, str]:
    """Plain name → the record's own name; of two that are the same the first."""
    own = {plain(str(name)): str(name) for name in reversed(names)}
    without_prefix = {PREFIX.sub("", name, count=1): name for name in own}
    more = {name: own[whole] for name, whole in without_prefix.items() if name in PREFIXED}
    return more | own


@lru_cache(maxsize=4096)
def _all_of(names: tuple[str, ...], present: tuple[object, ...]) -> tuple[str, ...]:
    own = _own_names(present)
    return tuple(own[name] for name in names if name in own)


def all_of(names: Iterable[str], record: Mapping[str, object]) -> tuple[str, ...]:
    """The record's own names for these, in their order. Kept for records with the same fields."""
    return _all_of(tuple(names), tuple(record))


def one_of(names: Iterable[str], record: Mapping[str, object]) -> str | None:
    """The record's own name for the first of these that it has."""
    return next(iter(all_of(names, record)), None)


def key_of(record: Mapping[str, object]) -> str | None:
    """The record's own name for the id of its conversation."""
    others = (name for name in record if KEY.fullmatch(plain(str(name))))
    return one_of(KEYS, record) or next(others, None)


def is_text(value: object) -> bool:
    """Whether a value may be a message: a text with a letter in it."""
    return isinstance(value, str) and any(map(str.isalpha, value))


def holds_text(names: Iterable[str], record: Mapping[str, object]) -> list[str]:
    """The record's own names for those of these that hold a text."""
    return [name for name in all_of(names, record) if isinstance(record[name], str)]


def id_of(record: Fields) -> str | None:
    """The name of the field that holds the record's own id."""
    for name in all_of(IDS, record):
        value = record[name]
        if isinstance(value, str | int) and not isinstance(value, bool):
            return name
    return None
