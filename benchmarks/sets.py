"""The dialogue sets of ../shared/data as conversations, for the benchmarks of `filter`."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.conversation import Conversation, Message, Persona, Source, identity

DATA = Path(__file__).parents[1].parent / "shared" / "data"


def conversation(name: str, ref: str, turns: Sequence[str], **more: Any) -> Conversation:
    """Turns in order, the first speaker as user, the second as assistant."""
    messages = tuple(
        Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)
    )
    return Conversation(identity(name, ref), messages, Source("file", name, ref), **more)


def read(path: Path) -> str:
    """The text of a file, gzipped or not."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode()


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in io.StringIO(read(path))]


def rows(path: Path) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(read(path), newline=""))


def synthetic_persona_chat() -> Iterator[Conversation]:
    path = DATA / "synthetic_persona_chat" / "Synthetic-Persona-Chat_valid.csv.gz"
    for i, row in enumerate(rows(path)):
        texts = re.split(r"^User [12]:", row["Best Generated Conversation"], flags=re.M)[1:]
        turns = [text.strip() for text in texts]
        first, second = (Persona(description=row[f"user {n} personas"]) for n in (1, 2))
        yield conversation(
            "synthetic_persona_chat", f"valid#{i}", turns, user_persona=first, persona=second
        )


def sgd() -> Iterator[Conversation]:
    for path in sorted((DATA / "sgd").glob("dialogues_*.json.gz")):
        for dialogue in json.loads(read(path)):
            yield conversation(
                "sgd", dialogue["dialogue_id"], [t["utterance"] for t in dialogue["turns"]]
            )


def casino() -> Iterator[Conversation]:
    for path in sorted((DATA / "casino").glob("*.json.gz")):
        for dialogue in json.loads(read(path)):
            texts = [turn["text"] for turn in dialogue["chat_logs"] if not turn.get("task_data")]
            yield conversation("casino", f"{path.stem}#{dialogue['dialogue_id']}", texts)


def self_dialogue(least: int = 6) -> Iterator[Conversation]:
    """least: turns; shorter ones are unfinished tasks."""
    for path in sorted((DATA / "self_dialogue").glob("*.csv*")):
        for i, row in enumerate(rows(path)):
            turns = [row.get(f"Answer.sentence{n}") or "" for n in range(1, 31)]
            texts = [turn for turn in turns if turn.strip() and turn != "{}"]
            if len(texts) >= least:
                yield conversation("self_dialogue", f"{path.name}#{i}", texts)


def xstest() -> Iterator[tuple[str, str, Conversation]]:
    """Model, what people call its completion (full_refusal, full_compliance), and the exchange."""
    for path in sorted((DATA / "xstest").glob("xstest_v2_completions_*.csv.gz")):
        model = path.name.removeprefix("xstest_v2_completions_").removesuffix(".csv.gz")
        for row in rows(path):
            texts = [row["prompt"], row["completion"]]
            exchange = conversation("xstest", f"{model}#{row['id']}", texts)
            yield model, row["final_label"][2:], exchange


def gold_dirty() -> Iterator[tuple[Conversation, dict[str, Any], str]]:
    """The conversation, the truth about it, and the language it claims to be in."""
    truth = {t["id"]: t for t in jsonl(DATA / "gold_dirty" / "truth.jsonl.gz")}
    for row in jsonl(DATA / "gold_dirty" / "dialogues.jsonl.gz"):
        messages = tuple(Message(m["role"], m["content"]) for m in row["messages"])
        dirty = Conversation(row["id"], messages, Source("file", "gold_dirty", row["id"]))
        yield dirty, truth[row["id"]], row["lang"]


def gold_minors() -> Iterator[tuple[Conversation, int, bool]]:
    """The conversation, the message in question, and whether its speaker states an age under 18."""
    for case in jsonl(DATA / "gold_minor_natural" / "cases.jsonl.gz"):
        texts = [turn["text"] for turn in case["turns"]]
        found = conversation("gold_minor_natural", case["id"], texts)
        yield found, case["turn"], case["stated_minor"]
