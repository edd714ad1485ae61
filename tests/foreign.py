"""Records as foreign sources have them, one or two of each shape. All texts are ours."""

from __future__ import annotations

from typing import Any

from tests import foreign_later, foreign_papers
from tests.foreign_exports import EXPORTS

U, A, S = "user", "assistant", "system"

TEI = """<?xml version="1.0" encoding="utf-8"?><TEI xmlns="http://www.tei-c.org/ns/1.0" xml:id="p1">
<teiHeader><fileDesc><titleStmt><title>The Visit</title>
<author>A. Nobody</author></titleStmt></fileDesc>
<profileDesc><particDesc><listPerson><person xml:id="ada"><persName>Ada</persName></person>
<person xml:id="ben"><persName>Ben</persName></person></listPerson></particDesc></profileDesc>
</teiHeader>
<text><body><div type="act"><head>Act I</head><div type="scene"><stage>A garden.</stage>
<sp who="#ada"><speaker>Ada.</speaker><stage>(smiling)</stage>
<p>Good evening. <stage>(Sits.)</stage> Do sit.</p></sp>
<sp who="#ben"><speaker>Ben.</speaker><stage>bows.</stage></sp>
<sp who="#ben"><speaker>Ben.</speaker><l>Gladly,</l>
<l>my <choice><sic>freind</sic><corr>friend</corr></choice>.</l></sp>
</div><div type="scene"><sp who="#ben"><p>Alone at last.</p></sp></div></div></body></text></TEI>"""

IRC = """--- Log opened
21:15 <ada> new year
21:16 -!- cy joined
[23:59] <@ben> thanks
00:10 * ada waves
09:00 <ada> morning
"""

WHATSAPP_US = """12/31/20, 9:14 PM - Messages are encrypted.
12/31/20, 9:15 PM - Ada: Happy
new year
12/31/20, 9:16 PM - Ben: <Media omitted>
1/1/21, 12:01 AM - Ben: You too!
1/1/21, 5:00 PM - Ada: Walk?
"""

WHATSAPP_DE = """\u200e[31.12.20, 21:15:03] Ada: Hallo
[31.12.20, 21:15:09] Ben: \u200eBild omitted
[01.01.21, 01:15:03] Ben: Hallo!
[13.01.21, 21:15:03] Ada: Noch da?
"""

LOG = """Ada: Hello!
Ben: Evening.
  How are you?

Ben: Late?
Ada: Not yet.
Ben: Good.
Ada: Yes.
"""

BACKYARD = """[3/2/2024, 2:05:11 PM] Ben:\x20
---
[3/2/2024, 2:05:11 PM] Ada: Good evening.

Sit.
---
[3/2/2024, 2:06:00 PM] Ben: Is it late?
---
"""

PARAGRAPHS = """Ada: Good evening.

Note: she means it.

Ben: Is it late?

Ada: Past nine.

Ben: Already.
"""

TURNS = """dialogue_id,turn,speaker,text
d1,2,Ben,Evening.
d2,1,Ada,Hm
d1,1,Ada,Hello
"""

CELL = """user 1 personas,user 2 personas,chat
"I bake.","I surf.","User 1: Hi!
User 2: Hello!
there"
"""

NUMBERED = """"Id","Answer.sentence1","Answer.sentence10","Answer.sentence2"
"7","One","Three","Two"
"""

CHATTERBOT = """categories: [x]
conversations:
- - Hello
  - Yes
- broken - line
"""

# shape, file, content, the messages of its first conversation
EXAMPLES: list[tuple[str, str, Any, list[tuple[str, str]]]] = [
    (
        "messages",
        "a.jsonl",
        {"dialogue": [{"role": "Ada", "content": "Tea?"}, {"role": "Ben", "content": "Please."}]},
        [(U, "Tea?"), (A, "Please.")],
    ),
    (
        "sharegpt",
        "a.jsonl",
        {"conversations": {"from": ["human", "gpt"], "value": ["Who?", "Ada."]}},
        [(U, "Who?"), (A, "Ada.")],
    ),
    (
        "messages",
        "a.jsonl",
        {
            "messages": [
                {"role": "system", "content": "You are Ada."},
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "Good"},
                        {"type": "text", "text": "evening"},
                    ],
                },
            ]
        },
        [(S, "You are Ada."), (U, "Hi"), (A, "Good\nevening")],
    ),
    (
        "messages",
        "a.json",
        [
            [
                {"role": "assistant", "content": "Good evening."},
                {"role": "assistant", "content": "Tea?"},
                {"role": "user", "content": "Yes"},
            ]
        ],
        [(A, "Good evening."), (A, "Tea?"), (U, "Yes")],
    ),
    (
        "sharegpt",
        "a.json",
        [
            {
                "id": "x",
                "system": "Be Ada.",
                "conversations": [
                    {"from": "human", "value": "Who?"},
                    {"from": "gpt", "value": "Ada."},
                ],
            }
        ],
        [(S, "Be Ada."), (U, "Who?"), (A, "Ada.")],
    ),
    ("prompt", "a.jsonl", {"prompt": "Who?", "completion": "Ada."}, [(U, "Who?"), (A, "Ada.")]),
    (
        "prompt",
        "a.jsonl",
        {"instruction": "Greet.", "input": "It is late.", "output": "Good night."},
        [(U, "Greet.\n\nIt is late."), (A, "Good night.")],
    ),
    (
        "prompt",
        "a.jsonl",
        {"system": "Be Ada.", "query": "And?", "response": "Tea.", "history": [["Hi", "Hello"]]},
        [(S, "Be Ada."), (U, "Hi"), (A, "Hello"), (U, "And?"), (A, "Tea.")],
    ),
    (
        "prompt",
        "a.jsonl",
        {
            "prompt": [{"role": "user", "content": "Q"}],
            "completion": [{"role": "assistant", "content": "A"}],
        },
        [(U, "Q"), (A, "A")],
    ),
    (
        "pairs",
        "a.json",
        [{"persona": ["i bake."], "dialogue": [["__SILENCE__", "hey !"], ["hi", "cake ?"]]}],
        [(A, "hey !"), (U, "hi"), (A, "cake ?")],
    ),
    (
        "tree",
        "a.jsonl",
        {
            "message_tree_id": "t",
            "prompt": {
                "text": "Which tea?",
                "role": "prompter",
                "replies": [
                    {"text": "Any.", "role": "assistant", "rank": 1, "replies": []},
                    {
                        "text": "Gone.",
                        "role": "assistant",
                        "rank": 0,
                        "deleted": True,
                        "replies": [],
                    },
                    {"text": "Green.", "role": "assistant", "rank": 0, "replies": []},
                ],
            },
        },
        [(U, "Which tea?"), (A, "Green.")],
    ),
    (
        "replies",
        "a.jsonl",
        [
            {
                "message_id": i,
                "parent_id": p,
                "message_tree_id": "t",
                "role": r,
                "text": x,
                "rank": k,
            }
            for i, p, r, x, k in (
                ("3", "1", "assistant", "Green.", 0),
                ("1", None, "prompter", "Which?", None),
                ("2", "1", "assistant", "Any.", 1),
            )
        ],
        [(U, "Which?"), (A, "Green.")],
    ),
    (
        "speakers",
        "a.json",
        [
            {
                "dialogue_id": "1",
                "turns": [
                    {"speaker": "USER", "utterance": "A table.", "frames": [1]},
                    {"speaker": "SYSTEM", "utterance": "Where?"},
                ],
            }
        ],
        [(U, "A table."), (A, "Where?")],
    ),
    (
        "speakers",
        "a.json",
        [
            {
                "conversation_id": "1",
                "utterances": [
                    {"speaker": "assistant", "text": "Hello"},
                    {"speaker": "user", "text": "one tea"},
                ],
            }
        ],
        [(A, "Hello"), (U, "one tea")],
    ),
    (
        "spoken",
        "a.json",
        [
            {
                "convo_id": 7,
                "original": [
                    ["agent", "Hi!"],
                    ["customer", "A return."],
                    ["action", "Looked up."],
                    ["agent", "Sure."],
                ],
            }
        ],
        [(A, "Hi!"), (U, "A return."), (A, "Sure.")],
    ),
    (
        "casino",
        "a.json",
        [
            {
                "dialogue_id": 1,
                "chat_logs": [
                    {"text": "Hello!", "task_data": {}, "id": "mturk_agent_1"},
                    {"text": "Hi!", "task_data": {}, "id": "mturk_agent_2"},
                ],
                "participant_info": {
                    "mturk_agent_2": {
                        "value2issue": {"High": "Water"},
                        "value2reason": {"High": "It is hot"},
                    }
                },
            }
        ],
        [(U, "Hello!"), (A, "Hi!")],
    ),
    (
        "listed",
        "a.json",
        [
            {
                "name": "film",
                "messages": [{"message": "Do you know it?"}, {"message": "I do.", "attrs": [1]}],
            }
        ],
        [(U, "Do you know it?"), (A, "I do.")],
    ),
    (
        "listed",
        "a.jsonl",
        {"dialog": ["Tea?", "With pleasure."], "emotion": [0, 4]},
        [(U, "Tea?"), (A, "With pleasure.")],
    ),
    ("chatterbot", "a.yml", CHATTERBOT, [(U, "Hello"), (A, "Yes")]),
    ("cdial", "a.txt", "你 好 ！\t晚 上 好\n春 天\t是 啊\n", [(U, "你好！"), (A, "晚上好")]),
    ("cell", "a.csv", CELL, [(U, "Hi!"), (A, "Hello!\nthere")]),
    (
        "exchanges",
        "a.jsonl",
        [
            {"dialogue_id": 0, "response_id": n, "context": ask, "response": answer}
            for n, ask, answer in ((1, "So you stay?", "Gladly."), (0, "Did it run?", "At six."))
        ],
        [(U, "Did it run?"), (A, "At six."), (U, "So you stay?"), (A, "Gladly.")],
    ),
    (
        "parallel",
        "a.jsonl",
        {"narrative": "x", "dialogue": ["Late?", "Yes."], "speakers": ["Ada", "Ben"]},
        [(U, "Late?"), (A, "Yes.")],
    ),
    (
        "by_number",
        "a.txt",
        "1 Did it run?\n2 At six.\n1 So you stay?\n",
        [(U, "Did it run?"), (A, "At six."), (U, "So you stay?")],
    ),
    ("numbered", "a.csv", NUMBERED, [(U, "One"), (A, "Two"), (U, "Three")]),
    ("turns", "a.csv", TURNS, [(U, "Hello"), (A, "Evening.")]),
    (
        "turns",
        "a.tsv",
        "speaker\ttext\nAda\tHello\nBen\tEvening.\n",
        [(U, "Hello"), (A, "Evening.")],
    ),
    (
        "realm",
        "a.jsonl",
        {
            "name": "Zelara",
            "context": "An elf.",
            "greeting": "Hail.",
            "topics": ["herbs"],
            "dialogues": [
                {
                    "topic": "herbs",
                    "chat": [
                        {"role": "user", "content": "What is it?"},
                        {"role": "char", "content": "Thyme."},
                    ],
                },
                {"topic": "bad", "chat": [{"role": "user", "content": 3}]},
            ],
        },
        [(U, "What is it?"), (A, "Thyme.")],
    ),
    (
        "pippa",
        "a.jsonl",
        {
            "bot_id": "b",
            "bot_name": "Ada",
            "bot_greeting": "Evening.",
            "bot_description": "Reads.",
            "conversation": {"message": ["Evening.", "Hi"], "is_human": [False, True]},
        },
        [(A, "Evening."), (U, "Hi")],
    ),
    ("tei", "a.xml", TEI, [(U, "Good evening. Do sit."), (A, "Gladly,\nmy friend.")]),
    ("log", "a.txt", LOG, [(U, "Hello!"), (A, "Evening.\n  How are you?")]),
    ("irc", "a.log", IRC, [(U, "new year"), (A, "thanks"), (U, "*waves*")]),
    (
        "subtitles",
        "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\nAda: Tea?\n\n00:03.000 --> 00:04.000\nBen: Please.\n",
        [(U, "Tea?"), (A, "Please.")],
    ),
    (
        "markdown",
        "a.md",
        "# Tea\n\n### User\nTea?\n\n### Assistant\nPlease.\n",
        [(U, "Tea?"), (A, "Please.")],
    ),
    ("whatsapp", "a.txt", WHATSAPP_US, [(U, "Happy\nnew year"), (A, "You too!")]),
    ("whatsapp", "b.txt", WHATSAPP_DE, [(U, "Hallo"), (A, "Hallo!")]),
    (
        "telegram",
        "a.json",
        {
            "name": "Ada",
            "id": 7,
            "type": "personal_chat",
            "messages": [
                {
                    "type": "message",
                    "date": "2020-12-31T21:15:03",
                    "from": "Ada",
                    "from_id": "user7",
                    "text": "Hello",
                },
                {
                    "type": "service",
                    "date": "2020-12-31T21:16:03",
                    "action": "call",
                    "from_id": "user7",
                    "text": "",
                },
                {
                    "type": "message",
                    "date": "2020-12-31T21:17:03",
                    "from": "Ben",
                    "from_id": "user8",
                    "text": ["see ", {"type": "link", "text": "example.org"}],
                },
                {
                    "type": "message",
                    "date": "2021-01-02T21:17:03",
                    "from": "Ben",
                    "from_id": "user8",
                    "text": "Still there?",
                },
            ],
        },
        [(U, "Hello"), (A, "see example.org")],
    ),
    ("backyard_text", "a.txt", BACKYARD, [(A, "Good evening.\n\nSit."), (U, "Is it late?")]),
    (
        "example_chat",
        "a.txt",
        "<START>\n{{char}}: Evening.\nSit.\n{{user}}: Tea?\n<START>\n{{user}}: Hi\n",
        [(A, "Evening.\nSit."), (U, "Tea?")],
    ),
    (
        "paragraphs",
        "Ben.txt",
        PARAGRAPHS,
        [
            (U, "Good evening.\n\nNote: she means it."),
            (A, "Is it late?"),
            (U, "Past nine."),
            (A, "Already."),
        ],
    ),
]

EXAMPLES += foreign_papers.EXAMPLES
EXAMPLES += EXPORTS
EXAMPLES += foreign_later.EXAMPLES
