"""Records as assistants export them, and sets of preferences. All texts are ours."""

from __future__ import annotations

from typing import Any

U, A, S = "user", "assistant", "system"


def gpt_node(
    key: str, parent: str | None, role: str, *parts: Any, kind: str = "text", **more: Any
) -> dict[str, Any]:
    """A node of ChatGPT's export."""
    message = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": 1714000000.0,
        "content": {"content_type": kind, "parts": list(parts)},
        "weight": 1.0,
        "metadata": {},
        "recipient": "all",
    }
    return {"id": key, "parent": parent, "children": [], "message": message | more}


def gpt(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A conversation of ChatGPT's export; nodes without a parent stand below its root."""
    mapping: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": []}
    }
    for node in nodes:
        mapping[node["id"]] = node | {"parent": node["parent"] or "root"}
    for node in nodes:
        mapping[node["parent"] or "root"]["children"].append(node["id"])
    return {"title": "Tea", "mapping": mapping, "conversation_id": "c1"} | more


def by_uuid(key: str, sender: str, text: str, **more: Any) -> dict[str, Any]:
    """A message of Claude's export."""
    content = [{"type": "text", "text": text, "citations": []}]
    return {"uuid": key, "sender": sender, "text": text, "content": content, "files": []} | more


LIBRECHAT = """Conversation
########################
conversationId: c1

History
########################
>> User:
Which tea?


>> Claude:
Darjeeling.
"""
REASONED = """<details type="reasoning" done="true">
<summary>Thought</summary>
&gt; Black?
</details>
Darjeeling."""
TALK = [(U, "Which tea?"), (A, "Darjeeling.")]

EXPORTS: list[tuple[str, str, Any, list[tuple[str, str]]]] = [
    (
        "chatgpt",
        "conversations.json",
        [
            gpt(
                gpt_node("u1", None, "user", "Which tea?"),
                gpt_node("a1", "u1", "assistant", "Any."),
                gpt_node("a2", "u1", "assistant", "Darjeeling."),
                current_node="a2",
            )
        ],
        TALK,
    ),
    (
        "claude",
        "conversations.json",
        [
            {
                "uuid": "c1",
                "name": "Tea",
                "chat_messages": [
                    by_uuid("m1", "human", "Which tea?", attachments=[]),
                    by_uuid("m2", "assistant", "Darjeeling."),
                ],
            }
        ],
        TALK,
    ),
    (
        "open_webui",
        "chats.json",
        [
            {
                "id": "c1",
                "title": "Tea",
                "chat": {
                    "params": {"system": "You are Ada."},
                    "history": {
                        "currentId": "a1",
                        "messages": {
                            "u1": {
                                "id": "u1",
                                "parentId": None,
                                "childrenIds": ["a0", "a1"],
                                "role": "user",
                                "content": "Which tea?",
                                "timestamp": 1714000000,
                            },
                            "a1": {
                                "id": "a1",
                                "parentId": "u1",
                                "childrenIds": [],
                                "role": "assistant",
                                "model": "llama3:8b",
                                "content": REASONED,
                            },
                            "a0": {
                                "id": "a0",
                                "parentId": "u1",
                                "childrenIds": [],
                                "role": "assistant",
                                "content": "Any.",
                            },
                        },
                    },
                },
            }
        ],
        [(S, "You are Ada."), *TALK],
    ),
    (
        "librechat",
        "convo.json",
        {
            "conversationId": "c1",
            "options": {"promptPrefix": "You are Ada."},
            "messages": [
                {
                    "messageId": "u1",
                    "parentMessageId": "00000000-0000-0000-0000-000000000000",
                    "sender": "User",
                    "isCreatedByUser": True,
                    "text": "Which tea?",
                    "children": [
                        {
                            "messageId": "a1",
                            "sender": "GPT-4",
                            "isCreatedByUser": False,
                            "text": "Any.",
                            "createdAt": "2025-05-01T10:00:00Z",
                        },
                        {
                            "messageId": "a2",
                            "sender": "GPT-4",
                            "isCreatedByUser": False,
                            "content": [
                                {"type": "think", "think": "Black?"},
                                {"type": "text", "text": {"value": "Darjeeling."}},
                            ],
                            "createdAt": "2025-05-01T10:01:00Z",
                        },
                    ],
                }
            ],
        },
        [(S, "You are Ada."), *TALK],
    ),
    (
        "gemini",
        "a.jsonl",
        {
            "systemInstruction": {"parts": [{"text": "You are Ada."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Which"}, {"text": "tea?"}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "Hm", "thought": True},
                        {"text": "Darj"},
                        {"text": "eeling."},
                    ],
                },
            ],
        },
        [(S, "You are Ada."), (U, "Which\ntea?"), (A, "Darjeeling.")],
    ),
    (
        "ai_studio",
        "a.json",
        {
            "runSettings": {"model": "models/gemini-2.5-pro"},
            "systemInstruction": {"text": "You are Ada."},
            "chunkedPrompt": {
                "chunks": [
                    {"role": "user", "text": "Which tea?", "tokenCount": 3},
                    {"role": "user", "driveImage": {"id": "x"}},
                    {"role": "model", "text": "Black?", "isThought": True},
                    {"role": "model", "text": "Darjeeling."},
                ]
            },
        },
        [(S, "You are Ada."), *TALK],
    ),
    (
        "deepseek",
        "conversations.json",
        [
            {
                "id": "c1",
                "mapping": {
                    "root": {"id": "root", "parent": None, "children": ["1"], "message": None},
                    "1": {
                        "id": "1",
                        "parent": "root",
                        "children": ["2"],
                        "message": {"fragments": [{"type": "REQUEST", "content": "Which tea?"}]},
                    },
                    "2": {
                        "id": "2",
                        "parent": "1",
                        "children": [],
                        "message": {
                            "model": "deepseek-reasoner",
                            "inserted_at": "2025-05-01T10:00:00+08:00",
                            "fragments": [
                                {"type": "THINK", "content": "Black?"},
                                {"type": "RESPONSE", "content": "Darjeeling."},
                            ],
                        },
                    },
                },
            }
        ],
        TALK,
    ),
    (
        "grok",
        "prod-grok-backend.json",
        {
            "conversations": [
                {
                    "conversation": {"id": "c1", "title": "Tea"},
                    "responses": [
                        {
                            "response": {
                                "_id": "u1",
                                "sender": "human",
                                "message": "Which tea?",
                                "create_time": {"$date": {"$numberLong": "1746093600000"}},
                            }
                        },
                        {
                            "response": {
                                "_id": "a1",
                                "sender": "ASSISTANT",
                                "message": "Darjeeling.",
                                "parent_response_id": "u1",
                                "model": "grok-3",
                            }
                        },
                    ],
                }
            ],
            "projects": [],
        },
        TALK,
    ),
    (
        "lm_studio",
        "a.json",
        {
            "name": "Tea",
            "systemPrompt": "You are Ada.",
            "messages": [
                {
                    "currentlySelected": 0,
                    "versions": [
                        {
                            "type": "singleStep",
                            "role": "user",
                            "content": [{"type": "text", "text": "Which tea?"}],
                        }
                    ],
                },
                {
                    "currentlySelected": 1,
                    "versions": [
                        {
                            "type": "multiStep",
                            "role": "assistant",
                            "steps": [
                                {
                                    "type": "contentBlock",
                                    "content": [{"type": "text", "text": text}],
                                }
                            ],
                        }
                        for text in ("Any.", "Darjeeling.")
                    ],
                },
            ],
        },
        [(S, "You are Ada."), *TALK],
    ),
    (
        "takeout",
        "My Activity.json",
        [
            {
                "header": "Gemini Apps",
                "title": "Prompted Which tea?",
                "titleUrl": "https://gemini.google.com/app/3f2a",
                "time": "2025-05-01T10:00:00.000Z",
                "safeHtmlItem": [
                    {"html": "<p>Darjeeling.<br>Or <b>this</b>:</p><ul><li>Assam</ul>"}
                ],
            }
        ],
        [(U, "Which tea?"), (A, "Darjeeling.\nOr this:\nAssam")],
    ),
    (
        "linked",
        "a.json",
        {
            "title": "Tea",
            "preprompt": "You are Ada.",
            "messages": [
                {"id": "m1", "from": "user", "content": "Which tea?", "ancestors": []},
                {"id": "m2", "from": "assistant", "content": "Any.", "ancestors": ["m1"]},
                {"id": "m3", "from": "assistant", "content": "Darjeeling.", "ancestors": ["m1"]},
            ],
        },
        [(S, "You are Ada."), *TALK],
    ),
    (
        "preference",
        "a.jsonl",
        {
            "system": "You are Ada.",
            "prompt": "Which tea?",
            "chosen": "Darjeeling.",
            "rejected": "No",
        },
        [(S, "You are Ada."), *TALK],
    ),
    (
        "several",
        "a.jsonl",
        {
            "instruction": "Which tea?",
            "completions": [
                {"response": "Any.", "overall_score": 3},
                {"response": "Darjeeling.", "overall_score": 8.5},
            ],
        },
        TALK,
    ),
    (
        "logged",
        "a.jsonl",
        {
            "request": {
                "model": "gpt-4o",
                "system": "You are Ada.",
                "messages": [{"role": "user", "content": "Which tea?"}],
            },
            "response": {"choices": [{"message": {"role": "assistant", "content": "Darjeeling."}}]},
        },
        [(S, "You are Ada."), *TALK],
    ),
    (
        "langchain",
        "a.json",
        [
            [
                {"type": "system", "data": {"content": "You are Ada."}},
                {"type": "human", "data": {"content": "Which tea?", "additional_kwargs": {}}},
                {"type": "ai", "data": {"content": "Darjeeling.", "name": None}},
            ]
        ],
        [(S, "You are Ada."), *TALK],
    ),
    (
        "palm",
        "a.jsonl",
        {
            "context": "You are Ada.",
            "messages": [
                {"author": "user", "content": "Which tea?"},
                {"author": "assistant", "content": "Darjeeling."},
            ],
        },
        [(S, "You are Ada."), *TALK],
    ),
    ("librechat_text", "a.txt", LIBRECHAT, TALK),
]
