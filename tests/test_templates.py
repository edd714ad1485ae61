"""Texts with the marks of chat templates: written by each template's rule and read again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.shapes.general import marked, marked_text
from pipeline.collect.shapes.transcript import Place, Transcript, Unread
from pipeline.conversation import Conversation, Quarantine
from pipeline.formats import labels, templates
from tests.test_shapes import messages_of, rows_of

U, A, S = "user", "assistant", "system"
Turns = list[tuple[str, str]]
Write = Callable[[Turns], str]


def by(form: str, names: dict[str, str], start: str = "", end: str = "") -> Write:
    """A writer of turns: {name} and {text} of each in `form`."""

    def write(turns: Turns) -> str:
        return start + "".join(form.format(name=names[r], text=t) for r, t in turns) + end

    return write


def llama2(turns: Turns) -> str:
    text, prompt = "", ""
    for role, words in turns:
        if role == S:
            prompt = f"<<SYS>>\n{words}\n<</SYS>>\n\n"
        elif role == U:
            text += f"<s>[INST] {prompt}{words} [/INST]"
            prompt = ""
        else:
            text += f" {words} </s>"
    return text


def mistral(turns: Turns) -> str:
    forms = {S: "[SYSTEM_PROMPT] {}[/SYSTEM_PROMPT]", U: "[INST] {}[/INST]", A: " {}</s>"}
    return "<s>" + "".join(forms[role].format(words) for role, words in turns)


PLAIN = {S: "system", U: "user", A: "assistant"}
MODEL = PLAIN | {A: "model"}
TITLE = {S: "System", U: "Human", A: "Assistant"}
COMMAND = {S: "SYSTEM", U: "USER", A: "CHATBOT"}
TEMPLATES: dict[str, Write] = {
    "chatml": by("<|im_start|>{name}\n{text}<|im_end|>\n", PLAIN),
    "chatml phi 4": by("<|im_start|>{name}<|im_sep|>{text}<|im_end|>", PLAIN),
    "llama 2": llama2,
    "mistral 7": mistral,
    "llama 3": by(
        "<|start_header_id|>{name}<|end_header_id|>\n\n{text}<|eot_id|>",
        PLAIN,
        "<|begin_of_text|>",
    ),
    "llama 4": by("<|header_start|>{name}<|header_end|>\n\n{text}<|eot|>", PLAIN),
    "gemma": by("<start_of_turn>{name}\n{text}<end_of_turn>\n", MODEL, "<bos>"),
    "zephyr": by("<|{name}|>\n{text}</s>\n", PLAIN),
    "phi 3": by("<|{name}|>\n{text}<|end|>\n", PLAIN, "", "<|endoftext|>"),
    "metharme": by("<|{name}|>{text}", MODEL),
    "falcon": by("<|{name}|>{text}<|endoftext|>", PLAIN | {U: "prompter"}),
    "command r": by(
        "<|START_OF_TURN_TOKEN|><|{name}_TOKEN|>{text}<|END_OF_TURN_TOKEN|>", COMMAND, "<BOS_TOKEN>"
    ),
    "granite": by("<|start_of_role|>{name}<|end_of_role|>{text}<|end_of_text|>\n", PLAIN),
    "exaone": by("[|{name}|]{text}[|endofturn|]\n", PLAIN),
    "baize": by("[|{name}|] {text}\n", {S: "System", U: "Human", A: "AI"}),
    "glm 4": by("<|{name}|>\n{text}", PLAIN, "[gMASK]<sop>"),
    "deepseek": by("<｜{name}｜>{text}", TITLE | {U: "User"}, "<｜begin▁of▁sentence｜>"),
    "kimi": by("<|im_{name}|>{name}<|im_middle|>{text}<|im_end|>", PLAIN),
    "nobody's yet": by("<|{name}_start|>{text}<|{name}_end|>", PLAIN),
    "wide, nobody's yet": by("<｜xy▁{name}｜>{text}", PLAIN),
    "guanaco": by("### {name}: {text}", TITLE),
    "beluga": by("### {name}:\n{text}\n\n", TITLE | {U: "User"}),
    "vicuna": by("{name}: {text} ", {S: "SYSTEM", U: "USER", A: "ASSISTANT"}),
    "anthropic": by("\n\n{name}: {text}", TITLE),
    "belle": by("{name}:{text}\n", TITLE),
    "openchat": by("GPT4 Correct {name}: {text}<|end_of_turn|>", TITLE | {U: "User"}),
    "redpajama": by("<{name}>: {text}\n", PLAIN | {U: "human", A: "bot"}),
    "chatglm": by("{name}：{text}\n", {S: "System", U: "问", A: "答"}),
}
ALTERNATING = {"llama 2", "mistral 7"}  # have no other order
# letters of several scripts, and what stands around marks; no label, no mark of one character
TEXT = st.text("abzÄжは ,.!?*\"'()\n", min_size=1, max_size=30).map(str.strip).filter(bool)


@st.composite
def conversations(draw: st.DrawFn) -> Turns:
    texts = draw(st.lists(TEXT, min_size=2, max_size=6))
    turns = [((U, A)[number % 2], text) for number, text in enumerate(texts)]
    prompt = draw(st.none() | TEXT)
    return ([(S, prompt)] if prompt else []) + turns


@pytest.mark.parametrize("name", TEMPLATES)
@given(turns=conversations())
def test_what_a_template_writes_is_read(name: str, turns: Turns) -> None:
    text = TEMPLATES[name](turns)
    assert marked.recognise({"text": text})
    [found] = marked.read({"text": text})
    assert [(role, words) for _, words, role in found.turns] == turns


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_answer_in_its_own_field_is_the_last_turn(name: str) -> None:
    turns = [(S, "Be Ada."), (U, "Tea?"), (A, "Gladly."), (U, "Sugar?")]
    whole = TEMPLATES[name]([*turns, (A, "Xylophone")])
    prompt, _, end = whole.partition("Xylophone")
    for answer in ("No.", f"No.{end}"):
        record = {"prompt": prompt, "completion": answer, "model": "m"}
        assert marked.recognise(record)
        [found] = marked.read(record)
        assert [(role, words) for _, words, role in found.turns] == [*turns, (A, "No.")]
        assert (found.extra, found.left_out) == ({"model": "m"}, {})
    [found] = marked.read({"text": prompt})
    assert found.left_out == {"empty last turn": 1}
    assert len(found.turns) == 4


REFUSED = {
    "<|im_start|>Halla\nHi<|im_end|>": "not a known role",
    "<|im_start|>user name=Mira\nHi<|im_end|>\n<|im_start|>assistant\nYes<|im_end|>": "not a known",
    "<|im_start|>user\nHi<|im_start|>assistant\nYes<|im_end|>": "has no end mark",
    "<|im_start|>user\nHi<|im_end|>stray<|im_start|>assistant\nYes<|im_end|>": "'stray'",
    "<|user|>Weather?<|assistant|>Wait.<|observation|>Rain.<|assistant|>Rain.": "a tool",
    "<|user|>Weather?<|assistant|><tool_call>{}</tool_call>": "a tool",
    "<|user|>Hi<|narrator|>Night falls.<|assistant|>Yes": "bars that is not a known role",
    "<|user|>Hi [INST] you [/INST] <|assistant|>Yes": "several templates: bars, Llama_2",
    "<bos><start_of_turn>user\nHi<end_of_turn><bos><start_of_turn>model\nA<end_of_turn>": "several",
    "### Human: Hi### Assistant: Yes### Assistant: No": "two turns of the assistant in a row",
    "### Instruction:\nAdd.\n\n### Response:\n3\n\n### Input:\n4": "without an instruction",
    "Human: Hi\nAssistant: Yes\nSystem: Be brief.\nHuman: No": "between the turns",
    "<|system|>Be Ada.<|assistant|>": "no turn of user or assistant",
}


@pytest.mark.parametrize("text", REFUSED)
def test_marks_that_make_no_whole_conversation_are_refused(text: str) -> None:
    assert marked.recognise({"text": text})
    with pytest.raises(ValueError, match=REFUSED[text]):
        list(marked.read({"text": text}))


@pytest.mark.parametrize(
    "record",
    [
        {"text": "What does <|im_start|> mean, and </s>?"},
        {"text": "Human: is a word, and so is Assistant: yes"},
        {"prompt": "Explain `### Response:`.", "completion": "It begins an answer."},
        {"instruction": "Add.", "output": "3", "text": "### Instruction:\nAdd.\n### Response:\n3"},
        {"question": "Which marks?", "answer": "<|user|>Hi<|assistant|>Yes"},
        {"text": 3},
    ],
)
def test_a_text_that_only_mentions_a_mark_is_not_marked(record: dict[str, Any]) -> None:
    assert not marked.recognise(record)


@pytest.mark.parametrize(
    "beside",
    [
        {"completion": "Another."},
        {"history": [["a", "b"]]},
        {"context": "It rains."},
        {"system": "Be Ben."},
    ],
)
def test_a_field_that_would_change_the_conversation_is_refused(beside: dict[str, Any]) -> None:
    text = "<|system|>Be Ada.<|user|>Tea?<|assistant|>Gladly."
    with pytest.raises(ValueError, match=r"another|beside|two system prompts"):
        list(marked.read({"text": text, **beside}))


def test_the_same_again_in_further_fields_changes_nothing() -> None:
    text = "<|system|>Be Ada.<|user|>Tea?<|assistant|>Gladly."
    [found] = marked.read({"text": text, "system": "Be Ada.", "completion": "Gladly."})
    assert [role for _, _, role in found.turns] == [S, U, A]
    [found] = marked.read({"system": "Be Ada.", "text": text.partition("Ada.")[2]})
    assert found.turns[0] == (None, "Be Ada.", S)


def test_a_rejected_answer_is_an_alternative(tmp_path: Path) -> None:
    start = "\n\nHuman: Tea?\n\nAssistant: "
    records = [
        {"chosen": f"{start}Gladly.", "rejected": f"{start}Whatever."},
        {"prompt": "<|user|>Tea?<|assistant|>", "chosen": "Gladly.</s>", "rejected": "Whatever."},
    ]  # fmt: skip
    for record in records:
        [row] = rows_of(tmp_path, "a.jsonl", json.dumps(record))
        assert messages_of(row) == [(U, "Tea?"), (A, "Gladly.")]
        assert [(one.content, one.chosen) for one in row.alternatives] == [
            ("Gladly.", True),
            ("Whatever.", False),
        ]
    other = {"chosen": f"{start}Gladly.", "rejected": "\n\nHuman: Coffee?\n\nAssistant: No."}
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(other))
    assert not row.alternatives
    assert "Coffee" in row.extra


def test_several_answers_to_a_marked_text_are_its_alternatives(tmp_path: Path) -> None:
    answers = [{"answer": "No.", "rank": 2}, {"answer": "Gladly.", "rank": 1}]
    for prompt in ("\n\nHuman: Tea?\n\nAssistant: ", "<|user|>Tea?<|assistant|>"):
        [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"prompt": prompt, "answers": answers}))
        assert messages_of(row) == [(U, "Tea?"), (A, "Gladly.")]
        assert [one.content for one in row.alternatives] == ["No.", "Gladly."]


def test_alpaca_loses_its_first_sentence_and_keeps_another(tmp_path: Path) -> None:
    known = "Below is an instruction that describes a task. Write a response."
    body = "### Instruction:\nAdd.\n\n### Input:\n1 and 2\n\n### Response:\n3"
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"text": f"{known}\n\n{body}"}))
    assert messages_of(row) == [(U, "Add.\n\n1 and 2"), (A, "3")]
    assert row.edits == ("collect: left out 1 × sentence of the template",)
    whole = {"prompt": f"{known}\n\n{body[:-1]}", "output": "3"}
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(whole))
    assert row.edits == ("collect: left out 1 × sentence of the template",)
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"text": f"Be brief.\n\n{body}"}))
    assert messages_of(row)[0] == (S, "Be brief.")


def test_what_stands_beside_a_marked_text_belongs_to_it(tmp_path: Path) -> None:
    text = "USER: Tea, {{char}}?\n\n\nASSISTANT: Gladly. <|endoftext|>\n\n\n"
    record = {"system": "SYSTEM: Be kind.", "chat": text, "bot_name": "Ada"}
    record["char_persona"] = "She bakes."
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(record))
    assert messages_of(row) == [(S, "Be kind."), (U, "Tea, Ada?"), (A, "Gladly.")]
    assert (row.persona.name, row.persona.description) == ("Ada", "She bakes.")
    called = text.replace("Gladly.", "Gladly.\nFUNCTION RESPONSE: {}")
    with pytest.raises(ValueError, match="tool"):
        list(marked.read({"chat": called}))


def test_segments_are_refused_with_a_reason(tmp_path: Path) -> None:
    segments = [{"label": False, "text": "[INST] Tea? [/INST]"}, {"label": True, "text": "Yes</s>"}]
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"segments": segments}))
    assert isinstance(row, Quarantine)
    assert "join them" in row.detail


# --- plain texts

ONE = "<|im_start|>user\nTea?<|im_end|>\n<|im_start|>assistant\nGladly.<|im_end|>\n"
TWO = "<|im_start|>user\nCake?<|im_end|>\n<|im_start|>assistant\nNo.<|im_end|>\n"
SYS = "<|im_start|>system\nBe Ada.<|im_end|>\n"
GEMMA = "<bos><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>"
EACH = "each line is a conversation"
ASK = "### Instruction:\nAdd.\n\n### Response:\n3\n"
BELOW = "Below is an instruction that describes a task.\n\n"


@pytest.mark.parametrize(
    ("text", "conversations", "assumed"),
    [
        (f"{ONE}\n{TWO}", 2, "an empty line between two marks ends a conversation"),
        (f"{ONE}---\n{TWO}", 2, None),
        (SYS + ONE + SYS + TWO, 2, "a system prompt begins a conversation"),
        (ONE, 1, "the file is one conversation"),
        (ONE.replace("\n", " ") + "\n" + TWO.replace("\n", " "), 2, EACH),
        ("### Human: Tea?### Assistant: Yes\n### Human: Cake?### Assistant: No\n", 2, EACH),
        (f"{BELOW}{ASK}\n\n{BELOW}{ASK}", 2, None),
        ("<s>[INST] a [/INST] b</s>\n<s>[INST] c [/INST] d</s>\n", 2, EACH),
        (f"{GEMMA}{GEMMA}\n{GEMMA}", 3, None),
    ],
)  # fmt: skip
def test_where_a_conversation_ends_in_a_text(
    tmp_path: Path, text: str, conversations: int, assumed: str | None
) -> None:
    rows = rows_of(tmp_path, "a.txt", text)
    assert [len(row.messages) - (row.messages[0].role == S) for row in rows] == [2] * conversations
    assert len({row.split_group for row in rows}) == conversations
    expected = [f"collect: assumed that {assumed}"] if assumed else []
    assert [edit for edit in rows[0].edits if "assumed" in edit] == expected


@pytest.mark.parametrize(
    "text", [f"{ASK}\n{ASK}", "<s>[INST] a\nb [/INST] c</s>\n<s>[INST] d\ne [/INST] f</s>\n"]
)
def test_a_text_without_a_border_that_needs_one_is_refused(tmp_path: Path, text: str) -> None:
    [row] = rows_of(tmp_path, "a.txt", text)
    assert isinstance(row, Quarantine)


@given(turns=conversations(), seed=st.integers(0, 9), name=st.sampled_from(sorted(TEMPLATES)))
def test_cut_and_shuffled_texts_lose_nothing_silently(turns: Turns, seed: int, name: str) -> None:
    chance = random.Random(seed)
    text = TEMPLATES[name](turns)
    pieces = [text[: chance.randrange(len(text))], text[chance.randrange(len(text)) :], text]
    chance.shuffle(pieces)
    lines = "\n".join(pieces).splitlines(keepends=True)
    if not marked_text.recognise(lines):
        return
    words = "".join(lines)
    for found in marked_text.read(lines, Place("a.txt")):
        if isinstance(found, Transcript):
            assert all(part in words for _, part, _ in found.turns)
        else:
            assert isinstance(found, Unread)


@given(st.text("<|>im_start user/assistant:#[INST]\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    templates.is_marked(text)
    labels.style_of(text)
    try:
        found = marked.conversation_of(text)
    except ValueError:
        return
    assert found.turns


def test_a_marked_file_of_any_name_is_read(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, "a.csv", f'id,formatted_chat\n7,"{ONE}"\n')
    assert isinstance(row, Conversation)
    assert messages_of(row) == [(U, "Tea?"), (A, "Gladly.")]
    assert row.source.record == "7"
