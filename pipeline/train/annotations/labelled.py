"""Labelled messages: of files with a message a row, or of what `generate` has planned.

    {"text": "I miss you", "emotion": "love", "closeness": 0.8, "group": "scene 4"}

JSON Lines, CSV, TSV or Parquet, each row with `text` and one label or more; `language` (ISO 639-1)
is found where it is not stated. `group` names what belongs together (a scene, an author, a
conversation): no group is trained on and measured on at once. Without it every row is a group of
its own. Of a run or dataset the stage and the decision of each message are taken where the plan or
the source gave them: what `score` found is no label.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.annotate.own import CLASSES, KINDS
from pipeline.publish.configs.made import UNKNOWN, PublishedRow
from pipeline.publish.split import TRAIN
from pipeline.recipe.base import did_you_mean
from pipeline.rules.language.detect import detect
from pipeline.train import data

FOUND_BY_SCORE = ("course", "classifier")
ENDINGS = (".jsonl", ".csv", ".tsv", ".parquet")
SHOWN = "write JSON Lines, CSV, TSV or Parquet with `text` and " + ", ".join(KINDS)


class LabelledMessage(NamedTuple):
    """A message with its labels, by kind. where: for the reader."""

    text: str
    labels: Mapping[str, float | str]
    group: str
    language: str | None
    where: str


def labelled(addresses: Sequence[str], force: bool = False) -> list[LabelledMessage]:
    """The labelled messages of files, runs and datasets. force: rehearsal too.

    Raises UserError that names file, line and field of a wrong label.
    """
    found = [one for address in addresses for one in _of_address(address, force)]
    if not any(one.labels for one in found):
        raise UserError(f"{', '.join(addresses)}: no message has a label: {SHOWN}.")
    return _with_languages(found)


def _of_address(address: str, force: bool) -> Iterator[LabelledMessage]:
    path = Path(address)
    if path.is_file():
        for number, record in enumerate(_records(path), 1):
            yield _message(record, f"{address}:{number}")
        return
    source = data.published(address)
    configs = ("full", "rehearsal") if force else ("full",)
    for config in configs:
        for row in source.rows(config, TRAIN):
            yield from _of_row(row)


def _records(path: Path) -> Iterable[Mapping[str, Any]]:
    """The rows of a file, by its ending."""
    if path.suffix == ".parquet":
        rows: list[Mapping[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8.") from None
    if path.suffix == ".jsonl":
        return _of_lines(path, text)
    if path.suffix in (".csv", ".tsv"):
        return csv.DictReader(io.StringIO(text), dialect=_dialect(path))
    raise UserError(f"{path}: {SHOWN}; its name ends in one of {', '.join(ENDINGS)}.")


def _dialect(path: Path) -> type[csv.Dialect]:
    return csv.excel_tab if path.suffix == ".tsv" else csv.excel


def _of_lines(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}:{number}: no JSON: {error}.") from None
        if not isinstance(record, dict):
            raise UserError(f"{path}:{number}: a row is an object: {SHOWN}.")
        yield record


def _message(record: Mapping[str, Any], where: str) -> LabelledMessage:
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where}: the field `text` is missing or empty: {SHOWN}.")
    given = {kind: record.get(kind) for kind in KINDS}
    labels = {
        kind: _label(kind, value, where) for kind, value in given.items() if value not in (None, "")
    }
    group = str(record.get("group") or where)
    return LabelledMessage(text, labels, group, record.get("language") or None, where)


def _label(kind: str, value: Any, where: str) -> float | str:
    if kind in CLASSES:
        if value not in CLASSES[kind]:
            hint = did_you_mean(str(value), CLASSES[kind]) or f"one of {', '.join(CLASSES[kind])}"
            raise UserError(f"{where}: {kind} `{value}` is unknown; {hint}.")
        return str(value)
    try:
        closeness = float(value)
    except (TypeError, ValueError):
        closeness = float("nan")
    if not -1 <= closeness <= 1:
        raise UserError(f"{where}: closeness `{value}` is no number from -1 to 1.")
    return closeness


def _of_row(row: PublishedRow) -> Iterator[LabelledMessage]:
    """The messages of a row of `full`, with what the plan or the source says of each."""
    language = row.get("language")
    code = language["code"] if isinstance(language, dict) else language
    group = row.get("split_group") or row["id"]
    both = zip(row["messages"], row["annotations"] or (), strict=False)
    for number, (message, known) in enumerate(both):
        if message["role"] == "system" or known["by"] in FOUND_BY_SCORE:
            continue
        labels = {kind: known[kind] for kind in ("stage", "decision") if known[kind]}
        if message["role"] == "user":
            labels.pop("decision", None)  # it is the assistant who decides
        where = f"{row['id']}#{number}"
        own = None if code == UNKNOWN else code
        yield LabelledMessage(message["content"], labels, group, own, where)


def _with_languages(found: Sequence[LabelledMessage]) -> list[LabelledMessage]:
    """Messages with their language, found from all of their group where no row states it."""
    groups: dict[str, list[str]] = {}
    for one in found:
        if one.language is None:
            groups.setdefault(one.group, []).append(one.text)
    codes: dict[str, str | None] = {}
    for name, detection in zip(groups, detect(list(groups.values())), strict=True):
        language = detection.language
        codes[name] = language.code if language else None
    return [one._replace(language=one.language or codes[one.group]) for one in found]
