"""A dataset on the Hub as a source: which files it means, pinned to a commit, and the conversations in them.

`datasets` says which files make a config and its splits; the files themselves are read as local ones are (files.py): a
row keeps every field, and one bad row costs one row. `retrieved` stays empty: the commit says which state was read.
Environment (HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME) is honoured by the Hub's own libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pipeline import UserError
from pipeline.collect import licence, readers, rows
from pipeline.collect.admit import Origin
from pipeline.conversation import Row
from pipeline.recipe.settings import CollectSettings, SourceSettings

COMMIT = re.compile(r"[0-9a-f]{40}")
UNREACHED = (
    "ConnectError",
    "ConnectTimeout",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
)  # of httpx2
CITATION = re.compile(r"^@\w+\s*\{.*?^\}", re.M | re.S)


@dataclass(frozen=True, slots=True)
class HubUnit:
    """One file of a dataset; the source's revision is a commit."""

    source: SourceSettings
    path: str


def resolve(source: SourceSettings) -> SourceSettings:
    """The source with its commit, licence and citation filled in from the Hub, or offline from the local cache.

    Raises UserError: no such dataset or revision, gated, no network, or a licence that the card does not name.
    """
    with _explained(source):
        commit, card = _offline(source) if _is_offline() else _online(source)
    found = {"revision": commit, "attribution": source.attribution or _citation(source, card)}
    if not source.license:
        found["license"] = _license(source, card)
    return licence.checked(source.model_copy(update=found))


def is_pinned(source: SourceSettings) -> bool:
    """Whether commit, licence and attribution are known already."""
    return bool(COMMIT.fullmatch(source.revision or "") and source.license and source.attribution)


def units(source: SourceSettings) -> list[HubUnit]:
    """The data files of the source's config and split, in the order of the dataset."""
    source = licence.checked(source) if is_pinned(source) else resolve(source)
    with _explained(source):
        splits = _data_files(source)
    if source.split and source.split not in splits:
        raise UserError(
            f"source {source.name}: no split {source.split!r}; {source.hub} has {', '.join(splits)}"
        )
    paths = [
        path for split, paths in splits.items() if source.split in (None, split) for path in paths
    ]
    return [HubUnit(source, path) for path in dict.fromkeys(paths)]


def read(unit: HubUnit, settings: CollectSettings) -> Iterator[Row]:
    """Every record of one file of the dataset as a row; refs are owner/name@commit/path#record."""
    source = unit.source
    origin = Origin(
        "hub",
        source.name,
        source.license,
        source.attribution,
        None,
        source.assistant,
        settings.max_bytes,
    )
    readers.known_format(unit.path)
    with _explained(source), _opened(unit) as stream:
        yield from rows.rows_of_file(
            source, f"{source.hub}@{source.revision}/{unit.path}", stream, origin
        )


def _opened(unit: HubUnit) -> IO[bytes]:
    import huggingface_hub as hub

    source = unit.source
    if source.stream:
        address = f"datasets/{source.hub}@{source.revision}/{unit.path}"
        stream: IO[bytes] = hub.HfFileSystem().open(address, "rb")
        return stream
    path = hub.hf_hub_download(
        str(source.hub), unit.path, repo_type="dataset", revision=source.revision
    )
    return Path(path).open("rb", buffering=1 << 20)


def _is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _online(source: SourceSettings) -> tuple[str, str]:
    """(commit, text of the dataset card)"""
    import huggingface_hub as hub
    from huggingface_hub.errors import RemoteEntryNotFoundError

    commit = str(hub.HfApi().dataset_info(str(source.hub), revision=source.revision).sha)
    try:
        path = hub.hf_hub_download(
            str(source.hub), "README.md", repo_type="dataset", revision=source.revision
        )
    except RemoteEntryNotFoundError:
        return commit, ""
    return commit, Path(path).read_text("utf-8")


def _offline(source: SourceSettings) -> tuple[str, str]:
    folder = _cached(source)
    card = folder / "README.md"
    return folder.name, card.read_text("utf-8") if card.is_file() else ""


def _cached(source: SourceSettings) -> Path:
    """The local copy of the dataset; its folder is named by the commit."""
    from huggingface_hub import constants

    root = Path(constants.HF_HUB_CACHE) / f"datasets--{str(source.hub).replace('/', '--')}"
    note = root / "refs" / (source.revision or "main")
    folder = (
        root
        / "snapshots"
        / (note.read_text().strip() if note.is_file() else source.revision or "main")
    )
    if not folder.is_dir():
        raise UserError(
            f"source {source.name}: the Hub is set to offline and {source.hub} is not in the local cache. "
            "Run once with the network, or unset HF_HUB_OFFLINE."
        )
    return folder


def _license(source: SourceSettings, card: str) -> str:
    """The SPDX name in the dataset card; refused when it names none, several, or one that is no open licence's name."""
    said = _front(card).get("license")
    names = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    known = licence.spdx(str(names[0])) if len(names) == 1 else None
    if known is None:
        looks = f"says {said!r}" if said else "does not name one"
        raise UserError(
            f"source {source.name}: licence unknown: the card of {source.hub} {looks}. "
            "Read its terms, then say `license:` in the recipe (an SPDX name)."
        )
    return known


def _citation(source: SourceSettings, card: str) -> str:
    """The BibTeX entry of the card on one line, else the dataset's name."""
    entry = CITATION.search(card)
    return " ".join(entry[0].split()) if entry else f"{source.hub} on the Hugging Face Hub"


def _front(card: str) -> dict[str, Any]:
    """The YAML at the head of a dataset card."""
    import yaml

    match = re.match(r"\s*---\r?\n(.*?)\r?\n---", card, re.S)
    try:
        front = yaml.safe_load(match[1]) if match else {}
    except yaml.YAMLError:
        front = {}
    return front if isinstance(front, dict) else {}


def _data_files(source: SourceSettings) -> dict[str, list[str]]:
    """Split → paths in the repository, as `datasets` understands the dataset's own configuration."""
    import datasets

    offline = _is_offline()
    place = str(_cached(source)) if offline else str(source.hub)
    revision = None if offline else source.revision
    try:
        builder = datasets.load_dataset_builder(place, name=source.config, revision=revision)
    except (
        datasets.data_files.EmptyDatasetError,
        datasets.exceptions.DataFilesNotFoundError,
    ) as error:
        raise UserError(
            f"source {source.name}: {source.hub} holds no data files that can be read"
        ) from error
    except RuntimeError as error:
        raise UserError(
            f"source {source.name}: {source.hub} needs its own loading script, which is never run"
        ) from error
    except ValueError as error:
        raise UserError(
            f"source {source.name}: {source.hub}: {' '.join(str(error).split())}"
        ) from error
    start = f"{place}/" if offline else f"hf://datasets/{source.hub}@{source.revision}/"
    found = builder.config.data_files or {}
    return {
        str(split): [str(path).removeprefix(start) for path in paths]
        for split, paths in found.items()
    }


@contextmanager
def _explained(source: SourceSettings) -> Iterator[None]:
    """What goes wrong on the way to the Hub, as one message that says what to do."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        message = next(filter(None, (_message(source, cause) for cause in _causes(error))), None)
        if message is None:
            raise
        raise UserError(f"source {source.name}: {message}") from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What was raised first, first: the libraries wrap a refused request into ever vaguer errors."""
    if error is not None:
        yield from _causes(error.__cause__ or error.__context__)
        yield error


def _message(source: SourceSettings, error: BaseException) -> str | None:
    from huggingface_hub import constants, errors

    name, where = source.hub, constants.ENDPOINT
    match error:
        case errors.GatedRepoError():
            return f"{name} is gated: ask for access on its page, then set HF_TOKEN (or `hf auth login`) and run again."
        case errors.RevisionNotFoundError():
            return f"{name} has no revision {source.revision!r}. Name a branch, a tag or a commit that exists."
        case errors.RepositoryNotFoundError():
            return f"no dataset {name} on the Hub, or it is private. Check the spelling; for a private one set HF_TOKEN."
        case errors.HFValidationError():
            return f"{name!r} is no name of a dataset; write owner/name."
        case errors.OfflineModeIsEnabled():
            return f"the Hub is set to offline and {name} is not wholly in the local cache. Unset HF_HUB_OFFLINE once."
        case errors.HfHubHTTPError() if error.response is not None:
            return _refused(name, where, error.response)
    if isinstance(error, ConnectionError) or type(error).__name__ in UNREACHED:
        return f"cannot reach the Hub at {where} ({type(error).__name__}). Check the network and HF_ENDPOINT; run again."
    return None


def _refused(name: str | None, where: str, response: Any) -> str:
    status, wait = response.status_code, response.headers.get("Retry-After")
    if status == 429:
        rest = f"in {wait} seconds" if wait else "later"
        return f"the Hub limits how often it may be asked (429). Run again {rest}; a token (HF_TOKEN) raises the limit."
    if status >= 500:
        return f"the Hub at {where} is in trouble ({status}). Nothing is lost: run again later."
    return f"the Hub at {where} refuses {name} ({status})."
