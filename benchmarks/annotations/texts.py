"""What annotations are learned from and measured on: labelled lines, and lines without a label.

Sets of others stand in ../shared/data. Shipped weights stem from those under CC0, MIT, BSD, Apache
and CC-BY alone (`OPEN`), and from `lines-*.tsv` here.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from lxml import etree

from benchmarks.sets import DATA, read, self_dialogue, synthetic_persona_chat

HERE = Path(__file__).parent
LANGUAGES = ("en", "ru", "de", "fr", "es", "it", "pt", "zh", "ja", "ko")
# In what the heads have been measured: closeness Pearson ≥ .7 and emotion macro F1 ≥ .5 on the test
# lines here; uptake right in ≥ .7 of the test lines (en, ru, de) or, with it, the rushed side found
# in ≥ .8 of the pairs; pressing where no fewer pairs are right with it (in German one was).
FEELING = ("en", "ru", "de", "fr", "es", "it", "pt")
MEASURED = [
    *(f"closeness {language}" for language in LANGUAGES),
    *(f"emotion {language}" for language in FEELING),
    *(f"uptake {language}" for language in LANGUAGES),
    *(f"pressing {language}" for language in ("en", "ru")),
]
# GoEmotions' 27 labels and neutral → ours
GOEMOTIONS = {
    "joy": "joy amusement excitement optimism pride relief gratitude admiration approval",
    "love": "love caring desire",
    "sadness": "sadness grief disappointment remorse",
    "anger": "anger annoyance disapproval",
    "fear": "fear nervousness",
    "surprise": "surprise realization confusion curiosity",
    "disgust": "disgust embarrassment",
    "neutral": "neutral",
}
# EmoryNLP's labels that have a counterpart; Powerful and Peaceful have none
EMORY = {
    "Joyful": "joy",
    "Sad": "sadness",
    "Mad": "anger",
    "Scared": "fear",
    "Neutral": "neutral",
}
# A line that may be about somebody's age, or about a child, is not learned from.
_YOUNG = re.compile(
    r"\d|\b(?:age|old|young|school|class|grade|teen|kid|child|children|boy|girl|student|pupil|year"
    r"|alt|jung|schule|kind|kinder|junge|mädchen|jahre?|лет|школ\w*|дет\w*|ребён\w*|ребен\w*"
    r"|мальчик\w*|девочк\w*|класс\w*|école|enfant\w*|ans|fille|garçon|scuola|bambin\w*|anni|anno"
    r"|niñ\w*|años?|escuela|crianças?|anos|menin[oa]|sekolah|anak)\b|学|岁|孩|歳|学校|子供|子ども"
    r"|학교|살|아이",
    re.IGNORECASE,
)


class Line(NamedTuple):
    """A message with its labels."""

    text: str
    closeness: float
    emotion: str


class Scene(NamedTuple):
    """Utterances of one scene of EmoryNLP with its seven labels."""

    texts: list[str]
    labels: list[str]


def ours(name: str, language: str) -> list[Line]:
    """`lines` (to learn from) or `test` of a language."""
    path = HERE / f"{name}-{language}.tsv"
    if not path.exists():
        return []
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [Line(text, float(closeness), emotion) for closeness, emotion, text in rows]


def to_learn_from(language: str) -> list[Line]:
    """All labelled lines but those that are kept for tests."""
    return [*ours("lines", language), *of_first_meetings(language)]


def of_first_meetings(language: str) -> list[Line]:
    """Lines of people who hardly know each other: half of them too close for that."""
    return ours("meetings", language)


def marked(name: str, language: str) -> list[tuple[str, bool]]:
    """Lines with yes or no. `uptake` (to learn from), `uptake_test`: answers, do they take a step
    up? `pressing` (to learn from): does it ask again, bargain, claim, blame?"""
    path = HERE / f"{name}-{language}.tsv"
    if not path.exists():
        return []
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [(text, label == "1") for label, text in rows]


def pairs(name: str) -> list[dict[str, Any]]:
    """Talks that are well paced and rushed: id, language, paced, rushed."""
    text = (HERE / f"pairs-{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def plain_pairs() -> list[dict[str, Any]]:
    """The 62 plain pairs of ../shared, in English."""
    lines = (DATA.parent / "prototypes/score/pacing_pairs.txt").read_text("utf-8").splitlines()
    found: dict[str, list[list[str]]] = {"W": [], "R": []}
    for line in lines:
        if line[:2] in ("W:", "R:"):
            found[line[0]].append([text.strip() for text in line[2:].split("|")])
    both = enumerate(zip(found["W"], found["R"], strict=True))
    return [
        {"id": f"plain-{number}", "language": "en", "paced": paced, "rushed": rushed}
        for number, (paced, rushed) in both
    ]


def question_intimacy(part: str) -> list[tuple[str, float]]:
    """part: train or val."""
    folder = DATA / "question_intimacy"
    (path,) = folder.glob(f"final_{part}.txt*")
    rows = [line.split("\t") for line in read(path).splitlines() if "\t" in line]
    return [(row[0], float(row[1])) for row in rows]


def goemotions() -> list[tuple[str, str]]:
    """Comments with one label, as one of our eight emotions."""
    names = (DATA / "goemotions" / "labels.txt").read_text().split()
    place = {label: emotion for emotion, labels in GOEMOTIONS.items() for label in labels.split()}
    rows = [line.split("\t") for line in read(DATA / "goemotions" / "dev.tsv.gz").splitlines()]
    return [(row[0], place[names[int(row[1])]]) for row in rows if "," not in row[1]]


def emory() -> list[Scene]:
    """The scenes of EmoryNLP: for measuring only."""
    data = json.loads(read(DATA / "emory_emotion" / "emotion-detection-dev.json.gz"))
    scenes = [scene["utterances"] for episode in data["episodes"] for scene in episode["scenes"]]
    return [
        Scene([line["transcript"] for line in scene], [line["emotion"] for line in scene])
        for scene in scenes
    ]


# --- lines without a label


def unlabelled(most: int, seed: int = 1) -> list[str]:
    """Lines of dialogue in many languages, at most so many of a set; the same for the same seed."""
    found: list[str] = []
    for texts in (*_dialogues(), *_plays(), *_chatterbot(), _koziev()):
        usable = sorted({text for text in map(_cleaned, texts) if _is_usable(text)})
        found += random.Random(seed).sample(usable, min(most, len(usable)))
    return found


def _cleaned(text: str) -> str:
    return " ".join(text.replace("__SILENCE__", "").split())


def _is_usable(text: str) -> bool:
    return 3 <= len(text) <= 300 and not _YOUNG.search(text)


def _dialogues() -> Iterator[list[str]]:
    """Sets of dialogues under CC-BY-4.0, BSD, MIT and Apache."""
    for rows in (self_dialogue(), synthetic_persona_chat()):
        yield [message.content for row in rows for message in row.messages]
    for path in sorted((DATA / "xpersona").glob("*.json.gz")):
        rounds = [each for row in json.loads(read(path)) for each in row["dialogue"]]
        yield [text for each in rounds for text in each]
    for path in sorted((DATA / "casino").glob("*.gz")):
        chats = [row["chat_logs"] for row in json.loads(read(path))]
        yield [line["text"] for chat in chats for line in chat]
    for path in sorted((DATA / "kdconv").rglob("*.gz")):
        chats = [row["messages"] for row in json.loads(read(path))]
        yield [line["message"] for chat in chats for line in chat]
    for path in (DATA / "cdial_toy").glob("*.gz"):
        yield [text.replace(" ", "") for text in re.split(r"[\t\n]", read(path))]


def _plays() -> Iterator[list[str]]:
    """Speeches of plays in the public domain (CC0)."""
    for language in ("ru", "de", "pl"):
        for path in sorted((DATA / f"plays_{language}").glob("*.xml.gz")):
            root = etree.fromstring(read(path).encode())
            speeches = root.iter("{http://www.tei-c.org/ns/1.0}p")
            texts = [" ".join(speech.itertext()) for speech in speeches]
            yield [part for text in texts for part in re.split(r"(?<=[.!?…])\s+", text)]


CHATTERBOT = "english german french spanish italian chinese japanese korean russian"


def _chatterbot() -> Iterator[list[str]]:
    """Questions and answers (BSD)."""
    for folder in CHATTERBOT.split():
        for path in sorted((DATA / "chatterbot" / folder).glob("*.yml*")):
            content = yaml.safe_load(read(path)) or {}
            rounds = content.get("conversations") or []
            yield [str(text) for each in rounds if isinstance(each, list) for text in each]


def _koziev() -> list[str]:
    """Russian sentences (CC0), one of each group."""
    texts = [read(path) for path in sorted((DATA / "koziev_reorder").glob("*.txt.gz"))]
    groups = [group for text in texts for group in text.split("\n\n")]
    return [group.strip().splitlines()[0] for group in groups if group.strip()]
