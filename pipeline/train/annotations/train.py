"""Classifiers into a folder: a file for each kind that is labelled, and the model card."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.annotate.folding import Array
from pipeline.annotate.own import KINDS
from pipeline.store.files import RunFolder
from pipeline.store.lock import locked
from pipeline.train.annotations.card import card
from pipeline.train.annotations.crossed import Trained, trained
from pipeline.train.annotations.labelled import LabelledMessage, labelled

CARD, REPORT = "README.md", "report.json"


def train_annotations(
    addresses: Sequence[str], out: str, force: bool, notice: Callable[[str], None]
) -> list[Trained]:
    """Train and measure each kind that is labelled. Raises UserError as `labelled` and `trained`
    do; then nothing is written."""
    rows = labelled(addresses, force)
    found = []
    for kind in KINDS:
        count = sum(kind in row.labels for row in rows)
        if count:
            notice(f"{kind}: learns from {count:,} messages")
            found.append(trained(kind, rows))
    folder = RunFolder(out)
    with locked(folder):
        _write(folder, addresses, digest_of(rows), found)
    return found


def _write(
    folder: RunFolder, addresses: Sequence[str], digest: str, found: Sequence[Trained]
) -> None:
    for one in found:
        with folder.committed(f"{one.kind}.npz") as file:
            file.write(packed(one.arrays))
    folder.write_text(CARD, card(addresses, digest, found))
    records = {one.kind: {**one.measures, "messages": one.messages} for one in found}
    folder.write_text(REPORT, json.dumps({"rows": digest, **records}, indent=1) + "\n")


def digest_of(rows: Sequence[LabelledMessage]) -> str:
    """SHA-256 of texts, labels and groups, in hex."""
    whole = hashlib.sha256()
    for row in rows:
        whole.update(json.dumps([row.text, dict(row.labels), row.group]).encode() + b"\n")
    return whole.hexdigest()


def packed(arrays: dict[str, Array]) -> bytes:
    """The bytes of a `.npz`, the same for the same arrays: no time of writing is in it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            one = io.BytesIO()
            np.save(one, np.asanyarray(array))
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, one.getvalue())
    return whole.getvalue()
