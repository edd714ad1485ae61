"""How different people's talks are: the figures of `pipeline/generate/diversity.py`.

    python -m benchmarks.diversity [--rehearsal N]

Reads self_dialogue, casino and xpersona of `../shared/data`; with --rehearsal, that many talks of
the rehearsal model as well.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline import llm
from pipeline.conversation import Conversation, Message
from pipeline.generate import diversity, work
from pipeline.llm import Client, rehearsal
from pipeline.recipe.generate import GenerateSettings
from pipeline.recipe.models import ModelSettings

DATA = Path(__file__).parents[1].parent / "shared" / "data"
SELF_DIALOGUE_FILES = 8


def self_dialogue() -> Iterator[list[str]]:
    files = sorted((DATA / "self_dialogue").glob("*.gz"))[:SELF_DIALOGUE_FILES]
    for path in files:
        for row in csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())):
            texts = [row.get(f"Answer.sentence{number}") or "" for number in range(1, 25)]
            yield [text for text in texts if text]


def casino() -> Iterator[list[str]]:
    for path in sorted((DATA / "casino").glob("*.gz")):
        for talk in json.loads(gzip.decompress(path.read_bytes())):
            texts = [turn["text"] for turn in talk["chat_logs"]]
            yield [text for text in texts if not text.endswith("-Deal")]


def xpersona() -> Iterator[list[str]]:
    path = DATA / "xpersona" / "En_persona_valid.json.gz"
    for talk in json.loads(gzip.decompress(path.read_bytes())):
        texts = [text for pair in talk["dialogue"] for text in pair]
        yield [text for text in texts if text != "__SILENCE__"]


def measured(talks: Iterable[list[str]]) -> diversity.TalkTally:
    tally = diversity.TalkTally()
    for texts in talks:
        if texts:
            tally.add_messages(tuple(Message("user", text) for text in texts))
    return tally


def rehearsed(talks: int) -> diversity.TalkTally:
    """Talks of 25 bundled characters and as many invented ones."""
    settings = GenerateSettings(seeds=25, characters=25, users=20, situations=40, talks=talks // 50)
    models = {"writer": ModelSettings(base_url="rehearsal", model="rehearsal")}
    tally = diversity.TalkTally()

    async def run(folder: str) -> None:
        calls = Path(folder) / "calls.sqlite"
        async with Client(models, calls, None, {}, 7, rehearsal.answer) as client:
            async for row in work(settings, client, 7):
                if isinstance(row, Conversation):
                    tally.add(row)

    with tempfile.TemporaryDirectory() as folder:
        llm.run(run(folder))
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rehearsal", type=int, default=0)
    asked = parser.parse_args()
    found = {read.__name__: measured(read()) for read in (self_dialogue, casino, xpersona)}
    if asked.rehearsal:
        found["rehearsal"] = rehearsed(asked.rehearsal)
    for name, tally in found.items():
        figures = diversity.report(tally)
        figures.pop("human")
        print(name, json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
