"""Variants of layouts that nobody documents: other names, languages, orders, borders, flags.

Each is read as it is meant, or refused in words. All texts are ours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collect.shapes.common import shown
from tests.judge import Reading, read

U, A, S = "user", "assistant", "system"
ASK, TELL, THANK, WARN = (
    "Is the ferry running?",
    "Only the first one: bring a coat.",
    "Thanks, I will.",
    "Mind the wet planks.",
)
TALK = [(U, ASK), (A, TELL), (U, THANK), (A, WARN)]
TEA = [
    (U, "Which tea do you have?"),
    (A, "Nettle, and a little mint."),
    (U, "Mint, please."),
    (A, "It needs four minutes."),
]
BACK = [(A, TELL), (U, ASK)]
PROMPT = (S, "You are Ada.")
PEOPLE = {U: "Ada", A: "Ben"}
Talks = list[list[tuple[str, str]]]


def listed(talk: Any, role: str = "role", text: str = "content", **words: str) -> list[Any]:
    return [{role: words.get(one, one), text: content} for one, content in talk]


def lines(talk: Any, user: str = "User", assistant: str = "Assistant") -> str:
    sides = {U: user, A: assistant}
    return "".join(f"{sides[role]}: {text}\n" for role, text in talk)


def rows(head: str, *talks: tuple[Any, ...]) -> str:
    """A table: of each talk its columns before, then who and what."""
    made = [
        ",".join([*map(str, before), PEOPLE[role], f'"{text}"'])
        for *before, talk in talks
        for role, text in talk
    ]
    return "\n".join([head, *made]) + "\n"


def timed(talk: Any, head: str, stamp: str, order: tuple[int, ...] = (3, 2, 1, 0)) -> str:
    made = [f'{stamp.format(n)},{PEOPLE[talk[n][0]]},"{talk[n][1]}"' for n in order]
    return "\n".join([head, *made]) + "\n"


def written(folder: Path, name: str, content: Any) -> Reading:
    path = folder / name
    if isinstance(content, str):
        path.write_text(content, "utf-8")
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(one) + "\n" for one in content), "utf-8")
    else:
        path.write_text(json.dumps(content), "utf-8")
    return read(path)


def talks_of(found: Reading) -> Talks:
    return [[(m.role, m.content) for m in row.messages] for row in found.kept]


SHUFFLED = (1, 0, 3, 2)
CLOCKS = [f"2024-04-25T18:0{n}:00Z" for n in range(4)]
OTHER_TEA = [f"2024-05-02T09:0{n}:00Z" for n in range(4)]
NOTICE = {"sender": "system", "text": "Chat started"}

# name → file, content, the conversations
RIGHT: dict[str, tuple[str, Any, Talks]] = {
    # who writes
    "german fields and roles": (
        "c.json",
        [{"nachrichten": listed(TALK, "rolle", "inhalt", user="Benutzer", assistant="Assistent")}],
        [TALK],
    ),
    "a portuguese assistant who begins": (
        "c.jsonl",
        [{"messages": listed(BACK, user="usuário", assistant="assistente")}],
        [BACK],
    ),
    "a korean model": (
        "c.jsonl",
        [{"messages": listed(BACK, user="사용자", assistant="챗봇")}],
        [BACK],
    ),
    "a flag in words": (
        "c.json",
        {"messages": [{"is_user": "false", "text": TELL}, {"is_user": "true", "text": ASK}]},
        [BACK],
    ),
    "a flag in numbers": (
        "c.json",
        {"messages": [{"is_user": 0, "text": TELL}, {"is_user": 1, "text": ASK}]},
        [BACK],
    ),
    "a flag in a table": ("c.csv", f"is_bot,text\nTrue,{TELL}\nFalse,{ASK}\n", [BACK]),
    "my own messages": (
        "c.json",
        {"messages": [{"fromMe": True, "body": ASK}, {"fromMe": False, "body": TELL}]},
        [TALK[:2]],
    ),
    "a direction beside one name": (
        "c.csv",
        f"name,direction,body,date\nBen,out,{ASK},{CLOCKS[0]}\nBen,in,{TELL},{CLOCKS[1]}\n",
        [TALK[:2]],
    ),
    "a speaker called after a model": (
        "c.json",
        {"turns": [{"speaker": "Claude 3.5 Sonnet", "text": TELL}, {"speaker": "B", "text": ASK}]},
        [BACK],
    ),
    "a prompt by another role": (
        "c.jsonl",
        [{"messages": listed([("instruction", PROMPT[1]), *TALK])}],
        [[PROMPT, *TALK]],
    ),
    "thoughts as a role": (
        "c.jsonl",
        [{"messages": [*listed(TALK[:1]), *listed([("thought", "Hm.")]), *listed(TALK[1:2])]}],
        [TALK[:2]],
    ),
    "pasted from a page": ("c.txt", f"You said:\n{ASK}\nChatGPT said:\n{TELL}\n", [TALK[:2]]),
    "questions in other languages": (
        "c.csv",
        f"Antwort;Frage\n{TELL};{ASK}\n{WARN};{THANK}\n",
        [TALK[:2], TALK[2:]],
    ),
    "characters with roles": (
        "c.jsonl",
        [
            {
                "characters": [{"name": "Ada", "role": "assistant"}, {"name": "B", "role": "user"}],
                "chat": [{"name": "Ada", "text": TELL}, {"name": "B", "text": ASK}],
            }
        ],
        [BACK],
    ),
    "speakers with the number of the turn": (
        "c.txt",
        f"A.1: {ASK}\nB.2: {TELL}\nA.3: {THANK}\nB.4: {WARN}\n",
        [TALK],
    ),
    # in which order
    "numbers in another order": (
        "c.json",
        {"messages": [{"idx": n, **listed(TALK)[n]} for n in (2, 0, 3, 1)]},
        [TALK],
    ),
    "times in another order": (
        "c.jsonl",
        [{"messages": [{"created_at": CLOCKS[n], **listed(TALK)[n]} for n in SHUFFLED]}],
        [TALK],
    ),
    "german times, newest first": (
        "c.csv",
        timed(TALK, "Datum,Von,Nachricht", "25.04.2024 18:0{}"),
        [TALK],
    ),
    "american times, newest first": (
        "c.csv",
        timed(TALK, "Date,From,Message", "04/25/2024 6:0{} PM"),
        [TALK],
    ),
    "a day and a clock in two columns": (
        "c.csv",
        timed(TEA, "Date,Time,Sender,Message", "2024-04-28,09:0{}")
        + timed(TALK, "", "2024-04-25,18:0{}", (0, 1, 2, 3)).lstrip(),
        [TALK, TEA],
    ),
    # where a conversation ends
    "seconds since 1970": (
        "c.jsonl",
        [
            {"sender": PEOPLE[role], "text": text, "timestamp": start + 60 * n}
            for start, talk in ((1714000000, TALK), (1714500000, TEA))
            for n, (role, text) in enumerate(talk)
        ],
        [TALK, TEA],
    ),
    "days apart in a list": (
        "c.json",
        {
            "messages": [
                {"author": PEOPLE[role], "text": text, "sent_at": clock}
                for clock, (role, text) in zip(CLOCKS + OTHER_TEA, TALK + TEA, strict=True)
            ]
        },
        [TALK, TEA],
    ),
    "headings between rules": (
        "c.txt",
        f"=== Chat 1 ===\n{lines(TALK)}=== Chat 2 ===\n{lines(TEA)}",
        [TALK, TEA],
    ),
    "headings between dashes": (
        "c.txt",
        f"--- Talk 1 ---\n{lines(TALK, 'A', 'B')}--- Talk 2 ---\n{lines(TEA, 'A', 'B')}",
        [TALK, TEA],
    ),
    "marks of an end": ("c.txt", f"{lines(TALK)}<|endoftext|>\n{lines(TEA)}", [TALK, TEA]),
    "the number of a case": ("c.csv", rows("case_no,who,text", (1, TALK), (2, TEA)), [TALK, TEA]),
    "an id by another name": (
        "c.csv",
        rows("chat_uuid,sender,text", ("ab", TALK), ("cd", TEA)),
        [TALK, TEA],
    ),
    "the same prompt before each": (
        "c.jsonl",
        [*listed([PROMPT, *TALK]), *listed([PROMPT, *TEA])],
        [[PROMPT, *TALK], [PROMPT, *TEA]],
    ),
    # what stands elsewhere in the record
    "a prompt in `meta`": (
        "c.jsonl",
        [{"meta": {"system": PROMPT[1]}, "messages": listed(TALK)}],
        [[PROMPT, *TALK]],
    ),
    "a prompt in `settings`": (
        "c.json",
        {"settings": {"systemPrompt": PROMPT[1], "model": "x"}, "conversation": listed(TALK)},
        [[PROMPT, *TALK]],
    ),
    "a prompt beside the list": (
        "c.jsonl",
        [{"prompt": PROMPT[1], "messages": listed(TALK)}],
        [[PROMPT, *TALK]],
    ),
    "the first question as a prompt": (
        "c.jsonl",
        [{"prompt": ASK, "messages": listed(TALK)}],
        [TALK],
    ),
    "an answer beside the list": (
        "c.jsonl",
        [{"messages": listed(TALK[:3]), "response": {"role": "assistant", "content": WARN}}],
        [TALK],
    ),
    "an answer beside texts": ("c.jsonl", [{"dialog": [ASK, TELL, THANK], "output": WARN}], [TALK]),
    "an answer beside turns": (
        "c.jsonl",
        [{"turns": listed(TALK[:3], "speaker", "text"), "completion": WARN}],
        [TALK],
    ),
    "a request and its outputs": (
        "c.jsonl",
        [
            {
                "inputs": {"messages": listed(TALK[:3])},
                "outputs": {"choices": [{"message": listed(TALK[3:])[0]}]},
            }
        ],
        [TALK],
    ),
    "lists of both sides": (
        "c.jsonl",
        [{"user_messages": [ASK, THANK], "bot_messages": [TELL, WARN]}],
        [TALK],
    ),
    # what is no message
    "an error": (
        "c.jsonl",
        [
            {
                "messages": [
                    {"role": U, "content": ASK},
                    {"role": A, "content": "429: try later", "status": "error"},
                    {"role": A, "content": TELL, "status": "success"},
                ]
            }
        ],
        [TALK[:2]],
    ),
    "a deleted message": (
        "c.json",
        {
            "messages": [
                {"author": "Ada", "text": ASK},
                {"author": "Ben", "text": "oops", "status": "deleted"},
                {"author": "Ben", "text": TELL, "status": "sent"},
            ]
        },
        [TALK[:2]],
    ),
    "an answer that another replaced": (
        "c.json",
        {
            "messages": [
                {"role": U, "content": ASK},
                {"role": A, "content": "No ferry today.", "active": False},
                {"role": A, "content": TELL, "active": True},
            ]
        },
        [TALK[:2]],
    ),
    "notices between people": (
        "c.csv",
        f"sender,text\nSystem,Ada joined the room\nAda,{ASK}\nBen,{TELL}\nSystem,Ben left\n",
        [TALK[:2]],
    ),
    "notices of a desk": (
        "c.json",
        {
            "messages": [
                NOTICE,
                {"sender": "visitor", "text": ASK},
                {"sender": "agent", "text": TELL},
            ]
        },
        [TALK[:2]],
    ),
    "events of other kinds": (
        "c.json",
        {
            "messages": [
                {"event": "join", "user": "Ada", "text": "Ada came"},
                {"event": "message", "user": "Ada", "text": ASK},
                {"event": "message", "user": "Ben", "text": TELL},
            ]
        },
        [TALK[:2]],
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_variant_is_read_as_it_is_meant(tmp_path: Path, name: str) -> None:
    file, content, talks = RIGHT[name]
    found = written(tmp_path, file, content)
    assert found.refusal is None
    assert talks_of(found) == talks


# what is asked of the user instead of a guess → file, content, words of the reason
OPEN: dict[str, tuple[str, Any, str]] = {
    "numbers as roles": (
        "c.jsonl",
        [{"messages": [{"role": "1", "content": ASK}, {"role": "2", "content": TELL}]}],
        "nothing says which role that is",
    ),
    "a flag that says nothing": (
        "c.json",
        {"messages": [{"is_user": "maybe", "text": ASK}, {"is_user": "who", "text": TELL}]},
        "nothing says which side that is",
    ),
    "a column that may part rows": (
        "c.csv",
        rows("matter,sender,text", ("M1", TALK), ("M2", TEA)),
        "may belong together by `matter`",
    ),
    "prompts that differ": (
        "c.jsonl",
        [*listed([PROMPT, *TALK]), *listed([(S, "You are Ben."), *TEA])],
        "does each begin a conversation",
    ),
    "one who writes alone": (
        "c.json",
        [{"user": "ada", "message": "Buy rope"}, {"user": "ada", "message": "Paint it"}],
        "only one `user` writes",
    ),
    "one side of a chat": (
        "c.json",
        [{"match": 1, "messages": [{"to": 1, "from": "You", "message": ASK}]}],
        "the answers are not there",
    ),
    "a prompt before an answer": (
        "c.jsonl",
        [{"prompt": "Hello there.", "messages": listed(TALK[1:])}],
        "may be the first message",
    ),
    "several texts of a message": (
        "c.jsonl",
        [{"messages": [{"role": U, "content": ASK}, {"role": A, "content": [TELL, WARN]}]}],
        "answers to choose from",
    ),
    "a role of neither side": (
        "c.jsonl",
        [{"messages": [*listed(TALK[:1]), *listed([("search", "3 finds")]), *listed(TALK[1:])]}],
        "beside those of both sides",
    ),
    "two lists of messages": (
        "c.jsonl",
        [{"messages": listed(TALK), "messages_de": listed(TEA)}],
        "holds other ones",
    ),
    "a narrator between people": (
        "c.json",
        {"turns": listed([(U, ASK), (S, "Rain falls."), (A, TELL)], "speaker", "text", **PEOPLE)},
        "is it a narrator",
    ),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_stays_open_is_not_guessed(tmp_path: Path, name: str) -> None:
    file, content, words = OPEN[name]
    found = written(tmp_path, file, content)
    assert found.kept == []
    reasons = [found.refusal or "", *(one.detail for one in found.quarantine)]
    assert any(words in reason for reason in reasons), reasons


def test_replaced_answers_and_variants_are_alternatives(tmp_path: Path) -> None:
    replaced = {"role": A, "content": "No ferry.", "superseded": True}
    varied = {"role": A, "content": WARN, "variants": ["Careful.", WARN]}
    talk = [*listed(TALK[:1]), replaced, *listed(TALK[1:3]), varied]
    [row] = written(tmp_path, "c.json", {"system": PROMPT[1], "messages": talk}).kept
    assert [message.content for message in row.messages] == [PROMPT[1], ASK, TELL, THANK, WARN]
    assert [(one.message, one.content, one.chosen) for one in row.alternatives] == [
        (4, "Careful.", False),
        (4, WARN, True),
        (2, "No ferry.", False),
        (2, TELL, True),
    ]


def test_personas_are_found_by_the_name_of_a_speaker_and_in_objects(tmp_path: Path) -> None:
    turns = listed([("A", ASK), ("B", TELL)], "speaker", "text")
    record = {"persona_a": "I sail.", "persona_b": "I bake.", "dialogue": turns}
    [row] = written(tmp_path, "a.jsonl", [record]).kept
    assert row.persona
    assert row.user_persona
    assert (row.persona.description, row.user_persona.description) == ("I bake.", "I sail.")
    about = {"char_name": "Ada", "char_persona": "A ferrywoman of 17."}
    [row] = written(tmp_path, "b.jsonl", [{"metadata": about, "messages": listed(TALK)}]).kept
    assert row.persona
    assert (row.persona.name, row.persona.description) == ("Ada", "A ferrywoman of 17.")
    [row] = written(tmp_path, "c.jsonl", [{"role_profile": "17.", "messages": listed(TALK)}]).kept
    assert row.persona
    assert row.persona.description == "17."


def test_thoughts_join_the_message_after_them(tmp_path: Path) -> None:
    talk = [*listed(TALK[:1]), {"role": "reasoning", "content": "Hm."}, *listed(TALK[1:2])]
    [row] = written(tmp_path, "c.jsonl", [{"messages": talk}]).kept
    assert json.loads(row.extra or "") == {"turns": [{}, {"thoughts": ["Hm."]}]}
    assert "collect: left out 1 × thought" in row.edits


FLAGS = ("deleted", "is_error", "superseded", "active", "status")
ITEMS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.dictionaries(st.sampled_from(FLAGS), st.sampled_from([True, False, "error", "x", {}])),
    ),
    max_size=6,
)


@settings(max_examples=100)
@given(ITEMS)
def test_every_message_is_shown_an_alternative_or_counted(items: list[Any]) -> None:
    found = shown.split([fields for _, fields in items], [writer for writer, _ in items])
    others = [number for _, number in found.others]
    assert len(found.kept) + len(others) + sum(found.left_out.values()) == len(items)
    assert set(found.kept).isdisjoint(others)
    for place, number in found.others:
        assert items[found.kept[place]][0] == items[number][0]
