"""What machines leave in messages: template tokens, reasoning, calls of tools, marks of citations,
turns of the other side. Found wherever they stand, removed where a reply remains.

And what only looks like them.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import Alternative, Conversation, Message, Source
from pipeline.filter.repair import repair_texts
from pipeline.filter.repair.remains import without_calls, without_citations, without_reasoning
from pipeline.filter.repair.turns import without_tokens
from pipeline.formats.templates import remains
from pipeline.recipe.filter import RepairSettings
from pipeline.rules.reading.reading import read
from pipeline.rules.style import citations, labels, reasoning, tokens, tools

READERS = (
    tokens.tokens,
    reasoning.reasoning,
    tools.tool_calls,
    citations.citations,
    labels.labels,
)
TOKENS = [
    line
    for line in (Path(__file__).parent / "data/template_tokens.txt").read_text("utf-8").splitlines()
    if not line.startswith("# ")
]


def talk(reply: str, named: bool = False) -> Conversation:
    names = ("Tom", "Lena") if named else (None, None)
    messages = (Message("user", "Will you come?", names[0]), Message("assistant", reply, names[1]))
    return Conversation("x", messages, Source("file", "t", "t#1"))


def fired(conversation: Conversation) -> set[str]:
    reading = read(conversation.messages)
    return {finding.rule for reader in READERS for finding in reader(reading)}


def repaired(reply: str, named: bool = False) -> tuple[str, list[str]]:
    row = repair_texts(talk(reply, named), RepairSettings())
    return row.messages[1].content, [edit.split(":", 1)[1].strip() for edit in row.edits]


# --- template tokens


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("see you", ""), ("", "see you"), (" ", " "), ("и́", ""), ("", "́е"), ("好", "的")],
)
def test_tokens_of_all_templates_are_found_wherever_they_stand(before: str, after: str) -> None:
    assert len(TOKENS) >= 76
    missed = [
        token
        for token in TOKENS
        if not fired(talk(f"{before}{token}{after}")) & {"style.template", "style.tool"}
    ]
    assert missed == []


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end",
        "<|im_end|",
        "|im_end|>",
        "<im_end>",
        "< | im_end | >",
        r"<\|im_end\|>",
        "＜｜im_end｜＞",
        "<|turn>",
        "<turn|>",
        "<eoa>",
        "<unk>",
        "<reserved_107>",
        "<TOKENS_UNUSED_1>",
        "<|reserved_special_token_7|>",
        "<extra_id_0>",
        "[UNUSED_TOKEN_145]",
        "__eou__",
        "[e~[",
        "]~b]ai",
        "### Ответ:",
        "### 回答：",
        "[Start a new Chat]",
        "<|0.00|>",
    ],
)
def test_damaged_tokens_and_those_of_no_template_are_found(token: str) -> None:
    assert "style.template" in fired(talk(f"I will come.{token}"))


WHOLE_WITHOUT_TOKENS = [
    "I will.<|im_end|>",
    "I will.<|im_end",
    "I will.</s>",
    "<s> I will.</s>",
    "<|start_header_id|>assistant<|end_header_id|>\n\nI will.<|eot_id|>",
    "<start_of_turn>model\nI will.<end_of_turn>\n<start_of_turn>user\nWhen?",
    "im_start|>assistant\nI will.",
    "]~b]ai name=assistant\nI will.[e~[",
    "GPT4 Correct Assistant: I will.<|end_of_turn|>",
    "[/INST] I will.",
    "<reserved_107>I will.",
    "I will.<|fim_suffix|><|fim_middle|>",
    "I will.<|endoftext|>A page about goats.",
    "I will.\n### Human:\nWhen?",
    "### Response: I will.",
    "I will.&lt;|im_end|&gt;",
]


@pytest.mark.parametrize("reply", WHOLE_WITHOUT_TOKENS)
def test_tokens_around_a_reply_are_removed(reply: str) -> None:
    assert repaired(reply) in (
        ("I will.", ["removed template tokens in message 1"]),
        ("I will.", ["removed markup in message 1", "removed template tokens in message 1"]),
    )
    assert not fired(talk("I will."))


@pytest.mark.parametrize(
    "reply",
    [
        "[INST] Tell me. [/INST] I will.",  # the turn of the other side comes first
        "<|user|>When?",
        "<|im_start|>Hello there.",  # a word after it may be the reply's
        "I like the <unk> there.",  # a word is lost
        "I <s>will</s> may come.",  # struck out
        "<START>\nMira: Welcome.",
        "<|observation|>Rain.",
        "<|im_end|>",
    ],
)
def test_tokens_stay_for_the_rule_where_the_reply_is_not_known(reply: str) -> None:
    row = repair_texts(talk(reply), RepairSettings())
    assert row.messages[1].content == reply
    assert "style.template" in fired(row)


# --- reasoning

REASONED = {
    "<think>plan</think>Hi": "Hi",
    "<think>\n\n</think>\n\nHi there": "Hi there",
    "<thinking>He jokes.</thinking> Very funny.": "Very funny.",
    "<Reasoning>He jokes.</Reasoning>Very funny.": "Very funny.",
    "<scratchpad>\n- joke\n</scratchpad>\nVery funny.": "Very funny.",
    "[THINK]He jokes.[/THINK]Very funny.": "Very funny.",
    "◁think▷He jokes.◁/think▷Very funny.": "Very funny.",
    "<размышления>Шутка.</размышления>Смешно!": "Смешно!",
    "He jokes, be brief.\n</think>\n\nVery funny.": "Very funny.",
    "<|begin_of_thought|>Joke.<|end_of_thought|>Very funny.": "Very funny.",
    "<think>Joke.</think><answer>Very funny.</answer>": "Very funny.",
    "Thoughts: a joke.\nResponse: Very funny.": "Very funny.",
    "Thought: see.\nAction: look[sea]\nObservation: blue\nFinal Answer: A joke.": "A joke.",
    "思考：他在开玩笑。\n回答：真好笑。": "真好笑。",
    "```thinking\nA joke.\n```\nVery funny.": "Very funny.",
    '<details type="reasoning"><summary>2 s</summary>Joke.</details>Very funny.': "Very funny.",
    "<|channel|>analysis<|message|>Joke.<|end|><|start|>assistant<|channel|>final<|message|>Very "
    "funny.<|return|>": "Very funny.",
    "analysisHe jokes.assistantfinalVery funny.": "Very funny.",
}


@pytest.mark.parametrize("reply", REASONED)
def test_reasoning_is_removed_and_the_reply_is_kept(reply: str) -> None:
    content, edits = repaired(reply)
    assert content == REASONED[reply]
    assert edits[0] == "removed reasoning in message 1"
    assert "style.reasoning" in fired(talk(reply))
    assert not fired(talk(content))


@pytest.mark.parametrize(
    "reply",
    [
        "<think>He jokes, be brief. Very funny.",
        "<think>He jokes.</think>",
        "Thought for 8 seconds\nVery funny.",
        "Nachgedacht für 8 Sekunden\nSehr lustig.",
        "8초 동안 생각함\n웃기네.",
        "User intent: small talk. Tone: dry. Length: one line.\nVery funny.",
        "Gedankengang: der Nutzer macht einen Witz.\nSehr lustig.",
        "Анализ: пользователь пошутил.\nСмешно!",
        "Okay, the user makes a joke. I should stay in character.\n\nVery funny.",
        "(Thinking: the user makes a joke, play along) Very funny.",
        "Хм, пользователь пошутил. Мне нужно ответить игриво.\n\nСмешно!",
        "Der Nutzer macht einen Witz und ist müde. Ich sollte freundlich antworten.\n\nHaha.",
        "L'utilisateur me dit bonjour. Je dois rester dans le personnage.\n\nSalut.",
        "El usuario me saluda. Debo responder con calma.\n\nHola.",
        "用户在开玩笑，我应该轻松回应。\n\n真好笑。",
        "ユーザーは冗談を言った。自然に返答する必要がある。\n\nおかしいね。",
        "사용자가 농담을 했다. 가볍게 답변해야 한다.\n\n웃기네.",
    ],
)
def test_reasoning_without_a_known_end_is_found(reply: str) -> None:
    row = repair_texts(talk(reply), RepairSettings())
    assert row.messages[1].content == reply
    assert "style.reasoning" in fired(row)


# --- calls of tools

CALLED = {
    'One moment. {"name": "look", "arguments": {"at": "sea"}}': "One moment.",
    'One moment. <tool_call>{"name": "look"}</tool_call>': "One moment.",
    'One moment.\n```json\n{"tool": "look", "tool_input": "sea"}\n```': "One moment.",
    '<x:invoke name="look"><parameter name="at">sea</parameter></x:invoke> Here it is.': (
        "Here it is."
    ),
    'look_at("sea")\n\nHere it is.': "Here it is.",
    "[AVAILABLE_TOOLS] [] [/AVAILABLE_TOOLS]Here it is.": "Here it is.",
    'One moment.[TOOL_CALLS][{"name": "look", "arguments": {}}]': "One moment.",
    "Here you go! [image: a goat, masterpiece, best quality, 8k]": "Here you go!",
    '{"response": "Here it is.", "mood": "calm"}': "Here it is.",
    "{'role': 'assistant', 'content': 'Here it is.'}": "Here it is.",
    'Here it is. {"emotion": "calm"}': "Here it is.",
    'Here it is.\n{"depth": 3, "unit": "m"}': "Here it is.",
    "Using tool: map\nHere it is.": "Here it is.",
    'Llamada a la herramienta: mirar("mar")\nAquí está.': "Aquí está.",
    "正在调用工具 look_at……\n它在这里。": "它在这里。",
    "Searching the web for “sea”...\nHere it is.": "Here it is.",
    "HTTP 503: no map\nHere it is.": "Here it is.",
}


@pytest.mark.parametrize("reply", CALLED)
def test_calls_of_tools_are_removed_where_prose_remains(reply: str) -> None:
    content, edits = repaired(reply)
    assert content == CALLED[reply]
    assert edits == ["removed tool calls and their tokens in message 1"]
    assert "style.tool" in fired(talk(reply))


@pytest.mark.parametrize(
    "reply",
    [
        '{"name": "look", "arguments": {"at": "sea"}}',
        '<function=look>{"at": "sea"}</function>',
        '<tool_call>{"name": "look", "arguments": {}} Here it is.',
        "Action: look\nAction Input: sea\nObservation: blue",
        '{"role": "user", "content": "Here it is."}',
        '{"error": {"code": 429, "message": "too many requests"}}',
    ],
)
def test_a_call_without_a_reply_is_found(reply: str) -> None:
    row = repair_texts(talk(reply), RepairSettings())
    assert row.messages[1].content == reply
    assert "style.tool" in fired(row)


# text, then each stretch of it that is a call, and whether its end is known
STRETCHES = [
    ('So.\n{"depth": 3, "unit": "m"}', [('\n{"depth": 3, "unit": "m"}', True)]),
    ('So. {"depth": 3, "unit": "m"}', []),  # not on a line of its own
    ('So.\n{"depth": 3, "unit": "m"} yes', []),
    ('So.\n{"depth": 3}', []),  # one key
    ('So.\n{"depth": 3, "unit": m}', []),  # no data
    ('So.\n```\n{"depth": 3, "unit": "m"}\n```', []),  # code that was asked for
    ('x {"name": "look", "args": {}} y', [(' {"name": "look", "args": {}} ', True)]),
    ('x {"name": "look", "at": 3} y', []),
    ('x {"look": "name", "args": {}} y', []),
    ('x {"error": 3, "code": 4} y', [(' {"error": 3, "code": 4} ', True)]),
    ('x {"error": 3, "cause": 4} y', []),
    ('x {"code": 3, "type": 4} y', []),
    ('x {"role": "user", "content": "a"} y', [(' {"role": "user", "content": "a"} ', True)]),
    ('x {"role": "user", "text": "a"} y', []),
    ('x {"mood": "calm"} y', [(' {"mood": "calm"} ', True)]),
    ('x {"Tool": "a"} y', [(' {"Tool": "a"} ', True)]),
    (
        'x {"tool": {"a": {"b": 1}}} y {"tool": 2}',
        [(' {"tool": {"a": {"b": 1}}} ', True), (' {"tool": 2}', True)],
    ),
    ('x {"tool": {"a": 1} y', [(' {"tool": {"a": 1} y', False)]),  # not closed
    ('x {"tool": "}"} y', [(' {"tool": "}"} ', True)]),
    ('x [{"tool": 1}] y', [('[{"tool": 1}]', True)]),
    ('```json\n[{"tool": 1}]\n```', [('```json\n[{"tool": 1}]\n```', True)]),
    ("<tool>a</tool> b", [("<tool>a</tool>", True)]),
    ("<tool> a", [("<tool> a", False)]),
    ("a </tool> b", [("</tool>", False)]),
    ("<tool/> b", [("<tool/>", True)]),
    ("<tool>a <python>b</python></tool> c", [("<tool>a <python>b</python></tool>", True)]),
    ("<python>b</python> <tool>", [("<python>b</python>", True), ("<tool>", False)]),
    ("Action: look\nAction Input: sea", [("Action: look\nAction Input: sea", False)]),
    ("Action: look", []),
    ("Action: look(sea)", [("Action: look(sea)", False)]),
    ("Thought: a\nFinal Answer: b", []),
    ("Observation: a\nFinal Answer: b", [("Observation: a\nFinal Answer: ", True)]),
    (
        "Oh. (masterpiece, 8k, a goat on a hill by the sea)",
        [("(masterpiece, 8k, a goat on a hill by the sea)", True)],
    ),
    ("Oh. (masterpiece, a goat on a hill by the sea)", []),  # one word of image models
    ("Oh. (masterpiece 8k a goat on a hill by the sea)", []),  # no list
    ("Oh.\na goat on a hill, masterpiece, 8k", []),
    ("Oh.\na goat, masterpiece, 8k, hdr", [("a goat, masterpiece, 8k, hdr", True)]),
    ("/imagine a goat", [("/imagine a goat", True)]),
    ("Oh. <lora:b:1> c", [("<lora:b:1>", True)]),
    ('look_at("sea")', [('look_at("sea")', True)]),
    ('look_at("sea") it', []),
    ('```\nlook_at("sea")\n```', []),
    ("", []),
]


@pytest.mark.parametrize(("text", "found"), STRETCHES)
def test_where_a_call_starts_and_ends(text: str, found: list[tuple[str, bool]]) -> None:
    stretches = tools.calls(text)
    assert [(text[one.start : one.end], one.whole) for one in stretches] == found


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ('{"response": " a "}', "a"),
        ('{"text": "a", "message": "b"}', "b"),
        ('{"role": "bot", "content": "a"}', "a"),
        ('{"role": "user", "content": "a"}', None),
        ('{"content": 3}', None),
        ('{"tool": 1, "content": "a"}', None),
        ('{"name": "x", "input": "y", "text": "a"}', None),
        ('```json\n{"reply": "a"}\n```', "a"),
        ('{"reply": "a"} b', None),
        ("[1]", None),
    ],
)
def test_the_reply_that_is_wrapped_as_data(text: str, reply: str | None) -> None:
    assert tools.reply_in(text) == reply


# --- marks of citations

CITED = {
    "It opens in May【12†source】.": "It opens in May.",
    "It opens in May [citation:3], they say.": "It opens in May, they say.",
    "It opens in May. :contentReference[oaicite:0]{index=0}": "It opens in May.",
    "It opens in May \ue200cite\ue202turn0search1\ue201 again.": "It opens in May again.",
    "It opens in May citeturn0search1turn0news2.": "It opens in May.",
    "It opens in May [^1^].": "It opens in May.",
    "It opens in May〔3†source〕.": "It opens in May.",
    "It opens in May[1][2], and shuts in June[3].": "It opens in May, and shuts in June.",
    "It opens in May.[3]": "It opens in May.",
    "It opens in May [1, 2].": "It opens in May.",
    "It opens in May. [[1]](https://a.example)": "It opens in May.",
    "It opens in May.[^1]\n\n[^1]: The guide, page 3": "It opens in May.",
    "It opens in May.\n\n**Sources:**\n1. alps.example\n2. snow.example": "It opens in May.",
    "Es öffnet im Mai.\n\nQuellen:\n- https://a.example": "Es öffnet im Mai.",
    "五月开放【1†来源】。": "五月开放。",
    "attached_file:1 It opens in May, grok_render_card": "It opens in May",
    "[cite_start]It opens in May [cite: 1, 2].": "It opens in May.",
    "It opens in May [citation needed].": "It opens in May.",
    "Es öffnet im Mai [Beleg fehlt].": "Es öffnet im Mai.",
    "五月开放[需要引证]。": "五月开放。",
    "It opens in May (Egli & Rossi, 2004, p. 12).": "It opens in May.",
    "Se abre en mayo (Egli et al., 2004).": "Se abre en mayo.",
    "Он открыт в мае (Егоров 2004: 12).": "Он открыт в мае.",
    "It opens in May. (Source: Wikipedia, Passes)": "It opens in May.",
    "Il ouvre en mai.\nSource : https://alpes.example/cols": "Il ouvre en mai.",
    '(cite index="4-1">It opens in May.</cite>': "It opens in May.",
    "It opens in May.{{cite web|title=Passes}}": "It opens in May.",
}


@pytest.mark.parametrize("reply", CITED)
def test_marks_of_citations_are_removed(reply: str) -> None:
    content, edits = repaired(reply)
    assert content == CITED[reply]
    assert edits == ["removed citation marks in message 1"]
    assert "style.citation" in fired(talk(reply))
    assert not fired(talk(content))


# --- turns of the other side


@pytest.mark.parametrize(
    "turn",
    [
        "\nUser: When?\nAssistant: At six.",
        "\n\n**Human:** When?",
        "\nPlayer: When?\nGM: At six.",
        "\nUser #2 (Tom): When?",
        "\nuser\nWhen?",
        "assistant\n\nAt six.",
        " User: When? Assistant: At six.",
        "\nYou: *I nod.* When?",
        "\n{{user}}: When?\n{{char}}: At six.",
        "\nTom: When?\nLena: At six.",
        "\nПользователь: Когда?",
        "\nUtilisateur : Quand ?",
        "\nNutzer: Wann?\nAssistent: Um sechs.",
        "\n用户：几点？\n助手：六点。",
        "\nユーザー：いつ？",
        "\n사용자: 언제?",
        "\nTurn 3 (user): When?",
        "\n(User replies: When?)",
    ],
)
def test_a_continued_turn_is_cut_after_a_whole_reply(turn: str) -> None:
    assert "style.other_side" in fired(talk(f"I will.{turn}", named=True))
    cut = ("I will.", ["cut at the other side's label in message 1"])
    assert repaired(f"I will.{turn}", named=True) == cut


@pytest.mark.parametrize(
    "reply",
    [
        "I will and\nUser: When?",  # breaks off
        "Will you?\nAssistant: I will.",  # the other side's turn comes first
        "I will.\n<anna> when?\n<ben> at six",  # nobody knows these
        "Anna: When?\nBen: At six.\nAnna: Good.",
        "I will.\nQ: When?\nA: At six.",
        "Ich komme.\nFrage: Wann?\nAntwort: Um sechs.",
        "好的。\n甲：几点？\n乙：六点。",
    ],
)
def test_a_continued_turn_stays_for_the_rule_where_it_is_not_safe_to_cut(reply: str) -> None:
    row = repair_texts(talk(reply), RepairSettings())
    assert row.messages[1].content == reply
    assert fired(row) & {"style.other_side", "style.label"}


# --- what only looks like it


@pytest.mark.parametrize(
    "reply",
    [
        "I <3 you, x<y and y>z, xs |> List.map f.",
        "<|°_°|> and <|o_o|> are robots.",
        "__really__ and _truly_ yours, my_file_name.txt",
        "Start without me, the model is on the poster, end of story.",
        "[thinking] Maybe the blue one? [laughs]",
        "*thinks: he is lying* Sure.",
        "(thinking: what a lovely day) Come in.",
        "My thoughts: none.",
        "Analyse: Die Birne ist alt. Schritt 1, neue kaufen.\nUnd Suppe.",
        "Думал минут пять.\nНичего.",
        "Goal: fix the lamp. Constraints: one chair.\nSoup.",
        "Using the tool you gave me was a joy.\nThanks.",
        "My memory updated itself.\nError: coffee not found.",
        "We met in Rome (2014, I think) and won (Berlin, 2016).",
        "Source: trust me.\nQuelle: meine Oma (1962).",
        "Breakfast: eggs?\nLunch: soup.",
        "Plan A: the ladder?\nPlan B: a chair.",
        "A: bring bread\nB: bring soup",
        "The user manual says I should keep it short and dry.",
        "The character in the book should have answered her letters.",
        "Okay, so the user manual says the oven needs a fuse.",
        "Пользователь из меня так себе, телефон опять завис.",
        "让我想一想，明天我告诉你答案好不好？",
        "I told him (twice): “search party”.",
        "Plan:\nAction: none\nMood: lazy",
        "I said f(x) = x + 1, and she laughed {quietly}.",
        "The only function of that drawer is to hide candles.",
        "We shot it in 4k with soft lighting, and Grandma loved it.",
        "It is number [1] on my list, and [2] is yours.",
        "[1] Eggs\n[2] Milk\n[3] Bread",
        "The array a[1] holds the goats, b[2] the sheep.",
        "My sources tell me: it closes at noon.\nSources: the baker.",
        "You: forever late. Me: forever early.",
        "Me: one slice.\nYou: the rest.",
        "Shopping:\nAnna: apples\nBen: pears",
        "Name: Mira\nAge: 34\nJob: baker",
        "Flour: 300 g\nWater: one cup\nPatience: a lot",
        "10:00: breakfast\n12:00: canal walk",
        "Oh: my: heart:\nand nobody knows why.",
        "购物清单：\n牛奶：两盒\n苹果：三斤",
        "Dear team,\nCustomer: Acme\nAgent: 007",
    ],
)
def test_what_only_looks_like_remains(reply: str) -> None:
    assert fired(talk(reply)) == set()
    assert repaired(reply) == (reply, [])


def test_an_alternative_is_repaired_as_the_message_in_whose_place_it_stands() -> None:
    other = Alternative(1, "<think>He asks.</think>I won't.<|im_end|>")
    row = repair_texts(
        Conversation(
            "x", talk("I will.").messages, Source("file", "t", "t#1"), alternatives=(other,)
        ),
        RepairSettings(),
    )
    assert row.alternatives[0].content == "I won't."


def test_a_system_message_keeps_its_tools_and_tags() -> None:
    prompt = Message("system", 'Think in <think></think>. {"name": "look", "arguments": {}}')
    row = Conversation("x", (prompt, *talk("I will.").messages), Source("file", "t", "t#1"))
    assert repair_texts(row, RepairSettings()) is row


PIECES = st.lists(
    st.sampled_from(
        [
            "Hi", " ", ".", "\n", "<think>", "</think>", "<tool_call>", "</tool_call>", "{", "}",
            '{"name": 1, "args": {}}', "[1]", "[2]", "【1†a】", "<|im_end|>", "<|im_start|>user\n",
            "<|assistant|>", "</s>", "<s>", "User: ", "Sources:\n", "- a.com", "好", "```", "<|",
        ]
    ),
    max_size=12,
)  # fmt: skip


@given(PIECES)
def test_what_is_repaired_stays_as_it_is(pieces: list[str]) -> None:
    text = "".join(pieces)
    for repair in (without_reasoning, without_calls, without_citations):
        once = repair(text)
        assert repair(once) == once
        assert once.strip() or not text.strip()
    once = without_tokens(text, "assistant")
    assert without_tokens(once, "assistant") == once


@given(st.text("abc ,.!?'é好\n", max_size=60))
def test_a_text_without_signs_is_never_touched(text: str) -> None:
    for repair in (without_reasoning, without_calls, without_citations):
        assert repair(text) == text
    assert without_tokens(text, "user") == text


@pytest.mark.parametrize(
    "piece",
    ["[", "<", "{", "<|", "_", "<think>", '{"a":', "[1]", "【1", "Sources:\n", "a:\n", 'f_("'],
)
def test_time_grows_with_the_length_only(piece: str) -> None:
    text = piece * (30_000 // len(piece))
    start = time.process_time()
    for repair in (without_reasoning, without_calls, without_citations):
        repair(text)
    remains(text)
    labels.speakers_in(text, set(), [])
    assert time.process_time() - start < 2
