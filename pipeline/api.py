"""Rapport from Python: the stages as functions, on paths, lists of dicts and `datasets.Dataset`.

    from pipeline.api import dedup, filter, read

    result = dedup(filter(read("chats.jsonl"), languages=["en"]))
    result.kept.to_dataset()                # what remains, as a datasets.Dataset
    result.dropped[0]["findings"][-1]       # why the first row was dropped
    result.report["reasons"]                # rule → rows that it decided

Each function does what the command of its name does, with the same settings, as keywords
(`rapport recipe --reference` lists them). It works in a temporary folder, which is removed with its
result, or in `out`, where the command line finds it too. Mistakes raise `pipeline.UserError`. With
workers=2 and more, a script needs `if __name__ == "__main__":`, as all that starts processes does.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast, overload

from pipeline import UserError

if TYPE_CHECKING:  # heavy libraries are imported inside the functions
    import datasets
    import pyarrow as pa

    from pipeline.recipe.one_stage import Values
    from pipeline.recipe.settings import Recipe
    from pipeline.store.report import Report
    from pipeline.store.store import Store

Record = dict[str, object]
REHEARSAL = "rehearsal"  # name and address of the offline stand-in
KEY = "API_KEY"  # under which `generate` hands the key of its model on
PUBLISHED = "dataset"  # the folder inside the store of `publish`


class RowList(Sequence[Record]):
    """Rows of a store, as dicts, read part by part when they are asked for.

    kind: kept, dropped or quarantine.
    """

    def __init__(self, store: Store, kind: str, folder: Workspace) -> None:
        self._store = store
        self._kind = kind
        self._folder = folder  # a temporary one is removed when nothing holds it any more
        self._parts = store.parts(kind)

    def __len__(self) -> int:
        return sum(part.rows for part in self._parts)

    def __iter__(self) -> Iterator[Record]:
        for part in self._parts:
            yield from self._store.table(part).to_pylist()

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} rows, and none has the number {index}")
        return self._row(index % len(self))

    def _row(self, number: int) -> Record:
        """The row of a number that is there."""
        for part in self._parts:
            if number < part.rows:
                (row,) = self._store.table(part).slice(number, 1).to_pylist()
                return dict(row)
            number -= part.rows
        raise IndexError(number)

    def to_table(self) -> pa.Table:
        """All rows as one Arrow table."""
        import pyarrow as pa

        from pipeline.store.columns import QUARANTINE_SCHEMA, SCHEMA

        schema = {"quarantine": QUARANTINE_SCHEMA}.get(self._kind, SCHEMA)
        tables = [self._store.table(part) for part in self._parts]
        return pa.concat_tables([schema.empty_table(), *tables])

    def to_dataset(self) -> datasets.Dataset:
        """All rows as a `datasets.Dataset`."""
        import datasets

        return datasets.Dataset(self.to_table())

    @property
    def files(self) -> list[str]:
        """The Parquet files that hold the rows."""
        return [f"{self._store.address}/{part.file}" for part in self._parts]


@dataclass(frozen=True)
class StageResult:
    """What a stage made of its rows. quarantined: what could not be read.

    report: its counts, reasons and measures. path: the dataset of `publish`, else the store.
    """

    kept: RowList
    dropped: RowList
    quarantined: RowList
    report: Report
    path: Path

    def __repr__(self) -> str:
        counts = f"kept {len(self.kept)}, dropped {len(self.dropped)}"
        return f"<{self.report['stage']}: {counts}, quarantined {len(self.quarantined)}>"


Target: TypeAlias = str | Path | None  # of a run; none: a temporary folder
# what a stage takes: a result, its rows, paths, a dataset of the Hub, dicts of any known shape
Data: TypeAlias = (
    "StageResult | RowList | datasets.Dataset | str | Path"
    " | Iterable[str | Path] | Iterable[Mapping[str, object]]"
)


# --- the stages


def read(
    data: Data | None = None, *, out: Target = None, workers: int = 1, **settings: object
) -> StageResult:
    """Conversations of files, of lists, or of the Hub (`hub:owner/name`), in any known shape.

    settings: those of a source (shape, assistant, license, spider, …) and of `collect`.
    """
    from pipeline.recipe.collect import CollectSettings

    general = {key: value for key, value in settings.items() if key in CollectSettings.model_fields}
    of_source = {key: value for key, value in settings.items() if key not in general}
    with _Inputs() as inputs:
        sources: list[Values] = [{"name": "source"}]  # a spider, say: all of it in the settings
        if data is not None:
            sources = inputs.sources(data)
        sources = [source | of_source for source in sources]
        return _run("collect", sources, Workspace(out), general, workers=workers)


def generate(
    data: Data | None = None,
    *,
    model: str = REHEARSAL,
    base_url: str | None = None,
    key: str | None = None,
    out: Target = None,
    workers: int = 1,
    **settings: object,
) -> StageResult:
    """The rows given, if any, and conversations that a model writes (seeds=2, talks=3).

    model, base_url: as in a recipe; as it is, the offline stand-in. key: the key itself; it is
    written nowhere.
    """
    writer: Values = {"model": model, "base_url": base_url}
    secrets: dict[str, str] = {}
    if model == REHEARSAL:
        writer["base_url"] = REHEARSAL
    if key:
        writer["key"], secrets[KEY] = KEY, key
    with _Inputs() as inputs:
        sources: list[Values] = []
        if data is not None:
            sources = inputs.sources(data)
        models = {"writer": writer}
        return _run("generate", sources, Workspace(out), settings, models, secrets, workers)


def filter(data: Data, *, out: Target = None, workers: int = 1, **settings: object) -> StageResult:
    """Rows repaired, and without those that a rule drops."""
    return _of("filter", data, out, workers, settings)


def dedup(data: Data, *, out: Target = None, workers: int = 1, **settings: object) -> StageResult:
    """Rows without duplicates."""
    return _of("dedup", data, out, workers, settings)


def score(data: Data, *, out: Target = None, workers: int = 1, **settings: object) -> StageResult:
    """Rows with measures and annotations."""
    return _of("score", data, out, workers, settings)


def publish(data: Data, *, out: Target = None, workers: int = 1, **settings: object) -> StageResult:
    """A dataset on disk, split without leaks, with its card: `load_dataset(str(result.path))`."""
    return _of("publish", data, out, workers, settings)


def run(
    recipe: str | Path | Mapping[str, object],
    *,
    out: Target = None,
    rehearse: bool = False,
    workers: int = 1,
    keys: Mapping[str, str] | None = None,
) -> dict[str, StageResult]:
    """Run a recipe; the result of each stage by its name. `out` as it is: output/<recipe name>.

    recipe: a path, the name of a bundled recipe, or its values. rehearse: with the offline model.
    keys: of models, by the names that the recipe has for them.
    """
    from pipeline.recipe.loading import find, from_values, load
    from pipeline.recipe.one_stage import rehearsed

    loaded = from_values(recipe) if isinstance(recipe, Mapping) else load(find(str(recipe)))
    if rehearse:
        loaded = rehearsed(loaded)
    folder = Workspace(out or f"output/{loaded.name}")
    return _execute(loaded, folder, workers, keys or {}, None)


def _of(
    stage: str, data: Data, out: Target, workers: int, settings: Mapping[str, object]
) -> StageResult:
    with _Inputs() as inputs:
        return _run(stage, inputs.sources(data), Workspace(out), settings, workers=workers)


def _run(
    stage: str,
    sources: Sequence[Values],
    folder: Workspace,
    settings: Mapping[str, object],
    models: Mapping[str, Values] | None = None,
    secrets: Mapping[str, str] | None = None,
    workers: int = 1,
) -> StageResult:
    """One stage on sources, as the command of its name runs it."""
    from pipeline.recipe.one_stage import of_sources

    recipe = of_sources(folder.path.name, stage, sources, settings, models)
    done = _execute(recipe, folder, workers, secrets or {}, only=("collect", stage))
    return done[stage]


def _execute(
    recipe: Recipe,
    folder: Workspace,
    workers: int,
    secrets: Mapping[str, str],
    only: Sequence[str] | None,
) -> dict[str, StageResult]:
    from pipeline.run import runner
    from pipeline.run.context import Job
    from pipeline.run.engine import Engine

    out = str(folder.path)
    with Engine(workers) as engine:
        job = Job(recipe, out, engine, secrets=secrets)
        _outside_loops(lambda: runner.run(job, only=only))
    return {stage.name: _result(folder, store) for stage, store in runner.outputs(out, only)}


def _result(folder: Workspace, store: Store) -> StageResult:
    path = Path(store.path)
    if store.stage == "publish":
        path /= PUBLISHED
    kinds = ("kept", "dropped", "quarantine")
    kept, dropped, quarantined = (RowList(store, kind, folder) for kind in kinds)
    report = cast("Report", store.read_record("report.json"))
    return StageResult(kept, dropped, quarantined, report, path)


def _outside_loops(work: Callable[[], object]) -> None:
    """Do some work; in a thread of its own where this one runs an event loop, as notebooks do."""
    # `generate` runs a loop of its own, and a thread can run only one
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work()
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


# --- folders and inputs


class Workspace:
    """Where a run works: the user's folder, or one of its own that ends with its last result."""

    def __init__(self, out: Target = None) -> None:
        if out is not None:
            self.path = Path(out)
            return
        # a TemporaryDirectory would warn when it is removed with its last result, which is its use
        self.path = Path(tempfile.mkdtemp(prefix="rapport-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class _Inputs:
    """Data as sources of a recipe. What is in memory is written to files for the time of a run."""

    def __enter__(self) -> _Inputs:
        self._folder = Path(tempfile.mkdtemp(prefix="rapport-in-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def sources(self, data: Data) -> list[Values]:
        """The sources of a recipe that hold the data. Raises UserError at any other data."""
        if isinstance(data, StageResult):
            data = data.kept
        if isinstance(data, RowList):
            return [{"name": "rows", "files": data.files or [self._records([])]}]
        if isinstance(data, str | Path):
            return _of_paths([data])
        if isinstance(data, Mapping):  # a `datasets.DatasetDict` is one too
            kind = type(data).__name__
            raise UserError(f"{kind}: give a list of rows, or one split of it: data['train'].")
        if _is_dataset(data):
            return [{"name": "rows", "files": [self._dataset(data)]}]
        items = list(data)
        if items and all(isinstance(item, str | Path) for item in items):
            return _of_paths(items)
        return [{"name": "rows", "files": [self._records(items)]}]

    def _dataset(self, data: datasets.Dataset) -> str:
        return self._table(data.with_format("arrow")[:])

    def _table(self, table: pa.Table) -> str:
        """An Arrow table; rows of an earlier result get the schema of stores again."""
        import pyarrow.parquet as pq

        from pipeline.store.columns import SCHEMA, as_schema

        path = self._folder / "rows.parquet"
        if set(table.column_names) == set(SCHEMA.names):
            known = as_schema(table.select(SCHEMA.names), SCHEMA, "the dataset")
            table = known.cast(SCHEMA)
        pq.write_table(table, path)
        return str(path)

    def _records(self, items: Sequence[object]) -> str:
        """Rows of an earlier result as they are, anything else as JSON lines."""
        from pipeline.store.columns import SCHEMA

        records = [_checked(number, item) for number, item in enumerate(items)]
        if records and all(record.keys() == set(SCHEMA.names) for record in records):
            return self._table(_as_rows(records))
        lines = [json.dumps(record, ensure_ascii=False, default=str) for record in records]
        path = self._folder / "rows.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return str(path)


def _checked(number: int, item: object) -> dict[str, object]:
    if isinstance(item, Mapping):
        return dict(item)
    wanted = "a dict, as {'messages': [{'role': 'user', 'content': …}, …]}"
    raise UserError(f"row {number} is of type {type(item).__name__}; a row is {wanted}.")


def _as_rows(records: list[dict[str, object]]) -> pa.Table:
    """Records with all columns of a row. Raises UserError where a value cannot be in its column."""
    import pyarrow as pa

    from pipeline.store.columns import SCHEMA

    try:
        return pa.Table.from_pylist(records, SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise UserError(f"a row has a value that does not fit its column: {error}") from None


def _of_paths(paths: Sequence[str | Path]) -> list[Values]:
    from pipeline.recipe.one_stage import named

    pairs = named([str(path) for path in paths])
    return [_of_path(name, path) for name, path in pairs]


def _of_path(name: str, path: str) -> Values:
    if path.startswith("hub:"):
        return {"hub": path.removeprefix("hub:")}
    return {"name": name, "files": [path]}


def _is_dataset(data: object) -> bool:
    """Is it a `datasets.Dataset`? Where nobody has imported `datasets`, nothing is."""
    known = sys.modules.get("datasets")
    return known is not None and isinstance(data, known.Dataset)
