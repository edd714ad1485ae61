"""A release on the Hub, loaded back and compared with what was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.publish.hub_errors import retried
from pipeline.publish.outgoing import Outgoing, Release


def load_back(name: str, revision: str, release: Release, paths: Iterable[str]) -> None:
    """Download these files and compare their bytes and rows, one after the other; then let
    `datasets` find every config, its splits, their rows and the first of them.

    Raises UserError where something else is there than what was sent.
    """
    for path in paths:
        if path in release.files:
            _compare(name, revision, path, release.files[path])
    for config, rows in release.rows.items():
        found = retried(lambda config=config: _loaded(name, revision, config))  # type: ignore[misc]
        if found != rows:
            problem = f"`datasets` finds {found} rows of {config} in {name}, not {rows}"
            raise UserError(f"{problem}. Do not use this release; push again.")


def _compare(name: str, revision: str, path: str, sent: Outgoing) -> None:
    import huggingface_hub as hub

    with TemporaryDirectory() as folder:

        def download() -> str:
            return hub.hf_hub_download(
                name,
                path,
                repo_type="dataset",
                revision=revision,
                local_dir=folder,
                force_download=True,  # not what is cached here
            )

        found = Path(retried(download))
        with found.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sent.sha256:
            raise UserError(f"{path} in {name} is not what was sent. Push again.")
        if sent.rows is not None and pq.read_metadata(found).num_rows != sent.rows:
            raise UserError(f"{path} in {name} has not the rows that were sent. Push again.")


def _loaded(name: str, revision: str, config: str) -> dict[str, int]:
    """The rows of every split as a loader counts them; it reads the first of each."""
    import datasets

    found = {}
    for split, rows in datasets.load_dataset(
        name, config, revision=revision, streaming=True
    ).items():
        next(iter(rows))
        found[str(split)] = rows.info.splits[split].num_examples
    return found
