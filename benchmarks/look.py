"""How soon a page of `rapport look` has its answers: python -m benchmarks.look [--rows 100000]

Makes a run of so many rows (an invented talk of nine messages each, 760 bytes of text), indexes
it, and measures CPU-seconds of what the page asks for; the best of several, each on another
filter, so that no answer is remembered. Where DuckDB is installed, the side bar, one row and a
search are asked of it too, on the same Parquet. Memory: private pages of this process after all of
it, mapped files apart.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.conversation import (
    CRITERIA,
    MEASURES,
    Annotation,
    Conversation,
    Finding,
    Language,
    Message,
    Persona,
    Score,
    Source,
)
from pipeline.look import query, rows, search, shown, side, whatif
from pipeline.look.selection import Selection, selection
from pipeline.look.state import Look
from pipeline.look.subject import subject
from pipeline.store.columns import to_table
from pipeline.store.store import Store

PART = 10_000
TRIES = 7
BESIDE = 2  # of DuckDB
WORDS = [
    "kettle",
    "harbour",
    "umbrella",
    "lantern",
    "quiet",
    "thimble",
    "orchard",
    "ferry",
    "biscuit",
    "ladder",
    "marble",
    "gravel",
    "window",
    "letter",
    "velvet",
    "pepper",
    "saddle",
    "ribbon",
    "copper",
    "meadow",
    "pillow",
    "anchor",
    "hinge",
    "button",
    "cellar",
]
EMOTIONS = ("neutral", "joy", "surprise", "love", "sadness", "anger", "fear", "disgust")
OFTEN = (60, 12, 9, 7, 5, 4, 2, 1)  # how often each comes, in hundred
SOURCES = [f"source {number}" for number in range(12)]
RULES = [f"style.rule_{number}" for number in range(20)]
MEASURED = list(MEASURES)[:25]


def _texts(random_one: random.Random) -> Iterator[str]:
    for _ in range(9):
        words = [*random_one.choices(WORDS, k=12), str(random_one.randrange(10**6))]
        yield " ".join(words).capitalize() + "."


def _row(number: int) -> Conversation:
    own = random.Random(number)
    roles = ("user", "assistant")
    messages = [Message(roles[place % 2], text) for place, text in enumerate(_texts(own))]
    annotations = []
    for _ in messages:
        closeness = round(own.uniform(-1, 1), 3)
        annotations.append(
            Annotation("casual", "hold", closeness, *own.choices(EMOTIONS, OFTEN), by="course")
        )
    findings = [_finding(own) for _ in range(own.randrange(3))]
    return Conversation(
        id=f"{number:016x}",
        messages=tuple(messages),
        source=Source("file", own.choice(SOURCES), f"talks.jsonl#{number}", license="CC0-1.0"),
        persona=Persona(f"Character {own.randrange(200)}"),
        language=Language(own.choice(("en", "de", "fr", "ru")), own.random()),
        measures={name: own.gauss(10, 3) for name in MEASURED},
        annotations=tuple(annotations),
        scores=tuple(Score(name, own.uniform(1, 5), "rules") for name in CRITERIA),
        findings=tuple(findings),
    )


def _finding(own: random.Random) -> Finding:
    """Some rules fire often, most seldom."""
    return Finding("filter", RULES[int(len(RULES) * own.random() ** 3)], own.random(), 0.5)


def make_run(folder: Path, total: int) -> None:
    """A run of two stages: `filter` has dropped a tenth, `publish` has kept the others.

    The texts of a part come again in the others, in another order and under other ids.
    """
    base = to_table(_row(number) for number in range(min(PART, total)))
    filtered, published = Store(folder, "3-filter"), Store(folder, "6-publish")
    mixer = np.random.default_rng(1)
    for part in range(-(-total // PART)):
        table = base.take(pa.array(mixer.permutation(len(base))))
        ids = [f"{part * PART + number:016x}" for number in range(len(table))]
        table = table.set_column(0, "id", pa.array(ids))
        tenth = len(table) // 10
        name = f"00000-{part:03d}"
        kept, dropped = table.slice(tenth), _dropped(table.slice(0, tenth))
        filtered.write_tables(name, "a", kept.slice(0, 0), dropped)
        published.write_tables(name, "b", kept, dropped.slice(0, 0))
    (folder / "recipe.yaml").write_text("name: bench\n")
    for store, before, key in ((filtered, "", "a"), (published, "a", "b")):
        report = {"before": before, "store": key, "key": key, "in": total, "added": 0, "seconds": 1}
        store.write_record("report.json", report)


def _dropped(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("findings")
    reason = {
        "stage": "filter",
        "rule": "style.loop",
        "value": 1.0,
        "limit": 0.0,
        "decision": "drop",
    }
    kind = table.schema.field(place)
    return table.set_column(place, kind, pa.array([[reason]] * len(table), kind.type))


def best(make: Callable[[int], object], tries: int = TRIES) -> float:
    """CPU-seconds of the quickest of several; each is given another number."""
    taken = []
    for number in range(tries):
        started = time.process_time()
        make(number)
        taken.append(time.process_time() - started)
    return min(taken)


def measures(look: Look) -> Iterator[tuple[str, float, float]]:
    """What is measured, CPU-seconds, and the limit of the issue."""
    frame = look.frame
    yield "side bar under a filter", best(lambda n: side.side_bar(look, _filter(n))), 0.12
    sorts = ("turns", "words", "pacing", "balance", "questions", "cliches", "variety")
    yield (
        "sort and first 50",
        best(lambda n: rows.page(look, Selection(sort=sorts[n]), 0, 50)),
        0.05,
    )
    step = frame.rows // (TRIES + 1)
    ids = [frame.columns.id(step * (number + 1)) for number in range(TRIES)]
    yield "open a row", best(lambda n: shown.shown(look, ids[n])), 0.02
    yield "search, any text", best(lambda n: _search(look, f"{WORDS[n]} {WORDS[n + 1]}")), 0.8
    yield "search, first hits", best(lambda n: _first(look, WORDS[n])), 0.2
    yield "search, a pattern", best(lambda n: _search(look, f"{WORDS[n]}.*{n}9{n}", True)), 0.8
    with suppress(KeyError):
        limit = whatif.limit_of(look, "publish.pacing.min")
        yield "what if: 1,000 limits", best(lambda n: whatif.curve(limit)), 0.1


def _filter(number: int) -> Selection:
    return selection({"where": [f"pacing=..{3 + number / 100}", "language=en|de|fr"]})


def _search(look: Look, text: str, regex: bool = False) -> object:
    return query.masks(look, look.frame, Selection(find=text, regex=regex))


def _first(look: Look, text: str) -> object:
    what = search.needle(f"{text} {text}", regex=False)
    return next(one for one in look.searches.steps(look.frame, what) if one[1].any())


def private_memory() -> int:
    """Bytes that belong to this process alone and to no file."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
    return 1024 * sizes["Anonymous:"]


# --- DuckDB on the same files


def beside(run: Path) -> Iterator[tuple[str, float]]:
    """The same of DuckDB; nothing where it is not installed."""
    try:
        import duckdb
    except ImportError:
        return
    talks = f"read_parquet('{run}/6-publish/kept/*.parquet')"
    base = duckdb.connect()
    base.execute("SET threads = 1")

    def ask(question: str) -> object:
        return base.execute(question).fetchall()

    one = "SELECT * FROM {} WHERE id = '{:016x}'"
    yield "open a row", best(lambda n: ask(one.format(talks, n * 977 + 1000)), BESIDE)
    text = (
        "SELECT count(*) FROM {} WHERE len(list_filter(messages, "
        "lambda x: contains(lower(x.content), '{} {}'))) > 0"
    )
    searched = [text.format(talks, WORDS[n], WORDS[n + 1]) for n in range(BESIDE)]
    yield "search", best(lambda n: ask(searched[n]), BESIDE)
    where = "WHERE list_filter(scores, lambda x: x.criterion = 'pacing')[1].value <= {}"
    yield "side bar", best(lambda n: _side_bar(ask, talks, where.format(3 + n / 100)), BESIDE)


def _side_bar(ask: Callable[[str], object], talks: str, where: str) -> None:
    for facet in ("source.name", "source.license", "language.code", "persona.name"):
        ask(f"SELECT {facet}, count(*) FROM {talks} {where} GROUP BY 1")
    for name in MEASURED:
        ask(f"SELECT floor(measures.{name}), count(*) FROM {talks} {where} GROUP BY 1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--folder", type=Path, help="where the run is made, or was [a temporary one]"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "recipe.yaml").is_file():
            make_run(folder, given.rows)
        _show(folder)


def _show(folder: Path) -> None:
    started = time.process_time()
    look = Look(subject(folder, folder / "cache"))
    look.index.refresh()
    taken = time.process_time() - started
    size = sum(path.stat().st_size for path in look.subject.index.iterdir())
    total = look.frame.rows
    print(f"{total:,} rows; index {taken:.2f} CPU-s, {size / total:.0f} bytes a row")
    started = time.process_time()
    look = Look(look.subject)
    look.index.refresh()
    print(f"{'opened again':24}{time.process_time() - started:9.4f}")
    for name, seconds, limit in measures(look):
        print(f"{name:24}{seconds:9.4f}   limit at 1,000,000 rows {limit:g}", flush=True)
    print(f"{'private memory':24}{private_memory() / 1e6:9.0f} MB   limit 300")
    for name, seconds in beside(folder):
        print(f"{'DuckDB: ' + name:32}{seconds:9.4f}", flush=True)


if __name__ == "__main__":
    main()
