"""Exports of assistants, message lists with what stands beside them, and preferences."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collect import shapes
from pipeline.collect.admit import Origin, admit
from pipeline.collect.shapes.assistants import chatgpt, single
from pipeline.collect.shapes.common import beside
from pipeline.collect.shapes.general import messages, sharegpt
from pipeline.collect.shapes.transcript import Place, Transcript, Unread
from pipeline.conversation import Conversation, Persona, Quarantine
from tests.foreign_exports import EXPORTS, TALK, A, S, U, by_uuid, gpt, gpt_node
from tests.test_shapes import messages_of, rows_of

Talk = list[tuple[str, str]]
READERS = {shapes.name_of(module): module for module in shapes.RECORDS}


def one(folder: Path, record: Any, name: str = "a.jsonl") -> Conversation:
    """The only row of a file with one record."""
    [row] = rows_of(folder, name, json.dumps(record))
    assert isinstance(row, Conversation), row
    return row


def refused(folder: Path, record: Any) -> str:
    """Why the only record of a file is in the quarantine."""
    [row] = rows_of(folder, "a.jsonl", json.dumps(record))
    assert isinstance(row, Quarantine)
    return row.detail


def extra_of(row: Conversation) -> Any:
    return json.loads(row.extra or "{}")


def alternatives_of(row: Conversation) -> list[tuple[int, str, bool]]:
    return [(one.message, one.content, one.chosen) for one in row.alternatives]


# --- exports


def test_chatgpt_gives_branches_models_thoughts_and_the_user(tmp_path: Path) -> None:
    context = {
        "content_type": "user_editable_context",
        "user_profile": "I am a gardener.",
        "user_instructions": "Be brief.",
    }
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Tea", "content": "Black?"}]}
    photo = {"content_type": "image_asset_pointer", "asset_pointer": "x"}
    speech = {"content_type": "audio_transcription", "text": "And milk?", "direction": "in"}
    record = gpt(
        gpt_node("p", None, "user", content=context),
        gpt_node("u1", "p", "user", "Which tea?", photo, kind="multimodal_text"),
        gpt_node("t1", "u1", "assistant", content=thoughts),
        gpt_node("a1", "t1", "assistant", "Darjeeling.", metadata={"model_slug": "o3"}),
        gpt_node("a2", "u1", "assistant", "Any."),
        gpt_node("u2", "a2", "user", "Why?"),
        gpt_node("c1", "a1", "assistant", "search()", recipient="browser"),
        gpt_node("r1", "c1", "tool", "found"),
        gpt_node("u3", "r1", "user", speech, kind="multimodal_text"),
        gpt_node("h", "u3", "assistant", "secret", weight=0),
        current_node="h",
    )
    row = one(tmp_path, [record], "conversations.json")
    assert messages_of(row) == [*TALK, (U, "And milk?")]
    assert alternatives_of(row) == [(1, "Darjeeling.", True), (1, "Any.", False)]
    assert (row.source.private, row.source.record) == (True, "c1")
    assert row.user_persona == Persona(description="I am a gardener.")
    extra = extra_of(row)
    assert (extra["instructions"], extra["title"]) == ("Be brief.", "Tea")
    time = "2024-04-24 23:06:40"
    assert extra["turns"][1] == {"time": time, "model": "o3", "thoughts": ["Tea\nBlack?"]}
    left_out = next(edit for edit in row.edits if "left out" in edit)
    for what in ("picture", "tool call", "result of a tool", "hidden message", "another branch"):
        assert what in left_out


def test_chatgpt_without_a_current_node_is_the_newest_branch(tmp_path: Path) -> None:
    record = gpt(
        gpt_node("u1", None, "user", "Which tea?"),
        gpt_node("a2", "u1", "assistant", "Darjeeling.", create_time=1714000200.5),
        gpt_node("a1", "u1", "assistant", "Any.", create_time=1714000100.5),
    )
    assert messages_of(one(tmp_path, [record], "conversations.json")) == TALK


def test_chatgpt_of_a_shared_page(tmp_path: Path) -> None:
    nodes = gpt(
        gpt_node("u1", None, "user", "Which tea?"), gpt_node("a1", "u1", "assistant", "Darjeeling.")
    )["mapping"]
    data = {"linear_conversation": list(nodes.values()), "title": "Tea"}
    page = {"props": {"serverResponse": {"type": "data", "data": data}}}
    assert messages_of(one(tmp_path, page, "share.json")) == TALK


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([gpt_node("a", "b", "user", "x"), gpt_node("b", "a", "user", "y")], "follows itself"),
        ([gpt_node("a", "gone", "user", "x")], "is missing"),
        ([gpt_node("a", None, "critic", "x")], "role 'critic'"),
        ([gpt_node("a", None, "user", {"content_type": "hologram"})], "unknown type hologram"),
    ],
)
def test_a_tree_that_is_not_whole_is_refused(tmp_path: Path, nodes: list[Any], reason: str) -> None:
    record = {"mapping": {node["id"]: node for node in nodes}, "current_node": "a"}
    assert reason in refused(tmp_path, record)


def test_claude_keeps_thoughts_and_attachments_apart(tmp_path: Path) -> None:
    parts = [
        {"type": "thinking", "thinking": "Black?"},
        {"type": "tool_use", "name": "search", "input": {}},
        {"type": "tool_result", "content": []},
        {"type": "text", "text": "Darjeeling."},
        {"type": "token_budget"},
    ]
    note = {"file_name": "", "extracted_content": "A long letter."}
    listed = [
        by_uuid("m1", "human", "Which tea?", attachments=[note | {"file_name": "a.txt"}]),
        by_uuid("m2", "assistant", "Darjeeling.") | {"content": parts},
        by_uuid("m3", "human", "", attachments=[note]) | {"content": []},
        by_uuid("m4", "assistant", "A letter!"),
    ]
    row = one(tmp_path, [{"uuid": "c1", "chat_messages": listed}], "conversations.json")
    assert messages_of(row) == [*TALK, (U, "A long letter."), (A, "A letter!")]
    turns = extra_of(row)["turns"]
    assert turns[0]["attachments"][0]["extracted_content"] == "A long letter."
    assert turns[1]["thoughts"] == ["Black?"]
    assert any("2 × tool call" in edit for edit in row.edits)


def test_an_open_webui_chat_has_its_branches_in_order(tmp_path: Path) -> None:
    _, name, content, _ = next(example for example in EXPORTS if example[0] == "open_webui")
    row = one(tmp_path, content, name)
    assert alternatives_of(row) == [(2, "Any.", False), (2, "Darjeeling.", True)]
    turns = extra_of(row)["turns"]
    assert turns[0] == {}  # the system prompt
    assert turns[2] == {"model": "llama3:8b", "thoughts": ["Black?"]}
    flat = {"chat": {"messages": [{"role": role, "content": text} for role, text in TALK]}}
    assert messages_of(one(tmp_path, flat)) == TALK


def test_gemini_refuses_what_is_more_than_text(tmp_path: Path) -> None:
    for part, what in [
        ({"inlineData": {"mimeType": "image/png", "data": ""}}, "file"),
        ({"functionCall": {"name": "f"}}, "tool call"),
    ]:
        contents = [{"role": "user", "parts": [{"text": "x"}, part]}]
        assert what in refused(tmp_path, {"contents": contents})


def test_a_log_of_gemini_has_the_answer_beside_the_request(tmp_path: Path) -> None:
    answers = [{"content": {"role": "model", "parts": [{"text": text}]}} for text in ("One", "Two")]
    request = {"contents": [{"role": "user", "parts": [{"text": "Count."}]}]}
    record = {"request": request, "response": {"candidates": answers[:1]}}
    assert messages_of(one(tmp_path, record)) == [(U, "Count."), (A, "One")]
    record = {"request": request, "response": {"candidates": answers}}
    assert "several candidates" in refused(tmp_path, record)


def test_takeout_in_another_language_is_refused(tmp_path: Path) -> None:
    record = {"header": "Gemini Apps", "title": "Eingabe: Tee?", "safeHtmlItem": [{"html": "x"}]}
    assert "Prompted" in refused(tmp_path, record)


def test_a_table_of_librechat_is_a_tree(tmp_path: Path) -> None:
    head = "sender,text,isCreatedByUser,messageId,parentMessageId,createdAt\n"
    lines = (
        "User,Which tea?,true,m0,00000000-0000-0000-0000-000000000000,2024-04-25T18:00:00.000Z\n"
        "Claude,Any.,false,m1,m0,2024-04-25T18:01:00.000Z\n"
        "Claude,Darjeeling.,false,m2,m0,2024-04-25T18:02:00.000Z\n"
    )
    [row] = rows_of(tmp_path, "a.csv", head + lines)
    assert messages_of(row) == TALK
    assert alternatives_of(row) == [(1, "Any.", False), (1, "Darjeeling.", True)]


def test_bold_lines_in_an_answer_are_no_senders(tmp_path: Path) -> None:
    text = "Conversation\n####\nconversationId: c1\n\nHistory\n####\n>> User:\nWhich tea?\n\n\n"
    [row] = rows_of(tmp_path, "a.txt", text + ">> Claude:\nTwo:\n\n**Assam**\nstrong\n")
    assert messages_of(row) == [TALK[0], (A, "Two:\n\n**Assam**\nstrong")]


# --- writing and reading again

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
TALKS = st.lists(TEXT.filter(str.strip), min_size=1, max_size=5).map(
    lambda texts: [((U, A)[number % 2], text) for number, text in enumerate(texts)]
)


def as_chatgpt(talk: Talk) -> Any:
    keys = [None, *(str(number) for number in range(len(talk)))]
    nodes = [gpt_node(str(n), keys[n], role, text) for n, (role, text) in enumerate(talk)]
    return gpt(*nodes, current_node=str(len(talk) - 1))


def as_claude(talk: Talk) -> Any:
    sender = {U: "human", A: "assistant"}
    listed = [by_uuid(str(n), sender[role], text) for n, (role, text) in enumerate(talk)]
    return {"uuid": "c", "chat_messages": listed}


def as_open_webui(talk: Talk) -> Any:
    nodes = {
        f"k{n}": {"id": f"k{n}", "parentId": f"k{n - 1}" if n else None, "role": role}
        | {"content": text}
        for n, (role, text) in enumerate(talk)
    }
    return {"chat": {"history": {"messages": nodes, "currentId": f"k{len(talk) - 1}"}}}


def as_librechat(talk: Talk) -> Any:
    message: dict[str, Any] = {}
    for number, (role, text) in reversed(list(enumerate(talk))):
        children = [message] if message else []
        message = {"messageId": str(number), "isCreatedByUser": role == U, "text": text}
        message["children"] = children
    return {"conversationId": "c", "messages": [message]}


def as_gemini(talk: Talk) -> Any:
    names = {U: "user", A: "model"}
    return {"contents": [{"role": names[role], "parts": [{"text": text}]} for role, text in talk]}


def as_deepseek(talk: Talk) -> Any:
    kinds = {U: "REQUEST", A: "RESPONSE"}
    mapping: dict[str, Any] = {"root": {"id": "root", "parent": None, "message": None}}
    for number, (role, text) in enumerate(talk):
        parent = str(number - 1) if number else "root"
        fragments = [{"type": kinds[role], "content": text}]
        mapping[str(number)] = {"parent": parent, "message": {"fragments": fragments}}
    return {"id": "c", "mapping": mapping}


def as_grok(talk: Talk) -> Any:
    names = {U: "human", A: "ASSISTANT"}
    sent = [{"sender": names[role], "message": text} for role, text in talk]
    return {"conversation": {"id": "c"}, "responses": [{"response": message} for message in sent]}


def as_ai_studio(talk: Talk) -> Any:
    names = {U: "user", A: "model"}
    return {"chunkedPrompt": {"chunks": [{"role": names[r], "text": text} for r, text in talk]}}


def as_lm_studio(talk: Talk) -> Any:
    versions = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in talk]
    return {"messages": [{"versions": [version], "currentlySelected": 0} for version in versions]}


def as_messages(talk: Talk) -> Any:
    return {"messages": [{"role": role, "content": text} for role, text in talk]}


def as_parts(talk: Talk) -> Any:
    kinds = {U: "input_text", A: "output_text"}
    parts = [(role, [{"type": kinds[role], "text": text}]) for role, text in talk]
    return {"messages": [{"role": role, "content": part} for role, part in parts]}


def as_sharegpt(talk: Talk) -> Any:
    names = {U: "human", A: "gpt"}
    return [{"from": names[role], "value": text} for role, text in talk]


def as_preference(talk: Talk) -> Any:
    listed = as_messages(talk)["messages"]
    return {"chosen": listed, "rejected": [*listed[:-1], listed[-1] | {"content": "!!"}]}


WRITERS: dict[str, Callable[[Talk], Any]] = {
    "chatgpt": as_chatgpt,
    "claude": as_claude,
    "open_webui": as_open_webui,
    "librechat": as_librechat,
    "gemini": as_gemini,
    "deepseek": as_deepseek,
    "grok": as_grok,
    "ai_studio": as_ai_studio,
    "lm_studio": as_lm_studio,
    "messages": as_messages,
    "messages of parts": as_parts,
    "sharegpt": as_sharegpt,
    "preference": as_preference,
}


@settings(max_examples=25, deadline=None)
@given(TALKS)
@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_read_again(name: str, talk: Talk) -> None:
    record = WRITERS[name](talk)
    reader = READERS[name.split()[0]]
    assert reader.recognise(record)
    [found] = reader.read(record)
    assert isinstance(found, Transcript)
    assert [(role, text) for _, text, role in found.turns] == talk


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_message_of_a_tree_is_a_turn_or_counted(data: st.DataObject) -> None:
    """A random tree: one path of it, the other messages as alternatives or counted."""
    count = data.draw(st.integers(1, 12))
    nodes = [gpt_node("0", None, "user", "text 0")]
    for number in range(1, count):
        parent = nodes[data.draw(st.integers(0, number - 1))]
        asks = parent["message"]["author"]["role"] == "assistant"
        hidden: dict[str, Any] = {"weight": 0} if data.draw(st.booleans()) else {}
        role = "user" if asks else "assistant"
        nodes.append(gpt_node(str(number), parent["id"], role, f"text {number}", **hidden))
    random.Random(count).shuffle(nodes)
    current = data.draw(st.sampled_from([node["id"] for node in nodes]))
    [found] = chatgpt.read(gpt(*nodes, current_node=current))
    others = sum(not other.chosen for other in found.alternatives)
    assert len(found.turns) + others + sum(found.left_out.values()) == count
    for other in found.alternatives:
        if other.chosen:
            assert found.turns[other.message][1] == other.content


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["user", "assistant", "system", "tool", ""]), min_size=2), st.data()
)
def test_a_file_of_messages_is_one_chat_or_refused(roles: list[str], data: st.DataObject) -> None:
    """No message of a shuffled file gets lost: all are in the chat, or in the one refusal."""
    found = [{"role": role, "content": f"text {n}"} for n, role in enumerate(roles)]
    [(number, chat)] = single.read(enumerate(found, 1), Place("a.jsonl"))
    assert number == 1
    if isinstance(chat, Unread):
        assert chat.raw == found
    else:
        assert [text for _, text, _ in chat.turns] == [one["content"] for one in found]


# --- lists of messages

LISTED = as_messages(TALK)["messages"]


@pytest.mark.parametrize(
    ("beside_it", "prompt"),
    [
        ({"system": "You are Ada."}, "You are Ada."),
        ({"systemPrompt": "You are Ada."}, "You are Ada."),
        ({"instructions": [{"type": "text", "text": "You are Ada."}]}, "You are Ada."),
        ({"system_message": {"role": "system", "content": "You are Ada."}}, "You are Ada."),
        ({"instruction": "Which tea?"}, None),  # the question itself
        ({"system": None, "system_prompt": ""}, None),
    ],
)
@pytest.mark.parametrize("shape", ["messages", "sharegpt"])
def test_a_prompt_beside_the_list_is_the_system_message(
    tmp_path: Path, shape: str, beside_it: dict[str, Any], prompt: str | None
) -> None:
    record = as_messages(TALK) if shape == "messages" else {"conversations": as_sharegpt(TALK)}
    row = one(tmp_path, beside_it | record)
    assert messages_of(row) == [*([(S, prompt)] if prompt else []), *TALK]


def test_further_fields_of_messages_stay_beside_their_message(tmp_path: Path) -> None:
    listed = [
        {"role": "user", "content": "Which tea?"},
        {"role": "assistant", "content": "Darjeeling.", "weight": 0, "reasoning_content": "Hm"},
    ]
    row = one(tmp_path, {"system": "You are Ada.", "messages": listed, "label": False})
    turns = [{}, {}, {"weight": 0, "reasoning_content": "Hm"}]
    assert extra_of(row) == {"turns": turns, "label": False}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"role": "tool", "content": "42"}, "the role 'tool'"),
        ({"role": "FUNCTION RESPONSE", "content": "42"}, "the role 'FUNCTION RESPONSE'"),
        ({"role": "assistant", "content": "Hm", "tool_calls": [{"id": 1}]}, "part of a tool call"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "picture"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "audio"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "unknown type 'hologram'"),
        ({"role": "user", "content": 3}, "is int, not text"),
    ],
)
def test_what_the_text_does_not_hold_is_refused(
    tmp_path: Path, message: dict[str, Any], reason: str
) -> None:
    first = {"role": "user", "content": "Which tea?"}
    assert reason in refused(tmp_path, {"messages": [first, message]})


def test_a_call_or_a_picture_in_sharegpt_is_refused(tmp_path: Path) -> None:
    call = [{"from": "human", "value": "Ferry?"}, {"from": "function_call", "value": "{}"}]
    assert "function_call" in refused(tmp_path, {"conversations": call})
    asked = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "Tea."}]
    assert "`image`" in refused(tmp_path, {"image": "a.png", "conversations": asked})


def test_thoughts_among_the_parts_are_kept_apart(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "thinking": "Black?"}, {"type": "text", "text": "Darjeeling."}]
    listed = [{"role": "user", "content": "Which tea?"}, {"role": "assistant", "content": parts}]
    row = one(tmp_path, {"messages": listed})
    assert messages_of(row) == TALK
    assert extra_of(row)["turns"] == [{}, {"thoughts": ["Black?"]}]


@pytest.mark.parametrize(("who", "what"), [("role", "value"), ("from", "content")])
def test_either_name_of_a_role_goes_with_either_of_a_text(
    tmp_path: Path, who: str, what: str
) -> None:
    listed = [{who: role, what: text} for role, text in TALK]
    assert messages_of(one(tmp_path, {"conversations": listed})) == TALK


def timed(*minutes: int) -> list[dict[str, str]]:
    said = ["Which tea?", "Darjeeling.", "Sugar?", "None."]
    roles = ["user", "assistant"] * 2
    return [
        {"role": role, "content": text, "sent_at": f"2024-05-01T10:{minute:02}:00Z"}
        for role, text, minute in zip(roles, said, minutes, strict=False)
    ]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_messages_that_stand_newest_first_are_turned_around(tmp_path: Path, count: int) -> None:
    listed = timed(*range(count))
    row = one(tmp_path, {"messages": listed[::-1], "system": "Be brief."})
    spoken = [(message["role"], message["content"]) for message in listed]
    assert messages_of(row) == [("system", "Be brief."), *spoken]
    assert row.edits[0] == "collect: put in the order of `sent_at`"


@pytest.mark.parametrize("minutes", [(1, 0), (0, 2, 1), (0, 0, 1, 1)])
def test_times_that_say_no_other_order_move_nothing(
    tmp_path: Path, minutes: tuple[int, ...]
) -> None:
    listed = timed(*minutes)
    row = one(tmp_path, {"messages": listed})
    assert messages_of(row) == [(message["role"], message["content"]) for message in listed]
    assert not row.edits


def test_pairs_of_a_role_and_a_text_are_messages(tmp_path: Path) -> None:
    pairs = [["human", "Which tea?"], ["gpt", "Darjeeling."]]
    assert messages_of(one(tmp_path, {"conversations": pairs})) == TALK


@pytest.mark.parametrize(
    "record",
    [
        {"input": LISTED[:1], "output": LISTED[1]},
        {"input": LISTED[:1]}
        | {
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "Darjeeling."}]},
            ]
        },
        {"custom_id": "t1", "body": {"messages": LISTED}},
        {
            "body": {"messages": LISTED[:1]},
            "response": {"body": {"choices": [{"message": LISTED[1]}]}},
        },
        {"request": {"messages": LISTED[:1]}}
        | {"response": {"role": "assistant", "content": [{"type": "text", "text": "Darjeeling."}]}},
    ],
)
def test_a_logged_call_and_its_answer(tmp_path: Path, record: dict[str, Any]) -> None:
    assert messages_of(one(tmp_path, record)) == TALK


def test_the_instructions_beside_a_logged_list_are_the_system_prompt(tmp_path: Path) -> None:
    record = {"model": "m-1", "instructions": "Be kind.", "input": LISTED[:1], "output": LISTED[1]}
    row = one(tmp_path, record)
    assert messages_of(row) == [("system", "Be kind."), *TALK]
    assert extra_of(row) == {"model": "m-1"}


def test_a_logged_call_of_a_tool_is_refused(tmp_path: Path) -> None:
    answer = {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]}
    assert "tool call" in refused(
        tmp_path, {"request": {"messages": LISTED[:1]}, "response": answer}
    )


def test_a_file_may_be_one_chat_of_from_and_value(tmp_path: Path) -> None:
    assert messages_of(one(tmp_path, as_sharegpt(TALK), "a.json")) == TALK
    several = [as_sharegpt(TALK), as_sharegpt(TALK)]
    assert len(rows_of(tmp_path, "b.json", json.dumps(several))) == 2


def test_a_thread_of_assistants_is_one_chat(tmp_path: Path) -> None:
    listed = [
        {"object": "thread.message", "thread_id": "t1", "role": role}
        | {"content": [{"type": "text", "text": {"value": text, "annotations": []}}]}
        for role, text in TALK
    ]
    [row] = rows_of(tmp_path, "messages.jsonl", "\n".join(map(json.dumps, listed)))
    assert messages_of(row) == TALK
    listed[1]["thread_id"] = "t2"
    [row] = rows_of(tmp_path, "messages.jsonl", "\n".join(map(json.dumps, listed)))
    assert isinstance(row, Quarantine)


def test_deleted_and_hidden_messages_are_counted(tmp_path: Path) -> None:
    listed = [LISTED[0], LISTED[1] | {"content": "Any.", "deleted": True}, LISTED[1]]
    row = one(tmp_path, {"messages": listed})
    assert messages_of(row) == TALK
    assert "collect: left out 1 × deleted message" in row.edits


def test_a_file_of_several_chats_without_borders_is_refused(tmp_path: Path) -> None:
    prompt = {"role": "system", "content": "You are Ada."}
    chat = as_messages(TALK)["messages"]
    listed = [prompt, *chat * 12, prompt, *chat]
    [row] = rows_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, listed)))
    assert "several chats" in row.detail


@pytest.mark.parametrize(
    ("record", "group"),
    [("x_0", "s/x"), ("x_4", "s/x"), ("QWJhYvA_2", "s/QWJhYvA"), ("train_0", None)],
)
def test_the_pieces_of_a_long_conversation_are_one_group(
    tmp_path: Path, record: str, group: str | None
) -> None:
    listed = [{"from": "gpt", "value": "And so on."}, {"from": "human", "value": "Yes."}]
    row = one(tmp_path, {"id": record, "conversations": listed})
    assert row.split_group == group


# --- personas beside a list


def test_columns_of_a_character_become_its_persona(tmp_path: Path) -> None:
    columns = {
        "char_name": "Ada",
        "char_persona": "A librarian, 40 years old.",
        "greeting": "Good evening.",
        "scenario": "A winter night.",
        "user_persona": {"name": "Ben", "age": 31, "job": "sailor"},
        "source": "x",
    }
    row = one(tmp_path, columns | as_messages(TALK))
    about, greeting, scenario = columns["char_persona"], columns["greeting"], columns["scenario"]
    assert row.persona == Persona("Ada", str(about), str(greeting), str(scenario))
    assert row.user_persona == Persona("Ben", "age: 31\njob: sailor")
    assert row.split_group == "s/Ada"
    assert extra_of(row) == {"source": "x"}


def test_who_has_the_characters_name_is_the_assistant(tmp_path: Path) -> None:
    listed = [{"from": "Ada", "value": "Evening."}, {"from": "Ben", "value": "Tea?"}]
    row = one(tmp_path, {"character": "Ada", "persona": ["I read."], "conversations": listed})
    assert [(m.role, m.name) for m in row.messages] == [(A, "Ada"), (U, "Ben")]
    assert row.persona == Persona("Ada", "I read.")


@pytest.mark.parametrize(
    "personas",
    [
        [["I am Ben."], ["I am Ada."]],
        {"user": "I am Ben.", "assistant": ["I am Ada."]},
    ],
)
def test_personas_of_both_sides(tmp_path: Path, personas: Any) -> None:
    row = one(tmp_path, {"personas": personas} | as_messages(TALK))
    assert row.persona == Persona(description="I am Ada.")
    assert row.user_persona == Persona(description="I am Ben.")


def test_placeholders_are_filled_with_the_names_beside_the_list(tmp_path: Path) -> None:
    listed = [
        {"role": "user", "content": "{{char}}?"},
        {"role": "assistant", "content": "{{user}}!"},
    ]
    row = one(tmp_path, {"bot_name": "Ada", "user_name": "Ben", "messages": listed})
    assert messages_of(row) == [(U, "Ada?"), (A, "Ben!")]


def test_a_card_beside_the_list_is_kept_word_for_word(tmp_path: Path) -> None:
    card = {"spec": "chara_card_v2", "data": {"name": "Ada", "first_mes": "Hi", "tags": ["x"]}}
    row = one(tmp_path, {"character": card} | as_messages(TALK))
    persona = row.persona or Persona()
    assert (persona.name, persona.greeting) == ("Ada", "Hi")
    assert json.loads(persona.card or "") == card


def test_a_field_that_is_no_persona_stays_in_extra(tmp_path: Path) -> None:
    row = one(tmp_path, {"profile": 7, "name": "set 3", "persona": None} | as_messages(TALK))
    assert row.persona is None
    assert extra_of(row) == {"profile": 7, "name": "set 3"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
BESIDE = st.sampled_from(
    [*beside.SYSTEM, *beside.ALONE, *beside.WHOLE, *beside.SEVERAL, "char_name", "user_persona"]
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(BESIDE, JSON, max_size=4))
def test_whatever_stands_beside_a_list_the_messages_are_read(fields: dict[str, Any]) -> None:
    [found] = messages.read(as_messages(TALK) | fields)
    assert [(role, text) for _, text, role in found.turns][-2:] == TALK
    assert isinstance(admit(found, Origin("file", "s"), "a#1"), Conversation)


# --- preferences


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Which tea?", "chosen": "Darjeeling.", "rejected": "No."},
        {"prompt": LISTED[:1], "chosen": LISTED[1:], "rejected": [LISTED[1] | {"content": "No."}]},
        {
            "prompt": "Which tea?",
            "chosen": LISTED,
            "rejected": [LISTED[0], LISTED[1] | {"content": "No."}],
        },
        {
            "conversations": [{"from": "human", "value": "Which tea?"}],
            "chosen": {"from": "gpt", "value": "Darjeeling."},
            "rejected": {"from": "gpt", "value": "No."},
        },
        {
            "chosen": "\n\nHuman: Which tea?\n\nAssistant: Darjeeling.",
            "rejected": "\n\nHuman: Which tea?\n\nAssistant: No.",
        },
        {
            "conversation_a": [LISTED[0], LISTED[1] | {"content": "No."}],
            "conversation_b": LISTED,
            "winner": "model_b",
        },
        {"input": {"messages": LISTED[:1]}, "preferred_output": LISTED[1:]}
        | {"non_preferred_output": [LISTED[1] | {"content": "No."}]},
        {"context": LISTED[:1], "response1": "No.", "response2": "Darjeeling."}
        | {"overall_preference": 2},
        {"history": "Which tea?", "human_ref_A": "Darjeeling.", "human_ref_B": "No.", "labels": 1},
        {"prompt": "Which tea?", "response_0": "Darjeeling.", "response_1": "No."}
        | {"better_response_id": 0},
    ],
)
def test_the_chosen_answer_is_the_conversation(tmp_path: Path, record: dict[str, Any]) -> None:
    row = one(tmp_path, record)
    assert messages_of(row) == TALK
    assert alternatives_of(row) == [(1, "Darjeeling.", True), (1, "No.", False)]
    assert [other.reason for other in row.alternatives] == ["chosen", "rejected"]


def test_a_prompt_that_the_chosen_conversation_does_not_hold_is_kept(tmp_path: Path) -> None:
    row = one(tmp_path, {"prompt": "p-17", "chosen": LISTED, "rejected": LISTED, "score": 9.0})
    assert messages_of(row) == TALK
    assert extra_of(row) == {"prompt": "p-17", "score": 9.0}
    assert not row.alternatives


def test_where_conversations_part_early_the_rejected_one_is_kept_whole(tmp_path: Path) -> None:
    other = [LISTED[0], LISTED[1] | {"content": "No."}, {"role": "user", "content": "Why?"}]
    row = one(
        tmp_path, {"chosen": [*LISTED, {"role": "user", "content": "Ah."}], "rejected": other}
    )
    assert alternatives_of(row) == [(1, "Darjeeling.", True), (1, "No.", False)]
    assert extra_of(row) == {"rejected": other}


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        ([{"text": "One", "overall_score": 1}, {"text": "Two", "overall_score": 2}], "Two"),
        ([{"text": "One", "rank": 1}, {"text": "Two", "rank": 0}], "Two"),
        ([{"text": "One", "rank": 0}, {"text": "Two", "is_accepted": True}], "Two"),
    ],
)
def test_of_several_answers_one_is_the_conversations(
    tmp_path: Path, answers: list[Any], shown: str
) -> None:
    row = one(tmp_path, {"prompt": "Count.", "responses": answers})
    assert messages_of(row) == [(U, "Count."), (A, shown)]
    assert alternatives_of(row) == [(1, "One", shown == "One"), (1, "Two", shown == "Two")]


def test_several_answers_without_a_choice_are_refused(tmp_path: Path) -> None:
    reason = "nothing says which"
    assert reason in refused(tmp_path, {"prompt": "Count.", "responses": ["One", "Two"]})
    choices = [{"message": {"content": text}} for text in ("One", "Two")]
    logged = {"request": {"messages": LISTED[:1]}, "response": {"choices": choices}}
    assert reason in refused(tmp_path, logged)


def test_the_kind_of_a_bare_list_is_known_by_its_items() -> None:
    assert sharegpt.recognise(as_sharegpt(TALK))
    assert not sharegpt.recognise(LISTED)
    assert messages.recognise(LISTED)
