"""Records of papers' corpora as their makers publish them, one or two of each shape. All texts are
ours."""

from __future__ import annotations

from typing import Any

U, A, S = "user", "assistant", "system"

PARLAI_NUMBERED = """1 your persona: i keep the inn .
2 partner's persona: i am a courier .
3 __SILENCE__\tCome in .\t\tno .|Come in .
4 Soup ?\tNettle .\t\tno .|Nettle .
1 your persona: i sing .
2 Hello\tHi
"""

PARLAI_NAMED = """text:your persona: i keep the inn .\\nSoup ?\tlabels:Nettle .|Barley .
text:Salt ?\tlabels:A little .\tepisode_done:True
text:Hello\tlabels:Hi\tepisode_done:True
"""

EMPATHETIC = """conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags
hit:0_conv:1,2,joyful,Ada came_comma_ at last.,0,Since when?,5|5,
hit:0_conv:1,1,joyful,Ada came_comma_ at last.,1,She is here_comma_ look!,5|5,
hit:0_conv:2,1,sad,Rain.,4,It rains.,5|5,
hit:0_conv:2,2,sad,Rain.,1,Still?,5|5,
"""

LIMARP = """names:
  <FIRST>: Ada
  <SECOND>: Ben
persona:
  <FIRST>: A librarian who likes <SECOND>.
  <SECOND>: A courier.
scenario: <SECOND> comes in.
conversation:
- name: <FIRST>
  text: Still awake, <SECOND>?
- name: <SECOND>
  text: Yes
"""

UBUNTU = """Context,Utterance,Label
Sound is gone __eou__ since noon __eou__ __eot__ Which card ? __eou__ __eot__,An old one __eou__,1
Sound is gone __eou__ __eot__ Which card ? __eou__ __eot__,It rains __eou__,0
"""

UBUNTU_ROWS = """folder,dialogueID,date,from,to,text
3,1.tsv,2008-04-23T14:51:00.000Z,ben,ada,Which card ?
3,1.tsv,2008-04-23T14:50:00.000Z,ada,,Sound is gone
4,1.tsv,2008-04-23T14:50:00.000Z,cy,,Any editor ?
4,1.tsv,2008-04-23T14:51:00.000Z,dee,cy,All
"""

SWDA = """conversation_no,transcript_index,act_tag,caller,utterance_index,subutterance_index,text
4325,0,sd,A,1,1,Did it run?
4325,1,sd,B,2,1,Only once /
4325,2,sd,B,2,2,in the morning.
"""

# shape, file, content, the messages of its first conversation
EXAMPLES: list[tuple[str, str, Any, list[tuple[str, str]]]] = [
    (
        "marked",
        "a.jsonl",
        {"text": "<|im_start|>user\nTea?<|im_end|>\n<|im_start|>assistant\nGladly.<|im_end|>"},
        [(U, "Tea?"), (A, "Gladly.")],
    ),
    (
        "marked",
        "a.json",
        [{"prompt": "<|system|>Be Ada.<|user|>Tea?<|model|>", "generation": "Gladly."}],
        [(S, "Be Ada."), (U, "Tea?"), (A, "Gladly.")],
    ),
    (
        "marked_text",
        "a.txt",
        "<s>[INST] Tea? [/INST] Gladly.</s>\n<s>[INST] Cake? [/INST] No.</s>\n",
        [(U, "Tea?"), (A, "Gladly.")],
    ),
    ("eou", "a.txt", "Tea ? __eou__ Gladly . __eou__\n", [(U, "Tea ?"), (A, "Gladly .")]),
    ("parlai", "a.txt", PARLAI_NUMBERED, [(A, "Come in ."), (U, "Soup ?"), (A, "Nettle .")]),
    (
        "parlai",
        "b.txt",
        PARLAI_NAMED,
        [(U, "Soup ?"), (A, "Nettle ."), (U, "Salt ?"), (A, "A little .")],
    ),
    ("empathetic", "a.csv", EMPATHETIC, [(U, "She is here, look!"), (A, "Since when?")]),
    ("limarp", "a.yaml", LIMARP, [(A, "Still awake, Ben?"), (U, "Yes")]),
    (
        "selection",
        "a.csv",
        UBUNTU,
        [(U, "Sound is gone\nsince noon"), (A, "Which card ?"), (U, "An old one")],
    ),
    (
        "selection_text",
        "a.txt",
        "1\t下 雨 了\t带 伞\t好\n0\t下 雨 了\t带 伞\t猫\n",
        [(U, "下雨了"), (A, "带伞"), (U, "好")],
    ),
    (
        "sessions",
        "a.jsonl",
        {
            "personas": [["I walk far."], ["I keep the inn."]],
            "metadata": {"initial_data_id": "t1", "session_id": 1},
            "dialog": [{"text": "Soup?", "id": "Speaker 1"}, {"text": "Yes.", "id": "Speaker 2"}],
            "previous_dialogs": [{"dialog": [{"text": "Hello!"}]}],
        },
        [(U, "Soup?"), (A, "Yes.")],
    ),
    (
        "sessions",
        "b.json",
        [{"personas": [["i walk."], ["i cook."]], "dialog": [[0, "Soup?"], [1, "Yes."]]}],
        [(U, "Soup?"), (A, "Yes.")],
    ),
    (
        "sessions",
        "c.jsonl",
        {
            "personas": ["i walk.", "i cook."],
            "free_messages": ["Soup?", "Good."],
            "guided_messages": ["Yes."],
        },
        [(U, "Soup?"), (A, "Yes."), (U, "Good.")],
    ),
    (
        "convai",
        "a.json",
        [
            {
                "dialog_id": "7",
                "dialog": [
                    {"sender": "participant2", "sender_class": "Bot", "text": "Hello"},
                    {"sender": "participant1", "sender_class": "Human", "text": "Soup?"},
                ],
                "bot_profile": ["I keep the inn."],
                "user_profile": ["I walk far."],
            }
        ],
        [(A, "Hello"), (U, "Soup?")],
    ),
    (
        "convai",
        "b.json",
        {
            "train": [
                {
                    "personality": ["i keep the inn ."],
                    "utterances": [
                        {"history": ["__ SILENCE __"], "candidates": ["no .", "hello ."]},
                        {
                            "history": ["__ SILENCE __", "hello .", "soup ?"],
                            "candidates": ["no .", "nettle ."],
                        },
                    ],
                }
            ]
        },
        [(A, "hello ."), (U, "soup ?"), (A, "nettle .")],
    ),
    (
        "multiwoz",
        "data.json",
        {
            "PMUL1.json": {
                "goal": {"restaurant": {}},
                "log": [
                    {"text": "A table.", "metadata": {}},
                    {"text": "Where?", "metadata": {"restaurant": {"book": {}}}},
                ],
            }
        },
        [(U, "A table."), (A, "Where?")],
    ),
    (
        "topical",
        "train.json",
        {
            "t_1": {
                "article_url": "x",
                "content": [
                    {"message": "Soup?", "agent": "agent_1", "sentiment": "Happy"},
                    {"message": "Yes.", "agent": "agent_2", "sentiment": "Neutral"},
                ],
                "conversation_rating": {"agent_1": "Good"},
            }
        },
        [(U, "Soup?"), (A, "Yes.")],
    ),
    (
        "wizard",
        "a.json",
        [
            {
                "chosen_topic": "Ferry",
                "dialog": [
                    {"speaker": "0_Wizard", "text": "Boats!"},
                    {"speaker": "1_Apprentice", "text": "Which?"},
                ],
            }
        ],
        [(A, "Boats!"), (U, "Which?")],
    ),
    (
        "coser",
        "a.json",
        [
            {
                "book": "The Pass",
                "character_profiles": {"Ada": "Keeps the inn."},
                "conversation": [
                    {
                        "scenario": "A storm.",
                        "key_characters": [{"name": "Ben", "motivation": "get warm"}],
                        "dialogues": [
                            {"character": "Ben", "message": "Soup?"},
                            {"character": "Ada", "message": "Yes."},
                        ],
                    }
                ],
            }
        ],
        [(U, "Soup?"), (A, "Yes.")],
    ),
    (
        "rolebench",
        "a.jsonl",
        {"role": "Ada", "question": "Soup?", "generated": ["Yes.", "No."], "type": "x"},
        [(U, "Soup?"), (A, "Yes.")],
    ),
    (
        "bargain",
        "a.json",
        [
            {
                "uuid": "C1",
                "agents": {"0": "human", "1": "human"},
                "scenario": {
                    "kbs": [{"personal": {"Role": "buyer"}}, {"personal": {"Role": "seller"}}]
                },
                "events": [
                    {"action": "message", "agent": 0, "data": "Still there?"},
                    {"action": "message", "agent": 1, "data": "It is."},
                    {"action": "offer", "agent": 0, "data": {"price": 20}},
                ],
            }
        ],
        [(U, "Still there?"), (A, "It is.")],
    ),
    (
        "personal_dialog",
        "a.jsonl",
        {
            "uid": [0, 1],
            "dialog": [["下 雨 了"], ["带 伞"]],
            "profile": [{"loc": "北京", "tag": ["猫"]}, {"loc": "", "gender": "female"}],
        },
        [(U, "下雨了"), (A, "带伞")],
    ),
    (
        "naturalconv",
        "a.json",
        [{"dialog_id": "0_1", "document_id": 0, "content": ["你好。", "早上好。"]}],
        [(U, "你好。"), (A, "早上好。")],
    ),
    (
        "kvret",
        "a.json",
        [
            {
                "dialogue": [
                    {"turn": "driver", "data": {"utterance": "Where is tea?"}},
                    {"turn": "assistant", "data": {"utterance": "Two streets on."}},
                ]
            }
        ],
        [(U, "Where is tea?"), (A, "Two streets on.")],
    ),
    (
        "emorynlp",
        "a.json",
        {
            "season_id": "s01",
            "episodes": [
                {
                    "episode_id": "s01_e01",
                    "scenes": [
                        {
                            "scene_id": "c01",
                            "utterances": [
                                {"speakers": [], "transcript": "", "transcript_with_note": "[A.]"},
                                {"speakers": ["Ada"], "transcript": "Tea?", "emotion": "Joyful"},
                                {"speakers": ["Ben"], "transcript": "Please."},
                            ],
                        }
                    ],
                }
            ],
        },
        [(U, "Tea?"), (A, "Please.")],
    ),
    (
        "polyai",
        "a.jsonl",
        {
            "context/1": "Tea?",
            "context/0": "Please.",
            "context": "Sugar?",
            "response": "No.",
            "thread_id": "t1",
        },
        [(U, "Tea?"), (A, "Please."), (U, "Sugar?"), (A, "No.")],
    ),
    ("ubuntu", "a.csv", UBUNTU_ROWS, [(U, "Sound is gone"), (A, "Which card ?")]),
    ("swda", "a.csv", SWDA, [(U, "Did it run?"), (A, "Only once / in the morning.")]),
]
