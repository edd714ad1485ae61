"""A dataset on the Hub as a source: its files, pinned to a commit, and the conversations in them.

`datasets` finds which files make a config and its splits; the files themselves are read as local
ones are (files.py): a row keeps every field, and one bad row costs one row. `retrieved` stays
empty: the commit names the state that was read. The Hub's own libraries read the environment
(HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from pipeline import UserError, causes
from pipeline.collect import formats, licence, rows
from pipeline.collect.admit import Origin
from pipeline.collect.shapes.transcript import Place
from pipeline.conversation import Row
from pipeline.recipe.collect import CollectSettings, SourceSettings

COMMIT = re.compile(r"[0-9a-f]{40}")
# Errors of the HTTP library, by name: which library it is depends on the version of the Hub's.
UNREACHED = frozenset(
    ["ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError"]
)
CITATION = re.compile(r"^@\w+\s*\{.*?^\}", re.M | re.S)
FRONT = re.compile(r"\s*---\r?\n(.*?)\r?\n---", re.S)  # the YAML at the head of a dataset card


@dataclass(frozen=True, slots=True)
class HubUnit:
    """One file of a dataset; the source's revision is a commit."""

    source: SourceSettings
    path: str


class Snapshot(NamedTuple):
    """A state of a dataset. card: its text."""

    commit: str
    card: str


def resolve(source: SourceSettings) -> SourceSettings:
    """The source with its commit, licence and citation filled in.

    They come from the Hub, or offline from the local cache. Raises UserError: no such dataset or
    revision, gated, no network, or a licence that the card does not name.
    """
    with _explained(source):
        snapshot = _offline(source) if _is_offline() else _online(source)
    citation = source.attribution or _citation(source, snapshot.card)
    found = {"revision": snapshot.commit, "attribution": citation}
    if not source.license:
        found["license"] = _license(source, snapshot.card)
    return licence.checked(source.model_copy(update=found))


def is_pinned(source: SourceSettings) -> bool:
    """Are commit, licence and attribution known already?"""
    is_commit = COMMIT.fullmatch(source.revision or "")
    return bool(is_commit and source.license and source.attribution)


def units(source: SourceSettings) -> list[HubUnit]:
    """The data files of the source's config and split, in the order of the dataset."""
    source = licence.checked(source) if is_pinned(source) else resolve(source)
    with _explained(source):
        splits = _data_files(source)
    if source.split:
        if source.split not in splits:
            known = ", ".join(splits)
            problem = f"no split {source.split!r}; {source.hub} has {known}"
            raise UserError(f"source {source.name}: {problem}")
        splits = {source.split: splits[source.split]}
    once = dict.fromkeys(path for paths in splits.values() for path in paths)
    return [HubUnit(source, path) for path in once]


def read(unit: HubUnit, settings: CollectSettings) -> Iterator[Row]:
    """Every record of one file as a row; refs are owner/name@commit/path#record."""
    source = unit.source
    about = (source.name, source.license, source.attribution, None, source.assistant)
    origin = Origin("hub", *about, settings.max_bytes, source.roles)
    formats.check_ending(unit.path)
    address = f"{source.hub}@{source.revision}/{unit.path}"
    with _explained(source), _opened(unit) as stream:
        yield from rows.rows_of_file(source, Place(address), stream, origin)


def _opened(unit: HubUnit) -> IO[bytes]:
    import huggingface_hub as hub

    name, revision = str(unit.source.hub), unit.source.revision
    if unit.source.stream:
        address = f"datasets/{name}@{revision}/{unit.path}"
        stream: IO[bytes] = hub.HfFileSystem().open(address, "rb")
        return stream
    path = hub.hf_hub_download(name, unit.path, repo_type="dataset", revision=revision)
    return Path(path).open("rb", buffering=1 << 20)


def _is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _online(source: SourceSettings) -> Snapshot:
    import huggingface_hub as hub
    from huggingface_hub.errors import RemoteEntryNotFoundError

    name, revision = str(source.hub), source.revision
    commit = str(hub.HfApi().dataset_info(name, revision=revision).sha)
    try:
        path = hub.hf_hub_download(name, "README.md", repo_type="dataset", revision=revision)
    except RemoteEntryNotFoundError:
        return Snapshot(commit, "")
    return Snapshot(commit, Path(path).read_text("utf-8"))


def _offline(source: SourceSettings) -> Snapshot:
    folder = _cached(source)
    card = folder / "README.md"
    if not card.is_file():
        return Snapshot(folder.name, "")
    return Snapshot(folder.name, card.read_text("utf-8"))


def _cached(source: SourceSettings) -> Path:
    """The local copy of the dataset; its folder is named by the commit."""
    from huggingface_hub import constants

    name = str(source.hub).replace("/", "--")
    root = Path(constants.HF_HUB_CACHE) / f"datasets--{name}"
    revision = source.revision or "main"
    reference = root / "refs" / revision  # a branch's or tag's file holds its commit
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = root / "snapshots" / commit
    if not folder.is_dir():
        raise UserError(
            f"source {source.name}: the Hub is set to offline and {source.hub} is not in the local "
            "cache. Run once with the network, or unset HF_HUB_OFFLINE."
        )
    return folder


def _license(source: SourceSettings, card: str) -> str:
    """The SPDX name of the licence in the dataset card.

    Raises UserError when the card names none, several, or one that is not an open licence's name.
    """
    named = _front(card).get("license")
    names = named if isinstance(named, list) else [named]
    if len(names) == 1 and names[0]:
        known = licence.spdx(str(names[0]))
        if known is not None:
            return known
    content = f"has {named!r}" if named else "does not name one"
    raise UserError(
        f"source {source.name}: licence unknown: the card of {source.hub} {content}. "
        "Read its terms, then write `license:` in the recipe (an SPDX name)."
    )


def _citation(source: SourceSettings, card: str) -> str:
    """The BibTeX entry of the card on one line, else the dataset's name."""
    entry = CITATION.search(card)
    return " ".join(entry[0].split()) if entry else f"{source.hub} on the Hugging Face Hub"


def _front(card: str) -> dict[str, object]:
    """The YAML at the head of a dataset card; empty where it is missing or not valid."""
    import yaml

    match = FRONT.match(card)
    if match:
        with suppress(yaml.YAMLError):
            front = yaml.safe_load(match[1])
            if isinstance(front, dict):
                return front
    return {}


def _data_files(source: SourceSettings) -> dict[str, list[str]]:
    """Split → paths in the repository, by the dataset's own configuration."""
    import datasets

    if _is_offline():
        place, revision = str(_cached(source)), None
        start = f"{place}/"
    else:
        place, revision = str(source.hub), source.revision
        start = f"hf://datasets/{place}@{revision}/"
    empty = (datasets.data_files.EmptyDatasetError, datasets.exceptions.DataFilesNotFoundError)
    where = f"source {source.name}: {source.hub}"
    try:
        builder = datasets.load_dataset_builder(place, name=source.config, revision=revision)
    except empty as error:
        raise UserError(f"{where} holds no data files that can be read") from error
    except RuntimeError as error:
        raise UserError(f"{where} needs its own loading script, which is never run") from error
    except ValueError as error:
        raise UserError(f"{where}: {' '.join(str(error).split())}") from error
    found: dict[object, list[object]] = builder.config.data_files or {}
    return {
        str(split): [str(path).removeprefix(start) for path in paths]
        for split, paths in found.items()
    }


@contextmanager
def _explained(source: SourceSettings) -> Iterator[None]:
    """Turns what fails between here and the Hub into one message that says what to do.

    Any error is looked at, since the libraries wrap them in errors of many kinds; one without a
    known cause is raised as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        messages = (_message(source, cause) for cause in causes(error))
        message = next(filter(None, messages), None)
        if message is None:
            raise
        raise UserError(f"source {source.name}: {message}") from error


def _message(source: SourceSettings, error: BaseException) -> str | None:
    """What an error means and what to do; None where it is not known."""
    from huggingface_hub import constants, errors

    name, where = source.hub, constants.ENDPOINT
    match error:
        case errors.GatedRepoError():
            advice = "ask for access on its page, then set HF_TOKEN (or `hf auth login`)"
            return f"{name} is gated: {advice} and run again."
        case errors.RevisionNotFoundError():
            advice = "Name a branch, a tag or a commit that exists."
            return f"{name} has no revision {source.revision!r}. {advice}"
        case errors.RepositoryNotFoundError():
            advice = "Check the spelling; for a private one set HF_TOKEN."
            return f"no dataset {name} on the Hub, or it is private. {advice}"
        case errors.HFValidationError():
            return f"{name!r} is not a dataset's name; write owner/name."
        case errors.OfflineModeIsEnabled():
            missing = f"{name} is not wholly in the local cache"
            return f"the Hub is set to offline and {missing}. Unset HF_HUB_OFFLINE once."
        case errors.HfHubHTTPError(response=response) if response is not None:
            wait = response.headers.get("Retry-After")
            return _refused(f"the Hub at {where}", name, response.status_code, wait)
    kind = type(error).__name__
    if isinstance(error, ConnectionError) or kind in UNREACHED:
        advice = "Check the network and HF_ENDPOINT; run again."
        return f"cannot reach the Hub at {where} ({kind}). {advice}"
    return None


def _refused(hub: str, name: str | None, status: int, wait: str | None) -> str:
    """What an answer of the Hub means that is neither a page nor a known refusal."""
    if status == 429:
        rest = f"in {wait} seconds" if wait else "later"
        advice = f"Run again {rest}; a token (HF_TOKEN) raises the limit."
        return f"{hub} limits how often it may be asked (429). {advice}"
    if status >= 500:
        return f"{hub} is in trouble ({status}). Nothing is lost: run again later."
    return f"{hub} refuses {name} ({status})."
