"""Stored messages of applications, questions about a text, recordings that were written down.

All texts are ours.
"""

from __future__ import annotations

from typing import Any

U, A, S = "user", "assistant", "system"
ASKS, ANSWERS = "Which tea?", "Darjeeling."
TALK = [(U, ASKS), (A, ANSWERS)]
STORY = "The kettle sings at seven. Ada drinks Darjeeling."
OF_STORY = [(S, STORY), *TALK]


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def word(text: str, speaker: object) -> dict[str, Any]:
    return {"word": text.lower(), "punctuated_word": text, "start": 0.1, "speaker": speaker}


def token(text: str, speaker: str, kind: str = "pronunciation") -> dict[str, Any]:
    return {"type": kind, "alternatives": [{"content": text}], "speaker_label": speaker}


def deepgram(alternative: Any, **more: Any) -> dict[str, Any]:
    results = {"channels": [{"alternatives": [alternative]}], **more}
    return {"metadata": {"request_id": "r1"}, "results": results}


AI_SDK = {
    "id": "c1",
    "messages": [
        {"id": "1", "role": "user", "parts": [part(ASKS), {"type": "file", "url": "x"}]},
        {
            "id": "2",
            "role": "assistant",
            "createdAt": "2024-04-25T18:00:00Z",
            "parts": [
                {"type": "step-start"},
                {"type": "reasoning", "text": "Black?"},
                {"type": "tool-shelf", "toolCallId": "t1", "state": "output-available"},
                part(ANSWERS),
                {"type": "source-url", "url": "https://example.org"},
            ],
        },
        {"id": "3", "role": "assistant", "parts": [{"type": "data-mood", "data": 1}]},
    ],
}
COQA = {
    "id": "3z",
    "source": "ours",
    "story": STORY,
    "questions": [{"turn_id": 1, "input_text": ASKS}],
    "answers": [{"turn_id": 1, "input_text": ANSWERS, "span_text": "Darjeeling"}],
    "additional_answers": {"0": [{"turn_id": 1, "input_text": "She drinks Darjeeling."}]},
}
QUAC = {
    "title": "Tea",
    "background": "An inn.",
    "paragraphs": [
        {
            "id": "C_1",
            "context": STORY,
            "qas": [
                {
                    "question": ASKS,
                    "followup": "n",
                    "answers": [{"text": ANSWERS}, {"text": "Her own."}],
                    "orig_answer": {"text": ANSWERS},
                }
            ],
        }
    ],
}
IN_COLUMNS = {
    "dialogue_id": "C_1",
    "context": STORY,
    "questions": [ASKS],
    "followups": [1],
    "answers": {"texts": [[ANSWERS, "Her own."]]},
    "orig_answers": {"texts": [ANSWERS]},
}
UTTERANCES = [
    {"speaker": 0, "transcript": ASKS, "channel": 0},
    {"speaker": 1, "transcript": ANSWERS, "channel": 0},
]
PARAGRAPHS = {
    "paragraphs": [
        {"speaker": 0, "sentences": [part("Which"), part("tea?")]},
        {"speaker": 1, "sentences": [part(ANSWERS)]},
    ]
}
WORDS = [word("Which", 0), word("tea?", 0), word(ANSWERS, 1)]
AMAZON = [
    token("Which", "spk_0"),
    token("tea", "spk_0"),
    token("?", "spk_0", "punctuation"),
    token("Darjeeling", "spk_1"),
    token(".", "spk_1", "punctuation"),
]
SEGMENTS = [
    {"speaker_label": "spk_0", "transcript": ASKS},
    {"speaker_label": "spk_1", "transcript": ANSWERS},
]
MONOLOGUES = [
    {"speaker": 0, "elements": [{"value": "Which"}, {"value": " "}, {"value": "tea?"}]},
    {"speaker": 1, "elements": [{"value": ANSWERS}]},
]
PHRASES = [
    {"speaker": 2, "offsetInTicks": 9.0, "nBest": [{"display": ANSWERS}]},
    {"speaker": 1, "offsetInTicks": 1.0, "nBest": [{"display": ASKS}]},
]
ASSEMBLED = [
    {"speaker": "A", "text": ASKS, "confidence": 0.9, "words": []},
    {"speaker": "B", "text": ANSWERS, "confidence": 0.9, "words": []},
]
CHANNELS = [one | {"channel": number, "speaker": 0} for number, one in enumerate(UTTERANCES)]

EXAMPLES: list[tuple[str, str, Any, list[tuple[str, str]]]] = [
    ("ai_sdk", "chat.json", AI_SDK, TALK),
    ("coqa", "coqa.json", COQA, OF_STORY),
    ("coqa", "quac.json", {"data": [QUAC]}, OF_STORY),
    ("coqa", "quac.jsonl", [IN_COLUMNS], OF_STORY),
    ("speech", "call.json", deepgram({"transcript": ""}, utterances=UTTERANCES), TALK),
    ("speech", "call.json", deepgram({"transcript": ""}, utterances=CHANNELS), TALK),
    ("speech", "call.json", deepgram({"words": WORDS, "paragraphs": PARAGRAPHS}), TALK),
    ("speech", "call.json", deepgram({"words": WORDS}), TALK),
    ("speech", "call.json", {"jobName": "j", "results": {"items": AMAZON}}, TALK),
    ("speech", "call.json", {"jobName": "j", "results": {"audio_segments": SEGMENTS}}, TALK),
    ("speech", "call.json", {"monologues": MONOLOGUES}, TALK),
    ("speech", "call.json", {"recognizedPhrases": PHRASES}, TALK),
    ("speech", "call.json", {"audio_url": "x", "text": "", "utterances": ASSEMBLED}, TALK),
    ("speech", "call.json", {"audio_url": "x", "text": "", "words": WORDS}, TALK),
]
